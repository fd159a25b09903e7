"""Real sound beside what a model makes of it: spectrograms, on one scale of loudness."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure, SubFigure

from wavenet import disk
from wavenet.evaluation.copy_synthesis import Row
from wavenet.pictures.sounds import RANGE_DB, decibels
from wavenet.text import printable

ROW_INCHES = 2.2  # height of a row
LETTERS = 120  # of the titles of a row
COLUMNS = 1_000  # of a spectrogram, at most


def beside_picture(path: Path, rows: Sequence[Row], sample_rate: int) -> None:
    """Write a small PNG of sounds side by side, a row each; see `sound_rows`."""
    figure = Figure(figsize=(10, ROW_INCHES * len(rows) + 0.4), layout="constrained")
    sound_rows(figure, rows, sample_rate)
    with disk.replacing(path) as temporary:
        figure.savefig(temporary, dpi=72, format="png")


def sound_rows(figure: Figure | SubFigure, rows: Sequence[Row], sample_rate: int) -> None:
    """Draw sounds side by side, on the scale of the first of their row.

    Args:
        figure: what is drawn into.
        rows: at least one, of sounds of at least one sample.
        sample_rate: of all, in Hz.
    """
    columns = max(map(len, rows))
    panels = figure.subplots(len(rows), columns, squeeze=False)
    for own, row in zip(panels, rows, strict=True):
        shown = [decibels(wave, sample_rate, COLUMNS) for _, wave in row]
        top = float(shown[0][0].max())
        for axes, (levels, hop), (title, _) in zip(own, shown, row, strict=False):
            extent = (0.0, levels.shape[1] * hop / sample_rate, 0.0, sample_rate / 2000)
            image = axes.imshow(
                levels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=top - RANGE_DB, vmax=top
            )
            axes.set_title(textwrap.shorten(printable(title), LETTERS // columns), fontsize=9, loc="left")
            axes.tick_params(labelsize=8)
        for axes in own[len(row) :]:
            axes.set_visible(False)
        own[0].set_ylabel("kHz")
        figure.colorbar(image, ax=list(own), label="dB re full scale")
    for axes in panels[-1]:
        axes.set_xlabel("seconds")
