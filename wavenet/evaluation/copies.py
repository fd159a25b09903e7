"""Does a model recite? For each clip the stretch of training sound that it resembles most, and whether it is a copy.

Two stretches are compared by their normalised cross-correlation over SPAN seconds at one lag. A copy keeps its lag, so
that it stays near 1 for as long; two vowels of one speaker, or two takes of a word, come apart after a few periods. How
far, real held-out clips show, against the same training sound. An instrument that repeats itself is the exception: one
piano's note, played again louder or softer, moves the same strings, and counts as a copy. Held-out notes of other
pitches do not show that; held-out takes of the same ones do. And fewer than 32 classes are too coarse to recite with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from wavenet.audio.crops import Sound
from wavenet.audio.splits import Span
from wavenet.evaluation.matching import Places, at_rate, scales, search
from wavenet.outputs import Floats
from wavenet.text import many, printable, table

SPAN = 0.240  # seconds that must agree; a copy of a quarter of a second holds them wherever it begins
WINDOW = 0.125  # seconds that are searched for, one behind the other: any copy of twice as long holds one
SEARCH_RATE = (
    8_000  # Hz: below 4 kHz lies nearly all of the energy of speech and music; at half of it copies are missed
)
PLACES = 8  # of each window that are looked at closely
PERIOD = 0.0125  # seconds, of the lowest voices: places are looked for so far around those of the search
HOP = 0.005  # seconds between spans that are compared at one lag
COPY = 0.988  # takes of one sentence reach 0.984, copies with noise 20 dB below them have 0.990 or more (LOG.md)
FAINTEST = 10 ** (-60 / 10)  # mean square, -60 dBFS: nobody hears whether what is fainter is a copy
GAIN = 10.0  # a model recites about as loud as it heard: what is 20 dB louder or fainter is another sound

Wide = NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """What a clip is most like."""

    name: str  # of the training file; empty where the clip is silent or shorter than a window
    seconds: float  # where it begins in that file
    clip_seconds: float  # where it begins in the clip
    correlation: float  # from 0 to 1
    copy: bool


@dataclass(frozen=True)
class Copies:
    """The matches of generated clips, and of real held-out ones, in training sound."""

    generated: tuple[Match, ...]
    real: tuple[Match, ...]

    @property
    def conclusion(self) -> str:
        """One closing sentence."""
        ours, theirs = (sum(match.copy for match in side) for side in (self.generated, self.real))
        of = f"{ours} of {many(len(self.generated), 'clip')} {'copies' if ours == 1 else 'copy'} training sound"
        nearest = f"the nearest has a correlation of {_highest(self.generated):.3f}"
        if self.real:
            nearest += f", of real held-out clips {_highest(self.real):.3f}"
        if not theirs:
            return f"{of} ({nearest}; a copy has {COPY} or more)."
        tell = "such sound recurs by itself (steady tones do), or files are in two splits"
        do = "does" if theirs == 1 else "do"
        return f"{of}, but so {do} {theirs} of {many(len(self.real), 'real held-out clip')}: {tell}."

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "copy_from": COPY}

    def to_text(self) -> list[str]:
        """Return a table, the nearest first, and the closing sentence."""
        rows: list[list[str | float | None]] = [["clip", "from", "is like", "from", "correlation", ""]]
        for number, match in sorted(enumerate(self.generated), key=lambda pair: -pair[1].correlation):
            if match.name:
                places = [f"{number}", f"{match.clip_seconds:.2f} s", printable(match.name), f"{match.seconds:.2f} s"]
                rows.append([*places, f"{match.correlation:.3f}", "a copy" if match.copy else ""])
        return [*table(rows), self.conclusion]


def copies(
    generated: Sequence[Floats], real: Sequence[Floats], training: Sound, spans: Sequence[Span], rate: int
) -> Copies:
    """Return what generated clips resemble most in training sound, and real held-out clips as their yardstick."""
    matches = nearest([*generated, *real], training, spans, rate)
    return Copies(tuple(matches[: len(generated)]), tuple(matches[len(generated) :]))


def nearest(clips: Sequence[Floats], training: Sound, spans: Sequence[Span], rate: int) -> list[Match]:
    """Return the match of each clip in some spans of training sound.

    Args:
        clips: waves [T] float32 in [-1, 1].
        training: the sound.
        spans: what was trained on.
        rate: of all, in Hz.
    """
    matches = [Match("", 0.0, 0.0, 0.0, False)] * len(clips)
    rates = (rate, min(rate, SEARCH_RATE))
    windows = [*_windows(clips, rates)]
    if not windows or not spans:
        return matches
    places = search(np.stack([w for _, _, w in windows]), training, spans, rates, PLACES)
    for row, (clip, first, _) in enumerate(windows):
        for span, lag in _lags(clips[clip], first, places, row, training, spans, rates):
            match = _along(clips[clip], first, training, spans[span], lag, rate)
            if match is not None and match.correlation > matches[clip].correlation:
                matches[clip] = match
    return matches


def _windows(clips: Sequence[Floats], rates: tuple[int, int]) -> Iterator[tuple[int, int, Floats]]:
    """Yield clip, first sample at the clips' own rate, and the window at the search's rate, of all but silence."""
    size = round(WINDOW * rates[1])
    for number, clip in enumerate(clips):
        wave = at_rate(clip, *rates)
        for first in range(0, len(wave) - size + 1, size):
            window = wave[first : first + size]
            if window.var(dtype=np.float64) > FAINTEST:
                yield number, round(first * rates[0] / rates[1]), window


def _lags(
    clip: Floats, first: int, places: Places, row: int, training: Sound, spans: Sequence[Span], rates: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield the places of one window to the sample: the span, and how much later in it than in the clip they are.

    The best is looked for within a period to both sides, since at the search's rate one period of a steady tone is as
    good as another.
    """
    size, slack = round(WINDOW * rates[0]), round(PERIOD * rates[0])
    window = clip[first : first + size] - clip[first : first + size].mean(dtype=np.float64)
    for number, at in zip(places.span[row].tolist(), places.at[row].tolist(), strict=True):
        span = spans[number]
        begin = max(0, round(at * rates[0] / rates[1]) - slack)
        known = training.read(span.clip, span.first + begin, min(span.last, span.first + begin + size + 2 * slack))
        if len(known) >= len(window):
            fits = np.correlate(known.astype(np.float64), window, "valid") * scales(known, len(window))
            yield number, begin + int(fits.argmax()) - first


