"""What a data set says in the names of its files becomes speakers, labels and splits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import layout_toys
import pytest
import toys
from hypothesis import example, given, settings
from hypothesis import strategies as st
from layout_toys import touch

from wavenet.audio import folders, layouts, splits
from wavenet.errors import SoundError
from wavenet.recipe.records import SplitConfig


def test_spoken_digits_are_known_by_their_names_and_split_by_take(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{digit}_{who}_{take}.wav" for digit in "07" for who in ("george", "Yu") for take in range(12)))
    found = folders.open_folder(tmp_path)
    assert found.layout == "fsdd" and len(found.clips) == 48
    for clip in found.clips:
        digit, who, take = clip.path.stem.split("_")
        split = "test" if int(take) < 5 else "valid" if int(take) < 10 else "train"
        assert (clip.label, clip.speaker, clip.split) == (digit, who, split)


@pytest.mark.parametrize(("others", "layout"), [(1, "fsdd"), (2, "folder")])
def test_nine_names_in_ten_make_the_layout(tmp_path: Path, said: list[str], others: int, layout: str) -> None:
    touch(tmp_path, *(f"{digit}_theo_10.wav" for digit in range(9)), *(f"other{i}.wav" for i in range(others)))
    found = folders.open_folder(tmp_path)
    assert found.layout == layout and len(found.clips) == (9 if layout == "fsdd" else 11)
    assert len(said) == (others if layout == "fsdd" else 0)


def test_drums_in_numbered_slots_are_no_spoken_digits(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, *(f"{slot}_{drum}_{hit}.wav" for slot, drum in ((1, "kick"), (2, "snare")) for hit in range(1, 5)))
    found = folders.open_folder(tmp_path)
    assert found.layout == "folder" and {(clip.label, clip.speaker, clip.split) for clip in found.clips} == {
        (None,) * 3
    }
    (line,) = said
    assert line.startswith("the names of 8 files look like DIGIT_SPEAKER_TAKE") and "--set data.source=fsdd" in line
    asked = folders.open_folder(tmp_path, "fsdd")
    assert {clip.speaker for clip in asked.clips} == {"kick", "snare"}


def test_held_out_takes_alone_are_divided_anew_and_told(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, *(f"{digit}_theo_{take}.wav" for digit in range(10) for take in range(6)))
    clips = folders.open_folder(tmp_path).clips
    assert {(clip.speaker, clip.split) for clip in clips} == {("theo", None)} and len(clips) == 60
    assert said == [
        "the splits of the Free Spoken Digit Dataset hold out all files that are here (50 for test, 10 for valid), so "
        "they are divided again, as with --set data.split.by=file"
    ]
    spans = splits.divide(clips, [5_000] * 60, SplitConfig(), 100)
    assert [len(spans[name]) for name in ("train", "valid", "test")] == [54, 3, 3]


def test_one_part_of_libritts_that_others_hold_out_can_be_trained_on(tmp_path: Path, said: list[str]) -> None:
    root = layout_toys.libritts(tmp_path)
    clips = folders.open_folder(root / "dev-clean").clips
    assert len(clips) == 3 and {(clip.speaker, clip.split) for clip in clips} == {("84", None)}
    assert len(said) == 1 and "3 for valid" in said[0]


@given(st.text("0123456789aZ_.-", max_size=14))
@example("7_theo_12")
@example("7__12")
@settings(deadline=None, max_examples=100)
def test_only_digit_speaker_take_is_such_a_name(stem: str) -> None:
    match = layouts.FSDD.search(f"some/folder/{stem}")
    pieces = stem.split("_")
    fits = len(pieces) == 3 and all(pieces) and len(pieces[0]) == 1 and pieces[0].isdigit() and pieces[2].isdigit()
    assert (None if match is None else [*match.groups()]) == (pieces if fits else None)


def takes(digits: Iterable[object], speakers: Iterable[str], count: int) -> list[str]:
    speakers = list(speakers)
    return [f"{digit}_{who}_{take}" for digit in digits for who in speakers for take in range(count)]


@pytest.mark.parametrize(
    ("names", "digits"),
    [
        (takes([7], ["theo"], 1), True),  # a single file of the data set
        (takes("01", ["George", "Yu"], 12), True),  # with a speaker of one's own
        (takes(range(10), ["american", "british", "female"], 8), True),
        (takes(range(10), ["me"], 2), True),
        (takes(range(10), ["ann", "bob"], 5)[3:], True),
        (["1_kick_1", "1_kick_2", "2_snare_1"], False),  # two of the ten digits
        (takes(range(1, 10), ["kick", "snare"], 9), False),
        ([f"{slot}_drum{slot}_{hit}" for slot in range(10) for hit in range(9)], False),  # one digit each
        (takes(range(10), ["loop"], 1), False),  # said once
    ],
)
def test_spoken_digits_are_told_from_drums_by_who_says_which(names: list[str], digits: bool) -> None:
    assert layouts.spoken_digits([match for match in map(layouts.FSDD.search, names) if match]) == digits


@given(st.sets(st.sampled_from("abcdefgh"), min_size=1), st.sets(st.integers(0, 9), min_size=1), st.integers(1, 4))
def test_a_name_that_belongs_to_one_slot_is_never_a_speaker(drums: set[str], slots: set[int], hits: int) -> None:
    pairs = zip(sorted(slots), sorted(drums) * 10, strict=False)
    names = [f"{slot}_{drum}_{hit}" for slot, drum in pairs for hit in range(hits)]
    if len({name.split("_")[1] for name in names}) > 1 or len(slots) < 10:
        assert not layouts.spoken_digits([match for match in map(layouts.FSDD.search, names) if match])


def test_takes_divide_spoken_digits_alone() -> None:
    assert layouts.fsdd_splits(["flac/7_theo_12.flac", "0_a.b_7.wav", "1_theo_3.wav"]) == ["train", "valid", "train"]
    for names in (["7_theo_12", "7_theo_7", "other"], ["1_kick_12", "1_kick_7"], ["7_theo_7"], ["7_theo_12"], []):
        assert layouts.fsdd_splits([f"{name}.wav" for name in names]) is None


# --- data sets as they are unpacked ----------------------------------------------------------------------------------


def clips_of(folder: Path, name: str = "auto") -> dict[str, folders.Clip]:
    return {clip.name: clip for clip in folders.open_folder(folder, name).clips}


@pytest.mark.parametrize("name", layout_toys.MAKERS)
def test_a_data_set_is_known_by_its_folder_its_parent_and_its_name(name: str, tmp_path: Path) -> None:
    root = layout_toys.MAKERS[name](tmp_path)
    found = folders.open_folder(root)
    assert found.layout == name and found.folder == root and len(found.clips) >= 8
    assert folders.open_folder(root, name) == found
    above = folders.open_folder(tmp_path)
    if name == "fsdd":  # its files are known anywhere, whatever folders they lie in
        above = folders.Source(
            root, name, tuple(replace(c, name=c.path.relative_to(root).as_posix()) for c in above.clips)
        )
    assert above == found
    assert all(clip.path == root / clip.name and clip.path.is_file() for clip in found.clips)


def test_a_relative_folder_is_read_like_an_absolute_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = clips_of(layout_toys.vctk(tmp_path))
    monkeypatch.chdir(tmp_path / "VCTK-Corpus-0.92")
    assert clips_of(Path()) == whole
    below = folders.open_folder(Path("wav48_silence_trimmed")).clips
    assert [replace(clip, name=f"wav48_silence_trimmed/{clip.name}") for clip in below] == list(whole.values())


@pytest.mark.parametrize("name", [name for name in layout_toys.MAKERS if name != "metadata"])
def test_a_layout_that_does_not_fit_is_one_sentence(name: str, tmp_path: Path) -> None:
    toys.write_sounds(tmp_path, 2)
    with pytest.raises(SoundError, match=r"set data\.source to auto|write lines `id\|text`") as caught:
        folders.open_folder(tmp_path, name)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", layout_toys.MAKERS)
def test_a_folder_without_sound_is_that_whatever_it_is_read_as(name: str, tmp_path: Path) -> None:
    expected = "metadata.csv is missing" if name == "metadata" else "holds no sound"
    with pytest.raises(SoundError, match=expected):
        folders.open_folder(tmp_path, name)


def test_two_copies_in_one_folder_are_named_from_there(tmp_path: Path) -> None:
    layout_toys.vctk(tmp_path)
    layout_toys.vctk_080(tmp_path)
    found = folders.open_folder(tmp_path)
    assert found.layout == "vctk" and found.folder == tmp_path and len(found.clips) == 29 + 10
    assert found.clips[0].name == "VCTK-Corpus-0.92/wav48_silence_trimmed/p225/p225_001_mic1.flac"
    assert found.clips[-1].name == "VCTK-Corpus/wav48/p226/p226_005.wav"


def test_files_of_other_names_are_counted_in_one_warning(tmp_path: Path, said: list[str]) -> None:
    root = layout_toys.yesno(tmp_path)
    touch(root, "0_1.wav", "notes.wav")
    assert len(clips_of(root, "yesno")) == 10
    assert len(said) == 1 and "0_1.wav" in said[0] and "and 1 more" in said[0]


def test_vctk_has_a_speaker_and_a_prompt_for_both_microphones(tmp_path: Path, said: list[str]) -> None:
    clips = clips_of(layout_toys.vctk(tmp_path))
    assert len(clips) == 29 and said == []
    for mic in ("mic1", "mic2"):
        clip = clips[f"wav48_silence_trimmed/p225/p225_002_{mic}.flac"]
        assert (clip.speaker, clip.prompt, clip.microphone) == ("p225", "p225_002", mic)
        assert (clip.label, clip.text, clip.split) == (None, None, None)
    assert len([clip for clip in clips.values() if clip.speaker == "s5"]) == 10
    older = clips_of(layout_toys.vctk_080(tmp_path))  # which has one microphone, and does not name it
    assert len(older) == 10 and said == []
    clip = older["wav48/p226/p226_003.wav"]
    assert (clip.speaker, clip.prompt, clip.microphone) == ("p226", "p226_003", None)


def test_a_speaker_at_the_root_of_a_disk_is_read() -> None:
    home, clips = layouts.named(Path("/p225"), "vctk", [Path("/p225/p225_001.wav")])
    assert home == Path("/p225") and [clip.name for clip in clips] == ["p225_001.wav"]


def test_speech_commands_follow_their_lists(tmp_path: Path, said: list[str]) -> None:
    clips = clips_of(layout_toys.speech_commands(tmp_path))
    assert sorted(clips) == sorted(layout_toys.COMMANDS) and said == []  # less the background noise
    own = {"b83c1acf": "valid", "c1d39ce8": "test"}
    for name, clip in clips.items():
        word, _, file = name.partition("/")
        who = file.partition("_")[0]
        assert (clip.label, clip.speaker, clip.split) == (word, who, own.get(who, "train"))
        clip.path.rename(clip.path.with_suffix(".flac"))  # in another format they follow them too
    assert {clip.split for clip in clips_of(tmp_path).values()} == {"train", "valid", "test"} and said == []
    one_word = clips_of(tmp_path / "speech_commands_v0.02" / "zero")
    assert len(one_word) == 8 and one_word["b83c1acf_nohash_1.flac"].split == "valid"


def test_a_list_may_name_what_is_not_there_but_must_be_text(tmp_path: Path, said: list[str]) -> None:
    root = touch(tmp_path, "yes/ab_nohash_0.wav", "no/ab_nohash_0.wav", "testing_list.txt")
    layout_toys.write(root / "validation_list.txt", "happy/a_nohash_0.wav\nhappy/b_nohash_0.wav\n\nno/ab_nohash_0.wav")
    assert [clip.split for clip in clips_of(root).values()] == ["valid", "train"]
    assert len(said) == 1 and "a_nohash_0.wav" in said[0] and "and 1 more" in said[0]
    (root / "testing_list.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(SoundError, match=r"testing_list\.txt cannot be read as text.*get it again") as caught:
        folders.open_folder(root)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("whose", [("ann", "bob"), ("1", "2"), ("my_voice", "yours_2")])
def test_other_words_recorded_as_speech_commands_are_known(tmp_path: Path, whose: tuple[str, str]) -> None:
    touch(tmp_path, *(f"{word}/{who}_nohash_{i}.wav" for word in ("hello", "7") for who in whose for i in range(5)))
    found = folders.open_folder(tmp_path)
    assert found.layout == "speech_commands" and found.folder == tmp_path
    assert {(clip.label, clip.speaker) for clip in found.clips} == {(w, who) for w in ("hello", "7") for who in whose}


def test_the_lists_beside_words_are_evidence_enough(tmp_path: Path, said: list[str]) -> None:
    names = [f"{word}/{i:03}.wav" for word in ("hello", "bye") for i in range(10)]
    touch(tmp_path / "words", *names, "_background_noise_/hum.wav")
    for home in (tmp_path, tmp_path / "words"):
        plain = folders.open_folder(home)
        assert plain.layout == "folder"
    for name, number in (("validation_list.txt", 1), ("testing_list.txt", 2)):
        layout_toys.write(tmp_path / "words" / name, f"hello/00{number}.wav\nbye/00{number}.wav\n")
    for home in (tmp_path, tmp_path / "words"):
        found = folders.open_folder(home)
        assert (found.layout, found.folder) == ("speech_commands", tmp_path / "words")
        assert [clip.name for clip in found.clips] == sorted(names) and {clip.speaker for clip in found.clips} == {None}
        own = {"1": "valid", "2": "test"}
        assert all(clip.split == own.get(clip.path.stem[2], "train") for clip in found.clips)
        assert {clip.label for clip in found.clips} == {"hello", "bye"}
    assert said == []


def test_words_of_any_file_names_are_read_where_they_are_asked_for(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "hello/a.wav", "bye/b.wav", "lost.wav")
    assert {(clip.name, clip.label) for clip in clips_of(tmp_path, "speech_commands").values()} == {
        ("hello/a.wav", "hello"),
        ("bye/b.wav", "bye"),
    }
    assert [line for line in said if "lost.wav (not named" in line]


def test_folders_are_labels_where_all_sound_lies_right_in_one_of_them(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{drum}/{i}.wav" for drum in ("kick", "snare") for i in range(3)))
    assert {(clip.name, clip.label) for clip in clips_of(tmp_path).values()} == {
        (f"{drum}/{i}.wav", drum) for drum in ("kick", "snare") for i in range(3)
    }
    assert {clip.label for clip in clips_of(tmp_path / "kick").values()} == {None}
    touch(tmp_path, "kick/more/a.wav")
    assert {clip.label for clip in clips_of(tmp_path).values()} == {None}


@pytest.mark.parametrize(
    "missing", [["testing_list.txt"], ["validation_list.txt"], ["testing_list.txt", "validation_list.txt"]]
)
def test_a_missing_list_is_a_warning_and_loses_nothing(tmp_path: Path, said: list[str], missing: list[str]) -> None:
    root = layout_toys.speech_commands(tmp_path)
    for name in missing:
        (root / name).unlink()
    clips = clips_of(root)
    assert len(clips) == len(layout_toys.COMMANDS)
    assert len(said) == 1 and all(name in said[0] for name in missing)
    assert ("the other list" in said[0]) == (len(missing) == 1)
    expected = {"train", "valid", "test"} - {layouts.LISTS[name] for name in missing} if len(missing) == 1 else {None}
    assert {clip.split for clip in clips.values()} == expected


def test_yes_and_no_are_in_the_names(tmp_path: Path) -> None:
    clips = clips_of(layout_toys.yesno(tmp_path))
    clip = clips["0_0_0_1_1_0_1_0.wav"]
    assert (clip.label, clip.text) == ("0_0_0_1_1_0_1_0", "no no no yes yes no yes no")
    assert len(clips) == 10 and {clip.split for clip in clips.values()} == {None}


def test_libritts_is_split_by_its_folders(tmp_path: Path, said: list[str]) -> None:
    root = layout_toys.libritts(tmp_path)
    clips = clips_of(root)
    assert len(clips) == 12 and said == []
    clip = clips["dev-clean/84/121123/84_121123_000001_000000.wav"]
    assert (clip.speaker, clip.text, clip.split) == ("84", None, "valid")
    for name, clip in clips.items():
        assert clip.split == {"tr": "train", "de": "valid", "te": "test"}[name[:2]]
    part = clips_of(root / "train-other-500")
    assert len(part) == 3 and {(clip.speaker, clip.split) for clip in part.values()} == {("20", "train")}
