"""What `inspect` says, from the configuration alone: a record -> text, JSON. Standard library only, but for YAML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavenet import config, geometry
from wavenet.config import Recipe
from wavenet.errors import RecipeError, did_you_mean
from wavenet.geometry import Field, Hole, Layer, Parallel, Part

COLUMNS = 100
HOLES_SHOWN = 6
DILATIONS_SHOWN = 44  # characters
MAX_DEPTH = 16  # of branches within branches


@dataclass(frozen=True)
class LayerReport:
    """One layer, and what is seen through all layers up to it.

    Args:
        kernel: taps K.
        stride: inputs per output.
        dilation: inputs d between two taps.
        effective_kernel: d(K-1) + 1.
        receptive_field: samples seen through it.
        jump: input samples from one of its outputs to the next.
        offset: the oldest input that its output 0 sees; below zero in the padding.
    """

    kernel: int
    stride: int
    dilation: int
    effective_kernel: int
    receptive_field: int
    jump: int
    offset: int


@dataclass(frozen=True)
class JoinReport:
    """Parallel branches, and what is seen through their join."""

    parallel: tuple[tuple[LayerReport | JoinReport, ...], ...]
    receptive_field: int
    jump: int
    offset: int


@dataclass(frozen=True)
class StackReport:
    """One stack.

    Args:
        dilations: of its layers.
        receptive_field: samples that the stack sees of its own input.
        receptive_field_through: samples that all stacks up to it see of the network's input.
        coverage: share of its own receptive field that is reached.
        holes: lags in it that are not, as (first, last, step).
    """

    dilations: tuple[int, ...]
    receptive_field: int
    receptive_field_through: int
    coverage: float
    holes: tuple[Hole, ...]


@dataclass(frozen=True)
class Report:
    """What a network sees and costs. None stands for what a list of layers cannot tell.

    Args:
        name: of the recipe or the file.
        sample_rate: in Hz.
        receptive_field: in samples.
        receptive_field_ms: at the sample rate.
        coverage: share of the receptive field that is reached.
        holes: lags that are not, as (first, last, step).
        parameters: numbers that training adjusts.
        macs_per_sample: multiply-adds per generated sample.
        queue_bytes: what generation remembers, float32.
        stacks: per stack.
        layers: per layer.
    """

    name: str
    sample_rate: int | None
    receptive_field: int
    receptive_field_ms: float | None
    coverage: float
    holes: tuple[Hole, ...]
    parameters: int | None
    macs_per_sample: int | None
    queue_bytes: int | None
    stacks: tuple[StackReport, ...]
    layers: tuple[LayerReport | JoinReport, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values: every field but the name and the rate, which stand in the recipe."""
        tree: dict[str, Any] = config.to_tree(self)
        return {key: value for key, value in tree.items() if key not in ("name", "sample_rate")}

    def to_text(self, layers: bool = False) -> str:
        """Return lines of at most 100 columns; with `layers`, a table of all layers too."""
        lines = [*_head(self), "", *_stack_table(self.stacks)]
        if layers:
            lines += ["", *_layer_table(self.layers)]
        return "\n".join(lines)


def inspect(source: str | Path) -> Report:
    """Return what a recipe, run, bundle or LAYERS.yaml sees, from its configuration alone.

    Raises:
        RecipeError: there is no such thing, or it is wrong.
        BundleError: it is a damaged bundle.
    """
    path = config.find_recipe(str(source))
    if path.name != "config.json":
        tree = config.read_yaml(path)
        if isinstance(tree, dict) and "layers" in tree and "model" not in tree:
            return of_layers(tree, path)
    return of_recipe(config.load(path))


def of_recipe(recipe: Recipe) -> Report:
    """Return what a recipe's network sees and costs."""
    shape = recipe.shape
    seen, stacks = Field(), []
    for dilations, layers in zip(shape.stacks, shape.stack_layers(), strict=True):
        own, seen = geometry.see(layers), geometry.see(layers, seen)
        stacks.append(_stack(dilations, own, seen))
    return Report(
        name=recipe.name,
        sample_rate=recipe.audio.sample_rate,
        receptive_field=seen.receptive_field,
        receptive_field_ms=1000 * seen.receptive_field / recipe.audio.sample_rate,
        coverage=seen.coverage,
        holes=tuple(geometry.holes(seen.lags)),
        parameters=shape.parameters(),
        macs_per_sample=shape.macs_per_sample(),
        queue_bytes=shape.queue_bytes(),
        stacks=tuple(stacks),
        layers=_rows(shape.layers, Field(), same=False)[0],
    )


