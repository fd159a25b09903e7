"""The stopper's reasons, and a standing that survives the checkpoint."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import toys

from wavenet.training import callbacks
from wavenet.training.callbacks import Standing, Stopper, Window
from wavenet.training.metrics import read


def test_steps_and_time_end_training_and_nothing_else_does() -> None:
    assert not Stopper(None, None).check(10**9)
    steps = Stopper(5, None)
    assert [steps.check(step) for step in (1, 4, 5)] == [False, False, True] and steps.due
    assert Stopper(None, 0.0).check(1)
    assert not Stopper(None, 3600.0).check(1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_training_after_the_step(number: signal.Signals) -> None:
    stopper = Stopper(None, None)
    stopper._on_signal(number, None)
    assert stopper.interrupted() and stopper.signal == number.name and stopper.check(1) and not stopper.due


@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.parametrize("hang_up", [signal.SIG_DFL, signal.SIG_IGN])
def test_training_takes_the_signals_over_but_for_one_that_nohup_has_ignored(
    deaf: bool, hang_up: signal.Handlers
) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    stopper = Stopper(None, None, deaf)
    try:
        signal.signal(signal.SIGHUP, hang_up)
        stopper.on_train_start(None, None)  # type: ignore[arg-type]
        taken = [signal.getsignal(number) for number in numbers]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    ours = signal.SIG_IGN if deaf else stopper._on_signal
    assert taken == [ours, ours, ours if hang_up == signal.SIG_DFL else signal.SIG_IGN]


def test_a_second_ctrl_c_does_not_wait() -> None:
    stopper = Stopper(None, None)
    stopper._on_signal(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        stopper._on_signal(signal.SIGINT, None)


def test_a_standing_comes_back_from_plain_values() -> None:
    standing = Standing(3.5, 2.25, {"valid_bits": 2.25}, Window(1.0, 2.0, 3, 4, 5.0))
    state = standing.to_state()
    assert Standing.from_state(state) == standing
    standing.window.targets = 99
    assert state["window"]["targets"] == 3  # a copy


def test_a_sound_that_cannot_be_written_does_not_end_training(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(callbacks.files, "write", full)
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache")
    assert read(run / "metrics.csv")[-1]["step"] == "12"
    assert "No space left on device" in (run / "train.log").read_text()


def test_tensorboard_is_written_where_it_is_installed(tmp_path: Path, sound_folder: Path) -> None:
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache")
    assert list((run / "tensorboard").glob("events.*"))


def test_nothing_asks_for_tensorboard_where_it_is_missing(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavenet.training.fit.find_spec", lambda name: None)
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", max_steps=1)
    assert not (run / "tensorboard").exists()
