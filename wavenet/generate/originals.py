"""What is to be copied -> what a network is told of it: sound, or mels and arrays of other programs.

Sound is decoded, and its tracks are computed, once and kept in the cache, as those of training sound are; what is read
of them is a piece at a time, so that an hour costs no more memory than a minute.
"""

from __future__ import annotations

import functools
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
from wavenet.features import mel, mel_scale, npy, tracks
from wavenet.features.mel import Mel
from wavenet.features.npy import Table
from wavenet.features.statistics import Summary, Usual, pieces, strange
from wavenet.features.tracks import Read, SideBySide, clocks, zeros
from wavenet.generate import priming
from wavenet.generate.priming import Prime
from wavenet.geometry import frame_count
from wavenet.outputs import Floats, Tracks
from wavenet.progress import log
from wavenet.recipe.paths import near_path
from wavenet.recipe.records import Recipe
from wavenet.text import printable, times

NPY = ".npy"
MOST_CHANNELS = 8  # of sound in an array, where the voice is told frames: a table of more is taken as frames


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


def prepared(
    recipe: Recipe, found: Sequence[Found], cache: Path | None = None, usual: Usual | None = None
) -> list[Original | None]:
    """Return what is to be copied; None for what lay in a folder and cannot be read, of which a line warns.

    Args:
        recipe: of the voice, which is told tracks.
        found: the files: sound, and mels or arrays in .npy files.
        cache: where decoded sound and its tracks are kept; None takes the default.
        usual: what mels or arrays are like that the voice learned (`Voice.usual`).

    Raises:
        InputError: a file that was named cannot be used, or none of all.
        WavenetError: the cache cannot be written.
    """
    made: dict[int, Original | None] = {}
    sounds = []
    for index, one in enumerate(found):
        if one.path.suffix.lower() == NPY:
            made[index] = of_frames(recipe, npy.opened(one.path), printable(str(one.path)), usual)
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
    unknown = _unheard(recipe)
    own = iter([Original(sound.lengths[i], 1 / sound.gains[i], told, i, unknown) for i in range(len(sound.entries))])
    return [None if entry.reason is not None else next(own) for entry in decoded.cache.entries]


def of_one(recipe: Recipe, original: Prime, cache: Path | None = None, usual: Usual | None = None) -> Original:
    """Return what is to be copied: a path; or an array or tensor, of sound or of frames.

    Raises:
        InputError: it cannot be used.
    """
    if isinstance(original, str | Path):
        found = listed([str(original)])
        if len(found) != 1 or found[0].within:
            raise InputError(f"{printable(str(original))} is a folder; give one file")
        (made,) = prepared(recipe, found, cache, usual)
        assert made is not None
        return made
    told = {} if recipe.condition is None else dict(recipe.condition.tracks_told())
    width = told.get("mel", told.get("array"))
    shape = tuple(getattr(original, "shape", ()))
    if width is not None and len(shape) == 2 and (width in shape or min(shape) > MOST_CHANNELS):
        return of_frames(recipe, np.asarray(original), usual=usual)
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
    told = tracks.of_wave(recipe, heard, len(wave))
    return Original(len(wave), 1 / level, told, 0, _unheard(recipe))


def of_frames(
    recipe: Recipe, values: NDArray[Any] | Table, name: str = "the array", usual: Usual | None = None
) -> Original:
    """Return frames of another program as they are told: mels, or the voice's arrays where it is told no mel.

    Args:
        recipe: of the voice.
        values: [F, bands] natural logarithms of mels at the recipe's hop, or [bands, F], as programs that speak have
            them; or [F, values] of an array; floating point.
        name: what errors call them.
        usual: what those are like that the voice learned.

    Raises:
        InputError: they have another shape or scale, hold NaN, or the voice is told neither.
    """
    config = recipe.condition
    widths = {} if config is None else dict(config.tracks_told())
    kind = "mel" if "mel" in widths else "array"
    if config is None or kind not in widths:
        told = ", ".join(widths) or "no tracks"
        raise InputError(f"{recipe.name} is told {told}, but no mel or array; give it sound in place of {name}")
    learned, rate, hop = config.tracks.mel, recipe.audio.sample_rate, config.hop_samples or 1
    if learned is not None and len(values.shape) == 2 and values.shape[1] != learned.bands == values.shape[0]:
        values = values.T
    npy.check_table(values, name)
    if learned is not None:
        mel.check_bands(values.shape, learned, name)
        mel_scale.check(values, learned, rate, usual, name)
    elif values.shape[1] != widths[kind]:
        raise InputError(
            f"{name} holds {times(values.shape)} numbers, expected [frames, {widths[kind]}]; write as many"
        )
    elif usual is not None and (words := strange(Summary(pieces(values)), usual)):
        log.warning("%s may have another scale than the arrays that were learned: it holds %s", name, words)
    length = len(values) * hop
    count = frame_count(length + (0 if learned is None else _tail(recipe)), hop)
    known: dict[str, Read] = {kind: functools.partial(_given, values, None if learned is None else learned.floor)}
    if config.tracks.clock is not None:
        known["clock"] = clocks((length,), rate, hop, config.tracks.clock.knots)
    parts = tuple(known.get(one) or zeros(width) for one, width in widths.items())
    return Original(length, 1.0, SideBySide((count,), parts), 0, tuple(one not in known for one in widths))


def _given(values: NDArray[Any] | Table, floor: float | None, sound: int, first: int, last: int) -> Floats:
    """Return frames first .. last - 1 of another program, [last - first, width] float32; behind mels comes silence.

    Args:
        values: [F, width], read a piece at a time; natural logarithms of mels.
        floor: of the mels; None for arrays.
        sound: the only one.
        first: a frame.
        last: the one behind the last wanted.
    """
    del sound
    held = np.asarray(values[first:last], np.float32)
    if floor is None:
        return held
    part = np.full((last - first, held.shape[1]), mel.SILENCE, np.float32)
    part[: len(held)] = mel.floored(held, floor)
    return part.astype(Mel.kind).astype(np.float32)  # as the cache keeps them


def _unheard(recipe: Recipe) -> tuple[bool, ...]:
    """Return which tracks do not follow from sound alone: what is said in it, and which note it is."""
    told = () if recipe.condition is None else recipe.condition.tracks_told()
    return tuple(name in ("phones", "sine") for name, _ in told)


def _tail(recipe: Recipe) -> int:
    return round(recipe.data.tail_seconds * recipe.audio.sample_rate)
