"""Channels become one, and what is odd about their values is known afterwards, however they came in blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavenet.audio.mixing import Mixer, full_scale

RATE = 8_000
RNG = np.random.default_rng(0)
TONE = 0.5 * np.sin(2 * np.pi * 0.05 * np.arange(RATE // 2))
NOISE = RNG.normal(0, 0.1, RATE // 2)


def mixed(
    *channels: np.ndarray, floats: bool = True, channel: int | None = None, block: int = 999
) -> tuple[Mixer, np.ndarray]:
    """Return a mixer that has seen some channels, and what it made of them."""
    sound = np.stack(channels, axis=1).astype(np.float32)
    mixer = Mixer(RATE, len(channels), floats, channel)
    parts = [mixer.mix(sound[at : at + block]) for at in range(0, len(sound), block)]
    return mixer, np.concatenate(parts) if parts else np.zeros(0, np.float32)


@given(st.floats(1.0, 2.0**31))
@example(2.0)
@example(32_768.0)
def test_full_scale_is_the_smallest_power_of_two_that_holds_a_peak(peak: float) -> None:
    assert peak <= full_scale(peak) < 2 * peak and math.log2(full_scale(peak)).is_integer()
    assert full_scale(1 / peak) == 1.0


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_channels_become_their_mean(channels: int) -> None:
    sound = RNG.uniform(-0.9, 0.9, (channels, 700)).astype(np.float32)
    mixer, mono = mixed(*sound)
    np.testing.assert_array_equal(mono, sound.T.mean(axis=1, dtype=np.float64).astype(np.float32))
    assert mono.dtype == np.float32 and mixer.frames == 700 and mixer.peak == np.abs(mono).max()
    assert mixer.rms == pytest.approx(np.sqrt(np.mean(mono.astype(float) ** 2)), rel=1e-5)
    assert mixer.notes() == [] and mixer.why_silent() is None and mixer.louder() is None


def test_one_channel_can_be_taken_alone() -> None:
    mixer, mono = mixed(TONE, NOISE, channel=1)
    np.testing.assert_array_equal(mono, NOISE.astype(np.float32))
    assert mixer.louder() is None
    assert mixer.notes() == ["its 2 channels cancel when mixed: channel 2 is used alone"]


# --- cancellation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 0.3])
@pytest.mark.parametrize(
    ("channels", "louder"),
    [
        ([TONE, -TONE], 0),
        ([0.9 * TONE, -TONE], 1),
        ([0.7 * TONE, -TONE], 1),
        ([TONE, -0.8 * TONE + 0.01 * NOISE], 0),
        ([TONE, -TONE, TONE, -1.1 * TONE], 3),
        ([TONE, -0.3 * TONE], None),  # the mix is quieter, not gone
        ([TONE, NOISE], None),
        ([NOISE, np.roll(NOISE, 7)], None),
        ([TONE, 0 * TONE], None),
        ([0 * TONE] * 7 + [TONE], None),
        ([0 * TONE, 0 * TONE], None),
        ([TONE], None),
    ],
)
def test_the_louder_of_channels_that_cancel_is_named(
    channels: list[np.ndarray], louder: int | None, offset: float
) -> None:
    assert mixed(*(channel + offset for channel in channels))[0].louder() == louder


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-4])
def test_equal_channels_do_not_cancel_however_faint_beside_their_offset(level: float) -> None:
    sound = level * np.random.default_rng(1).normal(0, 1, 200_000)
    for offset in (0.3, 0.7, 0.9):
        assert mixed(sound + offset, sound + offset, block=200_000)[0].louder() is None


def test_what_was_not_read_cancels_nothing() -> None:
    mixer = Mixer(RATE, 2, True)
    assert mixer.louder() is None and mixer.why_silent() is None and mixer.notes() == [] and mixer.rms == 0.0


# --- unusable values -------------------------------------------------------------------------------------------------


def test_unusable_values_count_as_nothing_and_are_counted() -> None:
    left, right = TONE.copy(), 0.4 * NOISE
    broken = left.copy(), right.copy()
    broken[0][3], broken[1][1_500], broken[1][2_500], broken[0][7] = np.nan, np.inf, -np.inf, 3e38
    left[3] = left[7] = right[1_500] = right[2_500] = 0.0
    mixer, mono = mixed(*broken)
    np.testing.assert_array_equal(mono, mixed(left, right)[1])
    assert mixer.notes() == ["4 of its 8,000 values are NaN, infinite or far too large: replaced by 0"]
    assert mixer.why_silent() is None and not mixer.none_usable


def test_nothing_but_nan_is_not_usable() -> None:
    mixer, mono = mixed(np.full(900, np.nan), np.full(900, np.inf))
    assert mixer.why_silent() == "no usable values" and mixer.none_usable and not mono.any()
    assert mixer.notes()[0].startswith("1,800 of its 1,800 values")
    assert not mixed(np.append(np.full(900, np.nan), 0.0))[0].none_usable


# --- whole numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sound", "bits"),
    [
        (np.rint(TONE * 2**15), 16),
        (np.rint(TONE * 2**23), 24),
        (np.rint(TONE * 2**31), 32),
        (TONE * 2**15, 16),  # not whole, but on their scale
        (np.r_[np.zeros(20 * len(TONE)), TONE * 2**15], 16),  # of a word between silences
        (np.rint(TONE * 4), 16),
        (np.array([-1.0, 0.0, 1.0] * 99), 0),
        (TONE, 0),
        (TONE * 5, 0),  # hot
        (np.append(TONE, 2_000.5), 0),  # a damaged value
    ],
)
def test_floats_on_the_scale_of_whole_numbers_are_told_with_their_remedy(sound: np.ndarray, bits: int) -> None:
    mixer = mixed(sound)[0]
    assert mixer.bits == bits
    told = [note for note in mixer.notes() if f"{bits}-bit whole numbers" in note]
    assert len(told) == bool(bits) and all(f"divide them by {2 ** (bits - 1):,}, or set" in note for note in told)
    assert mixed(sound, floats=False)[0].bits == 0


def test_whole_numbers_are_known_before_channels_are_mixed() -> None:
    assert mixed(np.array([1.0, 2.0] * 90), np.array([2.0, 5.0] * 90))[0].bits == 16


# --- offsets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.03, -0.3])
def test_an_offset_is_told(offset: float) -> None:
    mixer = mixed(0.5 * TONE + offset)[0]
    assert mixer.offset == pytest.approx(offset, rel=1e-3) and mixer.why_silent() is None
    assert mixer.notes() == [f"a DC offset of {offset:.1%} of full scale: a high-pass filter removes it"]


@pytest.mark.parametrize(
    "sound",
    [
        0.5 * TONE + 0.009,
        np.full(RATE // 4, 0.5),  # too short to tell from a low tone
        np.r_[np.full(500, 0.9), 0.1 * TONE],  # not throughout
        RNG.permutation(np.r_[np.full(1_300, 0.4), np.full(1_260, -0.4)]),  # by chance
    ],
    ids=["small", "short", "in one place", "chance"],
)
def test_what_is_no_offset_is_not_told(sound: np.ndarray) -> None:
    assert mixed(sound)[0].notes() == []


def test_an_offset_is_a_share_of_the_full_scale_that_the_values_need() -> None:
    small, large = (mixed(np.rint((0.4 * TONE + offset) * 2**15))[0] for offset in (0.009, 0.1))
    assert not any("offset" in note for note in small.notes())
    assert large.offset == pytest.approx(0.1 * 2**15 / full_scale(large.peak), rel=1e-2)


@pytest.mark.parametrize("offset", [0.5, -0.02])
def test_silence_at_an_offset_is_silence(offset: float) -> None:
    mixer = mixed(0.0002 * NOISE + offset)[0]
    assert mixer.why_silent() == "silence at a DC offset" and f"{offset:.1%}" in mixer.notes()[0]
    assert mixed(0.05 * NOISE + offset)[0].why_silent() is None


@given(st.integers(1, 2_500), st.integers(0, 2**32))
@settings(deadline=None, max_examples=25)
def test_blocks_of_any_length_find_the_same(block: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    left = rng.normal(0.05, 0.1, 2_500)
    right = -left + rng.normal(0.2, 0.01, 2_500)
    right[rng.integers(0, 2_500, 3)] = np.nan
    once, again = (mixed(left, right, block=size)[0] for size in (2_500, block))
    assert (once.notes(), once.louder(), once.peak) == (again.notes(), again.louder(), again.peak)
