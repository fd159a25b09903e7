"""Conditioning with NumPy: what a network over frames makes of fields and tracks: V c, predicted tracks and lengths.

`model/condition.py` has the same as modules that are trained, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from wavenet.generate.packed import Packed
from wavenet.geometry import FrameShape, mixing
from wavenet.outputs import Codes, Floats, Window

NUMBERS = 1 << 22  # of V c that are held at once, 16 MB: where each sample has its own frame, a minute has gigabytes
NOBODY = np.zeros((0, 1, 1, 0), np.float32)


@dataclass(frozen=True)
class Gates:
    """V c for some sequences: what is added to the gates of each layer, step by step.

    Attributes:
        rows: [B, f, 1 or 3, L * 2G] float32: each frame's own, or that between those of its neighbours.
        offset: [B] int64, the step of the first frame that each sequence's first step is.
        mixing: [hop, 3] float32, the shares of the frames beside each sample of a frame; [1, 3] where all are alike.
    """

    rows: Floats
    offset: Codes
    mixing: Floats

    def of(self, row: int, layer: int, layers: int, steps: slice) -> Floats:
        """Return what a layer of one sequence adds in some steps, [T, 2G], or [2G] where all are alike."""
        rows = self.rows[row].reshape(*self.rows.shape[1:3], layers, -1)[:, :, layer]
        hop = len(self.mixing)
        at = self.offset[row] + np.arange(steps.start, steps.stop)
        if rows.shape[1] == 1:
            own: Floats = rows[0 if len(rows) == 1 else at // hop, 0]
            return own
        mixed: Floats = np.einsum("tj,tjc->tc", self.mixing[at % hop], rows[at // hop])
        return mixed


NOTHING = Gates(NOBODY, np.zeros(0, np.int64), np.zeros((1, 3), np.float32))


def stretches(packed: Packed, told: Window | None, steps: int) -> Iterator[tuple[slice, Gates | None]]:
    """Yield the steps of a window in order, with V c of them: so many together that memory is bounded.

    The bits are those of V c of the whole window.
    """
    shape = packed.shape.condition
    if told is None or shape is None or not shape.told.tracks:
        yield slice(0, steps), gates(packed, told)
        return
    frame = len(told.first) * (3 if shape.linear else 1) * len(packed.layers) * 2 * packed.shape.gate
    most = max(1, NUMBERS // frame) * shape.hop
    for first in range(0, steps, most):
        last = min(first + most, steps)
        yield slice(first, last), gates(packed, told.part(first, last, shape))


@np.errstate(over="ignore", invalid="ignore")  # readers of the network's answers check them
def gates(packed: Packed, told: Window | None) -> Gates | None:
    """Return V c of a window, None where nothing is told."""
    shape = packed.shape.condition
    if told is None or shape is None:
        return None
    network = _Frames(packed, shape.told)
    e = network.constant(told.fields)
    if not shape.told.tracks:
        return Gates(network.output(e[:, None, None]), np.zeros(len(e), np.int64), np.zeros((1, 3), np.float32))
    beyond = 0 if shape.acoustic is None else shape.acoustic.encoder.reach
    c = network.encode(cut(told.tracks, beyond), e, told.mean)
    first = told.first // shape.hop - int(shape.linear)
    k = (first[:, None] + np.arange(c.shape[1]))[..., None]  # [B, f, 1], which frame each is
    inside = (k >= 0) & (k < told.frames[:, None, None])
    c = np.where(inside, c, (packed.products["condition.before"].weight + e)[:, None])
    rows = network.output(c)
    if not shape.linear:
        return Gates(rows[:, :, None], told.first % shape.hop, np.zeros((shape.hop, 3), np.float32))
    own, here = rows[:, 1:-1], inside[:, 1:-1]
    last = np.where(inside[:, :-2] == here, rows[:, :-2], own)
    following = np.where(inside[:, 2:] == here, rows[:, 2:], own)
    return Gates(
        np.stack((last, own, following), axis=2), told.first % shape.hop, np.array(mixing(shape.hop, True), np.float32)
    )


def predicted(packed: Packed, tracks: Floats, fields: Codes) -> Floats:
    """Return the tracks that the acoustic network predicts for whole sounds, [B, F, values].

    Args:
        packed: the network.
        tracks: [B, F + 2 reach, M] float32, what it is given: clock and phones, unknown outside of the sound.
        fields: [B, n] int64.
    """
    shape = packed.shape.condition
    assert shape is not None
    assert shape.acoustic is not None
    return answers(packed, shape.acoustic, tracks, fields)


def answers(packed: Packed, shape: FrameShape, rows: Floats, fields: Codes) -> Floats:
    """Return what a network that predicts answers for whole sounds, [B, F, outputs].

    Args:
        packed: has it.
        shape: of it.
        rows: [B, F + 2 reach, M] float32, what it is given, unknown outside of the sound.
        fields: [B, n] int64.
    """
    network, mean = _Frames(packed, shape), cut(rows, shape.encoder.reach).mean(axis=1)
    out: Floats = network.output(_rectified(network.encode(rows, network.constant(fields), mean)))
    return out


class _Frames:
    """One network over frames, by the names of its products."""

    def __init__(self, packed: Packed, shape: FrameShape) -> None:
        self.shape, self._products = shape, packed.products

    def product(self, name: str) -> Callable[[Floats], Floats]:
        """Return one of its products, made frame by frame.

        A product of several rows at once may round otherwise than one of as many more; so the bits of a frame depend
        neither on the chunk nor on the batch that it is asked for in.
        """
        product = self._products[f"{self.shape.name}.{name}"]
        return lambda x: product(x[..., None, :])[..., 0, :]

    def output(self, c: Floats) -> Floats:
        """Return its outputs [..., P] for channels [..., C]."""
        return self.product("output")(c)

    def constant(self, fields: Codes) -> Floats:
        """Return the sum of the fields' rows [B, C] for fields [B, n]."""
        e = np.zeros((len(fields), self.shape.channels), np.float32)
        for i, (field, _) in enumerate(self.shape.fields):
            e += self._products[f"{self.shape.name}.fields.{field}"].weight[fields[:, i]]
        return e

    def encode(self, tracks: Floats, e: Floats, mean: Floats) -> Floats:
        """Return channels [B, f - 2 reach, C] for tracks [B, f, M], fields' sums [B, C] and the tracks' mean [B, M]."""
        encoder, h = self.shape.encoder, self.product("entry")(tracks) + e[:, None]
        convolutions = [(k, d, self.product(f"encoder.{i}")) for i, (k, d) in enumerate(encoder.layers)]
        if not encoder.pyramid:
            for kernel, dilation, product in convolutions:
                h = cut(h, (kernel - 1) // 2 * dilation) + product(_taps(_rectified(h), kernel, dilation))
            return h
        a = _rectified(h)
        branches = [self.product("alone")(cut(a, encoder.reach))]
        for kernel, dilation, product in convolutions:
            branches.append(product(_taps(cut(a, encoder.reach - (kernel - 1) // 2 * dilation), kernel, dilation)))
        if encoder.pooled:
            branches.append(np.broadcast_to(self.product("pooled")(mean)[:, None], branches[0].shape))
        projected = self.product("project")(_rectified(np.concatenate(branches, axis=-1)))
        return cut(h, encoder.reach) + projected


def _rectified(x: Floats) -> Floats:
    return np.maximum(x, np.float32(0))


def cut(x: Floats, frames: int) -> Floats:
    """Return [B, f - 2 frames, C]: as many frames less at either end."""
    return x[:, frames : x.shape[1] - frames]


def _taps(x: Floats, kernel: int, dilation: int) -> Floats:
    """Return the taps of each frame side by side, the oldest first: [B, f - (K-1)d, K*C]."""
    count = x.shape[1] - (kernel - 1) * dilation
    return np.concatenate([x[:, k * dilation : k * dilation + count] for k in range(kernel)], axis=-1)
