"""What training and scoring begin from is the same: gathered once, by the recipe alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import toys

from wavenet.audio import files, material
from wavenet.errors import SoundError
from wavenet.training.data import SoundData


def test_training_and_scoring_see_the_same_sound(sound_folder: Path, tmp_path: Path) -> None:
    recipe = toys.recipe(data={"path": str(sound_folder), "segment_samples": 150})
    found = material.gather(recipe, tmp_path)
    trained = SoundData(recipe, tmp_path)
    trained.prepare()
    assert found.spans == trained.spans and found.spans["valid"]
    assert found.source.folder == sound_folder and len(found.sound.lengths) == len(found.source.clips) == 8
    assert found.sound.gains == trained.sound.gains and found.sound.tail == 40


def test_a_recipe_without_sound_is_refused() -> None:
    with pytest.raises(SoundError):
        material.gather(toys.recipe())


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the warnings that are given from here on."""
    lines: list[str] = []
    monkeypatch.setattr(material.log, "warning", lambda text, *rest: lines.append(text % rest))
    return lines


def test_sound_that_stands_in_two_splits_is_said_once(tmp_path: Path, said: list[str]) -> None:
    folder = toys.write_sounds(tmp_path / "data")
    shutil.copy(folder / "sound0.wav", folder / "copy of 0.wav")
    shutil.copy(folder / "sound1.wav", folder / "copy of 1.wav")
    files.write(folder / "also 1.flac", files.read(folder / "sound1.wav", toys.RATE), toys.RATE)
    names = sorted(path.name for path in folder.iterdir())
    rows = [
        f"{name},{'test' if name == 'copy of 1.wav' else 'valid' if name == 'sound7.wav' else 'train'}"
        for name in names
    ]
    (folder / "metadata.csv").write_text("\n".join(["path,split", *rows]))
    recipe = toys.recipe(data={"path": str(folder)})
    for _ in range(2):  # decoded, then read from the cache
        said.clear()
        material.gather(recipe, tmp_path / "cache")
        assert said == [
            "3 files hold the same sound as another, 2 of them across splits, where scores flatter: "
            "also 1.flac (train) and copy of 1.wav (test)"
        ]


def test_twins_in_one_split_are_said_too_and_different_sound_is_not(tmp_path: Path, said: list[str]) -> None:
    folder = toys.write_sounds(tmp_path / "data")
    recipe = toys.recipe(data={"path": str(folder)})
    material.gather(recipe, tmp_path / "cache")
    assert said == []
    (folder / "metadata.csv").write_text(
        "\n".join(["path,split", *(f"sound{i}.wav,train" for i in range(7)), "sound7.wav,valid"])
    )
    shutil.copy(folder / "sound0.wav", folder / "sound1.wav")
    material.gather(recipe, tmp_path / "cache")
    assert len(said) == 1 and "0 of them across splits" in said[0] and "sound1.wav (train)" in said[0]


def test_training_sees_equal_sound_whether_it_was_just_decoded_or_not(sound_folder: Path, tmp_path: Path) -> None:
    recipe = toys.recipe(data={"path": str(sound_folder)})
    first, second = (material.gather(recipe, tmp_path).sound for _ in range(2))
    assert first.entries == second.entries
    np.testing.assert_array_equal(first.read(0, 0, 500), second.read(0, 0, 500))
