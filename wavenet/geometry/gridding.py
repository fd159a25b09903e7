"""Why a schedule misses lags, and what mends it. For convolutions of stride 1, one behind the other.

Sort the dilations. The smaller ones reach 0 .. r-1 without a hole, with r = 1 + the sum of their (K-1)d; the next one
leaves none either if and only if it is at most r. The first that is larger leaves r out, the first hole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wavenet.geometry.schedules import MAX_LAYERS, Stacks

KEPT = 0.75  # a mend that shrinks the receptive field below this share is no small one


@dataclass(frozen=True)
class Gap:
    """Where a schedule first fails.

    Args:
        dilation: the smallest that is too large.
        reach: lags 0 .. reach - 1 are reached by smaller dilations; this one is the first that is not.
        divisor: what divides all dilations; where it is above 1, no lag is reached that is not its multiple.
    """

    dilation: int
    reach: int
    divisor: int


@dataclass(frozen=True)
class Mend:
    """A schedule without holes, near to one that has some.

    Args:
        change: in words.
        stacks: the dilations.
        kernels: taps of every layer, in order over all stacks.
    """

    change: str
    stacks: Stacks
    kernels: tuple[int, ...]


def first_gap(stacks: Stacks, kernels: Sequence[int]) -> Gap | None:
    """Return where the rule first fails, or None where every lag is reached.

    Args:
        stacks: dilations, one tuple per stack; the lags that are reached depend on no order.
        kernels: taps of every layer, in order over all stacks; a layer of one tap reaches nothing.
    """
    found = _first_gap(_pairs(stacks, kernels))
    if found is None:
        return None
    divisor = math.gcd(*(d for d, _ in _pairs(stacks, kernels)))
    return Gap(found[0], found[1], divisor)


def _pairs(stacks: Stacks, kernels: Sequence[int]) -> list[tuple[int, int]]:
    """Return (dilation, taps) of every layer with more than one tap."""
    dilations = [dilation for stack in stacks for dilation in stack]
    return [(d, K) for d, K in zip(dilations, kernels, strict=True) if K > 1]


def _first_gap(pairs: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    reach = 1
    for dilation, kernel in sorted(pairs):
        if dilation > reach:
            return dilation, reach
        reach += (kernel - 1) * dilation
    return None


# --- mending ---------------------------------------------------------------------------------------------------------


def mends(stacks: Stacks, kernels: Sequence[int]) -> list[Mend]:
    """Return ways to close all holes, the smallest change first; none where there is no hole, or beyond MAX_LAYERS.

    In this order, as far as each helps: one dilation lowered; layers added (as many as it takes, where that is cheaper
    than what follows); taps added to every layer; stacks repeated. One of them always helps. What would lower the
    receptive field by more than a quarter is left out.
    """
    kernels = tuple(kernels)
    if len(kernels) > MAX_LAYERS or first_gap(stacks, kernels) is None:
        return []
    added = _added_layers(stacks, kernels)
    taps, cycles = _added_taps(stacks, kernels), _added_cycles(stacks, kernels)
    layers = len(kernels)
    # taps that each costs; a layer's other products count for about two
    costs = [(added[0] * (max(kernels) + 2), added[1])] if added else []
    costs += [(more * layers, mend) for more, mend in taps]
    costs += [(more * (sum(kernels) + 2 * layers), mend) for more, mend in cycles]
    return [*_one_changed(stacks, kernels), *(mend for _, mend in sorted(costs, key=lambda pair: pair[0]))]


def _one_changed(stacks: Stacks, kernels: tuple[int, ...]) -> list[Mend]:
    """Return the mend that moves one dilation by the smallest share of itself, if there is one."""
    places = [(s, i) for s, stack in enumerate(stacks) for i in range(len(stack))]
    whole = 1 + sum((K - 1) * d for d, K in _pairs(stacks, kernels))
    best: tuple[float, Mend] | None = None
    tried: set[tuple[int, int]] = set()
    for at, (s, i) in enumerate(places):
        old = stacks[s][i]
        if kernels[at] == 1 or (old, kernels[at]) in tried:
            continue
        tried.add((old, kernels[at]))
        new = _first_missing(_pairs(stacks, kernels), (old, kernels[at]))
        share = (old - new) / old
        kept = whole - (kernels[at] - 1) * (old - new)
        if new >= old or kept < KEPT * whole or (best and share >= best[0]):
            continue
        changed = tuple(
            tuple(new if (s, i) == (a, b) else d for b, d in enumerate(stack)) for a, stack in enumerate(stacks)
        )
        if _first_gap(_pairs(changed, kernels)) is None:
            where = f"layer {i + 1}" + (f" of stack {s + 1}" if len(stacks) > 1 else "")
            best = share, Mend(f"dilation {old} of {where} to {new}", changed, kernels)
    return [best[1]] if best else []


def _first_missing(pairs: list[tuple[int, int]], without: tuple[int, int]) -> int:
    """Return the first lag that all layers but one don't reach: the largest dilation it may have."""
    rest = sorted(pairs)
    rest.remove(without)
    gap = _first_gap(rest)
    return gap[1] if gap else 1 + sum((K - 1) * d for d, K in rest)


def _added_layers(stacks: Stacks, kernels: tuple[int, ...]) -> tuple[int, Mend] | None:
    """Return the fewest layers that close all holes, each as far as it may reach, at the end of the last stack."""
    kernel = max(kernels)
    new: list[int] = []
    pairs = _pairs(stacks, kernels)
    while (gap := _first_gap(pairs)) is not None:
        if len(kernels) + len(new) >= MAX_LAYERS:
            return None
        new.append(gap[1])
        pairs.append((gap[1], kernel))
    many = "a layer of dilation" if len(new) == 1 else f"{len(new)} layers of dilations"
    words = f"add {many} {', '.join(map(str, new))} (kernel {kernel})"
    return len(new), Mend(words, (*stacks[:-1], (*stacks[-1], *new)), (*kernels, *(kernel,) * len(new)))


def _added_taps(stacks: Stacks, kernels: tuple[int, ...]) -> Iterator[tuple[int, Mend]]:
    for more in range(1, 5):
        wider = tuple(kernel + more for kernel in kernels)
        if _first_gap(_pairs(stacks, wider)) is None:
            same = f"kernel {kernels[0]} to {wider[0]} in every layer"
            words = same if len(set(kernels)) == 1 else f"{more} more {'tap' if more == 1 else 'taps'} in every layer"
            yield more, Mend(words, stacks, wider)
            return


def _added_cycles(stacks: Stacks, kernels: tuple[int, ...]) -> Iterator[tuple[int, Mend]]:
    for more in range(1, 5):
        again, taps = stacks * (1 + more), kernels * (1 + more)
        if len(taps) > MAX_LAYERS:
            return
        if _first_gap(_pairs(again, taps)) is None:
            what = "stack" if len(stacks) == 1 else "stacks"
            yield more, Mend(f"repeat the {what} {'once' if more == 1 else f'{more} times'} more", again, taps)
            return
