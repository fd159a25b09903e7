"""What ends training, and what is recorded of a step, at a bad moment too."""

from __future__ import annotations

import math
import re
import signal
import time
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import told_toys
import torch
import toys

from wavenet.training import checkpoint, record
from wavenet.training import module as modules
from wavenet.training.checkpoint import GOOD, LAST, Standing
from wavenet.training.module import WaveNetModule
from wavenet.training.record import Recorder, Stopper


def test_steps_and_time_end_training_and_nothing_else_does() -> None:
    assert not Stopper(None, None).check(10**9)
    steps = Stopper(5, None)
    assert [steps.check(step) for step in (1, 4, 5)] == [False, False, True] and steps.due
    assert Stopper(None, 0.0).check(1)
    assert not Stopper(None, 3600.0).check(1)
    assert Stopper(5, None).until is None
    until = Stopper(None, 3600.0).until
    assert until is not None and 3590.0 < until - time.monotonic() <= 3600.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_training_after_the_step(number: signal.Signals) -> None:
    stopper = Stopper(None, None)
    stopper._on_signal(number, None)
    assert stopper.interrupted() and stopper.signal == number.name and stopper.check(1) and not stopper.due


@pytest.mark.parametrize("hang_up", [signal.SIG_DFL, signal.SIG_IGN])
def test_training_takes_the_signals_over_but_for_one_that_nohup_has_ignored(hang_up: signal.Handlers) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    stopper = Stopper(None, None)
    try:
        signal.signal(signal.SIGHUP, hang_up)
        stopper.on_train_start(None, None)  # type: ignore[arg-type]
        taken = [signal.getsignal(number) for number in numbers]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    ours = stopper._on_signal
    assert taken == [ours, ours, ours if hang_up == signal.SIG_DFL else signal.SIG_IGN]


def test_a_second_ctrl_c_does_not_wait() -> None:
    stopper = Stopper(None, None)
    stopper._on_signal(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        stopper._on_signal(signal.SIGINT, None)


@pytest.mark.parametrize(("max_steps", "words"), [(5, "0 of 5 steps"), (50, "0 of 12 steps")])
def test_progress_ends_where_training_stops(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch, max_steps: int, words: str
) -> None:
    class Seen(record.Progress):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            assert self.until is not None and time.monotonic() < self.until <= time.monotonic() + 90.0
            raise SystemError(self._line())

    monkeypatch.setattr(record, "Progress", Seen)
    with pytest.raises(SystemError, match=words):
        toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", max_steps=max_steps, max_seconds=90.0)


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[WaveNetModule], Recorder]:
    """Return what makes the record of a module that no trainer trains."""

    def made(module: WaveNetModule) -> Recorder:
        data, group = SimpleNamespace(fingerprint=lambda: "x"), SimpleNamespace(size=1, leads=True)
        optimizer = module.configure_optimizers()
        monkeypatch.setattr(module, "optimizer", lambda: optimizer)
        return Recorder(tmp_path, data, Stopper(None, None), Standing(), {}, group)  # type: ignore[arg-type]

    return made


@pytest.mark.parametrize(
    ("step", "skipped", "weight", "kept"),
    [(0, 0, 1.0, True), (4, 0, 1.0, True), (5, 0, 1.0, True), (5, 0, math.nan, False), (5, 2, 1.0, False)],
)
def test_a_missing_good_state_is_made_of_a_good_one_alone(
    tmp_path: Path, recorder: Callable[[WaveNetModule], Recorder], step: int, skipped: int, weight: float, kept: bool
) -> None:
    module = modules.build(toys.recipe())
    module.step, module.skipped_in_a_row = step, skipped
    module.averaged.hidden.bias.data[0] = weight
    recorder(module)._open(None, module)  # type: ignore[arg-type]
    assert (tmp_path / "checkpoints" / GOOD).is_file() == kept


def test_a_good_state_that_is_there_is_not_replaced_off_the_schedule(
    tmp_path: Path, recorder: Callable[[WaveNetModule], Recorder]
) -> None:
    module = modules.build(toys.recipe())
    for step, good in ((4, 4), (5, 4), (7, 4), (8, 8)):
        module.step = step
        recorder(module)._open(None, module)  # type: ignore[arg-type]
        assert checkpoint.load(tmp_path / "checkpoints" / GOOD).step == good


