"""A table is read alike whoever saved it: encodings, delimiters, line ends and quotes."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

import pytest

from wavenet.audio import cells
from wavenet.audio.cells import Cells
from wavenet.errors import SoundError

TEXT = "path,speaker\né.wav,Zoë\n"


def known(head: Sequence[str]) -> int:
    names = {cells.folded(cell) for cell in head}
    return len(names & {"path", "speaker", "text"}) if "path" in names else 0


def read(text: str) -> Cells:
    return cells.read_cells(text, known)


@pytest.mark.parametrize(
    ("data", "guess"),
    [
        (TEXT.encode(), None),
        (TEXT.encode("utf-8-sig"), None),
        (codecs.BOM_UTF8 + TEXT.encode("utf-8-sig"), None),  # marked twice
        (TEXT.encode("utf-16"), None),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), None),
        (TEXT.encode("utf-32"), None),
        (TEXT.encode("utf-16-le"), "UTF-16"),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("cp1252"), "Windows-1252"),
    ],
)
def test_any_usual_encoding_is_read_and_a_guess_is_named(tmp_path: Path, data: bytes, guess: str | None) -> None:
    (tmp_path / "table").write_bytes(data)
    assert cells.read_text(tmp_path / "table") == (TEXT, guess)


def test_bytes_that_windows_has_no_letter_for_are_latin_1(tmp_path: Path) -> None:
    (tmp_path / "table").write_bytes(b"path\n\x81\xe9.wav\n" * 200)
    text, guess = cells.read_text(tmp_path / "table")
    assert text.startswith("path\n\x81é.wav\n") and guess == "Latin-1"


def test_what_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"table cannot be read: .*directory"):
        cells.read_text((tmp_path / "table").mkdir() or tmp_path / "table")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_split_where_its_first_line_makes_sense(delimiter: str) -> None:
    other = {",": ";", ";": ","}.get(delimiter, ",")
    made = read(
        delimiter.join(["path", "text"]) + "\n" + delimiter.join(["a.wav", f"one{other} two{other} three"]) + "\n"
    )
    assert (made.delimiter, made.head) == (delimiter, ["path", "text"])
    assert made.rows == [(2, ["a.wav", f"one{other} two{other} three"])]


def test_commas_in_the_other_columns_of_a_head_do_not_mislead() -> None:
    made = read("path;speaker, or voice;text;a,b,c\na.wav;ann;Hi.;1\n")
    assert made.delimiter == ";" and made.rows == [(2, ["a.wav", "ann", "Hi.", "1"])]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;;;"])
def test_the_line_in_which_excel_names_the_delimiter_is_no_row(first: str) -> None:
    made = read(f"{first}\r\npath;text\r\na.wav;x\r\n")
    assert made.head == ["path", "text"] and made.rows == [(3, ["a.wav", "x"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_is_read_and_blank_lines_count_but_are_no_rows(end: str) -> None:
    made = read(end.join(["", "path,text", "a.wav,x", "", " ,\t", "b.wav,y"]))
    assert made.head == ["path", "text"]
    assert made.rows == [(3, ["a.wav", "x"]), (6, ["b.wav", "y"])] and not made.stray


def test_quotes_hold_delimiters_quotes_and_line_ends() -> None:
    made = read('path, text\na.wav, "Well, ""now""."\nb.wav,"two\nlines"\nc.wav,5" long\n')
    assert not made.stray
    assert made.rows == [
        (2, ["a.wav", 'Well, "now".']),
        (4, ["b.wav", "two\nlines"]),
        (5, ["c.wav", '5" long']),
    ]


@pytest.mark.parametrize("filler", ["", "c.wav\twords\n" * 20_000], ids=["short", "beyond the limit of a cell"])
def test_a_quote_that_nothing_closes_swallows_no_lines(filler: str) -> None:
    made = read('path\ttext\na.wav\t"Well" he said\nb.wav\t"Now\n' + filler + 'd.wav\t"whole, ""so"""\n')
    assert made.stray and len(made.rows) == 3 + filler.count("\n")
    assert made.rows[:2] == [(2, ["a.wav", '"Well" he said']), (3, ["b.wav", '"Now'])]
    assert made.rows[-1][1] == ["d.wav", 'whole, "so"']


def test_nor_between_commas() -> None:
    made = read('path,text\na.wav,"Now\nb.wav,"Then" and\nc.wav,x\n')
    assert made.stray
    assert made.rows == [(2, ["a.wav", '"Now']), (3, ["b.wav", '"Then" and']), (4, ["c.wav", "x"])]


def test_between_tabs_a_quoted_word_at_the_front_of_a_cell_keeps_its_quotes() -> None:
    assert read('path\ttext\na.wav\t"Well" he said\n').rows == [(2, ["a.wav", '"Well" he said'])]
    assert read('path\ttext\na.wav\t"Well, ""he"" said"\n').rows == [(2, ["a.wav", 'Well, "he" said'])]


def test_nothing_is_a_table_without_a_head() -> None:
    assert (read("").head, read("").rows, read("\n \n").rows) == ([], [], [])


@pytest.mark.parametrize("head", ["file_name", " File Name ", "FILE-NAME", '"file_name"', "\ufefffile_name"])
def test_heads_are_compared_without_case_blanks_and_hyphens(head: str) -> None:
    assert cells.folded(head) == "file_name"
