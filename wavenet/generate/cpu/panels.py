"""A packed network as the compiled sampler reads it: every weight once, in the order in which a step needs it.

A product's outputs are cut into panels of 64 columns (the last may be narrower), each stored [in, columns]: one
sequence then streams through memory, its 64 sums in registers, and several sequences share each panel while it lies in
the nearest cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.generate.condition import NOTHING, Gates
from wavenet.generate.cpu.drawing import scratch
from wavenet.generate.cpu.tiles import LANES, PANEL
from wavenet.generate.packed import Packed, Product
from wavenet.generate.state import PADDING, padded
from wavenet.outputs import Alphabet, Floats

ALIGNMENT = 64  # bytes of a cache line
WEIGHTS, BIASES, INPUTS, COLUMNS = 0, 1, 2, 3  # the columns of `Panels.products`
KERNEL, DILATION, FIRST, KEPT = 0, 1, 2, 3  # the columns of `Panels.layers`
assert PADDING % (2 * LANES) == 0  # tiles are an even number of vectors wide
TYPES = {"float32": np.float32, "float16": np.float16}


@dataclass(frozen=True)
class Panels:
    """All arrays that the compiled sampler reads.

    Args:
        weights: all products' panels, float32, or float16 as uint16.
        biases: of all products, padded, float32.
        entry: [Q+1, padded R] what the network takes in for each code, float32; row Q is *start*.
        products: [2L + 3, 4] int64, rows of (first weight, first bias, inputs, padded columns): the dilated and the
            residual product of every layer (the last residual one has no inputs), then skip, hidden and output.
        layers: [L, 4] int64, rows of (kernel, dilation, first row of the ring, rows of the ring).
        sizes: R, G, Q, and the column at which a layer's newest inputs begin, behind the old taps.
    """

    weights: NDArray[Any]
    biases: Floats
    entry: Floats
    products: NDArray[np.int64]
    layers: NDArray[np.int64]
    sizes: tuple[int, int, int, int]

    def arrays(self) -> tuple[Any, ...]:
        """Return everything in the order in which the compiled functions take it."""
        return self.weights, self.biases, self.entry, self.products, self.layers, self.sizes

    def buffers(self, rows: int) -> tuple[Any, ...]:
        """Return what a step of some rows works in.

        A row each: a layer's inputs with its old taps before them, its sums, the gates of all layers, skip, hidden,
        logits, where in what is told it is [3]; and behind these what one draw works in.
        """
        _, G, Q, first = self.sizes
        gates = -(-len(self.layers) * G // LANES) * LANES
        columns = [self.products[at, COLUMNS] for at in (0, -3, -2, -1)]
        widths = first + self.entry.shape[1], columns[0], gates, *columns[1:]
        made = [np.zeros((rows, wide), np.float32) for wide in widths]
        return *made, np.zeros((rows, 3), np.int64), scratch(Q)

    def told(self, gates: Gates | None) -> tuple[Any, ...]:
        """Return what is told as the compiled functions take it: rows with the biases, padded as a layer's sums are."""
        gates = gates or NOTHING
        L, G, wide = len(self.layers), self.sizes[1], padded(self.sizes[1])
        frames = gates.rows.shape[:3]
        rows = np.zeros((*frames, L, 2, wide), np.float32)
        np.add(gates.rows.reshape(*frames, L, 2, G), self._of_gates[..., :G], out=rows[..., :G])
        return (
            rows.reshape(*frames, L * 2 * wide),
            np.require(gates.offset, np.int64, ["C", "W"]),
            np.require(gates.mixing, np.float32, ["C", "W"]),
        )

    @cached_property
    def _of_gates(self) -> Floats:
        """Return the biases of filter and gate of every layer, [L, 2, padded G]."""
        dilated = self.products[: 2 * len(self.layers) : 2]
        return np.stack([self.biases[row[BIASES] : row[BIASES] + row[COLUMNS]].reshape(2, -1) for row in dilated])


def lay_out(packed: Packed, alphabet: Alphabet, storage: str) -> Panels:
    """Return the panels of a network.

    Args:
        packed: the network's arrays.
        alphabet: knows what scalar input is for each code.
        storage: how weights are kept, "float32" or "float16"; biases and the input's table are float32 always.
    """
    weights: list[Floats] = []
    biases: list[Floats] = []
    products = []
    at = bias_at = 0
    for product, parts in _products(packed):
        matrix, bias = _pad(product.weight, parts), _pad(product.bias[None], parts)[0]
        products.append((at, bias_at, *matrix.shape))
        weights += [matrix[:, left : left + PANEL].ravel() for left in range(0, matrix.shape[1], PANEL)]
        biases.append(bias)
        at += matrix.size
        bias_at += bias.size
    shape = packed.shape
    rows = shape.queue_rows()
    firsts = np.cumsum((0, *rows))[:-1]
    layers = [
        (layer.kernel, layer.dilation, first, n) for layer, first, n in zip(shape.layers, firsts, rows, strict=True)
    ]
    return Panels(
        aligned(np.concatenate(weights).astype(TYPES[storage])),
        np.concatenate(biases),
        _entry(packed, alphabet),
        np.array(products, np.int64),
        np.array(layers, np.int64),
        (shape.residual, shape.gate, shape.outputs, (max(shape.kernels) - 1) * shape.residual),
    )


def _products(packed: Packed) -> list[tuple[Product, int]]:
    """Return all products in the order of a step, each with the number of equal parts its outputs consist of."""
    R = packed.shape.residual
    none = Product(np.zeros((0, R), np.float32), np.zeros(R, np.float32))
    found = []
    for layer in packed.layers:
        found += [(layer.dilated, 2), (layer.residual or none, 1)]
    return [*found, (packed.skip, 1), (packed.hidden, 1), (packed.output, 1)]


def _pad(matrix: Floats, parts: int) -> Floats:
    """Return [in, out] with each of the equal parts of the outputs padded to whole cache lines."""
    inputs, outputs = matrix.shape
    width = outputs // parts
    wide = np.zeros((inputs, parts, padded(width)), np.float32)
    wide[:, :, :width] = matrix.reshape(inputs, parts, width)
    return wide.reshape(inputs, parts * padded(width))


def aligned(values: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that begins at a cache line; float16 as uint16, which is how compiled code knows it."""
    raw = np.zeros(values.nbytes + ALIGNMENT, np.uint8)
    first = -raw.ctypes.data % ALIGNMENT
    made = raw[first : first + values.nbytes].view(values.dtype)
    made[:] = values
    return made.view(np.uint16) if values.dtype == np.float16 else made


def _entry(packed: Packed, alphabet: Alphabet) -> Floats:
    """Return what the first layer is given for each code and for *start*."""
    fed = alphabet.inputs(np.arange(alphabet.size + 1))
    rows = np.zeros((len(fed), padded(packed.shape.residual)), np.float32)
    rows[:, : packed.shape.residual] = packed.enter(fed)
    return rows
