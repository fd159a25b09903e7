"""Ways to see a span of samples: what each costs, how it grows, and the cheapest WaveNets that miss nothing of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wavenet.geometry.coverage import first_gap
from wavenet.geometry.layers import MAX_LAYERS, Channels, Stacks, exponential, hdc
from wavenet.geometry.receptive import MAX_RECEPTIVE_FIELD
from wavenet.geometry.shapes import Shape

Pattern = dict[str, int | str] | list[int] | list[list[int]]  # `model.dilations` as a recipe says it

MAX_CYCLES = 6
DILATED_LAW = "n = 1 + (K-1)(2^L - 1): layers and weights grow as log n"


@dataclass(frozen=True)
class Way:
    """One way to see so far, in plain convolutions of C channels in and out with biases."""

    name: str  # larger kernel, plain stack or dilated stack
    layers: int
    kernel: int  # taps along each axis
    largest_dilation: int
    receptive_field: int  # samples along each axis
    parameters: int
    macs: int  # multiply-adds per output
    law: str  # how layers and weights grow with the span n


@dataclass(frozen=True)
class Proposal:
    """A WaveNet that sees a span without a hole."""

    pattern: Pattern
    shape: Shape


def ways(span: int, kernel: int, channels: int, dims: int = 1) -> list[Way]:
    """Return the three ways to see `span` samples along each of 1 or 2 axes: a larger kernel, more or dilated layers.

    The stacks have `kernel` taps along each axis, and all layers so many channels in and out; ValueError where one of
    the numbers is out of range.
    """
    _check(span, kernel)
    if dims not in (1, 2) or channels < 1:
        raise ValueError(f"got {dims} dims and {channels} channels, expected 1 or 2 dims and at least 1 channel")

    def way(name: str, layers: int, taps: int, dilation_sum: int, largest: int, law: str) -> Way:
        weights = Channels(channels, channels).weights(taps, dims) * layers
        field = 1 + (taps - 1) * dilation_sum
        return Way(name, layers, taps, largest, field, weights + channels * layers, weights, law)

    deep = -(-(span - 1) // (kernel - 1))
    doubled = next(L for L in range(1, 64) if 1 + (kernel - 1) * (2**L - 1) >= span)
    squared = "n" if dims == 1 else "n^2"
    return [
        way("larger kernel", 1, span, 1, 1, f"n = K: one layer, weights grow as {squared}"),
        way("plain stack", deep, kernel, deep, 1, "n = 1 + (K-1)L: layers and weights grow as n"),
        way("dilated stack", doubled, kernel, 2**doubled - 1, 2 ** (doubled - 1), DILATED_LAW),
    ]


def propose(span: int, kernel: int, like: Shape) -> list[Proposal]:
    """Return WaveNets that see at least `span` samples and every lag of their receptive field, the cheapest first.

    One to six stacks each of doubling dilations (all alike, or the last ones shorter where that saves layers), of
    dilations that grow by K, and of HDC's rates; near the largest field one stack whose last dilation is cut. Cheap
    means few multiply-adds per sample, then a small field.
    All layers have `kernel` taps; channels, input and output are those of `like`.
    """
    _check(span, kernel)
    found: dict[Stacks, Proposal] = {}
    for pattern, stacks in (*_patterns(span, kernel), *_cut(span, kernel)):
        kernels = (kernel,) * sum(len(stack) for stack in stacks)
        if not span <= _sees(stacks, kernel) <= MAX_RECEPTIVE_FIELD or len(kernels) > MAX_LAYERS or stacks in found:
            continue
        if first_gap(stacks, kernels) is None:
            found[stacks] = Proposal(pattern, dataclasses.replace(like, stacks=stacks, kernels=kernels))
    return sorted(found.values(), key=lambda one: (one.shape.macs_per_sample(), one.shape.receptive_field))


def _patterns(span: int, kernel: int) -> Iterator[tuple[Pattern, Stacks]]:
    """Yield (as a recipe says it, stacks); the shortest of each kind that reach the span."""
    for cycles in range(1, MAX_CYCLES + 1):
        for name, made in (("exponential", exponential), ("hdc", hdc)):
            layers = next(L for L in range(1, 27) if _sees(made(L, cycles), kernel) >= span)
            yield {"pattern": name, "layers": layers, "cycles": cycles}, made(layers, cycles)
        for base in {2, kernel}:
            stacks = _shortest(span, kernel, cycles, base)
            lists = [list(stack) for stack in stacks]
            yield (lists if len(lists) > 1 else lists[0]), stacks


def _shortest(span: int, kernel: int, cycles: int, base: int) -> Stacks:
    """Return stacks of dilations 1, base, base^2... with the fewest layers: some have one layer less than others."""
    stacks: list[tuple[int, ...]] = [()] * cycles
    while _sees(stacks, kernel) < span:
        at = min(range(cycles), key=lambda i: len(stacks[i]))
        stacks[at] = (*stacks[at], base ** len(stacks[at]))
    return tuple(stack for stack in stacks if stack)


def _cut(span: int, kernel: int) -> Iterator[tuple[Pattern, Stacks]]:
    """Yield one stack of dilations 1, K, K^2... whose last is cut to the span: it fits where all others see too far."""
    (stack,) = _shortest(span, kernel, 1, kernel)
    if _sees((stack,), kernel) > MAX_RECEPTIVE_FIELD:
        cut = (*stack[:-1], -(-(span - 1) // (kernel - 1)) - sum(stack[:-1]))
        yield list(cut), (cut,)


def _sees(stacks: Sequence[Sequence[int]], kernel: int) -> int:
    return 1 + (kernel - 1) * sum(map(sum, stacks))


def _check(span: int, kernel: int) -> None:
    if not 2 <= span <= MAX_RECEPTIVE_FIELD:
        raise ValueError(f"the span is {span:,}, expected 2 to {MAX_RECEPTIVE_FIELD:,} samples")
    if kernel < 2:
        raise ValueError(f"the kernel is {kernel}, expected at least 2: one tap sees one sample")
