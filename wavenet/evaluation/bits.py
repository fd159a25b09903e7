"""Bits per sample of crops of held-out sound, beside uniform and order-0: quick scores while training.

Whole files, all baselines and intervals are in `evaluate.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wavenet.audio.crops import Batch
from wavenet.outputs import IGNORED, Alphabet, Codes

if TYPE_CHECKING:
    from wavenet.model.network import WaveNet


@dataclass(frozen=True)
class Score:
    """Bits per sample on the same held-out targets."""

    bits: float  # of the model
    uniform: float  # log2 Q
    order0: float  # of the alphabet's baseline for the training codes
    targets: int  # how many samples were predicted
    distance: float | None = None  # of predicted tracks to real ones; None where none are predicted


def score(
    network: WaveNet,
    batches: Iterable[Batch],
    alphabet: Alphabet,
    training_counts: Codes,
    interrupted: Callable[[], bool] = lambda: False,
) -> Score | None:
    """Return how well a network predicts some batches, or None where it was interrupted or there was nothing.

    Args:
        network: in evaluation mode, on any device.
        batches: crops of held-out sound.
        alphabet: of the samples and of the network.
        training_counts: how often each code comes in the training sound [Q], int64; what order-0 predicts from.
        interrupted: asked before every batch.
    """
    import torch

    from wavenet.model.network import as_tensors

    nats, errors, known, counts = 0.0, 0.0, 0.0, np.zeros(alphabet.size, np.int64)
    device = next(network.parameters()).device
    with torch.inference_mode():
        for batch in batches:
            if interrupted():
                return None
            targets = torch.from_numpy(batch.targets).to(device)
            inputs, told = as_tensors(batch.feed, alphabet, network.shape, device)
            nats += alphabet.nll(network(inputs, told), targets).sum(dtype=torch.float64).item()
            if told is not None and network.predicts:
                missed = network.missed(told)
                errors, known = errors + missed[0].item(), known + missed[1].item()
            counts += np.bincount(batch.targets[batch.targets != IGNORED], minlength=alphabet.size)
    targets_seen = int(counts.sum())
    if not targets_seen:
        return None
    order0 = -float((counts * alphabet.log_probabilities(alphabet.baseline(training_counts))).sum())
    bits, order0_bits = (spent / targets_seen / math.log(2) for spent in (nats, order0))
    return Score(bits, math.log2(alphabet.size), order0_bits, targets_seen, errors / known if known else None)
