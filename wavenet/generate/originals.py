"""What is to be copied -> what a network is told of it: sound, or mels and arrays of other programs.

Sound is decoded, and its tracks are computed, once and kept in the cache, as those of training sound are; what is read
of them is a piece at a time, so that an hour costs no more memory than a minute.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet import disk
from wavenet.audio import corpus, folders
from wavenet.audio.crops import gain
from wavenet.audio.files import is_file
from wavenet.audio.folders import Source
from wavenet.audio.layouts import Clip
from wavenet.errors import InputError, SoundError
from wavenet.features import mel, npy, tracks
from wavenet.features.clock import clock
from wavenet.features.mel import Mel
from wavenet.features.npy import Table
from wavenet.generate import priming
from wavenet.generate.priming import Prime
from wavenet.geometry import frame_count
from wavenet.outputs import Floats, Tracks
from wavenet.recipe.paths import near_path
from wavenet.recipe.records import Recipe
from wavenet.text import printable, times

NPY = ".npy"
PIECE = 1 << 12  # frames that are read at a time where all are looked at


@dataclass(frozen=True)
class Found:
    """A file that is to be copied."""

    path: Path
    stem: str  # of the name of its copy, with folders where it lay in some
    within: bool  # whether it was found in a folder, and not named itself


@dataclass(frozen=True)
class Original:
    """What is to be copied, as a network is told it."""

    samples: int  # of the copy
    factor: float  # by which what the network speaks is as loud as the original
    tracks: Tracks
    sound: int  # which of these tracks
    unknown: tuple[bool, ...]  # which tracks of the network are not told


def listed(inputs: Sequence[str]) -> list[Found]:
    """Return the files that are named, and the sound of the folders that are named.

    Raises:
        SoundError: there is no such file or folder, or no sound in it.
    """
    found = []
    for text in inputs:
        path = disk.given_path(text)
        if path.is_dir():
            clips = folders.open_folder(path, "folder", own=True).clips
            found += [Found(clip.path, os.path.splitext(clip.name)[0], True) for clip in clips]  # noqa: PTH122
        elif is_file(path):
            found.append(Found(path, path.stem, False))
        else:
            raise SoundError(f"there is no {printable(text)}{near_path(path, Path.exists)}; give a file or folder")
    return found


def prepared(recipe: Recipe, found: Sequence[Found], cache: Path | None = None) -> list[Original | None]:
    """Return what is to be copied; None for what lay in a folder and cannot be read, of which a line warns.

    Args:
        recipe: of the voice, which is told tracks.
        found: the files: sound, and mels or arrays in .npy files.
        cache: where decoded sound and its tracks are kept; None takes the default.

    Raises:
        InputError: a file that was named cannot be used, or none of all.
        WavenetError: the cache cannot be written.
    """
    made: dict[int, Original | None] = {}
    sounds = []
    for index, one in enumerate(found):
        if one.path.suffix.lower() == NPY:
            made[index] = of_frames(recipe, npy.opened(one.path), printable(str(one.path)))
        else:
            sounds.append(index)
    if sounds:
        made |= zip(sounds, _of_files(recipe, [found[index] for index in sounds], cache), strict=True)
    return [made[index] for index in range(len(found))]


def _of_files(recipe: Recipe, found: Sequence[Found], cache: Path | None) -> list[Original | None]:
    """Return sound files as they are told, whole: at the level of the recipe, and with its tail of silence."""
    whole = replace(recipe, data=replace(recipe.data, trim=None))
    clips = tuple(Clip(one.path, str(one.path)) for one in found)
    decoded = corpus.whole(whole, Source(Path(), "files", clips), cache)
    for one, entry in zip(found, decoded.cache.entries, strict=True):
        if entry.reason is not None and not one.within:
            raise SoundError(f"{printable(str(one.path))} cannot be copied: {entry.why}; give another file")
    sound = decoded.sound
    told = tracks.of_corpus(whole, sound, decoded.clips, cache)
    assert told is not None
    known = (False,) * len(_names(recipe))
    own = iter([Original(sound.lengths[i], 1 / sound.gains[i], told, i, known) for i in range(len(sound.entries))])
    return [None if entry.reason is not None else next(own) for entry in decoded.cache.entries]


def of_one(recipe: Recipe, original: Prime, cache: Path | None = None) -> Original:
    """Return what is to be copied: a path; or an array or tensor, of sound or of frames.

    Raises:
        InputError: it cannot be used.
    """
    if isinstance(original, str | Path):
        found = listed([str(original)])
        if len(found) != 1 or found[0].within:
            raise InputError(f"{printable(str(original))} is a folder; give one file")
        (made,) = prepared(recipe, found, cache)
        assert made is not None
        return made
    told = {} if recipe.condition is None else dict(recipe.condition.tracks_told())
    width = told.get("mel", told.get("array"))
    if getattr(original, "ndim", 0) == 2 and width in original.shape:
        return of_frames(recipe, np.asarray(original))
    return of_wave(recipe, priming.mono(original, recipe.audio.sample_rate))


def of_wave(recipe: Recipe, wave: Floats) -> Original:
    """Return sound [T] that is held in memory as it is told; float32 at the rate of the recipe, full scale being 1.

    Raises:
        SoundError: it is empty or silent, or the recipe tells tracks that are no part of sound.
    """
    peak = float(np.abs(wave).max(initial=0.0))
    if peak == 0.0:
        raise SoundError(f"a sound of {len(wave):,} samples holds nothing but silence; give one that can be heard")
    level = gain(recipe.data.level, float(np.sqrt(np.mean(wave.astype(np.float64) ** 2))), peak)
    tail = np.zeros(_tail(recipe), np.float32)
    heard = np.concatenate([np.clip(wave * np.float32(level), -1.0, 1.0), tail])
    told = tracks.of_waves(recipe, [heard], [len(wave)])
    return Original(len(wave), 1 / level, told, 0, (False,) * len(_names(recipe)))


def of_frames(recipe: Recipe, values: NDArray[Any] | Table, name: str = "the array") -> Original:
    """Return frames of another program as they are told: mels, or the voice's arrays where it is told no mel.

    Args:
        recipe: of the voice.
        values: [F, bands] natural logarithms of mels at the recipe's hop, or [bands, F], as programs that speak have
            them; or [F, values] of an array; floating point.
        name: what errors call them.

    Raises:
        InputError: they have another shape or scale, hold NaN, or the voice is told neither.
    """
    names, config = _names(recipe), recipe.condition
    kind = "mel" if "mel" in names else "array"
    if kind not in names or config is None:
        told = ", ".join(names) or "no tracks"
        raise InputError(f"{recipe.name} is told {told}, but no mel or array; give it sound in place of {name}")
    if config.tracks.mel is not None and len(values.shape) == 2 and values.shape[1] != config.tracks.mel.bands:
        values = values.T if values.shape[0] == config.tracks.mel.bands else values
    _check(values, recipe, kind, name)
    frames = Frames(recipe, values, kind)
    known = ("clock", kind)
    return Original(frames.length, 1.0, frames, 0, tuple(one not in known for one in names))


class Frames:
    """Mels or arrays [F, values] of one sound as the tracks of a network (`outputs.Tracks`), read a piece at a time.

    Behind a mel comes the recipe's tail of silence, as behind every sound that was trained on.

    Args:
        recipe: of the voice.
        values: as `of_frames` takes them.
        kind: mel or array.
    """

    def __init__(self, recipe: Recipe, values: NDArray[Any] | Table, kind: str) -> None:
        assert recipe.condition is not None
        self.recipe, self.values, self.kind, self.told = recipe, values, kind, recipe.condition.tracks_told()
        self.hop = recipe.condition.hop_samples or 1
        self.length = len(values) * self.hop
        tail = _tail(recipe) if kind == "mel" else 0
        self.count = frame_count(self.length + tail, self.hop)

    def frames(self, sound: int) -> int:
        """Return how many frames there are."""
        return self.count

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1, [last - first, values] float32; zeros in tracks that are not known."""
        parts = []
        for name, width in self.told:
            part = np.zeros((last - first, width), np.float32)
            if name == "clock":
                knots = self.recipe.condition.tracks.clock.knots  # type: ignore[union-attr]
                part = clock(self.length, self.recipe.audio.sample_rate, self.hop, first, last, knots)
            elif name == self.kind:
                part = self._known(part, first, last)
            parts.append(part)
        return np.concatenate(parts, axis=1)

    def _known(self, part: Floats, first: int, last: int) -> Floats:
        held = np.asarray(self.values[first : min(last, len(self.values))], np.float32)
        if self.kind == "array":
            part[: len(held)] = held
            return part
        part[:] = -1.0  # what silence is
        part[: len(held)] = mel.floored(held, self.recipe.condition.tracks.mel.floor)  # type: ignore[union-attr]
        return part.astype(Mel.kind).astype(np.float32)  # as the cache keeps them

    @functools.lru_cache(maxsize=1)  # noqa: B019  (one lives as long as it is copied)
    def mean(self, sound: int) -> Floats:
        """Return the mean of all frames, [values] float32."""
        parts = (self.read(sound, at, min(at + PIECE, self.count)) for at in range(0, self.count, PIECE))
        return np.asarray(sum(part.sum(axis=0, dtype=np.float64) for part in parts) / self.count, np.float32)


