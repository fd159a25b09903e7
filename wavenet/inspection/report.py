"""What `inspect` says, from the configuration alone: records and JSON; `text` makes text of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavenet import geometry
from wavenet.errors import InputError
from wavenet.geometry import Hole, Layer, LayerError, Part, Paths, Seen, Whole
from wavenet.inspection import layers
from wavenet.inspection.layer_report import Row, Sizes, each_layer, layer_rows, times
from wavenet.inspection.layers import Design
from wavenet.recipe.read import to_tree
from wavenet.recipe.records import Recipe

DIGITS = 10**4000  # what Python writes in one piece
MAX_SIZE = 1_000_000_000  # inputs along an axis
GRID_ROWS = 64  # of a grid that is listed row by row


@dataclass(frozen=True)
class StackReport:
    """One stack.

    Args:
        dilations: of its layers, those in branches too.
        receptive_field: samples that the stack sees of its own input.
        receptive_field_through: samples that all stacks up to it see of the network's input.
        coverage: share of its own receptive field that is reached.
        holes: lags in it that are not, as (first, last, step).
    """

    dilations: tuple[int, ...]
    receptive_field: int
    receptive_field_through: int
    coverage: float
    holes: tuple[Hole, ...]


@dataclass(frozen=True)
class GridReport:
    """What square kernels see of the square that their receptive field is.

    Args:
        side: pixels along each axis.
        positions: side x side.
        reached: positions that some path leads from; None where branches make too many different ways to count.
        coverage: their share.
        rows: the square row by row, ``#`` for what is reached; None where it has more than GRID_ROWS rows.
    """

    side: int
    positions: int
    reached: int | None
    coverage: float | None
    rows: tuple[str, ...] | None


@dataclass(frozen=True)
class Report:
    """What a network sees and costs. None stands for what a list of layers cannot tell.

    Args:
        design: what was looked at.
        receptive_field: in samples.
        receptive_field_ms: at the sample rate.
        whole_input: whether global pooling lets the whole input be seen too; all else is told as if it were not there.
        coverage: share of the receptive field that is reached.
        holes: lags that are not, as (first, last, step).
        grid: the same of both axes together; None where there is one axis.
        size: of the input along each axis, where it was given.
        output_size: of the output, then.
        parameters: numbers that training adjusts; None where a list of layers gives no channels.
        macs: multiply-adds for an input of that size, where a list of layers gives channels.
        macs_per_sample: multiply-adds per generated sample.
        queue_bytes: what generation remembers, float32.
        stacks: per stack.
        design: per layer.
    """

    design: Design
    receptive_field: int
    receptive_field_ms: float | None
    whole_input: bool
    coverage: float
    holes: tuple[Hole, ...]
    grid: GridReport | None
    size: Sizes | None
    output_size: Sizes | None
    parameters: int | None
    macs: int | None
    macs_per_sample: int | None
    queue_bytes: int | None
    stacks: tuple[StackReport, ...]
    layers: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Of the recipe or the file."""
        return self.design.name

    def milliseconds(self, samples: float) -> float | None:
        """Return how long so many samples last; None where no sample rate is known."""
        rate = self.design.sample_rate
        return None if rate is None else 1000 * samples / rate

    def gap(self) -> geometry.Gap | None:
        """Return why lags are missed; None where none is, or where branches and strides leave it to the holes."""
        schedule = self._schedule()
        return None if schedule is None else geometry.first_gap(*schedule)

    def mends(self) -> list[geometry.Fix]:
        """Return what would close all holes, the smallest change first."""
        schedule = self._schedule()
        return [] if schedule is None else geometry.fixes(*schedule)

    def _schedule(self) -> tuple[geometry.Stacks, tuple[int, ...]] | None:
        """Return dilations per stack and all kernels, where there is nothing but layers of stride 1."""
        *before, last = self.design.parts  # the stride of the last layer moves no tap
        layers = [part for part in before if isinstance(part, Layer) and part.stride == 1]
        if len(layers) < len(before) or not isinstance(last, Layer):
            return None
        layers.append(last)
        stacks = tuple(
            tuple(part.dilation for part in stack if isinstance(part, Layer)) for stack in self.design.stacks
        )
        return stacks, tuple(layer.kernel for layer in layers)

    def paths(self) -> Paths:
        """Return the paths from each lag to the output."""
        return geometry.count_paths(self.design.parts, self.design.padding)

    def to_json(self, lags: bool = False) -> dict[str, Any]:
        """Return plain values; with `lags`, the paths of each lag too, as decimal strings."""
        looked = self.design
        tree: dict[str, Any] = {
            "name": looked.name,
            "sample_rate": looked.sample_rate,
            "dims": looked.dims,
            "padding": looked.padding,
            **{name: to_tree(getattr(self, name)) for name in Report.__annotations__ if name != "design"},
            "mends": [mend.change for mend in self.mends()],
        }
        return {**tree, "paths": paths_to_json(self.paths())} if lags else tree


@dataclass(frozen=True)
class Context:
    """What the newest n samples are worth: everything older is replaced by *start*.

    Args:
        samples: n.
        bits: per sample, mean over all positions.
        error: standard error of that mean.
        won: bits less than with the n before, mean over the same positions.
        won_error: standard error of that difference.
        positions: those that have more samples than the n before; the others can win nothing.
    """

    samples: int
    bits: float
    error: float
    won: float
    won_error: float
    positions: int


