"""The text of `inspect`: lines of at most 100 columns, made of records. Standard library only."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from wavenet.geometry import Hole, Layer, Parallel, Part, Paths
from wavenet.inspection.layer_report import JoinReport, LayerReport, Row, WholeReport, each_layer, times
from wavenet.inspection.report import Measured, Report, StackReport, read
from wavenet.text import many

COLUMNS = 100
LABEL = 18  # columns of what stands before each fact
HOLES_SHOWN = 6
DILATIONS_SHOWN = 44  # characters
MENDS_SHOWN = 2
LATTICE = 17  # rows of a grid that is drawn with characters
SIZES_SHOWN = 12
ENOUGH_BITS = (0.1, 0.01)


class PrintedReport(Report):
    """A report that prints as `wavenet inspect` does."""

    def __str__(self) -> str:
        """Return what `wavenet inspect` prints."""
        return describe(self)


def inspect(source: str | Path, size: int | Sequence[int] | None = None) -> PrintedReport:
    """Return what a recipe, run, bundle or LAYERS.yaml sees, from its configuration alone.

    Args:
        source: a name or a path.
        size: of the input, one number for all axes or one for each (height, width): adds the size of every output.

    Raises:
        RecipeError: there is no such thing, or it is wrong.
        BundleError: it is a damaged bundle.
        InputError: the size is out of range, or a layer has no output at that size; the error names the layer.
    """
    return PrintedReport(**vars(read(source, size)))


def describe(report: Report, layers: bool = False, lags: bool = False) -> str:
    """Return what a report says.

    Args:
        report: what was looked at.
        layers: add a table of all layers.
        lags: add a table of the paths by lag.
    """
    lines = [*_head(report), "", *_stack_table(report)]
    if layers:
        lines += ["", *_layer_table(report.layers)]
        own = {row.padding for row in each_layer(report.layers)} - {report.design.padding}
        if report.size or own or (report.parameters and not report.design.shape):
            lines += ["", *_cost_table(report.layers)]
    if lags:
        lines += ["", *_lag_table(report)]
    return "\n".join(lines)


def describe_measured(measured: Measured) -> str:
    """Return what a measurement found."""

    def lasting(samples: int) -> str:
        return f"{many(samples, 'sample')} ({1000 * samples / measured.sample_rate:,.3g} ms)"

    held = ", ".join(f"{share}% of its square in the newest {lasting(lag)}" for share, lag in measured.holding.items())
    lines = [f"measured on {measured.sound:.80}"]
    lines += fact("gradient", f"{held}; mean over {many(measured.gradients, 'position')}")
    enough = [f"{lasting(measured.enough(bits))} are within {bits:g} bits/sample of all" for bits in ENOUGH_BITS]
    lines += fact("context", f"{', '.join(enough)}; mean over {many(measured.positions, 'position')}")
    lines += fact("", "with less than all the network hears a sound that begins just there: seldom so in training")
    lines += ["", f"{'newest samples kept':<22}{'ms':>12}{'bits/sample':>20}{'won':>22}{'positions with more':>22}"]
    for one in measured.context:
        won = f"{one.won:.4f} +- {one.won_error:.4f}" if one.samples else ""
        ms = 1000 * one.samples / measured.sample_rate
        name, bits = f"{one.samples:,}" if one.samples else "none", f"{one.bits:.3f} +- {one.error:.3f}"
        lines.append(f"{name:<22}{ms:>12,.1f}{bits:>20}{won:>22}{one.positions:>22,}")
    return "\n".join(lines)


def hole_warning(report: Report) -> str | None:
    """Return one line on the lags that a network never sees, with what mends it; None where it sees all."""
    if not report.holes:
        return None
    mends = report.mends()
    mend = f"; to mend it: {mends[0].change}" if mends else ""
    return (
        f"the dilations miss lags inside the receptive field: {percent(report.coverage)} of "
        f"{report.receptive_field:,} are reached, {missed(report.holes, 60)}{mend}"
    )


def fact(label: str, text: str) -> list[str]:
    """Return a labelled fact, over more than one line where it has to be."""
    return textwrap.wrap(f"{label:<{LABEL}}{text}", COLUMNS, subsequent_indent=" " * LABEL, break_on_hyphens=False)


def percent(share: float) -> str:
    """Return a share in per cent; what is not quite all of it is not said to be."""
    text = f"{share:.1%}"
    return "over 99.9%" if text == "100.0%" and share < 1.0 else text


def missed(holes: Sequence[Hole], width: int) -> str:
    """Return the first holes in words, as many as fit: ``missed: 4, 9-12, 15-31 by 2 and 3 more holes``."""
    shown = [
        str(first) if first == last else f"{first}-{last}" + (f" by {step}" if step > 1 else "")
        for first, last, step in holes[:HOLES_SHOWN]
    ]
    while True:
        left = len(holes) - len(shown)
        text = f"missed: {', '.join(shown)}" + (f" and {many(left, 'more hole')}" if left else "")
        if len(text) <= width or len(shown) == 1:
            return text
        shown.pop()


# --- head ------------------------------------------------------------------------------------------------------------


def _head(report: Report) -> list[str]:
    axes = ", along either of 2 axes" if report.design.dims == 2 else ""
    field = many(report.receptive_field, "pixel" if report.design.dims == 2 else "sample")
    if report.receptive_field_ms is not None:
        field += f", {report.receptive_field_ms:,.1f} ms at {report.design.sample_rate:,} Hz"
    counts = f": {many(_count(report.layers), 'layer')} in {many(len(report.stacks), 'stack')}{axes}"
    lines = [f"{report.name:.{min(60, COLUMNS - len(counts))}}{counts}"]
    if report.whole_input:
        field = f"the whole input, through global pooling; without it {field}"
    lines += fact("receptive field", field)
    lines += fact("coverage", _coverage(report))
    lines += _grid(report)
    lines += _gridding(report)
    if report.design.shape is None:
        lines += _list_facts(report)
    if report.size is not None:
        lines += fact("output sizes", _sizes(report))
    if report.parameters is not None:
        lines += fact("parameters", f"{report.parameters:,}{_counted(report)}")
    if report.macs is not None and report.size is not None:
        lines += fact("multiply-adds", f"{report.macs:,} for an input of {times(report.size)}")
    if report.macs_per_sample is not None and report.design.sample_rate is not None:
        rate = report.macs_per_sample * report.design.sample_rate / 1e9
        lines += fact("multiply-adds", f"{report.macs_per_sample:,} per sample, {rate:.3g} G/s in real time")
    if report.queue_bytes is not None:
        lines += fact("queues", f"{report.queue_bytes:,} bytes per sequence (float32)")
    return lines


def _count(rows: Sequence[Row]) -> int:
    """Return the layers in some rows, those inside branches too."""
    return sum(sum(map(_count, row.parallel)) if isinstance(row, JoinReport) else 1 for row in rows)


def _coverage(report: Report) -> str:
    if not report.holes:
        return "100.0%, every lag is reached" if report.receptive_field else "100.0%, through global pooling alone"
    share = percent(report.coverage)
    return f"{share}, {missed(report.holes, COLUMNS - LABEL - len(share) - 2)}"


def _grid(report: Report) -> list[str]:
    """Return how much of the square is reached, and a small square with holes itself; nothing where there is one axis.

    HDC is hybrid dilated convolution: rates that leave no hole in the square (Wang et al. 2018, arXiv:1702.08502).
    """
    grid = report.grid
    if grid is None or not grid.side:
        return []
    if grid.reached is None or grid.coverage is None:
        return fact("grid", "not counted: the branches make too many different ways through the layers")
    told = f"{grid.reached:,} of {grid.positions:,} positions ({percent(grid.coverage)})"
    if grid.reached == grid.positions:
        dilated = any(row.dilation > 1 and row.kernel > 1 for row in each_layer(report.layers))
        return fact("grid", f"{told}: no gridding, as HDC demands" if dilated else told)
    told += ": gridded" if report.holes else ": each row and each column is reached, but not all where they cross"
    drawn = grid.rows if grid.rows and grid.side <= LATTICE else ()
    told += " (# is reached, . is not)" if drawn else ""
    return [*fact("grid", told), *(" " * LABEL + " ".join(row) for row in drawn)]


def _gridding(report: Report) -> list[str]:
    """Return why lags are missed and what mends it; nothing where none is."""
    gap = report.gap()
    if gap is None:
        return fact("to mend it", "not looked for: there are branches or strides") if report.holes else []
    smaller = f"smaller dilations reach 0 to {gap.reach - 1:,}, " if gap.reach > 1 else ""
    lines = fact("first hole", f"lag {gap.reach:,}: {smaller}dilation {gap.dilation:,} leaps over it")
    if gap.divisor > 1:
        lines += fact("common factor", f"all dilations are multiples of {gap.divisor:,}, so no other lag is reached")
        lines += fact("rule of thumb", "take rates without a common factor (Wang et al. 2018, arXiv:1702.08502)")
    for index, mend in enumerate(report.mends()[:MENDS_SHOWN]):
        lines += fact("or" if index else "to mend it", mend.change)
    return lines


def _list_facts(report: Report) -> list[str]:
    """Return what only a list of layers has: a step between outputs, and weights beside the inputs they see."""
    lines: list[str] = []
    rows = [row for row in report.layers if not isinstance(row, WholeReport)]
    if rows and rows[-1].jump > 1:
        lines += fact("output stride", f"{many(rows[-1].jump, 'input')} from one output to the next")
    layers = [row for row in report.layers if isinstance(row, LayerReport)]
    if len(layers) == len(report.layers) and report.parameters is None:  # else some of them may be pooling
        weights = sum(row.kernel**report.design.dims for row in layers)
        seen = report.receptive_field**report.design.dims
        lines += fact("weights", f"{weights:,} for each pair of channels, over {many(seen, 'input')}")
    return lines


def _sizes(report: Report) -> str:
    """Return the size behind each layer, equal ones together."""
    groups: list[str] = []
    for size, alike in groupby(enumerate(report.layers, 1), key=lambda numbered: numbered[1].output_size):
        numbers = [number for number, _ in alike]
        layers = f"layer {numbers[0]:,}" if len(numbers) == 1 else f"layers {numbers[0]:,}-{numbers[-1]:,}"
        groups.append(f"{times(size or ())} from {layers}")
    if len(groups) > SIZES_SHOWN:
        groups = [*groups[: SIZES_SHOWN - 2], "...", groups[-1]]
    return "; ".join([f"{times(report.size or ())} in", *groups])


def _counted(report: Report) -> str:
    """Return what the parameters of a list of layers are counted in; nothing for a recipe."""
    if report.design.shape is not None:
        return ""
    layers = [*each_layer(report.layers)]
    pools = sum(row.out_channels is None for row in layers)
    pooling = f"; {many(pools, 'layer')} without out {'is' if pools == 1 else 'are'} pooling" if pools else ""
    return f" in {many(len(layers) - pools, 'convolution')}{pooling}"


# --- tables ----------------------------------------------------------------------------------------------------------


def _stack_table(report: Report) -> list[str]:
    lines = [f"{'stack':<6}{'dilations':<46}{'sees':>10}{'through':>12}{'coverage':>11}"]
    for index, (stack, parts) in enumerate(zip(report.stacks, report.design.stacks, strict=True), 1):
        numbers = f"{stack.receptive_field:>10,}{stack.receptive_field_through:>12,}{percent(stack.coverage):>11}"
        lines.append(f"{index:<6}{_dilations(parts):<46}{numbers}")
        if stack.holes and len(report.stacks) > 1:  # those of a single stack stand in the head
            lines.append(f"      {_stack_holes(report, stack)}")
    return lines


def _stack_holes(report: Report, stack: StackReport) -> str:
    closed = "" if report.holes else f"; the other stacks close {'it' if len(stack.holes) == 1 else 'them'}"
    return missed(stack.holes, COLUMNS - 6 - len(closed)) + closed


def _dilations(parts: Sequence[Part]) -> str:
    """Return the dilations of a stack, as many from its beginning as fit, and the last."""
    words: list[str] = []
    for word, alike in groupby(map(_dilation, parts)):
        count = len(list(alike))
        words += [f"{word} x{count}"] if count > 1 and word.startswith("(") else [word] * count
    if len(" ".join(words)) <= DILATIONS_SHOWN:
        return " ".join(words)
    if len(words) == 1:
        return f"{words[0]:.{DILATIONS_SHOWN - 4}} ..."
    tail = f"... {words[-1]}"
    while words and len(f"{' '.join(words)} {tail}") > DILATIONS_SHOWN:
        words.pop()
    return f"{' '.join(words)} {tail}"[:DILATIONS_SHOWN] if words else f"{tail:.{DILATIONS_SHOWN - 4}} ..."


def _dilation(part: Part) -> str:
    """Return a layer's dilation, branches as ``(1 | 6 | 12)``."""
    if isinstance(part, Layer):
        return str(part.dilation) if part.stride == 1 else f"{part.dilation}s{part.stride}"
    if isinstance(part, Parallel):
        return f"({' | '.join(' '.join(map(_dilation, branch)) for branch in part.branches)})"
    return "global"


