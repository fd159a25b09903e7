"""All that the sounds of a corpus are told: fields and tracks together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wavenet.audio.corpus import Corpus
from wavenet.features import phones, sentences, tracks
from wavenet.features.fields import Fields, Values
from wavenet.features.mel import SILENCE
from wavenet.features.phones import Phones
from wavenet.features.statistics import Usual, measured, of_tracks, strange
from wavenet.geometry import ConditionShape, frame_count
from wavenet.outputs import Condition, Tracks
from wavenet.progress import log
from wavenet.recipe.records import Recipe
from wavenet.text import many, printable

GIVEN = ("mel", "array")  # tracks that other programs may write
MOST_DURATIONS = 4_096  # of training sounds that a bundle lists


@dataclass(frozen=True)
class CorpusCondition:
    """What the clips of a corpus are told, and what the values of their fields, and their phones, are called."""

    condition: Condition
    vocabulary: dict[str, list[str]]
    arrays: str = ""  # the checksum of numbers that lie beside the sounds
    usual: dict[str, Usual] = field(default_factory=dict)  # what tracks are like that a user may give
    spoken: Phones | None = None  # what is said in them

    def provenance(self, lengths: list[int], trained: Collection[int]) -> dict[str, Any]:
        """Return what a bundle says of it: the values of fields; of training sounds, fields, samples and usual tracks.

        Of what is said in them also which phones there are, and how long they last.

        Args:
            lengths: of all clips, in samples, without tails.
            trained: the clips that are trained on.
        """
        chosen = np.array(sorted(trained), np.int64)
        if len(chosen) > MOST_DURATIONS:
            chosen = chosen[np.arange(MOST_DURATIONS) * len(chosen) // MOST_DURATIONS]
        known = np.concatenate([self.condition.fields[chosen], np.array(lengths, np.int64)[chosen, None]], axis=1)
        usual = {"usual": {name: one.to_plain() for name, one in self.usual.items()}} if self.usual else {}
        said: dict[str, Any] = {}
        if self.spoken is not None:
            said = {"phones": self.spoken.names, "phone_seconds": self.spoken.lasting(tuple(sorted(trained)))}
        return {"fields": self.vocabulary, "durations": known.tolist(), **said, **usual}


def of_corpus(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path | None = None,
    vocabulary: Values | None = None,
    trained: Collection[int] | None = None,
    names: Sequence[str] | None = None,
) -> CorpusCondition | None:
    """Return what all clips of a corpus are told; None where the recipe tells nothing.

    Args:
        recipe: the complete recipe.
        corpus: its sound.
        folder: where caches are kept; None takes the default.
        vocabulary: the values of fields that a trained model knows; None makes one.
        trained: the clips that it is made of, and what is usual; None: all, and nothing is.
        names: the phones that a trained model knows; None takes those of the trained clips.

    Raises:
        SoundError: the sound lacks a field or a track, or has more values of a field than the recipe says.
        WavenetError: the cache cannot be written.
    """
    shape = recipe.shape.condition
    if shape is None:
        return None
    fields = Fields.of_clips(recipe, corpus.clips, vocabulary, trained, corpus.source.columns)
    spoken = _spoken(recipe, corpus, trained, names)
    said = None if spoken is None else spoken.read
    own = tracks.of_corpus(recipe, corpus.sound, corpus.clips, folder, said)
    usual = {} if own is None or not trained else _usual(own, shape, corpus, trained)
    condition, arrays = Condition(shape, fields.ids, own, None, spoken), "" if own is None else own.arrays
    return CorpusCondition(condition, fields.vocabulary, arrays, usual, spoken)


def _spoken(
    recipe: Recipe, corpus: Corpus, trained: Collection[int] | None, names: Sequence[str] | None
) -> Phones | None:
    """Return what is said in the clips of a corpus; None where the recipe tells no phones."""
    found, config = sentences.of_corpus(recipe, corpus), recipe.condition
    if found is None or config is None or config.tracks.phones is None:
        return None
    known = tuple(None if isinstance(one, str) else one for one in found)
    if names is None:
        chosen = range(len(known)) if trained is None else sorted(trained)
        names = phones.names_of(one for clip in chosen if (one := known[clip]) is not None)
        names = phones.with_known(names, config.tracks.phones)
        phones.check_room(names, config.tracks.phones)
        sentences.tell_language(recipe, corpus, names)
    phones.tell_unknown((one for one in known if one is not None), names)
    return Phones(known, tuple(names), config.tracks.phones, recipe.audio.sample_rate, config.hop_samples or 1)


def _usual(own: Tracks, shape: ConditionShape, corpus: Corpus, trained: Collection[int]) -> dict[str, Usual]:
    """Return what tracks are like that a user may give, in training sounds; and warn of arrays of another scale."""
    frames, usual = [frame_count(length, shape.hop) for length in corpus.sound.lengths], {}
    for name in [name for name, _ in shape.told.tracks if name in GIVEN]:
        silence = SILENCE if name == "mel" else None
        found = of_tracks(own, shape.told.tracks, name, frames, sorted(trained), silence)
        if found:
            usual[name] = measured(found.values())
    if "array" in usual:
        every = of_tracks(own, shape.told.tracks, "array", frames, range(len(frames)))
        odd = {sound: words for sound, one in every.items() if (words := strange(one, usual["array"]))}
        if odd:
            first = next(iter(odd))
            path = printable(str(corpus.clips[first].path.with_suffix(".npy")))
            log.warning("%s may have another scale: %s holds %s", many(len(odd), "array"), path, odd[first])
    return usual


def sounds(recipe: Recipe) -> int:
    """Return how many sounds more each step teaches the acoustic network."""
    told = recipe.condition
    return 0 if told is None or told.acoustic is None else told.acoustic.sounds


def shares(recipe: Recipe) -> tuple[float, float]:
    """Return the shares of training segments that are told nothing, and that hear predicted tracks."""
    told = recipe.condition
    if told is None:
        return 0.0, 0.0
    return told.unknown, 0.0 if told.acoustic is None else told.acoustic.share
