"""The keys of a recipe explained, from the records that the loader reads them with."""

from __future__ import annotations

import dataclasses
import textwrap
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wavenet.errors import RecipeError, did_you_mean
from wavenet.recipe.records import Recipe
from wavenet.recipe.schema import Between, Means, OneOf, Parsed, readable

COLUMNS = 100
HEAD = """# The keys of a recipe

What every key means, what it may be, and what it is where it is left out; `wavenet recipes --keys` prints this page. A
recipe is a YAML file with a mapping for each section, and `--set SECTION.KEY=VALUE` sets one key of it on the command
line. A key without a default must be given.
"""
KINDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}


@dataclass(frozen=True)
class Key:
    """One key of a recipe.

    Args:
        name: dotted, such as train.steps.
        meaning: what it is for, in sentences.
        takes: what it may be, in words, with the unit of its numbers.
        default: what it is where it is left out, as YAML; None: it must be given.
    """

    name: str
    meaning: str
    takes: str
    default: str | None

    def to_text(self) -> str:
        """Return two lines or more, an item of a list in Markdown."""
        default = "no default" if self.default is None else f"default {self.default}"
        lines = [f"- `{self.name}`: {self.takes}; {default}.", self.meaning]
        return "\n".join(
            textwrap.fill(line, COLUMNS, initial_indent=indent, subsequent_indent="  ", break_on_hyphens=False)
            for line, indent in zip(lines, ("", "  "), strict=True)
        )


@dataclass(frozen=True)
class Section:
    """A mapping of keys; the recipe itself has an empty name."""

    name: str
    meaning: str
    keys: tuple[Key, ...]

    def to_text(self) -> str:
        """Return a part of the page, in Markdown."""
        head = f"## {self.name}\n\n{textwrap.fill(self.meaning, COLUMNS)}\n\n" if self.name else ""
        return head + "\n".join(key.to_text() for key in self.keys)


def sections(record: Any = Recipe, name: str = "") -> Iterator[Section]:
    """Yield the sections of a recipe in their order, each before those in it."""
    hints = typing.get_type_hints(record, include_extras=True)
    own, inner = [], []
    for field in dataclasses.fields(record):
        at = f"{name}.{field.name}" if name else field.name
        kind = _options(hints[field.name])[0]
        if dataclasses.is_dataclass(kind):
            inner.append((kind, at))
        else:
            own.append(_key(at, hints[field.name], field))
    yield Section(name, (record.__doc__ or "").partition("\n")[0], tuple(own))
    for kind, at in inner:
        yield from sections(kind, at)


def chosen(text: str = "") -> list[Section]:
    """Return the sections with the keys that are asked for: one, all of a section, all so called, or every one.

    Raises:
        RecipeError: there is no such key.
    """
    found = []
    for section in sections():
        whole = not text or section.name == text or section.name.startswith(f"{text}.")
        keys = [key for key in section.keys if whole or key.name == text or key.name.endswith(f".{text}")]
        found += [dataclasses.replace(section, keys=tuple(keys))] if keys else []
    if not found:
        known = [name for section in sections() for name in (section.name, *(key.name for key in section.keys)) if name]
        raise RecipeError(
            f"a recipe has no key {text!r:.60}{did_you_mean(text, known)}; `wavenet recipes --keys` lists all"
        )
    return found


def page() -> str:
    """Return all keys as a page in Markdown, recipes/README.md."""
    return "\n".join([HEAD, *(f"{section.to_text()}\n" for section in sections())])


def _key(name: str, hint: Any, field: dataclasses.Field[Any]) -> Key:
    """Return what a record says of one of its fields."""
    means = next((one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Means)), Means(""))
    default = None if field.default is dataclasses.MISSING else _plain(field.default)
    return Key(name, means.text, _takes(hint, means.unit), default)


def _options(hint: Any) -> list[Any]:
    """Return the types that a field may have, none aside."""
    bare = typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    options = typing.get_args(bare) if isinstance(bare, types.UnionType) else (bare,)
    return [one for one in options if one is not types.NoneType]


def _takes(hint: Any, unit: str) -> str:
    """Return what a field takes, in words, with the unit of its numbers."""
    bare = typing.get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    null = ", or null" if types.NoneType in typing.get_args(bare) else ""
    for rule in getattr(hint, "__metadata__", ()):
        if isinstance(rule, Between):
            return f"{KINDS[_options(hint)[0]]}, {rule}{f' {unit}' if unit else ''}{null}"
        if isinstance(rule, OneOf):
            return f"one of {', '.join(rule.choices)}{null}" if len(rule.choices) > 1 else f"{rule.choices[0]}{null}"
        if isinstance(rule, Parsed):
            return f"{rule.takes}{f' ({unit})' if unit else ''}{null}"
    return f"{KINDS[_options(hint)[0]]}{null}"


def _plain(value: Any) -> str:
    """Return a default as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return readable(value) if isinstance(value, int | float) else str(value)
