"""What a network is fed: codes, and what it is told besides.

Fields hold for a whole sound (whose voice, which word), tracks for a frame (`geometry/frames.py`). What is not given
is *unknown*: of a field, the number behind its last value; of a track, zeros in its
columns and a one in the column that says so; those columns come behind all values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wavenet.geometry import ConditionShape, FrameShape, frames_between
from wavenet.outputs.draw import Codes, Flags, Floats

PIECE = 4_096  # frames that are held at once while they are averaged


class Tracks(Protocol):
    """The tracks of some sounds, side by side in the columns of `FrameShape.tracks`, without those for *unknown*."""

    def frames(self, sound: int) -> int:
        """Return how many frames a sound has."""

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound, [last - first, values] float32; all lie within it."""


class Sentences(Protocol):
    """What is said in some sounds, phone by phone."""

    def columns(self, sound: int) -> Floats:
        """Return what is known of each phone of a sound but its length, [phones, values] float32."""

    def log_lengths(self, sound: int) -> tuple[Floats, Flags]:
        """Return how long each phone of a sound is, [phones] float32, and which can be learned, [phones] bool."""


@dataclass(frozen=True)
class Said:
    """The sentences that some sounds hold, side by side: what a network of durations learns from.

    Attributes:
        phones: [B, P + 2 reach, values + 1] float32: what is known of each phone, and whether there is none; `reach`
            more on either side, and behind shorter sentences, are none.
        mean: [B, values + 1] float32, of a sentence's own phones.
        lengths: [B, P] float32, logarithms; 0 where none is learned.
        learned: [B, P] bool.
    """

    phones: Floats
    mean: Floats
    lengths: Floats
    learned: Flags

    @classmethod
    def of(cls, sentences: Sentences, sounds: Sequence[int], reach: int) -> Said:
        """Return the sentences of some sounds, for a network that looks `reach` phones back and ahead."""
        each = [(sentences.columns(sound), *sentences.log_lengths(sound)) for sound in sounds]
        longest = max(len(columns) for columns, _, _ in each)
        phones = np.stack([none_around(columns, reach, reach + longest - len(columns)) for columns, _, _ in each])
        mean = np.stack([none_around(columns.mean(axis=0, keepdims=True), 0, 0)[0] for columns, _, _ in each])
        lengths, learned = np.zeros((len(each), longest), np.float32), np.zeros((len(each), longest), bool)
        for row, (_, own, known) in enumerate(each):
            lengths[row, : len(own)], learned[row, : len(own)] = np.where(known, own, 0.0), known
        return cls(phones, mean, lengths, learned)


def none_around(columns: Floats, before: int, behind: int) -> Floats:
    """Return rows [before + n + behind, values + 1] of values [n, values]; the last column says which are none."""
    rows = np.zeros((before + len(columns) + behind, columns.shape[1] + 1), np.float32)
    rows[:, -1] = 1.0
    rows[before : before + len(columns), :-1], rows[before : before + len(columns), -1] = columns, 0.0
    return rows


@dataclass(frozen=True)
class Arrays:
    """Tracks that are held in memory."""

    values: Sequence[Floats]  # of each sound, [F, values]

    def frames(self, sound: int) -> int:
        """Return how many frames a sound has."""
        return len(self.values[sound])

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound."""
        return self.values[sound][first:last]


@dataclass(frozen=True)
class Chosen:
    """The tracks of some sounds among those of others, in this order."""

    chosen: Sequence[tuple[Tracks, int]]  # of each sound: tracks, and which of theirs

    def frames(self, sound: int) -> int:
        """Return how many frames a sound has."""
        tracks, own = self.chosen[sound]
        return tracks.frames(own)

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound."""
        tracks, own = self.chosen[sound]
        return tracks.read(own, first, last)


@dataclass(frozen=True)
class Window:
    """What some sequences are told while they take as many steps; step t draws sample t of a sound.

    Before and behind the sound, and all along where no track is known, the network is told the fields alone.
    """

    first: Codes  # [B], the first step of each
    steps: int
    fields: Codes  # [B, n] int64
    tracks: Floats  # [B, f, M] float32: the frames of these steps, and `reach` more on either side
    reach: int
    frames: Codes  # [B], how many the whole sound of each has; 0 where no track is known
    mean: Floats  # [B, M] float32, over the whole sound where the encoder is pooled

    def of(self, rows: NDArray[np.int64] | slice) -> Window:
        """Return the window of some of its sequences."""
        return Window(
            self.first[rows],
            self.steps,
            self.fields[rows],
            self.tracks[rows],
            self.reach,
            self.frames[rows],
            self.mean[rows],
        )

    def part(self, first: int, last: int, shape: ConditionShape) -> Window:
        """Return the window of its steps first .. last - 1, where `first` is a whole number of hops."""
        at = first // shape.hop  # frames of every sequence, wherever in a frame it began
        tracks = self.tracks[:, at : at + _frames(shape, last - first)]
        return replace(self, first=self.first + first, steps=last - first, tracks=tracks)


