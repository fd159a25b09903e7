"""Held: errors of predicted tracks are in dB, Hz and per cent, beside averages of each phone in training alone."""

from __future__ import annotations

import numpy as np
import phone_toys
import pytest
import toys

from wavenet.evaluation.predicted_tracks import Off, TrackErrors, track_errors
from wavenet.features.f0 import in_hertz
from wavenet.features.phones import Phones
from wavenet.generate.asked import all_tracks
from wavenet.generate.packed import pack
from wavenet.outputs import Arrays, Condition
from wavenet.recipe.records import Recipe

F0 = {"low_hz": 100.0, "high_hz": 400.0}
TRACKS = {"phones": {"kinds": 4, "neighbours": 1}, "mel": phone_toys.MEL, "f0": F0}
SAID = tuple(phone_toys.aligned(sound, 2_000) for sound in range(6))
WIDTH = 4 * 3 + 6 + 5 + 1 + 6  # of the phones' columns


def recipe(**tracks: object) -> Recipe:
    """Return a recipe that predicts mel and F0, or what is left where one of the tracks is None."""
    kept = {name: one for name, one in (TRACKS | tracks).items() if one is not None}
    gone = {} if "phones" in kept else {"durations": None}
    return phone_toys.recipe(tracks=kept, fields=None, **gone)


def sounds(made: Recipe) -> Condition:
    """Return six sounds with their own phones, if the recipe tells any, and random mels and pitches."""
    assert made.condition is not None and made.shape.condition is not None
    rng, values = np.random.default_rng(0), []
    for sound in range(6):
        parts = [rng.uniform(-1, 1, (50, width)) for name, width in made.condition.tracks_told() if name != "phones"]
        if made.condition.tracks.f0 is not None:
            parts[-1][:, 1] = rng.integers(0, 2, 50)
        if made.condition.tracks.phones is not None:
            spoken = Phones(SAID, phone_toys.NAMES, made.condition.tracks.phones, 4_000, 40)
            parts.insert(0, spoken.read(sound, 0, 50))
        values.append(np.concatenate(parts, axis=1).astype(np.float32))
    return Condition(made.shape.condition, np.zeros((6, 0), np.int64), Arrays(values))


def test_errors_are_of_predicted_tracks_and_of_each_phone_s_average() -> None:
    made = recipe()
    told, packed, trained, held = sounds(made), pack(made.shape, toys.arrays(made)), [0, 1, 2], [3, 5]
    assert made.condition is not None and made.condition.tracks.f0 is not None and isinstance(told.tracks, Arrays)
    found = track_errors(packed, made.condition, told, trained, held)

    def phone(frame: np.ndarray) -> int:
        return int(frame[4:8].argmax())  # behind the places of the phone before

    every = np.concatenate([told.tracks.values[sound] for sound in trained])
    assert every.shape[1] == WIDTH + 6 + 2 and all(frame[4:8].sum() == 1 for frame in every)
    averages = {one: np.mean([f[WIDTH:] for f in every if phone(f) == one], axis=0) for one in {*map(phone, every)}}
    real = np.concatenate([told.tracks.values[sound] for sound in held])
    ours = [
        all_tracks(packed, {"phones": told.tracks.values[sound][:, :WIDTH]}, told.fields[sound])[:, WIDTH:]
        for sound in held
    ]
    wanted = {}
    for name, guess in (
        ("ours", np.concatenate(ours)),
        ("average", np.stack([averages[phone(frame)] for frame in real])),
    ):
        away, voiced = guess - real[:, WIDTH:], (guess[:, 7] > 0.5, real[:, WIDTH + 7] > 0.5)
        both, config = voiced[0] & voiced[1], made.condition.tracks.f0
        hertz = in_hertz(guess[both, 6], config) - in_hertz(real[both, WIDTH + 6], config)
        wanted[name] = (
            30 * np.abs(away[:, :6]).mean(),
            np.sqrt((hertz**2).mean()) if both.any() else None,
            100 * (voiced[0] != voiced[1]).mean(),
        )
    assert found is not None and found.frames == 100
    for at, one in enumerate((found.mel_db, found.f0_hz, found.voicing_percent)):
        assert wanted["average"][at] is not None and (one is None) == (wanted["ours"][at] is None)
        if one is not None:
            assert (one.ours, one.average) == pytest.approx((wanted["ours"][at], wanted["average"][at]), rel=1e-4)


def test_what_there_is_no_average_or_no_prediction_of_is_left_out() -> None:
    made = recipe(f0=None)
    told, packed = sounds(made), pack(made.shape, toys.arrays(made))
    assert made.condition is not None
    found = track_errors(packed, made.condition, told, [], [3])
    assert found is not None and found.mel_db is not None and found.mel_db.average is None
    assert found.f0_hz is found.voicing_percent is None
    assert track_errors(packed, made.condition, told, [0], []) is None
    alone = phone_toys.recipe(acoustic=None)
    assert alone.condition is not None and alone.shape.condition is not None
    nothing = Condition(alone.shape.condition, np.zeros((6, 1), np.int64))
    assert track_errors(pack(alone.shape, toys.arrays(alone)), alone.condition, nothing, [0], [3]) is None


def test_without_phones_the_average_is_that_of_all_frames() -> None:
    made = recipe(phones=None, f0=None, clock={"knots": 3})
    told, packed = sounds(made), pack(made.shape, toys.arrays(made))
    assert made.condition is not None and isinstance(told.tracks, Arrays)
    found = track_errors(packed, made.condition, told, [0, 1], [4])
    mean = np.concatenate([told.tracks.values[sound] for sound in (0, 1)])[:, 9:].mean(axis=0)
    assert found is not None and found.mel_db is not None
    assert found.mel_db.average == pytest.approx(30 * np.abs(told.tracks.values[4][:, 9:] - mean).mean(), rel=1e-4)


def test_a_phone_that_training_lacks_has_the_average_of_all_frames() -> None:
    made = recipe(f0=None)
    told, packed = sounds(made), pack(made.shape, toys.arrays(made))
    assert made.condition is not None and isinstance(told.tracks, Arrays)
    for frames, kept in ((told.tracks.values[0], [1, 0]), (told.tracks.values[4], [0, 1])):
        frames[:, 4:8] = [*kept, 0, 0]  # other phones in training than in what is held out
    found = track_errors(packed, made.condition, told, [0], [4])
    mean, real = told.tracks.values[0][:, WIDTH:].mean(axis=0), told.tracks.values[4][:, WIDTH:]
    assert found is not None and found.mel_db is not None
    assert found.mel_db.average == pytest.approx(30 * np.abs(real - mean).mean(), rel=1e-4)


def test_all_of_it_is_one_line() -> None:
    whole = TrackErrors(1_200, Off(4.5, 6.25), Off(12.04, 12.0), Off(5.7, None))
    assert str(whole) == (
        "what is predicted of 1,200 held-out frames is off: mel by 4.50 dB (averages 6.25 dB), F0 by 12.0 Hz (RMSE) "
        "(averages 12.0 Hz (RMSE), no better), voicing in 5.7 % of frames"
    )
    assert str(TrackErrors(1, Off(4.5, 6.25))).endswith("of 1 held-out frame is off: mel by 4.50 dB (averages 6.25 dB)")
