"""Conditional samples: clips drawn for values of fields, as `generate` draws them. Is what was asked for heard?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wavenet.audio.corpus import Corpus
from wavenet.audio.splits import Span, Splits
from wavenet.evaluation import recogniser_file
from wavenet.evaluation.generated import LONGEST, draw_clips, held_out_clips, quantised
from wavenet.evaluation.pitched import Pitched, known_notes, measurable, pitch_field, pitched
from wavenet.evaluation.recogniser import Ids, Recogniser
from wavenet.evaluation.recognition import Recognition, recognised
from wavenet.features.fields import Fields
from wavenet.features.notes import note_of
from wavenet.generate.asked import Vocabulary, Wanted
from wavenet.generate.voice import Voice
from wavenet.outputs import Codes, Floats
from wavenet.progress import log
from wavenet.text import duration, joined, many

CLIPS = 60  # that are drawn where no other number is asked for
REAL = 120  # real clips at most that are listened to beside them
MOST_VALUES = 64  # of a field that a recogniser names
FEWEST_CLIPS = 8  # to train on, for each value on average


@dataclass(frozen=True)
class ConditionalSamples:
    """What is heard of values that were asked for."""

    clips: int
    seconds: float  # of all
    seed: int
    guidance: float  # how strongly they follow what was asked for
    asked: tuple[str, ...]  # the fields
    heard: Recognition | None  # None where no recogniser listened to these fields
    pitch: Pitched | None  # None where there is no such field

    def to_text(self) -> list[str]:
        """Return tables and sentences, line by line."""
        drawn = f"{many(self.clips, 'clip')}, {duration(self.seconds)} in all, drawn with seed {self.seed}"
        lines = [f"{drawn} and guidance {self.guidance:g}, asked for {joined(self.asked)}"]
        lines += ["No recogniser listened to them."] if self.heard is None else ["", *self.heard.to_text()]
        return lines + ([] if self.pitch is None else ["", str(self.pitch)])


@dataclass(frozen=True)
class Real:
    """Held-out sound as generated sound is: what each clip is, and its samples."""

    waves: list[Floats]  # [T] each
    fields: Codes  # [clips, n]
    notes: tuple[float | None, ...] = ()  # MIDI numbers of each clip, where there are any; None: not known

    @classmethod
    def of(cls, voice: Voice, corpus: Corpus, spans: Sequence[Span], fields: Codes) -> Real:
        """Return clips of some spans, as long as generated ones may be; `fields` are those of all clips of a corpus."""
        parts = held_out_clips(spans, REAL, voice.sample_rate)
        notes = known_notes(voice.recipe, [corpus.clips[part.clip] for part in parts])
        return cls(quantised(voice, corpus.sound, parts), fields[[part.clip for part in parts]], notes)


@dataclass(frozen=True)
class Listener:
    """A recogniser of some of a voice's fields."""

    recogniser: Recogniser
    columns: list[int]  # which fields it names

    def heard(self, waves: Sequence[Floats], asked: Ids, real: Real) -> Recognition:
        """Return what is heard of the values of all fields [clips, n]; beside them in real clips."""
        named = list(self.recogniser.values.values())
        known = [index for index, own in enumerate(real.fields[:, self.columns]) if _any(own, named)]
        theirs = [real.waves[index] for index in known], real.fields[known][:, self.columns]
        return recognised(self.recogniser, (waves, asked[:, self.columns]), theirs if known else None)


@dataclass(frozen=True)
class Answers:
    """Clips that were asked for."""

    known: ConditionalSamples  # what is known of them before a recogniser listens
    waves: Sequence[Floats]  # [T] each
    ids: Ids  # [clips, n], what they were asked for
    real: Real  # to listen to beside them

    def heard_by(self, listener: Listener) -> ConditionalSamples:
        """Return what is known of them once a recogniser has listened."""
        return replace(self.known, heard=listener.heard(self.waves, self.ids, self.real))


def listener_of(
    voice: Voice, vocabulary: Vocabulary, own: Corpus | None, split: str, cache: Path | None = None
) -> Listener | None:
    """Return a recogniser trained on a voice's training sound; None where that is not here, or no field suits.

    Args:
        voice: whose fields it names.
        vocabulary: what their values are called.
        own: the sound that the voice was trained on, where it is here.
        split: that real clips are of: it is left out.
        cache: where recognisers are kept; None takes this user's cache folder.
    """
    if own is None or not vocabulary.values:
        return None
    splits: Splits = {name: spans for name, spans in own.spans.items() if name != split}
    known = Fields.of_clips(voice.recipe, own.clips, vocabulary.values)
    trained = [span.clip for name in recogniser_file.HEARD for span in splits.get(name, ())]
    pitch = pitch_field(voice.recipe)
    columns = [at for at, name in enumerate(known.vocabulary) if name != pitch and _suits(known, at, name, trained)]
    if not columns:
        what = f"2 to {MOST_VALUES} values, and clips enough to learn them from"
        log.info("no recogniser listens: none of %s has %s", ", ".join(known.vocabulary), what)
        return None
    names = [*known.vocabulary]
    fields = Fields({names[one]: known.vocabulary[names[one]] for one in columns}, known.ids[:, columns])
    return Listener(recogniser_file.of_splits(own.sound, splits, fields, voice.sample_rate, cache=cache), columns)


