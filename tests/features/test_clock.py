"""Held: the clock says what share of a sound has passed, and the seconds passed and left, at the middle of a frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.features.clock import clock
from wavenet.recipe.records import CLOCK_SECONDS


@given(
    samples=st.integers(1, 5_000),
    hop=st.integers(1, 300),
    knots=st.integers(2, 40),
    rate=st.sampled_from([1_000, 7_919]),
)
def test_the_share_and_the_seconds_can_be_read_off_again(samples: int, hop: int, knots: int, rate: int) -> None:
    count = samples // hop + 3
    told = clock(samples, rate, hop, 0, count, knots)
    assert told.shape == (count, knots + 6) and told.dtype == np.float32
    middle = np.arange(count) * hop + hop / 2
    assert np.allclose(told[:, :knots].sum(axis=1), 1.0, atol=1e-6)
    assert ((told[:, :knots] > 1e-6).sum(axis=1) <= 2).all()
    assert np.allclose(told[:, :knots] @ np.linspace(0, 1, knots), np.minimum(middle / samples, 1.0), atol=1e-6)
    for column, tau in enumerate(CLOCK_SECONDS):
        assert np.allclose(told[:, knots + column], np.exp(-middle / rate / tau), atol=1e-6)
        left = np.maximum(0, samples - middle) / rate
        assert np.allclose(told[:, knots + 3 + column], np.exp(-left / tau), atol=1e-6)


def test_at_the_end_the_last_point_holds_all_and_nothing_is_left() -> None:
    told = clock(100, 1_000, 10, 10, 30, 4)
    assert np.array_equal(told[:, :4], np.tile([0, 0, 0, 1], (20, 1)))
    assert np.array_equal(told[:, 7:], np.ones((20, 3)))
    assert (np.diff(told[:, 4:7], axis=0) < 0).all()


@pytest.mark.parametrize(("first", "last"), [(0, 1), (3, 17), (40, 41)])
def test_a_stretch_is_the_same_as_within_the_whole(first: int, last: int) -> None:
    whole = clock(777, 8_000, 20, 0, 60, 16)
    assert np.array_equal(clock(777, 8_000, 20, first, last, 16), whole[first:last])
