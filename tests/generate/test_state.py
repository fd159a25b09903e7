"""The rings give each layer exactly the inputs that lie (K-1)d ... d, 0 steps back."""

from __future__ import annotations

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.errors import InputError
from wavenet.generate import state
from wavenet.generate.state import Queues, padded
from wavenet.geometry import Shape


def shape(kernel: int, dilation: int) -> Shape:
    sizes = {"residual": 3, "gate": 2, "skip": 2, "head": 2, "inputs": 5, "outputs": 4}
    return Shape(stacks=((dilation,),), kernels=(kernel,), embedding=True, bias=True, **sizes)


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 9), st.integers(1, 40))
def test_taps_are_the_past_at_multiples_of_the_dilation(kernel: int, dilation: int, steps: int) -> None:
    queues, batch = Queues(shape(kernel, dilation), 2), 2
    signal = np.random.default_rng(0).standard_normal((steps, batch, 3)).astype(np.float32)
    for sequence in range(batch):
        for t in range(steps):
            taps = queues.push(sequence, 0, signal[t, sequence]).reshape(kernel, 3)
            queues.clocks[sequence] += 1
            for k in range(kernel):
                then = t - (kernel - 1 - k) * dilation
                assert np.array_equal(taps[k], signal[then, sequence] if then >= 0 else np.zeros(3))


def test_each_sequence_has_a_clock_of_its_own() -> None:
    queues = Queues(shape(2, 3), 3)
    for _ in range(5):
        queues.push(1, 0, np.ones(3, np.float32))
        queues.clocks[1] += 1
    assert queues.clocks.tolist() == [0, 5, 0]
    assert not queues.ring(0, 0).any() and queues.ring(1, 0).all() and not queues.ring(2, 0).any()


@settings(deadline=None)
@given(st.integers(2, 4), st.integers(1, 6), st.integers(0, 30))
def test_the_past_is_in_the_order_of_time_and_can_be_replaced(kernel: int, dilation: int, steps: int) -> None:
    queues = Queues(shape(kernel, dilation), 1)
    rows = (kernel - 1) * dilation
    for t in range(steps):
        queues.push(0, 0, np.full(3, t + 1, np.float32))
        queues.clocks[0] += 1
    expected = [max(0, t + 1) for t in range(steps - rows, steps)]
    assert queues.past(0, 0)[:, 0].tolist() == expected
    other = Queues(shape(kernel, dilation), 1)
    other.clocks[0] = 7
    other.replace(0, 0, queues.past(0, 0), 7)
    assert np.array_equal(other.past(0, 0), queues.past(0, 0))


def test_rings_of_all_layers_lie_one_behind_the_other() -> None:
    sizes = {"residual": 3, "gate": 2, "skip": 2, "head": 2, "inputs": 5, "outputs": 4}
    queues = Queues(Shape(stacks=((1, 2), (4,)), kernels=(2, 1, 3), embedding=True, bias=True, **sizes), 2)
    assert [len(queues.ring(0, layer)) for layer in range(3)] == [1, 0, 8]
    queues.ring(1, 2)[:] = 1
    assert queues.memory.shape == (2, 9, padded(3)) and queues.memory.sum() == 8 * 3
    assert [padded(width) for width in (1, 15, 16, 17)] == [16, 16, 16, 32]


def test_what_is_exported_is_a_copy_and_only_its_like_is_loaded() -> None:
    made = Queues(shape(2, 3), 2)
    made.push(1, 0, np.ones(3, np.float32))
    saved = made.export()
    made.push(1, 0, np.zeros(3, np.float32))
    other = Queues(shape(2, 3), 2)
    other.load(saved)
    assert other.export().keys() == saved.keys() == {"memory", "clocks"}
    assert all(np.array_equal(other.export()[name], value) for name, value in saved.items())
    with pytest.raises(InputError, match=r"fields is int64 \[2\], expected none"):
        made.load({**saved, "fields": saved["clocks"]})
    with pytest.raises(InputError, match="clocks is missing"):
        made.load({"memory": saved["memory"]})
    with pytest.raises(InputError, match="not finite"):
        made.load({**saved, "memory": saved["memory"] * np.nan})


def test_more_sequences_than_memory_holds_are_refused_with_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = toys.recipe().shape
    monkeypatch.setattr(state, "available_bytes", lambda: 100 * (Queues(shape, 1).memory.nbytes + 64))
    state.check_memory(shape, 100)
    with pytest.raises(InputError, match="queues of 101 sequences"):
        state.check_memory(shape, 101)
    monkeypatch.setattr(state, "available_bytes", lambda: 1 << 28)
    state.check_memory(shape, 100, 1000)
    with pytest.raises(InputError, match=r"queues of 1,000,000 sequences need .* GiB of memory, but there are 0\.2"):
        state.check_memory(shape, 1_000_000)
    with pytest.raises(InputError, match="and 100,000,000 samples each need"):
        state.check_memory(shape, 1, 100_000_000)
    monkeypatch.setattr(state, "available_bytes", lambda: None)
    state.check_memory(shape, 10**12)
