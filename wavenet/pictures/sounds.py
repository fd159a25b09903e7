"""A sound as a picture: its waveform and its spectrogram."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wavenet import disk

WINDOW_SECONDS = 0.032  # resolves the harmonics of a voice of 100 Hz and more
RANGE_DB = 80.0  # below the loudest point
FRAMES_AT_ONCE = 2_048  # that are transformed together


def decibels(wave: NDArray[np.float32], sample_rate: int, most: int | None = None) -> tuple[NDArray[np.float64], int]:
    """Return a spectrogram [bins, columns] in dB re full scale (Hann window, three quarters overlap), and its hop.

    A column is one frame, or the loudest of several where there are more than `most` frames: an hour takes no more
    memory than its columns.
    """
    window = max(16, round(WINDOW_SECONDS * sample_rate))
    hop = max(1, window // 4)
    frames = len(wave) // hop + 1
    together = 1 if most is None else -(-frames // most)
    block = together * max(1, FRAMES_AT_ONCE // together)
    columns = []
    for at in range(0, frames, block):
        levels = _magnitudes(wave, at * hop - window // 2, min(block, frames - at), window, hop)
        columns.append(np.maximum.reduceat(levels, np.arange(0, len(levels), together)))
    return 20 * np.log10(np.maximum(np.concatenate(columns).T, 1e-9)), hop * together


def _magnitudes(wave: NDArray[np.float32], first: int, frames: int, window: int, hop: int) -> NDArray[np.float64]:
    """Return the magnitudes [frames, bins] of frames, the first from sample `first` on; a sine of 1 has 1."""
    padded = np.zeros((frames - 1) * hop + window)
    known = wave[max(0, first) : first + len(padded)]
    padded[max(0, -first) : max(0, -first) + len(known)] = known
    shape = np.hanning(window)
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    return np.asarray(np.abs(np.fft.rfft(windows * shape, axis=1)) * 2 / shape.sum(), np.float64)


def spectrogram(path: Path, wave: NDArray[np.float32], sample_rate: int, title: str) -> None:
    """Write a PNG of a sound [T] in [-1, 1]: waveform above, spectrogram below, both against seconds."""
    levels, hop = decibels(wave, sample_rate)
    seconds = len(wave) / sample_rate
    figure = Figure(figsize=(9, 5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.5))
    upper.plot(np.arange(len(wave)) / sample_rate, wave, linewidth=0.5, color="black")
    upper.set(ylim=(-1, 1), ylabel="amplitude", title=title)
    top = levels.max() if levels.size else 0.0
    extent = (0.0, levels.shape[1] * hop / sample_rate, 0.0, sample_rate / 2000)
    image = lower.imshow(
        levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=top - RANGE_DB, vmax=top
    )
    lower.set(xlabel="seconds", ylabel="kHz", xlim=(0, max(seconds, 1 / sample_rate)))
    figure.colorbar(image, ax=lower, label="dB re full scale")
    with disk.replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
