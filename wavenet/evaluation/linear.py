"""A linear predictor, what speech coders are made of (LPC), as a distribution over codes.

The next sample's value is predicted from those of the 32 before it by least squares over the training sound. Around
the prediction lies a Laplace or normal density, as wide as a constant and a share of the mean error of the last 32
predictions: sound is loud and silent in turn, as FLAC's coder knows too. Each code has the density between itself and
its neighbours, the first and last all that lies beyond, so that all are 1 together. A share of order-0 is mixed in, so
that a rare jump costs no hundred bits.

It works on sample values, not on codes as numbers: mu-law codes of one sign change to the other's around silence, which
no line through codes foresees. LOG.md has what each costs in bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from wavenet.evaluation.mixture import best_weight
from wavenet.outputs import Alphabet, Codes

Values = NDArray[np.float64]

ORDER = 32  # values that the next is predicted from
RECENT = 32  # errors whose mean says how wide the density is
CONTEXT = ORDER + RECENT  # values before a target that its distribution depends on
FAMILIES = ("laplace", "normal")
FAR = 12.0  # standard deviations that the normal distribution is tabulated to
SCALES = (-24.0, 3.0)  # powers of two that the parts of a scale lie between
COARSE, FINE = 2.0, 0.1  # first and last step between powers of two that are tried
WORTH = 1e-4  # nats a sample that a step must gain: along the valley of equally good scales there is no end of steps
AT_ONCE = 1 << 14  # rows of the normal equations that are made at a time


@dataclass(frozen=True)
class Levels:
    """The values of all codes, and where one ends and the next begins."""

    values: Values  # [Q], rising
    lower: Values  # [Q], -inf first
    upper: Values  # [Q], inf last

    @classmethod
    def of(cls, alphabet: Alphabet) -> Levels:
        """Return those of an alphabet: a border lies midway between two values."""
        values = alphabet.values(np.arange(alphabet.size)).astype(np.float64)
        borders = (values[1:] + values[:-1]) / 2
        return cls(values, np.append(-np.inf, borders), np.append(borders, np.inf))

    def decoded(self, past: Codes, codes: Codes) -> Values:
        """Return the values [CONTEXT + n] of codes [n] and those before them, as many as matter; silence before all."""
        known = past[-CONTEXT:]
        silence = np.zeros(CONTEXT - len(known))
        return np.concatenate([silence, self.values[known], self.values[codes]])


class NormalEquations:
    """Sums over training sound, from which the best predictor follows, however long the sound is."""

    def __init__(self) -> None:
        self._sums = np.zeros((ORDER + 2, ORDER + 2))  # products of the values before, the next one, and 1

    def add(self, values: Values) -> None:
        """Take each of values [CONTEXT + n] but the first CONTEXT as one that is to be predicted."""
        windows = np.lib.stride_tricks.sliding_window_view(values[CONTEXT - ORDER :], ORDER + 1)
        for at in range(0, len(windows), AT_ONCE):
            part = windows[at : at + AT_ONCE]
            rows = np.ones((len(part), ORDER + 2))
            rows[:, :-1] = part
            self._sums += rows.T @ rows

    def solved(self) -> tuple[Values, float]:
        """Return taps [ORDER], the newest value's last, and intercept with the least squared error.

        Where many do equally well (constant sound), the smallest.
        """
        inputs = [*range(ORDER), ORDER + 1]
        found = np.linalg.lstsq(self._sums[np.ix_(inputs, inputs)], self._sums[inputs, ORDER], rcond=1e-13)[0]
        return np.asarray(found[:ORDER], np.float64), float(found[ORDER])


@dataclass(frozen=True)
class Foreseen:
    """What the predictor says before each of n targets."""

    values: Values  # [n] the predictions
    recent: Values  # [n] mean magnitude of the errors of the RECENT predictions before


@dataclass(frozen=True)
class Density:
    """How the targets lie around their predictions."""

    family: str  # one of FAMILIES
    floor: float  # the scale is floor + share * recent error: mean magnitude of Laplace's, standard deviation of normal
    share: float
    weight: float  # of this, beside order-0

    def probabilities(self, foreseen: Foreseen, codes: Codes, levels: Levels) -> Values:
        """Return the probability [n] of each code, without what is mixed in; over all codes they are 1 together."""
        narrow = 1.0 / (self.floor + self.share * foreseen.recent)
        low = (levels.lower[codes] - foreseen.values) * narrow
        high = (levels.upper[codes] - foreseen.values) * narrow
        mirrored = low + high > 0  # the difference of two numbers near 1 would lose the small ones
        low, high = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
        below = _laplace if self.family == "laplace" else _normal
        return np.maximum(below(high) - below(low), 0.0)


def _laplace(z: Values) -> Values:
    half = 0.5 * np.exp(-np.abs(z))
    return np.where(z < 0, half, 1.0 - half)


_STEPS = 1 << 13
_PLACES = np.linspace(-FAR, FAR, 2 * _STEPS + 1)
_NORMAL = np.array([math.erfc(-z / math.sqrt(2)) / 2 for z in _PLACES.tolist()])
_BELL = np.exp(-(_PLACES**2) / 2) / math.sqrt(2 * math.pi)


def _normal(z: Values) -> Values:
    """Return the normal distribution function, by two terms of its series about 16,385 places that are 0.0015 apart."""
    z = np.clip(z, -FAR, FAR)
    place = np.rint((z + FAR) * (_STEPS / FAR)).astype(np.int64)
    away, bell = z - _PLACES[place], _BELL[place]
    return np.asarray(_NORMAL[place] + away * bell * (1.0 - 0.5 * away * _PLACES[place]))


@dataclass(frozen=True)
class Predictor:
    """Taps and intercept, which foresee values."""

    taps: Values  # [ORDER], the newest value's last
    intercept: float

    def foresee(self, values: Values) -> Foreseen:
        """Return what is foreseen for each of values [CONTEXT + n] but the first CONTEXT, from those before it."""
        predicted = np.correlate(values[:-1], self.taps, "valid") + self.intercept
        errors = np.cumsum(np.abs(values[ORDER:] - predicted))
        before = np.append(0.0, errors[: -RECENT - 1])
        recent = np.maximum(errors[RECENT - 1 : -1] - before, 0.0) / RECENT
        return Foreseen(predicted[RECENT:], recent)


def fitted(foreseen: Foreseen, codes: Codes, levels: Levels, order0: Values) -> Density:
    """Return the density, family and weight that make held-out codes [n] likeliest, beside order-0 [Q]."""
    other = order0[codes]

    def tried(family: str, floor: float, share: float) -> tuple[float, Density]:
        own = Density(family, 2.0**floor, 2.0**share, 0.0).probabilities(foreseen, codes, levels)
        weight = best_weight(own, other)
        nats = -float(np.log(weight * own + (1 - weight) * other).mean())
        return nats, Density(family, 2.0**floor, 2.0**share, weight)

    first = math.log2(max(1e-6, 0.02 * float(foreseen.recent.mean())))
    found = [_searched(partial(tried, family), first) for family in FAMILIES]
    return min(found, key=lambda one: one[0])[1]


def _searched(tried: Callable[[float, float], tuple[float, Density]], floor: float) -> tuple[float, Density]:
    """Return the best that is found by steps along either axis, halved where none makes it better (compass search)."""
    at, step = (floor, 0.0), COARSE
    best = tried(*at)
    while step >= FINE:
        around = [(at[0] + step, at[1]), (at[0] - step, at[1]), (at[0], at[1] + step), (at[0], at[1] - step)]
        inside = [one for one in around if all(SCALES[0] <= part <= SCALES[1] for part in one)]
        found = min(((*tried(*one), one) for one in inside), key=lambda one: one[0])
        if found[0] < best[0] - WORTH:
            best, at = (found[0], found[1]), found[2]
        else:
            step /= 2
    return best
