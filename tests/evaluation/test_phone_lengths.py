"""Held: errors of lengths are those of all phones but pauses at the ends, beside averages of training sounds alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import phone_toys
import pytest

import wavenet
from wavenet.evaluation.phone_lengths import LengthErrors, length_errors
from wavenet.features.phones import Phones
from wavenet.generate.lengths import lengths
from wavenet.speech import SILENCE

SAID = tuple(phone_toys.aligned(sound, 2_000) for sound in range(6))
FIELDS = np.array([[sound % 3] for sound in range(6)])


def test_errors_are_of_predicted_lengths_and_of_averages_of_training_sounds(phones_run: Path) -> None:
    voice = wavenet.load(phones_run)
    spoken = Phones(SAID, phone_toys.NAMES, voice.recipe.condition.tracks.phones, 4_000, 40)
    packed, known, trained, held = voice.engine("reference").packed, voice.vocabulary(), [0, 1, 2], [3, 4, 5]
    found = length_errors(packed, spoken, FIELDS, trained, held)

    def inner(sound: int) -> list[tuple[str, float]]:
        pairs = list(zip([phone.name for phone in SAID[sound].phones], SAID[sound].seconds(), strict=True))
        assert pairs[0][0] == pairs[-1][0] == SILENCE
        return pairs[1:-1]

    every = [pair for sound in trained for pair in inner(sound)]
    averages = {name: np.mean([one for own, one in every if own == name]) for name in phone_toys.NAMES}
    ours, theirs = [], []
    for sound in held:
        wanted = {0: {"speaker": "ann"}, 1: {"speaker": "bob"}, 2: {}}[sound % 3]
        made = lengths(packed, known, wanted, SAID[sound].phones)[1:-1]
        ours += [one - real for one, (_, real) in zip(made, inner(sound), strict=True)]
        theirs += [averages[name] - real for name, real in inner(sound)]
    assert found is not None and found.phones == len(ours)
    assert found.rmse_ms == pytest.approx(1000 * np.sqrt(np.mean(np.square(ours))), rel=1e-4)
    assert found.average_rmse_ms == pytest.approx(1000 * np.sqrt(np.mean(np.square(theirs))), rel=1e-4)
    assert length_errors(packed, spoken, FIELDS, trained, []) is None
    unseen = length_errors(packed, spoken, FIELDS, [], held)
    assert unseen is None  # without training sounds there is nothing to compare with


def test_what_is_no_better_is_said() -> None:
    better = "lengths of 512 held-out phones are off by 21.3 ms (RMSE), the average of each phone by 30.1 ms"
    assert str(LengthErrors(512, 21.31, 30.09)) == better
    assert str(LengthErrors(1, 31.0, 30.0)).endswith("by 30.0 ms, which is no worse")
