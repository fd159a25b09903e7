"""How to see a span of sound: three ways compared, and the cheapest WaveNets that miss nothing of it."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any

from wavenet import geometry
from wavenet.errors import InputError
from wavenet.geometry import Pattern, Proposal, Shape, Way
from wavenet.inspection.text import COLUMNS
from wavenet.recipe import find, read
from wavenet.text import many

REFERENCE = "digits"  # whose channels the proposals have where no recipe is given
SHOWN = 8  # proposals in the text


@dataclass(frozen=True)
class Spanning:
    """The answer.

    Args:
        span: samples that shall be seen.
        sample_rate: in Hz; None where the span was given in samples.
        kernel: taps of the stacks.
        dims: axes along which kernels lie.
        like: the recipe whose channels are taken.
        shape: its integers.
        ways: larger kernel, plain stack, dilated stack.
        proposals: WaveNets that reach the span, within the budget, the cheapest first; none where dims is 2.
    """

    span: int
    sample_rate: int | None
    kernel: int
    dims: int
    like: str
    shape: Shape
    ways: tuple[Way, ...]
    proposals: tuple[Proposal, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "span": self.span,
            "span_ms": None if self.sample_rate is None else 1000 * self.span / self.sample_rate,
            "kernel": self.kernel,
            "dims": self.dims,
            "ways": [read.to_tree(way) for way in self.ways],
            "proposals": [_proposal(one) for one in self.proposals],
        }

    def to_text(self) -> str:
        """Return lines of at most 100 columns."""
        lines = _ways(self)
        if self.proposals:
            lines += ["", *_proposals(self)]
        elif self.dims == 1:
            limit = f"{geometry.MAX_RECEPTIVE_FIELD:,}"
            lines += [
                "",
                f"no WaveNet of kernel {self.kernel} sees so far and at most {limit} samples, the limit of recipes",
            ]
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
    """Return how to see a span.

    Args:
        span: ``250ms``, ``1.5s``, or a number of samples (pixels, where dims is 2).
        source: a recipe, run or bundle whose channels and rate are taken; None takes the channels of `digits`.
        rate: in Hz.
        kernel: taps of the stacks; None takes the recipe's, or 2.
        dims: 1, or 2 for square kernels, where no WaveNet is proposed.
        max_parameters: leave out proposals with more.
        max_macs: leave out proposals with more multiply-adds per sample.

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
    kept = [one for one in proposals if _affordable(one.shape, max_parameters, max_macs)]
    if proposals and not kept:
        cheapest = proposals[0].shape
        raise InputError(
            f"no stack of kernel {taps} that sees {many(samples, 'sample')} is within the budget: the cheapest has "
            f"{cheapest.parameters():,} parameters and {cheapest.macs_per_sample():,} multiply-adds per sample; raise "
            "it, or give a recipe with fewer channels"
        )
    return Spanning(samples, known_rate, taps, dims, recipe.name, recipe.shape, tuple(ways), tuple(kept))


def _affordable(shape: Shape, max_parameters: int | None, max_macs: int | None) -> bool:
    return (max_parameters is None or shape.parameters() <= max_parameters) and (
        max_macs is None or shape.macs_per_sample() <= max_macs
    )


def parse_span(text: str, rate: int | None) -> int:
    """Return samples from ``250ms``, ``1.5s`` or ``4000``.

    Raises:
        InputError: it is none of these, or a time without a sample rate.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|)", text.strip())
    if not match or (not match[2] and "." in match[1]) or len(match[1]) > 20:
        raise InputError(f"--span is {text!r:.60}, expected such as 250ms, 1.5s or 4000 (samples)")
    if not match[2]:
        return int(match[1])
    if rate is None:
        raise InputError(f"--span {text} is a time: give the sample rate too (--rate 16000), or samples")
    return round(float(match[1]) * rate * (0.001 if match[2] == "ms" else 1.0))


# --- text ------------------------------------------------------------------------------------------------------------


def _ways(told: Spanning) -> list[str]:
    C, axes = told.shape.residual, " along each of 2 axes" if told.dims == 2 else ""
    span = many(told.span, "pixel" if told.dims == 2 else "sample")
    if told.sample_rate is not None:
        span += f", {1000 * told.span / told.sample_rate:,.1f} ms at {told.sample_rate:,} Hz"
    lines = [
        f"to see n = {span}{axes}",
        "",
        f"in plain convolutions, {many(C, 'channel')} in and out, stacks of kernel {told.kernel}",
        f"{'':<4}{'way':<16}{'layers':>12}{'parameters':>18}{'MACs per output':>18}{'sees':>14}",
    ]
    for way in told.ways:
        numbers = f"{way.layers:>12,}{_number(way.parameters):>18}{_number(way.macs):>18}{way.receptive_field:>14,}"
        lines += [f"{'':<4}{way.name:<16}{numbers}", f"{'':<8}{way.law}"]
    return lines


def _number(value: int) -> str:
    return f"{value:,}" if value < 10**13 else f"{float(value):.4g}"


def _proposals(told: Spanning) -> list[str]:
    shape = told.shape
    channels = f"R {shape.residual}, G {shape.gate}, S {shape.skip}, H {shape.head}, P {shape.outputs}"
    lines = [
        f"WaveNets that reach every lag of it, the cheapest first; channels as in `{told.like:.30}`:",
        channels,
        f"{'':<4}{'':<16}{'layers':>12}{'parameters':>18}{'MACs per sample':>18}{'sees':>14}{'ms':>12}",
    ]
    for number, one in enumerate(told.proposals[:SHOWN], 1):
        made = one.shape
        ms = "" if told.sample_rate is None else f"{1000 * made.receptive_field / told.sample_rate:,.1f}"
        numbers = f"{len(made.layers):>12,}{made.parameters():>18,}{made.macs_per_sample():>18,}"
        lines.append(f"{number:<4}{'':<16}{numbers}{made.receptive_field:>14,}{ms:>12}")
        lines += snippet(made.kernels[0], one.pattern)
    left = len(told.proposals) - SHOWN
    return [*lines, f"and {many(left, 'dearer one')} (--json lists all)"] if left > 0 else lines


def snippet(kernel: int, pattern: Pattern) -> list[str]:
    """Return the keys of a recipe's model that a proposal sets, as YAML of at most 100 columns."""
    if isinstance(pattern, dict):
        text = "{" + ", ".join(f"{key}: {value}" for key, value in pattern.items()) + "}"
    else:
        text = str(pattern)
    return textwrap.wrap(
        f"model: {{kernel_size: {kernel}, dilations: {text}}}",
        COLUMNS,
        initial_indent=" " * 8,
        subsequent_indent=" " * 12,
        break_long_words=False,
    )


def _proposal(one: Proposal) -> dict[str, Any]:
    return {
        "model": {"kernel_size": one.shape.kernels[0], "dilations": one.pattern},
        "receptive_field": one.shape.receptive_field,
        "layers": len(one.shape.layers),
        "parameters": one.shape.parameters(),
        "macs_per_sample": one.shape.macs_per_sample(),
    }
