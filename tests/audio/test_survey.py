"""A scan says of every file whether training would use it, and why not, and writes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import layout_toys
import numpy as np
import pytest
import soundfile

from wavenet.audio import sources, splits, survey
from wavenet.errors import SoundError
from wavenet.records import SplitConfig


def tone(seconds: float, rate: int, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * 0.11 * np.arange(round(seconds * rate)))


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Return a folder with three good files and five bad ones."""
    place = tmp_path / "data"
    (place / "deep").mkdir(parents=True)
    soundfile.write(place / "a.wav", tone(0.5, 8_000), 8_000)
    soundfile.write(place / "deep/b.flac", np.stack([tone(1.0, 44_100)] * 2, axis=1), 44_100)
    soundfile.write(place / "c.wav", tone(1.5, 16_000, level=4.0).clip(-1, 1), 16_000)
    soundfile.write(place / "silence.wav", np.zeros(8_000), 8_000)
    soundfile.write(place / "nothing.wav", np.zeros(0), 8_000)
    (place / "empty.flac").touch()
    (place / "text.wav").write_text("words")
    (place / "gone.wav").symlink_to(place / "nowhere.wav")
    return place


def test_every_file_is_listed_and_the_good_ones_are_kept(mixed: Path) -> None:
    found = survey.scan(mixed)
    assert found.layout == "folder" and found.folder == mixed
    assert [entry.name for entry in found.kept] == ["a.wav", "c.wav", "deep/b.flac"]
    assert [entry.name for entry in found.entries] == sorted(entry.name for entry in found.entries)
    assert len(found.entries) == 8
    assert found.minutes_kept == pytest.approx(3.0 / 60)


def test_json_has_what_the_contract_names(mixed: Path) -> None:
    made = json.loads(json.dumps(survey.scan(str(mixed)).to_json(), allow_nan=False))
    assert made["minutes_kept"] == pytest.approx(0.05)
    files = {file["path"]: file for file in made["files"]}
    assert len(files) == 8
    kept = {"readable": True, "kept": True, "reason": None}
    assert (kept | {"seconds": 1.0, "sample_rate": 44_100, "channels": 2}).items() <= files["deep/b.flac"].items()
    assert (kept | {"seconds": 0.5, "sample_rate": 8_000, "channels": 1}).items() <= files["a.wav"].items()
    silent = {"readable": True, "kept": False, "reason": "digital silence", "seconds": 1.0, "sample_rate": 8_000}
    assert silent.items() <= files["silence.wav"].items()
    assert {"readable": True, "kept": False, "reason": "no samples"}.items() <= files["nothing.wav"].items()
    for name in ("empty.flac", "text.wav", "gone.wav"):
        unread = {"readable": False, "kept": False, "seconds": 0.0, "sample_rate": 0, "channels": 0}
        assert unread.items() <= files[name].items() and files[name]["reason"]


def test_levels_are_those_of_the_sound(mixed: Path) -> None:
    files = {file["path"]: file for file in survey.scan(mixed).to_json()["files"]}
    assert files["a.wav"]["peak"] == pytest.approx(0.5, abs=1e-3)
    assert files["a.wav"]["rms"] == pytest.approx(0.5 / np.sqrt(2), abs=1e-3)
    assert files["a.wav"]["clipped"] == 0 and files["c.wav"]["clipped"] > 0.8
    assert files["silence.wav"]["silence"] == 1.0


def test_text_says_the_sums_and_every_reason(mixed: Path) -> None:
    lines = survey.scan(mixed).to_text().splitlines()
    assert lines[0].endswith("8 files, layout folder")
    assert "kept      3 files, 0.05 minutes" in lines and "dropped   5 files, 0.02 minutes" in lines
    assert "clipping  1 files have over 0.01 % of their samples at full scale" in lines
    dropped = [line for line in lines if line.startswith("  dropped ")]
    assert len(dropped) == 5 and "  dropped silence.wav: digital silence" in dropped
    assert not any("kept    a.wav" in line for line in lines)


def test_text_of_every_file_names_the_kept_ones_too(mixed: Path) -> None:
    lines = survey.scan(mixed).to_text(every_file=True).splitlines()
    kept = [line for line in lines if line.startswith("  kept ")]
    assert len(kept) == 3 and "  kept    deep/b.flac: 1.00 s, 44100 Hz, 2 ch, peak 0.500, rms -9.0 dBFS" in kept[2]


