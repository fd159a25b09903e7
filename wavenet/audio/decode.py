"""One sound file -> 16-bit samples and what was measured on them, block by block: an hour costs no more than a minute.

Samples are written as they come, and moved at the end by what trimming cuts from the front; of the whole file only the
loudness of its 10 ms frames is held. Values beyond full scale (floats, lossy formats, the ripple of resampling) and
channels that cancel when mixed are known at the end only: then the file is read once more, at a scale that fits, or
its louder channel alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from wavenet.audio.files import Reader, is_file
from wavenet.audio.layouts import Clip
from wavenet.audio.mixing import Mixer, full_scale
from wavenet.audio.resample import BLOCK_FRAMES, resampled
from wavenet.errors import SoundError
from wavenet.outputs import Floats
from wavenet.recipe.records import TrimConfig

FULL = 32_768  # 16-bit samples of amplitude 1
FRAME_SECONDS = 0.010  # of the loudness that trims and counts silence
SILENT = 10 ** (-60 / 20) * FULL  # a frame below -60 dBFS RMS counts as silence
FAR = 4.0  # times full scale: a peak beyond it is noted
LOST = 10.0  # a file this many times as loud as what a lower rate keeps of it lies above that rate's band
WILD = 100.0  # times full scale: beside a peak beyond it, less than 10 bits are left of the rest

Pcm = NDArray[np.int16]


@dataclass(frozen=True)
class Entry:
    """What decoding found in one file. Lengths in samples at the cache's rate, levels with full scale 1."""

    name: str  # of the clip
    reason: str | None = None  # why it was dropped; None where it was kept
    first: int = 0  # where it begins in the cache
    length: int = 0  # samples kept
    source_rate: int = 0  # the file's own, in Hz; 0 where unreadable
    channels: int = 0  # of the file; 0 where unreadable
    seconds: float = 0.0  # of the file, before trimming
    peak: float = 0.0  # largest magnitude of what was kept
    rms: float = 0.0  # root mean square of what was kept
    clipped: float = 0.0  # share of samples at full scale or beyond
    overshoot: int = 0  # samples beyond full scale (a float file, a lossy format, or resampling)
    scale: float = 1.0  # the amplitude of a stored sample of 32,768: the least power of two from 1 on that holds all
    silence: float = 0.0  # share of 10 ms frames below -60 dBFS
    trimmed: int = 0  # samples cut from both ends
    note: str = ""  # what is wrong with a file that could be read all the same (it was cut short, has a DC offset...)
    digest: str = ""  # equal for equal samples kept, whatever their scale; empty where dropped

    @property
    def why(self) -> str:
        """Why it was dropped, with what is wrong with the file; empty where it was kept."""
        return (self.reason or "") + (f" ({self.note})" if self.reason and self.note else "")


def decode(
    clip: Clip, sample_rate: int | None = None, trim: TrimConfig | None = None, into: IO[bytes] | None = None
) -> Entry:
    """Return what one file holds, mono at `sample_rate`, and add its samples to a file.

    Args:
        clip: the file.
        sample_rate: in Hz; None takes the file's own.
        trim: how its ends are cut, where samples are kept.
        into: a file open for reading and writing, as bytes, at its end. Afterwards it is longer by `length` samples of
            16 bits; where the file was dropped, by nothing. None keeps no samples.

    Raises:
        OSError: `into` cannot be written.
    """
    reason = _out_of_reach(clip.path)
    if reason is not None:
        return Entry(clip.name, reason)
    start = into.tell() if into is not None else 0
    try:
        entry, measures = _read(clip, sample_rate, into, start)
        if entry.reason is None and trim is not None and into is not None:
            entry = _trimmed(entry, measures, trim, into, start)
    except SoundError as error:
        entry = Entry(clip.name, str(error))
    if into is not None:
        into.seek(start + 2 * entry.length)
        into.truncate()
    return entry


def _read(clip: Clip, sample_rate: int | None, into: IO[bytes] | None, start: int) -> tuple[Entry, _Measures]:
    """Return what a file holds: read once, or anew where channels cancel or where samples lie beyond full scale."""

    def once(channel: int | None = None, scale: float = 1.0) -> tuple[_Measures, Mixer, list[str]]:
        if into is not None:
            into.seek(start)
            into.truncate()
        with Reader(clip.path) as reader:
            rate = sample_rate or reader.sample_rate
            measures = _Measures(rate, scale)
            for block in filter(len, resampled(reader.blocks(channel), reader.sample_rate, rate)):
                pcm = measures.take(block)
                if into is not None:
                    into.write(pcm.data)
            return measures, reader.mixer, [note] if (note := reader.note()) else []

    measures, mixer, notes = once()
    channel = mixer.louder()
    if channel is not None:
        measures, mixer, notes = once(channel)
    if measures.overshoot:
        measures, mixer, notes = once(channel, full_scale(measures.top))
    entry = measures.entry(clip.name, mixer)
    if entry.reason is None and measures.rate < mixer.rate and LOST * entry.rms < mixer.rms:
        notes.append(f"most of its sound lies above {measures.rate // 2:,} Hz and is lost")
    if mixer.peak > FAR and not mixer.bits:
        notes.append(f"its values reach {mixer.peak:,.0f} times full scale")
        if mixer.peak > WILD:
            damaged = "a damaged value drowns the rest"
            entry = Entry(clip.name, damaged, seconds=entry.seconds, overshoot=entry.overshoot)
    note = "; ".join(notes)
    return dataclasses.replace(entry, source_rate=mixer.rate, channels=mixer.channels, note=note), measures


