"""How many words are heard wrong: the fewest substitutions, insertions and deletions that make one list the other.

The word error rate is their number for each word that was said, over all sentences together (Levenshtein 1966). It can
exceed 1: words may be heard where none were said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wavenet.errors import InputError
from wavenet.evaluation.intervals import of_ratio, percent


@dataclass(frozen=True)
class Edits:
    """What makes the words that were said those that were heard."""

    words: int  # that were said
    substitutions: int = 0
    insertions: int = 0  # heard, but not said
    deletions: int = 0  # said, but not heard

    @property
    def errors(self) -> int:
        """All of them."""
        return self.substitutions + self.insertions + self.deletions

    def __add__(self, other: Edits) -> Edits:
        both = zip(vars(self).values(), vars(other).values(), strict=True)
        return Edits(*(one + more for one, more in both))


@dataclass(frozen=True)
class WordErrors:
    """How many words of some sentences are heard wrong, with the ends of a 95 % interval for all such sentences."""

    total: Edits
    sentences: int
    low: float | None  # of the rate; None where there is but one sentence
    high: float | None

    @property
    def rate(self) -> float:
        """Errors for each word that was said, from 0 on."""
        return self.total.errors / self.total.words

    @property
    def interval(self) -> str | None:
        """The interval in words; None where there is none."""
        return None if self.low is None or self.high is None else f"{100 * self.low:.1f} to {percent(self.high)}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        ends = {"rate": self.rate, "low": self.low, "high": self.high}
        return {"sentences": self.sentences, **vars(self.total), **ends}


def edits(said: Sequence[str], heard: Sequence[str]) -> Edits:
    """Return the fewest edits that make the words that were said those that were heard.

    Of several ways that are as short, that with the most words right is taken.
    """
    row = [Edits(0, insertions=count) for count in range(len(heard) + 1)]  # from no word said to the first heard
    for number, word in enumerate(said, 1):
        corner, row[0] = row[0], Edits(number, deletions=number)
        for at, other in enumerate(heard, 1):
            ways = (
                corner + Edits(1, substitutions=int(word != other)),
                row[at] + Edits(1, deletions=1),
                row[at - 1] + Edits(0, insertions=1),
            )
            corner, row[at] = row[at], min(ways, key=lambda way: (way.errors, way.substitutions + way.deletions))
    return row[-1]


def word_errors(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> WordErrors:
    """Return how many words are heard wrong.

    Args:
        pairs: the words that were said, and those that were heard, of each sentence. They are compared as they are.

    Raises:
        InputError: there is no sentence, or one in which no word is said.
    """
    each = [edits(said, heard) for said, heard in pairs]
    if silent := [number for number, one in enumerate(each, 1) if not one.words]:
        raise InputError(f"in sentence {silent[0]} no word is said, expected at least one; leave it out")
    if not each:
        raise InputError("no sentence was given, expected at least one; give what was said and what was heard")
    ends = of_ratio(np.array([one.errors for one in each]), np.array([one.words for one in each]))
    return WordErrors(sum(each, Edits(0)), len(each), *(ends or (None, None)))
