"""Every weight lies where the compiled code looks for it, once, and padding is zero."""

from __future__ import annotations

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import outputs
from wavenet.generate.cpu.panels import ALIGNMENT, COLUMNS, INPUTS, PANEL, Panels, lay_out
from wavenet.generate.packed import Packed, Product, pack, stored
from wavenet.recipe.records import Recipe


def laid(recipe: Recipe, storage: str = "float32") -> tuple[Panels, Packed]:
    packed = pack(recipe.shape, stored(toys.arrays(recipe), storage))
    return lay_out(packed, outputs.of(recipe), storage), packed


def matrix(panels: Panels, index: int) -> np.ndarray:
    """Return a product's padded weights [in, columns], put together again."""
    at, _, inputs, columns = panels.products[index].tolist()
    weights = panels.weights.view(np.float16) if panels.weights.dtype == np.uint16 else panels.weights
    found = []
    for left in range(0, columns, PANEL):
        wide = min(PANEL, columns - left)
        found.append(weights[at : at + inputs * wide].reshape(inputs, wide))
        at += inputs * wide
    return np.concatenate(found, axis=1).astype(np.float32)


def check(panels: Panels, index: int, product: Product, parts: int = 1) -> None:
    width, wide = product.weight.shape[1] // parts, panels.products[index, COLUMNS] // parts
    got, first = matrix(panels, index), panels.products[index, 1]
    bias = panels.biases[first : first + parts * wide]
    for part in range(parts):
        ours = slice(part * wide, part * wide + width)
        theirs = slice(part * width, (part + 1) * width)
        assert np.array_equal(got[:, ours], product.weight[:, theirs]) and np.array_equal(
            bias[ours], product.bias[theirs]
        )
        assert not got[:, part * wide + width : (part + 1) * wide].any()
    assert wide % 16 == 0 and wide - width < 16


@settings(deadline=None, max_examples=40)
@given(toys.recipes(), st.sampled_from(["float32", "float16"]))
def test_every_product_is_found_again(recipe: Recipe, storage: str) -> None:
    panels, packed = laid(recipe, storage)
    for index, layer in enumerate(packed.layers):
        check(panels, 2 * index, layer.dilated, 2)
        if layer.residual is not None:
            check(panels, 2 * index + 1, layer.residual)
    for index, product in enumerate((packed.skip, packed.hidden, packed.output)):
        check(panels, 2 * len(packed.layers) + index, product)
    assert panels.products[2 * len(packed.layers) - 1, INPUTS] == 0  # the last layer has no residual product
    used = panels.products[:, INPUTS] * panels.products[:, COLUMNS]
    assert len(panels.weights) == used.sum() and panels.weights.ctypes.data % ALIGNMENT == 0


@pytest.mark.parametrize("kind", ["embedding", "scalar"])
def test_the_entry_has_a_row_for_every_code_and_for_start(kind: str) -> None:
    recipe = toys.recipe(model={"input": kind})
    panels, packed = laid(recipe)
    alphabet = outputs.of(recipe)
    assert np.array_equal(panels.entry[:, :6], packed.enter(alphabet.inputs(np.arange(17))))
    assert panels.entry.shape == (17, 16) and not panels.entry[:, 6:].any()


def test_layers_say_where_their_rings_lie() -> None:
    panels, _ = laid(toys.recipe(model={"kernel_size": [2, 1, 3], "dilations": [[1, 2], [4]]}))
    assert panels.layers.tolist() == [[2, 1, 0, 1], [1, 2, 1, 0], [3, 4, 1, 8]]
    assert panels.sizes == (6, 5, 16, 2 * 6)
