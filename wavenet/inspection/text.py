"""The text of `inspect`: lines of at most 100 columns, made of records. Standard library only."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from wavenet.geometry import Hole, Layer, Parallel, Part
from wavenet.inspection import condition, layers
from wavenet.inspection.report import JoinReport, LayerReport, Report, Row, each_layer, of_design
from wavenet.text import lasting, many, milliseconds, percent, table, times

if TYPE_CHECKING:
    from wavenet.inspection.measure import Measured

COLUMNS = 100
LABEL = 18  # columns before each fact
HOLES_SHOWN = 6
DILATIONS_SHOWN = 44  # characters
DRAWN = 17  # rows of a grid that is drawn with characters
SIZES_SHOWN = 12
ENOUGH_BITS = (0.1, 0.01)

Cells = tuple[str | float | None, ...]


class PrintedReport(Report):
    """A report that prints as `wavenet inspect` does."""

    def __str__(self) -> str:
        """Return what `wavenet inspect` prints."""
        return describe(self)


def inspect(source: str | Path, size: int | Sequence[int] | None = None) -> PrintedReport:
    """Return what a recipe, run, bundle or LAYERS.yaml sees, from its configuration alone.

    A size of the input, one number for all axes or one for each (height, width), adds the size of every output.

    Raises:
        RecipeError: it does not exist, or it is wrong.
        BundleError: it is a damaged bundle.
        InputError: the size is out of range, or a layer has no output at that size; the error names the layer.
    """
    return PrintedReport(**vars(of_design(layers.read(source), size)))


def describe(report: Report, layers: bool = False, lags: bool = False) -> str:
    """Return what a report says, with tables of all layers and of the paths by lag where they are asked for."""
    axes = ", along either of 2 axes" if report.design.dims == 2 else ""
    count = sum(not isinstance(row, JoinReport) for _, row in _labelled(report.layers))
    counts = f": {many(count, 'layer')} in {many(len(report.stacks), 'stack')}{axes}"
    head = [f"{report.design.name:.{min(60, COLUMNS - len(counts))}}{counts}"]
    for label, words in _facts(report):
        head += fact(label, words)
    parts = [head, _stack_table(report)]
    if layers:
        parts.append(_layer_table(report.layers, SEEN))
        own = {row.padding for row in each_layer(report.layers)} - {report.design.padding}
        if report.size or own or (report.parameters and not report.design.shape):
            parts.append(_layer_table(report.layers, COSTS))
    if lags:
        parts.append(_lag_table(report))
    return "\n\n".join("\n".join(lines) for lines in parts)


def describe_measured(measured: Measured) -> str:
    """Return what a measurement found."""
    held = [f"{share}% of its square in the newest {measured.lasting(n)}" for share, n in measured.holding.items()]
    enough = [
        f"{measured.lasting(measured.enough(bits))} are within {bits:g} bits/sample of all" for bits in ENOUGH_BITS
    ]
    rows: list[Cells] = [("newest samples kept", "ms", "bits/sample", "gain", "positions with a longer past")]
    for one in measured.context:
        bits, gain = f"{one.bits:.3f} +- {one.error:.3f}", f"{one.won:.4f} +- {one.won_error:.4f}"
        ms = milliseconds(one.samples, measured.sample_rate)
        rows.append((one.samples or "none", ms, bits, gain if one.samples else "", one.positions))
    lines = [
        f"measured on {measured.sound:.80}",
        *fact("gradient", f"{', '.join(held)}; mean over {many(measured.gradients, 'position')}"),
        *fact("context", f"{', '.join(enough)}; mean over {many(measured.positions, 'position')}"),
        *fact("", "with fewer samples the network sees the beginning of a sound, which is rare in training"),
        "",
        *table(rows),
    ]
    return "\n".join(lines)


def hole_warning(report: Report) -> str | None:
    """Return one line on the lags that a network never sees, with what closes them; None where it sees all."""
    if not report.holes:
        return None
    fixes = report.fixes()
    fix = f"; to fix it: {fixes[0].change}" if fixes else ""
    return (
        f"the dilations miss lags inside the receptive field: {percent(report.coverage)} of "
        f"{report.receptive_field:,} are reached, {missed(report.holes, 3)}{fix}"
    )


def fact(label: str, text: str) -> list[str]:
    """Return a labelled fact, over more than one line where it has to be."""
    return textwrap.wrap(f"{label:<{LABEL}}{text}", COLUMNS, subsequent_indent=" " * LABEL, break_on_hyphens=False)


def missed(holes: Sequence[Hole], most: int = HOLES_SHOWN) -> str:
    """Return the first holes in words: ``missed: 4, 9-12, 15-31 by 2 and 3 more holes``."""
    return f"missed: {condition.holes_words(holes, most)}"


# --- facts -----------------------------------------------------------------------------------------------------------


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what is known of a design as (label, words)."""
    design, shape = report.design, report.design.shape
    field = lasting(report.receptive_field, design.sample_rate, "pixel" if design.dims == 2 else "sample")
    whole = "the whole input, through global pooling; without it " if report.whole_input else ""
    yield "receptive field", whole + field
    if report.holes:
        yield "coverage", f"{percent(report.coverage)}, {missed(report.holes)}"
    else:
        reached = "every lag is reached" if report.receptive_field else "only through global pooling"
        yield "coverage", f"100.0%, {reached}"
    if report.grid and report.grid.side:
        yield from _grid(report)
    if report.holes:
        yield from _reasons(report)
    yield from _modelled(design.preemphasis)
    if report.condition is not None and design.sample_rate is not None:
        yield from condition.facts(report.condition, design.sample_rate)
    if shape is None:
        yield from _list_facts(report)
    if report.size:
        yield "output sizes", _sizes(report)
    if report.parameters is not None:
        counted = ""
        if shape is None:
            pools = sum(row.out_channels is None for row in each_layer(report.layers))
            pooling = f"; {many(pools, 'layer')} without out {'is' if pools == 1 else 'are'} pooling" if pools else ""
            counted = f" in {many(len([*each_layer(report.layers)]) - pools, 'convolution')}{pooling}"
        if report.condition is not None:
            counted = condition.parameters_words(report.condition)
        yield "parameters", f"{report.parameters:,}{counted}"
    if report.macs is not None:
        yield "multiply-adds", f"{report.macs:,} for an input of {times(report.size or ())}"
    if shape and design.sample_rate:
        rate = shape.macs_per_sample() * design.sample_rate / 1e9
        frames = "" if report.condition is None else condition.macs_words(report.condition)
        yield "multiply-adds", f"{report.macs_per_sample:,} per sample, {rate:.3g} G/s in real time{frames}"
        yield "queues", f"{report.queue_bytes:,} bytes per sequence (float32)"


