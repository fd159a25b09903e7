"""A network as contiguous arrays: the only thing a sampler reads. NumPy alone, straight from a bundle's weights.

Every product is stored [in, out], so that a step reads weights in order: ``y = x @ weight + bias``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import BundleError
from wavenet.geometry import Shape
from wavenet.outputs import Floats

FLOAT16_MAX = 65_504.0
STORAGES = ("float32", "float16")  # how a sampler may keep its weights; it computes in float32 always


@dataclass(frozen=True)
class Product:
    """A matrix product with a bias: weight [in, out], bias [out] (zeros where the network has none)."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """Return [..., 1, out] for x [..., 1, in], or [..., T, out] for [..., T, in]."""
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


@dataclass(frozen=True)
class Packed:
    """All arrays of one network.

    Args:
        shape: the network's integers.
        entry: rows to look up [Q+1, R], or the product [1, R] of a scalar input.
        entry_bias: [R], zeros for a look-up.
        layers: the residual blocks.
        skip: [L*G, S].
        hidden: [S, H].
        output: [H, P].
    """

    shape: Shape
    entry: Floats
    entry_bias: Floats
    layers: tuple[PackedLayer, ...]
    skip: Product
    hidden: Product
    output: Product

    def enter(self, inputs: NDArray[np.generic]) -> Floats:
        """Return [..., R] for inputs [...]: rows looked up, or values multiplied."""
        if self.shape.embedding:
            return self.entry[inputs.astype(np.int64)]
        scaled: Floats = inputs.astype(np.float32)[..., None] * self.entry[0]
        return scaled + self.entry_bias


def too_large(arrays: dict[str, Floats]) -> str | None:
    """Return the name of a product's weight that float16 cannot hold, or None."""
    return next((name for name in arrays if _rounds(name) and (np.abs(arrays[name]) > FLOAT16_MAX).any()), None)


def stored(arrays: dict[str, Floats], storage: str) -> dict[str, Floats]:
    """Return the weights that are computed with where they are kept as "float32" or "float16".

    Half precision rounds the products' weights; biases and what the input is looked up in stay as they are.

    Raises:
        BundleError: a weight is beyond what float16 holds.
    """
    if storage == "float32":
        return arrays
    large = too_large(arrays)
    if large is not None:
        raise BundleError(f"the weight {large} passes {FLOAT16_MAX:,.0f}, the most of float16; keep it as float32")
    return {
        name: value.astype(np.float16).astype(np.float32) if _rounds(name) else value for name, value in arrays.items()
    }


def _rounds(name: str) -> bool:
    return name.endswith(".weight") and not name.startswith("entry.")


def pack(shape: Shape, arrays: dict[str, Floats]) -> Packed:
    """Return the packed network of a shape and its weights by name (as ``model/network.py`` names them).

    Raises:
        BundleError: a weight is missing, left over, not finite, or has another shape than the recipe says.
    """
    left = dict(arrays)

    def take(name: str, *size: int) -> Floats:
        if name not in left:
            raise BundleError(f"the weights hold no {name}; get the bundle again")
        value = left.pop(name)
        if value.shape != size:
            raise BundleError(f"the weight {name} has shape {list(value.shape)}, expected {list(size)} by the recipe")
        if not np.isfinite(value).all():
            raise BundleError(f"the weight {name} holds numbers that are not finite; train again at a lower rate")
        return value

    def product(name: str, inputs: int, outputs: int, bias: bool = True) -> Product:
        weight = np.ascontiguousarray(take(f"{name}.weight", outputs, inputs).T)
        return Product(weight, take(f"{name}.bias", outputs) if bias else np.zeros(outputs, np.float32))

    R, G, L = shape.residual, shape.gate, len(shape.layers)
    if shape.embedding:
        entry, entry_bias = take("entry.weight", shape.inputs, R), np.zeros(R, np.float32)
    else:
        scalar = product("entry", 1, R)
        entry, entry_bias = scalar.weight, scalar.bias
    layers = []
    for i, layer in enumerate(shape.layers):
        dilated = product(f"blocks.{i}.dilated.product", layer.kernel * R, 2 * G, shape.bias)
        residual = product(f"blocks.{i}.residual", G, R, shape.bias) if i < L - 1 else None
        layers.append(PackedLayer(layer.kernel, layer.dilation, dilated, residual))
    packed = Packed(
        shape,
        entry,
        entry_bias,
        tuple(layers),
        product("skip", L * G, shape.skip, shape.bias),
        product("hidden", shape.skip, shape.head),
        product("output", shape.head, shape.outputs),
    )
    if left:
        raise BundleError(
            f"the weights hold {sorted(left)[0]}, which the recipe has no place for; get the bundle again"
        )
    return packed
