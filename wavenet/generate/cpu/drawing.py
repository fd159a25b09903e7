"""Draws a class from logits, or says what a known one costs, compiled: `outputs.Draw` and the categorical `nll`."""

from __future__ import annotations

from typing import Any

import numpy as np

from wavenet.generate.cpu.gates import exponential
from wavenet.generate.cpu.jit import compiled
from wavenet.generate.cpu.tiles import as_bits

Array = Any

NOT_FINITE = -1  # in place of a class
_LOWEST = np.float32(-87.0)  # e^x of what lies below counts as 0
_LARGEST = np.float32(3.0e38)
_NOTHING, _ONE = np.float32(0.0), np.float32(1.0)
_BELOW_ALL = np.int64(-(2**31))  # no finite number has a key as low
_BLOCK = 16  # shares that are added up in one go


def scratch(classes: int) -> Any:
    """Return what `choose` and `nll` work in: shares [Q rounded up to whole blocks], keys [Q] and ones [Q]."""
    shares = np.zeros(-(-classes // _BLOCK) * _BLOCK, np.float32)
    return shares, np.zeros(classes, np.int32), np.ones(classes, np.float32)


@compiled()
def choose(logits: Array, u: float, temperature: float, top_k: int, top_p: float, memory: Any) -> int:
    """Return the class drawn from logits [Q] float32 with the uniform u, or NOT_FINITE where a logit is not finite.

    `memory` is what `scratch` returns; `outputs.Draw` explains the other arguments.
    """
    shares, keys, ones = memory
    classes = len(logits)
    if not _finite(logits):
        return NOT_FINITE
    top = _highest(logits)
    if temperature == 0.0:
        return _first(logits, top)
    _weigh(logits, top, np.float32(min(1.0 / max(temperature, 1e-300), np.float64(_LARGEST))), shares)
    if 0 < top_k < classes or top_p < 1.0:
        _cut(logits, top_k, top_p, shares, keys, ones)
    return _drawn(shares, u)


@compiled()
def nll(logits: Array, target: int, memory: Any) -> float:
    """Return -log p(target) in nats under logits [Q] float32, or NaN where a logit is not finite.

    `memory` is what `scratch` returns.
    """
    if not _finite(logits):
        return np.nan
    shares, top = memory[0], _highest(logits)
    _weigh(logits, top, _ONE, shares)
    return np.log(_total(shares)) + (np.float64(top) - np.float64(logits[target]))


@compiled()
def _finite(logits: Array) -> bool:
    """Return whether all numbers are finite."""
    odd = 0
    for c in range(len(logits)):
        odd += logits[c] - logits[c] != _NOTHING  # infinity less itself is no number, which equals nothing
    return odd == 0


@compiled({"nnan", "nsz", "reassoc"})
def _highest(logits: Array) -> float:
    """Return the largest of some numbers."""
    top = logits[0]
    for c in range(1, len(logits)):
        top = max(top, logits[c])
    return top


@compiled()
def _first(logits: Array, top: float) -> int:
    """Return the first place of a value."""
    for c in range(len(logits)):
        if logits[c] == top:
            return c
    return 0


@compiled({"contract"})
def _weigh(logits: Array, top: float, sharpness: float, shares: Array) -> None:
    """Set shares [Q] to e^((logit - top) x sharpness)."""
    for c in range(len(logits)):
        x = (logits[c] - top) * sharpness
        shares[c] = exponential(x) if x >= _LOWEST else _NOTHING


@compiled()
def _drawn(shares: Array, u: float) -> int:
    """Return the first class whose cumulative share exceeds u times the total, found by whole blocks first."""
    aim = u * _total(shares)
    before, last = 0.0, 0
    for first in range(0, len(shares), _BLOCK):
        part = _sum(shares, first)
        if before + part > aim:
            for c in range(first, first + _BLOCK):
                before += shares[c]
                if shares[c] > _NOTHING:
                    last = c
                    if before > aim:
                        return c
        else:
            before += part
    return last


@compiled()
def _total(shares: Array) -> float:
    """Return the float64 sum of all shares, by blocks, so that additions do not wait for each other."""
    total = 0.0
    for first in range(0, len(shares), _BLOCK):
        total += _sum(shares, first)
    return total


@compiled()
def _sum(shares: Array, first: int) -> float:
    """Return the float64 sum of one block."""
    total = 0.0
    for c in range(first, first + _BLOCK):
        total += shares[c]
    return total


@compiled()
def _cut(logits: Array, top_k: int, top_p: float, shares: Array, keys: Array, ones: Array) -> None:
    """Set the shares to 0 that top-k and then top-p leave out."""
    classes = len(logits)
    for c in range(classes):
        bits = as_bits(logits[c] + _NOTHING)  # -0 becomes 0
        keys[c] = bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))  # whole numbers in the order of the logits
    if 0 < top_k < classes:
        _keep(keys, ones, np.float64(top_k), shares)
    if top_p < 1.0:
        _keep(keys, shares, top_p * _above(keys, shares, _BELOW_ALL), shares)


@compiled()
def _keep(keys: Array, masses: Array, aim: float, shares: Array) -> None:
    """Set the shares to 0 of all classes but the likeliest ones, whose likelier ones together have less than `aim`.

    No sorting: the key of the last class that stays is found by bisection. Of equal keys the lower class comes first.
    """
    low, high = _BELOW_ALL, np.int64(2**31 - 1)  # less than aim is above `high`, but not above `low`
    while high - low > 1:
        middle = (low + high) >> 1
        if _above(keys, masses, middle) < aim:
            high = middle
        else:
            low = middle
    before = _above(keys, masses, high)
    for c in range(len(keys)):
        if keys[c] < high or (keys[c] == high and before >= aim):
            shares[c] = _NOTHING
        elif keys[c] == high:
            before += masses[c]


@compiled({"reassoc", "nsz"})
def _above(keys: Array, masses: Array, key: int) -> float:
    """Return the mass of the classes whose key is larger."""
    total = 0.0
    bound = np.int32(key)
    for c in range(len(keys)):
        total += np.float64(masses[c]) if keys[c] > bound else 0.0
    return total
