"""Files and folders: written whole or not at all, read within bounds, locked while in use; and the memory there is."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from wavenet.errors import BundleError, InputError, RecipeError, WavenetError
from wavenet.text import one_line

MAX_JSON_BYTES = 1 << 24
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # what a file system without locks answers
OLD_SECONDS = 86_400.0  # a work folder that nobody has touched for so long is abandoned, whoever made it
UNLIMITED = 1 << 62  # control groups of version 1 tell the largest number of whole pages where there is no limit


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success it becomes `path`, on any exception it is removed.

    The temporary name keeps the suffix, which tells libraries the format to write, and is hidden, so that a folder
    of sound never takes it for a sound file.

    Args:
        path: the file to be written. Its folder is made where it is missing.

    Raises:
        OSError: the folder or file cannot be written (full disk, no permission). `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp{path.suffix}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@contextlib.contextmanager
def explained(what: object, remedy: str) -> Iterator[None]:
    """Make WavenetError of an OSError of this block: what could not be written, why, and what the user can do.

    That the reader of a pipe is gone (BrokenPipeError) stays what it is.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WavenetError(f"{what} cannot be written ({error.strerror or error}); {remedy}") from None


def check_free(path: Path, option: str, force: bool, remedy: str = "--force") -> None:
    """Raise InputError where a file cannot be written, before the work for it is done.

    Args:
        path: the file.
        option: what names it on the command line; empty from Python.
        force: whether it may be overwritten.
        remedy: how a user allows that.
    """
    named, by = f"{option} {path}".lstrip(), f" with {option}" if option else ""
    try:
        if path.is_dir():
            raise InputError(f"{named} is a folder; name a file in it")
        if path.exists() and not force:
            raise InputError(f"{path} exists; name another file{by} or overwrite it with {remedy}")
        nearest = next(folder for folder in path.absolute().parents if folder.exists())
    except OSError as error:
        raise InputError(f"{named} cannot be written ({error.strerror}); name another file") from None
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InputError(f"{named}: {nearest} cannot be written to; name another folder")


def sync(path: Path) -> None:
    """Wait until a file's bytes are on the disk, so that a power loss cannot leave its name without them."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


# --- reading ---------------------------------------------------------------------------------------------------------


def user_path(text: str) -> Path:
    """Return the path that a user means, ``~`` being a home folder.

    Raises:
        RecipeError: no file could have this name.
    """
    if not text:  # an unset variable of a shell; pathlib takes it for the current folder
        raise RecipeError("'' is not a path; give a file or folder")
    try:
        path = Path(text).expanduser()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.lstat()  # asks the system whether this can be a name at all
    except (OSError, RuntimeError, ValueError) as error:
        raise RecipeError(f"{one_line(text, 80)} is not a path ({one_line(error, 80)}); give another") from None
    return path


def given_path(text: str) -> Path:
    """Return the path that a user means, which may be read or does not exist.

    Raises:
        RecipeError: no file could have this name, or it may not be read.
    """
    path = user_path(text)
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if stat.S_ISDIR(path.stat().st_mode) and not os.access(path, os.R_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RecipeError(f"{one_line(text, 80)} cannot be used ({error.strerror}); give another") from None
    return path


def user_folder(variable: str, kind: Literal["cache", "data"]) -> Path:
    """Return the folder that an environment variable names, else this program's folder among the user's own."""
    if named := os.environ.get(variable):
        return user_path(named).absolute()
    import platformdirs

    return Path((platformdirs.user_cache_dir if kind == "cache" else platformdirs.user_data_dir)("wavenet"))


def read_json(path: Path) -> Any:
    """Return the plain values of a JSON file; a key written twice is refused.

    Raises:
        BundleError: the file cannot be read, is too large or is not JSON.
    """
    try:
        return json.loads(read_at_most(path, MAX_JSON_BYTES), object_pairs_hook=_unique)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read as JSON: {one_line(error)}; get the bundle again") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key {key!r:.60} is given twice")
        made[key] = value
    return made


def read_at_most(path: Path, most: int) -> str:
    """Return a file's text, having read hardly more than `most` bytes of it."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it has more than the {most:,} bytes that are expected at most")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")  # some editors put this mark in front
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not text in UTF-8 (byte {error.start + 1:,}); save it as UTF-8") from None


