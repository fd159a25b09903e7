"""Every command in the README runs, shortened: what it says is what a reader gets."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import demo_toys
import pytest
import soundfile
import toys

from wavenet import cli
from wavenet.recipe import find

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHORTER = (
    "--set train.steps=2 --set train.sample_seconds=0.01 --set train.validate_targets=500 --set train.batch_size=1"
)

TOYS = {"jackson": "ann"}  # what the voices of the tests know


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[str]:
    lines = [line.partition("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("wavenet ")]


def test_the_readme_names_the_two_commands_that_set_everything_up() -> None:
    text = "\n".join(blocks("sh"))
    assert "make demo" in text and "make test" in text
    assert len(README.splitlines()) <= 150


def test_every_command_of_the_readme_runs(
    tmp_path: Path,
    sound_folder: Path,
    told_run: Path,
    phones_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("wavenet.inspection.measure.POSITIONS", 3)
    monkeypatch.setattr("wavenet.inspection.measure.GRADIENTS", 1)
    shutil.copytree(sound_folder, tmp_path / "recordings")
    toys.write_sounds(tmp_path / "recordings", 1)
    (tmp_path / "recordings" / "sound0.wav").rename(tmp_path / "recordings" / "hello.wav")
    voices = demo_toys.shipped(tmp_path / "voices")
    monkeypatch.setattr(find, "voice_folder", lambda: voices)
    (tmp_path / "runs").mkdir()
    for name in ("digits", "digits-mel"):
        (tmp_path / "runs" / name).symlink_to(told_run)
    (tmp_path / "runs" / "kathleen-say").symlink_to(phones_run)
    seconds = soundfile.info(tmp_path / "recordings" / "hello.wav").duration
    (tmp_path / "recordings" / "hello.lab").write_text(f"0 {seconds * 1e7:.0f} B")  # what is said, for `data align`
    found = commands()
    assert len(found) >= 10
    for command in found:
        words = [TOYS.get(word, word) for word in shlex.split(command.replace(" | aplay", ""))][1:]
        if words[0] == "train":
            words += [*shlex.split(SHORTER), "--device", "cpu"]
        if words[0] == "generate":
            words = [word for word in words if word not in ("--seconds", "3")] + ["--samples", "40", "--force"]
        if words[-2:] == ["-o", "-"]:
            continue  # streamed bytes; tests/cli/test_verbs.py runs it in its own process
        if words[0] == "generate" and "--best-of" in words:
            continue  # of the toy's sound nothing can be said; tests/generate/test_best_of.py runs it
        if {"--conditions", "--speech"} & {*words}:
            continue  # trains a recogniser; tests/evaluation/test_conditions.py and test_spoken.py run them
        if words[0] == "bench":
            words += ["--seconds", "0.05"]
        if "--prime" in words:
            toys.write_sounds(tmp_path / "prime", 1)
            words[words.index("--prime") + 1] = str(tmp_path / "prime" / "sound0.wav")
        assert cli.main(words) == 0, (command, capsys.readouterr().err)


def test_the_python_of_the_readme_runs(trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "quickstart").symlink_to(trained_run)
    for block in blocks("python"):
        exec(
            compile(
                block.replace("seconds=3.0", "seconds=0.02").replace("samples=4000", "samples=40"), "README.md", "exec"
            ),
            {},
        )
    assert (tmp_path / "three.wav").is_file()
