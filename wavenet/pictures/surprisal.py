"""Where a sound surprises a model: bits per sample over time under the spectrogram.

Nothing depends on colour alone: the worst stretch has solid edges and the best dashed ones, and both are named.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import NDArray

from wavenet import disk
from wavenet.evaluation.copy_synthesis import Row
from wavenet.evaluation.surprise import Extremes, Stretch, extremes
from wavenet.outputs import Floats
from wavenet.pictures.lattice import DARK
from wavenet.pictures.side_by_side import ROW_INCHES, sound_rows
from wavenet.pictures.sounds import RANGE_DB, decibels
from wavenet.text import duration

COLUMNS = 2_000  # of the spectrogram, at most
STAIRS = 600  # of the line, at most
TICKS = (10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)  # seconds between two on a long axis
HEIGHT = 6  # inches of the sound and its bits
LIGHT, MIDDLE = "#b9c8d8", "#4f7cac"
LONG = 120.0  # seconds from which on time is told in minutes
SMOOTH_SECONDS = (0.005, 0.020)  # least and most over which bits are averaged: a single sample's leap up and down
POINTS = 300  # that a sound is at least drawn with, where the least smoothing allows it
WORST, BEST = ("-", "///"), ((0, (4, 3)), "...")  # lines and hatches of the marked stretches
BEHIND = [patheffects.withStroke(linewidth=3, foreground="black")]  # of white lines in the spectrogram


def surprisal_picture(
    path: Path,
    wave: Floats,
    bits: Floats,
    sample_rate: int,
    title: str,
    usual: float | None = None,
    rows: Sequence[Row] = (),
) -> None:
    """Write a PNG of a sound and of what its samples cost a model; below it rows of sounds beside each other.

    Args:
        path: the file.
        wave: [T] in [-1, 1], T at least 1.
        bits: [T] of each sample.
        sample_rate: in Hz.
        title: of the picture.
        usual: bits per sample of held-out sound, drawn beside this sound's own mean; None leaves it out.
        rows: sounds side by side, at the same rate.
    """
    found = extremes(bits, sample_rate)
    if found is None:
        raise ValueError("there is no sound to draw")
    whole = Figure(figsize=(11, HEIGHT + ROW_INCHES * len(rows)), layout="constrained")
    figure: Figure | SubFigure = whole
    if rows:
        grid = whole.add_gridspec(2, 1, height_ratios=(HEIGHT, ROW_INCHES * len(rows)))
        figure = whole.add_subfigure(grid[0])
        sound_rows(whole.add_subfigure(grid[1]), rows, sample_rate)
    figure.suptitle(textwrap.shorten(title, 110), fontsize=12, fontweight="bold", x=0.01, ha="left")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    _spectrogram_axes(figure, upper, wave, sample_rate)
    _bits_axes(lower, bits, sample_rate, usual)
    seconds = len(bits) / sample_rate
    lower.set_xlim(0.0, seconds)
    if seconds >= LONG:
        lower.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _minutes(value)))
        lower.xaxis.set_major_locator(MultipleLocator(next((step for step in TICKS if 10 * step > seconds), seconds)))
    word = found.called.partition(" ")[0]
    _marked(upper, (upper, lower), f"worst {word}", found.worst, WORST, seconds)
    _marked(lower, (upper, lower), f"best {word}", found.best, BEST, seconds)
    figure.supxlabel(_caption(found, bits), fontsize=9, x=0.01, ha="left", color="#333333")
    with disk.replacing(path) as temporary:
        whole.savefig(temporary, dpi=110, format="png")


def _caption(found: Extremes, bits: Floats) -> str:
    text = str(found)
    return f"{text[0].upper()}{text[1:]}; all of it: {bits.mean(dtype=np.float64):.2f} bits/sample"


def _minutes(value: float) -> str:
    """Return seconds as minutes and seconds: ``"61:30"``."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}:{rest:02d}"


