"""What a config knows is told in words and in JSON; a config that others wrote is one line, and steers no terminal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from wavenet.errors import BundleError
from wavenet.model import bundle
from wavenet.sharing.about import About, of_folder


@pytest.fixture
def folder(told_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(told_run / "model", tmp_path / "toy")
    return tmp_path / "toy"


def changed(folder: Path, **parts: Any) -> About:
    """Return what a config says of which parts were replaced."""
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, **parts}))
    return of_folder(folder)


def test_a_bundle_is_told_by_its_config_alone(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    (folder / "model.safetensors").write_bytes(b"x")
    about = of_folder(folder, "amy")
    assert about.name == "amy" and of_folder(folder).name == "toy"
    assert about.told == ["speaker", "label", "clock", "mel"] and about.values["speaker"] == ["ann", "bob"]
    held = told["training"]["held_out"]
    assert (
        about.score is not None
        and about.score.bits == held["bits"]
        and about.score.baselines["linear"] == held["linear"]
    )
    assert about.size == sum(path.stat().st_size for path in folder.iterdir())
    rows = dict(about.rows())
    assert rows["  speaker"] == "ann, bob" and rows["trained for"].startswith(f"{told['training']['steps']} steps, ")
    assert rows["bits per sample"] == f"{held['bits']:.3f} on the valid split"  # of one file, without an interval
    assert f"order-1 {held['order1']:.3f}" in rows["  without a network"]
    plain = json.loads(json.dumps(about.to_json(), allow_nan=False))
    assert plain["score"]["bits"] == held["bits"] and plain["fields"]["speaker"] == ["ann", "bob"]


def test_the_storage_of_the_weights_is_told(folder: Path) -> None:
    held = bundle.load(folder)
    for storage in ("float16", "float32"):
        bundle.save(folder, held, storage)
        assert of_folder(folder).storage == storage and f" in {storage}" in of_folder(folder).rows()[0][1]


def test_what_a_config_does_not_say_is_left_out(folder: Path) -> None:
    about = changed(folder, data=[1], training={"steps": True, "seconds": "long", "held_out": {"bits": None}})
    assert about.score is None and about.steps is None and about.files == {} and about.values == {}
    assert [name for name, _ in about.rows()] == ["size", "sees", "told", "recordings"]
    assert about.to_json()["score"] is None
    for held, words in (
        ({"bits": 1.0}, "1.000 on the valid split"),
        ({"bits": 1.0, "low": 0.5, "high": 2, "split": "test"}, "1.000 (0.500 to 2.000) on the test split"),
    ):
        assert changed(folder, training={"held_out": held}).rows()[-1] == ["bits per sample", words]


def test_what_a_config_says_cannot_steer_a_terminal(folder: Path) -> None:
    about = changed(folder, data={"licence": "\x1b[2J", "told": {"fields": {"a\x07": ["\x1b]0;x"]}}})
    assert all(cell.isprintable() for row in about.rows() for cell in row) and all(map(str.isprintable, about.row()))


def test_a_config_that_is_wrong_is_one_line(folder: Path) -> None:
    recipe = json.loads((folder / "config.json").read_text())["recipe"]
    for parts in ({"recipe": {**recipe, "name": "a/b"}}, {"version": 99}, {"format": "other"}):
        with pytest.raises(BundleError, match=r"config\.json"):
            changed(folder, **parts)
    with pytest.raises(BundleError, match=r"cannot be read"):
        of_folder(folder.parent)
