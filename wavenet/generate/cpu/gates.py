"""The exponential, and the gate made of it: plain arithmetic in one order, so that a vector holds what a number would.

exp(x) = 2^n exp(r) with n the whole number nearest to x / ln 2. exp(r) is a polynomial: the Chebyshev interpolant of
degree 6 over |r| <= ln 2 / 2, off by at most 3e-9 before rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wavenet.generate.cpu.jit import compiled
from wavenet.generate.cpu.tiles import as_bits, as_float

Array = Any

_PER_LN2 = np.float32(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2; n * high is exact
_ROUND = np.float32(12582912.0)  # 1.5 * 2^23: adding it leaves the nearest whole number in the lowest bits
_C2, _C3, _C4, _C5, _C6 = (np.float32(c) for c in (0.5, 0.16666415, 0.04166635, 0.00837513, 0.00139411))
_ONE, _TWO = np.float32(1.0), np.float32(2.0)
_FILTER_LIMIT, _GATE_LIMIT = np.float32(10.0), np.float32(30.0)  # beyond them float32 says 1, and 0 within 1e-13


@compiled({"contract"})
def exponential(x: float) -> float:
    """Return e^x, float32, for x in -87 .. 88: within 2e-7 of it, relatively."""
    shifted = x * _PER_LN2 + _ROUND
    n = shifted - _ROUND
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = ((((_C6 * r + _C5) * r + _C4) * r + _C3) * r + _C2) * r + _ONE
    return as_float(as_bits(p * r + _ONE) + (as_bits(shifted) << np.int32(23)))


@compiled()
def clamped(x: float, limit: float) -> float:
    """Return x within -limit .. limit; NaN stays NaN."""
    x = limit if x > limit else x
    return -limit if x < -limit else x


@compiled({"contract"})
def gate(filters: Array, gates: Array, z: Array) -> None:
    """Set z [G] to tanh(filter) x sigmoid(gate), all float32.

    With A = e^(2 filter) and B = e^(-gate) that is (A - 1) / ((A + 1)(1 + B)): one division.
    """
    for c in range(len(z)):
        a = exponential(_TWO * clamped(filters[c], _FILTER_LIMIT))
        b = exponential(clamped(-gates[c], _GATE_LIMIT))
        z[c] = (a - _ONE) / ((a + _ONE) * (_ONE + b))
