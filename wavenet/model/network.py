"""WaveNet: raw audio from a stack of gated dilated causal convolutions (van den Oord et al. 2016, arXiv:1609.03499).

Glossary, the only single letters in this program::

    B batch       T samples      F frames     M mels          R residual channels   S skip channels
    H head        C conditioning K taps       L layers        P output parameters   Q classes
    G gate channels (of each of filter and gate)

The network knows no time: `forward` maps a whole signal with its context to the parameters of every next sample.
What generation remembers between two samples lives in ``generate/state.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from wavenet.geometry import ProductShape, Shape
from wavenet.model.blocks import CausalConv1d, ResidualBlock
from wavenet.outputs import Alphabet, Feed
from wavenet.recipe.records import Recipe


class WaveNet(nn.Module):
    """The whole network. Departures from the paper's figure: the input is a look-up or a 1x1 product, which adds no
    lag; the skip products of all layers are one product over their concatenated gates, which is the same sum.

    Args:
        shape: the network's integers.
        dropout: share of each block's inputs that training zeroes.
    """

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        products = {row.name: _module(row) for row in shape.products}
        self.entry = products["entry"]
        self.blocks = nn.ModuleList()
        for i, layer in enumerate(shape.layers):
            dilated = CausalConv1d(products[f"blocks.{i}.dilated.product"], layer.kernel, layer.dilation)
            self.blocks.append(ResidualBlock(dilated, products.get(f"blocks.{i}.residual"), dropout))
        self.skip, self.hidden, self.output = products["skip"], products["hidden"], products["output"]

    @property
    def receptive_field(self) -> int:
        """Samples that one output sees."""
        return self.shape.receptive_field

    def forward(self, inputs: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the parameters of the sample that follows each input with a whole receptive field.

        Args:
            inputs: [B, T], int64 codes for an embedding, else float32 values in [-1, 1].
            condition: [B, L, 2G] float32, what is added to every layer's gates (`outputs.Condition`), or None.

        Returns:
            [B, T - receptive_field + 1, P]; the last belongs to the sample after the last input.

        Raises:
            ValueError: T is below the receptive field.
        """
        if inputs.shape[1] < self.receptive_field:
            raise ValueError(f"got {inputs.shape[1]} inputs, expected at least {self.receptive_field}")
        return self.answer(self.enter(inputs), condition)

    def answer(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return parameters [B, T - receptive_field + 1, P] for entered inputs [B, T, R]."""
        T = x.shape[1] - self.receptive_field + 1
        gates = []
        for layer, block in enumerate(self.blocks):
            x, z = block(x, None if condition is None else condition[:, layer, None])
            gates.append(z[:, -T:])
        return self.head(torch.cat(gates, dim=-1))

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


def _module(row: ProductShape) -> Any:
    """Return the module of one row of the table of weights."""
    if row.looked_up:
        return nn.Embedding(row.inputs, row.outputs)
    return nn.Linear(row.inputs, row.outputs, bias=row.bias)


def as_tensors(feed: Feed, alphabet: Alphabet, device: torch.device | None = None) -> tuple[Tensor, Tensor | None]:
    """Return what `forward` takes of a feed: inputs [B, T], and its condition."""
    condition = None if feed.condition is None else torch.from_numpy(feed.condition.gates).to(device)
    return torch.from_numpy(alphabet.inputs(feed.codes)).to(device), condition


def build(recipe: Recipe) -> WaveNet:
    """Return the untrained network of a recipe."""
    return WaveNet(recipe.shape, recipe.model.dropout)


def from_arrays(recipe: Recipe, arrays: dict[str, NDArray[np.float32]]) -> WaveNet:
    """Return the network of a recipe with the given weights, ready to evaluate."""
    network = build(recipe)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
    return network.eval()
