"""Recipes: a strict loader, ``--set`` overrides, full dump, and how they are found. A typo dies before torch loads."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wavenet import catalogue, geometry
from wavenet.errors import BundleError, InputError, RecipeError, did_you_mean
from wavenet.kinds import is_run, kind_at, near_path
from wavenet.plain import one_line, read_json, read_value, read_yaml, to_yaml
from wavenet.progress import many
from wavenet.records import Recipe
from wavenet.strict import build, kind_of

MAX_PARAMETERS = 2_000_000_000  # beyond it the record is refused before anything asks for memory
BUNDLE_VERSION = 1
MAX_DEPTH = 16  # of a dotted key
WRITTEN = ("environment.json", "checkpoints", "metrics.csv", "train.log")  # by training, beside config.yaml
RUNS = Path("runs")  # where runs go by default
MAX_NAME = 200  # bytes of a recipe's name: file systems take 255, and a sound's name has the seed in it too


# --- reading ---------------------------------------------------------------------------------------------------------


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe in a YAML file, or the one inside a bundle's config.json.

    Args:
        path: the file. Paths inside a recipe are relative to its folder.
        overrides: ``KEY=VALUE`` at dotted keys, VALUE in YAML. Paths in them are relative to the current folder.

    Raises:
        RecipeError: anything in it is unknown, missing, of the wrong type, out of range or contradictory.
    """
    tree = read_bundle_config(path)["recipe"] if path.name == "config.json" else read_yaml(path)
    if not isinstance(tree, dict):
        raise RecipeError(f"{path} holds {kind_of(tree)}, expected a mapping of sections (see `wavenet recipes`)")
    return _overridden(tree, overrides, str(path), path.parent)


def overridden(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """Return a record with ``KEY=VALUE`` set at dotted keys, as `load` does it.

    Raises:
        RecipeError: as of `load`.
    """
    return _overridden(to_tree(recipe), overrides, recipe.name, Path()) if overrides else recipe


def _overridden(tree: dict[str, Any], overrides: Sequence[str], where: str, folder: Path) -> Recipe:
    """Return the record of a tree with overrides; paths in the tree are relative to `folder`."""
    for override in overrides:
        tree = _override(tree, override)
    recipe = from_tree(tree, where)
    if recipe.data.path is None:
        return recipe
    beside = Path() if "path" in _said_of_data(overrides) else folder
    try:
        path = (beside / user_path(recipe.data.path)).resolve()
    except (RecipeError, OSError, RuntimeError) as error:  # the last: links that lead in a circle
        raise RecipeError(f"{where}: data.path: {error}") from None
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, path=str(path)))


def from_tree(tree: dict[str, Any], where: str) -> Recipe:
    """Return the checked record of a tree of plain values; `where` names its origin in errors."""
    try:
        recipe: Recipe = build(Recipe, tree, "")
        _check(recipe)
    except RecipeError as error:
        raise RecipeError(f"{where}: {one_line(error, 400)}") from None
    return recipe


def to_tree(record: Any) -> Any:
    """Return a record as plain dictionaries, lists and values, every key included."""
    if dataclasses.is_dataclass(record):
        return {f.name: to_tree(getattr(record, f.name)) for f in dataclasses.fields(record)}
    return [to_tree(item) for item in record] if isinstance(record, tuple) else record


def dump(recipe: Recipe) -> str:
    """Return the whole recipe as YAML that `load` reads back to an equal record."""
    return to_yaml(to_tree(recipe))


def read_bundle_config(path: Path) -> dict[str, Any]:
    """Return a bundle's config.json.

    Raises:
        BundleError: it is unreadable, not ours, or newer than this program.
    """
    config = read_json(path)
    if not isinstance(config, dict) or config.get("format") != "wavenet-bundle":
        raise BundleError(f"{path} is not the config.json of a wavenet bundle; give a run or bundle folder")
    version = config.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BundleError(f"{path} has the format version {version!r:.60}, expected {BUNDLE_VERSION}; get it again")
    if version > BUNDLE_VERSION:
        raise BundleError(
            f"{path} has format version {version!r:.60}, this program reads up to {BUNDLE_VERSION}; "
            "upgrade wavenet-audio"
        )
    if not isinstance(config.get("recipe"), dict):
        raise BundleError(f"{path} holds no recipe; get the bundle again")
    checked: dict[str, Any] = config
    return checked


