"""Clips by metadata.csv, a table beside the sound: our own with a column `path`, or lines as LJSpeech has."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from wavenet.audio.files import SUFFIXES
from wavenet.audio.layouts import Clip
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
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def beside(folder: Path, sounds: Iterable[Path]) -> Path:
    """Return where the table of a folder is, or would be: in it, or in the only folder below it that holds sound."""
    table = folder / NAME
    if table.is_file():
        return table
    tops = {path.relative_to(folder).parts[0] for path in sounds}
    below = folder / tops.pop() / NAME if len(tops) == 1 else table
    return below if below.is_file() else table


def metadata(table: Path) -> list[Clip]:
    """Return the clips that our own table names: a comma CSV with a column `path`, relative to the table.

    Raises:
        SoundError: there is no such table, it cannot be read, or it names an unknown split.
    """
    if "path" not in header(table):
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
                table.parent / name,
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
            self.paths[path.relative_to(folder).with_suffix("").as_posix()].append(path)
            self.stems[path.stem].append(path)

    def named(self, word: str) -> list[Path]:
        """Return the files that an id may mean: by its path, in LJSpeech's folder, else by its stem."""
        name = PurePosixPath(word)
        if name.suffix.lower() in SUFFIXES:
            name = name.with_suffix("")
        places = self.paths.get(str(name)) or self.paths.get(f"wavs/{name}") or self.stems.get(name.name)
        return places or []
