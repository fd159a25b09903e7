"""The weight is the one that makes what happened likeliest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.evaluation.mixture import MOST, best_weight


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_no_other_weight_does_better(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    own, other = rng.random(count) * (rng.random(count) > 0.3), rng.uniform(0.01, 1.0, count)
    times = rng.integers(1, 9, count)

    def nats(weight: float) -> float:
        return float(-(times * np.log(weight * own + (1 - weight) * other)).sum())

    found = best_weight(own, other, times)
    assert 0.0 <= found <= MOST
    assert nats(found) <= min(map(nats, np.linspace(0.0, MOST, 201).tolist())) + 1e-6


def test_what_happened_often_counts_often() -> None:
    rng = np.random.default_rng(3)
    own, other, times = rng.random(20), rng.random(20) + 0.01, rng.integers(0, 5, 20)
    repeated = best_weight(np.repeat(own, times), np.repeat(other, times))
    assert best_weight(own, other, times) == pytest.approx(repeated, abs=1e-6)


def test_the_only_use_of_either_is_seen() -> None:
    good, bad = np.full(4, 0.9), np.full(4, 0.1)
    assert best_weight(good, bad) == MOST and best_weight(bad, good) == 0.0
    assert best_weight(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == pytest.approx(0.0, abs=1e-6)
    assert best_weight(np.array([1.0, 1.0, 1.0, 0.0]), np.full(4, 0.5)) == pytest.approx(0.5, abs=1e-6)
