"""Folders of sound -> clips: recognises the layout, reads names and tables, opens no sound."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wavenet import catalogue
from wavenet.audio import generated, layouts, tables, unread
from wavenet.audio.files import SUFFIXES, is_file
from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError
from wavenet.kinds import near_path
from wavenet.progress import log, printable
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
    source = open_folder(Path(data.path), data.source, data.outside, data.generated)
    clips = _one_microphone(source.clips, data.microphone)
    return dataclasses.replace(source, clips=_labelled(clips, data.labels, source))


def open_folder(folder: Path, source: str = "auto", outside: bool = False, own: bool = False) -> Source:
    """Return the clips of a folder, read as `source`, or as what it looks like (auto).

    What is passed over is told: here alone, so that it is the same wherever a folder is opened.

    Args:
        folder: the folder.
        source: the layout, or auto.
        outside: follow links that lead out of it, and keep rows of its table that name files there.
        own: take what this program made, too: runs, and sound that it generated. What a table names is always taken.

    Raises:
        SoundError: it doesn't exist, has no sound, or is not of the layout asked for.
    """
    if not os.path.isdir(folder):  # noqa: PTH112  (Path.is_dir may raise)
        fetched = (catalogue.data_folder(),)
        near = near_path(folder, Path.is_dir) or near_path(Path(folder.name), Path.is_dir, fetched)
        what = "is a file, not a folder" if is_file(folder) else f"does not exist{near}"
        raise SoundError(f"the data folder {folder} {what}; give a folder of sound files")
    given, beside = folder.absolute(), list[Path]()
    sounds = layouts.walk(given, beside, outside=outside, own=own)
    made = set() if own else generated.marked(sounds)
    recorded = [path for path in sounds if path not in made] if made else sounds
    table, held = _nearest_table(given, recorded)
    layout = _recognise(given, table, held, recorded) if source == "auto" else source
    if layout in ("metadata", "ljspeech"):
        _tell_of_others(table, [] if len(held) == len(recorded) else sorted({*recorded} - {*held}))
    else:
        held = recorded
    home, clips = _read(given, layout, table, held, outside)
    used = {clip.path for clip in clips}
    others = unread.sort_out(path for path in beside if path not in used or path.suffix.lower() in unread.FORMATS)
    if made and not clips:
        raise SoundError(f"{folder} holds only sound that this program generated; {layouts.TAKE_OWN}")
    if not clips:
        raise SoundError(f"{folder} holds no sound that can be read; {_remedy(given, others)}")
    layouts.tell_of_generated(made.difference(used))
    unread.tell(given, others)
    if source == "auto" and layout == "folder" and not is_file(table):
        unread.tell_of_tables(given, others.tables)
    unused = sum(path not in used for path in recorded)
    passed_over = others.counts() | ({"not in the data set": unused} if unused else {})
    clips.sort(key=lambda clip: clip.name)
    return Source(folder if home == given else home, layout, tuple(clips), passed_over)


def _remedy(folder: Path, others: unread.Unread) -> str:
    """Return what to do where a folder has no sound that can be read."""
    there = unread.described(folder, others)
    usual = f"give a folder of sound files ({', '.join(sorted(SUFFIXES))})"
    return f"it has {there}" if there else usual


def _nearest_table(folder: Path, sounds: list[Path]) -> tuple[Path, list[Path]]:
    """Return where the table of a folder is, or would be, and the sound files that it may tell of.

    It may lie below the folder, as deep as nine in ten of the sound files lie together.
    """
    place, held = folder, sounds
    while held:
        table = tables.beside(place, held)
        if is_file(table):
            return table, held
        depth = len(place.parts)
        inner, count = Counter(path.parts[depth] for path in held).most_common(1)[0]
        place, held = place / inner, [path for path in held if path.parts[depth] == inner]
        if count < layouts.MOST * len(sounds) or place in held:
            break
    return tables.beside(folder, sounds), sounds


def _recognise(folder: Path, table: Path, held: list[Path], sounds: list[Path]) -> str:
    if is_file(table):
        try:
            layout = tables.recognise(table, held)
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


def _tell_of_others(table: Path, sounds: list[Path]) -> None:
    """Warn in one line of sound files that lie elsewhere than those that a table tells of."""
    if sounds:
        more = f", and {len(sounds) - 1:,} more" if len(sounds) > 1 else ""
        log.warning("%s is left out: it does not lie where %s tells of sound%s", printable(str(sounds[0])), table, more)


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


def _labelled(clips: Sequence[Clip], labels: Sequence[str] | None, source: Source) -> tuple[Clip, ...]:
    """Return the clips with one of some labels; all of a plain folder in which nothing is called so."""
    if labels is None:
        return tuple(clips)
    folder, known = source.folder, sorted({clip.label for clip in clips if clip.label is not None})
    if not known or (source.layout == "folder" and not set(labels) & set(known)):
        log.warning("%s names no such labels: data.labels is left aside and all of its sound is kept", folder)
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
