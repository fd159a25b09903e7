"""How to cover a span of sound: three ways compared, and the cheapest WaveNets that reach every lag of it."""

from __future__ import annotations

import contextlib
import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from wavenet import geometry
from wavenet.errors import InputError, RecipeError
from wavenet.geometry import Pattern, Proposal, Shape, Way
from wavenet.inspection.text import COLUMNS, Cells
from wavenet.recipe import find, read
from wavenet.text import lasting, many, milliseconds, table

REFERENCE = "digits"  # whose channels the proposals have where no recipe is given
SHOWN = 8  # proposals in the text


@dataclass(frozen=True)
class Spanning:
    """How to cover a span."""

    span: int  # samples that shall be seen
    sample_rate: int | None  # in Hz; None where the span was given in samples
    kernel: int  # taps of the stacks
    dims: int  # axes along which kernels lie
    like: str  # the recipe whose channels are taken
    shape: Shape  # its integers
    ways: tuple[Way, ...]
    proposals: tuple[Proposal, ...]  # WaveNets within the budget, the cheapest first; none where dims is 2

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "span": self.span,
            "span_ms": milliseconds(self.span, self.sample_rate),
            "kernel": self.kernel,
            "dims": self.dims,
            "ways": [asdict(way) for way in self.ways],
            "proposals": [
                {
                    "model": {"kernel_size": self.kernel, "dilations": one.pattern},
                    "receptive_field": one.shape.receptive_field,
                    "layers": len(one.shape.layers),
                    "parameters": one.shape.parameters(),
                    "macs_per_sample": one.shape.macs_per_sample(),
                }
                for one in self.proposals
            ],
        }

    def to_text(self) -> str:
        """Return lines of at most 100 columns."""
        axes, unit = (" along each of 2 axes", "pixel") if self.dims == 2 else ("", "sample")
        channels = f"{many(self.shape.residual, 'channel')} in and out"
        lines = [
            f"to cover n = {lasting(self.span, self.sample_rate, unit)}{axes}",
            "",
            f"in plain convolutions with {channels}, stacks of kernel {self.kernel}",
            *_ways(self.ways),
        ]
        if self.proposals:
            lines += ["", *_proposals(self)]
        elif self.dims == 1:
            limit = f"the limit of {geometry.MAX_RECEPTIVE_FIELD:,} samples"
            lines += ["", f"no WaveNet of kernel {self.kernel} covers it within {limit}"]
        return "\n".join(lines)


def ask(
    span: str,
    source: str | None = None,
    rate: int | None = None,
    kernel: int | None = None,
    dims: int = 1,
    max_parameters: int | None = None,
    max_macs: int | None = None,
) -> Spanning:
    """Return how to cover a span.

    Args:
        span: ``250ms``, ``1.5s``, or a number of samples (pixels, where dims is 2).
        source: a recipe, run or bundle whose channels and rate are taken; None takes the channels of `digits`.
        rate: in Hz; None takes the recipe's.
        kernel: taps of the stacks; None takes the recipe's, or 2.
        dims: 1, or 2 for square kernels, where no WaveNet is proposed.
        max_parameters: proposals with more are left out.
        max_macs: proposals with more multiply-adds per sample are left out.

    Raises:
        InputError: the span, the rate or the kernel is out of range, or nothing is within the budget.
        RecipeError: the recipe cannot be used.
    """
    recipe = read.load(find.find_recipe(source or REFERENCE))
    own = recipe.model.kernel_size if source and isinstance(recipe.model.kernel_size, int) else 2
    taps = own if kernel is None else kernel
    known_rate = rate if rate is not None or source is None else recipe.audio.sample_rate
    samples = parse_span(span, known_rate)
    try:
        ways = geometry.ways(samples, taps, recipe.shape.residual, dims)
        proposals = geometry.propose(samples, taps, recipe.shape) if dims == 1 else []
    except ValueError as error:
        raise InputError(f"--span: {error}") from None
    most = (max_parameters or math.inf, max_macs or math.inf)
    kept = [one for one in proposals if one.shape.parameters() <= most[0] and one.shape.macs_per_sample() <= most[1]]
    if proposals and not kept:
        cheapest = proposals[0].shape
        raise InputError(
            f"no stack of kernel {taps} that sees {many(samples, 'sample')} is within the budget: the cheapest has "
            f"{cheapest.parameters():,} parameters and {cheapest.macs_per_sample():,} multiply-adds per sample; raise "
            "the budget, or give a recipe with fewer channels"
        )
    return Spanning(samples, known_rate, taps, dims, recipe.name, recipe.shape, tuple(ways), tuple(kept))


def parse_span(text: str, rate: int | None) -> int:
    """Return samples from ``250ms``, ``1.5s`` or ``4000``; InputError where it is none of these, or lacks a rate."""
    if re.fullmatch(r"\d{1,20}", text.strip()):
        return int(text)
    with contextlib.suppress(RecipeError):
        seconds = read.parse_duration(re.sub(r"\s+(?=m?s$)", "", text.strip()))
        if text.strip()[-1].isalpha() and len(text) <= 40:
            if rate is None:
                raise InputError(f"--span {text} is a time: give the sample rate too (--rate 16000), or samples")
            return round(seconds * rate)
    raise InputError(f"--span is {text!r:.60}, expected a span such as 250ms, 1.5s or 4000 (samples)")


# --- text ------------------------------------------------------------------------------------------------------------


def _ways(ways: Sequence[Way]) -> Iterator[str]:
    rows: list[Cells] = [("way", "layers", "parameters", "MACs per output", "sees")]
    rows += [(way.name, way.layers, way.parameters, way.macs, way.receptive_field) for way in ways]
    head, *lines = table(rows)
    yield head
    for way, line in zip(ways, lines, strict=True):
        yield line
        yield f"        {way.law}"


def _proposals(answer: Spanning) -> Iterator[str]:
    shape, rate, shown = answer.shape, answer.sample_rate, answer.proposals[:SHOWN]
    yield f"WaveNets that reach every lag of it, the cheapest first; channels as in `{answer.like:.30}`:"
    yield f"R {shape.residual}, G {shape.gate}, S {shape.skip}, H {shape.head}, P {shape.outputs}"
    rows: list[Cells] = [("", "layers", "parameters", "MACs per sample", "sees", "ms")]
    for i, one in enumerate(shown, 1):
        made = one.shape
        costs = len(made.layers), made.parameters(), made.macs_per_sample(), made.receptive_field
        rows.append((i, *costs, milliseconds(made.receptive_field, rate)))
    head, *lines = table(rows)
    yield head
    for one, line in zip(shown, lines, strict=True):
        yield line
        yield from snippet(answer.kernel, one.pattern)
    if left := len(answer.proposals) - len(shown):
        yield f"and {left:,} more (--json lists all)"


def snippet(kernel: int, pattern: Pattern) -> list[str]:
    """Return the keys of a recipe's model that a proposal sets, as YAML of at most 100 columns."""
    text = str(pattern).replace("'", "")
    return textwrap.wrap(
        f"model: {{kernel_size: {kernel}, dilations: {text}}}",
        COLUMNS,
        initial_indent=" " * 8,
        subsequent_indent=" " * 12,
        break_long_words=False,
    )
