"""Frames see what lies around them alone, are alike alone and in a batch, and torch's threads come back."""

from __future__ import annotations

import torch

from wavenet.evaluation import convolutions
from wavenet.evaluation.log_mels import BANDS

WEIGHTS = convolutions.begin(8, torch.Generator().manual_seed(0))


def some(frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    heard = torch.randn(2, BANDS, frames, generator=torch.Generator().manual_seed(1))
    return heard, torch.ones(2, frames, dtype=torch.bool)


def test_one_frame_of_two_is_left_and_sees_half_a_second() -> None:
    heard, there = some(121)
    made, left = convolutions.convolved(WEIGHTS, heard, there)
    assert made.shape == (2, 8, 61) and left.shape == (2, 61) and bool(left.all())
    other = heard.clone()
    other[:, :, 60] += 1
    changed = (convolutions.convolved(WEIGHTS, other, there)[0] != made).any(dim=1)[0].nonzero()[:, 0]
    assert changed.tolist() == [*range(18, 43)]  # around 60 / STRIDE
    assert convolutions.STRIDE * (42 - 18 + 1) * 0.01 == 0.5  # seconds


def test_frames_behind_a_clip_change_nothing() -> None:
    heard, there = some(80)
    there[1, 50:] = False
    made, left = convolutions.convolved(WEIGHTS, heard, there)
    alone, _ = convolutions.convolved(WEIGHTS, heard[1:, :, :50], there[1:, :50])
    torch.testing.assert_close(made[1, :, :25], alone[0])
    assert left[1].tolist() == [True] * 25 + [False] * 15 and not made[1, :, 25:].any()


def test_dropout_leaves_out_whole_channels_of_a_clip() -> None:
    draw = torch.Generator().manual_seed(0)
    heard, there = some(40)
    made, _ = convolutions.convolved(WEIGHTS, heard, there, 0.5, draw)
    again, _ = convolutions.convolved(WEIGHTS, heard, there, 0.5, draw)
    assert (made != again).any()


def test_one_thread_is_taken_and_given_back() -> None:
    before = torch.get_num_threads()
    with convolutions.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
