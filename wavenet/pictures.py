"""Every picture. The only place that imports matplotlib, without a display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wavenet import atomic
from wavenet.speeds import Speed

WINDOW_SECONDS = 0.032  # resolves the harmonics of a voice of 100 Hz and more
RANGE_DB = 80.0  # below the loudest point


def decibels(wave: NDArray[np.float32], sample_rate: int) -> tuple[NDArray[np.float64], int]:
    """Return a spectrogram [bins, frames] in dB re full scale (Hann window, three quarters overlap), and its hop."""
    window = max(16, round(WINDOW_SECONDS * sample_rate))
    hop = max(1, window // 4)
    padded = np.pad(wave.astype(np.float64), (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[: len(wave) + 1 : hop]
    shape = np.hanning(window)
    magnitude = np.abs(np.fft.rfft(frames * shape, axis=1)).T * 2 / shape.sum()
    return 20 * np.log10(np.maximum(magnitude, 1e-9)), hop


def spectrogram(path: Path, wave: NDArray[np.float32], sample_rate: int, title: str) -> None:
    """Write a PNG of a sound: waveform above, spectrogram below, both against seconds.

    Args:
        path: a .png file.
        wave: [T] in [-1, 1].
        sample_rate: in Hz.
        title: stands above.
    """
    levels, hop = decibels(wave, sample_rate)
    seconds = len(wave) / sample_rate
    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasAgg(figure)
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
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def speed_picture(path: Path, batches: Sequence[Speed], sizes: Sequence[Speed], title: str) -> None:
    """Write a PNG of samples per second against the number of sequences, and against the size of the network.

    Args:
        path: a .png file.
        batches: one network, several batches.
        sizes: several networks; left out where there are none.
        title: stands above.
    """
    figure = Figure(figsize=(10, 4.5) if sizes else (6, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=10)
    panels = figure.subplots(1, 2 if sizes else 1, squeeze=False)[0]
    _speed_lines(panels[0], [("", batches)], [str(one.batch) for one in batches], "sequences at once")
    if sizes:
        counts = sorted({one.batch for one in sizes})
        lines = [(f"{n} at once", [one for one in sizes if one.batch == n]) for n in counts]
        names = [f"R {one.residual}\nS {one.skip}\nL {one.layers}" for one in lines[0][1]]
        _speed_lines(panels[1], lines, names, "size")
        panels[1].legend()
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _speed_lines(axes: Axes, lines: Sequence[tuple[str, Sequence[Speed]]], names: Sequence[str], label: str) -> None:
    """Draw medians, with bars from the slowest to the fastest round."""
    for name, cases in lines:
        middle = np.array([one.samples_per_second for one in cases])
        ends = np.array([[one.slowest for one in cases], [one.fastest for one in cases]])
        axes.errorbar(range(len(cases)), middle, np.abs(ends - middle), marker="o", capsize=3, label=name)
    axes.set(xlabel=label, ylabel="samples per second, together", ylim=(0, None))
    axes.set_xticks(range(len(names)), names)
    axes.grid(alpha=0.3)
