"""Held: what any layers see is what their taps touch, and what the papers publish."""

from __future__ import annotations

from itertools import accumulate, chain
from pathlib import Path

import layer_toys
import pytest
from hypothesis import example, given, settings

from wavenet import geometry
from wavenet.geometry import MAX_RECEPTIVE_FIELD, PADDINGS, Layer, Parallel, Part, Seen, Stacks, Whole
from wavenet.inspection import layers

SAMPLES = Path(__file__).parents[2] / "samples" / "layers"


# --- any layers ------------------------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(layer_toys.sequences(), layer_toys.paddings)
@example((Layer(2, 2), Parallel(((Layer(1),), (Layer(4, dilation=3),), (Whole(), Layer(3)))), Layer(3)), "same")
@example((Layer(3), Parallel(((Whole(),), (Whole(), Layer(2))))), "valid")
def test_what_any_layers_see_is_what_their_taps_touch(parts: tuple[Part, ...], padding: str) -> None:
    seen = geometry.see(parts, padding=padding)
    lags = geometry.lag_list(seen.lags)
    for t in range(4):
        touched = layer_toys.inputs_seen(parts, {t}, padding)
        assert touched == {seen.newest + t * seen.jump - lag for lag in lags}
    assert seen.whole == layer_toys.pools_all(parts)
    first = layer_toys.inputs_seen(parts, {0}, padding)
    if first:
        assert seen.offset == min(first)
        assert seen.receptive_field == max(first) - min(first) + 1
        assert seen.coverage == len(first) / seen.receptive_field
        assert padding != "causal" or not layer_toys.pads_alike(parts) or seen.newest == 0
    else:
        assert (seen.lags, seen.receptive_field, seen.coverage) == (0, 0, 1.0)


@settings(max_examples=60)
@given(layer_toys.sequences(), layer_toys.sequences(), layer_toys.paddings)
def test_going_on_from_what_is_seen_is_seeing_all_at_once(
    first: tuple[Part, ...], second: tuple[Part, ...], padding: str
) -> None:
    begun = geometry.see(first, padding=padding)
    assert geometry.see(second, begun, padding) == geometry.see(first + second, padding=padding)


def test_no_layers_see_the_newest_input_alone() -> None:
    assert geometry.see([]) == Seen(lags=1, jump=1, newest=0, oldest=0, whole=False)
    assert geometry.see([]).coverage == 1.0


@pytest.mark.parametrize("padding", PADDINGS)
def test_global_pooling_alone_has_no_fixed_lag(padding: str) -> None:
    for parts in ([Whole()], [Layer(3, 2), Whole(), Layer(3, 1, 4)], [Parallel(((Whole(),), (Whole(), Layer(1))))]):
        seen = geometry.see(parts, padding=padding)
        assert (seen.whole, seen.lags, seen.receptive_field, seen.coverage) == (True, 0, 0, 1.0)
        assert geometry.lag_list(seen.lags) == geometry.holes(seen.lags) == []


@pytest.mark.parametrize("padding", PADDINGS)
def test_global_pooling_in_a_branch_leaves_the_lags_of_the_others(padding: str) -> None:
    others = ((Layer(1),), (Layer(3, dilation=2), Layer(2)))
    without = geometry.see([Layer(3, 2), Parallel(others), Layer(2)], padding=padding)
    joined = geometry.see([Layer(3, 2), Parallel((*others, (Whole(), Layer(5)))), Layer(2)], padding=padding)
    assert (without.whole, joined.whole) == (False, True)
    assert (joined.jump, joined.newest, joined.lags) == (without.jump, without.newest, without.lags)


# --- what is refused -------------------------------------------------------------------------------------------------

HUGE = Layer(2, dilation=MAX_RECEPTIVE_FIELD)
UNEVEN = Parallel(((Layer(3, 2),), (Layer(3), Layer(1, 3))))


def nested(part: Part, *where: int) -> list[Part]:
    """Return layers in which a part stands at a place such as 2, 1, 3: layer 3 of the first branch of the second."""
    number, *further = where
    before: list[Part] = [Layer(1)] * (number - 1)
    if not further:
        return [*before, part, Layer(1)]
    branch, *inner = further
    branches = [*[(Layer(1),)] * (branch - 1), tuple(nested(part, *inner)), (Whole(),)]
    return [*before, Parallel(tuple(branches)), Layer(1)]


@pytest.mark.parametrize("where", [(1,), (3,), (1, 1, 1), (2, 1, 3), (4, 3, 2), (2, 1, 3, 2, 5), (1, 4, 1, 1, 2, 3, 6)])
@pytest.mark.parametrize(("part", "what"), [(HUGE, "passes 50,000,000 samples"), (UNEVEN, r"\[2, 3\]")])
def test_an_error_names_the_layer(where: tuple[int, ...], part: Part, what: str) -> None:
    name = r"\.".join(map(str, where))
    with pytest.raises(ValueError, match=f"^layer {name}: .*{what}"):
        geometry.see(nested(part, *where))


