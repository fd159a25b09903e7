"""Sound files in and out, through libsndfile: any rate, channels and depth in; 16 or 24 bit WAV or FLAC out."""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from wavenet import disk
from wavenet.audio import decoder_messages, headers, repair
from wavenet.audio.mixing import Mixer
from wavenet.audio.resample import BLOCK_FRAMES, resampled
from wavenet.errors import InputError, SoundError
from wavenet.outputs import Floats
from wavenet.progress import log
from wavenet.recipe.paths import near_path

SUFFIXES = frozenset(
    {".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".caf"}
    | {".au", ".snd", ".sph", ".nist", ".voc", ".wve", ".bwf", ".mp2", ".mpga"}
)
SOFTWARE = "wavenet-audio"  # in the tag of generated sound, by which it is known again
MOST_SAMPLES = 1 << 21  # of all channels together, read at a time
UNKNOWN = (1 << 63) - 1  # frames, as libsndfile says it
FLAC_FRAMES = 4_096  # read at a time of FLAC, whose usual block this is: an error takes all of what it is met in
SLOWEST, FASTEST = 100, 10_000_000  # sample rates in Hz that a sound can have; others are a header gone wrong


def is_file(path: Path) -> bool:
    """Return whether a path leads to a regular file; not, where it cannot be followed or is no path at all."""
    return os.path.isfile(path)  # noqa: PTH113  (Path.is_file may raise)


class _Stream(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read from its front to its end.

    soundfile would seek to where it is behind every read. Not all that libsndfile reads can be sought in (FLAC of
    unknown length, DWVW), and in a lossy format what comes next would be decoded anew.
    """

    def seekable(self) -> bool:
        """Return False."""
        return False


class _Uncounted(io.FileIO):
    """An MP3 that does not say how long it is, as a file 64 times as long (bit rates are at most 40 times apart).

    libsndfile goes by what its size and the bit rate of its first frame suggest, and reads no further: where what
    comes later has a lower rate, nine tenths of the sound may be lost.
    """

    error: OSError | None = None
    _beyond: int | None = None  # where it stands behind its own end

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Return where the file stands now."""
        if whence == os.SEEK_END:
            self._beyond = 64 * os.fstat(self.fileno()).st_size + offset
            return self._beyond
        self._beyond = None
        return super().seek(offset, whence)

    def tell(self) -> int:
        """Return where the file stands."""
        return super().tell() if self._beyond is None else self._beyond

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer and return how many bytes; behind the end are zeros (a tag is looked for there)."""
        if self._beyond is not None:
            buffer[:] = bytes(len(buffer))
            self._beyond += len(buffer)
            return len(buffer)
        try:
            return super().readinto(buffer) or 0
        except OSError as error:  # who calls this cannot pass it on
            self.error = error
            return 0


class Reader:
    """An open sound file, read as mono float32 blocks (channels are averaged; NaN and infinity become 0).

    Args:
        path: the file.

    Attributes:
        mixer: makes them mono, and knows what it met on the way.

    Raises:
        SoundError: libsndfile cannot read it, or its header names a rate that no sound has.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._source: _Uncounted | repair.Spliced | None = None
        self._mended = repair.mended(path)
        self._heard = decoder_messages.Heard()
        self._loud = headers.is_mpeg(path)
        try:
            with self._listening():
                self._file = self._opened()
        except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
            if self._source is not None:
                self._source.close()
            raise SoundError(_reason(path, error, self._heard)) from None
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.subtype: str = self._file.subtype
        self.frames_read = 0
        self.mixer = self._mixer(None)
        self._damaged = False  # FLAC that cannot be read on
        if not SLOWEST <= self.sample_rate <= FASTEST:
            self.__exit__()
            raise SoundError(f"its header names a sample rate of {self.sample_rate:,} Hz, which no sound has")

    def _opened(self) -> _Stream:
        """Return the open file; where its own header will not do, seen through another."""
        if self._mended is None:
            # bytes, since the library would refuse to encode a name that is no UTF-8
            file = _Stream(str(self.path) if os.name == "nt" else os.fsencode(self.path))
            if file.format != "MP3" or headers.promise(self.path) is not None:
                return file
            file.close()
            self._source = _Uncounted(self.path)
        else:
            self._source = repair.Spliced(self.path, self._mended)
        return _Stream(self._source)

    def _listening(self) -> contextlib.AbstractContextManager[None]:
        """Catch what the decoder prints, if it is one that does."""
        return decoder_messages.caught(self._heard) if self._loud else contextlib.nullcontext()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._source is not None:
            self._source.close()

    def _mixer(self, channel: int | None) -> Mixer:
        return Mixer(self.sample_rate, self.channels, self.subtype in ("FLOAT", "DOUBLE"), channel)

    def blocks(self, channel: int | None = None) -> Iterator[Floats]:
        """Yield the sound in order, [n] float32 a block; of FLAC, which proves every block of its own, up to an error.

        Args:
            channel: read this one alone; None takes the mean of all.

        Raises:
            SoundError: libsndfile cannot read on.
        """
        self.mixer = self._mixer(channel)
        size = max(1, min(BLOCK_FRAMES, MOST_SAMPLES // self.channels))
        while not self._damaged:
            block = self._block(size)
            if not len(block):
                return
            self.frames_read += len(block)
            yield self.mixer.mix(block)

    def _block(self, size: int) -> Floats:
        """Return the next frames [n, channels], `size` of them where there are so many."""
        flac, parts = self._file.format == "FLAC", [np.zeros((0, self.channels), np.float32)]
        left = min(size, self._file.frames - self.frames_read)  # what may stand behind FLAC (a tag) is an error to it
        try:
            with self._listening():
                while left > 0:
                    part = self._file.read(min(left, FLAC_FRAMES) if flac else left, dtype="float32", always_2d=True)
                    if not len(part):
                        break
                    parts.append(part)
                    left -= len(part)
            if self._source is not None and self._source.error is not None:
                raise self._source.error
        except (soundfile.SoundFileError, OSError) as error:
            if not flac or not (self.frames_read or parts[1:]):
                raise SoundError(_reason(self.path, error, self._heard)) from None
            self._damaged = True
        return np.concatenate(parts)

    def note(self) -> str:
        """Return what is wrong with the file, once all blocks were read: cut short, odd values; empty where nothing."""
        missing = self._missing()
        return "; ".join([missing] * bool(missing) + self.mixer.notes())

    def _missing(self) -> str:
        """Return how much is missing from a file that was cut; empty where nothing is."""
        seconds, mended = f"{self.frames_read / self.sample_rate:.2f} s could be read", self._mended
        if mended is not None and not mended.usual:
            return f"streamed: the size of its sound was never filled in, {seconds}"
        promise = headers.promise(self.path) if mended is None else mended.promise
        if promise is not None and promise.broken:
            there = f"{promise.promised:,} bytes of sound, {promise.present:,} are there"
            return f"cut short: its header promises {there}, {seconds}"
        if headers.unfinished(self.path):
            return f"cut short: it ends before its stream is marked as ended, {seconds}"
        if headers.followed(self.path):
            return f"read in part: another sound follows in the same file, {seconds}"
        promised = self._file.frames if self._file.format == "FLAC" else 0
        if promised == UNKNOWN:
            return f"cut short or damaged: {seconds}" if self._damaged else ""
        if self.frames_read < promised:
            there = f"its header promises {promised / self.sample_rate:.2f} s of sound"
            return f"cut short or damaged: {there}, {seconds}"
        if mended is None and promise is not None and repair.left_over(self.path, promise):
            there = f"{promise.promised:,} bytes of sound, {promise.present:,} are there"
            return f"read in part: its header promises {there}, {seconds}"
        if self._heard.damage():
            return f"damaged: {self._heard.damage()}, {seconds}"
        return ""


def _reason(path: Path, error: Exception, heard: decoder_messages.Heard) -> str:
    """Return why a file cannot be read, without its path."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as failure:
        return failure.strerror or "unreadable"
    if size == 0:
        return "empty file"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the sound itself (run `git lfs pull`)"
    text = " ".join(str(getattr(error, "error_string", error)).split()).rstrip(".").removeprefix("Error : ")
    if not text or "does not exist" in text:  # libsndfile's answer to a broken MP3
        return "not sound that libsndfile can read"
    return f"damaged: {heard.damage()}" if heard.damage() else text


def read(path: Path, sample_rate: int, name: str | None = None) -> Floats:
    """Return a whole file as mono float32 [n] at `sample_rate`; errors call it by its path, or by `name`.

    Raises:
        SoundError: the file is missing, unreadable or holds no samples.
    """
    told = name or path
    if not is_file(path):
        raise SoundError(f"there is no sound file {told}{near_path(path, is_file)}; give one that exists")
    try:
        wave, mixer, note = _whole(path, sample_rate)
        louder = mixer.louder()
        if louder is not None:
            wave, mixer, note = _whole(path, sample_rate, louder)
        if mixer.numberless:
            raise SoundError(f"no numbers ({note})")
    except SoundError as error:
        raise SoundError(f"{told} cannot be read as sound: {error}; give a sound file") from None
    if not len(wave):
        raise SoundError(f"{told} holds no samples; give a longer sound file")
    if note:
        log.warning("%s: %s", told, note)
    return wave


def _whole(path: Path, sample_rate: int, channel: int | None = None) -> tuple[Floats, Mixer, str]:
    """Return a whole file as mono float32 [n] at `sample_rate`, what mixed it, and what is wrong with it."""
    with Reader(path) as reader:
        blocks = list(resampled(reader.blocks(channel), reader.sample_rate, sample_rate))
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32), reader.mixer, reader.note()


# --- writing ---------------------------------------------------------------------------------------------------------


def to_pcm(wave: NDArray[np.floating], bits: int) -> NDArray[np.int32]:
    """Return samples in [-1, 1] as signed integers of 16 or 24 bits, rounded, undithered, clipped."""
    scale = float(1 << (bits - 1))
    return np.asarray(np.clip(np.rint(wave.astype(np.float64) * scale), -scale, scale - 1), np.int32)


def write(path: Path, wave: NDArray[np.floating], sample_rate: int, bits: int = 16, software: str = "") -> None:
    """Write mono sound [n] to a .wav or .flac file, whole or not at all.

    Args:
        path: the file.
        wave: in [-1, 1].
        sample_rate: in Hz.
        bits: 16 or 24.
        software: what the file says that it was made by: SOFTWARE, where the sound was generated; empty: nothing.

    Raises:
        InputError: another suffix, or a rate that FLAC cannot hold.
        OSError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".wav", ".flac"):
        raise InputError(f"cannot write {path.name}: got the suffix {suffix!r}, expected .wav or .flac")
    shifted = to_pcm(wave, bits) << (32 - bits)  # libsndfile takes the upper bits
    encoded = io.BytesIO()  # in memory first: the library only asserts that a disk is not full
    try:
        with soundfile.SoundFile(encoded, "w", sample_rate, 1, f"PCM_{bits}", format=suffix[1:].upper()) as file:
            if software:
                file.software = software
            file.write(shifted)
    except soundfile.SoundFileError as error:
        raise InputError(f"{path} cannot hold this sound ({error.error_string}); try .wav") from None
    disk.write_bytes(path, encoded.getvalue())


def wav_header(sample_rate: int, samples: int, bits: int, software: str = "") -> bytes:
    """Return the bytes before mono PCM in a WAV whose length is known (RIFF, format tag 1): 44, and a software tag."""
    width = bits // 8
    size = samples * width
    tag = software.encode("ascii") + b"\0" if software else b""
    tag += b"\0" * (len(tag) % 2)
    listed = struct.pack("<4sI4s4sI", b"LIST", 12 + len(tag), b"INFO", b"ISFT", len(tag)) + tag if tag else b""
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", min(36 + len(listed) + size, 0xFFFFFFFF), b"WAVE"),
            struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate, sample_rate * width, width, bits),
            listed,
            struct.pack("<4sI", b"data", min(size, 0xFFFFFFFF)),
        )
    )


def wav_bytes(wave: NDArray[np.floating], bits: int) -> bytes:
    """Return samples in [-1, 1] as little-endian PCM bytes of 16 or 24 bits."""
    little = to_pcm(wave, bits).astype("<i4").view(np.uint8).reshape(-1, 4)
    return little[:, : bits // 8].tobytes()
