"""Channels through layers: what goes into each convolution, and what comes out of branches that are joined."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from wavenet.geometry.layers import Channels, Layer, LayerError, Parallel, Part, numbered

Passed = tuple[tuple[Part, ...], int | None]  # the same layers, and the channels that leave them


def with_channels(parts: Iterable[Part], entering: int | None = None) -> Passed:
    """Return the same layers, each convolution with the channels that reach it, and the channels at the end.

    A layer without channels is taken for pooling: what enters it leaves it. LayerError where a convolution expects
    other channels than reach it, nothing says which do, or they cannot be divided into its groups.
    """
    made: list[Part] = []
    for number, part in enumerate(parts, 1):
        with numbered(number):
            if isinstance(part, Layer) and part.channels is not None:
                found = _reached(part.channels, entering)
                made.append(dataclasses.replace(part, channels=found))
                entering = found.outputs
            elif isinstance(part, Parallel):
                joined, entering = _branches(part, entering)
                made.append(joined)
            else:
                made.append(part)
    return tuple(made), entering


def _reached(channels: Channels, entering: int | None) -> Channels:
    """Return the channels of a convolution, those that go in among them."""
    inputs = entering if channels.inputs is None else channels.inputs
    if inputs is None:
        raise LayerError("it has out but no in, and nothing before it says how many channels there are; add in")
    if entering is not None and inputs != entering:
        raise LayerError(f"it takes {inputs:,} channels in, but {entering:,} reach it; make them equal")
    if inputs % channels.groups or channels.outputs % channels.groups:
        raise LayerError(
            f"{inputs:,} channels in and {channels.outputs:,} out don't both divide into {channels.groups:,} groups"
        )
    return dataclasses.replace(channels, inputs=inputs)


def _branches(part: Parallel, entering: int | None) -> tuple[Parallel, int | None]:
    if entering is None:  # what one branch says of the input holds for all
        entering = _needed((part,))
    branches, ends = [], []
    for number, branch in enumerate(part.branches, 1):
        with numbered(number):
            made, end = with_channels(branch, entering)
        branches.append(made)
        ends.append(end)
    return dataclasses.replace(part, branches=tuple(branches)), _joined(ends, part.added)


def _needed(parts: Sequence[Part]) -> int | None:
    """Return the channels that some layers say they take; None where they don't."""
    for part in parts:
        if isinstance(part, Layer) and part.channels is not None:
            return part.channels.inputs
        if isinstance(part, Parallel):
            return next((needed for branch in part.branches if (needed := _needed(branch)) is not None), None)
    return None


def _joined(ends: Sequence[int | None], added: bool) -> int | None:
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return None
    if added and len(set(known)) > 1:
        several = ", ".join(f"{end:,}" for end in known)
        raise LayerError(f"its branches end with {several} channels, which cannot be added; make them equal")
    return known[0] if added else sum(known)
