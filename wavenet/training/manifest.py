"""Which files a run was started with, and what each is for: manifest.csv in its folder, a line a file.

A checkpoint knows of its sound only whether it is the same (`SoundData.fingerprint`); this list says what is not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wavenet import disk
from wavenet.errors import InputError
from wavenet.text import many, printable, some
from wavenet.training.checkpoint import explained
from wavenet.training.data import SoundData

NAME = "manifest.csv"
DIGITS = 16  # of the digest of a file's samples, in hexadecimal
SHOWN = 3  # files of a kind that are named


class Row(NamedTuple):
    """One file that is trained on or held out."""

    path: str  # its name in the data folder, what cannot be printed escaped
    split: str  # train, valid or test; several where it is divided in time, joined by +; empty where unused
    samples: int  # that were kept, at the recipe's rate
    digest: str  # equal for equal samples


def rows(sound: SoundData) -> list[Row]:
    """Return a row for every file that was kept, in their order."""
    splits: list[list[str]] = [[] for _ in sound.sound.entries]
    for name, spans in sound.spans.items():
        for clip in {span.clip for span in spans}:
            splits[clip].append(name)
    return [
        Row(printable(entry.name), "+".join(split), entry.length, entry.digest[:DIGITS])
        for entry, split in zip(sound.sound.entries, splits, strict=True)
    ]


def write(run: Path, listed: Sequence[Row]) -> None:
    """Write manifest.csv, whole or not at all.

    Raises:
        WavenetError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(listed)
    with explained(run / NAME):
        disk.write_text(run / NAME, text.getvalue())


def read(run: Path) -> list[Row] | None:
    """Return what `write` wrote; None where it is missing or damaged."""
    try:
        with (run / NAME).open(encoding="utf-8", newline="") as file:
            return [
                Row(row["path"], row["split"], int(row["samples"]), row["digest"])
                for row in csv.DictReader(file, strict=True)
            ]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return None


def check(run: Path, fingerprint: str, sound: SoundData) -> None:
    """Raise InputError, which names files, where the sound is not the one of this fingerprint."""
    if fingerprint in (sound.fingerprint(), sound.older_fingerprint()):
        return
    before = read(run)
    if before is None:
        told = "it has no manifest.csv, which lists its files (an older version wrote none)"
    else:
        told = difference(before, rows(sound)) or f"the same files, but {_other_than_files(fingerprint, sound)}"
    raise InputError(
        f"the sound is not what {run} was started with: {told}; give the same sound again, or train on this one in "
        f"another run with --out (--init {run} starts it from these weights)"
    )


def _other_than_files(fingerprint: str, sound: SoundData) -> str:
    """Return in words what of the same files is another."""
    measured = "this version trims or measures them differently"
    fields = f"other values of {', '.join(sound.recipe.fields)}" if sound.recipe.fields else ""
    (own, *before), (now, *after) = fingerprint.split("-"), sound.fingerprint().split("-")
    if not before:  # of an older version, which told them not apart
        return " or ".join(filter(None, [fields, measured]))
    if own != now or len(before) != len(after):
        return measured
    arrays = "other arrays in the .npy files beside them"
    kinds = (fields, arrays, "other phones, or other times at which they are said")
    return " and ".join(what for what, a, b in zip(kinds, before, after, strict=False) if a != b)


def difference(before: Sequence[Row], now: Sequence[Row]) -> str:
    """Return in words what was added, removed, changed or put into another split; empty where nothing was."""
    old, new = ({row.path: row for row in listed} for listed in (before, now))
    both = [(old[path], row) for path, row in new.items() if path in old]
    found = {
        "added": [path for path in new if path not in old],
        "removed": [path for path in old if path not in new],
        "changed": [one.path for one, other in both if one[2:] != other[2:]],
        "in another split": [
            f"{one.path}: {one.split or 'unused'}, now {other.split or 'unused'}"
            for one, other in both
            if one.split != other.split
        ],
    }
    return ", ".join(
        f"{many(len(names), 'file')} {what} ({some(names, SHOWN)})" for what, names in found.items() if names
    )
