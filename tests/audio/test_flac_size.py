"""The size is that of a file which holds all codes, however they come, without the file."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import toys

from wavenet.audio.flac_size import FlacSize
from wavenet.outputs import Categorical


def codes(size: int) -> np.ndarray:
    """Return the codes of a sound, the least and the largest among them."""
    return np.append(Categorical(size).encode(toys.wave(3.0, seed=1)), [0, size - 1])


@pytest.mark.parametrize("size", [2, 3, 255, 256, 257, 4_096])
def test_it_is_the_size_of_a_file_that_gives_the_codes_back(size: int, tmp_path: Path) -> None:
    written, path = codes(size), tmp_path / "codes.flac"
    counted = FlacSize(Categorical(size))
    counted.add(written)
    wide, subtype = (np.int32(24), "PCM_S8") if size <= 256 else (np.int32(16), "PCM_16")
    pcm = (written - size // 2).astype(np.int32) << wide
    soundfile.write(path, pcm, 16_000, subtype=subtype, format="FLAC", compression_level=1.0)
    assert counted.bits_per_sample() == pytest.approx(8 * path.stat().st_size / len(written), rel=1e-12)
    read, _ = soundfile.read(path, dtype="int32")
    assert np.array_equal((read >> wide) + size // 2, written)


def test_blocks_make_one_stream() -> None:
    written = codes(256)
    whole, parts = FlacSize(Categorical(256)), FlacSize(Categorical(256))
    whole.add(written)
    for at in range(0, len(written), 97):
        parts.add(written[at : at + 97])
    parts.add(written[:0])
    assert parts.bits_per_sample() == whole.bits_per_sample()


def test_a_sound_takes_less_than_its_codes_and_noise_as_much() -> None:
    noise = np.random.default_rng(0).integers(0, 256, 50_000)
    sizes = []
    for written in (codes(256), noise, np.full(50_000, 128)):
        one = FlacSize(Categorical(256))
        one.add(written)
        sizes.append(one.bits_per_sample() or 0.0)
    sound, random, silence = sizes
    assert 0.0 < silence < 0.1 < sound < 7.0 and 8.0 < random < 8.2


def test_nothing_has_no_size() -> None:
    assert FlacSize(Categorical(256)).bits_per_sample() is None


def test_a_long_sound_takes_no_more_memory_than_a_short_one() -> None:
    counted, written = FlacSize(Categorical(256)), codes(256)
    tracemalloc.start()
    for _ in range(200):  # ten minutes at this rate
        counted.add(written)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counted.bits_per_sample() and most < 2 << 20
