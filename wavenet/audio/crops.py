"""Training crops. Each target comes with its whole context, so a crop's borders leave no mark on the loss.

Every file is cut into pieces of equal length (to within one sample), none longer than `segment_samples`. An epoch is
a permutation of all pieces: each sample of a file is a target exactly once in it, the first ones too; nothing else is,
but for the tail of silence that a recipe may ask for. What batch n holds is a function of (seed, n) alone.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.audio.cache import Cache
from wavenet.audio.decode import FULL, Entry, Pcm
from wavenet.audio.splits import Span
from wavenet.geometry import frame_count
from wavenet.outputs import IGNORED, Alphabet, Codes, Condition, Feed, Flags, Floats, Said, Window
from wavenet.recipe.records import LevelConfig

CLIPPED = 1.0 + 0.5 / FULL  # a magnitude beyond it is clipped, not merely rounded: half a step of 16 bits
COUNTED_SAMPLES = 1 << 20  # read at a time where codes are counted: an hour costs no more memory than a minute
MOST_FRAMES = 1_000  # of a clip that an acoustic network learns the tracks of
WINDOW_BATCHES = 16  # pieces of this many batches are sorted by length, so that little of a batch is padding


@dataclass(frozen=True)
class Batch:
    """One batch, ready for the network."""

    feed: Feed  # codes [B, width + receptive_field - 1], with what their clips are told
    targets: Codes  # [B, width]; IGNORED beyond the ends of a piece
    predicted: Flags | None = None  # [B], which rows are to hear predicted tracks
    said: Said | None = None  # the sentences of these clips, where a network of durations learns them
    heard: Window | None = None  # what other clips are told, where an acoustic network learns from them too


@dataclass(frozen=True)
class Clipped:
    """How many samples of a file the level clips, and what share of it they are."""

    name: str
    samples: int
    share: float


class Sound:
    """The kept clips of a cache as the model gets them: at the recipe's level, silence behind their ends.

    Args:
        cache: the decoded sound.
        level: the gain policy.
        tail: samples of silence that training adds after each clip.
    """

    def __init__(self, cache: Cache, level: LevelConfig, tail: int) -> None:
        self.entries = [entry for entry in cache.entries if entry.reason is None]
        self.gains = [gain(level, entry.rms, entry.peak) for entry in self.entries]
        self._steps = [_step(entry, factor) for entry, factor in zip(self.entries, self.gains, strict=True)]
        self.lengths = [entry.length for entry in self.entries]
        self.tail = tail
        self._pcm = cache.pcm()

    def read(self, clip: int, first: int, last: int) -> Floats:
        """Return samples first .. last - 1 of a clip, [last - first] float32, clipped to [-1, 1]."""
        entry, wave = self.entries[clip], np.zeros(last - first, np.float32)
        stored = self._pcm[entry.first + min(first, entry.length) : entry.first + min(last, entry.length)]
        np.clip(stored * self._steps[clip], -1.0, 1.0, out=wave[: len(stored)])
        return wave

    def codes(self, clip: int, first: int, last: int, alphabet: Alphabet) -> Codes:
        """Return the codes [last - first] of samples first .. last - 1 of a clip, as those of the whole clip are."""
        lead = min(first, 1)  # a code may depend on the sample before
        return alphabet.encode(self.read(clip, first - lead, last))[lead:]

    def _blocks(self, entry: Entry, first: int, last: int) -> Iterator[Pcm]:
        for at in range(entry.first + first, entry.first + last, COUNTED_SAMPLES):
            yield self._pcm[at : min(at + COUNTED_SAMPLES, entry.first + last)]

    def with_tails(self, spans: Sequence[Span]) -> list[Span]:
        """Return spans with the tail of silence behind each that reaches the end of its clip.

        Training targets the tails, so that sound learns to end; scores leave them out, since they are no real samples.
        """
        tails = [self.tail if span.last == self.lengths[span.clip] else 0 for span in spans]
        return [Span(span.clip, span.first, span.last + tail) for span, tail in zip(spans, tails, strict=True)]

    def code_counts(self, spans: Sequence[Span], alphabet: Alphabet) -> tuple[Codes, int]:
        """Return how often each code is a target [Q], and how many samples the level clips."""
        counts, over = np.zeros(alphabet.size, np.int64), 0
        silence = alphabet.encode(np.zeros(1, np.float32))[0]
        for span in spans:
            entry = self.entries[span.clip]
            first, last = min(span.first, entry.length), min(span.last, entry.length)
            values, times = self._values(entry, first, last)
            wave = values * self._steps[span.clip]
            over += int(np.sum(np.abs(wave) > CLIPPED if times is None else times[np.abs(wave) > CLIPPED]))
            if alphabet.preemphasis:  # a code is of two samples, so that values alone do not tell it
                counts += self._counts_in_order(span, alphabet)
                continue
            counts += np.bincount(alphabet.encode(wave), times, alphabet.size).astype(np.int64)
            counts[silence] += (span.last - span.first) - (last - first)
        return counts, over

    def _counts_in_order(self, span: Span, alphabet: Alphabet) -> Codes:
        counts = np.zeros(alphabet.size, np.int64)
        for first in range(span.first, span.last, COUNTED_SAMPLES):
            codes = self.codes(span.clip, first, min(first + COUNTED_SAMPLES, span.last), alphabet)
            counts += np.bincount(codes, minlength=alphabet.size)
        return counts

    def _values(self, entry: Entry, first: int, last: int) -> tuple[NDArray[Any], Codes | None]:
        """Return the stored samples of a stretch; of a long one each of the 65,536 values, and how often it comes."""
        if last - first <= 2 * FULL:
            return self._pcm[entry.first + first : entry.first + last], None
        seen = np.zeros(2 * FULL, np.int64)
        for block in self._blocks(entry, first, last):
            seen += np.bincount(block.astype(np.int64) + FULL, minlength=2 * FULL)
        return np.arange(-FULL, FULL, dtype=np.float32), seen

    def clipped(self) -> list[Clipped]:
        """Return the clips of which the level clips samples, those with the largest share first."""
        clips = zip(self.entries, self.gains, strict=True)
        return worst_first(clipping(entry, factor, self._blocks(entry, 0, entry.length)) for entry, factor in clips)


def _step(entry: Entry, factor: float) -> np.float32:
    """Return what a stored sample of 1 is where a clip has a gain."""
    return np.float32(entry.scale * factor / FULL)


def clipping(entry: Entry, factor: float, blocks: Iterable[Pcm]) -> Clipped:
    """Return how many samples of a clip are clipped at a gain; its blocks are read only where any can be."""
    if entry.peak * factor <= CLIPPED:
        return Clipped(entry.name, 0, 0.0)
    one = _step(entry, factor)
    samples = sum(int((np.abs(block * one) > CLIPPED).sum()) for block in blocks)
    return Clipped(entry.name, samples, samples / entry.length)


def worst_first(found: Iterable[Clipped]) -> list[Clipped]:
    """Return the clips of which any sample is clipped, those with the largest share first."""
    return sorted((clip for clip in found if clip.samples), key=lambda clip: -clip.share)


def gain(level: LevelConfig, rms: float, peak: float) -> float:
    """Return the factor that gives a clip of this RMS and peak the wanted level."""
    if level.rms is not None:
        return level.rms / rms
    return level.peak / peak if level.peak is not None else 1.0


def pieces(spans: Iterable[Span], longest: int, hop: int = 1) -> Iterator[tuple[int, int, int]]:
    """Yield the spans cut into pieces of equal length, to within a hop: clip, first target and targets.

    None is longer than `longest`, to within a hop; all but the first of a span begin with a frame of `hop` samples.
    """
    for span in spans:
        length = span.last - span.first
        parts = -(-length // longest)
        bounds = [span.first + length * part // parts for part in range(1, parts)]
        bounds = [span.first, *(max(span.first, bound - bound % hop) for bound in bounds), span.last]
        for first, last in itertools.pairwise(bounds):
            if first < last:
                yield span.clip, first, last - first


class Crops:
    """Batches of pieces.

    Args:
        sound: the clips.
        pieces: of one split, as `pieces` yields them.
        alphabet: encodes and shifts.
        receptive_field: the context of each target.
        width: targets per row of every batch; None takes the longest piece of each batch.
        condition: what the clips are told, or None.
        unknown: share of training pieces that are told nothing, and of the others that are not told one thing.
        predicted: share of training pieces whose tracks are to be predicted.
        noise: standard deviation, in codes, of what training adds to the past at most.
        sounds: clips of which an acoustic network learns the tracks alone, in every batch.
    """

    def __init__(
        self,
        sound: Sound,
        pieces: Iterable[tuple[int, int, int]],
        alphabet: Alphabet,
        receptive_field: int,
        width: int | None = None,
        condition: Condition | None = None,
        unknown: float = 0.0,
        predicted: float = 0.0,
        noise: float = 0.0,
        sounds: int = 0,
    ) -> None:
        self.sound, self.alphabet, self.context, self.width = sound, alphabet, receptive_field, width
        self.condition, self.unknown, self.predicted, self.noise = condition, unknown, predicted, noise
        self.sounds = sounds
        self.table = np.fromiter(chain.from_iterable(pieces), np.int64).reshape(-1, 3)  # of a million pieces 24 MB

    @property
    def targets(self) -> int:
        """Targets of one epoch."""
        return int(self.table[:, 2].sum())

    def batch(self, rows: NDArray[np.int64], dropped: Flags | None = None, predicted: Flags | None = None) -> Batch:
        """Return the pieces of some rows of the table as one batch, shorter ones padded and masked.

        A piece that begins within a frame is led by targets that do not count, so that all begin with one.

        Args:
            rows: of the table.
            dropped: [B, fields + tracks], what is not told; None: all is.
            predicted: [B], which rows are to hear predicted tracks.
        """
        hop = 1 if self.condition is None else self.condition.shape.hop
        chosen = self.table[rows]
        leads = chosen[:, 1] % hop
        width = self.width or int((leads + chosen[:, 2]).max())
        codes = self.alphabet.starts(len(rows), width + self.context - 1)
        targets = np.full((len(rows), width), IGNORED, np.int64)
        for row, (lead, (clip, first, count)) in enumerate(zip(leads.tolist(), chosen.tolist(), strict=True)):
            begin, end = first - lead, first + count
            known = self.sound.codes(clip, max(0, begin - self.context), end, self.alphabet)
            past, aims = self.alphabet.crop(known, begin, end - begin, self.context)
            codes[row, : len(past)] = past
            targets[row, lead : lead + count] = aims[lead:]
        told = None
        if self.condition is not None:
            first = chosen[:, 1] - leads - self.context + 1
            told = self.condition.window(chosen[:, 0].tolist(), first.tolist(), codes.shape[1], dropped)
        return Batch(Feed(codes, told), targets, predicted)

    def training(self, seed: int, step: int, size: int, share: tuple[int, int] = (0, 1)) -> Batch:
        """Return batch `step` of an endless run with this seed.

        Args:
            seed: of the run.
            step: counted from 0.
            size: pieces of the whole batch.
            share: (i, n) takes every n-th piece from the i-th on: what one of n processes trains on.
        """
        window, within = divmod(step, WINDOW_BATCHES)
        rows, own = self._window(seed, window, size)[within], slice(share[0], None, share[1])
        if self.condition is None:
            return self._noisy(self.batch(rows[own]), seed, step, size, own)
        told, drawn = self.condition.shape.told, _generator(seed, 2, step)
        names = len(told.fields) + len(told.tracks)
        dropped = drawn.random((size, names + 1)) < self.unknown
        dropped[:, :names] |= dropped[:, names:]
        predicted = drawn.random(size) < self.predicted
        batch = self.batch(rows[own], dropped[own, :names], predicted[own])
        beside = replace(batch, said=self._said(rows[own]), heard=self._heard(seed, step, share))
        return self._noisy(beside, seed, step, size, own)

    def _heard(self, seed: int, step: int, share: tuple[int, int]) -> Window | None:
        """Return what some clips are told, as far as MOST_FRAMES reach; each of n processes has as many of its own."""
        if self.condition is None or self.sounds == 0 or len(self._whole) == 0:
            return None
        hop, drawn, own = self.condition.shape.hop, _generator(seed, 5, step), slice(share[0], None, share[1])
        clips = self._whole[drawn.integers(len(self._whole), size=self.sounds * share[1])][own]
        late = drawn.random(self.sounds * share[1])[own]
        frames = np.array([frame_count(self.sound.lengths[clip], hop) for clip in clips])
        first = np.floor(late * np.maximum(1, frames - MOST_FRAMES + 1)).astype(np.int64)
        steps = int(min(MOST_FRAMES, frames.max())) * hop
        return self.condition.window(clips.tolist(), (first * hop).tolist(), steps)

    @functools.cached_property
    def _whole(self) -> Codes:
        """The clips of which no part belongs to another split."""
        taken = np.bincount(self.table[:, 0], self.table[:, 2], len(self.sound.lengths))
        return np.flatnonzero(taken >= np.maximum(1, self.sound.lengths))

    def _said(self, rows: NDArray[np.int64]) -> Said | None:
        return None if self.condition is None else self.condition.said(self.table[rows, 0].tolist())

    def _noisy(self, batch: Batch, seed: int, step: int, size: int, own: slice) -> Batch:
        """Return a batch whose past is a little wrong: each row by a level of its own; *start* stays what it is."""
        if self.noise == 0:
            return batch
        codes = batch.feed.codes
        levels = _generator(seed, 3, step).random(size)[own, None] * self.noise
        # every row of the whole batch has noise of its own, whichever process it belongs to
        draws = [_generator(seed, 4, step * size + row).standard_normal(codes.shape[1]) for row in range(size)[own]]
        moved = np.clip(codes + np.rint(levels * np.stack(draws)).astype(np.int64), 0, self.alphabet.size - 1)
        moved = np.where(codes == self.alphabet.size, codes, moved)
        return replace(batch, feed=Feed(moved, batch.feed.told))

    @functools.lru_cache(maxsize=2)  # noqa: B019  (one Crops lives as long as the program)
    def _window(self, seed: int, window: int, size: int) -> NDArray[np.int64]:
        """Return the rows of WINDOW_BATCHES batches: neighbours in length stand together, batches are shuffled."""
        span = WINDOW_BATCHES * size
        rows = np.array([self._row(seed, item) for item in range(window * span, (window + 1) * span)], np.int64)
        sorted_rows = rows[np.argsort(self.table[rows, 2], kind="stable")].reshape(WINDOW_BATCHES, size)
        return sorted_rows[_generator(seed, 1, window).permutation(WINDOW_BATCHES)]

    def _row(self, seed: int, item: int) -> int:
        epoch, at = divmod(item, len(self.table))
        return int(self._epoch(seed, epoch)[at])

    @functools.lru_cache(maxsize=2)  # noqa: B019
    def _epoch(self, seed: int, epoch: int) -> NDArray[np.int64]:
        return _generator(seed, 0, epoch).permutation(len(self.table))

    def in_order(self, size: int, most: int | None = None) -> Iterator[Batch]:
        """Yield batches of pieces, longest first, that together have about `most` targets (None: all).

        Which pieces are taken depends on the table alone, spread evenly over it.
        """
        keep = np.arange(len(self.table))
        if most is not None and self.targets > most:
            share = max(1, round(len(self.table) * most / self.targets))
            keep = (np.arange(share) * len(self.table)) // share
        keep = keep[np.argsort(-self.table[keep, 2], kind="stable")]
        for at in range(0, len(keep), size):
            yield self.batch(keep[at : at + size])


def _generator(seed: int, purpose: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.array([seed, purpose], np.uint64), counter=[0, 0, number, 0]))
