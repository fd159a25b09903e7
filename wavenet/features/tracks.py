"""The tracks that a recipe asks for, side by side: of a corpus through the cache, or of sound that is in memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wavenet.audio.crops import Sound
from wavenet.audio.layouts import Clip
from wavenet.errors import InputError
from wavenet.features import sine, store
from wavenet.features.arrays import Array
from wavenet.features.clock import clock
from wavenet.features.f0 import F0
from wavenet.features.framing import of_array
from wavenet.features.mel import Mel
from wavenet.features.sine import Measured, Sine
from wavenet.features.store import Feature
from wavenet.geometry import frame_count
from wavenet.outputs import Arrays, Floats
from wavenet.recipe.records import ConditionConfig, Recipe

Read = Callable[[int, int, int], Floats]  # of one track: frames first .. last - 1 of a sound, [last - first, width]


def clocks(lengths: Sequence[int], rate: int, hop: int, knots: int) -> Read:
    """Return the clock of sounds of these lengths, in samples without tails, computed as it is asked for."""
    return functools.partial(_clock, tuple(lengths), rate, hop, knots)


def _clock(lengths: tuple[int, ...], rate: int, hop: int, knots: int, sound: int, first: int, last: int) -> Floats:
    return clock(lengths[sound], rate, hop, first, last, knots)


def zeros(width: int) -> Read:
    """Return a track that is not known."""
    return functools.partial(_zeros, width)


def _zeros(width: int, sound: int, first: int, last: int) -> Floats:
    del sound
    return np.zeros((last - first, width), np.float32)


@dataclass(frozen=True)
class SideBySide:
    """Tracks of one hop, joined (`outputs.Tracks`)."""

    counts: tuple[int, ...]  # of the frames of each sound
    parts: tuple[Read, ...]
    arrays: str = ""  # the checksum of numbers that lie beside the sounds: all else follows from sound and recipe

    def frames(self, sound: int) -> int:
        """Return how many frames a sound has."""
        return self.counts[sound]

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound, [last - first, values] float32."""
        return np.concatenate([read(sound, first, last) for read in self.parts], axis=1)


def of_corpus(
    recipe: Recipe, sound: Sound, clips: Sequence[Clip], folder: Path | None = None, phones: Read | None = None
) -> SideBySide | None:
    """Return the tracks of all clips of a corpus; None where the recipe tells none.

    Args:
        recipe: the complete recipe.
        sound: the clips at the recipe's level; frames of their tails are included.
        clips: the same, with what their folder says of them.
        folder: where caches are kept; None takes the default.
        phones: what is said in them; None: it is not known, where the recipe tells it.

    Raises:
        SoundError: a clip has no such track.
        WavenetError: the cache cannot be written.
    """
    config = recipe.condition
    if config is None or not config.tracks_told():
        return None
    hop = config.hop_samples or 1
    counts = tuple(frame_count(length + sound.tail, hop) for length in sound.lengths)
    parts: list[Read] = []
    if config.tracks.clock is not None:
        parts.append(clocks(sound.lengths, recipe.audio.sample_rate, hop, config.tracks.clock.knots))
    if config.tracks.phones is not None:
        parts.append(phones or zeros(config.tracks.phones.frame_width))
    files = [clip.path.with_suffix(".npy") for clip in clips]
    kept = {}
    for one in _features(recipe, config, hop, files, sound.lengths):
        kept[one.name] = store.prepare(one, sound, folder)
        if isinstance(one, Array):
            one.warn_of_another_hop()
    parts += [one.read for one in kept.values()]
    if config.tracks.sine is not None:
        hertz, rate = sine.of_clips(recipe, clips), recipe.audio.sample_rate
        phases = store.prepare(Sine(hertz, rate), sound, folder)
        parts.append(Measured(phases, tuple(hertz), rate, config.tracks.sine.harmonics).read)
    arrays = kept[Array.name].checksum if Array.name in kept else ""
    return SideBySide(counts, tuple(parts), arrays)


def of_wave(recipe: Recipe, samples: Floats, length: int) -> Arrays:
    """Return the tracks of a sound that is in memory: bit for bit what `of_corpus` gives of the same samples.

    Phones are zeros, since what is said in it is not known, and so is the sine of a note: nor is that.

    Args:
        recipe: the complete recipe, which tells tracks.
        samples: [T] float32, at the recipe's level, with a tail of silence or without.
        length: of the sound without its tail, in samples.

    Raises:
        InputError: the recipe tells no tracks, or an array, which lies beside files alone.
    """
    config = recipe.condition
    if config is None or not config.tracks_told():
        raise InputError(f"{recipe.name} is told no tracks, such as a mel; give a model that is")
    if config.tracks.array:
        raise InputError("the model is told an array of its own, NAME.npy beside NAME.wav; give sound that has one")
    hop, rate, parts = config.hop_samples or 1, recipe.audio.sample_rate, []
    if config.tracks.clock is not None:
        parts.append(clock(length, rate, hop, 0, frame_count(len(samples), hop), config.tracks.clock.knots))
    if config.tracks.phones is not None:
        parts.append(zeros(config.tracks.phones.frame_width)(0, 0, frame_count(len(samples), hop)))
    for feature in _features(recipe, config, hop, (), ()):
        parts.append(np.concatenate(list(store.rounded(feature, 0, of_array(samples)))))
    if config.tracks.sine is not None:
        parts.append(zeros(2 * config.tracks.sine.harmonics)(0, 0, frame_count(len(samples), hop)))
    return Arrays([np.concatenate(parts, axis=1)])


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
