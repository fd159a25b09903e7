"""Held: files are whole or as they were, locks end with their holders, the least limit of memory counts."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import disk
from wavenet.errors import BundleError, InputError, WavenetError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["sound.wav", "a.b.flac", ".hidden.json"])
def test_the_name_appears_when_the_block_ends_and_the_temporary_one_is_hidden(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / "deep" / name
    with disk.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        assert not path.exists() and temporary.parent == path.parent
        assert temporary.name.startswith(".") and temporary.suffix == path.suffix
        temporary.write_bytes(b"whole")
    assert path.read_bytes() == b"whole" and names(path.parent) == [name]


@pytest.mark.parametrize("failure", [None, OSError, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize("before", [None, b"old"])
def test_any_exception_and_a_block_that_writes_nothing_leave_what_was_there(
    tmp_path: Path, failure: type[BaseException] | None, before: bytes | None
) -> None:
    path = tmp_path / "file.bin"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(failure or FileNotFoundError), disk.replacing(path) as temporary:
        if failure is not None:
            temporary.write_bytes(b"half")
            raise failure("stop")
    assert names(tmp_path) == ([] if before is None else ["file.bin"])
    assert before is None or path.read_bytes() == before


def test_a_folder_of_that_name_is_an_error_and_nothing_stays(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="taken"):
        disk.write_bytes(path, b"new")
    assert names(tmp_path) == ["taken"]
    assert names(path) == ["inside"]


def test_the_old_file_stays_whole_for_who_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    disk.write_bytes(path, b"first")
    with path.open("rb") as reader:
        disk.write_bytes(path, b"second, longer")
        assert reader.read() == b"first"
    assert path.read_bytes() == b"second, longer"


@settings(deadline=None, max_examples=30)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_text_is_utf8(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "atomic-text.yaml"
    disk.write_text(path, text)
    assert path.read_bytes().replace(b"\r\n", b"\n") == text.encode()


def test_what_cannot_be_written_is_one_sentence_but_a_reader_that_hung_up_is_not() -> None:
    sentence = r"^a\.bin cannot be written \(No space left on device\); free space$"
    with pytest.raises(WavenetError, match=sentence), disk.explained("a.bin", "free space"):
        raise OSError(28, "No space left on device")
    with pytest.raises(BrokenPipeError), disk.explained("stdout", "free space"):
        raise BrokenPipeError


def test_a_name_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "there.wav").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, words in (
        ("x" * 300 + ".wav", "too long"),
        ("there.wav", "exists"),
        ("there.wav/a.wav", "cannot be written"),
        (".", "is a folder"),
    ):
        with pytest.raises(InputError, match=words):
            disk.check_free(tmp_path / name, "-o", force=False)
    with pytest.raises(InputError, match=r"there.wav exists; name another file or overwrite it with force=True$"):
        disk.check_free(tmp_path / "there.wav", "", False, "force=True")
    disk.check_free(tmp_path / "there.wav", "-o", force=True)
    disk.check_free(tmp_path / "new" / "deep" / "a.wav", "-o", force=False)
    assert names(tmp_path) == ["loop", "there.wav"]


# --- locks -----------------------------------------------------------------------------------------------------------

HOLD = """
import os, sys, time
from pathlib import Path
from wavenet import disk

with disk.locked(Path(sys.argv[1])) as held:
    if sys.argv[2:] and os.fork() == 0:
        time.sleep(60)
    print(held, flush=True)
    time.sleep(60)
"""


def no_locks(*_: object) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.mark.parametrize("fork", [[], ["fork"]], ids=["alone", "with a child that lives on"])
def test_a_lock_keeps_others_out_until_its_holder_ends_however_it_ends(tmp_path: Path, fork: list[str]) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path), *fork]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "True\n"
        began = time.monotonic()
        with pytest.raises(BlockingIOError), disk.locked(path, wait=0.2):
            pass
        assert time.monotonic() - began >= 0.2
        other.kill()
        other.wait()
        with disk.locked(path) as held:
            assert held
        if fork:
            os.killpg(other.pid, signal.SIGKILL)


def test_a_lock_is_free_again_after_its_block_and_its_file_may_be_removed_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    path.parent.mkdir()
    with disk.locked(path), pytest.raises(BlockingIOError), disk.locked(path):
        pass
    with disk.locked(path):
        path.unlink()
        path.parent.rmdir()
    path.parent.mkdir()
    with disk.locked(path) as held:
        assert held


def test_a_lock_that_cannot_be_had_is_not_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError), disk.locked(tmp_path / "file" / "lock"):
        pass
    for number in disk.NO_LOCKS:
        monkeypatch.setattr(fcntl, "flock", lambda *_, number=number: (_ for _ in ()).throw(OSError(number, "none")))
        with disk.locked(tmp_path / "lock") as held, disk.locked(tmp_path / "lock") as held_too:
            assert not held and not held_too
    monkeypatch.undo()
    with disk.locked(tmp_path / "lock") as held:  # nothing that was left there keeps it
        assert held


# --- work folders ----------------------------------------------------------------------------------------------------

FILL = """
import sys, time
from pathlib import Path
from wavenet import disk

