"""Phones are read from their symbols: letters in one spelling, stress apart."""

# ruff: noqa: RUF001 - letters of IPA
from __future__ import annotations

import pytest

from wavenet.speech import spelling
from wavenet.speech.dictionary import PHONES


@pytest.mark.parametrize(
    "symbol, phone",
    [
        *(("AH1", ("AH", 1)), ("ER0", ("ER", 0)), ("UW2", ("UW", 2)), ("T", ("T", 0))),
        *(("ˈaː", ("aː", 1)), ("ˌɛ", ("ɛ", 2)), ("tʃ", ("tʃ", 0)), ("ɑu2", ("ɑu2", 0)), ("ˈɑu2", ("ɑu2", 1))),
        *(("AN1", ("AN1", 0)), ("T2", ("T2", 0)), ("AH3", ("AH3", 0)), ("a1", ("a1", 0))),  # tones, of no English vowel
        *(("ˈ", ("ˈ", 0)), ("", ("", 0)), ("c\u0327", ("\u00e7", 0)), ("ˈɑ\u0303", ("ɑ\u0303", 1))),
    ],
)
def test_a_symbol_is_a_phone_and_its_stress(symbol: str, phone: tuple[str, int]) -> None:
    assert spelling.phone(symbol) == phone


def test_the_phones_of_english_stand_for_themselves() -> None:
    assert [spelling.phone(name) for name in PHONES] == [(name, 0) for name in PHONES]
    assert spelling.composed("c\u0327a") == "\u00e7a"
