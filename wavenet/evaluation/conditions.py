"""Does a network do what it is told? What that gains in bits, and whether it is heard: all in one report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wavenet.audio.corpus import Corpus
from wavenet.errors import InputError
from wavenet.evaluation import conditional_samples
from wavenet.evaluation.conditional_samples import ConditionalSamples, Real, listener_of
from wavenet.evaluation.copy_synthesis import CopySynthesis, make_copies
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.likelihood import Likelihood
from wavenet.evaluation.likelihood_gain import Gains, gains_of
from wavenet.evaluation.mismatched import Tellers
from wavenet.generate.asked import Vocabulary
from wavenet.generate.voice import Voice, draw_seed
from wavenet.outputs import Condition
from wavenet.progress import log


@dataclass(frozen=True)
class Conditions:
    """What comes of what a network is told."""

    gains: Gains
    asked: ConditionalSamples | None = None  # None where it is told no fields
    copies: CopySynthesis | None = None  # None where it is told no mel

    def to_text(self) -> list[str]:
        """Return tables and sentences, line by line."""
        lines = self.gains.to_text()
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
) -> Iterator[Conditions]:
    """Yield what comes of what a voice is told, ever more of it: what a recogniser hears, which takes minutes, last.

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
    made = Conditions(gains_of(tellers, held.spans, judges, voice.alphabet, context, how.workers))
    yield made
    real = Real.of(voice, held.corpus, held.spans, condition.fields)
    count = conditional_samples.CLIPS if how.clips is None else how.clips
    answers = conditional_samples.answers(voice, vocabulary, real, count, how.seed, how.threads)
    if answers is not None:
        made = replace(made, asked=answers.known)
        yield made
    if "mel" in (name for name, _ in condition.shape.told.tracks):
        made = replace(made, copies=make_copies(voice, held.corpus, held.spans, condition, how.seed, how.threads))
        yield made
    listener = listener_of(voice, vocabulary, own, held.split, how.cache)
    if listener is not None and answers is not None:
        copies = None if made.copies is None else made.copies.heard_by(listener)
        yield replace(made, asked=answers.heard_by(listener), copies=copies)


def _check_known(condition: Condition, vocabulary: Vocabulary, held: HeldOut) -> None:
    """Refuse sound of which no field is known, or say which are not; tracks are always known."""
    rows = condition.fields[[span.clip for span in held.spans]]
    sizes = np.array([len(values) for values in vocabulary.values.values()], np.int64)
    known = np.any(rows < sizes, axis=0).tolist()
    missing = [name for (name, own), some in zip(vocabulary.values.items(), known, strict=True) if own and not some]
    if not missing:  # a field that is unknown throughout is not missed
        return
    what = f"{held.name} says nothing that the model knows of the {' and '.join(missing)} of its sounds"
    if not any(known) and condition.tracks is None:
        raise InputError(f"{what}; give sound with a metadata.csv that does")
    log.warning("%s: that is not compared", what)