with disk.work_folder(Path(sys.argv[1])) as work:
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


def left_behind(place: Path, machine: str) -> Path:
    """Make what a process that is gone leaves."""
    work = place / f"unfinished-{machine}-0123456789abcdef"
    work.mkdir()
    (work / "pcm.int16").write_bytes(b"sound")
    (place / f".{work.name}.lock").touch()
    return work


def aged(place: Path, days: float) -> None:
    """Have all in a folder be last touched some days ago."""
    then = time.time() - 86_400 * days
    for path in [*place.glob("*/*"), *place.iterdir()]:
        os.utime(path, (then, then))


def test_a_folder_is_put_in_place_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    place = tmp_path / "caches" / "mine"
    with disk.work_folder(place) as work:
        assert work.parent == place and not list(work.iterdir())
        (work / "x").touch()
        work.rename(place / "whole")
    assert [path.name for path in place.rglob("*")] == ["whole", "x"]


@pytest.mark.parametrize("locks", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_stop_leaves_nothing(
    tmp_path: Path, error: BaseException, locks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locks:
        monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(type(error)), disk.work_folder(tmp_path) as work:
        (work / "x").touch()
        disk.sweep(tmp_path)
        assert work.exists()
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
    with disk.work_folder(tmp_path) as work:
        assert work not in before
    assert sorted(tmp_path.rglob("*")) == before and len(before) == 3


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is not known on Windows")
def test_a_killed_process_loses_its_folder(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    (tmp_path / "unfinished-business").mkdir()  # of another program
    other.send_signal(signal.SIGKILL)
    other.wait()
    with disk.work_folder(tmp_path):
        assert len(list(tmp_path.iterdir())) == 3
    assert [path.name for path in tmp_path.rglob("*")] == ["unfinished-business"]


@pytest.mark.parametrize(
    ("machine", "locks", "days", "stays"),
    [
        ("this", True, 0.0, False),
        ("this", False, 0.9, True),
        ("this", False, 1.1, False),
        ("other", True, 0.9, True),
        ("other", True, 1.1, False),
    ],
)
def test_what_no_lock_tells_of_is_swept_when_a_day_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, locks: bool, days: float, stays: bool
) -> None:
    work = left_behind(tmp_path, disk._machine() if machine == "this" else "00000000")
    if not locks:
        monkeypatch.setattr(fcntl, "flock", no_locks)
    aged(tmp_path, days)
    disk.sweep(tmp_path)
    assert work.exists() == stays and bool(list(tmp_path.iterdir())) == stays


@pytest.mark.parametrize("where", ["", "pcm.int16"])
def test_a_folder_is_as_old_as_the_last_thing_done_in_it(tmp_path: Path, where: str) -> None:
    work = left_behind(tmp_path, "00000000")
    aged(tmp_path, 2)
    os.utime(work / where)
    disk.sweep(tmp_path)
    assert work.exists()


def test_containers_of_one_machine_know_each_other_by_their_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    known = disk._machine()
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    if Path("/proc/sys/kernel/random/boot_id").exists():
        assert disk._machine() == known
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError()))
    assert disk._machine() != known


