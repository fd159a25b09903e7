"""What is left out of a folder is counted by kind and told with what helps; our own output is known by its mark."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest
import toys
from layout_toys import touch

import wavenet
from wavenet.audio import files, walk
from wavenet.audio.files import SUFFIXES
from wavenet.generate.sound import Sound
from wavenet.recipe import read
from wavenet.recipe.paths import WRITTEN


def others(folder: Path) -> dict[str, list[Path]]:
    return walk.find_sounds(folder)[1]


def test_no_suffix_is_both_read_and_not() -> None:
    assert not SUFFIXES & (walk.FORMATS | walk.RAW | walk.TABLES) and not walk.FORMATS & walk.RAW


def test_formats_are_counted_by_suffix_with_what_converts_them(tmp_path: Path) -> None:
    found = others(touch(tmp_path, "a.wav", "sub/b.m4a", "sub/c.M4A", "d.wma", "e.raw", "f.txt", "g.png"))
    assert {kind: len(paths) for kind, paths in found.items()} == {".m4a": 2, ".wma": 1, ".raw": 1}
    assert walk.describe(tmp_path, found) == (
        "2 .m4a, 1 .wma (convert: `ffmpeg -i IN.m4a OUT.wav`; first: sub/b.m4a), "
        "1 .raw (convert: `ffmpeg -f s16le -ar RATE -ac CHANNELS -i IN.raw OUT.wav`; first: e.raw)"
    )


def test_tables_are_kept_apart_from_sound(tmp_path: Path) -> None:
    found = others(touch(tmp_path, "labels.csv", "Metadata.TXT", "notes.txt", "sub/metadata.jsonl"))
    assert [path.name for path in found.pop(walk.TABLE)] == ["Metadata.TXT", "labels.csv", "metadata.jsonl"]
    assert found == {} and walk.describe(tmp_path, found) == ""


@pytest.mark.parametrize("name", ["take", "Take 1.5"])
@pytest.mark.parametrize("head", [b"RIFF....WAVE", b"fLaC", b"OggS", b"ID3\x04"])
def test_sound_without_a_suffix_is_known_by_how_it_begins(tmp_path: Path, name: str, head: bytes) -> None:
    touch(tmp_path, "LICENSE", "empty", "a.wav")
    (tmp_path / name).write_bytes(head + bytes(40))
    said = walk.describe(tmp_path, others(tmp_path))
    assert said == f"1 without a suffix (add one, such as .wav; first: {name})"


def test_many_files_without_a_suffix_cost_no_more_than_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MOST_HEADS", 2)
    for name in "abc":
        (tmp_path / name).write_bytes(b"RIFF")
    assert len(others(tmp_path)[walk.NO_SUFFIX]) == 2


def test_hidden_sound_is_counted_but_not_what_systems_and_programs_leave(tmp_path: Path) -> None:
    touch(tmp_path, ".take\n.wav", "._take.wav", ".0f3a.tmp.wav", ".DS_Store", ".notes.txt", "a.wav.bak", "wav")
    assert walk.describe(tmp_path, others(tmp_path)) == "1 hidden by a dot (rename; first: .take\\n.wav)"


# --- what this program made ------------------------------------------------------------------------------------------


def made(path: Path, software: str = files.SOFTWARE) -> Path:
    files.write(path, toys.wave(0.05, 1), toys.RATE, software=software)
    return path


@pytest.mark.parametrize(("name", "now"), [("a.wav", "take 7.WAV"), ("b.flac", "b.flac"), ("a.wav", "a.wave")])
def test_generated_sound_is_known_whatever_it_is_called_now(tmp_path: Path, name: str, now: str) -> None:
    moved = made(tmp_path / name).rename(tmp_path / now)
    assert walk.generated([moved]) == {moved}


def test_saved_sound_and_a_stream_are_known(tmp_path: Path) -> None:
    sound = Sound(toys.wave(0.05, 1)[None].repeat(2, axis=0), toys.RATE, 16, seed=0)
    paths = [*sound.save(tmp_path / "a.wav"), *sound.save(tmp_path / "b.flac"), tmp_path / "c.wav"]
    paths[-1].write_bytes(files.wav_header(toys.RATE, 200, 24, files.SOFTWARE) + bytes(600))
    paths.append(tmp_path / "beyond four gigabytes.wav")
    paths[-1].write_bytes(files.wav_header(toys.RATE, 2**33, 24, files.SOFTWARE))
    assert walk.generated(paths) == set(paths) and len(paths) == 6


def test_every_sound_that_the_program_writes_is_marked() -> None:
    calls = [
        (path.name, ast.unparse(node))
        for path in Path(wavenet.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("files.write", "files.wav_header")
    ]
    assert len(calls) >= 3
    assert [call for call in calls if "files.SOFTWARE" not in call[1]] == []


def test_other_sound_is_not(tmp_path: Path) -> None:
    plain = [made(tmp_path / "plain.wav", ""), made(tmp_path / "lavf.wav", "Lavf58"), made(tmp_path / "c.flac", "")]
    plain += [tmp_path / name for name in ("gone.wav", "folder.wav", "empty.wav", "words.wav", "nul\0.wav")]
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "empty.wav").touch()
    (tmp_path / "words.wav").write_text(f"ISFT0000{files.SOFTWARE} and software={files.SOFTWARE}")
    if hasattr(os, "mkfifo"):  # a named pipe is not waited for
        for name in ("pipe.wav", "pipe"):
            os.mkfifo(tmp_path / name)
    assert walk.generated([*plain, tmp_path / "pipe.wav"]) == set()
    assert others(tmp_path) == {}


@pytest.mark.parametrize("trace", WRITTEN)
def test_a_run_is_its_recipe_and_anything_that_training_writes(tmp_path: Path, trace: str) -> None:
    assert not walk.is_own_folder(tmp_path, [trace])
    (tmp_path / "config.yaml").write_text(read.dump(toys.recipe()))
    assert walk.is_own_folder(tmp_path, ["config.yaml", trace, "takes"])
    assert not walk.is_own_folder(tmp_path, ["config.yaml", "takes"])  # a recipe beside sound


def test_a_bundle_is_known_by_its_config(tmp_path: Path) -> None:
    names = ["config.json", "model.safetensors"]
    for said, own in (({"format": "wavenet-bundle", "version": 1, "recipe": {}}, True), ({"model_type": "x"}, False)):
        (tmp_path / "config.json").write_text(json.dumps(said))
        assert walk.is_own_folder(tmp_path, names) is own
    assert not walk.is_own_folder(tmp_path, names[:1])


@pytest.mark.parametrize("text", ["learning_rate: 3\n", "", "[", "\0"])
def test_the_folder_of_another_program_is_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    assert not walk.is_own_folder(tmp_path, ["config.yaml", "checkpoints", "train.log"])
    assert not walk.is_own_folder(tmp_path / "gone", ["config.yaml", "checkpoints"])
