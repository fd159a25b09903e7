"""What `inspect` says of each layer: what is seen through it, its sizes, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wavenet import geometry
from wavenet.geometry import Layer, LayerError, Padding, Parallel, Part, Seen, Whole, numbered
from wavenet.inspection.layers import Design
from wavenet.text import many

Sizes = tuple[int, ...]  # inputs or outputs along each axis


@dataclass(frozen=True)
class LayerReport:
    """One layer, and what is seen through all layers up to it.

    Args:
        kernel: taps K.
        stride: inputs per output.
        dilation: inputs d between two taps.
        effective_kernel: d(K-1) + 1.
        receptive_field: samples seen through it.
        jump: input samples from one of its outputs to the next.
        offset: the oldest input that its output 0 sees; below zero in the padding.
        padding: its own, or that of all layers.
        output_size: outputs along each axis; None where no size of the input was given.
        in_channels: channels that go in; None where they are not known, and for pooling.
        out_channels: channels that come out, likewise.
        parameters: weights and biases, likewise.
        macs: multiply-adds for the whole output, likewise; None without a size.
    """

    kernel: int
    stride: int
    dilation: int
    effective_kernel: int
    receptive_field: int
    jump: int
    offset: int
    padding: Padding
    output_size: Sizes | None = None
    in_channels: int | None = None
    out_channels: int | None = None
    parameters: int | None = None
    macs: int | None = None


@dataclass(frozen=True)
class WholeReport:
    """Global pooling: what follows sees the whole input, so that there is no receptive field to tell.

    Its size is 1 along each axis; where it joins larger branches it is spread over their size.
    """

    pool: str = "global"
    output_size: Sizes | None = None


@dataclass(frozen=True)
class JoinReport:
    """Parallel branches, and what is seen through their join, global pooling apart."""

    parallel: tuple[tuple[LayerReport | JoinReport | WholeReport, ...], ...]
    receptive_field: int
    jump: int
    offset: int
    output_size: Sizes | None = None


Row = LayerReport | JoinReport | WholeReport


def layer_rows(looked: Design, sizes: Sizes | None = None) -> tuple[tuple[Row, ...], Sizes | None]:
    """Return a row per part of a design, and how many outputs there are along each axis.

    Args:
        looked: the design.
        sizes: inputs along each axis; None leaves all sizes out.

    Raises:
        LayerError: there is no output at that size, or branches end with different sizes; the error names the layer.
    """
    rows, end = _rows(looked.parts, _Place(Seen(1), sizes), looked)
    return rows, end.sizes


def each_layer(rows: Sequence[Row]) -> Iterator[LayerReport]:
    """Yield all layers, those in branches too."""
    for row in rows:
        if isinstance(row, LayerReport):
            yield row
        elif isinstance(row, JoinReport):
            for branch in row.parallel:
                yield from each_layer(branch)


def times(sizes: Sequence[int]) -> str:
    """Return sizes along the axes in words: ``224``, ``224 x 224``."""
    return " x ".join(f"{size:,}" for size in sizes)


@dataclass(frozen=True)
class _Place:
    """Where a layer stands: what is seen of the input there, and how many inputs the layer gets along each axis."""

    seen: Seen[int]
    sizes: Sizes | None


def _rows(parts: Sequence[Part], at: _Place, looked: Design) -> tuple[tuple[Row, ...], _Place]:
    """Return a row per part, and where the next would stand."""
    rows: list[Row] = []
    for number, part in enumerate(parts, 1):
        with numbered(number):
            row = _row(part, at, looked)
        rows.append(row)
        at = _Place(geometry.see((part,), at.seen, looked.padding), row.output_size)
    return tuple(rows), at


def _row(part: Part, at: _Place, looked: Design) -> Row:
    if isinstance(part, Whole):
        return WholeReport(output_size=None if at.sizes is None else (1,) * looked.dims)
    seen = geometry.see((part,), at.seen, looked.padding)
    where = (seen.receptive_field, seen.jump, seen.offset)
    if isinstance(part, Parallel):
        return _join(part, at, looked, where)
    own = looked.padding if part.padding is None else part.padding
    size = None if at.sizes is None else tuple(_output_size(part, inputs, looked.padding) for inputs in at.sizes)
    told = LayerReport(part.kernel, part.stride, part.dilation, part.effective_kernel, *where, own, size)
    if part.channels is None:
        return told
    weights = part.channels.weights(part.kernel, looked.dims)
    return replace(
        told,
        in_channels=part.channels.inputs,
        out_channels=part.channels.outputs,
        parameters=part.channels.parameters(part.kernel, looked.dims),
        macs=None if size is None else weights * math.prod(size),
    )


def _join(part: Parallel, at: _Place, looked: Design, where: tuple[int, int, int]) -> JoinReport:
    branches, ends = [], []
    for number, branch in enumerate(part.branches, 1):
        with numbered(number):
            rows, end = _rows(branch, at, looked)
        branches.append(rows)
        ends.append(end)
    one = (1,) * looked.dims
    placed = [end.sizes for end in ends if end.seen.lags or end.sizes != one]  # one answer is spread over the others
    sizes = set(placed or [end.sizes for end in ends])
    if len(sizes) > 1:
        told = ", ".join(times(size) for size in sorted(size for size in sizes if size is not None))
        raise LayerError(f"its branches end with different sizes ({told}); make them equal, as padding same does")
    return JoinReport(tuple(branches), *where, sizes.pop())


def _output_size(layer: Layer, inputs: int, padding: Padding) -> int:
    """Return how many outputs a layer gives along one axis.

    Raises:
        LayerError: there are too few inputs for one.
    """
    pads = layer.pads(padding)
    outputs = layer.output_length(inputs, pads)
    if outputs < 1:
        got = f"{many(inputs, 'input')} and {sum(pads):,} of padding"
        raise LayerError(
            f"it gets {got}, but its kernel spans {layer.effective_kernel:,}, so nothing comes out; take a larger "
            "size, more padding or a smaller kernel"
        )
    return outputs
