"""Channels -> one, and what is found in their values: NaN, whole numbers, cancellation, a DC offset."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wavenet.outputs import Floats

BEYOND = 2.0**31  # of a whole number of 32 bits; no sound has larger values, damaged files of floats do
CANCELLED = 0.1  # of the power that unrelated channels would leave: -10 dB
FAINTEST = 2.0**-30  # power of one step of 16 bits: what is fainter cancels nothing, for rounding is as loud
OFFSET = 0.01  # of full scale: from here on it is noted
FAR, MANY = 100.0, 0.01  # times full scale, and the share of samples beyond it: no sound on a scale of 1
STILL = 10 ** (-60 / 20)  # of full scale: what swings less about an offset is silent
STRETCH = 0.100  # seconds, of whose means an offset is the median: a few large values make none
FEWEST = 3  # stretches: in less sound an offset cannot be told from a low tone
CHANCE = 5.0  # standard errors: a mean that noise of this length and loudness has by chance is no offset


def full_scale(peak: float) -> float:
    """Return the full scale that values up to `peak` need: 1, or the smallest power of two that is not below it."""
    if not peak > 1.0:
        return 1.0
    mantissa, exponent = math.frexp(peak)
    return math.ldexp(1.0, exponent - (mantissa == 0.5))


class Mixer:
    """Mixes a file's channels to one, block by block.

    Args:
        rate: of the file, in Hz.
        channels: of the file.
        floats: whether its values are stored as floats.
        channel: take this one alone; None takes the mean of all.

    Attributes:
        frames: read so far.
        peak: the largest magnitude of the mono sound, full scale 1.
        unusable: values that are NaN, infinite or larger than any sound's; they are taken as 0.
    """

    def __init__(self, rate: int, channels: int, floats: bool, channel: int | None = None) -> None:
        self.rate, self.channels, self.channel = rate, channels, channel
        self.frames = self.unusable = 0
        self.peak = 0.0
        self._low, self._high = math.inf, -math.inf  # of the mono sound
        self._sum = self._power = 0.0
        self._stretch = max(1, round(STRETCH * rate))
        self._means: list[NDArray[np.float64]] = []  # of stretches
        self._rest: Floats = np.zeros(0, np.float32)  # of a stretch that has not ended
        self._sums, self._powers = np.zeros(channels), np.zeros(channels)
        self._floats = self._whole = floats
        self._largest, self._over = 0.0, 0  # of all channels; frames of the mono sound beyond full scale

    def mix(self, block: Floats) -> Floats:
        """Return a block [n, channels] float32 as mono [n] float32."""
        block = self._usable(block)
        if self.channel is None and self.channels > 1:
            wide = block.astype(np.float64)
            self._sums += np.ones(len(wide)) @ wide
            self._powers += np.einsum("tc,tc->c", wide, wide)
            # the mean of two as NumPy takes it, twenty times as fast
            mean = (wide[:, 0] + wide[:, 1]) * 0.5 if self.channels == 2 else wide.mean(axis=1)
            mono = mean.astype(np.float32)
        else:
            mono = block[:, self.channel or 0].copy()
            mean = mono.astype(np.float64)  # in float32, an offset's rounding would be louder than quiet sound
        self.frames += len(mono)
        self._sum += float(mean.sum())
        self._power += float(mean @ mean)
        self._low, self._high = min(self._low, float(mono.min())), max(self._high, float(mono.max()))
        self.peak = max(self.peak, self._high, -self._low)
        self._over += int((np.abs(mono) > 1.0).sum()) if self.peak > 1.0 else 0
        held = np.concatenate([self._rest, mono])
        whole = len(held) // self._stretch * self._stretch
        self._means.append(held[:whole].reshape(-1, self._stretch).mean(axis=1, dtype=np.float64))
        self._rest = held[whole:]
        return mono

    def _usable(self, block: Floats) -> Floats:
        if not (block.min() >= -BEYOND and block.max() <= BEYOND):  # NaN is neither
            usable = np.abs(block) <= BEYOND
            self.unusable += int((~usable).sum())
            block = np.where(usable, block, np.float32(0.0))
        self._largest = max(self._largest, float(block.max()), -float(block.min()))
        self._whole = self._whole and bool((block == np.rint(block)).all())
        return block

    @property
    def bits(self) -> int:
        """Bits of the whole numbers on whose scale floats are plainly stored here, 16, 24 or 32; 0 where they are not.

        Plainly: values beyond full scale are there, and all are whole; or they are far beyond it, and not a few.
        """
        far = self._largest > FAR and self._over > MANY * self.frames
        if not self._floats or not (far or (self._whole and self._largest > 1.0)):
            return 0
        return next(bits for bits in (16, 24, 32) if self._largest <= 2.0 ** (bits - 1))

    @property
    def rms(self) -> float:
        """The root mean square of the mono sound, full scale 1."""
        return math.sqrt(self._power / self.frames) if self.frames else 0.0

    @property
    def _variance(self) -> float:
        return self._power / self.frames - (self._sum / self.frames) ** 2

    @property
    def offset(self) -> float:
        """The mean that the mono sound has throughout, as a share of the full scale it needs; 0 where it has none."""
        means = np.concatenate(self._means) if self._means else np.zeros(0)
        if len(means) < FEWEST:
            return 0.0
        mean = float(np.median(means))
        by_chance = CHANCE * math.sqrt(max(0.0, self._variance) / self.frames)
        return mean / full_scale(self.peak) if abs(mean) > by_chance else 0.0

    def louder(self) -> int | None:
        """Return the loudest channel where the channels cancel when mixed, else None."""
        if self.channel is not None or self.channels < 2 or not self.frames:
            return None
        powers = self._powers / self.frames - (self._sums / self.frames) ** 2  # about the mean: offsets say nothing
        cancel = self._variance < CANCELLED * float(powers.sum()) / self.channels**2
        return int(powers.argmax()) if cancel and powers.max() > FAINTEST else None

    @property
    def none_usable(self) -> bool:
        """Whether there are values, and none of them can be used."""
        return 0 < self.unusable == self.frames * self.channels

    def why_silent(self) -> str | None:
        """Return why there is no sound in these values, as `notes` explains; None where there may be."""
        if self.none_usable:
            return "no usable values"
        still = (self._high - self._low) / 2 < STILL * full_scale(self.peak)
        return "silence at a DC offset" if abs(self.offset) >= OFFSET and still else None

    def notes(self) -> list[str]:
        """Return what is odd about the values, a sentence each."""
        found, bits = [], self.bits
        if self.channel is not None:
            found.append(f"its {self.channels} channels cancel when mixed: channel {self.channel + 1} is used alone")
        if self.unusable:
            share = f"{self.unusable:,} of its {self.frames * self.channels:,} values"
            found.append(f"{share} are NaN, infinite or far too large: replaced by 0")
        if bits:
            found.append(
                f"{bits}-bit whole numbers stored as floats (up to {self._largest:,.0f}, where full scale is 1): "
                f"divide them by {2 ** (bits - 1):,}, or set data.level.rms, which fits any scale"
            )
        if abs(self.offset) >= OFFSET:
            found.append(f"a DC offset of {self.offset:.1%} of full scale: a high-pass filter removes it")
        return found
