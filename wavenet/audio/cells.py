"""The cells of a table of text, whoever saved it: any usual encoding, delimiter, quoting and line end."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wavenet.errors import SoundError

DELIMITERS = (",", ";", "\t", "|")
MARKS = (  # byte-order marks; UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GUESSED = {"cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
DECLARED = re.compile(r'"?sep=([,;\t|:^~])"?[ \t,;|]*(?:\r\n?|\n|\Z)', re.IGNORECASE)  # Excel's own first line
BLANKS = " \t\r\n\ufeff"


@dataclass(frozen=True)
class Cells:
    """A table's head and rows.

    Args:
        text: the table's, without a line that declares the delimiter.
        delimiter: what stands between two cells.
        skipped: lines that declared it.
        head: the first line that is not blank, without blanks around its cells.
    """

    text: str
    delimiter: str
    skipped: int
    head: list[str]

    @cached_property
    def rows(self) -> list[tuple[int, list[str]]]:
        """The lines below the head that are not blank, each with the number of the line it ends in."""
        return [(line + self.skipped, cells) for line, cells in self._records[0][1:]]

    @property
    def stray(self) -> bool:
        """Whether some quotes stand around no whole cell: then each line is a row, and those quotes are text."""
        return self._records[1]

    @cached_property
    def _records(self) -> tuple[list[tuple[int, list[str]]], bool]:
        return _all_records(self.text, self.delimiter)


def read_text(table: Path) -> tuple[str, str | None]:
    """Return a table's text, and the encoding where nothing in the file says it and it is no UTF-8.

    Raises:
        SoundError: the file cannot be read.
    """
    try:
        data = table.read_bytes()
    except OSError as error:
        raise SoundError(f"{table} cannot be read: {error.strerror or error}; mend that, or remove it") from None
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text.lstrip("\ufeff"), GUESSED.get(encoding)
    return data.decode("latin-1"), GUESSED["latin-1"]  # in which nothing is wrong


def _encodings(data: bytes) -> list[str]:
    """Return what a file may be written in, the likeliest first."""
    marked = [encoding for mark, encoding in MARKS if data.startswith(mark)]
    zeros = [len(data[first:400:2]) - len(data[first:400:2].replace(b"\0", b"")) for first in (0, 1)]
    if not marked and max(zeros) > len(data[:400]) // 8:  # every other byte of letters in UTF-16
        return ["utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"]
    return [*marked[:1], "utf-8", "cp1252"]


def folded(head: str) -> str:
    """Return the name of a column as it is compared: `" File-Name"` and `file name` are both `file_name`."""
    return re.sub(r"[\s-]+", "_", unicodedata.normalize("NFC", head).strip(BLANKS + "\"'")).casefold()


def read_cells(text: str, known: Callable[[list[str]], int]) -> Cells:
    """Return the cells of a table, split where its head makes the most sense.

    Args:
        text: the table's.
        known: how many of the columns that a head names are understood.
    """
    declared = DECLARED.match(text)
    body = text[declared.end() :] if declared else text
    choices = (declared[1],) if declared else DELIMITERS
    heads = {delimiter: _head(body, delimiter) for delimiter in choices}
    delimiter = max(heads, key=lambda one: known(heads[one]))  # of equals the first
    return Cells(body, delimiter, 1 if declared else 0, heads[delimiter])


def _head(text: str, delimiter: str) -> list[str]:
    """Return the cells of the first record that is not blank, without blanks around them."""
    try:
        return [cell.strip(BLANKS) for cell in next(_records(text[: 1 << 16], delimiter))[1]]
    except (StopIteration, csv.Error):
        return []


def _all_records(text: str, delimiter: str) -> tuple[list[tuple[int, list[str]]], bool]:
    """Return all records, and whether there are quotes that would have swallowed lines or been lost."""
    try:
        rows = list(_records(text, delimiter))
        spread = any("\n" in cell or "\r" in cell for cells in _long(rows) for cell in cells)
        if '"' in text and (spread or delimiter == "\t"):  # between tabs, quotes mostly are text
            list(_records(text, delimiter, strict=True))  # an error here tells such a quote from one around a cell
        return rows, False
    except csv.Error:
        lines = re.split(r"\r\n?|\n", text)
        split = ((number, line.split(delimiter)) for number, line in enumerate(lines, 1) if line.strip(BLANKS))
        return [(number, [_unquoted(cell) for cell in cells]) for number, cells in split], True


def _long(rows: list[tuple[int, list[str]]]) -> Iterator[list[str]]:
    """Yield the records that may have taken more than one line."""
    before = 0
    for line, cells in rows:
        if line > before + 1:
            yield cells
        before = line


def _unquoted(cell: str) -> str:
    cell = cell.strip(BLANKS)
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _records(text: str, delimiter: str, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) of every record that is not blank."""
    lines = io.StringIO(text, newline="")  # so that a lone \r ends a line too
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)
    for cells in reader:
        if "".join(cells).strip(BLANKS):
            yield reader.line_num, cells
