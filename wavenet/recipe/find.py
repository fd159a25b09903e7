"""How recipes, runs and voices are found: by path or by name, and which sound a recipe reads."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from wavenet.datasets import catalogue
from wavenet.disk import given_path
from wavenet.errors import InputError, RecipeError, did_you_mean
from wavenet.recipe.paths import WRITTEN, is_run, kind_at, near_path
from wavenet.recipe.read import read_bundle_config, with_overrides
from wavenet.recipe.records import Recipe
from wavenet.recipe.safe_yaml import read_yaml
from wavenet.text import one_line

RUNS = Path("runs")  # where runs go by default


def recipe_folder() -> Path:
    """Return the folder of recipes that comes with the package, in a clone and in an installed wheel."""
    package = Path(__file__).parents[1]
    return package / "recipes" if (package / "recipes").is_dir() else package.parent / "recipes"


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package."""
    return sorted(path.stem for path in recipe_folder().glob("*.yaml"))


def voice_folder() -> Path:
    """Return the folder of voices that come with the package: a bundle in each of its folders."""
    return Path(__file__).parents[1] / "voices"


def voice_names() -> list[str]:
    """Return the names of the voices that come with the package."""
    return sorted(path.parent.name for path in voice_folder().glob("*/config.json"))


def with_data(recipe: Recipe, folder: str | Path | None, overrides: Sequence[str] = ()) -> Recipe:
    """Return a recipe that reads another folder of sound, without the source and licence of its own sound.

    What overrides, which the recipe already has, say of the data stays; RecipeError where they name another place.
    Without a folder, a recipe that names none reads what was fetched for it, if it was.
    """
    data = recipe.data
    if folder is None:
        found = None if data.path is not None or data.fetch is None else catalogue.fetched(data.fetch)
        return recipe if found is None else dataclasses.replace(recipe, data=dataclasses.replace(data, path=str(found)))
    given = with_overrides({}, overrides).get("data", {})
    for key in ("path", "fetch"):
        if given.get(key) is not None:
            own = f"data.{key}={one_line(given[key], 80)}"
            raise RecipeError(f"--data {folder} and --set {own} both name the sound; give one of them")
    data = dataclasses.replace(
        data,
        path=str(given_path(str(folder)).resolve()),
        fetch=None,
        source=data.source if "source" in given else "auto",
        licence=data.licence if data.path is None or "licence" in given else "not stated",
    )
    return dataclasses.replace(recipe, data=data)


def run_folder(text: str) -> Path | None:
    """Return the run folder that a RECIPE argument is, or None where it is something else.

    Beside its recipe, any one thing that training writes will do: what was lost must not send a resumed run elsewhere.
    """
    path = given_path(text)
    if named_recipe(text) is not None or not (path / "config.yaml").is_file():
        return None
    return path if any((path / name).exists() for name in WRITTEN) else None


def named_recipe(text: str) -> Path | None:
    """Return the recipe in `recipes/` that a RECIPE argument names, or None where it is something else.

    An existing path wins over a name, but a folder does so only if it is a run, a bundle or holds a recipe: one of
    sound may well be called like the recipe that was made for it.
    """
    if text not in recipe_names():
        return None
    path = given_path(text)
    hidden = _holds_a_recipe(path) if path.is_dir() else path.exists()
    return None if hidden else recipe_folder() / f"{text}.yaml"


def _holds_a_recipe(folder: Path) -> bool:
    """Return whether a folder's config.yaml or config.json is one of ours, as far as can be read."""
    with contextlib.suppress(InputError):
        if (folder / "config.yaml").is_file():
            tree = read_yaml(folder / "config.yaml")
            return isinstance(tree, dict) and "model" in tree
        return bool(read_bundle_config(folder / "config.json"))
    return False


def named_voice(text: str) -> Path | None:
    """Return the bundle folder of the voice that a MODEL argument names, or None where it is something else.

    As with recipes an existing path wins, of folders those that are a run or a bundle alone.
    """
    if text not in voice_names():
        return None
    path = given_path(text)
    hidden = any(map(_holds_a_recipe, (path, path / "model"))) if path.is_dir() else path.exists()
    return None if hidden else voice_folder() / text


def find_recipe(text: str) -> Path:
    """Return the file that a RECIPE argument means: an existing path, else a name in `recipes/`, else a voice's.

    A run folder stands for its config.yaml, a bundle folder, or a folder that holds one as `model`, for its
    config.json. RecipeError where there is neither.
    """
    return named_recipe(text) or find_model_recipe(text)


def find_model_recipe(text: str) -> Path:
    """Return the file that has the recipe of a MODEL argument, as `find_recipe` does, but for names of recipes."""
    voice = named_voice(text)
    if voice is not None:
        return voice / "config.json"
    path = given_path(text)
    lost = any((path / name).exists() for name in WRITTEN)  # a run whose recipe is lost, which its model can't replace
    names = ["config.yaml", "config.json"] + ([] if lost else ["model/config.json"])
    inside = [path / name for name in names if (path / name).is_file()]
    if inside:
        return inside[0]
    if not path.exists():
        near = did_you_mean(text, recipe_names()) if len(path.parts) == 1 else ""
        near = near or near_path(path, lambda one: is_run(one) or one.suffix == ".yaml", (RUNS,))
        known = ", ".join(recipe_names())
        if len(path.parts) > 1:
            raise RecipeError(f"{text} does not exist{near}; give another path, or one of the recipes {known}")
        raise RecipeError(f"no recipe {text!r}{near}; give a path or one of {known}")
    if kind := kind_at(path):
        what, advice = kind
        raise RecipeError(f"{text} is {what}, not a recipe, run, bundle or list of layers; {advice}")
    if path.is_dir():
        raise RecipeError(f"{text} is a folder without config.yaml or config.json; give a recipe, run or bundle")
    return path
