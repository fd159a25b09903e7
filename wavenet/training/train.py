"""From a recipe to a run folder: begin, go on, or say why not."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from wavenet import disk
from wavenet.errors import STOPS, BundleError, InputError, SoundError, WavenetError, did_you_mean
from wavenet.model import bundle
from wavenet.model.bundle import Arrays
from wavenet.progress import log
from wavenet.recipe import find, read
from wavenet.recipe.records import Recipe
from wavenet.text import many
from wavenet.training import checkpoint, fine_tuning, init, manifest, processes, summary
from wavenet.training import module as modules
from wavenet.training import run as runs
from wavenet.training.checkpoint import Standing, State
from wavenet.training.data import SoundData
from wavenet.training.module import WaveNetModule
from wavenet.training.processes import Group
from wavenet.training.record import Recorder, Stopper


@dataclass(frozen=True)
class Options:
    """What `train` was given beside a recipe and its sound."""

    out: str | Path | None
    max_steps: int | None
    max_seconds: float | None
    resume: bool
    force: bool
    init: str | Path | None
    only: str | None
    device: str
    devices: int | None
    precision: str
    compiled: bool
    cache: str | Path | None
    dry_run: bool


def train(
    recipe: str | Path | Recipe,
    data: str | Path | None = None,
    overrides: Sequence[str] = (),
    *,
    out: str | Path | None = None,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    resume: bool = False,
    force: bool = False,
    init: str | Path | None = None,
    only: str | None = None,
    device: str = "auto",
    devices: int | None = None,
    precision: str | int = "32",
    compiled: bool = False,
    cache: str | Path | None = None,
    dry_run: bool = False,
) -> Path:
    """Train a recipe and return its run folder.

    What it says goes to the logger ``wavenet``, and to stderr where logging was not set up (see `wavenet.progress`).

    Args:
        recipe: a path, a name in `recipes/`, or the record itself.
        data: a folder of sound, in place of the recipe's own.
        overrides: ``KEY=VALUE`` at dotted keys.
        out: the run folder; None takes runs/NAME, or the run folder that was given as the recipe.
        max_steps: stop when this many steps are done in all.
        max_seconds: stop after this long.
        resume: go on with an unfinished run.
        force: start over in the folder of another run.
        init: a model to take the first weights from.
        only: `acoustic` trains what predicts tracks and lengths alone, as the recipe's key `train.only` does.
        device: auto, cpu or cuda.
        devices: processes that train together on this machine; None takes what torchrun or Slurm started, else one.
        precision: 32 or bf16.
        compiled: put the training graph through torch.compile.
        cache: where decoded sound is kept; None takes this user's cache folder.
        dry_run: check everything and say what would be done, but train and write nothing.

    Raises:
        InputError: the recipe, the data, the model to begin from or the run folder cannot be used.
        DivergenceError: ten non-finite steps in a row, again after three rollbacks.
        KeyboardInterrupt: Ctrl-C; the run was saved.
        Terminated: SIGTERM, or SIGHUP (its kind HungUp); the run was saved.
    """
    work = out, max_steps, max_seconds, resume, force, init, only
    how = device, devices, str(precision), compiled, cache, dry_run
    return _begin(recipe, data, overrides, Options(*work, *how))


def _begin(recipe: str | Path | Recipe, data: str | Path | None, overrides: Sequence[str], chosen: Options) -> Path:
    """Train with these options and return the run folder."""
    _check(chosen)
    overrides = [*overrides, *([] if chosen.only is None else [f"train.only={chosen.only}"])]
    group = processes.find_group(chosen.devices)
    if not group.leads:  # the first speaks, and holds the run folder, for all
        log.setLevel(logging.ERROR)
    own = None if isinstance(recipe, Recipe) else find.run_folder(str(recipe))
    made = fine_tuning.recipe_of(recipe, data, overrides, chosen.init)
    cache = None if chosen.cache is None else disk.given_path(str(chosen.cache))
    chosen = replace(chosen, cache=cache, device=_device(chosen.device))
    run = disk.given_path(str(chosen.out)) if chosen.out is not None else own or find.RUNS / made.name
    processes.check_devices(group, chosen.device)
    if group.leads:
        runs.check_place(run)
    holds = group.leads and not chosen.dry_run
    with runs.locked(run) if holds else contextlib.nullcontext(), _out_of_memory_explained(chosen.device):
        _train(made, run, chosen, group)
    return run


def _check(chosen: Options) -> None:
    """Raise InputError where a choice is none of those there are, or two contradict each other."""
    if chosen.resume and chosen.force:
        raise InputError("--resume goes on with a run and --force removes it; give one of them")
    if chosen.devices is not None and chosen.devices < 1:
        raise InputError(f"devices is {chosen.devices}, expected at least 1")
    for name, known in (("device", ("auto", "cpu", "cuda")), ("precision", ("32", "bf16"))):
        value = getattr(chosen, name)
        if value not in known:
            guess = did_you_mean(str(value), known)
            raise InputError(f"{name} is {value!r}, expected one of {', '.join(known)}{guess}")


def _device(name: str) -> str:
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: this torch sees no CUDA device; take --device cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


@contextlib.contextmanager
def _out_of_memory_explained(device: str) -> Iterator[None]:
    """Turn what NumPy and torch raise where there is no more memory into one line."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is the latter; the CPU's has no class
        known = ("out of memory", "can't allocate memory", "ALLOC_FAILED")
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in known):
            raise
        raise WavenetError(
            f"out of memory on {device}; lower train.batch_size or data.segment_samples, or the model's channels"
        ) from None


