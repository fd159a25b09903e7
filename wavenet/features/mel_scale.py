"""Which scale a mel of another program has: a network is told natural logarithms, and others sound wrong or like noise.

Some scales show for sure: a floor that only another logarithm has, both ends of a range that programs normalise to, a
mean of 0 with a spread of 1, more than any sound within full scale gives. The others are told by what the network
learned (`statistics.py`): as natural logarithms the numbers lie far from it, and by another reading near. Far from both
is only strange, and a warning.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import InputError
from wavenet.features.mel import SILENCE, filters, floored
from wavenet.features.npy import Table
from wavenet.features.statistics import Summary, Usual, heard, pieces
from wavenet.progress import log
from wavenet.recipe.records import MelConfig

EXACT = 2e-3  # what a floor or an end of a range may differ by, so that mels kept as float16 are known too
AT_FLOOR = 1e-3  # share of all numbers that lie at a floor
STRANGE, SURE, NEAR = 9.0, 20.0, 10.0  # distances: a warning; a refusal, where another reading lies near
UNSURE = (0.2, 0.22, 0.3, 1.2)  # least spread of each trait: recordings differ, the last by the level, about 10 dB
FEW = 10  # frames that are too few to be sure
UNDO = "undo what the program that wrote them did, or let it write them as they were before"


class Reading(NamedTuple):
    """What numbers may be in place of natural logarithms."""

    words: str
    remedy: str
    times: float  # by which they become natural logarithms


BASE_10 = Reading("logarithms to base 10", "multiply them by 2.3026, ln(10)", math.log(10))


def check(values: NDArray[Any] | Table, config: MelConfig, rate: int, usual: Usual | None, name: str) -> None:
    """Refuse a mel that has another scale for sure, and warn of a strange one.

    Args:
        values: [F, bands], finite.
        config: what the network learned.
        rate: in Hz.
        usual: what its mels were like; None where its bundle is older than that.
        name: of the file.

    Raises:
        InputError: these are no natural logarithms.
    """
    found = Summary(pieces(values))
    low, high = float(found.low.min()), float(found.high.max())
    kind = "magnitudes" if config.power == 1 else "energies"
    expected = f"expected natural logarithms of {kind}, {math.log(config.floor):.1f} where it is silent"
    where = f"{name} lies between {low:.4g} and {high:.4g}"
    sure = _shown(values, found, config, rate)
    if sure is not None:
        raise InputError(f"{where}: these seem to be {sure.words}; {expected}; {sure.remedy}")
    if usual is None:
        if low >= -1.01:
            log.warning("%s, which may be no logarithms; %s", where, expected)
        return
    own, _ = _distances(values, config, usual, 1.0)
    other, near, reading = min((*_distances(values, config, usual, one.times), one) for one in _readings(config))
    narrow = reading.times > 1  # too wide is not sure: almost silent frames make any range wide
    if own > SURE and near < NEAR and narrow and len(values) >= FEW:
        raise InputError(f"{where}: these seem to be {reading.words}; {expected}; {reading.remedy}")
    if own > STRANGE:
        what = f"if they are {reading.words}, {reading.remedy}" if other < own else "expect noise"
        log.warning("%s, unlike the mels that were learned; %s; %s", where, expected, what)


def _shown(values: NDArray[Any] | Table, found: Summary, config: MelConfig, rate: int) -> Reading | None:
    """Return the scale that numbers show for sure; None where they may be natural logarithms."""
    low, high = float(found.low.min()), float(found.high.max())
    for begin, end in ((-4, 4), (0, 1), (-1, 1)):
        if abs(low - begin) < EXACT and abs(high - end) < EXACT:
            return Reading(f"normalised to {begin} to {end}", UNDO, 1)
    if abs(float(found.mean.mean())) < EXACT and abs(found.whole_spread - 1) < EXACT:
        return Reading("normalised to mean 0 and spread 1", UNDO, 1)
    if low >= 0 and float(found.mean.mean()) < high / 3:
        return Reading("no logarithms", "take numpy.log of them", 1)
    if _is_floor(values, low, [math.log10(config.floor), *range(-12, -2)]):
        return BASE_10
    if low < -25 and not any(abs(low - power * math.log(10)) < 0.01 for power in range(-40, 0)):
        return _decibels(config)
    answers = filters(config, rate).sum(axis=0).max() * (config.window_samples / 2) ** config.power
    if high > math.log(answers) + 0.1:  # no sound within full scale is as loud
        return Reading("normalised, energies, decibels, or of sound beyond full scale", UNDO, 1)
    return None


def _is_floor(values: NDArray[Any] | Table, low: float, floors: list[float]) -> bool:
    """Return whether the least number is one of these, and several are just this."""
    if not any(abs(low - one) < EXACT for one in floors):
        return False
    count = sum(int((piece < low + EXACT).sum()) for piece in pieces(values))
    return count > max(2, AT_FLOOR * math.prod(values.shape))


def _decibels(config: MelConfig) -> Reading:
    times = math.log(10) / (20 if config.power == 1 else 10)
    return Reading("decibels", f"multiply them by {times:.5f}", times)


def _readings(config: MelConfig) -> list[Reading]:
    """Return what numbers may be that are no natural logarithms of what the network learned."""
    other, times = ("energies", 0.5) if config.power == 1 else ("magnitudes", 2.0)
    return [
        BASE_10,
        _decibels(config),
        Reading("logarithms to base 2", "multiply them by 0.6931, ln(2)", math.log(2)),
        Reading(f"natural logarithms of {other}", f"multiply them by {times:g}", times),
    ]


def _distances(values: NDArray[Any] | Table, config: MelConfig, usual: Usual, times: float) -> tuple[float, float]:
    """Return how far from what is usual a mel lies that is so many times what it should be, as sums of squares.

    The first, about 3 for a usual one, hears any sound; the second, about 4, is small only where loudness comes and
    goes as in the sounds that were learned, so that a steady hum or hiss is near under no reading.
    """
    nats = -math.log(config.floor) / 2  # of 1.0 in a track
    tracks = (floored(piece * np.float32(times), config.floor) for piece in pieces(values))
    found = Summary(heard(tracks, SILENCE))
    if not found.frames:
        return 0.0, 0.0
    mean, spread = np.array(usual.traits).T
    squares = np.square((found.traits() - mean) / np.maximum(spread, np.array(UNSURE) / [1, 1, 1, nats]))
    return float(squares[[0, 1, 3]].sum()), float(squares.sum())
