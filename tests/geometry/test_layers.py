"""Held: lengths and pads of layers are those of counting places and of torch's own modules."""

from __future__ import annotations

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

layers = st.builds(Layer, st.integers(1, 5), st.integers(1, 4), st.integers(1, 5))


def convolved(layer: Layer, x: Tensor, padding: str | int = 0) -> Tensor:
    kernel = torch.ones(1, 1, layer.kernel, dtype=x.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it copies the input where the padding is odd
        return F.conv1d(x, kernel, stride=layer.stride, padding=padding, dilation=layer.dilation)


def pooled(layer: Layer, x: Tensor) -> Tensor:
    return F.max_pool1d(x, layer.kernel, layer.stride, dilation=layer.dilation)


# --- one layer -------------------------------------------------------------------------------------------------------


@settings(max_examples=75)
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
    assert layer.pads(4) == (4, 4)


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_same_padding_is_that_of_torch(kernel: int, dilation: int) -> None:
    layer = Layer(kernel, 1, dilation)
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


@settings(max_examples=100)
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


def test_branches_that_do_not_line_up_are_refused_by_their_number() -> None:
    pyramid = (Parallel(((Layer(1),), (Layer(3, dilation=6),))),)
    assert through(pyramid, 33, "same") == through(pyramid, 33, "causal") == 33
    inner = Parallel(((Layer(3),), (Layer(5),)))
    for parts, length, words in (
        (pyramid, 33, r"^layer 1: .*\[21, 33\]"),
        (
            [Layer(1), Parallel(((Layer(1),), (Layer(1), Layer(1), inner)))],
            10,
            r"^layer 2\.2\.3: .*\[6, 8\]\) for 10",
        ),
    ):
        with pytest.raises(geometry.LayerError, match=words):
            through(parts, length, "valid")


def test_causal_is_the_padding_unless_another_is_said() -> None:
    assert geometry.length_through([Layer(3), Layer(3, dilation=8)], 10) == 10
    assert geometry.length_through([], 10) == 10


# --- schedules -------------------------------------------------------------------------------------------------------


def test_patterns_are_the_schedules_of_the_papers() -> None:
    assert geometry.exponential(10, 3) == ((1, 2, 4, 8, 16, 32, 64, 128, 256, 512),) * 3
    assert geometry.exponential(4) == ((1, 2, 4, 8),)
    assert geometry.hdc(9, 2) == (layer_toys.DECADES,) * 2
    assert geometry.hdc(2) == ((1, 2),)
    assert geometry.constant(3, 2, 7) == ((7, 7, 7), (7, 7, 7))
    assert max(geometry.exponential(26)[0]) == 2**25 and max(geometry.hdc(26)[0]) == 2 * 10**8
