"""WaveNet: raw audio from a stack of gated dilated causal convolutions (van den Oord et al. 2016, arXiv:1609.03499).

Glossary, the only single letters in this program::

    B batch       T samples      F frames     M mels          R residual channels   S skip channels
    H head        C conditioning K taps       L layers        P output parameters   Q classes
    G gate channels (of each of filter and gate)

The network knows no time: `forward` maps a whole signal with its context to the parameters of every next sample.
What generation remembers between two samples lives in ``generate/state.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from wavenet.geometry import ProductShape, Shape
from wavenet.model.blocks import CausalConv1d, ResidualBlock
from wavenet.model.condition import FrameNetwork, Gates, Sentences, Told, as_told, cut
from wavenet.outputs import Alphabet, Feed
from wavenet.recipe.records import LOG_SPREADS, PREDICTED, Recipe


class WaveNet(nn.Module):
    """The whole network. Departures from the paper's figure: the input is a look-up or a 1x1 product, which adds no
    lag; the skip products of all layers are one product over their concatenated gates, which is the same sum.

    Args:
        shape: the network's integers.
        dropout: share of each block's inputs that training zeroes.
        acoustic_dropout: the same of the convolutions that predict tracks.
        durations_dropout: the same of those that predict how long phones are.
    """

    def __init__(
        self, shape: Shape, dropout: float = 0.0, acoustic_dropout: float = 0.0, durations_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.shape = shape
        products = {row.name: _module(row) for row in shape.products}
        self.entry = products["entry"]
        self.blocks: Any = nn.ModuleList()
        for i, layer in enumerate(shape.layers):
            dilated = CausalConv1d(products[f"blocks.{i}.dilated.product"], layer.kernel, layer.dilation)
            self.blocks.append(ResidualBlock(dilated, products.get(f"blocks.{i}.residual"), dropout))
        self.skip, self.hidden, self.output = products["skip"], products["hidden"], products["output"]
        told = shape.condition
        if told is not None:
            self.condition = FrameNetwork(told.told, products)
            if told.acoustic is not None:
                self.acoustic = FrameNetwork(told.acoustic, products, acoustic_dropout)
            if told.durations is not None:
                self.durations = FrameNetwork(told.durations, products, durations_dropout)

    @property
    def predicts(self) -> bool:
        """Whether an acoustic network predicts tracks."""
        return self.shape.condition is not None and self.shape.condition.acoustic is not None

    @property
    def drops(self) -> bool:
        """Whether training zeroes anything at random."""
        return any(isinstance(module, nn.Dropout) and module.p > 0 for module in self.modules())

    @property
    def receptive_field(self) -> int:
        """Samples that one output sees."""
        return self.shape.receptive_field

    def forward(self, inputs: Tensor, told: Told | None = None) -> Tensor:
        """Return the parameters of the sample that follows each input with a whole receptive field.

        Args:
            inputs: [B, T], int64 codes for an embedding, else float32 values in [-1, 1].
            told: what the sequences are told for these T steps; None for a network that is told nothing.

        Returns:
            [B, T - receptive_field + 1, P]; the last belongs to the sample after the last input.

        Raises:
            ValueError: T is below the receptive field, or nothing is told to a network that expects it.
        """
        if inputs.shape[1] < self.receptive_field:
            raise ValueError(f"got {inputs.shape[1]} inputs, expected at least {self.receptive_field}")
        return self.answer(self.enter(inputs), self.gates(told, inputs.shape[1]))

    def gates(self, told: Told | None, steps: int) -> Gates | None:
        """Return what is added to the gates of all layers.

        Raises:
            ValueError: the network is told something and expects nothing, or the other way round.
        """
        shape = self.shape.condition
        if (told is None) != (shape is None):
            raise ValueError("got a network that is told nothing and something that it is told, or the other way round")
        if told is None or shape is None:
            return None
        if shape.acoustic is not None:
            told = told.with_tracks(cut(told.tracks, shape.acoustic.encoder.reach))
        return Gates(self.condition, shape, told, steps, len(self.blocks))

    def hear(self, told: Told, rows: Tensor) -> tuple[Told, Tensor, Tensor]:
        """Return what is told with tracks as they are predicted in some rows; the sum of the errors, and their number.

        Args:
            told: with real tracks.
            rows: [B] bool, which hear predicted tracks; no gradient flows through these.
        """
        predicted, aims, known = self._predicted(told)
        heard = torch.where(rows[:, None, None] & (known > 0), predicted.detach(), aims)
        replaced, reach = told.tracks.clone(), self.acoustic.shape.encoder.reach
        given = sum(width for _, width in self.acoustic.shape.tracks)
        replaced[:, reach : replaced.shape[1] - reach, given : given + heard.shape[2]] = heard
        return told.with_tracks(replaced), *_errors(predicted, aims, known)

    def missed(self, told: Told) -> tuple[Tensor, Tensor]:
        """Return the sum of the errors of predicted tracks, and their number."""
        return _errors(*self._predicted(told))

    def _predicted(self, told: Told) -> tuple[Tensor, Tensor, Tensor]:
        """Return tracks as they are predicted, as they are, and 1 where they are known, else 0: [B, f, P] each."""
        shape, tracks = self.acoustic.shape, self.condition.shape.tracks
        given, made = sum(width for _, width in shape.tracks), shape.outputs or 0
        unknown = told.tracks.shape[2] - len(tracks)  # the first of the columns that say so, in the order of the tracks
        columns = [*range(given), *range(unknown, unknown + len(shape.tracks))]
        predicted = self.acoustic.predict(told.tracks[..., columns], told.fields, told.mean[..., columns])
        inner = cut(told.tracks, shape.encoder.reach)
        hidden = [unknown + i for i, (name, width) in enumerate(tracks) if name in PREDICTED for _ in range(width)]
        return predicted, inner[..., given : given + made], 1 - inner[..., hidden]

    def surprise(self, said: Sentences, fields: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the nats that lengths of phones cost, and how many they are.

        Logarithms of lengths are normally distributed, the mean and the logarithm of the spread being predicted.

        Args:
            said: the sentences.
            fields: [B, n] int64.
        """
        mean, log_spread = self.durations.predict(said.phones, fields, said.mean).unbind(-1)
        log_spread = log_spread.clamp(*LOG_SPREADS)
        away = (said.lengths - mean) * torch.exp(-log_spread)
        nats = 0.5 * (away**2 + math.log(2 * math.pi)) + log_spread
        return (nats * said.learned).sum(), said.learned.sum()

    def answer(self, x: Tensor, gates: Gates | None = None) -> Tensor:
        """Return parameters [B, T - receptive_field + 1, P] for entered inputs [B, T, R]."""
        T = x.shape[1] - self.receptive_field + 1
        kept = []
        for layer, block in enumerate(self.blocks):
            added = None if gates is None else gates.of(layer, x.shape[1] - block.dilated.context)
            x, z = block(x, added)
            kept.append(z[:, -T:])
        return self.head(torch.cat(kept, dim=-1))

    def enter(self, inputs: Tensor) -> Tensor:
        """Return [B, T, R] for inputs [B, T]: a look-up of codes, or a product with values."""
        out: Tensor = self.entry(inputs) if self.shape.embedding else self.entry(inputs.unsqueeze(-1))
        return out

    def head(self, gates: Tensor) -> Tensor:
        """Return parameters [B, T, P] from all layers' gates [B, T, L*G]: skip sum, ReLU-1x1-ReLU-1x1."""
        out: Tensor = self.output(F.relu(self.hidden(F.relu(self.skip(gates)))))
        return out

    @torch.no_grad()
    def start_at(self, parameters: NDArray[np.float64]) -> None:
        """Make the untrained network answer `parameters` [P] to everything, so that the first loss is order-0."""
        self.output.weight.zero_()
        self.output.bias.copy_(torch.from_numpy(parameters))

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return all weights by name, float32 on the CPU: what a bundle holds."""
        return {name: value.detach().float().cpu().numpy().copy() for name, value in self.state_dict().items()}


def _errors(predicted: Tensor, aims: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    return ((predicted - aims).abs() * known).sum(), known.sum()


def _module(row: ProductShape) -> Any:
    """Return the module of one row of the table of weights."""
    if row.looked_up:
        return nn.Embedding(row.inputs, row.outputs)
    return nn.Linear(row.inputs, row.outputs, bias=row.bias)


def as_tensors(
    feed: Feed, alphabet: Alphabet, shape: Shape, device: torch.device | None = None
) -> tuple[Tensor, Told | None]:
    """Return what `forward` takes of a feed: inputs [B, T], and what is told."""
    told = None
    if feed.told is not None:
        assert shape.condition is not None
        told = as_told(feed.told, shape.condition.hop, device)
    return torch.from_numpy(alphabet.inputs(feed.codes)).to(device), told


def build(recipe: Recipe) -> WaveNet:
    """Return the untrained network of a recipe."""
    told = recipe.condition
    small = (None, None) if told is None else (told.acoustic, told.durations)
    return WaveNet(recipe.shape, recipe.model.dropout, *(0.0 if one is None else one.dropout for one in small))


def from_arrays(recipe: Recipe, arrays: dict[str, NDArray[np.float32]]) -> WaveNet:
    """Return the network of a recipe with the given weights, ready to evaluate."""
    network = build(recipe)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
    return network.eval()
