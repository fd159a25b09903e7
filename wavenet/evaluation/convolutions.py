"""The convolutions over frames that recognisers begin with, in plain functions of their weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from wavenet.evaluation.log_mels import BANDS

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LAYERS = ((5, 1, 1), (5, 2, 1), (5, 1, 1), (5, 1, 2), (5, 1, 2))  # kernel, stride, dilation of each; half a second
STRIDE = 2  # frames that one frame behind them stands for


def begin(channels: int, draw: torch.Generator) -> dict[str, Tensor]:
    """Return weights to begin with (He et al. 2015, arXiv:1502.01852)."""
    import torch

    made: dict[str, Tensor] = {}
    for layer, (kernel, _, _) in enumerate(LAYERS):
        inputs = channels if layer else BANDS
        made[f"layers.{layer}.weight"] = (
            torch.randn(channels, inputs, kernel, generator=draw) * (2 / (inputs * kernel)) ** 0.5
        )
        made[f"layers.{layer}.bias"] = torch.zeros(channels)
        made[f"layers.{layer}.scale"] = torch.ones(channels)
    return made


def convolved(
    weights: Mapping[str, Tensor],
    heard: Tensor,
    there: Tensor,
    dropout: float = 0.0,
    draw: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Return what is heard around each frame [B, channels, F'], and whether it belongs to its clip [B, F'].

    F' is F / STRIDE, rounded up: frame k stands for the one at k * STRIDE. Each is normalised over its channels, so
    that a clip is heard alike alone and in a batch.

    Args:
        weights: of the network.
        heard: [B, BANDS, F] log mels.
        there: [B, F] bool, whether a frame belongs to its clip; all that lie before its last do.
        dropout: the share of channels that is left out of each clip.
        draw: decides which.
    """
    import torch
    from torch.nn.functional import conv1d, gelu, layer_norm

    held = heard * there[:, None]
    for layer, (kernel, stride, dilation) in enumerate(LAYERS):
        made = conv1d(held, weights[f"layers.{layer}.weight"], None, stride, kernel // 2 * dilation, dilation)
        there = there[:, ::stride]
        scale, bias = weights[f"layers.{layer}.scale"], weights[f"layers.{layer}.bias"]
        made = gelu(layer_norm(made.mT, [made.shape[1]], scale, bias)).mT
        if dropout:
            kept = torch.rand(made.shape[0], made.shape[1], 1, generator=draw) >= dropout
            made = made * kept / (1 - dropout)
        held = (held + made if layer > 1 else made) * there[:, None]
    return held, there


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch take one thread, so that sums are made in one order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
