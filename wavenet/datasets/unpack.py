"""Unpacking what strangers packed: plain files and folders only, inside one folder, no more than was expected.

Members are written by us, never by an archive's own wish: no links, devices, owners or permissions come out of one.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from wavenet.errors import FetchError
from wavenet.progress import Progress

BLOCK_BYTES = 1 << 20
HEADER_BYTES = 1 << 20  # of one header of a tar: a name is at most a few thousand
ENTRY_BYTES = 1 << 10  # of one member in a zip's list: names of 300 bytes, and what systems add to them
NAME_BYTES = 255  # no common file system takes a longer one
DEPTH = 64
DAMAGED = (
    *(EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, struct.error),
    *(tarfile.TarError, zipfile.BadZipFile, NotImplementedError, UnicodeError, ValueError),
    *(OverflowError, LookupError, MemoryError),  # what the libraries stumble over in what is no archive any more
)
# decompressed here and not by tarfile, which takes a stream that ends too early for the end of the archive
DECOMPRESSED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}


class DamagedError(FetchError):
    """An archive is cut short, spoilt, or holds what may not be unpacked."""


@dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Args:
        name: as the archive has it.
        kind: ``"file"``, ``"folder"``, or what it is in words where it is neither.
        size: bytes it says it has.
        open: returns its content.
    """

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, most_bytes: int, most_files: int) -> int:
    """Unpack a .tar.gz, .tar.bz2, .tar.xz or .zip archive into a new folder and return how many files came out.

    Where all members lie in one folder, its content is what comes out: `folder` takes its place.

    Args:
        archive: the file; what it is, is seen from its content.
        folder: made here; must not exist.
        most_bytes: more than this, unpacked, is refused.
        most_files: more members than this are refused.

    Raises:
        DamagedError: the archive is no archive, cut short, or has a member that would escape or is no plain file.
        OSError: `folder` cannot be written (a full disk). What was unpacked until then is left to the caller.
    """
    folder.mkdir(parents=True)
    written = files = count = 0
    names: set[str] = set()
    with Progress("unpacking", max(1, archive.stat().st_size // 10**6), "MB") as progress, archive.open("rb") as packed:
        members = _members(packed, most_files)
        while (member := _next(members)) is not None:
            count += 1
            path = folder / _checked(member)
            if count > most_files:
                raise DamagedError(f"the archive has more than {most_files:,} members, far more than were published")
            _make_folder(member, path if member.kind == "folder" else path.parent)
            if member.kind == "folder":
                continue
            _clear(member, path, names)
            written = _write(member, path, written, most_bytes)
            files += 1
            progress.advance(max(0, min(progress.total, packed.tell() // 10**6) - progress.done))
    if not files:
        raise DamagedError("the archive holds no files")
    _without_top(folder)
    return files


def _next(members: Iterator[Member]) -> Member | None:
    try:
        return next(members, None)
    except (*DAMAGED, OSError) as error:
        raise _damage(error) from None


def _damage(error: Exception) -> Exception:
    """Return what reading an archive failed with, or the error itself where the disk is to blame."""
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return error
    reason = " ".join(str(error).split()) or type(error).__name__
    return DamagedError(f"the archive is cut short or damaged ({reason:.120})")


def _make_folder(member: Member, path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise DamagedError(f"the archive's member {member.name!r:.100} lies in what is a file there") from None


def _clear(member: Member, path: Path, names: set[str]) -> None:
    """Make way for a member that comes twice, the last of which counts; other names never share a file."""
    if path.is_dir():
        raise DamagedError(f"the archive's member {member.name!r:.100} is both a file and a folder there")
    known = str(path)
    if known in names:
        path.unlink()
    elif path.exists():
        raise DamagedError(
            f"the archive's member {member.name!r:.100} has a name that this file system does not tell from another "
            "one's (capitals, accents)"
        )
    names.add(known)


class _Headers:
    """A decompressed tar, of which no more is read at once than a header or a block takes.

    The library reads a header in one piece, however large it says that it is.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.tell, self.seek = stream, stream.tell, stream.seek

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= max(HEADER_BYTES, BLOCK_BYTES) + tarfile.BLOCKSIZE:
            raise DamagedError(f"the archive has a header of {size:,} bytes, expected at most {HEADER_BYTES:,}")
        return self.stream.read(size)


def _members(packed: IO[bytes], most: int) -> Iterator[Member]:
    """Yield the members of an archive in order, whichever kind it is; a zip lists at most about so many."""
    head = packed.read(2)
    packed.seek(0)
    if head == b"PK":
        _check_list(packed, most)
        yield from _zip_members(packed)
    elif head in DECOMPRESSED:
        yield from _tar_members(DECOMPRESSED[head](packed))
    else:
        raise DamagedError(f"this is no archive: it begins with {head!r}, expected .tar.gz, .tar.bz2, .tar.xz or .zip")


def _check_list(packed: IO[bytes], most: int) -> None:
    """Refuse a zip whose list of members is far longer than was published, since the library reads it at once."""
    end = packed.seek(0, 2)
    packed.seek(max(0, end - (1 << 16) - 22))
    tail = packed.read()
    packed.seek(0)
    at = len(tail) - 22 if tail[-22:-18] == b"PK\x05\x06" else tail.rfind(b"PK\x05\x06")
    length = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    wide = tail[at - 76 : at - 20] if at >= 76 else b""
    if wide.startswith(b"PK\x06\x06"):  # of more than 4 GB, or of many members
        length = int.from_bytes(wide[40:48], "little")
    if length > (most + 1) * ENTRY_BYTES:
        raise DamagedError(f"the archive has a list of {length:,} bytes, far more than for {most:,} members")


def _zip_members(packed: IO[bytes]) -> Iterator[Member]:
    with zipfile.ZipFile(packed) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16  # of Unix, where the archive was made there
            known = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "a link"}
            kind = "folder" if entry.filename.endswith("/") else known.get(stat.S_IFMT(mode), "a device")
            yield Member(entry.filename, kind, entry.file_size, lambda entry=entry: _plain(archive, entry))  # type: ignore


def _plain(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
    if entry.flag_bits & 1:
        raise DamagedError(f"the archive's member {entry.filename!r:.100} is encrypted")
    return archive.open(entry)


def _tar_members(stream: IO[bytes]) -> Iterator[Member]:
    bounded: Any = _Headers(stream)
    with stream, tarfile.open(fileobj=bounded, mode="r:") as archive:
        for entry in archive:
            kind = "folder" if entry.isdir() else "file" if entry.isreg() else "a device"
            kind = "a link" if entry.issym() or entry.islnk() else kind
            yield Member(entry.name, kind, entry.size, lambda entry=entry: archive.extractfile(entry))  # type: ignore
        while stream.read(BLOCK_BYTES):  # to its end: tarfile stops before the checksum of the compressed stream
            pass


def _checked(member: Member) -> PurePosixPath:
    """Return the path of a member inside the folder, or raise DamagedError where it would leave it."""
    path, shown = PurePosixPath(member.name), f"{member.name!r:.100}"
    if path.is_absolute() or ".." in path.parts or any(mark in member.name for mark in ("\\", "\0", ":")):
        raise DamagedError(f"the archive's member {shown} would be written outside of its folder")
    if len(path.parts) > DEPTH or any(len(part.encode("utf-8", "surrogateescape")) > NAME_BYTES for part in path.parts):
        raise DamagedError(f"the archive's member {shown} has too long a name, expected {NAME_BYTES} bytes at most")
    if member.kind == "file" and not path.parts:
        raise DamagedError("the archive has a member without a name")
    if member.kind not in ("file", "folder"):
        raise DamagedError(f"the archive's member {shown} is {member.kind}, expected files and folders only")
    return path


def _write(member: Member, path: Path, written: int, most_bytes: int) -> int:
    """Write a member and return how many bytes were written in all."""
    refusal = DamagedError(f"the archive unpacks to more than {most_bytes:,} bytes, far more than was published")
    if written + member.size > most_bytes:
        raise refusal
    try:
        content = member.open()
    except (*DAMAGED, OSError) as error:
        raise _damage(error) from None
    with closing(content), path.open("wb") as out:
        while True:
            try:
                block = content.read(BLOCK_BYTES)
            except (*DAMAGED, OSError) as error:
                raise _damage(error) from None
            if not block:
                break
            written += len(block)
            if written > most_bytes:
                raise refusal
            out.write(block)
        if out.tell() != member.size:
            raise DamagedError(f"the archive is cut short or damaged (in {member.name!r:.100})")
    return written


def _without_top(folder: Path) -> None:
    """Put the content of the one folder in `folder`, where there is nothing else, in its place."""
    entries = list(folder.iterdir())
    if len(entries) != 1 or not entries[0].is_dir():
        return
    top = folder.with_name(f"{folder.name}.top")
    shutil.rmtree(top, ignore_errors=True)
    entries[0].rename(top)
    folder.rmdir()
    top.rename(folder)
