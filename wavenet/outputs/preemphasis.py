"""Pre-emphasis: the network models y[t] = x[t] - a x[t-1] in place of the sound x, and what it draws is filtered back.

Speech is strong in its low frequencies and weak in its high ones; y is more even, so that a network learns the high
ones sooner, and the noise of its coarse codes falls off towards them as speech does (Valin and Skoglund 2019,
arXiv:1810.11846). Before its first sample a sound is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from wavenet.outputs.draw import Codes, Floats

BLOCK = 1 << 16  # samples that are filtered back at a time: as Python's numbers they take eight times the memory

Values = NDArray[np.float64]


def emphasised(wave: NDArray[np.floating], share: float) -> NDArray[np.floating]:
    """Return y of sounds [..., n], float64, each from its beginning; where `share` is 0 the sounds as they are.

    What lies beyond [-1, 1] is clamped before, and NaN counts as 0, so that y does not depend on who clips.
    """
    if share == 0:
        return wave
    clean = np.clip(np.nan_to_num(wave.astype(np.float64)), -1.0, 1.0)
    made = clean.copy()
    made[..., 1:] -= share * clean[..., :-1]
    return made


def restored(values: NDArray[np.floating], share: float, before: float = 0.0) -> Values:
    """Return the sound [n], float64, of the y [n] behind a sample: x[t] = y[t] + a x[t-1].

    It is computed sample by sample, so that pieces are to the bit what the whole is.
    """
    made = np.empty(len(values))
    for first in range(0, len(values), BLOCK):
        part = values[first : first + BLOCK].tolist()
        sums = accumulate(part, lambda x, y: y + share * x, initial=float(before))
        next(sums)  # the sample before
        made[first : first + len(part)] = np.fromiter(sums, np.float64, len(part))
        before = made[first + len(part) - 1]
    return made


class Decoder:
    """Turns the codes of several sounds into sound, piece by piece: each goes on from where it stands.

    Args:
        values: returns the value of each code.
        share: a of the pre-emphasis; with 0 the values are the sound.
        batch: sounds B.

    Attributes:
        last: [B] float64, the sample that each has come to; not clamped, and 0 throughout without pre-emphasis.
    """

    def __init__(self, values: Callable[[Codes], Floats], share: float, batch: int = 1) -> None:
        self._values, self._share = values, share
        self.last: Values = np.zeros(batch)

    def decode(self, codes: Codes, sounds: Sequence[int] | Codes | None = None) -> Floats:
        """Return the next samples [N, n] float32 of some sounds, or of all, from their codes [N, n].

        With pre-emphasis they may lie beyond [-1, 1]; what writes them clips them.
        """
        values = self._values(codes)
        if self._share == 0:
            return values
        waves = np.empty(values.shape, np.float32)
        for row, sound in enumerate(range(len(codes)) if sounds is None else sounds):
            waves[row] = self._next(values[row], sound)
        return waves

    def take_in(self, codes: Codes, sound: int) -> None:
        """Go on behind known codes [n] of one sound."""
        if self._share:
            self._next(self._values(codes), sound)

    def _next(self, values: Floats, sound: int) -> Values:
        wave = restored(values, self._share, self.last[sound])
        self.last[sound] = wave[-1] if len(wave) else self.last[sound]
        return wave