def test_a_folder_of_nothing_but_bad_files_is_still_described(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("words")
    found = survey.scan(tmp_path)
    assert found.kept == [] and found.minutes_kept == 0.0
    assert "kept      0 files, 0.00 minutes" in found.to_text(every_file=True)
    assert found.to_json()["minutes_kept"] == 0


def test_files_of_a_table_are_listed_even_where_missing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.1, 8_000), 8_000)
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "metadata.csv").write_text("path\na.wav\ngone.wav\nfolder.wav\n")
    found = survey.scan(tmp_path)
    assert found.layout == "metadata"
    reasons = {entry.name: entry.reason for entry in found.entries}
    assert reasons["a.wav"] is None and reasons["gone.wav"] == "missing" and reasons["folder.wav"]


def test_nothing_is_written_anywhere(mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVENET_CACHE", str(tmp_path / "cache"))
    before = sorted(tmp_path.rglob("*"))
    survey.scan(mixed).to_text(every_file=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_was_cut_is_kept_and_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0, 8_000), 8_000)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[: 44 + 8_000])
    soundfile.write(tmp_path / "b.aiff", tone(1.0, 8_000), 8_000)
    (tmp_path / "b.aiff").write_bytes((tmp_path / "b.aiff").read_bytes()[:-4_000])
    soundfile.write(tmp_path / "c.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 20_000), 8_000)
    (tmp_path / "c.flac").write_bytes((tmp_path / "c.flac").read_bytes()[:-9_000])
    found = survey.scan(tmp_path)
    assert [entry.seconds for entry in found.entries] == [0.5, 0.75, 1.536]
    notes = [file["note"] for file in found.to_json()["files"]]
    assert notes[0] == ("cut short: its header promises 16,000 bytes of sound, 8,000 are there, 0.50 s could be read")
    assert notes[1] == notes[0].replace(" 8,000 ", " 12,000 ").replace("0.50 s", "0.75 s")
    assert notes[2] == "cut short or damaged: its header promises 2.50 s of sound, 1.54 s could be read"
    assert [line for line in found.to_text().splitlines() if "in part" in line] == [
        f"  in part {name}: {note}" for name, note in zip(["a.wav", "b.aiff", "c.flac"], notes, strict=True)
    ]


def test_a_header_that_was_never_finished_is_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0, 8_000), 8_000)
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(content[:4] + bytes(4) + content[8:40] + bytes(4) + content[44:])
    why = "streamed: the size of its sound was never filled in, 1.00 s could be read"
    assert f"  in part a.wav: {why}" in survey.scan(tmp_path).to_text().splitlines()


def test_names_of_all_kinds_can_be_printed(tmp_path: Path) -> None:
    for name in (b"two\nlines.wav", b"not \xff utf8.wav", b"'a' \"b\".wav"):
        soundfile.write(os.fsencode(tmp_path) + b"/" + name, tone(0.1, 8_000), 8_000)
    found = survey.scan(tmp_path)
    lines = found.to_text(every_file=True).splitlines()
    assert len(found.kept) == 3 == len([line for line in lines if line.startswith("  kept ")])
    assert all(line.isprintable() and line.encode() for line in lines)
    assert json.loads(json.dumps(found.to_json()))["files"][1]["path"] == "not \udcff utf8.wav"


@pytest.mark.parametrize("name", ["missing", "file", "no sound"])
def test_what_is_no_folder_of_sound_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "no sound").mkdir()
    with pytest.raises(SoundError, match=name) as caught:
        survey.scan(tmp_path / name)
    assert "\n" not in str(caught.value)


# --- real recordings -------------------------------------------------------------------------------------------------


def table_splits(folder: Path) -> dict[str, int]:
    found = sources.open_folder(folder)
    assert found.layout == "metadata"
    divided = splits.divide(found.clips, [1_000] * len(found.clips), SplitConfig(), 100)
    for name, spans in divided.items():
        own = {found.clips[span.clip].split for span in spans}
        assert own <= ({name, "train"} if name == "valid" else {name})
    return {name: len(spans) for name, spans in divided.items()}


@pytest.mark.real_audio
def test_the_recordings_are_read_and_divided_as_their_tables_say(real_audio: Path) -> None:
    found = survey.scan(real_audio / "digits")
    assert len(found.kept) == len(found.entries) == 3_000
    assert 21.8 < found.minutes_kept < 21.9
    assert table_splits(real_audio / "digits") == {"train": 2_400, "valid": 300, "test": 300}  # its table has no valid
    assert table_splits(real_audio / "kathleen") == {"train": 1_453, "valid": 71, "test": 96}
    assert table_splits(real_audio / "piano") == {"train": 336, "valid": 22, "test": 18}


def test_files_that_are_not_looked_into_are_counted_by_kind(tmp_path: Path) -> None:
    layout_toys.sounds(tmp_path, "a.wav")
    (tmp_path / "memo.m4a").touch()
    assert survey.scan(tmp_path).to_json()["passed_over"] == {".m4a": 1}
