"""What a sentence consists of when it is said: phones, and where they lie in a recording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SILENCE = "sil"  # the name of a pause


@dataclass(frozen=True)
class Phone:
    """One sound of speech, or a pause."""

    name: str  # such as AH; of any phone set, which a voice learns from its recordings
    stress: int = 0  # of a vowel: 1 primary, 2 secondary, 0 none; 0 of all else
    word: int = -1  # which word of the sentence, from 0; -1 in a pause, which also ends a phrase

    @property
    def silent(self) -> bool:
        """Whether it is a pause."""
        return self.name == SILENCE


@dataclass(frozen=True)
class Aligned:
    """The phones of a recording, one after the other from its first sample on, and where each ends."""

    phones: tuple[Phone, ...]
    ends: tuple[float, ...]  # seconds from the beginning, rising; the last is where the recording ends

    def __post_init__(self) -> None:
        if len(self.phones) != len(self.ends) or not self.phones:
            raise ValueError(f"got {len(self.phones)} phones and {len(self.ends)} ends, expected as many, at least one")
        before = (0.0, *self.ends[:-1])
        if not all(first < last < math.inf for first, last in zip(before, self.ends, strict=True)):
            raise ValueError("the ends of phones do not rise from above 0")

    def seconds(self) -> tuple[float, ...]:
        """Return how long each phone is."""
        return tuple(last - first for first, last in zip((0.0, *self.ends[:-1]), self.ends, strict=True))


def phrases(phones: Sequence[Phone]) -> list[range]:
    """Return the runs of phones between pauses."""
    found, first = [], 0
    for at in range(len(phones) + 1):
        if at == len(phones) or phones[at].silent:
            if at > first:
                found.append(range(first, at))
            first = at + 1
    return found
