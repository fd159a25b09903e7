"""Which lags a network misses (the gridding of dilated convolutions), why a schedule misses them, and how to fix it.

For convolutions of stride 1, one behind the other, sort the dilations. The smaller ones reach 0 .. r-1 without a hole,
with r = 1 + the sum of their (K-1)d; the next one leaves none either if and only if it is at most r. The first that is
larger leaves r out, the first hole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wavenet.geometry.layers import MAX_LAYERS, Stacks

KEPT = 0.75  # a change that shrinks the receptive field below this share is no small one

Hole = tuple[int, int, int]  # first missing lag, last missing lag, step between them
Taps = tuple[int, int]  # dilation, kernel


# --- holes -----------------------------------------------------------------------------------------------------------


def lag_list(lags: int) -> list[int]:
    """Return the members of a bit set of lags, ascending."""
    return [one.start() for one in re.finditer("1", bin(lags)[:1:-1])]


def holes(lags: int) -> list[Hole]:
    """Return the lags inside the receptive field that are not reached, as (first, last, step), ascending.

    Neighbours make one hole of step 1. Single lags with an equal gap between them, three or more, make one hole of
    that step (dilations 2, 4, 8 lose every odd lag: one hole of step 2).
    """
    found: list[Hole] = []
    for run in re.finditer("0+", bin(lags)[:1:-1] if lags else ""):
        first, last = run.start(), run.end() - 1
        row = _row(found[-2:], first) if first == last else None
        if row is None:
            found.append((first, last, 1))
        else:
            found[-1 if found[-1][2] > 1 else -2 :] = [row]
    return found


def _row(before: Sequence[Hole], lag: int) -> Hole | None:
    """Return the row of single lags that one more lag makes with the last two holes; None where it makes none."""
    if before and before[-1][2] > 1:
        first, last, step = before[-1]
        return (first, lag, step) if last + step == lag else None
    if len(before) == 2 and all(first == last for first, last, _ in before):
        (first, _, _), (second, _, _) = before
        return (first, lag, second - first) if second - first == lag - second else None
    return None


# --- why -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """Where a schedule first fails."""

    dilation: int  # the smallest that is too large
    reach: int  # lags 0 .. reach - 1 are reached by smaller dilations; this one is the first that is not
    divisor: int  # of all dilations; where it is above 1, no lag is reached that is not its multiple


def first_gap(stacks: Stacks, kernels: Sequence[int]) -> Gap | None:
    """Return where the rule first fails, or None where every lag is reached.

    Args:
        stacks: dilations, one tuple per stack; the lags that are reached depend on no order.
        kernels: taps of every layer, in order over all stacks; a layer of one tap reaches nothing.
    """
    taps = _taps(stacks, kernels)
    too_large, reach = _reach(taps)
    return None if too_large is None else Gap(too_large, reach, math.gcd(*(d for d, _ in taps)))


def _taps(stacks: Stacks, kernels: Sequence[int]) -> list[Taps]:
    """Return (dilation, kernel) of every layer with more than one tap."""
    dilations = [dilation for stack in stacks for dilation in stack]
    return [(d, K) for d, K in zip(dilations, kernels, strict=True) if K > 1]


def _reach(taps: Sequence[Taps]) -> tuple[int | None, int]:
    """Return the smallest dilation that is too large (None: none is), and the first lag that those below miss."""
    reach = 1
    for dilation, kernel in sorted(taps):
        if dilation > reach:
            return dilation, reach
        reach += (kernel - 1) * dilation
    return None, reach


# --- how to fix it ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fix:
    """A schedule without holes, near to one that has some."""

    change: str  # in words
    stacks: Stacks
    kernels: tuple[int, ...]  # taps of every layer, in order over all stacks

    def closes_all(self) -> bool:
        """Return whether it leaves no hole."""
        return first_gap(self.stacks, self.kernels) is None


def fixes(stacks: Stacks, kernels: Sequence[int]) -> list[Fix]:
    """Return ways to close all holes, the smallest change first; none where there is no hole, or beyond MAX_LAYERS.

    In this order, as far as each helps: one dilation lowered; layers added (as many as it takes, where that is cheaper
    than what follows); taps added to every layer; stacks repeated. One of them always helps. What would lower the
    receptive field by more than a quarter is left out.
    """
    kernels = tuple(kernels)
    if len(kernels) > MAX_LAYERS or first_gap(stacks, kernels) is None:
        return []
    costly = [*_added_layers(stacks, kernels), *_added_taps(stacks, kernels), *_added_cycles(stacks, kernels)]
    return [*_one_lowered(stacks, kernels), *(fix for _, fix in sorted(costly, key=lambda pair: pair[0]))]


def _one_lowered(stacks: Stacks, kernels: tuple[int, ...]) -> list[Fix]:
    """Return the fix that lowers one dilation by the smallest share of itself, if there is one."""
    taps = _taps(stacks, kernels)
    whole = 1 + sum((K - 1) * d for d, K in taps)
    places = [(s, i) for s, stack in enumerate(stacks) for i in range(len(stack))]
    found: dict[Taps, tuple[float, Fix]] = {}
    for (s, i), kernel in zip(places, kernels, strict=True):
        old = stacks[s][i]
        if kernel == 1 or (old, kernel) in found:
            continue
        rest = list(taps)
        rest.remove((old, kernel))
        new = _reach(rest)[1]  # the largest dilation that it may have
        if new >= old or whole - (kernel - 1) * (old - new) < KEPT * whole:
            continue
        changed = (*stacks[:s], (*stacks[s][:i], new, *stacks[s][i + 1 :]), *stacks[s + 1 :])
        where = f"layer {i + 1}" + (f" of stack {s + 1}" if len(stacks) > 1 else "")
        fix = Fix(f"dilation {old} of {where} to {new}", changed, kernels)
        if fix.closes_all():
            found[old, kernel] = (old - new) / old, fix
    return [fix for _, fix in sorted(found.values(), key=lambda pair: pair[0])[:1]]


# what follows is (cost, fix); the cost is in taps, a layer's other products count for about two


def _added_layers(stacks: Stacks, kernels: tuple[int, ...]) -> Iterator[tuple[int, Fix]]:
    """Yield the fewest layers that close all holes, each as far as it may reach, at the end of the last stack."""
    kernel, new, taps = max(kernels), list[int](), _taps(stacks, kernels)
    while _reach(taps)[0] is not None:
        if len(kernels) + len(new) >= MAX_LAYERS:
            return
        new.append(_reach(taps)[1])
        taps.append((new[-1], kernel))
    what = "a layer of dilation" if len(new) == 1 else f"{len(new)} layers of dilations"
    words = f"add {what} {', '.join(map(str, new))} (kernel {kernel})"
    fix = Fix(words, (*stacks[:-1], (*stacks[-1], *new)), (*kernels, *(kernel,) * len(new)))
    yield len(new) * (kernel + 2), fix


def _added_taps(stacks: Stacks, kernels: tuple[int, ...]) -> Iterator[tuple[int, Fix]]:
    for more in range(1, 5):
        wider = tuple(kernel + more for kernel in kernels)
        same = f"kernel {kernels[0]} to {wider[0]} in every layer"
        words = same if len(set(kernels)) == 1 else f"{more} more {'tap' if more == 1 else 'taps'} in every layer"
        if (fix := Fix(words, stacks, wider)).closes_all():
            yield more * len(kernels), fix
            return


def _added_cycles(stacks: Stacks, kernels: tuple[int, ...]) -> Iterator[tuple[int, Fix]]:
    what = "stack" if len(stacks) == 1 else "stacks"
    for more in range(1, 5):
        words = f"repeat the {what} {'once' if more == 1 else f'{more} times'} more"
        fix = Fix(words, stacks * (1 + more), kernels * (1 + more))
        if len(fix.kernels) > MAX_LAYERS:
            return
        if fix.closes_all():
            yield more * (sum(kernels) + 2 * len(kernels)), fix
            return
