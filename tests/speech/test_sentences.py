"""Where sentences end, and where they do not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.speech.sentences import split


@pytest.mark.parametrize(
    "text",  # sentences with | between
    [
        "One.| Two!| Three?| Four",
        "Dr. Smith is 3.5 m tall.| He left.",
        "J. R. Smith and the U.S. Army.| Yes.",
        "It was I.| He knew.",
        "\u201cStop!\u201d he said.| \u201cWhy?\u201d| She left.",
        "(So it was.)| Then",
        "Wait... what?!| Well\u2026| No",
        "At 5 p.m. on Monday.| At 5 p.m.| We left.",
        "We saw cats, dogs, etc.| They slept, e.g. Tom.",
        "No. 5 is it.| No.| I am.| See p. 7 and vol. 2.",
        "1. First.| 22. Second.",
        "We have 3.| Then four.",
        "Typed without spaces.|Then more of node.js and 3.5.",
        "A title\n\n|A line\nthat goes on.\n \n\n|End",
        "A list:\n|- one\n|- two\n|* three\n|1. four\n|2) five",
        "Over.\f|Next page",
        "Hello. [pause 1s]| World [pause 2s].| Then. [pause 1s] [pause 2s]| End.",
        "你好。|再见\uff01|Bye",
        "in Jan. 2026 and on Wed.| Then",
        "windows\r\nlines\r\n\r\n|end",
    ],
)
def test_where_sentences_end(text: str) -> None:
    expected = [part.strip().replace("\r\n", "\n") for part in text.split("|")]
    assert split(text.replace("|", "")) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\n\n", "\f"])
def test_nothing_has_no_sentences(text: str) -> None:
    assert split(text) == []


@given(st.text(alphabet=st.sampled_from("abA .!?\n\"'1[]…。-"), max_size=80) | st.text())
def test_no_character_is_lost(text: str) -> None:
    found = split(text)
    assert "".join("".join(found).split()) == "".join(text.replace("\x85", "\x85").split())
    assert all(sentence == sentence.strip() and sentence for sentence in found)


@pytest.mark.parametrize(
    "piece", [".", ". ", "\n", "\n ", '."', "[pause ", ".[pause 1s] ", "a.", "A. ", "?!", " ", "'"]
)
def test_any_text_is_split_in_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    before = time.process_time()
    split(text + "x")
    assert time.process_time() - before < 5
