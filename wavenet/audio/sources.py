"""Folders of sound -> clips: recognises the layout, reads names and tables, opens no sound."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wavenet.audio import layouts, tables, unread
from wavenet.audio.files import SUFFIXES, is_file
from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError
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
        passed_over: how many files of sound below the folder are no clips, by suffix where the format cannot be read.
    """

    folder: Path
    layout: str
    clips: tuple[Clip, ...]
    passed_over: dict[str, int] = field(default_factory=dict)


def find(data: DataConfig) -> Source:
    """Return the clips that a recipe's data section asks for.

    Raises:
        SoundError: no folder is named, it doesn't exist, has no sound, is not of the layout asked for, or has none of
            the labels asked for.
    """
    if data.path is None:
        get = "" if data.fetch is None else f"get it with `wavenet data fetch {data.fetch}`, or "
        raise SoundError(f"the recipe names no folder of sound; {get}give one with --data DIR")
    source = open_folder(Path(data.path), data.source, data.outside)
    clips = _one_microphone(source.clips, data.microphone)
    return dataclasses.replace(source, clips=_labelled(clips, data.labels, source.folder))


def open_folder(folder: Path, source: str = "auto", outside: bool = False) -> Source:
    """Return the clips of a folder, read as `source`, or as what it looks like (auto).

    What is passed over is told: here alone, so that it is the same wherever a folder is opened.

    Args:
        folder: the folder.
        source: its layout, or auto.
        outside: keep rows of its table that name files outside the folder.

    Raises:
        SoundError: it doesn't exist, has no sound, or is not of the layout asked for.
    """
    if not os.path.isdir(folder):  # noqa: PTH112  (Path.is_dir may raise)
        what = "is a file, not a folder" if is_file(folder) else "does not exist"
        raise SoundError(f"the data folder {folder} {what}; give a folder of sound files")
    given, beside = folder.absolute(), list[Path]()
    sounds = layouts.walk(given, beside)
    table = tables.beside(given, sounds)
    layout = _recognise(given, table, sounds) if source == "auto" else source
    home, clips = _read(given, layout, table, sounds, outside)
    used = {clip.path for clip in clips}
    others = unread.sort_out(path for path in beside if path not in used or path.suffix.lower() in unread.FORMATS)
    if not clips:
        raise SoundError(f"{folder} holds no sound that can be read; {_remedy(given, others)}")
    unread.tell(given, others)
    if source == "auto" and layout == "folder" and not is_file(table):
        unread.tell_of_tables(given, others.tables)
    unused = sum(path not in used for path in sounds)
    passed_over = others.counts() | ({"not in the data set": unused} if unused else {})
    clips.sort(key=lambda clip: clip.name)
    return Source(folder if home == given else home, layout, tuple(clips), passed_over)


def _remedy(folder: Path, others: unread.Unread) -> str:
    """Return what to do where a folder has no sound that can be read."""
    there = unread.described(folder, others)
    usual = f"give a folder of sound files ({', '.join(sorted(SUFFIXES))})"
    return f"it has {there}" if there else usual


def _recognise(folder: Path, table: Path, sounds: list[Path]) -> str:
    if is_file(table):
        try:
            layout = tables.recognise(table, sounds)
            reason = tables.not_understood(table) if layout is None else ""
        except SoundError as error:
            layout, reason = None, str(error)
        if layout is not None:
            return layout
        plain = table.parent == folder
        log.warning("%s%s", reason, ": the folder is read as plain sound" if plain else "; it is left aside")
        if plain:
            return "folder"
    return layouts.recognise(sounds) or "folder"


def _read(folder: Path, layout: str, table: Path, sounds: list[Path], outside: bool) -> tuple[Path, list[Clip]]:
    """Return a data set's own folder and its clips."""
    if layout == "metadata":
        return table.parent, tables.metadata(table, sounds, outside)
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
