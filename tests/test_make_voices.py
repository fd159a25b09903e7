"""The script behind samples/voices: all of it is made by one command, from voices and held-out recordings."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import demo_toys
import numpy as np
import pytest
import soundfile
import spoken_toys
import toys

from wavenet import cli, pictures
from wavenet.audio import files
from wavenet.pictures import sounds
from wavenet.recipe import find

SCRIPT = Path(__file__).parent.parent / "samples" / "make_voices.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_voices", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recordings(folder: Path) -> Path:
    """Write a set for each voice, whose first held-out recording is one that the voice cannot be asked for."""
    tables: dict[str, tuple[str, Sequence[str]]] = {
        "kathleen": ("text", ("", "be bob")),
        "digits": ("speaker,label", ("stranger,3", "bob,3")),
        "piano": ("label,velocity_layer", ("21,soft", "62,soft")),
    }
    for name, (columns, (strange, known)) in tables.items():
        for at in range(3):
            files.write(folder / name / f"{at}.wav", toys.wave(0.3, at), toys.RATE)
        rows = [f"path,{columns},split", f"0.wav,{known},train", f"1.wav,{strange},test", f"2.wav,{known},test"]
        (folder / name / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_one_command_makes_all_sounds_pictures_and_their_provenance(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoken_toys.needs_an_aligner()
    shipped, into = demo_toys.shipped(tmp_path / "shipped"), tmp_path / "made"
    monkeypatch.setattr(find, "voice_folder", lambda: shipped)
    drawn: dict[str, list[tuple[str, np.ndarray]]] = {}

    def beside_picture(path: Path, rows: list[list[tuple[str, np.ndarray]]], rate: int) -> None:
        assert rate == toys.RATE
        drawn[path.stem] = rows[0]
        path.write_bytes(b"\x89PNG")

    monkeypatch.setattr(pictures, "beside_picture", beside_picture)
    script.main(recordings(tmp_path / "recordings"), into)
    names = {"kathleen", "digits", "piano"}
    assert {path.name for path in into.iterdir()} == {
        *(f"{name}.flac" for name in (*names, "fault")),
        *(f"{name}.png" for name in names),
        "README.md",
    }
    monkeypatch.setattr(pictures, "spectrogram", sounds.spectrogram)
    assert cli.main(["demo", "-o", str(tmp_path / "demo"), "--seed", "0"]) == 0
    for name in names:
        kept, demo = (into / f"{name}.flac", tmp_path / "demo" / f"{name}.wav")
        assert np.array_equal(soundfile.read(kept, dtype="int16")[0], soundfile.read(demo, dtype="int16")[0])
    assert drawn.keys() == names
    for row in drawn.values():
        (_, real), (_, made) = row
        assert [title for title, _ in row] == ["recorded, held out", "generated"] and len(made) > 100
        recorded = files.read(tmp_path / "recordings" / "digits" / "2.wav", toys.RATE)
        np.testing.assert_allclose(real / np.abs(real).max(), recorded / np.abs(recorded).max(), atol=1e-4)
    told = (into / "README.md").read_text()
    assert all(told.count(f"`{path.name}`") >= 1 for path in into.iterdir() if path.name != "README.md")
    assert "`2.wav`" in told and "`1.wav`" not in told and "CC BY-SA 4.0" in told


def test_without_a_recording_that_a_voice_can_be_asked_for_it_says_so(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo_toys.digits(tmp_path / "shipped" / "digits")
    monkeypatch.setattr(find, "voice_folder", lambda: tmp_path / "shipped")
    place = recordings(tmp_path / "recordings")
    table = place / "digits" / "metadata.csv"
    table.write_text(table.read_text().replace("2.wav,bob,3,test", "2.wav,bob,3,valid"))
    with pytest.raises(SystemExit, match="has no held-out recording that digits can be asked for"):
        script.beside("digits", place)
