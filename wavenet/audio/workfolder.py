"""A folder that one process fills and then puts in place: others leave it alone as long as that process lives.

It is known to live by its lock, which the system frees when it ends, however it ends: names of machines and numbers of
processes tell nothing, since containers have equal ones.
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
from typing import IO

PREFIX = "unfinished-"  # then the machine, then a random name; with .lock behind it the lock of that folder
OLD_SECONDS = 86_400.0  # what nobody has touched for so long is swept, whoever made it, if its lock isn't held


@contextlib.contextmanager
def filling(place: Path) -> Iterator[Path]:
    """Yield a new, empty folder in `place`; what is left of it afterwards is removed, and of dead processes' too.

    Raises:
        OSError: it cannot be made.
    """
    place.mkdir(parents=True, exist_ok=True)
    sweep(place)
    work = place / f"{PREFIX}{_machine()}-{secrets.token_hex(8)}"
    lock = _lock_of(work)
    with lock.open("xb") as held:  # before the folder is there, so that it never stands without its lock
        _hold(held)
        try:
            work.mkdir()
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)  # gone by now, if it was put in place
            if os.name != "nt":
                lock.unlink(missing_ok=True)
    lock.unlink(missing_ok=True)  # what is open cannot be removed on Windows


def sweep(place: Path) -> None:
    """Remove the unfinished folders of processes that are gone.

    A lock counts on its own machine alone: some network file systems keep each machine's locks to itself. Of others,
    and where there are no locks, what is a day old is removed.
    """
    for work in {path.with_suffix("") for path in place.glob(f"{PREFIX}{8 * '?'}-{16 * '?'}*")}:
        here = work.name.startswith(f"{PREFIX}{_machine()}-") and work.exists()
        free = _is_free(_lock_of(work))
        if free is not False and ((here and free) or _age(work) > OLD_SECONDS):
            shutil.rmtree(work, ignore_errors=True)
            with contextlib.suppress(OSError):
                _lock_of(work).unlink(missing_ok=True)


def _lock_of(work: Path) -> Path:
    return work.with_suffix(".lock")


def _hold(lock: IO[bytes]) -> None:
    """Lock an open file for as long as it is open; on Windows it is by being open, since it cannot be removed then."""
    if os.name != "nt":
        import fcntl

        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_free(lock: Path) -> bool | None:
    """Return whether nobody holds a lock; None where that cannot be told."""
    try:
        if os.name == "nt":
            lock.unlink()
            return True
        import fcntl

        with lock.open("rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except BlockingIOError:
        return False
    except PermissionError:
        return False if os.name == "nt" else None
    except OSError:
        return None


def _age(work: Path) -> float:
    """Return the seconds since anything was done in an unfinished folder."""
    times = []
    for path in (work, *work.glob("*"), _lock_of(work)):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return time.time() - max(times) if times else 0.0


def _machine() -> str:
    """Return a name of the running system: the same in all its containers, which have one kernel and its locks."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (OSError, ValueError):
        name = socket.gethostname()
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
