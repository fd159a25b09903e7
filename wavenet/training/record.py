"""What happens around the training step: stopping, and the run folder's record of it.

The order at the end of every step is fixed: held-out score, sound, row, checkpoint. A record that a signal cuts short
is made again when the run goes on, and the row that a stop added is dropped, so that a stopped run leaves the same
record as one that never stopped.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

import lightning.pytorch as pl
import numpy as np

from wavenet import pictures
from wavenet.audio import files
from wavenet.errors import DivergenceError, WavenetError, stop_signals
from wavenet.evaluation import bits
from wavenet.generate.voice import Voice
from wavenet.model import bundle
from wavenet.model.bundle import Bundle
from wavenet.outputs import Condition
from wavenet.progress import Progress, log
from wavenet.text import joined, many, printable
from wavenet.training import checkpoint, metrics
from wavenet.training.checkpoint import BEST, GOOD, LAST, Standing, Window
from wavenet.training.data import SoundData
from wavenet.training.final_score import evaluated
from wavenet.training.module import WaveNetModule
from wavenet.training.processes import Group, agreed, check_same

BAD_STEPS = 10  # non-finite steps in a row after which training goes back to the last good state
ROLLBACKS = 3  # of a run; then it stops
SMALL_LOSSES = ("distance", "length_nats")  # of tracks and of lengths of phones, as a step names them
SAMPLE_SEED = 1  # of the sounds made while training: the same at every step, so that they can be compared


class Stopper(pl.Callback):
    """Ends training early, between two steps: Ctrl-C, SIGTERM, SIGHUP, --max-time, --max-steps.

    Args:
        max_steps: stop when this many steps are done in all.
        max_seconds: stop after this long in this process.
    """

    def __init__(self, max_steps: int | None, max_seconds: float | None) -> None:
        self.max_steps = max_steps
        self.until = None if max_seconds is None else time.monotonic() + max_seconds
        self.signal: str | None = None  # that asked to stop
        self.due = False  # whether the steps or the time are up

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


class Recorder(pl.Callback):
    """Keeps the run folder: metrics.csv, held-out scores, sounds with pictures, checkpoints and the bundle.

    Of processes that train together only the first does; `versions` is what the bundle says of the programs.
    """

    def __init__(
        self, run: Path, data: SoundData, stopper: Stopper, standing: Standing, versions: dict[str, Any], group: Group
    ) -> None:
        self.run, self.data, self.stopper, self.standing, self.versions = run, data, stopper, standing, versions
        self.group = group
        self.folder, self.table = run / "checkpoints", run / "metrics.csv"
        self.held_out: dict[str, Any] = {}  # what an evaluation says, once: it is the last thing before training ends
        self._summary: list[str] = []  # of that evaluation
        self._progress: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the record; rows past the checkpoint are dropped, a record that was cut short is completed."""
        assert isinstance(pl_module, WaveNetModule)
        check_same(pl_module.step, pl_module.device)
        cut_short = self.standing.unrecorded  # in all processes: it is in the checkpoint
        if self.group.leads:
            self._open(trainer, pl_module)
        if self._is_cut_short(pl_module):  # by a signal, again
            trainer.should_stop = True
        elif cut_short:
            self._end_step(pl_module, save=True)

    def _open(self, trainer: pl.Trainer, module: WaveNetModule) -> None:
        steps = module.recipe.train.steps
        metrics.reopen(self.table, self.standing.row)
        last = min(steps, self.stopper.max_steps or steps)
        self._progress = Progress("training", last, "steps", first=module.step, until=self.stopper.until)
        self._tick = time.monotonic()
        if self._is_good(module):
            # something to go back to from the first step on; and a kill may have come between LAST and its twin
            self._checkpoint(module, GOOD)
        if self.standing.unrecorded:
            self._record(trainer, module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Record one step, in the fixed order; then end training where that is due."""
        assert isinstance(pl_module, WaveNetModule)
        module, train = pl_module, pl_module.recipe.train
        last = module.step >= train.steps
        if self.group.leads and self._progress is not None:
            self._add(outputs)
            self._progress.advance(1, metrics.in_words(*map(outputs.get, ("bits", *SMALL_LOSSES))))
            self._record(trainer, module)
        # asked once: a signal after this waits for the next step
        stop = agreed(self.stopper.check(module.step), module.device)
        self._end_step(module, save=last or stop or module.step % train.save_steps == 0, stop=stop)
        trainer.should_stop = stop

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Wait for the first process, which evaluates and saves: a launcher may take one that is gone for the end."""
        assert isinstance(pl_module, WaveNetModule)
        agreed(False, pl_module.device)

    def _is_cut_short(self, module: WaveNetModule) -> bool:
        """Return whether a signal left the record of the newest step incomplete; the first process knows it for all."""
        return agreed(self.group.leads and self.standing.unrecorded, module.device)

    def _end_step(self, module: WaveNetModule, *, save: bool, stop: bool = False) -> None:
        """Go back from a diverged step, once its record is complete, and save; raise DivergenceError at the end."""
        diverged = module.skipped_in_a_row >= BAD_STEPS and not self._is_cut_short(module)
        diverged = diverged and not self._roll_back(module)
        if self.group.leads:
            last = module.step >= module.recipe.train.steps
            if self.stopper.due and not last:  # off the schedule: shown, and kept in the bundle, but never the best
                if self.standing.valid.get("valid_step") != module.step:
                    self._validate(module)
                self.evaluate(module)
            if stop or diverged:
                self._add_row_of_stop(module)
            if save or diverged:
                self.save(module)
        if diverged:
            raise self._divergence(module)

    def close(self) -> None:
        """End the progress bar, and say what the evaluation found."""
        if self._progress is not None:
            self._progress.__exit__(None, None, None)
        for line in self._summary:
            log.info("%s", line)

    def _roll_back(self, module: WaveNetModule) -> bool:
        """Go back to the last good state at a lower rate; return False where none is left, or it was done too often."""
        if module.rollbacks >= ROLLBACKS:
            return False
        state = checkpoint.to_go_back_to(self.folder, module)
        check_same(-1 if state is None else state.step, module.device)
        if state is None:
            return False
        checkpoint.roll_back(module, module.optimizer(), state)
        self._say(
            f"step {module.step:,}: {BAD_STEPS} non-finite steps in a row; going on with the weights of step "
            f"{state.step:,}, new batches and half the learning rate (rollback {module.rollbacks} of {ROLLBACKS})"
        )
        return True

    def _divergence(self, module: WaveNetModule) -> DivergenceError:
        """Return what ends a run that cannot go back any more."""
        spent = module.rollbacks >= ROLLBACKS
        left = f"the last good weights are saved in {self.run}" if spent else "no checkpoint to go back to is left"
        return DivergenceError(
            f"{BAD_STEPS} steps in a row had a non-finite loss or gradient, after {many(module.rollbacks, 'rollback')} "
            f"(the last was step {module.step:,}); {left}: lower train.learning_rate and start over, or check the data"
        )

    # --- a step's record ---------------------------------------------------------------------------------------------

    def _record(self, trainer: pl.Trainer, module: WaveNetModule) -> None:
        """Make score, sound and row of one step where they are due; score or sound cut short leave it `unrecorded`."""
        step, train, standing = module.step, module.recipe.train, self.standing
        last = step >= train.steps
        scored, heard = (last or step % every == 0 for every in (train.validate_steps, train.sample_steps))
        standing.unrecorded = True
        if scored:
            score = self._validate(module)
            best = math.inf if standing.best_bits is None else standing.best_bits
            if score is not None and score < best:
                standing.best_bits = score
                self._checkpoint(module, BEST)
        if last and not self.stopper.interrupted():
            self.evaluate(module)
        if heard and not self.stopper.interrupted():
            self._sample(module)
        if (scored or heard) and self.stopper.interrupted():
            return
        if scored or step % train.log_steps == 0:
            standing.row = self._row(module)
            metrics.append(self.table, standing.row)
            if trainer.logger is not None:
                trainer.logger.log_metrics({name: float(value) for name, value in standing.row.items() if value}, step)
            standing.window = Window()
        standing.unrecorded = False

    def _add_row_of_stop(self, module: WaveNetModule) -> None:
        """Add the row of a stop, or its score to the row that this step has; a resumed run drops it again."""
        stop, row = self._row(module), self.standing.row
        if row.get("step") == stop["step"]:
            metrics.reopen(self.table, row | {name: stop[name] for name in (*metrics.SCORES, *metrics.EVALUATION)})
        else:
            metrics.append(self.table, stop)

    def _say(self, line: str) -> None:
        (self._progress.say if self._progress is not None else log.info)(line)

    def _add(self, outputs: dict[str, Any]) -> None:
        """Add what a step returned to the sums of the next row."""
        now, window = time.monotonic(), self.standing.window
        window.seconds += now - self._tick
        self.standing.seconds += now - self._tick
        self._tick = now
        if outputs["finite"]:
            window.bits += outputs.get("bits", 0.0)
            window.norm += outputs["norm"]
            window.targets += outputs.get("targets", 0)
            window.steps += 1
            for name in SMALL_LOSSES:
                if name in outputs:
                    setattr(window, name, (getattr(window, name) or 0.0) + outputs[name])
        else:
            self._say("a non-finite loss or gradient: this step was skipped")

    def _row(self, module: WaveNetModule) -> dict[str, str]:
        """Return a row of this step, and say what was learnt since the one before."""
        row: dict[str, Any] = {
            "step": module.step,
            "learning_rate": module.rate(module.step - 1),
            "skipped": module.skipped,
            "seconds": round(self.standing.seconds, 1),
            **metrics.columns(self.standing.window),
        }
        if self.standing.valid.get("valid_step") == module.step:
            row |= {name: self.standing.valid.get(name, "") for name in metrics.SCORES}
        for column, name in metrics.EVALUATION.items():
            row[column] = "" if self.held_out.get(name) is None else self.held_out[name]
        if self.standing.window.steps:
            learnt = metrics.in_words(row["train_bits"], row["track_distance"], row["length_nats"])
            rate = "" if module.alone else f", {row['targets_per_second']:,} targets/s"
            self._say(f"step {module.step:,}: {learnt} in training{rate}")
        return metrics.as_text(row)

    def _validate(self, module: WaveNetModule) -> float | None:
        """Keep and return the held-out score of the averaged weights; None where a signal cut it short.

        It is of tracks where the small networks learn alone, and any are predicted.
        """
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
        said = f"uniform {score.uniform:.3f}, order-0 {score.order0:.3f}; {score.targets:,} targets"
        tracks = "" if score.distance is None else f", predicted tracks off by {score.distance:.3f}"
        self.standing.valid |= {} if score.distance is None else {"valid_distance": score.distance}
        self._say(f"step {module.step:,}: held-out {score.bits:.3f} bits/sample ({said}){tracks}")
        return score.distance if module.alone and score.distance is not None else score.bits

    def evaluate(self, module: WaveNetModule) -> None:
        """Say and keep how well the averaged weights predict whole held-out files; a signal leaves that out."""
        if not module.is_finite():
            return
        try:
            found = evaluated(self.run / "model", module, self.data, self.stopper.interrupted)
        except DivergenceError as error:
            log.warning("step %s: %s", f"{module.step:,}", error)
        else:
            if found is not None:
                made, self.held_out = found
                self._summary = [made.summary(), *made.predictions.to_text()]
        self._tick = time.monotonic()

    def _sample(self, module: WaveNetModule) -> None:
        """Write a sound of the averaged weights and its picture; none where a signal cut it short."""
        train, rate, step = module.recipe.train, module.recipe.audio.sample_rate, f"step {module.step:,}"
        if not module.is_finite():
            log.warning("%s: no sound: the weights are not all finite", step)
            return
        voice, parts = Voice(module.recipe, module.averaged.arrays()), []
        try:
            condition, told = self._told(module)
            source = voice.sampler(seed=SAMPLE_SEED, condition=condition)
            for part in source.generate(voice.length(train.sample_seconds, None), 200):
                parts.append(part.wave[0])
                if self.stopper.interrupted():
                    return
        except WavenetError as error:  # finite weights may give results that are not: the rollback repairs that
            log.warning("%s: no sound: %s; training goes on", step, str(error).partition(";")[0])
            return
        wave = np.concatenate(parts)
        path = self.run / "samples" / f"step-{module.step:06d}-0.wav"
        try:
            files.write(path, wave, rate, voice.bits, files.SOFTWARE)
            pictures.spectrogram(path.with_suffix(".png"), wave, rate, f"{module.recipe.name}, {step}")
        except OSError as error:
            log.warning("%s cannot be written (%s); training goes on", path, error.strerror or error)
        else:
            self._say(f"{step}: wrote {path}{told}")
        self._tick = time.monotonic()

    def _told(self, module: WaveNetModule) -> tuple[Condition | None, str]:
        """Return what the network is told when it makes a sound, as for the first held-out one; and in words."""
        if module.recipe.condition is None or self.data.told is None:
            return None, ""
        clip = self.data.spans["valid"][0].clip
        condition = self.data.told.condition.of([clip])
        names = [name for name, _ in (*condition.shape.told.fields, *condition.shape.told.tracks)]
        return condition, f", told the {joined(names)} of {printable(self.data.sound.entries[clip].name)}"

    # --- saving ------------------------------------------------------------------------------------------------------

    def save(self, module: WaveNetModule) -> None:
        """Write the bundle, then the checkpoint: a bundle that is ahead is made again when the run goes on.

        Raises:
            WavenetError: one of them cannot be written.
        """
        if not module.is_finite():  # nothing could read such a bundle
            log.warning("step %s: the weights are not all finite; the model saved before is kept", f"{module.step:,}")
        else:
            self.save_bundle(module)
        self._checkpoint(module, LAST)
        if self._is_good(module):
            # after LAST: what is gone back to must never be ahead of where a killed run goes on
            checkpoint.keep_as(self.folder / LAST, self.folder / GOOD)

    def save_bundle(self, module: WaveNetModule) -> None:
        """Write the bundle of the averaged weights; WavenetError where that cannot be done."""
        training = {
            "steps": module.step,
            "steps_planned": module.recipe.train.steps,
            "skipped_steps": module.skipped,
            "rollbacks": module.rollbacks,
            "seconds": round(self.standing.seconds, 1),
            **self.standing.valid,
            "held_out": self.held_out,
            **self.versions,
        }
        held = Bundle(module.recipe, module.averaged.arrays(), self.data.provenance(), training)
        with checkpoint.explained(f"the bundle {self.run / 'model'}"):
            bundle.save(self.run / "model", held)

    def _is_good(self, module: WaveNetModule) -> bool:
        """Return whether this is a state to go back to: on the schedule, whatever stops it, or the first."""
        due = module.step % module.recipe.train.save_steps == 0 or not (self.folder / GOOD).is_file()
        return due and not module.skipped_in_a_row and module.is_finite()

    def _checkpoint(self, module: WaveNetModule, name: str) -> None:
        about = self.standing, self.data.fingerprint(), self.group.size
        checkpoint.save(self.folder / name, module, module.optimizer(), *about)
