"""Training as a whole: it learns, keeps its record, begins, goes on and refuses by the contract (law 6)."""

from __future__ import annotations

import csv
import json
import logging
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
import toys

import wavenet
from wavenet.audio import files
from wavenet.errors import BundleError, DivergenceError, InputError, RecipeError, Terminated, WavenetError
from wavenet.outputs import Categorical
from wavenet.progress import Words, log
from wavenet.recipe.read import dump, load
from wavenet.text import many
from wavenet.training import checkpoint, train
from wavenet.training.metrics import TIME_COLUMNS, read
from wavenet.training.module import WaveNetModule, learning_rate


def record(run: Path) -> list[dict[str, str]]:
    """Return the rows of metrics.csv without what is measured in seconds."""
    return [{name: text for name, text in row.items() if name not in TIME_COLUMNS} for row in read(run / "metrics.csv")]


def assert_same_run(first: Path, second: Path) -> None:
    assert record(first) == record(second)
    one, two = (checkpoint.load(run / "checkpoints" / "last.ckpt") for run in (first, second))
    assert one["step"] == two["step"]
    for part in ("network", "averaged"):
        for name, value in one[part].items():
            assert torch.equal(value, two[part][name]), name
    weights = [(run / "model" / "model.safetensors").read_bytes() for run in (first, second)]
    assert weights[0] == weights[1]