def _modelled(share: float | None) -> Iterator[tuple[str, str]]:
    """Yield what a network models in place of the sound itself."""
    if share:
        yield "pre-emphasis", f"{share:g}: it models x[t] - {share:g} x[t-1], and what it draws is filtered back to x"


def _grid(report: Report) -> Iterator[tuple[str, str]]:
    """Yield how much of the square is reached, and the rows of a small one with holes."""
    grid = report.grid
    if grid is None or grid.reached is None or grid.coverage is None:
        yield "grid", "not counted: the branches make too many different ways through the layers"
        return
    words = f"{grid.reached:,} of {grid.positions:,} positions ({percent(grid.coverage)})"
    if grid.reached == grid.positions:
        dilated = any(row.dilation > 1 and row.kernel > 1 for row in each_layer(report.layers))
        yield "grid", f"{words}: no gridding" if dilated else words
        return
    words += ": gridded" if report.holes else ": every row and every column is reached, but not every crossing"
    rows = grid.rows if grid.rows and grid.side <= DRAWN else ()
    yield "grid", words + (" (# is reached, . is not)" if rows else "")
    yield from (("", " ".join(row)) for row in rows)


def _reasons(report: Report) -> Iterator[tuple[str, str]]:
    """Yield why lags are missed, and what would close the holes."""
    gap = report.gap()
    if gap is None:
        yield "to fix it", "not searched for: there are branches or strides"
        return
    smaller = f"smaller dilations reach 0 to {gap.reach - 1:,}, " if gap.reach > 1 else ""
    yield "first hole", f"lag {gap.reach:,}: {smaller}dilation {gap.dilation:,} skips it"
    if gap.divisor > 1:
        yield "common factor", f"all dilations are multiples of {gap.divisor:,}, so no other lag is reached"
        yield "rule of thumb", "take dilations without a common factor (Wang et al. 2018, arXiv:1702.08502)"
    for label, fix in zip(("to fix it", "or"), report.fixes(), strict=False):
        yield label, fix.change


