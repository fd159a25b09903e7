"""Names what was said, and by whom: a small convolutional network on log mels, trained on real sound in minutes.

It judges whether generated sound is what was asked for. Any columns can be its fields: speaker, label, and so on. It
hears sound at one level, and in training with other sound's faults: noise, mu-law steps, silence around it, holes. So
it listens to what is said, not to how clean that is. What it is worth is what it names right of held-out real sound,
which it must never have seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import InputError
from wavenet.evaluation import convolutions
from wavenet.evaluation.convolutions import one_thread
from wavenet.evaluation.faults import holed, spoilt
from wavenet.evaluation.log_mels import check, filled, levelled, log_mel
from wavenet.outputs import Floats
from wavenet.progress import Progress
from wavenet.text import many

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Ids = NDArray[np.int64]
Weights = dict[str, NDArray[np.float32]]

VERSION = 1  # of the network and its training: another one is trained anew
AT_ONCE = 32  # clips that are named in one batch


@dataclass(frozen=True)
class Settings:
    """How a recogniser is trained."""

    steps: int = 1600
    batch: int = 64  # clips a step
    channels: int = 128
    learning_rate: float = 2e-3  # falls to nothing, as half a cosine
    weight_decay: float = 0.02
    dropout: float = 0.2  # of channels behind each convolution
    seed: int = 0


USUAL = Settings()
MOST_PASSES = 320  # over all clips: few are learnt from no better in twice as many (LOG.md)


@dataclass(frozen=True)
class Recogniser:
    """A trained network that names the fields of a sound."""

    values: dict[str, tuple[str, ...]]  # each field with the names of its values, by their ids
    sample_rate: int  # in Hz
    weights: Weights  # float32, by name

    def names(self, waves: Sequence[Floats]) -> Ids:
        """Return the ids [clips, fields] int64 of each field's likeliest value, for waves [T] in [-1, 1]."""
        told = self.probabilities(waves)
        return np.stack([told[field].argmax(axis=1) for field in self.values], axis=1)

    def probabilities(self, waves: Sequence[Floats]) -> dict[str, Floats]:
        """Return the probability [clips, values] float32 of each value of each field.

        Args:
            waves: [T] float32 in [-1, 1] at `sample_rate`, of any lengths.

        Raises:
            InputError: a wave has no samples, or some that are not finite.
        """
        import torch

        check(waves)
        weights = {name: torch.from_numpy(value) for name, value in self.weights.items()}
        made: dict[str, list[Floats]] = {
            field: [np.zeros((0, len(own)), np.float32)] for field, own in self.values.items()
        }
        order = sorted(range(len(waves)), key=lambda index: len(waves[index]))  # so that little is filled up
        with torch.no_grad(), one_thread():
            for first in range(0, len(order), AT_ONCE):
                part = [levelled(np.asarray(waves[i], np.float32)) for i in order[first : first + AT_ONCE]]
                heard, there = log_mel(filled(part), [len(wave) for wave in part], self.sample_rate)
                for field, logits in _listen(weights, heard, there, list(self.values)).items():
                    made[field].append(logits.softmax(dim=1).numpy())
        back = np.argsort(np.array(order, np.int64))
        return {field: np.concatenate(parts)[back] for field, parts in made.items()}


@dataclass(frozen=True)
class Labelled:
    """Clips to train on, and what each of them is.

    Attributes:
        waves: [T] float32 in [-1, 1] each, of any lengths and levels; read when they are needed, many times.
        ids: [clips, fields] int64, which value each clip has in each field; beyond the last: not known.
        values: each field with the names of its values, in the order of the columns of `ids`.
        sample_rate: of the waves, in Hz.
    """

    waves: Sequence[Floats]
    ids: Ids
    values: Mapping[str, Sequence[str]]
    sample_rate: int

    def check(self) -> None:
        """Raise InputError unless each clip has an id in each field."""
        clips, fields, ids = len(self.waves), len(self.values), self.ids
        if not clips or not fields or ids.shape != (clips, fields):
            raise InputError(
                f"ids have shape {list(ids.shape)} for {many(clips, 'clip')} and {many(fields, 'field')}, expected "
                f"[{clips}, {fields}] and at least one of each; give each clip an id in each field"
            )
        if (ids < 0).any():
            raise InputError(
                f"an id is {int(ids.min())}, expected 0 or more; what is not known has an id beyond all values"
            )


# --- training --------------------------------------------------------------------------------------------------------


