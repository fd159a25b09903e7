"""Held: lengths, pads and weights of layers are those of counting places and of torch's own modules."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import layer_toys
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from wavenet import geometry
from wavenet.geometry import Layer, Padding, Parallel, Part, Whole
from wavenet.geometry.layers import PADDINGS

layers = st.builds(Layer, st.integers(1, 5), st.integers(1, 4), st.integers(1, 5))


def convolved(layer: Layer, x: Tensor, padding: str | int = 0) -> Tensor:
    kernel = torch.ones(1, 1, layer.kernel, dtype=x.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it copies the input where the padding is odd
        return F.conv1d(x, kernel, stride=layer.stride, padding=padding, dilation=layer.dilation)


def pooled(layer: Layer, x: Tensor) -> Tensor:
    return F.max_pool1d(x, layer.kernel, layer.stride, dilation=layer.dilation)


# --- one layer -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_output_length_is_the_number_of_places_where_all_taps_fit(kernel: int, stride: int, dilation: int) -> None:
    layer = Layer(kernel, stride, dilation)
    span = max(tap * dilation for tap in range(kernel)) + 1
    assert layer.effective_kernel == span
    for length, left, right in itertools.product(range(24), (0, 1, 5), (0, 2)):
        places = [at for at in range(0, length + left + right, stride) if at + span <= length + left + right]
        assert layer.output_length(length, (left, right)) == len(places)
        assert left or right or layer.output_length(length) == len(places)


@settings(max_examples=150)
@given(layers, st.integers(1, 40), st.integers(0, 20), st.integers(0, 20))
def test_output_length_is_that_of_torch(layer: Layer, length: int, left: int, right: int) -> None:
    x = F.pad(torch.zeros(1, 1, length), (left, right))
    expected = layer.output_length(length, (left, right))
    for run in (convolved, pooled):
        if expected:
            assert run(layer, x).shape[-1] == expected
        else:
            with pytest.raises(RuntimeError):  # torch has no outputs of length 0
                run(layer, x)


@settings(max_examples=80)
@given(layers, st.integers(0, 5_000))
def test_causal_and_same_keep_the_length_at_stride_1(layer: Layer, length: int) -> None:
    kept = Layer(layer.kernel, 1, layer.dilation)
    for padding in ("causal", "same"):
        assert kept.output_length(length, kept.pads(padding)) == length
        assert layer.output_length(length, layer.pads(padding)) == -(-length // layer.stride)
    assert layer.output_length(length, layer.pads("valid")) == layer.output_length(length)


@given(layers)
def test_pads_are_all_left_or_halves_or_none(layer: Layer) -> None:
    span = layer.dilation * (layer.kernel - 1)
    assert layer.pads("causal") == (span, 0)
    assert layer.pads("valid") == (0, 0)
    left, right = layer.pads("same")
    assert (left + right, right - left) == (span, span % 2)


@settings(max_examples=60)
@given(layers, st.integers(1, 30), st.integers(0, 6))
def test_a_number_pads_both_sides_as_in_torch(layer: Layer, length: int, padding: int) -> None:
    assert layer.pads(padding) == (padding, padding)
    expected = layer.output_length(length, layer.pads(padding))
    assert expected == max(0, (length + 2 * padding - layer.dilation * (layer.kernel - 1) - 1) // layer.stride + 1)
    if expected:
        assert convolved(layer, torch.zeros(1, 1, length), padding).shape[-1] == expected


@pytest.mark.parametrize("own", [*PADDINGS, 0, 3])
@pytest.mark.parametrize("other", [*PADDINGS, 2])
def test_the_padding_of_a_layer_comes_before_that_of_all(own: Padding, other: Padding) -> None:
    assert Layer(4, 2, 3, own).pads(other) == Layer(4, 2, 3).pads(own)


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_same_padding_is_that_of_torch(kernel: int, dilation: int) -> None:
    layer = Layer(kernel, 1, dilation)
    x = torch.zeros(1, 1, 41, dtype=torch.float64, requires_grad=True)
    y = convolved(layer, x, padding="same")
    assert y.shape == x.shape
    y[0, 0, 20].backward()
    assert x.grad is not None
    touched = set(x.grad[0, 0].nonzero().flatten().tolist())
    field = geometry.see([layer], padding="same")
    assert touched == {field.newest + 20 - lag for lag in geometry.lag_list(field.lags)}
    noise = torch.rand(1, 1, 9, dtype=torch.float64)
    assert torch.equal(convolved(layer, noise, "same"), convolved(layer, F.pad(noise, layer.pads("same"))))


@pytest.mark.parametrize("padding", ["", "full", "Same", "zeros", -1])
def test_an_unknown_padding_is_refused(padding: Padding) -> None:
    with pytest.raises(ValueError, match=f"padding is {padding!r}, expected one of causal, same, valid"):
        Layer(3).pads(padding)
    for refuse in (lambda: geometry.see([Layer(3)], padding=padding), lambda: through([Layer(3)], 9, padding)):
        with pytest.raises(ValueError, match="expected one of causal"):
            refuse()


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-2, 1, 1), (3, -1, 2), (3, 2, -1)])
def test_a_layer_of_less_than_one_tap_step_or_input_is_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Layer(*sizes)


@pytest.mark.parametrize(("dilation", "span"), [(1, 3), (2, 5), (4, 9), (8, 17)])
def test_three_taps_span_3_5_9_and_17_inputs(dilation: int, span: int) -> None:
    assert Layer(3, dilation=dilation).effective_kernel == span


# --- many layers -----------------------------------------------------------------------------------------------------


def through(parts: Sequence[Part], length: int, padding: Padding) -> int:
    return geometry.length_through(parts, length, padding)


def run_torch(parts: Sequence[Part], x: Tensor, padding: Padding) -> Tensor:
    """Run real convolutions; outputs of length 0, which torch does not know, end as an empty tensor."""
    for part in parts:
        if isinstance(part, Whole):
            x = F.adaptive_avg_pool1d(x, 1).expand_as(x) if x.shape[-1] else x
        elif isinstance(part, Parallel):
            x = torch.cat([run_torch(branch, x, padding) for branch in part.branches], dim=1).mean(1, keepdim=True)
        elif (own := padding if part.padding is None else part.padding) == "same" and part.stride == 1 and x.shape[-1]:
            x = convolved(part, x, "same")
        elif isinstance(own, int) and x.shape[-1] and x.shape[-1] + 2 * own >= part.effective_kernel:
            x = convolved(part, x, own)
        else:
            span = part.dilation * (part.kernel - 1)
            known = {"causal": (span, 0), "same": (span // 2, span - span // 2), "valid": (0, 0)}
            pads = known[own] if isinstance(own, str) else (own, own)
            x = F.pad(x, pads)
            x = convolved(part, x) if x.shape[-1] > span else x[..., :0]
    return x


@settings(max_examples=200)
@given(layer_toys.sequences(), st.integers(1, 70), layer_toys.paddings)
@example((Parallel(((Layer(3), Layer(3)), (Layer(5),), (Layer(3, dilation=2),))), Layer(2, 2)), 20, "valid")
@example((Layer(7, 2), Layer(3, 2), Parallel(((Layer(1),), (Layer(3, dilation=6),), (Whole(),)))), 64, "same")
@example((Layer(7, 2, 1, 3), Layer(3, 2, 1, 1), Layer(2, 2, padding="valid"), Layer(5, 3, 2)), 224, 4)
def test_lengths_through_layers_are_those_of_real_modules(
    parts: tuple[Part, ...], length: int, padding: Padding
) -> None:
    try:
        expected = run_torch(parts, torch.zeros(1, 1, length), padding).shape[-1]
    except RuntimeError:  # torch cannot join the branches
        with pytest.raises(ValueError, match="different numbers of outputs"):
            through(parts, length, padding)
    else:
        assert through(parts, length, padding) == expected


@pytest.mark.parametrize("padding", PADDINGS)
def test_branches_of_different_lengths_are_refused(padding: str) -> None:
    uneven = (Layer(2), Parallel(((Layer(3, 2),), (Layer(3, 1),))))
    with pytest.raises(RuntimeError, match="Sizes of tensors"):
        run_torch(uneven, torch.zeros(1, 1, 12), padding)
    with pytest.raises(ValueError, match=r"different numbers of outputs \(\[\d+, \d+\]\)"):
        through(uneven, 12, padding)


def test_branches_that_only_padding_makes_equal_are_refused_without_it() -> None:
    pyramid = (Parallel(((Layer(1),), (Layer(3, dilation=6),))),)
    assert through(pyramid, 33, "same") == through(pyramid, 33, "causal") == 33
    with pytest.raises(ValueError, match=r"\[21, 33\]"):
        through(pyramid, 33, "valid")


def test_branches_that_differ_are_named_by_their_number() -> None:
    inner = Parallel(((Layer(3),), (Layer(5),)))
    with pytest.raises(geometry.LayerError, match=r"^layer 2\.2\.3: its branches .*\[6, 8\]\) for 10 inputs; make"):
        through([Layer(1), Parallel(((Layer(1),), (Layer(1), Layer(1), inner)))], 10, "valid")


def test_causal_is_the_padding_unless_another_is_said() -> None:
    assert geometry.length_through([Layer(3), Layer(3, dilation=8)], 10) == 10
    assert geometry.length_through([], 10) == 10


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kernel", "parameters"), [(3, 73_856), (5, 204_928)])
def test_64_to_128_channels_cost_what_a_real_layer_has(kernel: int, parameters: int) -> None:
    real = torch.nn.Conv2d(64, 128, kernel)
    assert sum(numbers.numel() for numbers in real.parameters()) == parameters
    assert geometry.convolution_weights(64, 128, kernel, dims=2) + 128 == parameters


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6))
def test_weights_are_those_of_torch_along_one_axis_and_two(inputs: int, outputs: int, kernel: int) -> None:
    for dims, module in ((1, torch.nn.Conv1d), (2, torch.nn.Conv2d)):
        real = module(inputs, outputs, kernel, bias=False)
        assert geometry.convolution_weights(inputs, outputs, kernel, dims) == real.weight.numel()
    assert geometry.convolution_weights(inputs, outputs, kernel) == inputs * outputs * kernel
