"""What a folder of sound holds, with what a recipe would be told of it: training begins where nothing is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wavenet.audio import scan as surveys
from wavenet.audio.layouts import Clip
from wavenet.audio.scan import Survey
from wavenet.errors import SoundError
from wavenet.features.arrays import Array
from wavenet.features.fields import Fields
from wavenet.features.framing import Wave
from wavenet.outputs import Floats
from wavenet.recipe.records import Recipe


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
    if survey.recipe is None or survey.refusal is not None or not survey.kept:
        return survey
    clips = [clip for clip, one in zip(survey.source.clips, survey.entries, strict=True) if one.reason is None]
    lengths = [entry.length for entry in survey.kept]
    try:
        trained = {span.clip for span in survey.spans["train"]}
        Fields.of_clips(survey.recipe, clips, None, trained, survey.source.columns)
        _check_arrays(survey.recipe, clips, lengths)
    except SoundError as error:
        return replace(survey, refusal=str(error))
    return survey


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
