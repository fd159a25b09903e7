"""What this program made is known by its mark and by what lies in a folder; what others made never is."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest
import toys

import wavenet
from wavenet.audio import files, generated
from wavenet.generate.sound import Sound
from wavenet.recipe import find, read

HOUSE = Path(wavenet.__file__).parent


def made(path: Path, software: str = files.SOFTWARE) -> Path:
    files.write(path, toys.wave(0.05, 1), toys.RATE, software=software)
    return path


@pytest.mark.parametrize(("name", "now"), [("a.wav", "take 7.WAV"), ("b.flac", "b.flac"), ("a.wav", "a.wave")])
def test_generated_sound_is_known_whatever_it_is_called_now(tmp_path: Path, name: str, now: str) -> None:
    moved = made(tmp_path / name).rename(tmp_path / now)
    assert generated.marked([moved]) == {moved}


def test_saved_sound_and_a_stream_are_known(tmp_path: Path) -> None:
    sound = Sound(toys.wave(0.05, 1)[None].repeat(2, axis=0), toys.RATE, 16, seed=0)
    paths = [*sound.save(tmp_path / "a.wav"), *sound.save(tmp_path / "b.flac"), tmp_path / "c.wav"]
    stream = files.wav_header(toys.RATE, 200, 24, files.SOFTWARE) + bytes(600)
    paths[-1].write_bytes(stream)
    assert generated.marked(paths) == set(paths) and len(paths) == 5


def test_every_sound_that_the_program_writes_is_marked() -> None:
    calls = [
        (path.name, ast.unparse(node))
        for path in HOUSE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("files.write", "files.wav_header")
    ]
    assert len(calls) >= 3
    assert [call for call in calls if "files.SOFTWARE" not in call[1]] == []


def test_other_sound_is_not(tmp_path: Path) -> None:
    others = [made(tmp_path / "plain.wav", ""), made(tmp_path / "lavf.wav", "Lavf58"), made(tmp_path / "c.flac", "")]
    others += [tmp_path / name for name in ("gone.wav", "folder.wav", "empty.wav", "words.wav", "nul\0.wav")]
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "empty.wav").touch()
    (tmp_path / "words.wav").write_text(f"ISFT0000{files.SOFTWARE} and software={files.SOFTWARE}")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")  # is not waited for
        others.append(tmp_path / "pipe.wav")
    assert generated.marked(others) == set()


@pytest.mark.parametrize("trace", find.WRITTEN)
def test_a_run_is_its_recipe_and_anything_that_training_writes(tmp_path: Path, trace: str) -> None:
    assert not generated.is_own_folder(tmp_path, [trace])
    (tmp_path / "config.yaml").write_text(read.dump(toys.recipe()))
    assert generated.is_own_folder(tmp_path, ["config.yaml", trace, "takes"])
    assert not generated.is_own_folder(tmp_path, ["config.yaml", "takes"])  # a recipe beside sound


def test_a_bundle_is_known_by_its_config(tmp_path: Path) -> None:
    names = ["config.json", "model.safetensors"]
    for said, own in (({"format": "wavenet-bundle", "version": 1, "recipe": {}}, True), ({"model_type": "x"}, False)):
        (tmp_path / "config.json").write_text(json.dumps(said))
        assert generated.is_own_folder(tmp_path, names) is own
    assert not generated.is_own_folder(tmp_path, names[:1])


@pytest.mark.parametrize("text", ["learning_rate: 3\n", "", "[", "\0"])
def test_the_folder_of_another_program_is_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    assert not generated.is_own_folder(tmp_path, ["config.yaml", "checkpoints", "train.log"])
    assert not generated.is_own_folder(tmp_path / "gone", ["config.yaml", "checkpoints"])
