"""How far a score might lie from what it is: a bootstrap over files, or Wilson's interval for a share of clips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

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

    Args:
        nats: [F] the sum of -log p over each file's targets, in nats.
        targets: [F] how many targets each file has.
        resamples, seed, level: as for `of_ratio`.
    """
    ends = of_ratio(nats, targets, resamples, seed, level)
    return None if ends is None else (ends[0] / math.log(2), ends[1] / math.log(2))


def of_ratio(
    sums: NDArray[np.number],
    counts: NDArray[np.integer],
    resamples: int = 2_000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float] | None:
    """Return the ends (low, high) of an interval for the ratio of two sums over files; None for fewer than two files.

    Files, not samples or words, are drawn again with replacement, as often as there are files, since what one file
    holds hangs together. Each resample gives the ratio of its sums; the interval holds the middle `level` of them
    (Efron's percentile bootstrap, 1979).

    Args:
        sums: [F] what is summed up above.
        counts: [F] and below; files whose count is 0 are left out.
        resamples: how often files are drawn anew.
        seed: the same seed gives the same interval for the same files in the same order.
        level: the share of resamples within the interval, 0 to 1.
    """
    counted = counts > 0
    above, below = sums[counted].astype(np.float64), counts[counted].astype(np.float64)
    files = len(below)
    if files < 2:
        return None
    rng = np.random.default_rng(seed)
    ratios, at_once = np.empty(resamples), max(1, DRAWN_AT_ONCE // files)
    for at in range(0, resamples, at_once):
        drawn = rng.integers(files, size=(min(at_once, resamples - at), files))
        ratios[at : at + at_once] = above[drawn].sum(axis=1) / below[drawn].sum(axis=1)
    low, high = np.quantile(ratios, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def in_words(low: float | None, high: float | None) -> str | None:
    """Return the ends of an interval for bits per sample: ``4.548 to 4.723``; None where there is none."""
    return None if low is None or high is None else f"{low:.3f} to {high:.3f}"


@dataclass(frozen=True)
class Share:
    """How many of some clips have something, with the ends of a 95 % interval for the share of all such clips."""

    right: int
    clips: int

    @property
    def share(self) -> float:
        """From 0 to 1; NaN without clips."""
        return self.right / self.clips if self.clips else math.nan

    @property
    def low(self) -> float:
        """The lower end."""
        return wilson(self.right, self.clips)[0]

    @property
    def high(self) -> float:
        """The upper end."""
        return wilson(self.right, self.clips)[1]

    @property
    def interval(self) -> str:
        """The interval in words."""
        return f"{100 * self.low:.1f} to {100 * self.high:.1f} %"

    def to_json(self) -> dict[str, float | int | None]:
        """Return plain values."""
        share = self.share if self.clips else None
        return {"right": self.right, "clips": self.clips, "share": share, "low": self.low, "high": self.high}


def wilson(right: int, clips: int, level: float = 0.95) -> tuple[float, float]:
    """Return the ends (low, high) of an interval for a share, both from 0 to 1 (Wilson 1927); 0 and 1 without clips.

    It is good for few clips too, and where all or none are right.

    >>> [round(end, 4) for end in wilson(5, 10)]
    [0.2366, 0.7634]

    Args:
        right: how many.
        clips: of how many.
        level: how often the interval holds the true share, 0 to 1.
    """
    if not clips:
        return 0.0, 1.0
    z2, share = NormalDist().inv_cdf((1 + level) / 2) ** 2, right / clips
    middle = share + z2 / (2 * clips)
    half = math.sqrt(z2 * (share * (1 - share) / clips + z2 / (4 * clips**2)))
    low, high = ((middle + sign * half) / (1 + z2 / clips) for sign in (-1, 1))
    return max(0.0, min(low, share)), min(1.0, max(high, share))  # all right: no rounding takes the end from 1


def percent(share: float) -> str:
    """Return a share from 0 to 1 in per cent, such as ``66.7 %``."""
    return f"{100 * share:.1f} %"
