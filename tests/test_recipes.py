"""Every recipe loads strictly, is short, names its source and what was measured, and takes a step at toy size."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import layout_toys
import pytest
import toys

from wavenet.audio import corpus, folders
from wavenet.evaluation.evaluate import evaluate
from wavenet.generate import voice
from wavenet.inspection.text import inspect
from wavenet.recipe import find, read
from wavenet.recipe.records import Recipe

NAMES = find.recipe_names()


def test_the_recipes_are_there() -> None:
    assert {"quickstart", "digits", "folder", "wavenet-2016"} <= set(NAMES)
    assert {"kathleen", "ljspeech", "vctk", "sc09", "piano"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_data_with_its_source_and_measure(name: str) -> None:
    path = find.find_recipe(name)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert read.load(path).name == name
    assert len(lines) <= 60 and max(len(line) for line in lines) <= 120
    assert lines[0].startswith("# ") and any(line.startswith("# Measured: ") for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_named_for_a_cpu_is_there_and_smaller(name: str) -> None:
    made = read.load(find.find_recipe(name))
    if made.cpu_recipe is not None:
        small = read.load(find.find_recipe(made.cpu_recipe))
        assert small.shape.parameters() < made.shape.parameters() and small.cpu_recipe is None
        assert small.audio == made.audio


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_covers_its_receptive_field(name: str) -> None:
    assert inspect(name).coverage == 1.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("spoken")
def test_a_recipe_takes_a_step_at_toy_size(name: str, tmp_path: Path, sound_folder: Path) -> None:
    made = read.load(find.find_recipe(name))
    layout = made.data.source
    folder = layout_toys.MAKERS[layout](tmp_path) if layout != "auto" else sound_folder
    run = toys.train(folder, tmp_path / "run", tmp_path / "cache", shortened(made))
    assert voice.load(run).data["source"] == (layout if layout != "auto" else "folder")


def shortened(made: Recipe) -> Recipe:
    short = tuple(stack[:2] for stack in made.model.dilations[:2])
    model = dataclasses.replace(
        made.model, dilations=short, residual_channels=4, gate_channels=4, skip_channels=4, head_channels=4
    )
    data = dataclasses.replace(made.data, segment_samples=300)
    train = dataclasses.replace(made.train, steps=1, batch_size=2, validate_targets=300, sample_seconds=0.01)
    return dataclasses.replace(made, model=model, data=data, train=train)


def split_names(name: str, folder: Path, cache: Path) -> dict[str, set[str]]:
    made = find.with_data(shortened(read.load(find.find_recipe(name))), folder)
    found = corpus.gather(made, cache)
    return {split: {found.sound.entries[span.clip].name for span in spans} for split, spans in found.spans.items()}


def test_sc09_is_the_ten_digits_in_the_splits_of_the_data_set(tmp_path: Path) -> None:
    found = split_names("sc09", layout_toys.speech_commands(tmp_path), tmp_path / "cache")
    every = set.union(*found.values())
    assert {name.partition("/")[0] for name in every} == {"zero", "nine"}
    assert found["valid"] == {name for name in every if "b83c1acf" in name}
    assert found["test"] == {name for name in every if "c1d39ce8" in name}


def test_vctk_takes_one_microphone_and_both_are_one_setting_away(tmp_path: Path) -> None:
    root = layout_toys.vctk(tmp_path)
    found = split_names("vctk", root, tmp_path / "cache")
    assert sum(map(len, found.values())) == 15 and all("_mic1" in name for names in found.values() for name in names)
    both = read.load(find.find_recipe("vctk"), ["data.microphone=null"])
    assert len(folders.find(find.with_data(both, root).data).clips) == 29


@pytest.mark.real_audio
@pytest.mark.parametrize(("name", "train", "valid", "test"), [("kathleen", 1_453, 71, 96), ("piano", 336, 22, 18)])
def test_real_recordings_fit_their_recipes(real_audio: Path, name: str, train: int, valid: int, test: int) -> None:
    made = read.load(find.find_recipe(name))
    clips = folders.open_folder(real_audio / name, made.data.source).clips
    counts = Counter(clip.split for clip in clips)
    assert counts == {"train": train, "valid": valid, "test": test}
    assert {clip.speaker is None for clip in clips} == {False}


def test_quickstart_finds_its_own_sound() -> None:
    made = read.load(find.find_recipe("quickstart"))
    assert made.data.path is not None and len(list(Path(made.data.path).glob("*.flac"))) == 320


@pytest.mark.slow
def test_quickstart_predicts_held_out_words_better_than_all_that_needs_no_network(tmp_path: Path) -> None:
    made = read.load(find.find_recipe("quickstart"))
    train = dataclasses.replace(made.train, steps=300, sample_seconds=0.01)  # a quarter of what the recipe takes
    run = toys.train(None, tmp_path / "run", tmp_path / "cache", dataclasses.replace(made, train=train))
    found = evaluate(str(run), cache=tmp_path / "cache")
    assert {"order0", "order1", "linear", "flac"} <= found.baselines.keys()
    assert found.split == "test" and found.total.bits < min(found.baselines.values()) - 0.2


def test_quickstart_says_that_its_sound_is_synthetic() -> None:
    assert "synthetic" in find.find_recipe("quickstart").read_text()
    assert "synthetic" in (Path(__file__).parent.parent / "samples" / "README.md").read_text()
