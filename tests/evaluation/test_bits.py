"""Bits per sample are -log2 p of the targets, beside uniform and order-0 over the very same targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import toys

from wavenet.evaluation.bits import bits_against, score
from wavenet.model import network
from wavenet.training.data import SoundData


def prepared(folder: Path, kind: str = "embedding") -> SoundData:
    sound = SoundData(toys.recipe(data={"path": str(folder), "segment_samples": 150}, model={"input": kind}))
    sound.prepare()
    return sound


def test_an_interruption_or_nothing_gives_no_score(sound_folder: Path) -> None:
    sound = prepared(sound_folder)
    net = network.build(sound.recipe)
    batches = list(sound.crops["valid"].in_order(2))
    assert score(net, batches, sound.alphabet, sound.counts, lambda: True) is None
    assert score(net, [], sound.alphabet, sound.counts) is None


def test_bits_against_is_the_cross_entropy() -> None:
    counts, p = np.array([3, 1, 0]), np.array([0.5, 0.25, 0.25])
    assert bits_against(counts, np.log(p)) == pytest.approx((3 * 1 + 1 * 2) / 4)
