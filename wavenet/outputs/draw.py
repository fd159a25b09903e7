"""How one code is taken from a distribution over codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import InputError

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]
Uniforms = NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """How a code is drawn from a distribution: temperature, top-k, top-p, renormalise, inverse CDF in code order."""

    temperature: float = 1.0  # divides the logits; 0 takes the likeliest code
    top_k: int = 0  # keep the k likeliest codes (ties: the lower code first); 0 keeps all
    top_p: float = 1.0  # then keep the fewest likeliest codes that have this share of what is left; 1 keeps all

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Return the distributions that are drawn from, [..., Q] float64, of logits [..., Q], any finite float."""
        wide = logits.astype(np.float64)
        if self.temperature == 0.0:
            return np.asarray(np.eye(wide.shape[-1])[wide.argmax(axis=-1)])
        with np.errstate(over="ignore"):  # a tiny temperature sends the unlikely to -inf, that is to 0
            p = np.exp((wide - wide.max(axis=-1, keepdims=True)) / self.temperature)
        p /= p.sum(axis=-1, keepdims=True)
        if 0 < self.top_k < p.shape[-1] or self.top_p < 1.0:
            p = self._cut(p, logits)
        return np.asarray(p, np.float64)

    def _cut(self, p: NDArray[np.float64], logits: Floats) -> NDArray[np.float64]:
        order = np.argsort(-logits, axis=-1, kind="stable")  # logits tell apart what equal probabilities do not
        ranked = np.take_along_axis(p, order, axis=-1)
        if 0 < self.top_k < p.shape[-1]:
            ranked[..., self.top_k :] = 0.0
        ranked /= ranked.sum(axis=-1, keepdims=True)
        before = np.cumsum(ranked, axis=-1) - ranked  # the share of the codes that are likelier
        if self.top_p < 1.0:
            ranked[before >= self.top_p] = 0.0
        ranked /= ranked.sum(axis=-1, keepdims=True)
        kept = np.empty_like(p)
        np.put_along_axis(kept, order, ranked, axis=-1)
        return kept

    def __call__(self, logits: Floats, u: Uniforms) -> Codes:
        """Return the codes [...] int64 drawn from logits [..., Q] with uniforms u [...] in [0, 1).

        That is the first code whose cumulative probability exceeds u.
        """
        cumulative = np.cumsum(self.probabilities(logits), axis=-1)
        codes = (cumulative <= (u * cumulative[..., -1])[..., None]).sum(axis=-1)
        return np.asarray(np.minimum(codes, logits.shape[-1] - 1), np.int64)


def checked_draw(temperature: float, top_k: int, top_p: float) -> Draw:
    """Return the draw that these numbers describe.

    Raises:
        InputError: one of them is out of range.
    """
    if any(isinstance(number, bool) for number in (temperature, top_k, top_p)) or not isinstance(top_k, int):
        raise InputError(
            f"temperature, top-k and top-p are {temperature!r}, {top_k!r} and {top_p!r}, expected a number, a whole "
            "number and a number"
        )
    if not 0.0 <= temperature <= 100.0:
        raise InputError(f"the temperature is {temperature}, expected 0 to 100 (1 draws as trained)")
    if top_k < 0:
        raise InputError(f"top-k is {top_k}, expected a number of classes, or 0 for all")
    if not 0.0 < top_p <= 1.0:
        raise InputError(f"top-p is {top_p}, expected more than 0, at most 1")
    return Draw(temperature, top_k, top_p)
