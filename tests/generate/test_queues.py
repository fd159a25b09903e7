"""The rings give each layer exactly the inputs that lie (K-1)d ... d, 0 steps back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.generate.queues import Queues
from wavenet.geometry import Shape


def shape(kernel: int, dilation: int) -> Shape:
    sizes = {"residual": 3, "gate": 2, "skip": 2, "head": 2, "inputs": 5, "outputs": 4}
    return Shape(stacks=((dilation,),), kernels=(kernel,), embedding=True, bias=True, **sizes)


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 9), st.integers(1, 40))
def test_taps_are_the_past_at_multiples_of_the_dilation(kernel: int, dilation: int, steps: int) -> None:
    queues, batch = Queues(shape(kernel, dilation), 2), 2
    signal = np.random.default_rng(0).standard_normal((steps, batch, 3)).astype(np.float32)
    for t in range(steps):
        taps = queues.push(0, signal[t]).reshape(batch, kernel, 3)
        queues.tick()
        for k in range(kernel):
            then = t - (kernel - 1 - k) * dilation
            expected = signal[then] if then >= 0 else np.zeros((batch, 3))
            assert np.array_equal(taps[:, k], expected)


@settings(deadline=None)
@given(st.integers(2, 4), st.integers(1, 6), st.integers(0, 30))
def test_the_past_is_in_the_order_of_time_and_can_be_replaced(kernel: int, dilation: int, steps: int) -> None:
    queues = Queues(shape(kernel, dilation), 1)
    rows = (kernel - 1) * dilation
    for t in range(steps):
        queues.push(0, np.full((1, 3), t + 1, np.float32))
        queues.tick()
    expected = [max(0, t + 1) for t in range(steps - rows, steps)]
    assert queues.past(0)[:, 0, 0].tolist() == expected
    other = Queues(shape(kernel, dilation), 1)
    other.clock = 7
    other.replace(0, queues.past(0), 7)
    assert np.array_equal(other.past(0), queues.past(0))
