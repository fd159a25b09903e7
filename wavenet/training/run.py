"""A run folder: what is in it, whose it is, and whether it can go on."""

from __future__ import annotations

import contextlib
import logging
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from wavenet import __version__, disk
from wavenet.errors import InputError, RecipeError, WavenetError
from wavenet.progress import RECORD, log
from wavenet.recipe import find, read
from wavenet.recipe.paths import near_path
from wavenet.recipe.records import Recipe
from wavenet.text import many, to_json
from wavenet.training import checkpoint
from wavenet.training.checkpoint import State

CONTENTS = (  # in the order in which beginning anew removes them: what could be resumed goes first
    "checkpoints",
    "model",
    "samples",
    "tensorboard",
    "metrics.csv",
    "manifest.csv",
    "train.log",
    "environment.json",
    "config.yaml",
)
FIXED = ("audio", "data", "output", "model", "condition")  # sections that a resumed run may not change
ENDED = ("name", *FIXED, "train")  # what a finished one may not be called with anew
MOVABLE = ("data.path", "data.source", "data.fetch", "data.licence")  # but for where the sound lies


# --- whether it can begin or go on -----------------------------------------------------------------------------------


def check_place(run: Path) -> None:
    """Raise InputError where `run` exists and is not a run of this program: it is never touched."""
    if run.is_symlink() and not run.exists():
        raise InputError(f"{run} is a link to {_target(run)}, which does not exist; make that folder, or name another")
    if run.exists() and not _is_ours(run):
        raise InputError(f"{run} exists and is not a run folder; name another with --out")


def _is_ours(run: Path) -> bool:
    """Return whether something is a run folder of this program, or holds nothing but parts of one."""
    if not run.is_dir():
        return False
    if not (run / "config.yaml").is_file():
        return all(entry.name in CONTENTS or entry.name[0] == "." for entry in run.iterdir())
    with contextlib.suppress(RecipeError):
        read.load(run / "config.yaml")
        return True
    return False


def state_to_resume(recipe: Recipe, run: Path, *, resume: bool, follows: bool = False) -> State | None:
    """Return the checkpoint to go on from (a finished one too), or None to begin.

    Args:
        recipe: what is to be trained.
        run: the run folder.
        resume: go on with an unfinished run.
        follows: this process trains with another, which may have begun the run just now.

    Raises:
        InputError: there is an unfinished run that is not resumed or has other fixed keys, or a finished one with any
            other key.
    """
    state = checkpoint.newest(run / "checkpoints")
    if not (run / "config.yaml").is_file():
        if state is not None:
            raise InputError(f"{run} has a checkpoint but no config.yaml; put it back, or start over with --force")
        if resume:
            near = near_path(run, lambda place: (place / "config.yaml").is_file(), (find.RUNS,))
            (log.warning if near else log.info)(
                "there is no run in %s yet: training starts at the first step%s", run, near
            )
        return None
    before = read.load(run / "config.yaml")
    ended = state is not None and state.finished(recipe.train.steps)
    changed = next(_changes(before, recipe, ENDED if ended else FIXED), None)
    if changed is not None:
        key, old, new = changed
        began, advice = "was started with", f"`wavenet train {run} --resume` goes on with its own recipe"
        if ended:
            began = "is finished, but with"
            if state is not None and not state.finished(before.train.steps):
                began = f"has done {many(state.step, 'step')} already, with"
            advice = "name another run with --out, or start over with --force"
        raise InputError(f"{run} {began} {key} = {old}, got {new}; {advice}")
    if ended:
        return state
    if not resume and not (follows and state is None):
        steps = f"{many(state.step, 'step')} done of {recipe.train.steps:,}" if state else "no checkpoint yet"
        raise InputError(f"{run} holds an unfinished run ({steps}); go on with --resume or start over with --force")
    for key, old, new in _changes(before, recipe, ("train",)):
        log.warning("%s was %s and is %s from here on", key, old, new)
    if state is None and not follows:
        log.warning("%s has no checkpoint: training starts again at the first step", run)
    return state


def _changes(before: Recipe, now: Recipe, sections: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the keys in some sections that differ, with both values; where the sound lies aside."""
    old, new = (dict(read.flat(read.to_tree(recipe))) for recipe in (before, now))
    for key in {**new, **old}:
        was, becomes = old.get(key, "nothing"), new.get(key, "nothing")
        if key.split(".")[0] in sections and key not in MOVABLE and was != becomes:
            yield key, was, becomes


# --- the folder itself -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the run folder for this process; what a killed one left half-written is swept, an empty one removed.

    Raises:
        WavenetError: the folder cannot be written.
        InputError: another process holds it.
    """
    with contextlib.ExitStack() as stack:
        try:
            run.mkdir(parents=True, exist_ok=True)
            held = stack.enter_context(disk.locked(run / ".lock", wait=0.2))
        except BlockingIOError:
            raise InputError(f"another process is training in {run}; wait for it, or name another --out") from None
        except OSError as error:
            raise WavenetError(
                f"the run folder {run} cannot be written ({error.strerror}); name another with --out"
            ) from None
        if not held:  # some network file systems have no locks
            log.warning("%s cannot be locked: make sure that no other process trains there", run)
        for left in [*run.glob(".*.tmp*"), *run.glob("*/.*.tmp*")]:
            left.unlink(missing_ok=True)
        try:
            yield
        finally:
            if [entry.name for entry in run.iterdir()] == [".lock"]:
                shutil.rmtree(run, ignore_errors=True)


def clear(run: Path) -> None:
    """Remove what a run consists of, and nothing else: of what is a link the link, never what it leads to."""
    for name in CONTENTS:
        path = run / name
        if path.is_symlink():
            log.warning("%s was a link to %s: the link is removed, its target is kept", path, _target(path))
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _target(link: Path) -> Path:
    """Return where a link leads to, as a path from here."""
    return link.parent / link.readlink()


@contextlib.contextmanager
def logged(run: Path) -> Iterator[None]:
    """Keep the program's words in train.log too; what a full disk then keeps out of it is on stderr all the same.

    Raises:
        WavenetError: it cannot be opened.
    """
    with checkpoint.explained(run / "train.log"):
        handler = logging.FileHandler(run / "train.log", encoding="utf-8", errors="backslashreplace")
    handler.set_name(RECORD)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        with contextlib.suppress(OSError):  # a full disk: what went wrong has been said
            handler.close()


def versions(device: str) -> dict[str, Any]:
    """Return what made a model: versions of the programs, and the kind of machine."""
    names = ("torch", "torchaudio", "lightning", "numpy", "numba", "soundfile", "soxr", "safetensors")
    found = {name: metadata.version(name) for name in names}
    return {"wavenet": __version__, "python": platform.python_version(), **found, "device": device}


def describe(run: Path, recipe: Recipe, device: str) -> None:
    """Write environment.json, then config.yaml, which makes the folder a run.

    Raises:
        WavenetError: one of them cannot be written.
    """
    about = {**versions(device), "platform": platform.platform(), "threads": torch.get_num_threads(), "argv": sys.argv}
    for name, text in (("environment.json", to_json(about, indent=1) + "\n"), ("config.yaml", read.dump(recipe))):
        with checkpoint.explained(run / name):
            disk.write_text(run / name, text)
