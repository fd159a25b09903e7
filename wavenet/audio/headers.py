"""How much sound a file's header promises and how much is there: libsndfile takes what it finds, and is silent.

Only the first bytes and the table of chunks are read (of Ogg, which promises nothing, the last page). A header that
cannot be understood is answered with None: libsndfile says what is wrong with it.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

MOST_CHUNKS = 1_000  # looked at before the sound; most files have a handful
MOST_HEAD = 1 << 17  # bytes read at a place: of a chunk, and of Ogg two pages
UNKNOWN = 0xFFFF_FFFF  # a size in 32 bits: not known, or given in the chunk ds64
STREAMED = 0x7FFF_F000  # sizes from here on come from programs that write a stream and cannot know its length
ENDLESS = 1 << 62  # 64-bit sizes from here on are -1 and the like
MOST_JUNK = 1 << 12  # bytes behind the sound that are not worth a note
WAV = (b"RIFF", b"RF64", b"BW64")
CHUNKS = (b"data", b"fmt ", b"fact", b"LIST", b"bext", b"iXML", b"id3 ", b"ID3 ", b"cue ", b"smpl", b"JUNK", b"PEAK")
MP3 = (b"ID3", b"\xff\xe2", b"\xff\xe3", b"\xff\xf2", b"\xff\xf3", b"\xff\xfa", b"\xff\xfb")  # a tag; layer III
BROKEN = (OSError, ValueError, IndexError, KeyError, OverflowError, struct.error)  # what a bad header may raise
COMPARED = re.compile(r"^\s*(?:FORM|SSND|riff|data|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
FOLLOWED = "read in part: another recording follows in the same file"


class Promise(NamedTuple):
    """Bytes that a header promises, and those that are there."""

    promised: int
    present: int

    def __str__(self) -> str:
        return f"its header promises {self.promised:,} bytes, {self.present:,} are there"


def promise(path: Path, log: str = "") -> Promise | None:
    """Return what a file's header promises; None where it says nothing of it.

    Of AIFF, AU, CAF and W64, only promises that are not kept are known: libsndfile's log of the opening has them.

    Args:
        path: the file.
        log: libsndfile's.
    """
    try:
        with path.open("rb") as file:
            head, size = file.read(16), os.fstat(file.fileno()).st_size
            if head.startswith(WAV):
                wav = _wav(file)
                return Promise(wav.promised, wav.present) if wav.promised else None
            if head.startswith(MP3):
                begin, promised = _mp3(file)
                return Promise(promised, size - begin) if promised else None
            if head.startswith(b"NIST_1A"):
                begin, promised = _sphere(file)
                return Promise(promised, max(0, size - begin))
    except BROKEN:
        return None
    compared = (Promise(int(promised), int(present)) for promised, present in COMPARED.findall(log))
    return next((one for one in compared if one.present < one.promised < STREAMED), None)


def is_mpeg(path: Path) -> bool:
    """Return whether a file begins as an MP3 (or another layer) does, maybe behind a tag, or is a WAV of such."""
    try:
        with path.open("rb") as file:
            head = file.read(22)
            return head[:3] == b"ID3" or (head[0] == 0xFF and head[1] >= 0xE0) or head[20:] in (b"\x50\0", b"\x55\0")
    except BROKEN:
        return False


def bad_end(path: Path) -> str:
    """Return what is wrong with the end of a file of WAV, MP3 or Ogg; empty where nothing is found."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
            if head == b"OggS":
                return _ogg_end(file)
            if head.startswith(MP3):
                begin, promised = _mp3(file)
                file.seek(begin + promised)
                return FOLLOWED if promised and file.read(3).startswith(MP3) else ""
            return _wav_end(file) if head in WAV else ""
    except BROKEN:
        return ""


# --- WAV -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wav:
    """Where the sound of a WAV lies, by its own chunks; sizes in bytes."""

    description: bytes  # the content of its chunk `fmt `
    begin: int  # the place at which the sound begins
    present: int  # size from there to the end of the file
    size: int  # of the sound, as far as it is there
    promised: int  # size of the sound by the header; 0 where it was never filled in, or is not known
    unfinished: bool  # whether it was never filled in though sound is there
    readable: bool  # whether libsndfile finds all of the sound


def find_wav(path: Path) -> Wav | None:
    """Return where the sound of a WAV (RIFF, RF64, BW64) lies; None for another file, and where no sound is found."""
    try:
        with path.open("rb") as file:
            return _wav(file) if file.read(4) in WAV else None
    except BROKEN:
        return None


def wav_head(description: bytes, size: int | None, more: bytes = b"") -> bytes:
    """Return the bytes before the sound of a WAV; of RF64 (EBU Tech 3306), where 32 bits cannot count it.

    Args:
        description: the content of its chunk `fmt `.
        size: bytes of the sound; None where they are not known yet, which readers take to mean the rest of the file.
        more: whole chunks between the description and the sound.
    """
    chunks = struct.pack("<4sI", b"fmt ", len(description)) + description + bytes(len(description) % 2) + more
    magic, whole, counted = b"RIFF", UNKNOWN, UNKNOWN
    if size is not None:
        whole, counted = len(chunks) + size + 12, size
    if size is not None and whole >= UNKNOWN:
        chunks = struct.pack("<4sIQQQI", b"ds64", 28, whole + 36, size, 0, 0) + chunks
        magic, whole, counted = b"RF64", UNKNOWN, UNKNOWN
    return struct.pack("<4sI4s", magic, whole, b"WAVE") + chunks + struct.pack("<4sI", b"data", counted)


