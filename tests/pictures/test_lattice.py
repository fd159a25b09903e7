"""Held: squares are drawn from what geometry computes, cell by cell, the oldest first, on one scale."""

from __future__ import annotations

from pathlib import Path

import layer_toys
import numpy as np
from hypothesis import example, given, settings
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wavenet.geometry import Grid, Layer, Padding, Parallel, Part, grid_of
from wavenet.inspection.layers import Design
from wavenet.pictures import lattice
from wavenet.pictures.lattice import cells_of, shares_of, squares, squares_axes


def looked(*parts: Part, padding: Padding = "same") -> Design:
    return Design("toy", None, (parts,), padding, 2)


def drawn(design: Design) -> list[Axes]:
    seen = squares(design)
    axes = [Figure().add_subplot() for _ in seen]
    squares_axes(axes, seen)
    return axes


def test_a_column_of_many_lags_shows_the_share_that_is_reached() -> None:
    assert shares_of(0b1011, 4).tolist() == [1.0, 0.0, 1.0, 1.0]
    assert shares_of(0b1011, 6).tolist() == [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]
    shares = shares_of(int("01" * 15_000, 2), 30_000)
    assert len(shares) == lattice.BINS and np.allclose(shares, 0.5)


@settings(max_examples=40)
@given(layer_toys.sequences(largest=3), layer_toys.paddings)
@example((Parallel(((Layer(3, dilation=2),), (Layer(2, dilation=5),))),), "same")
def test_cells_are_the_positions_and_larger_ones_their_share(parts: tuple[Part, ...], padding: Padding) -> None:
    grid = grid_of(parts, padding)
    assert grid is not None
    if not grid.side:
        return
    cells = cells_of(grid, grid.side)
    assert cells.tolist() == [shares_of(row, grid.side).tolist() for row in grid.rows()]
    few = cells_of(grid, 3)
    assert few.shape == (min(3, grid.side),) * 2
    if grid.side % 3 == 0:
        size = grid.side // 3
        assert np.allclose(few, cells.reshape(3, size, 3, size).mean((1, 3)))


def test_a_square_is_drawn_after_a_part_of_the_layers_and_after_all() -> None:
    told = [(one.layers, one.grid.reached) for one in squares(looked(*(Layer(3, 1, d) for d in (1, 2, 4, 8))))]
    assert told == [("layer 1", 9), ("2 layers", 49), ("3 layers", 225), ("all layers", 961)]
    assert [one.layers for one in squares(looked(*[Layer(3)] * 30))] == [
        "8 layers",
        "15 layers",
        "23 layers",
        "all layers",
    ]
    # what adds nothing is not drawn twice, and what is not counted not at all
    assert [one.layers for one in squares(looked(Layer(3), Layer(1)))] == ["all layers"]
    many = [Parallel(tuple((Layer(3, 1, 7**i + j),) for j in range(1, 5))) for i in range(5)]
    assert squares(looked(Layer(3), *many)) == []


def test_dots_stand_where_positions_are_and_a_ring_where_the_output_is() -> None:
    (axes,) = drawn(looked(Layer(3, 1, 2)))
    white, dark, ring = (np.asarray(dots.get_offsets()).tolist() for dots in axes.collections)
    assert sorted(dark) == [[x, y] for x in (-2, 0, 2) for y in (-2, 0, 2)]
    assert len(white) == 16 and ring == [[0, 0]]
    assert axes.get_title("left") == "all layers:\n9 of 25 (36.0%)"
    first, last = drawn(looked(Layer(3, 1, 2), Layer(3, 1, 2)))
    assert first.get_xlim() == last.get_xlim() and first.get_ylim() == last.get_ylim()
    assert last.get_ylim()[0] > 4 > -4 > last.get_ylim()[1], "the oldest row is above"


def test_a_causal_square_lies_above_and_left_of_its_output() -> None:
    (axes,) = drawn(looked(Layer(3, 1, 2), padding="causal"))
    dark = np.asarray(axes.collections[1].get_offsets())
    assert dark.min() == -4 and dark.max() == 0


def test_a_large_square_is_an_image() -> None:
    (axes,) = drawn(looked(Layer(3, 1, 400)))
    (image,) = axes.images
    cells = np.asarray(image.get_array())
    assert cells.shape == (lattice.CELLS,) * 2
    assert list(image.get_extent()) == [-400.5, 400.5, 400.5, -400.5]
    assert np.count_nonzero(cells) == 9
    assert len(axes.collections) == 1  # the ring


def test_counts_beyond_all_columns_are_shortened(tmp_path: Path) -> None:
    (axes,) = drawn(looked(Layer(2, 1, 19_999)))
    assert axes.get_title("left") == "all layers:\n4 of 4e+08 (0.0%)"
    assert cells_of(Grid(2, ((0b01, 0b10),))).tolist() == [[0.0, 0.0], [1.0, 0.0]]
