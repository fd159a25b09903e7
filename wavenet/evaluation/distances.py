"""How far copies lie from their originals: distances of spectra, frame by frame, beside those to other sound.

A copy is made of its original's mel spectrogram and has its timing, so both are compared sample for sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from wavenet.errors import InputError
from wavenet.evaluation.intervals import Share
from wavenet.evaluation.log_mels import mel_bands
from wavenet.outputs import Floats
from wavenet.text import many, table

WINDOW_SECONDS = 0.032
FLOOR = 10 ** (-60 / 10)  # of the original's mean power in its loudest band: what is fainter is nobody's loss
FAINTEST = 1e-12  # power that stands for digital silence
AT_ONCE = 512  # frames: minutes take no more memory than seconds

Wide = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """How far two sounds lie apart, both as root mean squares over a frame's values, averaged over frames."""

    mel: float  # dB, of bands of the mel scale
    log_spectral: float  # dB, of all frequencies


@dataclass(frozen=True)
class Copied:
    """How far copies lie from their own originals, and how far from others."""

    own: tuple[Distance, ...]  # of each copy
    other: tuple[Distance, ...]  # to another's original; none where there is one copy

    def nearer(self, measure: str) -> Share:
        """Return how many copies are nearer to their own original than to another, by `mel` or `log_spectral`."""
        pairs = [
            (getattr(one, measure), getattr(other, measure)) for one, other in zip(self.own, self.other, strict=False)
        ]
        return Share(sum(one < other for one, other in pairs), len(pairs))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        made: dict[str, Any] = {"copies": len(self.own)}
        for measure in MEASURES:
            own, other = ([getattr(one, measure) for one in side] for side in (self.own, self.other))
            about = {"own": _mean(own), "other": _mean(other), "nearer": self.nearer(measure).to_json()}
            made[measure] = {**about, "each": own}
        return made

    def to_text(self) -> list[str]:
        """Return a table, line by line."""
        rows: list[list[str | float | None]] = [
            ["distance of copies", "to the original", "to another", "nearer to their own"]
        ]
        for measure, title in MEASURES.items():
            own, other = (_mean([getattr(one, measure) for one in side]) for side in (self.own, self.other))
            nearer = self.nearer(measure)
            share = f"{nearer.right} of {nearer.clips}" if nearer.clips else None
            rows.append([title, *(None if value is None else f"{value:.2f} dB" for value in (own, other)), share])
        return table(rows)


MEASURES = {"mel": "mel distance", "log_spectral": "log-spectral distance"}


def copied(originals: Sequence[Floats], copies: Sequence[Floats], rate: int) -> Copied:
    """Return how far copies lie from their originals and from the originals behind those in the list.

    Args:
        originals: waves [T] in [-1, 1].
        copies: as many, of these.
        rate: of all, in Hz.

    Raises:
        InputError: there are not as many copies as originals, or a sound has no samples.
    """
    if len(originals) != len(copies) or not copies:
        raise InputError(
            f"there are {many(len(originals), 'original')} for {many(len(copies), 'sound')}, expected one for each and "
            "at least one"
        )
    own = [distance(original, copy, rate) for original, copy in zip(originals, copies, strict=True)]
    others = [*originals[1:], originals[0]] if len(originals) > 1 else []
    other = [distance(original, copy, rate) for original, copy in zip(others, copies, strict=False)]
    return Copied(tuple(own), tuple(other))


def distance(original: Floats, copy: Floats, rate: int) -> Distance:
    """Return how far a sound lies from an original, over as many samples as both have.

    The log-spectral distance is that of Gray and Markel 1976 ("Distance measures for speech processing"), the mel
    distance the same of bands. Frames of WINDOW_SECONDS overlap by three quarters. The distance is no symmetric one:
    the original decides how faint power must be to count as silence.

    Raises:
        InputError: a sound has no samples.
    """
    samples = min(len(original), len(copy))
    if not samples:
        raise InputError("a sound without samples has no distance to another; leave it out")
    size = max(4, round(WINDOW_SECONDS * rate) // 4 * 4)
    bank = np.concatenate([mel_bands(rate, 2 * size).astype(np.float64), np.eye(size + 1)])
    bands = len(bank) - size - 1
    ours, theirs = (_frames(wave[:samples], size) for wave in (original, copy))
    mean = bank @ (sum(_power(part).sum(axis=0) for part in _parts(ours)) / len(ours))
    floors = [max(FAINTEST, FLOOR * float(own.max())) for own in (mean[:bands], mean[bands:])]
    floor, sums = np.repeat(floors, [bands, len(bank) - bands]), np.zeros(2)
    for one, other in zip(_parts(ours), _parts(theirs), strict=True):
        decibels = 10 * np.log10(np.maximum(_power(one) @ bank.T, floor) / np.maximum(_power(other) @ bank.T, floor))
        for measure, own in enumerate((decibels[:, :bands], decibels[:, bands:])):
            sums[measure] += np.sqrt((own**2).mean(axis=1)).sum()
    return Distance(*(float(total) / len(ours) for total in sums))


def _frames(wave: Floats, size: int) -> Wide:
    """Return overlapping frames [F, size], the first half before the sound's begin, the last behind its end."""
    padded = np.pad(wave.astype(np.float64), (size // 2, size // 2 + -len(wave) % (size // 4)))
    return sliding_window_view(padded, size)[:: size // 4]


def _parts(frames: Wide) -> Iterator[Wide]:
    for first in range(0, len(frames), AT_ONCE):
        yield frames[first : first + AT_ONCE]


def _power(frames: Wide) -> Wide:
    """Return the power [F, size + 1] of frames under a Hann window, 1 on average for white noise of power 1."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(frames.shape[1]) + 0.5) / frames.shape[1])
    return np.asarray(np.abs(np.fft.rfft(frames * window, 2 * frames.shape[1])) ** 2 / (window**2).sum())


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
