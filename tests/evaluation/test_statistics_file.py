"""The statistics of the training sound come back from their file as they were; a damaged file is only a warning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import toys

from wavenet import outputs
from wavenet.audio import corpus
from wavenet.evaluation import statistics_file
from wavenet.evaluation.baselines import Statistics


@pytest.fixture
def made(sound_folder: Path) -> Statistics:
    found = corpus.gather(toys.recipe(data={"path": str(sound_folder)}))
    return Statistics.gather(found.sound, found.spans, outputs.of(toys.recipe()))


def test_what_is_written_is_read(made: Statistics, tmp_path: Path) -> None:
    statistics_file.write(tmp_path, made)
    again = statistics_file.read(tmp_path, 16)
    assert again is not None
    for name, value in made.to_arrays().items():
        assert np.array_equal(again.to_arrays()[name], value), name


def test_none_is_none(tmp_path: Path, said: list[str]) -> None:
    assert statistics_file.read(tmp_path, 16) is None and not said


@pytest.mark.parametrize("data", [b"", b"{}", b"\x00" * 64])
def test_a_damaged_file_is_a_warning(tmp_path: Path, said: list[str], data: bytes) -> None:
    (tmp_path / statistics_file.NAME).write_bytes(data)
    assert statistics_file.read(tmp_path, 16) is None
    assert len(said) == 1 and "statistics.safetensors is not used" in said[0]


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / statistics_file.NAME).write_bytes(b"x" * 200_000)
    assert statistics_file.read(tmp_path, 16) is None
    assert "it has 200,000 bytes, expected at most 67,840" in said[0]


def test_that_of_another_alphabet_is_a_warning(made: Statistics, tmp_path: Path, said: list[str]) -> None:
    statistics_file.write(tmp_path, made)
    assert statistics_file.read(tmp_path, 17) is None and len(said) == 1


def test_any_changed_byte_is_told(made: Statistics, tmp_path: Path, said: list[str]) -> None:
    statistics_file.write(tmp_path, made)
    whole = (tmp_path / statistics_file.NAME).read_bytes()
    for at in range(0, len(whole), 37):
        damaged = bytearray(whole)
        damaged[at] ^= 0x41
        (tmp_path / statistics_file.NAME).write_bytes(bytes(damaged))
        assert statistics_file.read(tmp_path, 16) is None
        assert said.pop() and not said
