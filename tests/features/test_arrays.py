"""Held: arrays beside sounds are read as they are; what does not fit its sound is one sentence that names the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavenet.errors import SoundError
from wavenet.features.arrays import Array
from wavenet.features.framing import of_array
from wavenet.features.npy import opened


def written(folder: Path, values: Any, name: str = "a.npy") -> Path:
    path = folder / name
    np.save(path, values)
    return path


def numbers(frames: int, width: int = 3) -> np.ndarray:
    return np.random.default_rng(frames).standard_normal((frames, width)).astype(np.float32)


def told(path: Path, samples: int, tail: int = 0, width: int = 3, hop: int = 10) -> np.ndarray:
    wave = of_array(np.zeros(samples + tail, np.float32))
    return np.concatenate(list(Array([path], [samples], width, hop).frames(0, wave)))


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", ">f4"])
def test_numbers_are_told_as_they_are(tmp_path: Path, kind: str) -> None:
    values = numbers(12).astype(kind)
    for order in (values, np.asfortranarray(values)):
        found = told(written(tmp_path, order), 115)
        assert found.dtype == np.float32 and np.array_equal(found, values.astype(np.float32))


@pytest.mark.parametrize("spare", [0, 1, 2])
def test_frames_of_a_tail_repeat_the_last_one(tmp_path: Path, spare: int) -> None:
    values = numbers(12 + spare)
    found = told(written(tmp_path, values), 115, tail=50)
    assert len(found) == 17 and np.array_equal(found[: 12 + spare], values)
    assert np.array_equal(found[12 + spare :], np.tile(values[-1], (5 - spare, 1)))
    assert len(told(written(tmp_path, values), 115)) == 12


BAD: dict[str, tuple[Any, str]] = {
    "short": (numbers(11), "has 11 frames, expected 12 for its sound, one for each 10 samples; write it with this hop"),
    "long": (numbers(15), "has 15 frames, expected 12 for its sound, one for each 10 samples"),
    "another width": (numbers(12, 4), "has 4 values a frame, expected 3, as condition.tracks.array says; write"),
    "transposed": (
        numbers(12).T,
        "has 12 values a frame, expected 3, as condition.tracks.array says; it looks transposed",
    ),
    "nan": (
        np.where(np.arange(36).reshape(12, 3) == 14, np.nan, 1.0),
        "holds NaN or infinity in frame 4; compute it anew",
    ),
    "infinite": (np.full((12, 3), 1e300), "holds NaN or infinity in frame 0"),
    "whole numbers": (np.ones((12, 3), np.int64), "holds int64 of 12 x 3, expected float32 of two sizes"),
    "one size": (np.ones(12), "holds float64 of 12, expected float32 of two sizes, [frames, values]"),
    "no size": (np.float32(1), "holds float32 of no size, expected float32 of two sizes"),
    "empty": (np.ones((0, 3)), "holds float64 of 0 x 3, expected float32 of two sizes"),
    "complex": (np.ones((12, 3), complex), "holds complex128 of 12 x 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_one_sentence_that_names_the_file(tmp_path: Path, name: str) -> None:
    values, words = BAD[name]
    path = written(tmp_path, values)
    with pytest.raises(SoundError) as caught:
        told(path, 115)
    assert str(caught.value).startswith(f"{path} {words}") and "\n" not in str(caught.value)


def test_what_is_no_array_is_one_sentence_and_nothing_in_it_is_executed(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    trapped = tmp_path / "trap.npy"
    np.save(trapped, np.array([Trap()], object), allow_pickle=True)
    words, cut, empty = (tmp_path / name for name in ("words.npy", "cut.npy", "empty.npy"))
    words.write_text("these are words\n" * 20)
    cut.write_bytes(written(tmp_path, numbers(12)).read_bytes()[:-5])
    empty.write_bytes(b"")
    for path in (trapped, words, cut, empty):
        with pytest.raises(SoundError, match=r"cannot be read \(.*\); write it with numpy.save") as caught:
            opened(path)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(SoundError, match=r"gone.npy is missing; write it with numpy.save, \[frames, values\] float32"):
        opened(tmp_path / "gone.npy")


def test_a_changed_file_is_another_identity(tmp_path: Path) -> None:
    path = written(tmp_path, numbers(12))
    before = Array([path], [115], 3, 10).identity()
    assert before == Array([path], [115], 3, 10).identity()
    written(tmp_path, numbers(12) + 1)
    assert before != Array([path], [115], 3, 10).identity()


def spares(folder: Path, lengths: list[int], frames: list[int], hop: int, said: list[str]) -> list[str]:
    """Return what is said of files with so many frames beside sounds of these lengths."""
    files = [written(folder, np.ones((count, 1), np.float32), f"{i}.npy") for i, count in enumerate(frames)]
    feature = Array(files, lengths, 1, hop)
    for sound, length in enumerate(lengths):
        list(feature.frames(sound, of_array(np.zeros(length, np.float32))))
    said.clear()
    feature.warn_of_another_hop()
    return said


def test_arrays_of_a_slightly_smaller_hop_are_told_by_all_of_them_together(tmp_path: Path, said: list[str]) -> None:
    rng = np.random.default_rng(0)
    lengths = [int(length) for length in rng.uniform(1_200, 12_000, 60)]
    other = spares(tmp_path, lengths, [-(-length // 80) for length in lengths], 81, said)
    assert len(other) == 1 and "have some), as if they were written with a hop of about " in other[0]
    assert other[0].endswith("in place of 81: write them with condition.hop_samples") and "\n" not in other[0]
    assert 79.5 < float(other[0].split("about ")[1].split()[0]) < 80.5
    assert not spares(tmp_path, lengths[:9], [-(-length // 80) for length in lengths[:9]], 81, said)  # too few to tell


@pytest.mark.parametrize("rule", ["as many", "one more", "floor and one", "any"])
def test_arrays_that_end_behind_the_sound_are_no_other_hop(tmp_path: Path, rule: str, said: list[str]) -> None:
    rng = np.random.default_rng(1)
    lengths = [int(length) for length in rng.uniform(1_200, 12_000, 60)]
    rules = {
        "as many": [-(-length // 81) for length in lengths],
        "one more": [1 - (-length // 81) for length in lengths],
        "floor and one": [1 + length // 81 for length in lengths],
        "any": [int(rng.integers(3)) - (-length // 81) for length in lengths],
    }
    assert not spares(tmp_path, lengths, rules[rule], 81, said)
    assert not spares(tmp_path, [1_000] * 30, [13] * 15 + [14] * 15, 81, said)
