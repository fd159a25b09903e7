"""Clips by a table beside the sound, metadata.csv or .tsv: our own with a column of files, or lines as LJSpeech has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio.cells import Cells, folded, read_cells, read_text
from wavenet.audio.files import is_file
from wavenet.audio.layouts import Clip
from wavenet.audio.lookup import Lookup
from wavenet.errors import SoundError
from wavenet.progress import log
from wavenet.text import many, printable

NAMES = ("metadata.csv", "metadata.tsv")  # in any case
COLUMNS = {  # what a clip has -> what tables call it, the most telling first
    "path": (
        *("path", "file_name", "filename", "file", "file_path", "filepath", "wav", "wav_file", "wav_path"),
        *("audio", "audio_file", "audio_path", "audio_filepath", "audio_file_name", "audio_filename", "sound"),
    ),
    "speaker": ("speaker", "speaker_id", "speaker_name", "spk", "spk_id", "client_id"),
    "label": ("label", "class", "category"),
    "text": ("text", "sentence", "transcription", "transcript"),
    "prompt": ("prompt_id", "prompt", "sentence_id"),
    "split": ("split",),
}
HEADS = {"id", "name", "file_id", "utt_id", *COLUMNS["path"]}  # of LJSpeech's first column
EXPECTED = "a first line of columns such as path,speaker,text,split (or ; tab | between them)"

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}


@dataclass(frozen=True)
class Table:
    """A table of a form that is ours.

    Args:
        path: the file.
        encoding: that it seems to have, where it does not say so.
        cells: its head and rows.
        columns: where in a row each thing stands that a clip has, the most telling place first.
    """

    path: Path
    encoding: str | None
    cells: Cells
    columns: dict[str, list[int]]

    def column(self, name: str) -> list[str | None]:
        """Return what every row has of one thing, without blanks around it; None where it has nothing."""
        found: list[str | None] = [None] * len(self.cells.rows)
        for at in reversed(self.columns.get(name, [])):
            pairs = zip(self.cells.rows, found, strict=True)
            found = [cells[at].strip() or less if at < len(cells) else less for (_, cells), less in pairs]
        return found

    def tell(self) -> None:
        """Say in one line which columns were found, and which are not understood."""
        head = self.cells.head
        found = [f"{name} (`{printable(head[at])}`)" for name, places in self.columns.items() for at in places]
        used = {at for places in self.columns.values() for at in places}
        others = [f"`{printable(cell)}`" for at, cell in enumerate(head) if cell and at not in used]
        rest = f"; not understood: {', '.join(others)}" if others else ""
        guess = f"; read as {self.encoding}" if self.encoding else ""
        rows = f"rows: {len(self.cells.rows):,}"
        log.info("%s: columns %s%s; %s%s", self.path, ", ".join(found), rest, rows, guess)


def _columns(head: Sequence[str]) -> dict[str, list[int]]:
    """Return where each thing stands that a head names; nothing where no column is of files."""
    names = [folded(cell) for cell in head]
    found = {column: [names.index(alias) for alias in aliases if alias in names] for column, aliases in COLUMNS.items()}
    return {column: places for column, places in found.items() if places} if found["path"] else {}


def read_table(path: Path) -> Table | None:
    """Return a table whose head names a column of files; None where there is none such.

    Raises:
        SoundError: it cannot be read.
    """
    if not is_file(path):  # a named pipe would be waited for for ever
        return None
    text, encoding = read_text(path)
    cells = read_cells(text, lambda head: len(_columns(head)))
    columns = _columns(cells.head)
    return Table(path, encoding, cells, columns) if columns else None


def beside(folder: Path, sounds: Iterable[Path]) -> Path:
    """Return where the table of a folder is, or would be: in it, or in the only folder below it that holds sound."""
    table = _table_in(folder)
    if table is not None:
        return table
    tops = {path.parts[len(folder.parts)] for path in sounds}
    below = _table_in(folder / tops.pop()) if len(tops) == 1 else None
    return below or folder / NAMES[0]


def _table_in(folder: Path) -> Path | None:
    try:
        names = [path.name for path in folder.iterdir() if path.name.lower() in NAMES]
    except OSError:
        return None
    names.sort(key=lambda name: (NAMES.index(name.lower()), not name.islower(), name))
    return next((folder / name for name in names if is_file(folder / name)), None)


def recognise(table: Path, sounds: Sequence[Path]) -> str | None:
    """Return whether a table is our own (metadata) or LJSpeech's (ljspeech); None where it is neither.

    Raises:
        SoundError: it cannot be read.
    """
    own = read_table(table)
    if own is None:
        return "ljspeech" if is_ljspeech(table, sounds) else None
    head = own.cells.head
    if own.cells.delimiter == "|":  # a head such as file|text: ids may be meant
        doubtful = set(own.columns) <= {"path", "text"} and "path" not in map(folded, head)
    else:  # a first line of LJSpeech's in which a word stands alone between two commas
        doubtful = any("|" in cell for cell in head)
    return "ljspeech" if doubtful and is_ljspeech(table, sounds) else "metadata"


def not_understood(table: Path) -> str:
    """Return in words what a table has, where it is neither ours nor LJSpeech's, and what was expected."""
    lines = read_text(table)[0].strip().splitlines()
    has = f"begins with `{printable(lines[0][:60])}`" if lines else "is empty"
    expected = f"expected {EXPECTED}, the files in `path`, `file_name`, `file`, `audio` or `wav`"
    return f"{table} {has}; {expected}; or lines `id|text` of this sound"