def _stack(dilations: tuple[int, ...], own: Field, through: Field) -> StackReport:
    holes = tuple(geometry.holes(own.lags))
    return StackReport(dilations, own.receptive_field, through.receptive_field, own.coverage, holes)


# --- LAYERS.yaml -----------------------------------------------------------------------------------------------------


def of_layers(tree: dict[str, Any], path: Path) -> Report:
    """Return what a list of layers sees: ``layers:`` and ``dims: 1|2``.

    With one dimension the layers are causal (padded on the left). With two they keep the length, the odd padding
    right, and all numbers hold along either axis.

    Raises:
        RecipeError: a layer is wrong; the error names it.
    """
    for key in tree:
        if key not in ("layers", "dims"):
            raise RecipeError(
                f"{path}: unknown key {key}{did_you_mean(str(key), ('layers', 'dims'))}; known: layers, dims"
            )
    dims = tree.get("dims", 1)
    if dims not in (1, 2) or isinstance(dims, bool):
        raise RecipeError(f"{path}: dims is {dims!r}, expected 1 or 2")
    parts = _parts(tree["layers"], "layers", path)
    try:
        rows, seen = _rows(parts, Field(), same=dims == 2)
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from None
    dilations = tuple(part.dilation for part in parts if isinstance(part, Layer))
    return Report(
        name=path.stem,
        sample_rate=None,
        receptive_field=seen.receptive_field,
        receptive_field_ms=None,
        coverage=seen.coverage,
        holes=tuple(geometry.holes(seen.lags)),
        parameters=None,
        macs_per_sample=None,
        queue_bytes=None,
        stacks=(_stack(dilations, seen, seen),),
        layers=rows,
    )


def _parts(items: Any, at: str, path: Path) -> tuple[Part, ...]:
    if at.count("parallel") > MAX_DEPTH:
        raise RecipeError(f"{path}: branches stand in branches more than {MAX_DEPTH} deep; write them side by side")
    if not isinstance(items, list) or not items:
        raise RecipeError(
            f"{path}: {at} is {items!r:.60}, expected a list of layers such as {{kernel: 3, dilation: 2}}"
        )
    return tuple(_part(item, f"{at}[{i}]", path) for i, item in enumerate(items))


def _part(item: Any, at: str, path: Path) -> Part:
    known = ("kernel", "stride", "dilation", "parallel")
    if not isinstance(item, dict):
        raise RecipeError(f"{path}: {at} is {item!r:.60}, expected a mapping such as {{kernel: 3, dilation: 2}}")
    for key in item:
        if key not in known:
            raise RecipeError(
                f"{path}: unknown key {at}.{key}{did_you_mean(str(key), known)}; known: {', '.join(known)}"
            )
    if "parallel" in item:
        if len(item) > 1 or not isinstance(item["parallel"], list) or not item["parallel"]:
            raise RecipeError(f"{path}: {at}.parallel stands alone and is a list of branches, each a list of layers")
        return Parallel(tuple(_parts(b, f"{at}.parallel[{i}]", path) for i, b in enumerate(item["parallel"])))
    if "kernel" not in item:
        raise RecipeError(f"{path}: {at} has no kernel; add the number of its taps")
    numbers = {"stride": 1, "dilation": 1, **item}
    for key, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000_000:
            raise RecipeError(f"{path}: {at}.{key} is {value!r:.60}, expected a whole number from 1 to 1,000,000")
    return Layer(numbers["kernel"], numbers["stride"], numbers["dilation"])


def _rows(parts: Sequence[Part], seen: Field, *, same: bool) -> tuple[tuple[LayerReport | JoinReport, ...], Field]:
    """Return a row per part, and what is seen through all of them."""
    rows: list[LayerReport | JoinReport] = []
    for part in parts:
        before, seen = seen, geometry.see((part,), seen, same=same)
        where = (seen.receptive_field, seen.jump, seen.offset)
        if isinstance(part, Layer):
            rows.append(LayerReport(part.kernel, part.stride, part.dilation, part.effective_kernel, *where))
        else:
            branches = tuple(_rows(branch, before, same=same)[0] for branch in part.branches)
            rows.append(JoinReport(branches, *where))
    return tuple(rows), seen