def _along(clip: Floats, first: int, training: Sound, span: Span, lag: int, rate: int) -> Match | None:
    """Return the best of all stretches of SPAN seconds at one lag that hold a part of the window at `first`."""
    size = min(round(SPAN * rate), len(clip), span.last - span.first)
    begin = max(0, -lag, first - size)
    end = min(len(clip), span.last - span.first - lag, first + round(WINDOW * rate) + size)
    if end - begin < size:
        return None
    ours = clip[begin:end].astype(np.float64)
    theirs = training.read(span.clip, span.first + begin + lag, span.first + end + lag).astype(np.float64)
    hop = max(1, round(HOP * rate))
    fits = _correlations(sliding_window_view(theirs, size)[::hop], sliding_window_view(ours, size)[::hop])
    best = int(fits.argmax())
    at, correlation = begin + best * hop, max(0.0, float(fits[best]))
    start = (span.first + at + lag) / rate
    return Match(training.entries[span.clip].name, start, at / rate, correlation, correlation >= COPY)


def _correlations(ours: Wide, theirs: Wide) -> Wide:
    """Return the normalised cross-correlations [n] of stretches [n, T] with others, row by row.

    0 where both are silent, or one is much louder than the other.
    """
    one, other = (side - side.mean(axis=1, keepdims=True) for side in (ours, theirs))
    product, a, b = (np.einsum("nt,nt->n", *pair) for pair in ((one, other), (one, one), (other, other)))
    fainter, louder = np.minimum(a, b), np.maximum(a, b)
    alike = (louder > FAINTEST * ours.shape[1]) & (louder < GAIN**2 * fainter)
    return np.asarray(np.divide(product, np.sqrt(a * b), out=np.zeros(len(a)), where=alike).clip(-1.0, 1.0))


def _highest(matches: Sequence[Match]) -> float:
    return max((match.correlation for match in matches), default=0.0)
