"""The track `mel`: torchaudio's MelSpectrogram as a logarithm, scaled to about -1 to 1 by the recipe alone.

With x = 1 - 2 ln(max(m, floor)) / ln(floor), the floor is -1 and a filter's answer of 1.0 is +1. Nothing is measured on
the data, so that one recipe means the same numbers for every sound.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from wavenet.audio import torchaudio_loader
from wavenet.errors import InputError
from wavenet.features.framing import Wave, stretches, windows
from wavenet.outputs import Floats
from wavenet.recipe.records import MelConfig
from wavenet.text import times

SILENCE = -1.0  # of a track, whatever the floor
ROWS = 64  # frames of one product: always as many, since a product of another shape may round otherwise
PIECE = 1 << 20  # samples in the windows that are held at once


class Mel:
    """Computes the mel frames of sounds.

    Args:
        config: of the recipe.
        rate: in Hz.
        hop: samples between two frames.
    """

    name, kind = "mel", np.dtype(np.float16)

    def __init__(self, config: MelConfig, rate: int, hop: int) -> None:
        self.config, self.rate, self.hop, self.width = config, rate, hop, config.bands

    def identity(self) -> Any:
        """Return plain values that decide, with the sound, on the frames."""
        return [asdict(self.config), self.rate, self.hop]

    def frames(self, sound: int, wave: Wave) -> Iterator[Floats]:
        """Yield the frames of a sound in order, [n, bands] float32 of about -1 to 1."""
        del sound
        bank, most = filters(self.config, self.rate), max(1, PIECE // self.config.fft_samples // ROWS) * ROWS
        for first, last in stretches(wave, self.hop, most):
            answers, floor = self._bands(wave, first, last, bank), self.config.floor
            yield scaled(np.log(np.maximum(answers, np.float32(floor))), floor)

    def _bands(self, wave: Wave, first: int, last: int, bank: Floats) -> Floats:
        """Return what the filters answer, [last - first, bands] float32."""
        config = self.config
        seen = windows(wave, self.hop, config.fft_samples, first, last) * hann(
            config.window_samples, config.fft_samples
        )
        magnitudes = np.abs(np.fft.rfft(seen)).astype(np.float32)
        bins = np.zeros((-(-len(seen) // ROWS) * ROWS, len(bank)), np.float32)
        bins[: len(seen)] = magnitudes if config.power == 1 else magnitudes**2
        answers = bins.reshape(-1, ROWS, len(bank)) @ bank
        return answers.reshape(-1, config.bands)[: len(seen)]


@functools.lru_cache(maxsize=8)
def hann(samples: int, within: int) -> Floats:
    """Return a periodic Hann window, [within] float32, in the middle of zeros as `torch.stft` has it."""
    window = np.zeros(within, np.float32)
    begin = (within - samples) // 2
    window[begin : begin + samples] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)
    return window


@functools.lru_cache(maxsize=8)
def filters(config: MelConfig, rate: int) -> Floats:
    """Return torchaudio's mel filters, [fft_samples // 2 + 1, bands] float32."""
    functional = torchaudio_loader.load()[0].functional
    norm = None if config.norm == "none" else config.norm
    bins = config.fft_samples // 2 + 1
    bank = functional.melscale_fbanks(bins, config.low_hz, config.high_hz, config.bands, rate, norm, config.scale)
    return np.ascontiguousarray(bank.numpy(), np.float32)


def check_bands(shape: tuple[int, ...], config: MelConfig, name: str) -> None:
    """Raise InputError unless mels [F, bands] of another program have the bands that the network learned.

    Tacotron 2 and FastPitch write such: magnitudes (power 1), Slaney's scale and norm, floor 1e-5. Their frame k
    stands at sample k * hop, ours at the middle of what it covers: sound made of theirs begins half a hop later.
    """
    if shape[1] != config.bands:
        raise InputError(
            f"{name} holds {times(shape)} numbers, expected [frames, {config.bands}] mels; compute it with as many "
            "bands"
        )


def floored(values: Floats, floor: float) -> Floats:
    """Return natural logarithms of mels of any floor as the track has them, float32."""
    return scaled(np.maximum(values, np.float32(math.log(floor))), floor)


def scaled(logarithms: Floats, floor: float) -> Floats:
    """Return natural logarithms of mels, ln(floor) to about 0, as the track has them, -1 to about 1, float32."""
    return np.asarray(1.0 - 2.0 * logarithms / math.log(floor), np.float32)


def unit_decibels(config: MelConfig) -> float:
    """Return how many decibels 1 is, as the track has mels.

    >>> unit_decibels(MelConfig(80, 512, 400, 0, 4000, power=1, scale="htk", norm="none", floor=1e-3))
    30.0
    """
    return -10 * math.log10(config.floor) / config.power
