"""Do notes have the pitch that was asked for? Beside it stands what the same estimate says of real notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wavenet.audio.layouts import Clip
from wavenet.evaluation.intervals import Share
from wavenet.evaluation.recognition import share_within
from wavenet.features.f0 import pitches
from wavenet.features.fields import value_of
from wavenet.features.framing import of_array
from wavenet.features.notes import hertz_of, note_of
from wavenet.generate.asked import Vocabulary, Wanted
from wavenet.outputs import Floats
from wavenet.recipe.records import F0Config, Recipe

PITCH = "pitch"  # the field whose values are MIDI numbers
HOP_SECONDS = 0.010
BEYOND = 14  # semitones that pitch is looked for below the lowest note and above the highest: an octave off is seen
LOWEST_HZ, HIGHEST_HZ = 20.0, 5_000.0
SHARE_OF_RATE = 0.45  # above which no pitch is looked for
MEASURABLE = 0.3  # of the rate; periods of three samples are taken for twice as long ones
NOTE_SECONDS = 1.5  # of a note, whose pitch is the median of these: later it fades


@dataclass(frozen=True)
class Pitched:
    """In how many clips the pitch is within half a semitone of the note."""

    generated: Share
    real: Share | None  # of held-out clips: what the estimator hears of real notes
    new: int | None = None  # clips that were asked for what no training sound was; None: none is sought

    def __str__(self) -> str:
        real = "" if self.real is None else f", of held-out ones in {self.real.right} of {self.real.clips}"
        ours = f"{self.generated.right} of {self.generated.clips} ({self.generated.interval})"
        new = "" if self.new is None else f" For {self.new:,} that was a combination that no training sound had."
        return f"Pitch of generated notes within half a semitone of what was asked for: in {ours}{real}.{new}"


def pitch_field(recipe: Recipe) -> str:
    """Return the field whose values are MIDI numbers."""
    return recipe.note_field or PITCH


def measurable(note: float, rate: int) -> bool:
    """Return whether the pitch of a note can be found in sound of a rate."""
    return LOWEST_HZ < hertz_of(note) < MEASURABLE * rate


def known_notes(recipe: Recipe, clips: Sequence[Clip]) -> tuple[float | None, ...]:
    """Return the MIDI number of each clip, None where it is not known; of notes, too, that no training sound had."""
    columns = dict(zip(recipe.fields, recipe.columns, strict=True))
    column = columns.get(pitch_field(recipe))
    return () if column is None else tuple(note_of(value_of(clip, column)) for clip in clips)


def pitched(
    vocabulary: Vocabulary,
    waves: Sequence[Floats],
    wanted: Sequence[Wanted],
    real: Sequence[Floats] = (),
    notes: Sequence[float | None] = (),
) -> Pitched | None:
    """Return how often notes have the pitch that they should have; None where values are no MIDI numbers.

    Args:
        vocabulary: of the voice.
        waves: [T] each, what it made.
        wanted: what each was asked for.
        real: [T] each, held-out clips.
        notes: MIDI numbers of these, where they are known.
    """
    recipe, field = vocabulary.recipe, pitch_field(vocabulary.recipe)
    known = [note_of(value) for value in vocabulary.values.get(field, ())]
    asked = [note_of(one.get(field)) for one in wanted]
    if not known or None in known or None in asked:
        return None
    rate, ours = recipe.audio.sample_rate, [one for one in asked if one is not None]
    each = zip(real, notes, strict=bool(notes))
    pairs = [(wave, note) for wave, note in each if note is not None and measurable(note, rate)]
    theirs = [note for _, note in pairs]
    config = _range([*ours, *theirs, *(one for one in known if one is not None)], rate)
    heard = share_within([_hertz(wave, rate, config) for wave in waves], ours)
    beside = share_within([_hertz(wave, rate, config) for wave, _ in pairs], theirs) if pairs else None
    return Pitched(heard, beside, None if recipe.note_field is None else _new(vocabulary, wanted))


def _new(vocabulary: Vocabulary, wanted: Sequence[Wanted]) -> int:
    """Return how many of some combinations no training sound had."""
    had = {tuple(row) for row in vocabulary.durations[:, :-1].tolist()}
    return sum(tuple(ids) not in had for ids in vocabulary.ids(wanted).tolist())


def _range(notes: Sequence[float], rate: int) -> F0Config:
    """Return where pitch is looked for."""
    low, high = hertz_of(min(notes) - BEYOND), hertz_of(max(notes) + BEYOND)
    return F0Config(low_hz=max(LOWEST_HZ, low), high_hz=min(HIGHEST_HZ, high, SHARE_OF_RATE * rate))


def _hertz(wave: Floats, rate: int, config: F0Config) -> Floats:
    heard = wave[: round(NOTE_SECONDS * rate)]
    return np.asarray(pitches(of_array(heard), rate, max(1, round(HOP_SECONDS * rate)), config), np.float32)
