"""What square kernels see of a picture: every position of the square, exact, branches included.

One path through the branches reaches the same lags along both axes, so all rows and columns of one set: a square of the
set with itself. Several paths reach the union of their squares, which is no such square any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wavenet.geometry.layers import Padding, Part
from wavenet.geometry.receptive import Bits, Seen, Spread, walk

MAX_SETS = 64  # of lags, of which none holds another
MAX_BITS = 200_000_000  # of all sets together

Sets = frozenset[int]


@dataclass(frozen=True)
class Grid:
    """The square that one output sees, in regions of (rows, columns) as bit sets of lags; lag 0 is the newest.

    Each row is in one region at most, and of it exactly these columns are reached.
    """

    side: int  # the receptive field along each axis
    regions: tuple[tuple[int, int], ...]

    @property
    def reached(self) -> int:
        """Positions that are reached."""
        return sum(rows.bit_count() * columns.bit_count() for rows, columns in self.regions)

    @property
    def positions(self) -> int:
        """Positions of the square."""
        return self.side**2

    @property
    def coverage(self) -> float:
        """The share of the square that is reached."""
        return self.reached / self.positions if self.side else 1.0

    def rows(self) -> Iterator[int]:
        """Yield the columns that are reached in each row, as bit sets of lags; the oldest row first."""
        for lag in reversed(range(self.side)):
            yield next((columns for rows, columns in self.regions if rows >> lag & 1), 0)


class _TooManySetsError(Exception):
    """The exact answer would take too long."""


def grid_of(parts: Iterable[Part], padding: Padding = "same") -> Grid | None:
    """Return what an output of what `see` takes sees of a picture, all kernels square.

    None where branches make too many different sets of lags to keep.
    """
    try:
        seen = walk(parts, Seen(_Sets.one), _Sets(), padding)
        return Grid(seen.receptive_field, tuple(_regions(sorted(seen.lags), seen.receptive_field)))
    except _TooManySetsError:
        return None


class _Sets(Spread[Sets]):
    """The sets of lags of all paths through the branches, without those that lie inside another."""

    none: Sets = frozenset()
    one: Sets = frozenset({1})

    def moved(self, lags: Sets, by: int) -> Sets:
        return frozenset(one << by for one in lags)

    def joined(self, a: Sets, b: Sets) -> Sets:
        return _largest(a | b)

    def tapped(self, lags: Sets, kernel: int, step: int) -> Sets:
        return _largest({Bits().tapped(one, kernel, step) for one in lags})


def _largest(sets: Iterable[int]) -> Sets:
    """Return the sets that lie inside no other."""
    kept: list[int] = []
    for one in sorted(sets, key=int.bit_count, reverse=True):
        if not any(one | other == other for other in kept):
            kept.append(one)
            if len(kept) > 1 and (len(kept) > MAX_SETS or len(kept) * kept[0].bit_length() > MAX_BITS):
                raise _TooManySetsError
    return frozenset(kept)


def _regions(sets: Sequence[int], side: int) -> list[tuple[int, int]]:
    """Return the rows that lie in the same sets together, with the union of these sets."""
    regions = [((1 << side) - 1, 0)]
    for one in sets:
        split = []
        for rows, columns in regions:
            inside, outside = rows & one, rows & ~one
            split += [(inside, columns | one)] if inside else []
            split += [(outside, columns)] if outside else []
        regions = split
        if len(regions) > 2 and len(regions) * side > MAX_BITS:
            raise _TooManySetsError
    return [(rows, columns) for rows, columns in regions if columns]
