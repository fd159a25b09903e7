"""Classifier-free guidance: draws that follow what is told more, or less, than the network alone would.

Each sequence is stepped twice, told and told nothing, and both are given the same codes. A code is drawn from the
log-probabilities (1 + w) told - w untold (Ho and Salimans 2022, arXiv:2207.12598, equation 6), here with the strength
g = 1 + w: 1 draws as told, 0 as told nothing. Temperature and cuts come behind it. The last product of the network is
linear, so samplers mix what goes into it, and work it out once.
"""

from __future__ import annotations

import numpy as np

from wavenet.errors import InputError
from wavenet.geometry import Shape
from wavenet.outputs import Alphabet, Categorical, Condition, Floats

MOST = 10.0


def guided(told: Floats, untold: Floats, guidance: float) -> Floats:
    """Return what to draw from: of logits [..., Q], or of the hidden layers [..., C] that they are linear in.

    What normalises the logits of either row falls out of every draw.
    """
    made: Floats = np.float32(guidance) * told - np.float32(guidance - 1) * untold
    return made


def with_untold(condition: Condition) -> Condition:
    """Return the condition of twice as many sounds, the second half told nothing."""
    count, nothing = len(condition.fields), Condition.nothing(condition.shape, len(condition.fields))
    hidden = np.ones((2 * count, len(condition.shape.told.tracks)), bool)
    hidden[:count] = False if condition.unknown is None else condition.unknown
    fields = np.concatenate([condition.fields, nothing.fields])
    return Condition(condition.shape, fields, condition.tracks, hidden)


def check_guidance(guidance: float, shape: Shape, alphabet: Alphabet) -> float:
    """Return the guidance.

    Raises:
        InputError: it is out of range; or it is not 1, and the network is told nothing or its alphabet is not
            categorical.
    """
    if isinstance(guidance, bool) or not isinstance(guidance, int | float) or not 0 <= guidance <= MOST:
        raise InputError(f"the guidance is {guidance!r}, expected a number from 0 to {MOST:g} (1 draws as told)")
    if guidance == 1:
        return 1.0
    if shape.condition is None:
        raise InputError(f"the guidance is {guidance:g}, but this network is told nothing; leave it at 1")
    if not isinstance(alphabet, Categorical):
        raise InputError(
            f"the guidance is {guidance:g}, but this network gives no probability for each code, which it needs; "
            "leave it at 1"
        )
    return float(guidance)
