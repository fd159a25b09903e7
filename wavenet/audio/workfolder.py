"""A folder that one process fills and then puts in place: others leave it alone as long as that process lives.

It is known to live by a lock on the folder, which the system frees when it ends, however it ends: names of machines
and numbers of processes tell nothing, since containers have equal ones.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "unfinished-"  # then the machine, then a random name
BEGUN = ".unfinished-"  # the same, until it is locked
OLD_SECONDS = 86_400.0  # what nobody has touched for so long is swept, whoever made it, if it isn't locked


@contextlib.contextmanager
def filling(place: Path) -> Iterator[Path]:
    """Yield a new, empty folder in `place`; what is left of it afterwards is removed, and of dead processes' too.

    Raises:
        OSError: it cannot be made.
    """
    place.mkdir(parents=True, exist_ok=True)
    sweep(place)
    name = f"{_machine()}-{secrets.token_hex(8)}"
    work = place / f"{BEGUN}{name}"
    work.mkdir()
    lock = None
    try:
        lock = _lock(work)
        work = work.rename(place / f"{PREFIX}{name}")  # locked before anybody else can see it
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)  # gone by now, if it was put in place
        if lock is not None:
            os.close(lock)


def sweep(place: Path) -> None:
    """Remove the unfinished folders of processes that are gone.

    A lock counts on its own machine alone: some network file systems keep each machine's locks to itself. Of others,
    and where folders cannot be locked, what is a day old is removed.
    """
    names = f"{8 * '?'}-{16 * '?'}"
    for work in [*place.glob(PREFIX + names), *place.glob(BEGUN + names)]:
        with contextlib.suppress(OSError):  # its process lives, or another one sweeps it just now
            age = time.time() - max(path.stat().st_mtime for path in (work, *work.glob("*")))
            lock = _lock(work) if work.name.startswith(PREFIX) else None
            here = lock is not None and work.name.startswith(f"{PREFIX}{_machine()}-")
            if here or age > OLD_SECONDS:
                shutil.rmtree(work, ignore_errors=True)
            if lock is not None:
                os.close(lock)


def _lock(work: Path) -> int | None:
    """Return the lock of a folder, held until it is closed or the process ends; None where folders cannot be locked.

    Raises:
        BlockingIOError: another process holds it.
        OSError: there is no such folder.
    """
    if os.name == "nt":
        return None
    import fcntl

    lock = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return lock


def _machine() -> str:
    """Return a name of the running system: the same in all its containers, which have one kernel and its locks."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (OSError, ValueError):
        name = socket.gethostname()
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
