"""The state of a run: all that its next step depends on, in one safetensors file.

Its tensors are the weights, their averages and what Adam remembers, each float32; the counters and the rest are JSON in
the file's header, beside a SHA-256 over all of it, so that a changed byte is noticed before anything is trained on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from wavenet import disk
from wavenet.errors import BundleError
from wavenet.progress import log
from wavenet.recipe import read
from wavenet.text import one_line, to_json
from wavenet.training.module import WaveNetModule

LAST = "last.safetensors"  # of a run: the one to go on from
GOOD = "good.safetensors"  # the last one on the schedule whose newest step was finite: what a diverged run goes back to
BEST = "best.safetensors"  # the one with the best held-out score
FORMAT, VERSION = "wavenet-run", 3  # versions 1 and 2 were pickled, as .ckpt
MAX_HEADER_BYTES = 1 << 24  # of a file; one of 250 weights and biases has 100 kB
COUNTERS = ("step", "skipped", "skipped_in_a_row", "rollbacks")  # of `WaveNetModule`
PARTS = ("network", "averaged", "moments")
MAX_COUNT, MAX_THREADS = 2**40, 4_096
REMEDY = "what was saved before is complete: free space, then go on with `wavenet train --resume`"  # of a full disk


def explained(what: object) -> AbstractContextManager[None]:
    """Say in one sentence that a part of the run folder could not be written in this block (`disk.explained`)."""
    return disk.explained(what, REMEDY)


class NewerError(BundleError):
    """A checkpoint of a later program: whole, but not ours to read."""


@dataclass
class Window:
    """What is summed up between two rows of metrics.csv."""

    bits: float = 0.0
    norm: float = 0.0
    targets: int = 0
    steps: int = 0  # finite ones
    seconds: float = 0.0
    length_nats: float | None = None  # None where no network of durations learns
    distance: float | None = None  # None where no acoustic network learns


@dataclass
class Standing:
    """What the record knows of the run so far."""

    seconds: float = 0.0
    best_bits: float | None = None
    valid: dict[str, Any] = field(default_factory=dict)  # the newest score, as the bundle carries it
    window: Window = field(default_factory=Window)
    unrecorded: bool = False  # the record of the newest step is not complete: a signal cut it short
    row: dict[str, str] = field(default_factory=dict)  # the newest of metrics.csv, that of a stop aside


@dataclass(frozen=True)
class State:
    """What a checkpoint holds."""

    recipe: dict[str, Any]
    step: int  # batches seen
    skipped: int
    skipped_in_a_row: int
    rollbacks: int
    threads: int  # of torch: sums depend on how they are shared out
    devices: int  # processes that train together
    fingerprint: str  # `SoundData.fingerprint`
    standing: Standing
    network: dict[str, Tensor]
    averaged: dict[str, Tensor]
    moments: dict[str, Tensor]  # `WaveNetModule.moments`

    def finished(self, steps: int) -> bool:
        """Return whether a run has done so many steps and recorded the last."""
        return self.step >= steps and not self.standing.unrecorded


# --- the file --------------------------------------------------------------------------------------------------------


def save(
    path: Path,
    module: WaveNetModule,
    optimizer: torch.optim.Optimizer,
    standing: Standing,
    fingerprint: str,
    devices: int = 1,
) -> None:
    """Write a checkpoint, whole or not at all; `State` says what the arguments are.

    Raises:
        WavenetError: it cannot be written; the checkpoint that was there is still whole.
    """
    parts = module.network.state_dict(), module.averaged.state_dict(), module.moments(optimizer)
    tensors = {
        f"{part}.{name}": value.detach().cpu().contiguous()
        for part, held in zip(PARTS, parts, strict=True)
        for name, value in held.items()
    }
    values = {
        "recipe": read.to_tree(module.recipe),
        **{name: getattr(module, name) for name in COUNTERS},
        "threads": torch.get_num_threads(),
        "devices": devices,
        "fingerprint": fingerprint,
        "standing": asdict(standing),
    }
    with explained(f"the checkpoint {path}"), disk.replacing(path) as temporary, temporary.open("wb") as file:
        for part in _encoded(to_json(values), tensors):
            file.write(part)


def _encoded(values: str, tensors: dict[str, Tensor]) -> Iterator[Any]:
    """Yield a safetensors file tensor by tensor: the library's own writer would not raise OSError on a full disk."""
    table, end = {}, 0
    for name, value in tensors.items():
        assert value.dtype == torch.float32, name
        table[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [end, end + value.nbytes]}
        end += value.nbytes
    data = [value.reshape(-1).numpy().data for value in tensors.values()]
    told = {"format": FORMAT, "version": str(VERSION), "state": values}
    header = to_json({"__metadata__": {**told, "sha256": _digest(values, table, data)}, **table}).encode()
    header += b" " * (-len(header) % 8)
    yield len(header).to_bytes(8, "little") + header
    yield from data


def _digest(values: str, table: dict[str, Any], data: Iterable[Any]) -> str:
    """Return the SHA-256, in hexadecimal, of all that a checkpoint says."""
    made = hashlib.sha256(to_json([values, table]).encode())
    for part in data:
        made.update(part)
    return made.hexdigest()


