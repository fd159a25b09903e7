"""A scan says of every file whether training would use it, and why not, and writes nothing."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import toys

from wavenet.audio import corpus, folders, scan, splits
from wavenet.errors import InputError, SoundError, WavenetError
from wavenet.recipe.records import SplitConfig


def tone(seconds: float, rate: int, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * 0.11 * np.arange(round(seconds * rate)))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with three good files and five bad ones."""
    place = tmp_path_factory.mktemp("mixed") / "data"
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


def test_every_file_is_listed_with_its_measures_and_the_good_ones_are_kept(mixed: Path) -> None:
    found = scan.scan(mixed)
    assert found.source.folder == mixed and [entry.name for entry in found.kept] == ["a.wav", "c.wav", "deep/b.flac"]
    assert found.minutes_kept == pytest.approx(3.0 / 60)
    made = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert made["minutes_kept"] == pytest.approx(0.05) and made["layout"] == "folder"
    files = {file["path"]: file for file in made["files"]}
    assert len(files) == 8 and list(files) == sorted(files)
    kept = {"readable": True, "kept": True, "reason": None}
    assert (kept | {"seconds": 1.0, "sample_rate": 44_100, "channels": 2}).items() <= files["deep/b.flac"].items()
    assert (kept | {"seconds": 0.5, "sample_rate": 8_000, "channels": 1}).items() <= files["a.wav"].items()
    silent = {"readable": True, "kept": False, "reason": "digital silence", "seconds": 1.0, "silence": 1.0}
    assert silent.items() <= files["silence.wav"].items()
    assert {"readable": True, "kept": False, "reason": "no samples"}.items() <= files["nothing.wav"].items()
    for name in ("empty.flac", "text.wav", "gone.wav"):
        unread = {"readable": False, "kept": False, "seconds": 0.0, "sample_rate": 0, "channels": 0}
        assert unread.items() <= files[name].items() and files[name]["reason"]
    assert files["a.wav"]["peak"] == pytest.approx(0.5, abs=1e-3)
    assert files["a.wav"]["rms"] == pytest.approx(0.5 / np.sqrt(2), abs=1e-3)
    assert files["a.wav"]["clipped"] == 0 and files["c.wav"]["clipped"] > 0.8


def test_text_says_the_sums_every_reason_and_if_asked_the_kept_files(mixed: Path) -> None:
    found = scan.scan(str(mixed))
    lines = found.to_text().splitlines()
    assert lines[0].endswith("8 files, layout folder") and lines == str(found).splitlines()
    assert "kept      3 files (3.0 seconds)" in lines and "dropped   5 files (1.0 seconds)" in lines
    assert "clipping  over 0.01 % of the samples at full scale in 1 file" in lines
    dropped = [line for line in lines if line.startswith("  dropped ")]
    assert len(dropped) == 5 and "  dropped silence.wav: digital silence" in dropped
    kept = [line for line in found.to_text(every_file=True).splitlines() if line not in lines]
    assert len(kept) == 3 and "  kept    deep/b.flac: 1.00 s, 44100 Hz, 2 ch, peak 0.500, rms -9.0 dBFS" in kept[2]


def test_a_folder_of_nothing_but_bad_files_is_still_described(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("words")
    (tmp_path / "memo.m4a").touch()
    found = scan.scan(tmp_path)
    assert not found.usable and found.minutes_kept == found.to_json()["minutes_kept"] == 0
    assert found.to_json()["passed_over"] == {".m4a": 1}
    assert "kept      0 files\n" in found.to_text(every_file=True)


def test_files_of_a_table_are_listed_even_where_missing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.1, 8_000), 8_000)
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "metadata.csv").write_text("path\na.wav\ngone.wav\nfolder.wav\n")
    reasons = {entry.name: entry.reason for entry in scan.scan(tmp_path).entries}
    assert reasons["a.wav"] is None and reasons["gone.wav"] == "missing" and reasons["folder.wav"]


def test_nothing_is_written_anywhere(mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVENET_CACHE", str(tmp_path / "cache"))
    before = sorted(mixed.rglob("*"))
    scan.scan(mixed).to_text(every_file=True)
    assert sorted(mixed.rglob("*")) == before and [*tmp_path.iterdir()] == []


def test_a_file_that_was_cut_is_kept_and_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0, 8_000), 8_000)
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[: 44 + 8_000])
    found = scan.scan(tmp_path)
    (file,) = found.to_json()["files"]
    assert file["seconds"] == 0.5 and file["note"].startswith("cut short")
    assert f"  note    a.wav: {file['note']}" in found.to_text().splitlines()


def test_names_of_all_kinds_can_be_printed(tmp_path: Path) -> None:
    for name in (b"two\nlines.wav", b"not \xff utf8.wav", b"'a' \"b\".wav"):
        soundfile.write(os.fsencode(tmp_path) + b"/" + name, tone(0.1, 8_000), 8_000)
    found = scan.scan(tmp_path)
    lines = found.to_text(every_file=True).splitlines()
    assert len(found.kept) == 3 == len([line for line in lines if line.startswith("  kept ")])
    assert all(line.isprintable() and line.encode() for line in lines)
    assert json.loads(json.dumps(found.to_json()))["files"][1]["path"] == "not \udcff utf8.wav"


