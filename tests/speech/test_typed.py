"""Phones that a user writes: words, stress, pauses, and what is refused."""

# ruff: noqa: RUF001 - letters of IPA
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.errors import InputError
from wavenet.speech import typed
from wavenet.speech.dictionary import PHONES
from wavenet.speech.phones import SILENCE, Phone


def shown(text: str) -> str:
    spoken = typed.parse(text)
    pauses = iter(spoken.pauses)
    return " ".join(next(pauses).mark if p.silent else f"{p.name}{p.stress or ''}/{p.word}" for p in spoken.phones)


@pytest.mark.parametrize(
    "text, phones",
    [
        ("HH AH L OW1 _ W ER1 L D", "HH/0 AH/0 L/0 OW1/0 W/1 ER1/1 L/1 D/1 ."),
        ("hh ah l ow, w er l d | k", "HH/0 AH1/0 L/0 OW/0 , W/1 ER1/1 L/1 D/1 ; K/2 ."),
        ("AH0 N", "AH/0 N/0 ."),
        ("AH2 N AH", "AH2/0 N/0 AH/0 ."),
        (", _ | AA _ , , _ B _ _ K |", "AA1/0 , B/1 K/2 ."),
    ],
)
def test_written_phones(text: str, phones: str) -> None:
    assert shown(text) == phones


@pytest.mark.parametrize(
    "text, message",
    [
        ("HHH AH", r"got the phone 'HHH' \(did you mean 'HH'\?\), expected some of AA AE .* ZH, with spaces between$"),
        ("AH3", r"got the phone 'AH3' \(did you mean 'AH'\?\)"),
        ("K1 AA", "got the phone 'K1', but only vowels have a stress: write 'K'$"),
        ("", "got no phones in '', expected some such as 'HH AH L OW1'$"),
        ("_ , |", "got no phones"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        typed.parse(text)


def test_a_voice_has_its_own_phones() -> None:
    spoken = typed.parse("ʁ a1 | x", known=("ʁ", "a", "x"))
    assert spoken.phones == (Phone("ʁ", 0, 0), Phone("a", 1, 0), Phone(SILENCE), Phone("x", 0, 1), Phone(SILENCE))
    for strange in "BX":  # letters of other sets mean other sounds when they are large
        with pytest.raises(InputError, match=f"got the phone '{strange}'.*, expected some of ʁ a x, "):
            typed.parse(strange, known=("ʁ", "a", "x"))


@pytest.mark.parametrize(
    "text, phones",
    [
        ("ɡ ˈuː t ə n _ ˌtʃ", "ɡ/0 uː1/0 t/0 ə/0 n/0 tʃ2/1"),
        ("g 'u: t ə n", "ɡ/0 uː1/0 t/0 ə/0 n/0"),  # as on a keyboard
        ("c\u0327 n|\\ , n", "\u00e7/0 n|\\/0 n/1"),  # a letter and its mark apart; a click that has a bar in its name
        ("ts t, ts", "ts/0 t/0 ts/1"),
    ],
)
def test_letters_of_ipa(text: str, phones: str) -> None:
    known = ("ɡ", "uː", "t", "ə", "n", "tʃ", "ts", "\u00e7", "n|\\")
    said = [phone for phone in typed.parse(text, known).phones if not phone.silent]
    assert " ".join(f"{phone.name}{phone.stress or ''}/{phone.word}" for phone in said) == phones


@given(st.lists(st.sampled_from([*PHONES, "_", ",", "|", "AH0", "AH1", "K2", "x", "1"]), max_size=12).map(" ".join))
def test_all_else_is_said_in_order(text: str) -> None:
    try:
        spoken = typed.parse(text)
    except InputError:
        assert not set(text.split()) & set(PHONES) or {"K2", "x", "1"} & set(text.split()) or set(text) <= set("_,| ")
        return
    written = [symbol.rstrip("012") for symbol in text.split() if symbol not in "_,|"]
    assert [phone.name for phone in spoken.phones if not phone.silent] == written
    assert sum(phone.silent for phone in spoken.phones) == len(spoken.pauses)
    assert spoken.pauses[-1].after == 1 + max(phone.word for phone in spoken.phones)
