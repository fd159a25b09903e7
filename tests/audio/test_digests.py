"""A look at a file changes when the file does, costs three short reads, and never raises; contents know every byte."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

import pytest

from wavenet import progress
from wavenet.audio import digests
from wavenet.audio.digests import PART

LENGTHS = [0, 1, PART - 1, PART, 2 * PART, 3 * PART + 1, 10 * PART]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_look_stays_while_a_file_does_and_sees_its_head_middle_and_end(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.wav"
    content = bytes(length)
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    status = path.stat()
    known = [digests.look(path)]
    assert digests.look(path) == known[0]
    for at in {0, length // 2, length - 1} if length else ():
        path.write_bytes(content[:at] + b"x" + content[at + 1 :])
        os.utime(path, ns=(1, 1))
        known.append(digests.look(path))
    path.write_bytes(content + b"x")
    os.utime(path, ns=(1, 1))
    known.append(digests.look(path))
    assert len(set(known)) == len(known) and path.stat().st_mtime_ns == status.st_mtime_ns


def test_the_parts_alone_tell_files_of_one_time_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk image may have one time for all of its files, that of their last change included."""

    class Times:
        st_size, st_mtime_ns, st_ctime_ns = 10 * PART, 1, 1

    monkeypatch.setattr(digests.os, "fstat", lambda _: Times)
    found = set()
    for at in (0, PART - 1, 5 * PART, 10 * PART - 1):
        (tmp_path / "a").write_bytes(bytes(at) + b"x" + bytes(10 * PART - at - 1))
        found.add(digests.look(tmp_path / "a"))
    assert len(found) == 4


def test_an_old_time_put_back_does_not_hide_a_change_between_the_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(bytes(10 * PART))
    before, then = digests.read(path), path.stat().st_mtime_ns
    time.sleep(0.02)  # a clock of files may tick a hundred times a second
    with path.open("r+b") as file:
        file.seek(3 * PART)
        file.write(b"x")
    os.utime(path, ns=(then, then))
    after = digests.read(path)
    assert after.look != before.look and after.digest != before.digest


def test_contents_are_equal_for_equal_bytes_alone(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c", "gone", "folder")]
    for path, content in zip(paths, (b"one", b"one", b"two"), strict=False):
        path.write_bytes(content)
    (tmp_path / "folder").mkdir()
    found = digests.contents(paths)
    assert found[0].digest == found[1].digest != found[2].digest
    assert found[3].digest == found[4].digest == "no file"
    assert [content.look for content in found] == digests.looks(paths)


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "gone", "itself", "shut"])
def test_what_cannot_be_read_has_a_look_of_its_own(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "shut").write_bytes(b"words")
    seen = digests.read(tmp_path / "shut")
    if name == "shut":  # root may read anything
        monkeypatch.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    content = digests.read(tmp_path / name)
    assert content.look == content.digest == ("unreadable: 13" if name == "shut" else "no file") and seen != content


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = threading.Thread(target=digests.read, args=(tmp_path / "pipe",))
    reading.start()
    reading.join(2)
    stuck = reading.is_alive()
    while reading.is_alive():
        with contextlib.suppress(OSError):
            os.close(os.open(tmp_path / "pipe", os.O_WRONLY | os.O_NONBLOCK))
        reading.join(0.05)
    assert not stuck


def test_a_stop_waits_neither_for_all_files_nor_for_a_long_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / str(number) for number in range(1_000)]
    for path in paths:
        path.write_bytes(b"sound")
    with paths[1].open("wb") as file:
        file.truncate(200 << 30)  # a hole, which takes no room, and minutes to read
    begun: list[Path] = []
    genuine = digests.look
    monkeypatch.setattr(digests, "look", lambda path: (begun.append(path), time.sleep(0.005), genuine(path))[2])
    monkeypatch.setattr(progress.Progress, "advance", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        digests.contents(paths)
    assert paths[1] in begun and len(begun) < 900
