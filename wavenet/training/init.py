"""A model's weights as the first ones of another training: what both networks have goes on, by what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from wavenet.errors import BundleError, InputError
from wavenet.generate.asked import Vocabulary
from wavenet.geometry import FrameShape, Shape
from wavenet.model import bundle
from wavenet.model.bundle import Arrays, Bundle
from wavenet.outputs import Floats
from wavenet.progress import log
from wavenet.recipe.records import PREDICTED, ConditionConfig, Recipe
from wavenet.text import joined, many, some
from wavenet.training import columns
from wavenet.training.columns import Told
from wavenet.training.module import SMALL

ROOMS = ("condition", *SMALL)  # parts of the network that work on frames, and have a row for each value of a field
SHOWN = 8  # values that one line lists


def weights(
    recipe: Recipe, shape: Shape, values: Mapping[str, Sequence[str]], model: str, phones: Sequence[str] = ()
) -> Arrays:
    """Return those weights of a model, by name, that a recipe's network goes on with; and say which they are.

    What a field's value, or a phone, has learned stays with its name; one that is new begins as what is not known does,
    which is how the model sounds where it is told nothing of it. What the model was told, and the recipe does not tell,
    is unknown from here on.

    Args:
        recipe: that is trained.
        shape: of its network.
        values: that its fields have in its sound, in their order.
        model: a run or bundle folder, or the name of a voice.
        phones: of its sound, in their order.

    Raises:
        BundleError: it cannot be read, or has none of the blocks; or, where the small networks learn alone, anything
            else is of other dimensions.
        InputError: its codes or tracks mean something else.
    """
    given = bundle.load(bundle.find(model))
    _check_codes(recipe, given.recipe, model)
    _check_tracks(recipe, given.recipe, model)
    ours, theirs = Told(recipe, values, phones), _told(given)
    made = {name: value for name, value in given.arrays.items() if name.partition(".")[0] not in ROOMS}
    for room in ROOMS:
        made |= _room(room, given.arrays, ours, theirs)
    wanted, alone = shape.weights(), recipe.train.only is not None
    lost = {_part(name) for name in wanted if name not in made or made[name].shape != wanted[name]}
    kept = {name: made[name] for name in wanted if _part(name) not in lost}
    if alone or not any(name.startswith("blocks.") for name in kept):
        large = [name for name in wanted if not alone or name.partition(".")[0] not in SMALL]
        _check_shapes(given.arrays, made, {name: wanted[name] for name in large}, model)
    _tell_parts(model, wanted, kept)
    if any(name.startswith("condition.") for name in kept):
        _tell_told(model, ours, theirs)
    return kept


def _part(name: str) -> str:
    """Return what goes on as a whole or not at all: a block, a small network, or else a weight with its bias."""
    first, *rest = name.split(".")
    if first in SMALL:
        return first
    return f"{first}.{rest[0]}" if first == "blocks" else ".".join([first, *rest[:-1]])


def _told(given: Bundle) -> Told:
    """Return what a model is told, and what it calls it."""
    if given.recipe.condition is None:
        return Told(given.recipe, {})
    known = Vocabulary.of(given.recipe, given.data)
    return Told(given.recipe, known.values, known.phones)


# --- networks over frames --------------------------------------------------------------------------------------------


def _room(room: str, arrays: Arrays, ours: Told, theirs: Told) -> Arrays:
    """Return the weights of a network over frames, for what another one of this name is told; none where none fit."""
    own, given = ours.network(room), theirs.network(room)
    if own is None or given is None or own.channels != given.channels:
        return {}
    tracks = [name for name in columns.shared(ours, theirs) if name in dict(own.tracks) and name in dict(given.tracks)]
    if (own.tracks and not tracks) or not _aims_alike(own, ours, theirs):
        return {}
    begin = f"{room}."
    made = {name: value.copy() for name, value in arrays.items() if name.startswith(begin)}
    gone = [made.pop(f"{room}.fields.{name}.weight") for name, _ in given.fields if name not in dict(own.fields)]
    for name, size in own.fields:
        known = theirs.values.get(name, ())
        table = made.get(f"{room}.fields.{name}.weight", np.zeros((len(known) + 1, own.channels), np.float32))
        made[f"{room}.fields.{name}.weight"] = _by_name(table, known, ours.values.get(name, ()), size)
    called = theirs.columns(given)
    for product in ("entry", "pooled"):
        if f"{room}.{product}.weight" in made:
            weight = made[f"{room}.{product}.weight"]
            made[f"{room}.{product}.weight"] = columns.moved(weight, called, ours.columns(own), tracks)
            made[f"{room}.{product}.bias"] += columns.lacking(weight, called, tracks)
    for row in gone:  # to which the entry is added, and what stands before the first sample
        for name in (f"{room}.entry.bias", f"{room}.before.weight"):
            if name in made:
                made[name] += row[-1]
    return made


def _aims_alike(network: FrameShape, ours: Told, theirs: Told) -> bool:
    """Return whether what a network predicts means the same in both; lengths always do."""
    if network.name != "acoustic":
        return True
    return all(ours.meaning(track) == theirs.meaning(track) for track in PREDICTED)


def _by_name(table: Floats, known: Sequence[str], own: Sequence[str], size: int) -> Floats:
    """Return rows [size + 1, C] for other values; the last row, before and after, is that of what is not known."""
    rows = np.repeat(table[-1:], size + 1, axis=0)
    for place, value in enumerate(own):
        if value in known:
            rows[place] = table[known.index(value)]
    return rows


# --- what is said of it ----------------------------------------------------------------------------------------------


def _tell_parts(model: str, wanted: Mapping[str, tuple[int, ...]], kept: Mapping[str, Floats]) -> None:
    """Say which parts of the network begin anew, where any does."""
    parts: dict[str, list[bool]] = {}
    for name in wanted:
        parts.setdefault(name.partition(".")[0], []).append(name in kept)
    anew = [part for part, found in parts.items() if not any(found)]
    partly = [part for part, found in parts.items() if any(found) and not all(found)]
    if anew or partly:
        mixed = [f"{parts[part].count(False)} of {many(len(parts[part]), 'weight')} of {part}" for part in partly]
        begin = "begins" if len(anew) == 1 and not mixed else "begin"
        log.info("--init %s: %s %s anew, since nothing of the model fits", model, joined([*anew, *mixed]), begin)
        log.info("--init %s: %s go on", model, joined([part for part in parts if part not in anew]))


def _tell_told(model: str, ours: Told, theirs: Told) -> None:
    """Say which values of fields, phones and tracks go on, which are new and which fall away."""
    own, given = ours.recipe.condition, theirs.recipe.condition
    assert own is not None
    assert given is not None
    for name, size in own.fields:
        if size:
            _tell(model, name, theirs.values.get(name, ()), ours.values.get(name, ()))
    both = columns.shared(ours, theirs)
    if "phones" in both:
        _tell(model, "phones", theirs.phones, ours.phones)
    now, before = ((*one.recipe.fields, *dict(own.tracks_told())) for one, own in ((ours, own), (theirs, given)))
    alike = {*both, *ours.recipe.fields} & {*both, *theirs.recipe.fields}
    new, gone = ([name for name in names if name not in alike] for names in (now, before))
    if new:
        log.info("--init %s: new to it %s %s, without effect at first", model, _be(new), joined(new))
    if gone:
        log.info("--init %s: it was told %s, which %s unknown from here on", model, joined(gone), _be(gone))


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _tell(model: str, name: str, known: Sequence[str], own: Sequence[str]) -> None:
    """Say which values of a field go on and which are new."""
    taken, new = ([value for value in own if (value in known) is there] for there in (True, False))
    begin = f"; {some(new, SHOWN)} new, which begin{'s' if len(new) == 1 else ''} as unknown" if new else ""
    log.info("--init %s: of %s it knows %s%s", model, name, some(taken, SHOWN) if taken else "no value", begin)


# --- what is refused --------------------------------------------------------------------------------------------------


def _check_codes(recipe: Recipe, theirs: Recipe, model: str) -> None:
    """Raise InputError where codes, as many as here, are of another sound."""
    now, before = recipe.output.preemphasis, theirs.output.preemphasis
    if now != before:
        raise InputError(
            f"--init {model}: its output.preemphasis is {before:g}, but here it is {now:g}, so that codes would mean "
            f"another sound; --set output.preemphasis={before:g}, or give another model"
        )


def _check_tracks(recipe: Recipe, theirs: Recipe, model: str) -> None:
    """Raise InputError where tracks of the same shape mean something else."""
    own, given = recipe.condition, theirs.condition
    if own is None or given is None:
        return
    if own.tracks_told() != given.tracks_told() or not own.tracks_told():
        return  # other dimensions, or none
    now, before = _meaning(recipe, own), _meaning(theirs, given)
    for key in now:
        if now[key] != before[key]:
            raise InputError(
                f"--init {model}: its {key} is {before[key]}, but here it is {now[key]}, so that frames would mean "
                f"something else; --set {key}={before[key]}, or give another model"
            )


def _meaning(recipe: Recipe, told: ConditionConfig) -> dict[str, Any]:
    """Return what decides on what the numbers of frames mean, by key of the recipe."""
    found: dict[str, Any] = {"condition.hop_samples": told.hop_samples, "audio.sample_rate": recipe.audio.sample_rate}
    for name in ("mel", "f0", "sine"):  # phones go by their names
        track = getattr(told.tracks, name)
        own = {} if track is None else asdict(track)
        found |= {f"condition.tracks.{name}.{key}": value for key, value in own.items()}
    return found


def _check_shapes(arrays: Arrays, made: Arrays, wanted: Mapping[str, tuple[int, ...]], model: str) -> None:
    """Raise BundleError unless weights have these shapes, those of the model or what was made of them for others."""
    for name, want in wanted.items():
        if name in made and made[name].shape == want:
            continue
        have = list(arrays[name].shape) if name in arrays else "missing"
        raise BundleError(
            f"--init {model}: the weight {name} is {have}, expected {list(want)}; give a model of the same dimensions, "
            "or a recipe without a condition, such as fine-tune, which takes over the model's network"
        )