def test_a_layer_that_passes_the_limit_after_others_is_the_one_that_is_named() -> None:
    layers = [Layer(1_000), Parallel(((Layer(1, 1_000), Layer(1_000), Layer(1_000, 1, 1_000)), (Layer(2),)))]
    with pytest.raises(ValueError, match=r"^layer 2\.1\.3: the receptive field passes 50,000,000 samples"):
        geometry.see(layers)


def test_the_largest_receptive_field_and_jump_are_seen_and_one_more_is_refused() -> None:
    assert geometry.see([Layer(2, dilation=MAX_RECEPTIVE_FIELD - 1)]).receptive_field == MAX_RECEPTIVE_FIELD
    assert geometry.see([Layer(1, stride=MAX_RECEPTIVE_FIELD)]).jump == MAX_RECEPTIVE_FIELD
    for far in ([HUGE], [Layer(1, stride=MAX_RECEPTIVE_FIELD + 1)], [Layer(2), Layer(1, 5_000), Layer(1, 10_001)]):
        with pytest.raises(ValueError, match=f"^layer {len(far)}: the receptive field passes 50,000,000 samples"):
            geometry.see(far)


def test_layers_behind_global_pooling_are_not_held_to_a_limit_of_lags() -> None:
    assert geometry.see([Whole(), HUGE]).lags == 0


# --- published numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stacks", "kernel", "samples"),
    [
        (geometry.exponential(10, 3), 3, 6139),
        (geometry.exponential(6, 4), 3, 505),
        (geometry.exponential(6, 2), 3, 253),
        (geometry.exponential(10, 1), 2, 1024),
        (geometry.exponential(10, 3), 2, 3070),
        (geometry.exponential(10, 4), 2, 4093),
        (geometry.exponential(5, 1), 3, 63),
        (geometry.constant(5, 1, 1), 3, 11),
        (((1,),), 1, 1),
    ],
)
def test_published_receptive_fields(stacks: Stacks, kernel: int, samples: int) -> None:
    assert layer_toys.seen(stacks, kernel).receptive_field == samples


# --- networks that classify images: Araujo et al. 2019, https://distill.pub/2019/computing-receptive-fields ----------


def resnet(*stages: int) -> list[Part]:
    """Return a ResNet of bottlenecks as TF-slim builds it: the last block of each stage but the last has stride 2."""
    blocks = [
        2 if block == blocks - 1 and stage < len(stages) - 1 else 1
        for stage, blocks in enumerate(stages)
        for block in range(blocks)
    ]
    bottlenecks = (Parallel(((Layer(1), Layer(3, s), Layer(1)), (Layer(1, s),))) for s in blocks)
    return [Layer(7, 2), Layer(3, 2), *bottlenecks]


VGG_16: list[Part] = [
    *chain.from_iterable([*[Layer(3)] * convolutions, Layer(2, 2)] for convolutions in (2, 2, 3, 3, 3))
]


@pytest.mark.parametrize(
    ("parts", "samples"),
    [
        (resnet(3, 4, 6, 3), 483),
        (resnet(3, 4, 23, 3), 1027),
        (resnet(3, 8, 36, 3), 1507),
        (VGG_16, 212),
    ],
    ids=["ResNet-50", "ResNet-101", "ResNet-152", "VGG-16"],
)
@pytest.mark.parametrize("padding", PADDINGS)
def test_published_receptive_fields_of_image_networks(parts: list[Part], samples: int, padding: str) -> None:
    seen = geometry.see(parts, padding=padding)
    assert (seen.jump, seen.coverage) == (32, 1.0)
    assert seen.receptive_field == samples
    longest = [*chain.from_iterable(part.branches[0] if isinstance(part, Parallel) else (part,) for part in parts)]
    jumps = accumulate((layer.stride for layer in longest), lambda a, b: a * b, initial=1)
    assert 1 + sum((layer.kernel - 1) * jump for layer, jump in zip(longest, jumps, strict=False)) == samples


def test_a_resnet_may_trade_its_last_strides_for_dilation() -> None:
    fields, sizes = {}, {}
    for name in ("resnet50", "resnet50-dilated"):
        read = layers.read(SAMPLES / f"{name}.yaml")
        assert (read.dims, read.padding) == (2, "same")
        fields[name] = geometry.see(read.parts, padding=read.padding)
        sizes[name] = geometry.length_through(read.parts, 224, read.padding)
        assert len(read.parts) == 2 + 3 + 4 + 6 + 3
    plain, dilated = fields["resnet50"], fields["resnet50-dilated"]
    assert (plain.jump, dilated.jump) == (32, 8)
    assert sizes == {"resnet50": 7, "resnet50-dilated": 28}
    assert plain.receptive_field == dilated.receptive_field
    assert plain.coverage == dilated.coverage == 1.0
