"""What `inspect` reports, from the configuration alone: records and JSON; `text` makes lines of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from wavenet import geometry
from wavenet.errors import InputError
from wavenet.geometry import Hole, Layer, LayerError, Padding, Parallel, Part, Paths, Seen, numbered
from wavenet.inspection import condition, layers
from wavenet.inspection.condition import ConditionReport
from wavenet.inspection.layers import Design
from wavenet.recipe.records import Recipe
from wavenet.text import many, milliseconds, times

MAX_SIZE = 1_000_000_000  # inputs along an axis
GRID_ROWS = 64  # of a grid that is listed row by row

Sizes = tuple[int, ...]  # inputs or outputs along each axis


@dataclass(frozen=True)
class LayerReport:
    """One layer, and what is seen through all layers up to it. None stands for what is not known, or pooling lacks."""

    kernel: int
    stride: int
    dilation: int
    effective_kernel: int  # d(K-1) + 1
    receptive_field: int
    jump: int  # inputs of the network from one output of the layer to the next
    offset: int  # the oldest input that output 0 sees; below zero in the padding
    padding: Padding
    output_size: Sizes | None = None
    in_channels: int | None = None
    out_channels: int | None = None
    parameters: int | None = None
    macs: int | None = None  # multiply-adds for the whole output


@dataclass(frozen=True)
class WholeReport:
    """Global pooling, of size 1 along each axis: what follows sees the whole input, which has no receptive field."""

    pool: str = "global"
    output_size: Sizes | None = None


@dataclass(frozen=True)
class JoinReport:
    """Parallel branches, and what is seen through their join, global pooling apart."""

    parallel: tuple[tuple[Row, ...], ...]
    receptive_field: int
    jump: int
    offset: int
    output_size: Sizes | None = None


Row = LayerReport | JoinReport | WholeReport


@dataclass(frozen=True)
class StackReport:
    """One stack."""

    dilations: tuple[int, ...]  # of its layers, those in branches too
    receptive_field: int  # samples that the stack sees of its own input
    receptive_field_through: int  # samples that all stacks up to it see of the network's input
    coverage: float  # share of its own receptive field that is reached
    holes: tuple[Hole, ...]  # lags in it that are not, as (first, last, step)


@dataclass(frozen=True)
class GridReport:
    """What square kernels see of the square that their receptive field is."""

    side: int  # pixels along each axis
    positions: int  # side x side
    reached: int | None = None  # positions that some path leads from; None where there are too many ways to count
    coverage: float | None = None  # their share
    rows: tuple[str, ...] | None = None  # of a square of at most GRID_ROWS, ``#`` for what is reached


@dataclass(frozen=True)
class Report:
    """What a network sees and costs. None stands for what a list of layers cannot tell."""

    design: Design
    receptive_field: int  # samples
    receptive_field_ms: float | None
    whole_input: bool  # whether global pooling sees the whole input; the rest of the report ignores that
    coverage: float  # share of the receptive field that is reached
    holes: tuple[Hole, ...]  # lags that are not, as (first, last, step)
    grid: GridReport | None  # the same of both axes together; None where there is one axis
    size: Sizes | None  # of the input along each axis, where it was given
    output_size: Sizes | None
    parameters: int | None
    macs: int | None  # multiply-adds for an input of that size, where a list of layers gives channels
    macs_per_sample: int | None  # multiply-adds per generated sample
    queue_bytes: int | None  # what generation remembers, float32
    stacks: tuple[StackReport, ...]
    layers: tuple[Row, ...]
    condition: ConditionReport | None  # what it is told besides the past of its sound

    def gap(self) -> geometry.Gap | None:
        """Return why lags are missed; None where none is, and where branches or strides make it hard to say."""
        return geometry.first_gap(*schedule) if (schedule := self._schedule()) else None

    def fixes(self) -> list[geometry.Fix]:
        """Return what would close all holes, the smallest change first."""
        return geometry.fixes(*schedule) if (schedule := self._schedule()) else []

    def _schedule(self) -> tuple[geometry.Stacks, tuple[int, ...]] | None:
        """Return dilations per stack and all kernels, where there is nothing but layers of stride 1."""
        layers = [row for row in self.layers if isinstance(row, LayerReport)]
        if len(layers) < len(self.layers) or any(row.stride > 1 for row in layers[:-1]):  # the last moves no tap
            return None
        return tuple(stack.dilations for stack in self.stacks), tuple(row.kernel for row in layers)

    def paths(self) -> Paths:
        """Return the paths from each lag to the output."""
        return geometry.count_paths(self.design.parts, self.design.padding)

    def to_json(self, lags: bool = False) -> dict[str, Any]:
        """Return plain values; with `lags`, the paths of each lag too, as decimal strings."""
        tree = asdict(self)
        design = tree.pop("design")
        head = {key: design[key] for key in ("name", "sample_rate", "preemphasis", "dims", "padding")}
        tree = {**head, **tree, "mends": [fix.change for fix in self.fixes()]}
        return {**tree, "paths": paths_to_json(self.paths())} if lags else tree


def paths_to_json(paths: Paths) -> dict[str, Any]:
    """Return plain values: decimal strings, or log2 in floating point (None in a hole) where `exact` is false."""
    from decimal import Decimal

    def digits(count: int) -> str:  # Python's `str` refuses more than 4,300
        return str(count) if count.bit_length() < 14_000 else f"{Decimal(count):f}"

    tree = {"exact": paths.exact, "total": digits(paths.total)}
    if paths.counts is not None:
        return {**tree, "per_lag": [digits(count) for count in paths.counts]}
    return {**tree, "log2_per_lag": [value if value > -math.inf else None for value in paths.log2()]}


def each_layer(rows: Sequence[Row]) -> Iterator[LayerReport]:
    """Yield all layers, those in branches too."""
    for row in rows:
        if isinstance(row, LayerReport):
            yield row
        elif isinstance(row, JoinReport):
            for branch in row.parallel:
                yield from each_layer(branch)


# --- from a design ---------------------------------------------------------------------------------------------------


def of_recipe(recipe: Recipe) -> Report:
    """Return what a recipe's network sees and costs."""
    return of_design(layers.of_recipe(recipe))


