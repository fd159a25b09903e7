"""Compute once: a track of every clip -> one file of frames, in the cache folder.

As a cache of sound (`audio/cache.py`), it is written into a folder of its own beside its final name and renamed when
whole: a killed process leaves no half file, and of two processes that make the same one, the first to finish wins. Its
name is a digest of the samples of every clip, their levels, and all that the track depends on.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wavenet import disk
from wavenet.audio.cache import Samples, default_folder
from wavenet.audio.crops import Sound
from wavenet.features.framing import Wave
from wavenet.geometry import frame_count
from wavenet.outputs import Floats
from wavenet.progress import Progress, log
from wavenet.text import to_json

FEATURES_VERSION = 1  # raise it when the same sound would give other frames
CHECKSUM = "checksum"
PART_BYTES = 1 << 20  # of a file that is read at a time
REMEDY = "free space there or name another place with --cache DIR"


class Feature(Protocol):
    """A track that is computed once and kept."""

    name: str
    hop: int  # samples between two frames
    width: int  # values a frame
    kind: np.dtype[Any]  # what they are kept as: float16 or float32

    def identity(self) -> Any:
        """Return plain values that decide, with the samples of the sounds, on the frames."""

    def frames(self, sound: int, wave: Wave) -> Iterator[Floats]:
        """Yield the frames of one of the sounds in order, [n, width] float32."""


@dataclass(frozen=True)
class Stored:
    """The frames of a track, read from their file as they are asked for; what was read is not held."""

    values: Samples  # two bytes each
    first: NDArray[np.int64]  # [sounds + 1] frames before each sound
    width: int
    kind: np.dtype[Any]
    checksum: str  # of all frames

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound, [last - first, width] float32.

        Raises:
            WavenetError: the file has become shorter since it was opened.
        """
        row = self.width * self.kind.itemsize // 2
        begin = int(self.first[sound])
        held = self.values[(begin + first) * row : (begin + last) * row]
        return held.view(self.kind).reshape(-1, self.width).astype(np.float32)


def rounded(feature: Feature, sound: int, wave: Wave) -> Iterator[Floats]:
    """Yield the frames of a sound as they are read back from their file, [n, width] float32."""
    for frames in feature.frames(sound, wave):
        yield frames.astype(feature.kind).astype(np.float32)


def prepare(feature: Feature, sound: Sound, folder: Path | None = None) -> Stored:
    """Return a track of all clips, computed where it isn't there yet.

    Args:
        feature: the track.
        sound: the clips.
        folder: where caches are kept; None takes the default.

    Raises:
        SoundError: a clip has no such track.
        WavenetError: the cache cannot be written.
    """
    place = folder or default_folder()
    home = place / _key(feature, sound)
    counts = [frame_count(length + sound.tail, feature.hop) for length in sound.lengths]
    checksum = _checked(home, feature, counts, aloud=True)
    if checksum is None:
        with disk.explained(f"the cache in {place}", REMEDY):
            checksum = _make(feature, sound, counts, place, home)
    first = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return Stored(Samples(_values(home, feature)), first, feature.width, feature.kind, checksum)


def _key(feature: Feature, sound: Sound) -> str:
    clips = [(entry.digest, entry.scale, level) for entry, level in zip(sound.entries, sound.gains, strict=True)]
    text = to_json([FEATURES_VERSION, feature.name, feature.identity(), sound.tail, clips])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _values(home: Path, feature: Feature) -> Path:
    return home / f"{feature.name}.{feature.kind.name}"


def _checked(home: Path, feature: Feature, counts: list[int], aloud: bool = False) -> str | None:
    """Return the checksum of frames that are kept whole; None where they must be computed, `aloud` if damaged."""
    values = _values(home, feature)
    try:
        expected, _, _ = (home / CHECKSUM).read_text(encoding="ascii", errors="replace").partition(" ")  # once of means
        if values.stat().st_size != sum(counts) * feature.width * feature.kind.itemsize:
            return None
        found = _sum_of(values)
    except OSError:
        return None
    if found == expected:
        return found
    if aloud:
        log.warning("the cache of %s in %s is damaged (checksum); it is computed anew", feature.name, home)
    return None


def _sum_of(path: Path) -> str:
    """Return the CRC-32 of a file in hexadecimal."""
    total = 0
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            total = zlib.crc32(part, total)
    return f"{total:08x}"


def _make(feature: Feature, sound: Sound, counts: list[int], place: Path, home: Path) -> str:
    """Put the files of a track in place and return the checksum of its frames."""
    with disk.work_folder(place) as work:
        values = _values(work, feature)
        with values.open("wb") as file, Progress(f"computing {feature.name}", sum(counts), "frames") as progress:
            for clip in range(len(counts)):
                wave = Wave(functools.partial(sound.read, clip), sound.lengths[clip] + sound.tail)
                for frames in feature.frames(clip, wave):
                    kept = frames.astype(feature.kind)
                    file.write(kept.data)
                    progress.advance(len(kept))
        checksum = _sum_of(values)
        (work / CHECKSUM).write_text(checksum, encoding="ascii")
        for name in (values.name, CHECKSUM):
            disk.sync(work / name)
        if home.exists() and _checked(home, feature, counts) is None:
            shutil.rmtree(home)  # a damaged cache
        with contextlib.suppress(OSError):  # another process made the same meanwhile
            work.rename(home)
    if _checked(home, feature, counts) != checksum:
        raise OSError(f"{home} could not be put in place")
    return checksum
