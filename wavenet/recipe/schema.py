"""A tree of plain values -> a frozen record, strictly: unknown keys, wrong types and bad ranges are sentences."""

from __future__ import annotations

import dataclasses
import re
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
    """A field's number lies in [low, high], and has this unit."""

    low: float
    high: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{readable(self.low)} to {readable(self.high)}"


@dataclass(frozen=True)
class OneOf:
    """A field's text is one of some words."""

    choices: tuple[str, ...]


@dataclass(frozen=True)
class Parsed:
    """A field is read by a function of (value, dotted key); `takes` says in words what it takes."""

    parse: Callable[[Any, str], Any]
    takes: str = ""


@dataclass(frozen=True)
class Field:
    """One key of a record, as its annotation says: ``Annotated[type, rule, "What it is for."]``, rule or not."""

    name: str
    kind: Any  # its type, less None
    optional: bool  # whether null is allowed
    rule: Any  # Between, OneOf, Parsed or None
    meaning: str
    default: Any  # MISSING: the key must be given


def fields_of(record: Any) -> list[Field]:
    """Return the keys of a record in their order."""
    hints, found = typing.get_type_hints(record, include_extras=True), []
    for info in dataclasses.fields(record):
        hint = hints[info.name]
        notes: tuple[Any, ...] = getattr(hint, "__metadata__", ())
        hint = hint.__origin__ if notes else hint
        optional = types.NoneType in typing.get_args(hint)
        kind = next(one for one in typing.get_args(hint) if one is not types.NoneType) if optional else hint
        rule = next((note for note in notes if not isinstance(note, str)), None)
        meaning = next((note for note in notes if isinstance(note, str)), "")
        found.append(Field(info.name, kind, optional, rule, meaning, info.default))
    return found


TAPS = Between(1, 65_536, "taps")
FRAMES = Between(1, 10_000, "frames")
DILATION = Between(1, geometry.MAX_RECEPTIVE_FIELD, "samples")


def readable(number: float) -> str:
    """Return a number as people write it: ``"10,000,000"``, ``"0.05"``, ``"1e-08"``."""
    return f"{int(number):,}" if float(number).is_integer() else f"{number:g}"


def build(record: Any, tree: Any, at: str) -> Any:
    """Return a frozen record from a mapping; `at` is its dotted key."""
    if not isinstance(tree, dict):
        raise RecipeError(f"{at or 'the recipe'} is {shown(tree)}, expected a mapping")
    fields = {field.name: field for field in fields_of(record)}
    prefix = f"{at}." if at else ""
    check_keys(tree, prefix, fields)
    for name, field in fields.items():
        if name not in tree and field.default is dataclasses.MISSING:
            raise RecipeError(f"the key {prefix}{name} is missing; add it")
    return record(**{name: _value(fields[name], value, prefix + name) for name, value in tree.items()})


def _value(field: Field, value: Any, at: str) -> Any:
    """Return `value` checked against the type and the rule of its field."""
    if value is None and field.optional:
        return None
    if isinstance(field.rule, Parsed):
        return field.rule.parse(value, at)
    if dataclasses.is_dataclass(field.kind):
        return build(field.kind, value, at)
    if isinstance(field.rule, Between):
        return number(value, at, field.rule, field.kind)
    if not isinstance(value, field.kind):
        raise RecipeError(f"{at} is {shown(value)}, expected {'true or false' if field.kind is bool else 'text'}")
    if isinstance(field.rule, OneOf):
        check_choice(value, at, field.rule.choices)
    return value


def check_keys(tree: dict[Any, Any], prefix: str, known: Iterable[str]) -> None:
    """Raise RecipeError where a mapping has a key that is not known."""
    for key in tree:
        if key not in known:
            plain = isinstance(key, str) and key.split() == [key]  # else it could look like another key, or like none
            name = one_line(key, 60) if plain else shown(key)
            raise RecipeError(f"unknown key {prefix}{name}{did_you_mean(str(name), known)}; known: {', '.join(known)}")


def check_choice(value: Any, at: str, known: Iterable[str]) -> None:
    """Raise RecipeError where a value is none of the known words."""
    if value not in known:
        guess = did_you_mean(value, known) if isinstance(value, str) else ""
        raise RecipeError(f"{at} is {shown(value)}, expected one of {', '.join(known)}{guess}")


def number(value: Any, at: str, rule: Between, kind: type = int) -> Any:
    """Return a number of a kind, int or float, that lies between two others."""
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        raise RecipeError(
            f"{at} is {shown(value)}, expected a {'whole ' if kind is int else ''}number"
            f"{f'; write {int(value)}' if whole else ''}"
        )
    if not rule.low <= value <= rule.high:  # also refuses nan
        raise RecipeError(f"{at} is {shown(value)}, expected {rule}")
    return kind(value)


def kernels(value: Any, at: str) -> int | tuple[int, ...]:
    """Return taps: one number for every layer, or one for each."""
    if isinstance(value, list):
        return tuple(number(item, f"{at}[{i}]", TAPS) for i, item in enumerate(value))
    return int(number(value, at, TAPS))


