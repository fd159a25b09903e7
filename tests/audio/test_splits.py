"""Held-out sound is never trained on: files, speakers and prompts stay whole, and the same data divide the same way."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavenet.audio import splits
from wavenet.audio.layouts import Clip
from wavenet.audio.splits import Span, Splits, divide
from wavenet.errors import SoundError
from wavenet.recipe.records import SplitConfig

R = 100  # the receptive field
sweep = settings(deadline=None, max_examples=100)
percents = st.tuples(st.floats(0.1, 40.0), st.just(0.0) | st.floats(0.001, 40.0))


def clip(name: str, **fields: str | None) -> Clip:
    return Clip(Path(name), name, **fields)


def plain(count: int, first: int = 0) -> list[Clip]:
    return [clip(f"sound{i}.wav") for i in range(first, first + count)]


def named(clips: list[Clip], rule: SplitConfig | None = None, lengths: Iterable[int] | None = None) -> dict[str, str]:
    """Return the split of every file's name, each being whole in one split."""
    lengths = list(lengths or range(1_000, 1_000 + len(clips)))
    divided = divide(clips, lengths, rule or SplitConfig(), R)
    assert set(divided) == {"train", "valid", "test"}
    spans = [span for name in divided for span in divided[name]]
    whole = [Span(i, 0, length) for i, length in enumerate(lengths)]
    assert sorted(spans, key=lambda span: span.clip) == whole
    assert all(spans == sorted(spans, key=lambda span: span.clip) for spans in divided.values())
    return {clips[span.clip].name: name for name in divided for span in divided[name]}


def groups(split: dict[str, str], clips: list[Clip], field: str) -> dict[str, set[str]]:
    """Return the speakers, or prompts, of every split."""
    found: dict[str, set[str]] = {"train": set(), "valid": set(), "test": set()}
    for one in clips:
        found[split[one.name]].add(getattr(one, field))
    return found


def disjoint(found: dict[str, set[str]]) -> bool:
    return sum(map(len, found.values())) == len(set.union(*found.values()))


# --- the data's own column -------------------------------------------------------------------------------------------


def test_the_data_s_own_column_is_followed() -> None:
    own = ["train", "valid", "test", None, "train", "valid"]
    clips = [clip(f"{i}.wav", split=split) for i, split in enumerate(own)]
    assert list(named(clips).values()) == ["train", "train", "train", "valid", "valid", "test"]
    assert named(clips) == {f"{i}.wav": split or "train" for i, split in enumerate(own)}


def test_a_rule_of_the_recipe_goes_before_the_column() -> None:
    clips = [clip(f"{i}.wav", split="train" if i else "valid", speaker=f"s{i % 9}") for i in range(90)]
    assert disjoint(groups(named(clips, SplitConfig(by="speaker")), clips, "speaker"))
    assert named(clips, SplitConfig(by="file")) == named([clip(one.name) for one in clips])


def test_digits_without_a_valid_split_take_five_to_nine() -> None:
    takes = [(digit, who, take) for digit in range(3) for who in ("theo", "bob") for take in range(15)]
    clips = [clip(f"flac/{d}_{w}_{t}.flac", split="test" if t < 5 else "train") for d, w, t in takes]
    expected = {
        one.name: "test" if t < 5 else "valid" if t < 10 else "train"
        for one, (_, _, t) in zip(clips, takes, strict=True)
    }
    assert named(clips) == expected


def test_drums_in_slots_without_a_valid_split_are_divided_by_name() -> None:
    clips = [clip(f"{slot}_kick_{hit}.wav", split="train") for slot in (1, 2) for hit in range(20)]
    values = named(clips)
    assert list(values.values()).count("valid") == 2
    assert {int(name.split("_")[2][:-4]) for name in values if values[name] == "valid"} != set(range(5, 10))


def test_without_a_valid_split_one_is_cut_from_train_and_test_is_left_alone() -> None:
    clips = [clip(f"{i}.wav", split="test" if i < 20 else "train") for i in range(400)]
    split = named(clips)
    assert {name for name in split if split[name] == "test"} == {f"{i}.wav" for i in range(20)}
    assert 5 <= sum(name == "valid" for name in split.values()) <= 40


