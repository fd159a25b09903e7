"""mu-law codes with a probability for each: what the paper's network gives.

Companding after ITU-T G.711 in its continuous form (van den Oord et al. 2016, section 2.2), with mu = Q - 1.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wavenet.outputs.alphabet import IGNORED, Alphabet
from wavenet.outputs.draw import Codes, Draw, Floats, Uniforms

if TYPE_CHECKING:
    from torch import Tensor

MOST_CODES_OF_16_BITS = 512  # more mu-law codes than these lie closer than 16-bit steps near silence


@dataclass(frozen=True)
class Categorical(Alphabet):
    """mu-law codes 0 .. Q-1 with a softmax over all of them: P = Q logits."""

    size: int  # Q, 2 to 4096
    embedding: bool = True  # whether codes are looked up (*start* in row Q) or their values multiplied (*start* is 0.0)
    preemphasis: float = 0.0  # a of x[t] - a x[t-1], which the codes are of; 0 <= a < 1

    @property
    def parameters(self) -> int:
        """One logit a code."""
        return self.size

    @property
    def pcm_bits(self) -> int:
        """16, or 24 above 512 codes."""
        return 16 if self.size <= MOST_CODES_OF_16_BITS else 24

    def quantise(self, values: NDArray[np.floating]) -> Codes:
        """Return the codes of values."""
        mu = self.size - 1
        clamped = np.clip(np.nan_to_num(values.astype(np.float64)), -1.0, 1.0)
        y = np.sign(clamped) * np.log1p(mu * np.abs(clamped)) / np.log1p(mu)
        return np.asarray(np.floor((y + 1.0) / 2.0 * mu + 0.5), np.int64)

    def values(self, codes: NDArray[np.integer]) -> Floats:
        """Return the value of each code."""
        return np.asarray(_values(self.size)[:-1][codes])

    def inputs(self, codes: Codes) -> NDArray[np.generic]:
        """Return the codes (int64), or their values (float32)."""
        return codes if self.embedding else np.asarray(_values(self.size)[codes])

    def nll(self, parameters: Tensor, targets: Tensor) -> Tensor:
        """Return -log p(target) of logits."""
        from torch.nn import functional as F

        flat = F.cross_entropy(
            parameters.reshape(-1, self.size).float(), targets.reshape(-1), ignore_index=IGNORED, reduction="none"
        )
        return flat.reshape(targets.shape)

    def log_probabilities(self, parameters: NDArray[np.floating], codes: Codes | None = None) -> NDArray[np.floating]:
        """Return log p of some codes, or of all."""
        wide = parameters.astype(np.float64)
        wide -= wide.max(axis=-1, keepdims=True)
        wide -= np.log(np.exp(wide).sum(axis=-1, keepdims=True))
        chosen = wide if codes is None else np.take_along_axis(wide, codes, axis=-1)
        return np.asarray(chosen, parameters.dtype)

    def draw(self, parameters: Floats, uniforms: Uniforms, how: Draw) -> Codes:
        """Return codes drawn from logits."""
        return how(parameters, uniforms[..., 0])

    def baseline(self, counts: Codes) -> NDArray[np.float64]:
        """Return the logs of the add-one smoothed shares of the codes."""
        return np.asarray(np.log((counts + 1.0) / (counts.sum() + self.size)), np.float64)


@functools.cache
def _values(size: int) -> Floats:
    """Return the value of every code, the inverse of the companding, and 0 for *start* behind them."""
    mu = size - 1
    y = 2.0 * np.arange(size) / mu - 1.0
    decoded = np.sign(y) * np.expm1(np.abs(y) * np.log1p(mu)) / mu
    return np.append(decoded, 0.0).astype(np.float32)
