"""Phones as they are written: words of them such as ``HH AH L OW1 _ W ER1 L D``, and the pauses between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from wavenet.errors import InputError, did_you_mean
from wavenet.speech.dictionary import CONSONANTS, PHONES, VOWELS
from wavenet.speech.phones import Phone

NOT_GIVEN = -1  # a stress
BETWEEN_WORDS = "_"
PAUSES = {",": ",", "|": ";"}  # a short pause, and one as of a semicolon
LONGEST = 40  # phones of a word; of a longer one each so many are one
MARK = "[["  # before the phones of a word that stands among written ones


def read(text: str, known: Sequence[str] = PHONES) -> Iterator[tuple[Phone, ...] | str]:
    """Yield the words of written phones in order, each with its number from 0, and the marks of pauses between.

    A vowel's stress may stand behind it: 1 primary, 2 secondary, 0 none. An English word without any has it on its
    first vowel.

    Args:
        text: the phones with spaces between, in any case; ``_`` between words, ``,`` and ``|`` as pauses.
        known: the phones that may be written.

    Raises:
        InputError: there are no phones, one is not known, or a consonant has a stress.
    """
    word, count = list[Phone](), 0
    for symbol in [*re.findall(r"[,|]|[^\s,|]+", text), BETWEEN_WORDS]:
        between = symbol in PAUSES or symbol == BETWEEN_WORDS
        if not between:
            word.append(_phone(symbol, count, known))
        if word and (between or len(word) == LONGEST):
            yield tuple(_stressed(word))
            word, count = [], count + 1
        if symbol in PAUSES:
            yield PAUSES[symbol]
    if not count:
        raise InputError(f"got no phones in {text!r:.60}, expected some such as 'HH AH L OW1'")


def joined(word: Sequence[Phone]) -> str:
    """Return the phones of a word as one that can stand among written words: ``[[HH-AH0-L-OW1]]``."""
    return f"{MARK}{'-'.join(one.name + str(one.stress) * (one.name in VOWELS) for one in word)}]]"


def parted(word: str, at: int = 0) -> tuple[Phone, ...]:
    """Return the phones of a word from `joined`, as those of the word `at` of a sentence; none of any other word."""
    if not word.startswith(MARK):
        return ()
    return tuple(_phone(symbol, at, PHONES) for symbol in word.strip("[]").split("-"))


def _phone(symbol: str, at: int, known: Sequence[str]) -> Phone:
    """Return a phone that was written."""
    for name in (symbol, symbol.upper()):
        if name in known:
            return Phone(name, NOT_GIVEN if name in VOWELS else 0, at)
        if name[:-1] in known and name[-1] in "012":
            if name[:-1] in CONSONANTS:
                raise InputError(f"got the phone {symbol!r}, but only vowels have a stress: write {name[:-1]!r}")
            return Phone(name[:-1], int(name[-1]), at)
    raise InputError(
        f"got the phone {symbol!r:.40}{did_you_mean(symbol.rstrip('012'), known)}, expected some of {' '.join(known)},"
        f" with spaces between"
    )


def _stressed(word: Sequence[Phone]) -> list[Phone]:
    """Return a word's phones, each with its stress: where none is given, the first vowel has it."""
    first = next((at for at, phone in enumerate(word) if phone.stress == NOT_GIVEN), None)
    given = any(phone.name in VOWELS and phone.stress != NOT_GIVEN for phone in word)
    return [
        replace(phone, stress=int(at == first and not given)) if phone.stress == NOT_GIVEN else phone
        for at, phone in enumerate(word)
    ]
