"""Held: the least limit counts, and what is unknown is no limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wavenet import memory


def test_the_machine_has_memory_and_a_container_less(tmp_path: Path) -> None:
    whole = memory.available_bytes(tmp_path)
    assert whole is not None and whole > 2**27
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available_bytes(tmp_path) == whole
    (tmp_path / "memory.max").write_text("1000000\n")
    assert memory.available_bytes(tmp_path) == 1_000_000


def test_a_limit_of_the_process_counts() -> None:
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 28,) * 2)\n"
        "from wavenet import memory; print(memory.available_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert int(done.stdout) <= 1 << 28, done.stderr


def test_what_no_system_tells_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import resource

    monkeypatch.setattr(memory.os, "sysconf_names", {})
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY,) * 2)
    assert memory.available_bytes(tmp_path) is None


def test_bytes_are_told_in_gib() -> None:
    assert memory.gib(3 << 29) == "1.5 GiB" and memory.gib(1234 << 30) == "1,234.0 GiB"
