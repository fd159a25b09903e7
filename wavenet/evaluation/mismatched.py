"""Matched and mismatched conditions: a sound's own values and tracks, and the same with one thing changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wavenet.audio.crops import Sound
from wavenet.audio.splits import Span
from wavenet.generate.asked import Vocabulary, all_tracks, ask
from wavenet.generate.packed import Packed
from wavenet.geometry import ConditionShape
from wavenet.outputs import Arrays, Codes, Condition, Floats, Tracks
from wavenet.recipe.records import ASKED
from wavenet.recipe.records import PREDICTED as FOLLOWING
from wavenet.text import many

WRONG = 9  # values of a field beside the right one, at most
LATE = (1, 2, 5)  # frames that tracks are shifted by
ANOTHER = "another sound's"
MEASURED, PREDICTED, UNKNOWN, NONE = "measured", "predicted", "unknown", "none"  # how tracks are told

Key = tuple[str, str, str]  # how tracks are told, what is not right, and what it is in its place
RIGHT = ("", "")
NOTHING: Key = (UNKNOWN, "all", "")


@dataclass(frozen=True)
class Telling:
    """One thing that a clip may be told."""

    fields: Codes  # [n] int64
    unknown: NDArray[np.bool_]  # [tracks]
    tracks: Tracks | None = None
    sound: int = 0  # whose tracks these are
    late: int = 0  # frames that they come behind their time
    frames: int = 0  # that the clip has


@dataclass(frozen=True)
class Moved:
    """Tracks as different tellings have them: another sound's, or some frames late; the ends last for ever."""

    tellings: Sequence[Telling]

    def frames(self, sound: int) -> int:
        """Return how many frames a sound has."""
        return self.tellings[sound].frames

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1, [last - first, values] float32."""
        one = self.tellings[sound]
        assert one.tracks is not None
        wanted = np.clip(np.arange(first, last) - one.late, 0, one.tracks.frames(one.sound) - 1)
        low, high = int(wanted[0]), int(wanted[-1])
        return one.tracks.read(one.sound, low, high + 1)[wanted - low]


def condition_of(shape: ConditionShape, tellings: Sequence[Telling]) -> Condition:
    """Return what all tellings tell, as if each were a sound of its own."""
    fields, unknown = (np.stack([getattr(one, name) for one in tellings]) for name in ("fields", "unknown"))
    tracks = None if any(one.tracks is None for one in tellings) else Moved(tellings)
    return Condition(shape, fields, tracks, unknown)


def within(span: Span, hop: int, most: int | None = None) -> Span:
    """Return a span from the beginning of its first whole frame on, of `most` samples at most."""
    first = min(-(-span.first // hop) * hop, span.last - 1)
    return Span(span.clip, first, span.last if most is None else min(span.last, first + most))


def of_parts(condition: Condition, parts: Sequence[Span]) -> Condition:
    """Return what parts of sounds are told, each from the beginning of a frame on: as if a sound began there.

    Args:
        condition: of all clips.
        parts: that are `within` spans of them.
    """
    own, tracks, hop = condition.of([part.clip for part in parts]), condition.tracks, condition.shape.hop
    if tracks is None:
        return own
    unknown = np.zeros((len(parts), len(condition.shape.told.tracks)), bool) if own.unknown is None else own.unknown
    begins = [part.first // hop for part in parts]
    tellings = [
        Telling(own.fields[at], unknown[at], tracks, part.clip, -begin, tracks.frames(part.clip) - begin)
        for at, (part, begin) in enumerate(zip(parts, begins, strict=True))
    ]
    return condition_of(condition.shape, tellings)


def following(packed: Packed, told: Telling, measured: Collection[str] = ()) -> Telling:
    """Return what is told where clock and phones are those of a telling, and the rest is predicted from them.

    Args:
        packed: the network, which predicts.
        told: with all tracks.
        measured: other tracks that are those of the telling, too.
    """
    shape = packed.shape.condition
    assert shape is not None
    values = Moved([told]).read(0, 0, told.frames)
    ends = np.cumsum([width for _, width in shape.told.tracks])[:-1]
    parts = zip(shape.told.tracks, np.split(values, ends, axis=1), strict=True)
    given = {name: part for (name, _), part in parts if name in (*ASKED, *measured)}
    known = {*given, *(FOLLOWING if shape.acoustic is not None else ())}
    hidden = np.array([name not in known for name, _ in shape.told.tracks])
    own = Arrays([all_tracks(packed, given, told.fields)])
    return Telling(told.fields, hidden, own, frames=told.frames)


@dataclass(frozen=True)
class Tellers:
    """All that clips of some sound may be told, right and wrong."""

    condition: Condition  # of all clips
    sound: Sound
    packed: Packed
    vocabulary: Vocabulary
    seed: int

    @property
    def shape(self) -> ConditionShape:
        """Of the network that is told."""
        return self.condition.shape

    @property
    def ways(self) -> tuple[str, ...]:
        """How tracks can be told."""
        names = [name for name, _ in self.shape.told.tracks]
        if not names:
            return (NONE,)
        asked = "phones" in names or (self.shape.told.fields and "clock" in names)
        predicted = asked and self.shape.acoustic is not None
        return (MEASURED, PREDICTED, UNKNOWN) if predicted else (MEASURED, UNKNOWN)

    @property
    def _moved(self) -> tuple[str, ...]:
        """How tracks are told that come late or are another sound's: predicted ones too where phones decide on them."""
        return tuple(way for way in self.ways if way == MEASURED or (way == PREDICTED and self._speaks))

    @property
    def _speaks(self) -> bool:
        return "phones" in (name for name, _ in self.shape.told.tracks)

    def of(self, clip: int, others: Sequence[int]) -> dict[Key, Telling]:
        """Return all that a clip is told, by what is not right about it.

        Args:
            clip: which.
            others: clips whose tracks it may be told.
        """
        found: dict[Key, Telling] = {}
        right, sizes = self.condition.fields[clip], [size for _, size in self.shape.told.fields]
        for way in self.ways:
            found |= {(way, *what): self._told(clip, way, ids) for what, ids in self._fields(clip)}
        if self.ways[0] == MEASURED:
            for way in self._moved:
                for late in LATE:
                    found[way, "tracks", many(late, "frame") + " late"] = self._told(clip, way, right, late=late)
                if others:
                    found[way, "tracks", ANOTHER] = self._told(clip, way, right, self._nearest(clip, others))
        found[NOTHING] = self._told(clip, UNKNOWN, np.array(sizes, np.int64))
        return found

    def _fields(self, clip: int) -> Iterator[tuple[tuple[str, str], Codes]]:
        """Yield the right values, and those with one field changed, by that field and the value."""
        right = self.condition.fields[clip]
        yield RIGHT, right
        draw = np.random.Generator(np.random.Philox(key=np.array([self.seed, clip], np.uint64), counter=[0, 0, 0, 3]))
        for column, (field, size) in enumerate(self.shape.told.fields):
            known = self.vocabulary.values[field]
            wrong = [value for value in range(len(known)) if value != right[column]]
            if right[column] >= len(known) or not wrong:
                continue
            chosen = sorted(draw.permutation(wrong)[:WRONG].tolist())
            for value in [*chosen, size]:
                other = right.copy()
                other[column] = value
                yield (field, known[value] if value < len(known) else ""), other

    def _told(self, clip: int, way: str, ids: Codes, sound: int | None = None, late: int = 0) -> Telling:
        hidden = np.full(len(self.shape.told.tracks), way == UNKNOWN)
        if way != PREDICTED or self._speaks:
            tracks = self.condition.tracks
            frames = 0 if tracks is None else tracks.frames(clip)
            told = Telling(ids, hidden, tracks, clip if sound is None else sound, late, frames)
            return told if way != PREDICTED else following(self.packed, told)
        wanted = self.vocabulary.wanted(ids)
        whole = self.sound.lengths[clip] + self.sound.tail
        asked = ask(self.packed, self.vocabulary, [wanted], whole).condition
        if asked is None or asked.tracks is None or asked.unknown is None:  # nothing is known to predict from
            return self._told(clip, UNKNOWN, ids)
        return Telling(ids, asked.unknown[0], asked.tracks, frames=asked.tracks.frames(0))

    def _nearest(self, clip: int, others: Sequence[int]) -> int:
        """Return a clip of about the same length, with as few fields in common as there are."""
        fields, lengths = self.condition.fields, self.sound.lengths

        def unlike(other: int) -> tuple[int, int, int]:
            return int((fields[other] == fields[clip]).sum()), abs(lengths[other] - lengths[clip]), other

        return min(others, key=unlike)
