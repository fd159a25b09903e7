"""Clips by the names of their files: what a data set's own names and folders say. Opens no sound."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio.files import SUFFIXES
from wavenet.progress import log

FSDD_NAME = re.compile(r"(?P<label>\d)_(?P<speaker>[^_]+)_(?P<take>\d+)$")


@dataclass(frozen=True)
class Clip:
    """One sound file and what its folder says of it.

    Args:
        path: the file.
        name: its path relative to the folder, with forward slashes: its identity in splits and the cache.
        speaker: who is heard.
        label: what class it is.
        text: what is said.
        prompt: what was asked for; takes of one prompt share it.
        split: the data's own train, valid or test.
    """

    path: Path
    name: str
    speaker: str | None = None
    label: str | None = None
    text: str | None = None
    prompt: str | None = None
    split: str | None = None


def walk(folder: Path) -> list[Path]:
    """Return the sound files below a folder; links are followed, each folder is entered once."""
    found, entered = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in entered else sorted(name for name in folders if not name.startswith("."))
        if real not in entered:
            found += [
                Path(place, name)
                for name in names
                if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
            ]
        entered.add(real)
    return found


def plain(folder: Path) -> list[Clip]:
    """Return every sound file below a folder, of which nothing is known."""
    return [Clip(path, path.relative_to(folder).as_posix()) for path in walk(folder)]


def fsdd_parts(name: str) -> tuple[str, str, int] | None:
    """Return (label, speaker, take) of a file named as the Free Spoken Digit Dataset does, else None."""
    match = FSDD_NAME.match(Path(name).stem)
    return (match["label"], match["speaker"], int(match["take"])) if match else None


def fsdd(folder: Path) -> list[Clip]:
    """Return the clips of the Free Spoken Digit Dataset: takes 0 to 4 are the test split, 5 to 9 are held out."""
    clips = []
    for clip in plain(folder):
        parts = fsdd_parts(clip.name)
        if parts is None:
            log.warning("%s is not named DIGIT_SPEAKER_TAKE: it is left out", clip.path)
            continue
        label, speaker, take = parts
        split = "test" if take < 5 else "valid" if take < 10 else "train"
        clips.append(Clip(clip.path, clip.name, speaker=speaker, label=label, split=split))
    return clips
