"""The statistics of the training sound come back from their file as they were; a damaged file is only a warning."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toys
from safetensors.numpy import load_file, save_file

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


def test_pairs_take_little_room_and_are_read_as_they_were_kept_before(
    made: Statistics, tmp_path: Path, said: list[str]
) -> None:
    rng = np.random.default_rng(0)
    pairs = rng.geometric(0.1, (16, 16)) - 1
    pairs[3, 5] = 2**32 - 1  # all four bytes are kept
    statistics = replace(made, pairs=pairs)
    statistics_file.write(tmp_path, statistics)
    kept = load_file(tmp_path / statistics_file.NAME)
    assert "pairs" not in kept and kept["pairs_deflated"].nbytes < 2 * pairs.size
    arrays = statistics.to_arrays()
    for old in (False, True):
        if old:
            save_file({**arrays, "sha256": statistics_file._digest(arrays)}, tmp_path / statistics_file.NAME)
        again = statistics_file.read(tmp_path, 16)
        assert again is not None and again.pairs is not None and np.array_equal(again.pairs, pairs)
    assert not said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not of 16 x 16"),
        (b"no zlib", "is damaged"),
        (zlib.compress(bytes(4 * 16 * 16 - 1)), "not of 16 x 16"),
        (zlib.compress(bytes(4 * 16 * 16 + 1)), "not of 16 x 16"),
        (zlib.compress(bytes(4 * 16 * 16))[:-1], "not of 16 x 16"),
        (zlib.compress(bytes(1 << 26), 9)[:60_000], "not of 16 x 16"),  # 64 MiB of nothing
    ],
)
def test_pairs_of_another_size_are_a_warning(
    made: Statistics, tmp_path: Path, said: list[str], data: bytes, words: str
) -> None:
    statistics_file.write(tmp_path, made)
    arrays = load_file(tmp_path / statistics_file.NAME)
    del arrays["sha256"]
    arrays["pairs_deflated"] = np.frombuffer(data, np.uint8)
    save_file({**arrays, "sha256": statistics_file._digest(arrays)}, tmp_path / statistics_file.NAME)
    assert statistics_file.read(tmp_path, 16) is None
    assert len(said) == 1 and words in said[0]


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
