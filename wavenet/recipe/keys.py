"""The keys of a recipe explained, from the records that the loader reads them with."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator
from typing import Any

from wavenet.errors import RecipeError, did_you_mean
from wavenet.recipe.read import to_tree
from wavenet.recipe.records import Recipe
from wavenet.recipe.schema import Between, Field, OneOf, Parsed, fields_of, readable

COLUMNS = 100
HEAD = """# The keys of a recipe

What every key means, what values it takes, and its default; `wavenet recipes --keys` prints this page. A recipe is a
YAML file with a mapping for each section, and `--set SECTION.KEY=VALUE` sets one key of it on the command line. A key
without a default must be given.

"""
KINDS = {int: "whole number", float: "number", str: "text", bool: "true or false"}


def explain(asked: str = "") -> str:
    """Return the keys that are asked for in Markdown: one, all of a section, all of a name, or the whole page."""
    parts, known = [], []
    for name, record in _sections(Recipe, ""):
        keys = {f"{name}.{field.name}".lstrip("."): field for field in fields_of(record)}
        keys = {key: field for key, field in keys.items() if not _is_section(field)}
        known += [name, *keys] if name else [*keys]
        if asked and name != asked and not name.startswith(f"{asked}."):
            keys = {key: field for key, field in keys.items() if key == asked or key.endswith(f".{asked}")}
        if keys:
            summary = (record.__doc__ or "").partition("\n")[0]
            head = f"## {name}\n\n{textwrap.fill(summary, COLUMNS)}\n\n" if name else ""
            parts.append(head + "".join(_item(key, field) for key, field in keys.items()))
    if not parts:
        guess = did_you_mean(asked, known)
        raise RecipeError(f"a recipe has no key {asked!r:.60}{guess}; `wavenet recipes --keys` lists all")
    return ("" if asked else HEAD) + "\n".join(parts)


def _sections(record: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield a record and those in it with their dotted names, in their order."""
    yield name, record
    for field in fields_of(record):
        if _is_section(field):
            yield from _sections(field.kind, f"{name}.{field.name}".lstrip("."))


def _item(key: str, field: Field) -> str:
    """Return what there is to know of a key as an item of a list in Markdown."""
    default = "no default" if field.default is dataclasses.MISSING else f"default {_yaml(field.default)}"
    first = f"- `{key}`: {_takes(field)}{', or null' if field.optional else ''}; {default}."
    return "".join(
        f"{textwrap.fill(line, COLUMNS, initial_indent=indent, subsequent_indent='  ', break_on_hyphens=False)}\n"
        for line, indent in ((first, ""), (field.meaning, "  "))
    )


def _takes(field: Field) -> str:
    """Return what a key takes, in words, with the unit of its numbers."""
    rule = field.rule
    if isinstance(rule, Between):
        return f"{KINDS[field.kind]}, {rule} {rule.unit}".rstrip()
    if isinstance(rule, OneOf):
        return f"one of {', '.join(rule.choices)}" if len(rule.choices) > 1 else rule.choices[0]
    return rule.takes if isinstance(rule, Parsed) else KINDS[field.kind]


def _yaml(value: Any) -> str:
    """Return a default as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str | int | float):
        return str(to_tree(value))
    return readable(value) if isinstance(value, int | float) else str(value)


def _is_section(field: Field) -> bool:
    """Return whether a key holds a mapping of keys that are explained one by one."""
    return dataclasses.is_dataclass(field.kind) and not isinstance(field.rule, Parsed)
