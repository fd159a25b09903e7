"""Notices in a sound what no real sound of its voice does for so long: noise, hum, silence, too loud a sound.

A sound is measured step by step of 0.05 s, and the means over its newest 0.2, 0.4, 0.8 and 1.6 s are compared with the
same means over real sound that was held out of training; and so is how long it has been quiet. Where real sound holds a
note for a second, a held note is no hum; where it pauses for a second, a pause is no silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import BundleError
from wavenet.generate.sound import LOUD, Trouble
from wavenet.outputs import Alphabet, Codes, Floats
from wavenet.text import shown

STEP_SECONDS = 0.05
STRETCHES = (4, 8, 16, 32)  # steps that are averaged
SECONDS = [round(steps * STEP_SECONDS, 3) for steps in STRETCHES]  # 0.2 to 1.6
WINDOW = 4  # steps that periodicity is measured over
HIGHEST, LOWEST = 400.0, 50.0  # Hz, of the periods that are looked for; the multiples of shorter ones are among them
FAINTEST = 1e-8  # power below which nothing is periodic: -80 dBFS


class Measure(NamedTuple):
    """What is measured: the range and resolution of its histogram, and the least margin beyond what was heard."""

    low: float
    high: float
    margin: float


MEASURES = {  # what lies beyond a range is taken to lie at its end
    "level": Measure(-100.0, 10.0, 3.0),  # dBFS, of the mean power
    "bits": Measure(0.0, 24.0, 0.25),  # per sample, at temperature 1
    "clipped": Measure(0.0, 1.0, 0.05),  # the share of samples at full scale
    "harmonicity": Measure(-20.0, 40.0, 3.0),  # dB: the harmonics-to-noise ratio of Boersma (1993)
}
LOWS, HIGHS, MARGINS = np.array([*MEASURES.values()]).T
BINS = 2_000  # of a histogram
WIDTHS = (HIGHS - LOWS) / BINS
TAIL = 0.001  # the share of real stretches beyond either bound
MARGIN = 0.5  # of the distance from the middle to a bound, which is added to it
QUIET = 20.0  # dB below the middle of real stretches: a step below it is a pause, or a part of one
LINES = tuple(range(-90, 0, 5))  # dBFS, the levels below which the longest real pauses are known
LONGER = 1.5  # times the longest real pause: silence
FEWEST = 16  # steps that are silence at least: words may be files of their own, but generated words have pauses
ENOUGH = 100  # real stretches; with fewer, bounds of shorter ones are taken: no mean over twice as long exceeds them
TROUBLES = (  # what it is called to be beyond a bound
    ("clipped", "high", "full scale"),
    ("level", "high", "too loud"),
    ("bits", "high", "noise"),
    ("harmonicity", "high", "hum"),
    ("bits", "low", "hum"),
)


def step_samples(sample_rate: int) -> int:
    """Return the samples of one step."""
    return max(1, round(STEP_SECONDS * sample_rate))


def periodicity(wave: Floats, sample_rate: int) -> float:
    """Return how much of a sound repeats itself, 0 to 1: the highest normalised autocorrelation at 2.5 to 20 ms.

    Each product is normalised by the energies of the two parts that it compares (Talkin 1995, "A Robust Algorithm for
    Pitch Tracking"), so that a fading tone still counts as periodic.
    """
    first, last = max(1, round(sample_rate / HIGHEST)), round(sample_rate / LOWEST)
    x = wave.astype(np.float64) - np.mean(wave, dtype=np.float64)
    lags = np.arange(first, min(last, len(x) // 2) + 1)
    power = np.cumsum(x * x)
    if not len(lags) or power[-1] < FAINTEST * len(x):
        return 0.0
    spectrum = np.fft.rfft(x, 1 << int(len(x) + lags[-1] - 1).bit_length())  # what wraps around meets no lag
    products = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[lags]
    energies = power[len(x) - 1 - lags] * (power[-1] - power[lags - 1])
    return float(np.clip(np.max(products / np.sqrt(np.maximum(energies, 1e-30))), 0.0, 1.0))


class Meter:
    """Measures one sound step by step.

    Args:
        sample_rate: in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate, self.step = sample_rate, step_samples(sample_rate)
        # of each step: mean power, bits per sample, share at full scale, and periodicity of the newest WINDOW steps
        self._steps: list[tuple[float, float, float, float]] = []
        self._window: Floats = np.zeros(0, np.float32)

    @property
    def steps(self) -> int:
        """How many it knows."""
        return len(self._steps)

    def hear(self, wave: Floats, nats: Floats) -> None:
        """Take in one more step: sound [n] in [-1, 1], and what each sample cost, [n] in nats."""
        self._window = np.concatenate([self._window, wave])[-WINDOW * self.step :]
        wide = wave.astype(np.float64)
        clipped = float(np.mean(np.abs(wide) > LOUD))
        bits = float(np.mean(nats, dtype=np.float64)) / math.log(2)
        self._steps.append((float(np.mean(wide**2)), bits, clipped, periodicity(self._window, self.sample_rate)))

    def forget(self, most: int) -> None:
        """Forget all but the newest `most` steps."""
        del self._steps[: max(0, len(self._steps) - most)]

    def go_back(self, steps: int, window: Floats) -> None:
        """Forget all but the oldest `steps` steps, whose sound ended with this window, or more than a window."""
        del self._steps[steps:]
        self._window = window[-WINDOW * self.step :]

    def levels(self, steps: int) -> list[float]:
        """Return the levels of the newest steps in dBFS, the newest first."""
        return [10 * math.log10(max(1e-10, power)) for power, *_ in self._steps[: -steps - 1 : -1]]

    def means(self) -> NDArray[np.float64]:
        """Return the means over the newest stretches, [stretches, measures]; NaN where so much was not heard yet."""
        newest = np.full((max(STRETCHES), len(MEASURES)), np.nan)
        known = self._steps[-len(newest) :]
        if known:
            newest[: len(known)] = known[::-1]
        counts = np.array(STRETCHES)
        power, bits, clipped, periodic = (np.cumsum(newest, axis=0)[counts - 1] / counts[:, None]).T
        ratio = periodic / np.maximum(1.0 - periodic, 1e-9)
        level, harmonicity = (10 * np.log10(np.maximum(share, 1e-10)) for share in (power, ratio))
        return np.stack([level, bits, clipped, harmonicity], axis=1).clip(LOWS, HIGHS)


@dataclass(frozen=True)
class Ranges:
    """What real sound of a voice does: bounds of each measure over stretches of each length.

    `Gathering` makes them of held-out sound.
    """

    counts: tuple[int, ...]  # real stretches of each length
    # of each length and measure the low bound, the middle and the high bound: quantiles TAIL, 0.5 and 1 - TAIL
    bounds: NDArray[np.float64]  # [stretches, measures, 3]
    pauses: tuple[int, ...]  # steps of the longest stretch below each of LINES

    def limits(self) -> NDArray[np.float64]:
        """Return below and above what a mean is trouble, [stretches, measures, 2]; infinite where nothing is known."""
        low, middle, high = np.moveaxis(self.bounds, -1, 0)
        below = low - np.maximum(MARGINS, MARGIN * (middle - low))
        above = high + np.maximum(MARGINS, MARGIN * (high - middle))
        limits = np.stack([below, above], axis=-1)
        for row, count in enumerate(self.counts):
            if count < ENOUGH:
                limits[row] = limits[row - 1] if row else [-np.inf, np.inf]
        return limits

    def pause(self) -> tuple[float, int]:
        """Return the level in dBFS below which a step is quiet, and how many steps real sound is at most, and a margin.

        The level is one of LINES; -inf where nothing is known.
        """
        highest = self.bounds[0, 0, 1] - QUIET if self.counts[0] >= ENOUGH else -math.inf
        known = [(-math.inf, 0), *(pair for pair in zip(LINES, self.pauses, strict=True) if pair[0] <= highest)]
        line, longest = known[-1]
        return line, max(FEWEST, round(LONGER * longest))

    def to_json(self) -> dict[str, Any]:
        """Return plain values: for each length of stretches their count, and for each measure its three quantiles."""
        stretches = []
        for seconds, count, bounds in zip(SECONDS, self.counts, self.bounds.round(4).tolist(), strict=True):
            stretches.append({"seconds": seconds, "count": count, **dict(zip(MEASURES, bounds, strict=True))})
        return {"step_seconds": STEP_SECONDS, "stretches": stretches, "pauses": list(self.pauses)}

    @classmethod
    def from_json(cls, value: Any) -> Ranges:
        """Return what `to_json` gave.

        Raises:
            BundleError: it is anything else.
        """
        try:
            stretches, pauses = value["stretches"], tuple(value["pauses"])
            counts = tuple(one["count"] for one in stretches)
            bounds = np.array([[one[name] for name in MEASURES] for one in stretches], np.float64)
            whole = all(type(number) is int and 0 <= number < 2**53 for number in (*counts, *pauses))
            shaped = bounds.shape == (len(STRETCHES), len(MEASURES), 3) and len(pauses) == len(LINES)
            timed = value["step_seconds"] == STEP_SECONDS and [one["seconds"] for one in stretches] == SECONDS
            if not (whole and shaped and timed and np.isfinite(bounds).all() and (np.diff(bounds) >= 0).all()):
                raise ValueError("other stretches, or no numbers")
        except (KeyError, TypeError, ValueError, OverflowError):
            raise BundleError(
                f"what a bundle says of held-out sound is damaged (windows: {shown(value)}); get it again"
            ) from None
        return cls(counts, bounds, pauses)


class Gathering:
    """Gathers the ranges of real sound, piece by piece, in constant memory: a histogram for each measure.

    Args:
        alphabet: of the codes.
        sample_rate: in Hz.
    """

    def __init__(self, alphabet: Alphabet, sample_rate: int) -> None:
        self.alphabet, self.sample_rate = alphabet, sample_rate
        self._counts = np.zeros((len(STRETCHES), len(MEASURES), BINS), np.int64)
        self._pauses = np.zeros(len(LINES), np.int64)
        self.begin()

    def begin(self, past: Codes | None = None) -> None:
        """Begin another file, or a part of one behind codes [n]."""
        self._sound = self.alphabet.decoder()
        if past is not None:
            self._sound.take_in(past, 0)
        self._meter = Meter(self.sample_rate)
        self._codes, self._nats = np.zeros(0, np.int64), np.zeros(0, np.float32)
        self._pause = np.zeros(len(LINES), np.int64)  # steps that the file has been below each line by now

    def add(self, codes: Codes, nats: Floats) -> None:
        """Take in the next piece of the file: codes [n], of any length, and what each cost, [n] in nats."""
        step = self._meter.step
        codes, nats = np.concatenate([self._codes, codes]), np.concatenate([self._nats, nats])
        whole = len(codes) - len(codes) % step
        for first in range(0, whole, step):
            some = slice(first, first + step)
            self._meter.hear(self._sound.decode(codes[None, some])[0], nats[some])
            self._meter.forget(max(STRETCHES))
            self._count(self._meter.means())
            self._pause = np.where(self._meter.levels(1)[0] < np.array(LINES), self._pause + 1, 0)
            self._pauses = np.maximum(self._pauses, self._pause)
        self._codes, self._nats = codes[whole:], nats[whole:]

    def _count(self, means: NDArray[np.float64]) -> None:
        known = np.flatnonzero(np.isfinite(means).all(axis=1))[:, None]
        bins = ((means[known[:, 0]] - LOWS) / WIDTHS).astype(np.int64)
        self._counts[known, np.arange(len(MEASURES)), np.minimum(bins, BINS - 1)] += 1

    def ranges(self) -> Ranges:
        """Return what was gathered so far."""
        bounds = np.zeros((len(STRETCHES), len(MEASURES), 3))
        below = np.cumsum(self._counts, axis=-1)
        for stretch, measure in np.ndindex(below.shape[:2]):
            so_far = below[stretch, measure]
            if so_far[-1]:
                bins = np.searchsorted(so_far, np.ceil(np.array([TAIL, 0.5, 1 - TAIL]) * so_far[-1]))
                # the outer edges of the bins of the bounds, so that what was heard lies within
                bounds[stretch, measure] = LOWS[measure] + (bins + np.array([0.0, 0.5, 1.0])) * WIDTHS[measure]
        return Ranges(tuple(below[:, 0, -1].tolist()), bounds, tuple(self._pauses.tolist()))


class Watch:
    """Hears one sound step by step and notices what no real sound does for so long.

    Args:
        ranges: what real sound does.
        sample_rate: in Hz.
    """

    def __init__(self, ranges: Ranges, sample_rate: int) -> None:
        self.meter = Meter(sample_rate)
        self._limits, (self._quiet, self._longest_pause) = ranges.limits(), ranges.pause()
        self._from = 0  # the step that the stretches looked at begin at, or later

    def hear(self, wave: Floats, nats: Floats) -> Trouble | None:
        """Take in one more step and return what is the matter by now, by the shortest stretch that shows it.

        Args:
            wave: sound [n] in [-1, 1].
            nats: what each sample cost at temperature 1, [n].
        """
        self.meter.hear(wave, nats)
        for steps, means, limits in zip(STRETCHES, self.meter.means(), self._limits, strict=True):
            first = self.meter.steps - steps
            if first < self._from:
                break
            name = _beyond(means, limits)
            # what pauses is no hum, however sure the network is of a pause
            if name is not None and not (name == "hum" and min(self.meter.levels(steps)) < self._quiet):
                return self._trouble(name, first)
        first = self.meter.steps - self._longest_pause - 1
        silent = first >= self._from and max(self.meter.levels(self._longest_pause + 1)) < self._quiet
        return self._trouble("silence", first) if silent else None

    def _trouble(self, name: str, first: int) -> Trouble:
        return Trouble(name, first, first * self.meter.step / self.meter.sample_rate)

    def pass_over(self) -> None:
        """Judge what comes from here on without what came before."""
        self._from = self.meter.steps


def _beyond(means: NDArray[np.float64], limits: NDArray[np.float64]) -> str | None:
    """Return what is the matter with a stretch: means [measures] beyond limits [measures, 2]; None where nothing is."""
    below, above = (dict(zip(MEASURES, side, strict=True)) for side in (means < limits[:, 0], means > limits[:, 1]))
    return next((name for measure, side, name in TROUBLES if (below if side == "low" else above)[measure]), None)
