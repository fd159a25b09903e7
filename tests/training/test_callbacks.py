"""The stopper's reasons, and a standing that survives the checkpoint."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
import toys

from wavenet.training import callbacks
from wavenet.training.callbacks import Standing, Stopper
from wavenet.training.metrics import Window, read


def test_steps_and_time_end_training_and_nothing_else_does() -> None:
    assert not Stopper(None, None).check(10**9)
    steps = Stopper(5, None)
    assert [steps.check(step) for step in (1, 4, 5)] == [False, False, True] and steps.due
    assert Stopper(None, 0.0).check(1)
    assert not Stopper(None, 3600.0).check(1)
    assert Stopper(5, None).until is None
    until = Stopper(None, 3600.0).until
    assert until is not None and 3590.0 < until - time.monotonic() <= 3600.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_training_after_the_step(number: signal.Signals) -> None:
    stopper = Stopper(None, None)
    stopper._on_signal(number, None)
    assert stopper.interrupted() and stopper.signal == number.name and stopper.check(1) and not stopper.due


def test_a_second_ctrl_c_does_not_wait() -> None:
    stopper = Stopper(None, None)
    stopper._on_signal(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        stopper._on_signal(signal.SIGINT, None)


def test_a_standing_comes_back_from_plain_values() -> None:
    standing = Standing(3.5, 2.25, {"valid_bits": 2.25}, Window(1.0, 2.0, 3, 4, 5.0), added_at_stop=["step"])
    state = standing.to_state()
    assert Standing.from_state(state) == standing
    standing.window.targets = 99
    assert state["window"]["targets"] == 3  # a copy


@pytest.mark.parametrize(("max_steps", "words"), [(5, "0 of 5 steps"), (50, "0 of 12 steps")])
def test_progress_ends_where_training_stops(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch, max_steps: int, words: str
) -> None:
    class Seen(callbacks.Progress):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            assert self.until is not None and time.monotonic() < self.until <= time.monotonic() + 90.0
            raise SystemError(self._line())

    monkeypatch.setattr(callbacks, "Progress", Seen)
    with pytest.raises(SystemError, match=words):
        toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", max_steps=max_steps, max_seconds=90.0)


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
