"""Folders of sound -> clips: recognises the layout, reads names and tables, opens no sound."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio.files import SUFFIXES
from wavenet.config import DataConfig
from wavenet.errors import SoundError
from wavenet.progress import log

FSDD_NAME = re.compile(r"(?P<label>\d)_(?P<speaker>[^_]+)_(?P<take>\d+)$")
SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
    "eval": "test",
}


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


@dataclass(frozen=True)
class Source:
    """A folder of sound: its layout (folder, fsdd or metadata) and clips in the order of their names."""

    folder: Path
    layout: str
    clips: tuple[Clip, ...]


def find(data: DataConfig) -> Source:
    """Return the clips of the folder that a recipe's data section names.

    Raises:
        SoundError: no folder is named, it doesn't exist, has no sound, or is not of the layout asked for.
    """
    if data.path is None:
        get = "" if data.fetch is None else f"get it with `wavenet data fetch {data.fetch}`, or "
        raise SoundError(f"the recipe names no folder of sound; {get}give one with --data DIR")
    return open_folder(Path(data.path), data.source)


def open_folder(folder: Path, source: str = "auto") -> Source:
    """Return the clips of a folder, read as `source`, or as what it looks like (auto).

    Raises:
        SoundError: it doesn't exist, has no sound, or is not of the layout asked for.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise SoundError(f"the data folder {folder} {what}; give a folder of sound files")
    layout = _recognise(folder) if source == "auto" else source
    clips = {"metadata": _metadata, "fsdd": _fsdd, "folder": _plain}[layout](folder)
    if not clips:
        raise SoundError(f"{folder} holds no sound ({', '.join(sorted(SUFFIXES))}); give a folder of sound files")
    return Source(folder, layout, tuple(sorted(clips, key=lambda clip: clip.name)))


def fsdd_parts(name: str) -> tuple[str, str, int] | None:
    """Return (label, speaker, take) of a file named as the Free Spoken Digit Dataset does, else None."""
    match = FSDD_NAME.match(Path(name).stem)
    return (match["label"], match["speaker"], int(match["take"])) if match else None


def _recognise(folder: Path) -> str:
    table = folder / "metadata.csv"
    if table.is_file():
        if "path" in _header(table):
            return "metadata"
        log.warning("%s has no column `path`: it is left aside and the folder is read as plain sound", table)
        return "folder"
    names = [path.name for path in _walk(folder)]
    named = sum(fsdd_parts(name) is not None for name in names)
    return "fsdd" if names and named >= 0.9 * len(names) else "folder"


def _walk(folder: Path) -> list[Path]:
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


def _plain(folder: Path) -> list[Clip]:
    return [Clip(path, path.relative_to(folder).as_posix()) for path in _walk(folder)]


def _fsdd(folder: Path) -> list[Clip]:
    clips = []
    for clip in _plain(folder):
        parts = fsdd_parts(clip.name)
        if parts is None:
            log.warning("%s is not named DIGIT_SPEAKER_TAKE: it is left out", clip.path)
            continue
        label, speaker, take = parts
        split = "test" if take < 5 else "valid" if take < 10 else "train"
        clips.append(Clip(clip.path, clip.name, speaker=speaker, label=label, split=split))
    return clips


def _header(table: Path) -> list[str]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _metadata(folder: Path) -> list[Clip]:
    table = folder / "metadata.csv"
    if "path" not in _header(table):
        raise SoundError(f"{table} is missing or has no column `path`; add it, or set data.source to folder")
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SoundError(f"{table} cannot be read: {error}; write it as UTF-8 with commas") from None
    clips, seen = [], set()
    for row in rows:
        name = (row["path"] or "").strip()
        if not name or name in seen:
            continue
        seen.add(name)
        clips.append(
            Clip(
                folder / name,
                name,
                speaker=row.get("speaker") or None,
                label=row.get("label") or None,
                text=row.get("text") or None,
                prompt=row.get("prompt_id") or row.get("prompt") or None,
                split=_own_split(row.get("split"), table),
            )
        )
    return clips


def _own_split(word: str | None, table: Path) -> str | None:
    if not word:
        return None
    split = SPLITS.get(word.strip().lower())
    if split is None:
        raise SoundError(f"{table}: the split {word!r} is unknown, expected train, valid or test; mend the table")
    return split
