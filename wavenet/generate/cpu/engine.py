"""The backend `cpu`: a packed network in panels, and compiled code that reads nothing but arrays.

Sequences are dealt out to threads, which share nothing and never wait for each other within a chunk.
"""

from __future__ import annotations

import os
import platform
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from llvmlite import binding

from wavenet.generate.cpu import kernel
from wavenet.generate.cpu.jit import Entry
from wavenet.generate.cpu.panels import lay_out
from wavenet.generate.packed import Packed, too_large
from wavenet.generate.reference import Reference
from wavenet.generate.state import Queues
from wavenet.outputs import Alphabet, Codes, Draw, Floats, Uniforms

NO_ANSWERS = np.zeros((0, 0), np.float32)  # as many as none are asked for


def unsupported(arrays: dict[str, Floats], storage: str) -> str | None:
    """Return why a network's weights cannot be kept so, or None: all networks there are can be run."""
    if storage == "float32":
        return None
    if platform.machine().lower() in ("x86_64", "amd64") and not _features().get("f16c"):
        return "this processor cannot widen float16"
    large = too_large(arrays)
    return None if large is None else f"the weight {large} is beyond float16"


@cache
def _features() -> dict[str, bool]:
    return dict(binding.get_host_cpu_features())


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _entries(storage: str) -> tuple[Entry, Entry]:
    """Return the compiled functions for one kind of weights: `draw` and `absorb`."""
    return Entry(kernel.draw, f"draw-{storage}"), Entry(kernel.absorb, f"absorb-{storage}")


class Cpu:
    """Steps a packed network through time, some sequences at once.

    Args:
        packed: the network's arrays, rounded to the storage (`packed.stored`).
        alphabet: the samples' alphabet.
        storage: how weights are kept, "float32" or "float16"; all else is float32.
        threads: the most that are used; None takes as many as there are cores.
    """

    name = "cpu"

    def __init__(
        self, packed: Packed, alphabet: Alphabet, storage: str = "float16", threads: int | None = None
    ) -> None:
        self.packed, self.alphabet, self.storage = packed, alphabet, storage
        self.threads = threads or cores()
        self.panels = lay_out(packed, alphabet, storage)
        self._arrays = self.panels.arrays()
        self._draw, self._absorb = _entries(storage)
        if not self._draw.ready:  # compiled now, and announced, rather than in the middle of a sound
            nobody = np.zeros(0, np.int64)
            self._run(
                Queues(packed.shape, 0), nobody, nobody, nobody, np.zeros((0, 0, 1)), Draw(), np.zeros((0, 0), int)
            )

    def start(self, batch: int) -> Queues:
        """Return queues that have seen *start* for ever."""
        return Reference(self.packed, self.alphabet).start(batch)

    def draw(
        self,
        queues: Queues,
        members: Codes,
        newest: Codes,
        uniforms: Uniforms,
        how: Draw,
        codes: Codes,
        answers: Floats | None,
    ) -> int:
        """Draw samples of some sequences; return how many each has at least: all, unless an answer was not finite.

        The arguments are those of `Reference.draw`.
        """

        def work(part: Codes) -> int:
            return self._run(queues, members, part, newest, uniforms, how, codes, answers)

        parts = self._deal(len(members))
        if self.threads == 1 or len(parts) == 1:
            return min(work(part) for part in parts)
        with ThreadPoolExecutor(min(self.threads, len(parts))) as pool:
            return min(pool.map(work, parts))

    def _run(
        self,
        queues: Queues,
        members: Codes,
        part: Codes,
        newest: Codes,
        uniforms: Uniforms,
        how: Draw,
        codes: Codes,
        answers: Floats | None = None,
    ) -> int:
        kept = NO_ANSWERS[None] if answers is None else answers
        cuts = float(how.temperature), min(int(how.top_k), self.alphabet.size), float(how.top_p)
        state = queues.memory, queues.clocks
        return int(self._draw(self._arrays, *state, members, part, newest, uniforms[..., 0], cuts, codes, kept))

    def readings(self, batch: int) -> int:
        """Return how often one step of a batch reads the weights: once for all that are worked on together."""
        return len(self._deal(batch))

    def _deal(self, count: int) -> list[Codes]:
        """Return the places 0 .. count - 1 in parts of nearly the same size, each small enough to work on at once."""
        parts = max(1, min(count, self.threads))
        parts *= max(1, -(-count // (parts * kernel.ROWS)))
        return [np.ascontiguousarray(part) for part in np.array_split(np.arange(count), parts)]

    def absorb(self, queues: Queues, sequence: int, codes: Codes, answers: Floats | None = None) -> None:
        """Take known codes [T] of one sequence in: as if each had been drawn, bit for bit.

        The arguments are those of `Reference.absorb`.
        """
        kept = NO_ANSWERS if answers is None else answers
        self._absorb(self._arrays, queues.memory[sequence], int(queues.clocks[sequence]), codes, kept)
        queues.clocks[sequence] += len(codes)
