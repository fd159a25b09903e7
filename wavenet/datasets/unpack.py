"""Unpacking what strangers packed: plain files and folders only, inside one folder, no more bytes than expected."""

from __future__ import annotations

import bz2
import errno
import gzip
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from wavenet.errors import FetchError
from wavenet.progress import Progress
from wavenet.text import one_line, printable

# tarfile's own decompression takes a stream that ends too early for the end of the archive
STREAMS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}


class DamagedError(FetchError):
    """An archive is cut short, damaged, or holds what may not be unpacked."""


def unpack(archive: Path, folder: Path, most_bytes: int) -> int:
    """Unpack a .tar.gz, .tar.bz2 or .zip archive into a new folder and return how many files came out.

    Where all members lie in one folder, its content is what comes out: `folder` takes its place.

    Args:
        archive: the file; its first bytes tell its kind.
        folder: made here; must not exist.
        most_bytes: an archive that unpacks to more is refused.

    Raises:
        DamagedError: it is not an archive, is cut short, or has a member that would escape or is not a plain file.
        OSError: `folder` cannot be written (a full disk). What was unpacked until then is left to the caller.
    """
    folder.mkdir(parents=True)
    files = size = 0
    try:
        total = max(1, archive.stat().st_size // 10**6)
        with Progress("unpacking", total, "MB") as progress, archive.open("rb") as file:
            for name, kind, bytes_of_member, extract in _members(file, folder):
                size += bytes_of_member
                _check(name, kind)
                if size > most_bytes:
                    raise DamagedError(f"the archive unpacks to more than {most_bytes:,} bytes, far more than expected")
                extract()
                files += kind == "file"
                progress.reach(file.tell() // 10**6)
    except DamagedError:
        raise
    except Exception as error:  # the libraries raise errors of a dozen kinds over a damaged archive
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # the disk is to blame
            raise
        raise DamagedError(f"the archive is cut short or damaged ({printable(one_line(error, 200))})") from None
    if not files:
        raise DamagedError("the archive holds no files")
    _without_top(folder)
    return files


def _members(file: IO[bytes], folder: Path) -> Iterator[tuple[str, str, int, Callable[[], object]]]:
    """Yield each member's name, its kind ("file", "folder" or neither), its bytes, and what extracts it."""
    head = file.read(2)
    file.seek(0)
    if head == b"PK":
        with zipfile.ZipFile(file) as packed:
            for entry in packed.infolist():
                mode = stat.S_IFMT(entry.external_attr >> 16)  # 0 where the archive was not made on Unix
                kind = "folder" if entry.is_dir() else "file" if mode in (0, stat.S_IFREG) else "a link or a device"
                yield entry.filename, kind, entry.file_size, partial(packed.extract, entry, folder)
    elif head in STREAMS:
        with STREAMS[head](file) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # new in Python 3.11.4
            for member in tar:
                kind = "folder" if member.isdir() else "file" if member.isreg() else "a link or a device"
                yield member.name, kind, member.size, partial(tar.extract, member, folder)
            while stream.read(1 << 20):  # to its end, where the checksum of a compressed stream is
                pass
    else:
        raise DamagedError(f"this is not an archive: it begins with {head!r}, expected .tar.gz, .tar.bz2 or .zip")


def _check(name: str, kind: str) -> None:
    """Raise DamagedError where a member would leave its folder, or is neither a file nor a folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise DamagedError(f"the archive's member {name!r:.100} would be written outside of its folder")
    if kind not in ("file", "folder"):
        raise DamagedError(f"the archive's member {name!r:.100} is {kind}, expected files and folders only")


def _without_top(folder: Path) -> None:
    """Put the content of the one folder in `folder`, where there is nothing else, in its place."""
    entries = list(folder.iterdir())
    if len(entries) == 1 and entries[0].is_dir():
        top = entries[0].rename(folder.with_name(f"{folder.name}.top"))
        folder.rmdir()
        top.rename(folder)
