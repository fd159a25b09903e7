"""Held: the least limit counts, and what is unknown is no limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wavenet import disk, text


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


def test_bytes_are_told_in_gib() -> None:
    assert text.gib(3 << 29) == "1.5 GiB" and text.gib(1234 << 30) == "1,234.0 GiB"
