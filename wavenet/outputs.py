"""The sample alphabet: one object owns encoding, the shift by one, the likelihood and the draw.

mu-law companding after ITU-T G.711 in its continuous form (van den Oord et al. 2016, section 2.2), with mu = Q - 1.
Everything but the likelihood is NumPy, so that sound is generated without torch.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from wavenet.recipe.records import Recipe

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]
Uniforms = NDArray[np.float64]

IGNORED = -1  # the target of a position that is no sample: it adds nothing to a loss


@dataclass(frozen=True)
class Draw:
    """How a code is drawn from a distribution: temperature, top-k, top-p, renormalise, inverse CDF in class order.

    Args:
        temperature: divides the logits; 0 takes the likeliest class.
        top_k: keep the k likeliest classes (ties: the lower class first); 0 keeps all.
        top_p: then keep the fewest likeliest classes that together have this share of what is left; 1 keeps all.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Return the distributions that are drawn from.

        Args:
            logits: [B, Q], any finite float.

        Returns:
            [B, Q] float64, rows summing to 1.
        """
        wide = logits.astype(np.float64)
        if self.temperature == 0.0:
            return np.asarray(np.eye(wide.shape[1])[wide.argmax(axis=1)])
        with np.errstate(over="ignore"):  # a tiny temperature sends the unlikely to -inf, that is to 0
            p = np.exp((wide - wide.max(axis=1, keepdims=True)) / self.temperature)
        p /= p.sum(axis=1, keepdims=True)
        if 0 < self.top_k < p.shape[1] or self.top_p < 1.0:
            p = self._cut(p, logits)
        return np.asarray(p, np.float64)

    def _cut(self, p: NDArray[np.float64], logits: Floats) -> NDArray[np.float64]:
        order = np.argsort(-logits, axis=1, kind="stable")  # logits tell apart what equal probabilities do not
        ranked = np.take_along_axis(p, order, axis=1)
        if 0 < self.top_k < p.shape[1]:
            ranked[:, self.top_k :] = 0.0
        ranked /= ranked.sum(axis=1, keepdims=True)
        before = np.cumsum(ranked, axis=1) - ranked  # the share of the classes that are likelier
        if self.top_p < 1.0:
            ranked[before >= self.top_p] = 0.0
        ranked /= ranked.sum(axis=1, keepdims=True)
        kept = np.empty_like(p)
        np.put_along_axis(kept, order, ranked, axis=1)
        return kept

    def __call__(self, logits: Floats, u: NDArray[np.float64]) -> Codes:
        """Return the codes drawn with uniforms `u`: the first class whose cumulative probability exceeds u.

        Args:
            logits: [B, Q].
            u: [B] float64 in [0, 1).

        Returns:
            [B] int64 in 0..Q-1.
        """
        cumulative = np.cumsum(self.probabilities(logits), axis=1)
        codes = (cumulative <= (u * cumulative[:, -1])[:, None]).sum(axis=1)
        return np.asarray(np.minimum(codes, logits.shape[1] - 1), np.int64)


@dataclass(frozen=True)
class Categorical:
    """mu-law codes 0..Q-1 with a softmax over all of them.

    Args:
        classes: Q, 2 to 4096.
        embedding: whether the network looks its input up (codes, *start* being index Q) or multiplies it (the
            decoded value, *start* being 0.0).
    """

    classes: int
    embedding: bool = True

    @property
    def parameters(self) -> int:
        """Numbers P that the network gives per sample."""
        return self.classes

    @property
    def uniform_bits(self) -> float:
        """Bits per sample of the uniform guess: log2 Q."""
        return math.log2(self.classes)

    def starts(self, *shape: int) -> NDArray[np.generic]:
        """Return inputs of a shape that are all *start*: what stands before the first sample of every file.

        Index Q (int64) of an embedding, else the value 0.0 (float32).
        """
        return np.full(shape, self.classes, np.int64) if self.embedding else np.zeros(shape, np.float32)

    # --- encoding ---

    def encode(self, wave: NDArray[np.floating]) -> Codes:
        """Return the codes of samples; values beyond [-1, 1] are clamped, NaN counts as 0.

        Args:
            wave: any shape, float, full scale 1.

        Returns:
            The same shape, int64 in 0..Q-1.
        """
        mu = self.classes - 1
        clamped = np.clip(np.nan_to_num(wave.astype(np.float64)), -1.0, 1.0)
        y = np.sign(clamped) * np.log1p(mu * np.abs(clamped)) / np.log1p(mu)
        return np.asarray(np.floor((y + 1.0) / 2.0 * mu + 0.5), np.int64)

    def decode(self, codes: NDArray[np.integer]) -> Floats:
        """Return the sample value in [-1, 1], float32, of each code in 0..Q-1."""
        return np.asarray(_decoded(self.classes)[codes])

    # --- what the network is given and asked ---

    def inputs(self, codes: Codes) -> NDArray[np.generic]:
        """Return what the network is fed for past codes: the codes (int64), or their values (float32).

        The code Q stands for *start*.
        """
        return codes if self.embedding else np.asarray(_fed(self.classes)[codes])

    def crop(self, wave: Floats, first: int, count: int, context: int) -> tuple[NDArray[np.generic], Codes]:
        """Return one training crop: the inputs that predict samples first .. first + count - 1, and these samples.

        This is the one place where inputs and targets are shifted by one: the target at time t is predicted from
        inputs up to t - 1.

        Args:
            wave: [n] the samples from `context` before `first` (fewer at the beginning of a file) through the last
                target.
            first: targets begin this far into the file.
            count: targets.
            context: the receptive field; *start* is repeated where the file has nothing yet.

        Returns:
            inputs [count + context - 1] and targets [count] int64.
        """
        codes = self.encode(wave)
        missing = context - min(first, context)
        past = self.inputs(codes[:-1])
        padded = np.concatenate([self.starts(missing), past])
        return padded, codes[-count:]

    # --- likelihood ---

    def nll(self, parameters: Tensor, targets: Tensor) -> Tensor:
        """Return -log p(target) in nats.

        Args:
            parameters: [B, T, Q] logits.
            targets: [B, T] int64 in 0..Q-1, or IGNORED.

        Returns:
            [B, T] float32, 0 where the target is IGNORED.
        """
        from torch.nn import functional as F

        flat = F.cross_entropy(
            parameters.reshape(-1, self.classes).float(), targets.reshape(-1), ignore_index=IGNORED, reduction="none"
        )
        return flat.reshape(targets.shape)

    def log_probabilities(self, parameters: Floats) -> Floats:
        """Return log p of every class, in nats, float32, from logits [..., Q]."""
        wide = parameters.astype(np.float64)
        wide -= wide.max(axis=-1, keepdims=True)
        return np.asarray(wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True)), np.float32)

    def histogram(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the order-0 distribution [Q]: add-one smoothed shares of the counted codes [Q]."""
        return np.asarray((counts + 1.0) / (counts.sum() + self.classes), np.float64)


@functools.cache
def _decoded(classes: int) -> Floats:
    """Return the value of every code: the inverse of the companding, computed in float64."""
    mu = classes - 1
    y = 2.0 * np.arange(classes) / mu - 1.0
    return np.asarray(np.sign(y) * np.expm1(np.abs(y) * np.log1p(mu)) / mu, np.float32)


@functools.cache
def _fed(classes: int) -> Floats:
    """Return the value that scalar input has for every code, and 0 for *start* behind them."""
    return np.append(_decoded(classes), np.float32(0.0))


def bits_against(counts: NDArray[np.int64], distribution: NDArray[np.float64]) -> float:
    """Return the bits per sample of codes counted [Q] under a fixed distribution [Q]."""
    return float(-(counts * np.log2(distribution)).sum() / max(1, counts.sum()))


def of(recipe: Recipe) -> Categorical:
    """Return the alphabet that a recipe names."""
    return Categorical(recipe.output.classes, recipe.model.input == "embedding")
