"""A model's weights as the first ones of another training: rows of fields go by what they are called, not by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from wavenet.errors import BundleError, InputError
from wavenet.generate.asked import Vocabulary
from wavenet.geometry import Shape
from wavenet.model import bundle
from wavenet.model.bundle import Arrays, Bundle
from wavenet.outputs import Floats
from wavenet.progress import log
from wavenet.recipe.records import ConditionConfig, PhonesConfig, Recipe
from wavenet.text import some
from wavenet.training.module import SMALL

TABLES = ("condition", "acoustic", "durations")  # parts of the network that have a row for each value of a field
SHOWN = 8  # values that one line lists


def weights(
    recipe: Recipe, shape: Shape, values: Mapping[str, Sequence[str]], model: str, phones: Sequence[str] = ()
) -> Arrays:
    """Return the weights of a model for a recipe, by name.

    Where the recipe trains the small networks alone, those that have other dimensions here are left out.

    What a field's value, or a phone, has learned stays with its name; one that is new begins as what is not known does,
    which is how the model sounds where it is told nothing of it.

    Args:
        recipe: that is trained.
        shape: of its network.
        values: that its fields have in its sound, in their order.
        model: a run or bundle folder, or the name of a voice.
        phones: of its sound, in their order.

    Raises:
        BundleError: it cannot be read, or is of other dimensions.
        InputError: its codes or tracks mean something else.
    """
    given = bundle.load(bundle.find(model))
    _check_codes(recipe, given.recipe, model)
    _check_tracks(recipe, given.recipe, model)
    arrays = {**given.arrays}
    for name, known in _known(given).items():
        own = values.get(name, ())
        size = dict(recipe.condition.fields).get(name) if recipe.condition is not None else None
        for table in (f"{part}.fields.{name}.weight" for part in TABLES):
            if table in arrays and size is not None:
                arrays[table] = _by_name(arrays[table], known, own, size)
        _tell(model, name, known, own)
    wanted = shape.weights()
    for room in SMALL if recipe.train.only is not None else ():
        if _begins_anew(room, arrays, wanted, model):
            arrays = {name: one for name, one in arrays.items() if not name.startswith(f"{room}.")}
            wanted = {name: size for name, size in wanted.items() if not name.startswith(f"{room}.")}
    _check_shapes(arrays, wanted, model)
    if recipe.condition is not None and recipe.condition.tracks.phones is not None:
        known = Vocabulary.of(given.recipe, given.data).phones
        arrays |= _by_phone(arrays, shape, recipe.condition.tracks.phones, known, phones)
        _tell(model, "phones", known, phones)
    return arrays


def _begins_anew(room: str, arrays: Arrays, wanted: Mapping[str, tuple[int, ...]], model: str) -> bool:
    """Return whether a small network has other dimensions here, and say so."""
    given = {name: value.shape for name, value in arrays.items() if name.startswith(f"{room}.")}
    if given == {name: size for name, size in wanted.items() if name.startswith(f"{room}.")}:
        return False
    log.info("--init %s: its network `%s` has other dimensions, so this one begins anew", model, room)
    return True


def _by_phone(
    arrays: Arrays, shape: Shape, config: PhonesConfig, known: Sequence[str], own: Sequence[str]
) -> Iterator[tuple[str, Floats]]:
    """Yield the weights that phones enter by, for other phones: each has a column at every place beside a frame."""
    told = shape.condition
    places = [(own.index(name), known.index(name)) for name in own if name in known]
    for network in () if told is None else filter(None, (told.told, told.acoustic, told.durations)):
        names = [name for name, _ in network.tracks]
        first = sum(width for _, width in network.tracks[: names.index("phones")])
        for name in (f"{network.name}.{product}.weight" for product in ("entry", "pooled")):
            if name not in arrays:
                continue
            moved = arrays[name].copy()
            for begin in range(first, first + config.kinds * (1 + 2 * config.neighbours), config.kinds):
                moved[:, begin : begin + config.kinds] = 0.0
                for now, before in places:
                    moved[:, begin + now] = arrays[name][:, begin + before]
            yield name, moved


def _known(given: Bundle) -> dict[str, tuple[str, ...]]:
    """Return the values of fields that a model knows."""
    return Vocabulary.of(given.recipe, given.data).values if given.recipe.fields else {}


def _by_name(table: Floats, known: Sequence[str], own: Sequence[str], size: int) -> Floats:
    """Return rows [size + 1, C] for other values; the last row, before and after, is that of what is not known."""
    rows = np.repeat(table[-1:], size + 1, axis=0)
    for place, value in enumerate(own):
        if value in known:
            rows[place] = table[known.index(value)]
    return rows


def _tell(model: str, name: str, known: Sequence[str], own: Sequence[str]) -> None:
    """Say which values of a field go on and which are new."""
    taken, new = ([value for value in own if (value in known) is there] for there in (True, False))
    begin = f"; {some(new, SHOWN)} new, which begin{'s' if len(new) == 1 else ''} as unknown" if new else ""
    log.info("--init %s: of %s it knows %s%s", model, name, some(taken, SHOWN) if taken else "no value", begin)


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
    for name in ("phones", "mel", "f0", "sine"):
        track = getattr(told.tracks, name)
        own = {} if track is None else asdict(track)
        found |= {f"condition.tracks.{name}.{key}": value for key, value in own.items()}
    return found


def _check_shapes(arrays: Arrays, wanted: Mapping[str, tuple[int, ...]], model: str) -> None:
    """Raise BundleError unless arrays have these shapes."""
    for name in [*wanted, *arrays]:
        have = list(arrays[name].shape) if name in arrays else "missing"
        want = list(wanted[name]) if name in wanted else "none"
        if have != want:
            raise BundleError(
                f"--init {model}: the weight {name} is {have}, expected {want}; give a model of the same dimensions"
            )
