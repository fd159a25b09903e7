"""The worst and the best stretch are those of a slow search, and are told with their times."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from wavenet.evaluation.surprise import Extremes, Means, Stretch, extremes, moment


@pytest.mark.parametrize(("samples", "rate"), [(5_000, 1_000), (3_000, 1_000), (2_999, 1_000), (41, 7), (400, 123)])
def test_they_are_those_of_a_slow_search(samples: int, rate: int) -> None:
    bits = np.random.default_rng(samples).gamma(2.0, 2.0, samples).astype(np.float32)
    length = rate if samples >= 3 * rate else samples // 10
    starts = range(0, samples - length + 1, max(1, length // 100))
    means = {at: bits[at : at + length].astype(float).mean() for at in starts}
    found = extremes(bits, rate)
    assert found is not None
    for one, at in ((found.worst, max(means, key=means.__getitem__)), (found.best, min(means, key=means.__getitem__))):
        assert (one.start, one.seconds, one.bits) == pytest.approx((at / rate, length / rate, means[at]))


def test_a_hard_and_an_easy_second_are_found() -> None:
    bits = np.full(80_000, 4.0, np.float32)
    bits[24_000:32_000], bits[-8_000:] = 7.0, 1.0
    assert extremes(bits, 8_000) == Extremes(Stretch(3.0, 1.0, 7.0), Stretch(9.0, 1.0, 1.0))


def test_of_an_even_sound_the_first_is_both() -> None:
    assert extremes(np.full(10_000, 2.0, np.float32), 1_000) == Extremes(Stretch(0, 1, 2), Stretch(0, 1, 2))


@pytest.mark.parametrize("samples", [1, 2, 9, 10, 11])
def test_a_sound_of_a_few_samples_has_them(samples: int) -> None:
    bits = np.arange(samples, dtype=np.float32)
    found = extremes(bits, 8_000)
    assert found is not None and (found.worst.bits, found.best.bits) == (samples - 1, 0.0)


def test_nothing_has_none() -> None:
    assert extremes(np.zeros(0, np.float32), 8_000) is None


def test_they_are_told_with_their_times() -> None:
    long = Extremes(Stretch(3_723.25, 1.0, 7.123), Stretch(9.0, 1.0, 1.0))
    assert str(long) == "worst second: from 1 h 02 min 03.25 s, 7.12 bits/sample; best: from 9.00 s, 1.00"
    short = Extremes(Stretch(0.25, 0.085, 6.0), Stretch(0.5, 0.085, 1.0))
    assert str(short).startswith("worst tenth (85 ms): from 0.25 s, 6.00 bits/sample")


def test_times_are_read_as_they_are_said() -> None:
    said = [moment(seconds) for seconds in (0.0, 59.994, 59.996, 754.1, 3_600.0)]
    assert said == ["0.00 s", "59.99 s", "1 min 00.00 s", "12 min 34.10 s", "1 h 00 min 00.00 s"]


@pytest.mark.parametrize(("samples", "rate"), [(50_000, 8_000), (100_000, 16_000), (90_000, 22_050), (9_000, 8_000)])
def test_pieces_of_a_long_sound_are_kept_as_means_and_have_the_same_extremes(samples: int, rate: int) -> None:
    rng = np.random.default_rng(samples)
    bits = rng.gamma(2.0, 2.0, samples).astype(np.float32)
    bits[samples // 3 : samples // 3 + rate] += 3.0
    means, whole = Means(rate, samples), Means(rate, samples, whole=True)
    for part in np.array_split(bits, [*np.sort(rng.integers(0, samples, 9)), samples]):
        means.add(part)
        whole.add(part)
    assert np.array_equal(whole.values(), bits) and whole.extremes() == extremes(bits, rate)
    found, expected = means.extremes(), extremes(bits, rate)
    assert found is not None and expected is not None and found.called == expected.called
    assert len(means.values()) < 1.01 * (samples if samples < 3 * rate else samples * 100 / rate)
    for one, other in ((found.worst, expected.worst), (found.best, expected.best)):
        assert (one.start, one.seconds) == pytest.approx((other.start, other.seconds), abs=0.011)
        assert one.bits == pytest.approx(other.bits, abs=0.01)


def test_an_hour_takes_little_more_memory_than_itself() -> None:
    bits = np.ones(3_600 * 8_000, np.float32)
    tracemalloc.start()
    extremes(bits, 8_000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < bits.nbytes / 4
