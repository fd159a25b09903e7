"""The dilated product is a Conv1d, and the block is equation 2 of the paper."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from wavenet.model.blocks import CausalConv1d, ResidualBlock


@pytest.mark.parametrize("kernel", [1, 2, 3, 7])
@pytest.mark.parametrize("dilation", [1, 3, 8])
@pytest.mark.parametrize("bias", [False, True])
def test_the_convolution_is_torchs_own(kernel: int, dilation: int, bias: bool) -> None:
    ours = CausalConv1d(nn.Linear(kernel * 3, 5, bias=bias), kernel, dilation).double()
    x = torch.randn(2, 80, 3, dtype=torch.float64)
    weight = ours.product.weight.reshape(5, kernel, 3).permute(0, 2, 1)
    theirs = F.conv1d(x.transpose(1, 2), weight, ours.product.bias, dilation=dilation).transpose(1, 2)
    torch.testing.assert_close(ours(x), theirs)
    assert ours(x).shape[1] == 80 - ours.context


def made(kernel: int, dilation: int, *, last: bool = False, dropout: float = 0.0) -> ResidualBlock:
    """Return a block of R 4, G 3."""
    dilated = CausalConv1d(nn.Linear(kernel * 4, 6), kernel, dilation)
    return ResidualBlock(dilated, None if last else nn.Linear(3, 4), dropout)


@pytest.mark.parametrize("last", [False, True])
def test_the_block_is_tanh_times_sigmoid_with_a_residual(last: bool) -> None:
    block = made(2, 5, last=last).double()
    x = torch.randn(2, 20, 4, dtype=torch.float64)
    straight, z = block(x)
    both = block.dilated(x)
    torch.testing.assert_close(z, torch.tanh(both[..., :3]) * torch.sigmoid(both[..., 3:]))
    expected = x[:, 5:] if last else x[:, 5:] + block.residual(z)
    torch.testing.assert_close(straight, expected)


def test_dropout_works_while_training_only() -> None:
    block = made(2, 1, dropout=0.5)
    x = torch.randn(1, 50, 4)
    block.train()
    assert not torch.equal(block(x)[1], block(x)[1])
    block.eval()
    assert torch.equal(block(x)[1], block(x)[1])
