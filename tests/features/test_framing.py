"""Held: a frame sees the samples around its middle, to the sample, and zeros beyond the ends of its sound."""

from __future__ import annotations

import numpy as np
import pytest

from wavenet.features.framing import Wave, of_array, stretches, windows
from wavenet.geometry import frame_count

HOPS = (1, 2, 3, 7, 8, 20, 33)
WIDTHS = (1, 2, 5, 8, 16, 31)


def plain(samples: np.ndarray, hop: int, width: int, frame: int) -> list[float]:
    """Return what a frame sees, sample by sample."""
    middle = frame * hop + hop // 2
    seen = []
    for at in range(middle - width // 2, middle - width // 2 + width):
        seen.append(float(samples[at]) if 0 <= at < len(samples) else 0.0)
    return seen


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("width", WIDTHS)
def test_frames_see_what_the_definition_says(hop: int, width: int) -> None:
    for length in (1, hop, 3 * hop + 1, 101):
        samples = np.random.default_rng(length).standard_normal(length).astype(np.float32)
        count = frame_count(length, hop)
        expected = np.array([plain(samples, hop, width, frame) for frame in range(count)], np.float32)
        assert np.array_equal(windows(of_array(samples), hop, width, 0, count), expected)
        assert np.array_equal(windows(of_array(samples), hop, width, count // 2, count), expected[count // 2 :])


@pytest.mark.parametrize("hop", HOPS)
@pytest.mark.parametrize("width", WIDTHS)
def test_an_impulse_is_seen_by_the_frames_whose_windows_hold_it_and_by_no_other(hop: int, width: int) -> None:
    length = 5 * hop + 2
    count = frame_count(length, hop)
    for at in range(length):
        samples = np.zeros(length, np.float32)
        samples[at] = 1.0
        seen = windows(of_array(samples), hop, width, 0, count)
        for frame in range(count):
            column = at - (frame * hop + hop // 2 - width // 2)
            assert seen[frame].sum() == (0 <= column < width)
            assert not 0 <= column < width or seen[frame, column] == 1.0


def test_a_window_as_wide_as_the_hop_holds_what_the_frame_covers() -> None:
    for hop in HOPS:
        samples = np.arange(1, 4 * hop + 1, dtype=np.float32)
        assert np.array_equal(windows(of_array(samples), hop, hop, 0, 4), samples.reshape(4, hop))


def test_a_sound_is_asked_for_its_own_samples_only() -> None:
    asked = []

    def read(first: int, last: int) -> np.ndarray:
        asked.append((first, last))
        return np.ones(last - first, np.float32)

    wave = Wave(read, 50)
    windows(wave, 10, 64, 0, 5)
    assert wave.padded(-20, -5).sum() == wave.padded(50, 60).sum() == 0.0
    assert wave.padded(45, 60).sum() == 5.0
    assert asked == [(0, 50), (45, 50)]


@pytest.mark.parametrize(("samples", "hop", "most"), [(1, 5, 3), (100, 7, 4), (100, 7, 15), (99, 1, 33), (60, 20, 1)])
def test_stretches_are_all_frames_once_and_no_longer_than_asked(samples: int, hop: int, most: int) -> None:
    found = list(stretches(of_array(np.zeros(samples, np.float32)), hop, most))
    assert [frame for first, last in found for frame in range(first, last)] == list(range(frame_count(samples, hop)))
    assert all(0 < last - first <= most for first, last in found)
