"""Which sound a model is judged on: the held-out part of its own, a folder, or a single file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wavenet import disk
from wavenet.audio import corpus, folders
from wavenet.audio.corpus import Corpus
from wavenet.audio.splits import Span
from wavenet.errors import InputError
from wavenet.evaluation.overlap import trained_on
from wavenet.features import corpus_condition, sentences
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition
from wavenet.progress import log
from wavenet.recipe import find, read
from wavenet.recipe.paths import near_path
from wavenet.recipe.records import Recipe
from wavenet.text import many, printable, some

SHOWN = 3  # files that one line names
ALL = "all"


@dataclass(frozen=True)
class HeldOut:
    """Sound to judge a model on."""

    name: str  # of the folder or file
    split: str  # test, valid or all
    recipe: Recipe  # how it was prepared: the model's own, with the place of this sound
    corpus: Corpus
    spans: Sequence[Span]

    @property
    def targets(self) -> int:
        """How many samples it has."""
        return sum(span.last - span.first for span in self.spans)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.targets / self.recipe.audio.sample_rate

    def file(self, index: int) -> str:
        """Return the name of the file that a span is of."""
        return self.corpus.sound.entries[self.spans[index].clip].name

    def condition_under(self, voice: Voice, cache: Path | None = None) -> Condition | None:
        """Return what a voice's network is told of all clips; what the voice knows no word for is unknown.

        Args:
            voice: whose network it is.
            cache: where features are kept; None takes this user's cache folder.
        """
        if voice.recipe.condition is None:
            return None
        known = voice.vocabulary()
        found = corpus_condition.of_corpus(self.recipe, self.corpus, cache, known.values, names=known.phones)
        return None if found is None else found.condition

    def limited(self, seconds: float | None) -> HeldOut:
        """Return files spread evenly over all, that together last about so long; the last may be cut."""
        if seconds is None or seconds >= self.seconds:
            return self
        left = max(1, round(seconds * self.recipe.audio.sample_rate))
        count = max(1, round(len(self.spans) * seconds / self.seconds))
        kept = []
        for span in (self.spans[len(self.spans) * i // count] for i in range(count)):
            last = min(span.last, span.first + left)
            left -= last - span.first
            if last > span.first:
                kept.append(Span(span.clip, span.first, last))
        return replace(self, spans=kept)


def own_recipe(model: str | Path) -> Recipe:
    """Return the recipe of a run, with the place of its sound, or of a bundle or voice, which does not know it."""
    return find.with_data(read.load(find.find_model_recipe(str(model))), None)


def find_sound(
    model: str | Path,
    data: str | Path | None = None,
    split: str | None = None,
    cache: Path | None = None,
    option: str = "--data",
) -> HeldOut:
    """Return the sound to judge a model on.

    Args:
        model: a run or bundle folder, or the name of a voice.
        data: a file or folder of sound; None takes the sound that the model was trained on.
        split: test or valid, as the model's recipe divides the sound; all. None takes test, but all of a file, and of a
            folder that does not say itself which of its files are for testing.
        cache: where decoded sound is kept; None takes this user's cache folder.
        option: of the command line, which gives `data`.

    Raises:
        InputError: there is no such sound or split.
    """
    place = None if data is None else disk.given_path(str(data))
    if place is not None and place.is_file():
        return _one_file(own_recipe(model), place, split, cache)
    if place is not None and not place.is_dir():
        raise InputError(
            f"there is no sound file or folder {data}{near_path(place, Path.exists)}; give one that exists"
        )
    recipe = find.with_data(own_recipe(model), data)
    if place is not None:  # what this program made is sound like any other where the user names it
        recipe = replace(recipe, data=replace(recipe.data, generated=True))
    else:
        _check_own(recipe, str(model), split, option)
    name = printable(Path(str(recipe.data.path)).name)
    source = folders.find(recipe.data, recipe.columns)
    if place is not None and split is None and not any(clip.split == "test" for clip in source.clips):
        split = ALL
    if split == ALL:
        found = sentences.aligned_alone(recipe, corpus.whole(recipe, source, cache))
        return HeldOut(name, ALL, recipe, found, found.spans[ALL])
    found = sentences.aligned_alone(recipe, corpus.gather(recipe, cache, source))
    chosen = split or "test"
    if not found.spans[chosen]:
        have = corpus.splits_in_words(recipe, found.source, found.cache.entries, found.spans)
        other = "give `--split valid`, or other sound with --data" if chosen == "test" else "give other sound"
        raise InputError(f"{name} has no {chosen} split ({have}); {other}")
    return HeldOut(name, chosen, recipe, found, found.spans[chosen])


def _one_file(recipe: Recipe, place: Path, split: str | None, cache: Path | None) -> HeldOut:
    if split not in (None, ALL):
        raise InputError(f"{place} is a file, of which all is scored, got --split {split}; leave --split out")
    found = sentences.aligned_alone(recipe, corpus.whole(recipe, folders.one_file(place), cache))
    return HeldOut(printable(place.name), ALL, recipe, found, found.spans[ALL])


def _check_own(recipe: Recipe, model: str, split: str | None, option: str) -> None:
    if recipe.data.path is None or not Path(recipe.data.path).is_dir():
        gone = f"was trained on {recipe.data.path}, which no longer exists"
        missing = gone if recipe.data.path else "does not say where its sound lies"
        raise InputError(f"{model} {missing}; give a sound file or folder with {option} AUDIO")
    if split == ALL:
        raise InputError("--split all scores what was trained on, too; name the sound with --data DIR if you mean it")


def without_trained(held: HeldOut, known: object, given: bool, limit: float | None = None) -> HeldOut:
    """Return held-out sound without what the model was trained on, and say what is left out.

    Args:
        held: the sound.
        known: the list of what was trained on, from the model's bundle (`overlap.listed`).
        given: whether the user named this sound: then it is scored all the same, with a warning.
        limit: seconds of sound that are kept at most; None keeps all.

    Raises:
        InputError: nothing is left.
    """
    held = held.limited(limit) if given else held
    seen = trained_on(known, held.corpus.sound.entries, held.spans)
    if seen is None:
        log.info("this model does not list the files it was trained on: whether this sound is new to it is not known")
    if not seen:
        return held.limited(limit)
    which = f"{len(seen):,} of these {many(len(held.spans), 'file')}" if len(held.spans) > 1 else "this file"
    what = f"the model was trained on {which} ({some([held.file(index) for index in seen], SHOWN)})"
    if given:
        log.warning("%s: the scores are better than those of new sound", what)
        return held
    left = [span for index, span in enumerate(held.spans) if index not in set(seen)]
    if not left:
        raise InputError(f"{what}; give new sound with --data DIR")
    log.warning("%s: that sound is left out; --data DIR scores it all the same", what)
    return replace(held, spans=left).limited(limit)
