"""How much memory this process may have, so that what cannot fit is refused before it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CONTROL_GROUPS = (  # controller, folder and file of a limit: version 2, version 2 beside version 1, version 1
    ("", "", "memory.max"),
    ("", "unified", "memory.max"),
    ("memory", "memory", "memory.limit_in_bytes"),
)
UNLIMITED = 1 << 62  # version 1 says so with the largest number of whole pages


def available_bytes(root: Path = Path("/")) -> int | None:
    """Return the least of the machine's memory and the limits of this process and its control groups; None if unknown.

    A control group is what a container, a Slurm job or a systemd slice is held in; those around it hold too.

    Args:
        root: where the system's own folders lie.
    """
    found = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for path in _limits(root):
        try:
            found.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):  # there is none, or it says "max"
            continue
    if os.name != "nt":
        import resource

        kinds = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
        found += [limit for limit in (resource.getrlimit(kind)[0] for kind in kinds) if limit != resource.RLIM_INFINITY]
    return min((number for number in found if 0 < number < UNLIMITED), default=None)


def _limits(root: Path) -> Iterator[Path]:
    """Return the files that may tell a limit: of this process's control groups, and of all around them.

    A container may show its own group as the outermost, while the system tells the path as it is outside: then only the
    outermost file is there.
    """
    own = _own_groups(root / "proc/self/cgroup")
    for controller, folder, name in CONTROL_GROUPS:
        for path in [PurePosixPath(), *(path for controllers, path in own if controller in controllers)]:
            for group in (path, *path.parents):
                yield root / "sys/fs/cgroup" / folder / group / name


def _own_groups(path: Path) -> list[tuple[list[str], PurePosixPath]]:
    """Return the control groups of this process: the controllers of each (version 2 names none), and its path.

    Args:
        path: lines such as ``4:cpu,memory:/slurm/job_7`` or ``0::/user.slice``.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    found = []
    for _, controllers, group in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        parts = [part for part in group.split("/") if part not in ("", ".", "..")]  # ".." leads out of a namespace
        found.append((controllers.split(","), PurePosixPath(*parts)))
    return found


def gib(count: int) -> str:
    """Return bytes as GiB, such as ``1,234.5 GiB``."""
    return f"{count / 2**30:,.1f} GiB"
