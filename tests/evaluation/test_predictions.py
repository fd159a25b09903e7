"""Held: what small networks predict is scored together, on the clips that are given, and said line by line."""

from __future__ import annotations

import numpy as np
import phone_toys
import toys

from wavenet.evaluation.phone_lengths import LengthErrors, length_errors
from wavenet.evaluation.predicted_tracks import Off, TrackErrors, track_errors
from wavenet.evaluation.predictions import Predictions, predictions
from wavenet.features.phones import Phones
from wavenet.generate.packed import pack
from wavenet.outputs import Arrays, Condition

SAID = tuple(phone_toys.aligned(sound, 2_000) for sound in range(4))


def test_lengths_and_tracks_are_scored_where_they_are_predicted() -> None:
    made = phone_toys.recipe(fields=None, tracks={"phones": {"kinds": 4, "neighbours": 1}, "mel": phone_toys.MEL})
    config, shape = made.condition, made.shape.condition
    assert config is not None and config.tracks.phones is not None and shape is not None
    spoken = Phones(SAID, phone_toys.NAMES, config.tracks.phones, 4_000, 40)
    packed = pack(made.shape, toys.arrays(made))
    mels = np.random.default_rng(0).uniform(-1, 1, (4, 50, 6)).astype(np.float32)
    values = [np.concatenate([spoken.read(sound, 0, 50), mels[sound]], axis=1) for sound in range(4)]
    told = Condition(shape, np.zeros((4, 0), np.int64), Arrays(values), None, spoken)
    found = predictions(packed, made, told, [0, 1], [2, 3])
    assert found.lengths == length_errors(packed, spoken, told.fields, [0, 1], [2, 3]) is not None
    assert found.tracks == track_errors(packed, config, told, [0, 1], [2, 3]) is not None
    assert found.to_text() == [str(found.lengths), str(found.tracks)]
    plain = found.to_json()
    assert plain["lengths"] == vars(found.lengths) and plain["tracks"]["mel_db"] == vars(found.tracks.mel_db)
    unsaid = Condition(shape, told.fields, Arrays(values))
    assert predictions(packed, made, unsaid, [0, 1], [2, 3]) == Predictions(None, found.tracks)


def test_a_network_that_predicts_nothing_has_nothing_to_score() -> None:
    made = toys.recipe()
    found = predictions(pack(made.shape, toys.arrays(made)), made, None, [0], [1])
    assert found == Predictions() and found.to_text() == [] and found.to_json() == {}
    one = Predictions(LengthErrors(3, 1.0, 2.0), TrackErrors(5, Off(1.0, None)))
    assert len(one.to_text()) == 2 and {*one.to_json()} == {"lengths", "tracks"}
