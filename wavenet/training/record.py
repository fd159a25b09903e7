"""What happens around the training step: stopping, and the run folder's record of it.

The order at the end of every step is fixed: held-out score, sound, row, checkpoint. A record that a signal cuts short
is made up for when the run goes on, and what a stop added to metrics.csv is taken out again, so that it leaves the same
record as one that never stopped.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch

from wavenet import disk, pictures
from wavenet.audio import files
from wavenet.errors import DivergenceError, WavenetError, stop_signals
from wavenet.evaluation import bits
from wavenet.evaluation.bits import Score
from wavenet.generate.voice import Voice
from wavenet.model import bundle
from wavenet.model.bundle import Bundle
from wavenet.progress import Progress, log
from wavenet.text import many
from wavenet.training import checkpoint
from wavenet.training.checkpoint import GOOD
from wavenet.training.data import SoundData
from wavenet.training.metrics import Metrics, Window
from wavenet.training.module import WaveNetModule
from wavenet.training.processes import Group, agreed, check_same

BAD_STEPS = 10  # non-finite steps in a row after which training goes back to the last good state
ROLLBACKS = 3  # of a run; then it stops
SAMPLE_SEED = 1  # of the sounds made while training: the same at every step, so that they can be compared


class Stopper(pl.Callback):
    """Ends training early, between two steps: Ctrl-C, SIGTERM, SIGHUP, --max-time, --max-steps.

    Args:
        max_steps: stop when this many steps are done in all.
        max_seconds: stop after this long in this process.

    Attributes:
        signal: the name of the signal that asked to stop, or None.
        due: whether the steps or the time are up.
    """

    def __init__(self, max_steps: int | None, max_seconds: float | None) -> None:
        self.max_steps, self.max_seconds = max_steps, max_seconds
        self.signal: str | None = None
        self.due = False
        self._began = time.monotonic()

    @property
    def until(self) -> float | None:
        """When training stops, by `time.monotonic()`; None where no time is set."""
        return None if self.max_seconds is None else self._began + self.max_seconds

    def interrupted(self) -> bool:
        """Return whether a signal asked to stop; long work between two steps asks this."""
        return self.signal is not None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the signals over from Lightning, which would end the process before anything is saved."""
        if threading.current_thread() is threading.main_thread():
            for number in stop_signals():
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted() and number == signal.SIGINT:
            raise KeyboardInterrupt  # a second Ctrl-C does not wait
        self.signal = signal.Signals(number).name

    def check(self, step: int) -> bool:
        """Return whether training ends after this step."""
        steps_up = self.max_steps is not None and step >= self.max_steps
        time_up = self.until is not None and time.monotonic() >= self.until
        self.due = self.due or steps_up or time_up
        return self.due or self.interrupted()