def _train(recipe: Recipe, run: Path, options: Options, group: Group) -> None:
    """Begin a run or go on with one; of processes that train together only the first writes, and is heard."""
    follows = not group.leads
    state = None if options.force else runs.state_to_resume(recipe, run, resume=options.resume, follows=follows)
    if state is not None:
        _check_devices(run, state, group)
        if options.init is not None:
            log.warning("%s has weights of its own: --init %s is not used", run, options.init)
        if state.finished(recipe.train.steps):
            sound = _same_sound(recipe, run, state, options, group) if group.leads else None
            done = f"{run} is finished: {many(state.step, 'step')}"
            if sound is None or options.dry_run or _is_evaluated(run):
                log.info("%s; nothing to do (--force starts over)", done)
            else:
                log.info("%s; its bundle gets what `wavenet evaluate` says of held-out sound", done)
                _complete(run, sound, state, options, group)
            return
    _check_beside(recipe, state, options, group)
    for warning in summary.warnings(recipe, options.device, group.devices):
        log.warning(warning)
    _set_threads(state, options.device, group)
    sound = _sound(recipe, options, group)
    if state is not None and sound.crops:
        manifest.check(run, state.fingerprint, sound)
    module = _module(recipe, sound, state, options)
    module.rank = group.rank
    lines = summary.lines(module, sound, group, options.device, options.precision) if group.leads else []
    if options.dry_run and group.leads:
        limits = options.max_steps, options.max_seconds
        lines.append(summary.dry_run_line(run, module.step, recipe.train.steps, *limits))
    elif options.force and group.leads:
        runs.clear(run)
    writes = group.leads and not options.dry_run
    with runs.logged(run) if writes else contextlib.nullcontext():
        for line in lines:
            log.info(line)
        if writes:
            manifest.write(run, manifest.rows(sound))
            runs.describe(run, recipe, options.device)
        if not options.dry_run:
            _fit(run, module, sound, state, options, group)


def _check_devices(run: Path, state: State, group: Group) -> None:
    if state.devices != group.size:
        raise InputError(
            f"{run} was started with {many(state.devices, 'device')}, got {group.size}, which would change "
            f"the batches; resume with --devices {state.devices}"
        )


def _check_beside(recipe: Recipe, state: State | None, options: Options, group: Group) -> None:
    """Raise InputError where small networks are to learn alone, beside nothing."""
    if recipe.train.only is not None and state is None and options.init is None and group.leads:
        raise InputError(
            f"--only {recipe.train.only} trains beside a network that has been trained, got none; give one with --init "
            "MODEL, or go on with a run by --resume"
        )


def _set_threads(state: State | None, device: str, group: Group) -> None:
    """Compute with as many threads as a run was started with: sums depend on them. Processes share those there are."""
    if device != "cpu":
        return
    if state is not None:
        torch.set_num_threads(state.threads)
    elif group.devices > 1 and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() // group.devices))


def _sound(recipe: Recipe, options: Options, group: Group) -> SoundData:
    """Return the sound, decoded by the first process of each machine; the others wait for it in the trainer."""
    sound = SoundData(recipe, None if options.cache is None else Path(options.cache), fixed_width=options.compiled)
    sound.pinned, sound.share = options.device == "cuda", (group.rank, group.size)
    if group.local_rank == 0:
        sound.prepare()
    return sound


def _same_sound(recipe: Recipe, run: Path, state: State, options: Options, group: Group) -> SoundData | None:
    """Return the sound of a finished run, None where it is not there any more; InputError where it is other sound."""
    try:
        sound = _sound(recipe, options, group)
    except SoundError:
        if recipe.data.path == read.load(run / "config.yaml").data.path:
            return None
        raise
    manifest.check(run, state.fingerprint, sound)
    return sound


