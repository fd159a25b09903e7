"""Notices where a sound has ended: 0.3 s below -50 dBFS, once it has begun to sound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from wavenet.generate.sampler import Chunk, Sampler
from wavenet.outputs import Floats

SECONDS = 0.3  # of silence that end a sound; they are kept
DBFS = -50.0  # the RMS of a frame below which it is silent
FRAME_SECONDS = 0.01  # half a period of 50 Hz: a shorter frame could fall into the gaps of a low tone


class Silence:
    """Hears one sound, in pieces of any lengths, and notices where it has ended.

    Levels are those of frames of 10 ms from the sound's first sample on, so that the pieces change nothing. Silence
    before the first frame that sounds does not count.

    Args:
        sample_rate: in Hz.

    Attributes:
        end: how many samples the sound has, once it has ended; else None.
    """

    def __init__(self, sample_rate: int) -> None:
        self._frame = max(1, round(FRAME_SECONDS * sample_rate))
        self._needed = math.ceil(SECONDS * sample_rate / self._frame)  # frames
        self._rest: Floats = np.zeros(0, np.float32)
        self._heard, self._silent, self._begun = 0, 0, False  # frames, frames, whether it has sounded yet
        self.end: int | None = None

    @property
    def quiet(self) -> int:
        """Samples of the silence that it has come to; 0 while it sounds."""
        return self._silent * self._frame

    def hear(self, wave: Floats) -> None:
        """Take in more of the sound, [n] float32 in [-1, 1]."""
        known = np.concatenate([self._rest, wave])
        whole = len(known) - len(known) % self._frame
        self._rest = known[whole:]
        frames = known[:whole].reshape(-1, self._frame).astype(np.float64)
        for power in np.mean(frames**2, axis=1).tolist():
            if self.end is not None:
                return
            loud = power >= 10 ** (DBFS / 10)
            self._begun, self._heard = self._begun or loud, self._heard + 1
            self._silent = 0 if loud else self._silent + self._begun
            if self._silent == self._needed:
                self.end = self._heard * self._frame


def ending(
    source: Sampler, sounds: Sequence[Silence], samples: Sequence[int], chunk: int, *, keep_parameters: bool = False
) -> Iterator[Chunk]:
    """Yield chunks as `Sampler.generate` does; sequences that have ended leave them, maybe with more than they need.

    Args:
        source: of all sequences.
        sounds: one for each sequence; they have heard a chunk when it is given out.
        samples: the most of each sequence.
        chunk: how many at a time.
        keep_parameters: whether chunks carry the network's answers.
    """
    left = np.array(samples, np.int64)
    while left.any():
        wanted = np.minimum(left, chunk)
        for part in source.generate(wanted.tolist(), chunk, keep_parameters=keep_parameters):
            for sequence, wave in zip(part.sequences, part.wave, strict=True):
                sounds[sequence].hear(wave)
            yield part
        left -= wanted
        left[[sound.end is not None for sound in sounds]] = 0
