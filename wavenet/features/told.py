"""All that the sounds of a corpus are told: fields and tracks together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wavenet.audio.corpus import Corpus
from wavenet.features import tracks
from wavenet.outputs import Condition
from wavenet.recipe.records import Recipe


def of_corpus(recipe: Recipe, corpus: Corpus, folder: Path | None = None) -> Condition | None:
    """Return what all clips of a corpus are told; None where the recipe tells nothing.

    Args:
        recipe: the complete recipe.
        corpus: its sound.
        folder: where caches are kept; None takes the default.

    Raises:
        SoundError: the sound lacks a field or a track, or has more values of a field than the recipe says.
        WavenetError: the cache cannot be written.
    """
    shape = recipe.shape.condition
    if shape is None:
        return None
    fields = np.zeros((len(corpus.clips), len(shape.told.fields)), np.int64)
    for i, (name, _) in enumerate(shape.told.fields):
        values = sorted({getattr(clip, name) for clip in corpus.clips})
        fields[:, i] = [values.index(getattr(clip, name)) for clip in corpus.clips]
    return Condition(shape, fields, tracks.of_corpus(recipe, corpus.sound, corpus.clips, folder))


def shares(recipe: Recipe) -> tuple[float, float]:
    """Return the shares of training segments that are told nothing, and that hear predicted tracks."""
    told = recipe.condition
    if told is None:
        return 0.0, 0.0
    return told.unknown, 0.0 if told.acoustic is None else told.acoustic.share
