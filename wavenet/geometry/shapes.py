"""The integers of a whole WaveNet: what it sees, what it costs, what it remembers, and every weight it has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from wavenet.geometry.frames import ConditionShape
from wavenet.geometry.layers import Layer, Stacks
from wavenet.geometry.products import ProductShape


@dataclass(frozen=True)
class Shape:
    """The integers of one WaveNet; letters as in the glossary of ``model/network.py``."""

    stacks: Stacks  # dilations, one tuple per stack
    kernels: tuple[int, ...]  # taps of every layer, in order over all stacks
    residual: int  # channels R between the layers
    gate: int  # channels G of each of filter and gate
    skip: int  # channels S of the sum over all layers
    head: int  # channels H between the head's two products
    inputs: int  # rows of the embedding (codes and *start*), or 1 for a scalar input
    outputs: int  # parameters P per sample
    embedding: bool  # whether the input is looked up rather than multiplied
    bias: bool  # whether the stacks have biases (the head always has)
    condition: ConditionShape | None = None  # what the network is told besides the past of its sound

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, in order over all stacks."""
        dilations = (dilation for stack in self.stacks for dilation in stack)
        return tuple(Layer(K, 1, d) for K, d in zip(self.kernels, dilations, strict=True))

    @cached_property
    def products(self) -> tuple[ProductShape, ...]:
        """The one table of all weights, in the order of a step; network, samplers, checks and counts are made of it.

        The last layer has no residual product: nothing would read it.
        """
        R, G, L = self.residual, self.gate, len(self.layers)
        rows = [ProductShape("entry", self.inputs, R, not self.embedding, looked_up=self.embedding)]
        for i, layer in enumerate(self.layers):
            rows.append(ProductShape(f"blocks.{i}.dilated.product", layer.kernel * R, 2 * G, self.bias))
            if i < L - 1:
                rows.append(ProductShape(f"blocks.{i}.residual", G, R, self.bias))
        rows.append(ProductShape("skip", L * G, self.skip, self.bias))
        rows.append(ProductShape("hidden", self.skip, self.head, True))
        rows.append(ProductShape("output", self.head, self.outputs, True))
        if self.condition is not None:
            rows += self.condition.products(L * 2 * G)
        return tuple(rows)

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every stored array by name."""
        found: dict[str, tuple[int, ...]] = {}
        for row in self.products:
            found[f"{row.name}.weight"] = row.weight
            if row.bias:
                found[f"{row.name}.bias"] = (row.outputs,)
        return found

    def macs_per_sample(self) -> int:
        """Return the multiply-adds of matrix products per generated sample; products of frames are shared out."""
        return sum(row.macs_per_sample for row in self.products)

    def parameters(self) -> int:
        """Return how many numbers training adjusts."""
        return sum(row.inputs * row.outputs + row.bias * row.outputs for row in self.products)

    @property
    def receptive_field(self) -> int:
        """Samples that one output sees: 1 + the sum of (K-1)d over its layers."""
        return 1 + sum(self.queue_rows())

    def queue_rows(self) -> tuple[int, ...]:
        """Return the past inputs that each layer keeps while generating: (K-1)d vectors of R numbers."""
        return tuple(layer.effective_kernel - 1 for layer in self.layers)

    def queue_bytes(self) -> int:
        """Return the bytes of all queues of one sequence, in float32."""
        return 4 * sum(self.queue_rows()) * self.residual
