"""The track `sine`: sines of a note's own pitch and its multiples, sample by sample, so that a note has that pitch.

Wang, Takaki, Yamagishi 2019, "Neural source-filter-based waveform model for statistical parametric speech synthesis",
arXiv:1810.11946: a network that is given a sine need not keep its frequency by itself. Sound that is asked for gets
sines of one frequency; a training sound those of its own fundamental, in phase with it: what is left of the sound when
its nominal frequency is taken to 0 Hz turns as slowly as it is out of tune.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError
from wavenet.features.fields import value_of
from wavenet.features.framing import Wave, stretches, windows
from wavenet.features.notes import EXPECTED, hertz_of, note_of
from wavenet.features.store import Stored
from wavenet.outputs import Floats
from wavenet.recipe.records import Recipe
from wavenet.text import printable

Turns = NDArray[np.complex128]
Hertz = float | None  # None where no note is known
Read = Callable[[int, int, int], Floats]  # frames first .. last - 1 of a sound, [last - first, 2 harmonics]

CLEAR = 80.0  # Hz, below which a fundamental drowns in rumble: of a lower note the first partial above is followed
POINTS = 400  # a second, at which the phase is measured; between them it is drawn as lines
NEAR, NEAREST, WIDEST = 0.1, 5.0, 40.0  # spread of what is heard around the fundamental: of its frequency, in Hz
STEADY = 5.0  # Hz, spread of what is heard around it once it is in tune
FAINT = 10 ** (-50 / 20)  # of the loudest, below which a phase is not believed
REACH = 4  # spreads that a filter reaches
PIECE = 1 << 16  # samples that are held at once


def notes_of(recipe: Recipe, clips: Sequence[Clip]) -> list[float | None]:
    """Return the MIDI note of each clip; None where nothing is said of it.

    Raises:
        SoundError: what is said of a clip is no MIDI note.
    """
    column = dict(zip(recipe.fields, recipe.columns, strict=True))[str(recipe.note_field)]
    found: list[float | None] = []
    for clip in clips:
        value = value_of(clip, column)
        note = None if value is None else note_of(value)
        if value is not None and note is None:
            raise SoundError(
                f"{printable(clip.name)} has {column} {value!r:.40}, expected {EXPECTED}, since condition.tracks.sine "
                "goes by it; correct it, or leave the track out"
            )
        found.append(note)
    return found


def of_clips(recipe: Recipe, clips: Sequence[Clip]) -> list[Hertz]:
    """Return the nominal frequency of each clip in Hz; `notes_of` says what is raised."""
    return [None if note is None else hertz_of(note) for note in notes_of(recipe, clips)]


def steady(hertz: float, rate: int, harmonics: int) -> Read:
    """Return the track of a note that never ends, with exactly this frequency."""
    return functools.partial(_steady, hertz, rate, harmonics)


def _steady(hertz: float, rate: int, harmonics: int, sound: int, first: int, last: int) -> Floats:
    del sound
    phase = 2 * np.pi * _cycles(np.arange(first, last), hertz, rate)
    return _multiples(np.exp(1j * phase), hertz, rate, harmonics)


@dataclass(frozen=True)
class Measured:
    """The track of sounds whose phase was measured and kept."""

    stored: Stored  # the cosine and the sine of the fundamental
    hertz: tuple[Hertz, ...]  # nominal, of each sound
    rate: int
    harmonics: int

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound, [last - first, 2 harmonics] float32."""
        held = self.stored.read(sound, first, last).astype(np.float64)
        return _multiples(held[:, 0] + 1j * held[:, 1], self.hertz[sound], self.rate, self.harmonics)


def _multiples(turns: Turns, hertz: Hertz, rate: int, harmonics: int) -> Floats:
    """Return cosine and sine of each multiple of a phase, [n, 2 harmonics] float32; zeros where no sample can show it.

    Args:
        turns: [n], of the fundamental.
        hertz: its nominal frequency.
        rate: in Hz.
        harmonics: how many multiples, itself among them.
    """
    made = np.zeros((len(turns), 2 * harmonics), np.float32)
    for number in range(1, harmonics + 1):
        if hertz is not None and number * hertz < rate / 2:
            power = turns**number
            made[:, 2 * number - 2], made[:, 2 * number - 1] = power.real, power.imag
    return made


