"""A look at a file changes when the file does, whatever its time says, and never raises."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path

import pytest

from wavenet.audio import digests
from wavenet.audio.digests import PART

LENGTHS = [0, 1, PART - 1, PART, 2 * PART, 3 * PART + 1, 10 * PART]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_look_sees_head_middle_and_end_under_an_old_time(tmp_path: Path, length: int) -> None:
    path, content = tmp_path / "a.wav", bytes(length)
    places = {0, length // 2, length - 1} if length else set()
    changed = [content[:at] + b"x" + content[at + 1 :] for at in places]
    seen = set()
    for held in (content, *changed, content + b"x"):
        path.write_bytes(held)
        os.utime(path, ns=(1, 1))
        assert digests.look(path) == digests.look(path)
        seen.add(digests.look(path))
    assert len(seen) == len(places) + 2


def test_a_change_between_the_parts_is_seen_by_its_time_and_a_copy_with_its_time_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(10 * PART))
    os.utime(path, ns=(1, 1))
    before = digests.look(path)
    assert digests.look(Path(shutil.copy2(path, tmp_path / "b.wav"))) == before
    with path.open("r+b") as file:
        file.seek(3 * PART)
        file.write(b"x")
    assert digests.look(path) != before


def test_looks_keep_their_order(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(30)]
    for path in paths[1:]:
        path.write_text(path.name)
    assert digests.looks(paths) == [digests.look(path) for path in paths] and len(set(digests.looks(paths))) == 30


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "gone", "itself", "shut"])
def test_what_cannot_be_read_has_a_look_of_its_own(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "shut").write_bytes(b"words")
    if name == "shut":  # root may read anything
        monkeypatch.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert digests.look(tmp_path / name) == ("unreadable: 13" if name == "shut" else "no file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = threading.Thread(target=digests.look, args=(tmp_path / "pipe",))
    reading.start()
    reading.join(2)
    stuck = reading.is_alive()
    while reading.is_alive():
        with contextlib.suppress(OSError):
            os.close(os.open(tmp_path / "pipe", os.O_WRONLY | os.O_NONBLOCK))
        reading.join(0.05)
    assert not stuck