def _list_facts(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what only a list of layers has: a step between outputs, and weights beside the inputs they see."""
    jump = max((row.jump for row in report.layers if isinstance(row, LayerReport | JoinReport)), default=1)
    if jump > 1:
        yield "output stride", f"{many(jump, 'input')} from one output to the next"
    layers = [row for row in report.layers if isinstance(row, LayerReport)]
    if len(layers) == len(report.layers) and report.parameters is None:  # else some of them may be pooling
        weights = sum(row.kernel**report.design.dims for row in layers)
        seen = report.receptive_field**report.design.dims
        yield "weights", f"{weights:,} for each pair of channels, over {many(seen, 'input')}"


def _sizes(report: Report) -> str:
    """Return the size behind each layer, equal ones together."""
    groups: list[str] = []
    for size, alike in groupby(enumerate(report.layers, 1), key=lambda numbered: numbered[1].output_size):
        first, *others = (number for number, _ in alike)
        layers = f"layers {first:,}-{others[-1]:,}" if others else f"layer {first:,}"
        groups.append(f"{times(size or ())} from {layers}")
    if len(groups) > SIZES_SHOWN:
        groups = [*groups[: SIZES_SHOWN - 2], "...", groups[-1]]
    return "; ".join([f"{times(report.size or ())} in", *groups])


# --- tables ----------------------------------------------------------------------------------------------------------


def _stack_table(report: Report) -> list[str]:
    rows: list[Cells] = [("stack", "dilations", "sees", "through", "coverage")]
    for i, (stack, parts) in enumerate(zip(report.stacks, report.design.stacks, strict=True), 1):
        sees = stack.receptive_field, stack.receptive_field_through
        rows.append((i, _dilations(parts), *sees, percent(stack.coverage)))
    head, *lines = table(rows, left=2)
    with_holes = [head]
    for stack, line in zip(report.stacks, lines, strict=True):
        with_holes.append(line)
        if stack.holes and len(report.stacks) > 1:  # the head has those of a single stack
            closed = "" if report.holes else f"; the other stacks close {'it' if len(stack.holes) == 1 else 'them'}"
            with_holes.append(f"      {missed(stack.holes, 2)}{closed}")
    return with_holes


def _dilations(parts: Sequence[Part]) -> str:
    """Return the dilations of a stack, as many from its beginning as fit, and the last."""
    words: list[str] = []
    for word, alike in groupby(map(dilation_words, parts)):
        count = len(list(alike))
        words += [f"{word} x{count}"] if count > 1 and word.startswith("(") else [word] * count
    words = [word.replace(" ", "_") for word in words]  # which are shown whole or not at all
    end = f" ... {words[-1]:.{DILATIONS_SHOWN - 5}}"
    return textwrap.shorten(" ".join(words), DILATIONS_SHOWN, placeholder=end).replace("_", " ")


def dilation_words(part: Part) -> str:
    """Return a layer's dilation, one with a stride as ``2s3``, branches as ``(1 | 6 | 12)``."""
    if isinstance(part, Layer):
        return str(part.dilation) if part.stride == 1 else f"{part.dilation}s{part.stride}"
    if isinstance(part, Parallel):
        return f"({' | '.join(' '.join(map(dilation_words, branch)) for branch in part.branches)})"
    return "global"


SEEN = ("kernel", "stride", "dilation", "effective_kernel", "receptive_field", "jump", "offset")
COSTS = ("padding", "output_size", "in_channels", "out_channels", "parameters", "macs")


def _layer_table(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Return a table of all layers with these fields."""
    lines: list[Cells] = [("layer", *(name.replace("_", " ") for name in names))]
    for label, row in _labelled(rows):
        fields = vars(row)
        if not fields.get("receptive_field"):  # behind global pooling alone
            fields = {**fields, "receptive_field": "all", "offset": None}
        if size := row.output_size:
            fields = {**fields, "output_size": times(size) if max(size) < 10**8 else f"{max(size):.3g}"}
        cells = [fields.get(name) for name in names]
        if not isinstance(row, LayerReport):
            cells[0] = "join" if isinstance(row, JoinReport) else "global"
        lines.append((label, *cells))
    return table(lines)


def _labelled(rows: Sequence[Row], before: str = "") -> Iterator[tuple[str, Row]]:
    """Yield each row with its number, those in branches before their join: 2.1.3 is layer 3 of branch 1 of part 2."""
    for index, row in enumerate(rows, 1):
        label = f"{before}{index}"
        if isinstance(row, JoinReport):
            for branch, inner in enumerate(row.parallel, 1):
                yield from _labelled(inner, f"{label}.{branch}.")
        yield f"{label:.16}", row


def _lag_table(report: Report) -> list[str]:
    """Return the paths by octaves of the lag: how many lags are reached, by how many paths, with what share of all."""
    paths, rate = report.paths(), report.design.sample_rate
    logs, total = paths.log2(), math.log2(paths.total) if paths.total else -math.inf
    rows: list[Cells] = [("lags", "ms", "reached", "paths per lag", "share")]
    for first, last in octaves(len(logs)):
        reached = [value for value in logs[first : last + 1] if value > -math.inf]
        name = f"{first:,}" if first == last else f"{first:,}-{last:,}"
        counts = " to ".join(dict.fromkeys(map(_power, (min(reached), max(reached))))) if reached else "none"
        share = math.fsum(2.0 ** (value - total) for value in reached)
        seen = f"{len(reached):,} of {last - first + 1:,}"
        rows.append((name, milliseconds(last, rate), seen, counts, f"{share:.2%}"))
    how = "exact" if paths.exact else "as floating-point logarithms: exact counts would take too much memory"
    return [*fact("paths", f"{_power(total)} in all, {how}"), *table(rows)]


def octaves(lags: int) -> list[tuple[int, int]]:
    """Return the lags 0 .. lags - 1 as ranges (first, last): 0, 1, 2-3, 4-7..."""
    edges = [0, *(2**i for i in range(lags.bit_length()) if 2**i < lags), lags]
    return [(first, last - 1) for first, last in pairwise(edges) if last > first]


def _power(log: float) -> str:
    """Return 2^log: all digits of a small number, else three: ``"16,777,215"``, ``"1.68e+07"``."""
    from decimal import Decimal  # which has no largest number

    return f"{round(2**log):,}" if log < 24 else f"{Decimal(2) ** Decimal(log):.3g}"
