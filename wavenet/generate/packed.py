"""A network as contiguous arrays: the only thing a sampler reads. NumPy alone, straight from a bundle's weights.

Every product is stored [in, out], so that a step reads weights in order: ``y = x @ weight + bias``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import BundleError
from wavenet.geometry import ProductShape, Shape
from wavenet.model.bundle import FLOAT16_MAX, Arrays, check_weights
from wavenet.outputs import Floats


@dataclass(frozen=True)
class Product:
    """A matrix product with a bias: weight [in, out], bias [out] (zeros where the network has none)."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """Return [..., out] for x [..., in]."""
        y: Floats = x @ self.weight
        y += self.bias
        return y


@dataclass(frozen=True)
class PackedLayer:
    """One residual block: the dilated product over K taps, oldest first, [K*R, 2G], and the residual one [G, R]."""

    kernel: int
    dilation: int
    dilated: Product
    residual: Product | None  # the last layer has none


class Packed:
    """All arrays of one network: every row of `shape.products` by its name, and by its place.

    Attributes:
        entry: rows to look up [Q+1, R], or the product [1, R] of a scalar input.
        layers: the residual blocks.
        skip: [L*G, S].
        hidden: [S, H].
        output: [H, P].
    """

    def __init__(self, shape: Shape, products: dict[str, Product]) -> None:
        self.shape, self.products = shape, products
        self.layers = tuple(
            PackedLayer(
                layer.kernel,
                layer.dilation,
                products[f"blocks.{i}.dilated.product"],
                products.get(f"blocks.{i}.residual"),
            )
            for i, layer in enumerate(shape.layers)
        )
        self.entry, self.skip, self.hidden, self.output = (
            products[name] for name in ("entry", "skip", "hidden", "output")
        )

    def enter(self, inputs: NDArray[np.generic]) -> Floats:
        """Return [..., R] for inputs [...]: rows looked up, or values multiplied."""
        if self.shape.embedding:
            return self.entry.weight[inputs.astype(np.int64)]
        scaled: Floats = inputs.astype(np.float32)[..., None] * self.entry.weight[0]
        return scaled + self.entry.bias

    def digest(self) -> str:
        """Return a text that is equal only for the same network."""
        made = hashlib.sha256(repr(self.shape).encode())
        entry, *others = self.products.values()
        for product in (*others, entry):  # the order in which saved states of older versions have it
            made.update(product.weight.tobytes() + product.bias.tobytes())
        return made.hexdigest()[:24]


def pack(shape: Shape, arrays: Arrays) -> Packed:
    """Return the packed network of a shape and its weights by name.

    Raises:
        BundleError: a weight is missing, left over, not finite, or has another shape than the recipe says.
    """
    check_weights(arrays, shape, "this network")

    def product(row: ProductShape) -> Product:
        weight = arrays[f"{row.name}.weight"]
        bias = arrays[f"{row.name}.bias"] if row.bias else np.zeros(row.outputs, np.float32)
        return Product(weight if row.looked_up else np.ascontiguousarray(weight.T), bias)

    return Packed(shape, {row.name: product(row) for row in shape.products})


def too_large(arrays: Arrays) -> str | None:
    """Return the name of a product's weight that float16 cannot hold, or None."""
    return next((name for name in arrays if _rounds(name) and (np.abs(arrays[name]) > FLOAT16_MAX).any()), None)


def stored(arrays: Arrays, storage: str) -> Arrays:
    """Return the weights as they are after being kept as "float32" or "float16".

    Half precision rounds the products' weights; biases and what the input is looked up in stay as they are.

    Raises:
        BundleError: a weight is beyond what float16 holds.
    """
    if storage == "float32":
        return arrays
    large = too_large(arrays)
    if large is not None:
        raise BundleError(f"the weight {large} exceeds {FLOAT16_MAX:,.0f}, the maximum of float16; use float32")
    return {
        name: value.astype(np.float16).astype(np.float32) if _rounds(name) else value for name, value in arrays.items()
    }


def _rounds(name: str) -> bool:
    """Return whether an array is kept in half precision: only what a sample needs."""
    return name.endswith(".weight") and not name.startswith(("entry.", "condition.", "acoustic.", "durations."))
