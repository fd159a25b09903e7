"""A tree of plain values -> a frozen record, strictly: unknown keys, wrong types and bad ranges are sentences."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from wavenet import geometry
from wavenet.errors import RecipeError, did_you_mean
from wavenet.text import one_line, shown


@dataclass(frozen=True)
class Between:
    """A field's number lies in [low, high]."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{readable(self.low)} to {readable(self.high)}"


@dataclass(frozen=True)
class OneOf:
    """A field's text is one of some words."""

    choices: tuple[str, ...]

    def __init__(self, *choices: str) -> None:
        object.__setattr__(self, "choices", choices)


@dataclass(frozen=True)
class Parsed:
    """A field is read by a function of (value, dotted key); `takes` says in words what it takes."""

    parse: Callable[[Any, str], Any]
    takes: str = ""


@dataclass(frozen=True)
class Means:
    """What a field is for, in sentences, and the unit of its numbers. It stands behind the field's rule, if any."""

    text: str
    unit: str = ""


TAPS = Between(1, 65_536)
DILATION = Between(1, geometry.MAX_RECEPTIVE_FIELD)


def readable(number: float) -> str:
    """Return a number as people write it: ``"10,000,000"``, ``"0.05"``, ``"1e-08"``."""
    return f"{int(number):,}" if float(number).is_integer() else f"{number:g}"


def build(kind: Any, tree: Any, at: str) -> Any:
    """Return the frozen record `kind` from a mapping; `at` is its dotted key."""
    if not isinstance(tree, dict):
        raise RecipeError(f"{at or 'the recipe'} is {kind_of(tree)}, expected a mapping")
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    prefix = f"{at}." if at else ""
    for key in tree:
        if key not in fields:
            raise RecipeError(_unknown(prefix, key, fields))
    values = {}
    for name, info in fields.items():
        if name in tree:
            values[name] = _value(hints[name], tree[name], prefix + name)
        elif info.default is dataclasses.MISSING:
            raise RecipeError(f"the key {prefix}{name} is missing; add it")
    return kind(**values)


def _value(hint: Any, value: Any, at: str) -> Any:
    """Return `value` checked against the type and the rule of its field."""
    rule = hint.__metadata__[0] if hasattr(hint, "__metadata__") else None
    hint = typing.get_args(hint)[0] if rule else hint
    if isinstance(rule, Parsed):
        return rule.parse(value, at)
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(option for option in typing.get_args(hint) if option is not types.NoneType)
    if dataclasses.is_dataclass(hint):
        return build(hint, value, at)
    if isinstance(rule, Between):
        return _number(value, at, rule) if hint is float else _integer(value, at, rule)
    if not isinstance(value, hint):
        raise RecipeError(f"{at} is {kind_of(value)}, expected {'true or false' if hint is bool else 'text'}")
    if isinstance(rule, OneOf) and value not in rule.choices:
        guess = did_you_mean(value, rule.choices)
        raise RecipeError(f"{at} is {value!r:.60}, expected one of {', '.join(rule.choices)}{guess}")
    return value


def _unknown(prefix: str, key: Any, known: Iterable[str]) -> str:
    spaced = isinstance(key, str) and key != "".join(key.split())  # or empty: it would look like another, or like none
    name = f"{key!r:.60}" if spaced or key == "" else one_line(key, 60)
    return f"unknown key {prefix}{name}{did_you_mean(one_line(key, 60), known)}; known: {', '.join(known)}"


