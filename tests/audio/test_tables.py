"""What a table beside the sound says becomes speakers, labels, texts, prompts and splits."""

from __future__ import annotations

from pathlib import Path

import pytest
from layout_toys import table, touch

from wavenet.audio import sources
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
        b"a|some words|some words\n",
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
