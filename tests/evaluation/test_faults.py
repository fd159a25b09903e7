"""Faults are within their bounds, the same for the same draws, and leave what is said where it was."""

from __future__ import annotations

import numpy as np
import torch

from wavenet.evaluation import faults

RATE = 8_000


def test_a_clip_gets_quieter_longer_and_noisier_within_bounds_and_alike_for_a_seed() -> None:
    wave = np.sin(0.3 * np.arange(5 * RATE)).astype(np.float32)
    draw, again = (torch.Generator().manual_seed(3) for _ in range(2))
    lengths = set()
    for _ in range(20):
        made = faults.spoilt(wave, RATE, draw).wave
        assert (made == faults.spoilt(wave, RATE, again).wave).all() and made.dtype == np.float32
        assert 3 * RATE <= len(made) <= 3.8 * RATE + 1
        middle = made[len(made) // 2 - RATE : len(made) // 2 + RATE]
        assert 0.2 < np.sqrt(np.mean(middle**2)) < 2.0
        lengths.add(len(made))
    assert len(lengths) > 15


def test_it_is_known_where_a_part_came_from_and_went_to() -> None:
    # levelled, as recognisers have it, and unlike itself at any other place
    wave = np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32)
    draw, places = torch.Generator().manual_seed(0), set()
    for _ in range(20):
        made = faults.spoilt(wave, RATE, draw)
        assert made.samples == 3 * RATE and len(made.wave) >= made.before + made.samples
        part = made.wave[made.before : made.before + made.samples]
        own = wave[made.first : made.first + made.samples]
        assert np.corrcoef(part, own)[0, 1] > 0.96  # 0.970 with noise of -12 dB, the loudest there is
        places.add((made.first, made.before))
    assert len(places) == 20
    short = faults.spoilt(wave[:500], RATE, draw)
    assert (short.first, short.samples) == (0, 500)


def test_few_frames_and_bands_are_left_out() -> None:
    heard = torch.ones(40, 48, 100)
    made = faults.holed(heard, torch.Generator().manual_seed(0))
    assert made.shape == heard.shape
    gone = made == 0
    assert 0.02 < float(gone.float().mean()) < 0.14 and not gone.all(dim=2).all(dim=1).any()
    assert float((made[~gone] - 1).abs().max()) < 1.5
