"""Held: ways and proposals reach their span by no more layers than it takes, and cost what real layers cost."""

from __future__ import annotations

import tracemalloc
from itertools import chain

import layer_toys
import pytest
import torch
import toys
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.geometry import MAX_RECEPTIVE_FIELD, Layer, Way

LIKE = toys.recipe().shape


def layers_of(way: Way, fewer: int = 0) -> list[Layer]:
    """Return the layers of a way by its name, or some fewer."""
    dilations = [2**i if way.name == "dilated stack" else 1 for i in range(way.layers - fewer)]
    return [Layer(way.kernel, 1, d) for d in dilations]


# --- three ways ------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(st.integers(2, 300), st.integers(2, 7), st.sampled_from([1, 2]))
@example(63, 3, 2)
@example(2, 7, 1)
def test_each_way_reaches_the_span_and_one_layer_less_does_not(span: int, kernel: int, dims: int) -> None:
    found = geometry.ways(span, kernel, 4, dims)
    assert [way.name for way in found] == ["larger kernel", "plain stack", "dilated stack"]
    assert [way.kernel for way in found] == [span, kernel, kernel]
    for way in found:
        field = geometry.see(layers_of(way))
        assert way.receptive_field == field.receptive_field >= span
        assert field.coverage == 1.0
        assert geometry.see(layers_of(way, fewer=1)).receptive_field < span
        assert way.largest_dilation == max(layer.dilation for layer in layers_of(way))


@settings(max_examples=40)
@given(st.integers(2, 24), st.integers(2, 5), st.integers(1, 4), st.sampled_from([1, 2]))
def test_each_way_costs_what_real_layers_have(span: int, kernel: int, channels: int, dims: int) -> None:
    module = torch.nn.Conv1d if dims == 1 else torch.nn.Conv2d
    for way in geometry.ways(span, kernel, channels, dims):
        real = [module(channels, channels, layer.kernel, dilation=layer.dilation) for layer in layers_of(way)]
        assert way.parameters == sum(numbers.numel() for layer in real for numbers in layer.parameters())
        assert way.macs == sum(layer.weight.numel() for layer in real)


def test_dilated_layers_that_see_63_pixels_cost_a_hundredth() -> None:
    found = geometry.ways(63, 3, 64, dims=2)
    assert [(way.layers, way.parameters) for way in found] == [(1, 16_257_088), (31, 1_144_768), (5, 184_640)]
    laws = [way.law for way in found]
    assert "n^2" in laws[0] and "n^2" not in geometry.ways(63, 3, 64, dims=1)[0].law
    assert "grow as n" in laws[1]
    assert "log n" in laws[2]


@pytest.mark.parametrize("dims", [1, 2])
def test_a_huge_span_costs_no_memory(dims: int) -> None:
    tracemalloc.start()
    try:
        one, plain, dilated = geometry.ways(50_000_000, 2, 64, dims)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert one.parameters == 64 * 64 * 50_000_000**dims + 64
    assert (plain.layers, plain.receptive_field) == (49_999_999, 50_000_000)
    assert (dilated.layers, dilated.receptive_field) == (26, 2**26)
    assert dilated.largest_dilation == 2**25


@pytest.mark.parametrize(
    ("span", "kernel", "words"),
    [(1, 2, "the span is 1,"), (MAX_RECEPTIVE_FIELD + 1, 2, "the span is 50,000,001,"), (9, 1, "the kernel is 1,")],
)
def test_what_is_out_of_range_is_refused(span: int, kernel: int, words: str) -> None:
    for look in (lambda: geometry.ways(span, kernel, 8), lambda: geometry.propose(span, kernel, LIKE)):
        with pytest.raises(ValueError, match=words):
            look()
    for channels, dims in ((0, 1), (8, 0), (8, 3)):
        with pytest.raises(ValueError, match="expected 1 or 2 dims and at least 1 channel"):
            geometry.ways(100, 2, channels, dims)


# --- proposals -------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.one_of(st.integers(2, 200), st.integers(2, 30_000)), st.integers(2, 6))
@example(2, 2)
@example(1_024, 2)
@example(1_025, 2)
@example(2, 9)
def test_proposals_see_the_whole_span_without_a_hole(span: int, kernel: int) -> None:
    found = geometry.propose(span, kernel, LIKE)
    assert found
    for one in found:
        field = layer_toys.seen(one.shape.stacks, one.shape.kernels)
        assert field.receptive_field == one.shape.receptive_field >= span
        assert field.coverage == 1.0
        assert set(one.shape.kernels) == {kernel}
    costs = [(one.shape.macs_per_sample(), one.shape.receptive_field) for one in found]
    assert costs == sorted(costs)
    assert len({one.shape.stacks for one in found}) == len(found)


@settings(max_examples=20)
@given(st.one_of(st.integers(2, 30_000), st.integers(2, MAX_RECEPTIVE_FIELD)), st.integers(2, 6), layer_toys.shapes())
def test_a_recipe_with_a_proposed_pattern_has_just_that_shape(span: int, kernel: int, other: geometry.Shape) -> None:
    for one in geometry.propose(span, kernel, LIKE):
        made = toys.recipe(model={"dilations": one.pattern, "kernel_size": kernel})
        assert made.shape == one.shape
    kept = ("residual", "gate", "skip", "head", "inputs", "outputs", "embedding", "bias")
    for one in geometry.propose(span, kernel, other):
        assert all(getattr(one.shape, name) == getattr(other, name) for name in kept)


@settings(max_examples=100)
@given(st.one_of(st.integers(2, 5_000), st.integers(2, MAX_RECEPTIVE_FIELD)), st.integers(2, 20))
@example(48_500_000, 2)
@example(50_000_000, 2)
@example(49_999_999, 3)
@example(50_000_000, 3)
@example(45_000_000, 1_000)
def test_the_cheapest_has_the_fewest_layers_that_any_schedule_could_have(span: int, kernel: int) -> None:
    found = geometry.propose(span, kernel, LIKE)
    smallest = 1 + (kernel - 1) * -(-(span - 1) // (kernel - 1))  # fields of K taps grow in steps of K - 1
    assert bool(found) == (smallest <= MAX_RECEPTIVE_FIELD)
    fewest = next(L for L in range(1, 64) if kernel**L >= span)  # L layers of K taps reach at most K^L lags
    for one in found[:1]:
        assert len(one.shape.layers) == fewest
        assert one.shape.receptive_field >= span


def test_cycles_are_proposed_beside_one_stack() -> None:
    found = geometry.propose(1_000, 2, LIKE)
    assert {len(one.shape.stacks) for one in found} == {1, 2, 3, 4, 5, 6}
    patterns = [one.pattern["pattern"] for one in found if isinstance(one.pattern, dict)]
    assert set(patterns) == {"exponential", "hdc"}
    lists = [one.pattern for one in found if isinstance(one.pattern, list)]
    uneven = [one for one in lists if isinstance(one[0], list) and len(set(map(len, one))) > 1]
    assert uneven
    assert all(max(chain.from_iterable(one)) <= 1_000 for one in uneven)


def test_what_has_a_name_is_proposed_by_its_name() -> None:
    assert geometry.propose(1_024, 2, LIKE)[0].pattern == {"pattern": "exponential", "layers": 10, "cycles": 1}
    for one in geometry.propose(1_024, 2, LIKE):
        if isinstance(one.pattern, list):
            layers = len(one.shape.stacks[0])
            assert one.shape.stacks != geometry.exponential(layers, len(one.shape.stacks))
