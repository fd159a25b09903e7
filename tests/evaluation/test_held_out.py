"""The sound to judge on: a run's own test split, a folder, a file; what was trained on is never scored in silence."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import phone_toys
import pytest
import told_toys
import toys

from wavenet.audio import files
from wavenet.errors import InputError
from wavenet.evaluation.held_out import HeldOut, find_sound, without_trained
from wavenet.generate import voice as voices


def files_of(held: HeldOut) -> list[str]:
    return [held.file(index) for index in range(len(held.spans))]


def listed(folder: Path, splits: str) -> Path:
    """Write sounds, a letter each: r for train, v for valid, t for test."""
    toys.write_sounds(folder, len(splits))
    words = {"r": "train", "v": "valid", "t": "test"}
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(["path", "split"])
        rows.writerows([f"sound{i}.wav", words[letter]] for i, letter in enumerate(splits))
    return folder


def test_a_run_is_judged_on_its_test_split_or_the_one_named(trained_run: Path) -> None:
    own = find_sound(trained_run)
    assert own.split == "test" and own.spans == own.corpus.spans["test"]
    assert find_sound(trained_run, split="valid").spans == own.corpus.spans["valid"]


def test_other_sound_is_taken_whole_unless_it_says_what_is_for_testing(trained_run: Path, tmp_path: Path) -> None:
    plain = find_sound(trained_run, toys.write_sounds(tmp_path / "plain", 6))
    assert plain.split == "all" and len(plain.spans) == 6
    table = listed(tmp_path / "listed", "rrrvtt")
    assert files_of(find_sound(trained_run, table)) == ["sound4.wav", "sound5.wav"]
    assert files_of(find_sound(trained_run, table, "valid")) == ["sound3.wav"]
    assert len(find_sound(trained_run, table, "all").spans) == 6


def test_a_voice_is_judged_by_its_own_recipe_though_another_has_its_name(shipped: Path, sound_folder: Path) -> None:
    assert find_sound("digits", sound_folder).recipe.name == "toy"
    with pytest.raises(InputError, match="digits does not say where its sound lies; give a sound file or folder"):
        find_sound("digits")


def test_a_file_is_taken_whole_at_the_rate_of_the_model(trained_run: Path, tmp_path: Path) -> None:
    files.write(tmp_path / "one.wav", toys.wave(0.5, 3, 16_000), 16_000)
    held = find_sound(trained_run, tmp_path / "one.wav")
    assert held.split == "all" and files_of(held) == ["one.wav"] and held.seconds == pytest.approx(0.5)
    with pytest.raises(InputError, match="is a file, of which all is scored, got --split test"):
        find_sound(trained_run, tmp_path / "one.wav", "test")


def test_what_is_not_there_is_one_sentence(trained_run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no sound file or folder .*nothing"):
        find_sound(trained_run, tmp_path / "nothing")
    with pytest.raises(InputError, match="does not say where its sound lies; give a sound file or folder with --data"):
        find_sound(trained_run / "model")
    with pytest.raises(InputError, match="name the sound with --data DIR"):
        find_sound(trained_run, split="all")
    with pytest.raises(InputError, match=r"has no test split .*give `--split valid`, or other sound"):
        find_sound(trained_run, listed(tmp_path / "none", "rrrrvv"), "test")


def test_bad_files_among_good_ones_are_told_and_left_out(trained_run: Path, tmp_path: Path, said: list[str]) -> None:
    folder = toys.write_sounds(tmp_path / "mixed", 2)
    files.write(folder / "silent.wav", np.zeros(2_000, np.float32), toys.RATE)
    files.write(folder / "empty.wav", np.zeros(0, np.float32), toys.RATE)
    (folder / "broken.wav").write_bytes(b"RIFF nothing")
    assert files_of(find_sound(trained_run, folder)) == ["sound0.wav", "sound1.wav"]
    assert sorted(line.split()[1].rstrip(":") for line in said) == ["broken.wav", "empty.wav", "silent.wav"]
    for name in ("sound0.wav", "sound1.wav"):
        (folder / name).unlink()
    with pytest.raises(InputError, match="none of 3 files can be used"):
        find_sound(trained_run, folder)


def test_what_was_trained_on_is_scored_only_where_the_user_names_it(
    trained_run: Path, sound_folder: Path, said: list[str]
) -> None:
    known = voices.load(trained_run).data["trained_files"]
    own = find_sound(trained_run)
    assert without_trained(own, known, given=False).spans == own.spans and not said
    everything = find_sound(trained_run, sound_folder)
    trained = len(own.corpus.spans["train"])
    assert without_trained(everything, known, given=True).spans == everything.spans
    assert f"was trained on {trained} of these 8 files" in said.pop()
    kept = without_trained(everything, known, given=False)
    assert len(kept.spans) == 8 - trained and "that sound is left out" in said.pop()
    only = HeldOut("toys", "test", own.recipe, own.corpus, own.corpus.spans["train"])
    with pytest.raises(InputError, match=r"trained on \d of these \d files .*; give new sound with --data DIR"):
        without_trained(only, known, given=False)


def test_a_model_that_does_not_list_its_files_says_so(trained_run: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = find_sound(trained_run)
    with caplog.at_level("INFO", "wavenet"):
        assert without_trained(own, None, given=False) is own
    assert "does not list the files it was trained on" in caplog.text


@pytest.mark.parametrize("seconds", [0.01, 0.3, 0.7, 1.0, 99.0])
def test_a_limit_takes_files_spread_over_all(trained_run: Path, sound_folder: Path, seconds: float) -> None:
    everything = find_sound(trained_run, sound_folder)
    some = everything.limited(seconds)
    whole = {span.clip: span for span in everything.spans}
    assert some.seconds <= min(seconds, everything.seconds) + 1e-9
    assert some.seconds >= 0.5 * min(seconds, everything.seconds)
    assert all(span.first == 0 and span.last <= whole[span.clip].last for span in some.spans)
    assert everything.limited(None) is everything
    assert everything.limited(1e-9).seconds == 1 / toys.RATE, "a sample at least"


@pytest.mark.usefixtures("spoken")
def test_sound_of_which_it_is_not_known_what_is_said_is_left_out(
    phones_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    folder = told_toys.write_sounds(tmp_path / "sounds")
    whole, voice = find_sound(phones_run, folder, "test"), voices.load(str(phones_run))
    voice.data["told"]["phones"] = ["sil", "IY"]  # AA and B are none of its phones
    condition = whole.condition_under(voice, tmp_path / "cache")
    assert condition is not None and condition.tracks is not None and condition.tracks.read(0, 0, 9)[:, 9:39].any()
    assert not condition.tracks.read(0, 0, 99)[:, [9 + 4 * side + place for side in range(3) for place in (2, 3)]].any()
    assert any("2 phones (AA, B) are unknown to the network" in line for line in said)
    out = whole.spans[1].clip
    every = phone_toys.of_sound(whole.corpus.clips, whole.corpus.cache)
    monkeypatch.setattr(
        "wavenet.speech.aligned", lambda *given: ["no text" if i == out else x for i, x in enumerate(every)]
    )
    held = find_sound(phones_run, folder, "test")
    assert [span.clip for span in held.spans] == [span.clip for span in whole.spans if span.clip != out]
    assert said[-1] == f"1 sound is left out: no text ({whole.file(1)})"
    assert held.condition_under(voices.load(str(phones_run)), tmp_path / "cache") is not None
    monkeypatch.setattr("wavenet.speech.aligned", lambda clips, cache: ["no text"] * len(clips))
    files.write(tmp_path / "one.wav", toys.wave(0.5, 3), toys.RATE)
    with pytest.raises(
        InputError, match=r"^of no sound it is known which phones are said \(no text\); give recordings"
    ):
        find_sound(phones_run, tmp_path / "one.wav")
