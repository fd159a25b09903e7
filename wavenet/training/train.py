"""From a recipe to a run folder: begin, go on, or say why not."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from wavenet import disk, text
from wavenet.errors import STOPS, BundleError, InputError, SoundError, WavenetError
from wavenet.inspection import report
from wavenet.inspection.text import hole_warning
from wavenet.model import bundle
from wavenet.progress import log
from wavenet.recipe import find, read
from wavenet.recipe.records import Recipe
from wavenet.text import many
from wavenet.training import checkpoint, manifest, processes, summary
from wavenet.training import module as modules
from wavenet.training import run as runs
from wavenet.training.data import SoundData
from wavenet.training.module import WaveNetModule
from wavenet.training.options import Options
from wavenet.training.processes import Group
from wavenet.training.record import Recorder, Standing, Stopper

BASE_BYTES = 500 << 20  # what Python, torch and lightning take before anything is trained
SLACK = 1.2  # what the allocator and passing intermediate results add (LOG.md)


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
        force: begin anew in the folder of another run.
        init: a model to take the first weights from.
        device: auto, cpu or cuda.
        devices: processes that train together on this machine; None takes what torchrun or Slurm started, else one.
        precision: 32 or bf16.
        compiled: put the training graph through torch.compile.
        cache: where decoded sound is kept; None takes this user's cache folder.
        dry_run: check everything and say what would be done, but train nothing and write no run folder.

    Raises:
        InputError: the recipe, the data, the model to begin from or the run folder cannot be used.
        DivergenceError: ten non-finite steps in a row, again after three rollbacks.
        KeyboardInterrupt: Ctrl-C; the run was saved.
        Terminated: SIGTERM, or SIGHUP (its kind HungUp); the run was saved.
    """
    chosen = Options(
        out, max_steps, max_seconds, resume, force, init, device, devices, str(precision), compiled, cache, dry_run
    )
    return _begin(recipe, data, overrides, chosen)


def _begin(recipe: str | Path | Recipe, data: str | Path | None, overrides: Sequence[str], chosen: Options) -> Path:
    """Train with these options and return the run folder."""
    if isinstance(recipe, Recipe):
        made = read.overridden(recipe, overrides)
    else:
        made = read.load(find.find_recipe(str(recipe)), overrides)
    made = find.with_data(made, data, overrides)
    own = None if isinstance(recipe, Recipe) else find.run_folder(str(recipe))
    if chosen.cache is not None:
        chosen = dataclasses.replace(chosen, cache=disk.given_path(str(chosen.cache)))
    run = disk.given_path(str(chosen.out)) if chosen.out is not None else own or Path("runs") / made.name
    chosen.check()
    group = processes.find_group(chosen.devices)
    chosen = dataclasses.replace(chosen, device=_device(chosen.device))
    processes.check_devices(group, chosen.device)
    if not group.leads:  # the first speaks, and holds the run folder, for all
        log.setLevel(logging.ERROR)
        with _told_of_memory(chosen.device):
            _train(made, run, chosen, group)
        return run
    runs.check_place(run)
    with contextlib.nullcontext() if chosen.dry_run else runs.locked(run), _told_of_memory(chosen.device):
        _train(made, run, chosen, group)
    return run


