"""What this machine could do at best, measured on the spot: multiply-adds in registers, and reading memory in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from wavenet.generate.cpu.jit import Entry
from wavenet.generate.cpu.panels import aligned
from wavenet.generate.cpu.tiles import PANEL, multiply_adds, read_through
from wavenet.outputs import Floats

OPERATIONS = 2 * 12 * 8  # of one round of `multiply_adds`


def compute(rounds: int) -> float:
    """Do some rounds of multiply-adds."""
    return multiply_adds(np.float32(0.999), np.float32(0.01), rounds)


def read(memory: Any, times: int) -> Any:
    """Read memory some times."""
    total = np.float32(0)
    for _ in range(times):
        total += read_through(memory)
    return total


@cache
def _entries() -> tuple[Entry, Entry]:
    return Entry(compute, "compute", announced=False), Entry(read, "read", announced=False)  # a tenth of a second


class Limits:
    """What this machine can do at most, with some threads at once.

    It reads `size` bytes over and over, as many as the weights take, since caches differ in speed.
    """

    def __init__(self, size: int, threads: int) -> None:
        self.threads = threads
        self.memories = [_written(size, seed) for seed in range(threads)]
        self._compute, self._read = _entries()
        self._compute(1)
        self._read(self.memories[0], 1)

    def operations(self, seconds: float) -> float:
        """Return float32 operations per second, of all threads together, measured for about so long."""
        rounds = max(1_000, round(seconds * 5e8))
        wall = self._timed([lambda: self._compute(rounds)] * self.threads)
        return self.threads * rounds * OPERATIONS / wall

    def bytes_read(self, seconds: float) -> float:
        """Return bytes read per second, of all threads together, measured for about so long."""
        size = self.memories[0].nbytes
        times = max(1, round(seconds * 5e10 / size))
        works: list[Callable[[], float]] = [lambda m=memory: self._read(m, times) for memory in self.memories]  # type: ignore[misc]
        return self.threads * times * size / self._timed(works)

    def _timed(self, works: list[Callable[[], float]]) -> float:
        began = time.perf_counter()
        if len(works) == 1:
            works[0]()
        else:
            with ThreadPoolExecutor(len(works)) as pool:
                for done in [pool.submit(work) for work in works]:
                    done.result()
        return time.perf_counter() - began


def _written(size: int, seed: int) -> Floats:
    """Return memory that has been written: what never was is one page of zeros, and reads too fast."""
    count = max(1, size // 4 // PANEL) * PANEL
    return aligned(np.random.default_rng(seed).standard_normal(count, np.float32))
