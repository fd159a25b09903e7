"""What recognisers hear: log mels of sound at one level, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wavenet.errors import InputError
from wavenet.features.mel import filters
from wavenet.outputs import Floats
from wavenet.recipe.records import MelConfig

if TYPE_CHECKING:
    from torch import Tensor

WINDOW_SECONDS, HOP_SECONDS, BANDS, LOWEST_HZ = 0.025, 0.010, 48, 60.0
FLOOR = 1e-5  # power of a band that is heard as silence, against 1 for white noise as loud as the clip
QUIETEST = 1e-5  # RMS of a wave that is not made louder than this


def log_mel(waves: Tensor, lengths: Sequence[int], rate: int) -> tuple[Tensor, Tensor]:
    """Return log mels [B, BANDS, F] of about -3 to 3, and which frames [B, F] belong to their clips.

    Frames of WINDOW_SECONDS, one each HOP_SECONDS, the first around the first sample. Beyond a clip is silence.
    """
    import torch

    hop, window = max(1, round(HOP_SECONDS * rate)), max(2, round(WINDOW_SECONDS * rate))
    size = 2 << (window - 1).bit_length()  # filled up with zeros
    shape = torch.hann_window(window)
    spectra = torch.stft(waves, size, hop, window, shape, pad_mode="constant", return_complex=True)
    power = (spectra.real**2 + spectra.imag**2) / float((shape**2).sum())
    bands = torch.from_numpy(mel_bands(rate, size)) @ power
    ends = torch.tensor([1 + length // hop for length in lengths])
    return (torch.log(bands + FLOOR) + 4) / 3, torch.arange(bands.shape[2])[None] < ends[:, None]


def mel_bands(rate: int, size: int) -> Floats:
    """Return what the power of each band is a mean of, [BANDS, size // 2 + 1] float32: mel filters of sum 1.

    Args:
        rate: in Hz.
        size: samples of the Fourier transform; of 50 ms or more, so that no band falls between two bins.
    """
    ends = {"low_hz": min(LOWEST_HZ, rate / 8), "high_hz": rate / 2}
    bank = filters(MelConfig(BANDS, size, size, **ends, power=2, scale="htk", norm="none", floor=FLOOR), rate).T
    return np.asarray(bank / bank.sum(axis=1, keepdims=True), np.float32)


def levelled(wave: Floats) -> Floats:
    """Return the wave at an RMS of 1."""
    rms = float(np.sqrt(np.mean(wave.astype(np.float64) ** 2)))
    return np.asarray(wave / max(rms, QUIETEST), np.float32)


def filled(waves: Sequence[Floats]) -> Tensor:
    """Return waves [B, T] float32, silence behind those that are shorter."""
    import torch

    made = torch.zeros(len(waves), max(map(len, waves)))
    for row, wave in zip(made, waves, strict=True):
        row[: len(wave)] = torch.from_numpy(wave)
    return made


def check(waves: Sequence[Floats]) -> None:
    """Raise InputError where a wave has no samples, or some that are not finite."""
    for index, wave in enumerate(waves):
        if not len(wave):
            raise InputError(f"clip {index} has no samples, expected at least one; leave it out")
        if not np.isfinite(wave).all():
            raise InputError(f"clip {index} has samples that are not finite, expected -1 to 1; leave it out")
