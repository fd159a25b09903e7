"""A run folder: what is in it, whose it is, and whether it can go on."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from wavenet import __version__, atomic, config
from wavenet.config import Recipe
from wavenet.errors import InputError, WavenetError
from wavenet.progress import log
from wavenet.training import checkpoint

CONTENTS = (
    "config.yaml",
    "environment.json",
    "train.log",
    "metrics.csv",
    "checkpoints",
    "model",
    "samples",
    "tensorboard",
)
FIXED = ("audio", "data", "output", "model")  # sections that a resumed run may not change


def state_to_resume(recipe: Recipe, run: Path, *, resume: bool, force: bool) -> dict[str, Any] | None:
    """Return the checkpoint to go on from, or None to begin.

    Raises:
        InputError: there is an unfinished run and neither resume nor force; or something that is no run.
    """
    if not (run / "config.yaml").is_file():
        if run.exists() and (
            not run.is_dir() or any(entry.name not in (*CONTENTS, ".lock") for entry in run.iterdir())
        ):
            raise InputError(f"{run} exists and is no run folder; name another with --out")
        if resume:
            log.info("there is no run in %s yet: beginning it", run)
        return None
    if force:
        return None
    last = run / "checkpoints" / "last.ckpt"
    state = checkpoint.load(last) if last.is_file() else None
    if state is not None and state["step"] >= recipe.train.steps and not resume:
        return state
    if not resume:
        done = f"{state['step']:,} steps done" if state else "no checkpoint yet"
        raise InputError(f"{run} holds an unfinished run ({done}); go on with --resume or begin anew with --force")
    before = config.load(run / "config.yaml")
    changed = _changed(before, recipe)
    if changed is not None:
        key, old, new = changed
        raise InputError(f"{run} was begun with {key} = {old}, got {new}; give the same, or begin anew with --force")
    return state


def _changed(before: Recipe, now: Recipe) -> tuple[str, Any, Any] | None:
    """Return the first key that a resumed run may not change, with both values; where the sound lies may change."""

    def flat(tree: Any, at: str) -> Iterator[tuple[str, Any]]:
        if isinstance(tree, dict):
            for key, value in tree.items():
                yield from flat(value, f"{at}.{key}" if at else key)
        else:
            yield at, tree

    moved = ("data.path", "data.source", "data.licence")
    old = {key: value for key, value in flat(config.to_tree(before), "") if key not in moved}
    for key, value in flat(config.to_tree(now), ""):
        if key.split(".")[0] in FIXED and key not in moved and old.get(key) != value:
            return key, old.get(key), value
    return None


@contextlib.contextmanager
def locked(run: Path, *, anew: bool) -> Iterator[None]:
    """Hold the run folder for this process, emptied where it begins anew."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = (run / ".lock").open("w")
    except OSError as error:
        raise WavenetError(
            f"the run folder {run} cannot be written ({error.strerror}); name another with --out"
        ) from None
    with lock:
        if os.name != "nt":  # the lock ends with the process, however it ends
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"another process is training in {run}; wait for it, or name another --out") from None
        if anew:
            for name in CONTENTS:
                path = run / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def logged(run: Path) -> Iterator[None]:
    """Keep the program's words in train.log too."""
    handler = logging.FileHandler(run / "train.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


def versions(device: str) -> dict[str, Any]:
    """Return what made a model: versions of the programs, and the kind of machine."""
    names = ("torch", "torchaudio", "lightning", "numpy", "soundfile", "safetensors")
    found = {name: metadata.version(name) for name in names}
    return {"wavenet": __version__, "python": platform.python_version(), **found, "device": device}


def describe(run: Path, recipe: Recipe, device: str) -> None:
    """Write config.yaml and environment.json."""
    atomic.write_text(run / "config.yaml", config.dump(recipe))
    told = {**versions(device), "platform": platform.platform(), "threads": torch.get_num_threads(), "argv": sys.argv}
    atomic.write_text(run / "environment.json", json.dumps(told, indent=1) + "\n")
