"""The state of a run: all that its next step depends on, in one file that holds tensors and plain values only.

A SHA-256 over all of it is stored beside it, so that a changed byte is noticed before anything is trained on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickletools
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import torch

from wavenet import disk
from wavenet.errors import BundleError
from wavenet.progress import log
from wavenet.recipe import read
from wavenet.text import one_line
from wavenet.training.module import WaveNetModule

GOOD = "good.ckpt"  # the last one on the schedule whose newest step was finite: what a diverged run goes back to
NAMES = ("last.ckpt", GOOD, "best.ckpt")  # of a run: the one to go on from, then what there is beside it
REMEDY = "what was saved before is whole: free space, then go on with `wavenet train --resume`"  # of a full disk
VERSION = 2  # 1 had no digest
KEYS = {  # what a checkpoint holds, beside its format, version and digest
    "recipe": dict,
    "step": int,
    "skipped": int,
    "skipped_in_a_row": int,
    "rollbacks": int,
    "threads": int,
    "network": dict,
    "averaged": dict,
    "optimizer": dict,
    "extra": dict,
}
MAX_PARTS = 1_000_000  # values in a state; a pickle can name one part again and again
MAX_PICKLE_BYTES = 1 << 26  # what is no tensor: a thousandth of it is usual
MAX_THREADS = 4_096
NAMED = {"collections OrderedDict", "torch._utils _rebuild_tensor_v2"}  # beside the kinds of storage


def save(path: Path, module: WaveNetModule, optimizer: torch.optim.Optimizer, extra: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file.
        module: weights, averages and counters.
        optimizer: its moments.
        extra: plain values that the callbacks need again.

    Raises:
        WavenetError: it cannot be written; the checkpoint that was there is still whole.
    """
    state = {
        "format": "wavenet-run",
        "version": VERSION,
        "recipe": read.to_tree(module.recipe),
        "step": module.step,
        "skipped": module.skipped,
        "skipped_in_a_row": module.skipped_in_a_row,
        "rollbacks": module.rollbacks,
        "threads": torch.get_num_threads(),
        "network": module.network.state_dict(),
        "averaged": module.averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
        "extra": extra,
    }
    whole = {**state, "digest": digest(state)}
    with (
        disk.explained(f"the checkpoint {path}", REMEDY),
        disk.replacing(path) as temporary,
        temporary.open("wb") as file,
    ):
        writer = _Writer(file)
        torch.save(whole, cast("IO[bytes]", writer))  # tensor by tensor: the file is never in memory as a whole
        if writer.error is not None:
            raise writer.error


class _Writer:
    """A file for torch.save, which on a full disk would name a line of its own source: the first error is kept."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is None:
            try:
                self.file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """Leave that to the end."""


class NewerError(BundleError):
    """A checkpoint of a later program: whole, but not ours to read."""


def newest(folder: Path) -> dict[str, Any] | None:
    """Return the state that a run goes on from, or None where it has not saved any.

    That is last.ckpt; where it is missing or damaged, the newest whole one beside it, which is told: the steps after
    it are taken again.

    Raises:
        BundleError: last.ckpt is damaged and so is what lies beside it, or it is newer than this program.
    """
    last, *others = (folder / name for name in NAMES)
    why = BundleError(f"the checkpoint {last} is missing")
    if last.is_file():
        try:
            return load(last)
        except NewerError:
            raise
        except BundleError as error:
            why = error
    state, path = max(_whole(others), key=lambda one: int(one[0]["step"]), default=({"step": 0}, last))
    if state["step"] > 0:  # where nothing was trained yet there is nothing to go back to
        log.warning("%s: going on from %s, at step %s", str(why).partition(";")[0], path.name, f"{state['step']:,}")
        return state
    if last.is_file():
        raise why
    return None


def _whole(paths: Iterable[Path]) -> Iterator[tuple[dict[str, Any], Path]]:
    """Return the states that can be read, each with its file."""
    for path in paths:
        with contextlib.suppress(BundleError):
            if path.is_file():
                yield load(path), path


def to_go_back_to(folder: Path, module: WaveNetModule) -> dict[str, Any] | None:
    """Return the state that a run goes back to where its steps are not finite any more, or None where none is left.

    That is good.ckpt; where it is missing, damaged or not finite, the newest whole and finite one beside it, which is
    told: one whose newest step was finite before any other, and none that is ahead of the run, as best.ckpt may be once
    the run was killed: never killed, it would not have that one yet.
    """
    good = folder / GOOD
    why = f"the checkpoint {good} is missing"
    if good.is_file():
        try:
            state = load(good)
        except BundleError as error:
            why = str(error).partition(";")[0]
        else:
            if _is_usable(state, module):
                return state
            why = f"the checkpoint {good} does not hold finite weights of this network"
    beside = _whole(folder / name for name in NAMES if name != GOOD)
    found = [one for one in beside if _is_usable(one[0], module) and one[0]["step"] <= module.step]
    if not found:
        log.warning("%s, and none beside it can be gone back to", why)
        return None
    state, path = max(found, key=lambda one: (one[0]["skipped_in_a_row"] == 0, one[0]["step"]))
    log.warning("%s: going back to %s, at step %s", why, path.name, f"{state['step']:,}")
    return state


def _is_usable(state: dict[str, Any], module: WaveNetModule) -> bool:
    """Return whether a state holds finite weights of a module's network."""
    own = module.network.state_dict()
    return all(
        held.keys() == own.keys()
        and all(isinstance(value, torch.Tensor) and value.shape == own[name].shape for name, value in held.items())
        and all(bool(torch.isfinite(value).all()) for value in held.values())
        for held in (state["network"], state["averaged"])
    )


