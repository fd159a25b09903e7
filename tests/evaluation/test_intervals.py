"""The bootstrap covers what it should, about as often as it says, and does the same every time."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from wavenet.evaluation import intervals
from wavenet.evaluation.intervals import Share, interval, wilson

TRUE_BITS = 5.0


def population(files: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return nats and targets of files whose bits per sample vary around TRUE_BITS, whatever their lengths."""
    targets = rng.integers(200, 5_000, files)
    bits = TRUE_BITS + rng.gamma(4.0, 0.5, files) - 2.0
    return bits * targets * math.log(2), targets


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    for level, least, most in ((0.95, 0.91, 0.98), (0.5, 0.44, 0.56)):
        inside = 0
        for trial in range(500):
            low, high = interval(*population(80, rng), resamples=200, seed=trial, level=level) or (0.0, 0.0)
            inside += low <= TRUE_BITS <= high
        assert least < inside / 500 < most


def test_it_is_that_of_a_slow_loop() -> None:
    nats, targets = population(13, np.random.default_rng(1))
    rng, ratios = np.random.default_rng(3), []
    for _ in range(500):
        drawn = rng.integers(13, size=13)
        ratios.append(sum(nats[drawn]) / sum(targets[drawn]) / math.log(2))
    found = interval(nats, targets, resamples=500, seed=3, level=0.9)
    assert found == pytest.approx((np.quantile(ratios, 0.05), np.quantile(ratios, 0.95)))


def test_a_seed_gives_the_same_interval_however_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nats, targets = population(50, np.random.default_rng(2))
    first = interval(nats, targets, seed=5)
    monkeypatch.setattr(intervals, "DRAWN_AT_ONCE", 170)
    assert interval(nats, targets, seed=5) == first != interval(nats, targets, seed=6)


@pytest.mark.parametrize("files", [2, 3, 40])
def test_its_ends_stand_around_the_score_and_within_the_files(files: int) -> None:
    nats, targets = population(files, np.random.default_rng(files))
    low, high = interval(nats, targets) or (0.0, 0.0)
    bits, each = nats.sum() / targets.sum() / math.log(2), nats / targets / math.log(2)
    assert each.min() <= low < bits < high <= each.max()
    wider = interval(nats, targets, level=0.999) or (0.0, 0.0)
    assert wider[0] <= low and high <= wider[1]


def test_files_that_are_all_alike_leave_no_doubt() -> None:
    low, high = interval(np.full(9, 700.0), np.full(9, 100)) or (0.0, 0.0)
    assert low == pytest.approx(7.0 / math.log(2)) == high


@pytest.mark.parametrize("targets", [[], [5], [0, 5, 0]])
def test_fewer_than_two_files_with_targets_have_none(targets: list[int]) -> None:
    assert interval(np.array(targets, float), np.array(targets, int)) is None


def test_a_hundred_thousand_files_take_little_memory() -> None:
    nats, targets = population(100_000, np.random.default_rng(0))
    tracemalloc.start()
    low, high = interval(nats, targets, resamples=30) or (0.0, 0.0)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.0 < high - low < 0.05 and most < 100 << 20


# --- shares of clips -------------------------------------------------------------------------------------------------


def test_an_interval_for_a_share_covers_it_about_as_often_as_it_says() -> None:
    from math import comb

    for true, clips in ((0.5, 30), (0.1, 60), (0.95, 300)):
        inside = 0.0
        for right in range(clips + 1):
            low, high = wilson(right, clips)
            assert 0.0 <= low <= right / clips <= high <= 1.0 and low < high
            inside += comb(clips, right) * true**right * (1 - true) ** (clips - right) * (low <= true <= high)
        assert 0.93 < inside < 0.98
    assert wilson(5, 10, 0.5)[0] > wilson(5, 10, 0.95)[0] > wilson(5, 10, 0.99)[0]
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)  # as statsmodels has it


def test_a_share_says_how_many_and_how_sure() -> None:
    made = Share(30, 40)
    assert made.to_json() == {"right": 30, "clips": 40, "share": 0.75, "low": made.low, "high": made.high}
    assert (made.low, made.high) == wilson(30, 40) and made.interval == "59.8 to 85.8 %"
    none = Share(0, 0)
    assert math.isnan(none.share) and (none.low, none.high) == (0.0, 1.0) and none.to_json()["share"] is None