def usual(clips: int) -> Settings:
    """Return how a recogniser of so many clips is trained; few, which it soon hears again, in fewer steps."""
    return replace(USUAL, steps=min(USUAL.steps, -(-MOST_PASSES * clips // min(clips, USUAL.batch))))


def train(clips: Labelled, settings: Settings = USUAL) -> Recogniser:
    """Return a recogniser trained on some clips, the same for the same clips, settings and build of torch.

    It takes one thread, so that it is the same however many cores there are.

    Raises:
        InputError: waves, ids and values do not fit each other, or a wave is empty or not finite.
    """
    import torch

    waves, sample_rate = clips.waves, clips.sample_rate
    check(waves)
    clips.check()
    draw = torch.Generator().manual_seed(settings.seed)
    own = {field: tuple(names) for field, names in clips.values.items()}
    weights = begin(own, settings.channels, draw)
    tuned = torch.optim.AdamW(weights.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    lengths = np.array([len(wave) for wave in waves])
    with one_thread(), Progress("training a recogniser", settings.steps, "steps") as progress:
        for step, chosen in zip(range(settings.steps), batches(lengths, settings, draw), strict=False):
            tuned.param_groups[0]["lr"] = settings.learning_rate * (1 + math.cos(math.pi * step / settings.steps)) / 2
            parts = [spoilt(levelled(waves[index]), sample_rate, draw).wave for index in chosen]
            heard, there = log_mel(filled(parts), [len(wave) for wave in parts], sample_rate)
            told = _listen(weights, holed(heard, draw), there, list(own), settings.dropout, draw)
            loss = _loss(told, torch.from_numpy(clips.ids[chosen]))
            tuned.zero_grad()
            loss.backward()
            tuned.step()
            progress.advance(1, f"loss {float(loss.detach()):.3f}")
    return Recogniser(own, sample_rate, {name: value.detach().numpy() for name, value in weights.items()})


def begin(values: Mapping[str, Sequence[str]], channels: int, draw: torch.Generator) -> dict[str, Tensor]:
    """Return weights to begin with."""
    import torch

    made = convolutions.begin(channels, draw)
    for field, names in values.items():
        made[f"fields.{field}.where"] = torch.zeros(1, channels)
        made[f"fields.{field}.weight"] = torch.randn(len(names), channels, generator=draw) * channels**-0.5
        made[f"fields.{field}.bias"] = torch.zeros(len(names))
    return {name: value.requires_grad_() for name, value in made.items()}


def batches(lengths: NDArray[np.integer], settings: Settings, draw: torch.Generator) -> Iterator[Ids]:
    """Yield which clips each step hears: all but a batch's rest, again and again, those about as long together."""
    import torch

    size = min(settings.batch, len(lengths))
    while True:
        chosen = torch.randperm(len(lengths), generator=draw)[: len(lengths) // size * size].numpy()
        blur = torch.randn(len(chosen), generator=draw).numpy()
        order = chosen[np.argsort(np.log(lengths[chosen]) + 0.3 * blur, kind="stable")].reshape(-1, size)
        yield from order[torch.randperm(len(order), generator=draw).numpy()]


def _loss(told: Mapping[str, Tensor], ids: Tensor) -> Tensor:
    """Return the sum over fields of the mean cross entropy, in nats; a little is left for all other values."""
    import torch
    from torch.nn.functional import cross_entropy

    losses = 0.0 * torch.stack([logits.sum() for logits in told.values()]).sum()  # where nothing at all is known
    for column, logits in enumerate(told.values()):
        known = ids[:, column] < logits.shape[1]
        if bool(known.any()):
            losses = losses + cross_entropy(logits[known], ids[known, column], label_smoothing=0.05)
    return losses


# --- the network -----------------------------------------------------------------------------------------------------


def _listen(
    weights: Mapping[str, Tensor],
    heard: Tensor,
    there: Tensor,
    fields: Sequence[str],
    dropout: float = 0.0,
    draw: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Return the logits [B, values] of each field: of a mean over frames, weighted by where that field is to be heard.

    Args:
        weights, heard, there, dropout, draw: as for `convolved`.
        fields: their names.
    """
    from torch.nn.functional import linear

    held, there = convolutions.convolved(weights, heard, there, dropout, draw)
    told = {}
    for field in fields:
        where = linear(held.mT, weights[f"fields.{field}.where"]).masked_fill(~there[:, :, None], -math.inf)
        told[field] = linear(
            (held @ where.softmax(dim=1))[:, :, 0], weights[f"fields.{field}.weight"], weights[f"fields.{field}.bias"]
        )
    return told
