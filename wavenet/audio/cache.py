"""Decode and resample once: every clip of a folder -> one file of 16-bit samples and a manifest.

A cache is written into a folder of its own beside its final name and renamed when whole: a killed process leaves no
half cache, and of two processes that make the same one, the first to finish wins and the other uses it.

Its name is a digest of all that it was made of: the names and fingerprints of its files, and how they were decoded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import threading
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wavenet import disk
from wavenet.audio.decode import Entry, Pcm, decode
from wavenet.audio.files import is_file
from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError, WavenetError
from wavenet.progress import Progress, log
from wavenet.recipe.records import TrimConfig
from wavenet.text import many, printable, to_json

DECODER_VERSION = 4  # raise it when the same file would decode to other samples
PART_BYTES = 1 << 12  # that are read for a fingerprint at the head, in the middle and at the end
AT_ONCE = 8  # files that are fingerprinted together: a network disk answers late, but many at once
CHANGING = "changing"  # in place of the fingerprint of a file that would not stand still
SCAN = "wavenet data scan DIR --recipe RECIPE"  # measures as training does
MOST_NOTES = 10  # shown one by one: a sound card gives all of its recordings the same offset


class Samples:
    """All samples of a cache, read from its file as they are asked for; what was read is not held.

    Not a memory map: the pages of one count as this process's memory, so that an epoch over a long data set would
    look like a leak, and a file that somebody cuts would end the process. A file that is removed is read on.

    Args:
        path: of 16-bit samples.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        weakref.finalize(self, os.close, self._file)
        self._size = os.fstat(self._file).st_size // 2
        self._turn = threading.Lock()  # of those who must seek before they read

    def __len__(self) -> int:
        return self._size

    def __reduce__(self) -> tuple[type[Samples], tuple[Path]]:
        return Samples, (self.path,)  # a loader's worker opens it anew

    def __getitem__(self, part: slice) -> Pcm:
        """Return samples [part.stop - part.start] int16, a copy.

        Raises:
            WavenetError: the file has become shorter since it was opened.
        """
        first, last, _ = part.indices(self._size)
        count = 2 * max(0, last - first)
        read = self._bytes(count, 2 * first)
        while len(read) < count:  # one call may give less than what is asked for
            piece = self._bytes(count - len(read), 2 * first + len(read))
            if not piece:
                raise WavenetError(
                    f"the sound cache {self.path} was truncated while in use; run the command again to rebuild it"
                )
            read += piece
        return np.frombuffer(read, np.int16)

    def _bytes(self, count: int, at: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file, count, at)
        with self._turn:
            os.lseek(self._file, at, os.SEEK_SET)
            return os.read(self._file, count)


@dataclass(frozen=True)
class Cache:
    """Decoded sound: all samples one after the other, and an entry per clip, in the order of the clips."""

    folder: Path
    sample_rate: int
    entries: tuple[Entry, ...]

    def pcm(self) -> Samples:
        """Return all samples, to be read piece by piece."""
        return Samples(self.folder / "pcm.int16")


def default_folder() -> Path:
    """Return where caches are kept: ``$WAVENET_CACHE``, else this user's cache folder."""
    return disk.user_folder("WAVENET_CACHE", "cache")


def held(folder: Path) -> int:
    """Return how many bytes of samples and tracks the caches in a folder take."""
    total = 0
    for path in (*folder.glob("*/*.int16"), *folder.glob("*/*.float16"), *folder.glob("*/*.float32")):
        with contextlib.suppress(OSError):  # it may be removed meanwhile
            total += path.stat().st_size
    return total


def prepare(clips: Sequence[Clip], sample_rate: int, trim: TrimConfig | None, folder: Path | None = None) -> Cache:
    """Return the cache of some clips, decoding them where it isn't there yet.

    Args:
        clips: the files.
        sample_rate: in Hz.
        trim: how their ends are cut.
        folder: where caches are kept; None takes the default.

    Raises:
        SoundError: no clip can be used.
        WavenetError: the cache cannot be written.
    """
    place = folder or default_folder()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        prints = list(threads.map(fingerprint, [clip.path for clip in clips]))
    cache = _opened(place / _key(clips, prints, sample_rate, trim))
    known = cache is not None
    if cache is None:
        with disk.explained(f"the sound cache in {place}", "free space there or name another place with --cache DIR"):
            cache = _made(clips, sample_rate, trim, place, prints)
    usable = any(entry.reason is None for entry in cache.entries)
    if len(clips) == 1 and not usable:  # a warning would say it twice
        raise SoundError(f"{printable(clips[0].name)} cannot be used: {cache.entries[0].why}; give another file")
    _warn(cache.entries, known)
    if not usable:
        raise SoundError(f"none of {many(len(clips), 'file')} can be used; `{SCAN}` says why for each")
    return cache


