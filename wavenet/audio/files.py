"""Sound files in and out, through libsndfile: any rate, channels and depth in; 16 or 24 bit WAV or FLAC out."""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from wavenet import disk
from wavenet.audio import decoder_messages, headers
from wavenet.audio.mixing import Mixer
from wavenet.audio.repair import Patched
from wavenet.audio.resample import BLOCK_FRAMES, resampled
from wavenet.errors import InputError, SoundError
from wavenet.outputs import Floats
from wavenet.progress import log
from wavenet.recipe.paths import near_path

SUFFIXES = frozenset(
    {".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".caf"}
    | {".au", ".snd", ".sph", ".nist", ".voc", ".wve", ".bwf", ".mp2", ".mpga"}
)
WRITTEN = (".wav", ".flac")
SOFTWARE = "wavenet-audio"  # in the tag of generated sound, by which it is known again
MOST_SAMPLES = 1 << 21  # of all channels together, read at a time
UNKNOWN = (1 << 63) - 1  # frames, as libsndfile says it
LARGE = 8_192  # bytes: more than a header has
FLAC_FRAMES = 4_096  # read at a time of FLAC, whose usual block this is: an error takes all of what it is met in
SLOWEST, FASTEST = 100, 10_000_000  # sample rates in Hz that a sound can have; others are a header gone wrong


def is_file(path: Path) -> bool:
    """Return whether a path leads to a regular file; not where no file can have such a name."""
    return os.path.isfile(path)  # noqa: PTH113  (Path.is_file may raise)


class _Stream(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that is read from its front to its end.

    soundfile would seek to where it is behind every read. Not all that libsndfile reads can be sought in (FLAC of
    unknown length, DWVW), and in a lossy format what comes next would be decoded anew.
    """

    def seekable(self) -> bool:
        """Return False."""
        return False


class Reader:
    """An open sound file, read as mono float32 blocks (channels are averaged; NaN and infinity become 0).

    Args:
        path: the file.

    Attributes:
        mixer: makes them mono, and knows what it met on the way.

    Raises:
        SoundError: libsndfile cannot read it, or its header gives an impossible rate.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._patched: Patched | None = None
        self._wav = headers.find_wav(path)
        self._messages: list[str] = []
        self._mpeg = headers.is_mpeg(path)  # whose decoder writes to standard error
        try:
            with self._caught():
                self._file = self._opened()
        except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
            if self._patched is not None:
                self._patched.close()
            raise SoundError(self._reason(error)) from None
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.subtype: str = self._file.subtype
        self.frames_read = 0
        self.mixer = self._mixer(None)
        self._damaged = False  # FLAC that cannot be read on
        if not SLOWEST <= self.sample_rate <= FASTEST:
            self.__exit__()
            raise SoundError(f"its header gives an impossible sample rate of {self.sample_rate:,} Hz")

    def _opened(self) -> _Stream:
        """Return the open file; where libsndfile would not find all of its sound, patched."""
        self._bytes = self.path.stat().st_size
        if self._wav is None or self._wav.readable:
            # bytes, since the library would refuse to encode a name that is no UTF-8
            file = _Stream(str(self.path) if os.name == "nt" else os.fsencode(self.path))
            if file.format != "MP3" or headers.promise(self.path) is not None:
                return file
            file.close()
        self._patched = Patched(self.path, self._wav)
        return _Stream(self._patched)

    def _caught(self) -> contextlib.AbstractContextManager[None]:
        return decoder_messages.caught(self._messages) if self._mpeg else contextlib.nullcontext()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._patched is not None:
            self._patched.close()

    def _mixer(self, channel: int | None) -> Mixer:
        return Mixer(self.sample_rate, self.channels, self.subtype in ("FLOAT", "DOUBLE"), channel)

    def blocks(self, channel: int | None = None) -> Iterator[Floats]:
        """Yield the sound in order, [n] float32 a block; of FLAC, whose blocks have checksums, up to an error.

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
            with self._caught():
                while left > 0:
                    part = self._file.read(min(left, FLAC_FRAMES) if flac else left, dtype="float32", always_2d=True)
                    if not len(part):
                        break
                    parts.append(part)
                    left -= len(part)
            if self._patched is not None and self._patched.error is not None:
                raise self._patched.error
        except (soundfile.SoundFileError, OSError) as error:
            if not flac or not (self.frames_read or parts[1:]):
                raise SoundError(self._reason(error)) from None
            self._damaged = True
        return np.concatenate(parts)

    def note(self) -> str:
        """Return what is wrong with the file, once all blocks were read: cut short, odd values; empty where nothing."""
        missing = self._missing()
        read = [f"{missing}, {self.frames_read / self.sample_rate:.2f} s could be read"] if missing else []
        return "; ".join(read + self.mixer.notes())

    def _missing(self) -> str:
        """Return what is missing, or may be; empty where nothing is."""
        if self._wav is not None and self._wav.unfinished:
            return "unfinished: its header was never filled in"
        promise = headers.promise(self.path, self._file.extra_info)
        if promise is not None and promise.present < promise.promised:
            return f"cut short: {promise}"
        promised = self._file.frames if self._file.format == "FLAC" else 0
        if self._damaged and promised == UNKNOWN:
            return "cut short or damaged"
        if self.frames_read < promised < UNKNOWN:
            return f"cut short or damaged: its header promises {promised / self.sample_rate:.2f} s of sound"
        if bad_end := headers.bad_end(self.path):
            return bad_end
        if lost := decoder_messages.damage(self._messages):
            return f"damaged: {lost}"
        empty = not self.frames_read and self._bytes > LARGE
        return f"unfinished: its header counts no sound in {self._bytes:,} bytes" if empty else ""

    def _reason(self, error: Exception) -> str:
        """Return why the file cannot be read, without its path."""
        try:
            with self.path.open("rb") as file:
                head = file.read(64)
        except OSError as failure:
            return failure.strerror or "unreadable"
        if not head:
            return "empty file"
        if head.startswith(b"version https://git-lfs"):
            return "a Git LFS pointer, not the sound itself (run `git lfs pull`)"
        lost = decoder_messages.damage(self._messages)
        text = " ".join(str(getattr(error, "error_string", error)).split()).rstrip(".").removeprefix("Error : ")
        if not text or "does not exist" in text:  # libsndfile's answer to a broken MP3
            return "not sound that libsndfile can read"
        return f"damaged: {lost}" if lost else text


def read(path: Path, sample_rate: int, name: str | None = None) -> Floats:
    """Return a whole file as mono float32 [n] at `sample_rate`; errors call it by its path, or by `name`.

    Raises:
        SoundError: the file is missing, unreadable or holds no samples.
    """
    called = name or path
    if not is_file(path):
        raise SoundError(f"there is no sound file {called}{near_path(path, is_file)}; give one that exists")
    try:
        wave, mixer, note = _whole(path, sample_rate)
        louder = mixer.louder()
        if louder is not None:
            wave, mixer, note = _whole(path, sample_rate, louder)
        if mixer.none_usable:
            raise SoundError(f"no usable values ({note})")
    except SoundError as error:
        raise SoundError(f"{called} cannot be read as sound: {error}; give a sound file") from None
    if not len(wave):
        raise SoundError(f"{called} holds no samples; give a longer sound file")
    if note:
        log.warning("%s: %s", called, note)
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
    if suffix not in WRITTEN:
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


class Writer:
    """Writes mono sound of a known length to a .wav or .flac file piece by piece, whole or not at all.

    Use it as a context manager: what is not whole when that ends is removed.

    Args:
        path: the file.
        samples: how many there will be.
        sample_rate: in Hz.
        bits: 16 or 24.
        software: as for `write`.
    """

    def __init__(self, path: Path, samples: int, sample_rate: int, bits: int = 16, software: str = "") -> None:
        self.path, self.left, self._rate, self._bits, self._software = path, samples, sample_rate, bits, software
        self._pad = b"\0" * (samples * (bits // 8) % 2)  # a chunk of a WAV has an even number of bytes
        self._samples, self._stack = samples, contextlib.ExitStack()
        self._flac: soundfile.SoundFile | None = None

    def __enter__(self) -> Writer:
        """Open a temporary file beside the path.

        Raises:
            InputError: the rate is one that FLAC cannot hold.
            OSError: the file cannot be written.
        """
        with contextlib.ExitStack() as stack:
            temporary = stack.enter_context(disk.replacing(self.path))
            flac = self.path.suffix.lower() == ".flac"  # whose encoder seeks: nothing may be left to be written then
            self._file = stack.enter_context(temporary.open("w+b", buffering=0 if flac else -1))
            if flac:
                self._kept = _Kept(self._file)
                self._flac = stack.enter_context(self._encoder())
            else:
                self._file.write(wav_header(self._rate, self._samples, self._bits, self._software))
            self._stack = stack.pop_all()
        return self

    def _encoder(self) -> soundfile.SoundFile:
        try:
            encoder = soundfile.SoundFile(self._kept, "w", self._rate, 1, f"PCM_{self._bits}", format="FLAC")
        except soundfile.SoundFileError as error:
            raise InputError(f"{self.path} cannot hold this sound ({error.error_string}); try .wav") from None
        if self._software:
            encoder.software = self._software
        return encoder

    def write(self, wave: NDArray[np.floating]) -> bool:
        """Take in the next samples, [n] in [-1, 1]; return whether the file is whole, and then in its place.

        Raises:
            OSError: the file cannot be written.
        """
        assert len(wave) <= self.left, "more samples than were promised"
        self.left -= len(wave)
        if self._flac is None:
            self._file.write(wav_bytes(wave, self._bits))
        else:
            self._flac.write(to_pcm(wave, self._bits) << (32 - self._bits))
            self._kept.check()
        if self.left:
            return False
        if self._flac is None:
            self._file.write(self._pad)
        else:
            self._flac.close()
            self._kept.check()
        self._stack.close()
        return True

    def __exit__(self, *error: object) -> None:
        failed = error if error[0] is not None else (EOFError, EOFError("the sound ended early"), None)
        self._stack.__exit__(*failed)  # type: ignore[arg-type]


class _Kept:
    """An open file that keeps its errors for later: libsndfile only asserts that a disk is not full."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self._error is not None:
            raise self._error

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._error = self._error or error
        return len(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, at: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(at, whence)

    def tell(self) -> int:
        return self._file.tell()


def wav_header(sample_rate: int, samples: int | None, bits: int, software: str = "") -> bytes:
    """Return the bytes before mono PCM in a WAV, of unknown length for None, with a software tag where there is one."""
    width = bits // 8
    description = struct.pack("<HHIIHH", 1, 1, sample_rate, sample_rate * width, width, bits)  # format tag 1: PCM
    tag = software.encode("ascii") + b"\0" if software else b""
    tag += b"\0" * (len(tag) % 2)
    listed = struct.pack("<4sI4s4sI", b"LIST", 12 + len(tag), b"INFO", b"ISFT", len(tag)) + tag if tag else b""
    return headers.wav_head(description, None if samples is None else samples * width, listed)


def wav_bytes(wave: NDArray[np.floating], bits: int) -> bytes:
    """Return samples in [-1, 1] as little-endian PCM bytes of 16 or 24 bits."""
    little = to_pcm(wave, bits).astype("<i4").view(np.uint8).reshape(-1, 4)
    return little[:, : bits // 8].tobytes()
