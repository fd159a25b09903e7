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
from typing import Any

from wavenet.errors import BundleError, InputError, RecipeError, WavenetError
from wavenet.text import one_line

MAX_JSON_BYTES = 1 << 24


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success it becomes `path`, on any exception it is removed.

    The temporary name keeps the suffix, which tells libraries the format to write, and is hidden, so that a folder
    of sound never takes it for a sound file.

    Args:
        path: the file to be written. Its folder is made where it is missing.

    Yields:
        A path in the same folder, hence on the same file system, where renaming is atomic.

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
    """Say in one sentence what could not be written in this block, why, and what to do.

    Args:
        what: a path, or words for what is written.
        remedy: what the user can do.

    Raises:
        WavenetError: the block raised OSError. That a reader hung up (BrokenPipeError) stays what it is.
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
        option: what names it on the command line; empty where it was given from Python.
        force: whether it may be overwritten.
        remedy: how that is asked for.
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
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


# --- reading


def user_path(text: str) -> Path:
    """Return the path that a user means, ``~`` being a home folder.

    Raises:
        RecipeError: no file could have this name.
    """
    if not text:  # pathlib takes it for the current folder; it is an unset variable of a shell
        raise RecipeError("'' is no path; give a file or folder")
    try:
        path = Path(text).expanduser()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            path.lstat()  # asks the system whether this can be a name at all
    except (OSError, RuntimeError, ValueError) as error:
        raise RecipeError(f"{one_line(text, 80)} is no path ({one_line(error, 80)}); give another") from None
    return path


def given_path(text: str) -> Path:
    """Return the path that a user means, where nothing bars the way to it; whether it exists is another question.

    Raises:
        RecipeError: no file could have this name, or it may not be looked at.
    """
    path = user_path(text)
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            barred = stat.S_ISDIR(path.stat().st_mode) and not os.access(path, os.R_OK | os.X_OK)
            if barred:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RecipeError(f"{one_line(text, 80)} cannot be used ({error.strerror}); give another") from None
    return path


def read_json(path: Path) -> Any:
    """Return the plain values of a JSON file; a key written twice is refused.

    Raises:
        BundleError: the file cannot be read, is too large or is no JSON.
    """
    try:
        return json.loads(read_at_most(path, MAX_JSON_BYTES), object_pairs_hook=_unique)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path} cannot be read as JSON: {one_line(error)}; get the bundle again") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in made if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r:.60} stands twice")
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
        raise ValueError(f"it is no text in UTF-8 (byte {error.start + 1:,}); save it as that") from None


# --- folders that are being filled


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


# --- memory


CONTROL_GROUPS = (  # controller, folder and file of a limit: version 2, version 2 beside version 1, version 1
    ("", "", "memory.max"),
    ("", "unified", "memory.max"),
    ("memory", "memory", "memory.limit_in_bytes"),
)
UNLIMITED = 1 << 62  # version 1 says so with the largest number of whole pages


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
        try:
            found.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):  # there is none, or it says "max"
            continue
    if os.name != "nt":
        import resource

        kinds = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
        found += [limit for limit in (resource.getrlimit(kind)[0] for kind in kinds) if limit != resource.RLIM_INFINITY]
    return min((number for number in found if 0 < number < UNLIMITED), default=None)


def _limits(root: Path) -> Iterator[Path]:
    """Return the files that may tell a limit: of this process's control groups, and of all around them.

    A container may show its own group as the outermost, while the system tells the path as it is outside: then only the
    outermost file is there.
    """
    own = _own_groups(root / "proc/self/cgroup")
    for controller, folder, name in CONTROL_GROUPS:
        for path in [PurePosixPath(), *(path for controllers, path in own if controller in controllers)]:
            for group in (path, *path.parents):
                yield root / "sys/fs/cgroup" / folder / group / name


def _own_groups(path: Path) -> list[tuple[list[str], PurePosixPath]]:
    """Return the control groups of this process: the controllers of each (version 2 names none), and its path.

    Args:
        path: lines such as ``4:cpu,memory:/slurm/job_7`` or ``0::/user.slice``.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    found = []
    for _, controllers, group in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        parts = [part for part in group.split("/") if part not in ("", ".", "..")]  # ".." leads out of a namespace
        found.append((controllers.split(","), PurePosixPath(*parts)))
    return found