def _warn(entries: Sequence[Entry], known: bool) -> None:
    """Warn of the files that were dropped or kept with a note: in one line where that was done before."""
    dropped = [entry for entry in entries if entry.reason is not None]
    noted = [entry for entry in entries if entry.reason is None and entry.note]
    if known:
        counts = ((len(dropped), "dropped"), (len(noted), "kept with a note"))
        some = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        if some:
            log.warning("of %s, %s; `%s` lists which and why", many(len(entries), "file"), some, SCAN)
        return
    for entry in dropped:
        log.warning("dropped %s: %s", printable(entry.name), entry.why)
    for entry in noted[:MOST_NOTES]:
        log.warning("kept %s with a note: %s", printable(entry.name), entry.note)
    if len(noted) > MOST_NOTES:
        log.warning("%s kept with a note; `%s` lists them", many(len(noted) - MOST_NOTES, "more file"), SCAN)


def fingerprint(path: Path) -> str:
    """Return a text that differs as soon as a file holds other sound, without reading it through; never raises.

    It is made of the file's size, time, head, middle and end. Names, sizes and times are not enough: tools write files
    anew under an old time, and machines are set up with one time for all. A copy that keeps its time has the same.
    """
    try:
        if not is_file(path):  # a pipe would wait for a writer
            return "no file"
        with path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            seen = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns} ".encode())
            for at in (0, (status.st_size - PART_BYTES) // 2, status.st_size - PART_BYTES):
                file.seek(max(0, at))
                seen.update(file.read(PART_BYTES))
            return seen.hexdigest()
    except (OSError, ValueError) as error:
        return f"unreadable: {getattr(error, 'errno', None)}"


def _key(clips: Iterable[Clip], prints: Iterable[str], sample_rate: int, trim: TrimConfig | None) -> str:
    """Return the name of a cache."""
    rule = dataclasses.astuple(trim) if trim else None
    files = list(zip((clip.name for clip in clips), prints, strict=True))
    text = to_json([DECODER_VERSION, sample_rate, "mean of channels", rule, files])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _opened(home: Path) -> Cache | None:
    """Return the cache in a folder, or None where there is none that is whole."""
    try:
        manifest = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
        entries = tuple(Entry(**entry) for entry in manifest["entries"])
        size = (home / "pcm.int16").stat().st_size
        rate = int(manifest["sample_rate"])
        whole = size == 2 * sum(entry.length for entry in entries)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Cache(home, rate, entries) if whole else None


def _made(clips: Sequence[Clip], sample_rate: int, trim: TrimConfig | None, place: Path, prints: list[str]) -> Cache:
    """Return a new cache; `prints` are afterwards those of what was decoded, should a file have changed meanwhile."""
    entries, total = [], 0
    with disk.work_folder(place) as work:
        with (work / "pcm.int16").open("w+b") as file, Progress("decoding", len(clips), "files") as progress:
            for at, clip in enumerate(clips):
                entry, prints[at] = _decoded(clip, prints[at], sample_rate, trim, file)
                entries.append(dataclasses.replace(entry, first=total))
                total += entry.length
                progress.advance(1)
        disk.sync(work / "pcm.int16")
        manifest = {"sample_rate": sample_rate, "entries": [dataclasses.asdict(entry) for entry in entries]}
        disk.write_text(work / "manifest.json", to_json(manifest))
        home = place / _key(clips, prints, sample_rate, trim)
        if home.exists() and _opened(home) is None:
            shutil.rmtree(home)  # a damaged cache
        with contextlib.suppress(OSError):  # another process made the same meanwhile
            work.rename(home)
    cache = _opened(home)
    if cache is None:
        raise OSError(f"{home} could not be put in place")
    return cache


def _decoded(clip: Clip, known: str, sample_rate: int, trim: TrimConfig | None, into: BinaryIO) -> tuple[Entry, str]:
    """Return what one file holds, with the fingerprint of what was decoded: twice, where the file changed meanwhile."""
    start = into.tell()
    for _ in range(2):
        entry, before = decode(clip, sample_rate, trim, into), known
        known = fingerprint(clip.path)
        if known == before:
            return entry, known
        into.seek(start)
        into.truncate()
    return Entry(clip.name, "it changed while it was read; start again when nothing writes to it"), CHANGING
