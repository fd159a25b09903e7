"""What generation remembers between two samples: one ring of past inputs per layer, and a step counter.

Layer l keeps its last (K-1)d inputs. At step t, slot ``t mod (K-1)d`` holds the oldest of them, which is tap 0; tap k
lies k*d slots further on. The newest input then takes that slot (Le Paine et al. 2016, arXiv:1611.09482, for K = 2).
"""

from __future__ import annotations

import numpy as np

from wavenet.geometry import Shape
from wavenet.outputs import Floats


class Queues:
    """The rings of all layers for B sequences.

    Args:
        shape: the network's integers.
        batch: sequences B.
    """

    def __init__(self, shape: Shape, batch: int) -> None:
        self.layers = shape.layers
        self.rings = [np.zeros((rows, batch, shape.residual), np.float32) for rows in shape.queue_rows()]
        self.clock = 0

    def push(self, index: int, x: Floats) -> Floats:
        """Store the newest input of a layer and return all its taps, oldest first.

        Args:
            index: the layer.
            x: [B, R] its input at this step.

        Returns:
            [B, K*R].
        """
        layer, ring = self.layers[index], self.rings[index]
        if layer.kernel == 1:
            return x
        rows = len(ring)
        slots = [(self.clock + tap * layer.dilation) % rows for tap in range(layer.kernel - 1)]
        taps = np.concatenate([*(ring[slot] for slot in slots), x], axis=1)
        ring[slots[0]] = x
        return taps

    def tick(self) -> None:
        """End a step."""
        self.clock += 1

    def past(self, index: int) -> Floats:
        """Return the remembered inputs of a layer in the order of time, oldest first: [(K-1)d, B, R]."""
        ring = self.rings[index]
        return np.roll(ring, -(self.clock % max(1, len(ring))), axis=0)

    def replace(self, index: int, past: Floats, clock: int) -> None:
        """Make `past` [(K-1)d, B, R], oldest first, what the layer remembers when the counter stands at `clock`."""
        ring = self.rings[index]
        ring[:] = np.roll(past, clock % max(1, len(ring)), axis=0)
