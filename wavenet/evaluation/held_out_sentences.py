"""The sentences of held-out recordings, each once: how they are written, in words as they are said, and in phones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wavenet.audio.splits import Span
from wavenet.errors import InputError
from wavenet.evaluation import speech_recogniser
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.understood import Sentences
from wavenet.features import sentences
from wavenet.progress import log
from wavenet.speech import Aligned, english, pronounce, transcripts
from wavenet.text import many, some

LEAST = 2  # sentences that one can choose from
SHOWN = 3  # recordings that one line names


@dataclass(frozen=True)
class Sentence:
    """One sentence, and the recording that says it."""

    name: str  # of the recording
    span: Span  # all of it
    text: str  # as it is written
    words: tuple[str, ...]  # as they are said, in small letters
    aligned: Aligned  # the phones of the recording, and where each ends


def held_out_sentences(held: HeldOut, phones: Collection[str], most: int) -> list[Sentence]:
    """Return held-out sentences, spread evenly over all; each is in its first recording that can be used.

    Args:
        held: recordings with their text.
        phones: that a voice knows; sentences with others are left out.
        most: how many at most.

    Raises:
        InputError: there are fewer than two, no recording has text, or a part of the extra `speech` is missing.
    """
    if most < LEAST:
        raise InputError(f"the number of sentences to choose from is {most}, expected at least {LEAST}")
    found = _spoken(held)
    known = {one.words: one for one in reversed(found) if _known(one, phones)}
    if lost := [one.name for one in found if one.words not in known]:
        what = f"{many(len(lost), 'recording')} left out ({some(lost, SHOWN)})"
        log.warning("%s: the voice does not know all phones of what they say", what)
    own = sorted(known.values(), key=lambda one: one.span.clip)
    if len(own) < LEAST:
        raise InputError(
            f"{held.name} has {many(len(own), 'held-out sentence')} to choose from, expected at least {LEAST}; give "
            "more recordings with their text"
        )
    count = min(most, len(own))
    return [own[at * len(own) // count] for at in range(count)]


def _spoken(held: HeldOut) -> list[Sentence]:
    """Return all whole recordings whose text and phones are known."""
    aligned, clips, made = sentences.of_corpus(held.recipe, held.corpus) or (), held.corpus.clips, list[Sentence]()
    whole = [span for span in held.spans if (span.first, span.last) == (0, held.corpus.sound.lengths[span.clip])]
    for span in whole:
        text, own = transcripts.text_of(clips[span.clip]), aligned[span.clip]
        words = tuple(english.words(text)) if text else ()
        if text and words and isinstance(own, Aligned):
            made.append(Sentence(clips[span.clip].name, span, text, words, own))
    if whole and not made:
        raise InputError(
            f"{held.name} does not say in words what is said in its recordings; give a metadata.csv with a column "
            "`text`, or a text file beside each"
        )
    return made


def _known(one: Sentence, phones: Collection[str]) -> bool:
    said = (phone for word in one.words for phone in pronounce.alternatives(word)[0])
    return {phone.name for phone in (*said, *one.aligned.phones)} <= {*phones}


def to_choose_from(own: Sequence[Sentence]) -> Sentences:
    """Return sentences as judges choose from them, with the phones of words that the dictionary of pocketsphinx lacks.

    Raises:
        InputError: pocketsphinx is not installed.
    """
    words = [one.words for one in own]
    extra = {
        word: [phone.name for phone in pronounce.alternatives(word)[0]]
        for word in speech_recogniser.unknown_words(words)
    }
    return Sentences(words, [one.aligned.phones for one in own], extra)
