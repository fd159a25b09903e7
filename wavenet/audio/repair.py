"""Headers that libsndfile follows to no sound, or not at all, made anew in memory; the file itself is never touched.

Programs that write into a pipe, or are killed, never fill in how much sound there is: 0 stands there, or -1. Others
leave out the byte that pads an odd chunk. What libsndfile reads rightly is left to it.
"""

from __future__ import annotations

import io
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from wavenet.audio.headers import BIG, BROKEN, CAF, ENDLESS, LITTLE, MOST_CHUNKS, STREAMED, W64, Form, Promise, chunk

UNKNOWN = 0xFFFF_FFFF  # a size in 32 bits that libsndfile takes for all that there is
NAMES = (b"data", b"fmt ", b"fact", b"LIST", b"bext", b"id3 ", b"SSND", b"COMM")  # of chunks that are seen most
MOST_JUNK = 1 << 12  # bytes behind the sound that are worth no word
MOST_HEAD = 1 << 20  # bytes before the sound that are held in memory


@dataclass(frozen=True)
class Mended:
    """A header in place of a file's own, and the sound behind it.

    Args:
        head: the header.
        begin: where the sound begins in the file.
        end: where it ends there.
        promise: what the file's own header says of the sound; None where it was never filled in.
        usual: whether nothing is missing from such a file: its header says how much sound there is, or says that it
            doesn't know, as programs do that write into a pipe.
    """

    head: bytes
    begin: int
    end: int
    promise: Promise | None
    usual: bool = False


