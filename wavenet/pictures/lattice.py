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
from wavenet.inspection.text import percent
from wavenet.text import many

DARK, ACCENT = "#16324f", "#b3541e"
BINS = 1_500  # columns of a bar, and points of a line
PANELS = 4
DOTS = 25  # rows of a square up to which each position is a dot
CELLS = 300  # rows and columns of a larger one

PLAIN = FuncFormatter(lambda value, place: f"{value:,.10g}".replace("-", "\N{MINUS SIGN}"))


@dataclass(frozen=True)
class Square:
    """What an output of the first so many layers sees.

    Args:
        layers: in words.
        grid: its positions.
        newest: where its newest row and column lie, counted from the output's own place.
    """

    layers: str
    grid: Grid
    newest: int


def reached_lags(lags: int, size: int | None = None) -> NDArray[np.bool_]:
    """Return whether each lag is reached [RF], or each of the first `size`."""
    size = lags.bit_length() if size is None else size
    text = np.frombuffer(lags.to_bytes(size // 8 + 1, "little"), np.uint8)
    return np.unpackbits(text, count=size, bitorder="little").astype(bool)


def shares_of(reached: NDArray[np.bool_], bins: int = BINS) -> NDArray[np.float64]:
    """Return the share of lags reached in each of at most so many columns, the oldest first."""
    edges = np.linspace(0, len(reached), min(bins, len(reached)) + 1).astype(int)
    counts = np.concatenate([[0], np.cumsum(reached)])
    return np.asarray(np.diff(counts[edges]) / np.diff(edges))[::-1]


def cells_of(grid: Grid, cells: int = CELLS) -> NDArray[np.float64]:
    """Return the share of positions reached in each cell of a square [rows, columns], the oldest first."""
    size = min(cells, grid.side)
    rows, columns = (
        np.array([shares_of(reached_lags(lags, grid.side), size) for lags in sets])
        for sets in zip(*grid.regions, strict=True)
    )
    return np.asarray(rows.T @ columns)


def squares(design: Design) -> list[Square]:
    """Return what is seen after a part of the layers, after more and after all; none where it isn't known.

    Of those that see the same the last one stays.
    """
    total = len(design.parts)
    found: list[Square] = []
    for count in sorted({-(-total * part // PANELS) for part in range(1, PANELS + 1)}):
        grid = grid_of(design.parts[:count], design.padding)
        if grid is not None and grid.side:
            newest = see(design.parts[:count], None, design.padding).newest
            first = "layer 1" if count == 1 else f"{many(count, 'layer')}"
            if found and found[-1].grid == grid:
                found.pop()
            found.append(Square("all layers" if count == total else first, grid, newest))
    return found if found and found[-1].layers == "all layers" else []


def squares_axes(panels: Sequence[Axes], drawn: Sequence[Square]) -> None:
    """Draw squares on one scale: dark where a position is reached, white where not, a ring where the output stands."""
    low = min(0, *(one.newest - one.grid.side + 1 for one in drawn))
    high = max(0, *(one.newest for one in drawn))
    edge = 0.5 + 0.02 * (high - low + 1)
    for axes, one in zip(panels, drawn, strict=True):
        _square_axes(axes, one, high - low + 1)
        axes.set(xlim=(low - edge, high + edge), ylim=(high + edge, low - edge), aspect="equal", anchor="W")
        reached, positions = (f"{n:,}" if n < 10**8 else f"{n:.3g}" for n in (one.grid.reached, one.grid.positions))
        told = f"{one.layers}:\n{reached} of {positions} ({percent(one.grid.coverage)})"
        axes.set_title(told, fontsize=9, loc="left")
        axes.set_xlabel("pixels from the output, the ring", fontsize=8)
        axes.tick_params(labelsize=7)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6, integer=True))
            axis.set_major_formatter(PLAIN)


def _square_axes(axes: Axes, one: Square, side: int) -> None:
    shares, first, last = cells_of(one.grid), one.newest - one.grid.side + 1, one.newest
    size = (115.0 / side) ** 2  # of a dot, in square points
    corner, length = (first - 0.5, first - 0.5), one.grid.side
    axes.add_patch(Rectangle(corner, length, length, fill=False, ec=DARK, lw=0.7))
    if side <= DOTS:
        for here, color, edge in ((shares < 1, "white", "#999999"), (shares == 1, DARK, DARK)):
            rows, columns = np.nonzero(here)
            axes.scatter(columns + first, rows + first, s=size, fc=color, ec=edge, lw=min(0.6, 8 / side), marker="s")
    else:
        ends = (first - 0.5, last + 0.5)
        axes.imshow(shares, cmap="Greys", vmin=0, vmax=1.15, extent=(*ends, *ends[::-1]), interpolation="nearest")
    axes.scatter([0], [0], s=max(60.0, 2.2 * size), fc="none", ec=ACCENT, lw=1.4)
