"""What a table beside the sound says becomes speakers, labels, texts, prompts and splits."""

from __future__ import annotations

import codecs
import os
import unicodedata
from pathlib import Path

import layout_toys
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layout_toys import table, touch

from wavenet.audio import folders, tables
from wavenet.errors import SoundError
from wavenet.recipe.records import DataConfig


def names(source: folders.Source) -> list[str]:
    return [clip.name for clip in source.clips]


def test_our_table_names_everything_it_has_a_column_for(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "not_listed.wav", "b.wav", "flac/a.flac")
    table(
        tmp_path,
        "split,path,mood,speaker,label,text,prompt_id\n"
        'test,flac/a.flac,glad,ann,3,"Well, ""now"".",p7\n'
        "train,b.wav,,,,,\n",
    )
    found = folders.open_folder(tmp_path)
    assert found.layout == "metadata"
    assert said == [f"{tmp_path}/metadata.csv: 1 sound file left out: not named in any row (first: not_listed.wav)"]
    first = folders.Clip(tmp_path / "flac/a.flac", "flac/a.flac", "ann", "3", 'Well, "now".', "p7", "test")
    assert found.clips == (folders.Clip(tmp_path / "b.wav", "b.wav", split="train"), first)


def test_other_columns_are_kept_where_they_are_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    table(tmp_path, "path,Mood Now,speaker,take\na.wav, glad ,ann,1\nb.wav,,bob\n")
    with caplog.at_level("INFO", "wavenet"):
        found = folders.open_folder(tmp_path, asked=["mood_now", "speaker", "absent"])
    assert [clip.columns for clip in found.clips] == [(("mood_now", "glad"),), ()]
    assert found.columns == ("mood_now", "take")
    assert "columns path (`path`), speaker (`speaker`), `Mood Now`; not used: `take`" in caplog.text
    unasked = folders.open_folder(tmp_path)
    assert [clip.columns for clip in unasked.clips] == [(), ()] and unasked.columns == found.columns


@pytest.mark.parametrize(
    ("columns", "row", "prompt"),
    [
        ("prompt_id,prompt,text", "1,two,three", "1"),
        ("prompt,text", "two,three", "two"),
        ("text", "three", None),  # what is said is no prompt: ten words are not ten prompts
        ("label", "four", None),
    ],
)
def test_the_prompt_is_the_closest_thing_the_table_has(tmp_path: Path, columns: str, row: str, prompt: str) -> None:
    table(tmp_path, f"path,{columns}\na.wav,{row}\n")
    assert folders.open_folder(tmp_path).clips[0].prompt == prompt


def test_a_table_may_name_missing_files_short_rows_and_doubles(tmp_path: Path) -> None:
    table(tmp_path, "speaker,path,label\nann,b.wav,1\nann,b.wav,2\nann\n\n,  ,3\nbob,a.wav\nann,c.wav,1,too,many\n")
    found = folders.open_folder(tmp_path)
    assert [(clip.name, clip.speaker, clip.label) for clip in found.clips] == [
        ("a.wav", "bob", None),
        ("b.wav", "ann", "1"),
        ("c.wav", "ann", "1"),
    ]


def test_blanks_around_what_a_table_says_are_no_part_of_it(tmp_path: Path) -> None:
    table(tmp_path, 'path, speaker , label,"text"\na.wav, ann , "4", "Well, now."\n')
    clip = folders.open_folder(tmp_path).clips[0]
    assert (clip.name, clip.speaker, clip.label, clip.text) == ("a.wav", "ann", "4", "Well, now.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(touch(tmp_path, "a.wav") / "metadata.csv")
    assert folders.open_folder(tmp_path).layout == "folder"
    for layout in ("metadata", "ljspeech"):
        with pytest.raises(SoundError, match=r"metadata\.csv is missing"):
            folders.open_folder(tmp_path, layout)


@pytest.mark.parametrize(
    ("word", "split"),
    [
        *(("train", "train"), ("Training", "train"), ("VAL", "valid"), ("dev", "valid"), ("validation", "valid")),
        *(("valid", "valid"), (" test ", "test"), ("testing", "test"), ("eval", "test"), ("", None)),
    ],
)
def test_usual_words_for_splits_are_understood(tmp_path: Path, word: str, split: str | None) -> None:
    table(tmp_path, f"path,split\na.wav,{word}\n")
    assert folders.open_folder(tmp_path).clips[0].split == split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,speaker\n", "holds no sound: no row names a file"),
        ("path\n../b.wav\n", r"outside its folder; `--set data\.outside=true` keeps them"),
        ("path,split\na.wav,train\n\nb.wav,holdout\n", r"csv, line 4: .*'holdout'.*expected train, valid or test"),
    ],
)
def test_a_table_that_cannot_be_followed_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    touch(tmp_path, "b.wav")
    with pytest.raises(SoundError, match=words):
        folders.open_folder(table(touch(tmp_path / "data", "a.wav"), text))