def load(path: Path) -> State:
    """Return what a checkpoint holds; nothing in the file is executed.

    Raises:
        BundleError: it is unreadable, damaged, not ours or newer than this program.
    """
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            table = json.loads(file.read(size)) if size <= MAX_HEADER_BYTES else {}
            told = table.pop("__metadata__", {})
            if told.get("format") != FORMAT:
                raise BundleError(f"{path} is not a checkpoint of a wavenet run; start over with --force")
            if int(told["version"]) > VERSION:
                found = one_line(told["version"], 60)
                raise NewerError(f"{path} has version {found}, this program reads {VERSION}; upgrade wavenet-audio")
            digest = _digest(told["state"], table, iter(lambda: file.read(1 << 20), b""))
        if digest != told["sha256"]:
            raise BundleError(
                f"the checkpoint {path} is damaged: it is not what was saved (SHA-256); put back a copy, or start over "
                "with --force"
            )
        state = _state(json.loads(told["state"]), load_file(path))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise BundleError(
            f"the checkpoint {path} cannot be read ({one_line(error, 200)}); start over with --force"
        ) from None
    limits = {**dict.fromkeys(COUNTERS, (0, MAX_COUNT)), "threads": (1, MAX_THREADS), "devices": (1, MAX_COUNT)}
    for name, (least, most) in limits.items():
        value = getattr(state, name)
        if not isinstance(value, int) or not least <= value <= most:
            raise BundleError(f"the checkpoint {path} has {name} = {one_line(value, 60)}; start over with --force")
    return state


def _state(values: dict[str, Any], tensors: dict[str, Tensor]) -> State:
    """Return a state of what a file holds; its tensors are copies, and outlive the file."""
    held: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    for name, value in tensors.items():
        part, _, weight = name.partition(".")
        held[part][weight] = value.clone()
    told = values.pop("standing")
    told.pop("held_out", None)  # the bundle has it; checkpoints had it for a while
    standing = Standing(**{**told, "window": Window(**told["window"])})
    network, averaged, moments = held.values()
    return State(**values, standing=standing, network=network, averaged=averaged, moments=moments)


def keep_as(path: Path, other: Path) -> None:
    """Give a checkpoint that was just written a second name, whole or not at all.

    Raises:
        WavenetError: it cannot be written; the checkpoint that was there is still whole.
    """
    with explained(f"the checkpoint {other}"), disk.replacing(other) as temporary:
        try:
            os.link(path, temporary)
        except OSError:  # a file system without links
            shutil.copyfile(path, temporary)


# --- which one to go on from -----------------------------------------------------------------------------------------


def newest(folder: Path) -> State | None:
    """Return the state that a run goes on from, or None where it has not saved any.

    That is LAST; where it is missing or damaged, the newest whole one beside it, with a warning: the steps after it are
    taken again.

    Raises:
        BundleError: LAST is damaged and so is what lies beside it, or it is newer or older than this program reads.
    """
    found = _tried(folder / LAST)
    if isinstance(found, State):
        return found
    if isinstance(found, NewerError):
        raise found
    beside = [(one, name) for name in (GOOD, BEST) if isinstance(one := _tried(folder / name), State) and one.step > 0]
    if beside:
        state, name = max(beside, key=lambda one: one[0].step)
        log.warning("%s: going on from %s, at step %s", str(found).partition(";")[0], name, f"{state.step:,}")
        return state
    if (folder / LAST).is_file():
        raise found
    old = next(folder.glob("*.ckpt"), None)
    if old is not None:
        raise BundleError(
            f"{old} was written by an older version, and this one cannot read it; finish the run with that version "
            "(its number is in environment.json), or start over with --force"
        )
    return None


def _tried(path: Path) -> State | BundleError:
    """Return the state in a file, or what is wrong with it."""
    try:
        return load(path) if path.is_file() else BundleError(f"the checkpoint {path} is missing")
    except BundleError as error:
        return error


def to_go_back_to(folder: Path, module: WaveNetModule) -> State | None:
    """Return the state that a run goes back to when its steps are no longer finite, or None where none is left.

    That is GOOD; where it is missing, damaged or not finite, the first usable one beside it, with a warning.
    """
    why = ""
    for name in (GOOD, LAST, BEST):
        found = _tried(folder / name)
        if isinstance(found, State) and _is_usable(found, module):
            if why:
                log.warning("%s: going back to %s, at step %s", why, name, f"{found.step:,}")
            return found
        fault = "does not hold finite weights of this network"
        reason = f"the checkpoint {folder / name} {fault}" if isinstance(found, State) else str(found)
        why = why or reason.partition(";")[0]
    log.warning("%s, and none beside it can be used", why)
    return None


def _is_usable(state: State, module: WaveNetModule) -> bool:
    """Return whether a run can go back to a state: finite weights of its network, after a finite step, behind it.

    BEST may be ahead of a run that was killed: never killed, it would not have that one yet.
    """
    own = {name: value.shape for name, value in module.network.state_dict().items()}
    return (
        state.skipped_in_a_row == 0
        and state.step <= module.step
        and all(
            {name: value.shape for name, value in held.items()} == own
            and all(bool(torch.isfinite(value).all()) for value in held.values())
            for held in (state.network, state.averaged)
        )
    )


def restore(module: WaveNetModule, state: State) -> None:
    """Put a checkpoint's state into a fresh module of the same recipe.

    Raises:
        BundleError: its weights are those of another network.
    """
    try:
        module.network.load_state_dict(state.network)
        module.averaged.load_state_dict(state.averaged)
        module.saved_moments = state.moments
        module.configure_optimizers()  # so that moments of another network are noticed here
    except (RuntimeError, ValueError, KeyError) as error:
        raise BundleError(
            f"the checkpoint's weights are not those of this network ({one_line(error, 200)}); start over with --force"
        ) from None
    for name in COUNTERS:
        setattr(module, name, getattr(state, name))


def roll_back(module: WaveNetModule, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Put weights, averages and moments back to a checkpoint's, and nothing else: the data counter goes on.

    The batches that follow are new ones, at half the rate, so that what went wrong does not come again.
    """
    module.network.load_state_dict(state.network)
    module.averaged.load_state_dict(state.averaged)
    module.put_moments(optimizer, state.moments)
    module.rollbacks += 1
    module.skipped_in_a_row = 0
