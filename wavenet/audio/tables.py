"""Clips by a table beside the sound, metadata.csv or .tsv: our own with a column of files, or lines as LJSpeech has."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio.files import is_file
from wavenet.audio.layouts import MOST, Clip
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
KNOWN = ("speaker", "label", "text", "prompt")  # what every clip may have
SPLITS = {"train": "train training", "valid": "valid validation val dev", "test": "test testing eval"}
EXPECTED = "a first line of columns such as path,speaker,text,split (or ; tab | between them)"
DELIMITERS = (",", ";", "\t", "|")
DECLARED = re.compile(r'"?sep=([,;\t|:^~])"?[ \t,;|]*(?:\n|\Z)', re.IGNORECASE)  # Excel's own first line
ENCODINGS = {"cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
BLANKS = " \t\r\n\ufeff"

# What is said of rows that are not taken as they are.
BEYOND = "left out: the file lies outside the folder; `--set data.outside=true` keeps it"
AGAIN = "left out: an earlier row names the same file"
EMPTY = "left out: no file is named"
LONG = "cut to the columns of the first line: put text that contains the delimiter in quotes"
GUESSED = "with a file that was found under another suffix, case or folder"


def nearest(folder: Path, sounds: list[Path]) -> tuple[Path, list[Path]]:
    """Return where the table of a folder is, or would be, and the sound files that it may tell of.

    It may lie below the folder, as deep as nine in ten of the sound files lie together.
    """
    place, held = folder, sounds
    while True:
        table = _table_in(place)
        if table is not None:
            return table, held
        depth = len(place.parts)
        inner = Counter(path.parts[depth] for path in held).most_common(1)[0][0] if held else ""
        held = [path for path in held if path.parts[depth] == inner and len(path.parts) > depth + 1]
        if not held or len(held) < MOST * len(sounds):
            return folder / NAMES[0], sounds
        place /= inner


def _table_in(folder: Path) -> Path | None:
    try:
        names = [path.name for path in folder.iterdir() if path.name.lower() in NAMES]
    except OSError:
        return None
    names.sort(key=lambda name: (NAMES.index(name.lower()), not name.islower(), name))
    return next((folder / name for name in names if is_file(folder / name)), None)


@dataclass(frozen=True)
class Table:
    """A table of text, whoever saved it."""

    path: Path
    text: str  # of lines that end in a line feed, the one that declares the delimiter blanked
    guess: str  # "; read as" the encoding, where nothing in the file says it and it is not UTF-8
    delimiter: str
    head: list[str]  # the first line that is not blank, without blanks around its cells
    columns: dict[str, int]  # where each thing stands; empty without a column of files
    rows: list[tuple[int, list[str]]]  # the lines below that are not blank, with the number of the line each ends in
    stray: bool  # some quotes do not enclose a whole cell: then each line is a row, and those quotes are text

    def column(self, name: str) -> list[str | None]:
        """Return what every row has of one thing, without blanks around it; None where it has nothing."""
        return self._cells(self.columns.get(name))

    def others(self) -> dict[str, int]:
        """Return where the columns stand that say nothing of those things, by their names as they are compared."""
        return {folded(cell): at for at, cell in enumerate(self.head) if cell and at not in self.columns.values()}

    def other(self, name: str) -> list[str | None]:
        """Return what every row has in one of those columns; None where it has nothing, or there is no such column."""
        return self._cells(self.others().get(folded(name)))

    def _cells(self, at: int | None) -> list[str | None]:
        return [None if at is None or at >= len(cells) else cells[at].strip() or None for _, cells in self.rows]

    def lines(self) -> list[list[str]]:
        """Return the fields of every line that is not blank, as LJSpeech has them: quotes are part of the text."""
        lines = [line for line in self.text.split("\n") if line.strip()]
        mark = "\t" if lines and "\t" in lines[0] and "|" not in lines[0] else "|"
        return [[field.strip() for field in line.split(mark)] for line in lines]


def read(path: Path) -> Table:
    """Return a table, split where its head makes the most sense.

    Raises:
        SoundError: the file cannot be read.
    """
    text, guess = _read_text(path)
    declared = DECLARED.match(text)
    if declared:
        text = "\n" + text[declared.end() :]
    heads, columns = {}, {}
    for delimiter in [declared[1]] if declared else DELIMITERS:
        _, head = next(_records(text[: 1 << 16], delimiter), (0, []))
        heads[delimiter] = [cell.strip(BLANKS) for cell in head]
        names = [folded(cell) for cell in head]
        aliases = {column: [word for word in words if word in names] for column, words in COLUMNS.items()}
        found = {column: names.index(words[0]) for column, words in aliases.items() if words}
        columns[delimiter] = found if "path" in found else {}
    best = max(columns, key=lambda delimiter: len(columns[delimiter]))  # of equals the first
    try:
        rows, stray = list(_records(text, best, strict=True)) if columns[best] else [], False
    except csv.Error:
        lines = ((number, _cells(line, best)) for number, line in enumerate(text.split("\n"), 1))
        rows, stray = [(number, cells) for number, cells in lines if "".join(cells).strip(BLANKS)], True
    return Table(path, text, guess, best, heads[best], columns[best], rows[1:], stray)


def _read_text(path: Path) -> tuple[str, str]:
    """Return a table's text, and the encoding in words where it was guessed."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SoundError(f"{path} cannot be read: {error.strerror or error}; make it readable, or remove it") from None
    for encoding in (json.detect_encoding(data), "cp1252", "latin-1"):  # in the last of which nothing is wrong
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(encoding).lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
            break
    return text, f"; read as {ENCODINGS[encoding]}" if encoding in ENCODINGS else ""