def _wav(file: BinaryIO) -> Wav:
    chunks, straight = _chunks(file)
    (begin, size), limit = chunks[b"data"], STREAMED
    if b"ds64" in chunks and size in (0, UNKNOWN):
        (size,), limit = struct.unpack("<Q", _part(file, chunks[b"ds64"][0] + 8, 8)), ENDLESS
    present = max(0, os.fstat(file.fileno()).st_size - begin)
    streamed = size >= limit == STREAMED
    unfinished = not (streamed or 0 < size < limit or _is_chunk(file, begin))
    readable = straight and not unfinished and not (streamed and present > size)
    description = _part(file, *chunks[b"fmt "])
    sound = present if streamed or unfinished else min(size, present)
    return Wav(description, begin, present, sound, size if size < limit else 0, unfinished, readable)


def _chunks(file: BinaryIO) -> tuple[dict[bytes, tuple[int, int]], bool]:
    """Return (begin, size) of each chunk up to the sound, and whether libsndfile finds its way through them.

    It does not know BW64, which is RF64 by another name, and needs the byte that pads a chunk of odd size.
    """
    straight = _part(file, 0, 4) != b"BW64"
    chunks: dict[bytes, tuple[int, int]] = {}
    at = 12
    for _ in range(MOST_CHUNKS):
        name, size = struct.unpack("<4sI", _part(file, at, 8))
        chunks.setdefault(name, (at + 8, size))
        if name == b"data":
            break
        at += 8 + size
        if size % 2:
            padded = _part(file, at, 4) not in CHUNKS
            at, straight = at + padded, straight and padded
    return chunks, straight


def _part(file: BinaryIO, begin: int, size: int) -> bytes:
    """Return a part of a header; shorter where the file ends, or where it is too long for a header."""
    file.seek(begin)
    return file.read(min(size, MOST_HEAD))


def _is_chunk(file: BinaryIO, at: int) -> bool:
    """Return whether a chunk seems to begin at a place (its size fits into the file), or nothing does."""
    head, left = _part(file, at, 8), os.fstat(file.fileno()).st_size - at
    named = re.fullmatch(rb"[ -~]{4}", head[:4]) is not None
    return left < 8 or (named and int.from_bytes(head[4:], "little") <= left - 8)


def _wav_end(file: BinaryIO) -> str:
    """A size that was written too early leaves sound behind it; it could be anything, so it is noted, not read."""
    wav = _wav(file)
    behind = wav.begin + wav.promised
    if not wav.promised or wav.present - wav.promised < MOST_JUNK or _is_chunk(file, behind + behind % 2):
        return ""
    more = _part(file, behind, MOST_JUNK).strip(b"\0")
    return f"read in part: {Promise(wav.promised, wav.present)}" if more else ""


# --- other formats ---------------------------------------------------------------------------------------------------


def _mp3(file: BinaryIO) -> tuple[int, int]:
    """Return where an MP3's first frame begins, and the bytes of all frames as it counts them (Xing, Info); else 0."""
    tag = _part(file, 0, 10)
    begin = 0
    if tag.startswith(b"ID3"):
        begin = 10 + sum(byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
    frame = _part(file, begin, 56)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    counts, flags = frame[at + 8 :], int.from_bytes(frame[at + 4 : at + 8])
    if at < 0 or not frame.startswith(MP3) or not flags & 2:
        return begin, 0
    return begin, struct.unpack_from(">I", counts, 4 * (flags & 1))[0]  # behind a count of frames


def _sphere(file: BinaryIO) -> tuple[int, int]:
    """Return where the sound of a NIST SPHERE file begins, and how many bytes it has."""
    begin = int(_part(file, 8, 8))
    fields = dict(re.findall(rb"^(\w+) -i (\d+)\s*$", _part(file, 0, begin), re.MULTILINE))
    return begin, int(fields[b"sample_count"]) * int(fields[b"channel_count"]) * int(fields[b"sample_n_bytes"])


def _ogg_end(file: BinaryIO) -> str:
    """Ogg ends with a whole page that is marked as the last one of its stream; each stream begins at the front."""
    streams: set[bytes] = set()
    at = 0
    while (page := _part(file, at, 27 + 255)).startswith(b"OggS") and page[5] & 2 and len(streams) < MOST_CHUNKS:
        streams.add(page[14:18])
        at += 27 + page[26] + sum(page[27 : 27 + page[26]])
    tail = _part(file, max(0, file.seek(0, os.SEEK_END) - MOST_HEAD), MOST_HEAD)
    page = tail[max(0, tail.rfind(b"OggS\0")) :]  # a tag may stand behind it
    parts = page[27 : 27 + page[26]] if len(page) > 26 else b""
    if not parts or len(page) < 27 + len(parts) + sum(parts) or not page[5] & 4:
        return "cut short: its last page is missing"
    return "" if page[14:18] in streams else FOLLOWED