# --- text ------------------------------------------------------------------------------------------------------------


def _head(report: Report) -> list[str]:
    layers, stacks = _count(report.layers), len(report.stacks)
    field = _many(report.receptive_field, "sample")
    if report.receptive_field_ms is not None and report.sample_rate is not None:
        field += f", {report.receptive_field_ms:,.1f} ms at {report.sample_rate:,} Hz"
    lines = [
        f"{report.name:.60}: {_many(layers, 'layer')} in {_many(stacks, 'stack')}",
        f"receptive field   {field}",
        f"coverage          {_coverage(report.coverage, report.holes)}",
    ]
    if report.parameters is not None:
        lines.append(f"parameters        {report.parameters:,}")
    if report.macs_per_sample is not None and report.sample_rate is not None:
        rate = report.macs_per_sample * report.sample_rate / 1e9
        lines.append(f"multiply-adds     {report.macs_per_sample:,} per sample, {rate:.3g} G/s in real time")
    if report.queue_bytes is not None:
        lines.append(f"queues            {report.queue_bytes:,} bytes per sequence (float32)")
    return lines


def _many(count: int, unit: str) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"


def _count(rows: Sequence[LayerReport | JoinReport]) -> int:
    """Return the layers in some rows, those inside branches too."""
    return sum(1 if isinstance(row, LayerReport) else sum(map(_count, row.parallel)) for row in rows)


def _coverage(coverage: float, holes: Sequence[Hole]) -> str:
    return f"{coverage:.1%}, {_holes(holes, COLUMNS - 25)}" if holes else "100.0%, every lag is reached"


def _holes(holes: Sequence[Hole], width: int) -> str:
    """Return the first holes in words, as many as fit: ``missed: 4, 9-12, 15-31 by 2 and 3 more holes``."""
    shown = [
        str(first) if first == last else f"{first}-{last}" + (f" by {step}" if step > 1 else "")
        for first, last, step in holes[:HOLES_SHOWN]
    ]
    while True:
        left = len(holes) - len(shown)
        text = f"missed: {', '.join(shown)}" + (f" and {_many(left, 'more hole')}" if left else "")
        if len(text) <= width or len(shown) == 1:
            return text
        shown.pop()


def _stack_table(stacks: Sequence[StackReport]) -> list[str]:
    lines = [f"{'stack':<6}{'dilations':<46}{'sees':>10}{'through':>12}{'coverage':>11}"]
    for index, stack in enumerate(stacks, 1):
        text = " ".join(str(dilation) for dilation in stack.dilations)
        if len(text) > DILATIONS_SHOWN:
            tail = f" ... {stack.dilations[-1]}"
            text = text[: DILATIONS_SHOWN - len(tail)].rsplit(" ", 1)[0] + tail
        numbers = f"{stack.receptive_field:>10,}{stack.receptive_field_through:>12,}{stack.coverage:>11.1%}"
        lines.append(f"{index:<6}{text:<46}{numbers}")
        if stack.holes:
            lines.append(f"      {_holes(stack.holes, COLUMNS - 6)}")
    return lines


def _layer_table(rows: Sequence[LayerReport | JoinReport]) -> list[str]:
    names = ("kernel", "stride", "dilation", "effective", "sees", "jump", "offset")
    lines = [f"{'layer':<16}" + "".join(f"{name:>12}" for name in names)]

    def add(row: LayerReport | JoinReport, label: str) -> None:
        if isinstance(row, JoinReport):
            for b, branch in enumerate(row.parallel, 1):
                for i, inner in enumerate(branch, 1):
                    add(inner, f"{label}.{b}.{i}")
            own: tuple[Any, ...] = ("join", "", "", "")
        else:
            own = (row.kernel, row.stride, row.dilation, row.effective_kernel)
        cells = (*own, row.receptive_field, row.jump, row.offset)
        lines.append(f"{label:<16.16}" + "".join(f"{_cell(cell):>12}" for cell in cells))

    for index, row in enumerate(rows, 1):
        add(row, str(index))
    return lines


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
