"""What all verbs share: results on stdout, and the files that options name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wavenet import disk
from wavenet.errors import InputError
from wavenet.text import to_json

STDOUT_REMEDY = "free space where it goes, or send it elsewhere"


def show(text: object, end: str = "\n") -> None:
    """Write a result to stdout at once, so that a full disk is noticed here."""
    with disk.explained("stdout", STDOUT_REMEDY):
        print(text, end=end, flush=True)


def show_made(arguments: argparse.Namespace, made: Any) -> None:
    """Print what a verb returned, as JSON or text."""
    show(to_json(made.to_json(), indent=1) if arguments.json else made.to_text())


def path_of(text: str | None, option: str) -> Path | None:
    """Return the path that an option names; None where it was not given."""
    try:
        return None if text is None else disk.given_path(text)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None


def picture_of(arguments: argparse.Namespace, suffixes: Sequence[str] = (".png",)) -> Path | None:
    """Return where a picture goes; None where none was asked for."""
    path = path_of(arguments.plot, "--plot")
    if path is not None:
        check_target(path, "--plot", suffixes, arguments.force)
    return path


def check_target(path: Path, option: str, suffixes: Sequence[str], force: bool) -> None:
    """Raise InputError where a file cannot be written, before the work for it is done."""
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{option} {path}: got the suffix {path.suffix!r}, expected {' or '.join(suffixes)}")
    disk.check_free(path, option, force)
