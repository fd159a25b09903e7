"""Training as a whole: it learns, keeps its record, begins, goes on and refuses by the contract (law 6)."""

from __future__ import annotations

import csv
import inspect
import json
import logging
import math
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import phone_toys
import pytest
import soundfile
import told_toys
import torch
import toys
from lightning.pytorch.accelerators import CUDAAccelerator

import wavenet
from wavenet.audio import files
from wavenet.errors import DivergenceError, InputError, RecipeError, Terminated, WavenetError
from wavenet.outputs import Categorical
from wavenet.progress import StderrHandler, log
from wavenet.recipe import read
from wavenet.text import many
from wavenet.training import checkpoint, record, train
from wavenet.training.checkpoint import BEST, GOOD, LAST, State
from wavenet.training.metrics import TIME_COLUMNS
from wavenet.training.metrics import read as rows_of
from wavenet.training.module import SMALL, WaveNetModule, build, learning_rate

Fit = Callable[..., Path]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the sound is decoded once for all these tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def fit(tmp_path: Path, sound_folder: Path, cache: Path) -> Fit:
    """Return what trains the toy, with keys of its `train` section replaced, into a folder of this test."""

    def fitted(name: str = "run", keys: dict[str, object] | None = None, made: Any = None, **options: Any) -> Path:
        return toys.train(sound_folder, tmp_path / name, cache, made or toys.recipe(train=keys or {}), **options)

    return fitted


@pytest.fixture(scope="session")
def stopped_run(tmp_path_factory: pytest.TempPathFactory, sound_folder: Path, cache: Path) -> Path:
    """Return a run that was stopped at step 5 of 12; to be copied."""
    return toys.train(sound_folder, tmp_path_factory.mktemp("stopped") / "run", cache, max_steps=5)


def table(run: Path) -> list[dict[str, str]]:
    """Return the rows of metrics.csv without what is measured in seconds."""
    rows = rows_of(run / "metrics.csv")
    return [{name: text for name, text in row.items() if name not in TIME_COLUMNS} for row in rows]


def last(run: Path, name: str = LAST) -> State:
    return checkpoint.load(run / "checkpoints" / name)


def assert_same_run(first: Path, second: Path) -> None:
    assert table(first) == table(second)
    one, two = last(first), last(second)
    assert (one.step, one.skipped, one.rollbacks) == (two.step, two.skipped, two.rollbacks)
    for part in checkpoint.PARTS:
        ours, theirs = getattr(one, part), getattr(two, part)
        assert ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())
    weights = [(run / "model" / "model.safetensors").read_bytes() for run in (first, second)]
    assert weights[0] == weights[1]


# --- what is asked for ------------------------------------------------------------------------------------------------


