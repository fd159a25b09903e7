"""Mono sound from one sample rate to another, block by block and without seams, through torchaudio's windowed sinc."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from wavenet.errors import SoundError
from wavenet.outputs import Floats

BLOCK_FRAMES = 1 << 18  # read and resampled at a time
MOST_GROWTH = 24  # of a block that is resampled (8 to 192 kHz); beyond it, shorter blocks go in
MAX_RATIO_TERM = 4_000  # an odd ratio of rates is replaced by the nearest with terms up to about this

# torchaudio's resampler with its defaults aliases at -20 dB; with these (Kaiser-windowed sinc) at -140 dB
RESAMPLING: dict[str, Any] = {
    "lowpass_filter_width": 64,
    "rolloff": 0.9475937167399596,
    "resampling_method": "sinc_interp_kaiser",
    "beta": 14.769656459379492,
}


def resampled(blocks: Iterator[Floats], old: int, new: int) -> Iterator[Floats]:
    """Yield mono blocks at rate `new` from mono blocks at rate `old`, joined without seams.

    Rates whose reduced ratio has large terms (44,101 to 16,000) take the nearest ratio with terms up to about 4,000.
    The filter bank would not fit into memory otherwise; what they are off by stays below one part in 4,000, and is
    hundreds of times smaller unless the rates are nearly equal.

    Args:
        blocks: [n] float32 each.
        old: their rate in Hz.
        new: the wanted rate in Hz.

    Yields:
        [m] float32 each, together ceil(n * new / old) samples.

    Raises:
        SoundError: the rates are thousands of times apart.
    """
    if old == new:
        yield from blocks
        return
    import torch

    from wavenet.audio import torchaudio_loader

    ratio = Fraction(new, old)
    if max(ratio.numerator, ratio.denominator) > MAX_RATIO_TERM:
        limit = max(1, int(MAX_RATIO_TERM * min(1.0, old / new)))
        ratio = ratio.limit_denominator(limit)
    up, down = ratio.numerator, ratio.denominator
    if up == 0:
        raise SoundError(f"its sample rate of {old:,} Hz cannot be brought to {new:,} Hz")
    convert = torchaudio_loader.load()[0].transforms.Resample(down, up, **RESAMPLING, dtype=torch.float64)
    convert.kernel = convert.kernel.float()  # phases computed in float32 would cost 24 dB
    width = math.ceil(RESAMPLING["lowpass_filter_width"] * down / (min(up, down) * RESAMPLING["rolloff"])) + 1
    context = down * math.ceil(width / down)  # a whole number of periods, so that blocks fall on output samples
    periods = max(1, min(BLOCK_FRAMES // down, MOST_GROWTH * BLOCK_FRAMES // up))
    for before, block, after in _with_context(blocks, context, down * periods):
        padded = torch.from_numpy(np.concatenate([before, block, after]))
        out = convert(padded).numpy()
        first = len(before) * up // down
        yield out[first : first + math.ceil(len(block) * up / down)]


def _with_context(blocks: Iterator[Floats], context: int, size: int) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield (before, block, after): blocks of `size` samples with up to `context` samples on both sides."""
    before = held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= max(size, context) + context:
            yield before, held[:size], held[size : size + context]
            before, held = held[size - context : size], held[size:]
    if len(held):
        yield before, held, held[:0]
