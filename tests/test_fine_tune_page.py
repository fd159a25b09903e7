"""The page on fine-tuning is followed, command by command: from recordings of one voice to another that says text."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile
import toys

import wavenet
from wavenet import cli
from wavenet.audio import files
from wavenet.cli.arguments import arguments_of

PAGE = (Path(__file__).parent.parent / "recipes" / "FINE-TUNE.md").read_text(encoding="utf-8")
SHORTER = {
    "train": "--device cpu --set train.steps=2 --set train.sample_seconds=0.01 --set train.validate_targets=500 "
    "--set train.batch_size=1 --set data.segment_samples=400",
    "say": "--backend reference --speed 4 --sentence-silence 0",
}


def blocks(kind: str) -> str:
    return "\n".join(re.findall(rf"```{kind}\n(.*?)```", PAGE, flags=re.DOTALL)).replace("\\\n", "")


def my_voice(folder: Path) -> None:
    """Write the sounds that the page's table names, and more."""
    rows = [*csv.DictReader(blocks("csv").splitlines())]
    assert [*rows[0]] == ["path", "text", "speaker"] and rows[1]["text"] == "Well, be that as it may."
    names = [row["path"] for row in rows] + [f"{one:03d}.wav" for one in range(3, 9)]
    for seed, name in enumerate(names):
        files.write(folder / name, toys.wave(0.3 + 0.02 * seed, seed), toys.RATE, 16)
    more = "".join(f"{name},Be bob.,me\n" for name in names[len(rows) :])
    (folder / "metadata.csv").write_text(blocks("csv") + more)


@pytest.mark.usefixtures("spoken")
def test_the_page_leads_from_recordings_to_a_voice_of_ones_own(
    tmp_path: Path, phones_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kathleen").symlink_to(phones_run)
    my_voice(tmp_path / "MY")
    done = []
    for line in blocks("sh").splitlines():
        program, *words = shlex.split(line, comments=True) or [""]
        if program != "wavenet":
            continue
        if {"--conditions", "--speech"} & {*words}:  # tests/evaluation/test_conditions.py and test_spoken.py run them
            arguments_of({}).parse_args(words)
            continue
        words = ["Be bob." if word == "Good morning." else word for word in words]  # the toy knows few phones
        short = shlex.split(SHORTER.get(words[0], ""))
        assert cli.main([*words, *short]) == 0, (line, capsys.readouterr().err)
        done.append((words[0], capsys.readouterr()))
    assert [verb for verb, _ in done] == ["data", "train", "train", "say", "vocode", "evaluate", "train"]
    assert "takes the place of that of my-voice; data and train are those of my-voice" in done[1][1].err
    assert "of speaker it knows no value; me new, which begins as unknown" in done[2][1].err
    voice = wavenet.load(tmp_path / "runs" / "my-voice")
    assert voice.vocabulary().values == {"speaker": ("me",)} and voice.sample_rate == toys.RATE
    assert all(soundfile.info(tmp_path / name).duration > 0.02 for name in ("mine.wav", "copy.wav"))
    again = wavenet.load(tmp_path / "runs" / "my-voice-2")
    assert np.array_equal(again.arrays["skip.weight"], voice.arrays["skip.weight"])
    assert not np.array_equal(again.arrays["acoustic.entry.weight"], voice.arrays["acoustic.entry.weight"])


def test_what_the_page_says_of_other_recipes_and_of_digits_holds(
    tmp_path: Path, told_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files.write(tmp_path / "MY" / "a.wav", toys.wave(0.6, 1), toys.RATE, 16)
    files.write(tmp_path / "MY" / "b.wav", toys.wave(0.7, 2), toys.RATE, 16)
    assert "wavenet train folder --init kathleen --data MY/" in PAGE
    short = shlex.split(SHORTER["train"])
    assert cli.main(["train", "folder", "--init", str(told_run), "--data", "MY/", *short]) == 0
    assert "the sound has no speaker and no label, which are unknown throughout" in capsys.readouterr().err
    assert cli.main(["vocode", "runs/folder", "MY/a.wav", "-o", "copy.wav"]) == 0
