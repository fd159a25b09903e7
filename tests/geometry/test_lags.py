"""Held: sets of lags are listed in order, and their holes are what they miss, in as few pieces as may be."""

from __future__ import annotations

import itertools

import layer_toys
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.geometry import Layer


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


@given(st.sets(st.integers(0, 300)))
def test_the_bits_of_any_set_are_its_lags_in_order(members: set[int]) -> None:
    assert geometry.lag_list(sum(1 << lag for lag in members)) == sorted(members)


def test_the_bits_of_a_set_are_its_lags_in_order() -> None:
    assert geometry.lag_list(0) == []
    assert geometry.lag_list(1) == [0]
    assert geometry.lag_list(0b1010_0001) == [0, 5, 7]
    assert geometry.lag_list((1 << 1_000_000) | 1) == [0, 1_000_000]


@pytest.mark.parametrize("lags", [0, 1, 0b11, 2**500 - 1])
def test_where_all_is_reached_there_is_no_hole(lags: int) -> None:
    assert geometry.holes(lags) == []


def test_a_million_lags_take_no_time() -> None:
    field = layer_toys.seen(geometry.exponential(20, 1), 2)
    assert field.receptive_field == 2**20
    assert geometry.holes(field.lags) == []


def test_a_million_lags_of_which_every_other_is_lost_are_one_hole() -> None:
    field = layer_toys.seen((tuple(2**i for i in range(1, 20)),), 2)
    assert field.receptive_field == 2**20 - 1
    assert geometry.holes(field.lags) == [(1, 2**20 - 3, 2)]
    assert len(geometry.lag_list(field.lags)) == 2**19
