"""Files that are whole or absent: written under a temporary name, then renamed; and what to say where they can't be."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from wavenet.errors import InputError, WavenetError


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
