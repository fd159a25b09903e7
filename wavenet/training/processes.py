"""The processes that train together: `--devices N` starts them on this machine, or torchrun or Slurm did.

Each takes its own share of every batch and they agree on each step, so that N processes learn what one with an N times
larger batch would. The first one writes the run folder and speaks for all; the first of each machine decodes the sound,
and its neighbours read it from the cache. All need to see the run folder and the sound.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import subprocess
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed.nn.functional  # later it would take hold of the process group, for good: see `_leave`
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import find_free_network_port
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed

from wavenet.errors import InputError, WavenetError, stop_signals
from wavenet.progress import log

RUN_ID = "TORCHELASTIC_RUN_ID"  # every process of torchrun has it
OURS = "wavenet train --devices, begun by process "  # what it holds in those that the first one starts
ERROR = "error: "  # how the command line begins the line of a failure
NEIGHBOUR = "another process of this training has ended, see its message; go on from the last save with --resume"
LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL")  # how a collective says so
PATIENCE = timedelta(hours=6)  # for the first, which decodes, scores, samples and saves while the others wait
POLL_SECONDS = 0.2
GRACE_SECONDS = 10.0  # for a process whose neighbour ended to notice by itself, and for all to end well


@dataclass(frozen=True)
class Group:
    """The processes that train together, as one of them sees them."""

    devices: int = 1  # processes on each machine
    nodes: int = 1  # machines
    rank: int = 0  # which process this is, 0 .. devices * nodes - 1
    local_rank: int = 0  # which one of its machine
    started_by: str = "--devices"  # also where there is only one process; else torchrun or Slurm

    @property
    def size(self) -> int:
        """All processes."""
        return self.devices * self.nodes

    @property
    def leads(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def trainer_arguments(self) -> dict[str, Any]:
        """Return what Lightning's Trainer has to know; it is to be made inside `started`."""
        # left alone, Lightning would save by itself under Slurm, and ask it to run the job again
        slurm = self.started_by == "Slurm"
        place: ClusterEnvironment = SLURMEnvironment(auto_requeue=False) if slurm else TorchElasticEnvironment()
        arguments: dict[str, Any] = {"devices": self.devices, "num_nodes": self.nodes, "plugins": [place]}
        if self.size > 1:
            arguments["strategy"] = DDPStrategy(timeout=PATIENCE)
        return arguments


