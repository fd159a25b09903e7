"""All that the sounds of a corpus are told: fields and tracks together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wavenet.audio.corpus import Corpus
from wavenet.features import tracks
from wavenet.features.fields import Fields, Values
from wavenet.outputs import Condition
from wavenet.recipe.records import Recipe

MOST_DURATIONS = 4_096  # of training sounds that a bundle lists


@dataclass(frozen=True)
class CorpusCondition:
    """What the clips of a corpus are told, and what the values of their fields are called."""

    condition: Condition
    vocabulary: dict[str, list[str]]

    def provenance(self, lengths: list[int], trained: Collection[int]) -> dict[str, Any]:
        """Return what a bundle says of it: the values of fields, and for training sounds their fields and samples.

        Args:
            lengths: of all clips, in samples, without tails.
            trained: the clips that are trained on.
        """
        chosen = np.array(sorted(trained), np.int64)
        if len(chosen) > MOST_DURATIONS:
            chosen = chosen[np.arange(MOST_DURATIONS) * len(chosen) // MOST_DURATIONS]
        known = np.concatenate([self.condition.fields[chosen], np.array(lengths, np.int64)[chosen, None]], axis=1)
        return {"fields": self.vocabulary, "durations": known.tolist()}


def of_corpus(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path | None = None,
    vocabulary: Values | None = None,
    trained: Collection[int] | None = None,
) -> CorpusCondition | None:
    """Return what all clips of a corpus are told; None where the recipe tells nothing.

    Args:
        recipe: the complete recipe.
        corpus: its sound.
        folder: where caches are kept; None takes the default.
        vocabulary: the values of fields that a trained model knows; None makes one.
        trained: the clips that it is made of; None: all.

    Raises:
        SoundError: the sound lacks a field or a track, or has more values of a field than the recipe says.
        WavenetError: the cache cannot be written.
    """
    shape = recipe.shape.condition
    if shape is None:
        return None
    fields = Fields.of_clips(recipe, corpus.clips, vocabulary, trained, corpus.source.columns)
    own = tracks.of_corpus(recipe, corpus.sound, corpus.clips, folder)
    return CorpusCondition(Condition(shape, fields.ids, own), fields.vocabulary)


def shares(recipe: Recipe) -> tuple[float, float]:
    """Return the shares of training segments that are told nothing, and that hear predicted tracks."""
    told = recipe.condition
    if told is None:
        return 0.0, 0.0
    return told.unknown, 0.0 if told.acoustic is None else told.acoustic.share
