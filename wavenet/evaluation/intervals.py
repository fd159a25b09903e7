"""How far a score might lie from what it is: a bootstrap over files."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

DRAWN_AT_ONCE = 1 << 20  # files: a resample of 100,000 files costs no more memory than many of a hundred


def interval(
    nats: NDArray[np.floating],
    targets: NDArray[np.integer],
    resamples: int = 2_000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Return the ends (low, high) of an interval for bits per sample; None where fewer than two files have targets.

    Files, not samples, are drawn again with replacement, as often as there are files, since the samples of one file
    hang together. Each resample gives the ratio of its sums; the interval holds the middle `level` of them (Efron's
    percentile bootstrap, 1979).

    Args:
        nats: [F] the sum of -log p over each file's targets, in nats.
        targets: [F] how many targets each file has; files without any are left out.
        resamples: how often files are drawn anew.
        seed: the same seed gives the same interval for the same files in the same order.
        level: the share of resamples within the interval, 0 to 1.
    """
    counted = targets > 0
    nats, targets = nats[counted].astype(np.float64), targets[counted].astype(np.float64)
    files = len(targets)
    if files < 2:
        return None
    rng = np.random.default_rng(seed)
    ratios, at_once = np.empty(resamples), max(1, DRAWN_AT_ONCE // files)
    for at in range(0, resamples, at_once):
        drawn = rng.integers(files, size=(min(at_once, resamples - at), files))
        ratios[at : at + at_once] = nats[drawn].sum(axis=1) / targets[drawn].sum(axis=1)
    low, high = np.quantile(ratios / math.log(2), ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