class Sine:
    """Measures the phase of the fundamental of notes: its cosine and its sine.

    Args:
        hertz: the nominal frequency of each sound.
        rate: in Hz.
    """

    name, hop, width, kind = "sine", 1, 2, np.dtype(np.float16)

    def __init__(self, hertz: Sequence[Hertz], rate: int) -> None:
        self.hertz, self.rate = hertz, rate

    def identity(self) -> Any:
        """Return plain values that decide, with the sound, on the frames."""
        return [list(self.hertz), self.rate, CLEAR, POINTS, NEAR, NEAREST, WIDEST, STEADY, FAINT, REACH]

    def frames(self, sound: int, wave: Wave) -> Iterator[Floats]:
        """Yield all frames of a sound, [F, 2] float32; zeros where its note is not known.

        Holds about 80 bytes for each of `POINTS` a second.
        """
        hertz = self.hertz[sound]
        heard = hertz is not None and hertz < self.rate / 2
        places, away = _phase(wave, hertz, self.rate) if heard and hertz is not None else (None, None)
        for first, last in stretches(wave, 1, PIECE):
            if hertz is None or places is None or away is None:
                yield np.zeros((last - first, 2), np.float32)
                continue
            at = np.arange(first, last)
            phase = 2 * np.pi * _cycles(at, hertz, self.rate) + np.interp(at, places, away)
            yield np.stack([np.cos(phase), np.sin(phase)], axis=1).astype(np.float32)


def _phase(wave: Wave, hertz: float, rate: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return some samples of a sound, and how far its fundamental is there ahead of its nominal frequency, in radians.

    Where nothing is heard, it stays as far ahead as where something was, before the first and behind the last.
    """
    hop, partial = max(1, rate // POINTS), math.ceil(CLEAR / hertz)
    turned = _at_rest(wave, partial * hertz, min(WIDEST, max(NEAREST, NEAR * hertz)), rate, hop)
    places = np.arange(len(turned), dtype=np.int64) * hop + hop // 2
    rate_of_turning = float(np.angle(np.vdot(turned[:-1], turned[1:])))  # radians from one point to the next
    own = rate_of_turning * np.arange(len(turned))
    tuned = _smoothed(turned * np.exp(-1j * own), rate / hop)
    loud = np.abs(tuned)
    believed = np.flatnonzero(loud > FAINT * loud.max(initial=0.0))
    if not len(believed):
        return places, np.zeros(len(places))
    away = own[believed] + np.unwrap(np.angle(tuned[believed]))
    return places[believed], away / partial


def _at_rest(wave: Wave, hertz: float, spread: float, rate: int, hop: int) -> Turns:
    """Return what is heard around a frequency, taken to 0 Hz, at a point every `hop` samples, [points]."""
    lags, weights = _bell(rate, spread)
    filtered = weights * np.exp(-2j * np.pi * hertz / rate * lags)
    kernel = np.stack([filtered.real, filtered.imag], axis=1)
    found = []
    for first, last in stretches(wave, hop, max(1, PIECE // hop)):
        parts = windows(wave, hop, len(lags), first, last) @ kernel
        middles = np.arange(first, last) * hop + hop // 2
        found.append((parts[:, 0] + 1j * parts[:, 1]) * np.exp(-2j * np.pi * _cycles(middles, hertz, rate)))
    return np.concatenate(found)


def _smoothed(turned: Turns, rate: float) -> Turns:
    """Return what turns slowly of what was taken to rest, [points]."""
    lags, weights = _bell(rate, STEADY)
    whole = np.convolve(turned, weights)
    return np.asarray(whole[len(lags) // 2 :][: len(turned)])


def _bell(rate: float, spread: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lags, and the weights of a Gaussian filter whose spread is given in Hz; both [odd number]."""
    wide = rate / (2 * math.pi * spread)  # its spread in samples
    reach = max(1, math.ceil(REACH * wide))
    lags = np.arange(-reach, reach + 1, dtype=np.float64)
    weights = np.exp(-0.5 * (lags / wide) ** 2)
    return lags, weights / weights.sum()


def _cycles(samples: NDArray[np.int64], hertz: float, rate: int) -> NDArray[np.float64]:
    """Return how much of a cycle has passed at some samples, 0 to 1."""
    return np.asarray(samples * (hertz / rate) % 1.0)