def _layer_table(rows: Sequence[Row]) -> list[str]:
    names = ("kernel", "stride", "dilation", "effective", "sees", "jump", "offset")
    lines = [f"{'layer':<16}" + "".join(f"{name:>12}" for name in names)]
    for label, row in _labelled(rows):
        cells: tuple[Any, ...]
        if isinstance(row, WholeReport):
            cells = ("global", "", "", "", "all", "", "")
        elif isinstance(row, JoinReport):
            cells = ("join", "", "", "", *_seen(row))
        else:
            cells = (row.kernel, row.stride, row.dilation, row.effective_kernel, *_seen(row))
        lines.append(f"{label:<16.16}" + "".join(f"{_cell(cell):>12}" for cell in cells))
    return lines


def _cost_table(rows: Sequence[Row]) -> list[str]:
    """Return what each layer adds at its edges, gives and costs."""
    widths = (10, 22, 12, 12, 14, 14)

    def line(label: str, *cells: Any) -> str:
        told = zip(cells, widths, strict=True)
        return f"{label:<16.16}" + "".join(
            f"{'' if cell is None else _cell(cell, 10**10):>{width}}" for cell, width in told
        )

    lines = [line("layer", "padding", "output size", "in", "out", "parameters", "multiply-adds")]
    for label, row in _labelled(rows):
        size = None if row.output_size is None else _size_cell(row.output_size)
        if isinstance(row, LayerReport):
            lines.append(line(label, row.padding, size, row.in_channels, row.out_channels, row.parameters, row.macs))
        else:
            lines.append(line(label, "global" if isinstance(row, WholeReport) else "join", size, *(None,) * 4))
    return lines


