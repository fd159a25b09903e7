"""What square kernels see of a picture, drawn as a lattice of positions: after some layers, and after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from wavenet.geometry import Grid, grid_of, see
from wavenet.inspection.layers import Design
from wavenet.text import many, number, percent

DARK, ACCENT = "#16324f", "#b3541e"
BINS = 1_500  # columns of a bar, and points of a line
PANELS = 4
DOTS = 25  # rows of a square up to which each position is a dot
CELLS = 300  # rows and columns of a larger one

PLAIN = FuncFormatter(lambda value, place: f"{value:,.10g}".replace("-", "\N{MINUS SIGN}"))


@dataclass(frozen=True)
class Square:
    """What an output of the first so many layers sees."""

    layers: str  # in words
    grid: Grid  # its positions
    newest: int  # where its newest row and column lie, counted from the output's own place


def shares_of(lags: int, size: int, bins: int = BINS) -> NDArray[np.float64]:
    """Return the share of the first `size` lags that is reached in each of at most so many bins, the oldest first."""
    packed = np.frombuffer(lags.to_bytes(size // 8 + 1, "little"), np.uint8)
    reached = np.unpackbits(packed, count=size, bitorder="little")
    edges = np.linspace(0, size, min(bins, size) + 1).astype(int)
    counts = np.concatenate([[0], np.cumsum(reached, dtype=np.int64)])
    return np.asarray(np.diff(counts[edges]) / np.diff(edges))[::-1]


def cells_of(grid: Grid, cells: int = CELLS) -> NDArray[np.float64]:
    """Return the share of positions reached in each cell of a square [rows, columns], the oldest first."""
    rows, columns = (
        np.array([shares_of(lags, grid.side, cells) for lags in sets]) for sets in zip(*grid.regions, strict=True)
    )
    return np.asarray(rows.T @ columns)


def squares(design: Design) -> list[Square]:
    """Return what is seen after a part of the layers, after more and after all; none where it isn't known.

    Of those that see the same the last one stays.
    """
    total, found = len(design.parts), list[Square]()
    for count in sorted({-(-total * part // PANELS) for part in range(1, PANELS + 1)}):
        parts = design.parts[:count]
        grid = grid_of(parts, design.padding)
        if grid is None or not grid.side:
            continue
        if found and found[-1].grid == grid:
            found.pop()
        layers = "all layers" if count == total else "layer 1" if count == 1 else many(count, "layer")
        found.append(Square(layers, grid, see(parts, None, design.padding).newest))
    return found if found and found[-1].layers == "all layers" else []


def squares_axes(panels: Sequence[Axes], drawn: Sequence[Square]) -> None:
    """Draw squares on one scale: dark where a position is reached, white where not, a ring where the output stands."""
    low = min(0, *(one.newest - one.grid.side + 1 for one in drawn))
    high = max(0, *(one.newest for one in drawn))
    side = high - low + 1
    edge = 0.5 + 0.02 * side
    for axes, one in zip(panels, drawn, strict=True):
        _square_axes(axes, one, side)
        axes.set(xlim=(low - edge, high + edge), ylim=(high + edge, low - edge), aspect="equal", anchor="W")
        counts = f"{number(one.grid.reached)} of {number(one.grid.positions)} ({percent(one.grid.coverage)})"
        axes.set_title(f"{one.layers}:\n{counts}", fontsize=9, loc="left")
        axes.set_xlabel("pixels from the output, the ring", fontsize=8)
        axes.tick_params(labelsize=7)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6, integer=True))
            axis.set_major_formatter(PLAIN)


def _square_axes(axes: Axes, one: Square, side: int) -> None:
    shares, first, length = cells_of(one.grid), one.newest - one.grid.side + 1, one.grid.side
    size = (115.0 / side) ** 2  # of a dot, in square points
    axes.add_patch(Rectangle((first - 0.5, first - 0.5), length, length, fill=False, ec=DARK, lw=0.7))
    if side <= DOTS:
        for here, color, edge in ((shares < 1, "white", "#999999"), (shares == 1, DARK, DARK)):
            rows, columns = np.nonzero(here)
            axes.scatter(columns + first, rows + first, s=size, fc=color, ec=edge, lw=min(0.6, 8 / side), marker="s")
    else:
        low, high = first - 0.5, one.newest + 0.5
        axes.imshow(shares, cmap="Greys", vmin=0, vmax=1.15, extent=(low, high, high, low), interpolation="nearest")
    axes.scatter([0], [0], s=max(60.0, 2.2 * size), fc="none", ec=ACCENT, lw=1.4)
