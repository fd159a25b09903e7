"""The tracks that a recipe asks for, side by side: of a corpus through the cache, or of sound that is in memory."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from wavenet.audio.crops import Sound
from wavenet.audio.layouts import Clip
from wavenet.errors import InputError
from wavenet.features import mel, store
from wavenet.features.arrays import Array
from wavenet.features.clock import clock
from wavenet.features.f0 import F0
from wavenet.features.framing import of_array
from wavenet.features.mel import Mel
from wavenet.features.store import Feature
from wavenet.geometry import frame_count
from wavenet.outputs import Arrays, Floats, Tracks
from wavenet.recipe.records import ConditionConfig, Recipe

PIECE = 4_096  # frames of the clock that are held at once while they are averaged


class Track(Protocol):
    """One track of some sounds."""

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound, [last - first, width] float32."""

    def mean(self, sound: int) -> Floats:
        """Return the mean of all frames of a sound, [width] float32."""


@dataclass(frozen=True)
class Clocks:
    """The clock of some sounds, computed as it is asked for."""

    lengths: tuple[int, ...]  # of the sounds, without their tails, in samples
    frames: tuple[int, ...]  # of each, those of its tail included
    rate: int
    hop: int
    knots: int

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound, [last - first, knots + 6] float32."""
        return clock(self.lengths[sound], self.rate, self.hop, first, last, self.knots)

    @functools.lru_cache(maxsize=1 << 17)  # noqa: B019  (one lives as long as the program)
    def mean(self, sound: int) -> Floats:
        """Return the mean of all frames of a sound, [knots + 6] float32."""
        count = self.frames[sound]
        parts = (self.read(sound, first, min(first + PIECE, count)) for first in range(0, count, PIECE))
        return np.asarray(sum(part.sum(axis=0, dtype=np.float64) for part in parts) / count, np.float32)


@dataclass(frozen=True)
class SideBySide:
    """Tracks of one hop, joined (`outputs.Tracks`)."""

    counts: tuple[int, ...]  # of the frames of each sound
    parts: tuple[Track, ...]

    def frames(self, sound: int) -> int:
        """Return how many frames a sound has."""
        return self.counts[sound]

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound, [last - first, values] float32."""
        return np.concatenate([part.read(sound, first, last) for part in self.parts], axis=1)

    def mean(self, sound: int) -> Floats:
        """Return the mean of all frames of a sound, [values] float32."""
        return np.concatenate([part.mean(sound) for part in self.parts])


def of_corpus(recipe: Recipe, sound: Sound, clips: Sequence[Clip], folder: Path | None = None) -> Tracks | None:
    """Return the tracks of all clips of a corpus; None where the recipe tells none.

    Args:
        recipe: the complete recipe.
        sound: the clips at the recipe's level; frames of their tails are included.
        clips: the same, with what their folder says of them.
        folder: where caches are kept; None takes the default.

    Raises:
        SoundError: a clip has no such track.
        WavenetError: the cache cannot be written.
    """
    config = recipe.condition
    if config is None or not config.tracks_told():
        return None
    hop = config.hop_samples or 1
    counts = tuple(frame_count(length + sound.tail, hop) for length in sound.lengths)
    parts: list[Track] = []
    if config.tracks.clock is not None:
        knots = config.tracks.clock.knots
        parts.append(Clocks(tuple(sound.lengths), counts, recipe.audio.sample_rate, hop, knots))
    files = [clip.path.with_suffix(".npy") for clip in clips]
    parts += [store.prepare(feature, sound, folder) for feature in _features(recipe, config, hop, files, sound.lengths)]
    return SideBySide(counts, tuple(parts))


def of_waves(
    recipe: Recipe, waves: Sequence[Floats], lengths: Sequence[int] | None = None, files: Sequence[Path] = ()
) -> Arrays:
    """Return the tracks of sounds that are in memory: bit for bit what `of_corpus` gives of the same samples.

    Args:
        recipe: the complete recipe, which tells tracks.
        waves: [T] float32 each, at the recipe's level, with a tail of silence or without.
        lengths: of the sounds without their tails, in samples; None: they have none.
        files: the .npy file of each, where the recipe tells an array.

    Raises:
        InputError: the recipe tells an array, and there is none.
    """
    config, hop = _told(recipe)
    if config.tracks.array and len(files) < len(waves):
        raise InputError("the model is told an array of its own, NAME.npy beside NAME.wav; give sound that has one")
    lengths = [len(wave) for wave in waves] if lengths is None else lengths
    found = []
    for index, samples in enumerate(waves):
        wave, parts = of_array(np.asarray(samples, np.float32)), []
        if config.tracks.clock is not None:
            rate, count = recipe.audio.sample_rate, frame_count(len(samples), hop)
            parts.append(clock(lengths[index], rate, hop, 0, count, config.tracks.clock.knots))
        for feature in _features(recipe, config, hop, files, lengths):
            parts.append(np.concatenate(list(store.rounded(feature, index, wave))))
        found.append(np.concatenate(parts, axis=1))
    return Arrays(found)


def of_mels(recipe: Recipe, mels: Sequence[Floats], names: Sequence[str]) -> Arrays:
    """Return the tracks of sounds of which another program gives the mel, as a natural logarithm.

    Args:
        recipe: the complete recipe, which tells a mel, and besides at most a clock.
        mels: [F, bands] each, finite.
        names: of each, for errors.

    Raises:
        InputError: a mel has another shape or scale, or the recipe tells more than that.
    """
    config, hop = _told(recipe)
    others = [name for name, _ in config.tracks_told() if name not in ("clock", "mel")]
    if config.tracks.mel is None or others:
        what = ", ".join(others) if others else "no mel"
        raise InputError(f"the model is told {what}, so that a mel is not enough; give sound in place of {names[0]}")
    found, rate = [], recipe.audio.sample_rate
    for values, name in zip(mels, names, strict=True):
        parts = [mel.given(values, config.tracks.mel, rate, name).astype(Mel.kind).astype(np.float32)]
        if config.tracks.clock is not None:
            samples = len(values) * hop
            parts.insert(0, clock(samples, rate, hop, 0, len(values), config.tracks.clock.knots))
        found.append(np.concatenate(parts, axis=1))
    return Arrays(found)


def _told(recipe: Recipe) -> tuple[ConditionConfig, int]:
    """Return the condition of a recipe that tells tracks, and its hop."""
    config = recipe.condition
    if config is None or not config.tracks_told():
        raise InputError(f"{recipe.name} is told no tracks, such as a mel; give a model that is")
    return config, config.hop_samples or 1


def _features(
    recipe: Recipe, config: ConditionConfig, hop: int, files: Sequence[Path], lengths: Sequence[int]
) -> Iterator[Feature]:
    """Yield the tracks that are kept, in the order of their columns."""
    if config.tracks.mel is not None:
        yield Mel(config.tracks.mel, recipe.audio.sample_rate, hop)
    if config.tracks.f0 is not None:
        yield F0(config.tracks.f0, recipe.audio.sample_rate, hop)
    if config.tracks.array is not None:
        yield Array(files, lengths, config.tracks.array, hop)