def test_weights_that_answer_with_what_is_not_finite_make_no_sound_and_end_nothing(
    tmp_path: Path,
    recorder: Callable[[WaveNetModule], Recorder],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record.Voice, "sampler", partialmethod(record.Voice.sampler, backend="reference"))
    module = modules.build(toys.recipe())
    with torch.no_grad():
        for value in module.averaged.parameters():
            value.copy_(value.sign() * 1e30)  # finite, and so many times so much is not
    module.step = 6
    assert module.is_finite()
    recorder(module)._sample(module)
    assert list(tmp_path.iterdir()) == [] and len(said) == 1
    assert said[0].startswith("step 6: no sound: an output of the network") and "is not finite" in said[0]
    assert said[0].endswith("training goes on")


def test_a_sound_that_cannot_be_written_does_not_end_training(
    recorder: Callable[[WaveNetModule], Recorder], monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record.files, "write", full)
    module = modules.build(toys.recipe())
    recorder(module)._sample(module)
    assert len(said) == 1 and said[0].endswith("cannot be written (No space left on device); training goes on")


def test_a_sound_that_training_makes_is_what_its_model_generates(
    tmp_path: Path, recorder: Callable[[WaveNetModule], Recorder]
) -> None:
    for number, share in enumerate((0.0, 0.85)):
        module = modules.build(toys.recipe(output={"preemphasis": share}, train={"sample_seconds": 0.2}))
        module.step = number
        recorder(module)._sample(module)
        voice = record.Voice(module.recipe, module.averaged.arrays())
        sound = voice.generate(seconds=0.2, seed=record.SAMPLE_SEED).save(tmp_path / f"{number}.wav")
        assert sound[0].read_bytes() == (tmp_path / "samples" / f"step-00000{number}-0.wav").read_bytes()


def test_a_second_ctrl_c_during_a_sound_is_no_failed_sound(
    recorder: Callable[[WaveNetModule], Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(record.Voice, "sampler", interrupted)
    module = modules.build(toys.recipe())
    with pytest.raises(KeyboardInterrupt):
        recorder(module)._sample(module)


def test_a_run_goes_back_past_a_damaged_good_state_and_ends_where_nothing_is_left(
    tmp_path: Path, recorder: Callable[[WaveNetModule], Recorder], said: list[str]
) -> None:
    module = modules.build(toys.recipe())
    record = recorder(module)
    for name in (GOOD, LAST):
        record._checkpoint(module, name)
    before = module.network.hidden.bias.detach().clone()
    (tmp_path / "checkpoints" / GOOD).write_bytes(b"torn")
    module.step, module.skipped_in_a_row = 11, 10
    module.network.hidden.bias.data.fill_(math.nan)
    assert record._roll_back(module) and torch.equal(module.network.hidden.bias, before)
    assert (module.step, module.rollbacks, module.skipped_in_a_row) == (11, 1, 0)
    assert len(said) == 1 and "going back to last.safetensors, at step 0" in said[0]
    (tmp_path / "checkpoints" / LAST).unlink()
    assert not record._roll_back(module)
    told = str(record._divergence(module))
    assert "after 1 rollbacks" not in told and "after 1 rollback (" in told and "no checkpoint to go back to" in told
    module.rollbacks = 3
    assert f"after 3 rollbacks (the last was step 11); the last good weights are saved in {tmp_path}" in str(
        record._divergence(module)
    )


def test_tensorboard_is_written_where_it_is_installed(tmp_path: Path, sound_folder: Path) -> None:
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache")
    assert list((run / "tensorboard").glob("events.*"))


def test_nothing_asks_for_tensorboard_where_it_is_missing(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavenet.training.train.find_spec", lambda name: None)
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", max_steps=1)
    assert not (run / "tensorboard").exists()


def test_the_record_says_what_a_sound_was_told(tmp_path: Path) -> None:
    run = told_toys.trained(told_toys.write_sounds(tmp_path / "sounds"), tmp_path / "run", tmp_path / "cache")
    wrote = [line for line in (run / "train.log").read_text().splitlines() if "step-000006-0.wav" in line]
    assert len(wrote) == 1 and re.search(
        r"0\.wav, told the speaker, label, clock and mel of \w+-\w+-[12]\.wav$", wrote[0]
    )