@dataclass
class Standing:
    """What the record knows of the run so far; part of the checkpoint."""

    seconds: float = 0.0
    best_bits: float = math.inf
    valid: dict[str, Any] = field(default_factory=dict)  # the newest score, as the bundle carries it
    window: Window = field(default_factory=Window)
    unrecorded: bool = False  # a signal cut the record of the newest step short
    added_at_stop: list[str] = field(default_factory=list)  # to the newest row; taken out again when the run goes on

    def to_state(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "window": vars(self.window).copy(), "valid": dict(self.valid)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Standing:
        """Return what `to_state` was made of."""
        return cls(**{**state, "window": Window(**state["window"])})


class Recorder(pl.Callback):
    """Keeps the run folder: metrics.csv, held-out scores, sounds with pictures, checkpoints and the bundle.

    Args:
        run: the run folder.
        data: the prepared sound.
        stopper: asked whether a step is the last.
        standing: where a resumed run stands.
        versions: what the bundle says of the programs it was made with.
        group: the processes that train together; only the first of them keeps the record.
    """

    def __init__(
        self, run: Path, data: SoundData, stopper: Stopper, standing: Standing, versions: dict[str, Any], group: Group
    ) -> None:
        self.run, self.data, self.stopper, self.standing, self.versions = run, data, stopper, standing, versions
        self.group = group
        self._progress: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the record; rows past the checkpoint are dropped, a record that was cut short is made up for."""
        assert isinstance(pl_module, WaveNetModule)
        check_same(pl_module.step, pl_module.device)
        whole = not self.group.leads or self._open(trainer, pl_module)
        if agreed(not whole, pl_module.device):  # cut short again: a step from here would record itself instead
            trainer.should_stop = True

    def _open(self, trainer: pl.Trainer, module: WaveNetModule) -> bool:
        """Open the record, and make up for what is missing; return whether that was not cut short."""
        added = ["step"] if self.standing.unrecorded else self.standing.added_at_stop
        with disk.explained(self.run / "metrics.csv", checkpoint.REMEDY):
            self.metrics = Metrics(self.run / "metrics.csv", module.step, added)
        self.standing.added_at_stop = []
        last = min(module.recipe.train.steps, self.stopper.max_steps or module.recipe.train.steps)
        self._progress = Progress("training", last, "steps", first=module.step, until=self.stopper.until)
        self._tick = time.monotonic()
        missing = not (self.run / "checkpoints" / GOOD).is_file()
        if self._is_good(module) or (missing and not module.skipped_in_a_row and module.is_finite()):
            # something to go back to from the first step on; and a kill may have come between last.ckpt and its twin
            self._checkpoint(module, GOOD)
        if self.standing.unrecorded:
            if not self._record(trainer, module):
                return False
            self.save(module)
        return True

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record one step, in the fixed order; then end training where that is due."""
        assert isinstance(pl_module, WaveNetModule)
        module, train = pl_module, pl_module.recipe.train
        last = module.step >= train.steps
        if self.group.leads and self._progress is not None:
            self._add(outputs)
            self._progress.advance(1, f"{outputs['bits']:.3f} bits/sample")
            self._record(trainer, module)
        # asked once: a signal after this waits for the next step
        stop = agreed(self.stopper.check(module.step), module.device)
        diverged = module.skipped_in_a_row >= BAD_STEPS and not self._roll_back(module)
        if self.group.leads:
            score = None
            if self.stopper.due and not last and self.standing.valid.get("valid_step") != module.step:
                score = self._validate(module)  # off the schedule: told, and kept in the bundle, but never the best
            if stop or diverged:
                self._row_at_stop(module, score)
            if last or stop or diverged or module.step % train.save_steps == 0:
                self.save(module)
        if diverged:
            raise self._divergence(module)
        trainer.should_stop = stop

    def _roll_back(self, module: WaveNetModule) -> bool:
        """Go back to the last good state at a lower rate; return False where none is left, or it was done too often."""
        if module.rollbacks >= ROLLBACKS:
            return False
        state = checkpoint.to_go_back_to(self.run / "checkpoints", module)
        check_same(-1 if state is None else int(state["step"]), module.device)
        if state is None:
            return False
        checkpoint.roll_back(module, self._optimizer(module), state)
        self._say(
            f"step {module.step:,}: {BAD_STEPS} non-finite steps in a row; going on with the weights of step "
            f"{state['step']:,}, new batches and half the rate (rollback {module.rollbacks} of {ROLLBACKS})"
        )
        return True

    def _divergence(self, module: WaveNetModule) -> DivergenceError:
        """Return what ends a run that cannot go back any more."""
        spent = module.rollbacks >= ROLLBACKS
        left = f"the last good weights are saved in {self.run}" if spent else "no checkpoint to go back to is left"
        return DivergenceError(
            f"{BAD_STEPS} steps in a row had a non-finite loss or gradient, after {many(module.rollbacks, 'rollback')} "
            f"(the last was step {module.step:,}); {left}: lower train.learning_rate and begin anew, or check the data"
        )

    def _record(self, trainer: pl.Trainer, module: WaveNetModule) -> bool:
        """Score, sound and row of one step where they are due; return whether nothing was cut short."""
        step, train = module.step, module.recipe.train
        last, score = step >= train.steps, None
        self.standing.unrecorded = True
        if last or step % train.validate_steps == 0:
            score = self._validate(module)
            if score is None and self.stopper.interrupted():
                return False
            if score is not None and score.bits < self.standing.best_bits:
                self.standing.best_bits = score.bits
                self._checkpoint(module, "best.ckpt")
        if (last or step % train.sample_steps == 0) and not self._sample(module):
            return False
        if score is not None or step % train.log_steps == 0:
            self._row(trainer, module, score)
        self.standing.unrecorded = False
        return True

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Close the bar."""
        self._close()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Close the bar."""
        self._close()

    def _close(self) -> None:
        if self._progress is not None:
            self._progress.__exit__(None, None, None)

    def _say(self, line: str) -> None:
        (self._progress.say if self._progress is not None else log.info)(line)

    def _add(self, outputs: dict[str, Any]) -> None:
        now = time.monotonic()
        window = self.standing.window
        window.seconds += now - self._tick
        self.standing.seconds += now - self._tick
        self._tick = now
        if outputs["finite"]:
            window.bits += outputs["bits"]
            window.norm += outputs["norm"]
            window.targets += outputs["targets"]
            window.steps += 1
        else:
            self._say("a non-finite loss or gradient: this step was skipped")

    def _row(self, trainer: pl.Trainer, module: WaveNetModule, score: Score | None) -> None:
        row = self._numbers(module, score)
        with disk.explained(self.metrics.path, checkpoint.REMEDY):
            self.metrics.append(row)
        if trainer.logger is not None:
            numbers = {name: float(value) for name, value in row.items() if value != ""}
            trainer.logger.log_metrics(numbers, module.step)
        self.standing.window = Window()

    def _row_at_stop(self, module: WaveNetModule, score: Score | None) -> None:
        """Write what is known where training ends; the sums for the next row on the schedule stay as they are."""
        with disk.explained(self.metrics.path, checkpoint.REMEDY):
            self.standing.added_at_stop = self.metrics.add_at_stop(self._numbers(module, score))

    def _numbers(self, module: WaveNetModule, score: Score | None) -> dict[str, Any]:
        """Return a row of this step, and say what was learnt since the one before."""
        row: dict[str, Any] = {
            "step": module.step,
            "learning_rate": module.rate(module.step - 1),
            "skipped": module.skipped,
            "seconds": round(self.standing.seconds, 1),
            **self.standing.window.columns(),
        }
        if score is not None:
            row |= {"valid_bits": score.bits, "uniform_bits": score.uniform, "order0_bits": score.order0}
        if self.standing.window.steps:
            learnt = f"{row['train_bits']:.3f} bits/sample in training"
            self._say(f"step {module.step:,}: {learnt}, {row['targets_per_second']:,} targets/s")
        return row

    def _validate(self, module: WaveNetModule) -> Score | None:
        train = module.recipe.train
        batches = self.data.crops["valid"].in_order(train.batch_size, train.validate_targets)
        score = bits.score(module.averaged, batches, module.alphabet, self.data.counts, self.stopper.interrupted)
        if score is None:
            return None
        self._tick = time.monotonic()  # time spent here is not training time
        self.standing.valid = {
            "valid_step": module.step,
            "valid_bits": score.bits,
            "uniform_bits": score.uniform,
            "order0_bits": score.order0,
            "valid_targets": score.targets,
        }
        self._say(
            f"step {module.step:,}: held-out {score.bits:.3f} bits/sample "
            f"(uniform {score.uniform:.3f}, order-0 {score.order0:.3f}; {score.targets:,} targets)"
        )
        return score

    def _sample(self, module: WaveNetModule) -> bool:
        """Write a sound of the averaged weights and its picture; return False where a signal cut it short."""
        train, rate = module.recipe.train, module.recipe.audio.sample_rate
        if not module.is_finite():
            log.warning("step %s: no sound: the weights are not all finite", f"{module.step:,}")
            return True
        voice, parts = Voice(module.recipe, module.averaged.arrays()), []
        try:
            for part in voice.stream(seconds=train.sample_seconds, seed=SAMPLE_SEED, chunk=200):
                parts.append(part[0])
                if self.stopper.interrupted():
                    return False
        except WavenetError as error:  # finite weights may answer with what is not: that is for the rollback to mend
            log.warning("step %s: no sound: %s; training goes on", f"{module.step:,}", str(error).partition(";")[0])
            return True
        wave = np.concatenate(parts)
        path = self.run / "samples" / f"step-{module.step:06d}-0.wav"
        try:
            files.write(path, wave, rate, voice.bits, files.SOFTWARE)
            pictures.spectrogram(path.with_suffix(".png"), wave, rate, f"{module.recipe.name}, step {module.step:,}")
        except OSError as error:
            log.warning("%s cannot be written (%s); training goes on", path, error.strerror or error)
        else:
            self._say(f"step {module.step:,}: wrote {path}")
        self._tick = time.monotonic()
        return True

    def save(self, module: WaveNetModule) -> None:
        """Write the bundle, then the checkpoint: a bundle that is ahead is made again when the run goes on.

        Raises:
            WavenetError: one of them cannot be written.
        """
        training = {
            "steps": module.step,
            "steps_planned": module.recipe.train.steps,
            "skipped_steps": module.skipped,
            "rollbacks": module.rollbacks,
            "seconds": round(self.standing.seconds, 1),
            **self.standing.valid,
            **self.versions,
        }
        if not module.is_finite():  # nothing could read such a bundle
            log.warning("step %s: the weights are not all finite; the model saved before stays", f"{module.step:,}")
        else:
            held = Bundle(module.recipe, module.averaged.arrays(), self.data.provenance(), training)
            with disk.explained(f"the bundle {self.run / 'model'}", checkpoint.REMEDY):
                bundle.save(self.run / "model", held)
        self._checkpoint(module, "last.ckpt")
        if self._is_good(module):
            # after last.ckpt: what is gone back to must never be ahead of where a killed run goes on
            checkpoint.keep_as(self.run / "checkpoints" / "last.ckpt", self.run / "checkpoints" / GOOD)

    def _is_good(self, module: WaveNetModule) -> bool:
        """Return whether this is a state to go back to: on the schedule alone, so that it depends on no stop."""
        on_schedule = module.step % module.recipe.train.save_steps == 0
        return on_schedule and not module.skipped_in_a_row and module.is_finite()

    def _optimizer(self, module: WaveNetModule) -> torch.optim.Optimizer:
        optimizer = module.optimizers()
        assert isinstance(optimizer, pl.core.optimizer.LightningOptimizer)
        inner: torch.optim.Optimizer = optimizer.optimizer
        return inner

    def _checkpoint(self, module: WaveNetModule, name: str) -> None:
        told = {"fingerprint": self.data.fingerprint(), "devices": self.group.size}
        extra = {"standing": self.standing.to_state(), **told}
        checkpoint.save(self.run / "checkpoints" / name, module, self._optimizer(module), extra)
