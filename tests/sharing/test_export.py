"""What is exported is a bundle in half the room with its statistics and a card; nothing that is there is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wavenet
from wavenet.errors import BundleError, InputError, RecipeError, WavenetError
from wavenet.evaluation import statistics_file
from wavenet.model import bundle
from wavenet.sharing import card
from wavenet.sharing.export import export

FILES = ["CARD.md", "config.json", "model.safetensors", "statistics.safetensors"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_becomes_a_folder_with_weights_in_half_the_room(trained_run: Path, tmp_path: Path) -> None:
    made = export(trained_run, tmp_path / "voices" / "mine")
    assert names(made.folder) == FILES == list(made.sizes) and names(tmp_path / "voices") == ["mine"]
    before, after = wavenet.load(trained_run), wavenet.load(made.folder)
    for name, value in before.arrays.items():
        assert np.array_equal(after.arrays[name], value.astype(np.float16).astype(np.float32))
    assert (after.recipe.name, after.data, after.training) == ("toy", before.data, before.training)
    own, kept = (statistics_file.read(folder, 16) for folder in (trained_run / "model", made.folder))
    assert own is not None and kept is not None
    assert all(np.array_equal(value, kept.to_arrays()[name]) for name, value in own.to_arrays().items())
    text = (made.folder / "CARD.md").read_text()
    assert tuple(card.sections(text)) == card.SECTIONS and made.unfinished == text.count(card.OPEN) > 5
    assert "model.safetensors" in made.to_text() and f"{made.unfinished} places to be filled in" in made.to_text()


def test_whole_precision_and_another_name_can_be_asked_for(trained_run: Path, tmp_path: Path) -> None:
    made = wavenet.export(trained_run / "model", tmp_path / "amy", storage="float32", name="amy")
    after = wavenet.load(made.folder)
    assert after.name == "amy" and (made.folder / "CARD.md").read_text().startswith("# amy\n")
    assert all(np.array_equal(value, after.arrays[name]) for name, value in wavenet.load(trained_run).arrays.items())
    with pytest.raises(RecipeError, match=r"--name: name is 'a/b', expected letters"):
        export(trained_run, tmp_path / "b", name="a/b")
    with pytest.raises(InputError, match=r"no storage 'float61' \(did you mean 'float16'\?\)"):
        export(trained_run, tmp_path / "b", storage="float61")
    assert names(tmp_path) == ["amy"]


def test_a_card_and_what_else_lies_there_is_kept(trained_run: Path, tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "mine").mkdir()
    export(trained_run, tmp_path / "mine")  # an empty folder is none
    for name in ("CARD.md", "hello.wav"):
        (tmp_path / "mine" / name).write_text("written by hand")
    with pytest.raises(InputError, match="holds a bundle; name another folder or replace it with --force"):
        export(trained_run, tmp_path / "mine")
    made = export(trained_run, tmp_path / "mine", storage="float32", force=True)
    assert len(said) == 1 and said[0].startswith(f"{made.folder / 'CARD.md'} has other bits than this model; put this")
    assert made.kept and made.unfinished == 0 and "CARD.md is kept as it was" in made.to_text()
    assert (tmp_path / "mine" / "model.safetensors").stat().st_size > 4 * bundle.load(
        made.folder
    ).recipe.shape.parameters()
    assert names(tmp_path / "mine") == sorted([*FILES, "hello.wav"])
    (tmp_path / "drafted").mkdir()
    shutil.copy(tmp_path / "mine" / "CARD.md", tmp_path / "drafted")
    assert export(trained_run, tmp_path / "drafted").kept and names(tmp_path / "drafted") == FILES


def test_statistics_of_other_sound_do_not_stay(trained_run: Path, tmp_path: Path, caplog: Any) -> None:
    export(trained_run, tmp_path / "mine")
    shutil.copytree(trained_run / "model", tmp_path / "bare")
    (tmp_path / "bare" / statistics_file.NAME).unlink()
    caplog.set_level("INFO", "wavenet")
    export(tmp_path / "bare", tmp_path / "mine", force=True)
    assert names(tmp_path / "mine") == FILES[:3] and "keeps no statistics" in caplog.text


def test_other_folders_are_left_alone(trained_run: Path, sound_folder: Path, tmp_path: Path) -> None:
    run, lone = tmp_path / "run", tmp_path / "bundle"
    shutil.copytree(trained_run, run)
    shutil.copytree(trained_run / "model", lone)
    (tmp_path / "file").touch()
    before = (run / "model" / "model.safetensors").read_bytes()
    for model, folder, words in (
        (run, run / "model", "is the bundle itself"),
        (lone, lone, "is the bundle itself"),
        (lone, run, "is the folder of a run"),
        (run, sound_folder, "is a folder of sound"),
        (run, tmp_path, "is a folder of runs"),
        (run, tmp_path / "file", "is a file; name a folder"),
    ):
        with pytest.raises(InputError, match=words):
            export(model, folder, force=True)
    assert (run / "model" / "model.safetensors").read_bytes() == before and "CARD.md" not in names(sound_folder)


def test_a_folder_that_could_not_be_written_whole_does_not_appear(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(WavenetError, match=r"mine cannot be written \(No space left"):
        patch.setattr(statistics_file, "write", full)
        export(trained_run, tmp_path / "mine")
    held = bundle.load(trained_run / "model")
    held.arrays["hidden.bias"][0] = 7e4
    bundle.save(tmp_path / "large", held)
    with pytest.raises(BundleError, match=r"hidden\.bias reaches 70,000, .*--storage float32"):
        export(tmp_path / "large", tmp_path / "mine")
    assert names(tmp_path) == ["large"]
    assert export(tmp_path / "large", tmp_path / "mine", "float32").storage == "float32"
