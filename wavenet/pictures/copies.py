"""Copies beside their originals: both spectrograms, on one scale of loudness."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure, SubFigure

from wavenet.evaluation.copy_synthesis import Pair
from wavenet.pictures.sounds import RANGE_DB, decibels
from wavenet.text import printable

ROW_INCHES = 2.2  # height of a pair
COLUMNS = 1_000  # of a spectrogram, at most


def copy_panels(figure: Figure | SubFigure, pairs: Sequence[Pair], sample_rate: int) -> None:
    """Draw originals on the left and their copies on the right, a row for each pair.

    Args:
        figure: what is drawn into.
        pairs: at least one, of sounds of at least one sample.
        sample_rate: of all, in Hz.
    """
    panels = figure.subplots(len(pairs), 2, squeeze=False)
    for row, pair in zip(panels, pairs, strict=True):
        shown = [decibels(wave, sample_rate, COLUMNS) for wave in (pair.original, pair.copy)]
        top = float(shown[0][0].max())
        name = textwrap.shorten(printable(pair.name), 60)
        titles = f"{name}, the original", f"its copy, {pair.mel:.1f} dB of mel away"
        for axes, (levels, hop), title in zip(row, shown, titles, strict=True):
            extent = (0.0, levels.shape[1] * hop / sample_rate, 0.0, sample_rate / 2000)
            image = axes.imshow(
                levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=top - RANGE_DB, vmax=top
            )
            axes.set_title(title, fontsize=9, loc="left")
            axes.tick_params(labelsize=8)
        row[0].set_ylabel("kHz")
        figure.colorbar(image, ax=list(row), label="dB re full scale")
    for axes in panels[-1]:
        axes.set_xlabel("seconds")