def of_design(design: Design, size: int | Sequence[int] | None = None) -> Report:
    """Return what a design sees and costs (see `text.inspect`)."""
    given = output_size = _checked_size(design, size)
    seen, stacks, rows = Seen(1), [], []
    for parts in design.stacks:
        own = geometry.see(parts, None, design.padding)
        try:
            more, seen, output_size = _rows(parts, seen, output_size, design)
        except LayerError as error:
            raise InputError(f"{design.name:.60} at a size of {times(given or ())}: {error}") from None
        dilations = tuple(row.dilation for row in each_layer(more))
        sees = own.receptive_field, seen.receptive_field
        stacks.append(StackReport(dilations, *sees, own.coverage, tuple(geometry.holes(own.lags))))
        rows += more
    shape = design.shape
    costs = [row for row in each_layer(rows) if row.parameters is not None]
    parameters = sum(row.parameters or 0 for row in costs) if costs else None
    return Report(
        design=design,
        receptive_field=seen.receptive_field,
        receptive_field_ms=milliseconds(seen.receptive_field, design.sample_rate),
        whole_input=seen.whole,
        coverage=seen.coverage,
        holes=tuple(geometry.holes(seen.lags)),
        grid=_grid(design, seen.receptive_field) if design.dims == 2 else None,
        size=given,
        output_size=output_size,
        parameters=shape.parameters() if shape else parameters,
        macs=sum(row.macs or 0 for row in costs) if costs and given else None,
        macs_per_sample=shape.macs_per_sample() if shape else None,
        queue_bytes=shape.queue_bytes() if shape else None,
        stacks=tuple(stacks),
        layers=tuple(rows),
        condition=_told(design),
    )


