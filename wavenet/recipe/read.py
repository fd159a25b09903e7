"""Recipes as files: a strict loader, ``--set`` overrides and a full dump. A typo is found before torch is loaded."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wavenet import geometry
from wavenet.disk import read_json, user_path
from wavenet.errors import BundleError, RecipeError
from wavenet.recipe.contradictions import of_condition
from wavenet.recipe.records import Recipe
from wavenet.recipe.safe_yaml import parse, read_yaml, to_yaml
from wavenet.recipe.schema import build
from wavenet.text import many, one_line, shown

MAX_PARAMETERS = 2_000_000_000  # beyond it the record is refused before anything asks for memory
BUNDLE_VERSION = 1
MAX_NAME = 200  # bytes of a recipe's name: file systems take 255, and a sound's name has the seed in it too


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe in a YAML file, or the one inside a bundle's config.json.

    Args:
        path: the file. Paths inside a recipe are relative to its folder.
        overrides: ``KEY=VALUE`` at dotted keys, VALUE in YAML. Paths in them are relative to the current folder.

    Raises:
        RecipeError: anything in it is unknown, missing, of the wrong type, out of range or contradictory.
    """
    return built(plain(path), overrides, str(path), path.parent)


def plain(path: Path) -> dict[str, Any]:
    """Return what is written in a recipe's file, not checked yet; arguments and errors are those of `load`."""
    tree = read_bundle_config(path)["recipe"] if path.name == "config.json" else read_yaml(path)
    if not isinstance(tree, dict):
        raise RecipeError(f"{path} is {shown(tree)}, expected a mapping of sections (see `wavenet recipes`)")
    if "layers" in tree and "model" not in tree:
        raise RecipeError(f"{path} is a list of layers, which only `wavenet inspect` reads; give a recipe")
    return tree


def overridden(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """Return a recipe with ``KEY=VALUE`` set at dotted keys, as `load` does it."""
    return built(to_tree(recipe), overrides, recipe.name, Path()) if overrides else recipe


def built(tree: dict[str, Any], overrides: Sequence[str], where: str, folder: Path) -> Recipe:
    """Return the record of a tree with overrides.

    Args:
        tree: plain values.
        overrides: as `load` takes them.
        where: its origin, for errors.
        folder: that paths in the tree are relative to.

    Raises:
        RecipeError: as `load`.
    """
    recipe = from_tree(with_overrides(tree, overrides), where)
    if recipe.data.path is None:
        return recipe
    beside = Path() if "path" in with_overrides({}, overrides).get("data", {}) else folder
    try:
        path = (beside / user_path(recipe.data.path)).resolve()
    except (RecipeError, OSError, RuntimeError) as error:  # the last: links that lead in a circle
        raise RecipeError(f"{where}: data.path: {error}") from None
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, path=str(path)))


