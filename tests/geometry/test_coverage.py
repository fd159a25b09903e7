"""Held: holes are what a set of lags misses; a gap is found where a hole is; a fix closes all, as its words say."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from itertools import chain

import layer_toys
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.geometry import Fix, Gap, Stacks

Schedule = tuple[Stacks, tuple[int, ...]]

DECADES = layer_toys.DECADES


def all_fixes(stacks: Stacks, kernel: int = 2) -> list[Fix]:
    return geometry.fixes(stacks, layer_toys.taps(stacks, kernel))


# --- holes -----------------------------------------------------------------------------------------------------------


def check_holes(lags: int) -> None:
    found = geometry.holes(lags)
    members = [list(range(first, last + 1, step)) for first, last, step in found]
    everything = [lag for hole in members for lag in hole]
    assert sorted(everything) == sorted(layer_toys.missing(lags))
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


@settings(deadline=None, max_examples=75)
@given(st.integers(0, 2**40 - 1))
def test_holes_of_any_set_are_its_missing_lags(bits: int) -> None:
    check_holes(bits << 1 | 1)


@given(st.sets(st.integers(0, 300)))
def test_the_bits_of_any_set_are_its_lags_in_order(members: set[int]) -> None:
    assert geometry.lag_list(sum(1 << lag for lag in members)) == sorted(members)


@pytest.mark.parametrize(
    ("stacks", "kernel", "percent", "holes", "gap"),
    [
        (geometry.exponential(10, 1), 2, 100.0, [], None),
        (geometry.exponential(10, 4), 2, 100.0, [], None),
        (((1, 2, 5),), 2, 88.9, [(4, 4, 1)], Gap(5, 4, 1)),
        (((1, 2, 5),), 3, 100.0, [], None),
        (((1, 2, 5),) * 2, 2, 100.0, [], None),
        ((DECADES,), 2, 57.6, [(4, 34, 5), (39, 49, 1), (54, 84, 5)], Gap(5, 4, 1)),
        ((DECADES,), 3, 100.0, [], None),
        ((DECADES,) * 2, 2, 100.0, [], None),
        (((2, 4, 8),), 2, 53.3, [(1, 13, 2)], Gap(2, 1, 2)),
        (geometry.constant(10, 1, 2), 2, 52.4, [(1, 19, 2)], Gap(2, 1, 2)),
        (((1, 10),), 2, 33.3, [(2, 9, 1)], Gap(10, 2, 1)),
    ],
)
def test_known_holes_and_gaps(
    stacks: Stacks, kernel: int, percent: float, holes: list[geometry.Hole], gap: Gap | None
) -> None:
    seen = layer_toys.seen(stacks, kernel)
    assert round(100 * seen.coverage, 1) == percent
    assert geometry.holes(seen.lags)[:3] == holes
    assert geometry.first_gap(stacks, layer_toys.taps(stacks, kernel)) == gap


def test_a_million_lags_take_no_time() -> None:
    assert geometry.holes(0) == geometry.holes(layer_toys.seen(geometry.exponential(20, 1), 2).lags) == []
    every_other = layer_toys.seen((tuple(2**i for i in range(1, 20)),), 2)
    assert geometry.holes(every_other.lags) == [(1, 2**20 - 3, 2)]
    assert len(geometry.lag_list(every_other.lags)) == 2**19


# --- the first gap ---------------------------------------------------------------------------------------------------


@settings(max_examples=100)
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


def test_kernels_and_dilations_must_be_as_many() -> None:
    for look in (geometry.first_gap, geometry.fixes):
        with pytest.raises(ValueError, match=r"shorter|longer"):
            look(((1, 2),), [2])


def test_a_long_schedule_is_looked_through_without_its_lags() -> None:
    stacks = ((*(2**i for i in range(500)), 2**500 + 1),)
    assert geometry.first_gap(stacks, [2] * 501) == Gap(2**500 + 1, 2**500, 1)


# --- fixes -----------------------------------------------------------------------------------------------------------

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


@settings(max_examples=75)
@given(layer_toys.schedules() | layer_toys.schedules(largest=5_000, kernels=(1, 3)))
@example((((40,),), (2,)))
@example((((1, 3), (9, 27)), (2, 2, 2, 2)))
def test_fixes_cover_all_and_are_what_their_words_say(schedule: Schedule) -> None:
    stacks, kernels = schedule
    found, before = geometry.fixes(stacks, kernels), layer_toys.seen(stacks, kernels)
    assert bool(found) == bool(layer_toys.missing(before.lags))
    for fix in found:
        after = layer_toys.seen(fix.stacks, fix.kernels)
        assert after.coverage == 1.0
        assert after.receptive_field >= 0.75 * before.receptive_field
        assert len(fix.kernels) == sum(map(len, fix.stacks))
        assert geometry.fixes(fix.stacks, fix.kernels) == []
        assert (fix.stacks, fix.kernels) == changed(fix.change, stacks, kernels)
    assert len({fix.change for fix in found}) == len(found)


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


@settings(max_examples=100)
@given(layer_toys.schedules(largest=14, kernels=(1, 3), layers=3))
@example((((1, 2), (5,)), (2, 2, 2)))
@example((((4, 1, 9),), (3, 2, 3)))
@example((((1, 2, 4, 9, 20),), (2, 2, 2, 2, 2)))
@example((((3, 3, 1),), (9, 2, 2)))
def test_one_lowered_dilation_is_the_smallest_change_of_all_that_help(schedule: Schedule) -> None:
    stacks, kernels = schedule
    assume(geometry.first_gap(stacks, kernels) is not None)
    choices = lowered(stacks, kernels)
    told = [fix for fix in geometry.fixes(stacks, kernels) if fix.change.startswith("dilation")]
    assert len(told) == bool(choices)
    for fix in told:
        assert fix == geometry.fixes(stacks, kernels)[0]
        assert choices[fix.stacks] == min(choices.values())


@settings(max_examples=60)
@given(layer_toys.schedules(largest=10, kernels=(2, 3), layers=3))
def test_one_layer_is_added_where_one_is_enough_and_it_reaches_farthest(schedule: Schedule) -> None:
    stacks, kernels = schedule
    field = layer_toys.seen(stacks, kernels)
    assume(field.coverage < 1)
    taps = (*kernels, max(kernels))
    one = [d for d in range(1, 60) if layer_toys.seen((*stacks, (d,)), taps).coverage == 1.0]
    told = [fix for fix in geometry.fixes(stacks, kernels) if fix.change.startswith("add a layer")]
    assert [fix.stacks[-1][-1] for fix in told] == one[-1:]


@settings(max_examples=60)
@given(layer_toys.schedules(largest=10, kernels=(1, 3), layers=3))
@example((((1, 6),), (2, 2)))
@example((((1, 7),), (2, 2)))
def test_no_fewer_taps_and_no_fewer_cycles_would_do(schedule: Schedule) -> None:
    stacks, kernels = schedule
    assume(layer_toys.seen(stacks, kernels).coverage < 1)
    told = {re.sub(r"\d+", "", fix.change).split()[0]: fix for fix in geometry.fixes(stacks, kernels)}
    wider = [more for more in range(1, 5) if layer_toys.seen(stacks, [K + more for K in kernels]).coverage == 1.0]
    again = [more for more in range(2, 6) if layer_toys.seen(stacks * more, kernels * more).coverage == 1.0]
    taps = told.get("kernel") or told.get("more")
    assert [K - kernels[0] for K in (taps.kernels[:1] if taps else ())] == wider[:1]
    cycles = told.get("repeat")
    assert [len(fix.stacks) // len(stacks) for fix in ([cycles] if cycles else [])] == again[:1]


@pytest.mark.parametrize(
    ("stacks", "kernels", "changes"),
    [
        (
            ((1, 2, 5),),
            (2, 2, 2),
            [
                "dilation 5 of layer 3 to 4",
                "kernel 2 to 3 in every layer",
                "add a layer of dilation 4 (kernel 2)",
                "repeat the stack once more",
            ],
        ),
        (
            (DECADES,),
            (2,) * 9,
            [
                "kernel 2 to 3 in every layer",
                "add 3 layers of dilations 4, 43, 436 (kernel 2)",
                "repeat the stack once more",
            ],
        ),
        (((2, 4, 8),), (2, 2, 2), ["add a layer of dilation 1 (kernel 2)"]),
        (((8,),), (2,), ["add 3 layers of dilations 1, 2, 4 (kernel 2)"]),
        (((1, 2), (5,)), (2, 2, 2), ["dilation 5 of layer 1 of stack 2 to 4"]),
        (((1, 2), (4, 9), (16, 32)), (2,) * 6, ["dilation 9 of layer 2 of stack 2 to 8"]),
        (geometry.constant(10, 1, 2), (2,) * 10, ["dilation 2 of layer 1 to 1"]),
        (((1, 2), (5, 5)), (2, 2, 2, 2), ["repeat the stacks once more"]),
        (((1, 3, 9),), (2, 1, 2), ["2 more taps in every layer"]),
        (((1, 3),), (2, 3), ["1 more tap in every layer"]),
    ],
)
def test_fixes_come_in_words_the_smallest_change_first(
    stacks: Stacks, kernels: tuple[int, ...], changes: list[str]
) -> None:
    found = [fix.change for fix in geometry.fixes(stacks, kernels)]
    assert [change for change in found if change in changes] == changes
    assert found[0] == changes[0] or not changes[0].startswith("dilation")


def test_as_many_layers_as_a_recipe_may_have_are_fixed_without_more() -> None:
    stacks = ((*(1,) * 998, 1_500, 1_500),)
    found = all_fixes(stacks)
    assert found
    assert all(sum(map(len, fix.stacks)) <= geometry.MAX_LAYERS for fix in found)
