"""`wavenet demo`: sounds and pictures, what is left out, what is refused, and what it says to try next."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import demo_toys
import numpy as np
import pytest
import soundfile
import spoken_toys

from wavenet import cli
from wavenet.cli import demo as verb
from wavenet.generate import demo
from wavenet.generate.demo import Piece
from wavenet.generate.sound import Sound
from wavenet.generate.voice import Voice
from wavenet.recipe import find

NAMES = ("kathleen", "digits", "piano")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_toys.shipped(tmp_path_factory.mktemp("made"))


@pytest.fixture(autouse=True)
def voices(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of voices, in place of those that ship, of which some may be taken away."""
    shutil.copytree(made, tmp_path / "voices")
    monkeypatch.setattr(find, "voice_folder", lambda: tmp_path / "voices")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "voices"


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def test_each_voice_is_heard_and_seen_and_the_same_seed_makes_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("demo") == 0
    told = capsys.readouterr().out.splitlines()
    paths = [Path("demo") / f"{name}{suffix}" for name in NAMES for suffix in (".wav", ".png")]
    assert [line.partition(": ")[0] for line in told[:6]] == [str(path) for path in paths]
    assert sorted(Path("demo").iterdir()) == sorted(paths)
    assert told[0].startswith(f'demo/kathleen.wav: "{demo.TEXT}"; ') and told[0].endswith("x real time)")
    assert "0 by ann, 1 by bob" in told[2] and "Ode to Joy" in told[4]
    assert told[7].startswith("voice digits: CC BY-SA 4.0")
    first = {path: path.read_bytes() for path in paths if path.suffix == ".wav"}
    assert all(soundfile.info(path).frames > 100 for path in first)

    assert run("demo") == 2
    assert "demo/kathleen.wav exists" in capsys.readouterr().err
    Path("demo/kathleen.wav").write_bytes(b"old")
    assert run("demo", "--force") == 0
    assert {path: path.read_bytes() for path in first} == first
    assert run("demo", "--seed", 1, "-o", "other") == 0
    assert all((Path("other") / path.name).read_bytes() != first[path] for path in first)


def test_a_picture_in_the_way_is_found_before_anything_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    Path("demo").mkdir()
    Path("demo/piano.png").write_bytes(b"mine")
    assert run("demo") == 2
    assert "demo/piano.png exists" in capsys.readouterr().err
    assert [path.name for path in Path("demo").iterdir()] == ["piano.png"]


def test_a_voice_that_is_not_there_is_left_out(voices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(voices / "kathleen")
    shutil.rmtree(voices / "piano")
    assert run("demo", "-q") == 0
    told = capsys.readouterr()
    assert sorted(path.name for path in Path("demo").iterdir()) == ["digits.png", "digits.wav"]
    assert "kathleen is left out" in told.err and "piano is left out" in told.err
    assert "wavenet say" not in told.out and told.out.splitlines()[-1] == "  wavenet inspect quickstart"
    shutil.rmtree(voices / "digits")
    assert run("demo", "-o", "none") == 2
    assert "has none of the voices" in capsys.readouterr().err and not Path("none").exists()


def test_what_it_says_to_try_next_works(capsys: pytest.CaptureFixture[str]) -> None:
    spoken_toys.needs_an_aligner()
    assert run("demo") == 0
    lines = capsys.readouterr().out.partition("to try next:\n")[2].splitlines()
    assert len(lines) == 3
    for line in lines:
        words = shlex.split(line, comments=True)
        assert words[0] == "wavenet" and run(*words[1:]) == 0, line
    assert {path.name for path in Path().glob("*.wav")} == {"words.wav", "digit.wav", "note.wav"}


def test_a_player_is_named_only_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert run("demo") == 0
    assert "to hear one" not in capsys.readouterr().out
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == verb.PLAYERS[1] else None)
    assert run("demo", "-o", "my sounds") == 0
    assert f"to hear one: {verb.PLAYERS[1]} 'my sounds/kathleen.wav'\n" in capsys.readouterr().out


def test_a_sound_that_a_signal_cut_short_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(voice: Voice, seed: int) -> tuple[str, Sound]:
        return "half", Sound(np.zeros((1, 9), np.float32), voice.sample_rate, 16, seed, stopped_by="SIGINT")

    monkeypatch.setattr(demo, "PIECES", (demo.PIECES[1], Piece("piano", cut)))
    assert run("demo") == 130
    assert sorted(path.name for path in Path("demo").iterdir()) == ["digits.png", "digits.wav"]
