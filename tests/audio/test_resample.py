"""Sound is resampled cleanly from any rate to any other, and blocks join without seams."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.audio import files, resample, torchaudio_loader

RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000]


def tone(rate: int, frequency: float, samples: int, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * frequency / rate * np.arange(samples))).astype(np.float32)


def resampled(wave: np.ndarray, old: int, new: int, at: tuple[int, ...] = ()) -> np.ndarray:
    """Return `wave` at another rate, handed over in blocks that end at the samples `at`."""
    return np.concatenate(list(resample.resampled(iter(np.split(wave, at)), old, new)))


def decibels(wave: np.ndarray) -> float:
    return 20 * np.log10(max(float(np.abs(wave).max()), 1e-12))


@pytest.mark.parametrize("rate", RATES)
def test_files_of_all_usual_rates_keep_tone_level_phase_and_length(tmp_path: Path, rate: int) -> None:
    samples = rate // 4 + 1
    soundfile.write(tmp_path / "a.wav", tone(rate, 1_000, samples), rate, subtype="FLOAT")
    heard = files.read(tmp_path / "a.wav", 16_000)
    assert len(heard) == -(-samples * 16_000 // rate)
    margin = 400  # the filter's own beginning and end
    np.testing.assert_allclose(heard[margin:-margin], tone(16_000, 1_000, len(heard))[margin:-margin], atol=5e-6)


usual = st.sampled_from([(8, 16), (16, 8), (441, 160), (160, 441), (48, 8), (8, 48), (147, 160), (24, 1), (1, 3)])


@given(usual, st.integers(1, 4_000), st.data())
@settings(deadline=None, max_examples=40)
def test_the_length_is_rounded_up_however_the_blocks_fall(ratio: tuple[int, int], samples: int, data) -> None:
    old, new = 1_000 * ratio[0], 1_000 * ratio[1]
    at = sorted(data.draw(st.lists(st.integers(0, samples), max_size=3)))
    assert len(resampled(np.ones(samples, np.float32), old, new, tuple(at))) == -(-samples * new // old)


@pytest.mark.parametrize(("old", "new"), [(44_100, 16_000), (48_000, 44_100), (192_000, 8_000), (8_000, 22_050)])
def test_blocks_join_to_what_one_piece_gives(monkeypatch: pytest.MonkeyPatch, old: int, new: int) -> None:
    import torch

    wave = np.random.default_rng(0).uniform(-1, 1, 40_003).astype(np.float32)
    one_piece = resampled(wave, old, new)
    functional = torchaudio_loader.load()[0].functional
    exact = functional.resample(torch.from_numpy(wave).double(), old, new, **resample.RESAMPLING).numpy()
    np.testing.assert_allclose(one_piece, exact, rtol=0, atol=3e-5)
    monkeypatch.setattr(resample, "BLOCK_FRAMES", 4_096)
    blocks = resampled(wave, old, new, tuple(range(999, 40_000, 999)))
    np.testing.assert_allclose(blocks, one_piece, rtol=0, atol=2e-6)


@pytest.mark.parametrize(("old", "new"), [(44_100, 16_000), (48_000, 8_000), (16_000, 11_025), (192_000, 22_050)])
def test_what_lies_above_the_new_nyquist_is_gone(old: int, new: int) -> None:
    for frequency in np.linspace(1.02 * new / 2, 0.98 * old / 2, 5):
        heard = resampled(tone(old, float(frequency), 4 * old // 10, level=1.0), old, new)
        assert decibels(heard[800:-800]) < -100


@pytest.mark.parametrize(("old", "new"), [(8_000, 48_000), (16_000, 44_100), (44_100, 16_000), (48_000, 44_100)])
def test_a_tone_below_both_nyquists_gains_no_images_and_no_noise(old: int, new: int) -> None:
    frequency = 0.4 * min(old, new)
    heard = resampled(tone(old, frequency, old // 2, level=1.0), old, new)
    expected = tone(new, frequency, len(heard), level=1.0)
    assert decibels((heard - expected)[1_000:-1_000]) < -100


def test_equal_rates_pass_through_untouched() -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 100).astype(np.float32)
    np.testing.assert_array_equal(resampled(wave, 16_000, 16_000, (17,)), wave)


class Planned(Exception):  # noqa: N818  (it carries the ratio out, nothing went wrong)
    """The resampler would be built for these rates."""


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch):
    """Return a function of two rates that gives the ratio that would be used, without resampling."""

    def refuse(down: int, up: int, **_: object) -> None:
        raise Planned(down, up)

    monkeypatch.setattr(torchaudio_loader.load()[0].transforms, "Resample", refuse)

    def ratio(old: int, new: int) -> Fraction:
        with pytest.raises(Planned) as caught:
            resampled(np.ones(1, np.float32), old, new)
        down, up = caught.value.args
        assert max(down, up) < 110_000 and down * up < 17_000_000  # the filter has about up * (down + 140) taps
        return Fraction(up, down)

    return ratio


def test_odd_rates_take_small_filters_and_a_ratio_as_close_as_documented(planned) -> None:
    for old in [*range(7_990, 8_011, 3), *range(43_950, 44_300, 7), 47_952, 48_001, 96_001, 191_999]:
        for new in RATES[:9]:
            if old != new:
                assert abs(planned(old, new) * old / new - 1) < 1 / 4_000, (old, new)


def test_odd_rates_keep_their_pitch_as_closely_as_documented(planned) -> None:
    documented = 1 / 4_000
    worst = max(
        (abs(planned(old, new) * old / new - 1), old, new)
        for old in [7_999, 11_024, 22_051, *range(44_078, 44_123)]
        for new in (16_000, 22_050, 44_100)
        if old != new
    )
    assert worst[0] < documented, f"{worst[1]} to {worst[2]} Hz: {float(worst[0]):.1e}"


@pytest.mark.parametrize("old", [44_101, 47_952, 22_051])
def test_a_tone_at_an_odd_rate_keeps_level_and_nearly_its_pitch(old: int) -> None:
    heard = resampled(tone(old, 1_000, old), old, 16_000)
    assert len(heard) == pytest.approx(16_000, abs=10)
    spectrum = np.abs(np.fft.rfft(heard[1_000:15_000] * np.hanning(14_000)))
    assert np.fft.rfftfreq(14_000, 1 / 16_000)[spectrum.argmax()] == pytest.approx(1_000, abs=2)
    assert np.sqrt(np.mean(heard[1_000:15_000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)
