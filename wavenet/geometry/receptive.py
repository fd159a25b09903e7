"""What a sequence of layers sees: its receptive field, the step between two outputs, and every lag that it reaches.

A set of lags is a Python integer: bit ``i`` stands for lag ``i``, 0 for the newest input that an output sees.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from wavenet.geometry.layers import Layer, LayerError, Padding, Parallel, Part, Whole, numbered

MAX_RECEPTIVE_FIELD = 50_000_000  # samples, 17 minutes at 48 kHz: beyond it a schedule is taken for a mistake

T = TypeVar("T")


class Spread(Protocol[T]):
    """What is known of every lag: whether it is reached, or by how many paths. `walk` does the rest."""

    none: T  # nothing is reached
    one: T  # lag 0 is reached, once

    def moved(self, lags: T, by: int) -> T:
        """Return the same, so many lags further in the past."""

    def joined(self, a: T, b: T) -> T:
        """Return what is reached by a or by b."""

    def tapped(self, lags: T, kernel: int, step: int) -> T:
        """Return what K taps reach: those of K/2 taps and the same again moved on, so that K taps cost log2 K moves."""
        if kernel == 1:
            return lags
        half = self.tapped(lags, kernel // 2, step)
        both = self.joined(half, self.moved(half, kernel // 2 * step))
        return self.joined(both, self.moved(lags, (kernel - 1) * step)) if kernel % 2 else both


class Bits(Spread[int]):
    """A bit set of the lags that are reached."""

    none, one = 0, 1

    def moved(self, lags: int, by: int) -> int:
        """Return the set, so many lags further in the past."""
        return lags << by

    def joined(self, a: int, b: int) -> int:
        """Return the union of two sets."""
        return a | b


@dataclass(frozen=True)
class Seen(Generic[T]):
    """What output ``t`` of a sequence of layers sees: inputs ``newest + t * jump - lag`` for every lag in `lags`."""

    lags: T  # what is known of every lag; of `see` a bit set. Lag 0 is reached, unless all goes through global pooling
    jump: int = 1  # input samples from one output to the next
    newest: int = 0  # the input under output 0's newest tap; 0 where all padding is causal, on the left
    oldest: int = 0  # the largest lag; -1 where global pooling leaves none
    whole: bool = False  # whether the whole input, however long, is seen too, through global pooling

    @property
    def receptive_field(self) -> int:
        """Samples from the newest input seen at a fixed lag to the oldest, both included."""
        return self.oldest + 1

    @property
    def offset(self) -> int:
        """The oldest input that output 0 sees (below zero: it lies in the padding)."""
        return self.newest - self.oldest

    @property
    def coverage(self: Seen[int]) -> float:
        """The share of the receptive field that is reached."""
        return self.lags.bit_count() / self.receptive_field if self.lags else 1.0


def see(parts: Iterable[Part], start: Seen[int] | None = None, padding: Padding = "causal") -> Seen[int]:
    """Return what a sequence of layers and branches sees.

    Args:
        parts: layers, global pooling and branches, the first one first.
        start: what each of their inputs sees; None: itself alone.
        padding: ``causal``, ``same``, ``valid`` or a number, of all layers without their own (`Layer.pads`).

    Raises:
        LayerError: the branches of a `Parallel` have different strides, so that their outputs don't line up, or what
            is seen passes MAX_RECEPTIVE_FIELD; the error names the layer.
    """
    return walk(parts, start or Seen(1), Bits(), padding)


def walk(parts: Iterable[Part], seen: Seen[T], spread: Spread[T], padding: Padding) -> Seen[T]:
    """Return what is seen after a sequence of layers and branches; errors are those of `see`."""
    for number, part in enumerate(parts, 1):
        with numbered(number):
            if isinstance(part, Layer):
                seen = _through(part, seen, spread, padding)
            elif isinstance(part, Whole):
                seen = Seen(spread.none, seen.jump, seen.newest, -1, True)
            else:
                seen = _join(part, seen, spread, padding)
    return seen


def _through(layer: Layer, seen: Seen[T], spread: Spread[T], padding: Padding) -> Seen[T]:
    step, jump = layer.dilation * seen.jump, seen.jump * layer.stride
    oldest = seen.oldest + (layer.kernel - 1) * step if seen.oldest >= 0 else -1
    if max(oldest + 1, jump) > MAX_RECEPTIVE_FIELD:
        raise LayerError(f"the receptive field passes {MAX_RECEPTIVE_FIELD:,} samples; take fewer or smaller layers")
    left, _ = layer.pads(padding)
    newest = seen.newest + (layer.effective_kernel - 1 - left) * seen.jump
    return Seen(spread.tapped(seen.lags, layer.kernel, step), jump, newest, oldest, seen.whole)


def _join(part: Parallel, seen: Seen[T], spread: Spread[T], padding: Padding) -> Seen[T]:
    ends = []
    for number, branch in enumerate(part.branches, 1):
        with numbered(number):
            ends.append(walk(branch, seen, spread, padding))
    jumps = sorted({end.jump for end in ends})
    if len(jumps) != 1:
        raise LayerError(f"its branches step by different numbers of inputs ({jumps}); make their strides equal")
    reaching = [end for end in ends if end.oldest >= 0]
    newest = max((end.newest for end in reaching), default=seen.newest)
    lags = spread.none
    for end in reaching:
        lags = spread.joined(lags, spread.moved(end.lags, newest - end.newest))
    oldest = max((end.oldest + newest - end.newest for end in reaching), default=-1)
    return Seen(lags, jumps[0], newest, oldest, any(end.whole for end in ends))
