"""The LightningModule: one training step, told in a straight line."""

from __future__ import annotations

import copy
import math
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from wavenet import outputs
from wavenet.model import network as networks
from wavenet.model.condition import Told
from wavenet.model.network import WaveNet
from wavenet.outputs import IGNORED
from wavenet.recipe.records import Recipe, TrainConfig
from wavenet.training import processes

BETAS = (0.9, 0.99)  # Adam's; a second memory of 100 steps, since short runs on a CPU have only thousands
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of each weight
SMALL = ("acoustic", "durations")  # networks that learn beside the WaveNet, each from a loss of its own
ROLLBACK_RATE = 0.5  # what is left of the learning rate after going back to the last good state


def learning_rate(train: TrainConfig, step: int) -> float:
    """Return the rate of one step: linear warm-up, then a cosine down to `final_rate` of it at the last step."""
    warm = min(1.0, (step + 1) / train.warmup_steps) if train.warmup_steps else 1.0
    done = min(1.0, step / train.steps)
    decay = train.final_rate + (1 - train.final_rate) * 0.5 * (1 + math.cos(math.pi * done))
    return train.learning_rate * warm * decay


def ema_decay(train: TrainConfig, step: int) -> float:
    """Return how much the averaged weights keep at one step: less at first, so that they forget the beginning."""
    return min(train.ema_decay, (1 + step) / (10 + step))


def dropout_seed(seed: int, step: int, rank: int) -> int:
    """Return what the dropout of one step in one process is drawn from, 0 .. 2^63 - 1.

    On a processor torch looks at no more than the lower 32 bits of it. There processes begin as far apart as can be, at
    the mirrored bits of their rank (0, 1/2, 1/4, 3/4 ... of the range): no two of N ever have a seed in common within
    2^32 / N steps, N rounded up to a power of two. The first of them begins where one alone does.
    """
    alone = (seed * 1_000_003 + step) % 2**63
    mirrored = int(f"{rank:032b}"[::-1], 2)
    return alone - alone % 2**32 + (alone + mirrored) % 2**32


