"""How many bytes of sound a file's own header promises, and how many are there: a file that was cut is seen by it.

libsndfile quietly takes what is there. Only the first bytes and the table of chunks are read here (of Ogg, which
promises nothing, the last page), nothing is trusted: whatever does not look as its format demands is answered with
None, and libsndfile says what is wrong with it.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MOST_CHUNKS = 1_000  # looked at before the sound; a file of ours has a handful
ENDLESS = 1 << 62  # 64-bit sizes from here on are -1 and the like
STREAMED = 0x7FFF_F000  # 32-bit sizes from here on are written by programs that do not know how long the sound will be
XING = (36, 21, 13)  # where an MP3's first frame has its counts: MPEG-1 stereo; its mono and MPEG-2 stereo; the rest
MPEG = (b"\xff\xe2", b"\xff\xe3", b"\xff\xf2", b"\xff\xf3", b"\xff\xfa", b"\xff\xfb")  # a frame of layer III
BROKEN = (OSError, ValueError, IndexError, OverflowError, struct.error)  # what a header gone wrong may raise
PAGE = 27 + 255 + 255 * 255  # bytes of the longest page of Ogg


@dataclass(frozen=True)
class Promise:
    """Bytes of sound that a header promises, and those that the file holds from where they begin."""

    promised: int
    present: int

    @property
    def broken(self) -> bool:
        """Whether the file ends before the sound does."""
        return self.present < self.promised


def promise(path: Path) -> Promise | None:
    """Return what a file's header promises; None where it says nothing of it, or cannot be understood."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(40)
            for magic, find in _FORMATS.items():
                if head.startswith(magic):
                    found = find(file, head)
                    return None if found is None else Promise(found[0], max(0, size - found[1]))
    except BROKEN:
        pass
    return None


def is_mpeg(path: Path) -> bool:
    """Return whether a file begins as an MP3 (or another layer) does, maybe behind a tag, or is a WAV of such."""
    try:
        with path.open("rb") as file:
            head = file.read(22)
            return head[:3] == b"ID3" or (head[0] == 0xFF and head[1] >= 0xE0) or head[20:] in (b"\x50\0", b"\x55\0")
    except BROKEN:
        return False


def unfinished(path: Path) -> bool:
    """Return whether a file is Ogg (Vorbis, Opus) and its last page is not whole, or not marked as a stream's end."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"OggS":
                return False
            page = _last_page(file)
    except BROKEN:
        return False
    lengths = page[27 : 27 + page[26]] if len(page) > 26 else b""
    whole = bool(lengths) and len(page) >= 27 + page[26] + sum(lengths)
    return page.startswith(b"OggS") and not (whole and page[5] & 4)


def followed(path: Path) -> bool:
    """Return whether another sound follows the first, the only one that libsndfile reads: files put end to end."""
    try:
        with path.open("rb") as file:
            head = file.read(40)
            if head.startswith(b"OggS"):
                return _last_page(file)[14:18] not in _streams(file)
            found = _mp3(file, head)
            if found is None or not found[0]:
                return False
            file.seek(sum(found))
            return file.read(3).startswith((b"ID3", *MPEG))
    except BROKEN:
        return False


def _last_page(file: BinaryIO) -> bytes:
    """Return an Ogg file from the beginning of its last page on, behind which a tag may stand."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * PAGE))
    tail = file.read(2 * PAGE)
    return tail[max(0, tail.rfind(b"OggS\0")) :]


def _streams(file: BinaryIO) -> set[bytes]:
    """Return the numbers of the streams that begin an Ogg file."""
    at, numbers = 0, set()
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        page = file.read(27 + 255)
        if not (page.startswith(b"OggS") and page[5] & 2):
            break
        numbers.add(page[14:18])
        at += 27 + page[26] + sum(page[27 : 27 + page[26]])
    return numbers


Found = tuple[int, int] | None  # bytes promised, and where they begin


@dataclass(frozen=True)
class Form:
    """How a format writes its chunks: name and size for `struct`, what ends are padded to, and how many bytes before
    its content a chunk's size counts too."""

    struct: str
    padding: int
    counted: int = 0


