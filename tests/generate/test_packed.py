"""Packing puts every weight in its place and refuses what does not fit the recipe."""

from __future__ import annotations

import numpy as np
import pytest
import toys

from wavenet.errors import BundleError
from wavenet.generate.packed import pack, stored
from wavenet.model import network


def test_products_are_stored_in_by_out_and_contiguous() -> None:
    recipe = toys.recipe()
    arrays = network.build(recipe).arrays()
    packed = pack(recipe.shape, arrays)
    assert np.array_equal(packed.layers[2].dilated.weight, arrays["blocks.2.dilated.product.weight"].T)
    assert packed.layers[-1].residual is None
    for product in (packed.skip, packed.hidden, packed.output, *(layer.dilated for layer in packed.layers)):
        assert product.weight.flags["C_CONTIGUOUS"]


def test_a_network_without_biases_has_zeros_in_their_place() -> None:
    recipe = toys.recipe(model={"bias": False})
    packed = pack(recipe.shape, network.build(recipe).arrays())
    assert not packed.skip.bias.any() and not packed.layers[0].dilated.bias.any()
    assert packed.hidden.bias.any()  # the head always has them


def test_missing_misshapen_and_left_over_weights_are_named() -> None:
    recipe = toys.recipe()
    arrays = network.build(recipe).arrays()
    missing = {name: value for name, value in arrays.items() if name != "skip.bias"}
    with pytest.raises(BundleError, match=r"skip\.bias is missing"):
        pack(recipe.shape, missing)
    with pytest.raises(BundleError, match=r"hidden\.bias has shape \[3\], expected \[20\]"):
        pack(recipe.shape, {**arrays, "hidden.bias": np.zeros(3, np.float32)})
    with pytest.raises(BundleError, match="stranger does not belong"):
        pack(recipe.shape, {**arrays, "stranger": np.zeros(3, np.float32)})


def test_half_precision_rounds_products_and_nothing_else() -> None:
    arrays = toys.arrays(toys.recipe())
    assert stored(arrays, "float32") is arrays
    half = stored(arrays, "float16")
    for name, value in arrays.items():
        rounds = name.endswith(".weight") and name != "entry.weight"
        assert np.array_equal(half[name], value.astype(np.float16).astype(np.float32) if rounds else value), name
        assert half[name].dtype == np.float32
    scalar = toys.arrays(toys.recipe(model={"input": "scalar"}))
    assert stored(scalar, "float16")["entry.weight"] is scalar["entry.weight"]


def test_what_half_precision_cannot_hold_is_named() -> None:
    arrays = toys.arrays(toys.recipe())
    arrays["hidden.weight"][0, 0] = 70_000
    with pytest.raises(BundleError, match=r"hidden\.weight exceeds 65,504"):
        stored(arrays, "float16")
