"""The track `clock`: where in its sound a frame is. It tells a short word or a note how much of it has passed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wavenet.outputs import Floats
from wavenet.recipe.records import CLOCK_SECONDS


def clock(samples: int, rate: int, hop: int, first: int, last: int, knots: int) -> Floats:
    """Return frames first .. last - 1 of the clock of a sound, [last - first, knots + 6] float32 in [0, 1].

    The first `knots` columns are hat functions of the share of the sound that has passed at the middle of the frame:
    each is 1 at its own point of `knots` even ones from 0 to 1, and falls to 0 at the points beside it, so that they
    always sum to 1; behind the end the last stays 1. Then come exp(-t / tau) of the seconds t passed, and of the
    seconds left (never below 0), for each tau of `CLOCK_SECONDS`.

    Args:
        samples: of the sound, without its tail of silence.
        rate: in Hz.
        hop: samples between two frames.
        first: a frame, which may lie behind the end.
        last: the one behind the last wanted.
        knots: at least 2.
    """
    middle = np.arange(first, last) * hop + hop / 2
    share = np.minimum(middle / samples, 1.0)
    passed, left = middle / rate, np.maximum(0.0, samples - middle) / rate
    fading = np.exp(-np.stack([passed, left])[:, :, None] / np.array(CLOCK_SECONDS))
    return np.concatenate([hats(share, knots), fading[0], fading[1]], axis=1).astype(np.float32)


def hats(share: NDArray[np.float64], knots: int) -> NDArray[np.float64]:
    """Return hat functions [n, knots] of shares [n] in [0, 1]: each is 1 at its own of `knots` even points, 0 beside.

    They sum to 1.
    """
    found: NDArray[np.float64] = np.maximum(0.0, 1.0 - np.abs(share[:, None] * (knots - 1) - np.arange(knots)))
    return found
