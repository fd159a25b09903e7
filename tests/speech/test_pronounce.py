"""How words are said: alternatives, stress, and words that no dictionary has."""

from __future__ import annotations

import pytest

from wavenet.speech import pronounce
from wavenet.speech.dictionary import VOWELS
from wavenet.speech.phones import Phone


@pytest.fixture(autouse=True)
def installed() -> None:
    for package in ("pocketsphinx", "phonemizer", "espeakng_loader"):
        pytest.importorskip(package)


def written(phones: tuple[Phone, ...]) -> str:
    return " ".join(f"{phone.name}{phone.stress}" if phone.name in VOWELS else phone.name for phone in phones)


def test_a_word_has_alternatives() -> None:
    assert [len(way) for way in pronounce.alternatives("hello", 3)] == [4, 4]
    assert {phone.word for way in pronounce.alternatives("hello", 3) for phone in way} == {3}


def test_words_of_grammar_are_unstressed() -> None:
    assert list(map(written, pronounce.alternatives("and"))) == ["AH0 N D", "AE0 N D"]
    assert list(map(written, pronounce.alternatives("the"))) == ["DH AH0", "DH IY0"]


def test_a_word_that_no_dictionary_has_is_said_by_rule() -> None:
    assert list(map(written, pronounce.alternatives("wavenet"))) == ["W EY1 V N IH0 T"]


@pytest.mark.parametrize(
    "word, heard, stressed",
    [
        ("wavenet", "W EY V N IH T", "W EY1 V N IH0 T"),
        ("wavenet", "W EH V N AH T", "W EH1 V N AH0 T"),  # as many vowels
        ("wavenet", "V AH N IY T AA", "V AH1 N IY0 T AA0"),  # other vowels
        ("to", "T AH", "T AH0"),
        ("shh", "SH", "SH"),
    ],
)
def test_phones_that_were_heard_are_given_stress(word: str, heard: str, stressed: str) -> None:
    assert written(pronounce.stressed(word, heard.split())) == stressed
