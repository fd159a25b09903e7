"""Networks over frames: what brings all that a WaveNet is told to its gates, and what predicts tracks.

Equations 2.5 of van den Oord et al. 2016 add V c to filter and gate, c at the sample rate. Repeating or interpolating c
is linear, so that V c here is one product at the frame rate for all layers; samples only mix its rows.

`generate/condition.py` computes the same with NumPy.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wavenet.geometry import ConditionShape, FrameShape, mixing
from wavenet.outputs import Said, Window


class Told(NamedTuple):
    """A `Window` as tensors."""

    first: Tensor  # [B] int64, the step of the first input
    fields: Tensor  # [B, n] int64
    tracks: Tensor  # [B, f, M] float32
    frames: Tensor  # [B] int64
    mean: Tensor  # [B, M] float32
    offset: int  # steps between the beginning of the first input's frame and it, the same for all

    def with_tracks(self, tracks: Tensor) -> Told:
        """Return the same with other tracks."""
        return self._replace(tracks=tracks)


def as_told(window: Window, hop: int, device: torch.device | None = None) -> Told:
    """Return the tensors of a window whose steps are equal modulo hop."""
    offsets = set((window.first % hop).tolist())
    if len(offsets) != 1:
        raise ValueError(f"got steps {window.first.tolist()}, expected steps equal modulo {hop}")
    arrays = (window.first, window.fields, window.tracks, window.frames, window.mean)
    first, fields, tracks, frames, mean = (torch.from_numpy(array).to(device) for array in arrays)
    return Told(first, fields, tracks, frames, mean, offsets.pop())


class Sentences(NamedTuple):
    """A `Said` as tensors."""

    phones: Tensor  # [B, P + 2 reach, M] float32
    mean: Tensor  # [B, M] float32
    lengths: Tensor  # [B, P] float32
    learned: Tensor  # [B, P] bool


def as_sentences(said: Said) -> Sentences:
    """Return the tensors of sentences."""
    return Sentences(*map(torch.from_numpy, (said.phones, said.mean, said.lengths, said.learned)))


class FrameNetwork(nn.Module):
    """Fields and tracks -> C channels a frame: an entry, to which the fields are added, then residual convolutions.

    Args:
        shape: its integers.
        modules: of each row of its weights, by name.
        dropout: share of the convolutions' inputs that training zeroes.
    """

    entry: nn.Linear
    alone: nn.Linear
    pooled: nn.Linear
    project: nn.Linear
    before: nn.Embedding
    output: nn.Linear

    def __init__(self, shape: FrameShape, modules: dict[str, Any], dropout: float = 0.0) -> None:
        super().__init__()
        self.shape, self.dropout = shape, nn.Dropout(dropout)
        own = {
            name.removeprefix(f"{shape.name}."): modules[name] for name in modules if name.startswith(f"{shape.name}.")
        }
        self.fields = nn.ModuleDict()  # which would refuse a field that is called `type` or `keys`, as its own words
        self.fields._modules.update({field: own[f"fields.{field}"] for field, _ in shape.fields})
        self.encoder = nn.ModuleList(own[f"encoder.{i}"] for i in range(len(shape.encoder.layers)) if shape.tracks)
        for name in ("entry", "alone", "pooled", "project", "before", "output"):
            if name in own:
                self.add_module(name, own[name])

    def constant(self, fields: Tensor) -> Tensor:
        """Return the sum of the fields' rows [B, C] for fields [B, n]."""
        rows = [table(fields[:, i]) for i, table in enumerate(self.fields.values())]
        return torch.stack(rows).sum(0) if rows else self.output.weight.new_zeros(len(fields), self.shape.channels)

    def encode(self, tracks: Tensor, fields: Tensor, mean: Tensor) -> Tensor:
        """Return channels [B, f - 2 reach, C] for tracks [B, f, M], fields [B, n] and the tracks' mean [B, M]."""
        h: Tensor = self.entry(tracks) + self.constant(fields)[:, None]
        reach = self.shape.encoder.reach
        if self.shape.encoder.pyramid:
            a = self.dropout(F.relu(h))
            branches = [self.alone(cut(a, reach))]
            for (kernel, dilation), product in zip(self.shape.encoder.layers, self.encoder, strict=True):
                branches.append(product(_taps(cut(a, reach - (kernel - 1) // 2 * dilation), kernel, dilation)))
            if self.shape.encoder.pooled:
                branches.append(self.pooled(mean)[:, None].expand_as(branches[0]))
            projected: Tensor = self.project(F.relu(torch.cat(branches, dim=-1)))
            return cut(h, reach) + projected
        for (kernel, dilation), product in zip(self.shape.encoder.layers, self.encoder, strict=True):
            h = cut(h, (kernel - 1) // 2 * dilation) + product(_taps(self.dropout(F.relu(h)), kernel, dilation))
        return h

    def predict(self, tracks: Tensor, fields: Tensor, mean: Tensor) -> Tensor:
        """Return outputs [B, f - 2 reach, P] for what `encode` takes."""
        out: Tensor = self.output(F.relu(self.encode(tracks, fields, mean)))
        return out


class Gates:
    """V c of a window: what is added to the gates of each layer.

    Args:
        network: over frames.
        shape: how frames become samples.
        told: the window.
        steps: T of it.
        layers: L.
    """

    def __init__(self, network: FrameNetwork, shape: ConditionShape, told: Told, steps: int, layers: int) -> None:
        self.constant = not network.shape.tracks
        if self.constant:
            rows = network.output(network.constant(told.fields))[:, None, None]
        else:
            rows = _beside(network, shape, told)
        self.rows: Tensor = rows.unflatten(-1, (layers, -1))  # [B, f, 1 or 3, L, 2G]
        self.last, self.hop = told.offset + steps, shape.hop
        self.mixing = self.rows.new_tensor(mixing(shape.hop, True)) if shape.linear else None

    def of(self, layer: int, count: int) -> Tensor:
        """Return what the last `count` steps of a layer add, [B, count, 2G], or [B, 1, 2G] where all are alike."""
        rows = self.rows[:, :, :, layer]
        if self.constant:
            return rows[:, :, 0]
        if self.mixing is None:
            samples: Tensor = rows.expand(-1, -1, self.hop, -1)
        else:
            samples = self.mixing @ rows  # half the time of an einsum that says the same (LOG.md)
        return samples.flatten(1, 2)[:, self.last - count : self.last]


def _beside(network: FrameNetwork, shape: ConditionShape, told: Told) -> Tensor:
    """Return V c of each frame [B, f, 1, L * 2G], or with that of the frames before and after it [B, f, 3, L * 2G].

    Outside of the sound stands one learned row; no sample lies between it and a frame of the sound.
    """
    c = network.encode(told.tracks, told.fields, told.mean)
    first = torch.div(told.first, shape.hop, rounding_mode="floor")[:, None] - int(shape.linear)
    k = (first + torch.arange(c.shape[1], device=c.device))[..., None]  # [B, f, 1], which frame each is
    inside = (k >= 0) & (k < told.frames[:, None, None])
    c = torch.where(inside, c, (network.before.weight + network.constant(told.fields))[:, None])
    rows: Tensor = network.output(c)
    if not shape.linear:
        return rows[:, :, None]
    own, here = rows[:, 1:-1], inside[:, 1:-1]
    last = torch.where(inside[:, :-2] == here, rows[:, :-2], own)
    following = torch.where(inside[:, 2:] == here, rows[:, 2:], own)
    return torch.stack((last, own, following), dim=2)


def cut(x: Tensor, frames: int) -> Tensor:
    """Return [B, f - 2 frames, C]: as many frames less at either end."""
    return x[:, frames : x.shape[1] - frames]


def _taps(x: Tensor, kernel: int, dilation: int) -> Tensor:
    """Return the taps of each frame side by side, the oldest first: [B, f - (K-1)d, K*C]."""
    count = x.shape[1] - (kernel - 1) * dilation
    return torch.cat([x[:, k * dilation : k * dilation + count] for k in range(kernel)], dim=-1)
