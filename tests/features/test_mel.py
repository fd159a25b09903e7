"""Held: mel frames are torchaudio's on our windows, scaled by the recipe alone, whatever is computed together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import toys
from feature_toys import logarithms

from wavenet.audio import torchaudio_loader
from wavenet.errors import InputError
from wavenet.features.framing import Wave, of_array
from wavenet.features.mel import Mel, check_bands, floored, scaled, unit_decibels
from wavenet.geometry import frame_count
from wavenet.recipe.records import MelConfig

RATE = 8_000


def given(mel: np.ndarray) -> np.ndarray:
    """Return a mel of another program as the track has it."""
    check_bands(mel.shape, TACOTRON, "a.npy")
    return floored(mel, TACOTRON.floor)


def config(**changes: Any) -> MelConfig:
    plain: dict[str, Any] = {"bands": 20, "fft_samples": 256, "window_samples": 256, "low_hz": 0.0, "high_hz": 4_000.0}
    return MelConfig(**{**plain, "power": 1, "scale": "htk", "norm": "none", "floor": 1e-5, **changes})


def frames(mel: Mel, samples: np.ndarray) -> np.ndarray:
    return np.concatenate(list(mel.frames(0, of_array(samples))))


def torchaudios(wave: np.ndarray, one: MelConfig, hop: int) -> np.ndarray:
    """Return torchaudio's own mel spectrogram [F, bands], its frame k around sample k * hop."""
    transform = torchaudio_loader.load()[0].transforms.MelSpectrogram(
        sample_rate=RATE,
        n_fft=one.fft_samples,
        win_length=one.window_samples,
        hop_length=hop,
        f_min=one.low_hz,
        f_max=one.high_hz,
        n_mels=one.bands,
        power=float(one.power),
        norm=None if one.norm == "none" else one.norm,
        mel_scale=one.scale,
        center=True,
    )
    return np.asarray(transform(torch.from_numpy(wave)).numpy().T)


