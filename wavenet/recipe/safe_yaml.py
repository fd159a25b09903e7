"""YAML 1.2, read safely: nothing in a file is executed, and no file takes long to refuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from wavenet.disk import read_at_most
from wavenet.errors import RecipeError
from wavenet.text import one_line

MAX_YAML_BYTES = 1 << 20  # a LAYERS.yaml of 10,000 layers has half of it
TAG = "tag:yaml.org,2002:"
CORE = {  # the core schema of YAML 1.2, where yes is text, 010 is ten and 1e-3 is a number; _ may group digits
    "null": "~|null|Null|NULL|",
    "bool": "true|True|TRUE|false|False|FALSE",
    "int": "[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}


class _Loader(yaml.SafeLoader):
    """Makes plain values only; a key that is given twice is refused, and << is a key like any other."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Check the keys, where PyYAML would merge other mappings in, with which a small file can fill a machine."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r:.60} is given twice", problem_mark=key.start_mark
                    )
                seen.add((key.tag, key.value))

    def construct_yaml_int(self, node: Any) -> int:
        """Return a whole number."""
        text = self.construct_scalar(node).replace("_", "")
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))

    def construct_yaml_float(self, node: Any) -> float:
        """Return a number."""
        text = self.construct_scalar(node).replace("_", "").lower()
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))


class _Dumper(yaml.SafeDumper):
    """Puts text in quotes that would be read as something else: by YAML 1.2, or by YAML 1.1, which others may use."""

    def analyze_scalar(self, scalar: str) -> Any:
        """Have a line break that is not a newline written as an escape: PyYAML would read it back as a space."""
        analysis = super().analyze_scalar(scalar)
        if not set("\x85\u2028\u2029").isdisjoint(scalar):
            analysis.allow_flow_plain = analysis.allow_block_plain = False
            analysis.allow_single_quoted = analysis.allow_block = False
        return analysis


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern in CORE.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"{TAG}{_name}", re.compile(f"(?:{_pattern})$"), None)
_Loader.add_constructor(f"{TAG}int", _Loader.construct_yaml_int)
_Loader.add_constructor(f"{TAG}float", _Loader.construct_yaml_float)


def read_text(path: Path) -> str:
    """Return the text of a recipe; RecipeError where the file cannot be read, is too large or is not text."""
    try:
        return read_at_most(path, MAX_YAML_BYTES)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path} cannot be read: {one_line(error)}") from None


def read_yaml(path: Path) -> Any:
    """Return the plain values of a YAML file; errors are those of `read_text` and `parse`."""
    return parse(read_text(path), str(path))


def parse(text: str, where: str) -> Any:
    """Return the plain values of YAML text; RecipeError, which names `where`, if it is too long or is not YAML."""
    if len(text) > MAX_YAML_BYTES:
        raise RecipeError(f"{where} has {len(text):,} characters, expected at most {MAX_YAML_BYTES:,}")
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" (line {error.problem_mark.line + 1})"
        told = f"{error.problem}{line}"
    except RecursionError:
        told = "it is nested too deeply"
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        told = f"a value does not fit its type ({one_line(error)})"  # such as !!int x
    raise RecipeError(f"{where} cannot be read as YAML: {one_line(told)}")


def to_yaml(tree: dict[str, Any]) -> str:
    """Return plain values as YAML, the keys in their order."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
