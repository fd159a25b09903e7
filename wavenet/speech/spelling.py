"""How phones are written: their letters, and the marks of stress at them."""

# ruff: noqa: RUF001, RUF002 - letters of phonetics look like others
from __future__ import annotations

import unicodedata

from wavenet.speech.dictionary import VOWELS

STRESS = {"ˈ": 1, "ˌ": 2}  # of the International Phonetic Alphabet: they stand before a sound


def composed(symbol: str) -> str:
    """Return a symbol in one spelling of its letters: ``ç`` is one character in some files and two in others."""
    return unicodedata.normalize("NFC", symbol)


def phone(symbol: str) -> tuple[str, int]:
    """Return the phone that a symbol stands for, and its stress: ``AH1`` of CMUdict, ``ˈaː`` of IPA; 0 without one."""
    symbol = composed(symbol)
    if symbol[:-1] in VOWELS and symbol[-1] in "012":
        return symbol[:-1], int(symbol[-1])
    if symbol[:1] in STRESS and len(symbol) > 1:
        return symbol[1:], STRESS[symbol[0]]
    return symbol, 0
