"""Held: the square that is seen is what kernels touch position by position, whatever the branches."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

import layer_toys
import pytest
import torch
from hypothesis import example, given, settings

from wavenet.geometry import Layer, Padding, Parallel, Part, Whole, grid_of, see
from wavenet.geometry.receptive_2d import MAX_SETS, Grid

Position = tuple[int, int]


def positions_seen(parts: Sequence[Part], outputs: set[Position], padding: Padding) -> set[Position]:
    """Return the positions behind some outputs, tap by tap along both axes, from the last layer to the first."""
    for part in reversed(parts):
        if isinstance(part, Parallel):
            outputs = set().union(*(positions_seen(branch, outputs, padding) for branch in part.branches))
        elif isinstance(part, Whole):
            outputs = set()
        else:
            newest = {
                (layer_toys.newest_tap(part, y, padding), layer_toys.newest_tap(part, x, padding)) for y, x in outputs
            }
            taps = list(itertools.product(range(part.kernel), repeat=2))
            outputs = {(y - v * part.dilation, x - u * part.dilation) for y, x in newest for v, u in taps}
    return outputs


def positions(grid: Grid, newest: int) -> set[Position]:
    """Return the positions that a grid says are reached."""
    return {
        (newest - y, newest - x)
        for y in range(grid.side)
        for x in range(grid.side)
        for rows, columns in grid.regions
        if rows >> y & columns >> x & 1
    }


@settings(max_examples=80)
@given(layer_toys.sequences(largest=3), layer_toys.paddings)
@example((Parallel(((Layer(3, dilation=2),), (Layer(3, dilation=3),), (Layer(2, dilation=5),))), Layer(2)), "same")
@example((Parallel(((Layer(2, 1, 4, 0),), (Layer(3, 1, 1, 0),), (Layer(1),))),), "causal")
def test_a_grid_is_what_the_kernels_touch(parts: tuple[Part, ...], padding: Padding) -> None:
    grid, field = grid_of(parts, padding), see(parts, None, padding)
    assert grid is not None
    touched = positions_seen(parts, {(0, 0)}, padding)
    assert positions(grid, field.newest) == touched
    assert (grid.side, grid.reached) == (field.receptive_field, len(touched))
    assert grid.positions == field.receptive_field**2
    assert grid.coverage == (len(touched) / grid.positions if touched else 1.0)
    by_row = [row.bit_count() for row in grid.rows()]
    assert by_row == [sum(field.newest - y == lag for y, _ in touched) for lag in reversed(range(grid.side))]


@pytest.mark.parametrize(
    ("dilations", "side", "reached"),
    [((2, 2), 9, 25), ((2, 2, 2), 13, 49), ((1, 2, 5), 17, 289), ((1, 2, 4, 8), 31, 961), ((2, 4, 8), 29, 225)],
)
def test_known_grids_of_3x3_layers_are_those_of_real_convolutions(
    dilations: tuple[int, ...], side: int, reached: int
) -> None:
    grid = grid_of([Layer(3, dilation=d) for d in dilations])
    assert grid is not None and (grid.side, grid.reached) == (side, reached)
    net = torch.nn.Sequential(*(torch.nn.Conv2d(1, 1, 3, padding=d, dilation=d, bias=False) for d in dilations))
    for weights in net.parameters():
        torch.nn.init.ones_(weights)
    image = torch.zeros(1, 1, 41, 41, requires_grad=True)
    net(image)[0, 0, 20, 20].backward()
    assert image.grad is not None and int(image.grad.count_nonzero()) == reached


def test_branches_reach_less_of_the_square_than_each_axis_promises() -> None:
    near_and_far = [Parallel(((Layer(3),), (Layer(3, dilation=2),)))]
    grid = grid_of(near_and_far)
    assert see(near_and_far, None, "same").coverage == 1.0
    assert grid is not None and (grid.reached, grid.positions) == (9 + 9 - 1, 25)


def test_a_set_inside_another_is_not_kept_so_that_deep_residual_networks_cost_little() -> None:
    block = Parallel(((Layer(1), Layer(3), Layer(1)), (Layer(1),)))
    grid = grid_of([Layer(7, 2), *[block] * 200])
    assert grid is not None and len(grid.regions) == 1
    assert grid.reached == grid.positions == (7 + 200 * 4) ** 2


def test_too_many_sets_are_given_up_at_once() -> None:
    pyramids = [Parallel(tuple((Layer(3, 1, 7**i + j),) for j in range(1, 5))) for i in range(5)]
    assert MAX_SETS < 4**5
    began = time.monotonic()
    assert grid_of(pyramids) is None
    assert time.monotonic() - began < 5


def test_global_pooling_alone_has_no_square() -> None:
    grid = grid_of([Layer(3), Whole()])
    assert grid == Grid(0, ())
    assert (grid.reached, grid.positions, grid.coverage, list(grid.rows())) == (0, 0, 1.0, [])


def test_the_largest_field_is_counted() -> None:
    grid = grid_of([Layer(2, dilation=49_999_999)])
    assert grid is not None and (grid.reached, grid.positions) == (4, 50_000_000**2)
