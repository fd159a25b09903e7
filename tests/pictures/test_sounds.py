"""The spectrogram shows a tone where it is, and the picture is whole or absent."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from wavenet import pictures


@pytest.mark.parametrize("frequency", [250.0, 1000.0, 3100.0])
@pytest.mark.parametrize("amplitude", [1.0, 0.01])
def test_a_tone_stands_at_its_frequency_and_level(frequency: float, amplitude: float) -> None:
    rate = 8000
    wave = (amplitude * np.sin(2 * np.pi * frequency * np.arange(rate) / rate)).astype(np.float32)
    levels, hop = pictures.decibels(wave, rate)
    column = levels[:, levels.shape[1] // 2]
    assert column.argmax() * rate / 2 / (len(column) - 1) == pytest.approx(frequency, abs=20)
    assert column.max() == pytest.approx(20 * np.log10(amplitude), abs=1.5)
    assert abs(levels.shape[1] * hop - rate) <= hop


@pytest.mark.parametrize("length", [1, 700, 8_000, 123_457])
@pytest.mark.parametrize("most", [1, 7, 100])
def test_a_narrow_spectrogram_has_the_loudest_of_the_wide_one(length: int, most: int) -> None:
    wave = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    wide, hop = pictures.decibels(wave, 8_000)
    narrow, stride = pictures.decibels(wave, 8_000, most)
    together = stride // hop
    assert narrow.shape[1] <= most and wide.shape[1] > (narrow.shape[1] - 1) * together
    for column, at in enumerate(range(0, wide.shape[1], together)):
        assert narrow[:, column] == pytest.approx(wide[:, at : at + together].max(axis=1))


def test_frames_are_those_of_the_whole_sound_with_silence_around(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 5_000).astype(np.float32)
    monkeypatch.setattr(pictures.sounds, "FRAMES_AT_ONCE", 7)
    levels, hop = pictures.decibels(wave, 8_000)
    padded, shape = np.pad(wave.astype(float), (128, 256)), np.hanning(256)
    for frame in range(5_000 // hop + 1):
        spectrum = np.abs(np.fft.rfft(padded[frame * hop : frame * hop + 256] * shape)) * 2 / shape.sum()
        assert levels[:, frame] == pytest.approx(20 * np.log10(spectrum), abs=1e-6)
    assert levels.shape[1] == 5_000 // hop + 1


def test_a_narrow_spectrogram_of_a_long_sound_takes_little_memory() -> None:
    wave = np.zeros(20 * 60 * 8_000, np.float32)
    tracemalloc.start()
    pictures.decibels(wave, 8_000, 200)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < wave.nbytes / 2


@pytest.mark.parametrize("length", [1, 300, 8000])
def test_a_picture_of_any_length_is_written(tmp_path: Path, length: int) -> None:
    pictures.spectrogram(tmp_path / "a.png", np.zeros(length, np.float32), 8000, "silence")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
