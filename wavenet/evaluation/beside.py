"""What is evaluated beside the bits of held-out sound: an entry for each kind; all but the first are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavenet.audio.corpus import Corpus
from wavenet.errors import InputError
from wavenet.evaluation.conditions import Asking, Conditions, compare
from wavenet.evaluation.generated import Generated, examine
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.likelihood import Likelihood
from wavenet.evaluation.predictions import Predictions, predictions
from wavenet.evaluation.spoken import Speaking, Speech, judged
from wavenet.generate.packed import pack
from wavenet.generate.say import check_speaker
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition


@dataclass(frozen=True)
class Wanted:
    """What a user asks for, and how it is done.

    Attributes:
        sound: draw so many clips and set them beside held-out ones; None draws none.
        conditions: whether to see if the voice does what it is told, in `sound` clips (None: 60).
        speech: say so many held-out sentences, to see if they are understood; None says none.
        folder: that clips of speech are written to; None: they are not kept.
        force: whether files that are there are overwritten.
        seed: of all that is drawn.
        workers: what is best done at once, such as likelihoods.
        threads: that drawing uses at most; None takes as many as there are cores.
        cache: where recognisers are kept; None: this user's cache folder.
    """

    sound: int | None = None
    conditions: bool = False
    speech: int | None = None
    folder: Path | None = None
    force: bool = False
    seed: int = 0
    workers: int = 1
    threads: int | None = None
    cache: Path | None = None

    @property
    def draws(self) -> bool:
        """Whether any sound is drawn."""
        return self.sound is not None or self.conditions or self.speech is not None

    def check(self, voice: Voice) -> None:
        """Raise InputError where a voice cannot do it."""
        if self.conditions:
            voice.check_told()
        if self.speech is not None:
            check_speaker(voice.recipe)
        elif self.folder is not None:
            raise InputError(f"clips of speech were to go to {self.folder}, but none are drawn; ask for speech too")


@dataclass(frozen=True)
class Subject:
    """What is evaluated.

    Attributes:
        voice: the model.
        held: sound that it was not trained on.
        trained: the sound that it was trained on; None where that is not here.
        condition: what all clips of `held` are told; None where the network is told nothing.
        judges: returns the likelihood under the voice's network that is told something.
    """

    voice: Voice
    held: HeldOut
    trained: Corpus | None
    condition: Condition | None
    judges: Callable[[Condition | None], Likelihood]


def _predictions(of: Subject, how: Wanted) -> Iterator[Predictions]:
    if of.condition is not None:
        spans = of.held.corpus.spans.get("train", ()), of.held.spans
        trained, scored = (sorted({span.clip for span in some}) for some in spans)
        yield predictions(pack(of.voice.recipe.shape, of.voice.arrays), of.voice.recipe, of.condition, trained, scored)


def _generated(of: Subject, how: Wanted) -> Iterator[Generated]:
    if how.sound is not None:
        yield examine(of.voice, of.held.corpus.sound, of.held.spans, of.trained, how.sound, how.seed, of.condition)


def _conditions(of: Subject, how: Wanted) -> Iterator[Conditions]:
    if how.conditions and of.condition is not None:
        asking = Asking(how.sound, how.seed, how.workers, how.threads, how.cache)
        yield from compare(of.voice, of.held, of.condition, of.judges, of.trained, asking)


def _speech(of: Subject, how: Wanted) -> Iterable[Speech]:
    if how.speech is None or of.condition is None:
        return ()
    speaking = Speaking(how.speech, how.seed, how.folder, how.force, how.workers, how.threads, how.cache)
    return judged(of.voice, of.held, of.condition, of.trained, speaking)


KINDS: dict[str, Callable[[Subject, Wanted], Iterable[Any]]] = {  # in the order in which they are done
    "predictions": _predictions,
    "generated": _generated,
    "conditions": _conditions,
    "speech": _speech,
}


def beside(of: Subject, how: Wanted) -> Iterator[dict[str, Any]]:
    """Return an iterator over the parts of an `Evaluation` that take the time, by name, ever more of each.

    Raises:
        InputError: the sound has nothing that can be said.
    """
    begun = [(name, begin(of, how)) for name, begin in KINDS.items()]
    return ({name: part} for name, parts in begun for part in parts)