def smoothed(bits: Floats, sample_rate: int) -> tuple[NDArray[np.float64], float]:
    """Return means [n] of bits [T] over as much time each, 5 to 20 ms, and how much in seconds; the last has the rest.

    The time is such that a sound of a second or two has some hundred of them.
    """
    least, most = SMOOTH_SECONDS
    window = max(1, round(sample_rate * min(most, max(least, len(bits) / sample_rate / POINTS))))
    starts = np.arange(0, len(bits), window)
    lengths = np.diff(np.append(starts, len(bits)))
    return np.add.reduceat(bits, starts) / lengths, window / sample_rate


def _bits_axes(axes: Axes, bits: Floats, sample_rate: int, usual: float | None) -> None:
    """Draw means over some time; where there are too many, the mean of a column with the least and the most in it."""
    means, each = smoothed(bits, sample_rate)
    together = -(-len(means) // STAIRS)
    starts = np.arange(0, len(means), together)
    at = np.append(starts, len(means)) * each
    at[-1] = len(bits) / sample_rate
    label = f"mean over {duration(each)}"
    if together > 1:
        least, most = (reduce.reduceat(means, starts) for reduce in (np.minimum, np.maximum))
        axes.stairs(
            most, at, baseline=least, fill=True, color=LIGHT, label=f"least and most mean over {duration(each)}"
        )
        label = f"mean over {duration(each * together)}"
    middle = np.add.reduceat(means, starts) / np.diff(np.append(starts, len(means)))
    axes.stairs(middle, at, baseline=None, color=DARK, linewidth=1.0, label=label)
    whole = float(bits.mean(dtype=np.float64))
    axes.axhline(whole, color=MIDDLE, linewidth=1.2, dashes=(6, 3), label=f"mean of this sound, {whole:.2f}")
    if usual is not None:
        axes.axhline(usual, color="black", linewidth=1.2, dashes=(1, 2), label=f"held-out sound, {usual:.2f}")
    axes.set(ylim=(min(0.0, float(means.min())), 1.1 * max(float(means.max()), whole, usual or 0.0, 0.1)))
    seconds = len(bits) / sample_rate
    axes.set(ylabel="bits per sample", xlabel="seconds" if seconds < LONG else "minutes:seconds")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=4, fontsize=8, frameon=False)
    axes.grid(axis="y", alpha=0.3)


def _spectrogram_axes(figure: Figure | SubFigure, axes: Axes, wave: Floats, sample_rate: int) -> None:
    """Draw the loudest that each column of a spectrogram has."""
    levels, hop = decibels(wave, sample_rate, COLUMNS)
    top = float(levels.max())
    extent = (0.0, levels.shape[1] * hop / sample_rate, 0.0, sample_rate / 2000)
    image = axes.imshow(
        levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=top - RANGE_DB, vmax=top
    )
    axes.set(ylabel="kHz")
    figure.colorbar(image, ax=axes, label="dB re full scale")


def _marked(
    named: Axes, panels: tuple[Axes, Axes], name: str, stretch: Stretch, style: tuple[Any, str], seconds: float
) -> None:
    """Mark a stretch in both panels, and name it above one of them."""
    dashes, hatch = style
    ends, (upper, lower) = (stretch.start, stretch.start + stretch.seconds), panels
    for end in ends:
        upper.axvline(end, color="white", linewidth=1.2, linestyle=dashes, path_effects=BEHIND)
        lower.axvline(end, color="black", linewidth=1.0, linestyle=dashes)
    lower.axvspan(*ends, facecolor="none", edgecolor=LIGHT, hatch=hatch, linewidth=0, zorder=0)
    middle, above = sum(ends) / 2, named.get_xaxis_transform()
    named.plot([middle], [1.04], marker="v", markersize=6, color="black", transform=above, clip_on=False)
    left = middle < seconds / 2
    named.annotate(
        f"{name}, {stretch.bits:.2f} bits/sample",
        (middle, 1.04),
        xycoords=above,
        xytext=(7 if left else -7, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="center",
        fontsize=9,
    )
