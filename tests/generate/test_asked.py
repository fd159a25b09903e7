"""What is asked for becomes what the network is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import feature_toys
import note_toys
import numpy as np
import phone_toys
import pytest
import told_toys
import torch
import toys

import wavenet
from wavenet.errors import BundleError, InputError
from wavenet.features.clock import clock
from wavenet.features.notes import hertz_of
from wavenet.features.phones import columns, frames_of
from wavenet.generate import asked
from wavenet.generate.asked import Asked, Vocabulary, ask, ask_phones, described, stretched, unpredicted
from wavenet.generate.voice import Voice
from wavenet.speech import Aligned, Phone


@pytest.fixture
def voice(told_run: Path) -> Voice:
    return wavenet.load(told_run)


def test_the_bundle_names_values_and_durations_of_training_sounds_alone(voice: Voice) -> None:
    known = voice.vocabulary()
    assert known.values == {"speaker": ("ann", "bob"), "label": ("high", "low", "middle")}
    # of three takes one is for the test, and one of the other twelve is held out
    assert len(known.durations) == voice.data["files"]["train"] < 12
    assert set(known.durations[:, -1].tolist()) <= {360 + 40 * w + 17 * take for w in range(3) for take in (1, 2)}


def test_all_takes_every_value_in_turn(voice: Voice) -> None:
    known = voice.vocabulary()
    assert known.combinations({"label": "all"}, 4) == [{"label": x} for x in ("high", "low", "middle", "high")]
    both = known.combinations({"speaker": "all", "label": "all"}, None)
    assert len(both) == 6
    assert both[0] == {"speaker": "ann", "label": "high"} and both[3] == {"speaker": "bob", "label": "high"}
    assert known.combinations({"speaker": "bob"}, 2) == [{"speaker": "bob"}] * 2
    assert described(both[0]) == "speaker ann, label high"


def test_there_are_no_more_combinations_than_anyone_draws(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    both, lone = {"speaker": "all", "label": "all"}, {"speaker": "bob"}
    monkeypatch.setattr(asked, "MOST_SOUNDS", 5)
    with pytest.raises(InputError, match="`all` comes to 6 sounds, expected 1 to 5; name some values"):
        voice.combinations(both)
    assert len(voice.combinations(both, 5)) == 5 and voice.combinations({}, 2) == [{}, {}]
    known = voice.vocabulary()
    assert known.knows_lengths([lone]) and not known.knows_lengths([{}])
    assert not Vocabulary(known.recipe, known.values, known.durations[:0]).knows_lengths([lone])


def test_a_length_is_that_of_a_training_sound_with_these_fields(voice: Voice) -> None:
    known = voice.vocabulary()
    ids = known.ids([{"speaker": "bob", "label": "middle"}])[0]
    lengths = {known.length(ids, 5, sequence) for sequence in range(40)}
    own = known.durations[(known.durations[:, :2] == ids).all(axis=1), -1]
    assert lengths == set(own.tolist())
    assert known.length(ids, 5, 3) == known.length(ids, 5, 3)
    # where no sound has all fields, the last ones are passed over
    nobody = Vocabulary(known.recipe, known.values, known.durations[known.durations[:, 1] != ids[1]])
    assert nobody.length(ids, 5, 0) in nobody.durations[nobody.durations[:, 0] == ids[0], -1]


def test_what_is_asked_for_gets_a_clock_and_predicted_tracks_else_nothing_is_told(voice: Voice) -> None:
    engine, known = voice.engine("reference"), voice.vocabulary()
    told = ask(engine.packed, known, [{"label": "low"}, {"label": "high"}], None, 1)
    assert told.condition is not None and told.lengths is not None and told.condition.tracks is not None
    assert told.condition.unknown is not None and not told.condition.unknown.any()
    assert told.condition.fields.tolist() == [[2, 1], [2, 0]]  # the speaker is unknown
    for sound, length in enumerate(told.lengths):
        assert told.condition.tracks.frames(sound) == -(-length // 40)
        mel = told.condition.tracks.read(sound, 0, 3)[:, 9:]
        assert mel.any()
    free = ask(engine.packed, known, [{}], None, 1)
    assert free.lengths is None and free.condition is not None and free.condition.tracks is None
    given = ask(engine.packed, known, [{"speaker": "ann"}], 700, 1)
    assert given.lengths == (700,)


def test_sounds_that_are_asked_for_differ_and_begin_alike_in_larger_batches(voice: Voice) -> None:
    low = voice.generate(condition={"label": "low"}, seed=4, backend="reference")
    high = voice.generate(condition={"label": "high"}, seed=4, backend="reference")
    assert not np.array_equal(low.samples[:, :300], high.samples[:, :300])
    three = voice.generate(condition=[{"label": "low"}, {"label": "high"}, {}], count=3, seed=4, backend="reference")
    np.testing.assert_array_equal(three.waves()[0], low.waves()[0])
    assert three.lengths[2] == 3 * toys.RATE or three.lengths[2] > 0
    streamed = np.concatenate(
        [*voice.stream(condition={"label": "low"}, seed=4, backend="reference", chunk=77)], axis=1
    )
    np.testing.assert_array_equal(streamed, low.samples)
    verified = voice.generate(condition={"label": "low"}, seed=4, samples=300, verify=True, backend="cpu")
    assert verified.difference is not None and verified.difference < 1e-4


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"speker": "ann"}, "'speker' (did you mean 'speaker'?); it is told speaker, label"),
        ({"speaker": "anne"}, "knows no speaker 'anne' (did you mean 'ann'?); it knows ann, bob"),
    ],
)
def test_what_is_not_known_is_refused_in_a_sentence(voice: Voice, asked: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        voice.generate(condition=asked, samples=10)


def test_conditions_for_another_number_of_sounds_and_for_plain_voices_are_refused(
    voice: Voice, trained_run: Path
) -> None:
    with pytest.raises(InputError, match="conditions for 1 sound, expected 1 or 2"):
        voice.generate(condition=[{}], count=2, samples=10)
    with pytest.raises(InputError, match="is told nothing but the past"):
        wavenet.load(trained_run).generate(condition={"label": "7"}, samples=10)


def test_a_length_far_beyond_those_learned_is_warned_of(voice: Voice) -> None:
    known = voice.vocabulary()
    wanted = [{"speaker": "bob", "label": "low"}, {"label": "high"}]
    longest = max(int(known.lasted(ids).max()) for ids in known.ids(wanted)) + 40  # with the tail of silence
    for samples in (None, 1, longest, longest * 3 // 2):
        assert stretched(known, wanted, samples) == ""
    warning = stretched(known, wanted, longest * 3 // 2 + 2)
    assert "toy learned such sounds of up to 0.1 seconds, and will stretch one over 0.2" in warning
    assert stretched(known, [{}], 10**6) == ""
    assert stretched(Vocabulary(known.recipe, known.values, known.durations[:0]), wanted, 10**6) == ""


@pytest.mark.parametrize(
    "damage", [None, {"fields": {}, "durations": []}, {"fields": {"speaker": 3}, "durations": [[1]]}]
)
def test_a_bundle_that_does_not_say_what_its_fields_are_is_damaged(voice: Voice, damage: object) -> None:
    with pytest.raises(BundleError, match="does not say what the values of its fields are called"):
        Vocabulary.of(voice.recipe, {"told": damage})


@pytest.mark.parametrize(
    ("tracks", "words"),
    [
        ({"clock": feature_toys.CLOCK}, ""),
        (
            {"mel": feature_toys.MEL},
            "toy is told a mel spectrogram, which `generate` does not have: expect babble",
        ),
        (
            {"f0": feature_toys.F0, "array": 2, "clock": feature_toys.CLOCK},
            "a pitch (f0) and an array of one's own, wh",
        ),
    ],
)
def test_tracks_that_nothing_predicts_are_warned_of(tracks: dict[str, Any], words: str) -> None:
    found = unpredicted(feature_toys.recipe(**tracks))
    assert words in found and bool(words) == bool(found)


def test_what_an_acoustic_network_predicts_is_not_warned_of() -> None:
    assert unpredicted(toys.recipe(condition=told_toys.CONDITION)) == unpredicted(toys.recipe()) == ""
    tracks = told_toys.CONDITION["tracks"] | {"array": 3}
    both = toys.recipe(condition=told_toys.CONDITION | {"tracks": tracks})
    assert "toy is told an array of one's own, which" in unpredicted(both)


# --- notes -----------------------------------------------------------------------------------------------------------


def sines_of(told: Asked, sound: int, first: int, last: int) -> np.ndarray:
    """Return the columns of the sines that a sound is told, behind those of its clock."""
    assert told.condition is not None and told.condition.tracks is not None
    return told.condition.tracks.read(sound, first, last)[:, -4:]


def test_a_note_that_is_asked_for_gets_its_sines_whether_training_had_it_or_not(notes_run: Path) -> None:
    voice = wavenet.load(notes_run)
    packed, known = voice.engine("reference").packed, voice.vocabulary()
    assert known.values["pitch"] == ("57", "60", "61.5", "64", "69")
    wanted = [{"pitch": 69}, {"pitch": "61.5", "touch": "soft"}, {"touch": "hard"}, {"pitch": 66.25}]
    told = ask(packed, known, wanted, 700, 1)
    assert told.lengths == (700,) * 4 and told.condition is not None and told.condition.unknown is not None
    assert told.condition.unknown.tolist() == [[False, sound == 2] for sound in range(4)]
    assert told.condition.fields.tolist() == [[4, 2], [2, 1], [5, 0], [5, 2]]
    for sound, hertz in ((0, 440.0), (1, hertz_of(61.5)), (3, hertz_of(66.25))):
        assert told.condition.tracks is not None and told.condition.tracks.frames(sound) == 700
        phase = 2 * np.pi * hertz * np.arange(700) / toys.RATE
        own = np.stack([np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase)], axis=1)
        np.testing.assert_allclose(sines_of(told, sound, 0, 700), own, atol=1e-6)
        assert np.array_equal(told.condition.tracks.read(sound, 0, 700)[:, :9], clock(660, toys.RATE, 1, 0, 700, 3))
    assert not sines_of(told, 2, 0, 9).any()
    nothing = ask(packed, known, [{}], 700, 1)
    assert nothing.lengths is None and nothing.condition is not None and nothing.condition.tracks is None
    with pytest.raises(InputError, match=r"pitch is 'A4', expected a MIDI note, 0 to 127 \(69 is 440 Hz\); give a"):
        ask(packed, known, [{"pitch": "A4"}], 700, 1)
    with pytest.raises(InputError, match="the model knows no touch 'loud'"):
        ask(packed, known, [{"touch": "loud"}], 700, 1)


def test_without_a_clock_a_note_has_no_end(notes_run: Path) -> None:
    recipe = note_toys.recipe(tracks=note_toys.SINE)
    voice = Voice(recipe, toys.arrays(recipe), wavenet.load(notes_run).data)
    told = ask(voice.engine("reference").packed, voice.vocabulary(), [{"pitch": 57}], None, 1)
    late = 10 * 24 * 3_600 * toys.RATE  # ten days: whole cycles of 220 Hz
    assert told.lengths is None
    np.testing.assert_allclose(sines_of(told, 0, late, late + 50), sines_of(told, 0, 0, 50), atol=1e-4)
    stream, parts = voice.stream(condition={"pitch": 57}, seed=3, backend="reference", chunk=70), []
    while len(parts) < 3:
        parts.append(next(stream))
    made = voice.generate(condition={"pitch": 57}, seed=3, samples=210, backend="reference", verify=True)
    assert np.array_equal(np.concatenate(parts, axis=1), made.samples)
    assert made.difference is not None and made.difference < 1e-4
    assert len(voice.generate(condition={"pitch": 57}, backend="cpu").samples[0]) == 3 * toys.RATE


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_notes_begin_alike_in_larger_batches_and_in_any_chunks(notes_run: Path, backend: str) -> None:
    voice = wavenet.load(notes_run)
    three = voice.combinations({"pitch": "all", "touch": "hard"}, 3)
    made = voice.generate(condition=three, count=3, seed=4, samples=300, backend=backend, verify=True)
    assert made.difference is not None and made.difference < 1e-4
    lone = voice.generate(condition=three[0], seed=4, samples=300, backend=backend)
    assert np.array_equal(lone.samples[0], made.samples[0])
    for chunk in (1, 77):
        parts = [*voice.stream(condition=three, count=3, seed=4, samples=300, backend=backend, chunk=chunk)]
        assert np.array_equal(np.concatenate(parts, axis=1), made.samples)
    other = voice.generate(condition={"pitch": 58, "touch": "hard"}, seed=4, samples=300, backend=backend)
    assert not np.array_equal(other.samples[0], lone.samples[0])


def test_nothing_is_missing_for_a_note() -> None:
    assert unpredicted(note_toys.recipe()) == ""


# --- phones ----------------------------------------------------------------------------------------------------------


def test_phones_that_are_asked_for_come_with_their_clock_and_what_is_predicted_from_both(phones_run: Path) -> None:
    voice = wavenet.load(phones_run)
    packed, known = voice.engine("reference").packed, voice.vocabulary()
    assert known.phones == phone_toys.NAMES
    short = Aligned(phone_toys.SENTENCE[:3], (0.02, 0.05, 0.1003))
    told = ask_phones(packed, known, [{"speaker": "ann"}, {}], [phone_toys.ALIGNED, short])
    assert told.condition is not None and told.condition.tracks is not None and told.condition.unknown is not None
    assert told.lengths == (1_640 + 40, 401 + 40) and not told.condition.unknown.any()
    assert told.condition.fields.tolist() == [[0], [2]]
    config = voice.recipe.condition.tracks.phones
    for sound, (said, length) in enumerate(((phone_toys.ALIGNED, 1_640), (short, 401))):
        count = told.condition.tracks.frames(sound)
        assert count == -(-(length + 40) // 40)
        clocked, phones, mel = np.split(told.condition.tracks.read(sound, 0, count), [9, 39], axis=1)
        assert np.array_equal(clocked, clock(length, toys.RATE, 40, 0, count, 3))
        own = columns(said.phones, known.phones, config)
        assert np.array_equal(phones, frames_of(said, own, toys.RATE, 40, 0, count))
        fields = torch.from_numpy(told.condition.fields[[sound]])
        given = np.pad(np.concatenate([clocked, phones, np.zeros((count, 2))], axis=1), ((1, 1), (0, 0)))
        given[[0, -1], -2:] = 1.0
        rows = torch.from_numpy(given.astype(np.float32))[None]
        made = voice.network().acoustic.predict(rows, fields, rows.mean(dim=1))
        np.testing.assert_allclose(mel, made[0].detach().numpy(), atol=1e-5)
    assert len(voice.generate(condition={"speaker": "ann"}, samples=50, backend="reference").samples[0]) == 50


def test_a_voice_says_nothing_that_it_does_not_know(phones_run: Path, voice: Voice) -> None:
    own = wavenet.load(phones_run)
    packed, known = own.engine("reference").packed, own.vocabulary()
    with pytest.raises(InputError, match=r"knows no phone 'silk' \(did you mean 'sil'\?\); it knows sil, AA, B, IY"):
        ask_phones(packed, known, [{}], [Aligned((Phone("silk"),), (0.1,))])
    with pytest.raises(InputError, match="toy is told no phones, so it cannot say anything; take a voice that is"):
        ask_phones(voice.engine("reference").packed, voice.vocabulary(), [{}], [phone_toys.ALIGNED])
    assert "is told phones, which `generate` does not have: expect babble" in unpredicted(own.recipe)


@pytest.mark.parametrize("damage", [None, "sil", ["AA", "sil"], ["sil", "sil"], ["sil", 3], ["sil", *"abcd"]])
def test_a_bundle_that_does_not_say_its_phones_is_damaged(phones_run: Path, damage: object) -> None:
    voice = wavenet.load(phones_run)
    with pytest.raises(BundleError, match="does not say which phones it knows; get it again or train it anew"):
        Vocabulary.of(voice.recipe, {"told": voice.data["told"] | {"phones": damage}})


@pytest.mark.parametrize(
    "damage", [3, [1], {"AA": 2}, {"AA": [1, 2, 3]}, {"AA": [2, 1]}, {"AA": ["a", "b"]}, {"B": [0, float("nan")]}]
)
def test_a_bundle_says_how_long_phones_last_or_is_older(phones_run: Path, damage: object) -> None:
    voice = wavenet.load(phones_run)
    assert voice.vocabulary().phone_seconds == phone_toys.LASTING
    told = {name: value for name, value in voice.data["told"].items() if name != "phone_seconds"}
    assert Vocabulary.of(voice.recipe, {"told": told}).phone_seconds == {}
    with pytest.raises(BundleError, match="does not say how long its phones last"):
        Vocabulary.of(voice.recipe, {"told": told | {"phone_seconds": damage}})
