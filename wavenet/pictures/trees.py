"""The tree of connections that lead to one output, as points and lines; thinned where nobody could tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wavenet.geometry import Layer, Padding, Parallel, Part, Seen, Whole, lag_list, see

MAX_ROWS = 20  # of layers; more are drawn several at a time
MAX_NODES = 256  # of a row; more are thinned


@dataclass(frozen=True)
class Row:
    """What is drawn between two rows of nodes: one part, or several in a row.

    Args:
        label: what the layers are.
        edges: (position above, position below), in input samples from the output's own; the past is negative.
        below: positions of the nodes below, ascending.
        every: about how many nodes below there are for each that is drawn.
        whole: whether global pooling connects everything.
    """

    label: str
    edges: tuple[tuple[int, int], ...]
    below: tuple[int, ...]
    every: int
    whole: bool


def tree(parts: Sequence[Part], padding: Padding, nodes: int = MAX_NODES) -> list[Row]:
    """Return the rows from the output down to the input.

    Args:
        parts: of one stack.
        padding: of all layers.
        nodes: the most that are drawn of a row.
    """
    size = -(-len(parts) // MAX_ROWS)
    groups = [tuple(parts[at : at + size]) for at in range(0, len(parts), size)]
    jumps = [Seen(1)]
    for group in groups:
        end = see(group, jumps[-1], padding)
        jumps.append(Seen(1, end.jump))
    above, rows = [0], []
    for number, group in reversed(list(enumerate(groups))):
        seen = see(group, jumps[number], padding)
        lags = _thinned(lag_list(seen.lags), nodes)
        below = _thinned(sorted({at + seen.newest - lag for at in above for lag in lags}), nodes)
        kept = set(below)
        edges = tuple((at, at + seen.newest - lag) for at in above for lag in lags if at + seen.newest - lag in kept)
        there = see(parts[number * size :], jumps[number], padding).lags.bit_count()
        every = round(there / max(1, len(below)))
        rows.append(Row(_label(group, number * size), edges, tuple(below), every, _pools(group)))
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
        stride = f", stride {part.stride}" if part.stride > 1 else ""
        return f"K {part.kernel}, d {part.dilation}{stride}"
    text = _rates(part)
    return text if len(text) <= 32 else f"{len(part.branches)} branches" if isinstance(part, Parallel) else text


def _rates(part: Part) -> str:
    if isinstance(part, Parallel):
        return "d " + " | ".join(" ".join(map(_rates, branch)) for branch in part.branches)
    if isinstance(part, Layer):
        return str(part.dilation) if part.stride == 1 else f"{part.dilation}s{part.stride}"
    return "global"
