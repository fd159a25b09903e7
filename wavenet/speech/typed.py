"""Phones that a user writes instead of text: ``HH AH L OW1 _ W ER1 L D``, or ``h a l ˈoː`` in letters of IPA."""

# ruff: noqa: RUF001, RUF002 - letters of phonetics look like others
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from wavenet.errors import InputError, did_you_mean
from wavenet.speech import spelling
from wavenet.speech.dictionary import CONSONANTS, PHONES, VOWELS, is_english
from wavenet.speech.normal import Pause
from wavenet.speech.phones import SILENCE, Phone
from wavenet.speech.pronounce import Spoken

NOT_GIVEN = -1  # a stress
BETWEEN_WORDS = "_"
PAUSES = {",": ",", "|": ";"}  # a short pause, and one as of a semicolon
KEYBOARD = str.maketrans({":": "ː", "'": "ˈ", "g": "ɡ"})  # what stands for letters of IPA


def parse(text: str, known: Sequence[str] = PHONES) -> Spoken:
    """Return phones that are written with spaces between, ``_`` between words, ``,`` and ``|`` as pauses.

    A vowel's stress may stand behind it: 1 primary, 2 secondary, 0 none; or before it, as IPA has it: ˈ primary, ˌ
    secondary. An English word without any has it on its first vowel. A pause, as of a full stop, is at the end.

    Args:
        text: The phones; those of English in any case.
        known: The phones of the voice.

    Raises:
        InputError: There are no phones, one is not known, or a consonant has a stress.
    """
    words: list[list[Phone]] = [[]]
    pauses: list[Pause] = []
    for symbol in _symbols(spelling.composed(text), known):
        if symbol in PAUSES or symbol == BETWEEN_WORDS:
            words += [[]] if words[-1] else []
            if symbol in PAUSES and len(words) > 1 and (not pauses or pauses[-1].after < len(words) - 1):
                pauses.append(Pause(len(words) - 1, PAUSES[symbol]))
        else:
            words[-1].append(_phone(symbol, len(words) - 1, known))
    said = [_stressed(word) for word in words if word]
    if not said:
        raise InputError(f"got no phones in {text!r}, expected some such as 'HH AH L OW1'")
    pauses = [*(pause for pause in pauses if pause.after < len(said)), Pause(len(said), ".")]
    rests = {pause.after for pause in pauses}
    phones = [phone for at, word in enumerate(said, 1) for phone in (*word, *[Phone(SILENCE)] * (at in rests))]
    return Spoken(tuple(phones), tuple(pauses))


def _symbols(text: str, known: Sequence[str]) -> Iterator[str]:
    """Yield what is written, one after the other: commas and bars part phones, but for those that have one."""
    for symbol in text.split():
        yield from [symbol] if symbol in known else re.findall(r"[,|]|[^,|]+", symbol)


def _phone(symbol: str, at: int, known: Sequence[str]) -> Phone:
    """Return a phone that was written."""
    for name in (symbol, symbol.upper() if is_english(known) else symbol.translate(KEYBOARD)):
        if name in known:
            return Phone(name, NOT_GIVEN if name in VOWELS else 0, at)
        if name[:1] in spelling.STRESS and name[1:] in known:
            return Phone(name[1:], spelling.STRESS[name[0]], at)
        if name[:-1] in known and name[-1] in "012":
            if name[:-1] in CONSONANTS:
                raise InputError(f"got the phone {symbol!r}, but only vowels have a stress: write {name[:-1]!r}")
            return Phone(name[:-1], int(name[-1]), at)
    raise InputError(
        f"got the phone {symbol!r}{did_you_mean(symbol.rstrip('012'), known)}, expected some of {' '.join(known)},"
        f" with spaces between"
    )


def _stressed(word: list[Phone]) -> list[Phone]:
    """Return a word's phones, each with its stress: where none is given, the first vowel has it."""
    first = next((at for at, phone in enumerate(word) if phone.stress == NOT_GIVEN), None)
    given = any(phone.name in VOWELS and phone.stress != NOT_GIVEN for phone in word)
    return [
        replace(phone, stress=int(at == first and not given)) if phone.stress == NOT_GIVEN else phone
        for at, phone in enumerate(word)
    ]
