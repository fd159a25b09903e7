"""Draws samples one after the other: backend, priming, uniforms, chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import InputError, did_you_mean
from wavenet.generate.packed import Packed
from wavenet.generate.reference import Reference
from wavenet.outputs import Categorical, Codes, Draw, Floats

BACKENDS = ("auto", "reference")
WORDS = 4  # 64-bit words of one Philox block


@dataclass(frozen=True)
class Chunk:
    """Samples as they were made.

    Args:
        codes: [B, n] int64.
        inputs: [B, n] what the network was fed to predict each of them.
        parameters: [B, n, P] what it answered, or None where that was not asked for.
    """

    codes: Codes
    inputs: NDArray[np.generic]
    parameters: Floats | None


def uniforms(seed: int, sequence: int, first: int, count: int) -> NDArray[np.float64]:
    """Return the uniforms in [0, 1) of samples first .. first + count - 1 of one sequence.

    Counter-based (Philox 4x64 keyed by (seed, sequence), the sample as counter): they depend on nothing else, so a
    batch begins with the sounds of a smaller batch and chunks change nothing.
    """
    block, skip = divmod(first, WORDS)
    key = np.array([seed, sequence], np.uint64)
    words = np.random.Philox(key=key, counter=[block, 0, 0, 0]).random_raw(skip + count)[skip:]
    return np.asarray((words >> np.uint64(11)) * 2.0**-53)


def backend(name: str, packed: Packed) -> Reference:
    """Return a backend by name; `auto` takes the fastest that can run the network.

    Raises:
        InputError: there is no such backend.
    """
    if name not in BACKENDS:
        raise InputError(f"no backend {name!r}{did_you_mean(name, BACKENDS)}; expected one of {', '.join(BACKENDS)}")
    return Reference(packed)


class Sampler:
    """The state of B sequences that grow together.

    It begins where every file begins: behind endless *start*.

    Args:
        engine: the backend.
        alphabet: decodes and draws.
        batch: sequences B; sequence i draws from uniforms keyed by (seed, i).
        seed: 0 .. 2^63 - 1.
        draw: temperature and cuts; may be changed between chunks.
    """

    def __init__(
        self, engine: Reference, alphabet: Categorical, batch: int = 1, seed: int = 0, draw: Draw | None = None
    ):
        self.engine, self.alphabet, self.batch, self.seed = engine, alphabet, batch, seed
        self.draw = draw or Draw()
        self.queues = engine.start(alphabet.starts(batch))
        self.position = 0  # samples drawn
        self._next = alphabet.starts(batch)

    def prime(self, codes: Codes) -> None:
        """Continue from known sound, in parallel passes: as if each of these codes had been drawn.

        Args:
            codes: [T] for all sequences alike, or [B, T].
        """
        known = np.broadcast_to(codes, (self.batch, codes.shape[-1]))
        inputs = np.concatenate([self._next[:, None], self.alphabet.inputs(np.ascontiguousarray(known))], axis=1)
        if inputs.shape[1] > 1:
            # what the queues hold depends on one receptive field: older sound would only cost time and memory
            seen = self.engine.packed.shape.receptive_field
            self.engine.advance(self.queues, inputs[:, max(0, inputs.shape[1] - 1 - seen) : -1])
        self._next = np.ascontiguousarray(inputs[:, -1])

    def generate(self, samples: int, chunk: int = 1000, *, keep_parameters: bool = False) -> Iterator[Chunk]:
        """Yield chunks of drawn samples, `samples` of each sequence together.

        Args:
            samples: how many to draw.
            chunk: how many at a time.
            keep_parameters: whether chunks carry the network's answers, for verification.
        """
        while samples > 0:
            count = min(chunk, samples)
            samples -= count
            yield self._chunk(count, keep_parameters)

    def _chunk(self, count: int, keep_parameters: bool) -> Chunk:
        u = np.stack([uniforms(self.seed, i, self.position, count) for i in range(self.batch)])
        codes = np.empty((self.batch, count), np.int64)
        inputs = np.empty((self.batch, count), self._next.dtype)
        kept = np.empty((self.batch, count, self.alphabet.parameters), np.float32) if keep_parameters else None
        for t in range(count):
            inputs[:, t] = self._next
            parameters = self.engine.step(self.queues, self._next)
            codes[:, t] = self.draw(parameters, u[:, t])
            self._next = self.alphabet.inputs(codes[:, t])
            self.position += 1
            if kept is not None:
                kept[:, t] = parameters
        return Chunk(codes, inputs, kept)

    def state(self) -> dict[str, Any]:
        """Return a copy of all that the next samples depend on: arrays and integers."""
        return {
            "rings": [ring.copy() for ring in self.queues.rings],
            "clock": self.queues.clock,
            "position": self.position,
            "next": self._next.copy(),
            "seed": self.seed,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state of the same network and batch, bit for bit."""
        for ring, saved in zip(self.queues.rings, state["rings"], strict=True):
            ring[:] = saved
        self.queues.clock, self.position = int(state["clock"]), int(state["position"])
        self._next, self.seed = state["next"].copy(), int(state["seed"])
