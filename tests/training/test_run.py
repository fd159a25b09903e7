"""A run folder is locked while it is written, logged, described, and compared key by key."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import toys

from wavenet import config
from wavenet.errors import InputError, WavenetError
from wavenet.training import run as runs


def test_a_new_place_has_nothing_to_resume(tmp_path: Path) -> None:
    for resume in (False, True):
        assert runs.state_to_resume(toys.recipe(), tmp_path / "new", resume=resume, force=False) is None
    (tmp_path / "empty").mkdir()
    assert runs.state_to_resume(toys.recipe(), tmp_path / "empty", resume=False, force=False) is None


def test_a_file_or_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is no run folder"):
        runs.state_to_resume(toys.recipe(), tmp_path / "file", resume=False, force=False)


def test_training_keys_may_change_on_resume(trained_run: Path) -> None:
    longer = toys.recipe(train={"steps": 40, "save_steps": 3})
    state = runs.state_to_resume(longer, trained_run, resume=True, force=False)
    assert state is not None and state["step"] == 12


def test_a_run_without_a_checkpoint_begins_on_resume(tmp_path: Path) -> None:
    runs.describe(tmp_path, toys.recipe(), "cpu")
    assert runs.state_to_resume(toys.recipe(), tmp_path, resume=True, force=False) is None
    with pytest.raises(InputError, match="no checkpoint yet"):
        runs.state_to_resume(toys.recipe(), tmp_path, resume=False, force=False)


def test_describing_writes_a_recipe_and_the_environment(tmp_path: Path) -> None:
    runs.describe(tmp_path, toys.recipe(), "cpu")
    assert config.load(tmp_path / "config.yaml") == toys.recipe()
    told = json.loads((tmp_path / "environment.json").read_text())
    assert {"wavenet", "torch", "lightning", "threads", "platform", "device", "argv"} <= set(told)


def test_beginning_anew_removes_a_runs_own_things_only(tmp_path: Path) -> None:
    for name in ("metrics.csv", "notes.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "checkpoints").mkdir()
    with runs.locked(tmp_path, anew=True):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "notes.txt"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(WavenetError, match="name another with --out"),
        runs.locked(tmp_path / "file" / "run", anew=False),
    ):
        pass


def test_words_are_kept_while_logged_and_no_longer(tmp_path: Path) -> None:
    log = logging.getLogger("wavenet")
    log.setLevel(logging.INFO)
    with runs.logged(tmp_path):
        log.info("inside")
    log.info("outside")
    text = (tmp_path / "train.log").read_text()
    assert "inside" in text and "outside" not in text
