"""Fields: one value a sound, such as who speaks, which word or which pitch. Values are text; the network has numbers.

A vocabulary, `{"speaker": ["george", ...], ...}`, lists the values of each field; a value's number is its place. What
is not known has the number behind the last that the recipe has room for, *unknown*.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from wavenet.audio.layouts import Clip
from wavenet.errors import InputError, SoundError, did_you_mean
from wavenet.features.notes import EXPECTED, note_of
from wavenet.outputs import Codes
from wavenet.progress import log
from wavenet.recipe.records import Recipe
from wavenet.text import many, printable, some

Values = Mapping[str, Sequence[str]]

OWN = tuple(one.name for one in fields(Clip) if one.name not in ("path", "name", "split", "columns"))
SHOWN = 12  # values that one line lists


@dataclass(frozen=True)
class Fields:
    """What some clips are told of themselves."""

    vocabulary: dict[str, list[str]]  # the values of each field, in their order
    ids: Codes  # [clips, fields] int64

    @classmethod
    def of_clips(
        cls,
        recipe: Recipe,
        clips: Sequence[Clip],
        vocabulary: Values | None = None,
        trained: Collection[int] | None = None,
        columns: Sequence[str] = (),
    ) -> Fields:
        """Return the fields of a recipe for some clips.

        Args:
            recipe: names and sizes the fields.
            clips: what their folder says of them.
            vocabulary: of a trained model, to which what these clips lack is unknown; None makes one of their values.
            trained: the clips whose values the new vocabulary has; None: all. A value that no trained sound has is
                unknown: a number of its own would never have been learned.
            columns: other names that their table has, for the error (`Source.columns`).

        Raises:
            SoundError: no clip has such a field, though the recipe has room for values of it, or there are more values
                than that.
        """
        sizes = dict(recipe.condition.fields) if recipe.condition is not None else {}
        found = {
            name: [value_of(clip, column) if sizes[name] else None for clip in clips]
            for name, column in zip(sizes, recipe.columns, strict=True)
        }
        if vocabulary is None:
            for name, values in found.items():
                if sizes[name] and not any(values):
                    raise SoundError(_lacking(name, recipe.columns[recipe.fields.index(name)], clips, columns))
            chosen = range(len(clips)) if trained is None else sorted(trained)
            vocabulary = {name: ordered({values[clip] for clip in chosen}) for name, values in found.items()}
            for name, known in vocabulary.items():
                _check(name, len(known), sizes[name])
        ids = np.tile(_unknown(recipe), (len(clips), 1))
        for column, (name, values) in enumerate(found.items()):
            numbers = {value: number for number, value in enumerate(vocabulary.get(name, ()))}
            ids[:, column] = [sizes[name] if value is None else numbers.get(value, sizes[name]) for value in values]
            if sizes[name]:
                _tell_missing(name, sum(value is None for value in values), len(clips))
            _tell_unknown(name, {value for value in values if value is not None} - numbers.keys())
        return cls({name: list(vocabulary.get(name, ())) for name in sizes}, ids)


def counts(columns: Sequence[str], clips: Sequence[Clip]) -> list[int]:
    """Return how many different values each of some columns has in some clips."""
    return [len({value_of(clip, column) for clip in clips} - {None}) for column in columns]


def ids_of(recipe: Recipe, asked: Mapping[str, object], vocabulary: Values) -> Codes:
    """Return the numbers of what is asked for, [fields] int64; a field that is not named is unknown.

    Of the field that the track `sine` goes by, any MIDI note can be asked for: one that no training sound had is
    unknown, and the track alone tells it.

    Args:
        recipe: names and sizes the fields.
        asked: a value for each of some fields: text, or a number.
        vocabulary: the values that the model knows.

    Raises:
        InputError: there is no such field or value.
    """
    ids = _unknown(recipe)
    for name, value in asked.items():
        check_field(recipe, name)
        known = vocabulary.get(name, ())
        place = _place(value, known)
        if place is not None:
            ids[recipe.fields.index(name)] = place
        elif name != recipe.note_field:
            raise InputError(f"the model knows no {name} {_not_among(value, known)}")
        elif note_of(value) is None:
            raise InputError(f"{name} is {str(value)!r:.60}, expected {EXPECTED}; give a note")
    return ids


def check_field(recipe: Recipe, name: str) -> None:
    """Raise InputError unless a model is told a field of this name."""
    if name not in recipe.fields:
        have = f"it is told {', '.join(recipe.fields)}" if recipe.fields else "it is told no fields"
        raise InputError(f"the model has no field {name!r:.60}{did_you_mean(name, recipe.fields)}; {have}")


def ordered(values: Iterable[str | None]) -> list[str]:
    """Return the values that are text in their order: as numbers where all of them are, else as words."""
    known = sorted(value for value in values if value is not None)
    numbers = [_number(value) for value in known]
    if any(number is None for number in numbers):
        return known
    return sorted(known, key=lambda value: (_number(value) or 0.0, value))


def _number(value: str) -> float | None:
    """Return the number that a text is, or None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def value_of(clip: Clip, name: str) -> str | None:
    """Return what is known of a clip under a name, that of a column; None where nothing is."""
    own = getattr(clip, name) if name in OWN else None
    return own if own is not None else dict(clip.columns).get(name)


