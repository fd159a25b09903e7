"""Layers along one axis: convolutions, pooling (the same arithmetic), branches; their padding, lengths and weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PADDINGS = ("causal", "same", "valid")


@dataclass(frozen=True)
class Layer:
    """One convolution or pooling along one axis: `kernel` taps, `dilation` inputs apart, an output every `stride`.

    Raises:
        ValueError: one of them is below 1.
    """

    kernel: int
    stride: int = 1
    dilation: int = 1

    def __post_init__(self) -> None:
        if min(self.kernel, self.stride, self.dilation) < 1:
            raise ValueError(f"got {self}, expected a kernel, a stride and a dilation of at least 1")

    @property
    def effective_kernel(self) -> int:
        """Inputs from the first tap to the last: d(K-1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    def pads(self, padding: str) -> tuple[int, int]:
        """Return how many inputs are added on the left and on the right.

        Args:
            padding: ``causal`` (d(K-1), 0) and ``same`` (d(K-1) divided, the odd one right) keep the length at
                stride 1; ``valid`` adds none.

        Raises:
            ValueError: it is none of these.
        """
        span = self.effective_kernel - 1
        known = {"causal": (span, 0), "same": (span // 2, span - span // 2), "valid": (0, 0)}
        if padding not in known:
            raise ValueError(f"the padding is {padding!r}, expected one of {', '.join(PADDINGS)}")
        return known[padding]

    def output_length(self, length: int, pads: tuple[int, int] = (0, 0)) -> int:
        """Return how many outputs `length` inputs give behind this padding on the left and on the right.

        floor((length + left + right - d(K-1) - 1) / stride) + 1, and 0 where the inputs are too few.
        """
        return max(0, (length + sum(pads) - self.effective_kernel) // self.stride + 1)


@dataclass(frozen=True)
class Whole:
    """Global pooling: the whole input, however long, in every output. It keeps the number of outputs, as if spread."""


@dataclass(frozen=True)
class Parallel:
    """Branches over the same input whose outputs are joined, as in an atrous spatial pyramid."""

    branches: tuple[tuple[Part, ...], ...]


Part = Layer | Whole | Parallel


def length_through(parts: Iterable[Part], length: int, padding: str = "causal") -> int:
    """Return how many outputs a sequence of layers and branches gives for `length` inputs.

    Raises:
        ValueError: the branches of a `Parallel` give different numbers of outputs, which don't line up.
    """
    for part in parts:
        if isinstance(part, Layer):
            length = part.output_length(length, part.pads(padding))
        elif isinstance(part, Parallel):
            lengths = sorted({length_through(branch, length, padding) for branch in part.branches})
            if len(lengths) != 1:
                raise ValueError(f"parallel branches give different numbers of outputs ({lengths}); make them equal")
            length = lengths[0]
    return length


def convolution_weights(inputs: int, outputs: int, kernel: int, dims: int = 1) -> int:
    """Return the weights of a convolution with `kernel` taps along each of `dims` axes, biases apart.

    They are also its multiply-adds per output; with biases there are `outputs` numbers more.
    """
    return inputs * outputs * int(kernel**dims)
