"""From a recipe to a run folder: begin, go on, or say why not."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from wavenet import config
from wavenet.config import Recipe
from wavenet.errors import BundleError, InputError, Terminated
from wavenet.model import bundle
from wavenet.progress import log
from wavenet.training import checkpoint
from wavenet.training import module as modules
from wavenet.training import run as runs
from wavenet.training.callbacks import Recorder, Standing, Stopper
from wavenet.training.data import SoundData
from wavenet.training.module import WaveNetModule

# what one target position costs while training, in numbers kept for the backward pass; measured (LOG.md)
BASE_BYTES = 700 << 20  # Python, torch and lightning themselves


@dataclasses.dataclass(frozen=True)
class Options:
    """How a recipe is trained, beside the recipe itself.

    Args:
        out: the run folder; None takes runs/NAME.
        max_steps: stop when this many steps are done in all.
        max_seconds: stop after this long.
        resume: go on with an unfinished run.
        force: begin anew in the folder of another run.
        init: a model to take the first weights from.
        device: auto, cpu or cuda.
        precision: 32 or bf16.
        compiled: put the training graph through torch.compile.
        cache: where decoded sound is kept.
        dry_run: check everything and say what would be done, but train nothing and write no run folder.
    """

    out: Path | None = None
    max_steps: int | None = None
    max_seconds: float | None = None
    resume: bool = False
    force: bool = False
    init: str | None = None
    device: str = "auto"
    precision: str = "32"
    compiled: bool = False
    cache: Path | None = None
    dry_run: bool = False


def train(
    recipe: str | Path | Recipe, data: str | Path | None = None, overrides: Sequence[str] = (), **options: Any
) -> Path:
    """Train a recipe and return its run folder.

    Args:
        recipe: a path, a name in `recipes/`, or the record itself.
        data: a folder of sound, in place of the recipe's own.
        overrides: ``KEY=VALUE`` at dotted keys.
        options: the fields of `Options`.

    Raises:
        InputError: the recipe, the data, the model to begin from or the run folder cannot be used.
        DivergenceError: ten non-finite steps in a row.
        KeyboardInterrupt: Ctrl-C; the run was saved.
        Terminated: SIGTERM; the run was saved.
    """
    chosen = Options(**options)
    made = recipe if isinstance(recipe, Recipe) else config.load(config.find_recipe(str(recipe)), overrides)
    if data is not None:
        where = str(config.user_path(str(data)).resolve())
        licence = made.data.licence if made.data.path is None else "not stated"  # it was that of the recipe's own sound
        replaced = dataclasses.replace(made.data, path=where, source="auto", licence=licence)
        made = dataclasses.replace(made, data=replaced)
    run = chosen.out or Path("runs") / made.name
    state = runs.state_to_resume(made, run, resume=chosen.resume, force=chosen.force)
    if state is not None and state["step"] >= made.train.steps:
        log.info("%s is finished: %s steps; nothing to do (--force begins anew)", run, f"{state['step']:,}")
        return run
    device = _device(chosen.device)
    if state is not None and device == "cpu":
        torch.set_num_threads(int(state["threads"]))
    sound = SoundData(made, chosen.cache, fixed_width=chosen.compiled)
    sound.prepare()
    module = _module(made, sound, state, chosen)
    line = first_line(module, sound, device, chosen)
    if chosen.dry_run:
        log.info(line)
        log.info("dry run: would train %s steps into %s", f"{made.train.steps - module.step:,}", run)
        return run
    with runs.locked(run, anew=chosen.force), runs.logged(run):
        log.info(line)
        runs.describe(run, made, device)
        _fit(run, module, sound, state=state, device=device, options=chosen)
    return run


def _device(name: str) -> str:
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: this torch sees no CUDA device; take --device cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def _module(recipe: Recipe, sound: SoundData, state: dict[str, Any] | None, options: Options) -> WaveNetModule:
    module = modules.build(recipe, options.compiled)
    if state is not None:
        if state["extra"]["fingerprint"] != sound.fingerprint():
            raise InputError("the sound is not what this run was begun with; give the same files, or --force")
        checkpoint.restore(module, state)
        sound.first_step = module.step
        return module
    if options.init is not None:
        _take_weights(module, options.init)
    else:
        module.network.start_at(sound.alphabet.histogram(sound.target_counts))
    module.averaged.load_state_dict(module.network.state_dict())
    return module


def _take_weights(module: WaveNetModule, model: str) -> None:
    held = bundle.load(bundle.find(model))
    ours, theirs = module.network.state_dict(), held.arrays
    for name in [*ours, *theirs]:
        have = list(theirs[name].shape) if name in theirs else None
        want = list(ours[name].shape) if name in ours else None
        if have != want:
            raise BundleError(
                f"--init {model}: its weight {name} has shape {have}, this recipe's has {want}; "
                "give a model of the same dimensions"
            )
    module.network.load_state_dict({name: torch.from_numpy(value) for name, value in theirs.items()})


# --- the first line --------------------------------------------------------------------------------------------------


def first_line(module: WaveNetModule, sound: SoundData, device: str, options: Options) -> str:
    """Return what a training run says first: device, dtype, size, receptive field, memory, minutes of sound."""
    recipe, shape = module.recipe, module.recipe.shape
    where = f"cpu ({torch.get_num_threads()} threads)" if device == "cpu" else torch.cuda.get_device_name()
    milliseconds = 1000 * shape.receptive_field / recipe.audio.sample_rate
    minutes = sound.minutes()
    note = f", {minutes['trimmed']:.1f} trimmed" if minutes["trimmed"] else ""
    clipped = f", {sound.overshoot:,} samples clipped by the level" if sound.overshoot else ""
    return (
        f"{recipe.name}: {where}, {'bfloat16' if options.precision == 'bf16' else 'float32'}, "
        f"{shape.parameters():,} parameters, receptive field {shape.receptive_field:,} samples "
        f"({milliseconds:.1f} ms), about {memory_estimate(recipe) / 2**30:.1f} GiB of memory, "
        f"{minutes['kept']:.1f} minutes of sound kept, {minutes['dropped']:.1f} dropped{note}{clipped}"
    )


def memory_estimate(recipe: Recipe) -> int:
    """Return the bytes that training takes, about: weights five times over, and what the backward pass keeps.

    Per position and layer: the gathered taps, filter and gate before and after their functions, their product, and
    the residual sum; over all layers the concatenated gates; then the head. Measured peaks lie below (LOG.md).
    """
    shape, T = recipe.shape, recipe.data.segment_samples
    R, G = shape.residual, shape.gate
    inputs = T + shape.receptive_field - 1
    per_layer = sum(layer.kernel * R + 6 * G + 2 * R for layer in shape.layers)
    stacks = inputs * (per_layer + R)
    head = T * (len(shape.layers) * G * 2 + 3 * shape.skip + 3 * shape.head + 4 * shape.outputs)
    return BASE_BYTES + 4 * (5 * shape.parameters() + recipe.train.batch_size * (stacks + head))


# --- training --------------------------------------------------------------------------------------------------------


def _fit(
    run: Path,
    module: WaveNetModule,
    sound: SoundData,
    *,
    state: dict[str, Any] | None,
    device: str,
    options: Options,
) -> None:
    stopper = Stopper(options.max_steps, options.max_seconds)
    standing = Standing.from_state(state["extra"]["standing"]) if state else Standing()
    recorder = Recorder(run, sound, stopper, standing, runs.versions(device))
    if options.max_steps is not None and module.step >= options.max_steps:
        log.info("%s has done %s steps already; nothing to do", run, f"{module.step:,}")
        return
    with _quiet_lightning():
        trainer = pl.Trainer(
            accelerator="gpu" if device == "cuda" else "cpu",
            devices=1,
            precision="bf16-mixed" if options.precision == "bf16" else "32-true",
            max_epochs=1,
            logger=_tensorboard(run),
            callbacks=[stopper, recorder],
            default_root_dir=run,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        try:
            trainer.fit(module, datamodule=sound)
        except SystemExit:  # Lightning's answer to a Ctrl-C before our handlers stand
            raise KeyboardInterrupt from None
    _conclude(run, module, stopper)


def _conclude(run: Path, module: WaveNetModule, stopper: Stopper) -> None:
    total = module.recipe.train.steps
    if module.step >= total:
        log.info("finished %s steps in %s", f"{total:,}", run)
        return
    log.info("stopped at step %s of %s, saved in %s; go on with --resume", f"{module.step:,}", f"{total:,}", run)
    if stopper.reason == "SIGINT":
        raise KeyboardInterrupt
    if stopper.reason == "SIGTERM":
        raise Terminated


def _tensorboard(run: Path) -> Any:
    """Return a logger that writes RUN/tensorboard where that extra is installed, else False."""
    if find_spec("tensorboard") is None:
        return False
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(run, name="tensorboard", version="")


@contextlib.contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Silence what Lightning says of devices and workers: our first line has said it."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # batches are cheap and made in order; workers are the recipe's choice
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # the averaged twin is in evaluation mode on purpose
        warnings.filterwarnings("ignore", message=".*in eval mode at the start of training.*")
        # lightning 2.6 calls a name that torch deprecates
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
        yield
