"""How well the phones of sentences fit some sound: the best path through each, frame by frame (Viterbi 1967)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import InputError
from wavenet.outputs import Floats
from wavenet.speech import SILENCE, Phone


@dataclass(frozen=True)
class Paths:
    """The phones of N sentences in order, S at most, with a pause that may be left out at each border of words.

    Attributes:
        ids: [N, S] int64, which phone each state is; beyond a sentence: 0.
        skipped: [N, S] bool, whether a state may be left out.
        states: [N] int64, how many each sentence has.
    """

    ids: NDArray[np.int64]
    skipped: NDArray[np.bool_]
    states: NDArray[np.int64]


def paths(sentences: Sequence[Sequence[Phone]], names: Sequence[str]) -> Paths:
    """Return the paths through some sentences.

    Args:
        sentences: their phones; pauses among them are left out, since they may come at any border of words.
        names: of all phones, by their ids.

    Raises:
        InputError: a sentence has no phones, or one that has no name here.
    """
    known = {name: number for number, name in enumerate(names)}
    each = [_states(phones, number) for number, phones in enumerate(sentences)]
    if not each:
        raise InputError("no sentence was given, expected at least one; give the phones of each")
    for number, states in enumerate(each):
        if strange := [name for name in states if name not in known]:
            raise InputError(
                f"sentence {number} has the phone {strange[0]!r:.20}, expected one of {', '.join(names)}; leave it out"
            )
    longest = max(map(len, each))
    ids = np.array([[known[name] for name in states] + [0] * (longest - len(states)) for states in each], np.int64)
    counts = np.array([*map(len, each)], np.int64)
    return Paths(ids, (ids == known[SILENCE]) & (np.arange(longest) < counts[:, None]), counts)


def _states(phones: Sequence[Phone], number: int) -> list[str]:
    """Return the names of a sentence's phones, with a pause before each word and at the end."""
    spoken = [phone for phone in phones if not phone.silent]
    if not spoken:
        raise InputError(f"sentence {number} has no phones, expected at least one; leave it out")
    states: list[str] = []
    for before, phone in zip([None, *spoken[:-1]], spoken, strict=True):
        if before is None or before.word != phone.word:
            states.append(SILENCE)
        states.append(phone.name)
    return [*states, SILENCE]


def fits(scores: Floats, through: Paths) -> Floats:
    """Return how well each sentence fits, [N] float64: the sum of scores on its best path, -inf where frames are few.

    A path begins in a sentence's first state and ends in its last; each state lasts a frame or more.

    Args:
        scores: [F, phones] of each phone in each frame, such as log likelihoods.
        through: the sentences.
    """
    scores = scores.astype(np.float64)
    place = np.arange(through.ids.shape[1])
    best = np.full(through.ids.shape, -np.inf)
    best[:, 0] = 0.0  # before the first frame, as if in the first state
    begun = False
    for frame in scores:
        reached = best.copy()
        if begun:
            np.maximum(reached[:, 1:], best[:, :-1], out=reached[:, 1:])
            over = np.where(through.skipped[:, 1:-1], best[:, :-2], -np.inf)
            np.maximum(reached[:, 2:], over, out=reached[:, 2:])
        else:
            reached[:, 1] = np.where(through.skipped[:, 0], 0.0, -np.inf)
            begun = True
        best = reached + frame[through.ids]
    last = through.states[:, None] - 1
    ending = (place == last) | ((place == last - 1) & np.take_along_axis(through.skipped, last, axis=1))
    return np.asarray(np.where(ending, best, -np.inf).max(axis=1))