def load(path: Path) -> dict[str, Any]:
    """Return a checkpoint's state; nothing in the file is executed.

    Raises:
        BundleError: it is unreadable, damaged, not ours or newer than this program.
    """
    try:
        _look_over(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001  (torch raises many kinds on a damaged or hostile file)
        reason = one_line(next(iter(str(error).splitlines()), type(error).__name__), 200)
        raise BundleError(f"the checkpoint {path} cannot be read ({reason}); begin anew with --force") from None
    if not isinstance(state, dict) or state.get("format") != "wavenet-run":
        raise BundleError(f"{path} is no checkpoint of a wavenet run; begin anew with --force")
    version = state.get("version")
    if not isinstance(version, int) or version < 1:
        raise BundleError(f"the checkpoint {path} has no version; begin anew with --force")
    if version > VERSION:
        raise NewerError(
            f"{path} has version {one_line(version, 60)}, this program reads {VERSION}; upgrade wavenet-audio"
        )
    _check_digest(path, state, version)
    if version == 1:
        state.setdefault("rollbacks", 0)
    for key, kind in KEYS.items():
        if not isinstance(state.get(key), kind):
            raise BundleError(f"the checkpoint {path} lacks {key}; begin anew with --force")
    for key, least, most in (("step", 0, 2**40), ("skipped", 0, 2**40), ("threads", 1, MAX_THREADS)):
        if not least <= state[key] <= most:
            raise BundleError(f"the checkpoint {path} has {key} = {one_line(state[key], 60)}; begin anew with --force")
    return state


def _look_over(path: Path) -> None:
    """Raise ValueError where a file is not what `torch.save` makes of tensors and plain values.

    Reading such a file takes about as much memory as it is large: nothing in it is compressed, and its pickle names
    nothing that could make more of it (`weights_only` alone lets ``bytearray(10**12)`` through).
    """
    with zipfile.ZipFile(path) as file:
        members = file.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("it is compressed")
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise ValueError("its parts overlap")
        pickles = [member for member in members if member.filename.endswith("/data.pkl")]
        if len(pickles) != 1 or pickles[0].file_size > MAX_PICKLE_BYTES:
            raise ValueError("it holds no single list of values")
        for operation, argument, _ in pickletools.genops(file.read(pickles[0])):
            named = operation.name in ("GLOBAL", "STACK_GLOBAL", "INST")
            storage = str(argument).startswith("torch ") and str(argument).endswith("Storage")
            if named and argument not in NAMED and not storage:
                raise ValueError(f"it names {argument}, which is neither a tensor nor a plain value")


def _check_digest(path: Path, state: dict[str, Any], version: int) -> None:
    """Raise BundleError where a state is not what was saved; warn where nothing tells."""
    said = state.pop("digest", None)
    if said is None and version == 1:
        log.warning("the checkpoint %s is of an older version, without a digest: damage would go unnoticed", path)
        return
    try:
        found = digest(state)
    except (TypeError, ValueError, RecursionError) as error:
        raise BundleError(
            f"the checkpoint {path} cannot be read ({one_line(error)}); begin anew with --force"
        ) from None
    if said != found:
        raise BundleError(
            f"the checkpoint {path} is damaged: it is not what was saved (SHA-256); put back a copy, or begin anew "
            "with --force"
        )


def digest(state: dict[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of all tensors and plain values of a state, in their order.

    Raises:
        TypeError: something is neither a tensor nor a plain value.
        ValueError: there is too much of it, or a tensor shows its storage more than once.
    """
    made, left, parts = hashlib.sha256(), [state], 0
    while left:
        value: Any = left.pop()
        parts += 1
        if parts > MAX_PARTS:
            raise ValueError(f"it has more than {MAX_PARTS:,} values")
        if isinstance(value, torch.Tensor):
            _add_tensor(made, value.detach())
        elif isinstance(value, dict):
            made.update(f"mapping of {len(value)}\n".encode())
            left += [one for pair in reversed(value.items()) for one in reversed(pair)]
        elif isinstance(value, list | tuple):
            made.update(f"list of {len(value)}\n".encode())
            left += reversed(value)
        elif value is None or isinstance(value, bool | int | float | str):
            made.update(f"{type(value).__name__} {value!r}\n".encode())
        else:
            raise TypeError(f"it holds a {type(value).__name__}, which is neither a tensor nor a plain value")
    return made.hexdigest()


def _add_tensor(made: Any, value: torch.Tensor) -> None:
    if value.layout != torch.strided or value.device.type == "meta" or not value.is_contiguous():
        raise ValueError(f"it holds a tensor {list(value.shape)} that is not stored number by number")
    made.update(f"tensor {value.dtype} {list(value.shape)}\n".encode())
    made.update(value.cpu().reshape(-1).view(torch.uint8).numpy().data)


def finished(state: dict[str, Any], steps: int) -> bool:
    """Return whether a run has done so many steps and recorded the last.

    Raises:
        BundleError: the state does not say.
    """
    standing = state["extra"].get("standing")
    if not isinstance(standing, dict) or not isinstance(state["extra"].get("fingerprint"), str):
        raise BundleError("the checkpoint does not say where its run stands; begin anew with --force")
    return bool(state["step"] >= steps and not standing.get("unrecorded", False))


def restore(module: WaveNetModule, state: dict[str, Any]) -> None:
    """Put a checkpoint's state into a fresh module of the same recipe.

    Raises:
        BundleError: its weights are those of another network.
    """
    try:
        module.network.load_state_dict(state["network"])
        module.averaged.load_state_dict(state["averaged"])
        module.optimizer_state = state["optimizer"]
        module.configure_optimizers()  # so that moments of another network are noticed here
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(
            f"the checkpoint's weights are not those of this network ({one_line(error, 200)}); begin anew with --force"
        ) from None
    module.step, module.skipped = int(state["step"]), int(state["skipped"])
    module.skipped_in_a_row = int(state["skipped_in_a_row"])
    module.rollbacks = int(state["rollbacks"])


def roll_back(module: WaveNetModule, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Put weights, averages and moments back to a checkpoint's, and nothing else: the data counter goes on.

    The batches that follow are new ones, at half the rate, so that what went wrong does not come again.
    """
    module.network.load_state_dict(state["network"])
    module.averaged.load_state_dict(state["averaged"])
    optimizer.load_state_dict(state["optimizer"])
    module.rollbacks += 1
    module.skipped_in_a_row = 0


def keep_as(path: Path, other: Path) -> None:
    """Give a checkpoint that was just written a second name, whole or not at all.

    Raises:
        WavenetError: it cannot be written; the checkpoint that was there is still whole.
    """
    with disk.explained(f"the checkpoint {other}", REMEDY), disk.replacing(other) as temporary:
        try:
            os.link(path, temporary)
        except OSError:  # a file system without links
            shutil.copyfile(path, temporary)
