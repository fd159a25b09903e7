"""Where a sound is surprising: the stretches that cost the most and the fewest bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wavenet.outputs import Floats

SECONDS = 1.0  # that a stretch lasts
SHORT = 3.0  # seconds below which it lasts a tenth of the sound: a second would be most of it
STEPS = 100  # of a stretch, at which it may begin


@dataclass(frozen=True)
class Stretch:
    """Some of a sound, and what it costs."""

    start: float  # seconds
    seconds: float
    bits: float  # per sample


@dataclass(frozen=True)
class Extremes:
    """The stretches, equally long, that cost the most and the fewest bits per sample; of equal ones the first."""

    worst: Stretch
    best: Stretch

    @property
    def called(self) -> str:
        """What such a stretch is called: ``"second"``, or ``"tenth (85 ms)"`` of a short sound."""
        lasts = self.worst.seconds
        return "second" if abs(lasts - SECONDS) < 0.01 else f"tenth ({1000 * lasts:.3g} ms)"

    def __str__(self) -> str:
        """Return both in words, with their times."""
        return (
            f"worst {self.called}: from {moment(self.worst.start)}, {self.worst.bits:.2f} bits/sample; "
            f"best: from {moment(self.best.start)}, {self.best.bits:.2f}"
        )


class Means:
    """Gathers the bits of a sound piece by piece, as means over hundredths of a second where it is long.

    Args:
        sample_rate: in Hz.
        samples: that will come.
        whole: keep every sample.
    """

    def __init__(self, sample_rate: int, samples: int, whole: bool = False) -> None:
        short = whole or samples < SHORT * sample_rate
        self.step = 1 if short else max(1, round(SECONDS * sample_rate) // STEPS)
        self._rate, self._parts, self._rest = sample_rate / self.step, list[Floats](), np.zeros(0, np.float32)

    def add(self, bits: Floats) -> None:
        """Take in the next samples."""
        bits = np.concatenate([self._rest, bits])
        steps, self._rest = len(bits) // self.step, bits[len(bits) // self.step * self.step :]
        self._parts.append(bits[: steps * self.step].reshape(steps, self.step).mean(axis=1))

    def values(self) -> Floats:
        """Return the means."""
        return np.concatenate([np.zeros(0, np.float32), *self._parts])

    def extremes(self) -> Extremes | None:
        """Return the worst and the best second, or tenth."""
        return extremes(self.values(), self._rate)


def extremes(bits: Floats, sample_rate: float) -> Extremes | None:
    """Return the worst and the best second of a sound; the tenths of one below 3 s; None where there are no samples.

    A stretch may begin at every hundredth of its length and ends within the sound.

    Args:
        bits: [T] what each sample costs.
        sample_rate: in Hz.
    """
    if not len(bits):
        return None
    length = round(SECONDS * sample_rate) if len(bits) >= SHORT * sample_rate else max(1, len(bits) // 10)
    starts = np.arange(0, len(bits) - length + 1, max(1, length // STEPS))
    edges = np.unique(np.concatenate([starts, starts + length]))
    parts = np.add.reduceat(bits[: edges[-1]], edges[:-1])  # in float32: they are short, and an hour stays where it is
    before = np.append(0.0, np.cumsum(parts, dtype=np.float64))  # of each edge
    means = (before[np.searchsorted(edges, starts + length)] - before[np.searchsorted(edges, starts)]) / length

    def stretch(at: int) -> Stretch:
        return Stretch(float(starts[at]) / sample_rate, length / sample_rate, float(means[at]))

    return Extremes(stretch(int(means.argmax())), stretch(int(means.argmin())))


def moment(seconds: float) -> str:
    """Return a time within a sound: ``"0.25 s"``, ``"12 min 03.25 s"``, ``"1 h 02 min 03.25 s"``."""
    hundredths = round(100 * seconds)
    minutes, rest = divmod(hundredths, 6_000)
    if not minutes:
        return f"{rest / 100:.2f} s"
    hours, minutes = divmod(minutes, 60)
    return (f"{hours} h {minutes:02d}" if hours else f"{minutes}") + f" min {rest / 100:05.2f} s"
