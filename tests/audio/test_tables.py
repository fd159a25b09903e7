"""What a table beside the sound says becomes speakers, labels, texts, prompts and splits."""

from __future__ import annotations

import os
from pathlib import Path

import layout_toys
import pytest
from layout_toys import table, touch

from wavenet.audio import sources, tables
from wavenet.errors import SoundError


def names(source: sources.Source) -> list[str]:
    return [clip.name for clip in source.clips]


def test_our_table_names_everything_it_has_a_column_for(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "not_listed.wav", "b.wav", "flac/a.flac")
    table(
        tmp_path,
        "split,path,mood,speaker,label,text,prompt_id\n"
        'test,flac/a.flac,glad,ann,3,"Well, ""now"".",p7\n'
        "train,b.wav,,,,,\n",
    )
    found = sources.open_folder(tmp_path)
    assert found.layout == "metadata" and said == []
    first = sources.Clip(tmp_path / "flac/a.flac", "flac/a.flac", "ann", "3", 'Well, "now".', "p7", "test")
    assert found.clips == (sources.Clip(tmp_path / "b.wav", "b.wav", split="train"), first)


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
    assert sources.open_folder(tmp_path).clips[0].prompt == prompt


def test_a_table_may_name_missing_files_short_rows_and_doubles(tmp_path: Path) -> None:
    table(tmp_path, "speaker,path,label\nann,b.wav,1\nann,b.wav,2\nann\n\n,  ,3\nbob,a.wav\nann,c.wav,1,too,many\n")
    found = sources.open_folder(tmp_path)
    assert [(clip.name, clip.speaker, clip.label) for clip in found.clips] == [
        ("a.wav", "bob", None),
        ("b.wav", "ann", "1"),
        ("c.wav", "ann", "1"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_and_any_line_end_are_read(tmp_path: Path, encoding: str, newline: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(f"path,speaker{newline}é.wav,Zoë{newline}".encode(encoding))
    assert [(clip.name, clip.speaker) for clip in sources.open_folder(tmp_path).clips] == [("é.wav", "Zoë")]


def test_blanks_around_what_a_table_says_are_no_part_of_it(tmp_path: Path) -> None:
    table(tmp_path, 'path, speaker , label,"text"\na.wav, ann , "4", "Well, now."\n')
    clip = sources.open_folder(tmp_path).clips[0]
    assert (clip.name, clip.speaker, clip.label, clip.text) == ("a.wav", "ann", "4", "Well, now.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(touch(tmp_path, "a.wav") / "metadata.csv")
    assert sources.open_folder(tmp_path).layout == "folder"
    for layout in ("metadata", "ljspeech"):
        with pytest.raises(SoundError, match=r"metadata\.csv is missing"):
            sources.open_folder(tmp_path, layout)


@pytest.mark.parametrize(
    ("word", "split"),
    [
        *(("train", "train"), ("Training", "train"), ("VAL", "valid"), ("dev", "valid"), ("validation", "valid")),
        *(("valid", "valid"), (" test ", "test"), ("testing", "test"), ("eval", "test"), ("", None)),
    ],
)
def test_usual_words_for_splits_are_understood(tmp_path: Path, word: str, split: str | None) -> None:
    table(tmp_path, f"path,split\na.wav,{word}\n")
    assert sources.open_folder(tmp_path).clips[0].split == split


def test_an_unknown_split_is_one_sentence_with_the_word(tmp_path: Path) -> None:
    table(tmp_path, "path,split\na.wav,train\nb.wav,holdout\n")
    with pytest.raises(SoundError, match=r"metadata\.csv.*'holdout'.*train, valid or test"):
        sources.open_folder(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"file_name,speaker\na.wav,ann\n",
        b"c|some words|some words\n",
        b"",
        b"path,speaker\na.wav,Zo\xeb\n" * 5_000,  # Latin-1, noticed only far down
        "path,speaker\na.wav,ann\n".encode("utf-16"),
    ],
    ids=["other columns", "bars", "empty", "latin-1", "utf-16"],
)
def test_an_unknown_table_is_left_aside_with_a_warning_or_refused(
    tmp_path: Path, said: list[str], content: bytes
) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    (tmp_path / "metadata.csv").write_bytes(content)
    try:
        found = sources.open_folder(tmp_path)
    except SoundError as error:
        assert b"path" in content[:4] and "metadata.csv" in str(error) and "\n" not in str(error)
        return
    assert found.layout == "folder" and names(found) == ["a.wav", "b.wav"]
    assert len(said) == 1 and "metadata.csv" in said[0]


def test_a_table_without_rows_holds_no_sound(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match="holds no sound"):
        sources.open_folder(table(tmp_path, "path,speaker\n"))


def test_a_table_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"metadata\.csv.*path"):
        sources.open_folder(touch(tmp_path, "a.wav"), "metadata")


# --- LJSpeech --------------------------------------------------------------------------------------------------------


def texts(folder: Path) -> dict[str, str | None]:
    found = sources.open_folder(folder)
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
    assert "3 lines name no sound file, 1 name several; 3 files are kept without a text" in line


def test_of_two_files_of_one_name_that_in_wavs_is_meant(tmp_path: Path) -> None:
    root = layout_toys.ljspeech(tmp_path)
    touch(root, "wavs_22k/LJ001-0001.wav")
    told = texts(root)
    assert told["wavs/LJ001-0001.wav"] == 'He paid 0 pounds, "or so.' and told["wavs_22k/LJ001-0001.wav"] is None


def test_our_column_goes_before_lines_with_bars(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    table(tmp_path, "path,text\na.wav,one|two\n")
    assert sources.open_folder(tmp_path).layout == "metadata"


@pytest.mark.parametrize("content", [b"gone|words\n", b"a|Zo\xeb\n", b""], ids=["no id", "latin-1", "empty"])
def test_a_table_asked_for_as_ljspeech_must_be_one(tmp_path: Path, content: bytes) -> None:
    touch(tmp_path, "a.wav")
    (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(SoundError, match=r"metadata\.csv.*`id\|text`") as caught:
        sources.open_folder(tmp_path, "ljspeech")
    assert "\n" not in str(caught.value)


def test_a_table_two_folders_share_is_none(tmp_path: Path) -> None:
    layout_toys.ljspeech(tmp_path / "one")
    layout_toys.ljspeech(tmp_path / "two")
    found = sources.open_folder(tmp_path)
    assert found.layout == "folder" and len(found.clips) == 16
    assert tables.beside(tmp_path, [clip.path for clip in found.clips]) == tmp_path / "metadata.csv"
