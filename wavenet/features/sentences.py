"""What is said in a corpus, and the corpus without the sounds of which that is not known."""

from __future__ import annotations

from dataclasses import replace

from wavenet import speech
from wavenet.audio.corpus import Corpus
from wavenet.errors import SoundError
from wavenet.progress import log
from wavenet.recipe.records import Recipe
from wavenet.speech import Aligned
from wavenet.text import many, some

SHOWN = 3  # sounds of a reason that are named


def of_corpus(recipe: Recipe, corpus: Corpus) -> list[Aligned | str] | None:
    """Return the phones of all clips of a corpus, or why they are not known; None where the recipe tells none.

    They are found once, and kept beside the decoded sound.

    Raises:
        InputError: a package that is needed for it is not installed.
        WavenetError: what is found cannot be kept.
    """
    if recipe.condition is None or recipe.condition.tracks.phones is None:
        return None
    return speech.aligned(corpus.clips, corpus.cache)


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