# --- locks -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(path: Path, wait: float = 0.0) -> Iterator[bool]:
    """Hold a lock file for this process and its threads, until the block or the process ends, however it ends.

    Args:
        path: a file of its own; made where it is missing, and left there. Its holder may remove it and its folder.
        wait: seconds that another holder is waited for.

    Yields:
        Whether it is held; where the file system has no locks it is not, and nothing keeps others out.

    Raises:
        BlockingIOError: another process, or another block of this one, holds it.
        OSError: the file cannot be written.
    """
    from filelock import FileLock, Timeout

    # the library would else leave a marker where there are no locks, which a killed process cannot take away
    lock = FileLock(path, fallback_to_soft=False, thread_local=False)
    try:
        try:
            lock.acquire(timeout=wait)
        except FileNotFoundError:  # its holder has just removed the folder, which is made anew
            lock.acquire(timeout=wait)
    except Timeout:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path)) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    try:
        yield lock.is_locked
    finally:
        lock.release()


@contextlib.contextmanager
def work_folder(place: Path) -> Iterator[Path]:
    """Yield a new, empty folder in `place`; what is left of it afterwards is removed, and of dead processes' too.

    Raises:
        OSError: it cannot be made.
    """
    place.mkdir(parents=True, exist_ok=True)
    sweep(place)
    work = place / f"unfinished-{_machine()}-{secrets.token_hex(8)}"
    lock = work.with_name(f".{work.name}.lock")
    with locked(lock, wait=1.0):  # before anybody can see the folder; a sweep may have the new lock for a moment
        try:
            work.mkdir()
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)  # not there any more, if it was put in place
            with contextlib.suppress(OSError):  # Windows removes it when it is let go
                lock.unlink()


def sweep(place: Path) -> None:
    """Remove the work folders of processes that have ended.

    A free lock tells of processes of this machine only: some network file systems keep each machine's locks to itself.
    Of others, and where there are no locks, what nobody has touched for a day is removed.
    """
    for lock in place.glob(f".unfinished-{8 * '?'}-{16 * '?'}.lock"):
        work = place / lock.stem.removeprefix(".")
        with contextlib.suppress(OSError), locked(lock) as free:  # else its process lives
            touched = max((path.stat().st_mtime for path in (*place.glob(work.name), *work.glob("*"))), default=0.0)
            here = work.name.startswith(f"unfinished-{_machine()}-")
            if (free and here) or time.time() - touched > OLD_SECONDS:
                shutil.rmtree(work, ignore_errors=True)
                lock.unlink()


def _machine() -> str:
    """Return a name of the running system: the same in all its containers, which have one kernel and its locks."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (OSError, ValueError):
        name = socket.gethostname()
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]


# --- memory ----------------------------------------------------------------------------------------------------------


def available_bytes(root: Path = Path("/")) -> int | None:
    """Return the least of the machine's memory and the limits of this process and its control groups; None if unknown.

    A control group is what a container, a Slurm job or a systemd slice is held in; those around it hold too.

    Args:
        root: where the system's own folders lie.
    """
    found = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _limits(root):
        with contextlib.suppress(OSError, ValueError):  # there is none, or it says "max"
            found.append(int(path.read_text(encoding="ascii")))
    if os.name != "nt":
        import resource

        found += [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min((number for number in found if 0 < number < UNLIMITED), default=None)


def _limits(root: Path) -> Iterator[Path]:
    """Return the files that may tell a limit: of this process's control groups, and of all around them.

    A container may show its own group as the outermost, while the system tells the path as it is outside: then only the
    outermost file is there.
    """
    groups, lines = root / "sys/fs/cgroup", ["0::/", "0:memory:/"]
    with contextlib.suppress(OSError):
        lines += (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    for line in lines:  # such as 4:cpu,memory:/slurm/job_7 of version 1, or 0::/user.slice of version 2
        _, controllers, path = (*line.split(":", 2), "none", "")[:3]
        own = PurePosixPath(*(part for part in path.split("/") if part not in ("", ".", "..")))  # ".." leads outside
        for group in (own, *own.parents):
            if "memory" in controllers.split(","):
                yield groups / "memory" / group / "memory.limit_in_bytes"
            elif not controllers:
                yield groups / group / "memory.max"
                yield groups / "unified" / group / "memory.max"  # version 2 beside version 1
