"""The recipe of a fine-tuning: a model's network, on the sound and by the training of a recipe that tells nothing.

Such a recipe (`folder`, `fine-tune`) has no condition. Where its network is another than the model's, that of the model
takes its place, with all that decides on what codes and frames mean; sizes of fields follow the sound. A recipe that
has a condition says which network is wanted, and keeps it: `init.py` brings over what both have.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wavenet.audio import folders
from wavenet.audio.layouts import Clip
from wavenet.errors import InputError, RecipeError, SoundError
from wavenet.features import fields
from wavenet.generate.asked import Vocabulary
from wavenet.model import bundle
from wavenet.model.bundle import Bundle
from wavenet.progress import log
from wavenet.recipe import find, read
from wavenet.recipe.records import Recipe
from wavenet.speech import labels, transcripts
from wavenet.text import joined, many

NETWORK = ("audio", "output", "model", "condition")  # sections that go with a network; and so does data.level
FREE = (  # keys of these that may be set beside it: what they change is no weight's meaning, or goes by name
    "model.dropout",
    "condition.unknown",
    "condition.guidance",
    "condition.columns",
    "condition.acoustic.share",
    "condition.acoustic.dropout",
    "condition.acoustic.sounds",
    "condition.durations.dropout",
    "condition.tracks.phones.kinds",
    "condition.tracks.phones.language",
    "condition.tracks.phones.known",
)
CPU_RECIPE = "fine-tune"  # in place of one that trains from nothing
SMALL = ("condition.acoustic", "condition.durations")  # and those of the small networks where they learn alone


def recipe_of(
    recipe: str | Path | Recipe,
    data: str | Path | None = None,
    overrides: Sequence[str] = (),
    init: str | Path | None = None,
) -> Recipe:
    """Return the complete recipe that is trained, and say where a model's network takes the place of its own.

    Args:
        recipe: a path, a name in `recipes/`, or the record itself.
        data: a folder of sound, in place of the recipe's own.
        overrides: ``KEY=VALUE`` at dotted keys.
        init: a model whose weights are the first ones.

    Raises:
        InputError: the recipe, the model or the sound cannot be used, or what overrides contradicts the model.
    """
    if isinstance(recipe, Recipe):
        tree, where, folder = read.to_tree(recipe), recipe.name, Path()
    else:
        path = find.find_recipe(str(recipe))
        tree, where, folder = read.plain(path), str(path), path.parent
    own = _own(tree, overrides, where, folder, init)
    if own is not None and (init is None or own.condition is not None):
        return find.with_data(own, data, overrides)
    given = bundle.load(bundle.find(str(init)))
    theirs = given.recipe
    if own is not None and _alike(own, theirs):
        return find.with_data(own, data, overrides)
    made = read.built(_with_network(tree, given), overrides, where, folder)
    _check(made, theirs, init)
    log.info(
        "--init %s: its network (%s) takes the place of that of %s; data and train are those of %s",
        *(init, _in_words(theirs), made.name, made.name),
    )
    return _sized(find.with_data(made, data, overrides), overrides, init)


def _own(
    tree: dict[str, Any], overrides: Sequence[str], where: str, folder: Path, init: str | Path | None
) -> Recipe | None:
    """Return the recipe with its own network; None where what overrides fits another, as may be the model's."""
    try:
        return read.built(tree, overrides, where, folder)
    except RecipeError:
        of_network = any(one.startswith((*NETWORK, "data.level", "train.only")) for one in overrides)
        if init is None or tree.get("condition") is not None or not of_network:
            raise
    return None


def _alike(own: Recipe, theirs: Recipe) -> bool:
    """Return whether weights fit as they are, and codes mean the same."""
    return own.shape.weights() == theirs.shape.weights() and own.output == theirs.output