# --- folders of the user's -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cache", "data"])
def test_a_folder_of_the_users_is_the_systems_unless_named(
    kind: Literal["cache", "data"], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for named, found in ((str(tmp_path / "here"), "here"), ("~/sets", "sets")):  # no shell reads a file of settings
        monkeypatch.setenv("WAVENET_X", named)
        assert disk.user_folder("WAVENET_X", kind) == tmp_path / found
    monkeypatch.delenv("WAVENET_X")
    assert "wavenet" in disk.user_folder("WAVENET_X", kind).parts


# --- memory ----------------------------------------------------------------------------------------------------------


def system(root: Path, groups: str, limits: dict[str, str]) -> Path:
    """Write the part of a system that tells of control groups: those of this process, and limits by file."""
    for name, limit in {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{at}": limits[at] for at in limits}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{limit}\n")
    return root


MiB = 1 << 20
V1, ENDLESS = "memory.limit_in_bytes", str((1 << 63) - 4096)


@pytest.mark.parametrize(
    ("groups", "limits", "least"),
    [
        ("", {"memory.max": "max"}, None),  # no limit
        ("", {"memory.max": f"{9 * MiB}"}, 9),  # a container's
        ("", {f"memory/{V1}": f"{9 * MiB}"}, 9),
        ("0::/", {"memory.max": f"{9 * MiB}"}, 9),
        ("0::/user.slice/a:b.scope", {"user.slice/a:b.scope/memory.max": f"{9 * MiB}"}, 9),
        ("0::/a.slice/b.scope", {"a.slice/memory.max": f"{8 * MiB}", "a.slice/b.scope/memory.max": "max"}, 8),
        ("0::/a.slice/b.scope", {"a.slice/memory.max": "max", "a.slice/b.scope/memory.max": f"{9 * MiB}"}, 9),
        ("0::/a/b/c", {"a/memory.max": f"{9 * MiB}", "a/b/memory.max": f"{7 * MiB}", "a/b/c/memory.max": "max"}, 7),
        ("0::/a/b", {"memory.max": f"{6 * MiB}", "a/b/memory.max": f"{7 * MiB}"}, 6),
        ("0::/a/b", {"other/memory.max": f"{6 * MiB}"}, None),  # another's
        ("0::/../../other", {"memory.max": f"{6 * MiB}"}, 6),  # outside of what this namespace sees
        ("9:cpu:/c\n4:memory:/slurm/job_7/step_0", {f"memory/slurm/job_7/{V1}": f"{5 * MiB}"}, 5),
        ("4:hugetlb,memory:/slurm/job_7", {f"memory/slurm/job_7/{V1}": f"{5 * MiB}", f"memory/{V1}": ENDLESS}, 5),
        ("4:memory:/docker/abc", {f"memory/{V1}": f"{4 * MiB}"}, 4),  # the path is the one outside of the container
        ("4:memory:/m\n1:name=systemd:/s\n0::/s", {f"memory/s/{V1}": "1000", f"memory/m/{V1}": ENDLESS}, None),
        ("4:memory:/\n0::/s", {"unified/s/memory.max": f"{3 * MiB}"}, 3),
        ("nonsense\n0::", {"memory.max": "nonsense"}, None),
    ],
)
def test_the_least_limit_of_this_process_and_of_all_around_it_counts(
    tmp_path: Path, groups: str, limits: dict[str, str], least: int | None
) -> None:
    whole = disk.available_bytes(tmp_path)
    assert whole is not None and whole > 1 << 27
    assert disk.available_bytes(system(tmp_path, groups, limits)) == (whole if least is None else least * MiB)


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_counts(kind: str) -> None:
    script = (
        f"import resource; resource.setrlimit(resource.{kind}, (1 << 28,) * 2)\n"
        "from wavenet import disk; print(disk.available_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert int(done.stdout) <= 1 << 28, done.stderr


def test_what_no_system_tells_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import resource

    monkeypatch.setattr(disk.os, "sysconf_names", {})
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY,) * 2)
    system(tmp_path, "4:memory:/", {f"memory/{V1}": ENDLESS})
    assert disk.available_bytes(tmp_path) is None


# --- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "JSON"), ('{"b": {"c": 1, "c": 2}}', "'c'"), ("[" * 90_000, "JSON"), ("9" * 5_000, "JSON")],
    ids=["cut", "twice", "deep", "long"],
)
def test_what_is_not_plain_json_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(BundleError) as caught:
        disk.read_json(path)
    assert words in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)
    path.write_text('{"a": [1, null]}')
    assert disk.read_json(path) == {"a": [1, None]}


def test_no_more_is_read_than_a_bundle_can_have() -> None:
    with pytest.raises(BundleError, match="cannot be read as JSON"):
        disk.read_json(Path("/dev/zero"))
