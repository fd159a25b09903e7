"""Faults that sound may have, which recognisers are trained to hear through."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from wavenet.outputs import Categorical, Floats

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LONGEST_SECONDS = 3.0  # of a clip in training, at another place each time
MU_LAW = Categorical(256)  # the coarsest sound that is generated


class Spoilt(NamedTuple):
    """A part of a wave with faults, [before + samples + any] float32."""

    wave: Floats
    first: int  # sample of the whole at which the part begins
    before: int  # samples of silence before it
    samples: int  # of the part


def spoilt(wave: Floats, rate: int, draw: torch.Generator) -> Spoilt:
    """Return a wave as it might come: a part of it, in silence, quantised, with noise, at another level.

    Args:
        wave: [T] float32 at an RMS of 1 (`levelled`), from which full scale and the noise are reckoned.
        rate: in Hz.
        draw: what the faults are drawn from.
    """
    import torch

    chance = torch.rand(9, generator=draw, dtype=torch.float64).tolist()
    longest = round(LONGEST_SECONDS * rate)
    first = int(chance[0] * max(1, len(wave) - longest + 1))
    part = wave[first : first + longest]
    if chance[1] < 0.5:
        rms = 0.03 * 6 ** chance[2]  # of full scale
        part = MU_LAW.decode(MU_LAW.encode(part * rms)) / np.float32(rms)
    before, behind = (round(0.4 * share**2 * rate) for share in chance[3:5])
    padded = np.pad(part, (before, behind))
    noise = torch.randn(len(padded) + 1, generator=draw).numpy()
    noise = noise[1:] + (1.6 * chance[5] - 0.8) * noise[:-1]  # from dark to bright
    loud = 10 ** (-(12 + 48 * chance[6]) / 20)
    made = padded + (loud * noise / float(noise.std()) if chance[7] < 0.8 else 0.0)
    return Spoilt(np.asarray(10 ** ((chance[8] - 0.5) * 16 / 20) * made, np.float32), first, before, len(part))


def holed(heard: Tensor, draw: torch.Generator) -> Tensor:
    """Return log mels without some frames and bands (Park et al. 2019, arXiv:1904.08779), tilted a little."""
    import torch

    clips, bands, frames = heard.shape
    made = heard + 0.3 * torch.randn(clips, 1, 1, generator=draw) * torch.linspace(-1, 1, bands)[:, None]
    for axis, count, most in ((1, bands, 6), (2, frames, min(8, frames // 8))):
        width = torch.randint(most + 1, (clips, 1), generator=draw)
        first = (torch.rand(clips, 1, generator=draw) * count).long()
        place = torch.arange(count)[None]
        hole = (place >= first) & (place < first + width)
        made = made.masked_fill(hole.unsqueeze(3 - axis), 0.0)
    return made
