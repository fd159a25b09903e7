"""Held: the shift by one between inputs and targets is exactly one, and *start* is no code."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.outputs import Categorical


@settings(deadline=None, max_examples=75)
@given(st.data(), st.sampled_from([2, 5, 256]))
def test_each_target_is_predicted_from_the_samples_right_before_it(data: st.DataObject, classes: int) -> None:
    length = data.draw(st.integers(1, 30))
    first = data.draw(st.integers(0, length - 1))
    count = data.draw(st.integers(1, length - first))
    context = data.draw(st.integers(1, 25))
    file = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    alphabet = Categorical(classes)
    codes, targets = alphabet.crop(
        alphabet.encode(file[max(0, first - context) : first + count]), first, count, context
    )

    def fed(position: int) -> int:
        return classes if position < 0 else int(alphabet.encode(file[position : position + 1])[0])

    assert codes.shape == (count + context - 1,)
    assert codes.dtype == targets.dtype == np.int64
    assert targets.tolist() == alphabet.encode(file[first : first + count]).tolist()
    for j in range(count):  # target j's receptive field ends at the sample before it
        assert codes[j : j + context].tolist() == [fed(first + j - context + i) for i in range(context)]


def test_start_is_no_code_and_no_target() -> None:
    codes, alone = Categorical(256).starts(2, 3), Categorical(4).crop(np.full(3, 3), 0, 3, 10)
    assert codes.dtype == np.int64 and codes.tolist() == [[256] * 3] * 2
    assert alone[0].tolist() == [4] * 10 + [3, 3] and alone[1].tolist() == [3, 3, 3]
