"""The reference sampler: the definition that faster backends are compared with. NumPy, one step at a time.

Sequences are multiplied one by one ([B, 1, in] @ [in, out]), so that each is bit for bit what it would be alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wavenet.generate.packed import Packed
from wavenet.generate.queues import Queues
from wavenet.outputs import Floats

PASS_SAMPLES = 4096  # of one parallel pass; bounds its memory


class Reference:
    """Steps a packed network through time.

    Args:
        packed: the network's arrays.
    """

    def __init__(self, packed: Packed) -> None:
        self.packed = packed

    def start(self, starts: NDArray[np.generic]) -> Queues:
        """Return queues that have seen these inputs [B] for ever: ring l is filled with layer l's fixed input."""
        queues = Queues(self.packed.shape, len(starts))
        x = self.enter(starts)
        for ring, layer in zip(queues.rings, self.packed.layers, strict=True):
            ring[:] = x
            z = _gate(layer.dilated(np.tile(x, layer.kernel)[:, None]))
            x = x if layer.residual is None else x + layer.residual(z)[:, 0]
        return queues

    def step(self, queues: Queues, inputs: NDArray[np.generic]) -> Floats:
        """Return the parameters [B, P] of the next sample, given the newest inputs [B]; the queues move on."""
        x = self.enter(inputs)
        gates = []
        for index, layer in enumerate(self.packed.layers):
            z = _gate(layer.dilated(queues.push(index, x)[:, None]))
            gates.append(z)
            if layer.residual is not None:
                x = x + layer.residual(z)[:, 0]
        queues.tick()
        return self.head(np.concatenate(gates, axis=-1))[:, 0]

    def advance(self, queues: Queues, inputs: NDArray[np.generic]) -> Floats:
        """Return the parameters [B, T, P] after each of many known inputs [B, T], in parallel passes.

        The queues end as if `step` had been called T times.
        """
        passes = [
            self._pass(queues, inputs[:, at : at + PASS_SAMPLES]) for at in range(0, inputs.shape[1], PASS_SAMPLES)
        ]
        return np.concatenate(passes, axis=1)

    def _pass(self, queues: Queues, inputs: NDArray[np.generic]) -> Floats:
        T = inputs.shape[1]
        x = self.enter(inputs)
        gates = []
        for index, layer in enumerate(self.packed.layers):
            known = np.concatenate([queues.past(index).swapaxes(0, 1), x], axis=1)
            taps = [known[:, k * layer.dilation : k * layer.dilation + T] for k in range(layer.kernel)]
            rows = len(queues.rings[index])
            queues.replace(index, known[:, known.shape[1] - rows :].swapaxes(0, 1), queues.clock + T)
            z = _gate(layer.dilated(np.concatenate(taps, axis=-1)))
            gates.append(z)
            if layer.residual is not None:
                x = x + layer.residual(z)
        queues.clock += T
        return self.head(np.concatenate(gates, axis=-1))

    def enter(self, inputs: NDArray[np.generic]) -> Floats:
        """Return [..., R] for inputs [...]: rows looked up, or values multiplied."""
        packed = self.packed
        if packed.shape.embedding:
            return packed.entry[inputs.astype(np.int64)]
        scaled: Floats = inputs.astype(np.float32)[..., None] * packed.entry[0]
        return scaled + packed.entry_bias

    def head(self, gates: Floats) -> Floats:
        """Return parameters [..., P] from all layers' gates [..., L*G]."""
        packed = self.packed
        skip = np.maximum(packed.skip(gates), 0.0)
        return packed.output(np.maximum(packed.hidden(skip), 0.0))


def _gate(y: Floats) -> Floats:
    """Return tanh(filter) x sigmoid(gate) [..., G] of [..., 2G]; sigmoid by tanh, which never overflows."""
    G = y.shape[-1] // 2
    squashed = np.tanh(y[..., G:] * np.float32(0.5))
    z: Floats = np.tanh(y[..., :G]) * (np.float32(0.5) * squashed + np.float32(0.5))
    return z