def _check(values: NDArray[Any] | Table, recipe: Recipe, kind: str, name: str) -> None:
    """Raise InputError unless an array is what a track can be made of."""
    assert recipe.condition is not None
    config, width = recipe.condition.tracks.mel, recipe.condition.tracks.array
    if values.dtype.kind != "f" or len(values.shape) != 2 or 0 in values.shape:
        raise InputError(
            f"{name} holds {values.dtype} of {times(values.shape) or 'no size'}, expected float32 of two sizes, "
            "[frames, values]"
        )
    if kind == "mel" and config is not None:
        mel.check_bands(values.shape, config, name)
    elif values.shape[1] != width:
        raise InputError(f"{name} holds {times(values.shape)} numbers, expected [frames, {width}]; write as many")
    low, high = math.inf, -math.inf
    for at in range(0, len(values), PIECE):
        part = np.asarray(values[at : at + PIECE], np.float32)
        wrong = np.flatnonzero(~np.isfinite(part).all(axis=1))
        if len(wrong):
            raise InputError(f"{name} holds NaN or infinity in frame {at + wrong[0]:,}; compute it anew")
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    if kind == "mel" and config is not None:
        mel.check_range(low, high, config, recipe.audio.sample_rate, name)


def _names(recipe: Recipe) -> list[str]:
    return [] if recipe.condition is None else [name for name, _ in recipe.condition.tracks_told()]


def _tail(recipe: Recipe) -> int:
    return round(recipe.data.tail_seconds * recipe.audio.sample_rate)
