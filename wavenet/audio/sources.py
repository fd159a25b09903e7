"""Folders of sound -> clips: recognises the layout, reads names and tables, opens no sound."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wavenet import catalogue
from wavenet.audio import layouts, tables
from wavenet.audio.files import SUFFIXES, is_file
from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError
from wavenet.kinds import near_path
from wavenet.progress import log
from wavenet.records import DataConfig

__all__ = ["Clip", "Source", "find", "open_folder"]


@dataclass(frozen=True)
class Source:
    """A data set on disk.

    Args:
        folder: its own folder: the one given, or the one below it that holds the data set as it was unpacked.
        layout: folder, metadata, ljspeech, fsdd, vctk, speech_commands, yesno or libritts.
        clips: in the order of their names.
    """

    folder: Path
    layout: str
    clips: tuple[Clip, ...]


def find(data: DataConfig) -> Source:
    """Return the clips that a recipe's data section asks for.

    Raises:
        SoundError: no folder is named, it doesn't exist, has no sound, is not of the layout asked for, or has none of
            the labels asked for.
    """
    if data.path is None:
        get = "" if data.fetch is None else f"get it with `wavenet data fetch {data.fetch}`, or "
        raise SoundError(f"the recipe names no folder of sound; {get}give one with --data DIR")
    source = open_folder(Path(data.path), data.source)
    clips = _one_microphone(source.clips, data.microphone)
    return dataclasses.replace(source, clips=_labelled(clips, data.labels, source.folder))


def open_folder(folder: Path, source: str = "auto") -> Source:
    """Return the clips of a folder, read as `source`, or as what it looks like (auto).

    Raises:
        SoundError: it doesn't exist, has no sound, or is not of the layout asked for.
    """
    if not os.path.isdir(folder):  # noqa: PTH112  (Path.is_dir may raise)
        fetched = (catalogue.data_folder(),)
        near = near_path(folder, Path.is_dir) or near_path(Path(folder.name), Path.is_dir, fetched)
        what = "is a file, not a folder" if is_file(folder) else f"does not exist{near}"
        raise SoundError(f"the data folder {folder} {what}; give a folder of sound files")
    given = folder.absolute()
    sounds = layouts.walk(given)
    layout = _recognise(given, sounds) if source == "auto" else source
    home, clips = _read(given, layout, sounds)
    if not clips:
        raise SoundError(f"{folder} holds no sound ({', '.join(sorted(SUFFIXES))}); give a folder of sound files")
    return Source(folder if home == given else home, layout, tuple(sorted(clips, key=lambda clip: clip.name)))


def _recognise(folder: Path, sounds: list[Path]) -> str:
    table = tables.beside(folder, sounds)
    if "path" in tables.header(table):
        return "metadata"
    if tables.is_ljspeech(table, sounds):
        return "ljspeech"
    if table.parent == folder and is_file(table):
        log.warning(
            "%s has no column `path`, nor lines `id|text` of this sound: the folder is read as plain sound", table
        )
        return "folder"
    return layouts.recognise(sounds) or "folder"


def _read(folder: Path, layout: str, sounds: list[Path]) -> tuple[Path, list[Clip]]:
    """Return a data set's own folder and its clips."""
    table = tables.beside(folder, sounds)
    if layout == "metadata":
        return table.parent, tables.metadata(table)
    if layout == "folder" or not sounds:
        return folder, layouts.any_folder(folder, sounds)
    if layout == "ljspeech":
        return table.parent, tables.ljspeech(table, sounds)
    return layouts.named(folder, layout, sounds)


def _one_microphone(clips: Sequence[Clip], microphone: str | None) -> Sequence[Clip]:
    """Return one clip of every take: by this microphone, where there is one."""
    if microphone is None:
        return clips
    heard = {(clip.speaker, clip.prompt) for clip in clips if clip.microphone == microphone}
    return [clip for clip in clips if clip.microphone in (None, microphone) or (clip.speaker, clip.prompt) not in heard]


def _labelled(clips: Sequence[Clip], labels: Sequence[str] | None, folder: Path) -> tuple[Clip, ...]:
    """Return the clips with one of some labels."""
    if labels is None:
        return tuple(clips)
    known = sorted({clip.label for clip in clips if clip.label is not None})
    if not known:
        log.warning("%s names no labels: data.labels is left aside and all of its sound is kept", folder)
        return tuple(clips)
    kept = tuple(clip for clip in clips if clip.label in labels)
    if not kept:
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise SoundError(
            f"data.labels is {', '.join(labels)}, but {folder} has {shown}; choose among these, or set data.labels=null"
        )
    missing = [label for label in labels if label not in known]
    if missing:
        log.warning("%s has nothing labelled %s, which data.labels names", folder, ", ".join(missing))
    return kept
