"""Every recipe loads strictly, is short, names its source and what was measured, and takes a step at toy size."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import toys

from wavenet import config
from wavenet.report import inspect

NAMES = config.recipe_names()


def test_the_recipes_are_there() -> None:
    assert {"quickstart", "digits", "folder", "wavenet-2016"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_data_with_its_source_and_measure(name: str) -> None:
    path = config.find_recipe(name)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert config.load(path).name == name
    assert len(lines) <= 60 and max(len(line) for line in lines) <= 120
    assert lines[0].startswith("# ") and any(line.startswith("# Measured: ") for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_covers_its_receptive_field(name: str) -> None:
    assert inspect(name).coverage == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_takes_a_step_at_toy_size(name: str, tmp_path: Path, sound_folder: Path) -> None:
    made = config.load(config.find_recipe(name))
    short = tuple(stack[:2] for stack in made.model.dilations[:2])
    model = dataclasses.replace(
        made.model, dilations=short, residual_channels=4, gate_channels=4, skip_channels=4, head_channels=4
    )
    data = dataclasses.replace(made.data, segment_samples=300)
    train = dataclasses.replace(made.train, steps=1, batch_size=2, validate_targets=300, sample_seconds=0.01)
    toy = dataclasses.replace(made, model=model, data=data, train=train)
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", toy)
    assert (run / "model" / "config.json").is_file()


def test_quickstart_finds_its_own_sound() -> None:
    made = config.load(config.find_recipe("quickstart"))
    assert made.data.path is not None and len(list(Path(made.data.path).glob("*.flac"))) == 320


def test_quickstart_says_that_its_sound_is_synthetic() -> None:
    assert "synthetic" in config.find_recipe("quickstart").read_text()
    assert "synthetic" in (Path(__file__).parent.parent / "samples" / "README.md").read_text()