def _unknown(recipe: Recipe) -> Codes:
    return np.array([size for _, size in recipe.condition.fields] if recipe.condition else [], np.int64)


def _place(value: object, known: Sequence[str]) -> int | None:
    """Return the place of a value in a list, None where it is not there; 7, "7" and "07" are one number."""
    text = str(value).strip()
    if text in known:
        return known.index(text)
    number = _number(text)
    numbers = [_number(one) for one in known]
    return numbers.index(number) if number is not None and number in numbers else None


def _not_among(value: object, known: Sequence[str]) -> str:
    """Return a value that is not known, and those that are."""
    text, shown = str(value).strip(), ", ".join(map(printable, known[:SHOWN])) + (", ..." if len(known) > SHOWN else "")
    return f"{text!r:.60}{did_you_mean(text, known)}; it knows {shown or 'none'}"


def _check(name: str, count: int, size: int) -> None:
    """Refuse more values than the recipe has room for, and tell fewer."""
    if count > size:
        raise SoundError(
            f"condition.fields has room for {many(size, 'value')} of {name}, but the sound has {count:,}; --set "
            f"condition.fields.{name}={count} makes room"
        )
    if count < size:
        log.info("condition.fields.%s is %s, but the sound has %s: the rest stay untrained", name, size, f"{count:,}")


def _tell_missing(name: str, missing: int, count: int) -> None:
    if missing:
        have = "has" if missing == 1 else "have"
        log.warning("%s of %s %s no %s: it is unknown there", f"{missing:,}", many(count, "sound"), have, name)


def _tell_unknown(name: str, values: Collection[str]) -> None:
    if values:
        count, be = many(len(values), "value"), "is" if len(values) == 1 else "are"
        which = some(ordered(values), 3)
        log.warning(
            "%s of %s (%s) %s unknown to the network: no sound that it learns from has it", count, name, which, be
        )


def _lacking(name: str, column: str, clips: Sequence[Clip], columns: Sequence[str]) -> str:
    """Return in words that no clip has a field, and which fields there are."""
    there = [own for own in OWN if any(getattr(clip, own) for clip in clips)]
    there += sorted({*columns, *(column for clip in clips for column, _ in clip.columns)} - {*there})
    have = f"it has {', '.join(map(printable, there))}" if there else "it has none"
    names = f"condition.fields names {name!r}" if name == column else f"condition.columns.{name} is {column!r}"
    return (
        f"{names}, of which nothing is known for this sound{did_you_mean(column, there)}; "
        f"{have}; choose among these, or add a column to its metadata.csv"
    )
