"""How much to trust one distribution beside another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST = 1.0 - 1e-6  # so that what only the other one holds possible stays possible, at 20 bits more than it says
HALVINGS = 24  # of the interval that the weight lies in: to 6e-8


def best_weight(
    own: NDArray[np.float64], other: NDArray[np.float64], times: NDArray[np.integer] | None = None
) -> float:
    """Return the weight w, 0 to MOST, with which w * own + (1 - w) * other makes what happened likeliest.

    That many nats, as a function of w, are convex (each is -log of a line), so that their slope rises and passes zero
    at one place, which halving finds (linear interpolation of Jelinek and Mercer, 1980).

    Args:
        own: [n] probabilities of what happened, 0 to 1.
        other: [n] the same of another distribution, above 0.
        times: [n] how often each happened; None: once.
    """
    gain, low, high = other - own, 0.0, MOST

    def slope(weight: float) -> float:
        ratios = gain / (other - weight * gain)
        return float(ratios.sum() if times is None else ratios @ times)

    if slope(high) <= 0:
        return high
    if slope(low) >= 0:
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return (low + high) / 2
