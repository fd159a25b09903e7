"""What training says before its first step: what is kept, at which rates, in whose splits, and how far it would go."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import toys

from wavenet.audio import files
from wavenet.recipe import find, read
from wavenet.training import summary
from wavenet.training.data import SoundData
from wavenet.training.summary import dry_run_line, kept_and_dropped, sound_lines


def prepared(folder: Path, cache: Path, **sections: dict[str, object]) -> SoundData:
    sound = SoundData(find.with_data(toys.recipe(**sections), folder), cache)
    sound.prepare()
    return sound


def write(folder: Path, rate: int, *seconds: float) -> None:
    for index, length in enumerate(seconds):
        files.write(folder / f"{rate}-{index}.wav", toys.wave(length, seed=rate + index, rate=rate), rate)


def test_what_is_kept_and_dropped_is_told_with_its_length_and_its_rates(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write(folder, toys.RATE, 0.5, 0.5, 0.5, 0.5)
    write(folder, 8_000, 0.75)
    write(folder, 11_025, 0.75)
    files.write(folder / "silence.wav", 0 * toys.wave(2.5, seed=0), toys.RATE)
    (folder / "none.wav").write_text("no sound")
    sound = prepared(folder, tmp_path / "cache", data={"level": {}})
    assert sound_lines(sound) == [
        "sound: mine, layout folder",
        "rates: 4,000 Hz (4 files), 8,000 Hz (1 file), 11,025 Hz (1 file), resampled to 4,000 Hz",
        sound_lines(sound)[2],
    ]
    assert kept_and_dropped(sound) == "6 files kept (3.5 seconds), 2 dropped (2.5 seconds)"


def test_one_rate_is_one_number_and_many_are_summed_up(tmp_path: Path) -> None:
    write(tmp_path / "one", 8_000, 0.5, 0.5)
    assert sound_lines(prepared(tmp_path / "one", tmp_path / "cache"))[1] == "rate: 8,000 Hz, resampled to 4,000 Hz"
    same = prepared(tmp_path / "one", tmp_path / "cache", audio={"sample_rate": 8_000})
    assert sound_lines(same)[1] == "rate: 8,000 Hz, as recorded"
    for rate in (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000):
        write(tmp_path / "many", rate, 0.5, *([0.5] if rate < 20_000 else []))
    assert sound_lines(prepared(tmp_path / "many", tmp_path / "cache"))[1] == (
        "rates: 8,000 Hz (2 files), 11,025 Hz (2 files), 16,000 Hz (2 files), 22,050 Hz (1 file), 24,000 Hz (1 file), "
        "32,000 Hz (1 file) and 2 more, resampled to 4,000 Hz"
    )


def test_the_splits_are_told_with_their_files_and_lengths_less_tails(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write(folder, toys.RATE, 0.5, 0.75, 1.0, 1.5)
    rows = zip((f"{toys.RATE}-{i}.wav" for i in range(4)), ("train", "train", "valid", "test"), strict=True)
    (folder / "metadata.csv").write_text("path,split\n" + "".join(f"{name},{split}\n" for name, split in rows))
    sound = prepared(folder, tmp_path / "cache", data={"tail_seconds": 2.0})
    assert kept_and_dropped(sound) == "4 files kept (3.8 seconds), none dropped"
    assert sound_lines(sound)[2] == (
        "splits given by the data: train 2 files (1.2 seconds), valid 1 file (1.0 seconds), test 1 file (1.5 seconds)"
    )


def test_one_file_is_split_in_time_and_tests_nothing(tmp_path: Path) -> None:
    write(tmp_path / "one", toys.RATE, 100.0)
    assert sound_lines(prepared(tmp_path / "one", tmp_path / "cache"))[2] == (
        "splits in time (the end of the longest file is held out): train 1 file (1.6 minutes), "
        "valid 1 file (5.0 seconds), test none"
    )


def test_what_the_recipe_cuts_and_clips_is_told(tmp_path: Path) -> None:
    write(tmp_path / "one", toys.RATE, 2.0)
    made = {"level": {"rms": 0.5}, "trim": {"below_db": 10, "margin_seconds": 0.0}}
    first = sound_lines(prepared(tmp_path / "one", tmp_path / "cache", data=made))[0]
    assert " seconds cut from the ends, " in first and first.endswith(" samples clipped by data.level")


def test_sound_of_which_nothing_is_known_is_counted_in_files(tmp_path: Path) -> None:
    write(tmp_path / "some", toys.RATE, 2.0)
    (tmp_path / "some" / "none.wav").write_text("no sound")
    sound = prepared(tmp_path / "some", tmp_path / "cache")
    assert kept_and_dropped(sound) == "1 file kept (2.0 seconds), 1 dropped"


@pytest.mark.parametrize(
    ("done", "max_steps", "max_seconds", "words"),
    [
        (0, None, None, "would train steps 1 to 20,000 of 20,000, into run"),
        (0, 300, None, "would train steps 1 to 300 of 20,000, into run"),
        (0, 30_000, None, "would train steps 1 to 20,000 of 20,000, into run"),
        (120, None, 1800.0, "would train steps 121 to 20,000 of 20,000, for 30 min 00 s at most, into run"),
        (120, 300, 45.0, "would train steps 121 to 300 of 20,000, for 45 s at most, into run"),
        (120, 120, None, "run has done 120 steps already; nothing to do"),
    ],
)
def test_a_dry_run_says_how_far_it_would_go(
    done: int, max_steps: int | None, max_seconds: float | None, words: str
) -> None:
    assert dry_run_line(Path("run"), done, 20_000, max_steps, max_seconds) == f"dry run: {words}"


def test_a_recipe_for_a_gpu_names_the_one_for_a_cpu_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    large = read.load(find.find_recipe("folder"))
    monkeypatch.setattr(summary, "multiplies_bfloat16", lambda: False)
    (line,) = summary.cpu_lines(large, "cpu", "32")
    assert line == "folder is sized for a GPU; `wavenet train folder-small` is sized for a CPU"
    assert summary.cpu_lines(large, "cuda", "32") == []
    assert summary.cpu_lines(read.load(find.find_recipe("folder-small")), "cpu", "32") == []


@pytest.mark.parametrize("known", [{"avx512_bf16": True}, {"amx_bf16": True, "avx512_bf16": False}, {"avx2": True}, {}])
def test_a_processor_that_multiplies_bfloat16_is_told(known: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    has = any(known[name] for name in known if name.endswith("bf16"))
    assert summary.multiplies_bfloat16() == has
    told = summary.cpu_lines(toys.recipe(), "cpu", "32")
    assert len(told) == has and all("--precision bf16" in line for line in told)
    assert summary.cpu_lines(toys.recipe(), "cpu", "bf16") == summary.cpu_lines(toys.recipe(), "cuda", "32") == []


def test_a_torch_that_cannot_tell_is_believed_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not summary.multiplies_bfloat16()


def test_a_batch_beyond_memory_is_a_warning_with_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = toys.recipe(data={"segment_samples": 10_000_000}, train={"batch_size": 65_536})
    told = summary.memory_warning(huge, "cpu")
    assert told is not None and "65,536 x 10,000,000 samples" in told and "GiB of memory, and there are" in told
    monkeypatch.setattr(summary.disk, "available_bytes", lambda: summary.memory_estimate(toys.recipe()))
    assert summary.memory_warning(toys.recipe(), "cpu") is None
    twice = summary.memory_warning(toys.recipe(), "cpu", processes=2)
    assert twice is not None and "parameters, 2 times): lower" in twice
    monkeypatch.setattr(summary.disk, "available_bytes", lambda: None)
    assert summary.memory_warning(huge, "cpu") is None