class WaveNetModule(pl.LightningModule):
    """A WaveNet with its averaged twin and the counters that its training depends on.

    The optimisation is manual, so that a step whose loss or gradient is not finite leaves no trace in the weights,
    the averages or the optimiser.
    """

    def __init__(self, recipe: Recipe, network: WaveNet, compiled: bool = False) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.recipe, self.alphabet = recipe, outputs.of(recipe)
        self.network = network
        self.averaged = copy.deepcopy(network).eval().requires_grad_(False)
        self._graph = torch.compile(network) if compiled else network
        named = list(network.named_parameters())
        rooms = [name.partition(".")[0] for name, _ in named]
        small = {room: [one for own, (_, one) in zip(rooms, named, strict=True) if own == room] for room in SMALL}
        self.small = {room: weights for room, weights in small.items() if weights}
        self._sounding = [one for own, (_, one) in zip(rooms, named, strict=True) if own not in SMALL]
        if self.alone:  # Adam passes over what has no gradient
            for weight in self._sounding:
                weight.requires_grad_(False)
        self.step = 0  # batches seen, skipped ones included: the data counter
        self.skipped = self.skipped_in_a_row = 0  # steps left out because of a non-finite loss or gradient
        self.rollbacks = 0  # to the last good state; each halves the rate from there on
        self.rank = 0  # which of the processes that train together this is
        self.saved_moments: dict[str, Tensor] = {}  # set by a resumed run

    @property
    def alone(self) -> bool:
        """Whether the small networks learn alone, and all else stays as it is."""
        return self.recipe.train.only is not None

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW, with its moments where the run is resumed.

        Raises:
            KeyError, ValueError: the moments are those of another network.
        """
        train = self.recipe.train
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=train.learning_rate, betas=BETAS, weight_decay=train.weight_decay
        )
        self.put_moments(optimizer, self.saved_moments)
        return optimizer

    def optimizer(self) -> torch.optim.Optimizer:
        """Return torch's own optimiser, out of Lightning's wrapping."""
        found = self.optimizers(use_pl_optimizer=False)
        assert isinstance(found, torch.optim.Optimizer)
        return found

    def moments(self, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
        """Return what Adam remembers, such as ``hidden.bias.exp_avg``; nothing before the first finite step."""
        names = [name for name, _ in self.network.named_parameters()]
        return {
            f"{names[i]}.{key}": value
            for i, held in optimizer.state_dict()["state"].items()
            for key, value in held.items()
        }

    def put_moments(self, optimizer: torch.optim.Optimizer, moments: dict[str, Tensor]) -> None:
        """Let Adam go on with what `moments` returned.

        Raises:
            KeyError, ValueError: they are those of another network.
        """
        state = {}
        for i, (name, weight) in enumerate(self.network.named_parameters()) if moments else ():
            if not any(f"{name}.{key}" in moments for key in MOMENTS):
                continue  # it has not learned yet
            state[i] = {key: moments[f"{name}.{key}"] for key in MOMENTS}
            if any(value.shape not in (weight.shape, ()) for value in state[i].values()):
                raise ValueError(f"the moments of {name} have another shape")
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})

    def rate(self, step: int) -> float:
        """Return the learning rate of one step, after what rollbacks took from it."""
        return learning_rate(self.recipe.train, step) * ROLLBACK_RATE**self.rollbacks

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Take one step on the mean loss of a batch's targets.

        Args:
            batch: `inputs` [B, T + receptive_field - 1] and `targets` [B, T]; where the network is told something,
                `told`, and `predicted` [B] bool, which rows hear predicted tracks; `heard`, what else an acoustic
                network learns from; with a network of durations, `said`.
            batch_idx: not used; the data counter is `step`.

        Returns:
            `bits` per sample and the count of `targets`, where not the small networks learn alone; `norm` of the
            gradient, and whether all was `finite`: else the weights did not move; with an acoustic network, the mean
            `distance` of its tracks to the real ones; with one of durations, `length_nats`, what the length of a phone
            costs.
        """
        del batch_idx
        train = self.recipe.train
        optimizer = self.optimizers()
        assert isinstance(optimizer, pl.core.optimizer.LightningOptimizer)
        for group in optimizer.param_groups:
            group["lr"] = self.rate(self.step)
        if self.network.drops:
            torch.manual_seed(dropout_seed(train.seed, self.step, self.rank))
        told, tracks, lengths = self._predictions(batch)
        sample = (torch.zeros((), device=self.device), (batch["targets"] != IGNORED).sum())
        if not self.alone:
            sample = (self.alphabet.nll(self._graph(batch["inputs"], told), batch["targets"]).sum(), sample[1])
        (first, *others), (loss, distance, phone) = self._means(sample, tracks, lengths)
        optimizer.zero_grad()
        self.manual_backward(first + sum(others))
        norm, finite = self._clipped(loss + distance + phone)
        if finite:
            optimizer.step()
            self._average(ema_decay(train, self.step))
        self.step += 1
        self.skipped += not finite
        self.skipped_in_a_row = 0 if finite else self.skipped_in_a_row + 1
        found = {"norm": norm, "finite": finite}
        found |= {} if self.alone else {"bits": loss.item() / math.log(2), "targets": int(sample[1])}
        beside = {"acoustic": {"distance": distance.item()}, "durations": {"length_nats": phone.item()}}
        return found | {name: value for room in self.small for name, value in beside[room].items()}

    def _predictions(self, batch: dict[str, Any]) -> tuple[Told | None, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Return what the WaveNet is told, and the errors of tracks and the nats of lengths: sums and numbers."""
        told, (errors, known, nats, phones) = batch.get("told"), torch.zeros(4, device=self.device)
        if told is not None and self.network.predicts:
            told, errors, known = self.network.hear(told, batch["predicted"])
            if "heard" in batch:
                more = self.network.missed(batch["heard"])
                errors, known = errors + more[0], known + more[1]
        if told is not None and "said" in batch:
            nats, phones = self.network.surprise(batch["said"], told.fields)
        return told, (errors, known), (nats, phones)

    def _clipped(self, loss: Tensor) -> tuple[float, bool]:
        """Clip the gradients, and return their norm, and whether all is finite."""
        rooms = [] if self.alone else [self._sounding]
        norms = [
            torch.nn.utils.clip_grad_norm_(weights, self.recipe.train.gradient_clip)
            for weights in (*rooms, *self.small.values())  # each of another loss, so that none may scale another down
        ]
        return norms[0].item(), bool(torch.isfinite(loss) & torch.isfinite(torch.stack(norms)).all())

    def _means(self, *sums: tuple[Tensor, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return the mean of each (sum, number), to be minimised and as it is shown.

        Of processes that train together the latter is over all, and so is the average of the former's gradients.
        """
        if not processes.together():
            means = [total / number.clamp(min=1) for total, number in sums]
            return means, means
        whole = processes.summed(*(part for one in sums for part in one))
        numbers, world = [number.clamp(min=1) for number in whole[1::2]], self.trainer.world_size
        own = [total * (world / number).float() for (total, _), number in zip(sums, numbers, strict=True)]
        return own, [total / number for total, number in zip(whole[::2], numbers, strict=True)]

    def is_finite(self) -> bool:
        """Return whether all weights and averages are finite: an enormous rate can make a step's result overflow."""
        held = [*self.network.parameters(), *self.averaged.parameters()]
        return all(bool(torch.isfinite(one).all()) for one in held)

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        pairs = zip(self.averaged.parameters(), self.network.parameters(), strict=True)
        moved = [(own, weight) for own, weight in pairs if weight.requires_grad]
        torch._foreach_lerp_([own for own, _ in moved], [weight for _, weight in moved], 1 - decay)


def build(recipe: Recipe, compiled: bool = False) -> WaveNetModule:
    """Return an untrained module whose first weights are a function of the recipe's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        return WaveNetModule(recipe, networks.build(recipe), compiled)
