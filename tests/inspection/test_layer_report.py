"""Held: each layer's size is that of a real module, its costs are counted, and what has no output names the layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import layer_toys
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from wavenet.geometry import Channels, Layer, LayerError, Padding, Parallel, Part, Whole
from wavenet.inspection.layer_report import JoinReport, Row, WholeReport, each_layer, layer_rows, times
from wavenet.inspection.layers import Design


def looked(parts: Sequence[Part], dims: int = 1, padding: Padding = "same") -> Design:
    return Design("toy", None, (tuple(parts),), padding, dims)


def sizes(rows: Sequence[Row]) -> list[object]:
    """Return the sizes of all layers along the first axis, those of branches in lists of their own."""
    told: list[object] = []
    for row in rows:
        if isinstance(row, JoinReport):
            told += [[sizes(branch) for branch in row.parallel]]
        assert row.output_size is not None
        told.append(row.output_size[0])
    return told


def real_sizes(parts: Sequence[Part], x: Tensor, padding: Padding) -> tuple[list[object], Tensor]:
    """Return the same of torch's convolutions, which raise RuntimeError where there is no output."""
    told: list[object] = []
    for part in parts:
        if isinstance(part, Whole):
            x = F.adaptive_avg_pool1d(x, 1)
        elif isinstance(part, Layer):
            own, span = padding if part.padding is None else part.padding, part.dilation * (part.kernel - 1)
            if isinstance(own, str):
                x, own = F.pad(x, {"causal": (span, 0), "same": (span // 2, span - span // 2), "valid": (0, 0)}[own]), 0
            x = F.conv1d(x, torch.ones(1, 1, part.kernel), None, part.stride, own, part.dilation)
        else:
            inner = [real_sizes(branch, x, padding) for branch in part.branches]
            told.append([one for one, _ in inner])
            x = torch.stack(torch.broadcast_tensors(*(end for _, end in inner))).sum(0)
        told.append(x.shape[-1])
    return told, x


@settings(max_examples=150)
@given(layer_toys.sequences(), st.integers(1, 60), layer_toys.paddings)
@example((Layer(7, 2, 1, 3), Layer(3, 2), Parallel(((Layer(1),), (Layer(3, 1, 6),), (Whole(), Layer(1))))), 224, "same")
@example((Layer(3), Whole(), Layer(1)), 30, "valid")
@example((Layer(5, 1, 4),), 16, "valid")
def test_sizes_are_those_of_real_modules(parts: tuple[Part, ...], size: int, padding: Padding) -> None:
    try:
        expected = real_sizes(parts, torch.zeros(1, 1, size), padding)[0]
    except RuntimeError:  # no output, or branches that cannot be joined
        with pytest.raises(LayerError, match=r"^layer [\d.]+: (it gets|its branches end with different sizes)"):
            layer_rows(looked(parts, padding=padding), (size,))
    else:
        try:
            rows, output = layer_rows(looked(parts, padding=padding), (size,))
        except LayerError as error:  # torch spreads a branch of size 1, though it isn't pooled
            assert "different sizes" in str(error) and "(1, " in str(error)
        else:
            assert sizes(rows) == expected
            assert output == (expected[-1],)


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), [(7, 2, 3, 1), (3, 2, 1, 2), (2, 3, 0, 5)])
def test_both_axes_of_a_picture_have_their_sizes(kernel: int, stride: int, padding: int, dilation: int) -> None:
    real = torch.nn.Conv2d(3, 4, kernel, stride, padding, dilation)(torch.zeros(1, 3, 48, 64))
    layer = Layer(kernel, stride, dilation, padding, Channels(3, 4))
    ((row,), output) = layer_rows(looked([layer], dims=2), (48, 64))
    assert row.output_size == output == tuple(real.shape[2:])
    (told,) = each_layer([row])
    assert (told.padding, told.in_channels, told.out_channels) == (padding, 3, 4)
    assert told.parameters == 3 * 4 * kernel**2 + 4
    assert told.macs == 3 * 4 * kernel**2 * math.prod(real.shape[2:])


def test_without_a_size_or_channels_nothing_of_them_is_told() -> None:
    rows, output = layer_rows(looked([Layer(3), Parallel(((Layer(3, 1, 2),), (Whole(),)))]))
    assert output is None
    assert [row.output_size for row in rows] == [None, None]
    for row in each_layer(rows):
        assert (row.padding, row.in_channels, row.out_channels, row.parameters, row.macs) == ("same", *[None] * 4)
    ((row,), _) = layer_rows(looked([Layer(3, channels=Channels(2, 4))]))
    assert [(row.parameters, row.macs) for row in each_layer([row])] == [(28, None)]


def test_a_pooled_branch_has_one_place_and_is_spread_where_it_joins() -> None:
    pooled = (Whole(), Layer(1, channels=Channels(8, 2)))
    (join,), output = layer_rows(looked([Parallel(((Layer(3),), pooled))], dims=2), (5, 7))
    assert isinstance(join, JoinReport)
    assert join.parallel[1][0] == WholeReport(output_size=(1, 1))
    assert [row.macs for row in each_layer([join])] == [None, 16]
    assert join.output_size == output == (5, 7)
    assert layer_rows(looked([Parallel((pooled, (Whole(),)))]), (9,))[1] == (1,)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([Layer(3), Layer(3, 1, 8)], "layer 2: it gets 7 inputs and 0 of padding, but its kernel spans 17, so nothing"),
        ([Layer(9, 1, 2, 3)], "layer 1: it gets 9 inputs and 6 of padding, but its kernel spans 17"),
        ([Layer(1), Parallel(((Layer(1),), (Layer(2), Layer(9))))], "layer 2.2.2: it gets 8 inputs"),
        ([Parallel(((Layer(2, 2),), (Layer(1, 2),)))], "layer 1: its branches end with different sizes (4, 5); make"),
    ],
)
def test_what_has_no_output_or_cannot_be_joined_names_the_layer(parts: list[Part], words: str) -> None:
    with pytest.raises(LayerError) as caught:
        layer_rows(looked(parts, padding="valid"), (9,))
    assert str(caught.value).startswith(words)


def test_sizes_are_told_with_a_cross() -> None:
    assert [times(size) for size in ((224,), (1080, 1920))] == ["224", "1,080 x 1,920"]