def _override(tree: dict[str, Any], text: str) -> dict[str, Any]:
    """Return `tree` with one ``KEY=VALUE`` set at its dotted key."""
    key, equals, value = text.partition("=")
    keys, shown = key.split("."), one_line(key, 100)
    if not equals or not key:
        raise RecipeError(f"--set got {text!r:.100}, expected KEY=VALUE such as train.steps=80")
    if len(keys) > MAX_DEPTH:
        raise RecipeError(f"--set {shown}: the key has {len(keys):,} parts, expected at most {MAX_DEPTH}")
    return _set(tree, keys, read_value(value, f"--set {shown}"))


def _said_of_data(overrides: Sequence[str]) -> dict[str, Any]:
    """Return what overrides say of the data, less what the recipe says."""
    tree: dict[str, Any] = {}
    for override in overrides:
        tree = _override(tree, override)
    data = tree.get("data")
    return data if isinstance(data, dict) else {}


def _set(tree: dict[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    """Return a copy of `tree` with `value` at a path of keys."""
    if len(keys) > 1:
        inner = tree.get(keys[0])
        value = _set(inner if isinstance(inner, dict) else {}, keys[1:], value)
    return {**tree, keys[0]: value}


def _check(recipe: Recipe) -> None:
    """Raise RecipeError where two keys contradict each other."""
    if not recipe.name or not all(c.isalnum() or c in "-_." for c in recipe.name) or recipe.name.startswith("."):
        raise RecipeError(
            f"name is {recipe.name!r}, expected letters, digits, '-', '_' and '.' (it names the run folder)"
        )
    if len(recipe.name.encode()) > MAX_NAME:
        raise RecipeError(f"name is {recipe.name!r:.60}, expected at most {MAX_NAME} bytes (files are named by it)")
    layers = sum(len(stack) for stack in recipe.model.dilations)
    kernels = recipe.model.kernel_size
    if isinstance(kernels, tuple) and len(kernels) != layers:
        raise RecipeError(
            f"model.kernel_size lists {many(len(kernels), 'kernel')} for {many(layers, 'layer')}; give one for each"
        )
    level = recipe.data.level
    if level.rms is not None and level.peak is not None:
        raise RecipeError("data.level has both rms and peak; keep one of them")
    split = recipe.data.split
    if split.valid_percent + split.test_percent > 80:
        raise RecipeError("data.split leaves less than 20 % for training; lower valid_percent or test_percent")
    shape = recipe.shape
    if shape.receptive_field > geometry.MAX_RECEPTIVE_FIELD:
        raise RecipeError(
            f"model.dilations give a receptive field of {shape.receptive_field:,} samples, expected at most "
            f"{geometry.MAX_RECEPTIVE_FIELD:,}; take fewer layers or smaller kernels"
        )
    if shape.parameters() > MAX_PARAMETERS:
        raise RecipeError(
            f"the model has {shape.parameters():,} parameters, expected at most {MAX_PARAMETERS:,}; lower its channels"
        )


# --- finding ---------------------------------------------------------------------------------------------------------


def recipe_folder() -> Path:
    """Return the folder of recipes that comes with the package, in a clone and in an installed wheel."""
    inside = Path(__file__).parent / "recipes"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "recipes"


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package."""
    return sorted(path.stem for path in recipe_folder().glob("*.yaml"))


def user_path(text: str) -> Path:
    """Return the path that a user means, ``~`` being a home folder.

    Raises:
        RecipeError: no file could have this name.
    """
    if not text:  # pathlib takes it for the current folder; it is an unset variable of a shell
        raise RecipeError("'' is no path; give a file or folder")
    try:
        path = Path(text).expanduser()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.lstat()  # asks the system whether this can be a name at all
    except (OSError, RuntimeError, ValueError) as error:
        raise RecipeError(f"{one_line(text, 80)} is no path ({one_line(error, 80)}); give another") from None
    return path


def given_path(text: str) -> Path:
    """Return the path that a user means, where nothing bars the way to it; whether it exists is another question.

    Raises:
        RecipeError: no file could have this name, or it may not be looked at.
    """
    path = user_path(text)
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            barred = stat.S_ISDIR(path.stat().st_mode) and not os.access(path, os.R_OK | os.X_OK)
            if barred:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RecipeError(f"{one_line(text, 80)} cannot be used ({error.strerror}); give another") from None
    return path


def with_data(recipe: Recipe, folder: str | Path | None, overrides: Sequence[str] = ()) -> Recipe:
    """Return a recipe that reads another folder of sound; source and licence of its own sound do not go with it.

    Without a folder, a recipe that names none reads what was fetched for it, where that was done.

    Args:
        recipe: the complete recipe, overrides included.
        folder: of sound, or None.
        overrides: ``KEY=VALUE`` that the user gave beside the folder; what they say of the data stays.

    Raises:
        RecipeError: no folder could have this name, or an override names another place of the sound.
    """
    data = recipe.data
    if folder is None:
        found = None if data.path is not None or data.fetch is None else catalogue.fetched(data.fetch)
        return recipe if found is None else dataclasses.replace(recipe, data=dataclasses.replace(data, path=str(found)))
    said = _said_of_data(overrides)
    for key in ("path", "fetch"):
        if said.get(key) is not None:
            raise RecipeError(
                f"--data {folder} and --set data.{key}={one_line(said[key], 80)} both name the sound; give one of them"
            )
    source = data.source if "source" in said else "auto"
    licence = data.licence if data.path is None or "licence" in said else "not stated"
    where = str(given_path(str(folder)).resolve())
    data = dataclasses.replace(data, path=where, source=source, fetch=None, licence=licence)
    return dataclasses.replace(recipe, data=data)


def run_folder(text: str) -> Path | None:
    """Return the run folder that a RECIPE argument is, or None where it is something else.

    Beside its recipe, any one thing that training writes will do: what was lost must not send a resumed run elsewhere.
    """
    path = given_path(text)
    if named_recipe(text) is not None:
        return None
    written = any((path / name).exists() for name in WRITTEN)
    return path if written and (path / "config.yaml").is_file() else None


def named_recipe(text: str) -> Path | None:
    """Return the recipe in `recipes/` that a RECIPE argument names, or None where it is something else.

    An existing path wins over a name, but a folder does so only if it is a run, a bundle or holds a recipe: one of
    sound may well be called like the recipe that was made for it.
    """
    if text not in recipe_names():
        return None
    path = given_path(text)
    hidden = _says_a_recipe(path) if path.is_dir() else path.exists()
    return None if hidden else recipe_folder() / f"{text}.yaml"


def _says_a_recipe(folder: Path) -> bool:
    """Return whether a folder's config.yaml or config.json is one of ours, as far as can be read."""
    with contextlib.suppress(InputError):
        if (folder / "config.yaml").is_file():
            tree = read_yaml(folder / "config.yaml")
            return isinstance(tree, dict) and "model" in tree
        return bool(read_bundle_config(folder / "config.json"))
    return False


def find_recipe(text: str) -> Path:
    """Return the file that a RECIPE argument means: an existing path, else a name in `recipes/`.

    A run folder stands for its config.yaml, a bundle folder for its config.json.

    Raises:
        RecipeError: there is no such path and no such name.
    """
    named = named_recipe(text)
    if named is not None:
        return named
    path = given_path(text)
    if path.is_dir():
        for name in ("config.yaml", "config.json"):
            if (path / name).is_file():
                return path / name
        told = _other_kind(text, path)
        raise RecipeError(
            told or f"{text} is a folder without config.yaml or config.json; give a recipe, run or bundle"
        )
    if path.exists():
        told = _other_kind(text, path)
        if told is not None:
            raise RecipeError(told)
        return path
    named_near = did_you_mean(text, recipe_names()) if len(path.parts) == 1 else ""
    near = named_near or near_path(path, lambda one: is_run(one) or one.suffix == ".yaml", (RUNS,))
    raise RecipeError(f"no recipe {text!r}{near}; give a path or one of {', '.join(recipe_names())}")


def _other_kind(text: str, path: Path) -> str | None:
    """Return what is said where a path leads to something that is plainly no recipe; None where it may be one."""
    kind = kind_at(path)
    return (
        None if kind is None else f"{text} is {kind.what}, not a recipe, run, bundle or list of layers; {kind.advice}"
    )


def parse_duration(text: str) -> float:
    """Return seconds from ``90``, ``90s``, ``30m``, ``2h`` or ``1h30m``.

    Raises:
        RecipeError: the text is none of these.
    """
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if not match or not any(match.groups()):
        raise RecipeError(f"the duration is {text!r}, expected such as 90s, 30m, 2h or 1h30m")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