def _with_network(tree: dict[str, Any], given: Bundle) -> dict[str, Any]:
    """Return a recipe's plain values with a model's network, which goes on knowing its phones."""
    theirs = read.to_tree(given.recipe)
    phones = theirs["condition"] and theirs["condition"]["tracks"]["phones"]
    if phones:
        phones["known"] = [*Vocabulary.of(given.recipe, given.data).phones]
    own = tree.get("data")
    data = (own if isinstance(own, dict) else {}) | {"level": theirs["data"]["level"]}
    smaller = None if tree.get("cpu_recipe") is None else CPU_RECIPE
    return tree | {name: theirs[name] for name in NETWORK} | {"data": data, "cpu_recipe": smaller}


def _check(made: Recipe, theirs: Recipe, init: str | Path | None) -> None:
    """Raise InputError where the network is another than the model's by what was set."""
    free = FREE + tuple(f"condition.fields.{name}" for name in theirs.fields)
    free += SMALL if made.train.only is not None else ()
    now, before = (_network(recipe) for recipe in (made, theirs))
    for key in {**before, **now}:
        if now.get(key) != before.get(key) and not any(key == one or key.startswith(f"{one}.") for one in free):
            raise InputError(
                f"--init {init}: its {key} is {before.get(key, 'nothing')}, but --set makes it "
                f"{now.get(key, 'nothing')}; leave that out, since its network takes the place of that of {made.name}"
            )


def _network(recipe: Recipe) -> dict[str, str]:
    """Return all that goes with a network, by key of the recipe."""
    tree = read.to_tree(recipe)
    return dict(read.flat({name: tree[name] for name in NETWORK} | {"data": {"level": tree["data"]["level"]}}))


def _in_words(theirs: Recipe) -> str:
    """Return what is to be known of a network before sound is chosen for it."""
    tracks = () if theirs.condition is None else [name for name, _ in theirs.condition.tracks_told()]
    layers = many(len(theirs.shape.layers), "layer")
    told = joined([*theirs.fields, *tracks]) or "nothing"
    return f"{layers} of {many(theirs.shape.residual, 'channel')}, {theirs.audio.sample_rate:,} Hz, told {told}"


# --- what it is told of the sound ------------------------------------------------------------------------------------


def _sized(made: Recipe, overrides: Sequence[str], init: str | Path | None) -> Recipe:
    """Return the recipe with as many values of each field as its sound has, but for those that were set."""
    told = made.condition
    if told is None or made.data.path is None:  # without sound there is nothing to go by
        return made
    clips = _clips(made)
    if told.tracks.phones is not None and not any(map(_scripted, clips)):
        raise InputError(
            f"--init {init}: its voice is told what is said, but nothing tells that of {made.data.path}; write a "
            "metadata.csv in it that has the columns path and text, and a line for each recording, such as "
            "a.wav,Good morning."
        )
    given = read.with_overrides({}, overrides).get("condition", {}).get("fields", {})
    counts = zip(told.fields, fields.counts(made.columns, clips), strict=True)
    sizes = tuple((name, size if name in given else count) for (name, size), count in counts)
    lacking = [name for name, size in sizes if not size]
    if lacking:
        be = "is" if len(lacking) == 1 else "are"
        log.info("--init %s: the sound has no %s, which %s unknown throughout", init, " and no ".join(lacking), be)
    changed = [f"{name} {size}" for name, size in sizes if size and size != dict(told.fields)[name]]
    if changed:
        log.info("--init %s: the sizes of fields are those of the sound: %s", init, joined(changed))
    return replace(made, condition=replace(told, fields=sizes))


def _clips(made: Recipe) -> Sequence[Clip]:
    """Return the clips of the sound; what is left out of it is said later, when it is decoded."""
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        return folders.find(made.data, made.columns).clips
    finally:
        log.setLevel(level)


def _scripted(clip: Clip) -> bool:
    """Return whether anything tells what is said in a clip."""
    try:
        return labels.beside(clip.path) is not None or transcripts.text_of(clip) is not None
    except SoundError:  # there is a text, and what is wrong with it is said later
        return True