def test_a_valid_split_that_is_cut_takes_whole_prompts() -> None:
    clips = [clip(f"{i}.wav", prompt=f"p{i // 2}", split="train") for i in range(200)]
    found = groups(named(clips), clips, "prompt")
    assert found["valid"] and not found["test"] and disjoint(found)


def test_a_column_without_train_is_an_error() -> None:
    with pytest.raises(SoundError, match=r"the train split \(the data have 9 for test.*--set data\.split\.by=file"):
        named([clip(f"{i}.wav", split="test") for i in range(9)])


# --- by a hash -------------------------------------------------------------------------------------------------------


def test_the_shares_are_those_of_the_recipe() -> None:
    values = list(named(plain(4_000), SplitConfig(valid_percent=10.0, test_percent=20.0)).values())
    assert values.count("valid") == pytest.approx(400, abs=80)
    assert values.count("test") == pytest.approx(800, abs=110)
    assert "test" not in named(plain(500), SplitConfig(test_percent=0.0)).values()
    rare = list(named(plain(500), SplitConfig(valid_percent=0.01, test_percent=0.01)).values())
    assert rare.count("valid") == rare.count("test") == 1  # never none


@given(st.integers(5, 199), st.integers(0, 999), percents)
@example(count=80, first=0, percent=(5.0, 5.0))
@example(count=5, first=0, percent=(0.1, 0.1))
@sweep
def test_small_sets_have_the_very_shares_asked_for(count: int, first: int, percent: tuple[float, float]) -> None:
    rule = SplitConfig(valid_percent=percent[0], test_percent=percent[1])
    values = list(named(plain(count, first), rule).values())
    for name, share in zip(("valid", "test"), percent, strict=True):
        asked = count * share / 100
        assert abs(values.count(name) - asked) <= 0.5 or (values.count(name) == 1 and 0 < asked < 1)
        assert values.count(name) > 0 or share == 0
    assert "train" in values


@given(st.integers(5, 198), st.integers(0, 999))
@sweep
def test_a_file_added_to_a_small_set_moves_few(count: int, first: int) -> None:
    before, after = named(plain(count, first)), named(plain(count + 1, first))
    assert sum(after[name] != split for name, split in before.items()) <= 3


def test_added_files_move_no_other_file() -> None:
    before, after = named(plain(300)), named(plain(900)[::-1])
    assert before == {name: after[name] for name in before}


def test_neither_order_nor_length_nor_place_moves_a_file() -> None:
    clips = plain(100)
    elsewhere = [Clip(Path("/other") / one.name, one.name) for one in clips[::-1]]
    assert named(clips) == named(elsewhere, lengths=range(50, 150))


def test_the_division_of_these_names_is_for_ever() -> None:
    split = named(plain(60))
    assert {name for name in split if split[name] == "test"} == {"sound22.wav", "sound40.wav", "sound44.wav"}
    assert {name for name in split if split[name] == "valid"} == {"sound18.wav", "sound31.wav", "sound38.wav"}
    many = named(plain(400))
    for name, split in many.items():  # from 200 on, by the hash alone
        at = int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) / 16**12
        assert split == ("test" if at < 0.05 else "valid" if at < 0.1 else "train")


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_names_that_are_no_text_are_divided_too() -> None:
    assert len(named([clip(f"\udcff{i}.wav") for i in range(9)])) == 9


# --- by speaker or prompt --------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60), percents, st.sampled_from(["speaker", "prompt"]))
@example(whose=[0, 1, 2, 3] * 2, percent=(40.0, 40.0), by="speaker")
@example(whose=[0, 1, 2] * 3, percent=(20.0, 20.0), by="prompt")
@sweep
def test_no_speaker_and_no_prompt_is_in_two_splits(whose: list[int], percent: tuple[float, float], by: str) -> None:
    clips = [clip(f"{i}.wav", **{by: f"name {who}"}) for i, who in enumerate(whose)]
    rule = SplitConfig(by=by, valid_percent=percent[0], test_percent=percent[1])
    needed = 3 if percent[1] > 0 else 2
    if len(set(whose)) < needed:
        with pytest.raises(SoundError, match=f"by is {by}"):
            named(clips, rule)
        return
    found = groups(named(clips, rule), clips, by)
    assert disjoint(found)
    assert found["train"] and found["valid"] and bool(found["test"]) == (percent[1] > 0)