def _labelled(rows: Sequence[Row], before: str = "") -> Iterator[tuple[str, Row]]:
    """Yield each row with its number, those in branches before their join: 2.1.3 is layer 3 of branch 1 of part 2."""
    for index, row in enumerate(rows, 1):
        label = f"{before}{index}"
        if isinstance(row, JoinReport):
            for number, branch in enumerate(row.parallel, 1):
                yield from _labelled(branch, f"{label}.{number}.")
        yield label, row


def _size_cell(size: Sequence[int]) -> str:
    return times(size) if len(times(size)) < 22 else " x ".join(f"{one:.3g}" for one in size)


def _seen(row: LayerReport | JoinReport) -> tuple[Any, ...]:
    """Return what a row sees; behind global pooling alone that is all, from nowhere in particular."""
    return (row.receptive_field, row.jump, row.offset) if row.receptive_field else ("all", row.jump, "")


def _cell(value: Any, most: int = 10**8) -> str:
    if not isinstance(value, int):
        return str(value)
    return f"{value:,}" if abs(value) < most else f"{value:.3g}"


# --- lags ------------------------------------------------------------------------------------------------------------


def _lag_table(report: Report) -> list[str]:
    """Return the paths by octaves of the lag: how many lags are reached, by how many paths, with what share of all."""
    paths = report.paths()
    logs = paths.log2()
    how = "exact" if paths.exact else "in floating logarithms: exact counts would take too much memory"
    lines = fact("paths", f"{_power(math.log2(paths.total) if paths.total else -math.inf)} in all, {how}")
    lines += [f"{'lags':<23}{'ms':>12}{'reached':>26}{'paths per lag':>24}{'share':>13}"]
    for first, last in octaves(len(logs)):
        reached = [value for value in logs[first : last + 1] if value > -math.inf]
        name = f"{first:,}" if first == last else f"{first:,}-{last:,}"
        ms = report.milliseconds(last)
        lines.append(
            f"{name:<23}{'' if ms is None else f'{ms:,.1f}':>12}{f'{len(reached):,} of {last - first + 1:,}':>26}"
            f"{_range(reached):>24}{_share(paths, first, last):>13.2%}"
        )
    return lines


