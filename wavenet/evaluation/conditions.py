"""Does a network do what it is told? What that is worth in bits, and whether it is heard: all in one report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wavenet.audio.corpus import Corpus
from wavenet.errors import InputError
from wavenet.evaluation import asked_for
from wavenet.evaluation.asked_for import AskedFor, Real, listener_of
from wavenet.evaluation.copy_synthesis import CopySynthesis, make_copies
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.likelihood import Likelihood
from wavenet.evaluation.tellings import Tellers
from wavenet.evaluation.worth import Worths, worths
from wavenet.generate.asked import Vocabulary
from wavenet.generate.voice import Voice, draw_seed
from wavenet.outputs import Condition
from wavenet.progress import log


@dataclass(frozen=True)
class Conditions:
    """What comes of what a network is told."""

    worth: Worths
    asked: AskedFor | None  # None where it is told no fields
    copies: CopySynthesis | None  # None where it is told no mel

    def to_text(self) -> list[str]:
        """Return tables and sentences, line by line."""
        lines = self.worth.to_text()
        for part in (self.asked, self.copies):
            lines += [] if part is None else ["", *part.to_text()]
        return lines


@dataclass(frozen=True)
class Asking:
    """How conditions are evaluated."""

    clips: int | None = None  # how many to draw for values that are asked for; None: 60
    seed: int = 0  # of all that is drawn
    workers: int = 1  # likelihoods that are best computed at once
    threads: int | None = None  # that drawing uses at most; None takes as many as there are cores
    cache: Path | None = None  # where recognisers are kept; None: this user's cache folder


def compare(
    voice: Voice,
    held: HeldOut,
    condition: Condition,
    judges: Callable[[Condition], Likelihood],
    own: Corpus | None,
    how: Asking,
) -> Conditions:
    """Return what comes of what a voice is told.

    Args:
        voice: which is told something.
        held: sound that it was not trained on.
        condition: what all clips of that sound are told.
        judges: returns the likelihood under the voice's network that is told something.
        own: the sound that it was trained on, to train a recogniser; None where it is not here.
        how: numbers of clips and the like.

    Raises:
        InputError: nothing is known of the sound, or the seed is out of range.
    """
    draw_seed(how.seed)
    vocabulary = voice.vocabulary()
    _check_known(condition, vocabulary, held)
    engine = voice.engine(storage="float32", threads=how.threads)
    tellers = Tellers(condition, held.corpus.sound, engine.packed, vocabulary, how.seed)
    context = voice.recipe.shape.receptive_field
    worth = worths(tellers, held.spans, judges, voice.alphabet, context, how.workers)
    listener = listener_of(voice, vocabulary, own, held.split, how.cache)
    real = Real.of(voice, held.corpus.sound, held.spans, condition.fields)
    count = asked_for.CLIPS if how.clips is None else how.clips
    asked = asked_for.ask_and_listen(voice, vocabulary, listener, real, count, how.seed, how.threads)
    copies = None
    if "mel" in (name for name, _ in condition.shape.told.tracks):
        copies = make_copies(voice, held.corpus, held.spans, condition, listener, how.seed, how.threads)
    return Conditions(worth, asked, copies)


def _check_known(condition: Condition, vocabulary: Vocabulary, held: HeldOut) -> None:
    """Refuse sound of which no field is known, or say which are not; tracks are always known."""
    rows = condition.fields[[span.clip for span in held.spans]]
    sizes = np.array([len(values) for values in vocabulary.values.values()], np.int64)
    known = np.any(rows < sizes, axis=0).tolist()
    missing = [name for name, some in zip(vocabulary.values, known, strict=True) if not some]
    if not missing:
        return
    what = f"{held.name} says nothing that the model knows of the {' and '.join(missing)} of its sounds"
    if len(missing) == len(sizes) and condition.tracks is None:
        raise InputError(f"{what}; give sound with a metadata.csv that does")
    log.warning("%s: that is not compared", what)
