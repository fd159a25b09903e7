"""Decode and resample once: every clip of a folder -> one file of 16-bit samples and a manifest.

A cache is written into a folder of its own beside its final name and renamed when whole: a killed process leaves no
half cache, and of two processes that make the same one, the first to finish wins and the other uses it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wavenet import atomic
from wavenet.audio.files import Reader, resampled
from wavenet.audio.sources import Clip
from wavenet.config import TrimConfig
from wavenet.errors import SoundError, WavenetError
from wavenet.progress import Progress, log

DECODER_VERSION = 1  # raise it when the same file would decode to other samples
FULL = 32_768  # 16-bit samples of amplitude 1
FRAME_SECONDS = 0.010  # of the loudness that trims and counts silence
SILENT = 10 ** (-60 / 20) * FULL  # a frame below -60 dBFS RMS counts as silence

Pcm = NDArray[np.int16]


@dataclass(frozen=True)
class Entry:
    """What decoding found in one file. Lengths in samples at the cache's rate, levels with full scale 1.

    Args:
        name: the clip's name.
        reason: why it was dropped; None where it was kept.
        first: where it begins in the cache.
        length: samples kept.
        source_rate: the file's own rate in Hz; 0 where unreadable.
        channels: of the file; 0 where unreadable.
        seconds: of the file, before trimming.
        peak: largest magnitude of what was kept.
        rms: root mean square of what was kept.
        clipped: share of samples at full scale.
        overshoot: samples beyond full scale, which were clipped (a float file, or resampling).
        silence: share of 10 ms frames below -60 dBFS.
        trimmed: samples cut from both ends.
    """

    name: str
    reason: str | None = None
    first: int = 0
    length: int = 0
    source_rate: int = 0
    channels: int = 0
    seconds: float = 0.0
    peak: float = 0.0
    rms: float = 0.0
    clipped: float = 0.0
    overshoot: int = 0
    silence: float = 0.0
    trimmed: int = 0


def decode(clip: Clip, sample_rate: int | None, trim: TrimConfig | None = None) -> tuple[Entry, Pcm]:
    """Return what one file holds, mono at `sample_rate` (None: its own), with its samples (empty where dropped)."""
    empty = np.zeros(0, np.int16)
    if not os.path.exists(clip.path):  # noqa: PTH110  (Path.exists raises where a name is too long or locked away)
        return Entry(clip.name, "missing"), empty
    if not clip.path.is_file():
        return Entry(clip.name, "not a regular file"), empty
    try:
        with Reader(clip.path) as reader:
            rate, channels, overshoot, parts = reader.sample_rate, reader.channels, 0, []
            for block in resampled(reader.blocks(), rate, sample_rate or rate):
                overshoot += int((np.abs(block) > 1.0).sum())
                parts.append(np.clip(np.rint(block.astype(np.float64) * FULL), -FULL, FULL - 1).astype(np.int16))
    except SoundError as error:
        return Entry(clip.name, str(error)), empty
    pcm = np.concatenate(parts) if parts else empty
    entry = _measured(clip.name, pcm, sample_rate or rate, trim)
    entry = dataclasses.replace(entry, source_rate=rate, channels=channels, overshoot=overshoot)
    if entry.reason is not None:
        return entry, empty
    begin = int(entry.first)
    return dataclasses.replace(entry, first=0), pcm[begin : begin + entry.length]


def _measured(name: str, pcm: Pcm, rate: int, trim: TrimConfig | None) -> Entry:
    """Return an entry whose `first` is how far into `pcm` the kept part begins."""
    if not len(pcm):
        return Entry(name, "no samples")
    wide = pcm.astype(np.float32)
    magnitude = np.abs(wide)
    if not magnitude.any():
        return Entry(name, "digital silence", seconds=len(pcm) / rate, silence=1.0)
    frame = max(1, round(FRAME_SECONDS * rate))
    loudness = np.sqrt(np.add.reduceat(wide**2, np.arange(0, len(wide), frame)) / frame)
    if loudness.max() < SILENT:
        return Entry(name, "silent throughout (below -60 dBFS)", seconds=len(pcm) / rate, silence=1.0)
    first, last = _loud_part(loudness, frame, len(pcm), rate, trim)
    kept = wide[first:last]
    return Entry(
        name,
        first=first,
        length=last - first,
        seconds=len(pcm) / rate,
        peak=float(np.abs(kept).max()) / FULL,
        rms=float(np.sqrt(np.mean(kept.astype(np.float64) ** 2))) / FULL,
        clipped=float((magnitude >= FULL - 1).mean()),
        silence=float((loudness < SILENT).mean()),
        trimmed=len(pcm) - (last - first),
    )


def _loud_part(
    loudness: NDArray[np.float32], frame: int, length: int, rate: int, trim: TrimConfig | None
) -> tuple[int, int]:
    if trim is None:
        return 0, length
    loud = np.flatnonzero(loudness >= loudness.max() * 10 ** (-trim.below_db / 20))
    margin = round(trim.margin_seconds * rate)
    return max(0, int(loud[0]) * frame - margin), min(length, (int(loud[-1]) + 1) * frame + margin)


# --- the cache -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cache:
    """Decoded sound: all samples one after the other, and an entry per clip, in the order of the clips."""

    folder: Path
    sample_rate: int
    entries: tuple[Entry, ...]

    def pcm(self) -> Pcm:
        """Return all samples as a read-only memory map."""
        total = sum(entry.length for entry in self.entries)
        return np.memmap(self.folder / "pcm.int16", np.int16, "r", shape=(total,))


def default_folder() -> Path:
    """Return where caches are kept: ``$WAVENET_CACHE``, else this user's cache folder."""
    import platformdirs

    named = os.environ.get("WAVENET_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("wavenet"))


def prepare(clips: Sequence[Clip], sample_rate: int, trim: TrimConfig | None, folder: Path | None = None) -> Cache:
    """Return the cache of some clips, decoding them where it isn't there yet.

    Args:
        clips: the files.
        sample_rate: in Hz.
        trim: how their ends are cut.
        folder: where caches are kept; None takes the default.

    Raises:
        SoundError: no clip could be read.
        WavenetError: the cache cannot be written.
    """
    place = folder or default_folder()
    home = place / _key(clips, sample_rate, trim)
    cache = _opened(home)
    if cache is None:
        try:
            cache = _made(clips, sample_rate, trim, home)
        except OSError as error:
            raise WavenetError(
                f"the sound cache {home} cannot be written ({error.strerror or error}); "
                "free space there or name another place with --cache DIR"
            ) from None
    for entry in cache.entries:
        if entry.reason is not None:
            log.warning("dropped %s: %s", entry.name, entry.reason)
    if not any(entry.reason is None for entry in cache.entries):
        raise SoundError(f"none of {len(clips)} files could be read; `wavenet data scan` says why for each")
    return cache


def _key(clips: Iterable[Clip], sample_rate: int, trim: TrimConfig | None) -> str:
    files = []
    for clip in clips:
        try:
            status = clip.path.stat()
            files.append((clip.name, status.st_size, status.st_mtime_ns))
        except (OSError, ValueError):
            files.append((clip.name, -1, -1))
    rule = dataclasses.astuple(trim) if trim else None
    text = json.dumps([DECODER_VERSION, sample_rate, "mean of channels", rule, files])
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


def _made(clips: Sequence[Clip], sample_rate: int, trim: TrimConfig | None, home: Path) -> Cache:
    home.parent.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    work = home.with_name(f"{home.name}.tmp-{socket.gethostname()}-{os.getpid()}")
    work.mkdir()
    try:
        entries = _write(clips, sample_rate, trim, work)
        manifest = {"sample_rate": sample_rate, "entries": [dataclasses.asdict(entry) for entry in entries]}
        atomic.write_text(work / "manifest.json", json.dumps(manifest))
        atomic.sync(work / "pcm.int16")
        if home.exists() and _opened(home) is None:
            shutil.rmtree(home)  # a damaged cache
        with contextlib.suppress(OSError):
            work.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)  # gone by now, unless this process failed or another one won
    cache = _opened(home)
    if cache is None:
        raise OSError(f"{home} could not be put in place")
    return cache


def _write(clips: Sequence[Clip], sample_rate: int, trim: TrimConfig | None, work: Path) -> list[Entry]:
    entries, total = [], 0
    with (work / "pcm.int16").open("wb") as file, Progress("decoding", len(clips), "files") as progress:
        for clip in clips:
            entry, pcm = decode(clip, sample_rate, trim)
            entries.append(dataclasses.replace(entry, first=total))
            file.write(pcm.tobytes())
            total += len(pcm)
            progress.advance(1)
    return entries


def _sweep(home: Path) -> None:
    """Remove what killed processes of this machine left of this cache."""
    for left in home.parent.glob(f"{glob.escape(f'{home.name}.tmp-{socket.gethostname()}')}-*"):
        owner = left.name.rpartition("-")[2]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return os.name != "nt"  # elsewhere: alive, but another user's; Windows answers so to a number nobody has
    return True