def test_a_run_folder_has_everything(trained_run: Path) -> None:
    for name in ("config.yaml", "environment.json", "train.log", "metrics.csv", "manifest.csv", "model/config.json"):
        assert (trained_run / name).is_file(), name
    for name in ("checkpoints/last.ckpt", "checkpoints/best.ckpt", "model/model.safetensors"):
        assert (trained_run / name).is_file(), name
    rows = read(trained_run / "metrics.csv")
    assert [row["step"] for row in rows] == ["2", "4", "6", "8", "10", "12"]
    assert [bool(row["valid_bits"]) for row in rows] == [False, True, False, True, False, True]
    for step in (6, 12):
        wave, rate = soundfile.read(trained_run / "samples" / f"step-{step:06d}-0.wav")
        assert rate == toys.RATE and len(wave) == 0.05 * toys.RATE
        assert (trained_run / "samples" / f"step-{step:06d}-0.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((trained_run / "environment.json").read_text())["torch"] == torch.__version__
    log = (trained_run / "train.log").read_text()
    assert "receptive field 15 samples (3.8 ms)" in log and "finished 12 steps" in log


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


@pytest.mark.parametrize(
    ("dilations", "mend"), [([2, 4, 8], "to mend it: add a layer of dilation 1"), ([1, 2, 4], None)]
)
def test_lags_that_are_never_seen_are_a_warning_with_what_mends_them(
    tmp_path: Path, sound_folder: Path, caplog: pytest.LogCaptureFixture, dilations: list[int], mend: str | None
) -> None:
    made = toys.recipe(model={"dilations": dilations})
    toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", made, dry_run=True)
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [mend in line and "53.3% of 15 are reached" in line for line in warned] == ([True] if mend else [])


def test_a_batch_beyond_memory_is_a_warning_with_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = toys.recipe(data={"segment_samples": 10_000_000}, train={"batch_size": 65_536})
    told = train.memory_warning(huge, "cpu")
    assert told is not None and "65,536 x 10,000,000 samples" in told and "GiB of memory where there are" in told
    monkeypatch.setattr(train.disk, "available_bytes", lambda: train.memory_estimate(toys.recipe()))
    assert train.memory_warning(toys.recipe(), "cpu") is None
    twice = train.memory_warning(toys.recipe(), "cpu", processes=2)
    assert twice is not None and "parameters, 2 times): lower" in twice
    monkeypatch.setattr(train.disk, "available_bytes", lambda: None)
    assert train.memory_warning(huge, "cpu") is None


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate"), RuntimeError("x: can't allocate memory: y")])
def test_no_more_memory_is_one_line(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def build(*_: object) -> None:
        raise error

    monkeypatch.setattr(train.modules, "build", build)
    with pytest.raises(WavenetError, match="out of memory on cpu"):
        toys.train(sound_folder, tmp_path / "run", tmp_path / "cache")


def test_from_python_first_lines_and_scores_are_on_stderr(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own
    monkeypatch.setattr(log, "handlers", [Words()])
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", max_steps=4)
    told = capsys.readouterr().err.splitlines()
    firsts = ["toy:", "sound:", "rate:", "splits"]
    assert [line.partition(" ")[0] for line in told] == [*firsts, "step", "step", "step", "stopped"]
    assert sum("held-out" in line for line in told) == 1
    assert [line.split(" INFO ")[1] for line in (run / "train.log").read_text().splitlines()] == told


def test_training_beats_the_histogram(tmp_path: Path, sound_folder: Path) -> None:
    made = toys.recipe(train={"steps": 60, "validate_steps": 60})
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", made)
    training = wavenet.load(run).training
    assert training["valid_bits"] < training["order0_bits"] - 0.3 < training["uniform_bits"]


def test_overrides_hold_for_a_record_too(tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sound_folder.parent)
    given = {"out": tmp_path / "run", "cache": tmp_path / "cache", "device": "cpu"}
    overrides = ["train.steps=1", f"data.path={sound_folder.name}"]
    made = load(wavenet.train(toys.recipe(), None, overrides, **given) / "config.yaml")
    assert (made.train.steps, made.data.path) == (1, str(sound_folder.resolve()))
    with pytest.raises(RecipeError, match=r"unknown key train\.stepps \(did you mean 'steps'"):
        wavenet.train(toys.recipe(), sound_folder, ["train.stepps=1"], **given)


def test_the_config_of_a_run_is_a_recipe(trained_run: Path) -> None:
    made = load(trained_run / "config.yaml")
    assert made.model == toys.recipe().model and made.train == toys.recipe().train


@pytest.mark.parametrize("stop", [1, 5, 6, 11])
def test_stopping_and_resuming_is_as_if_never_stopped(
    tmp_path: Path, sound_folder: Path, trained_run: Path, stop: int
) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    toys.train(sound_folder, run, cache, max_steps=stop)
    assert checkpoint.load(run / "checkpoints" / "last.ckpt")["step"] == stop
    *rows, last = record(run)  # the last is that of the stop, with a score that is on no schedule
    assert (rows, last["step"]) == (record(trained_run)[: (stop - 1) // 2], str(stop))
    assert last["train_bits"] and last["valid_bits"] == f"{wavenet.load(run).training['valid_bits']:.6g}"
    toys.train(sound_folder, run, cache, resume=True)
    assert_same_run(run, trained_run)


def test_dropout_and_scalar_input_resume_exactly_too(tmp_path: Path, sound_folder: Path) -> None:
    made = toys.recipe(model={"input": "scalar", "dropout": 0.2, "kernel_size": 3})
    whole = toys.train(sound_folder, tmp_path / "whole", tmp_path / "cache", made)
    parted = toys.train(sound_folder, tmp_path / "parted", tmp_path / "cache", made, max_steps=7)
    toys.train(sound_folder, parted, tmp_path / "cache", made, resume=True)
    assert_same_run(whole, parted)


def test_an_unfinished_run_needs_resume_or_force(tmp_path: Path, sound_folder: Path) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    toys.train(sound_folder, run, cache, max_steps=3)
    with pytest.raises(InputError, match="--resume or begin anew with --force"):
        toys.train(sound_folder, run, cache)
    toys.train(sound_folder, run, cache, force=True, max_steps=2)
    assert checkpoint.load(run / "checkpoints" / "last.ckpt")["step"] == 2
    assert [row["step"] for row in record(run)] == ["2"]


def test_a_finished_run_goes_on_to_more_steps(tmp_path: Path, sound_folder: Path, trained_run: Path) -> None:
    run, longer = tmp_path / "run", toys.recipe(train={"steps": 13})
    shutil.copytree(trained_run, run)
    with pytest.raises(InputError, match=r"12 steps done of 13.*--resume"):
        toys.train(sound_folder, run, tmp_path / "cache", longer)
    toys.train(sound_folder, run, tmp_path / "cache", longer, resume=True)
    assert checkpoint.load(run / "checkpoints" / "last.ckpt")["step"] == 13
    assert record(run)[:-1] == record(trained_run) and record(run)[-1]["step"] == "13"


def test_a_finished_run_called_with_other_sound_is_refused_but_not_with_moved_sound(
    tmp_path: Path, sound_folder: Path, trained_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(sound_folder, tmp_path / "moved")
    logging.getLogger("wavenet").propagate = True
    toys.train(tmp_path / "moved", trained_run, tmp_path / "cache")
    assert "is finished" in caplog.text
    for resume in (False, True):
        with pytest.raises(InputError, match=r"not what .* was begun with: 1 file came \(sound8\.wav\), .* with --out"):
            toys.train(toys.write_sounds(tmp_path / "other", 9), trained_run, tmp_path / "cache", resume=resume)


def test_a_finished_run_whose_files_came_went_or_changed_names_them(tmp_path: Path, trained_run: Path) -> None:
    place, run, cache = tmp_path / "sounds", tmp_path / "run", tmp_path / "cache"
    shutil.copytree(trained_run, run)
    toys.write_sounds(place)
    made = toys.recipe(data={"path": str(place)})
    config_file = run / "config.yaml"
    config_file.write_text(dump(made))

    def again() -> None:
        toys.train(None, run, cache, made)

    again()
    before = (place / "sound3.wav").read_bytes()
    files.write(place / "sound3.wav", toys.wave(0.29, seed=77), toys.RATE)
    with pytest.raises(InputError, match=r"1 file changed \(sound3\.wav\)"):
        again()
    (place / "sound3.wav").write_bytes(before)
    (place / "sound7.wav").rename(place / "new.wav")
    with pytest.raises(InputError, match=r"1 file came \(new\.wav\), 1 file went \(sound7\.wav\)"):
        again()
    (place / "new.wav").rename(place / "sound7.wav")
    (place / "broken.wav").write_text("no sound")  # would be dropped: the run's sound is as it was
    again()
    shutil.rmtree(place)  # nobody needs it any more
    again()


def test_a_finished_run_says_so_and_is_left_alone(
    trained_run: Path, sound_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = (trained_run / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    logging.getLogger("wavenet").propagate = True
    for resume in (False, True):
        caplog.clear()
        toys.train(sound_folder, trained_run, tmp_path / "cache", resume=resume)
        assert "is finished" in caplog.text
    assert (trained_run / "checkpoints" / "last.ckpt").stat().st_mtime_ns == before


def test_resuming_with_other_sound_is_refused_but_moved_sound_is_fine(tmp_path: Path, sound_folder: Path) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    toys.train(sound_folder, run, cache, max_steps=1)
    (tmp_path / "moved").symlink_to(sound_folder)
    toys.train(tmp_path / "moved", run, cache, resume=True, max_steps=2)
    with pytest.raises(InputError, match=r"not what .*run was begun with: 1 file came \(sound8\.wav\)"):
        toys.train(toys.write_sounds(tmp_path / "other", 9), run, cache, resume=True)


def test_a_folder_that_is_no_run_is_never_touched(tmp_path: Path, sound_folder: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("x")
    for force in (False, True):
        with pytest.raises(InputError, match="is no run folder"):
            toys.train(sound_folder, tmp_path / "precious", tmp_path / "cache", force=force)


def test_max_time_stops_and_measures(tmp_path: Path, sound_folder: Path) -> None:
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", max_seconds=0.0)
    training = wavenet.load(run).training
    assert training["steps"] == 1 and training["valid_step"] == 1
    (row,) = record(run)  # off the schedule, but a stop
    assert row["step"] == "1" and row["valid_bits"] == f"{training['valid_bits']:.6g}" and row["train_bits"]


def test_init_takes_weights_and_refuses_other_dimensions(
    tmp_path: Path, sound_folder: Path, trained_run: Path, said: list[str]
) -> None:
    cache = tmp_path / "cache"
    run = toys.train(sound_folder, tmp_path / "run", cache, init=str(trained_run), max_steps=1)
    begun = checkpoint.load(run / "checkpoints" / "last.ckpt")["network"]["entry.weight"]
    given = torch.from_numpy(wavenet.load(trained_run).arrays["entry.weight"])
    assert (begun - given).abs().max() < 0.02  # one warm-up step away
    said.clear()
    toys.train(sound_folder, run, cache, init=str(trained_run), resume=True, max_steps=2)
    assert said[0] == f"{run} has weights of its own: --init {trained_run} is not used"
    with pytest.raises(BundleError, match=r"hidden\.weight has shape"):
        toys.train(sound_folder, tmp_path / "b", cache, toys.recipe(model={"head_channels": 9}), init=str(trained_run))


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_both_precisions_train(tmp_path: Path, sound_folder: Path, precision: str) -> None:
    made = toys.recipe(train={"steps": 30, "validate_steps": 30})
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", made, precision=precision)
    training = wavenet.load(run).training
    assert training["valid_bits"] < training["order0_bits"]
    assert all(weight.dtype == "float32" for weight in wavenet.load(run).arrays.values())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler, and there is none")
def test_the_compiled_graph_trains_alike(tmp_path: Path, sound_folder: Path, trained_run: Path) -> None:
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", compiled=True)
    ours, plain = (float(record(folder)[-1]["valid_bits"]) for folder in (run, trained_run))
    assert ours == pytest.approx(plain, abs=1e-3)


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


SELDOM = {"steps": 60, "save_steps": 6, "validate_steps": 100, "sample_steps": 100, "log_steps": 1}


def test_ten_bad_steps_in_a_row_go_back_to_the_last_good_state_at_half_the_rate(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from wavenet.training import record as recorder

    plant(monkeypatch, lambda step: step == 3 or 20 <= step < 30)
    seen: list[dict[str, torch.Tensor]] = []
    back = checkpoint.roll_back

    def watched(module: Any, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        back(module, optimizer, state)
        assert (state["step"], module.step, module.skipped, module.skipped_in_a_row) == (18, 30, 11, 0)
        assert all(torch.equal(value, state["network"][name]) for name, value in module.network.state_dict().items())
        assert all(torch.equal(value, state["averaged"][name]) for name, value in module.averaged.state_dict().items())
        moments = optimizer.state_dict()["state"]
        assert all(
            torch.equal(moments[i]["exp_avg"], value["exp_avg"]) for i, value in state["optimizer"]["state"].items()
        )
        seen.append(state["network"])

    monkeypatch.setattr(recorder.checkpoint, "roll_back", watched)
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", toys.recipe(train=SELDOM))
    assert len(seen) == 1
    state = checkpoint.load(run / "checkpoints" / "last.ckpt")
    assert (state["step"], state["skipped"], state["rollbacks"]) == (60, 11, 1)
    rates = {int(row["step"]): float(row["learning_rate"]) for row in record(run)}
    whole = toys.recipe(train=SELDOM).train
    assert rates[30] == pytest.approx(learning_rate(whole, 29)), "the rate that step 30 was taken with"
    assert rates[31] == pytest.approx(learning_rate(whole, 30) / 2)
    assert rates[60] == pytest.approx(learning_rate(whole, 59) / 2)
    assert "going on with the weights of step 18" in (run / "train.log").read_text()
    assert wavenet.load(run).training["rollbacks"] == 1


def test_a_run_that_was_stopped_goes_back_to_the_same_state(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, lambda step: 20 <= step < 30 or 45 <= step < 55)
    made, cache = toys.recipe(train=SELDOM), tmp_path / "cache"
    whole = toys.train(sound_folder, tmp_path / "whole", cache, made)
    parted = tmp_path / "parted"
    for steps in (5, 16, 19, 25, 29, 30, 31, 50, None):
        toys.train(sound_folder, parted, cache, made, max_steps=steps, resume=True)
    states = [checkpoint.load(run / "checkpoints" / "last.ckpt") for run in (whole, parted)]
    assert [state["rollbacks"] for state in states] == [2, 2]
    for part in ("network", "averaged"):
        assert all(torch.equal(states[0][part][name], value) for name, value in states[1][part].items())
    assert (whole / "model" / "model.safetensors").read_bytes() == (parted / "model" / "model.safetensors").read_bytes()


def test_a_kill_between_the_last_and_the_good_state_changes_nothing(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, lambda step: 12 <= step < 22)
    made, cache, run = toys.recipe(train={**SELDOM, "steps": 25}), tmp_path / "cache", tmp_path / "run"
    whole = toys.train(sound_folder, tmp_path / "whole", cache, made)

    def killed(path: Path, other: Path) -> None:
        raise SystemError

    for stop in (12, None):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint, "keep_as", killed)
            with pytest.raises(SystemError):
                toys.train(sound_folder, run, cache, made, resume=True, max_steps=stop)
    toys.train(sound_folder, run, cache, made, resume=True)
    assert_same_run(run, whole)


def test_a_state_that_is_not_finite_is_neither_gone_back_to_nor_shared(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = WaveNetModule._average

    def overflowing(self: WaveNetModule, decay: float) -> None:
        original(self, decay)
        if self.step == 11:  # the step that a checkpoint on the schedule follows
            next(self.network.parameters()).data.fill_(math.inf)

    monkeypatch.setattr(WaveNetModule, "_average", overflowing)
    made = toys.recipe(train={**SELDOM, "steps": 23, "sample_steps": 12})
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", made, max_steps=12)
    assert wavenet.load(run).training["steps"] == 6
    assert not list((run / "samples").glob("*")) and "no sound: the weights" in (run / "train.log").read_text()
    toys.train(sound_folder, run, tmp_path / "cache", made, resume=True)
    state = checkpoint.load(run / "checkpoints" / "last.ckpt")
    assert (state["rollbacks"], state["skipped"]) == (1, 10)
    assert all(torch.isfinite(value).all() for value in state["network"].values())
    assert "going on with the weights of step 6" in (run / "train.log").read_text()


@pytest.mark.parametrize("name", ["metrics.csv", "environment.json", "model", "samples", "last.ckpt"])
def test_a_damaged_or_missing_part_of_a_run_is_made_good(
    tmp_path: Path, sound_folder: Path, trained_run: Path, name: str
) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    toys.train(sound_folder, run, cache, max_steps=5)
    if name in ("model", "samples"):
        shutil.rmtree(run / name, ignore_errors=True)
    elif name == "last.ckpt":
        (run / "checkpoints" / name).write_bytes(b"torn")
    else:
        (run / name).write_bytes(b"\xff\x00torn")
    toys.train(sound_folder, run, cache, resume=True)
    if name == "metrics.csv":
        assert record(run) == record(trained_run)[2:]
        (run / name).write_bytes((trained_run / name).read_bytes())
    assert_same_run(run, trained_run)


def test_a_run_without_a_good_state_of_its_own_makes_one(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, cache, run = toys.recipe(train=SELDOM), tmp_path / "cache", tmp_path / "run"
    toys.train(sound_folder, run, cache, made, max_steps=13)
    (run / "checkpoints" / "good.ckpt").unlink()
    plant(monkeypatch, lambda step: 14 <= step < 24)
    toys.train(sound_folder, run, cache, made, max_steps=30, resume=True)
    assert checkpoint.load(run / "checkpoints" / "last.ckpt")["rollbacks"] == 1


@pytest.mark.slow
def test_a_stopped_run_whose_good_state_is_damaged_goes_back_to_the_same_state(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(path: Path, other: Path) -> None:
        other.write_bytes(path.read_bytes()[:-99])

    plant(monkeypatch, lambda step: 20 <= step < 30)
    monkeypatch.setattr(checkpoint, "keep_as", torn)
    made, cache = toys.recipe(train={**SELDOM, "steps": 36, "validate_steps": 4}), tmp_path / "cache"
    whole, parted = toys.train(sound_folder, tmp_path / "whole", cache, made), tmp_path / "parted"
    for steps in (5, 19, 25, 31, None):
        toys.train(sound_folder, parted, cache, made, max_steps=steps, resume=True)
    for run in (whole, parted):
        assert "good.ckpt cannot be read" in (run / "train.log").read_text()
        assert checkpoint.load(run / "checkpoints" / "last.ckpt")["rollbacks"] == 1
    assert_same_run(parted, whole)


def test_after_three_rollbacks_training_ends_with_the_last_good_weights(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, lambda step: step >= 8)
    run = tmp_path / "run"
    with pytest.raises(DivergenceError, match=r"after 3 rollbacks .* step 48") as caught:
        toys.train(sound_folder, run, tmp_path / "cache", toys.recipe(train=SELDOM))
    assert caught.value.exit_code == 1
    state = checkpoint.load(run / "checkpoints" / "last.ckpt")
    assert (state["step"], state["skipped"], state["rollbacks"]) == (48, 40, 3)
    good = checkpoint.load(run / "checkpoints" / "good.ckpt")
    assert all(torch.isfinite(value).all() for value in state["network"].values())
    assert all(torch.equal(good["network"][name], value) for name, value in state["network"].items())


def test_fewer_bad_steps_are_skipped_and_nothing_goes_back(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, lambda step: 10 <= step < 19 or 20 <= step < 29)
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", toys.recipe(train=SELDOM), max_steps=30)
    state = checkpoint.load(run / "checkpoints" / "last.ckpt")
    assert (state["skipped"], state["rollbacks"]) == (18, 0)


def test_workers_change_nothing(tmp_path: Path, sound_folder: Path, trained_run: Path) -> None:
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", toys.recipe(train={"workers": 2}))
    assert record(run) == record(trained_run)


def test_a_dry_run_writes_no_run_folder_and_says_where_it_would_stop(
    tmp_path: Path, sound_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("wavenet").propagate = True
    run = tmp_path / "run"
    toys.train(sound_folder, run, tmp_path / "cache", dry_run=True, max_steps=5, max_seconds=90.0)
    assert not run.exists()
    assert f"dry run: would train steps 1 to 5 of 12, for 1 min 30 s at most, into {run}" in caplog.text


def test_a_second_process_on_one_run_is_refused(tmp_path: Path, sound_folder: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    run = tmp_path / "run"
    run.mkdir()
    with (run / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process is training"):
            toys.train(sound_folder, run, tmp_path / "cache")


def test_resuming_where_there_is_nothing_begins(tmp_path: Path, sound_folder: Path, trained_run: Path) -> None:
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", resume=True)
    assert_same_run(run, trained_run)


def test_a_bundle_carries_no_path_and_no_licence_of_other_sound(tmp_path: Path, sound_folder: Path) -> None:
    cache = tmp_path / "cache"
    named = {"licence": "CC0", "path": str(tmp_path)}
    for data, licence in (({"licence": "CC0"}, "CC0"), (named, "not stated")):
        run = toys.train(sound_folder, tmp_path / licence, cache, toys.recipe(data=data), max_steps=1)
        voice = wavenet.load(run)
        assert voice.data["licence"] == licence and voice.recipe.data.path is None
        assert str(sound_folder.parent) not in (run / "model" / "config.json").read_text()


@pytest.mark.parametrize("step", [4, 6, 12])
@pytest.mark.parametrize("during", ["bits.score", "Voice.stream"])
def test_a_signal_during_a_score_or_a_sound_loses_neither(
    tmp_path: Path,
    sound_folder: Path,
    trained_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    during: str,
) -> None:
    from wavenet.training import record

    place = record.bits if during == "bits.score" else record.Voice
    name, stoppers = during.split(".")[1], []
    original, made = getattr(place, name), record.Stopper.__init__

    def watched(self: record.Stopper, *arguments: object) -> None:
        made(self, *arguments)  # type: ignore[arg-type]
        stoppers.append(self)

    def signalled(*arguments: object, **named: object) -> object:
        if checkpointed() == step - 1:
            stoppers[-1]._on_signal(15, None)
        return original(*arguments, **named)

    def checkpointed() -> int:
        last = tmp_path / "run" / "checkpoints" / "last.ckpt"
        return int(checkpoint.load(last)["step"]) if last.is_file() else 0

    monkeypatch.setattr(record.Stopper, "__init__", watched)
    monkeypatch.setattr(place, name, signalled)
    every = {"save_steps": 1}
    try:
        toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", toys.recipe(train=every))
        stopped = False
    except Terminated:
        stopped = True
    monkeypatch.undo()
    assert stopped == (step in ((4, 8, 12) if during == "bits.score" else (6, 12)))
    if stopped:
        assert checkpointed() == step
        toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", toys.recipe(train=every), resume=True)
    assert_same_run(tmp_path / "run", trained_run)
    sounds = [run / "samples" / f"step-{n:06d}-0.wav" for run in (tmp_path / "run", trained_run) for n in (6, 12)]
    assert len({path.read_bytes() for path in sounds[::2]}) == len({path.read_bytes() for path in sounds[1::2]}) == 1


def test_best_is_chosen_on_the_schedule_alone(tmp_path: Path, sound_folder: Path) -> None:
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", max_steps=3)
    assert wavenet.load(run).training["valid_step"] == 3
    assert not (run / "checkpoints" / "best.ckpt").exists()


def test_a_run_folder_given_as_the_recipe_goes_on_in_itself(
    tmp_path: Path, sound_folder: Path, trained_run: Path
) -> None:
    from wavenet.training.train import train

    run, cache = tmp_path / "run", str(tmp_path / "cache")
    toys.train(sound_folder, run, tmp_path / "cache", max_steps=5)
    assert train(str(run), cache=cache, device="cpu", resume=True) == run
    assert_same_run(run, trained_run)


@pytest.mark.parametrize("choice", [{"device": "gpu"}, {"precision": "16"}])
def test_a_choice_that_there_is_not_is_refused(tmp_path: Path, choice: dict[str, str]) -> None:
    from wavenet.training.train import train

    with pytest.raises(InputError, match="expected one of"):
        train(toys.recipe(), out=tmp_path / "run", **choice)


def test_metrics_are_plain_csv(trained_run: Path) -> None:
    with (trained_run / "metrics.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert len({len(row) for row in rows}) == 1
