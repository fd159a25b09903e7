"""Which samples a frame sees: the one place that knows hop, length and edges of what is measured on sound.

Frame k stands at sample k * hop + hop // 2, the middle of the samples that it covers (`geometry/frames.py`). A window
of w samples around it begins w // 2 samples before, as `torch.stft` has its windows; beyond both ends of a sound there
are zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wavenet.geometry import frame_count
from wavenet.outputs import Floats


@dataclass(frozen=True)
class Wave:
    """A sound that is read piece by piece."""

    read: Callable[[int, int], Floats]  # samples first .. last - 1, both from 0 to `samples`; float32, full scale 1
    samples: int  # the tail of silence included

    def padded(self, first: int, last: int) -> Floats:
        """Return samples first .. last - 1 [last - first] float32, zeros where they lie beyond the ends."""
        low, high = (min(max(0, at), self.samples) for at in (first, last))
        wave = np.zeros(last - first, np.float32)
        if low < high:
            wave[low - first : high - first] = self.read(low, high)
        return wave


def of_array(samples: Floats) -> Wave:
    """Return a sound [T] that is held in memory as one that is read."""
    return Wave(lambda first, last: samples[first:last], len(samples))


def windows(wave: Wave, hop: int, width: int, first: int, last: int) -> Floats:
    """Return what frames first .. last - 1 see, [last - first, width] float32; rows may share memory."""
    begin = first * hop + hop // 2 - width // 2
    seen = wave.padded(begin, begin + (last - first - 1) * hop + width)
    return sliding_window_view(seen, width)[::hop]


def stretches(wave: Wave, hop: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield first and last + 1 of the frames of a sound, at most so many together, so that memory is bounded."""
    frames = frame_count(wave.samples, hop)
    for first in range(0, frames, most):
        yield first, min(first + most, frames)