@pytest.mark.parametrize("hop", [40, 81])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"power": 2},
        {"scale": "slaney", "norm": "slaney"},
        {"window_samples": 160, "low_hz": 100.0, "high_hz": 3_000.0},
        {"fft_samples": 255, "window_samples": 200},
        {"fft_samples": 256, "window_samples": 201, "power": 2, "norm": "slaney"},
    ],
)
def test_frames_equal_torchaudios_where_both_see_the_same_samples(hop: int, changes: dict[str, Any]) -> None:
    one, wave = config(**changes), toys.wave(0.4, seed=1, rate=RATE)
    ours = frames(Mel(one, RATE, hop), wave)
    theirs = torchaudios(wave[hop // 2 :], one, hop)  # so that its frame k is around our frame k's middle
    inside = [k for k in range(len(ours)) if one.fft_samples <= k * hop <= len(wave) - one.fft_samples - hop]
    assert len(inside) > 20
    expected = np.log(np.maximum(theirs, one.floor))
    assert np.allclose(logarithms(ours, one.floor)[inside], expected[inside], atol=2e-3)
    assert np.ptp(expected[inside]) > 3


def test_the_floor_is_minus_one_and_an_answer_of_one_is_one() -> None:
    for floor in (1e-5, 1e-2):
        assert np.allclose(scaled(np.log(np.array([floor, floor**0.5, 1.0], np.float32)), floor), [-1, 0, 1], atol=1e-6)
        given = np.random.default_rng(0).uniform(np.log(floor), 1.0, 100).astype(np.float32)
        assert np.allclose(logarithms(scaled(given, floor), floor), given, atol=1e-5)
    assert (frames(Mel(config(), RATE, 50), np.zeros(200, np.float32)) == -1).all()


def test_twice_as_loud_is_the_logarithm_of_two_more() -> None:
    wave, mel = toys.wave(0.2, seed=2, rate=RATE), Mel(config(floor=1e-9), RATE, 64)
    more = logarithms(frames(mel, 2 * wave), 1e-9) - logarithms(frames(mel, wave), 1e-9)
    assert np.allclose(more, np.log(2), atol=1e-4)


@pytest.mark.parametrize("power", [1, 2])
def test_ten_times_as_loud_is_20_decibels_more(power: int) -> None:
    one, wave = config(floor=1e-9, power=power), toys.wave(0.2, seed=2, rate=RATE)
    more = frames(Mel(one, RATE, 64), 10 * wave) - frames(Mel(one, RATE, 64), wave)
    assert np.allclose(more * unit_decibels(one), 20, atol=1e-2)


@pytest.mark.parametrize("hop", [1, 3, 10, 64])
def test_a_click_is_heard_by_the_frames_whose_windows_hold_it(hop: int) -> None:
    one = config(bands=4, fft_samples=32, window_samples=32, high_hz=4_000.0)
    for length, at in ((300, 0), (301, 150), (299, 298)):
        wave = np.zeros(length, np.float32)
        wave[at] = 1.0
        heard = (frames(Mel(one, RATE, hop), wave) > -1).any(axis=1)
        first = np.arange(frame_count(length, hop)) * hop + hop // 2 - 16  # the first sample of a Hann window is 0
        assert np.array_equal(heard, (first < at) & (at < first + 32))


def test_a_long_sound_is_read_in_pieces_and_sounds_the_same_as_its_beginning() -> None:
    asked: list[int] = []
    wave = np.random.default_rng(0).standard_normal(60_000).astype(np.float32)

    def read(first: int, last: int) -> np.ndarray:
        asked.append(last - first)
        return wave[first:last]

    mel = Mel(config(fft_samples=4_096, window_samples=4_096), RATE, 16)
    pieces = list(mel.frames(0, Wave(read, len(wave))))
    assert max(asked) < 12_000 and len(pieces) > 5
    assert max(len(piece) for piece in pieces) * 4_096 <= 1 << 20
    whole = np.concatenate(pieces)
    assert whole.shape == (3_750, 20)
    begun = frames(mel, wave[:20_000])
    assert np.array_equal(begun[:1_100], whole[:1_100])  # bit for bit, however many frames there are


def test_what_decides_on_the_numbers_is_in_the_identity() -> None:
    same = Mel(config(), RATE, 80).identity()
    assert same == Mel(config(), RATE, 80).identity()
    assert same not in [Mel(config(floor=1e-4), RATE, 80).identity(), Mel(config(), RATE, 81).identity()]
    assert same != Mel(config(), RATE + 1, 80).identity()


# --- mels of other programs -------------------------------------------------------------------------------------------

TACOTRON = MelConfig(80, 1_024, 1_024, 0.0, 8_000.0, 1, "slaney", "slaney", 1e-5)


def theirs(seconds: float = 0.5) -> np.ndarray:
    """Return a mel [F, 80] as Tacotron 2 and FastPitch compute it, at 22,050 Hz with a hop of 256."""
    wave = np.concatenate([np.zeros(4_000, np.float32), toys.wave(seconds, seed=3, rate=22_050)])
    transform = torchaudio_loader.load()[0].transforms.MelSpectrogram(
        sample_rate=22_050,
        n_fft=1_024,
        hop_length=256,
        f_max=8_000.0,
        n_mels=80,
        power=1.0,
        norm="slaney",
        mel_scale="slaney",
    )
    return np.log(np.maximum(transform(torch.from_numpy(wave)).numpy().T, 1e-5))


def test_a_mel_of_tacotron_2_is_what_the_track_is() -> None:
    mel = theirs()
    track = given(mel)
    assert track.shape == mel.shape and track.dtype == np.float32
    assert np.allclose(logarithms(track, 1e-5), mel, atol=1e-4) and track.min() == -1
    lower = np.where(mel == mel.min(), np.float32(-16.1), mel)  # another floor: what lies below ours counts as it
    assert np.allclose(given(lower), track, atol=1e-6)
    ours = np.concatenate(list(Mel(TACOTRON, 22_050, 256).frames(0, of_array(np.ones(9_000, np.float32)))))
    given(logarithms(ours, 1e-5))


def test_mels_of_another_shape_are_told() -> None:
    with pytest.raises(InputError, match=r"a.npy holds 50 x 40 numbers, .*; compute it with as many bands"):
        given(theirs()[:50, :40])