@contextlib.contextmanager
def _told_of_memory(device: str) -> Iterator[None]:
    """Turn what NumPy and torch raise where there is no more memory into one line."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is the latter; the CPU's has no class
        known = isinstance(error, MemoryError) or any(
            words in str(error) for words in ("out of memory", "can't allocate memory", "ALLOC_FAILED")
        )
        if not known:
            raise
        raise WavenetError(
            f"out of memory on {device}; lower train.batch_size or data.segment_samples, or the model's channels"
        ) from None


def _train(recipe: Recipe, run: Path, options: Options, group: Group) -> None:
    led = not group.leads
    state = runs.state_to_resume(recipe, run, resume=options.resume, force=options.force, led=led)
    if state is not None and options.init is not None and group.leads:
        log.warning("%s has weights of its own: --init %s is not used", run, options.init)
    began = group.size if state is None else int(state["extra"].get("devices", 1))
    if began != group.size:
        raise InputError(
            f"{run} was begun with {many(began, 'device')}, got {group.size}, which would make other batches; "
            f"resume with --devices {began}"
        )
    if state is not None and checkpoint.finished(state, recipe.train.steps):
        if group.leads:
            _check_same_sound(recipe, run, state, options)
        log.info("%s is finished: %s; nothing to do (--force begins anew)", run, many(state["step"], "step"))
        return
    device = options.device
    short = memory_warning(recipe, device, group.devices)
    if short is not None:
        log.warning(short)
    if state is not None and device == "cpu":
        torch.set_num_threads(int(state["threads"]))
    elif device == "cpu" and group.devices > 1 and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, torch.get_num_threads() // group.devices))
    sound = _sound(recipe, run, state, options, group)
    module = _module(recipe, sound, state, options)
    module.rank = group.rank
    if not group.leads:
        if options.dry_run:
            return
        _fit(run, module, sound, state, options, group)
        return
    lines = [first_line(module, sound, options, group), *summary.sound_lines(sound)]
    lines += summary.cpu_lines(recipe, device)
    holes = hole_warning(report.of_recipe(recipe))
    if holes is not None:
        log.warning(holes)
    if options.dry_run:
        limits = recipe.train.steps, options.max_steps, options.max_seconds
        _say([*lines, summary.dry_run_line(run, module.step, *limits)])
        return
    if options.force:
        runs.clear(run)
    with runs.logged(run):
        _say(lines)
        manifest.write(run, manifest.rows(sound))
        runs.describe(run, recipe, device)
        _fit(run, module, sound, state, options, group)


def _sound(recipe: Recipe, run: Path, state: dict[str, Any] | None, options: Options, group: Group) -> SoundData:
    """Return the sound, decoded by the first process of each machine; the others wait for it in the trainer."""
    sound = SoundData(recipe, None if options.cache is None else Path(options.cache), fixed_width=options.compiled)
    sound.pinned, sound.share = options.device == "cuda", (group.rank, group.size)
    if group.local_rank == 0:
        sound.prepare()
        if state is not None:
            manifest.check(run, state, sound)
    return sound


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        log.info(line)


def _check_same_sound(recipe: Recipe, run: Path, state: dict[str, Any], options: Options) -> None:
    """Raise InputError where a finished run is called with other sound than it was trained on.

    Sound that has gone from where it lay is not asked for.
    """
    sound = SoundData(recipe, None if options.cache is None else Path(options.cache))
    try:
        sound.prepare()
    except SoundError:
        if recipe.data.path == read.load(run / "config.yaml").data.path:
            return
        raise
    manifest.check(run, state, sound)


def _device(name: str) -> str:
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: this torch sees no CUDA device; take --device cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def _module(recipe: Recipe, sound: SoundData, state: dict[str, Any] | None, options: Options) -> WaveNetModule:
    module = modules.build(recipe, options.compiled)
    if state is not None:
        checkpoint.restore(module, state)
        sound.first_step = module.step
        return module
    if options.init is not None:
        _take_weights(module, options.init)
    elif sound.crops:  # else the first process sends its weights
        module.network.start_at(sound.alphabet.histogram(sound.target_counts))
    module.averaged.load_state_dict(module.network.state_dict())
    return module


def _take_weights(module: WaveNetModule, model: str | Path) -> None:
    held = bundle.load(bundle.find(str(model)))
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


def first_line(module: WaveNetModule, sound: SoundData, options: Options, group: Group) -> str:
    """Return what a training run says first: device, dtype, size, receptive field, memory, length of sound.

    The memory is that of all processes on this machine, on a GPU that of each.
    """
    recipe, shape, cpu = module.recipe, module.recipe.shape, options.device == "cpu"
    where = f"cpu ({many(torch.get_num_threads(), 'thread')})" if cpu else torch.cuda.get_device_name()
    where = where if group.size == 1 else f"{group.size} x {where}"
    together = group.devices if cpu else 1
    each = " on each device" if not cpu and group.size > 1 else ""
    milliseconds = 1000 * shape.receptive_field / recipe.audio.sample_rate
    return (
        f"{recipe.name}: {where}, {'bfloat16' if options.precision == 'bf16' else 'float32'}, "
        f"{shape.parameters():,} parameters, receptive field {shape.receptive_field:,} samples "
        f"({milliseconds:.1f} ms), about {memory_estimate(recipe) * together / 2**30:.1f} GiB of memory{each}, "
        f"{summary.kept_and_dropped(sound)}"
    )


def memory_estimate(recipe: Recipe) -> int:
    """Return the bytes that one process takes, about: weights five times over, and what the backward pass keeps.

    Between two steps nothing of the latter is there, but reading a checkpoint takes weights four times over more.
    Per position and layer: the gathered taps, filter and gate behind their functions, their product, and the residual
    sum; over all layers the concatenated gates; then the head. Measured peaks lie 7 to 12 % below it (LOG.md).
    """
    shape, T = recipe.shape, recipe.data.segment_samples
    R, G = shape.residual, shape.gate
    inputs = T + shape.receptive_field - 1
    per_layer = sum(layer.kernel * R + 3 * G + R for layer in shape.layers)
    stacks = inputs * (per_layer + R)
    head = T * (len(shape.layers) * G + 2 * shape.skip + 2 * shape.head + 3 * shape.outputs)
    graph = round(4 * SLACK * recipe.train.batch_size * (stacks + head))
    return BASE_BYTES + 20 * shape.parameters() + max(graph, 16 * shape.parameters())


def memory_warning(recipe: Recipe, device: str, processes: int = 1) -> str | None:
    """Return a warning where training may need more memory than there is, before any is asked for."""
    cuda = device == "cuda"
    have = torch.cuda.get_device_properties(0).total_memory if cuda else disk.available_bytes()
    need = memory_estimate(recipe) * (1 if cuda else processes)
    times = f", {processes} times" if processes > 1 and not cuda else ""
    if have is None or need <= have:
        return None
    return (
        f"training may need about {text.gib(need)} of memory where there are {text.gib(have)} (batches of "
        f"{recipe.train.batch_size:,} x {recipe.data.segment_samples:,} samples and {recipe.shape.parameters():,} "
        f"parameters{times}): lower train.batch_size, data.segment_samples or the model's channels"
    )


# --- training --------------------------------------------------------------------------------------------------------


def _fit(
    run: Path, module: WaveNetModule, sound: SoundData, state: dict[str, Any] | None, options: Options, group: Group
) -> None:
    device = options.device
    stopper = Stopper(options.max_steps, options.max_seconds)
    standing = Standing.from_state(state["extra"]["standing"]) if state else Standing()
    recorder = Recorder(run, sound, stopper, standing, runs.versions(device), group)
    if options.max_steps is not None and module.step >= options.max_steps:
        log.info("%s has done %s already; nothing to do", run, many(module.step, "step"))
        return
    if group.size > 1:  # else Lightning would choose the threads anew
        os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))
    others = processes.started(_command(run, options, group), group)
    with others, _told_of_memory(device), _quiet_lightning():
        trainer = pl.Trainer(
            accelerator="gpu" if device == "cuda" else "cpu",
            **group.trainer_arguments(),
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