def _told(design: Design) -> ConditionReport | None:
    if design.condition is None or design.shape is None or design.sample_rate is None:
        return None
    return condition.of_config(design.condition, design.shape, design.sample_rate, design.values)


def _checked_size(design: Design, size: int | Sequence[int] | None) -> Sizes | None:
    if size is None:
        return None
    sizes = (size,) if isinstance(size, int) else tuple(size)
    if len(sizes) not in (1, design.dims):
        axes = "one axis (dims: 1)" if design.dims == 1 else "two axes (dims: 2)"
        raise InputError(f"the size is {times(sizes)}, but {design.name:.60} has {axes}; give one number for each")
    if not all(isinstance(one, int) and 1 <= one <= MAX_SIZE for one in sizes):
        raise InputError(f"the size is {times(sizes)}, expected whole numbers from 1 to {MAX_SIZE:,}")
    return sizes if len(sizes) == design.dims else sizes * design.dims


def _rows(
    parts: Sequence[Part], seen: Seen[int], size: Sizes | None, design: Design
) -> tuple[list[Row], Seen[int], Sizes | None]:
    """Return a row per part, what is seen through them all, and the size of the output; None leaves all sizes out."""
    rows: list[Row] = []
    for number, part in enumerate(parts, 1):
        with numbered(number):
            after = geometry.see((part,), seen, design.padding)
            if isinstance(part, Layer):
                row: Row = _layer(part, after, size, design)
            elif isinstance(part, Parallel):
                row = _join(part, seen, after, size, design)
            else:
                row = WholeReport(output_size=None if size is None else (1,) * design.dims)
        rows.append(row)
        seen, size = after, row.output_size
    return rows, seen, size


def _layer(layer: Layer, after: Seen[int], size: Sizes | None, design: Design) -> LayerReport:
    pads, channels, outputs = layer.pads(design.padding), layer.channels, None
    if size is not None:
        outputs = tuple(layer.output_length(inputs, pads) for inputs in size)
        if min(outputs) < 1:
            raise LayerError(
                f"it gets {many(min(size), 'input')} and {sum(pads):,} of padding, but its kernel spans "
                f"{layer.effective_kernel:,}; take a larger size, more padding or a smaller kernel"
            )
    own = layer.kernel, layer.stride, layer.dilation, layer.effective_kernel
    padding = design.padding if layer.padding is None else layer.padding
    row = LayerReport(*own, after.receptive_field, after.jump, after.offset, padding, outputs)
    if channels is None:
        return row
    weights = channels.weights(layer.kernel, design.dims)
    return replace(
        row,
        in_channels=channels.inputs,
        out_channels=channels.outputs,
        parameters=channels.parameters(layer.kernel, design.dims),
        macs=None if outputs is None else weights * math.prod(outputs),
    )


def _join(part: Parallel, seen: Seen[int], after: Seen[int], size: Sizes | None, design: Design) -> JoinReport:
    branches = []
    pooled: set[Sizes | None] = set()
    others: set[Sizes | None] = set()
    for number, branch in enumerate(part.branches, 1):
        with numbered(number):
            rows, end, outputs = _rows(branch, seen, size, design)
        branches.append(tuple(rows))
        spread = not end.lags and outputs == (1,) * design.dims  # over the size of the other branches
        (pooled if spread else others).add(outputs)
    if len(others) > 1:
        ends = ", ".join(times(one) for one in sorted(one for one in others if one is not None))
        raise LayerError(f"its branches end with different sizes ({ends}); make them equal, as padding same does")
    return JoinReport(tuple(branches), after.receptive_field, after.jump, after.offset, (others or pooled).pop())


def _grid(design: Design, side: int) -> GridReport:
    grid = geometry.grid_of(design.parts, design.padding)
    if grid is None:
        return GridReport(side, side**2)
    rows = None
    if side <= GRID_ROWS:
        rows = tuple(f"{row:0{side}b}".replace("0", ".").replace("1", "#") for row in grid.rows())
    return GridReport(side, grid.positions, grid.reached, grid.coverage, rows)
