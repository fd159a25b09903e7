"""One sheet of all that `inspect` knows: trees, coverage, paths, and what was measured. The past lies left.

Nothing depends on colour alone: lines differ in lightness and dashes, and holes are white in a dark bar.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from wavenet import disk
from wavenet.geometry import Part, Seen, see
from wavenet.inspection.condition import context_words, encoder_parts
from wavenet.inspection.report import Report
from wavenet.inspection.text import missed
from wavenet.pictures.lattice import ACCENT, BINS, DARK, PANELS, PLAIN, shares_of, squares, squares_axes
from wavenet.pictures.trees import Row, tree
from wavenet.text import lasting, many, percent

if TYPE_CHECKING:
    from wavenet.inspection.measure import Measured

MIDDLE, LIGHT = "#4f7cac", "#c3d0dd"
WIDTH = 11.0  # inches
TREES = 3  # different stacks that are drawn
DOTS = 64  # nodes of a row up to which those outside the tree are drawn too
FEW_PATHS = 10_000_000  # in all, up to which they are drawn as they are, beyond as logarithms


def sheet_picture(path: Path, report: Report, measured: Measured | None = None) -> None:
    """Write the sheet of a report, and of what a trained network uses, as a .png, .svg or .pdf file."""
    design = report.design
    stacks = _different(design.stacks)
    trees = [tree(parts, design.padding) for parts in stacks.values()]
    bars = {name: see(parts, None, design.padding) for name, parts in stacks.items() if len(design.stacks) > 1}
    bars["all layers"] = see(design.parts, None, design.padding)
    seen = squares(design) if design.dims == 2 else []
    encoders = _encoders(report)
    heights = [_tree_height(rows) for rows in trees]
    heights += [max(map(_tree_height, encoders.values()))] if encoders else []
    heights += [0.5 + 0.25 * len(bars), 1.4, *([3.1] if seen else []), *([2.6] if measured else [])]
    caption = textwrap.wrap(" ".join(_caption(report, trees, list(encoders.values()), measured)), 160)
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.6 + 0.17 * len(caption)), layout="constrained")
    whole = "the whole input; at fixed lags " if report.whole_input else ""
    field = lasting(report.receptive_field, design.sample_rate, "sample" if design.dims == 1 else "pixel")
    figure.suptitle(f"{design.name:.50} sees {whole}{field}", fontsize=12, fontweight="bold", x=0.01, ha="left")
    figure.supxlabel("\n".join(caption), fontsize=8, x=0.01, ha="left", color="#333333")
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    for place, (name, rows) in enumerate(zip(stacks, trees, strict=True)):
        axes = figure.add_subplot(grid[place, :])
        _tree_axes(axes, f"{name}: the inputs behind one output", rows, design.sample_rate)
    for column, (title, rows) in enumerate(encoders.items()):
        axes = figure.add_subplot(grid[len(trees), column if len(encoders) > 1 else slice(None)])
        _tree_axes(axes, title, rows, _frame_rate(report))
        axes.set_xlabel("frames from its own", fontsize=8)
    after = len(trees) + bool(encoders)
    coverage = figure.add_subplot(grid[after, :])
    _coverage_axes(coverage, report, bars)
    _path_axes(figure.add_subplot(grid[after + 1, :], sharex=coverage), report, bars["all layers"].newest)
    if seen:
        row = grid[after + 2, :].subgridspec(1, PANELS)
        squares_axes([figure.add_subplot(row[0, place]) for place in range(len(seen))], seen)
    if measured:
        _profile_axes(figure.add_subplot(grid[-1, 0]), measured)
        _context_axes(figure.add_subplot(grid[-1, 1]), measured)
    drawn = io.BytesIO()  # in memory first: where a disk is full the writer of PDF fails with an error of its own
    figure.savefig(drawn, dpi=150, format=path.suffix.lower().lstrip("."))
    disk.write_bytes(path, drawn.getvalue())


def _tree_height(rows: Sequence[Row]) -> float:
    """Return how high the panel of a tree is, in inches."""
    return 0.55 + min(3.0, max(1.1, 0.24 * len(rows)))


def _encoders(report: Report) -> dict[str, list[Row]]:
    """Return the trees of the encoders over frames, by their titles."""
    if report.condition is None or report.design.condition is None:
        return {}
    shape = report.design.condition.shape()
    found = {"what it is told: the frames behind one output": shape.told.encoder if report.condition.tracks else None}
    found["acoustic network: the frames behind one output"] = None if shape.acoustic is None else shape.acoustic.encoder
    return {
        title: tree(encoder_parts(encoder), "same") for title, encoder in found.items() if encoder and encoder.layers
    }


def _frame_rate(report: Report) -> float | None:
    """Return the frames of a second."""
    hop, rate = None if report.condition is None else report.condition.hop_samples, report.design.sample_rate
    return None if hop is None or rate is None else rate / hop


def _different(stacks: Sequence[tuple[Part, ...]]) -> dict[str, tuple[Part, ...]]:
    """Return the first stacks that differ, by their numbers in words."""
    numbers: dict[tuple[Part, ...], list[int]] = {}
    for number, parts in enumerate(stacks, 1):
        numbers.setdefault(parts, []).append(number)
    found = {}
    for parts, same in list(numbers.items())[:TREES]:
        row = len(same) > 2 and same[-1] - same[0] == len(same) - 1
        name = f"{same[0]}-{same[-1]}" if row else ", ".join(map(str, same[:6])) + (", ..." if len(same) > 6 else "")
        found[f"{'stack' if len(same) == 1 else 'stacks'} {name}"] = parts
    return found


def _caption(
    report: Report, trees: Sequence[Sequence[Row]], encoders: Sequence[Sequence[Row]], measured: Measured | None
) -> list[str]:
    """Return the numbers in sentences, and how to read the sheet."""
    origin = "" if report.design.padding == "causal" else " back from the rightmost input"
    holes = f", lags{origin} {missed(report.holes)}" if report.holes else ""
    sentences = [f"Coverage {percent(report.coverage)}{holes}."]
    grid, fixes = report.grid, report.fixes()
    if grid and grid.side and grid.reached is not None and grid.coverage is not None:
        share = percent(grid.coverage)
        sentences.append(f"Both axes together: {grid.reached:,} of {grid.positions:,} positions, {share}.")
    elif grid and grid.side:
        sentences.append("Both axes together: more ways through the branches than can be counted.")
    if fixes:
        sentences.append(f"To fix it: {textwrap.shorten(fixes[0].change, 120)}.")
    if report.parameters is not None and report.macs_per_sample is not None:
        sentences.append(f"{report.parameters:,} parameters, {report.macs_per_sample:,} multiply-adds per sample.")
    words = None if report.condition is None else context_words(report.condition)
    if words is not None:
        sentences.append(f"What it is told: {words}.")
    if left := len(set(report.design.stacks)) - len(trees):
        sentences.append(f"{many(left, 'more stack')} of other dilations not drawn.")
    drawn = [row for rows in (*trees, *encoders) for row in rows]
    every = max(row.every for row in drawn)
    if every > 1:
        sentences.append(f"Trees are thinned: their densest layers show one node in {every:,}.")
    if any(row.whole for row in drawn):
        sentences.append("Hatched: global pooling sees the whole input.")
    if measured:
        sentences.append(
            f"Measured on {measured.sound}: gradients at {many(measured.gradients, 'position')} (dashes: the newest "
            f"samples that hold 50, 90 and 99% of their square), bits at {many(measured.positions, 'position')}; "
            f"{measured.lasting(measured.enough(0.01))} come within 0.01 bits of all (bars: standard error)."
        )
    return sentences


# --- panels ----------------------------------------------------------------------------------------------------------


def _titled(axes: Axes, title: str, xlabel: str = "", ylabel: str = "") -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(xlabel, fontsize=8)
    axes.set_ylabel(ylabel, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.xaxis.set_major_formatter(PLAIN)


def _along_time(axes: Axes) -> None:
    """Set the axes of a panel whose horizontal axis counts samples from the output."""
    axes.tick_params(axis="y", labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def _millisecond_axis(axes: Axes, rate: float | None) -> None:
    """Add the same axis in milliseconds above."""
    if rate is None:
        return
    forth, back = (partial(np.multiply, factor) for factor in (1000 / rate, rate / 1000))
    upper = axes.secondary_xaxis("top", functions=(forth, back))
    upper.xaxis.set_major_formatter(PLAIN)
    upper.tick_params(labelsize=7, colors="#555555")
    upper.set_xlabel("ms", fontsize=7, color="#555555", labelpad=2.5)


def _tree_axes(axes: Axes, title: str, rows: Sequence[Row], rate: float | None) -> None:
    """Draw the output at the top, the input at the bottom, and what connects them; `rate` is that of the inputs."""
    depth, positions = len(rows), [0, *(at for row in rows for at in row.below)]
    low, high = min(positions), max(positions)
    few = high - low < DOTS
    for bottom, row in zip(range(depth - 1, -1, -1), rows, strict=True):
        lines = [((above, bottom + 1), (below, bottom)) for above, below in row.edges]
        width = 1.2 if len(lines) <= 64 else 0.6 if len(lines) <= 256 else 0.35
        axes.add_collection(LineCollection(lines, colors=DARK if few else MIDDLE, linewidths=width, zorder=2))
        if few:
            every = range(low, high + 1)
            axes.scatter(every, [bottom] * len(every), s=14, fc="white", ec="#888888", lw=0.6, zorder=1)
        axes.scatter(row.below, [bottom] * len(row.below), s=16 if few else 2, color=DARK, zorder=3, lw=0)
        axes.text(1.005, bottom + 0.5, row.label, transform=axes.get_yaxis_transform(), fontsize=7, va="center")
        if row.whole:
            axes.axhspan(bottom, bottom + 1, facecolor="none", edgecolor=LIGHT, hatch="///", lw=0, zorder=0)
    if few and not any(row.whole for row in rows):
        lost = sorted(set(range(low, high + 1)) - set(rows[-1].below))
        axes.scatter(lost, [0] * len(lost), s=22, marker="x", color=ACCENT, lw=1.1, zorder=4)
    axes.scatter([0], [depth], s=40, color=ACCENT, zorder=5, lw=0)
    margin = 0.5 + 0.005 * (high - low + 1)  # as that of the bars below
    axes.set(xlim=(low - margin, high + margin), ylim=(-0.4, depth + 0.4))
    _titled(axes, title)
    _along_time(axes)
    axes.set_yticks([0, depth], ["input", "output"], fontsize=8)
    _millisecond_axis(axes, rate)


def _coverage_axes(axes: Axes, report: Report, bars: dict[str, Seen[int]]) -> None:
    """Draw a bar for each: dark where a lag is reached, white where none is."""
    for row, field in enumerate(reversed(bars.values())):
        if not field.receptive_field:
            continue
        shares = shares_of(field.lags, field.receptive_field)
        left, right, low, high = field.offset - 0.5, field.newest + 0.5, row - 0.36, row + 0.36
        axes.imshow(shares[None], cmap="Greys", vmin=0, vmax=1.15, aspect="auto", extent=(left, right, low, high))
        axes.add_patch(Rectangle((left, low), right - left, high - low, fill=False, ec=DARK, lw=0.7))
        axes.text(1.005, row, percent(field.coverage), transform=axes.get_yaxis_transform(), fontsize=8, va="center")
    whole = bars["all layers"]
    margin = 0.5 + 0.005 * max(1, whole.receptive_field)
    axes.set(xlim=(whole.offset - margin, whole.newest + margin), ylim=(-0.6, len(bars) - 0.4))
    _titled(axes, "coverage: dark lags are reached, white ones are holes")
    _along_time(axes)
    axes.set_yticks(range(len(bars)), reversed(bars), fontsize=8)
    axes.tick_params(axis="x", labelbottom=False)
    _millisecond_axis(axes, report.design.sample_rate)


def _path_axes(axes: Axes, report: Report, newest: int) -> None:
    """Draw the paths of each lag, or their logarithms; of many, the least and the most in each column."""
    paths = report.paths()
    few = paths.counts is not None and paths.total < FEW_PATHS
    values = np.array(paths.counts if few else paths.log2(), np.float64)
    if not few:
        values = np.where(np.isfinite(values), values * math.log10(2), np.nan)
    at = newest - np.arange(len(values))
    if len(values) <= DOTS:
        axes.vlines(at, 0, values, color=MIDDLE, lw=1.2)
        axes.plot(at, np.where(values > 0, values, np.nan) if few else values, ".", color=DARK, ms=6)
    elif len(values) <= BINS:
        axes.plot(at, values, color=DARK, lw=1.0, drawstyle="steps-mid")
    else:
        edges = np.linspace(0, len(values), BINS + 1).astype(int)[:-1]
        least, most = (reduce.reduceat(values, edges) for reduce in (np.fmin, np.fmax))
        axes.fill_between(at[edges], least, most, color=LIGHT, lw=0)
        axes.plot(at[edges], most, color=DARK, lw=1.0)
        axes.plot(at[edges], least, color=MIDDLE, lw=0.7)
    top = float(np.fmax.reduce(values, initial=0.0))  # which passes over what is not a number
    axes.set_ylim(0, 1.1 * top if top > 0 else 1)
    axes.grid(axis="y", alpha=0.3)
    unit = "samples" if report.design.dims == 1 else "pixels"
    own = "newest input" if report.design.padding == "causal" and not newest else "output"
    title = f"paths from each lag to the output ({'exact' if paths.exact else 'in floating point'})"
    _titled(axes, title, f"{unit} from the {own}", "paths" if few else "log10 of paths")
    _along_time(axes)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=few))


def _profile_axes(axes: Axes, measured: Measured) -> None:
    """Draw the gradient at each lag, and how far back its shares lie."""
    profile = np.array(measured.profile)
    back = np.arange(1, len(profile) + 1)
    axes.plot(back, np.where(profile > 0, profile, np.nan), color=LIGHT, lw=0.7)
    edges = np.unique(np.round(2.0 ** np.arange(0, math.log2(len(profile)) + 1e-9, 1 / 6)).astype(int)) - 1
    energy = np.add.reduceat(profile**2, edges) / np.diff([*edges, len(profile)])
    axes.plot(back[edges], np.where(energy > 0, np.sqrt(energy), np.nan), color=DARK, lw=1.4)
    for style, (share, lag) in zip(("-", "--", ":"), measured.holding.items(), strict=False):
        axes.axvline(lag, color=ACCENT, ls=style, lw=1.0)
        axes.text(lag, 1.0, f" {share}%", transform=axes.get_xaxis_transform(), fontsize=7, color=ACCENT, va="top")
    top = float(profile.max()) or 1.0
    axes.set(xscale="log", yscale="log", xlim=(len(profile) * 1.1, 0.9), ylim=(top / 1e7, top * 3))
    _titled(axes, "effective field: RMS gradient of log p", "samples back, 1 is the newest")
    axes.grid(alpha=0.2)
    _millisecond_axis(axes, measured.sample_rate)


def _context_axes(axes: Axes, measured: Measured) -> None:
    """Draw the bits per sample against how many of the newest samples are kept."""
    counts, bits, errors = np.array([(one.samples, one.bits, one.error) for one in measured.context]).T
    axes.errorbar(np.maximum(counts, 0.5), bits, errors, color=DARK, lw=1.4, marker="o", ms=4, capsize=2)
    axes.axhline(bits[-1], color=MIDDLE, ls="--", lw=0.8)
    place = axes.get_yaxis_transform()
    axes.text(0.99, bits[-1], f"{bits[-1]:.3f}", transform=place, fontsize=7, ha="right", va="bottom")
    axes.set(xscale="log", xlim=(counts[-1] * 1.2, 0.4))
    kept = "newest samples kept, the rightmost point keeps none"
    _titled(axes, "the gain from context", kept, "bits per sample")
    axes.grid(alpha=0.2)
    _millisecond_axis(axes, measured.sample_rate)
