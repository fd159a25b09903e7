"""The dictionary: what it says of words, in 39 phones, read once and soon."""

# ruff: noqa: RUF001 - letters of IPA
from __future__ import annotations

import time

import pytest

from wavenet.errors import InputError
from wavenet.speech import dictionary

pytestmark = pytest.mark.usefixtures("english")


def names(word: str) -> list[str]:
    return [" ".join(name for name, _ in way) for way in dictionary.entries(word)]


def test_words_are_said_in_all_the_ways_that_it_has() -> None:
    assert names("hello") == ["HH AH L OW", "HH EH L OW"]
    assert names("record") == ["R AH K AO R D", "R EH K ER D", "R IH K AO R D"]
    assert names("b.") == ["B IY"]
    assert dictionary.entries("aback") == [(("AH", 0), ("B", 0), ("AE", 1), ("K", 0))]
    assert names("aalborg")[0] == "AO L B AO R G"  # a comment follows


def test_what_it_does_not_have_is_not_made_up() -> None:
    assert names("wavenet") == names("") == names("#") == []
    assert dictionary.known("don't") and not dictionary.known("Don't") and not dictionary.known("wavenet")


def test_all_words_consist_of_the_39_phones() -> None:
    assert len(set(dictionary.PHONES)) == 39
    used = {name for word in dictionary._entries() for way in dictionary.entries(word) for name, _ in way}
    assert used == set(dictionary.PHONES)


def test_phones_are_english_where_all_of_them_are_the_dictionarys() -> None:
    assert dictionary.is_english(["AA", "ZH"]) and not dictionary.is_english(["AA", "aː"])


def test_it_is_read_in_less_than_three_tenths_of_a_second() -> None:
    dictionary._entries.cache_clear()
    before = time.process_time()
    assert dictionary.known("hello")
    assert time.process_time() - before < 0.3


def test_without_it_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    dictionary._entries.cache_clear()
    monkeypatch.setattr(dictionary.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'wavenet-audio\[speech\]'"):
        dictionary.known("hello")
