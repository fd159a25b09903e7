"""A folder's layout is recognised by its names and table; every sound file in it becomes one clip, in order."""

from __future__ import annotations

import os
from pathlib import Path

import layout_toys
import pytest
from layout_toys import table, touch

from wavenet.audio import sources
from wavenet.audio.files import SUFFIXES
from wavenet.errors import SoundError
from wavenet.records import DataConfig


def names(source: sources.Source) -> list[str]:
    return [clip.name for clip in source.clips]


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


def test_a_folder_that_may_not_be_read_is_said(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.wav", "shut\n/b.wav", "open/c.wav")
    genuine = os.scandir

    def scandir(place: str | Path) -> object:  # root may read anything
        if "shut" in str(place):
            raise PermissionError(13, "Permission denied", str(place))
        return genuine(place)

    monkeypatch.setattr(os, "scandir", scandir)
    assert names(sources.open_folder(tmp_path)) == ["a.wav", "open/c.wav"]
    assert said == [f"the folder {tmp_path}/shut\\n is passed over: Permission denied"]


def test_a_folder_named_like_a_sound_is_entered_not_taken_for_one(tmp_path: Path) -> None:
    touch(tmp_path, "take.wav/a.wav")
    assert names(sources.open_folder(tmp_path)) == ["take.wav/a.wav"]


@pytest.mark.parametrize("make", ["nothing", "text", "missing", "file", "too long"])
def test_a_folder_without_sound_is_one_sentence_that_names_it(tmp_path: Path, make: str) -> None:
    place = tmp_path / "data"
    if make == "file":
        place.touch()
    elif make != "missing":
        touch(place, *(["read.me"] if make == "text" else [])).mkdir(exist_ok=True)
    if make == "too long":
        place = tmp_path / ("data" * 99)
    with pytest.raises(SoundError, match="data") as caught:
        sources.open_folder(place)
    assert "\n" not in str(caught.value)
    assert {"missing": "does not exist", "too long": "does not exist", "file": "is a file"}.get(
        make, "holds no sound"
    ) in str(caught.value)


# --- what is passed over ---------------------------------------------------------------------------------------------


def test_every_file_passed_over_is_told_once_whatever_the_layout(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "a.wav", "b.wav", "c.m4a", "d/e.m4a", ".f.wav")
    assert sources.open_folder(tmp_path).passed_over == {".m4a": 2, "hidden": 1}
    line = f"{tmp_path}: files of sound that are not read: 2 .m4a (convert: `ffmpeg -i IN.m4a OUT.wav`; first: c.m4a), "
    assert said == [line + "1 hidden by a dot (rename; first: .f.wav)"]
    table(tmp_path, "path\na.wav\n.f.wav\nc.m4a\n")  # named in a row: hidden sound is read, but no m4a
    assert sources.open_folder(tmp_path).passed_over == {".m4a": 2, "not in the data set": 1}
    assert len(said) == 3 and "sound files without a row, left out: 1 (first: b.wav)" in said[1]
    assert "2 .m4a" in said[2] and "hidden" not in said[2]


def test_a_folder_of_nothing_else_says_what_converts_it(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"no sound that can be read; it has 2 \.aac \(convert: `ffmpeg -i IN\.aac"):
        sources.open_folder(touch(tmp_path, "a.aac", "b.aac"))


def test_a_table_below_that_is_not_understood_is_told_and_the_names_of_files_are_gone_by(
    tmp_path: Path, said: list[str]
) -> None:
    root = layout_toys.vctk(tmp_path)
    table(root, "id;mood\n1;glad\n")
    assert sources.open_folder(tmp_path).layout == "vctk"
    assert "metadata.csv begins with `id;mood`" in said[0] and said[0].endswith("; it is left aside")


@pytest.mark.parametrize("name", ["metadata.jsonl", "labels.csv", "train/metadata.csv", "Metadata.xlsx"])
def test_a_table_of_another_name_or_place_is_told_where_the_folder_is_plain(
    tmp_path: Path, said: list[str], name: str
) -> None:
    touch(tmp_path, "train/a.wav", "test/b.wav", name)
    assert sources.open_folder(tmp_path).layout == "folder"
    assert len(said) == 1 and f"{name} is not read; a table of its files is metadata.csv" in said[0]
    assert sources.open_folder(tmp_path, "folder").layout == "folder" and len(said) == 1  # as was asked


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


# --- only some of it -------------------------------------------------------------------------------------------------


def found(folder: Path, **keys: object) -> list[sources.Clip]:
    return list(sources.find(DataConfig(1, path=str(folder), **keys)).clips)  # type: ignore[arg-type]


def test_only_clips_with_the_labels_asked_for_are_kept(tmp_path: Path, said: list[str]) -> None:
    root = layout_toys.speech_commands(tmp_path)
    assert {clip.label for clip in found(root)} == {"zero", "nine", "bed", "yes"}
    kept = found(root, labels=("zero", "one", "nine"))
    assert {clip.label for clip in kept} == {"zero", "nine"} and len(kept) == 16
    assert said == [f"{root} has nothing labelled one, which data.labels names"]


def test_labels_that_no_clip_has_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"data\.labels is one, two.*has bed, nine, yes, zero") as caught:
        found(layout_toys.speech_commands(tmp_path), labels=("one", "two"))
    assert "\n" not in str(caught.value)


def test_data_without_labels_are_kept_whole_with_a_warning(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    assert len(found(tmp_path, labels=("one",))) == 2
    assert len(said) == 1 and "data.labels is left aside" in said[0]


def test_one_microphone_is_kept_of_every_take_that_it_heard(tmp_path: Path) -> None:
    root = layout_toys.vctk(tmp_path)
    assert len(found(root)) == 29
    assert {clip.microphone for clip in found(root, microphone="mic1")} == {"mic1"}
    second = found(root, microphone="mic2")
    assert len(second) == len({clip.prompt for clip in second}) == 15  # one sentence was heard by the first alone
    assert [clip.prompt for clip in second if clip.microphone == "mic1"] == ["p226_005"]
    assert len(found(layout_toys.vctk_080(tmp_path), microphone="mic2")) == 10
