"""Bits per sample are -log2 p of the targets, beside uniform and order-0 over the very same targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import toys

from wavenet.audio.crops import Crops, pieces
from wavenet.evaluation.bits import bits_against, engine_bits, score
from wavenet.generate.engines import build_engine
from wavenet.model import network
from wavenet.training.data import SoundData


def prepared(folder: Path, kind: str = "embedding") -> SoundData:
    sound = SoundData(toys.recipe(data={"path": str(folder), "segment_samples": 150}, model={"input": kind}))
    sound.prepare()
    return sound


def test_an_untrained_network_scores_the_histogram_it_begins_at(sound_folder: Path) -> None:
    sound = prepared(sound_folder)
    net = network.build(sound.recipe)
    net.start_at(sound.alphabet.baseline(sound.counts))
    found = score(net, sound.crops["valid"].in_order(2), sound.alphabet, sound.counts)
    assert found is not None
    assert found.bits == pytest.approx(found.order0, abs=1e-5) and found.order0 < found.uniform == 4.0
    assert found.targets == sound.crops["valid"].targets


@pytest.mark.parametrize("size", [1, 3])
def test_the_loss_over_a_file_in_segments_is_the_loss_over_it_whole(sound_folder: Path, size: int) -> None:
    sound = prepared(sound_folder)
    net = network.build(sound.recipe).eval()
    torch.nn.init.normal_(net.output.weight)
    span = sound.spans["train"][0]
    scores = []
    for longest in (1 << 20, 150, 37, 1):
        crops = Crops(sound.sound, pieces([span], longest), sound.alphabet, net.receptive_field)
        scores.append(score(net, crops.in_order(size), sound.alphabet, sound.counts))
    assert all(score is not None and score.targets == span.last for score in scores)
    bits = [score.bits for score in scores if score is not None]
    np.testing.assert_allclose(bits, bits[0], atol=1e-5)


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("kind", ["embedding", "scalar"])
def test_a_sampler_scores_what_the_training_graph_scores(sound_folder: Path, backend: str, kind: str) -> None:
    sound = prepared(sound_folder, kind)
    net = network.build(sound.recipe).eval()
    torch.nn.init.normal_(net.output.weight)
    whole = score(net, sound.crops["valid"].in_order(2), sound.alphabet, sound.counts)
    crops = Crops(sound.sound, pieces(sound.spans["valid"], 150), sound.alphabet, net.receptive_field)
    chosen = build_engine(backend, sound.recipe.shape, net.arrays(), sound.alphabet, "float32")
    bits, targets = engine_bits(chosen, crops.in_order(2), sound.alphabet)
    assert targets == crops.targets
    assert whole is not None and whole.bits == pytest.approx(bits, abs=1e-5)


def test_an_interruption_or_nothing_gives_no_score(sound_folder: Path) -> None:
    sound = prepared(sound_folder)
    net = network.build(sound.recipe)
    batches = list(sound.crops["valid"].in_order(2))
    assert score(net, batches, sound.alphabet, sound.counts, lambda: True) is None
    assert score(net, [], sound.alphabet, sound.counts) is None


def test_bits_against_is_the_cross_entropy() -> None:
    counts, p = np.array([3, 1, 0]), np.array([0.5, 0.25, 0.25])
    assert bits_against(counts, np.log(p)) == pytest.approx((3 * 1 + 1 * 2) / 4)
