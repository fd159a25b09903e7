"""Bits per sample are -log2 p of the targets, beside uniform and order-0 over the very same targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import told_toys
import torch
import toys

from wavenet.evaluation.bits import score
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


def test_predicted_tracks_are_scored_beside_the_bits_and_bits_are_of_real_ones(tmp_path: Path) -> None:
    recipe = told_toys.recipe(str(told_toys.write_sounds(tmp_path)))
    sound, net = SoundData(recipe), network.build(recipe).eval()
    sound.prepare()
    batches = list(sound.crops["valid"].in_order(2))
    found = score(net, batches, sound.alphabet, sound.counts)
    told = [network.as_tensors(batch.feed, sound.alphabet, net.shape)[1] for batch in batches]
    sums = [net.missed(one) for one in told if one is not None]
    assert found is not None and len(sums) == len(batches)
    assert found.distance == pytest.approx(sum(one.item() for one, _ in sums) / sum(one.item() for _, one in sums))
    with torch.no_grad():
        net.acoustic.output.bias += 10.0
    worse = score(net, batches, sound.alphabet, sound.counts)
    assert worse is not None and worse.bits == found.bits and worse.distance > found.distance


def test_order0_is_the_cross_entropy_with_the_training_codes(sound_folder: Path) -> None:
    sound = prepared(sound_folder)
    found = score(network.build(sound.recipe), sound.crops["valid"].in_order(2), sound.alphabet, sound.counts)
    codes = np.concatenate([batch.targets.ravel() for batch in sound.crops["valid"].in_order(1)])
    share = (sound.counts + 1) / (sound.counts + 1).sum()
    assert found is not None and (found.uniform, found.targets) == (4.0, len(codes))
    assert found.order0 == pytest.approx(-np.log2(share[codes]).mean())
