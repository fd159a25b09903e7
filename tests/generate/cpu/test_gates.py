"""The exponential and the gate are within rounding of NumPy's, whatever they are given."""

from __future__ import annotations

import numpy as np
from numba import njit

from wavenet.generate.cpu.gates import exponential, gate


@njit
def exponentials(x: np.ndarray, to: np.ndarray) -> None:
    for i in range(len(x)):
        to[i] = exponential(x[i])


def test_the_exponential_over_its_whole_range() -> None:
    x = np.concatenate([np.linspace(-87, 88, 200_001), [0.0, -0.0, 1e-30, -1e-30]]).astype(np.float32)
    got = np.empty_like(x)
    exponentials(x, got)
    exact = np.exp(x.astype(np.float64))
    assert np.abs(got / exact - 1).max() < 2e-7
    assert got[-4:].tolist() == [1.0] * 4


def gated(filters: np.ndarray, gates: np.ndarray) -> np.ndarray:
    z = np.empty_like(filters)
    gate(filters, gates, z)
    return z


def test_the_gate_is_tanh_times_sigmoid() -> None:
    rng = np.random.default_rng(0)
    for spread in (1e-6, 0.1, 1.0, 10.0, 1e4):
        a, b = (spread * rng.standard_normal((2, 100_003))).astype(np.float32)
        exact = np.tanh(a.astype(np.float64)) / (1 + np.exp(-np.minimum(np.maximum(b.astype(np.float64), -700), 700)))
        assert np.abs(gated(a, b) - exact).max() < 3e-7


def test_the_gates_corners() -> None:
    most = np.float32(3e38)
    a = np.array([most, -most, most, np.inf, -np.inf, 0.0, 5.0], np.float32)
    b = np.array([most, most, -most, np.inf, np.inf, np.inf, 0.0], np.float32)
    np.testing.assert_allclose(gated(a, b), [1, -1, 0, 1, -1, 0, 0.5 * np.tanh(5)], atol=1e-7)


def test_what_is_no_number_stays_none() -> None:
    nan, one = np.full(20, np.nan, np.float32), np.ones(20, np.float32)
    assert np.isnan(gated(nan, one)).all() and np.isnan(gated(one, nan)).all()


def test_a_value_does_not_depend_on_its_place() -> None:
    a, b = np.random.default_rng(1).standard_normal((2, 61)).astype(np.float32)
    whole = gated(a, b)
    assert all(gated(a[i:], b[i:])[0] == whole[i] for i in range(61))
