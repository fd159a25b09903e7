"""Folders of sound -> clips: recognises the layout, reads names and tables, opens no sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wavenet.audio import layouts, tables
from wavenet.audio.files import SUFFIXES
from wavenet.audio.layouts import Clip
from wavenet.config import DataConfig
from wavenet.errors import SoundError
from wavenet.progress import log

__all__ = ["Clip", "Source", "find", "open_folder"]


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
        raise SoundError("the recipe names no folder of sound; give one with --data DIR")
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
    clips = {"metadata": tables.metadata, "fsdd": layouts.fsdd, "folder": layouts.plain}[layout](folder)
    if not clips:
        raise SoundError(f"{folder} holds no sound ({', '.join(sorted(SUFFIXES))}); give a folder of sound files")
    return Source(folder, layout, tuple(sorted(clips, key=lambda clip: clip.name)))


def _recognise(folder: Path) -> str:
    table = folder / "metadata.csv"
    if table.is_file():
        if "path" in tables.header(table):
            return "metadata"
        log.warning("%s has no column `path`: it is left aside and the folder is read as plain sound", table)
        return "folder"
    names = [path.name for path in layouts.walk(folder)]
    named = sum(layouts.fsdd_parts(name) is not None for name in names)
    return "fsdd" if names and named >= 0.9 * len(names) else "folder"
