"""Which processes train together, and which of them this one is: one alone, N on this machine, torchrun's or Slurm's.

Each takes its own share of every batch and they agree on each step, so that N processes learn what one with an N times
larger batch would. The first of them writes the run folder; all need to see it, and the sound.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed

from wavenet.errors import InputError

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
    if TorchElasticEnvironment.detect():
        here, total, rank = (int(os.environ[name]) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE", "RANK"))
        return _started("torchrun", TorchElasticEnvironment(), devices, here, total, rank)
    tasks = int(os.environ.get("SLURM_NTASKS", "1"))
    if tasks > 1 and SLURMEnvironment.detect():
        here = int(os.environ.get("SLURM_NTASKS_PER_NODE", tasks))
        rank = int(os.environ.get("SLURM_PROCID", "0"))
        return _started("Slurm", SLURMEnvironment(auto_requeue=False), devices, here, tasks, rank)
    # the processes that Lightning starts beside the first are told their place in this way
    return Team(devices or 1, 1, int(os.environ.get("LOCAL_RANK", "0")), LightningEnvironment())


def _started(who: str, by: ClusterEnvironment, devices: int | None, here: int, total: int, rank: int) -> Team:
    if devices is not None and devices != here:
        raise InputError(f"--devices is {devices}, but {who} started {here} on this machine; leave --devices out")
    return Team(here, total // here, rank, by)


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
