"""Integers only: dilations, receptive fields, the lags a network reaches, queue sizes, multiply-adds.

Lag 0 is the newest input that an output sees. A set of lags is a Python integer whose bit ``i`` stands for lag ``i``:
a convolution then spreads a whole set with one shift per tap, exactly and fast for a million lags.

A *stack* is one cycle of a pattern or one inner list of an explicit schedule; a flat list is one stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Stacks = tuple[tuple[int, ...], ...]
Hole = tuple[int, int, int]  # first missing lag, last missing lag, step between them

MAX_RECEPTIVE_FIELD = 50_000_000  # samples, 17 minutes at 48 kHz: beyond it a schedule is taken for a mistake
MAX_LAYERS = 1_000
HDC_RATES = (
    1,
    2,
    5,
)  # hybrid dilated convolution: the rates that Wang et al. 2018 (arXiv:1702.08502) recommend


# --- schedules -------------------------------------------------------------------------------------------------------


def exponential(layers: int, cycles: int) -> Stacks:
    """Return `cycles` stacks of dilations 1, 2, 4, ... 2^(layers-1) (van den Oord et al. 2016, section 2.1)."""
    return (tuple(2**i for i in range(layers)),) * cycles


def hdc(layers: int, cycles: int) -> Stacks:
    """Return `cycles` stacks of `layers` dilations 1, 2, 5, 10, 20, 50, 100...: rates without a common factor."""
    return (tuple(HDC_RATES[i % 3] * 10 ** (i // 3) for i in range(layers)),) * cycles


def constant(layers: int, cycles: int, dilation: int) -> Stacks:
    """Return `cycles` stacks of `layers` equal dilations."""
    return ((dilation,) * layers,) * cycles


# --- one layer -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """One convolution along one axis: `kernel` taps, `dilation` inputs apart, one output every `stride` inputs."""

    kernel: int
    stride: int = 1
    dilation: int = 1

    @property
    def effective_kernel(self) -> int:
        """Inputs from the first tap to the last: d(K-1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    def output_length(self, length: int) -> int:
        """Return how many outputs `length` inputs give without padding (0 where they are too few)."""
        return max(0, (length - self.effective_kernel) // self.stride + 1)


@dataclass(frozen=True)
class Parallel:
    """Branches over the same input whose outputs are joined, as in an atrous spatial pyramid."""

    branches: tuple[tuple[Layer | Parallel, ...], ...]


Part = Layer | Parallel


# --- what a sequence sees --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """What output ``t`` of a sequence of layers sees: inputs ``newest + t * jump - lag`` for every lag in `lags`.

    Args:
        jump: input samples from one output to the next.
        newest: the input under output 0's newest tap. Causal padding puts all padding on the left: always 0.
        lags: a bit set, bit ``i`` for lag ``i``; bit 0 is always in it.
    """

    jump: int = 1
    newest: int = 0
    lags: int = 1

    @property
    def receptive_field(self) -> int:
        """Samples from the newest input seen to the oldest, both included."""
        return self.lags.bit_length()

    @property
    def offset(self) -> int:
        """The oldest input that output 0 sees (below zero: it lies in the padding)."""
        return self.newest - self.receptive_field + 1

    @property
    def coverage(self) -> float:
        """The share of the receptive field that is reached."""
        return self.lags.bit_count() / self.receptive_field

    def through(self, layer: Layer, *, same: bool = False) -> Field:
        """Return what is seen after one more layer.

        Args:
            layer: the layer that follows.
            same: pad both sides so that the length stays (the odd one right); else all of it on the left.

        Raises:
            ValueError: the receptive field, or the step between two outputs, passes MAX_RECEPTIVE_FIELD.
        """
        step = layer.dilation * self.jump
        if max(self.receptive_field + (layer.kernel - 1) * step, self.jump * layer.stride) > MAX_RECEPTIVE_FIELD:
            raise ValueError(f"what is seen passes {MAX_RECEPTIVE_FIELD:,} samples; take fewer or smaller layers")
        spread, taps = self.lags, 1
        while taps < layer.kernel:  # the taps so far, moved on by as many: K taps cost log2 K shifts
            more = min(taps, layer.kernel - taps)
            spread |= spread << (more * step)
            taps += more
        right = layer.effective_kernel // 2 if same else 0
        return Field(self.jump * layer.stride, self.newest + right * self.jump, spread)


def see(parts: Iterable[Part], start: Field | None = None, *, same: bool = False) -> Field:
    """Return what the output of a sequence of layers and parallel branches sees.

    Raises:
        ValueError: two branches of one `Parallel` have different strides, so that their outputs don't line up.
    """
    seen = start or Field()
    for part in parts:
        if isinstance(part, Layer):
            seen = seen.through(part, same=same)
        else:
            seen = _join([see(branch, seen, same=same) for branch in part.branches])
    return seen


def _join(branches: Sequence[Field]) -> Field:
    jumps = sorted({branch.jump for branch in branches})
    if len(jumps) != 1:
        raise ValueError(f"parallel branches step by different numbers of inputs ({jumps}); make their strides equal")
    newest = max(branch.newest for branch in branches)
    lags = 0
    for branch in branches:
        lags |= branch.lags << (newest - branch.newest)
    return Field(jumps[0], newest, lags)


def receptive_field(stacks: Stacks, kernels: Sequence[int]) -> int:
    """Return the samples that a causal network of stride 1 sees: 1 + the sum of (K-1)d over its layers.

    Args:
        stacks: dilations, one tuple per stack.
        kernels: taps of every layer, in order over all stacks.
    """
    dilations = [dilation for stack in stacks for dilation in stack]
    return 1 + sum((K - 1) * d for K, d in zip(kernels, dilations, strict=True))


# --- lags ------------------------------------------------------------------------------------------------------------


def lag_list(lags: int) -> list[int]:
    """Return the members of a bit set of lags, ascending."""
    bits = bin(lags)[:1:-1]
    found, at = [], bits.find("1")
    while at >= 0:
        found.append(at)
        at = bits.find("1", at + 1)
    return found


def holes(lags: int) -> list[Hole]:
    """Return the lags inside the receptive field that are not reached, as (first, last, step), ascending.

    Neighbours make one hole of step 1. Single lags with an equal gap between them, three or more, make one hole of
    that step (dilations 2, 4, 8 lose every odd lag: one hole of step 2).
    """
    full = (1 << lags.bit_length()) - 1
    runs = _runs(full & ~lags)
    found: list[Hole] = []
    at = 0
    while at < len(runs):
        first, last = runs[at]
        end = _equally_spaced(runs, at)
        if end - at >= 3:
            found.append((first, runs[end - 1][0], runs[at + 1][0] - first))
            at = end
        else:
            found.append((first, last, 1))
            at += 1
    return found


def _runs(bits: int) -> list[tuple[int, int]]:
    """Return the maximal runs of ones as (first, last), ascending, in time linear in the number of bits."""
    text = bin(bits)[:1:-1]
    runs, at = [], text.find("1")
    while at >= 0:
        end = text.find("0", at)
        end = len(text) if end < 0 else end
        runs.append((at, end - 1))
        at = text.find("1", end)
    return runs


def _equally_spaced(runs: list[tuple[int, int]], at: int) -> int:
    """Return the index behind the last of the single lags that follow runs[at] with one gap."""
    end = at
    gap = runs[at + 1][0] - runs[at][0] if at + 1 < len(runs) else 0
    while end < len(runs) and runs[end][0] == runs[end][1] == runs[at][0] + (end - at) * gap:
        end += 1
    return end


# --- a whole WaveNet -------------------------------------------------------------------------------------------------


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
        return receptive_field(self.stacks, self.kernels)

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
