"""Compiled once, announced, kept where it can be; and a cache that is damaged or cannot be written costs only time."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import pytest

from wavenet.generate.cpu import jit
from wavenet.generate.cpu.jit import Entry, compiled


def double(x: float) -> float:
    return 2 * x


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    logging.getLogger("wavenet").propagate = True
    logging.getLogger("wavenet").setLevel(logging.INFO)
    return tmp_path


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_it_is_announced_once_and_kept(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = Entry(double, "a")
    assert not first.ready and first(4.0) == 8.0 and first.ready
    assert "compiling the sampler" in caplog.text and "compiled in" in caplog.text
    assert {path.suffix for path in files(folder)} == {".nbi", ".nbc"}
    caplog.clear()
    assert first(5.0) == 10.0 and Entry(double, "a")(4.0) == 8.0
    assert caplog.text == ""  # from the disk, without a word
    assert Entry(double, "b")(4.0) == 8.0
    assert "compiling" in caplog.text and len(files(folder)) == 4  # a file of its own


def test_of_threads_that_call_it_first_one_compiles_it(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    entry, together = Entry(double, "a"), threading.Barrier(4)

    def call(x: float) -> float:
        together.wait()
        return float(entry(x))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, [1.0, 2.0, 3.0, 4.0])) == [2.0, 4.0, 6.0, 8.0]
    assert caplog.text.count("compiled in") == 1 and entry.ready and len(entry.call.overloads) == 1


def test_it_is_compiled_anew_when_a_source_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Entry(double, "a")(4.0)
    caplog.clear()
    monkeypatch.setattr(jit, "_digest", lambda: "other sources")
    assert Entry(double, "a")(4.0) == 8.0
    assert "compiling" in caplog.text


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_cache_is_made_again(folder: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    Entry(double, "a")(4.0)
    for path in files(folder):
        if path.suffix == suffix:
            path.write_bytes(path.read_bytes()[:-20])
    caplog.clear()
    assert Entry(double, "a")(4.0) == 8.0
    assert "cannot be read" in caplog.text and "compiling it again" in caplog.text
    caplog.clear()
    assert Entry(double, "a")(4.0) == 8.0 and caplog.text == ""


def test_a_full_disk_is_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, "save", full)
    assert Entry(double, "a")(4.0) == 8.0
    assert "No space left on device" in caplog.text and files(folder) == []


def test_nowhere_to_write_is_a_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    jit._warn_once.cache_clear()
    monkeypatch.setattr(numba.core.caching.CompileResultCacheImpl, "_locator_classes", [])
    logging.getLogger("wavenet").propagate = True
    assert Entry(double, "a")(4.0) == 8.0
    assert Entry(double, "b")(4.0) == 8.0
    assert caplog.text.count("every start compiles it") == 1 and "NUMBA_CACHE_DIR" in caplog.text


def test_compiled_code_lets_other_threads_run_and_divides_as_numpy_does() -> None:
    @compiled()
    def divide(x: float, y: float) -> float:
        return x / y

    assert divide(1.0, 0.0) == float("inf") and divide.targetoptions["nogil"]


COUNTS = """
import numpy as np, toys
from numba.core import event
from wavenet import outputs
from wavenet.generate.cpu.engine import Cpu
from wavenet.generate.packed import pack
recipe = toys.recipe()
with event.install_recorder("numba:compile") as seen:
    Cpu(pack(recipe.shape, toys.arrays(recipe)), outputs.of(recipe), "float32")
print(sum(one.is_end for _, one in seen.buffer))
"""


@pytest.mark.campaign
def test_the_bar_ends_about_where_compilation_ends(tmp_path: Path) -> None:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", COUNTS], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert abs(int(done.stdout) - jit.FUNCTIONS) <= 2  # NumPy's own differ between versions of Numba


COMPILES = """
import logging, sys
from wavenet.generate.cpu.jit import Entry
from wavenet.generate.cpu.gates import clamped
logging.getLogger("wavenet").addHandler(logging.StreamHandler(sys.stdout))
logging.getLogger("wavenet").setLevel(logging.INFO)
entry = Entry(clamped.py_func, "two")
save = entry.kept.save_overload
def saved(*what):
    print("saving", flush=True)
    sys.stdin.readline()
    save(*what)
entry.kept.save_overload = saved
assert entry(3.0, 2.0) == 2.0
"""
WAITS = "another process is compiling the sampler just now: waiting for it"


@pytest.mark.skipif(os.name == "nt", reason="locks of this kind are POSIX's")
def test_of_two_processes_that_want_one_function_the_second_waits_for_the_first(tmp_path: Path) -> None:
    env, pipe = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}, subprocess.PIPE
    command = [sys.executable, "-c", COMPILES]
    with (
        subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True) as first,
        subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True) as second,
    ):
        heard: queue.Queue[tuple[int, str]] = queue.Queue()

        def listen(child: subprocess.Popen[str]) -> None:
            assert child.stdout is not None
            for line in child.stdout:
                heard.put((child.pid, line))

        listeners = [threading.Thread(target=listen, args=(child,)) for child in (first, second)]
        for listener in listeners:
            listener.start()
        lines: dict[str, int] = {}
        while not {"saving\n", f"{WAITS}\n"} <= lines.keys():
            speaker, line = heard.get(timeout=60)
            lines[line] = speaker
        for child in (first, second):
            assert child.stdin is not None
            child.stdin.write("go on\n")
            child.stdin.close()
        assert [first.wait(60), second.wait(60)] == [0, 0]
        for listener in listeners:
            listener.join()
    assert lines["saving\n"] != lines[f"{WAITS}\n"]
    left = [heard.get() for _ in range(heard.qsize())]
    assert all(speaker == lines["saving\n"] for speaker, _ in left)  # the other has nothing left to say of compiling


def test_who_stands_still_is_passed_by(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(jit, "PATIENCE_SECONDS", 0.25)
    entry = Entry(double, "still")
    assert entry.kept is not None
    with entry.kept.lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert entry(4.0) == 8.0
    assert caplog.text.count("waiting for it") == 1 and "compiled in" in caplog.text


def test_nobody_waits_where_there_are_no_locks_or_the_folder_may_only_be_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def none(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", none)
        assert Entry(double, "none")(4.0) == 8.0
    entry = Entry(double, "read")
    assert entry.kept is not None
    (folder / "shut").touch()
    monkeypatch.setattr(entry.kept, "lock", folder / "shut" / "lock")  # as in a folder that cannot be written
    assert entry(4.0) == 8.0 and len(files(folder)) == 5
    assert "waiting" not in caplog.text and "cannot" not in caplog.text


def test_a_turn_is_left_whether_compilation_succeeds_or_not(folder: Path) -> None:
    fcntl = pytest.importorskip("fcntl")

    def wrong(x: float) -> float:
        return x + "text"  # type: ignore[operator, no-any-return]

    for function in (double, wrong):
        entry = Entry(function, "left")
        with contextlib.suppress(numba.core.errors.TypingError):
            entry(4.0)
        assert entry.kept is not None and entry.ready == (function is double)
        with entry.kept.lock.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # else it would raise


def test_numba_can_be_told_to_compile_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jit.disabled() is None
    code = "from wavenet.generate.cpu import jit; print(jit.disabled())"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True
    )
    assert done.stdout == "NUMBA_DISABLE_JIT is set, so nothing is compiled\n", done.stderr
