"""What square kernels see of a picture: every position of the square, exact, branches included.

A way through the branches reaches the same lags along both axes, so all rows and columns of one set: a square of the
set with itself. Several ways reach the union of theirs, which is no such square any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wavenet.geometry.fields import Bits, Seen, Spread, walk
from wavenet.geometry.layers import Padding, Part

MAX_WAYS = 64  # ways through branches of which none reaches all that another does
MAX_BITS = 200_000_000  # of all sets together

Ways = frozenset[int]


@dataclass(frozen=True)
class Grid:
    """The square that one output sees. Lag 0 is the newest row or column, as along one axis.

    Args:
        side: the receptive field along each axis.
        regions: (rows, columns) as bit sets of lags; each row stands in one region at most, and of it exactly these
            columns are reached.
    """

    side: int
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


def grid_of(parts: Iterable[Part], padding: Padding = "same") -> Grid | None:
    """Return what an output sees of a picture; None where branches make too many different ways to keep.

    Args:
        parts: layers of square kernels, global pooling (which has no fixed position) and branches.
        padding: of all layers, as `see` takes it.

    Raises:
        LayerError: as `see` does.
    """
    try:
        ways = walk(parts, Seen(1, 0, _Ways.one), _Ways(), padding).kept
        side = max((way.bit_length() for way in ways), default=0)
        return Grid(side, tuple(_regions(sorted(ways), side)))
    except _TooManyWaysError:
        return None


class _TooManyWaysError(Exception):
    """The exact answer would take too long."""


class _Ways(Spread[Ways]):
    """The sets of lags of all ways, without those that lie inside another: their squares do so too."""

    none: Ways = frozenset()
    one: Ways = frozenset({1})

    def moved(self, kept: Ways, lags: int) -> Ways:
        return frozenset(way << lags for way in kept)

    def joined(self, a: Ways, b: Ways) -> Ways:
        return _largest(a | b)

    def tapped(self, kept: Ways, kernel: int, step: int) -> Ways:
        return _largest({Bits().tapped(way, kernel, step) for way in kept})


def _largest(ways: Iterable[int]) -> Ways:
    """Return the sets that lie inside no other."""
    kept: list[int] = []
    for way in sorted(ways, key=int.bit_count, reverse=True):
        if not any(way | other == other for other in kept):
            kept.append(way)
            if len(kept) > 1 and (len(kept) > MAX_WAYS or len(kept) * kept[0].bit_length() > MAX_BITS):
                raise _TooManyWaysError
    return frozenset(kept)


def _regions(ways: Sequence[int], side: int) -> list[tuple[int, int]]:
    """Return the rows that lie in the same sets together, with the union of these sets."""
    regions = [((1 << side) - 1, 0)]
    for way in ways:
        split = []
        for rows, columns in regions:
            inside, outside = rows & way, rows & ~way
            split += [(inside, columns | way)] if inside else []
            split += [(outside, columns)] if outside else []
        regions = split
        if len(regions) > 2 and len(regions) * side > MAX_BITS:
            raise _TooManyWaysError
    return [(rows, columns) for rows, columns in regions if columns]