def _number(value: Any, at: str, rule: Between) -> float:
    if isinstance(value, str):  # YAML 1.1 reads 1e-3, without a point, as text
        try:
            value = float(value)
        except ValueError:
            raise RecipeError(f"{at} is the text {value!r:.60}, expected a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecipeError(f"{at} is {kind_of(value)}, expected a number")
    if not rule.low <= value <= rule.high:  # also refuses nan
        raise RecipeError(f"{at} is {_shown(value)}, expected {rule.low:g} to {rule.high:g}")
    return float(value)


def _integer(value: Any, at: str, rule: Between) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RecipeError(f"{at} is {kind_of(value)}, expected a whole number{_written_out(value)}")
    if not rule.low <= value <= rule.high:
        raise RecipeError(f"{at} is {_shown(value)}, expected {int(rule.low)} to {int(rule.high)}")
    return value


def _written_out(value: Any) -> str:
    """Return how a whole number that was written as no such thing is to be written: 1e3, 44100.0 or "5"."""
    try:
        number = float(value) if isinstance(value, str | float) else 0.5
    except ValueError:
        return ""
    return f"; write {int(number)}" if number.is_integer() and abs(number) < 1e15 else ""


def kernels(value: Any, at: str) -> int | tuple[int, ...]:
    """Return taps: one number for every layer, or one for each."""
    if isinstance(value, list):
        return tuple(_integer(item, f"{at}[{i}]", TAPS) for i, item in enumerate(value))
    return _integer(value, at, TAPS)


def words(value: Any, at: str) -> tuple[str, ...] | None:
    """Return a list of words (whole numbers count as such), or None."""
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise RecipeError(f"{at} is {kind_of(value) if value != [] else 'an empty list'}, expected a list of words")
    for i, item in enumerate(value):
        if isinstance(item, bool):  # YAML 1.1 reads yes, no, on and off as these
            raise RecipeError(f"{at}[{i}] is {kind_of(item)}, expected a word; put yes, no, on and off in quotes")
        if not isinstance(item, str | int):
            raise RecipeError(f"{at}[{i}] is {kind_of(item)}, expected a word")
    return tuple(str(item) for item in value)


def dilations(value: Any, at: str) -> geometry.Stacks:
    """Return stacks of dilations from a named pattern, one list, or one list per stack."""
    if isinstance(value, dict):
        return _pattern(value, at)
    if not isinstance(value, list) or not value:
        raise RecipeError(f"{at} is {kind_of(value)}, expected a pattern, a list, or a list of lists")
    stacks = value if all(isinstance(item, list) for item in value) else [value]
    _check_count(sum(len(stack) for stack in stacks), at)
    for s, stack in enumerate(stacks):
        if not stack:
            raise RecipeError(f"{at}[{s}] is an empty stack, expected at least one dilation")
    return tuple(
        tuple(_integer(d, f"{at}[{s}][{i}]", DILATION) for i, d in enumerate(stack)) for s, stack in enumerate(stacks)
    )


def _check_count(layers: int, at: str) -> None:
    if layers > geometry.MAX_LAYERS:
        raise RecipeError(f"{at} makes {layers:,} layers, expected at most {geometry.MAX_LAYERS:,}; take fewer")


def _pattern(value: dict[str, Any], at: str) -> geometry.Stacks:
    known = ("exponential", "hdc", "constant")
    name = value.get("pattern")
    if name not in known:
        raise RecipeError(
            f"{at}.pattern is {shown(name)}, expected one of {', '.join(known)}"
            f"{did_you_mean(name, known) if isinstance(name, str) else ''}"
        )
    keys = ["pattern", "layers", "cycles"] + (["dilation"] if name == "constant" else [])
    for key in value:
        if key not in keys:
            raise RecipeError(_unknown(f"{at}.", key, keys))
    if "layers" not in value:
        raise RecipeError(f"the key {at}.layers is missing; add the layers of one cycle")
    longest = {"exponential": 26, "hdc": 24, "constant": 10_000}[name]  # the last dilation stays below the limit
    layers = _integer(value["layers"], f"{at}.layers", Between(1, longest))
    cycles = _integer(value.get("cycles", 1), f"{at}.cycles", Between(1, 1_000))
    _check_count(layers * cycles, at)
    if name == "exponential":
        return geometry.exponential(layers, cycles)
    if name == "hdc":
        return geometry.hdc(layers, cycles)
    return geometry.constant(layers, cycles, _integer(value.get("dilation", 1), f"{at}.dilation", DILATION))


def _shown(value: float) -> str:
    """Return a number for an error; Python refuses to print whole numbers of thousands of digits."""
    huge = isinstance(value, int) and value.bit_length() > 128
    return f"a whole number of {int(value).bit_length()} bits" if huge else str(value)


def kind_of(value: Any) -> str:
    """Return a value as an error names it, with its type."""
    if value is None:
        return "empty"
    if isinstance(value, int) and value.bit_length() > 128:
        return _shown(value)
    names = {dict: "a mapping", list: "a list", str: "the text", bool: "the truth value", int: "the number"}
    text = names.get(type(value), f"a {type(value).__name__}")
    return text if isinstance(value, dict | list) else f"{text} {value!r:.60}"