@dataclass(frozen=True)
class Condition:
    """All that some sounds are told.

    Attributes:
        shape: of the network that is told.
        fields: [sounds, n] int64.
        tracks: of each sound; None where there are none.
        unknown: [sounds, tracks] bool, which tracks are not told; None: all are.
        sentences: what is said in each sound, for a network of durations to learn; None where there is none.
    """

    shape: ConditionShape
    fields: Codes
    tracks: Tracks | None = None
    unknown: Flags | None = None
    sentences: Sentences | None = None
    _means: dict[int, Floats] = field(init=False, repr=False, compare=False, default_factory=dict)  # found so far

    @classmethod
    def nothing(cls, shape: ConditionShape, sounds: int) -> Condition:
        """Return what sounds are told of which nothing is known."""
        return cls(shape, np.tile(np.array([size for _, size in shape.told.fields], np.int64), (sounds, 1)))

    def of(self, sounds: Sequence[int]) -> Condition:
        """Return what some of its sounds are told, in this order."""
        rows = list(sounds)
        own = None if self.tracks is None else Chosen([(self.tracks, sound) for sound in rows])
        return Condition(self.shape, self.fields[rows], own, None if self.unknown is None else self.unknown[rows])

    def said(self, sounds: Sequence[int]) -> Said | None:
        """Return the sentences of some sounds, None where no network of durations learns them."""
        if self.sentences is None or self.shape.durations is None:
            return None
        return Said.of(self.sentences, sounds, self.shape.durations.encoder.reach)

    def window(self, sounds: Sequence[int], first: Sequence[int], steps: int, dropped: Flags | None = None) -> Window:
        """Return what some sounds are told from step `first` of each on.

        Args:
            sounds: which.
            first: a step of each.
            steps: how many.
            dropped: [B, fields + tracks] bool, what is not told although it is known.
        """
        told, reach = self.shape.told, self.shape.reach
        fields = self.fields[list(sounds)]
        hidden = np.zeros((len(sounds), len(told.tracks)), bool)
        if self.unknown is not None:
            hidden |= self.unknown[list(sounds)]
        if dropped is not None:
            sizes = np.array([size for _, size in told.fields], np.int64)
            fields = np.where(dropped[:, : len(sizes)], sizes, fields)
            hidden |= dropped[:, len(sizes) :]
        wide = _frames(self.shape, steps)
        frames = np.zeros(len(sounds), np.int64)
        tracks = np.tile(_unknown(told), (len(sounds), wide, 1))
        mean = np.tile(_unknown(told), (len(sounds), 1))
        for row, (sound, step) in enumerate(zip(sounds, first, strict=True)):
            if self.tracks is None or hidden[row].all():
                continue
            frames[row] = self.tracks.frames(sound)
            at = step // self.shape.hop - int(self.shape.linear) - reach
            low, high = max(0, at), min(int(frames[row]), at + wide)
            if low < high:
                tracks[row, low - at : high - at] = _joined(told, self.tracks.read(sound, low, high), hidden[row])
            if self.shape.pooled:  # else nothing looks at it, and a long sound would be read for every window
                mean[row] = _joined(told, self._mean(self.tracks, sound)[None], hidden[row])[0]
        return Window(np.asarray(first, np.int64), steps, fields, tracks, reach, frames, mean)

    def _mean(self, tracks: Tracks, sound: int) -> Floats:
        """Return the mean of all frames of a sound, [values] float32; they are read a piece at a time, once."""
        if sound not in self._means:
            frames, total = tracks.frames(sound), np.float64(0)
            for at in range(0, frames, PIECE):
                total = total + tracks.read(sound, at, min(at + PIECE, frames)).sum(axis=0, dtype=np.float64)
            self._means[sound] = np.asarray(total / frames, np.float32)
        return self._means[sound]


def _frames(shape: ConditionShape, steps: int) -> int:
    """Return how many frames a window has for so many steps, wherever in a frame they begin."""
    begin, end = frames_between(0, steps + shape.hop - 1, shape.hop, shape.linear)
    return end - begin + 2 * shape.reach if shape.told.tracks else 0


def _unknown(told: FrameShape) -> Floats:
    """Return a frame of which nothing is known, [M] float32."""
    frame = np.zeros(told.width, np.float32)
    frame[told.width - len(told.tracks) :] = 1.0
    return frame


def _joined(told: FrameShape, values: Floats, hidden: Flags) -> Floats:
    """Return frames [n, M]: the values of all tracks but the hidden ones [tracks], then which are hidden."""
    columns = np.repeat(hidden, [width for _, width in told.tracks])
    signs = np.broadcast_to(hidden.astype(np.float32), (len(values), len(hidden)))
    return np.concatenate([np.where(columns, np.float32(0), values), signs], axis=1)


@dataclass(frozen=True)
class Feed:
    """Codes with what their sequences are told."""

    codes: Codes  # [B, T], or [T] of one sequence; the alphabet's size stands for *start*
    told: Window | None = None  # of these sequences, for T steps; None for a network that is told nothing
