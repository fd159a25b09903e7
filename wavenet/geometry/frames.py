"""The integers of what a network is told: which frame a sample has, what an encoder over frames sees, its weights.

Frame k of a sound covers samples k * hop to (k + 1) * hop - 1 and stands at their middle, k * hop + hop / 2. Sample t
is drawn under what holds at t. Everything that turns samples into frames, or back, asks the functions of this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wavenet.geometry.products import ProductShape


def frame_count(samples: int, hop: int) -> int:
    """Return how many frames a sound has: the last may reach beyond its end.

    >>> frame_count(160, 80), frame_count(161, 80)
    (2, 3)
    """
    return -(-samples // hop)


def frames_between(first: int, last: int, hop: int, linear: bool) -> tuple[int, int]:
    """Return the first frame that samples first .. last - 1 depend on, and the one behind the last.

    >>> frames_between(100, 200, 80, linear=False)
    (1, 3)
    >>> frames_between(100, 200, 80, linear=True)
    (0, 4)
    """
    begin, end = first // hop, -(-last // hop)
    return (begin - 1, end + 1) if linear else (begin, end)


def mixing(hop: int, linear: bool) -> list[tuple[float, float, float]]:
    """Return what share each sample of a frame has of the frame before, its own and the next one.

    >>> mixing(2, linear=True)
    [(0.25, 0.75, 0.0), (0.0, 0.75, 0.25)]
    """
    if not linear:
        return [(0.0, 1.0, 0.0)] * hop
    shares = []
    for sample in range(hop):
        away = (sample + 0.5) / hop - 0.5  # from the middle of the frame, in frames
        shares.append((max(0.0, -away), 1 - abs(away), max(0.0, away)))
    return shares


@dataclass(frozen=True)
class Encoder:
    """Convolutions over frames that look back as far as ahead.

    One after the other; or, as a pyramid, side by side with a product of the frame alone and, where it is `pooled`,
    with an average over the whole sound (the spatial pyramid of Chen et al. 2017, arXiv:1706.05587, in one dimension).
    """

    layers: tuple[tuple[int, int], ...] = ()  # kernel (odd) and dilation of each
    pyramid: bool = False
    pooled: bool = False

    @property
    def reach(self) -> int:
        """Frames that it looks back, and as many ahead, beyond the frame itself."""
        each = [(kernel - 1) // 2 * dilation for kernel, dilation in self.layers]
        return max(each, default=0) if self.pyramid else sum(each)

    def tree(self) -> Any:
        """Return it as a recipe says it."""
        if self.pyramid:
            return {"pyramid": [dilation for _, dilation in self.layers], "pooled": self.pooled}
        return [{"kernel": kernel, "dilation": dilation} for kernel, dilation in self.layers]


@dataclass(frozen=True)
class FrameShape:
    """The integers of a network over frames: of what is told, `condition`, or of what predicts tracks, `acoustic`.

    Where it predicts how long phones are, `durations`, its frames are phones.
    """

    name: str
    fields: tuple[tuple[str, int], ...]  # each with the number of its values
    tracks: tuple[tuple[str, int], ...]  # each with its values a frame
    channels: int  # C
    encoder: Encoder
    outputs: int | None  # values a frame; None: what the network's gates take

    @property
    def width(self) -> int:
        """Numbers a frame that it is given: the values of each track, and one that says whether it is unknown."""
        return sum(width + 1 for _, width in self.tracks)

    def products(self, hop: int | None, gates: int) -> Iterator[ProductShape]:
        """Yield the rows of its weights; a field has one value more, *unknown*, the last."""
        C, layers = self.channels, self.encoder.layers
        for name, size in self.fields:
            yield ProductShape(f"{self.name}.fields.{name}", size + 1, C, False, looked_up=True)
        if self.tracks:
            yield ProductShape(f"{self.name}.entry", self.width, C, True, every=hop)
            for i, (kernel, _) in enumerate(layers):
                yield ProductShape(f"{self.name}.encoder.{i}", kernel * C, C, True, every=hop)
            if self.encoder.pyramid:
                yield ProductShape(f"{self.name}.alone", C, C, True, every=hop)
                if self.encoder.pooled:
                    yield ProductShape(f"{self.name}.pooled", self.width, C, True, every=None)
                branches = len(layers) + 1 + self.encoder.pooled
                yield ProductShape(f"{self.name}.project", branches * C, C, True, every=hop)
        if self.outputs is None:  # in place of all tracks before the first sample; and V of equations 2.5
            if self.tracks:
                yield ProductShape(f"{self.name}.before", 1, C, False, looked_up=True)
            yield ProductShape(f"{self.name}.output", C, gates, False, every=hop if self.tracks else None)
        else:
            yield ProductShape(f"{self.name}.output", C, self.outputs, True, every=hop)


@dataclass(frozen=True)
class ConditionShape:
    """What a network is told, and how frames become samples."""

    told: FrameShape
    hop: int  # samples between two frames; 1 where there are no tracks
    linear: bool  # whether samples lie between the frames beside them, or repeat their own
    acoustic: FrameShape | None = None  # predicts tracks from fields, clock and phones
    # predicts how long phones are; not shown, so that what identifies a network without it stays what it was
    durations: FrameShape | None = field(default=None, repr=False)

    @property
    def pooled(self) -> bool:
        """Whether anything looks at an average over the whole sound."""
        return self.told.encoder.pooled or (self.acoustic is not None and self.acoustic.encoder.pooled)

    @property
    def reach(self) -> int:
        """Frames on either side of those asked for that decide on them."""
        return self.told.encoder.reach + (0 if self.acoustic is None else self.acoustic.encoder.reach)

    def products(self, gates: int) -> Iterator[ProductShape]:
        """Yield all rows of weights; `gates` is L * 2G of the network."""
        yield from self.told.products(self.hop, gates)
        if self.acoustic is not None:
            yield from self.acoustic.products(self.hop, gates)
        if self.durations is not None:
            yield from self.durations.products(None, gates)
