"""What was given in place of something else is named, and what was nearly named is found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile
import toys

import wavenet
from wavenet import cli
from wavenet.audio import files
from wavenet.errors import InputError, RecipeError
from wavenet.recipe import find, paths
from wavenet.recipe.paths import kind_at, near_path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with two runs, a recipe and sound."""
    for name in ("runs/digits", "runs/Piano"):
        for inside in (
            "config.yaml",
            "model/config.json",
            "checkpoints/last.safetensors",
            "metrics.csv",
            "samples/a.wav",
        ):
            (tmp_path / name / inside).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / inside).touch()
    (tmp_path / "runs" / "digits.txt").touch()
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "recordings" / "speaker").mkdir(parents=True)
    soundfile.write(tmp_path / "recordings" / "speaker" / "a.wav", toys.wave(0.5, 1, 8_000), 8_000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_suffix_that_is_read_is_called_sound() -> None:
    assert files.SUFFIXES <= paths.SOUND


# --- what it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "what", "advice"),
    [
        ("recordings/speaker/a.wav", "a sound file", "--measure recordings/speaker/a.wav"),
        ("recordings", "a folder of sound", "train on it with `wavenet train folder --data recordings`"),
        ("recordings/speaker", "a folder of sound", "`wavenet data scan recordings/speaker`"),
        ("runs", "a folder of runs", "give one of them: runs/Piano, runs/digits"),
        ("runs/digits/checkpoints", "part of a run", "give the folder runs/digits"),
        ("runs/digits/samples", "part of a run", "give the folder runs/digits"),
        ("runs/digits/metrics.csv", "part of a run", "give the folder runs/digits"),
        ("runs/digits/checkpoints/last.safetensors", "a checkpoint", "give the folder runs/digits"),
    ],
)
def test_what_lies_at_a_path_is_named(here: Path, path: str, what: str, advice: str) -> None:
    kind = kind_at(Path(path))
    assert kind is not None and kind[0] == what and advice in kind[1]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.mp3", "a sound file"),
        ("a.WAV", "a sound file"),
        ("a.m4a", "a sound file"),
        ("model.safetensors", "a file of weights"),
    ],
)
def test_a_file_is_known_by_its_suffix_though_it_is_empty(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / name).touch()
    kind = kind_at(tmp_path / name)
    assert kind is not None and kind[0] == what


def test_what_says_nothing_of_itself_is_nothing(here: Path) -> None:
    for name in ("mine.yaml", "notes", "nowhere"):
        assert kind_at(Path(name)) is None
    (here / "empty").mkdir()
    (here / "lost" / "checkpoints").mkdir(parents=True)
    found = [kind_at(Path(name)) for name in ("empty", "lost")]
    assert [kind and kind[0] for kind in found] == ["an empty folder", "a run folder without its config.yaml"]


def test_a_part_is_told_with_its_whole_wherever_one_stands(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "alone.safetensors").touch()
    assert kind_at(Path("alone.safetensors")) == ("a file of weights", "give the folder of a run or bundle")
    for where, name in (
        ("runs/digits", "checkpoints/last.safetensors"),
        ("runs/digits/checkpoints", "last.safetensors"),
    ):
        monkeypatch.chdir(here / where)
        kind = kind_at(Path(name))
        assert kind is not None and kind[1] == f"give the folder {here / 'runs' / 'digits'}"


def test_a_project_of_somebody_elses_makes_no_run_of_its_sound(here: Path) -> None:
    (here / "config.yaml").touch()
    kind = kind_at(Path("recordings"))
    assert kind is not None and kind[0] == "a folder of sound"


def test_inspect_train_and_load_say_what_they_were_given(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("inspect", "train"):
        assert cli.main([verb, "recordings/speaker/a.wav"]) == 2
        told = capsys.readouterr().err
        assert "a.wav is a sound file, not a recipe, run, bundle or list of layers; look at" in told
        assert told.count("\n") == 1
    with pytest.raises(InputError, match=r"^runs is a folder of runs, not a run or bundle folder; give one of them: "):
        wavenet.load("runs")
    with pytest.raises(RecipeError, match=r"^recordings is a folder of sound, not a recipe"):
        wavenet.inspect("recordings")


# --- what was meant --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("runs/digts", "runs/digits"),
        ("rnus/digits", "runs/digits"),
        ("rusn/digist", "runs/digits"),
        ("digits", "runs/digits"),  # its folder was left away
        ("digts", "runs/digits"),
        ("piano", "runs/Piano"),
        ("RUNS/DIGITS", "runs/digits"),
        ("runs/digits/modle", "runs/digits/model"),
        ("runs/violin", None),
        ("x", None),
        ("recordigns", None),  # there is such a folder, but no run
    ],
)
def test_a_run_that_was_nearly_named_is_found(here: Path, given: str, meant: str | None) -> None:
    hint = f" (did you mean {meant!r}?)" if meant else ""
    assert near_path(Path(given), paths.is_run, (Path("runs"),)) == hint
    assert near_path(here / "runs" / "digts", paths.is_run) == f" (did you mean {str(here / 'runs' / 'digits')!r}?)"


def test_every_verb_finds_what_was_nearly_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, meant in (
        (["generate", "runs/digts"], "runs/digits"),
        (["generate", "digts"], "runs/digits"),
        (["inspect", "runs/digts"], "runs/digits"),
        (["train", "runs/digts", "--resume"], "runs/digits"),
        (["train", "mina.yaml"], "mine.yaml"),
        (["train", "digts"], "digits"),
        (["bench", "runs/digts"], "runs/digits"),
        (["data", "scan", "recordigns"], "recordings"),
        (["train", "quickstart", "--data", "recordigns"], str(here / "recordings")),
    ):
        assert cli.main(words) == 2
        told = capsys.readouterr().err
        assert f"(did you mean {meant!r}?)" in told and told.count("\n") == 1, words


def test_sound_that_was_nearly_named_is_found(here: Path) -> None:
    with pytest.raises(InputError, match=r"did you mean 'recordings/speaker/a\.wav'"):
        files.read(Path("recordings/speakr/a.wav"), 8_000)


def test_a_set_that_was_fetched_is_found_by_its_name(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "sets" / "kathleen").mkdir(parents=True)
    monkeypatch.setenv("WAVENET_DATA", str(here / "sets"))
    for words in (["data", "scan", "kathleen"], ["train", "quickstart", "--data", "kathleen"]):
        assert cli.main(words) == 2
        assert f"(did you mean {str(here / 'sets' / 'kathleen')!r}?)" in capsys.readouterr().err


def test_the_name_of_a_recipe_in_place_of_its_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(find, "voice_folder", lambda: tmp_path / "none")
    with pytest.raises(InputError, match=r"no run, bundle or voice digits; `wavenet train digits` makes one"):
        wavenet.load("digits")
    with pytest.raises(RecipeError, match=r"no recipe 'nothing'; give a path"):
        find.find_recipe("nothing")


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", int)() == 0, reason="root may look everywhere")
def test_a_folder_that_may_not_be_looked_at_is_no_trouble(here: Path) -> None:
    (here / "runs").chmod(0)
    try:
        assert near_path(Path("runs/digts"), paths.is_run) == ""
    finally:
        (here / "runs").chmod(0o700)