# --- our own ---------------------------------------------------------------------------------------------------------


def metadata(path: Path, sounds: Iterable[Path], outside: bool = False) -> list[Clip]:
    """Return the clips that our own table names, by paths relative to it.

    Args:
        path: the table.
        sounds: the files below its folder.
        outside: keep rows of files that lie elsewhere.

    Raises:
        SoundError: there is no such table, it cannot be read, it names an unknown split, or it has no row of use.
    """
    table = read_table(path)
    if table is None:
        if not is_file(path):
            raise SoundError(f"{path} is missing; write it with {EXPECTED}, or set data.source to folder")
        raise SoundError(f"{not_understood(path)}; mend it, or set data.source to folder")
    table.tell()
    lookup = Lookup(path.parent, sounds, outside)
    rows = _Rows(table, lookup, outside)
    speakers, labels, texts, prompts, splits = map(table.column, ("speaker", "label", "text", "prompt", "split"))
    own = {word: _own_split(word, table, splits) for word in dict.fromkeys(splits)}
    clips = [
        Clip(
            lookup.names.get(name) or path.parent / name,
            name,
            speaker=speakers[row],
            label=labels[row],
            text=texts[row],
            prompt=prompts[row],
            split=own[splits[row]],
        )
        for name, row in rows.named.items()
    ]
    if not clips and rows.beyond:
        raise SoundError(f"all rows of {path} name files outside its folder; `--set data.outside=true` keeps them")
    if not clips:
        raise SoundError(f"{path} holds no sound: no row names a file; mend it, or set data.source to folder")
    rows.tell()
    return clips


class _Rows:
    """The rows of our own table by the files that they name, each file once.

    Args:
        table: with a column of files.
        lookup: of the sound below its folder.
        outside: keep rows of files that lie elsewhere.
    """

    def __init__(self, table: Table, lookup: Lookup, outside: bool) -> None:
        self.table, self.lookup, self.outside = table, lookup, outside
        self.words = table.column("path")
        self.named: dict[str, int] = {}  # name of a file -> index of its row
        self.empty: list[int] = []  # without a file
        self.again: list[int] = []  # whose file an earlier row has
        self.beyond: list[int] = []  # whose file lies outside the folder
        self.guessed: dict[int, str] = {}  # that name a file by something like its name
        absent = []
        for row, word in enumerate(self.words):
            name = None if word is None else lookup.name(word)
            if word is None:
                self.empty.append(row)
            elif name in lookup.names:
                self._add(name, row)
            else:
                absent.append((row, word, name))
        for row, word, name in absent:  # last, so that no guess takes a file that another row names
            self._add_absent(row, word, name)

    def _add(self, name: str, row: int) -> None:
        if name in self.named:
            self.again.append(row)
        else:
            self.named[name] = row

    def _add_absent(self, row: int, word: str, name: str | None) -> None:
        there = is_file(self.table.path.parent / (word if name is None else name))
        meant = None if there else self.lookup.guess(word, self.named)
        if meant is not None:
            self.guessed[row] = meant
            self.named[meant] = row
        elif name is not None or self.outside:
            self._add(self.lookup.elsewhere(word) if name is None else name, row)
        else:
            self.beyond.append(row)

    def tell(self) -> None:
        """Say what was not taken as it stands: one line for each kind, with the first of them."""
        path, cells = self.table.path, self.table.cells
        long = [row for row, (_, own) in enumerate(cells.rows) if any(map(str.strip, own[len(cells.head) :]))]
        for rows, what in (
            (self.beyond, "rows of files outside its folder, left out (`--set data.outside=true` keeps them)"),
            (self.again, "rows of a file that an earlier row names, left out"),
            (self.empty, "rows that name no file, left out"),
            (long, "rows with more cells than the first line, cut (quote what holds a delimiter)"),
        ):
            if rows:
                log.warning("%s: %s: %s (first: %s)", path, what, f"{len(rows):,}", self._shown(rows[0]))
        others = [name for name in self.lookup.names if name not in self.named]
        unlisted = [name for name in others if self.lookup.name(name) is not None]
        if unlisted:
            count, first = f"{len(unlisted):,}", printable(unlisted[0])
            log.warning("%s: sound files without a row, left out: %s (first: %s)", path, count, first)
        if cells.stray:
            log.info("%s: quotes that are not around a whole cell are taken as text, and each line as a row", path)
        if self.guessed:
            row, name = next(iter(self.guessed.items()))
            what = "rows whose file was found under another suffix, case or folder"
            shown = f"{self._shown(row)} is {printable(name)}"
            log.info("%s: %s: %s (first: %s)", path, what, f"{len(self.guessed):,}", shown)

    def _shown(self, row: int) -> str:
        word = self.words[row]
        return f"line {self.table.cells.rows[row][0]}" + (f", {printable(word)}" if word else "")