def _suits(known: Fields, column: int, name: str, trained: Sequence[int]) -> bool:
    """Return whether a recogniser can learn a field, unless that is of notes: these are not named but measured."""
    size = len(known.vocabulary[name])
    told = int((known.ids[trained, column] < size).sum())
    return 2 <= size <= MOST_VALUES and told >= FEWEST_CLIPS * size


def answers(
    voice: Voice,
    vocabulary: Vocabulary,
    real: Real,
    clips: int = CLIPS,
    seed: int = 0,
    threads: int | None = None,
) -> Answers | None:
    """Return clips that are asked for values of fields; None where the voice knows no value of any.

    Args:
        voice: draws the clips, as long as training sounds with these values were.
        vocabulary: of its bundle.
        real: held-out clips, to listen to beside.
        clips: how many to draw.
        seed: of what is asked for and of the draws.
        threads: that are used at most.
    """
    if not any(vocabulary.values.values()):
        return None
    wanted = combinations(vocabulary, clips, seed)
    ids, tail = vocabulary.ids(wanted), round(voice.recipe.data.tail_seconds * voice.sample_rate)
    asked = voice.asked(voice.engine(threads=threads), wanted, None, seed)
    lengths = asked.lengths or [vocabulary.length(own, seed, i) + tail for i, own in enumerate(ids)]
    lengths = [min(length, round(LONGEST * voice.sample_rate)) for length in lengths]
    waves = draw_clips(voice, lengths, seed, condition=asked.condition, threads=threads)
    pitch = pitched(vocabulary, waves, wanted, real.waves, real.notes)
    about = sum(lengths) / voice.sample_rate, seed, voice.guidance(None, told=True)
    return Answers(ConditionalSamples(clips, *about, tuple(wanted[0]), None, pitch), waves, ids, real)


def combinations(vocabulary: Vocabulary, clips: int, seed: int) -> list[Wanted]:
    """Return values for each clip: combinations that training sounds had, in an order of the seed's.

    They are of all fields of which any value is known. Where the voice is told the sines of notes, combinations that no
    training sound had come first.
    """
    names = [name for name, values in vocabulary.values.items() if values]
    had = np.unique(vocabulary.durations[:, [[*vocabulary.values].index(name) for name in names]], axis=0)
    sizes = np.array([len(vocabulary.values[name]) for name in names])
    had = had[(had < sizes).all(axis=1)]
    if not len(had):  # no training sound had all of them
        had = np.stack([np.arange(max(sizes)) % size for size in sizes], axis=1)
    draw = np.random.Generator(np.random.Philox(key=np.array([seed, 0], np.uint64), counter=[0, 0, 0, 4]))
    heard = [{name: vocabulary.values[name][value] for name, value in zip(names, row, strict=True)} for row in had]
    fresh = unheard(vocabulary, heard) if vocabulary.recipe.note_field in names else []
    chosen = [fresh[at] for at in draw.permutation(len(fresh))] if fresh else []
    while len(chosen) < clips:
        chosen += [heard[at] for at in draw.permutation(len(heard))]
    return [*chosen[:clips]]


def unheard(vocabulary: Vocabulary, heard: Sequence[Wanted]) -> list[Wanted]:
    """Return the combinations that differ from some in the note alone, which is any semitone between those known."""
    field = str(vocabulary.recipe.note_field)
    notes = [note for value in vocabulary.values[field] if (note := note_of(value)) is not None]
    every = range(math.ceil(min(notes)), math.floor(max(notes)) + 1) if notes else range(0)
    heights = [note for note in every if measurable(note, vocabulary.recipe.audio.sample_rate)]

    def others(one: Wanted) -> tuple[tuple[str, object], ...]:
        return tuple((name, value) for name, value in one.items() if name != field)

    had = {(others(one), note_of(one[field])) for one in heard}
    kinds = dict.fromkeys(map(others, heard))
    return [{**dict(own), field: str(note)} for own in kinds for note in heights if (own, note) not in had]


def _any(ids: Ids, named: Sequence[Sequence[str]]) -> bool:
    return any(value < len(names) for value, names in zip(ids.tolist(), named, strict=True))
