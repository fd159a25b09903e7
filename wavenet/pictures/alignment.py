"""What is said in a sound: its phones under its spectrogram, each as wide as it lasts."""

from __future__ import annotations

import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from wavenet import disk
from wavenet.outputs import Floats
from wavenet.pictures.lattice import DARK
from wavenet.pictures.sounds import RANGE_DB, decibels
from wavenet.speech import Aligned
from wavenet.text import printable

SECOND_INCHES = 4.0  # a phone of 50 ms has room for its name
WIDTHS = (8.0, 60.0)  # inches, at least and at most
ROWS = 2  # in which names alternate, so that short ones keep apart
LIGHT = "#dbe4ee"


def alignment_picture(path: Path, wave: Floats, sample_rate: int, found: Aligned, title: str) -> None:
    """Write a PNG of a sound and its phones.

    Args:
        path: the file.
        wave: [T] in [-1, 1], T at least 1.
        sample_rate: in Hz.
        found: where its phones lie.
        title: of the picture.
    """
    seconds = len(wave) / sample_rate
    width = min(max(SECOND_INCHES * seconds, WIDTHS[0]), WIDTHS[1])
    figure = Figure(figsize=(width, 4.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(6, 1))
    levels, hop = decibels(wave, sample_rate, round(200 * width))
    top = float(levels.max())
    extent = (0.0, levels.shape[1] * hop / sample_rate, 0.0, sample_rate / 2000)
    upper.imshow(levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=top - RANGE_DB, vmax=top)
    upper.set(ylabel="kHz")
    upper.set_title(textwrap.shorten(printable(title), round(11 * width)), fontsize=10, loc="left")
    _phones(upper, lower, found)
    lower.set(xlabel="seconds", xlim=(0.0, seconds))
    with disk.replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _phones(upper: Axes, lower: Axes, found: Aligned) -> None:
    """Draw each phone as a box with its name, and its end in the spectrogram."""
    start, said = 0.0, 0
    for phone, end in zip(found.phones, found.ends, strict=True):
        if not phone.silent:
            row = said % ROWS
            lower.add_patch(Rectangle((start, row), end - start, 1, facecolor=LIGHT, edgecolor=DARK, linewidth=0.8))
            name = f"{phone.name}{phone.stress or ''}"
            lower.text((start + end) / 2, row + 0.5, name, ha="center", va="center", fontsize=8)
            said += 1
        upper.axvline(end, color="white", linewidth=0.6, alpha=0.8)
        start = end
    lower.set(ylim=(ROWS, 0), yticks=[])
