"""The state of a run: all that its next step depends on, in one file that holds tensors and plain values only."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import torch

from wavenet import atomic, config
from wavenet.errors import BundleError
from wavenet.training.module import WaveNetModule

VERSION = 1
REMEDY = "what was saved before is whole: free space, then go on with `wavenet train --resume`"  # of a full disk
KEYS = ("recipe", "step", "skipped", "skipped_in_a_row", "threads", "network", "averaged", "optimizer", "extra")


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
        "recipe": config.to_tree(module.recipe),
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
    held = io.BytesIO()  # in memory first: on a full disk torch's own writer names a line of its source
    torch.save(state, held)
    with atomic.explained(f"the checkpoint {path}", REMEDY), atomic.replacing(path) as temporary:
        temporary.write_bytes(held.getbuffer())


def load(path: Path) -> dict[str, Any]:
    """Return a checkpoint's state; nothing in the file is executed.

    Raises:
        BundleError: it is unreadable, damaged, not ours or newer than this program.
    """
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001  (torch raises many kinds on a damaged or hostile file)
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise BundleError(f"the checkpoint {path} cannot be read ({reason}); begin anew with --force") from None
    if not isinstance(state, dict) or state.get("format") != "wavenet-run":
        raise BundleError(f"{path} is no checkpoint of a wavenet run; begin anew with --force")
    if state["version"] > VERSION:
        raise BundleError(f"{path} has version {state['version']}, this program reads {VERSION}; upgrade wavenet-audio")
    missing = [key for key in KEYS if key not in state]
    if missing:
        raise BundleError(f"the checkpoint {path} lacks {missing[0]}; begin anew with --force")
    return state


def finished(state: dict[str, Any], steps: int) -> bool:
    """Return whether a run has done so many steps and recorded the last."""
    return bool(state["step"] >= steps and not state["extra"]["standing"].get("unrecorded", False))


def restore(module: WaveNetModule, state: dict[str, Any]) -> None:
    """Put a checkpoint's state into a fresh module of the same recipe."""
    module.network.load_state_dict(state["network"])
    module.averaged.load_state_dict(state["averaged"])
    module.optimizer_state = state["optimizer"]
    module.step, module.skipped = int(state["step"]), int(state["skipped"])
    module.skipped_in_a_row = int(state["skipped_in_a_row"])
    module.rollbacks = int(state.get("rollbacks", 0))  # older checkpoints know of none


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
    with atomic.explained(f"the checkpoint {other}", REMEDY), atomic.replacing(other) as temporary:
        try:
            os.link(path, temporary)
        except OSError:  # a file system without links
            shutil.copyfile(path, temporary)