def mended(path: Path) -> Mended | None:
    """Return the header that a file should have; None where its own will do, or where nothing can be done."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(12)
            for magic, mend in _FORMATS.items():
                if head.startswith(magic):
                    found = mend(file, head, size)
                    return found if found is not None and found.end > found.begin else None
    except (*BROKEN, KeyError):
        pass
    return None


def left_over(path: Path, promise: Promise) -> bool:
    """Return whether more stands behind the sound of a WAV than chunks, zeros and a few bytes.

    A size that was filled in too early leaves sound there; but it may be anything.
    """
    if promise.present - promise.promised < MOST_JUNK:
        return False
    try:
        with path.open("rb") as file:
            head, end = file.read(12), os.fstat(file.fileno()).st_size
            form = BIG if head.startswith(b"RIFX") else LITTLE
            behind = end - promise.present + promise.promised
            if not head.startswith(b"RIF") or _are_chunks(file, behind + behind % 2, form, end):
                return False
            file.seek(behind)
            return bool(file.read(MOST_JUNK).strip(b"\0"))
    except BROKEN:
        return False


class Spliced(io.RawIOBase):
    """A sound file with another header, for reading.

    Args:
        path: the file.
        mend: its header.
    """

    def __init__(self, path: Path, mend: Mended) -> None:
        self.error: OSError | None = None  # of the disk: who calls `readinto` cannot pass it on
        self._file = path.open("rb", buffering=0)
        self._mend, self._at = mend, 0

    def close(self) -> None:
        """Close the file."""
        if hasattr(self, "_file"):  # it may be gone already when it should be opened
            self._file.close()
        super().close()

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Return where the file stands now."""
        whole = len(self._mend.head) + self._mend.end - self._mend.begin
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: whole}[whence])
        return self._at

    def tell(self) -> int:
        """Return where the file stands."""
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer and return how many bytes."""
        done, head = 0, self._mend.head[self._at : self._at + len(buffer)]
        buffer[: len(head)] = head
        try:
            place = self._mend.begin + max(0, self._at - len(self._mend.head))
            self._file.seek(place)
            body = self._file.read(max(0, min(len(buffer) - len(head), self._mend.end - place)))
            buffer[len(head) : len(head) + len(body)] = body
            done = len(head) + len(body)
        except OSError as error:
            self.error = error
        self._at += done
        return done


# --- chunks ----------------------------------------------------------------------------------------------------------


def _plausible(file: BinaryIO, at: int, form: Form, end: int) -> bool:
    """Return whether a chunk seems to begin at a place: it has a name, and ends with the file or before."""
    try:
        name, size, begin = chunk(file, at, form)
    except struct.error:
        return False
    return re.fullmatch(rb"[ -~]{4}", name) is not None and (name == b"data" or 0 <= size <= end - begin)


def _walk(file: BinaryIO, at: int, form: Form, end: int) -> Iterator[tuple[bytes, int, int, bool]]:
    """Yield (name, size, begin, straight) of the chunks of a file; not straight is one that begins at an odd place."""
    straight = True
    for _ in range(MOST_CHUNKS):
        if at >= end:
            return
        name, size, begin = chunk(file, at, form)
        yield name, size, begin, straight
        if size < 0 or begin + size >= end:
            return
        at = begin + size + -size % form.padding
        if at != begin + size and _not_padded(file, begin + size, at, form, end):
            at, straight = begin + size, False


def _up_to(sound: bytes, file: BinaryIO, form: Form, end: int) -> tuple[dict[bytes, tuple[int, int]], bool]:
    """Return (size, begin) of the first chunk of each name up to that of the sound, and whether all begin straight."""
    found: dict[bytes, tuple[int, int]] = {}
    straight = True
    for name, size, begin, straight in _walk(file, 12, form, end):  # noqa: B007
        found.setdefault(name, (size, begin))
        if name == sound:
            break
    return found, straight


def _not_padded(file: BinaryIO, odd: int, even: int, form: Form, end: int) -> bool:
    """Return whether the next chunk begins at an odd place rather than behind the byte that should stand there."""
    if not _plausible(file, odd, form, end):
        return False
    return chunk(file, odd, form)[0] in NAMES or not _plausible(file, even, form, end)


def _are_chunks(file: BinaryIO, at: int, form: Form, end: int) -> bool:
    """Return whether what stands from a place on is nothing, or chunks up to the end: no sound."""
    for _ in range(MOST_CHUNKS):
        if at >= end - 1:
            return True
        if not _plausible(file, at, form, end):
            return False
        _, size, begin = chunk(file, at, form)
        at = begin + max(0, size) + -size % form.padding
    return False


def _bytes(file: BinaryIO, begin: int, size: int) -> bytes:
    """Return a part of a file's header.

    Raises:
        ValueError: the file ends before, or it is too long for a header.
    """
    file.seek(begin)
    content = file.read(size) if size <= MOST_HEAD else b""
    if len(content) < size:
        raise ValueError("no header")
    return content


# --- formats ---------------------------------------------------------------------------------------------------------


def _riff(file: BinaryIO, head: bytes, end: int) -> Mended | None:
    form = BIG if head.startswith(b"RIFX") else LITTLE
    chunks, straight = _up_to(b"data", file, form, end)
    straight = straight and head[:4] != b"BW64"  # RF64 by another name, which libsndfile does not know
    (length, described), (promised, begin) = chunks[b"fmt "], chunks[b"data"]
    streamed = STREAMED
    if b"ds64" in chunks and (not promised or promised >= STREAMED):
        promised, streamed = struct.unpack("<8xQ", _bytes(file, chunks[b"ds64"][1], 16))[0], ENDLESS
    filled = 0 < promised < streamed
    readable = filled or (promised > 0 and streamed == STREAMED and end - begin < UNKNOWN)  # by libsndfile
    usual = promised > 0 and (filled or streamed == STREAMED)
    if (straight and readable) or (not readable and _are_chunks(file, begin, form, end)):
        return None
    last = min(end, begin + promised) if filled else end
    new = _riff_head(form, _bytes(file, described, length), last - begin)
    return Mended(new, begin, last, Promise(promised, end - begin) if filled else None, usual)


def _riff_head(form: Form, description: bytes, size: int) -> bytes:
    """Return the header of a WAV of so many bytes of sound; of RF64, where 32 bits cannot count them."""
    number = form.struct[0] + "I"
    magic, long_size = (b"RIFX" if form is BIG else b"RIFF"), b""
    if size >= UNKNOWN and form is not BIG:
        magic, long_size = b"RF64", struct.pack("<4sIQQQI", b"ds64", 28, size + 100, size, 0, 0)
    described = struct.pack(number, len(description)) + description + bytes(len(description) % 2)
    small = struct.pack(number, min(size, UNKNOWN))
    return magic + struct.pack(number, UNKNOWN) + b"WAVE" + long_size + b"fmt " + described + b"data" + small


def _aiff(file: BinaryIO, head: bytes, end: int) -> Mended | None:
    del head
    found, straight = _up_to(b"SSND", file, BIG, end)
    (length, described), (size, begin) = found[b"COMM"], found[b"SSND"]
    before = 8 + struct.unpack(">I", _bytes(file, begin, 4))[0]  # of the chunk's bytes, none of the sound
    first, promised = begin + before, size - before
    filled, readable = 0 < promised < STREAMED, promised > 0
    if (straight and readable) or (not readable and _are_chunks(file, first, BIG, end)):
        return None
    last = min(end, first + promised) if filled else end
    new = [
        *(b"FORM", struct.pack(">I", UNKNOWN), _bytes(file, 8, 4)),
        *(b"COMM", struct.pack(">I", length), _bytes(file, described, length), bytes(length % 2)),
        *(b"SSND", struct.pack(">III", min(last - first + 8, UNKNOWN), 0, 0)),
    ]
    promise = Promise(promised, end - first) if filled else None
    return Mended(b"".join(new), first, last, promise, readable)


def _au(file: BinaryIO, head: bytes, end: int) -> Mended | None:
    order = ">I" if head.startswith(b".snd") else "<I"
    begin, size = (struct.unpack(order, part)[0] for part in (head[4:8], head[8:12]))
    if size:
        return None
    return Mended(head[:8] + struct.pack(order, UNKNOWN) + _bytes(file, 12, begin - 12), begin, end, None)


def _caf(file: BinaryIO, head: bytes, end: int) -> Mended | None:
    del head
    return _filled_in(file, 8, CAF, end, 4)


def _w64(file: BinaryIO, head: bytes, end: int) -> Mended | None:
    del head
    return _filled_in(file, 40, W64, end, 0)


def _filled_in(file: BinaryIO, at: int, form: Form, end: int, before: int) -> Mended | None:
    """Return the same header with the size of the sound filled in; `before` bytes of its chunk are none of it."""
    for name, size, begin, _ in _walk(file, at, form, end):
        if name != b"data":
            continue
        legal = size == -1 and form is CAF
        if size > before or (not legal and _are_chunks(file, begin + before, form, end)):
            return None
        number = struct.pack(form.struct[0] + "Q", end - begin + form.counted)
        return Mended(_bytes(file, 0, begin - 8) + number, begin, end, None, legal)
    return None


_FORMATS: dict[bytes, Callable[[BinaryIO, bytes, int], Mended | None]] = {
    **dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), _riff),
    b"FORM": _aiff,
    b".snd": _au,
    b"dns.": _au,
    b"caff": _caf,
    b"riff\x2e\x91": _w64,
}
