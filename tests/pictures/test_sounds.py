"""The spectrogram shows a tone where it is, and the picture is whole or absent."""

from __future__ import annotations

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


@pytest.mark.parametrize("length", [1, 300, 8000])
def test_a_picture_of_any_length_is_written(tmp_path: Path, length: int) -> None:
    pictures.spectrogram(tmp_path / "a.png", np.zeros(length, np.float32), 8000, "silence")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
