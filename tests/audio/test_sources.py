"""A folder's layout is recognised by its names and table; every sound file in it becomes one clip, in order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.audio import sources
from wavenet.audio.files import SUFFIXES
from wavenet.config import DataConfig
from wavenet.errors import SoundError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "metadata.csv").write_text(text, encoding=encoding)
    return folder


def names(source: sources.Source) -> list[str]:
    return [clip.name for clip in source.clips]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the warnings that are given from here on."""
    lines: list[str] = []
    monkeypatch.setattr(sources.log, "warning", lambda text, *rest: lines.append(text % rest))
    return lines


# --- a plain folder --------------------------------------------------------------------------------------------------


def test_sound_files_at_any_depth_are_found_in_the_order_of_their_names(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "b.wav", "a.flac", "deep/er/c.OGG", "deep/z.Wav", "notes.txt", "deep/cover.png", "wav", "a.wav.bak")
    found = sources.open_folder(tmp_path)
    assert (found.folder, found.layout, said) == (tmp_path, "folder", [])
    assert names(found) == ["a.flac", "b.wav", "deep/er/c.OGG", "deep/z.Wav"]
    assert [clip.path for clip in found.clips] == [tmp_path / name for name in names(found)]
    assert {clip.speaker or clip.label or clip.text or clip.prompt or clip.split for clip in found.clips} == {None}


def test_every_suffix_is_found_in_either_case(tmp_path: Path) -> None:
    touch(tmp_path, *(f"low{suffix}" for suffix in SUFFIXES), *(f"up{suffix.upper()}" for suffix in SUFFIXES))
    assert len(names(sources.open_folder(tmp_path))) == 2 * len(SUFFIXES)


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", ".a.tmp-7.wav", "._a.wav", ".hidden/b.wav", "open/.c.wav", "open/d.wav")
    assert names(sources.open_folder(tmp_path)) == ["a.wav", "open/d.wav"]


def test_a_folder_below_a_hidden_one_can_be_given(tmp_path: Path) -> None:
    touch(tmp_path, ".data/a.wav")
    assert names(sources.open_folder(tmp_path / ".data")) == ["a.wav"]


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.wav", "elsewhere/b.wav")
    (tmp_path / "real/up").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / "real/self").symlink_to("self")
    (tmp_path / "real/out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "real", target_is_directory=True)
    assert names(sources.open_folder(tmp_path / "real")) == ["a.wav", "out/b.wav"]


def test_a_folder_named_like_a_sound_is_entered_not_taken_for_one(tmp_path: Path) -> None:
    touch(tmp_path, "take.wav/a.wav")
    assert names(sources.open_folder(tmp_path)) == ["take.wav/a.wav"]


@pytest.mark.parametrize("make", ["nothing", "text", "missing", "file"])
def test_a_folder_without_sound_is_one_sentence_that_names_it(tmp_path: Path, make: str) -> None:
    place = tmp_path / "data"
    if make == "file":
        place.touch()
    elif make != "missing":
        touch(place, *(["read.me"] if make == "text" else [])).mkdir(exist_ok=True)
    with pytest.raises(SoundError, match="data") as caught:
        sources.open_folder(place)
    assert "\n" not in str(caught.value)
    assert {"missing": "does not exist", "file": "is a file"}.get(make, "holds no sound") in str(caught.value)


# --- by file name ----------------------------------------------------------------------------------------------------


def test_spoken_digits_are_known_by_their_names_and_split_by_take(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{digit}_{who}_{take}.wav" for digit in "07" for who in ("george", "Yu") for take in range(12)))
    found = sources.open_folder(tmp_path)
    assert found.layout == "fsdd" and len(found.clips) == 48
    for clip in found.clips:
        digit, who, take = clip.path.stem.split("_")
        split = "test" if int(take) < 5 else "valid" if int(take) < 10 else "train"
        assert (clip.label, clip.speaker, clip.split) == (digit, who, split)


@pytest.mark.parametrize(("others", "layout"), [(1, "fsdd"), (2, "folder")])
def test_nine_names_in_ten_make_the_layout(tmp_path: Path, said: list[str], others: int, layout: str) -> None:
    touch(tmp_path, *(f"{digit}_ann_0.wav" for digit in range(9)), *(f"other{i}.wav" for i in range(others)))
    found = sources.open_folder(tmp_path)
    assert found.layout == layout and len(found.clips) == (9 if layout == "fsdd" else 11)
    assert len(said) == (others if layout == "fsdd" else 0)


@given(st.from_regex(r"[0-9a-zA-Z_.-]{0,14}", fullmatch=True))
@settings(deadline=None, max_examples=100)
def test_only_digit_speaker_take_is_such_a_name(stem: str) -> None:
    parts = sources.fsdd_parts(f"some/folder/{stem}.wav")
    pieces = stem.split("_")
    fits = len(pieces) == 3 and all(pieces) and len(pieces[0]) == 1 and pieces[0].isdigit() and pieces[2].isdigit()
    assert (parts is not None) == fits
    if parts:
        assert parts == (pieces[0], pieces[1], int(pieces[2]))


@pytest.mark.parametrize("name", ["7_theo_12.wav", "deep/0_a_0.flac"])
def test_a_name_gives_label_speaker_and_take(name: str) -> None:
    digit, who, take = Path(name).stem.split("_")
    assert sources.fsdd_parts(name) == (digit, who, int(take))


# --- by table --------------------------------------------------------------------------------------------------------


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


# --- as the recipe says ----------------------------------------------------------------------------------------------


def test_the_recipe_may_name_the_layout(tmp_path: Path) -> None:
    touch(tmp_path, "1_ann_0.wav", "extra.wav")
    table(tmp_path, "path,speaker\n1_ann_0.wav,bob\n")
    speakers = {}
    for layout in ("auto", "metadata", "fsdd", "folder"):
        found = sources.open_folder(tmp_path, layout)
        assert found.layout == (layout if layout != "auto" else "metadata")
        speakers[layout] = [clip.speaker for clip in found.clips]
    assert speakers == {"auto": ["bob"], "metadata": ["bob"], "fsdd": ["ann"], "folder": [None, None]}


def test_a_table_that_is_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"metadata\.csv.*path"):
        sources.open_folder(touch(tmp_path, "a.wav"), "metadata")


def test_the_folder_comes_from_the_recipe(tmp_path: Path) -> None:
    touch(tmp_path, "1_ann_0.wav")
    assert sources.find(DataConfig(1, path=str(tmp_path))).layout == "fsdd"
    assert sources.find(DataConfig(1, source="folder", path=str(tmp_path))).layout == "folder"
    with pytest.raises(SoundError, match="--data DIR"):
        sources.find(DataConfig(1))
    with pytest.raises(SoundError, match=r"`wavenet data fetch vctk`, or give one with --data DIR"):
        sources.find(DataConfig(1, fetch="vctk"))


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_a_name_that_is_no_text_is_still_a_clip(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav")).touch()
    assert len(sources.open_folder(tmp_path).clips) == 1
