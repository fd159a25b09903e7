"""What is passed over beside the sound of a folder is counted by kind and told with what makes it readable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from layout_toys import touch

from wavenet.audio import layouts, unread
from wavenet.audio.files import SUFFIXES


def beside(folder: Path) -> unread.Unread:
    others: list[Path] = []
    layouts.walk(folder, others)
    return unread.sort_out(others)


def test_no_suffix_is_both_read_and_not() -> None:
    assert not SUFFIXES & unread.NOTED and not unread.FORMATS & unread.RAW


def test_formats_are_counted_by_suffix_with_what_converts_them(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "sub/b.m4a", "sub/c.M4A", "d.wma", "e.raw", "f.txt", "g.png")
    found = beside(tmp_path)
    assert found.counts() == {".m4a": 2, ".wma": 1, ".raw": 1}
    assert unread.described(tmp_path, found) == (
        "2 .m4a, 1 .wma (convert: `ffmpeg -i IN.m4a OUT.wav`; first: sub/b.m4a), "
        "1 .raw (convert: `ffmpeg -f s16le -ar RATE -ac CHANNELS -i IN.raw OUT.wav`; first: e.raw)"
    )


def test_tables_are_kept_apart_from_sound(tmp_path: Path) -> None:
    touch(tmp_path, "labels.csv", "Metadata.TXT", "notes.txt", "sub/metadata.jsonl")
    found = beside(tmp_path)
    assert [path.name for path in found.tables] == ["Metadata.TXT", "labels.csv", "metadata.jsonl"]
    assert found.counts() == {}


@pytest.mark.parametrize("name", ["take", "Take 1.5"])
@pytest.mark.parametrize("head", [b"RIFF....WAVE", b"fLaC", b"OggS", b"ID3\x04"])
def test_sound_without_a_suffix_is_known_by_how_it_begins(tmp_path: Path, name: str, head: bytes) -> None:
    touch(tmp_path, "LICENSE", "empty", "a.wav")
    (tmp_path / name).write_bytes(head + bytes(40))
    found = beside(tmp_path)
    assert found.counts() == {"no suffix": 1}
    assert unread.described(tmp_path, found) == f"1 without a suffix (add it, such as .wav; first: {name})"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert beside(tmp_path).counts() == {}


def test_hidden_sound_is_counted_but_not_what_systems_and_programs_leave(tmp_path: Path) -> None:
    touch(tmp_path, ".take.wav", "._take.wav", ".0f3a.tmp.wav", ".DS_Store", ".notes.txt")
    assert unread.described(tmp_path, beside(tmp_path)) == "1 hidden by a dot (rename; first: .take.wav)"


def test_many_files_without_a_suffix_cost_no_more_than_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "MOST_HEADS", 2)
    for name in "abc":
        (tmp_path / name).write_bytes(b"RIFF")
    assert beside(tmp_path).counts() == {"no suffix": 2}


def test_nothing_is_said_of_nothing(tmp_path: Path, said: list[str]) -> None:
    touch(tmp_path, "a.wav", "notes.txt", "a.wav.bak", "wav")
    unread.tell(tmp_path, beside(tmp_path))
    unread.tell_of_tables(tmp_path, [])
    assert said == []


def test_names_are_told_as_one_line(tmp_path: Path, said: list[str]) -> None:
    unread.tell(tmp_path, beside(touch(tmp_path, "a\n.m4a")))
    unread.tell_of_tables(tmp_path, [tmp_path / "sub\n/metadata.jsonl", tmp_path / "b.csv"])
    assert [line.count("\n") for line in said] == [0, 0]
    assert "sub\\n/metadata.jsonl, and 1 more; a table" in said[1]
