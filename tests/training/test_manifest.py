"""A run remembers its files, so that a refusal to go on names those that came, went, changed or moved."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import told_toys
import toys

from wavenet.audio import files
from wavenet.errors import InputError
from wavenet.training import manifest
from wavenet.training.data import SoundData
from wavenet.training.manifest import Row


def prepared(folder: Path) -> SoundData:
    sound = SoundData(toys.recipe(data={"path": str(folder)}))
    sound.prepare()
    return sound


@pytest.fixture
def folder(tmp_path: Path, sound_folder: Path) -> Path:
    return Path(shutil.copytree(sound_folder, tmp_path / "data"))


def test_every_kept_file_has_a_row_with_its_split(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.wav").write_bytes(b"no sound")
    sound = prepared(folder)
    listed = manifest.rows(sound)
    assert [row.path for row in listed] == [f"sound{i}.wav" for i in range(8)]
    assert {row.split for row in listed} == {"train", "valid", "test"}
    assert [row.samples for row in listed] == sound.sound.lengths
    assert len({row.digest for row in listed}) == 8 and {len(row.digest) for row in listed} == {16}
    manifest.write(tmp_path, listed)
    assert manifest.read(tmp_path) == listed
    assert (tmp_path / "manifest.csv").read_text().startswith("path,split,samples,digest\nsound0.wav,")


def test_a_file_that_is_divided_in_time_is_in_both(tmp_path: Path) -> None:
    listed = manifest.rows(prepared(toys.write_sounds(tmp_path / "data", 2)))
    assert [row.split for row in listed] == ["train", "train+valid"]


@pytest.mark.parametrize("path", ['a, "b".wav', "ä/é.wav", "line\\n.wav", "\\udcff.wav"])
def test_any_name_is_read_as_it_was_written(tmp_path: Path, path: str) -> None:
    listed = [Row(path, "train", 1, "ab")]
    manifest.write(tmp_path, listed)
    assert manifest.read(tmp_path) == listed


@pytest.mark.parametrize("text", ["", "path,split\na,b\n", "path,split,samples,digest\na,train,x,y\n", '"', "\xff"])
def test_a_missing_or_damaged_list_is_none(tmp_path: Path, text: str) -> None:
    assert manifest.read(tmp_path) is None
    (tmp_path / "manifest.csv").write_bytes(text.encode("latin-1"))
    assert not manifest.read(tmp_path)


def test_what_differs_is_told_by_name() -> None:
    before = [Row(f"{name}.wav", "train", 100, name * 16) for name in "abcdefgh"]
    assert manifest.difference(before, before[::-1]) == ""
    assert manifest.difference(before, before[1:]) == "1 file removed (a.wav)"
    assert manifest.difference(before[:3], before) == "5 files added (d.wav, e.wav, f.wav, and 2 more)"
    other = [before[0]._replace(digest="z" * 16), before[1]._replace(samples=99), *before[2:]]
    assert manifest.difference(before, other) == "2 files changed (a.wav, b.wav)"
    moved = [before[0]._replace(split="valid"), before[1]._replace(split=""), *before[2:]]
    told = "2 files in another split (a.wav: train, now valid, b.wav: train, now unused)"
    assert manifest.difference(before, moved) == told
    assert manifest.difference([*before, Row("i.wav", "test", 1, "")], moved[:1] + other[1:]) == (
        "1 file removed (i.wav), 1 file changed (b.wav), 1 file in another split (a.wav: train, now valid)"
    )


def refusal(run: Path, fingerprint: str, folder: Path) -> str:
    with pytest.raises(InputError, match="the sound is not what") as caught:
        manifest.check(run, fingerprint, prepared(folder))
    assert "\n" not in str(caught.value) and "--force" not in str(caught.value)
    assert f"--init {run}" in str(caught.value)
    return str(caught.value)


def test_a_refusal_names_files_and_nothing_destructive(folder: Path, tmp_path: Path) -> None:
    sound, run = prepared(folder), tmp_path / "run"
    fingerprint = sound.fingerprint()
    manifest.write(run, manifest.rows(sound))
    (folder / "broken.wav").write_bytes(b"no sound")  # what is dropped makes no difference
    files.write(folder / "toy-s1.wav", toys.wave(0.2, 9), toys.RATE, software=files.SOFTWARE)
    manifest.check(run, fingerprint, prepared(folder))
    files.write(folder / "sound3.wav", toys.wave(0.2, 77), toys.RATE)
    (folder / "sound4.wav").rename(folder / "other.wav")
    told = refusal(run, fingerprint, folder)
    for part in ("1 file added (other.wav)", "1 file removed (sound4.wav)", "1 file changed (sound3.wav)"):
        assert part in told


def test_without_a_list_less_is_said(folder: Path, tmp_path: Path) -> None:
    sound, run = prepared(folder), tmp_path / "run"
    assert "has no manifest.csv" in refusal(run, "of old", folder)
    manifest.write(run, manifest.rows(sound))
    assert "the same files, but this version trims" in refusal(run, "of old", folder)


@pytest.fixture
def told_folder(tmp_path: Path) -> Path:
    """Return sounds with fields, and arrays beside them."""
    folder = told_toys.write_sounds(tmp_path / "told", 2)
    for number, path in enumerate(sorted(folder.glob("*.wav"))):
        np.save(path.with_suffix(".npy"), np.full((-(-len(files.read(path, toys.RATE)) // 40), 2), number, np.float32))
    return folder


def told(folder: Path) -> SoundData:
    condition = {"channels": 4, "fields": {"label": 3}, "tracks": {"array": 2}, "hop_samples": 40}
    sound = SoundData(toys.recipe(data={"path": str(folder), "trim": None}, condition=condition))
    sound.prepare()
    return sound


def test_other_arrays_or_values_of_fields_are_other_sound_and_are_told_apart(told_folder: Path, tmp_path: Path) -> None:
    sound, run, table = told(told_folder), tmp_path / "run", told_folder / "metadata.csv"
    fingerprint, before = sound.fingerprint(), sound.older_fingerprint()
    manifest.write(run, manifest.rows(sound))
    moved = Path(shutil.copytree(told_folder, tmp_path / "moved", copy_function=shutil.copy))  # under other times
    manifest.check(run, fingerprint, told(moved))
    array = moved / "low-ann-1.npy"
    np.save(array, np.load(array) + 1)
    with pytest.raises(InputError, match=r"the same files, but other arrays in the \.npy files beside them; give"):
        manifest.check(run, fingerprint, told(moved))
    manifest.check(run, before, told(moved))  # of a version that knew no arrays
    table.write_text(table.read_text().replace("low-ann-1.wav,ann,low", "low-ann-1.wav,ann,high"))
    changed = told(told_folder)
    with pytest.raises(InputError, match=r"the same files, but other values of label; give the same sound again"):
        manifest.check(run, fingerprint, changed)
    with pytest.raises(InputError, match=r"but other values of label or this version trims or measures them diff"):
        manifest.check(run, before, changed)
    np.save(told_folder / array.name, np.load(array))
    with pytest.raises(InputError, match=r"but other values of label and other arrays in the \.npy files beside them;"):
        manifest.check(run, fingerprint, told(told_folder))
    again = sound.fingerprint().partition("-")[2]
    with pytest.raises(InputError, match=r"but this version trims or measures them differently"):
        manifest.check(run, f"of another-{again}", sound)
