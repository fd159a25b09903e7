"""Compiled once, announced, kept where it can be; and a cache that is damaged or cannot be written costs only time."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
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
    return sorted(path for path in folder.rglob("*") if path.is_file())


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


def test_it_is_compiled_anew_when_a_source_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Entry(double, "a")(4.0)
    caplog.clear()
    monkeypatch.setattr(jit, "_digest", lambda: "other sources")
    assert Entry(double, "a")(4.0) == 8.0
    assert "compiling" in caplog.text


def test_the_digest_is_of_all_sources() -> None:
    assert jit._digest() == jit._digest() and len(jit._digest()) == 64


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_cache_is_made_again(folder: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    Entry(double, "a")(4.0)
    for path in files(folder):
        if path.suffix == suffix:
            path.write_bytes(path.read_bytes()[:-20])
    caplog.clear()
    assert Entry(double, "a")(4.0) == 8.0
    assert "cannot be read" in caplog.text and "made again" in caplog.text
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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_not_written(folder: Path) -> None:
    folder.chmod(0o500)
    assert Entry(double, "a")(4.0) == 8.0
    folder.chmod(0o700)


def test_compiled_code_lets_other_threads_run_and_divides_as_numpy_does() -> None:
    @compiled()
    def divide(x: float, y: float) -> float:
        return x / y

    assert divide(1.0, 0.0) == float("inf") and divide.targetoptions["nogil"]


def test_two_processes_that_compile_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    code = (
        "from wavenet.generate.cpu.jit import Entry\n"
        "from wavenet.generate.cpu.gates import clamped\n"
        "assert Entry(clamped.py_func, 'two')(3.0, 2.0) == 2.0\n"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        children = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(2)]
        assert [child.wait() for child in children] == [0, 0]
