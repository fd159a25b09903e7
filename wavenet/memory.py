"""How much memory this process may have, so that what cannot fit is refused before it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

CONTROL_GROUPS = ("memory.max", "memory/memory.limit_in_bytes")  # of containers: version 2, version 1


def available_bytes(groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the least of the machine's memory and the limits of this process and its container; None if unknown.

    Args:
        groups: where the system tells the limits of containers.
    """
    found = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in CONTROL_GROUPS:
        try:
            found.append(int((groups / name).read_text()))
        except (OSError, ValueError):  # there is none, or it says "max"
            continue
    if os.name != "nt":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        found += [] if limit == resource.RLIM_INFINITY else [limit]
    return min((number for number in found if number > 0), default=None)


def gib(count: int) -> str:
    """Return bytes as GiB, such as ``1,234.5 GiB``."""
    return f"{count / 2**30:,.1f} GiB"