def with_overrides(tree: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a tree with the YAML of each ``KEY=VALUE`` set at its dotted key."""
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise RecipeError(f"--set got {override!r:.100}, expected KEY=VALUE such as train.steps=80")
        inner = tree = dict(tree)
        *sections, last = key.split(".")
        for section in sections:
            own = inner.get(section)
            inner[section] = dict(own) if isinstance(own, dict) else {}
            inner = inner[section]
        inner[last] = parse(value, f"--set {one_line(key, 100)}: the value")
    return tree


def from_tree(tree: dict[str, Any], where: str) -> Recipe:
    """Return the checked record of a tree of plain values; `where` names its origin in errors."""
    try:
        recipe: Recipe = build(Recipe, tree, "")
        for wrong in _contradictions(recipe):
            raise RecipeError(wrong)
    except RecipeError as error:
        raise RecipeError(f"{where}: {one_line(error, 400)}") from None
    return recipe


def to_tree(record: Any) -> Any:
    """Return a record as plain dictionaries, lists and values, every key included."""
    if isinstance(record, geometry.Encoder):
        return record.tree()
    if record == ():  # no fields; nothing else may be an empty list
        return {}
    if isinstance(record, tuple) and any(isinstance(item, tuple) and isinstance(item[0], str) for item in record):
        return dict(record)
    if dataclasses.is_dataclass(record):
        return {f.name: to_tree(getattr(record, f.name)) for f in dataclasses.fields(record)}
    return [to_tree(item) for item in record] if isinstance(record, tuple) else record


def flat(tree: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield the keys of a recipe's plain values, such as ``data.level.rms``, with what they hold as text."""
    if not isinstance(tree, dict):
        yield at, "nothing" if tree is None else str(tree)
        return
    for key, value in tree.items():
        yield from flat(value, f"{at}.{key}" if at else key)


def dump(recipe: Recipe) -> str:
    """Return the whole recipe as YAML that `load` reads back to an equal record."""
    return to_yaml(to_tree(recipe))


def _contradictions(recipe: Recipe) -> Iterator[str]:
    """Yield a sentence for each value that the range of its own key cannot refuse."""
    if not re.fullmatch(r"[\w-][\w.-]*", recipe.name):
        yield f"name is {shown(recipe.name)}, expected letters, digits, '-', '_' and '.' (it names the run folder)"
    if len(recipe.name.encode()) > MAX_NAME:
        yield f"name is {shown(recipe.name)}, expected at most {MAX_NAME} bytes (it names files)"
    layers, kernels = sum(len(stack) for stack in recipe.model.dilations), recipe.model.kernel_size
    if isinstance(kernels, tuple) and len(kernels) != layers:
        kernel_count = many(len(kernels), "kernel")
        yield f"model.kernel_size lists {kernel_count} for {many(layers, 'layer')}; give one for each"
    if recipe.data.level.rms is not None and recipe.data.level.peak is not None:
        yield "data.level has both rms and peak; keep one of them"
    if recipe.data.split.valid_percent + recipe.data.split.test_percent > 80:
        yield "data.split leaves less than 20 % for training; lower valid_percent or test_percent"
    if recipe.condition is not None:
        yield from of_condition(recipe.condition, recipe)
    if recipe.train.only is not None and (
        recipe.condition is None or (recipe.condition.acoustic or recipe.condition.durations) is None
    ):
        yield (
            f"train.only is {recipe.train.only}, but there is neither condition.acoustic nor condition.durations; add "
            "one of them, or leave train.only out"
        )
    field, parameters = recipe.shape.receptive_field, recipe.shape.parameters()
    if field > geometry.MAX_RECEPTIVE_FIELD:
        yield (
            f"model.dilations give a receptive field of {field:,} samples, expected at most "
            f"{geometry.MAX_RECEPTIVE_FIELD:,}; take fewer layers or smaller kernels"
        )
    if parameters > MAX_PARAMETERS:
        yield f"the model has {parameters:,} parameters, expected at most {MAX_PARAMETERS:,}; lower its channels"


def read_bundle_config(path: Path) -> dict[str, Any]:
    """Return a bundle's config.json; BundleError where it is unreadable, not ours or of another version."""
    config = read_json(path)
    if not isinstance(config, dict) or config.get("format") != "wavenet-bundle":
        raise BundleError(f"{path} is not the config.json of a wavenet bundle; give a run or bundle folder")
    version = config.get("version")
    if type(version) is not int or version != BUNDLE_VERSION:
        raise BundleError(
            f"{path} has the format version {shown(version)}, expected {BUNDLE_VERSION}; upgrade wavenet-audio, or get "
            "the bundle again"
        )
    if not isinstance(config.get("recipe"), dict):
        raise BundleError(f"{path} holds no recipe; get the bundle again")
    return config


def parse_duration(text: str) -> float:
    """Return seconds from ``90``, ``90s``, ``500ms``, ``30m`` or ``1h30m``; RecipeError where it is none of these."""
    number = r"(?:(\d+(?:\.\d+)?)"
    match = re.fullmatch(rf"{number}h)?{number}m)?{number}(?:s|$))?{number}ms)?", text.strip())
    if not match or not any(match.groups()):
        raise RecipeError(f"the duration is {text!r}, expected a time such as 500ms, 90s, 30m, 2h or 1h30m")
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