def _out_of_reach(path: Path) -> str | None:
    """Return why a path leads to no regular file, or None."""
    try:
        path.stat()
    except (FileNotFoundError, ValueError):  # ValueError: no file can have such a name
        return "missing"
    except OSError as error:  # such as a link that leads to itself, or a folder on the way that may not be entered
        return f"missing ({error.strerror})"
    return None if is_file(path) else "not a regular file"


class _Levels:
    """Peak, energy and digest of samples that come in blocks; `scale` is the amplitude of a sample of 32,768."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.peak = self.energy = self.samples = 0
        self._digest = hashlib.sha256()

    def take(self, pcm: Pcm) -> None:
        wide = pcm.astype(np.int64)
        self.peak = max(self.peak, int(wide.max()), -int(wide.min()))
        self.energy += int(wide @ wide)
        self.samples += len(pcm)
        self._digest.update(pcm.data)

    def put(self, entry: Entry) -> Entry:
        """Return `entry` with these levels."""
        return dataclasses.replace(
            entry,
            length=self.samples,
            scale=self.scale,
            peak=self.peak / FULL * self.scale,
            rms=math.sqrt(self.energy / self.samples) / FULL * self.scale,
            digest=self._digest.hexdigest()[:32],
        )


class _Measures:
    """Everything that is measured on a file while its blocks go by, at `rate` in Hz; `scale` is that of its levels."""

    def __init__(self, rate: int, scale: float) -> None:
        self.rate, self.scale = rate, scale
        self.frame = max(1, round(FRAME_SECONDS * rate))
        self.levels = _Levels(scale)
        self.top = 0.0  # the largest magnitude met, full scale 1
        self.overshoot = self.full = 0  # samples beyond full scale; at it or beyond
        self._loudness: list[Floats] = []
        self._rest: Pcm = np.zeros(0, np.int16)  # of a frame that has not ended

    def take(self, block: Floats) -> Pcm:
        """Return a block [n] float32 as 16-bit samples, clipped."""
        pcm = np.clip(np.rint(block.astype(np.float64) * (FULL / self.scale)), -FULL, FULL - 1).astype(np.int16)
        magnitude = np.abs(block)
        self.top = max(self.top, float(magnitude.max()))
        self.overshoot += int((magnitude > 1.0).sum())
        self.full += int((magnitude > (FULL - 1.5) / FULL).sum())  # what rounds to the largest of 16 bits
        self.levels.take(pcm)
        held = np.concatenate([self._rest, pcm])
        whole = len(held) // self.frame * self.frame
        self._add_frames(held[:whole])
        self._rest = held[whole:]
        return pcm

    def _add_frames(self, pcm: Pcm) -> None:
        if len(pcm):
            power = np.add.reduceat(pcm.astype(np.float32) ** 2, np.arange(0, len(pcm), self.frame))
            self._loudness.append(np.sqrt(power / self.frame))

    def loudness(self) -> Floats:
        """Return the RMS of all frames, 16-bit samples counting 1; the last may be short and is taken as padded."""
        self._add_frames(self._rest)
        self._rest = self._rest[:0]
        return np.concatenate(self._loudness) if self._loudness else np.zeros(0, np.float32)

    def entry(self, name: str, mixer: Mixer) -> Entry:
        """Return what was found, as if all of it were kept."""
        length, loudness = self.levels.samples, self.loudness() * self.scale
        if not length:
            return Entry(name, "no samples")
        reason = mixer.why_silent() or (self._silent(mixer) if loudness.max() < SILENT else None)
        entry = Entry(
            name,
            reason,
            seconds=length / self.rate,
            clipped=self.full / length,
            overshoot=self.overshoot,
            silence=float((loudness < SILENT).mean()),
        )
        return entry if reason is not None else self.levels.put(entry)

    def _silent(self, mixer: Mixer) -> str:
        """Return what kind of silence this is."""
        if self.rate < mixer.rate and mixer.rms >= SILENT / FULL:
            return f"silent at {self.rate:,} Hz: its sound lies above {self.rate // 2:,} Hz"
        if self.levels.peak:
            return "silent throughout (below -60 dBFS)"
        return f"below 16-bit resolution (its peak is {self.top:.1e})" if self.top else "digital silence"


def _trimmed(entry: Entry, measures: _Measures, trim: TrimConfig, into: IO[bytes], start: int) -> Entry:
    """Return the entry of the part that is loud enough, moved to where the file's samples begin in `into`."""
    loudness, margin = measures.loudness(), round(trim.margin_seconds * measures.rate)
    loud = np.flatnonzero(loudness >= loudness.max() * 10 ** (-trim.below_db / 20))
    first = max(0, int(loud[0]) * measures.frame - margin)
    last = min(entry.length, (int(loud[-1]) + 1) * measures.frame + margin)
    if (first, last) == (0, entry.length):
        return entry
    levels = _Levels(entry.scale)
    for at in range(first, last, BLOCK_FRAMES):
        into.seek(start + 2 * at)
        block = into.read(2 * min(BLOCK_FRAMES, last - at))
        levels.take(np.frombuffer(block, np.int16))
        into.seek(start + 2 * (at - first))
        into.write(block)
    return dataclasses.replace(levels.put(entry), trimmed=entry.length - (last - first))
