"""Which processes train together, and which of them this one is: one alone, N on this machine, torchrun's or Slurm's.

Each takes its own share of every batch and they agree on each step, so that N processes learn what one with an N times
larger batch would. The first of them writes the run folder; all need to see it, and the sound.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed

from wavenet.errors import InputError, WavenetError
from wavenet.training.crew import Beside

LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL")  # what a process is told of it
PATIENCE = timedelta(hours=6)  # for the first, which scores, samples and saves while the others wait


@dataclass(frozen=True)
class Team:
    """Processes that train together.

    Args:
        devices: processes on each machine.
        nodes: machines.
        rank: which this one is, 0 .. devices * nodes - 1.
        environment: who started them.
    """

    devices: int
    nodes: int
    rank: int
    environment: ClusterEnvironment

    @property
    def size(self) -> int:
        """All processes."""
        return self.devices * self.nodes

    @property
    def leads(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def trainer_arguments(self) -> dict[str, Any]:
        """Return what Lightning's Trainer has to know."""
        # under Slurm Lightning would save and restore state of its own, were it not told otherwise
        arguments: dict[str, Any] = {"devices": self.devices, "num_nodes": self.nodes, "plugins": [self.environment]}
        if self.size > 1:
            arguments["strategy"] = DDPStrategy(timeout=PATIENCE)
        return arguments


def gather(devices: int | None) -> Team:
    """Return the team of this process.

    Args:
        devices: processes on this machine; None takes what torchrun or Slurm started, else one.

    Raises:
        InputError: torchrun or Slurm started another number.
    """
    beside = Beside.detected()
    if beside is not None:
        return Team(beside.size, 1, beside.rank, beside)
    if TorchElasticEnvironment.detect():
        here, total, rank = (int(os.environ[name]) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE", "RANK"))
        return _started("torchrun", TorchElasticEnvironment(), devices, here, total, rank)
    tasks = int(os.environ.get("SLURM_NTASKS", "1"))
    if tasks > 1 and SLURMEnvironment.detect():
        return _by_slurm(tasks, devices)
    return Team(devices or 1, 1, 0, Beside(0, devices or 1))


def _by_slurm(tasks: int, devices: int | None) -> Team:
    """Return the team of srun's tasks; what would wait for ever for tasks that nobody started is refused."""
    if "SLURM_STEP_NUM_TASKS" not in os.environ:  # srun alone sets it
        raise InputError(
            f"Slurm granted {tasks} tasks, but srun did not start this one; write srun wavenet train, or ask for one"
        )
    if "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise InputError(
            f"Slurm started {tasks} tasks and does not say how many on each machine; ask for --ntasks-per-node"
        )
    here, rank = int(os.environ["SLURM_NTASKS_PER_NODE"]), int(os.environ["SLURM_PROCID"])
    # without auto_requeue Lightning leaves SIGUSR1 alone, and never asks Slurm to run a job again
    return _started("Slurm", SLURMEnvironment(auto_requeue=False), devices, here, tasks, rank)


def _started(who: str, by: ClusterEnvironment, devices: int | None, here: int, total: int, rank: int) -> Team:
    if devices is not None and devices != here:
        raise InputError(f"--devices is {devices}, but {who} started {here} on this machine; leave --devices out")
    if here < 1 or total % here:
        raise InputError(f"{who} started {total} processes, {here} on a machine; start as many on each machine")
    return Team(here, total // here, rank, by)


def check_devices(team: Team, device: str) -> None:
    """Raise InputError where this machine has not so many devices, before anything is read or written."""
    if device == "cuda":
        have = torch.cuda.device_count()
        if team.devices > have:
            raise InputError(
                f"{team.devices} processes on this machine need as many CUDA devices, but each sees {have}; "
                f"start {have}, let each see all, or take --device cpu"
            )
        return
    most = max(2, os.cpu_count() or 1)
    if isinstance(team.environment, Beside) and team.devices > most:
        raise InputError(f"--devices is {team.devices}, expected at most {most} on this machine's processor")


def together() -> bool:
    """Return whether this process trains with others just now."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def summed(*values: Tensor) -> list[Tensor]:
    """Return each value summed over all processes, in float64 (its own where there is but one process)."""
    stacked = torch.stack([value.detach().double() for value in values])
    if together():
        distributed.all_reduce(stacked)
    return list(stacked)


def agreed(wish: bool, device: torch.device) -> bool:
    """Return whether any process wishes something."""
    if not together():
        return wish
    votes = torch.tensor(float(wish), device=device)
    distributed.all_reduce(votes)
    return bool(votes > 0)


def check_same(step: int, device: torch.device) -> None:
    """Raise WavenetError where processes stand at different steps.

    A network file system may show each machine another checkpoint for a while; trained on, these would be mixed.
    """
    if not together():
        return
    least, most = torch.tensor([step], device=device), torch.tensor([step], device=device)
    distributed.all_reduce(least, distributed.ReduceOp.MIN)
    distributed.all_reduce(most, distributed.ReduceOp.MAX)
    if least != most:
        raise WavenetError(
            f"the processes read checkpoints of different steps, {int(least):,} to {int(most):,}, from the run folder; "
            "wait until all machines see the same files, then go on with --resume"
        )


@contextlib.contextmanager
def explained(team: Team) -> Iterator[None]:
    """Say in one sentence that another process is gone, where torchrun or Slurm started it."""
    try:
        yield
    except RuntimeError as error:
        lost = isinstance(error, distributed.DistError) or any(words in str(error) for words in LOST)
        if not lost or team.size == 1 or isinstance(team.environment, Beside):  # a `crew` knows more
            raise
        raise WavenetError(
            "another process of this training is gone, and its own words say why; what was saved is whole: go on with "
            "--resume"
        ) from None