def folded(head: str) -> str:
    """Return the name of a column as it is compared: `" File-Name"` and `file name` are both `file_name`."""
    return re.sub(r"[\s-]+", "_", unicodedata.normalize("NFC", head).strip(BLANKS + "\"'")).casefold()


def _records(text: str, delimiter: str, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield every record that is not blank, with the number of the line it ends in."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=strict)
    for cells in reader:
        if "".join(cells).strip(BLANKS):
            yield reader.line_num, cells


def _cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line of a table in which some quotes do not enclose a whole cell."""
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error:
        cells = [cell.strip(BLANKS) for cell in line.split(delimiter)]
        return [cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in cells]


def recognise(path: Path, sounds: Sequence[Path]) -> tuple[str | None, str]:
    """Return whether a table is our own (metadata) or LJSpeech's (ljspeech), else None and in words what it has."""
    table = read(path)
    if not table.columns:
        doubtful = True
    elif table.delimiter == "|":  # a head such as file|text: ids may be meant
        doubtful = set(table.columns) <= {"path", "text"} and "path" not in map(folded, table.head)
    else:  # a first line of LJSpeech's in which a word stands alone between two commas
        doubtful = any("|" in cell for cell in table.head)
    if doubtful:
        lookup = Lookup(path.parent, sounds, outside=True)
        if any(len(line) > 1 and lookup.guess(line[0], anywhere=True) for line in table.lines()):
            return "ljspeech", ""
    return ("metadata", "") if table.columns else (None, _not_understood(table))


def _not_understood(table: Table) -> str:
    """Return in words what a table has, where it is neither ours nor LJSpeech's, and what was expected."""
    lines = table.text.strip().split("\n")
    has = f"begins with `{printable(lines[0][:60])}`" if lines[0] else "is empty"
    expected = f"expected {EXPECTED}, the files in `path`, `file_name`, `file`, `audio` or `wav`"
    return f"{table.path} {has}; {expected}; or lines `id|text` of this sound"


def _asked_for(path: Path, remedy: str) -> Table:
    if not is_file(path):  # a named pipe would be waited for for ever
        raise SoundError(f"{path} is missing; {remedy}, or set data.source to folder")
    return read(path)


def metadata(
    path: Path, sounds: Sequence[Path], outside: bool = False, asked: Sequence[str] = ()
) -> tuple[list[Clip], tuple[str, ...]]:
    """Return the clips that our own table names, by paths relative to it, and its columns that no clip has unasked.

    Args:
        path: the table.
        sounds: the files that it may tell of.
        outside: keep those outside its folder.
        asked: columns to keep beside those that every clip has.

    Raises:
        SoundError: there is no such table, it cannot be read, it names an unknown split, or it has no row of use.
    """
    table = _asked_for(path, f"write it with {EXPECTED}")
    if not table.columns:
        raise SoundError(f"{_not_understood(table)}; correct it, or set data.source to folder")
    _tell_columns(table, asked)
    lookup = Lookup(path.parent, sounds, outside)
    rows, odd = _rows_by_file(table, lookup)
    known = {None: None} | {word: split for split, words in SPLITS.items() for word in words.split()}
    splits = [word and word.lower() for word in table.column("split")]
    for (line, _), word in zip(table.rows, splits, strict=True):
        if word not in known:
            what = f"the split {word!r} is unknown, expected train, valid or test"
            raise SoundError(f"{path}, line {line}: {what}; correct the table")
    if not rows and BEYOND in odd:
        raise SoundError(f"all rows of {path} name files outside its folder; `--set data.outside=true` keeps them")
    if not rows:
        raise SoundError(f"{path} holds no sound: no row names a file; correct it, or set data.source to folder")
    for what, which in odd.items():
        tell = log.info if what == GUESSED else log.warning
        tell("%s: %s %s (first: %s)", path, many(len(which), "row"), what, which[0])
    unlisted = [name for name in lookup.names if name not in rows]
    if unlisted:
        count = many(len(unlisted), "sound file")
        log.warning("%s: %s left out: not named in any row (first: %s)", path, count, printable(unlisted[0]))
    fields = {name: table.column(name) for name in KNOWN}
    others = {name: table.other(name) for name in asked if name not in COLUMNS}
    clips = [
        Clip(
            lookup.names.get(name) or path.parent / name,
            name,
            split=known[splits[row]],
            columns=tuple((name, word) for name, values in others.items() if (word := values[row]) is not None),
            **{field: values[row] for field, values in fields.items()},
        )
        for name, row in rows.items()
    ]
    return clips, tuple(table.others())


def _tell_columns(table: Table, asked: Sequence[str]) -> None:
    spare = table.others()
    kept = [spare.pop(name) for name in map(folded, asked) if name in spare]
    found = [f"{name} (`{printable(table.head[at])}`)" for name, at in table.columns.items()]
    found += [f"`{printable(table.head[at])}`" for at in kept]
    others = [f"`{printable(table.head[at])}`" for at in spare.values()]
    rest = f"; not used: {', '.join(others)}" if others else ""
    log.info("%s: columns %s%s; rows: %s%s", table.path, ", ".join(found), rest, f"{len(table.rows):,}", table.guess)
    if table.stray:
        what = "some quotes do not enclose a whole cell: they are kept as text, and every line is a row"
        log.info("%s: %s", table.path, what)


def _rows_by_file(table: Table, lookup: Lookup) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Return the row of each file by the file's name, and by what is wrong with them the rows that are odd."""
    rows, odd, absent = dict[str, int](), defaultdict[str, list[str]](list), []
    words = table.column("path")

    def note(what: str, row: int, more: str = "") -> None:
        word = words[row]
        odd[what].append(f"line {table.rows[row][0]}" + (f", {printable(word)}" if word else "") + more)

    for row, word in enumerate(words):
        name = None if word is None else lookup.name(word)
        if word is None:
            note(EMPTY, row)
        elif name not in lookup.names:
            absent.append((row, word, name))
        elif rows.setdefault(name, row) != row:
            note(AGAIN, row)
    for row, word, name in absent:  # last, so that no guess takes a file that another row names
        there = is_file(table.path.parent / (word if name is None else name))
        meant = None if there else lookup.guess(word, rows)
        if meant is not None:
            rows[meant] = row
            note(GUESSED, row, f" is {printable(meant)}")
        elif name is None:
            note(BEYOND, row)
        elif rows.setdefault(name, row) != row:
            note(AGAIN, row)
    for row, (_, cells) in enumerate(table.rows):
        if any(map(str.strip, cells[len(table.head) :])):
            note(LONG, row)
    return rows, odd


def ljspeech(path: Path, sounds: Sequence[Path]) -> list[Clip]:
    """Return the clips of a table of lines `id|text` or `id|text|normalised text`, without quoting.

    An id is the stem of a file anywhere below the table's folder, or its path from there, with or without a suffix.
    A file that no line names, or that shares its id with another, is kept without a text.

    Raises:
        SoundError: the table is missing or unreadable, or names none of the files.
    """
    table = _asked_for(path, "write lines `id|text`")
    lines, lookup = table.lines(), Lookup(path.parent, sounds, outside=True)
    log.info("%s: lines `id|text`: %s%s", path, f"{len(lines):,}", table.guess)
    texts, unknown = dict[str, str | None](), 0
    for number, (word, *fields) in enumerate(lines):
        name = lookup.guess(word, anywhere=True) if fields else None
        if name is not None:
            texts.setdefault(name, next((text for text in fields[1::-1] if text), None))
        elif number:  # the first may be a line of columns
            unknown += 1
    if not texts:
        what = "has no line `id|text` whose id is the name of a sound file without its suffix"
        raise SoundError(f"{path} {what}; set data.source to auto")
    without = len(lookup.names) - len(texts)
    odd = [f"{many(unknown, 'line')} left out: the id names no sound file, or several"] if unknown else []
    odd += [f"{many(without, 'sound file')} kept without a text"] if without else []
    if odd:
        log.warning("%s: %s", path, "; ".join(odd))
    return [Clip(file, name, text=texts.get(name)) for name, file in lookup.names.items()]
