"""A run folder is locked while it is written, logged, described, and compared key by key."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import shutil
from pathlib import Path

import pytest
import toys

from wavenet.errors import InputError, WavenetError
from wavenet.recipe import read
from wavenet.recipe.records import Recipe
from wavenet.training import run as runs
from wavenet.training.checkpoint import LAST


def test_a_new_place_has_nothing_to_resume(tmp_path: Path) -> None:
    for resume in (False, True):
        assert runs.state_to_resume(toys.recipe(), tmp_path / "new", resume=resume) is None
    (tmp_path / "empty").mkdir()
    assert runs.state_to_resume(toys.recipe(), tmp_path / "empty", resume=False) is None


def test_a_file_or_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "theirs" / "model").mkdir(parents=True)
    (tmp_path / "theirs" / "config.yaml").write_text("learning_rate: 3")
    for place in (tmp_path / "file", tmp_path / "theirs", tmp_path):
        with pytest.raises(InputError, match="is not a run folder"):
            runs.check_place(place)


def test_leftovers_of_a_kill_do_not_make_a_place_foreign_and_are_swept(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in (".ab.tmp.yaml", "checkpoints/.cd.tmp.safetensors", "metrics.csv"):
        (tmp_path / name).write_text("x")
    runs.check_place(tmp_path)
    with runs.locked(tmp_path):
        assert sorted(path.name for path in tmp_path.rglob("*")) == [".lock", "checkpoints", "metrics.csv"]


def test_a_place_that_stayed_empty_is_removed_again(tmp_path: Path) -> None:
    with runs.locked(tmp_path / "run"):
        assert (tmp_path / "run").is_dir()
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_without_its_config_is_not_begun_over(tmp_path: Path, trained_run: Path) -> None:
    shutil.copytree(trained_run / "checkpoints", tmp_path / "checkpoints")
    for resume in (False, True):
        with pytest.raises(InputError, match=r"no config\.yaml"):
            runs.state_to_resume(toys.recipe(), tmp_path, resume=resume)


OTHERS = [  # recipes that differ from the toy's in one key, and how that is told
    (toys.recipe(audio={"sample_rate": 8000}), "audio.sample_rate = 4000, got 8000"),
    (toys.recipe(data={"segment_samples": 201}), "data.segment_samples = 200, got 201"),
    (toys.recipe(data={"level": {"peak": 0.5}}), "data.level.rms = 0.1, got nothing"),
    (toys.recipe(output={"classes": 17}), "output.classes = 16, got 17"),
    (toys.recipe(output={"preemphasis": 0.85}), "output.preemphasis = 0.0, got 0.85"),
    (toys.recipe(model={"dilations": [1, 2]}), "model.dilations = [[1, 2, 4], [1, 2, 4]], got [[1, 2]]"),
]
ENDED = [
    (toys.recipe(train={"seed": 3}), "train.seed = 0, got 3"),
    (toys.recipe(train={"steps": 5}), "is finished, but with train.steps = 12, got 5"),
    (dataclasses.replace(toys.recipe(), name="other"), "name = toy, got other"),
]


@pytest.mark.parametrize(("recipe", "told"), [*OTHERS, *ENDED])
@pytest.mark.parametrize("resume", [False, True])
def test_a_finished_run_called_with_another_recipe_names_the_key(
    trained_run: Path, recipe: Recipe, told: str, resume: bool
) -> None:
    with pytest.raises(InputError, match=re.escape(told)) as caught:
        runs.state_to_resume(recipe, trained_run, resume=resume)
    assert "name another run with --out, or start over with --force" in str(caught.value)


@pytest.mark.parametrize(("recipe", "told"), OTHERS)
@pytest.mark.parametrize("resume", [False, True])
def test_an_unfinished_run_called_with_another_recipe_names_the_key(
    tmp_path: Path, recipe: Recipe, told: str, resume: bool
) -> None:
    runs.describe(tmp_path, toys.recipe(), "cpu")
    with pytest.raises(InputError, match=f"was started with {re.escape(told)}"):
        runs.state_to_resume(recipe, tmp_path, resume=resume)


def test_a_key_that_is_gone_is_named_too(tmp_path: Path) -> None:
    runs.describe(tmp_path, toys.recipe(data={"trim": {"below_db": 40}}), "cpu")
    with pytest.raises(InputError, match=r"data\.trim\.below_db = 40\.0, got nothing"):
        runs.state_to_resume(toys.recipe(), tmp_path, resume=True)


@pytest.mark.parametrize("follows", [False, True])  # else a process would wait for a first one that has ended
def test_a_finished_run_asked_for_more_steps_says_how_to_go_on(trained_run: Path, follows: bool) -> None:
    longer = toys.recipe(train={"steps": 40})
    with pytest.raises(InputError, match=r"unfinished run \(12 steps done of 40\); go on with --resume"):
        runs.state_to_resume(longer, trained_run, resume=False, follows=follows)


def test_where_the_sound_lies_may_change(tmp_path: Path) -> None:
    runs.describe(tmp_path, toys.recipe(data={"path": "/old", "fetch": "digits"}), "cpu")
    elsewhere = toys.recipe(data={"path": "/new", "source": "folder", "licence": "CC0"})
    assert runs.state_to_resume(elsewhere, tmp_path, resume=True) is None


def test_training_keys_may_change_on_resume_and_are_told(
    trained_run: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("wavenet"), "propagate", True)
    longer = toys.recipe(train={"steps": 40, "save_steps": 3})
    state = runs.state_to_resume(longer, trained_run, resume=True)
    assert state is not None and state.step == 12
    assert "train.steps was 12 and is 40" in caplog.text and "train.save_steps was 4 and is 3" in caplog.text


def test_a_run_without_a_checkpoint_begins_on_resume(tmp_path: Path, said: list[str]) -> None:
    runs.describe(tmp_path, toys.recipe(), "cpu")
    assert runs.state_to_resume(toys.recipe(), tmp_path, resume=True) is None
    assert said == [f"{tmp_path} has no checkpoint: training starts again at the first step"]
    with pytest.raises(InputError, match="no checkpoint yet"):
        runs.state_to_resume(toys.recipe(), tmp_path, resume=False)
    assert runs.state_to_resume(toys.recipe(), tmp_path, resume=False, follows=True) is None


def test_describing_writes_a_recipe_and_the_environment(tmp_path: Path) -> None:
    runs.describe(tmp_path, toys.recipe(), "cpu")
    assert read.load(tmp_path / "config.yaml") == toys.recipe()
    told = json.loads((tmp_path / "environment.json").read_text())
    assert {"wavenet", "torch", "lightning", "threads", "platform", "device", "argv"} <= set(told)


def test_beginning_anew_removes_a_runs_own_things_only(tmp_path: Path) -> None:
    for name in ("metrics.csv", "notes.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "checkpoints").mkdir()
    runs.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["checkpoints", "metrics.csv"])
def test_beginning_anew_removes_a_link_and_never_what_it_leads_to(tmp_path: Path, name: str, said: list[str]) -> None:
    elsewhere, run = tmp_path / "elsewhere", tmp_path / "run"
    elsewhere.mkdir()
    run.mkdir()
    (elsewhere / "precious").write_text("x")
    target = Path("../elsewhere" if name == "checkpoints" else "../elsewhere/precious")
    (run / name).symlink_to(target)
    runs.clear(run)
    assert list(run.iterdir()) == [] and (elsewhere / "precious").read_text() == "x"
    assert said == [f"{run / name} was a link to {run / target}: the link is removed, its target is kept"]


def test_beginning_anew_removes_links_inside_and_links_to_nothing_or_themselves(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / LAST).symlink_to(tmp_path / "precious")
    (run / "checkpoints" / "more").symlink_to(tmp_path)
    (run / "model").symlink_to(tmp_path / "gone")
    (run / "samples").symlink_to("samples")
    runs.clear(run)
    assert list(run.iterdir()) == [] and (tmp_path / "precious").read_text() == "x"


def test_a_run_folder_that_is_a_link_stays_one(tmp_path: Path, said: list[str]) -> None:
    big, run = tmp_path / "big", tmp_path / "run"
    (big / "checkpoints").mkdir(parents=True)
    (big / "notes.txt").write_text("x")
    run.symlink_to(big)
    runs.clear(run)
    assert run.readlink() == big and [path.name for path in big.iterdir()] == ["notes.txt"] and said == []


def test_a_run_folder_that_leads_nowhere_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "run").symlink_to("unmounted")
    with pytest.raises(InputError, match=r"run is a link to .*unmounted, which does not exist"):
        runs.check_place(tmp_path / "run")


def test_resuming_at_a_misspelled_place_names_the_run_beside_it(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs.log, "info", lambda text, *rest: said.append(f"info: {text % rest}"))
    for name in ("digits", "piano"):
        runs.describe(tmp_path / name, toys.recipe(), "cpu")
    (tmp_path / "digots").mkdir()  # nearer, but no run
    monkeypatch.chdir(tmp_path)
    for place in (Path("digist"), tmp_path / "digist", Path("other"), Path("no/such/folder")):
        assert runs.state_to_resume(toys.recipe(), place, resume=True) is None
    there = str(tmp_path / "digits")
    assert said == [
        "there is no run in digist yet: training starts at the first step (did you mean 'digits'?)",
        f"there is no run in {tmp_path / 'digist'} yet: training starts at the first step (did you mean {there!r}?)",
        "info: there is no run in other yet: training starts at the first step",
        "info: there is no run in no/such/folder yet: training starts at the first step",
    ]
    said.clear()
    runs.state_to_resume(toys.recipe(), Path("digist"), resume=False)
    assert said == []  # nobody asked to go on


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(WavenetError, match="name another with --out"),
        runs.locked(tmp_path / "file" / "run"),
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


def test_a_run_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with (
        runs.locked(tmp_path / "run"),
        pytest.raises(InputError, match="another process is training"),
        runs.locked(tmp_path / "run"),
    ):
        pass


def test_a_file_system_without_locks_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def none(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    with runs.locked(tmp_path / "run"):
        assert said == [f"{tmp_path / 'run'} cannot be locked: make sure that no other process trains there"]
