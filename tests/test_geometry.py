"""Held: receptive fields, lags, holes, queues and costs are those of brute force and of real networks."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.generate.queues import Queues
from wavenet.geometry import Field, Layer, Parallel, Part, Shape, Stacks
from wavenet.model.network import WaveNet

DECADES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def seen(stacks: Stacks, kernel: int) -> Field:
    return geometry.see(Layer(kernel, 1, dilation) for stack in stacks for dilation in stack)


# --- schedules -------------------------------------------------------------------------------------------------------


def test_patterns_are_the_schedules_of_the_papers() -> None:
    assert geometry.exponential(10, 3) == ((1, 2, 4, 8, 16, 32, 64, 128, 256, 512),) * 3
    assert geometry.hdc(9, 2) == (DECADES,) * 2
    assert geometry.hdc(2, 1) == ((1, 2),)
    assert geometry.constant(3, 2, 7) == ((7, 7, 7), (7, 7, 7))


@pytest.mark.parametrize(
    ("stacks", "kernel", "samples"),
    [
        (geometry.exponential(10, 3), 3, 6139),
        (geometry.exponential(6, 4), 3, 505),
        (geometry.exponential(6, 2), 3, 253),
        (geometry.exponential(10, 1), 2, 1024),
        (geometry.exponential(10, 3), 2, 3070),
        (geometry.exponential(10, 4), 2, 4093),
        (((1,),), 1, 1),
    ],
)
def test_published_receptive_fields(stacks: Stacks, kernel: int, samples: int) -> None:
    layers = sum(len(stack) for stack in stacks)
    assert geometry.receptive_field(stacks, [kernel] * layers) == samples
    assert seen(stacks, kernel).receptive_field == samples


def test_kernels_and_dilations_must_be_as_many() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        geometry.receptive_field(((1, 2),), [2])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        Shape(((1, 2),), (2,), *(1,) * 6, embedding=True, bias=True)


# --- coverage and holes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stacks", "kernel", "coverage", "holes"),
    [
        (geometry.exponential(10, 1), 2, 1.0, []),
        (((1, 2, 5),), 2, 8 / 9, [(4, 4, 1)]),
        (((1, 2, 5),), 3, 1.0, []),
        (((1, 2, 5),) * 2, 2, 1.0, []),
        ((DECADES,), 3, 1.0, []),
        ((DECADES,) * 2, 2, 1.0, []),
        (((2, 4, 8),), 2, 8 / 15, [(1, 13, 2)]),
        (geometry.constant(10, 1, 2), 2, 11 / 21, [(1, 19, 2)]),
        (((1, 10),), 2, 4 / 12, [(2, 9, 1)]),
    ],
)
def test_known_coverage_and_holes(
    stacks: Stacks, kernel: int, coverage: float, holes: list[tuple[int, int, int]]
) -> None:
    field = seen(stacks, kernel)
    assert field.coverage == pytest.approx(coverage, abs=1e-12)
    assert geometry.holes(field.lags) == holes


def test_decades_with_two_taps_reach_57_6_percent() -> None:
    field = seen((DECADES,), 2)
    assert field.receptive_field == 889
    assert field.lags.bit_count() == 512
    assert round(100 * field.coverage, 1) == 57.6
    assert geometry.holes(field.lags)[:3] == [(4, 34, 5), (39, 49, 1), (54, 84, 5)]


def test_doubling_dilations_reach_every_lag_by_one_path() -> None:
    paths = 2**10
    assert seen(geometry.exponential(10, 1), 2).lags.bit_count() == paths == 1024


def missing(lags: int) -> set[int]:
    return {lag for lag in range(lags.bit_length()) if not lags >> lag & 1}


def check_holes(lags: int) -> None:
    found = geometry.holes(lags)
    members = [list(range(first, last + 1, step)) for first, last, step in found]
    everything = [lag for hole in members for lag in hole]
    assert sorted(everything) == sorted(missing(lags))
    assert [hole[0] for hole in members] == sorted(hole[0] for hole in members)
    for (first, last, step), hole in zip(found, members, strict=True):
        assert hole[0] == first
        assert hole[-1] == last
        assert step == 1 or (step > 1 and len(hole) >= 3)
        if step == 1:  # a whole run
            assert not {first - 1, last + 1} & set(everything)
        else:  # single lags, and no further one with the same gap
            assert not {lag + side for lag in hole for side in (-1, 1)} & set(everything)
            further = last + step
            between = any(last < lag < further for lag in everything)  # another hole separates them
            assert further not in everything or between or {further - 1, further + 1} & set(everything)
    singles = [first if first == last else None for first, last, _ in found]
    for a, b, c in zip(singles, singles[1:], singles[2:], strict=False):
        assert None in (a, b, c) or b - a != c - b, "three equally spaced single lags are one hole"


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**40 - 1))
def test_holes_of_any_set_are_its_missing_lags(bits: int) -> None:
    check_holes(bits << 1 | 1)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=4), min_size=1, max_size=3), st.integers(1, 4))
def test_lags_of_small_schedules_are_all_sums_of_taps(schedule: list[list[int]], kernel: int) -> None:
    dilations = [dilation for stack in schedule for dilation in stack][:6]
    field = geometry.see(Layer(kernel, 1, dilation) for dilation in dilations)
    taps = [[tap * dilation for tap in range(kernel)] for dilation in dilations]
    reached = {sum(path) for path in itertools.product(*taps)}
    assert set(geometry.lag_list(field.lags)) == reached
    assert field.receptive_field == max(reached) + 1
    assert field.coverage == len(reached) / (max(reached) + 1)
    check_holes(field.lags)


def test_the_bits_of_a_set_are_its_lags_in_order() -> None:
    assert geometry.lag_list(0) == []
    assert geometry.lag_list(1) == [0]
    assert geometry.lag_list(0b1010_0001) == [0, 5, 7]
    assert geometry.lag_list((1 << 1_000_000) | 1) == [0, 1_000_000]


def test_a_million_lags_take_no_time() -> None:
    field = seen(geometry.exponential(20, 1), 2)
    assert field.receptive_field == 2**20
    assert geometry.holes(field.lags) == []


# --- any layers ------------------------------------------------------------------------------------------------------


def inputs_seen(parts: Sequence[Part], outputs: set[int], *, same: bool) -> set[int]:
    """Return the inputs behind some outputs, tap by tap from the last layer to the first."""
    for part in reversed(parts):
        if isinstance(part, Parallel):
            outputs = set().union(*(inputs_seen(branch, outputs, same=same) for branch in part.branches))
            continue
        span = part.dilation * (part.kernel - 1)
        right = span - span // 2 if same else 0  # the odd one of the padding lies right
        newest = {at * part.stride + right for at in outputs}
        outputs = {at - tap * part.dilation for at in newest for tap in range(part.kernel)}
    return outputs


@st.composite
def sequences(draw: st.DrawFn, strides: tuple[int, ...] | None = None, depth: int = 2) -> tuple[Part, ...]:
    """Some layers and parallel branches; `strides` fixes which strides occur, in any order."""
    if strides is None:
        strides = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    parts: list[Part] = []
    for stride in draw(st.permutations(strides)):
        if depth and draw(st.integers(0, 3)) == 0:
            branches = st.lists(sequences((stride,), depth - 1), min_size=1, max_size=3)
            parts.append(Parallel(tuple(draw(branches))))
        else:
            parts.append(Layer(draw(st.integers(1, 4)), stride, draw(st.integers(1, 4))))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), Layer(draw(st.integers(1, 4)), 1, draw(st.integers(1, 4))))
    return tuple(parts)


@settings(deadline=None, max_examples=120)
@given(sequences(), st.booleans())
def test_what_any_layers_see_is_what_their_taps_touch(parts: tuple[Part, ...], same: bool) -> None:
    field = geometry.see(parts, same=same)
    lags = geometry.lag_list(field.lags)
    for t in range(4):
        touched = inputs_seen(parts, {t}, same=same)
        assert touched == {field.newest + t * field.jump - lag for lag in lags}
    first = inputs_seen(parts, {0}, same=same)
    assert field.offset == min(first)
    assert field.receptive_field == max(first) - min(first) + 1
    assert same or field.newest == 0


@settings(deadline=None, max_examples=40)
@given(sequences(), sequences(), st.booleans())
def test_seeing_on_from_a_field_is_seeing_all_at_once(
    first: tuple[Part, ...], second: tuple[Part, ...], same: bool
) -> None:
    assert geometry.see(second, geometry.see(first, same=same), same=same) == geometry.see(first + second, same=same)


def test_branches_of_different_strides_do_not_line_up() -> None:
    uneven = Parallel(((Layer(3, 2),), (Layer(3, 1), Layer(1, 3))))
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        geometry.see([uneven])


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_same_padding_is_that_of_torch(kernel: int, dilation: int) -> None:
    x = torch.zeros(1, 1, 41, dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it copies the input where the padding is odd
        y = torch.nn.functional.conv1d(x, torch.ones(1, 1, kernel).double(), padding="same", dilation=dilation)
    assert y.shape == x.shape
    y[0, 0, 20].backward()
    assert x.grad is not None
    field = geometry.see([Layer(kernel, 1, dilation)], same=True)
    assert set(x.grad[0, 0].nonzero().flatten().tolist()) == {
        field.newest + 20 - lag for lag in geometry.lag_list(field.lags)
    }


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_output_length_is_the_number_of_places_where_all_taps_fit(kernel: int, stride: int, dilation: int) -> None:
    layer = Layer(kernel, stride, dilation)
    span = max(tap * dilation for tap in range(kernel)) + 1
    assert layer.effective_kernel == span
    for length in range(40):
        places = [at for at in range(0, length, stride) if at + span <= length]
        assert layer.output_length(length) == len(places)


# --- a whole WaveNet -------------------------------------------------------------------------------------------------


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    sizes = st.integers(1, 6)
    stacks = tuple(
        tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))) for _ in range(draw(st.integers(1, 3)))
    )
    classes, embedding = draw(st.integers(2, 20)), draw(st.booleans())
    return Shape(
        stacks=stacks,
        kernels=tuple(draw(st.integers(1, 4)) for stack in stacks for _ in stack),
        residual=draw(sizes),
        gate=draw(sizes),
        skip=draw(sizes),
        head=draw(sizes),
        inputs=classes + 1 if embedding else 1,
        outputs=classes,
        embedding=embedding,
        bias=draw(st.booleans()),
    )


@settings(deadline=None, max_examples=40)
@given(shapes())
def test_a_shape_counts_what_a_real_network_has(shape: Shape) -> None:
    network = WaveNet(shape)
    products = [module.weight.numel() for module in network.modules() if isinstance(module, torch.nn.Linear)]
    assert shape.macs_per_sample() == sum(products)
    assert shape.parameters() == sum(weight.numel() for weight in network.parameters())
    with torch.no_grad():
        signal = torch.zeros(1, shape.receptive_field + 2, dtype=torch.int64 if shape.embedding else torch.float32)
        assert network(signal).shape == (1, 3, shape.outputs)


@settings(deadline=None, max_examples=40)
@given(shapes(), st.integers(1, 3))
def test_queues_hold_what_each_layer_still_needs(shape: Shape, batch: int) -> None:
    oldest = [max(tap * layer.dilation for tap in range(layer.kernel)) for layer in shape.layers]
    assert list(shape.queue_rows()) == oldest
    assert sum(oldest) + 1 == shape.receptive_field
    queues = Queues(shape, batch)
    held = sum(queues.ring(b, layer).nbytes for b in range(batch) for layer in range(len(shape.layers)))
    assert held == batch * shape.queue_bytes()
    assert shape.queue_bytes(2) * 2 == shape.queue_bytes(4)


@settings(deadline=None, max_examples=40)
@given(shapes())
def test_a_shape_keeps_layers_in_the_order_of_its_stacks(shape: Shape) -> None:
    stacks = shape.stack_layers()
    assert tuple(tuple(layer.dilation for layer in stack) for stack in stacks) == shape.stacks
    assert tuple(layer.kernel for stack in stacks for layer in stack) == shape.kernels
    assert all(layer.stride == 1 for layer in shape.layers)
    assert geometry.see(shape.layers).receptive_field == shape.receptive_field