def _is_evaluated(run: Path) -> bool:
    """Return whether a run's bundle says how well it predicts held-out sound; older versions left that out."""
    with contextlib.suppress(BundleError):
        return bool(bundle.load(run / "model").training.get("held_out"))
    return False


def _complete(run: Path, sound: SoundData, state: State, options: Options, group: Group) -> None:
    """Make the bundle of a finished run anew, with what an evaluation says."""
    _set_threads(state, options.device, group)
    module = _module(sound.recipe, sound, state, options)
    recorder = Recorder(run, sound, Stopper(None, None), state.standing, runs.versions(options.device), group)
    with runs.logged(run), _out_of_memory_explained(options.device), contextlib.closing(recorder):
        recorder.evaluate(module.to(options.device))
        if recorder.held_out:
            recorder.save_bundle(module)


def _module(recipe: Recipe, sound: SoundData, state: State | None, options: Options) -> WaveNetModule:
    module = modules.build(recipe, options.compiled)
    if state is not None:
        checkpoint.restore(module, state)
        sound.first_step = module.step
        return module
    taken: Arrays = {}
    if options.init is not None and sound.crops:  # else the first process sends its weights
        values = {} if sound.told is None else sound.told.vocabulary
        phones = () if sound.told is None or sound.told.spoken is None else sound.told.spoken.names
        taken = init.weights(recipe, recipe.shape, values, str(options.init), phones)
    if sound.crops and "output.bias" not in taken:
        module.network.start_at(sound.alphabet.baseline(sound.target_counts))
    first = {name: torch.from_numpy(value) for name, value in taken.items()}
    module.network.load_state_dict(module.network.state_dict() | first)
    module.averaged.load_state_dict(module.network.state_dict())
    return module


# --- training --------------------------------------------------------------------------------------------------------


def _fit(
    run: Path, module: WaveNetModule, sound: SoundData, state: State | None, options: Options, group: Group
) -> None:
    device = options.device
    stopper = Stopper(options.max_steps, options.max_seconds)
    standing = Standing() if state is None else state.standing
    recorder = Recorder(run, sound, stopper, standing, runs.versions(device), group)
    if options.max_steps is not None and module.step >= options.max_steps:
        log.info("%s has done %s already; nothing to do", run, many(module.step, "step"))
        return
    if group.size > 1:  # else Lightning would choose the threads anew
        os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))
    others = processes.started(_command(run, options, group), group)
    with others, _out_of_memory_explained(device), _quiet(), contextlib.closing(recorder):
        _run_trainer(run, module, sound, [stopper, recorder], options, group)
    _conclude(run, module, stopper)


def _run_trainer(
    run: Path, module: WaveNetModule, sound: SoundData, callbacks: list[pl.Callback], options: Options, group: Group
) -> None:
    """Fit the network; nothing of Lightning is held afterwards, so that the processes can part."""
    trainer = pl.Trainer(
        accelerator="gpu" if options.device == "cuda" else "cpu",
        **group.trainer_arguments(),
        precision="bf16-mixed" if options.precision == "bf16" else "32-true",
        max_epochs=1,
        logger=_tensorboard(run),
        callbacks=callbacks,
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


def _command(run: Path, options: Options, group: Group) -> list[str]:
    """Return what the processes beside the first run; it has written the whole recipe, and says when to stop."""
    words = ["train", run / "config.yaml", "--out", run, "--resume", "-v", "--devices", group.devices]
    words += ["--device", options.device, "--precision", options.precision]
    words += ["--compile"] if options.compiled else []
    words += [] if options.cache is None else ["--cache", options.cache]
    return [sys.executable, "-m", "wavenet", *map(str, words)]


def _conclude(run: Path, module: WaveNetModule, stopper: Stopper) -> None:
    total = module.recipe.train.steps
    if module.step >= total and stopper.signal is None:
        log.info("finished %s in %s", many(total, "step"), run)
        return
    log.info("stopped at step %s of %s, saved in %s; go on with --resume", f"{module.step:,}", f"{total:,}", run)
    if stopper.signal is not None:
        raise STOPS[stopper.signal]


def _tensorboard(run: Path) -> Any:
    """Return a logger that writes RUN/tensorboard where that extra is installed, else False."""
    if find_spec("tensorboard") is None:
        return False
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(run, name="tensorboard", version="")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says of devices and workers: our first line has said it."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # batches are cheap and made in order; workers are the recipe's choice
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # whoever has a GPU and says --device cpu means it
        warnings.filterwarnings("ignore", message=".*available but not used.*")
        # the averaged twin is in evaluation mode on purpose
        warnings.filterwarnings("ignore", message=".*in eval mode at the start of training.*")
        # lightning 2.6 calls a name that torch deprecates
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
        yield