LITTLE, BIG = Form("<4sI", 2), Form(">4sI", 2)
CAF, W64 = Form(">4sq", 1), Form("<16sQ", 8, 24)


def chunk(file: BinaryIO, at: int, form: Form) -> tuple[bytes, int, int]:
    """Return the four letters of a chunk's name, its size and where its content begins, where the file then stands.

    Raises:
        struct.error: the file ends before.
    """
    file.seek(at)
    begin = at + struct.calcsize(form.struct)
    name, size = struct.unpack(form.struct, file.read(begin - at))
    return name[:4], size - form.counted, begin


def _chunks(file: BinaryIO, at: int, form: Form) -> Iterator[tuple[bytes, int, int]]:
    """Yield the chunks from `at` on."""
    for _ in range(MOST_CHUNKS):
        name, size, begin = chunk(file, at, form)
        yield name, size, begin
        if size < 0:
            return
        at = begin + size + -size % form.padding


def _riff(file: BinaryIO, head: bytes) -> Found:
    long_size = None
    for name, size, begin in _chunks(file, 12, BIG if head[:4] == b"RIFX" else LITTLE):
        if name == b"ds64":
            long_size = struct.unpack("<QQ", file.read(16))[1]
        if name == b"data" and size == 0xFFFF_FFFF and long_size is not None:
            return (long_size, begin) if long_size < ENDLESS else None
        if name == b"data":
            return None if size >= STREAMED else (size, begin)
    return None


def _aiff(file: BinaryIO, head: bytes) -> Found:
    del head
    for name, size, begin in _chunks(file, 12, BIG):
        if name == b"SSND":
            before = 8 + struct.unpack(">I", file.read(4))[0]
            return None if size >= STREAMED or size < before else (size - before, begin + before)
    return None


def _au(file: BinaryIO, head: bytes) -> Found:
    del file
    begin, size = struct.unpack(">II" if head[:4] == b".snd" else "<II", head[4:12])
    return None if size >= STREAMED else (size, begin)


def _caf(file: BinaryIO, head: bytes) -> Found:
    del head
    for name, size, begin in _chunks(file, 8, CAF):
        if name == b"data":
            return None if size < 4 else (size - 4, begin + 4)  # behind a count of edits; -1 where unknown
    return None


def _w64(file: BinaryIO, head: bytes) -> Found:
    del head
    for name, size, begin in _chunks(file, 40, W64):
        if name == b"data":
            return (size, begin) if 0 <= size < ENDLESS else None
    return None


def _sphere(file: BinaryIO, head: bytes) -> Found:
    begin = int(head[8:16])
    file.seek(0)
    fields = dict(re.findall(rb"^(\w+) -i (\d+)\s*$", file.read(max(0, min(begin, 1 << 16))), re.MULTILINE))
    try:
        return int(fields[b"sample_count"]) * int(fields[b"channel_count"]) * int(fields[b"sample_n_bytes"]), begin
    except KeyError:
        return None


def _mp3(file: BinaryIO, head: bytes) -> Found:
    """Bytes of all frames, as the first one (Xing, or Info where the rate is constant) counts them, itself included."""
    at = 0
    if head.startswith(b"ID3"):
        at = 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    file.seek(at)
    frame = file.read(56)
    if frame[:1] != b"\xff" or frame[1] & 0xE6 != 0xE2:  # of layer III
        return None
    for begin in XING:
        if frame[begin : begin + 4] in (b"Xing", b"Info"):
            flags = struct.unpack(">I", frame[begin + 4 : begin + 8])[0]
            size = begin + (12 if flags & 1 else 8)  # behind a count of frames
            return (struct.unpack(">I", frame[size : size + 4])[0], at) if flags & 2 else None
    return None


_FORMATS: dict[bytes, Callable[[BinaryIO, bytes], Found]] = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), _riff),
    b"FORM": _aiff,
    b".snd": _au,
    b"dns.": _au,
    b"caff": _caf,
    b"riff\x2e\x91": _w64,
    b"NIST_1A": _sphere,
    **dict.fromkeys((b"ID3", *MPEG), _mp3),
}