@pytest.mark.parametrize("name", ["missing", "file", "no sound"])
def test_what_is_no_folder_of_sound_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "no sound").mkdir()
    with pytest.raises(SoundError, match=name) as caught:
        scan.scan(tmp_path / name)
    assert "\n" not in str(caught.value)


# --- as training will ------------------------------------------------------------------------------------------------


def ringing(frequency: float, rate: int, seconds: float = 0.3, level: float = 0.5) -> np.ndarray:
    """Return a tone that fades in and out between silences of a tenth of its length."""
    samples = round(seconds * rate)
    fade = np.sin(np.pi * np.arange(samples) / samples)
    return np.pad(level * fade * np.sin(2 * np.pi * frequency / rate * np.arange(samples)), samples // 10)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of sound of every kind on which two ways of measuring might not agree."""
    place = tmp_path_factory.mktemp("odd")
    plain = ringing(440, 8_000)
    nan = plain.copy()
    nan[[100, 900]] = np.nan
    wild = plain.copy()
    wild[700] = 1e6
    spike = plain.copy()
    spike[700:705] = 1.0
    sounds: dict[str, tuple[np.ndarray, int]] = {
        "antiphase": (np.stack([ringing(440, 16_000), -0.9 * ringing(440, 16_000)], axis=1), 16_000),
        "cd": (ringing(440, 44_100), 44_100),
        "high": (ringing(7_000, 16_000), 16_000),  # above what 8 kHz can hold
        "integers": (np.rint(plain * 40_000), 8_000),
        "loud": (ringing(300, 16_000, level=2.5), 16_000),
        "nan": (nan, 8_000),
        "no numbers": (np.full(800, np.nan), 8_000),
        "offset": (plain + 0.2, 8_000),
        "plain": (plain, 8_000),
        "quiet": (plain * 0.01, 8_000),
        "silent": (plain * 1e-3, 8_000),
        "spike": (np.where(np.abs(spike) < 1, 0.02 * spike, spike), 8_000),
        "stereo": (np.stack([plain, 0.3 * plain], axis=1), 8_000),
        "tiny": (plain * 1e-5, 8_000),
        "wild": (wild, 8_000),
    }
    for name, (sound, rate) in sounds.items():
        soundfile.write(place / f"{name}.wav", sound, rate, subtype="FLOAT")
    (place / "text.wav").write_text("words")
    (place / "cut.wav").write_bytes((place / "plain.wav").read_bytes()[:5_000])
    return place


@pytest.mark.parametrize("trim", [None, {"below_db": 30.0, "margin_seconds": 0.0}], ids=["whole", "trimmed"])
@pytest.mark.parametrize("level", [{"rms": 0.3}, {}], ids=["level", "as recorded"])
def test_a_scan_by_a_recipe_gives_the_verdicts_of_training(
    odd: Path, tmp_path: Path, trim: dict[str, float] | None, level: dict[str, float], said: list[str]
) -> None:
    data = {"path": str(odd), "trim": trim, "level": level}
    recipe = toys.recipe(audio={"sample_rate": 8_000}, data=data)
    found = scan.scan(odd, recipe)
    trained = corpus.gather(recipe, tmp_path)
    assert [replace(entry, first=0) for entry in trained.cache.entries] == list(found.entries)
    assert found.clipped == trained.clipped
    assert found.warnings == [line for line in said if not line.startswith(("dropped ", "kept "))]
    assert found.spans == trained.spans
    assert found.minutes_kept == pytest.approx(sum(trained.sound.lengths) / 8_000 / 60) and found.usable
    reasons = {entry.name.removesuffix(".wav"): entry.reason for entry in found.entries if entry.reason}
    assert reasons == {
        "high": "silent at 8,000 Hz: its sound lies above 4,000 Hz",
        "no numbers": "no usable values",
        "silent": "silent throughout (below -60 dBFS)",
        "text": reasons["text"],
        "tiny": reasons["tiny"],
        "wild": "a damaged value drowns the rest",
    }
    assert "below 16-bit resolution" in str(reasons["tiny"])
    assert {one.name for one in found.clipped} >= ({"spike.wav"} if level else {"integers.wav", "loud.wav"})
    assert any(entry.trimmed for entry in found.entries) == (trim is not None)


def test_a_plain_scan_says_at_what_rate_it_measured(odd: Path) -> None:
    plain, told = scan.scan(odd), scan.scan(odd, toys.recipe(audio={"sample_rate": 8_000}))
    assert {entry.name for entry in plain.kept} - {entry.name for entry in told.kept} == {"high.wav"}
    lines = plain.to_text().splitlines()
    assert (
        lines[1] == "measured  each file at its own sample rate; --recipe NAME measures what training with it will read"
    )
    assert (
        told.to_text().splitlines()[1] == "measured  as the recipe toy prepares it: 8,000 Hz, untrimmed, level.rms 0.1"
    )
    made = [json.loads(json.dumps(found.to_json(), allow_nan=False)) for found in (plain, told)]
    rates = [{file["path"]: file["measured_at"] for file in one["files"]} for one in made]
    assert [(rate["cd.wav"], rate["high.wav"], rate["text.wav"]) for rate in rates] == [
        (44_100, 16_000, 0),
        (8_000, 8_000, 0),
    ]
    assert [one["recipe"] for one in made] == [None, "toy"] and made[0]["splits"] == {}
    assert {file["clipped_by_level"] for file in made[0]["files"]} == {None}


def test_what_lies_beyond_full_scale_and_what_the_level_clips_is_named(odd: Path) -> None:
    lines = scan.scan(odd).to_text().splitlines()
    (beyond,) = [line for line in lines if line.startswith("overshoot ")]
    assert (
        " samples beyond full scale in 2 files: integers.wav (" in beyond
        and ", loud.wav (" in beyond
        and "peak 2.50)" in beyond
    )
    assert beyond.endswith("clipped unless data.level brings them below it")
    told = scan.scan(odd, toys.recipe(audio={"sample_rate": 8_000}, data={"level": {"rms": 0.3}}))
    lines = told.to_text().splitlines()
    (level,) = [line for line in lines if line.startswith("level ")]
    assert "spike.wav (" in level and "integers.wav" not in level
    files = {file["path"]: file for file in told.to_json()["files"]}
    assert files["spike.wav"]["clipped_by_level"] > 0 == files["integers.wav"]["clipped_by_level"]
    assert files["integers.wav"]["overshoot"] > 1_000
    assert any(line.startswith("warning   clipped by data.level in more than 0.1 %") for line in lines)
    assert any(line.startswith("splits    by name: train ") for line in lines)


def test_labels_and_overrides_are_those_of_training(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("path,label\na.wav,yes\nb.wav,no\nc.wav,yes\n")
    for at, name in enumerate("abc"):
        soundfile.write(tmp_path / f"{name}.wav", ringing(300 + at, 8_000, 1.2), 8_000)
    overrides = ["data.labels=['yes']", "audio.sample_rate=4000", "model.dilations=[[1]]"]
    found = scan.scan(tmp_path, "quickstart", overrides)
    assert [entry.name for entry in found.entries] == ["a.wav", "c.wav"]
    assert {entry.length for entry in found.entries} == {5_760} and found.refusal is None
    with pytest.raises(InputError, match="name one with --recipe"):
        scan.scan(tmp_path, overrides=overrides)


def test_what_training_would_refuse_is_the_verdict(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", ringing(300, 4_000, 0.002), 4_000)
    found = scan.scan(tmp_path, toys.recipe(data={"path": str(tmp_path)}))
    assert not found.usable and found.kept and "too few to train on" in str(found.refusal)
    assert f"refused   {found.refusal}" in found.to_text().splitlines()
    assert found.to_json()["refusal"] == found.refusal
    with pytest.raises(SoundError) as caught:
        corpus.gather(toys.recipe(data={"path": str(tmp_path)}), tmp_path / "cache")
    assert str(caught.value) == found.refusal
    assert scan.scan(tmp_path).usable


def test_long_sound_is_measured_in_a_temporary_file_and_no_room_for_it_is_one_sentence(
    odd: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe = toys.recipe(audio={"sample_rate": 8_000}, data={"trim": {"below_db": 30.0}})
    expected = scan.scan(odd, recipe).entries
    monkeypatch.setattr(scan, "HELD", 1_000)
    assert scan.scan(odd, recipe).entries == expected
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(WavenetError, match="TMPDIR") as caught:
        scan.scan(odd, recipe)
    assert str(tmp_path / "gone") in str(caught.value) and not isinstance(caught.value, SoundError)


# --- real recordings -------------------------------------------------------------------------------------------------


def table_splits(folder: Path) -> dict[str, int]:
    found = folders.open_folder(folder)
    assert found.layout == "metadata"
    divided = splits.divide(found.clips, [1_000] * len(found.clips), SplitConfig(), 100)
    for name, spans in divided.items():
        own = {found.clips[span.clip].split for span in spans}
        assert own <= ({name, "train"} if name == "valid" else {name})
    return {name: len(spans) for name, spans in divided.items()}


@pytest.mark.real_audio
def test_the_recordings_are_read_and_divided_as_their_tables_say(real_audio: Path) -> None:
    found = scan.scan(real_audio / "digits")
    assert len(found.kept) == len(found.entries) == 3_000
    assert 21.8 < found.minutes_kept < 21.9
    assert table_splits(real_audio / "digits") == {"train": 2_400, "valid": 300, "test": 300}  # its table has no valid
    assert table_splits(real_audio / "kathleen") == {"train": 1_453, "valid": 71, "test": 96}
    assert table_splits(real_audio / "piano") == {"train": 336, "valid": 22, "test": 18}
