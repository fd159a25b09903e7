"""A folder that is being filled is left alone while its process lives, and swept when it is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wavenet import disk

FILL = """
import sys, time
from pathlib import Path
from wavenet import disk

with disk.filling(Path(sys.argv[1])) as work:
    (work / "pcm.int16").write_bytes(b"sound")
    print(work, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that is filling a folder in `tmp_path`."""
    process = subprocess.Popen([sys.executable, "-c", FILL, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline().startswith(str(tmp_path))
    yield process
    process.kill()
    process.communicate()


def aged(place: Path, days: float) -> None:
    """Have all in a folder be last touched some days ago."""
    then = time.time() - 86_400 * days
    for path in [*place.glob("*/*"), *place.iterdir()]:
        os.utime(path, (then, then))


def no_locks(*_: object) -> None:
    raise OSError(37, "No locks available")


def test_a_folder_is_put_in_place_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "caches" / "mine"
    with disk.filling(place) as work:
        assert work.parent == place and not list(work.iterdir())
        (work / "x").touch()
        work.rename(place / "whole")
    assert [path.name for path in place.rglob("*")] == ["whole", "x"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_stop_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), disk.filling(tmp_path) as work:
        (work / "x").touch()
        raise error
    assert not list(tmp_path.iterdir())


def test_a_living_process_keeps_its_folder_however_old_and_whatever_its_name(
    tmp_path: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two containers may have one host name, and each a process of the same number."""
    aged(tmp_path, 3)
    monkeypatch.setattr(socket, "gethostname", lambda: "same")
    monkeypatch.setattr(os, "getpid", lambda: other.pid)
    before = sorted(tmp_path.rglob("*"))
    with disk.filling(tmp_path) as work:
        assert work not in before
    assert sorted(tmp_path.rglob("*")) == before and len(before) == 2


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is not known on Windows")
def test_a_killed_process_loses_its_folder(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    (tmp_path / "unfinished-business").mkdir()  # of another program
    aged(tmp_path, 0.01)
    other.send_signal(signal.SIGKILL)
    other.wait()
    with disk.filling(tmp_path):
        assert len(list(tmp_path.iterdir())) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["unfinished-business"]


@pytest.mark.parametrize(
    ("machine", "locks", "days", "left"),
    [
        ("this", True, 0.0, False),
        ("this", False, 0.9, True),
        ("this", False, 1.1, False),
        ("other", True, 0.9, True),
        ("other", True, 1.1, False),
    ],
)
def test_what_no_lock_tells_of_is_swept_when_a_day_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, locks: bool, days: float, left: bool
) -> None:
    fcntl = pytest.importorskip("fcntl")
    name = disk._machine() if machine == "this" else "00000000"
    work = tmp_path / f"unfinished-{name}-0123456789abcdef"
    work.mkdir()
    (work / "pcm.int16").write_bytes(b"sound")
    if not locks:
        monkeypatch.setattr(fcntl, "flock", no_locks)
    aged(tmp_path, days)
    disk.sweep(tmp_path)
    assert work.exists() == left


def test_a_folder_that_is_not_locked_yet_is_left_alone_for_a_day(tmp_path: Path) -> None:
    work = tmp_path / f".unfinished-{disk._machine()}-0123456789abcdef"
    work.mkdir()
    disk.sweep(tmp_path)
    assert work.exists()
    aged(tmp_path, 1.1)
    disk.sweep(tmp_path)
    assert not work.exists()


@pytest.mark.parametrize("where", ["", "pcm.int16"])
def test_a_folder_is_as_old_as_the_last_thing_done_in_it(tmp_path: Path, where: str) -> None:
    work = tmp_path / "unfinished-00000000-0123456789abcdef"
    work.mkdir()
    (work / "pcm.int16").write_bytes(b"sound")
    aged(tmp_path, 2)
    os.utime(work / where)
    disk.sweep(tmp_path)
    assert work.exists()


def test_where_nothing_can_be_locked_a_folder_is_filled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", no_locks)
    with disk.filling(tmp_path) as work:
        disk.sweep(tmp_path)
        assert work.exists()
    assert not list(tmp_path.iterdir())


def test_containers_of_one_machine_know_each_other_by_their_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    known = disk._machine()
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    if Path("/proc/sys/kernel/random/boot_id").exists():
        assert disk._machine() == known
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    assert disk._machine() != known
