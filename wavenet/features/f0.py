"""The track `f0`: how high a sound is at a frame, and whether it has a pitch there at all.

Boersma 1993, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
sound": the autocorrelation of a windowed frame, divided by that of its window, peaks at whole periods; the best path
through the peaks of all frames, or through *unvoiced*, costs little where frames are strong and neighbours agree. The
constants are those of his program, Praat, but for OCTAVE. Nothing but NumPy is needed: of what has wheels, Praat's own
is under the GPL, and the neural ones are no better on pianos and bring a runtime of 78 MB or weights to download.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.features.framing import Wave, stretches, windows
from wavenet.outputs import Floats
from wavenet.recipe.records import F0Config

Hertz = NDArray[np.float64]

PERIODS = 3  # of the lowest pitch, in a window
FINE = 16  # steps of the autocorrelation in the shortest period
PEAKS = 7  # that a frame may choose among
SILENCE, VOICING = 0.03, 0.45  # thresholds: share of the sound's peak, and strength of a peak
OCTAVE = 0.03  # cost of an octave lower; with 0.01 a third of a piano's notes below 80 Hz are an octave too low
OCTAVE_JUMP, VOICING_JUMP = 0.35, 0.14  # costs, at 100 frames a second
PIECE = 1 << 20  # values of autocorrelations that are held at once
READ = 1 << 20  # samples that are read at once for the loudest of all


class F0:
    """Computes the frames of pitch and voicing of sounds.

    Args:
        config: of the recipe.
        rate: in Hz.
        hop: samples between two frames.
    """

    name, width, kind = "f0", 2, np.dtype(np.float16)

    def __init__(self, config: F0Config, rate: int, hop: int) -> None:
        self.config, self.rate, self.hop = config, rate, hop

    def identity(self) -> Any:
        """Return plain values that decide, with the sound, on the frames."""
        constants = (PERIODS, FINE, PEAKS, SILENCE, VOICING, OCTAVE, OCTAVE_JUMP, VOICING_JUMP)
        return [asdict(self.config), self.rate, self.hop, *constants]

    def frames(self, sound: int, wave: Wave) -> Iterator[Floats]:
        """Yield all frames of a sound, [F, 2] float32: pitch of about -1 to 1, and 1 where it has one, else 0."""
        del sound
        hertz = pitches(wave, self.rate, self.hop, self.config)
        yield np.stack([scaled(filled(hertz, self.config), self.config), hertz > 0], axis=1).astype(np.float32)


def scaled(hertz: Hertz, config: F0Config) -> Floats:
    """Return pitches in Hz as the track has them: -1 at `low_hz`, 1 at `high_hz`, even in octaves between."""
    return np.asarray(2 * np.log2(hertz / config.low_hz) / math.log2(config.high_hz / config.low_hz) - 1, np.float32)


def in_hertz(pitch: Floats, config: F0Config) -> Hertz:
    """Return pitches in Hz of those that the track has: what `scaled` undoes."""
    octaves = (pitch.astype(np.float64) + 1) / 2 * math.log2(config.high_hz / config.low_hz)
    return np.asarray(config.low_hz * np.exp2(octaves))


def semitones(count: float, config: F0Config) -> float:
    """Return how far apart pitches that differ by some semitones are as the track has them."""
    return 2 * count / 12 / math.log2(config.high_hz / config.low_hz)


def filled(hertz: Hertz, config: F0Config) -> Hertz:
    """Return pitches in Hz with those between voiced frames in place of 0; in the middle of the range where none is."""
    voiced = np.flatnonzero(hertz)
    if not len(voiced):
        return np.full(len(hertz), math.sqrt(config.low_hz * config.high_hz))
    return np.asarray(np.exp2(np.interp(np.arange(len(hertz)), voiced, np.log2(hertz[voiced]))))


def pitches(wave: Wave, rate: int, hop: int, config: F0Config) -> Hertz:
    """Return the pitch of each frame in Hz [F] float64, 0 where it has none.

    Holds about 70 bytes for each frame of the sound.
    """
    spectrum = _Autocorrelation(rate, config)
    loudest = max(
        (float(np.abs(wave.read(at, min(at + READ, wave.samples))).max()) for at in range(0, wave.samples, READ)),
        default=0.0,
    )
    found = [
        spectrum.peaks(windows(wave, hop, spectrum.width, first, last), loudest)
        for first, last in stretches(wave, hop, max(1, PIECE // spectrum.size))
    ]
    if not found:
        return np.zeros(0)
    hertz, strengths = (np.concatenate(parts) for parts in zip(*found, strict=True))
    chosen = best_path(np.log2(np.maximum(hertz, 1e-9)), strengths, 0.01 * rate / hop)
    return hertz[np.arange(len(hertz)), chosen].astype(np.float64)


class _Autocorrelation:
    """Finds the periods that a windowed frame may have."""

    def __init__(self, rate: int, config: F0Config) -> None:
        self.config = config
        self.width = math.ceil(PERIODS * rate / config.low_hz)
        finer = 1 << max(0, math.ceil(math.log2(FINE * config.high_hz / rate)))  # than samples
        self.rate, self.half = rate * finer, 1 << math.ceil(math.log2(1.5 * self.width))
        self.size = self.half * finer
        self.window = np.hanning(self.width + 2)[1:-1].astype(np.float32)
        own = np.fft.irfft(np.abs(np.fft.rfft(self.window, self.half)) ** 2, self.size)
        self.longest = math.ceil(self.rate / config.low_hz) + 2
        self.shortest = max(2, math.floor(self.rate / config.high_hz))
        self.own = (own / own[0])[: self.longest].astype(np.float32)

    def peaks(self, frames: Floats, loudest: float) -> tuple[Hertz, Hertz]:
        """Return pitches in Hz and strengths [n, 1 + PEAKS] of frames [n, width]; the first, 0 Hz, is *unvoiced*."""
        frames = frames - frames.mean(axis=1, keepdims=True)
        loud = np.abs(frames).max(axis=1)
        spectra = np.abs(np.fft.rfft(frames * self.window, self.half)) ** 2
        like = np.fft.irfft(spectra, self.size)[:, : self.longest].astype(np.float32)
        like /= np.maximum(like[:, :1], 1e-12) * self.own
        inner, lags = like[:, self.shortest : -1], np.arange(self.shortest, self.longest - 1)
        rising = inner - like[:, self.shortest - 1 : -2]
        falling = inner - like[:, self.shortest + 1 :]
        strengths = np.where((rising > 0) & (falling >= 0) & (inner > 0), inner, -np.inf)
        strengths += OCTAVE * np.log2(self.rate / lags / self.config.low_hz, dtype=np.float32)
        best = np.argsort(-strengths, axis=1, kind="stable")[:, :PEAKS]
        rise, fall, strong = (np.take_along_axis(a, best, axis=1) for a in (rising, falling, strengths))
        curved = np.where(np.isfinite(strong), rise + fall, 1)
        shift = np.where(np.isfinite(strong), (rise - fall) / (2 * np.maximum(curved, 1e-12)), 0)
        hertz = np.where(np.isfinite(strong), self.rate / (lags[best] + shift), 0)
        strong += np.where(np.isfinite(strong), (rise - fall) ** 2 / (8 * np.maximum(curved, 1e-12)), 0)
        share = loud / max(loudest, 1e-12)
        unvoiced = VOICING + np.maximum(0, 2 - share / (SILENCE / (1 + VOICING)))
        outside = (hertz < self.config.low_hz) | (hertz > self.config.high_hz)
        strong = np.where(outside, -np.inf, strong)
        return np.insert(hertz, 0, 0, axis=1), np.insert(strong, 0, unvoiced, axis=1)


def best_path(octaves: Hertz, strengths: Hertz, pace: float) -> NDArray[np.intp]:
    """Return which candidate of each frame lies on the path of least cost [F].

    Args:
        octaves: of each candidate [F, K], the first of which is *unvoiced*.
        strengths: of each candidate [F, K].
        pace: by which the costs of jumps are multiplied.
    """
    count = len(octaves)
    jumps, changes = OCTAVE_JUMP * pace, VOICING_JUMP * pace
    came = np.zeros(octaves.shape, np.int8)
    score = strengths[0]
    for frame in range(1, count):
        cost = jumps * np.abs(octaves[frame][:, None] - octaves[frame - 1])
        cost[0, :] = cost[:, 0] = changes
        cost[0, 0] = 0
        total = score - cost
        came[frame] = total.argmax(axis=1)
        score = total.max(axis=1) + strengths[frame]
    path = np.zeros(count, np.intp)
    path[-1] = score.argmax()
    for frame in range(count - 1, 0, -1):
        path[frame - 1] = came[frame, path[frame]]
    return path
