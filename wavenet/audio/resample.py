"""Mono sound from one sample rate to another, block by block as if whole, through the SoX resampler."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from wavenet.outputs import Floats

BLOCK_FRAMES = 1 << 18  # read and resampled at a time


def resampled(blocks: Iterator[Floats], old: int, new: int) -> Iterator[Floats]:
    """Yield mono blocks [m] float32 at rate `new` from mono blocks [n] float32 at rate `old` (both in Hz).

    Together they are the same to the last bit however the sound is divided into blocks, and round(N * new / old) long
    for N samples (of a half, either way); some may be empty. Aliases lie below -140 dB (soxr's quality VHQ).
    """
    if old == new:
        yield from blocks
        return
    stream = soxr.ResampleStream(old, new, 1, dtype="float32", quality="VHQ")
    size = max(1, min(BLOCK_FRAMES, BLOCK_FRAMES * old // new))  # a block that grows is given in parts
    for block in blocks:
        for at in range(0, len(block), size):
            yield stream.resample_chunk(block[at : at + size])
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
