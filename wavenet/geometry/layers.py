"""Layers along one axis: convolutions, pooling (the same arithmetic), branches; padding, lengths, named schedules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PADDINGS = ("causal", "same", "valid")
MAX_LAYERS = 1_000  # of a schedule
HDC_RATES = (1, 2, 5)  # hybrid dilated convolution: the rates of Wang et al. 2018 (arXiv:1702.08502)

Padding = str | int  # one of PADDINGS, or so many inputs added on the left and as many on the right
Stacks = tuple[tuple[int, ...], ...]  # a schedule: the dilations of each stack


# --- schedules of dilations ------------------------------------------------------------------------------------------


def exponential(layers: int, cycles: int = 1) -> Stacks:
    """Return `cycles` stacks of dilations 1, 2, 4, ... 2^(layers-1) (van den Oord et al. 2016, section 2.1)."""
    return (tuple(2**i for i in range(layers)),) * cycles


def hdc(layers: int, cycles: int = 1) -> Stacks:
    """Return `cycles` stacks of `layers` dilations 1, 2, 5, 10, 20, 50, 100...: rates without a common factor."""
    return (tuple(HDC_RATES[i % 3] * 10 ** (i // 3) for i in range(layers)),) * cycles


def constant(layers: int, cycles: int, dilation: int) -> Stacks:
    """Return `cycles` stacks of `layers` equal dilations."""
    return ((dilation,) * layers,) * cycles


# --- layers ----------------------------------------------------------------------------------------------------------


class LayerError(ValueError):
    """What is wrong, and in which layer, counted from 1 (2.1.3 is layer 3 of the first branch of the second)."""

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"layer {where}: {what}" if where else what)
        self.what, self.where = what, where


@contextmanager
def numbered(number: int) -> Iterator[None]:
    """Let a LayerError from inside name the layer or branch of this number."""
    try:
        yield
    except LayerError as error:
        raise LayerError(error.what, f"{number}.{error.where}" if error.where else str(number)) from None


@dataclass(frozen=True)
class Channels:
    """What a convolution makes of channels."""

    inputs: int | None  # None where those of the layer before go in
    outputs: int
    groups: int = 1  # each output reads one of so many equal parts of the inputs
    bias: bool = True

    def weights(self, kernel: int, dims: int = 1) -> int:
        """Return the weights, and multiply-adds per output, of `kernel` taps along each of `dims` axes."""
        if self.inputs is None:
            raise ValueError("the channels that go in are not known yet; `with_channels` finds them")
        return self.inputs // self.groups * self.outputs * int(kernel**dims)

    def parameters(self, kernel: int, dims: int = 1) -> int:
        """Return the weights and the biases."""
        return self.weights(kernel, dims) + (self.outputs if self.bias else 0)


@dataclass(frozen=True)
class Layer:
    """One convolution or pooling along one axis; a kernel, stride or dilation below 1 raises ValueError."""

    kernel: int  # taps K
    stride: int = 1  # inputs from one output to the next
    dilation: int = 1  # inputs d from one tap to the next
    padding: Padding | None = None  # its own; None takes that of all layers
    channels: Channels | None = None  # of a convolution, where they are known; pooling has None

    def __post_init__(self) -> None:
        if min(self.kernel, self.stride, self.dilation) < 1:
            raise ValueError(f"got {self}, expected a kernel, a stride and a dilation of at least 1")

    @property
    def effective_kernel(self) -> int:
        """Inputs from the first tap to the last: d(K-1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    def pads(self, padding: Padding) -> tuple[int, int]:
        """Return how many inputs are added on the left and on the right.

        Args:
            padding: that of all layers; the layer's own comes first. ``causal`` (d(K-1), 0) and ``same`` (d(K-1)
                divided, the odd one right) keep the length at stride 1; ``valid`` adds none, a number that many on
                either side.

        Raises:
            ValueError: it is none of these.
        """
        chosen = padding if self.padding is None else self.padding
        span = self.effective_kernel - 1
        known = {"causal": (span, 0), "same": (span // 2, span - span // 2), "valid": (0, 0)}
        if isinstance(chosen, int) and chosen >= 0:
            return chosen, chosen
        if chosen not in known:
            raise ValueError(
                f"the padding is {chosen!r}, expected one of {', '.join(PADDINGS)}, or a whole number of at least 0"
            )
        return known[str(chosen)]

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
    added: bool = False  # their outputs are summed, as in a residual block; else their channels are concatenated


Part = Layer | Whole | Parallel


def length_through(parts: Iterable[Part], length: int, padding: Padding = "causal") -> int:
    """Return how many outputs layers and branches give for `length` inputs; LayerError where branches don't line up."""
    for number, part in enumerate(parts, 1):
        with numbered(number):
            if isinstance(part, Layer):
                length = part.output_length(length, part.pads(padding))
            elif isinstance(part, Parallel):
                length = _joined_length(part, length, padding)
    return length


def _joined_length(part: Parallel, length: int, padding: Padding) -> int:
    lengths = set()
    for number, branch in enumerate(part.branches, 1):
        with numbered(number):
            lengths.add(length_through(branch, length, padding))
    if len(lengths) != 1:
        raise LayerError(
            f"its branches give different numbers of outputs ({sorted(lengths)}) for {length:,} inputs; make them "
            "equal, as padding same does"
        )
    return lengths.pop()