def octaves(lags: int) -> list[tuple[int, int]]:
    """Return the lags 0 .. lags - 1 as ranges (first, last): 0, 1, 2-3, 4-7..."""
    edges = [0, *(2**i for i in range(lags.bit_length()) if 2**i < lags), lags]
    return [(first, last - 1) for first, last in pairwise(edges) if last > first]


def _share(paths: Paths, first: int, last: int) -> float:
    if not paths.total:
        return 0.0
    if paths.counts is not None:
        part = sum(paths.counts[first : last + 1])
        return (part << 60) // paths.total / 2**60  # both may be beyond what a float holds
    assert paths.logs is not None
    return math.fsum(2.0 ** (value - math.log2(paths.total)) for value in paths.logs[first : last + 1])


def _range(logs: Sequence[float]) -> str:
    if not logs:
        return "none"
    low, high = _power(min(logs)), _power(max(logs))
    return low if low == high else f"{low} to {high}"


def _power(log: float) -> str:
    """Return 2^log: all digits of a small number, else as a power of ten."""
    if log == -math.inf:
        return "0"
    if log < 40:
        return f"{round(2**log):,}" if log < 24 else f"{2.0**log:.3g}"
    exponent, rest = divmod(log * math.log10(2), 1)
    digits = f"{10**rest:.2f}"
    return f"{digits}e{exponent:.0f}" if digits != "10.00" else f"1.00e{exponent + 1:.0f}"