@pytest.mark.parametrize("by", ["prompt", "auto"])
def test_two_takes_of_one_prompt_stay_together(by: str) -> None:
    clips = [clip(f"{prompt}_take{take}.wav", prompt=prompt) for prompt in map(str, range(80)) for take in (1, 2)]
    found = groups(named(clips, SplitConfig(by=by)), clips, "prompt")
    assert disjoint(found) and found["valid"] and found["test"]


def test_added_takes_follow_their_speaker() -> None:
    few = [clip(f"{who}_{i}.wav", speaker=f"s{who}") for who in range(200) for i in range(2)]
    more = [clip(f"{who}_{i}.wav", speaker=f"s{who}") for who in range(260) for i in range(5)]
    before, after = named(few, SplitConfig(by="speaker")), named(more, SplitConfig(by="speaker"))
    assert before == {name: after[name] for name in before}


@pytest.mark.parametrize("by", ["speaker", "prompt"])
def test_data_that_name_no_group_are_one_sentence(by: str) -> None:
    clips = [clip(f"{i}.wav", speaker="ann", prompt="p") for i in range(9)]
    with pytest.raises(SoundError, match=rf"no {by} is known for 9\.wav"):
        named([*clips, clip("9.wav")], SplitConfig(by=by))


@given(st.integers(1, 30), st.sampled_from(["auto", "file", "prompt", "speaker"]), st.booleans())
@sweep
def test_both_microphones_of_a_sentence_stay_in_one_split(count: int, by: str, third: bool) -> None:
    mics = ("mic1", "mic2", "mic3") if third else ("mic1", "mic2")
    clips = [
        clip(f"p{i % 7}_{i:03}_{mic}.flac", prompt=f"p{i % 7}_{i:03}", speaker=f"p{i % 7}", microphone=mic)
        for i in range(count)
        for mic in mics
    ]
    lengths = [3_000 + 10 * (i // len(mics)) for i in range(len(clips))]
    try:
        divided = divide(clips, lengths, SplitConfig(by=by), R)
    except SoundError as error:
        assert by in ("prompt", "speaker") and " group" in str(error) and count < 3
        return
    ends: dict[str, dict[str | None, int]] = {"train": {}, "valid": {}, "test": {}}
    for name in divided:
        for span in divided[name]:
            ends[name][clips[span.clip].prompt] = max(span.last, ends[name].get(clips[span.clip].prompt, 0))
    assert not ends["test"].keys() & (ends["train"].keys() | ends["valid"].keys())
    for prompt in ends["train"].keys() & ends["valid"].keys():  # few files: divided in time, for every microphone
        assert count < 5 and by in ("auto", "file")
        (held,) = (span for span in divided["valid"] if clips[span.clip].prompt == prompt)
        assert ends["train"][prompt] == held.first - R


def test_few_prompts_of_many_files_are_divided_by_file() -> None:
    clips = [clip(f"{i}.wav", prompt=f"p{i % 4}") for i in range(40)]
    assert named(clips) == named([clip(one.name) for one in clips])


# --- one take in several files ---------------------------------------------------------------------------------------

SPELLINGS = st.sampled_from(["{}.wav", "{}.WAV", "{}.mp3", "{}.wav.flac", "{}.Opus"])
FOLDERS = st.sampled_from(["{}/", "{}\\", "./{}/", "wav/{}/", "{}/MP3/"])


@given(st.integers(1, 300), st.lists(st.tuples(SPELLINGS, FOLDERS, st.booleans()), min_size=1, max_size=3), st.data())
@sweep
def test_files_of_one_take_stay_in_one_split_however_they_are_spelled(
    count: int, spelled: list[tuple[str, str, bool]], data: st.DataObject
) -> None:
    by = data.draw(st.sampled_from(["auto", "file"]))
    names: dict[str, int] = {}
    for take in range(count):
        for suffix, folder, composed in spelled:
            word = unicodedata.normalize("NFC" if composed else "NFD", f"Näh {take}")
            names.setdefault(folder.format("Lied") + suffix.format(word if composed else word.upper()), take)
    clips = [clip(name, prompt=data.draw(st.sampled_from([None, "p1", "p2"])) if count < 9 else None) for name in names]
    divided = divide(clips, [5_000] * len(clips), SplitConfig(by=by), R)
    found: dict[int, set[str]] = {}
    for split, spans in divided.items():
        for span in spans:
            found.setdefault(names[clips[span.clip].name], set()).add(split)
    torn = [split for split in found.values() if len(split) > 1]
    assert torn == ([] if count >= 5 else [{"train", "valid"}])  # few takes are divided in time


def test_a_take_in_two_formats_is_one_of_few(tmp_path: Path) -> None:
    clips = [clip(f"a{i}{suffix}") for i in range(4) for suffix in (".wav", ".mp3")]
    divided = divide(clips, [5_000 + i for i in range(8)], SplitConfig(), R)
    (held,) = divided["valid"]
    assert held == Span(7, 5_007 - 250, 5_007)
    assert [span.last for span in divided["train"]][-2:] == [held.first - R] * 2  # the other format is cut there too


def test_a_second_format_does_not_move_a_take_that_stands_alone() -> None:
    clips = plain(300)
    before, after = named(clips), named([*clips, clip("sound7.wv.wav"), clip("sound9.WAVE")])
    assert {name: after[name] for name in before if name != "sound9.wav"} == {
        name: split for name, split in before.items() if name != "sound9.wav"
    }
    assert after["sound9.wav"] == after["sound9.WAVE"]


def test_files_that_share_takes_and_prompts_all_stay_together() -> None:
    clips = [clip(f"{i}.wav", prompt=f"p{i}") for i in range(60)]
    clips += [clip(f"{i}.flac", prompt=f"p{i + 1}") for i in range(0, 58, 2)]  # pairs of prompts hang together
    split = named(clips)
    for i in range(0, 58, 2):
        assert split[f"{i}.wav"] == split[f"{i}.flac"] == split[f"{i + 1}.wav"]


# --- what is told ----------------------------------------------------------------------------------------------------


def doubts(clips: list[Clip], rule: SplitConfig | None = None, layout: str = "libritts") -> list[str]:
    rule = rule or SplitConfig()
    return splits.warnings(clips, divide(clips, [5_000] * len(clips), rule, R), rule, layout)


def test_splits_as_one_expects_need_no_word() -> None:
    for count in (1, 3, 5, 80, 400):
        assert doubts(plain(count)) == []
    own = [clip(f"{i}.wav", split=split) for i, split in enumerate(["train"] * 8 + ["valid", "test"])]
    assert doubts(own) == [] and doubts(own, SplitConfig(by="file")) == []
    assert doubts(plain(80), SplitConfig(valid_percent=30, test_percent=30)) == []  # as it was asked for


def test_more_held_out_than_trained_on_is_told_with_the_way_out() -> None:
    own = [clip(f"{i}.wav", split=split) for i, split in enumerate(["train"] * 2 + ["valid"] * 2 + ["test"] * 3)]
    remedy = "; --set data.split.by=file divides by a hash of the names"
    whose = "the splits of layout libritts"
    assert doubts(own) == [f"{whose} hold out more than half of the files (train 2, valid 2, test 3){remedy}"]
    speakers = [clip(f"{i}.wav", speaker=f"s{i % 3}") for i in range(9)]
    told = f"splits by speaker hold out more than half of the files (train 3, valid 3, test 3){remedy}"
    assert doubts(speakers, SplitConfig(by="speaker")) == [told]
    nothing = [clip(f"{i}.wav", split=split) for i, split in enumerate(["train"] * 3 + ["valid"])]
    assert doubts(nothing) == [f"{whose} leave nothing for test (train 3, valid 1, test 0){remedy}"]
    assert doubts(nothing, layout="metadata") == []


def test_a_column_that_parts_a_take_is_told() -> None:
    own = [clip(f"{i}.wav", split="test" if i == 1 else "valid" if i == 2 else None) for i in range(9)]
    told = doubts([*own, clip("1.MP3"), clip("3.mp3")])
    assert told == [
        "1 take has files in several splits, so that scores look too good: 1.wav (test) and 1.MP3 (train); give them "
        "one split"
    ]


# --- in time ---------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(1, 5_000), min_size=1, max_size=4), st.integers(1, 2_000), st.sampled_from(["auto", "file"])
)
@example(lengths=[102], field=100, by="auto")
@example(lengths=[101], field=100, by="auto")
@sweep
def test_few_files_are_divided_in_time_behind_a_gap(lengths: list[int], field: int, by: str) -> None:
    longest = max(lengths)
    held = max(1, round(0.05 * longest))
    try:
        divided = divide(plain(len(lengths)), lengths, SplitConfig(by=by), field)
    except SoundError as error:
        assert longest < held + field + 1 and f"{longest:,}" in str(error) and "\n" not in str(error)
        return
    in_time(divided, lengths, field, held)


def in_time(divided: Splits, lengths: list[int], field: int, held: int) -> None:
    (valid,) = divided["valid"]
    assert divided["test"] == [] and lengths[valid.clip] == max(lengths)
    assert (valid.first, valid.last) == (max(lengths) - held, max(lengths))
    (beside,) = [span for span in divided["train"] if span.clip == valid.clip]
    assert beside.first == 0 < beside.last == valid.first - field  # the first held-out context begins right behind
    others = [span for span in divided["train"] if span.clip != valid.clip]
    assert others == [Span(i, 0, length) for i, length in enumerate(lengths) if i != valid.clip]


def test_five_files_are_divided_by_file() -> None:
    assert len(divide(plain(4), [5_000] * 4, SplitConfig(), R)["valid"]) == 1
    assert all(span.first == 0 for span in divide(plain(4), [5_000] * 4, SplitConfig(), R)["train"])
    assert named(plain(5), lengths=[5_000] * 5)


def test_few_files_with_a_column_follow_it() -> None:
    clips = [clip("a.wav", split="train"), clip("b.wav", split="valid")]
    assert named(clips) == {"a.wav": "train", "b.wav": "valid"}


# --- whose splits they are -------------------------------------------------------------------------------------------

IN_TIME = "in time (the end of the longest file is held out)"


@pytest.mark.parametrize(
    ("clips", "by", "words"),
    [
        (plain(20), "auto", "by name"),
        (plain(20), "file", "by name"),
        (plain(1), "auto", IN_TIME),
        ([clip(f"{i}.wav", prompt=f"p{i // 2}") for i in range(20)], "auto", "by prompt"),
        ([clip(f"{i}.wav", prompt=f"p{i // 2}") for i in range(20)], "file", "by name"),
        ([clip(f"{i}.wav", prompt=f"p{i // 5}") for i in range(20)], "auto", "by name"),  # too few prompts
        ([clip(f"{i}.wav", speaker=f"s{i // 2}") for i in range(20)], "speaker", "by speaker"),
        ([clip(f"{i}.wav", split=split) for i, split in enumerate(("train", "valid"))], "auto", "given by the data"),
        ([clip(f"{i}.wav", split=split) for i, split in enumerate(("train", "valid") * 9)], "file", "by name"),
        (
            [clip(f"{i}.wav", split="test" if i > 9 else None) for i in range(20)],
            "auto",
            "given by the data, valid cut from train by name",
        ),
        (
            [clip(f"{i}.wav", split="test" if i else "train") for i in range(3)],
            "auto",
            f"given by the data, valid cut from train {IN_TIME}",
        ),
    ],
)
def test_whose_splits_they_are_is_told(clips: list[Clip], by: str, words: str) -> None:
    rule = SplitConfig(by=by)
    assert splits.describe(clips, divide(clips, [4_000] * len(clips), rule, R), rule) == words