def words(value: Any, at: str) -> tuple[str, ...]:
    """Return a list of words; whole numbers count as such."""
    if not isinstance(value, list) or not value:
        raise RecipeError(f"{at} is {shown(value)}, expected a list of words")
    for i, item in enumerate(value):
        if isinstance(item, bool) or not isinstance(item, str | int):
            raise RecipeError(f"{at}[{i}] is {shown(item)}, expected a word; put it in quotes")
    return tuple(map(str, value))


def sizes(value: Any, at: str) -> tuple[tuple[str, int], ...]:
    """Return names with a whole number each, from a mapping; a list of pairs is what a record gives."""
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise RecipeError(f"{at} is {shown(value)}, expected a mapping such as {{speaker: 6}}")
    for name, _ in pairs:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][\w-]*", name):
            raise RecipeError(f"{at} has the name {shown(name)}, expected a word, such as speaker")
    return tuple((name, number(size, f"{at}.{name}", Between(0, 100_000, "values"))) for name, size in pairs)


def language_name(value: Any, at: str) -> str:
    """Return the name of a language."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{2,}(-[A-Za-z0-9]+)*", value):
        raise RecipeError(f"{at} is {shown(value)}, expected the name of a language, such as de or fr-fr")
    return value


def names(value: Any, at: str) -> tuple[tuple[str, str], ...]:
    """Return names with a name each, from a mapping."""
    if isinstance(value, list) and not value:
        return ()
    if not isinstance(value, dict) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise RecipeError(f"{at} is {shown(value)}, expected a mapping such as {{pitch: label}}")
    return tuple(value.items())


def convolutions(value: Any, at: str) -> geometry.Encoder:
    """Return convolutions over frames, one after the other or side by side."""
    if isinstance(value, dict) and "pyramid" in value:
        check_keys(value, f"{at}.", ["pyramid", "pooled"])
        given, pooled = value["pyramid"], value.get("pooled", False)
        if not isinstance(given, list) or not given or not isinstance(pooled, bool):
            raise RecipeError(f"{at} is {shown(value)}, expected such as {{pyramid: [1, 2, 4], pooled: false}}")
        found = tuple(number(d, f"{at}.pyramid[{i}]", FRAMES) for i, d in enumerate(given))
        return geometry.Encoder(tuple((3, dilation) for dilation in found), pyramid=True, pooled=pooled)
    if not isinstance(value, list):
        raise RecipeError(f"{at} is {shown(value)}, expected a list such as [{{kernel: 3, dilation: 1}}]")
    layers = []
    for i, layer in enumerate(value):
        own = f"{at}[{i}]"
        if not isinstance(layer, dict) or "kernel" not in layer:
            raise RecipeError(f"{own} is {shown(layer)}, expected such as {{kernel: 3, dilation: 1}}")
        check_keys(layer, f"{own}.", ["kernel", "dilation"])
        kernel = number(layer["kernel"], f"{own}.kernel", Between(1, 255))
        if kernel % 2 == 0:
            raise RecipeError(f"{own}.kernel is {kernel}, expected an odd number, which has a middle")
        layers.append((kernel, number(layer.get("dilation", 1), f"{own}.dilation", FRAMES)))
    return geometry.Encoder(tuple(layers))


def dilations(value: Any, at: str) -> geometry.Stacks:
    """Return stacks of dilations from a named pattern, one list, or one list per stack."""
    if isinstance(value, dict):
        return _pattern(value, at)
    if not isinstance(value, list) or not value:
        raise RecipeError(f"{at} is {shown(value)}, expected a pattern, a list, or a list of lists")
    stacks = value if all(isinstance(item, list) for item in value) else [value]
    _check_count(sum(len(stack) for stack in stacks), at)
    for s, stack in enumerate(stacks):
        if not stack:
            raise RecipeError(f"{at}[{s}] is an empty stack, expected at least one dilation")
    return tuple(
        tuple(number(d, f"{at}[{s}][{i}]", DILATION) for i, d in enumerate(stack)) for s, stack in enumerate(stacks)
    )


def _check_count(layers: int, at: str) -> None:
    if layers > geometry.MAX_LAYERS:
        raise RecipeError(f"{at} makes {layers:,} layers, expected at most {geometry.MAX_LAYERS:,}; take fewer")


# how each makes its stacks, and the most layers of a cycle, so that its last dilation stays below the limit
PATTERNS: dict[str, tuple[Callable[..., geometry.Stacks], int]] = {
    "exponential": (geometry.exponential, 26),
    "hdc": (geometry.hdc, 24),
    "constant": (geometry.constant, 10_000),
}


def _pattern(value: dict[str, Any], at: str) -> geometry.Stacks:
    name: Any = value.get("pattern")
    check_choice(name, f"{at}.pattern", tuple(PATTERNS))
    check_keys(value, f"{at}.", ["pattern", "layers", "cycles", *(["dilation"] if name == "constant" else [])])
    if "layers" not in value:
        raise RecipeError(f"the key {at}.layers is missing; add the layers of one cycle")
    make, most = PATTERNS[name]
    layers = number(value["layers"], f"{at}.layers", Between(1, most))
    cycles = number(value.get("cycles", 1), f"{at}.cycles", Between(1, 1_000))
    _check_count(layers * cycles, at)
    if name == "constant":
        return make(layers, cycles, number(value.get("dilation", 1), f"{at}.dilation", DILATION))
    return make(layers, cycles)
