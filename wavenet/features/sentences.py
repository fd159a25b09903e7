"""What is said in a corpus, and the corpus without the sounds of which that is not known."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import replace

from wavenet import speech
from wavenet.audio.corpus import Corpus
from wavenet.errors import SoundError
from wavenet.progress import log
from wavenet.recipe.records import Recipe
from wavenet.speech import Aligned, labels, languages, transcripts
from wavenet.text import many, some

SHOWN = 3  # sounds of a reason, or phones, that are named
LOOKED_AT = 200  # texts


def of_corpus(recipe: Recipe, corpus: Corpus) -> list[Aligned | str] | None:
    """Return the phones of all clips of a corpus, or why they are not known; None where the recipe tells none.

    They are found once, and kept beside the decoded sound.

    Raises:
        InputError: a package that is needed for it is not installed.
        WavenetError: what is found cannot be kept.
    """
    if recipe.condition is None or recipe.condition.tracks.phones is None:
        return None
    if recipe.condition.tracks.phones.language is not None:
        return speech.aligned(corpus.clips, corpus.cache, in_english=False)
    return speech.aligned(corpus.clips, corpus.cache)


def tell_language(recipe: Recipe, corpus: Corpus, names: Collection[str]) -> None:
    """Warn where text will not be said, since no recording has phones of its language.

    Args:
        recipe: tells phones.
        corpus: some of its texts are looked at.
        names: of the phones that its recordings have.

    Raises:
        InputError: espeak-ng is not installed, or does not know the language.
    """
    language = recipe.condition and recipe.condition.tracks.phones and recipe.condition.tracks.phones.language
    if not language:
        return
    texts: list[str] = []
    for clip in corpus.clips[:: -(-len(corpus.clips) // LOOKED_AT)]:
        beside = labels.beside(clip.path)
        if not clip.text and beside is not None and beside.suffix == ".lab":
            continue  # labels of HTK, under the name that others give a text
        with contextlib.suppress(SoundError):  # a text that cannot be read
            texts += filter(None, [transcripts.text_of(clip)])
    lacking = languages.unheard(texts, language, names)
    if lacking:
        log.warning(
            "text of language %s will be said in the phones of espeak-ng, of which %s (%s) %s in no recording; give "
            "labels with its phones, or leave condition.tracks.phones.language out",
            *(language, len(lacking), some(lacking, SHOWN), "is" if len(lacking) == 1 else "are"),
        )


def aligned_alone(recipe: Recipe, corpus: Corpus) -> Corpus:
    """Return a corpus whose splits have no sound of which it is not known what is said, and say which are left out.

    Raises:
        SoundError: nothing is left of a split that had sound.
        InputError, WavenetError: as `of_corpus`.
    """
    found = of_corpus(recipe, corpus)
    if found is None:
        return corpus
    reasons: dict[str, list[str]] = {}
    used = {span.clip for own in corpus.spans.values() for span in own}
    for clip, one in enumerate(found):
        if isinstance(one, str) and clip in used:
            reasons.setdefault(one, []).append(corpus.clips[clip].name)
    for reason, names in sorted(reasons.items(), key=lambda one: -len(one[1])):
        be = "is" if len(names) == 1 else "are"
        log.warning("%s %s left out: %s (%s)", many(len(names), "sound"), be, reason, some(names, SHOWN))
    spans = {
        name: [span for span in own if not isinstance(found[span.clip], str)] for name, own in corpus.spans.items()
    }
    for name, own in corpus.spans.items():
        if own and not spans[name]:
            raise nothing_left(name, next(iter(reasons)))
    return replace(corpus, spans=spans)


def nothing_left(split: str, reason: str) -> SoundError:
    """Return what is wrong where of all sounds of a split it is not known what is said."""
    return SoundError(
        f"of no {'' if split == 'all' else f'{split} '}sound it is known which phones are said ({reason}); give "
        "recordings with their text, or leave condition.tracks.phones out"
    )
