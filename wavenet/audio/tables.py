"""Clips by a table beside the sound: metadata.csv. Opens no sound."""

from __future__ import annotations

import csv
from pathlib import Path

from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError

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


def metadata(folder: Path) -> list[Clip]:
    """Return the clips that our own table names: metadata.csv with a column `path`.

    Raises:
        SoundError: there is no such table, it cannot be read, or it names an unknown split.
    """
    table = folder / "metadata.csv"
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