def find_group(devices: int | None) -> Group:
    """Return the processes that train together.

    Args:
        devices: processes on this machine; None takes what torchrun or Slurm started, else one.

    Raises:
        InputError: torchrun or Slurm started another number, or Slurm does not say how many.
    """
    tasks = int(os.environ.get("SLURM_NTASKS", "1"))
    if RUN_ID in os.environ:
        started_by = "--devices" if os.environ[RUN_ID].startswith(OURS) else "torchrun"
        names = ("LOCAL_WORLD_SIZE", "WORLD_SIZE", "RANK", "LOCAL_RANK")
    elif tasks > 1 and SLURMEnvironment.detect():
        started_by = "Slurm"
        names = ("SLURM_NTASKS_PER_NODE", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID")
        if "SLURM_STEP_NUM_TASKS" not in os.environ:  # srun alone sets it; the other tasks would never come
            raise InputError(f"Slurm granted {tasks} tasks, but srun did not start this one; write srun wavenet train")
        if "SLURM_NTASKS_PER_NODE" not in os.environ:
            raise InputError(f"Slurm started {tasks} tasks without --ntasks-per-node; say how many on each machine")
    else:
        return Group(devices or 1)
    here, total, rank, local_rank = (int(os.environ[name]) for name in names)
    if devices is not None and devices != here:
        raise InputError(
            f"--devices is {devices}, but {started_by} started {here} on this machine; leave --devices out"
        )
    if here < 1 or total % here:
        raise InputError(f"{started_by} started {total} processes, {here} on this machine; start equally many on each")
    return Group(here, total // here, rank, local_rank, started_by)


def check_devices(group: Group, device: str) -> None:
    """Raise InputError where this machine has too few devices, before anything is read or written."""
    have, most = torch.cuda.device_count(), max(2, os.cpu_count() or 1)
    if device == "cuda" and group.devices > have:
        raise InputError(
            f"{group.devices} processes on this machine need as many CUDA devices, but each sees {have}; "
            f"start {have}, let each see all, or take --device cpu"
        )
    if device == "cpu" and group.started_by == "--devices" and group.devices > most:
        raise InputError(f"--devices is {group.devices}, expected at most {most} on this machine's processor")


# --- starting and ending ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def started(command: Sequence[str], group: Group) -> Iterator[None]:
    """Start the other processes of `--devices N` beside the first; end with all of them, and leave their group.

    Args:
        command: what each of the others runs; there `find_group` tells it which one it is.
        group: as this process sees it.

    Raises:
        WavenetError: another process failed; InputError where it says so.
    """
    if group.started_by == "--devices" and group.leads:
        with _beside(command, group.size):
            yield
        return
    if group.started_by == "--devices":
        threading.Thread(target=_end_with_first, daemon=True).start()
    if not group.leads and threading.current_thread() is threading.main_thread():
        for number in stop_signals():  # no Python handler runs while it waits for the first; it has nothing to save
            signal.signal(number, signal.SIG_DFL)
    try:
        yield
    except RuntimeError as error:
        _forget(error)
        if not _is_lost(error):
            raise
        raise WavenetError(NEIGHBOUR) from error
    except BaseException as error:
        _forget(error)
        raise
    finally:
        _leave()


def _is_lost(error: Exception) -> bool:
    """Return whether an error says that a neighbour has ended."""
    return isinstance(error, distributed.DistError) or any(words in str(error) for words in LOST)


def _forget(error: BaseException) -> None:
    """Let go of what the functions that an error ended in still hold, Lightning's wrapper of the network above all."""
    if distributed.is_initialized():
        traceback.clear_frames(error.__traceback__)


def _leave() -> None:
    """Leave the process group, and wait for the end of its threads, so long as that takes no longer than it should.

    A thread that lets go of its last collective only when Python is ending aborts the process ("terminate called
    without an active exception"). And one that waits for a neighbour, which may be alive and wait for this process, is
    waited for in vain: so that happens in a thread of its own. The wrapper of the network goes first, since its
    destructor would wait for those threads while it keeps Python's lock from them.
    """
    if not distributed.is_initialized():
        return
    gc.collect()
    leaving = threading.Thread(target=distributed.destroy_process_group, daemon=True)
    leaving.start()
    leaving.join(GRACE_SECONDS)


def _end_with_first() -> None:
    """End this process with the one that started it, however that one ends."""
    while os.environ[RUN_ID] == f"{OURS}{os.getppid()}":
        time.sleep(POLL_SECONDS)
    os._exit(1)  # the main thread may wait in a collective


@contextlib.contextmanager
def _beside(command: Sequence[str], size: int) -> Iterator[None]:
    variables = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_network_port()), "GROUP_RANK": "0"}
    variables |= {"WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size), "RANK": "0", "LOCAL_RANK": "0"}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)  # as torchrun does, whatever was there
    members: list[Member] = []
    over, seconds = threading.Event(), 0.0
    watch = threading.Thread(target=_watch, args=(members, over), daemon=True)
    if size > 1:
        watch.start()
    try:
        for rank in range(1, size):
            members.append(Member(command, rank, size))
        yield
        _leave()
        seconds = GRACE_SECONDS
    except WavenetError:
        raise
    except Exception as error:
        _forget(error)
        # one that fails leaves the group first, and takes its time to end where a machine has much to do
        failure = _failure(members, GRACE_SECONDS * (6 if _is_lost(error) else 1))
        if failure is None:
            raise
        raise failure from failure.__cause__
    finally:
        over.set()
        if watch.is_alive():
            watch.join()
        for member in members:
            member.end(seconds)
        _leave()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


class Member:
    """A process beside the first: which one it is, of how many, the first included."""

    def __init__(self, command: Sequence[str], rank: int, size: int) -> None:
        self.name = f"process {rank + 1} of {size}"
        self.said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        place = {"RANK": str(rank), "LOCAL_RANK": str(rank), RUN_ID: f"{OURS}{os.getpid()}"}
        # signals are for the first one, which ends the others: these have them blocked from their first moment on
        before = signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals())
        try:
            self.process = subprocess.Popen(
                command, env={**os.environ, **place}, stdin=subprocess.DEVNULL, stderr=self.said
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def failure(self) -> WavenetError | None:
        """Return why it failed; its cause is all that it said. None where it did not."""
        code = self.process.poll()
        if not code:
            return None
        self.said.seek(0)
        said = self.said.read()
        lines = [line for line in said.splitlines() if line.startswith(ERROR)]
        if lines:
            reason = f": {lines[-1].removeprefix(ERROR)}"
        elif code < 0:
            reason = f" was killed by signal {-code}, often for lack of memory; go on from the last save with --resume"
        else:
            reason = f" ended with exit code {code} (-v shows its output); go on from the last save with --resume"
        error = (InputError if code == InputError.exit_code else WavenetError)(f"{self.name}{reason}")
        error.__cause__ = ChildProcessError(said)
        return error

    def end(self, seconds: float) -> None:
        """Wait for its end; kill it where that does not come in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.process.kill()
        self.process.wait()
        self.said.close()


def _failure(members: Sequence[Member], seconds: float = 0.0) -> WavenetError | None:
    """Return why a process failed, waiting so long for one; one that only lost its neighbour comes last."""
    until = time.monotonic() + seconds
    while True:
        found = [error for error in (member.failure() for member in members) if error is not None]
        found.sort(key=lambda error: NEIGHBOUR in str(error))
        if not members or time.monotonic() >= until or (found and NEIGHBOUR not in str(found[0])):
            return found[0] if found else None
        time.sleep(POLL_SECONDS)


def _watch(members: Sequence[Member], over: threading.Event) -> None:
    """End this process where another failed and the main thread waits for it in a collective."""
    while not over.wait(POLL_SECONDS):
        if not any(member.process.poll() for member in members) or over.wait(GRACE_SECONDS):
            continue
        failure = _failure(members)
        for member in members:
            member.end(0.0)
        log.error("%s%s", ERROR, failure)
        logging.shutdown()
        os._exit(failure.exit_code if failure is not None else 1)


# --- agreeing --------------------------------------------------------------------------------------------------------


def together() -> bool:
    """Return whether this process trains with others just now."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def summed(*values: Tensor) -> list[Tensor]:
    """Return each value summed over all processes, in float64."""
    stacked = torch.stack([value.detach().double() for value in values])
    if together():
        distributed.all_reduce(stacked)
    return list(stacked)


def agreed(wish: bool, device: torch.device) -> bool:
    """Return whether any process wishes something."""
    return bool(summed(torch.tensor(wish, device=device))[0] > 0)


def check_same(step: int, device: torch.device) -> None:
    """Raise WavenetError where processes are at different steps.

    A network file system may show each machine another checkpoint for a while; trained on, these would be mixed.
    """
    if not together():
        return
    ends = torch.tensor([step, -step], device=device)
    distributed.all_reduce(ends, distributed.ReduceOp.MAX)
    most, least = int(ends[0]), -int(ends[1])
    if least != most:
        raise WavenetError(
            f"the processes read checkpoints of different steps, {least:,} to {most:,}, from the run folder; "
            "wait until all machines see the same files, then go on with --resume"
        )
