"""How many bytes of sound a file's own header promises, and how many are there: a file that was cut is seen by it.

libsndfile quietly takes what is there. Only the first bytes and the table of chunks are read here, nothing is trusted:
whatever does not look as its format demands is answered with None, and libsndfile says what is wrong with it.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MOST_CHUNKS = 1_000  # looked at before the sound; a file of ours has a handful
STREAMED = 0x7FFF_F000  # 32-bit sizes from here on are written by programs that do not know how long the sound will be


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
    except (OSError, ValueError, struct.error, OverflowError):
        pass
    return None


Found = tuple[int, int] | None  # bytes promised, and where they begin


def _riff(file: BinaryIO, head: bytes) -> Found:
    order = ">" if head[:4] == b"RIFX" else "<"
    at, long_size = 12, None
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        name, size = struct.unpack(f"{order}4sI", file.read(8))
        if name == b"data":
            if size == 0xFFFF_FFFF and long_size is not None:
                return long_size, at + 8
            return None if size >= STREAMED else (size, at + 8)
        if name == b"ds64":
            long_size = struct.unpack("<QQ", file.read(16))[1]
        at += 8 + size + size % 2
    return None


def _aiff(file: BinaryIO, head: bytes) -> Found:
    del head
    at = 12
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        name, size = struct.unpack(">4sI", file.read(8))
        if name == b"SSND":
            offset = struct.unpack(">I", file.read(4))[0]
            return None if size >= STREAMED or size < 8 + offset else (size - 8 - offset, at + 16 + offset)
        at += 8 + size + size % 2
    return None


def _au(file: BinaryIO, head: bytes) -> Found:
    del file
    begin, size = struct.unpack(">II" if head[:4] == b".snd" else "<II", head[4:12])
    return None if size >= STREAMED else (size, begin)


def _caf(file: BinaryIO, head: bytes) -> Found:
    del head
    at = 8
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        name, size = struct.unpack(">4sq", file.read(12))
        if name == b"data":
            return None if size < 4 else (size - 4, at + 16)  # behind a count of edits; -1 where unknown
        if size < 0:
            return None
        at += 12 + size
    return None


def _w64(file: BinaryIO, head: bytes) -> Found:
    del head
    at = 40
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        name, size = struct.unpack("<16sQ", file.read(24))
        if size < 24:
            return None
        if name.startswith(b"data"):
            return size - 24, at + 24
        at += size + -size % 8
    return None


def _sphere(file: BinaryIO, head: bytes) -> Found:
    begin = int(head[8:16])
    file.seek(0)
    fields = dict(re.findall(rb"^(\w+) -i (\d+)\s*$", file.read(min(begin, 1 << 16)), re.MULTILINE))
    try:
        return int(fields[b"sample_count"]) * int(fields[b"channel_count"]) * int(fields[b"sample_n_bytes"]), begin
    except KeyError:
        return None


_FORMATS: dict[bytes, Callable[[BinaryIO, bytes], Found]] = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), _riff),
    b"FORM": _aiff,
    b".snd": _au,
    b"dns.": _au,
    b"caff": _caf,
    b"riff\x2e\x91": _w64,
    b"NIST_1A": _sphere,
}
