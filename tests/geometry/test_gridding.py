"""Held: the rule finds a gap where a hole is, and each mend closes all holes by the change that its words say."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import chain

import layer_toys
import pytest
from hypothesis import assume, example, given, settings

from wavenet import geometry
from wavenet.geometry import Gap, Mend, Stacks

Schedule = tuple[Stacks, tuple[int, ...]]

DECADES = layer_toys.DECADES


def all_mends(stacks: Stacks, kernel: int = 2) -> list[Mend]:
    return geometry.mends(stacks, layer_toys.taps(stacks, kernel))


# --- the first gap ---------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(layer_toys.schedules())
@example((((2, 4, 8),), (2, 3, 2)))
@example((((7,), (1,)), (1, 3)))
@example((((5, 5),), (1, 1)))
def test_the_rule_fails_where_and_only_where_there_is_a_hole(schedule: Schedule) -> None:
    gap, field = geometry.first_gap(*schedule), layer_toys.seen(*schedule)
    assert (gap is None) == (field.coverage == 1.0)
    if gap is not None:
        assert gap.reach == geometry.holes(field.lags)[0][0] == min(layer_toys.missing(field.lags))
        assert gap.divisor == math.gcd(*geometry.lag_list(field.lags))
        dilations = chain.from_iterable(schedule[0])
        larger = {d for d, K in zip(dilations, schedule[1], strict=True) if K > 1 and d > gap.reach}
        assert gap.dilation == min(larger)


@settings(max_examples=60)
@given(layer_toys.schedules(), layer_toys.schedules(kernels=(1, 1)))
def test_layers_of_one_tap_change_nothing(schedule: Schedule, single: Schedule) -> None:
    stacks, kernels = schedule
    gap = geometry.first_gap(stacks, kernels)
    assert geometry.first_gap(single[0] + stacks, single[1] + kernels) == gap
    assert geometry.first_gap(stacks + single[0], kernels + single[1]) == gap
    assert geometry.first_gap(*single) is None


@settings(max_examples=60)
@given(layer_toys.schedules(largest=6, kernels=(2, 4)))
def test_dilations_with_a_common_divisor_reach_its_multiples_alone(schedule: Schedule) -> None:
    stacks, kernels = schedule
    tripled = tuple(tuple(3 * d for d in stack) for stack in stacks)
    gap = geometry.first_gap(tripled, kernels)
    assert gap is not None
    assert (gap.reach, gap.dilation) == (1, min(chain.from_iterable(tripled)))
    assert gap.divisor == 3 * math.gcd(*chain.from_iterable(stacks))
    assert all(lag % gap.divisor == 0 for lag in geometry.lag_list(layer_toys.seen(tripled, kernels).lags))


def test_a_long_schedule_is_looked_through_without_its_lags() -> None:
    stacks = ((*(2**i for i in range(500)), 2**500 + 1),)
    assert geometry.first_gap(stacks, [2] * 501) == Gap(2**500 + 1, 2**500, 1)


@pytest.mark.parametrize(
    ("stacks", "kernel", "percent", "gap"),
    [
        (((1, 2, 5),), 2, 88.9, Gap(5, 4, 1)),
        (((1, 2, 5),), 3, 100.0, None),
        (((1, 2, 5),) * 2, 2, 100.0, None),
        ((DECADES,), 2, 57.6, Gap(5, 4, 1)),
        ((DECADES,), 3, 100.0, None),
        ((DECADES,) * 2, 2, 100.0, None),
        (((2, 4, 8),), 2, 53.3, Gap(2, 1, 2)),
        (geometry.constant(10, 1, 2), 2, 52.4, Gap(2, 1, 2)),
        (geometry.exponential(10, 4), 2, 100.0, None),
    ],
)
def test_known_gaps_and_what_is_left(stacks: Stacks, kernel: int, percent: float, gap: Gap | None) -> None:
    assert geometry.first_gap(stacks, layer_toys.taps(stacks, kernel)) == gap
    assert round(100 * layer_toys.seen(stacks, kernel).coverage, 1) == percent


def test_kernels_and_dilations_must_be_as_many() -> None:
    for look in (geometry.first_gap, geometry.mends):
        with pytest.raises(ValueError, match=r"shorter|longer"):
            look(((1, 2),), [2])


# --- mends -----------------------------------------------------------------------------------------------------------

WORDS = re.compile(
    r"dilation (?P<old>\d+) of layer (?P<layer>\d+)(?: of stack (?P<stack>\d+))? to (?P<new>\d+)"
    r"|add (?:a layer of dilation|(?P<many>\d+) layers of dilations) (?P<added>[\d, ]+) \(kernel (?P<taps>\d+)\)"
    r"|kernel (?P<narrow>\d+) to (?P<wide>\d+) in every layer"
    r"|(?P<more>\d+) more taps? in every layer"
    r"|repeat the (?P<what>stacks?) (?:(?P<times>\d+) times|once) more"
)


def changed(words: str, stacks: Stacks, kernels: tuple[int, ...]) -> Schedule:
    """Return a schedule after the change that some words tell."""
    told = WORDS.fullmatch(words)
    assert told, words
    lists = [list(stack) for stack in stacks]
    if told["old"]:
        assert bool(told["stack"]) == (len(stacks) > 1)
        stack, layer = lists[int(told["stack"] or 1) - 1], int(told["layer"]) - 1
        assert stack[layer] == int(told["old"])
        stack[layer] = int(told["new"])
    elif told["added"]:
        added = [int(d) for d in told["added"].split(", ")]
        assert len(added) == int(told["many"] or 1)
        assert (len(added) > 1) == bool(told["many"])
        lists[-1] += added
        kernels += (int(told["taps"]),) * len(added)
    elif told["narrow"]:
        assert set(kernels) == {int(told["narrow"])}
        kernels = (int(told["wide"]),) * len(kernels)
    elif told["more"]:
        assert len(set(kernels)) > 1
        assert ("taps" in words) == (told["more"] != "1")
        kernels = tuple(K + int(told["more"]) for K in kernels)
    else:
        assert told["what"] == ("stack" if len(stacks) == 1 else "stacks")
        cycles = 1 + int(told["times"] or 1)
        lists, kernels = lists * cycles, kernels * cycles
    return tuple(map(tuple, lists)), kernels


@settings(max_examples=150)
@given(layer_toys.schedules())
@example((((40,),), (2,)))
@example((((1, 3), (9, 27)), (2, 2, 2, 2)))
def test_mends_cover_all_and_are_what_their_words_say(schedule: Schedule) -> None:
    stacks, kernels = schedule
    found, before = geometry.mends(stacks, kernels), layer_toys.seen(stacks, kernels)
    assert bool(found) == bool(layer_toys.missing(before.lags))
    for mend in found:
        after = layer_toys.seen(mend.stacks, mend.kernels)
        assert after.coverage == 1.0
        assert after.receptive_field >= 0.75 * before.receptive_field
        assert len(mend.kernels) == sum(map(len, mend.stacks))
        assert geometry.mends(mend.stacks, mend.kernels) == []
        assert (mend.stacks, mend.kernels) == changed(mend.change, stacks, kernels)
    assert len({mend.change for mend in found}) == len(found)


@settings(max_examples=40)
@given(layer_toys.schedules(largest=5_000, kernels=(1, 3)))
def test_some_mend_is_always_there_for_large_dilations_too(schedule: Schedule) -> None:
    assume(geometry.first_gap(*schedule) is not None)
    found = geometry.mends(*schedule)
    assert found
    for mend in found:
        assert layer_toys.seen(mend.stacks, mend.kernels).coverage == 1.0


def lowered(stacks: Stacks, kernels: tuple[int, ...]) -> dict[Stacks, Fraction]:
    """Return each schedule with one dilation lowered that covers all and keeps 75 %, and by what share of itself."""
    whole = layer_toys.seen(stacks, kernels).receptive_field
    found = {}
    for s, stack in enumerate(stacks):
        for i, old in enumerate(stack):
            for new in range(1, old):
                other = (*stacks[:s], (*stack[:i], new, *stack[i + 1 :]), *stacks[s + 1 :])
                field = layer_toys.seen(other, kernels)
                if field.coverage == 1.0 and 4 * field.receptive_field >= 3 * whole:
                    found[other] = Fraction(old - new, old)
    return found


@settings(max_examples=200)
@given(layer_toys.schedules(largest=14, kernels=(1, 3), layers=3))
@example((((1, 2), (5,)), (2, 2, 2)))
@example((((4, 1, 9),), (3, 2, 3)))
@example((((1, 2, 4, 9, 20),), (2, 2, 2, 2, 2)))
@example((((3, 3, 1),), (9, 2, 2)))
def test_one_lowered_dilation_is_the_smallest_change_of_all_that_help(schedule: Schedule) -> None:
    stacks, kernels = schedule
    assume(geometry.first_gap(stacks, kernels) is not None)
    choices = lowered(stacks, kernels)
    told = [mend for mend in geometry.mends(stacks, kernels) if mend.change.startswith("dilation")]
    assert len(told) == bool(choices)
    for mend in told:
        assert mend == geometry.mends(stacks, kernels)[0]
        assert choices[mend.stacks] == min(choices.values())


@settings(max_examples=60)
@given(layer_toys.schedules(largest=10, kernels=(2, 3), layers=3))
def test_one_layer_is_added_where_one_is_enough_and_it_reaches_farthest(schedule: Schedule) -> None:
    stacks, kernels = schedule
    field = layer_toys.seen(stacks, kernels)
    assume(field.coverage < 1)
    taps = (*kernels, max(kernels))
    one = [d for d in range(1, 60) if layer_toys.seen((*stacks, (d,)), taps).coverage == 1.0]
    told = [mend for mend in geometry.mends(stacks, kernels) if mend.change.startswith("add a layer")]
    assert [mend.stacks[-1][-1] for mend in told] == one[-1:]


@settings(max_examples=60)
@given(layer_toys.schedules(largest=10, kernels=(1, 3), layers=3))
@example((((1, 6),), (2, 2)))
@example((((1, 7),), (2, 2)))
def test_no_fewer_taps_and_no_fewer_cycles_would_do(schedule: Schedule) -> None:
    stacks, kernels = schedule
    assume(layer_toys.seen(stacks, kernels).coverage < 1)
    told = {re.sub(r"\d+", "", mend.change).split()[0]: mend for mend in geometry.mends(stacks, kernels)}
    wider = [more for more in range(1, 5) if layer_toys.seen(stacks, [K + more for K in kernels]).coverage == 1.0]
    again = [more for more in range(2, 6) if layer_toys.seen(stacks * more, kernels * more).coverage == 1.0]
    taps = told.get("kernel") or told.get("more")
    assert [K - kernels[0] for K in (taps.kernels[:1] if taps else ())] == wider[:1]
    cycles = told.get("repeat")
    assert [len(mend.stacks) // len(stacks) for mend in ([cycles] if cycles else [])] == again[:1]


@pytest.mark.parametrize(
    ("stacks", "first"),
    [
        (((1, 2, 5),), "dilation 5 of layer 3 to 4"),
        (((2, 4, 8),), "add a layer of dilation 1 (kernel 2)"),
        ((DECADES,), "kernel 2 to 3 in every layer"),
        (((1, 2), (5,)), "dilation 5 of layer 1 of stack 2 to 4"),
        (((1, 2), (4, 9), (16, 32)), "dilation 9 of layer 2 of stack 2 to 8"),
        (geometry.constant(10, 1, 2), "dilation 2 of layer 1 to 1"),
    ],
)
def test_the_smallest_mend_stands_first(stacks: Stacks, first: str) -> None:
    assert all_mends(stacks)[0].change == first


def test_mends_are_told_from_the_smallest_change_to_the_largest() -> None:
    assert [mend.change for mend in all_mends(((1, 2, 5),))] == [
        "dilation 5 of layer 3 to 4",
        "kernel 2 to 3 in every layer",
        "add a layer of dilation 4 (kernel 2)",
        "repeat the stack once more",
    ]
    assert [mend.change for mend in all_mends((DECADES,))] == [
        "kernel 2 to 3 in every layer",
        "add 3 layers of dilations 4, 43, 436 (kernel 2)",
        "repeat the stack once more",
    ]
    assert [mend.change for mend in all_mends(((1, 2, 4, 8, 16, 40),))] == [
        "dilation 40 of layer 6 to 32",
        "add a layer of dilation 32 (kernel 2)",
        "kernel 2 to 3 in every layer",
        "repeat the stack once more",
    ]
    assert [mend.change for mend in all_mends(((2, 4, 8),))] == ["add a layer of dilation 1 (kernel 2)"]


@pytest.mark.parametrize(
    ("stacks", "kernels", "change"),
    [
        (((1, 2), (5, 5)), (2, 2, 2, 2), "repeat the stacks once more"),
        (((1, 2, 5),), (2, 2, 2), "repeat the stack once more"),
        (((1, 3, 9),), (2, 2, 2), "kernel 2 to 3 in every layer"),
        (((1, 3, 9),), (2, 1, 2), "2 more taps in every layer"),
        (((1, 3),), (2, 3), "1 more tap in every layer"),
        (((8,),), (2,), "add 3 layers of dilations 1, 2, 4 (kernel 2)"),
    ],
)
def test_mends_are_told_in_words(stacks: Stacks, kernels: tuple[int, ...], change: str) -> None:
    assert change in [mend.change for mend in geometry.mends(stacks, kernels)]


def test_as_many_layers_as_a_recipe_may_have_are_mended_without_more() -> None:
    stacks = ((*(1,) * 998, 1_500, 1_500),)
    found = all_mends(stacks)
    assert found
    assert all(sum(map(len, mend.stacks)) <= geometry.MAX_LAYERS for mend in found)
