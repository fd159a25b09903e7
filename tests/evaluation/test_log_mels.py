"""Recognisers hear each tone where it is, at any rate and level, and refuse what is no sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wavenet.errors import InputError
from wavenet.evaluation import log_mels


@pytest.mark.parametrize("rate", [2_000, 8_000, 16_000, 44_100])
def test_a_tone_is_heard_in_the_band_around_it_and_each_band_hears_something(rate: int) -> None:
    size = 2 << (round(log_mels.WINDOW_SECONDS * rate) - 1).bit_length()
    bank = log_mels.mel_bands(rate, size)
    assert bank.shape == (log_mels.BANDS, size // 2 + 1)
    np.testing.assert_allclose(bank.sum(axis=1), 1.0, rtol=1e-5)
    centre = bank @ (np.arange(size // 2 + 1) * rate / size)
    assert (np.diff(centre) >= 0).all()
    for hertz in (0.1 * rate, 0.3 * rate):
        tone = np.sin(2 * np.pi * hertz * np.arange(rate // 2) / rate).astype(np.float32)
        heard, _ = log_mels.log_mel(torch.from_numpy(tone)[None], [len(tone)], rate)
        loudest = int(heard[0].mean(dim=1).argmax())
        assert abs(centre[loudest] - hertz) <= max(rate / size, 0.1 * hertz)


def test_frames_are_those_of_each_clip_and_silence_behind_it_changes_none() -> None:
    rng = np.random.default_rng(0)
    waves = [rng.standard_normal(length).astype(np.float32) for length in (4_000, 1_650)]
    heard, there = log_mels.log_mel(log_mels.filled(waves), [4_000, 1_650], 8_000)
    assert heard.shape == (2, log_mels.BANDS, 51) and there.sum(dim=1).tolist() == [51, 21]
    alone, _ = log_mels.log_mel(log_mels.filled(waves[1:]), [1_650], 8_000)
    np.testing.assert_allclose(heard[1, :, :21], alone[0], atol=1e-5)
    assert float(heard.abs().max()) < 4


def test_levels_are_one_and_silence_stays() -> None:
    wave = np.sin(np.arange(800)).astype(np.float32)
    assert np.sqrt(np.mean(log_mels.levelled(0.001 * wave) ** 2)) == pytest.approx(1.0, rel=1e-5)
    assert not log_mels.levelled(np.zeros(9, np.float32)).any()


@pytest.mark.parametrize(("bad", "words"), [([], "clip 1 has no samples"), ([0.0, np.inf], "clip 1 has .* not finite")])
def test_clips_that_are_no_sound_are_refused(bad: list[float], words: str) -> None:
    with pytest.raises(InputError, match=words):
        log_mels.check([np.zeros(3, np.float32), np.array(bad, np.float32)])
