"""Speeds as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wavenet import disk
from wavenet.bench.speeds import Speed


def speed_picture(path: Path, batches: Sequence[Speed], sizes: Sequence[Speed], title: str) -> None:
    """Write a PNG of samples per second of one network in several batches, and of networks of several sizes, if any."""
    figure = Figure(figsize=(10, 4.5) if sizes else (6, 4.5), layout="constrained")
    figure.suptitle(title, fontsize=10)
    panels = figure.subplots(1, 2 if sizes else 1, squeeze=False)[0]
    _speed_lines(panels[0], [("", batches)], [str(one.batch) for one in batches], "sequences at once")
    if sizes:
        counts = sorted({one.batch for one in sizes})
        lines = [(f"{n} at once", [one for one in sizes if one.batch == n]) for n in counts]
        names = [f"R {one.residual}\nS {one.skip}\nL {one.layers}" for one in lines[0][1]]
        _speed_lines(panels[1], lines, names, "size")
        panels[1].legend()
    with disk.replacing(path) as temporary:
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
