"""One measured case: an engine that draws, or scores known sound, round after round."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from wavenet.bench.speeds import NOTHING, Speed
from wavenet.bench.told import plausible
from wavenet.generate.engines import Engine
from wavenet.generate.sampler import Sampler
from wavenet.generate.state import State
from wavenet.geometry import Shape
from wavenet.model.bundle import Arrays
from wavenet.outputs import Codes, Feed, Window

CHUNK = 1_000  # samples drawn in one go, as `Voice.stream` does


@dataclass
class Case:
    """An engine that draws for some sequences, and what was measured of it."""

    group: str  # one of `speeds.GROUPS`: which table it belongs to
    engine: Engine
    batch: int  # sequences
    rate: int  # of the sound, in Hz
    threads: int  # that are used
    told: str = NOTHING  # in words
    guidance: float = 1.0
    rounds: list[float] = field(default_factory=list)  # samples per second, one number a round

    def __post_init__(self) -> None:
        self.shape = self.engine.packed.shape
        self.condition = plausible(self.shape.condition, self.batch)
        self._pace = 200.0  # steps per second, learnt as it goes
        self.states = self._begin()

    def _begin(self) -> list[State]:
        """Get ready; return what the engine remembers from now on."""
        self._sampler = Sampler(self.engine, self.batch, 1, None, self.condition, self.guidance)
        return [self._sampler.memory]

    def _work(self, steps: int) -> None:
        """Do some steps of each sequence."""
        for _ in self._sampler.generate(steps, CHUNK):
            pass

    def round(self, seconds: float, kept: bool = True) -> None:
        """Work for about so long."""
        steps = max(8, round(seconds * self._pace))
        began = time.perf_counter()
        self._work(steps)
        self._pace = steps / (time.perf_counter() - began)
        if kept:
            self.rounds.append(self._pace * self.batch)

    def speed(self, operations: float | None, bytes_read: float | None, bits: float | None = None) -> Speed:
        """Return what was measured.

        Args:
            operations: per second, that as many threads could do.
            bytes_read: per second, that as many threads could read.
            bits: per held-out sample.
        """
        compiled, scored = self.engine.name != "reference", self.group == "score"
        weight_bytes = self.shape.macs_per_sample() * (2 if self.engine.storage == "float16" else 4)
        median = statistics.median(self.rounds)
        done = median * 2 * self.shape.macs_per_sample()
        moved = median / self.batch * self.engine.readings(self.batch) * weight_bytes
        return Speed(
            group=self.group,
            backend=self.engine.name,
            dtype=self.engine.storage,
            batch=self.batch,
            threads=self.threads,
            residual=self.shape.residual,
            skip=self.shape.skip,
            layers=len(self.shape.layers),
            samples_per_second=median,
            slowest=min(self.rounds),
            fastest=max(self.rounds),
            real_time=median / self.rate,
            us_per_step=1e6 * self.batch / median,
            gflops=done / 1e9,
            gbytes=None if scored else moved / 1e9,
            roofline_share=done / operations if compiled and operations else None,
            bandwidth_share=moved / bytes_read if compiled and bytes_read and not scored else None,
            memory_bytes=weight_bytes + sum(part.nbytes for state in self.states for part in state.export().values()),
            bits_per_sample=bits if compiled and self.group == "main" else None,
            told=self.told,
            guidance=self.guidance,
        )


class Scoring(Case):
    """An engine that says what known samples cost: one sequence in each thread, none waits for its own last sample."""

    def _begin(self) -> list[State]:
        states = [self.engine.start(1, self._window(sequence, -1, 1)) for sequence in range(self.batch)]
        self._score(0, states[0], np.zeros(1, np.int64))  # compiles, where it has to
        return states

    def _window(self, sequence: int, first: int, steps: int) -> Window | None:
        return None if self.condition is None else self.condition.window([sequence], [first], steps)

    def _score(self, sequence: int, state: State, codes: Codes) -> None:
        told = self._window(sequence, int(state.clocks[0]), len(codes))
        self.engine.nll(state, 0, Feed(codes, told), codes)

    def _work(self, steps: int) -> None:
        codes = np.random.default_rng(0).integers(0, self.engine.alphabet.size, (self.batch, steps))
        with ThreadPoolExecutor(self.batch) as pool:
            list(pool.map(self._score, range(self.batch), self.states, codes))


def untrained(shape: Shape, seed: int = 0) -> Arrays:
    """Return random weights by name, of a size that keeps signals as large as trained ones do."""
    rng = np.random.default_rng(seed)
    made: Arrays = {}
    for row in shape.products:
        size = 1.0 if row.looked_up else np.sqrt(row.inputs)
        made[f"{row.name}.weight"] = (rng.standard_normal(row.weight) / size).astype(np.float32)
        if row.bias:
            made[f"{row.name}.bias"] = (0.1 * rng.standard_normal(row.outputs)).astype(np.float32)
    return made
