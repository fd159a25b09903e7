"""Held: costs, queues and layers of a shape are those of the real network and its real queues."""

from __future__ import annotations

import layer_toys
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.generate.state import Queues
from wavenet.geometry import Shape
from wavenet.model.network import WaveNet


@settings(deadline=None, max_examples=40)
@given(layer_toys.shapes())
def test_a_shape_counts_what_a_real_network_has(shape: Shape) -> None:
    network = WaveNet(shape)
    products = [module.weight.numel() for module in network.modules() if isinstance(module, torch.nn.Linear)]
    assert shape.macs_per_sample() == sum(products)
    assert shape.parameters() == sum(weight.numel() for weight in network.parameters())
    with torch.no_grad():
        signal = torch.zeros(1, shape.receptive_field + 2, dtype=torch.int64 if shape.embedding else torch.float32)
        assert network(signal).shape == (1, 3, shape.outputs)


@settings(deadline=None, max_examples=40)
@given(layer_toys.shapes(), st.integers(1, 3))
def test_queues_hold_what_each_layer_still_needs(shape: Shape, batch: int) -> None:
    oldest = [max(tap * layer.dilation for tap in range(layer.kernel)) for layer in shape.layers]
    assert list(shape.queue_rows()) == oldest
    assert geometry.see(shape.layers).receptive_field == sum(oldest) + 1 == shape.receptive_field
    queues = Queues(shape, batch)
    held = sum(queues.ring(b, layer).nbytes for b in range(batch) for layer in range(len(shape.layers)))
    assert held == batch * shape.queue_bytes()


def test_a_shape_has_as_many_kernels_as_dilations() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        len(Shape(((1, 2),), (2,), *(1,) * 6, embedding=True, bias=True).layers)
