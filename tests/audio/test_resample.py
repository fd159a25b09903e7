"""Sound is resampled cleanly from any rate to any other, and blocks give what the whole gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavenet.audio import files, resample

RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]
ODD = [100, 7_999, 22_051, 44_101, 47_952, 96_001, 9_999_991]


def tone(rate: int, frequency: float, samples: int, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * frequency / rate * np.arange(samples))).astype(np.float32)


def resampled(wave: np.ndarray, old: int, new: int, at: tuple[int, ...] = ()) -> np.ndarray:
    """Return `wave` at another rate, handed over in blocks that end at the samples `at`."""
    return np.concatenate(list(resample.resampled(iter(np.split(wave, at)), old, new)))


def decibels(wave: np.ndarray) -> float:
    return 20 * np.log10(max(float(np.abs(wave).max()), 1e-12))


@pytest.mark.parametrize("rate", [*RATES, 22_051, 44_101, 47_952])
def test_files_of_any_rate_keep_tone_level_phase_and_length(tmp_path: Path, rate: int) -> None:
    samples = rate // 4 + 1
    soundfile.write(tmp_path / "a.wav", tone(rate, 1_000, samples), rate, subtype="FLOAT")
    heard = files.read(tmp_path / "a.wav", 16_000)
    assert 2 * abs(len(heard) * rate - samples * 16_000) <= rate
    margin = 400  # the filter's own beginning and end
    np.testing.assert_allclose(heard[margin:-margin], tone(16_000, 1_000, len(heard))[margin:-margin], atol=2e-6)


@given(st.sampled_from(RATES + ODD), st.sampled_from([*RATES, 1_000, 7_919, 768_000]), st.integers(1, 4_000), st.data())
@example(old=44_101, new=16_000, samples=4_000, data=None)
@settings(deadline=None, max_examples=60)
def test_blocks_give_to_the_last_bit_what_the_whole_gives_at_its_exact_length(
    old: int, new: int, samples: int, data: st.DataObject | None
) -> None:
    ends = st.lists(st.integers(0, samples), max_size=4).map(sorted)
    at = [1, 999, 1_000, 3_999] if data is None else data.draw(ends)
    samples = min(samples, max(1, 1_000_000 * old // new))
    wave = np.random.default_rng(samples).uniform(-1, 1, samples).astype(np.float32)
    whole = resampled(wave, old, new)
    assert 2 * abs(len(whole) * old - samples * new) <= old
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resample, "BLOCK_FRAMES", 1_000)
        np.testing.assert_array_equal(resampled(wave, old, new, tuple(at)), whole)


@pytest.mark.parametrize(("old", "new"), [(44_100, 16_000), (48_000, 8_000), (16_000, 11_025), (44_101, 22_050)])
def test_what_lies_above_the_new_nyquist_is_gone(old: int, new: int) -> None:
    for frequency in np.linspace(1.02 * new / 2, 0.98 * old / 2, 5):
        heard = resampled(tone(old, float(frequency), 4 * old // 10, level=1.0), old, new)
        assert decibels(heard[800:-800]) < -140


@pytest.mark.parametrize(("old", "new"), [(8_000, 48_000), (16_000, 44_100), (44_100, 16_000), (44_101, 48_000)])
def test_a_tone_below_both_nyquists_gains_no_images_and_no_noise_and_keeps_its_level(old: int, new: int) -> None:
    frequency = 0.4 * min(old, new)
    heard = resampled(tone(old, frequency, old // 2, level=1.0), old, new)[1_000:-1_000].astype(float)
    turns = 2 * np.pi * frequency / new * np.arange(1_000, 1_000 + len(heard))
    parts = np.stack([np.sin(turns), np.cos(turns)], axis=1)
    (sine, cosine), *_ = np.linalg.lstsq(parts, heard, rcond=None)
    assert sine == pytest.approx(1.0, abs=5e-4) and abs(cosine) < 1e-5
    assert decibels(heard - parts @ [sine, cosine]) < -110


def test_equal_rates_pass_through_untouched() -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 100).astype(np.float32)
    np.testing.assert_array_equal(resampled(wave, 16_000, 16_000, (17,)), wave)


def test_a_block_that_grows_is_given_in_parts() -> None:
    blocks = list(resample.resampled(iter([np.ones(2_000, np.float32)]), 100, 100_000))
    assert len(blocks) > 5 and max(len(block) for block in blocks) < 4 * resample.BLOCK_FRAMES