def _own_split(word: str | None, table: Table, words: Sequence[str | None]) -> str | None:
    """Return train, valid or test for a word of the split column."""
    if word is None:
        return None
    split = SPLITS.get(word.lower())
    if split is None:
        where = f"{table.path}, line {table.cells.rows[words.index(word)][0]}"
        raise SoundError(f"{where}: the split {word!r} is unknown, expected train, valid or test; mend the table")
    return split


# --- LJSpeech --------------------------------------------------------------------------------------------------------


def is_ljspeech(table: Path, sounds: Iterable[Path]) -> bool:
    """Return whether a table has lines `id|text`, one of which at least names one of the files."""
    try:
        lines = _lines(table)
    except SoundError:
        return False
    lookup = Lookup(table.parent, sounds)
    return any(len(line) > 1 and lookup.named(line[0]) for line in lines)


def ljspeech(table: Path, sounds: Iterable[Path]) -> list[Clip]:
    """Return the clips of a table of lines `id|text` or `id|text|normalised text`, without quoting.

    An id is the stem of a file anywhere below the table's folder, or its path from there, with or without a suffix.
    A file that no line names, or that shares its id with another, is kept without a text.

    Raises:
        SoundError: the table is missing or unreadable, or names none of the files.
    """
    sounds, lines = list(sounds), _lines(table)
    encoding = read_text(table)[1]
    log.info("%s: lines `id|text`: %s%s", table, f"{len(lines):,}", f"; read as {encoding}" if encoding else "")
    lookup = Lookup(table.parent, sounds)
    texts: dict[Path, str | None] = {}
    unknown = doubtful = 0
    for number, (word, *fields) in enumerate(lines):
        places = lookup.named(word) if fields else []
        if len(places) == 1:
            texts.setdefault(places[0], next((text for text in fields[1::-1] if text), None))
        elif places:
            doubtful += 1
        elif number or folded(word) not in HEADS:
            unknown += 1
    if not texts and not doubtful:
        raise SoundError(f"{table} has no line `id|text` whose id is the stem of a sound file; set data.source to auto")
    without = sum(path not in texts for path in sounds)
    if unknown or doubtful or without:
        counts = f"{many(unknown, 'line')} without a sound file, {doubtful:,} with several"
        log.warning("%s: %s; %s kept without a text", table, counts, many(without, "file"))
    return [Clip(path, path.relative_to(table.parent).as_posix(), text=texts.get(path)) for path in sounds]


def _lines(table: Path) -> list[list[str]]:
    """Return the fields of every line that is not blank; quotes are part of the text."""
    if not is_file(table):
        raise SoundError(f"{table} is missing; write lines `id|text`, or set data.source to folder")
    lines = [line for line in re.split(r"\r\n?|\n", read_text(table)[0]) if line.strip()]
    mark = "\t" if lines and "\t" in lines[0] and "|" not in lines[0] else "|"
    return [[field.strip() for field in line.split(mark)] for line in lines]
