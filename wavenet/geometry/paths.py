"""How many paths through the dilated taps lead from each lag to an output.

All counts are held in one long integer, each in as many bits as the total needs: a layer then costs one shift and one
sum per tap, whatever the number of lags (Kronecker's substitution). Where that integer would be too long, logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wavenet.geometry.layers import Layer, Padding, Parallel, Part
from wavenet.geometry.receptive import Seen, Spread, see, walk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXACT_BITS = 5e8  # lags times bits of a count: 60 MB, and seconds


@dataclass(frozen=True)
class Paths:
    """Paths from each lag of a receptive field to the output, through dilated taps only."""

    total: int  # of all lags together: the product of all kernels where there are no branches
    counts: Sequence[int] | None  # per lag, 0 in a hole; None where they would be too long
    logs: Sequence[float] | None  # log2 of each count where `counts` is None, in floating point

    @property
    def exact(self) -> bool:
        """Whether the counts are exact."""
        return self.counts is not None

    def log2(self) -> list[float]:
        """Return log2 of the paths of each lag; minus infinity in a hole."""
        if self.counts is None:
            return list(self.logs or ())
        return [math.log2(count) if count else -math.inf for count in self.counts]


def count_paths(parts: Sequence[Part], padding: Padding = "causal", exact_bits: float = EXACT_BITS) -> Paths:
    """Return the paths through what `see` takes; global pooling has none of a fixed lag.

    Counts are exact while lags x log2(total paths) is at most `exact_bits`; else NumPy is imported for them.
    """
    lags, total = see(parts, None, padding).receptive_field, total_paths(parts)
    if lags * math.log2(max(1, total)) > exact_bits:
        return Paths(total, None, walk(parts, Seen(_Logs().one), _Logs(), padding).lags.tolist())
    size = total.bit_length() // 8 + 1  # bytes of one count
    packed = walk(parts, Seen(1), _Counts(8 * size), padding).lags.to_bytes(size * lags, "little")
    counts = [int.from_bytes(packed[at : at + size], "little") for at in range(0, len(packed), size)]
    return Paths(total, counts, None)


def total_paths(parts: Iterable[Part]) -> int:
    """Return the paths from all lags together."""
    total = 1
    for part in parts:
        if isinstance(part, Layer):
            total *= part.kernel
        elif isinstance(part, Parallel):
            total *= sum(total_paths(branch) for branch in part.branches)
        else:
            total = 0
    return total


class _Counts(Spread[int]):
    """Counts in one integer, `width` bits each."""

    none, one = 0, 1

    def __init__(self, width: int) -> None:
        self.width = width

    def moved(self, lags: int, by: int) -> int:
        return lags << (by * self.width)

    def joined(self, a: int, b: int) -> int:
        return a + b


class _Logs(Spread["NDArray[np.float64]"]):
    """log2 of the count of each lag, as far as the oldest."""

    def __init__(self) -> None:
        import numpy as np

        self.np = np
        self.none: NDArray[np.float64] = np.zeros(0)
        self.one: NDArray[np.float64] = np.zeros(1)

    def moved(self, lags: NDArray[np.float64], by: int) -> NDArray[np.float64]:
        return self.np.concatenate([self.np.full(by, -self.np.inf), lags]) if len(lags) else lags

    def joined(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        short, long = sorted((a, b), key=len)
        out = long.copy()
        self.np.logaddexp2(short, long[: len(short)], out=out[: len(short)])
        return out
