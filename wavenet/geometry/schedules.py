"""Schedules of dilations: the named patterns of the papers, as stacks of integers."""

from __future__ import annotations

Stacks = tuple[tuple[int, ...], ...]

MAX_LAYERS = 1_000
HDC_RATES = (1, 2, 5)  # hybrid dilated convolution: the rates of Wang et al. 2018 (arXiv:1702.08502)


def exponential(layers: int, cycles: int = 1) -> Stacks:
    """Return `cycles` stacks of dilations 1, 2, 4, ... 2^(layers-1) (van den Oord et al. 2016, section 2.1)."""
    return (tuple(2**i for i in range(layers)),) * cycles


def hdc(layers: int, cycles: int = 1) -> Stacks:
    """Return `cycles` stacks of `layers` dilations 1, 2, 5, 10, 20, 50, 100...: rates without a common factor."""
    return (tuple(HDC_RATES[i % 3] * 10 ** (i // 3) for i in range(layers)),) * cycles


def constant(layers: int, cycles: int, dilation: int) -> Stacks:
    """Return `cycles` stacks of `layers` equal dilations."""
    return ((dilation,) * layers,) * cycles