@pytest.mark.parametrize(
    ("content", "has"),
    [
        (b"id;speaker\na;ann\n", "begins with `id;speaker`"),
        (b"a.wav,ann\nb.wav,bob\n", "begins with `a.wav,ann`"),  # no first line of columns
        (b"c|some words|some words\n", "begins with `c|some words|some words`"),
        (b"PK\x03\x04\0\0binary", "begins with `PK\\x03\\x04"),  # a workbook of another name
        (b"", "is empty"),
    ],
)
def test_a_table_that_is_not_understood_is_told_with_what_was_expected(
    tmp_path: Path, said: list[str], content: bytes, has: str
) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    (tmp_path / "metadata.csv").write_bytes(content)
    found = folders.open_folder(tmp_path)
    assert found.layout == "folder" and names(found) == ["a.wav", "b.wav"]
    (line,) = said
    assert f"metadata.csv {has}" in line and "expected a first line of columns such as path,speaker" in line
    assert line.endswith("its folder is read as plain sound")
    with pytest.raises(SoundError, match="expected a first line of columns such as path,speaker") as caught:
        folders.open_folder(tmp_path, "metadata")
    assert "\n" not in str(caught.value)


def test_a_table_that_may_not_be_read_is_told(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    table(touch(tmp_path, "a.wav"), "path\na.wav\n")

    def refuse(_: Path) -> bytes:  # root may read anything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert folders.open_folder(tmp_path).layout == "folder"
    assert len(said) == 1 and "metadata.csv cannot be read: Permission denied" in said[0]


# --- text into cells -------------------------------------------------------------------------------------------------

TEXT = "path,speaker\né.wav,Zoë\n"


@pytest.mark.parametrize(
    ("data", "guess"),
    [
        (TEXT.encode(), ""),
        (codecs.BOM_UTF8 + TEXT.encode("utf-8-sig"), ""),  # marked twice
        (TEXT.encode("utf-16"), ""),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), ""),
        (TEXT.encode("utf-32"), ""),
        (TEXT.encode("utf-16-le"), "UTF-16"),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("cp1252"), "Windows-1252"),
        (TEXT.encode("cp1252") + b"\x81", "Latin-1"),  # for which Windows has no letter
    ],
)
def test_any_usual_encoding_is_read_and_a_guess_is_named(tmp_path: Path, data: bytes, guess: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(data)
    made = tables.read(tmp_path / "metadata.csv")
    assert (made.text.rstrip("\x81"), made.guess) == (TEXT, guess and f"; read as {guess}")


@pytest.mark.parametrize(
    ("text", "head", "rows"),
    [
        ("path,text\na.wav,one; two; three\n", ["path", "text"], [(2, ["a.wav", "one; two; three"])]),
        ("path;text\na.wav;one, two, three\n", ["path", "text"], [(2, ["a.wav", "one, two, three"])]),
        ("path;text, or not;a,b,c\na.wav;x;1\n", ["path", "text, or not", "a,b,c"], [(2, ["a.wav", "x", "1"])]),
        ("sep=;\r\npath;text\r\na.wav;x\r\n", ["path", "text"], [(3, ["a.wav", "x"])]),
        ('"SEP=;";;\npath;text\na.wav;x', ["path", "text"], [(3, ["a.wav", "x"])]),
        ("\npath,text\na.wav,x\n\n ,\t\nb.wav,y", ["path", "text"], [(3, ["a.wav", "x"]), (6, ["b.wav", "y"])]),
        ("\rpath,text\ra.wav,x\r\r ,\t\rb.wav,y", ["path", "text"], [(3, ["a.wav", "x"]), (6, ["b.wav", "y"])]),
        ('path, text\na.wav, "Well, ""now""."\n', ["path", "text"], [(2, ["a.wav", 'Well, "now".'])]),
        ('path\n"two\nlines"\n5" long', ["path"], [(3, ["two\nlines"]), (4, ['5" long'])]),
        ("", [], []),
        ("\n \n", [], []),
    ],
)
def test_a_table_is_split_where_its_first_line_makes_sense(
    tmp_path: Path, text: str, head: list[str], rows: list[tuple[int, list[str]]]
) -> None:
    (tmp_path / "metadata.csv").write_bytes(text.encode())
    made = tables.read(tmp_path / "metadata.csv")
    assert (made.head, made.rows, made.stray) == (head, rows, False)


@pytest.mark.parametrize("mark", [",", "\t"])
@pytest.mark.parametrize("filler", ["", "c.wav{0}words\n" * 20_000], ids=["short", "beyond the limit of a cell"])
def test_a_quote_that_nothing_closes_swallows_no_lines(tmp_path: Path, mark: str, filler: str) -> None:
    text = 'path{0}text\na.wav{0}"Well" he said\nb.wav{0}"Now\n' + filler
    text = (text + 'd.wav{0}"one{0} ""two"""\ne.wav{0}"He said "no" to me"\n').replace("{0}", mark)
    made = tables.read(table(tmp_path, text) / "metadata.csv")
    assert made.stray and len(made.rows) == 4 + filler.count("\n")
    assert made.rows[:2] == [(2, ["a.wav", '"Well" he said']), (3, ["b.wav", '"Now'])]
    assert [cells[1] for _, cells in made.rows[-2:]] == [f'one{mark} "two"', 'He said "no" to me']


@pytest.mark.parametrize("head", ["file_name", " File Name ", "FILE-NAME", '"file_name"', "\ufefffile_name"])
def test_heads_are_compared_without_case_blanks_and_hyphens(head: str) -> None:
    assert tables.folded(head) == "file_name"


# --- as others save it -----------------------------------------------------------------------------------------------

ROWS = [("a/s0.wav", "ann", "One, two", "train"), ("a/s1.wav", "Zoë", "Three", "dev")]
CLIPS = [("a/s0.wav", "ann", "One, two", "train"), ("a/s1.wav", "Zoë", "Three", "valid")]


def told(folder: Path) -> list[tuple[str, str | None, str | None, str | None]]:
    found = folders.open_folder(folder)
    assert found.layout == "metadata"
    return [(clip.name, clip.speaker, clip.text, clip.split) for clip in found.clips]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize(
    ("name", "encoding", "head"),
    [
        ("metadata.csv", "cp1252", ["path", "speaker", "text", "split"]),
        ("metadata.tsv", "utf-8", [" File_Name", "Speaker ID", "transcription", "SPLIT "]),
        ("Metadata.CSV", "utf-16", ["AUDIO", "client_id", "Sentence", "Split"]),
    ],
)
def test_speakers_texts_and_splits_are_read_however_a_table_was_saved(
    tmp_path: Path, said: list[str], name: str, delimiter: str, encoding: str, head: list[str]
) -> None:
    touch(tmp_path, "a/s0.wav", "a/s1.wav")
    text = "".join(delimiter.join(row) + "\r\n" for row in [head, *ROWS])
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert told(tmp_path) == CLIPS and said == []


def test_of_several_tables_csv_goes_before_tsv_and_the_usual_name_before_others(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    for name in ("metadata.tsv", "Metadata.csv", "metadata.csv"):
        (tmp_path / name).write_text(f"path,speaker\na.wav,{name}\n")
        assert told(tmp_path) == [("a.wav", name, None, None)]


@pytest.mark.parametrize("head", [alias for alias in tables.COLUMNS["path"] if alias != "path"])
def test_every_name_of_the_column_of_files_is_understood(tmp_path: Path, head: str) -> None:
    table(touch(tmp_path, "a.wav", "b.wav"), f"speaker,{head}\nann,b.wav\n")
    assert told(tmp_path) == [("b.wav", "ann", None, None)]


def test_of_two_columns_of_files_path_is_meant(tmp_path: Path) -> None:
    table(touch(tmp_path, "a.wav", "b.wav"), "file,path\na.wav,b.wav\n")
    assert [name for name, *_ in told(tmp_path)] == ["b.wav"]


def test_one_line_tells_the_columns_found_and_those_not_understood(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table(touch(tmp_path, "é.wav"), "File,mood,Sentence,,take\né.wav,glad,Hi.,,1\n", "cp1252")
    with caplog.at_level("INFO", "wavenet"):
        folders.open_folder(tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}/metadata.csv: columns path (`File`), text (`Sentence`); not used: `mood`, `take`; "
        "rows: 1; read as Windows-1252"
    ]


def test_two_spellings_of_one_file_are_one_clip(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "a/é.wav")
    apart = unicodedata.normalize("NFD", "a/é.wav")
    table(tmp_path, f"path,split\na\\é.wav,train\n./a/é.wav,test\n{apart},test\n{tmp_path}/a/é.wav,test\n")
    assert told(tmp_path) == [("a/é.wav", None, None, "train")]
    assert said == [
        f"{tmp_path}/metadata.csv: 3 rows left out: an earlier row names the same file (first: line 3, ./a/é.wav)"
    ]


def test_rows_without_a_file_and_rows_too_long_are_told(tmp_path: Path, said: list[str]) -> None:
    table(touch(tmp_path, "a.wav"), "path,text\na.wav,Well, now\n,lost\n,,\n")
    assert told(tmp_path) == [("a.wav", None, "Well", None)]
    assert said == [
        f"{tmp_path}/metadata.csv: 1 row left out: no file is named (first: line 3)",
        f"{tmp_path}/metadata.csv: 1 row cut to the columns of the first line: put text that contains the delimiter in "
        "quotes (first: line 2, a.wav)",
    ]


def test_quotes_that_are_taken_as_text_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table(touch(tmp_path, "a.wav"), 'path\ttext\na.wav\t"Well" he said\n')
    with caplog.at_level("INFO", "wavenet"):
        assert told(tmp_path) == [("a.wav", None, '"Well" he said', None)]
    assert "some quotes do not enclose a whole cell" in caplog.text


def test_ids_and_converted_files_are_found_but_never_another_rows_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "clips/a.wav", "clips/b.flac", "c.wav")
    table(tmp_path, "file_name,speaker\nc,gone\na,ann\nclips/b.m4a,bob\nc.wav,cy\n")
    with caplog.at_level("INFO", "wavenet"):
        clips = told(tmp_path)
    assert clips == [
        *(("c", "gone", None, None), ("c.wav", "cy", None, None)),  # the first is missing, and decoding says so
        *(("clips/a.wav", "ann", None, None), ("clips/b.flac", "bob", None, None)),
    ]
    assert "2 rows with a file that was found under another suffix, case or folder (first: line 3, a is" in caplog.text


PIECES = st.sampled_from(
    [b"path", b"file", b"split", b"a.wav", b"b.wav", b"train", b"a|x", b"sep=;", b"..", b"/", b"C:\\"]
)
MARKS = st.sampled_from(
    [b",", b";", b"\t", b"|", b'"', b"\n", b"\r", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9", b"\x85"]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(PIECES | MARKS | st.binary(max_size=3), max_size=25).map(b"".join),
    layout=st.sampled_from(["auto", "metadata", "ljspeech"]),
    outside=st.booleans(),
)
def test_any_bytes_are_a_table_or_one_sentence(tmp_path: Path, content: bytes, layout: str, outside: bool) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    (tmp_path / "metadata.csv").write_bytes(content)
    try:
        found = folders.open_folder(tmp_path, layout, outside)
    except SoundError as error:
        assert str(error).isprintable()
    else:
        assert len(set(names(found))) == len(found.clips)


# --- outside the folder ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["../b.wav", "{}/b.wav", "out/b.wav", "..\\b.wav"])
def test_rows_outside_the_folder_are_kept_only_where_the_recipe_says_so(
    tmp_path: Path, said: list[str], word: str
) -> None:
    touch(tmp_path, "b.wav", "elsewhere/b.wav")
    folder = table(touch(tmp_path / "data", "a.wav"), f"path\na.wav\n{word.format(tmp_path)}\n")
    if word == "out/b.wav":
        (folder / "out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert names(folders.find(DataConfig(1, path=str(folder)))) == ["a.wav"]
    assert said[-1] == (
        f"{folder}/metadata.csv: 1 row left out: the file lies outside the folder; `--set data.outside=true` keeps it "
        f"(first: line 3, {word.format(tmp_path)})"
    )
    said.clear()
    kept = folders.find(DataConfig(1, path=str(folder), outside=True)).clips
    there = "elsewhere/b.wav" if word == "out/b.wav" else "b.wav"
    assert {clip.name: clip.path.resolve() for clip in kept} == {
        "a.wav": folder / "a.wav",
        "out/b.wav" if word == "out/b.wav" else "../b.wav": tmp_path / there,
    }
    assert said == []


# --- LJSpeech --------------------------------------------------------------------------------------------------------


def texts(folder: Path) -> dict[str, str | None]:
    found = folders.open_folder(folder)
    assert found.layout == "ljspeech"
    return {clip.name: clip.text for clip in found.clips}


def test_ljspeech_has_the_normalised_text_with_its_quotes(tmp_path: Path, said: list[str]) -> None:
    told = texts(layout_toys.ljspeech(tmp_path))
    assert len(told) == 8 and said == []
    assert told["wavs/LJ001-0003.wav"] == 'He paid 2 pounds, "or so.'


@pytest.mark.parametrize("head", ["", "id|text\n", "File|transcription|normalised\n"])
def test_ids_are_stems_or_paths_anywhere_below_with_a_header_or_without(
    tmp_path: Path, said: list[str], head: str
) -> None:
    touch(tmp_path, "a.wav", "deep/er/b.flac", "one/c.wav", "two/c.wav", "dot.ted.wav", "e.OGG")
    lines = "a|A\nb.wav|B\none/c|C one\nDUMMY/two/c.wav|?\ntwo/c.wav|C two|\ndot.ted|D\n./e.ogg|raw | spoken |more\n"
    table(tmp_path, head + lines.replace("DUMMY/two/c.wav|?\n", ""))
    assert texts(tmp_path) == {
        **{"a.wav": "A", "deep/er/b.flac": "B", "one/c.wav": "C one", "two/c.wav": "C two"},
        **{"dot.ted.wav": "D", "e.OGG": "spoken"},
    }
    assert said == []


def test_what_a_table_gets_wrong_is_one_warning_and_loses_no_sound(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "a.wav", "one/c.wav", "two/c.wav", "unlisted.wav", "bare.wav")
    table(tmp_path, "a|A\na|again\nc|which?\ngone|G\n..wav|G\nno bar\n\nbare|\n")
    told = texts(tmp_path)
    assert told == {"a.wav": "A", "bare.wav": None, "one/c.wav": None, "two/c.wav": None, "unlisted.wav": None}
    (line,) = said
    assert "4 lines left out: the id names no sound file, or several; 3 sound files kept without a text" in line


def test_of_two_files_of_one_name_that_in_wavs_is_meant(tmp_path: Path) -> None:
    root = layout_toys.ljspeech(tmp_path)
    touch(root, "wavs_22k/LJ001-0001.wav")
    told = texts(root)
    assert told["wavs/LJ001-0001.wav"] == 'He paid 0 pounds, "or so.' and told["wavs_22k/LJ001-0001.wav"] is None


@pytest.mark.parametrize("content", [b"gone|words\n", b"gone|Zo\xeb\n", b""], ids=["no id", "latin-1", "empty"])
def test_a_table_asked_for_as_ljspeech_must_be_one(tmp_path: Path, content: bytes) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(SoundError, match=r"metadata\.csv.*`id\|text`") as caught:
        folders.open_folder(tmp_path, "ljspeech")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize(("mark", "end"), [("|", "\r"), ("|", "\r\n"), ("\t", "\n")])
def test_lines_of_ids_are_read_however_they_were_saved(tmp_path: Path, encoding: str, mark: str, end: str) -> None:
    apart = unicodedata.normalize("NFD", "é")
    touch(tmp_path, "wavs/a.wav", f"wavs/{apart}.wav")
    text = f"wavs\\a.wav{mark}Grüße{end}é{mark}zwei, drei{end}"
    (tmp_path / "metadata.csv").write_bytes(text.encode(encoding))
    assert texts(tmp_path) == {"wavs/a.wav": "Grüße", f"wavs/{apart}.wav": "zwei, drei"}


@pytest.mark.parametrize(
    ("text", "layout", "texts"),
    [
        ("path,text\na.wav,one|two\n", "metadata", {"a.wav": "one|two"}),
        ("audio_file|text|speaker_name\na.wav|Hello|bob\n", "metadata", {"a.wav": "Hello"}),
        ("path|text\na|One\n", "metadata", {"a.wav": "One"}),
        ("file|text\na|One\n", "ljspeech", {"a.wav": "One", "b.wav": None}),  # a first line of ids, or of columns
        ("a|Play, audio, speaker\nb|Two\n", "ljspeech", {"a.wav": "Play, audio, speaker", "b.wav": "Two"}),
    ],
)
def test_columns_of_our_own_go_before_lines_of_ids(
    tmp_path: Path, text: str, layout: str, texts: dict[str, str | None]
) -> None:
    found = folders.open_folder(table(touch(tmp_path, "a.wav", "b.wav"), text))
    assert (found.layout, {clip.name: clip.text for clip in found.clips}) == (layout, texts)


def test_a_table_two_folders_share_is_none(tmp_path: Path, said: list[str]) -> None:
    layout_toys.ljspeech(tmp_path / "one")
    layout_toys.ljspeech(tmp_path / "two")
    found = folders.open_folder(tmp_path)
    assert found.layout == "folder" and len(found.clips) == 16
    assert len(said) == 1 and "one/LJSpeech-1.1/metadata.csv, and 1 more; a table" in said[0]
    assert tables.nearest(tmp_path, [clip.path for clip in found.clips])[0] == tmp_path / "metadata.csv"
