"""What sequences are told is picked by their rows."""

from __future__ import annotations

import numpy as np

from wavenet.outputs import Condition


def test_a_condition_is_picked_by_rows() -> None:
    gates = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    assert np.array_equal(Condition(gates).of(np.array([3, 0, 3])).gates, gates[[3, 0, 3]])
