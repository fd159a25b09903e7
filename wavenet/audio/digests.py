"""Whether files still hold what they held: a digest of all their bytes, and a quick look that changes when they do.

Names, sizes and times are not enough: tools write files anew under an old time, and machines are set up with one time
for all. Of a file whose look is known nothing else has to be read.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wavenet.audio.files import is_file
from wavenet.progress import Progress

PART = 1 << 12  # bytes that a look reads at the head, in the middle and at the end
BLOCK = 1 << 20  # bytes read at a time of a whole file
AT_ONCE = 8  # files read at the same time: a network disk answers late, but many at once

UNREADABLE = "unreadable: "  # and the system's number of the reason stand for what cannot be read

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Args:
        look: see `look`, taken before the bytes were read.
        digest: equal for equal bytes alone.
    """

    look: str
    digest: str

    @property
    def broken_off(self) -> bool:
        """Whether the file could be looked at, but not read to its end: the next time it may be."""
        return self.digest.startswith(UNREADABLE) and self.look != self.digest


def look(path: Path) -> str:
    """Return a text that becomes another when a file does: of its size, times, head, middle and end; never raises.

    The time of the last change of any kind (ctime) is among the times, since tools can set only the other one back.
    """
    try:
        if not is_file(path):  # a pipe would wait for a writer
            return "no file"
        with path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            size = status.st_size
            seen = hashlib.sha256(f"{size} {status.st_mtime_ns} {status.st_ctime_ns} ".encode())
            for at in (0, (size - PART) // 2, size - PART):
                file.seek(max(0, at))
                seen.update(file.read(PART))
            return seen.hexdigest()
    except (OSError, ValueError) as error:
        return _unreadable(error)


def read(path: Path, stop: threading.Event | None = None) -> Content:
    """Return what a file holds; never raises. Once `stop` is set, it returns soon and what it returns is void."""
    seen, digest = look(path), hashlib.sha256()
    try:
        if not is_file(path):
            return Content(seen, "no file")
        with path.open("rb", buffering=0) as file:
            while (block := file.read(BLOCK)) and not (stop is not None and stop.is_set()):
                digest.update(block)
        return Content(seen, digest.hexdigest())
    except (OSError, ValueError) as error:
        return Content(seen, _unreadable(error))


def _unreadable(error: Exception) -> str:
    return f"{UNREADABLE}{getattr(error, 'errno', None)}"


def looks(paths: Sequence[Path]) -> list[str]:
    """Return a quick look at each file."""
    return list(_each(look, paths))


def contents(paths: Sequence[Path]) -> list[Content]:
    """Return what each file holds, all of their bytes read."""
    found, stop = [], threading.Event()
    with Progress("reading", len(paths), "files") as progress:
        for content in _each(lambda path: read(path, stop), paths, stop):
            found.append(content)
            progress.advance(1)
    return found


def _each(
    function: Callable[[Path], Answer], paths: Sequence[Path], stop: threading.Event | None = None
) -> Iterator[Answer]:
    """Yield a function's answers for some files, in their order, several read at a time; at the end set `stop`."""
    threads = ThreadPoolExecutor(AT_ONCE)
    try:
        yield from threads.map(function, paths)
    finally:
        if stop is not None:
            stop.set()
        threads.shutdown(cancel_futures=True)
