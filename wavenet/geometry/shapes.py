"""The integers of a whole WaveNet: what it sees, what it costs, what it remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from wavenet.geometry import fields
from wavenet.geometry.layers import Layer
from wavenet.geometry.schedules import Stacks


@dataclass(frozen=True)
class Shape:
    """The integers of one WaveNet; letters as in the glossary of ``model/network.py``.

    Args:
        stacks: dilations, one tuple per stack.
        kernels: taps of every layer, in order over all stacks.
        residual: channels R between the layers.
        gate: channels G of each of filter and gate.
        skip: channels S of the sum over all layers.
        head: channels H between the head's two products.
        inputs: rows of the embedding (classes and *start*), or 1 for a scalar input.
        outputs: parameters P per sample.
        embedding: whether the input is looked up rather than multiplied.
        bias: whether the stacks have biases (the head always has).
    """

    stacks: Stacks
    kernels: tuple[int, ...]
    residual: int
    gate: int
    skip: int
    head: int
    inputs: int
    outputs: int
    embedding: bool
    bias: bool
    layers: tuple[Layer, ...] = field(init=False)

    def __post_init__(self) -> None:
        dilations = (dilation for stack in self.stacks for dilation in stack)
        layers = tuple(Layer(K, 1, d) for K, d in zip(self.kernels, dilations, strict=True))
        object.__setattr__(self, "layers", layers)

    @property
    def receptive_field(self) -> int:
        """Samples that one output sees."""
        return fields.receptive_field(self.stacks, self.kernels)

    def stack_layers(self) -> list[tuple[Layer, ...]]:
        """Return the layers of each stack."""
        bounds = [0]
        for stack in self.stacks:
            bounds.append(bounds[-1] + len(stack))
        return [self.layers[first:last] for first, last in pairwise(bounds)]

    def queue_rows(self) -> tuple[int, ...]:
        """Return the past inputs that each layer keeps while generating: (K-1)d vectors of R numbers."""
        return tuple(layer.effective_kernel - 1 for layer in self.layers)

    def queue_bytes(self, number_bytes: int = 4) -> int:
        """Return the bytes of all queues of one sequence."""
        return sum(self.queue_rows()) * self.residual * number_bytes

    def macs_per_sample(self) -> int:
        """Return the multiply-adds of matrix products per generated sample; an embedding look-up costs none.

        The last layer has no residual product: nothing would read it.
        """
        R, G = self.residual, self.gate
        dilated = sum(layer.kernel * R * 2 * G for layer in self.layers)
        residual = (len(self.layers) - 1) * G * R
        skip = len(self.layers) * G * self.skip
        head = self.skip * self.head + self.head * self.outputs
        return (0 if self.embedding else R) + dilated + residual + skip + head

    def parameters(self) -> int:
        """Return how many numbers training adjusts."""
        L = len(self.layers)
        entry = self.inputs * self.residual + (0 if self.embedding else self.residual)
        weights = self.macs_per_sample() - (0 if self.embedding else self.residual)
        biases = self.head + self.outputs
        if self.bias:
            biases += L * 2 * self.gate + (L - 1) * self.residual + self.skip
        return entry + weights + biases

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every weight by name, as ``model/network.py`` names and stores them: [out, in]."""
        R, G, L = self.residual, self.gate, len(self.layers)
        products = {} if self.embedding else {"entry": (R, 1)}
        for i, layer in enumerate(self.layers):
            products[f"blocks.{i}.dilated.product"] = (2 * G, layer.kernel * R)
            if i < L - 1:
                products[f"blocks.{i}.residual"] = (R, G)
        products |= {"skip": (self.skip, L * G), "hidden": (self.head, self.skip), "output": (self.outputs, self.head)}
        found: dict[str, tuple[int, ...]] = {"entry.weight": (self.inputs, R)} if self.embedding else {}
        for name, size in products.items():
            found[f"{name}.weight"] = size
            if self.bias or name in ("entry", "hidden", "output"):
                found[f"{name}.bias"] = size[:1]
        return found
