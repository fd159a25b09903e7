"""The tree of connections that lead to one output, as points and lines; thinned where they would run together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wavenet.geometry import Layer, Padding, Parallel, Part, Seen, Whole, lag_list, see
from wavenet.inspection.text import dilation_words

MAX_ROWS = 20  # of layers; more are drawn several at a time
MAX_NODES = 256  # of a row; more are thinned


@dataclass(frozen=True)
class Row:
    """What is drawn between two rows of nodes: one layer or branches, or several."""

    label: str
    edges: tuple[tuple[int, int], ...]  # (above, below), in input samples from the output's own; the past is negative
    below: tuple[int, ...]  # the nodes below, ascending
    every: int  # about how many nodes below there are for each that is drawn
    whole: bool  # whether global pooling connects everything


def tree(parts: Sequence[Part], padding: Padding, nodes: int = MAX_NODES) -> list[Row]:
    """Return the rows from the output of a stack down to its input, each of at most about so many nodes."""
    size = -(-len(parts) // MAX_ROWS)
    groups, start = [], Seen(1)
    for first in range(0, len(parts), size):
        groups.append((first, start))
        start = Seen(1, see(parts[first : first + size], start, padding).jump)
    above, rows = [0], []
    for first, start in reversed(groups):
        group = parts[first : first + size]
        seen = see(group, start, padding)
        steps = _thinned([seen.newest - lag for lag in lag_list(seen.lags)], nodes)
        below = _thinned(sorted({at + step for at in above for step in steps}), nodes)
        kept = set(below)
        edges = tuple((at, at + step) for at in above for step in steps if at + step in kept)
        every = round(see(parts[first:], start, padding).lags.bit_count() / max(1, len(below)))
        rows.append(Row(_label(group, first), edges, tuple(below), every, _pools(group)))
        above = below
    return rows


def _thinned(values: list[int], most: int) -> list[int]:
    """Return every n-th value and the last, at most one more than `most`."""
    kept = values[:: max(1, -(-len(values) // most))]
    return kept if not values or kept[-1] == values[-1] else [*kept, values[-1]]


def _pools(group: Sequence[Part]) -> bool:
    return any(
        isinstance(part, Whole) or (isinstance(part, Parallel) and any(map(_pools, part.branches))) for part in group
    )


def _label(group: Sequence[Part], first: int) -> str:
    if len(group) > 1:
        return f"layers {first + 1}-{first + len(group)}"
    part = group[0]
    if isinstance(part, Layer):
        return f"K {part.kernel}, d {part.dilation}" + (f", stride {part.stride}" if part.stride > 1 else "")
    if isinstance(part, Whole):
        return "global"
    words = f"d {dilation_words(part)}"
    return words if len(words) <= 32 else f"{len(part.branches)} branches"
