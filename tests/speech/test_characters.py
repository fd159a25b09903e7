"""Characters: any text in those that English is written with, and the rest named."""

# ruff: noqa: RUF001 - letters of many alphabets
from __future__ import annotations

import string
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.speech import characters


@pytest.mark.parametrize(
    "text, plain",
    [
        ("Café naïve Łódź øre Straße Æsir œuvre ﬁn", "Cafe naive Lodz ore Strasse Aesir oeuvre fin"),
        ("e\u0301te\u0301", "ete"),  # accents of their own
        ("\u201cHi,\u201d it\u2019s \u2018so\u2019\u2026", "\"Hi,\" it's 'so'..."),
        ("a\u2014b \u2013 c\u00a0d\te\nf", "a -- b \u2013 c d e f"),
        ("½ 3½ m² № 5 \u2212 2", " 1/2 3 1/2 m squared   number  5 - 2"),
        ("soft\u00adhyphen\u200b \ufeff", "softhyphen "),
        ("😀👍🏽❤\ufe0f", ", grinning face, , thumbs up sign, , heavy black heart, "),
        ("🇬🇧", " G  B "),
        ("10⁸ 10⁻¹² 10² word¹", "10 to the power of 8 10 to the power of -12 10 squared  word1"),
        ("1\ufe0f\u20e3", "1"),
        ("٣५①", "351"),  # digits of other scripts
        ("ＡＢ！", "AB!"),
        ("π r α", " pi  r  alpha "),
        ("→ ∞ € ©", " rightwards arrow   infinity  €  copyright "),
        ("──┼──", "     "),
    ],
)
def test_plain_text(text: str, plain: str) -> None:
    assert characters.plain(text) == plain
    assert characters.unsaid(plain) == ()


@pytest.mark.parametrize(
    "text, unsaid",
    [
        ("Привет", "Привет"),
        ("日本 日", "日本"),
        ("λόγος", "λόγος"),
        ("a\x00b\x1bc", "\x00\x1b"),
        ("\ud800", "\ud800"),
        ("ə", "ə"),
    ],
)
def test_other_alphabets_and_signs_of_machines_are_left_as_they_are(text: str, unsaid: str) -> None:
    assert characters.unsaid(characters.plain(text)) == tuple(dict.fromkeys(unsaid))


def test_characters_are_named() -> None:
    assert characters.named("я") == "'я' (cyrillic small letter ya)"
    assert characters.named("\x00") == "U+0000"


def test_letters_are_spelt_with_a_mark_that_no_text_has() -> None:
    assert characters.spelt("U.S.") == "u\x1f s\x1f"
    assert characters.LETTER not in characters.plain("a\x1fb")


@given(st.characters())
def test_each_character_is_said_or_left(character: str) -> None:
    plain = characters.plain(character)
    assert set(plain) <= characters.KEPT or plain == character


def test_what_is_written_with_keys_stays() -> None:
    assert characters.plain(string.printable[:95]) == string.printable[:95]


@pytest.mark.slow
def test_all_characters_there_are() -> None:
    for point in range(sys.maxunicode + 1):
        plain = characters.plain(chr(point))
        assert set(plain) <= characters.KEPT or plain == chr(point)
