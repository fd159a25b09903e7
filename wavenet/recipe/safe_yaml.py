"""Text <-> plain values: YAML and JSON, read safely. No file is executed, and none costs much to refuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from wavenet.disk import read_at_most
from wavenet.errors import RecipeError
from wavenet.text import one_line

MAX_YAML_BYTES = 1 << 20  # a LAYERS.yaml of 10,000 layers has half of it
MAX_DEPTH = 100  # of brackets within brackets, which take time that grows with its square
MAX_NUMBER = 10_000  # characters: reading sexagesimal 1:1:1... takes time that grows with their square


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key written twice instead of keeping the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node."""
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise yaml.YAMLError(f"merge keys (<<, line {key_node.start_mark.line + 1}) are not read; write it out")
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float) and key in seen:
                raise yaml.YAMLError(f"the key {key!r:.60} stands twice (line {key_node.start_mark.line + 1})")
            seen.add(key if isinstance(key, str | int | float) else id(key))
        return super().construct_mapping(node, deep)

    def fetch_flow_collection_start(self, token: Any) -> None:
        """Begin a list or a mapping in brackets."""
        if self.flow_level >= MAX_DEPTH:
            raise yaml.YAMLError(f"brackets stand in brackets more than {MAX_DEPTH} deep (line {self.line + 1})")
        super().fetch_flow_collection_start(token)

    def construct_scalar(self, node: Any) -> Any:
        """Return the text of a node."""
        text = super().construct_scalar(node)
        if node.tag == "tag:yaml.org,2002:int" and re.fullmatch("[-+]?0[0-9_]+", text):
            raise yaml.YAMLError(
                f"{text:.40} (line {node.start_mark.line + 1}) would be read to the base 8; leave out the 0 in front, "
                "or put text in quotes"
            )
        if len(text) > MAX_NUMBER and node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
            raise yaml.YAMLError(f"a number has {len(text):,} characters (line {node.start_mark.line + 1})")
        return text


def read_text(path: Path) -> str:
    """Return the text of a recipe.

    Raises:
        RecipeError: the file cannot be read, is too large or is no text.
    """
    try:
        return read_at_most(path, MAX_YAML_BYTES)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path} cannot be read: {one_line(error)}") from None


def read_yaml(path: Path) -> Any:
    """Return the plain values of a YAML file, safely.

    Raises:
        RecipeError: the file cannot be read, is too large or is no YAML.
    """
    try:
        return _parse(read_at_most(path, MAX_YAML_BYTES))
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise RecipeError(f"{path} cannot be read as YAML: {one_line(error)}") from None


def read_value(text: str, where: str) -> Any:
    """Return the plain value of YAML text; `where` names its origin in errors.

    Raises:
        RecipeError: the text is too long or is no YAML.
    """
    try:
        if len(text) > MAX_YAML_BYTES:
            raise ValueError(f"it has {len(text):,} characters, expected at most {MAX_YAML_BYTES:,}")
        return _parse(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise RecipeError(f"{where}: the value is no YAML: {one_line(error)}") from None


def _parse(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise yaml.YAMLError(f"a value does not fit its tag ({one_line(error)})") from None


def to_yaml(tree: dict[str, Any]) -> str:
    """Return plain values as YAML, the keys in their order."""
    return yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
