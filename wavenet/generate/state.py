"""What generation remembers between two samples: one ring of past inputs per layer, and a clock, for each sequence.

Layer l keeps its last (K-1)d inputs. When the clock stands at t, slot ``t mod (K-1)d`` holds the oldest of them, which
is tap 0; tap k lies k*d slots further on. The newest input then takes that slot (Le Paine et al. 2016,
arXiv:1611.09482, for K = 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wavenet.disk import available_bytes
from wavenet.errors import InputError
from wavenet.geometry import Shape
from wavenet.outputs import Codes, Draw, Floats, Uniforms, Window
from wavenet.text import gib, many

SAMPLE_BYTES = 20  # of a drawn sample until it is written: its code, once more where all are joined, its value
PADDING = 16  # rows are padded to a multiple of this many numbers, a cache line
MAX_CLOCK = 2**53  # samples: more than any sequence has


class State(Protocol):
    """What an engine remembers of B sequences; only the engine that made it looks inside.

    Attributes:
        clocks: [B] int64, the inputs that each sequence has taken in; a long prime is taken in by its end alone.
    """

    clocks: Codes

    def export(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything, as arrays of fixed names, shapes and types."""

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `export` gave; an InputError leaves everything as it was."""


@dataclass(frozen=True)
class Job:
    """Samples to draw of some of B sequences."""

    members: Codes  # [N], the sequences
    newest: Codes  # [B], the code that each was given last; those of the members move on
    uniforms: Uniforms  # [N, T, U] in [0, 1)
    how: Draw
    codes: Codes  # [N, T], set to the codes drawn
    answers: Floats | None = None  # [N, T, P], set to the network's answers; None saves copying them
    told: Window | None = None  # what the members are told for these T samples
    # other than 1: `guidance.py` says what is drawn from. The state then has 2B sequences, of which B + m is given the
    # codes of m and told nothing; `told` has 2N rows, those of the members first.
    guidance: float = 1.0

    def of(self, steps: slice) -> Job:
        """Return the job of some of its samples, in arrays without gaps, which compiled code wants; `take` it back."""
        uniforms, codes = np.ascontiguousarray(self.uniforms[:, steps]), np.ascontiguousarray(self.codes[:, steps])
        answers = None if self.answers is None else np.ascontiguousarray(self.answers[:, steps])
        return replace(self, uniforms=uniforms, codes=codes, answers=answers, told=None)

    def take(self, job: Job, steps: slice) -> None:
        """Set codes and answers to those of a job `of` these samples."""
        self.codes[:, steps] = job.codes
        if self.answers is not None:
            self.answers[:, steps] = job.answers


def padded(width: int) -> int:
    """Return the width rounded up to whole cache lines."""
    return -(-width // PADDING) * PADDING


def check_memory(shape: Shape, batch: int, samples: int = 0) -> None:
    """Raise InputError where the queues of B sequences, and `samples` kept of each, need more memory than there is."""
    queues = 4 * sum(shape.queue_rows()) * padded(shape.residual) + 64  # bytes of one sequence, counters included
    need, have = batch * (queues + SAMPLE_BYTES * samples), available_bytes()
    if have is not None and need > have:
        kept = f" and {many(samples, 'sample')} each" if samples else ""
        raise InputError(
            f"the queues of {many(batch, 'sequence')}{kept} need {gib(need)} of memory, but there are {gib(have)}: "
            "draw fewer or shorter ones"
        )


def check_arrays(own: Mapping[str, NDArray[Any]], given: Mapping[str, NDArray[Any]]) -> None:
    """Raise InputError unless a saved state has the names, types and shapes of our own."""
    wanted, got = (
        {name: f"{value.dtype} {list(value.shape)}" for name, value in arrays.items()} for arrays in (own, given)
    )
    for name in {**wanted, **got}:
        if wanted.get(name) != got.get(name):
            raise InputError(
                f"the state's {name} is {got.get(name, 'missing')}, expected {wanted.get(name, 'none')}; give a state "
                "of the same network and as many sequences, and of guidance where it is used"
            )


class Queues:
    """The rings of all layers for B sequences, each with a clock of its own: the state of `reference` and `cpu`.

    Attributes:
        memory: [B, rows of all layers, padded R] float32.
        clocks: [B] int64.
    """

    def __init__(self, shape: Shape, batch: int) -> None:
        self.shape, self.layers, self.batch = shape, shape.layers, batch
        rows = shape.queue_rows()
        self._bounds = np.cumsum((0, *rows)).tolist()
        self.memory = np.zeros((batch, sum(rows), padded(shape.residual)), np.float32)
        self.clocks: Codes = np.zeros(batch, np.int64)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"memory": self.memory[:, :, : self.shape.residual], "clocks": self.clocks}

    def export(self) -> dict[str, NDArray[Any]]:
        """Return a copy of everything."""
        return {name: value.copy() for name, value in self._arrays().items()}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `export` gave."""
        own = self._arrays()
        check_arrays(own, arrays)
        if not all(np.isfinite(value).all() for value in arrays.values()):
            raise InputError("the state's memory holds numbers that are not finite; save it again")
        for name, value in own.items():
            value[...] = arrays[name]

    def ring(self, sequence: int, layer: int) -> Floats:
        """Return the slots of one layer of one sequence: [(K-1)d, R], a view."""
        first, last = self._bounds[layer], self._bounds[layer + 1]
        return self.memory[sequence, first:last, : self.shape.residual]

    def push(self, sequence: int, layer: int, x: Floats) -> Floats:
        """Store the newest input [R] of a layer and return all its taps, oldest first: [K*R]."""
        kernel, dilation = self.layers[layer].kernel, self.layers[layer].dilation
        if kernel == 1:
            return x
        ring, clock = self.ring(sequence, layer), int(self.clocks[sequence])
        slots = [(clock + tap * dilation) % len(ring) for tap in range(kernel - 1)]
        taps = np.concatenate([*(ring[slot] for slot in slots), x])
        ring[slots[0]] = x
        return taps

    def past(self, sequence: int, layer: int) -> Floats:
        """Return the remembered inputs of a layer in the order of time, oldest first: [(K-1)d, R]."""
        ring = self.ring(sequence, layer)
        return np.roll(ring, -(int(self.clocks[sequence]) % max(1, len(ring))), axis=0)

    def replace(self, sequence: int, layer: int, past: Floats, clock: int) -> None:
        """Make `past` [(K-1)d, R], oldest first, what the layer remembers when the clock stands at `clock`."""
        ring = self.ring(sequence, layer)
        ring[:] = np.roll(past, clock % max(1, len(ring)), axis=0)
