"""What a folder holds beside the sound that is read: formats that cannot be, hidden sound, sound without a suffix."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio.files import SUFFIXES, is_file
from wavenet.progress import log
from wavenet.text import printable, some

FORMATS = frozenset(  # that hold sound, and that FFmpeg reads
    {".m4a", ".m4b", ".m4r", ".aac", ".ac3", ".alac", ".wma", ".amr", ".awb", ".3ga", ".3gp", ".g722", ".g726", ".gsm"}
    | {".ape", ".wv", ".shn", ".tta", ".tak", ".mpc", ".spx", ".ra", ".dts", ".dsf", ".dff", ".qcp"}
    | {".mka", ".weba", ".webm", ".mp4", ".m4v", ".mov", ".mkv", ".avi", ".adts"}
)
RAW = frozenset({".raw", ".pcm"})  # samples alone: nothing in them says at what rate
TABLES = frozenset({".csv", ".tsv", ".jsonl", ".xlsx", ".xls", ".ods", ".parquet"})
TABLE_NAMES = frozenset({"metadata.txt", "metadata.json"})
NOTED = FORMATS | RAW | TABLES
HEADS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"OggS", b"FORM", b"caff", b"ID3", b".snd", b"NIST", b"\xff\xfb")
MOST_HEADS = 1_000  # files without a suffix that are opened


@dataclass(frozen=True)
class Unread:
    """Files below a folder that are passed over.

    Args:
        formats: those of each suffix that cannot be read.
        hidden: sound whose name begins with a dot.
        bare: sound whose name has no suffix.
        tables: files that hold tables.
    """

    formats: dict[str, list[Path]]
    hidden: list[Path]
    bare: list[Path]
    tables: list[Path]

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind, by suffix where that is what they have; tables aside."""
        kinds = {"hidden": len(self.hidden), "no suffix": len(self.bare)}
        return {suffix: len(paths) for suffix, paths in self.formats.items()} | {k: n for k, n in kinds.items() if n}


def noted(place: str, names: Iterable[str]) -> list[Path]:
    """Return the files of a folder that are not read and may have to be told of, in the order of their names.

    Not what macOS keeps beside each file (`._NAME`), nor what a stopped program left half written.
    """
    return [Path(place, name) for name in sorted(names) if _is_noted(name)]


def _is_noted(name: str) -> bool:
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122  (see layouts.bare)
    if name.startswith("."):
        return suffix in SUFFIXES and not name.startswith("._") and ".tmp." not in name
    return not suffix or suffix in NOTED or suffix[1:].isdigit() or name.lower() in TABLE_NAMES


def sort_out(paths: Iterable[Path]) -> Unread:
    """Return the files that are noted by what they are; those without a suffix by how they begin."""
    found, opened = Unread({}, [], [], []), 0
    for path in paths:
        suffix = path.suffix.lower()
        if path.name.startswith("."):
            found.hidden.append(path)
        elif suffix in TABLES or path.name.lower() in TABLE_NAMES:
            found.tables.append(path)
        elif suffix in FORMATS or suffix in RAW:
            found.formats.setdefault(suffix, []).append(path)
        elif opened < MOST_HEADS:
            opened += 1
            if _begins_like_sound(path):
                found.bare.append(path)
    return found


def _begins_like_sound(path: Path) -> bool:
    if not is_file(path):  # a named pipe would be waited for for ever
        return False
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(HEADS)
    except OSError:
        return False


def described(folder: Path, found: Unread) -> str:
    """Return in words what is passed over below a folder and what helps; empty where there is nothing."""

    def first(paths: Sequence[Path]) -> str:
        return f"first: {printable(os.path.relpath(paths[0], folder))}"

    said = []
    formats = sorted(found.formats, key=lambda suffix: -len(found.formats[suffix]))
    for raw, flags in ((False, ""), (True, "-f s16le -ar RATE -ac CHANNELS ")):
        if suffixes := [suffix for suffix in formats if (suffix in RAW) is raw]:
            which = ", ".join(f"{len(found.formats[suffix]):,} {suffix}" for suffix in suffixes)
            where = first(found.formats[suffixes[0]])
            said.append(f"{which} (convert: `ffmpeg {flags}-i IN{suffixes[0]} OUT.wav`; {where})")
    if found.bare:
        said.append(f"{len(found.bare):,} without a suffix (add it, such as .wav; {first(found.bare)})")
    if found.hidden:
        said.append(f"{len(found.hidden):,} hidden by a dot (rename; {first(found.hidden)})")
    return ", ".join(said)


def tell(folder: Path, found: Unread) -> None:
    """Say in one warning which files of sound below a folder are not read, and what makes them readable."""
    said = described(folder, found)
    if said:
        log.warning("%s: files of sound that are not read: %s", printable(str(folder)), said)


def tell_of_tables(folder: Path, tables: Sequence[Path]) -> None:
    """Say in one warning that tables of other names lie in a folder that is read as plain sound."""
    if tables:
        log.warning(
            "%s is read as plain sound, without %s; a table of its files is metadata.csv or metadata.tsv in it, with a "
            "column `path`",
            printable(str(folder)),
            some([os.path.relpath(table, folder) for table in tables]),
        )
