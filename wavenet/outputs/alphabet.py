"""What every sample alphabet offers, and the shift by one between inputs and targets."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from wavenet.outputs.draw import Codes, Draw, Floats, Uniforms
from wavenet.outputs.preemphasis import Decoder, emphasised

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -1  # the target of a position that is no sample: it adds nothing to a loss


class Alphabet(Protocol):
    """The samples as whole codes 0 .. size - 1, and the distribution that the network's P parameters describe.

    The code `size` stands for *start*: what comes before the first sample of every file. Everything but the likelihood
    is NumPy, so that sound is generated without torch.
    """

    size: int  # codes Q, *start* not counted
    uniforms: int = 1  # numbers U in [0, 1) that one draw takes
    preemphasis: float = 0.0  # a: the codes are of x[t] - a x[t-1] in place of the sound x

    @property
    @abstractmethod
    def parameters(self) -> int:
        """Numbers P that the network gives per sample."""

    @property
    @abstractmethod
    def pcm_bits(self) -> int:
        """Bits of PCM, 16 or 24, that keep the values of all codes apart."""

    @abstractmethod
    def quantise(self, values: NDArray[np.floating]) -> Codes:
        """Return the codes of values of any shape; those beyond [-1, 1] are clamped, NaN counts as 0."""

    @abstractmethod
    def values(self, codes: NDArray[np.integer]) -> Floats:
        """Return the value in [-1, 1] of each code."""

    @abstractmethod
    def inputs(self, codes: Codes) -> NDArray[np.generic]:
        """Return what the network takes in for past codes, *start* among them: int64 to look up, or float32."""

    @abstractmethod
    def nll(self, parameters: Tensor, targets: Tensor) -> Tensor:
        """Return -log p(target) in nats, [B, T] float32, 0 where the target is IGNORED.

        Args:
            parameters: [B, T, P].
            targets: [B, T] int64 codes, or IGNORED.
        """

    @abstractmethod
    def log_probabilities(self, parameters: NDArray[np.floating], codes: Codes | None = None) -> NDArray[np.floating]:
        """Return log p in nats, [..., n], of codes [..., n], or of all Q, under parameters [..., P] (same dtype)."""

    @abstractmethod
    def draw(self, parameters: Floats, uniforms: Uniforms, how: Draw) -> Codes:
        """Return codes [...] drawn from parameters [..., P] with uniforms [..., U]."""

    @abstractmethod
    def baseline(self, counts: Codes) -> NDArray[np.float64]:
        """Return the parameters [P] that describe codes counted [Q] where nothing else is known (order-0)."""

    def encode(self, wave: NDArray[np.floating]) -> Codes:
        """Return the codes of sounds [..., n], each from its beginning; beyond [-1, 1] is clamped, NaN counts as 0."""
        return self.quantise(emphasised(wave, self.preemphasis))

    def decode(self, codes: Codes) -> Floats:
        """Return sounds [..., n] of codes, each from its beginning.

        Without pre-emphasis they encode back to exactly these codes, as PCM of `pcm_bits` too. With it they don't: what
        is filtered back and rounded or clipped, and filtered again, is a little beside the values of the codes.
        """
        if self.preemphasis == 0:
            return self.values(codes)
        rows = codes.reshape(math.prod(codes.shape[:-1]), codes.shape[-1])  # of sounds without samples too
        return self.decoder(len(rows)).decode(rows).reshape(codes.shape)

    def decoder(self, batch: int = 1) -> Decoder:
        """Return what decodes so many sounds piece by piece, at their beginning."""
        return Decoder(self.values, self.preemphasis, batch)

    def starts(self, *shape: int) -> Codes:
        """Return codes of a shape that are all *start*."""
        return np.full(shape, self.size, np.int64)

    def crop(self, codes: Codes, first: int, count: int, context: int) -> tuple[Codes, Codes]:
        """Return one training crop: the codes that predict samples first .. first + count - 1, and these samples.

        This is the one place where inputs and targets are shifted by one: the target at time t is predicted from
        codes up to t - 1.

        Args:
            codes: [n] from `context` before `first` (fewer at the beginning of a file) through the last target.
            first: targets begin this far into the file.
            count: targets.
            context: the receptive field; *start* is repeated where the file has nothing yet.

        Returns:
            codes [count + context - 1] and targets [count].
        """
        return np.concatenate([self.starts(context - min(first, context)), codes[:-1]]), codes[-count:]