def test_every_keyword_is_named_typed_and_reaches_what_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {name: object() for name in train.Options.__dataclass_fields__ if name != "precision"}
    monkeypatch.setattr(train, "_begin", lambda recipe, data, overrides, chosen: chosen)
    chosen = vars(wavenet.train("toy", **given, precision=32))  # type: ignore[arg-type]
    assert chosen == {**given, "precision": "32"}
    keywords = [one for one in inspect.signature(wavenet.train).parameters.values() if one.kind is one.KEYWORD_ONLY]
    assert {one.name for one in keywords} == set(chosen) and all(one.annotation is not one.empty for one in keywords)
    with pytest.raises(TypeError, match="max_step"):
        wavenet.train("toy", max_step=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"device": "cdua"}, r"device is 'cdua', expected one of auto, cpu, cuda \(did you mean 'cuda'\?\)"),
        ({"precision": "16"}, "precision is '16', expected one of 32, bf16"),
        ({"devices": 0}, "devices is 0, expected at least 1"),
        ({"resume": True, "force": True}, "--resume goes on with a run and --force removes it"),
    ],
)
def test_a_choice_that_there_is_none_of_is_one_sentence(choice: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        wavenet.train("quickstart", **choice)


# --- what a run leaves and says --------------------------------------------------------------------------------------


def test_a_run_folder_has_everything(trained_run: Path) -> None:
    for name in ("config.yaml", "environment.json", "train.log", "metrics.csv", "manifest.csv", "model/config.json"):
        assert (trained_run / name).is_file(), name
    for name in (f"checkpoints/{LAST}", f"checkpoints/{GOOD}", f"checkpoints/{BEST}", "model/model.safetensors"):
        assert (trained_run / name).is_file(), name
    rows = rows_of(trained_run / "metrics.csv")
    assert [row["step"] for row in rows] == ["2", "4", "6", "8", "10", "12"]
    assert [bool(row["valid_bits"]) for row in rows] == [False, True, False, True, False, True]
    for step in (6, 12):
        wave, rate = soundfile.read(trained_run / "samples" / f"step-{step:06d}-0.wav")
        assert rate == toys.RATE and len(wave) == 0.05 * toys.RATE
        assert (trained_run / "samples" / f"step-{step:06d}-0.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((trained_run / "environment.json").read_text())["torch"] == metadata.version("torch")
    assert "finished 12 steps" in (trained_run / "train.log").read_text()
    with (trained_run / "metrics.csv").open(newline="") as file:
        assert len({len(row) for row in csv.reader(file)}) == 1
    made = read.load(trained_run / "config.yaml")
    assert made.model == toys.recipe().model and made.train == toys.recipe().train


def test_the_first_lines_say_what_they_must(trained_run: Path) -> None:
    lines = [line.partition(" INFO ")[2] for line in (trained_run / "train.log").read_text().splitlines()]
    assert lines[0] == (
        f"toy: cpu ({many(torch.get_num_threads(), 'thread')}), float32, 2,642 parameters, receptive field 15 samples "
        "(3.8 ms), about 0.5 GiB of memory, 8 files kept (2.4 seconds), none dropped"
    )
    assert lines[1].startswith("sound: sounds0, layout folder")
    assert lines[2] == "rate: 4,000 Hz, as recorded" and lines[3].startswith("splits by name: train ")
    line = next(line for line in lines if "held-out" in line)
    assert "uniform 4.000" in line and "order-0" in line


@pytest.mark.parametrize(("dilations", "fix"), [([2, 4, 8], "to fix it: add a layer of dilation 1"), ([1, 2, 4], None)])
def test_lags_that_are_never_seen_are_a_warning_with_what_fixes_them(
    fit: Fit, caplog: pytest.LogCaptureFixture, dilations: list[int], fix: str | None
) -> None:
    fit(made=toys.recipe(model={"dilations": dilations}), dry_run=True)
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [fix in line and "53.3% of 15 are reached" in line for line in warned] == ([True] if fix else [])


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate"), RuntimeError("x: can't allocate memory: y")])
def test_no_more_memory_is_one_line(fit: Fit, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def build(*_: object) -> None:
        raise error

    monkeypatch.setattr(train.modules, "build", build)
    with pytest.raises(WavenetError, match="out of memory on cpu"):
        fit()


def test_a_gpu_that_is_left_alone_is_no_warning(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    class Present(CUDAAccelerator):
        is_available = staticmethod(lambda: True)  # where it is, lightning advises to use it

    monkeypatch.setattr("lightning.pytorch.trainer.setup.CUDAAccelerator", Present)
    fit(max_steps=1)


def test_from_python_first_lines_and_scores_are_on_stderr(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own
    monkeypatch.setattr(log, "handlers", [StderrHandler()])
    monkeypatch.setattr("wavenet.training.summary.multiplies_bfloat16", lambda: False)
    run = fit(max_steps=4)
    told = capsys.readouterr().err.splitlines()
    firsts = ["toy:", "sound:", "rate:", "splits"]
    assert [line.partition(" ")[0] for line in told] == [*firsts, "step", "step", "step", "valid", "stopped"]
    assert sum("held-out" in line for line in told) == 1
    assert [line.split(" INFO ")[1] for line in (run / "train.log").read_text().splitlines()] == told


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_training_beats_the_histogram(fit: Fit, precision: str) -> None:
    voice = wavenet.load(fit(keys={"steps": 40, "validate_steps": 40, "sample_steps": 100}, precision=precision))
    assert voice.training["valid_bits"] < voice.training["order0_bits"] - 0.1 < voice.training["uniform_bits"]
    assert all(weight.dtype == "float32" for weight in voice.arrays.values())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler, and there is none")
def test_the_compiled_graph_trains_alike(fit: Fit, trained_run: Path) -> None:
    ours, plain = (float(table(folder)[-1]["valid_bits"]) for folder in (fit(compiled=True), trained_run))
    assert ours == pytest.approx(plain, abs=1e-3)


def test_workers_change_nothing(fit: Fit, trained_run: Path) -> None:
    assert table(fit(keys={"workers": 2})) == table(trained_run)


def test_max_time_stops_and_measures(fit: Fit) -> None:
    run = fit(max_seconds=0.0)
    training = wavenet.load(run).training
    assert training["steps"] == 1 and training["valid_step"] == 1
    (row,) = table(run)  # off the schedule, but a stop
    assert row["step"] == "1" and row["valid_bits"] == f"{training['valid_bits']:.6g}" and row["train_bits"]


def test_a_bundle_carries_no_path_and_no_licence_of_other_sound(fit: Fit, sound_folder: Path, tmp_path: Path) -> None:
    named = {"licence": "CC0", "path": str(tmp_path)}
    for data, licence in (({"licence": "CC0"}, "CC0"), (named, "not stated")):
        run = fit(licence, made=toys.recipe(data=data), max_steps=1)
        voice = wavenet.load(run)
        assert voice.data["licence"] == licence and voice.recipe.data.path is None
        assert str(sound_folder.parent) not in (run / "model" / "config.json").read_text()


def test_overrides_hold_for_a_record_too(tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sound_folder.parent)
    given = {"out": tmp_path / "run", "cache": tmp_path / "cache", "device": "cpu"}
    overrides = ["train.steps=1", f"data.path={sound_folder.name}"]
    made = read.load(wavenet.train(toys.recipe(), None, overrides, **given) / "config.yaml")
    assert (made.train.steps, made.data.path) == (1, str(sound_folder.resolve()))
    with pytest.raises(RecipeError, match=r"unknown key train\.stepps \(did you mean 'steps'"):
        wavenet.train(toys.recipe(), sound_folder, ["train.stepps=1"], **given)


def test_a_dry_run_writes_no_run_folder_and_says_where_it_would_stop(
    fit: Fit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log.propagate = True
    run = fit(dry_run=True, max_steps=5, max_seconds=90.0)
    assert not run.exists()
    assert f"dry run: would train steps 1 to 5 of 12, for 1 min 30 s at most, into {run}" in caplog.text


# --- stopping and going on -------------------------------------------------------------------------------------------


def test_stopping_and_resuming_is_as_if_never_stopped(fit: Fit, trained_run: Path) -> None:
    for stop in (1, 5, 6, 8, 11):
        run = fit(resume=True, max_steps=stop)  # where there is nothing yet, it begins
        assert last(run).step == stop
        *rows, newest = table(run)  # the last is that of the stop, with a score that is on no schedule
        assert (rows, newest["step"]) == (table(trained_run)[: (stop - 1) // 2], str(stop))
        training = wavenet.load(run).training
        assert training["valid_step"] == stop and newest["valid_bits"] == f"{training['valid_bits']:.6g}"
        assert newest["train_bits"]
        assert (run / "checkpoints" / BEST).exists() == (stop >= 4)  # chosen on the schedule alone
    assert_same_run(fit(resume=True), trained_run)


def test_dropout_and_scalar_input_resume_exactly_too(fit: Fit) -> None:
    made = toys.recipe(model={"input": "scalar", "dropout": 0.2, "kernel_size": 3})
    whole = fit("whole", made=made)
    fit("parted", made=made, max_steps=7)
    assert_same_run(whole, fit("parted", made=made, resume=True))


def test_what_is_told_predicted_and_noisy_resumes_exactly_too_and_with_any_workers(tmp_path: Path) -> None:
    predicts = {**told_toys.CONDITION["acoustic"], "share": 0.5, "dropout": 0.3}
    told = {**told_toys.CONDITION, "unknown": 0.3, "acoustic": predicts}
    folder = told_toys.write_sounds(tmp_path / "sounds")

    def fit(name: str, workers: int, **options: Any) -> Path:
        made = toys.recipe(condition=told, train={"input_noise": 2.0, "steps": 6, "workers": workers})
        return toys.train(folder, tmp_path / name, tmp_path / f"cache of {workers}", made, **options)

    whole = fit("whole", 0)
    fit("parted", 2, max_steps=3)
    assert_same_run(whole, fit("parted", 0, resume=True))
    before, after = build(read.load(whole / "config.yaml")).network.arrays(), wavenet.load(whole).arrays
    assert [name for name, value in after.items() if (value == before[name]).all()] == []  # all of it learns


@pytest.mark.usefixtures("spoken")
def test_what_is_said_and_how_long_it_takes_resumes_exactly_too(tmp_path: Path, phones_run: Path) -> None:
    folder = told_toys.write_sounds(tmp_path / "sounds")
    parted = [tmp_path / "parted", tmp_path / "cache"]
    phone_toys.trained(folder, *parted, max_steps=4)
    run = phone_toys.trained(folder, *parted, resume=True)
    assert_same_run(phones_run, run)
    before, after = build(read.load(run / "config.yaml")).network.arrays(), wavenet.load(run).arrays
    assert [name for name, value in after.items() if (value == before[name]).all()] == []  # all of it learns
    rows = rows_of(run / "metrics.csv")
    assert all(row["length_nats"] for row in rows if row["train_bits"])
    scored = wavenet.load(run).training["held_out"]["lengths"]
    assert scored["phones"] > 3 and scored["rmse_ms"] > 0 and scored["average_rmse_ms"] > 0


@pytest.mark.usefixtures("spoken")
def test_small_networks_learn_alone_beside_a_model_and_resume_exactly(
    tmp_path: Path, phones_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = told_toys.write_sounds(tmp_path / "sounds")

    def alone(name: str, **options: Any) -> Path:
        return phone_toys.trained(folder, tmp_path / name, tmp_path / "cache", only="acoustic", **options)

    with pytest.raises(InputError, match=r"--only acoustic trains beside a network.*, got none; give one with --init"):
        alone("none")
    with caplog.at_level(logging.INFO, "wavenet"):
        whole = alone("whole", init=phones_run)
    assert any(
        re.search(r"step 6: tracks off by 0\.\d+, lengths at \d\.\d+ nats in training$", line)
        for line in caplog.messages
    )
    alone("parted", init=phones_run, max_steps=4)
    assert_same_run(whole, alone("parted", resume=True))
    before, after = (wavenet.load(run) for run in (phones_run, whole))
    small = {name for name in before.arrays if name.partition(".")[0] in SMALL}
    assert {name for name, value in after.arrays.items() if not (value == before.arrays[name]).all()} == small
    assert after.training["valid_bits"] == before.training["valid_bits"] and after.recipe.train.only == "acoustic"
    newest = rows_of(whole / "metrics.csv")[-1]
    assert newest["track_distance"] and newest["valid_distance"] and not newest["train_bits"]
    assert last(whole).standing.best_bits == after.training["valid_distance"]  # which the best are chosen by


@pytest.mark.usefixtures("spoken")
def test_a_run_goes_on_with_its_small_networks_alone(tmp_path: Path) -> None:
    place = told_toys.write_sounds(tmp_path / "sounds"), tmp_path / "run", tmp_path / "cache"
    before = last(phone_toys.trained(*place, max_steps=3))
    after = last(phone_toys.trained(*place, resume=True, only="acoustic"))
    assert (before.step, after.step) == (3, 6)
    for part in checkpoint.PARTS:
        old, new = getattr(before, part), getattr(after, part)
        assert {name.partition(".")[0] for name, value in new.items() if not torch.equal(value, old[name])} == {*SMALL}


@pytest.mark.usefixtures("spoken")
def test_other_times_of_the_same_phones_are_other_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = told_toys.write_sounds(tmp_path / "sounds")
    phone_toys.trained(folder, tmp_path / "run", tmp_path / "cache", max_steps=1)

    def later(clips: Any, decoded: Any) -> list[Any]:
        one, *others = phone_toys.of_sound(clips, decoded)
        return [replace(one, ends=(one.ends[0] * 1.01, *one.ends[1:])), *others]

    monkeypatch.setattr("wavenet.speech.aligned", later)
    with pytest.raises(
        InputError, match="the same files, but other phones, or other times at which they are said; give"
    ):
        phone_toys.trained(folder, tmp_path / "run", tmp_path / "cache", resume=True)


def test_a_run_folder_given_as_the_recipe_goes_on_in_itself(
    tmp_path: Path, stopped_run: Path, trained_run: Path, cache: Path
) -> None:
    run = Path(shutil.copytree(stopped_run, tmp_path / "run"))
    assert train.train(str(run), cache=cache, device="cpu", resume=True) == run
    assert_same_run(run, trained_run)


@pytest.mark.parametrize("names", [("environment.json", "model", "samples"), ("metrics.csv",), (LAST,)])
def test_damaged_or_missing_parts_of_a_run_are_made_good(
    fit: Fit, tmp_path: Path, stopped_run: Path, trained_run: Path, names: tuple[str, ...]
) -> None:
    run = Path(shutil.copytree(stopped_run, tmp_path / "run"))
    for name in names:
        if "." in name:
            (run / "checkpoints" / name if name == LAST else run / name).write_bytes(b"\xff\x00torn")
        else:
            shutil.rmtree(run / name, ignore_errors=True)
    fit(resume=True)
    if names == ("metrics.csv",):
        assert table(run) == table(trained_run)[1:]  # the newest row is in the checkpoint too
        shutil.copy(trained_run / "metrics.csv", run)
    assert_same_run(run, trained_run)


def test_a_run_of_an_older_version_is_left_alone(fit: Fit, tmp_path: Path, stopped_run: Path) -> None:
    run = Path(shutil.copytree(stopped_run, tmp_path / "run"))
    for path in (run / "checkpoints").iterdir():
        path.rename(path.with_suffix(".ckpt"))
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.*") if path.name != ".lock"}
    with pytest.raises(InputError, match=r"was written by an older version.*or start over with --force"):
        fit(resume=True)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*.*") if path.name != ".lock"} == before
    assert last(fit(force=True, max_steps=1)).step == 1


@pytest.mark.parametrize(("during", "step"), [("score", 4), ("sound", 6), ("sound", 12)])
def test_a_signal_during_a_score_or_a_sound_loses_neither(
    fit: Fit, tmp_path: Path, trained_run: Path, monkeypatch: pytest.MonkeyPatch, during: str, step: int
) -> None:
    place, name = (record.bits, "score") if during == "score" else (record.Recorder, "_told")
    original, check, stopper = getattr(place, name), record.Stopper.check, []
    started = record.Stopper.on_train_start

    def starting(self: record.Stopper, *arguments: Any) -> None:
        stopper[:] = [self, 0]
        started(self, *arguments)

    def counted(self: record.Stopper, at: int) -> bool:
        stopper[1] = at
        return check(self, at)

    def signalled(*arguments: object, **named: object) -> object:
        if stopper[1] == step - 1:  # asked for the step before, hence within this one
            stopper[0]._on_signal(15, None)
        return original(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(record.Stopper, "on_train_start", starting)
        patch.setattr(record.Stopper, "check", counted)
        patch.setattr(place, name, signalled)
        with pytest.raises(Terminated):
            fit()
    run = tmp_path / "run"
    assert last(run).step == step
    assert_same_run(fit(resume=True), trained_run)
    for n in (6, 12):
        sound = f"samples/step-{n:06d}-0.wav"
        assert (run / sound).read_bytes() == (trained_run / sound).read_bytes()


def test_an_unfinished_run_needs_resume_or_force(fit: Fit, tmp_path: Path, stopped_run: Path) -> None:
    run = Path(shutil.copytree(stopped_run, tmp_path / "run"))
    with pytest.raises(InputError, match="--resume or start over with --force"):
        fit()
    fit(force=True, max_steps=2)
    assert last(run).step == 2
    assert [row["step"] for row in table(run)] == ["2"]


def test_a_finished_run_goes_on_to_more_steps(fit: Fit, tmp_path: Path, trained_run: Path) -> None:
    run = Path(shutil.copytree(trained_run, tmp_path / "run"))
    with pytest.raises(InputError, match=r"12 steps done of 13.*--resume"):
        fit(keys={"steps": 13})
    fit(keys={"steps": 13}, resume=True)
    assert last(run).step == 13
    assert table(run)[:-1] == table(trained_run) and table(run)[-1]["step"] == "13"


def test_a_finished_run_says_so_and_is_left_alone(
    trained_run: Path, sound_folder: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = (trained_run / "checkpoints" / LAST).stat().st_mtime_ns
    log.propagate = True
    for resume in (False, True):
        caplog.clear()
        toys.train(sound_folder, trained_run, cache, resume=resume)
        assert "is finished" in caplog.text
    assert (trained_run / "checkpoints" / LAST).stat().st_mtime_ns == before


# --- the sound of a run that goes on ---------------------------------------------------------------------------------


def test_a_finished_run_called_with_other_sound_is_refused_but_not_with_moved_sound(
    tmp_path: Path, sound_folder: Path, trained_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(sound_folder, tmp_path / "moved")
    log.propagate = True
    toys.train(tmp_path / "moved", trained_run, tmp_path / "cache")
    assert "is finished" in caplog.text
    for resume in (False, True):
        with pytest.raises(InputError, match=r"not what .* started with: 1 file added \(sound8\.wav\), .* with --out"):
            toys.train(toys.write_sounds(tmp_path / "other", 9), trained_run, tmp_path / "cache", resume=resume)


def test_a_finished_run_whose_files_came_went_or_changed_names_them(tmp_path: Path, trained_run: Path) -> None:
    place, run, cache = tmp_path / "sounds", tmp_path / "run", tmp_path / "cache"
    shutil.copytree(trained_run, run)
    toys.write_sounds(place)
    made = toys.recipe(data={"path": str(place)})
    (run / "config.yaml").write_text(read.dump(made))

    def again() -> None:
        toys.train(None, run, cache, made)

    again()
    before = (place / "sound3.wav").read_bytes()
    files.write(place / "sound3.wav", toys.wave(0.29, seed=77), toys.RATE)
    with pytest.raises(InputError, match=r"1 file changed \(sound3\.wav\)"):
        again()
    (place / "sound3.wav").write_bytes(before)
    (place / "sound7.wav").rename(place / "new.wav")
    with pytest.raises(InputError, match=r"1 file added \(new\.wav\), 1 file removed \(sound7\.wav\)"):
        again()
    (place / "new.wav").rename(place / "sound7.wav")
    (place / "broken.wav").write_text("no sound")  # would be dropped: the run's sound is as it was
    again()
    shutil.rmtree(place)  # nobody needs it any more
    again()


def test_resuming_with_other_sound_is_refused_but_moved_sound_is_fine(
    tmp_path: Path, sound_folder: Path, stopped_run: Path, cache: Path
) -> None:
    run = Path(shutil.copytree(stopped_run, tmp_path / "run"))
    (tmp_path / "moved").symlink_to(sound_folder)
    toys.train(tmp_path / "moved", run, cache, resume=True, max_steps=6)
    assert last(run).step == 6
    with pytest.raises(InputError, match=r"not what .*run was started with: 1 file added \(sound8\.wav\)"):
        toys.train(toys.write_sounds(tmp_path / "other", 9), run, cache, resume=True)


# --- beginning -------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_run_is_never_touched(fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("x")
    for force in (False, True):
        with pytest.raises(InputError, match="is not a run folder"):
            fit("precious", force=force)


def test_init_takes_weights_and_the_network_of_other_dimensions(fit: Fit, trained_run: Path, said: list[str]) -> None:
    run = fit(init=str(trained_run), max_steps=1)
    given = torch.from_numpy(wavenet.load(trained_run).arrays["entry.weight"])
    assert (last(run).network["entry.weight"] - given).abs().max() < 0.02  # one warm-up step away
    said.clear()
    fit(init=str(trained_run), resume=True, max_steps=2)
    assert said[0] == f"{run} has weights of its own: --init {trained_run} is not used"
    run = fit("b", made=toys.recipe(model={"head_channels": 9}), init=str(trained_run), max_steps=1)
    assert last(run).network["hidden.weight"].shape == (20, 24)


def test_an_output_layer_of_more_codes_begins_at_what_is_usual(fit: Fit, told_run: Path) -> None:
    tree = toys.tree(output={"classes": 20}, train={"learning_rate": 1e-8})
    told = tree | {"condition": {"channels": 3, "tracks": {"clock": {"knots": 2}}, "hop_samples": 40}}
    begun = (
        fit(made=read.from_tree(told, "toy"), init=str(told_run), max_steps=1),
        fit("b", made=read.from_tree(tree, "toy"), max_steps=1),
    )
    biases = [last(run).network["output.bias"] for run in begun]
    assert torch.allclose(*biases, atol=1e-6) and biases[0].std() > 0.1


# --- steps that are not finite ---------------------------------------------------------------------------------------

SELDOM = {"steps": 36, "save_steps": 6, "validate_steps": 100, "sample_steps": 100, "log_steps": 1}


def plant(monkeypatch: pytest.MonkeyPatch, bad: Callable[[int], bool]) -> None:
    """Make the loss of some steps, counted from 0, not finite."""
    training_step, nll = WaveNetModule.training_step, Categorical.nll

    def step(self: WaveNetModule, batch: dict[str, torch.Tensor], batch_idx: int) -> dict[str, object]:
        def planted(own: Categorical, parameters: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return nll(own, parameters, targets) * (float("nan") if bad(self.step) else 1.0)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Categorical, "nll", planted)
            return training_step(self, batch, batch_idx)

    monkeypatch.setattr(WaveNetModule, "training_step", step)


def test_ten_bad_steps_in_a_row_go_back_to_the_last_good_state_at_half_the_rate(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, lambda step: step == 3 or 8 <= step < 17 or 20 <= step < 30)  # 1, 9 and 10 in a row
    seen, back = [], checkpoint.roll_back

    def watched(module: WaveNetModule, optimizer: torch.optim.Optimizer, state: State) -> None:
        back(module, optimizer, state)
        assert (state.step, module.step, module.skipped, module.skipped_in_a_row) == (18, 30, 20, 0)
        now = (module.network.state_dict(), module.averaged.state_dict(), module.moments(optimizer))
        for part, held in zip(checkpoint.PARTS, now, strict=True):
            assert all(torch.equal(value, getattr(state, part)[name]) for name, value in held.items())
        seen.append(state.step)

    monkeypatch.setattr(checkpoint, "roll_back", watched)
    run = fit(keys=SELDOM)
    state, whole = last(run), toys.recipe(train=SELDOM).train
    assert seen == [18] and (state.step, state.skipped, state.rollbacks) == (36, 20, 1)
    rates = {int(row["step"]): float(row["learning_rate"]) for row in table(run)}
    assert rates[30] == pytest.approx(learning_rate(whole, 29), rel=1e-5), "the rate that step 30 was taken with"
    assert rates[31] == pytest.approx(learning_rate(whole, 30) / 2, rel=1e-5)
    assert rates[36] == pytest.approx(learning_rate(whole, 35) / 2, rel=1e-5)
    assert "going on with the weights of step 18" in (run / "train.log").read_text()
    assert wavenet.load(run).training["rollbacks"] == 1


def test_a_signal_in_the_score_of_the_step_that_goes_back_changes_nothing(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, lambda step: 3 <= step < 6)
    monkeypatch.setattr(record, "BAD_STEPS", 3)
    keys = {**SELDOM, "steps": 12, "save_steps": 3, "validate_steps": 6}
    whole = fit(keys=keys).rename(tmp_path / "whole")
    score, stoppers, made = record.bits.score, [], record.Stopper.on_train_start

    def starting(self: record.Stopper, *arguments: Any) -> None:
        stoppers.append(self)
        made(self, *arguments)

    def signalled(*arguments: Any) -> object:
        stoppers[-1]._on_signal(15, None)
        return score(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(record.Stopper, "on_train_start", starting)
        patch.setattr(record.bits, "score", signalled)
        for resume in (False, True):  # the second time the score of step 6 is cut short again
            with pytest.raises(Terminated):
                fit(keys=keys, resume=resume)
    state = last(tmp_path / "run")
    assert (state.step, state.rollbacks, state.standing.unrecorded) == (6, 0, True)
    assert_same_run(fit(keys=keys, resume=True), whole)
    assert last(whole).rollbacks == 1


def test_a_run_that_was_stopped_goes_back_to_the_same_state(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, lambda step: 8 <= step < 18 or 22 <= step < 32)
    whole = fit("whole", keys=SELDOM)
    for steps in (5, 13, 17, 18, 27, None):
        fit("parted", keys=SELDOM, max_steps=steps, resume=True)
    assert last(whole).rollbacks == 2
    for run in (whole, whole.with_name("parted")):
        assert re.findall("weights of step ([0-9]+)", (run / "train.log").read_text()) == ["6", "18"]
    assert_same_run(whole, whole.with_name("parted"))


def test_a_kill_between_the_last_and_the_good_state_changes_nothing(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {**SELDOM, "steps": 25}
    plant(monkeypatch, lambda step: 12 <= step < 22)
    whole = fit("whole", keys=keys)

    def killed(path: Path, other: Path) -> None:
        raise SystemError

    for stop in (12, None):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, "keep_as", killed)
            with pytest.raises(SystemError):
                fit(keys=keys, resume=True, max_steps=stop)
    assert_same_run(fit(keys=keys, resume=True), whole)


def test_a_state_that_is_not_finite_is_neither_gone_back_to_nor_shared(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = WaveNetModule._average

    def overflowing(self: WaveNetModule, decay: float) -> None:
        original(self, decay)
        if self.step == 11:  # the step that a checkpoint on the schedule follows
            next(self.network.parameters()).data.fill_(math.inf)

    monkeypatch.setattr(WaveNetModule, "_average", overflowing)
    keys = {**SELDOM, "steps": 23, "sample_steps": 12}
    run = fit(keys=keys, max_steps=12)
    assert wavenet.load(run).training["steps"] == 6
    assert not list((run / "samples").glob("*")) and "no sound: the weights" in (run / "train.log").read_text()
    state = last(fit(keys=keys, resume=True))
    assert (state.rollbacks, state.skipped) == (1, 10)
    assert all(torch.isfinite(value).all() for value in state.network.values())
    assert "going on with the weights of step 6" in (run / "train.log").read_text()


@pytest.mark.slow
def test_a_stopped_run_whose_good_state_is_damaged_goes_back_to_the_same_state(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(path: Path, other: Path) -> None:
        other.write_bytes(path.read_bytes()[:-99])

    plant(monkeypatch, lambda step: 20 <= step < 30)
    monkeypatch.setattr(checkpoint, "keep_as", torn)
    keys = {**SELDOM, "validate_steps": 4}
    whole = fit("whole", keys=keys)
    for steps in (5, 19, 25, 31, None):
        fit("parted", keys=keys, max_steps=steps, resume=True)
    for run in (whole, whole.with_name("parted")):
        assert f"{GOOD} is damaged" in (run / "train.log").read_text()
        assert last(run).rollbacks == 1
    assert_same_run(whole.with_name("parted"), whole)


def test_after_three_rollbacks_training_ends_with_the_last_good_weights(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, lambda step: step >= 8)
    monkeypatch.setattr(record, "BAD_STEPS", 3)
    with pytest.raises(DivergenceError, match=r"after 3 rollbacks .* step 20") as caught:
        fit(keys=SELDOM)
    assert caught.value.exit_code == 1
    state, good = last(tmp_path / "run"), last(tmp_path / "run", GOOD)
    assert (state.step, state.skipped, state.rollbacks) == (20, 12, 3)
    assert all(torch.isfinite(value).all() for value in state.network.values())
    assert all(torch.equal(good.network[name], value) for name, value in state.network.items())
