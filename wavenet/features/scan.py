"""What a folder of sound holds, with what a recipe would be told of it: training begins where nothing is refused."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wavenet.audio import scan as surveys
from wavenet.audio.decode import Entry
from wavenet.audio.layouts import Clip
from wavenet.audio.scan import Scripts, Survey
from wavenet.errors import SoundError
from wavenet.features import sine
from wavenet.features.arrays import Array
from wavenet.features.fields import Fields
from wavenet.features.framing import Wave
from wavenet.features.sentences import nothing_left
from wavenet.outputs import Floats
from wavenet.recipe.records import Recipe
from wavenet.speech import english, script


def scan(folder: str | Path, recipe: str | Path | Recipe | None = None, overrides: Sequence[str] = ()) -> Survey:
    """Return what a folder of sound holds; nothing is kept of it.

    Args:
        folder: the folder.
        recipe: measure as training by it will: a path, a name in `recipes/`, or the record itself. None measures each
            file at its own rate.
        overrides: ``KEY=VALUE`` at dotted keys of the recipe.

    Raises:
        InputError: there is no such folder, sound or recipe.
        WavenetError: there is no room for a temporary file.
    """
    survey = surveys.scan(folder, recipe, overrides)
    made = survey.recipe
    if made is None or survey.refusal is not None or not survey.kept:
        return survey
    clips = [clip for clip, one in zip(survey.source.clips, survey.entries, strict=True) if one.reason is None]
    lengths = [entry.length for entry in survey.kept]
    scripts, lacking = _scripts(made, clips, survey.kept)
    survey = replace(survey, scripts=scripts)
    try:
        _check_scripts(survey, lacking)
        trained = {span.clip for span in survey.spans["train"]}
        Fields.of_clips(made, clips, None, trained, survey.source.columns)
        if made.note_field is not None:
            sine.notes_of(made, clips)
        _check_arrays(made, clips, lengths)
    except SoundError as error:
        return replace(survey, refusal=str(error))
    return survey


def _scripts(recipe: Recipe, clips: Sequence[Clip], kept: Sequence[Entry]) -> tuple[Scripts | None, dict[str, str]]:
    """Return what tells which phones are said, None where a recipe tells none; and why not, by names of sounds."""
    if recipe.condition is None or recipe.condition.tracks.phones is None:
        return None, {}
    ways, lacking, reasons = functools.cache(english.ways), dict[str, str](), dict[str, list[str]]()
    found = [script.of_clip(clip, bool(entry.trimmed), ways) for clip, entry in zip(clips, kept, strict=True)]
    for clip, one in zip(clips, found, strict=True):
        if reason := one.lacking or script.absent(one):
            lacking[clip.name] = reason
            reasons.setdefault(reason, []).append(clip.name)
    known = [one for clip, one in zip(clips, found, strict=True) if clip.name not in lacking]
    written = [one for one in known if one.labels is None]
    ordered = sorted(reasons.items(), key=lambda one: -len(one[1]))
    names = tuple((reason, tuple(own)) for reason, own in ordered)
    return Scripts(len(known) - len(written), len(written), sum(one.sentences for one in written), names), lacking


def _check_scripts(survey: Survey, lacking: dict[str, str]) -> None:
    """Raise SoundError where of a split that has sound nothing tells which phones are said."""
    kept = [entry.name for entry in survey.kept]
    for split, spans in survey.spans.items():
        names = [kept[span.clip] for span in spans]
        if names and all(name in lacking for name in names):
            raise nothing_left(split, lacking[names[0]])


def _check_arrays(recipe: Recipe, clips: Sequence[Clip], lengths: Sequence[int]) -> None:
    """Raise SoundError where the arrays that a recipe tells are missing or do not fit their sounds."""
    told = recipe.condition
    if told is None or told.tracks.array is None:
        return
    files = [clip.path.with_suffix(".npy") for clip in clips]
    arrays = Array(files, lengths, told.tracks.array, told.hop_samples or 1)
    for sound, length in enumerate(lengths):
        for _ in arrays.frames(sound, Wave(_nothing, length)):
            pass
    arrays.warn_of_another_hop()


def _nothing(first: int, last: int) -> Floats:
    raise AssertionError("arrays do not hear the sound beside them")
