"""Clips by metadata.csv, a table beside the sound: our own with a column `path`, or lines as LJSpeech has."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from wavenet.audio.files import SUFFIXES, is_file
from wavenet.audio.layouts import Clip, bare
from wavenet.errors import SoundError
from wavenet.progress import log

NAME = "metadata.csv"
HEADS = {"id", "name", "file", "file_id", "file_name", "filename", "path", "wav", "audio", "audio_file", "utt_id"}

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


def header(table: Path) -> list[str]:
    """Return the columns that the first line of a comma CSV names; none where it cannot be read."""
    if not is_file(table):  # a named pipe would be waited for for ever
        return []
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def beside(folder: Path, sounds: Iterable[Path]) -> Path:
    """Return where the table of a folder is, or would be: in it, or in the only folder below it that holds sound."""
    table = folder / NAME
    if is_file(table):
        return table
    tops = {path.parts[len(folder.parts)] for path in sounds}
    below = folder / tops.pop() / NAME if len(tops) == 1 else table
    return below if is_file(below) else table


def metadata(table: Path) -> list[Clip]:
    """Return the clips that our own table names: a comma CSV with a column `path`, relative to the table.

    Raises:
        SoundError: there is no such table, it cannot be read, or it names an unknown split.
    """
    if "path" not in header(table):
        raise SoundError(f"{table} is missing or has no column `path`; add it, or set data.source to folder")
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            columns = [column.strip() for column in next(csv.reader(file, skipinitialspace=True), [])]
            rows = list(csv.DictReader(file, columns, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SoundError(f"{table} cannot be read: {error}; write it as UTF-8 with commas") from None
    clips, seen = [], set()
    for row in rows:
        name = _cell(row, "path")
        if name is None or name in seen:
            continue
        seen.add(name)
        clips.append(
            Clip(
                table.parent / name,
                name,
                speaker=_cell(row, "speaker"),
                label=_cell(row, "label"),
                text=_cell(row, "text"),
                prompt=_cell(row, "prompt_id") or _cell(row, "prompt"),
                split=_own_split(_cell(row, "split"), table),
            )
        )
    return clips


def _cell(row: dict[str, str | None], column: str) -> str | None:
    """Return what a row has in a column, without blanks around it; None where it has nothing."""
    return (row.get(column) or "").strip() or None


def _own_split(word: str | None, table: Path) -> str | None:
    if word is None:
        return None
    split = SPLITS.get(word.lower())
    if split is None:
        raise SoundError(f"{table}: the split {word!r} is unknown, expected train, valid or test; mend the table")
    return split


# --- LJSpeech --------------------------------------------------------------------------------------------------------


def is_ljspeech(table: Path, sounds: Iterable[Path]) -> bool:
    """Return whether a table has lines `id|text`, one of which at least names one of the files."""
    try:
        lines = _lines(table)
    except SoundError:
        return False
    stems = _Stems(table.parent, sounds)
    return any(len(line) > 1 and stems.named(line[0]) for line in lines)


def ljspeech(table: Path, sounds: Iterable[Path]) -> list[Clip]:
    """Return the clips of a table of lines `id|text` or `id|text|normalised text`, without quoting.

    An id is the stem of a file anywhere below the table's folder, or its path from there, with or without a suffix.
    A file that no line names, or that shares its id with another, is kept without a text.

    Raises:
        SoundError: the table is missing or unreadable, or names none of the files.
    """
    sounds, lines = list(sounds), _lines(table)
    stems = _Stems(table.parent, sounds)
    texts: dict[Path, str | None] = {}
    unknown = doubtful = 0
    for number, (word, *fields) in enumerate(lines):
        places = stems.named(word) if fields else []
        if len(places) == 1:
            texts.setdefault(places[0], next((text for text in fields[1::-1] if text), None))
        elif places:
            doubtful += 1
        elif number or word.lower() not in HEADS:
            unknown += 1
    if not texts and not doubtful:
        raise SoundError(f"{table} has no line `id|text` whose id is the stem of a sound file; set data.source to auto")
    without = sum(path not in texts for path in sounds)
    if unknown or doubtful or without:
        counts = f"{unknown:,} lines name no sound file, {doubtful:,} name several"
        log.warning("%s: %s; %s files are kept without a text", table, counts, f"{without:,}")
    return [Clip(path, path.relative_to(table.parent).as_posix(), text=texts.get(path)) for path in sounds]


def _lines(table: Path) -> list[list[str]]:
    """Return the fields of every line that is not blank; quotes are part of the text."""
    if not is_file(table):
        raise SoundError(f"{table} is missing; write lines `id|text`, or set data.source to folder")
    try:
        lines = table.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise SoundError(f"{table} cannot be read: {reason}; write lines `id|text` in UTF-8") from None
    return [[field.strip() for field in line.split("|")] for line in lines if line.strip()]


class _Stems:
    """Finds files by what a table calls them."""

    def __init__(self, folder: Path, sounds: Iterable[Path]) -> None:
        self.paths: dict[str, list[Path]] = defaultdict(list)
        self.stems: dict[str, list[Path]] = defaultdict(list)
        for path in sounds:
            self.paths[bare(path.relative_to(folder))].append(path)
            self.stems[path.stem].append(path)

    def named(self, word: str) -> list[Path]:
        """Return the files that an id may mean: by its path, in LJSpeech's folder, else by its stem."""
        path = PurePosixPath(word)
        name = bare(path) if path.suffix.lower() in SUFFIXES else str(path)
        places = self.paths.get(name) or self.paths.get(f"wavs/{name}") or self.stems.get(name.rpartition("/")[2])
        return places or []
