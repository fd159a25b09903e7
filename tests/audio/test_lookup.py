"""A file is found by whatever spelling a table has of it, and none outside the folder is taken for one inside."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from layout_toys import touch

from wavenet.audio import walk
from wavenet.audio.lookup import Lookup


def lookup(folder: Path, *names: str) -> Lookup:
    touch(folder, *names)
    return Lookup(folder, walk.find_sounds(folder)[0])


@pytest.mark.parametrize(
    "word",
    [
        "sub/a.wav",
        "./sub/a.wav",
        "sub//a.wav",
        "sub\\a.wav",
        ".\\sub\\a.wav",
        "sub/../sub/a.wav",
        "sub/./a.wav",
        "{}/sub/a.wav",
    ],
)
def test_one_file_has_one_name_however_it_is_spelled(tmp_path: Path, word: str) -> None:
    assert lookup(tmp_path, "sub/a.wav", "a.wav").name(word.format(tmp_path)) == "sub/a.wav"


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
def test_accents_may_be_composed_or_apart(tmp_path: Path, on_disk: str) -> None:
    name, other = (unicodedata.normalize(form, "Zoë/é.wav") for form in (on_disk, {"NFC": "NFD"}.get(on_disk, "NFC")))
    found = lookup(tmp_path, name)
    assert found.name(other) == name and found.name(name) == name


def test_a_name_as_it_stands_goes_before_one_that_is_spelled_alike(tmp_path: Path) -> None:
    apart, composed = (unicodedata.normalize(form, "é.wav") for form in ("NFD", "NFC"))
    found = lookup(tmp_path, apart, composed, "a\\b.wav", "a/b.wav")
    assert [found.name(word) for word in (apart, composed, "a\\b.wav")] == [apart, composed, "a\\b.wav"]


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_a_name_on_disk_in_latin_1_is_that_in_a_table_in_latin_1(tmp_path: Path) -> None:
    name = os.fsdecode(b"Zo\xeb.wav")
    assert lookup(tmp_path, name).name("Zoë.wav") == name


@pytest.mark.parametrize("word", ["../b.wav", "sub/../../b.wav", "{}/b.wav", "out/b.wav", "C:\\b.wav", "..\\b.wav"])
def test_what_lies_outside_the_folder_is_no_name(tmp_path: Path, word: str) -> None:
    touch(tmp_path, "b.wav", "elsewhere/b.wav")
    folder = touch(tmp_path / "data", "sub/a.wav")
    (folder / "out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert lookup(folder).name(word.format(tmp_path)) is None


def test_a_link_may_lead_out_where_that_is_allowed(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/b.wav")
    folder = touch(tmp_path / "data", "a.wav")
    (folder / "out").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found = Lookup(folder, [folder / "a.wav", folder / "out/b.wav"], outside=True)
    assert {found.name(word) for word in ("out/b.wav", "out\\b.wav", "../elsewhere/b.wav")} == {"out/b.wav"}


def test_outside_files_have_one_name_too(tmp_path: Path) -> None:
    found = Lookup(tmp_path / "data", [], outside=True)
    words = ("../b.wav", f"{tmp_path}/b.wav", "..\\b.wav", "sub/../../b.wav")
    assert {found.name(word) for word in words} == {"../b.wav"}
    assert {found.name(word) for word in ("/far/b.wav", "//far/./b.wav")} == {"/far/b.wav"}


def test_a_folder_reached_by_a_link_keeps_the_name_it_was_found_by(tmp_path: Path) -> None:
    folder = touch(tmp_path / "real", "takes/a.wav")
    (folder / "alias").symlink_to("takes", target_is_directory=True)
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    found = lookup(tmp_path / "link")
    assert list(found.names) == ["alias/a.wav"]  # the walk enters it once
    for word in ("alias/a.wav", "takes/a.wav", f"{tmp_path}/real/takes/a.wav", f"{tmp_path}/link/takes/a.wav"):
        assert found.name(word) == "alias/a.wav"


def test_what_is_not_there_has_its_own_name(tmp_path: Path) -> None:
    found = lookup(tmp_path, "a.wav")
    assert found.name("gone/./b.wav") == "gone/b.wav"
    assert found.name("a\0b/c.wav") == "a\0b/c.wav"


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("one/a", "one/a.wav"),  # an id
        ("ONE/A.WAV", "one/a.wav"),
        ("one/a.mp3", "one/a.wav"),  # converted since
        ("one\\a.m4a", "one/a.wav"),
        ("b.wav", "two/b.flac"),  # the only one of this name
        ("/home/ann/set/one/a.wav", "one/a.wav"),  # from another machine
        ("C:\\set\\two\\b.flac", "two/b.flac"),
        ("c", None),  # two have it
        ("two/a.wav", None),  # names a folder: not the one elsewhere
        ("gone.wav", None),
    ],
)
def test_a_file_may_be_guessed_where_only_one_is_meant(tmp_path: Path, word: str, name: str | None) -> None:
    found = lookup(tmp_path, "one/a.wav", "two/b.flac", "one/c.wav", "two/c.wav")
    assert found.guess(word, ()) == name
    assert found.guess(word, {"one/a.wav", "two/b.flac"}) is None


def test_ids_are_exact_first(tmp_path: Path) -> None:
    found = lookup(tmp_path, "wavs/LJ1.wav", "wavs/lj1.wav", "other/B.wav")
    words = {"LJ1": "wavs/LJ1.wav", "lj1": "wavs/lj1.wav", "wavs\\LJ1.wav": "wavs/LJ1.wav", "b": "other/B.wav"}
    assert {word: found.guess(word) for word in words} == words
    assert found.guess("Lj1") is None  # both are meant
    assert found.guess("DUMMY/b") is None and found.guess("DUMMY/b", anywhere=True) == "other/B.wav"
