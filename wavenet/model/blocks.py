"""The two parts of the stacks: a dilated causal convolution and the gated residual block around it.

Both work on channels-last signals [B, T, C] and are *valid*: they return only the times whose whole context was given.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CausalConv1d(nn.Module):
    """A dilated causal convolution as one matrix product over its taps.

    Gathering the K taps and multiplying once was measured faster on CPU than ``Conv1d`` (LOG.md).

    Args:
        product: from K*C_in channels, the oldest tap first, to C_out.
        kernel: taps K.
        dilation: samples d between two taps.
    """

    def __init__(self, product: nn.Linear, kernel: int, dilation: int) -> None:
        super().__init__()
        self.product, self.kernel, self.dilation = product, kernel, dilation

    @property
    def context(self) -> int:
        """Samples of context (K-1)d that the output is shorter by."""
        return (self.kernel - 1) * self.dilation

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, T - (K-1)d, C_out] for x [B, T, C_in]."""
        T = x.shape[1] - self.context
        taps = [x[:, k * self.dilation : k * self.dilation + T] for k in range(self.kernel)]
        out: Tensor = self.product(torch.cat(taps, dim=-1) if len(taps) > 1 else x)
        return out


class ResidualBlock(nn.Module):
    """tanh(filter) x sigmoid(gate) behind one dilated convolution, and a residual product.

    van den Oord et al. 2016, equation 2 and figure 4. Filter and gate are one product. The skip product is not here:
    the network makes it once over the gates of all blocks.

    Args:
        dilated: from R channels to filter and gate, 2G.
        residual: from G channels to R; None in the last block, whose output nothing would read.
        dropout: share of inputs to the convolution that training zeroes.
    """

    def __init__(self, dilated: CausalConv1d, residual: nn.Linear | None, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.dilated, self.residual = dilated, residual

    def forward(self, x: Tensor, added: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the block's output and its gated activation.

        Args:
            x: [B, T, R].
            added: what the condition adds to filter and gate, [B, T - (K-1)d, 2G] or [B, 1, 2G] (equations 2.5).

        Returns:
            [B, T - (K-1)d, R] (the last block gives its input back, shortened) and [B, T - (K-1)d, G].
        """
        y = self.dilated(self.dropout(x))
        filtered, gate = (y if added is None else y + added).chunk(2, dim=-1)
        z = torch.tanh(filtered) * torch.sigmoid(gate)
        straight = x[:, self.dilated.context :]
        return (straight if self.residual is None else straight + self.residual(z)), z
