"""Held: the named patterns are the schedules of the papers."""

from __future__ import annotations

from itertools import chain

import layer_toys
from hypothesis import given
from hypothesis import strategies as st

from wavenet import geometry


def test_patterns_are_the_schedules_of_the_papers() -> None:
    assert geometry.exponential(10, 3) == ((1, 2, 4, 8, 16, 32, 64, 128, 256, 512),) * 3
    assert geometry.hdc(9, 2) == (layer_toys.DECADES,) * 2
    assert geometry.hdc(2, 1) == ((1, 2),)
    assert geometry.constant(3, 2, 7) == ((7, 7, 7), (7, 7, 7))


def test_one_cycle_is_the_default() -> None:
    assert geometry.exponential(4) == ((1, 2, 4, 8),)
    assert geometry.hdc(4) == ((1, 2, 5, 10),)


@given(st.integers(1, 26), st.integers(1, 4))
def test_each_dilation_of_a_pattern_follows_from_the_one_before(layers: int, cycles: int) -> None:
    doubled, rates = geometry.exponential(layers, cycles), geometry.hdc(layers, cycles)
    for stacks in (doubled, rates, geometry.constant(layers, cycles, 3)):
        assert len(stacks) == cycles
        assert set(map(len, stacks)) == {layers}
        assert len(set(stacks)) == 1
    assert list(chain(doubled[0], [2**layers])) == [1, *(2 * d for d in doubled[0])]
    assert all(later == 10 * earlier for earlier, later in zip(rates[0], rates[0][3:], strict=False))
    assert rates[0][:3] == (1, 2, 5)[:layers]
