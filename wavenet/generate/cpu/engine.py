"""The backend `cpu`: a packed network in panels, and compiled code that reads nothing but arrays.

Sequences are dealt out to threads, which share nothing and never wait for each other within a chunk.
"""

from __future__ import annotations

import os
import platform
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding

from wavenet.generate.condition import stretches
from wavenet.generate.cpu import kernel
from wavenet.generate.cpu.jit import Entry
from wavenet.generate.cpu.panels import lay_out
from wavenet.generate.packed import Packed, too_large
from wavenet.generate.reference import Reference
from wavenet.generate.state import Job, Queues
from wavenet.outputs import Alphabet, Categorical, Codes, Draw, Feed, Floats, Window

Arrays = tuple[Any, ...]  # what compiled code takes a network as
NO_ANSWERS = np.zeros((0, 0), np.float32)
NO_TARGETS, NO_NATS = np.zeros(0, np.int64), np.zeros(0, np.float32)


def unsupported(alphabet: Alphabet) -> str | None:
    """Return why no network with this alphabet can be run, or None."""
    return None if isinstance(alphabet, Categorical) else "it draws only from a probability for each code"


def unstorable(arrays: dict[str, Floats], storage: str) -> str | None:
    """Return why weights cannot be kept so, or None."""
    if storage == "float32":
        return None
    if platform.machine().lower() in ("x86_64", "amd64") and not _features().get("f16c"):
        return "this processor cannot convert float16 (F16C)"
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
    """Steps a packed network, its weights rounded already (`packed.stored`), through time; some sequences at once."""

    name = "cpu"

    def __init__(self, packed: Packed, alphabet: Alphabet, storage: str, threads: int | None = None) -> None:
        self.packed, self.alphabet, self.storage = packed, alphabet, storage
        self.threads = threads or cores()
        self.panels = lay_out(packed, alphabet, storage)
        self._arrays = self.panels.arrays()
        self._draw, self._absorb = _entries(storage)
        if not self._draw.ready:  # compiled now, and announced, rather than in the middle of a sound
            nobody = np.zeros(0, np.int64)
            nothing = Job(nobody, nobody, np.zeros((0, 0, 1)), Draw(), np.zeros((0, 0), np.int64))
            self._run(Queues(packed.shape, 0), nothing, nobody, self.panels.told(None))

    def start(self, batch: int, told: Window | None = None) -> Queues:
        """Return queues that have seen *start* for ever; `told` is of one step before the sound."""
        return Reference(self.packed, self.alphabet).start(batch, told)

    def draw(self, queues: Queues, job: Job) -> int:
        """Draw samples; return how many each member has at least: all, unless an answer was not finite."""
        for steps, added in stretches(self.packed, job.told, job.codes.shape[1]):
            part = job.of(steps)
            drawn = self._drawn(queues, part, self.panels.told(added))
            job.take(part, steps)
            if drawn < steps.stop - steps.start:
                return int(steps.start + drawn)
        return int(job.codes.shape[1])

    def _drawn(self, queues: Queues, job: Job, told: Arrays) -> int:
        parts = self._deal(np.arange(len(job.members)), kernel.ROWS if job.guidance == 1 else kernel.ROWS // 2)
        if self.threads == 1 or len(parts) == 1:
            return min(self._run(queues, job, part, told) for part in parts)
        with ThreadPoolExecutor(min(self.threads, len(parts))) as pool:
            return min(pool.map(lambda part: self._run(queues, job, part, told), parts))

    def _run(self, queues: Queues, job: Job, part: Codes, told: Arrays) -> int:
        answers = NO_ANSWERS[None] if job.answers is None else job.answers
        cuts = float(job.how.temperature), min(int(job.how.top_k), self.alphabet.size), float(job.how.top_p)
        members = job.members
        if job.guidance != 1:  # what is told nothing stands behind what is told, in the part and among the members
            part, members = np.append(part, part + len(members)), np.append(members, members + len(job.newest))
        state = queues.memory, queues.clocks, members, part, job.newest
        how = *cuts, float(job.guidance)
        into = job.codes, answers
        buffers = self.panels.buffers(len(part))
        return int(self._draw(self._arrays, *state, job.uniforms[..., 0], how, *into, told, buffers))

    def _deal(self, places: Codes, most: int = kernel.ROWS) -> list[Codes]:
        """Return places in parts of nearly the same size, each small enough to work on at once: `most` at most."""
        parts = max(1, min(len(places), self.threads))
        parts *= max(1, -(-len(places) // (parts * most)))
        return [np.ascontiguousarray(part) for part in np.array_split(places, parts)]

    def readings(self, batch: int) -> int:
        """Return how often one step of a batch reads the weights: once for all that are worked on together."""
        return len(self._deal(np.arange(batch)))

    def absorb(self, queues: Queues, sequence: int, feed: Feed, answers: Floats | None = None) -> None:
        """Take known codes [T] of one sequence in: as if each had been drawn, bit for bit; set answers [T, P]."""
        self._take_in(queues, sequence, feed, NO_ANSWERS if answers is None else answers, NO_TARGETS, NO_NATS)

    def nll(self, queues: Queues, sequence: int, feed: Feed, targets: Codes) -> Floats:
        """Take known codes [T] of one sequence in as `absorb` does; return -log p of targets [T] in nats [T]."""
        nats = np.empty(len(targets), np.float32)
        self._take_in(queues, sequence, feed, NO_ANSWERS, targets, nats)
        return nats

    def _take_in(
        self, queues: Queues, sequence: int, feed: Feed, answers: Floats, targets: Codes, nats: Floats
    ) -> None:
        # compiled for one kind of array: what can be read alone is another one, and would be compiled anew
        codes, aims = (np.require(one, np.int64, ["C", "W"]) for one in (feed.codes, targets))
        for some, added in stretches(self.packed, feed.told, len(codes)):
            given = codes[some], answers[some], aims[some], nats[some], self.panels.told(added)
            buffers = self.panels.buffers(min(kernel.INSTANTS, len(given[0])))
            self._absorb(self._arrays, queues.memory[sequence], int(queues.clocks[sequence]), *given, buffers)
            queues.clocks[sequence] += some.stop - some.start