@dataclass(frozen=True)
class Measured:
    """What a trained network uses of what it could see.

    Args:
        sound: what it was measured on.
        sample_rate: in Hz.
        gradients: positions that the profile is a mean over.
        profile: per lag, the root of the mean square, over positions and channels, of the gradient of log p(x_t) with
            respect to the embedded input (Luo et al. 2016, arXiv:1701.04128, for what a network is trained to say).
        holding: per cent -> how many of the newest samples hold as much of the gradient's square.
        positions: held-out samples that the bits are a mean over.
        context: n = 0, 1, 2, 4 ... and the receptive field, as far as any position has samples.
    """

    sound: str
    sample_rate: int
    gradients: int
    profile: tuple[float, ...]
    holding: dict[int, int]
    positions: int
    context: tuple[Context, ...]

    def enough(self, bits: float) -> int:
        """Return the fewest of the measured n that cost less than so many bits per sample more than all."""
        return next(one.samples for one in self.context if one.bits - self.context[-1].bits < bits)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        tree: dict[str, Any] = to_tree(self)
        return tree


def paths_to_json(paths: Paths) -> dict[str, Any]:
    """Return plain values: decimal strings, or log2 in floating point (None in a hole) where `exact` is false."""
    told: dict[str, Any] = {"exact": paths.exact, "total": decimal(paths.total)}
    if paths.counts is not None:
        return {**told, "per_lag": [decimal(count) for count in paths.counts]}
    return {**told, "log2_per_lag": [value if value > -math.inf else None for value in paths.log2()]}


def decimal(number: int) -> str:
    """Return a whole number of any length in digits; Python's own limit is against input, and this is output."""
    if number < DIGITS:
        return str(number)
    half = len(hex(number)) * 3 // 5  # about half of the digits
    high, low = divmod(number, 10**half)
    return decimal(high) + decimal(low).zfill(half)


def read(source: str | Path, size: int | Sequence[int] | None = None) -> Report:
    """Return what a recipe, run, bundle or LAYERS.yaml sees (see `inspection.text.inspect`)."""
    return of_design(layers.read(source), size)


def of_recipe(recipe: Recipe) -> Report:
    """Return what a recipe's network sees and costs."""
    return of_design(layers.of_recipe(recipe))


def of_design(looked: Design, size: int | Sequence[int] | None = None) -> Report:
    """Return what a design sees and costs (see `inspection.text.inspect`)."""
    seen, stacks = Seen(1), []
    for parts in looked.stacks:
        own, seen = (geometry.see(parts, start, looked.padding) for start in (None, seen))
        holes = tuple(geometry.holes(own.lags))
        sees = own.receptive_field, seen.receptive_field
        stacks.append(StackReport(tuple(_dilations(parts)), *sees, own.coverage, holes))
    rate, shape, axes = looked.sample_rate, looked.shape, _axes(looked, size)
    try:
        rows, output_size = layer_rows(looked, axes)
    except LayerError as error:
        raise InputError(f"{looked.name:.60} at a size of {times(axes or ())}: {error}") from None
    flat = [*each_layer(rows)]
    known = any(row.out_channels is not None for row in flat)
    return Report(
        design=looked,
        receptive_field=seen.receptive_field,
        receptive_field_ms=None if rate is None else 1000 * seen.receptive_field / rate,
        whole_input=seen.whole,
        coverage=seen.coverage,
        holes=tuple(geometry.holes(seen.lags)),
        grid=_grid(looked, seen) if looked.dims == 2 else None,
        size=axes,
        output_size=output_size,
        parameters=shape.parameters() if shape else sum(row.parameters or 0 for row in flat) if known else None,
        macs=sum(row.macs or 0 for row in flat) if known and axes else None,
        macs_per_sample=None if shape is None else shape.macs_per_sample(),
        queue_bytes=None if shape is None else shape.queue_bytes(),
        stacks=tuple(stacks),
        layers=rows,
    )


def _axes(looked: Design, size: int | Sequence[int] | None) -> Sizes | None:
    """Return the size along each axis of a design."""
    if size is None:
        return None
    sizes = (size,) * looked.dims if isinstance(size, int) else tuple(size)
    if len(sizes) == 1:
        sizes *= looked.dims
    if len(sizes) != looked.dims:
        axes = "one axis (dims: 1)" if looked.dims == 1 else "two axes (dims: 2)"
        raise InputError(f"the size is {times(sizes)}, but {looked.name:.60} has {axes}; give one number for each")
    if not all(isinstance(one, int) and 1 <= one <= MAX_SIZE for one in sizes):
        raise InputError(f"the size is {times(sizes)}, expected whole numbers from 1 to {MAX_SIZE:,}")
    return sizes


def _grid(looked: Design, seen: Seen[int]) -> GridReport:
    """Return what is seen of the square."""
    side = seen.receptive_field
    grid = geometry.grid_of(looked.parts, looked.padding)
    if grid is None:
        return GridReport(side, side**2, None, None, None)
    rows = None
    if side <= GRID_ROWS:
        rows = tuple("".join("#" if row >> lag & 1 else "." for lag in reversed(range(side))) for row in grid.rows())
    return GridReport(side, grid.positions, grid.reached, grid.coverage, rows)


def _dilations(parts: Sequence[Part]) -> Iterator[int]:
    for part in parts:
        if isinstance(part, Layer):
            yield part.dilation
        elif not isinstance(part, Whole):
            for branch in part.branches:
                yield from _dilations(branch)
