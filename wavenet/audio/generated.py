"""What this program made itself: run folders, bundles, and sound with its mark. No recordings to learn from."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from wavenet.audio.files import SOFTWARE
from wavenet.errors import InputError
from wavenet.recipe import find, read

HEAD_BYTES = 512  # of a file, in which its software tag stands where we wrote it
MARKED = (".wav", ".wave", ".flac")  # what this program writes, and what such a file may be renamed to
TAG = re.compile(rb"RIFF.{8}.*ISFT.{4}%b|fLaC.*software=%b" % ((re.escape(SOFTWARE.encode()),) * 2), re.DOTALL)


def is_own_folder(folder: Path, names: Collection[str]) -> bool:
    """Return whether a folder is a run or a bundle of this program.

    Other programs too write a `config.yaml` beside `checkpoints`, or a `config.json` beside `model.safetensors`: what
    these say decides, and is read where they are there.

    Args:
        folder: the folder.
        names: all that is in it.
    """
    with contextlib.suppress(InputError, OSError):
        if "config.yaml" in names and any(name in names for name in find.WRITTEN):
            read.load(folder / "config.yaml")
            return True
        if "config.json" in names and "model.safetensors" in names:
            read.read_bundle_config(folder / "config.json")
            return True
    return False


def marked(sounds: Iterable[Path]) -> set[Path]:
    """Return those of some sound files whose software tag says that this program generated them.

    A file whose head cannot be read is none of them: decoding says what is wrong with it.
    """
    return {path for path in sounds if path.suffix.lower() in MARKED and TAG.match(_head(path))}


def _head(path: Path) -> bytes:
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))  # a pipe
    except (OSError, ValueError):
        return b""
    try:
        return os.read(number, HEAD_BYTES)
    except OSError:
        return b""
    finally:
        os.close(number)
