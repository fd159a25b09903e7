"""What generation remembers between two samples: one ring of past inputs per layer, and a clock, for each sequence.

Layer l keeps its last (K-1)d inputs. When the clock stands at t, slot ``t mod (K-1)d`` holds the oldest of them, which
is tap 0; tap k lies k*d slots further on. The newest input then takes that slot (Le Paine et al. 2016,
arXiv:1611.09482, for K = 2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wavenet.disk import available_bytes
from wavenet.errors import InputError
from wavenet.geometry import Shape
from wavenet.outputs import Floats
from wavenet.text import gib, many

SAMPLE_BYTES = 20  # of a drawn sample until it is written: its code, once more where all are joined, its value
PADDING = 16  # rows are padded to a multiple of this many numbers, a cache line


def padded(width: int) -> int:
    """Return the width rounded up to whole cache lines."""
    return -(-width // PADDING) * PADDING


def queue_bytes(shape: Shape) -> int:
    """Return the bytes that one sequence takes, its padding and the counters beside the queue included."""
    return 4 * sum(shape.queue_rows()) * padded(shape.residual) + 64


def check_memory(shape: Shape, batch: int, samples: int = 0) -> None:
    """Raise InputError where sequences need more memory than there is: their queues, and the samples while collected.

    Args:
        shape: the network's integers.
        batch: sequences.
        samples: of each, that are kept until all are drawn.
    """
    need = batch * (queue_bytes(shape) + SAMPLE_BYTES * samples)
    have = available_bytes()
    if have is not None and need > have:
        kept = f", and {many(samples, 'sample')} of each" if samples else ""
        wanted = f"{many(batch, 'sequence')} {'needs' if batch == 1 else 'need'}"
        raise InputError(
            f"{wanted} {gib(need)} of memory for their queues{kept}; there are {gib(have)}: draw fewer or shorter ones"
        )


class Queues:
    """The rings of all layers for B sequences, each with a clock of its own.

    Args:
        shape: the network's integers.
        batch: sequences B.

    Attributes:
        memory: [B, rows of all layers, padded R] float32.
        clocks: [B] int64, the inputs that each sequence has taken in; a long prime is taken in by its end alone.
    """

    def __init__(self, shape: Shape, batch: int) -> None:
        self.shape, self.layers, self.batch = shape, shape.layers, batch
        rows = shape.queue_rows()
        self._bounds = np.cumsum((0, *rows)).tolist()
        self.memory = np.zeros((batch, sum(rows), padded(shape.residual)), np.float32)
        self.clocks: NDArray[np.int64] = np.zeros(batch, np.int64)

    def ring(self, sequence: int, layer: int) -> Floats:
        """Return the slots of one layer of one sequence: [(K-1)d, R], a view."""
        first, last = self._bounds[layer], self._bounds[layer + 1]
        return self.memory[sequence, first:last, : self.shape.residual]

    def push(self, sequence: int, layer: int, x: Floats) -> Floats:
        """Store the newest input of a layer and return all its taps, oldest first.

        Args:
            sequence: whose.
            layer: which.
            x: [R] its input at this step.

        Returns:
            [K*R].
        """
        kernel, dilation = self.layers[layer].kernel, self.layers[layer].dilation
        if kernel == 1:
            return x
        ring, clock = self.ring(sequence, layer), int(self.clocks[sequence])
        slots = [(clock + tap * dilation) % len(ring) for tap in range(kernel - 1)]
        taps = np.concatenate([*(ring[slot] for slot in slots), x])
        ring[slots[0]] = x
        return taps

    def tick(self, sequence: int) -> None:
        """End a step."""
        self.clocks[sequence] += 1

    def past(self, sequence: int, layer: int) -> Floats:
        """Return the remembered inputs of a layer in the order of time, oldest first: [(K-1)d, R]."""
        ring = self.ring(sequence, layer)
        return np.roll(ring, -(int(self.clocks[sequence]) % max(1, len(ring))), axis=0)

    def replace(self, sequence: int, layer: int, past: Floats, clock: int) -> None:
        """Make `past` [(K-1)d, R], oldest first, what the layer remembers when the clock stands at `clock`."""
        ring = self.ring(sequence, layer)
        ring[:] = np.roll(past, clock % max(1, len(ring)), axis=0)
