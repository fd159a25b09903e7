"""What is asked for is what training sounds had; what is heard of it is what was drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import told_toys
import toys

from wavenet.audio import corpus
from wavenet.audio.corpus import Corpus
from wavenet.evaluation import conditional_samples
from wavenet.evaluation.conditional_samples import (
    ConditionalSamples,
    Listener,
    Real,
    answers,
    combinations,
    listener_of,
)
from wavenet.evaluation.recogniser import Recogniser
from wavenet.generate.asked import Vocabulary
from wavenet.generate.voice import Voice
from wavenet.outputs import Floats
from wavenet.recipe import read
from wavenet.text import plain, to_json

NOTES = ("57", "64", "69")


class ByLevel(Recogniser):
    """Hears quiet sound as the first label and loud as the last; it takes everyone for the second speaker."""

    def names(self, waves: Any) -> Any:
        labels = [int(np.digitize(np.abs(wave).max(), (0.2, 0.5))) for wave in waves]
        column = [*self.values].index("label")
        return np.stack([labels if i == column else np.ones(len(waves)) for i in range(len(self.values))], 1).astype(
            int
        )


def voice_of(fields: dict[str, tuple[str, ...]], durations: list[list[int]], **condition: Any) -> Voice:
    """Return an untrained voice that is told fields, with what its bundle says of them."""
    tree = toys.tree(audio={"sample_rate": 8_000})
    tree["condition"] = {"channels": 4, "fields": {name: len(values) for name, values in fields.items()}, **condition}
    recipe = read.from_tree(tree, "told")
    return Voice(recipe, toys.arrays(recipe), {"told": {"fields": fields, "durations": durations}})


def ask_and_listen(
    voice: Voice, vocabulary: Vocabulary, listener: Listener | None, real: Real, *how: int
) -> ConditionalSamples | None:
    """Return what is known of clips that are asked for, once they are listened to where there is who does."""
    made = answers(voice, vocabulary, real, *how)
    return None if made is None else made.known if listener is None else made.heard_by(listener)


def tones(frequencies: list[float], rate: int = 8_000, level: float = 0.3) -> list[Floats]:
    t = np.arange(rate // 2) / rate
    return [
        np.asarray(level * sum(np.sin(2 * np.pi * n * hz * t) / n for n in (1, 2, 3)), np.float32) for hz in frequencies
    ]


@pytest.fixture
def found(tmp_path: Path) -> Corpus:
    (tmp_path / "sounds").mkdir()
    told_toys.write_sounds(tmp_path / "sounds")
    tree = toys.tree(data={"path": str(tmp_path / "sounds")}) | {"condition": told_toys.CONDITION}
    return corpus.gather(read.from_tree(tree, "told"), tmp_path / "cache")


def test_combinations_are_those_of_training_sounds_each_once_before_any_comes_again() -> None:
    had = [[0, 0, 900], [0, 1, 800], [1, 1, 700], [1, 2, 600], [0, 0, 500], [2, 0, 400]]  # 2: no speaker is known
    voice = voice_of({"speaker": ("ann", "bob"), "label": ("high", "low", "middle")}, had)
    vocabulary = voice.vocabulary()
    pairs = {("ann", "high"), ("ann", "low"), ("bob", "low"), ("bob", "middle")}
    for seed in range(3):
        drawn = [tuple(one.values()) for one in combinations(vocabulary, 10, seed)]
        assert set(drawn[:4]) == set(drawn[4:8]) == pairs and set(drawn[8:]) < pairs
        assert drawn[:3] == [tuple(one.values()) for one in combinations(vocabulary, 3, seed)]
    orders = {tuple(one["label"] for one in combinations(vocabulary, 4, seed)) for seed in range(9)}
    assert len(orders) > 1
    nobody = replace(vocabulary, durations=vocabulary.durations[-1:])
    assert {one["label"] for one in combinations(nobody, 3, 0)} == {"high", "low", "middle"}


def test_of_notes_those_that_training_did_not_have_are_asked_for_first() -> None:
    pitches, had = ("57", "59.5", "61"), [[0, 0, 900], [0, 1, 900], [1, 1, 800], [2, 1, 700], [2, 2, 600]]
    sine = {"tracks": {"sine": {"harmonics": 1, "field": "height"}}, "hop_samples": 1}
    vocabulary = voice_of({"height": pitches, "touch": ("soft", "hard", "odd")}, had, **sine).vocabulary()
    new = {(note, touch) for note in ("57", "58", "59", "60", "61") for touch in ("soft", "hard", "odd")}
    new -= {("57", "soft"), ("57", "hard"), ("61", "hard"), ("61", "odd")}
    drawn = [tuple(sorted(one.items())) for one in combinations(vocabulary, 20, 0)]
    drawn = [(dict(one)["height"], dict(one)["touch"]) for one in drawn]
    assert set(drawn[:11]) == new
    assert set(drawn[11:16]) == {("57", "soft"), ("57", "hard"), ("59.5", "hard"), ("61", "hard"), ("61", "odd")}
    assert {one["touch"] for one in combinations(vocabulary, 3, 1)} <= {"soft", "hard", "odd"}
    high = voice_of({"height": ("94", "110")}, [[0, 900], [1, 900]], **sine).vocabulary()
    assert {one["height"] for one in combinations(high, 5, 0)[:4]} == {"95", "96", "97", "98"}  # 2,349 Hz


def test_fields_without_a_value_are_not_asked_for() -> None:
    voice = voice_of({"speaker": ("ann", "bob"), "label": ()}, [[0, 0, 900], [1, 0, 800], [0, 0, 700]])
    assert {tuple(one.items()) for one in combinations(voice.vocabulary(), 4, 0)} == {
        (("speaker", "ann"),),
        (("speaker", "bob"),),
    }
    nobody = voice_of({"label": ()}, [[0, 900]])
    assert answers(nobody, nobody.vocabulary(), Real([], np.zeros((0, 1), np.int64))) is None


def test_what_is_heard_is_counted_beside_real_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"label": ("quiet", "middle", "loud"), "speaker": ("ann", "bob")}
    had = [[label, speaker, 900 + 10 * label] for label in range(3) for speaker in range(2)]
    voice = voice_of(values, had, tracks={"clock": {"knots": 2}}, hop_samples=40, guidance=1.5)
    asked: list[np.ndarray] = []

    def draw_clips(own: Voice, lengths: list[int], seed: int, condition: Any, threads: int | None) -> list[Floats]:
        asked.append(condition.fields)
        tail = round(own.recipe.data.tail_seconds * own.sample_rate)
        assert own is voice and seed == 4 and threads == 1
        assert lengths == [900 + 10 * label + tail for label in condition.fields[:, 0].tolist()]
        assert condition.tracks.frames(0) == -(-lengths[0] // 40)
        return [
            np.full(length, (0.1, 0.3, 0.9)[label], np.float32)
            for length, label in zip(lengths, condition.fields[:, 0], strict=True)
        ]

    monkeypatch.setattr(conditional_samples, "draw_clips", draw_clips)
    listener = Listener(ByLevel(values, 8_000, {}), [0, 1])
    real = Real([np.full(99, 0.3, np.float32)] * 3, np.array([[1, 1], [0, 0], [3, 2]]))  # of the last nothing is known
    made = ask_and_listen(voice, voice.vocabulary(), listener, real, 12, 4, 1)
    assert made is not None and made.heard is not None and made.pitch is None
    assert sorted(map(tuple, asked[0].tolist())) == sorted([(label, who) for label in range(3) for who in range(2)] * 2)
    label, speaker = made.heard.fields
    assert (label.generated.right, label.generated.clips, speaker.generated.right) == (12, 12, 6)
    assert label.real is not None and (label.real.right, label.real.clips) == (1, 2)
    told, lines = json.loads(to_json(plain(made))), made.to_text()
    assert told["clips"] == 12 and told["heard"]["fields"][0]["right"] == 12 and told["pitch"] is None
    assert lines[0].startswith("12 clips, ")
    assert lines[0].endswith("drawn with seed 4 and guidance 1.5, asked for label and speaker")
    assert told["guidance"] == 1.5
    deaf = ask_and_listen(voice, voice.vocabulary(), None, real, 2, 4, 1)
    assert deaf is not None and deaf.heard is None and deaf.to_text()[1:] == ["No recogniser listened to them."]


def test_a_recogniser_names_columns_beside_others_that_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener(ByLevel({"label": ("quiet", "middle", "loud")}, 8_000, {}), [1])
    waves = [np.full(99, level, np.float32) for level in (0.1, 0.9)]
    made = listener.heard(waves, np.array([[5, 0], [7, 0]]), Real([], np.zeros((0, 2), np.int64)))
    assert [one.field for one in made.rows] == ["label"] and made.fields[0].generated.right == 1


@pytest.mark.parametrize(("octave", "right"), [(1.0, 6), (2.0, 0), (1.02, 6), (1.06, 0)])
def test_pitch_is_right_within_half_a_semitone(octave: float, right: int, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = voice_of({"pitch": NOTES}, [[note, 800] for note in range(3)])

    def draw_clips(own: Voice, lengths: list[int], seed: int, condition: Any, threads: int | None) -> list[Floats]:
        assert lengths == [800 + round(0.01 * 8_000)] * 6  # as long as training notes were
        return tones([octave * 440 * 2 ** ((float(NOTES[note]) - 69) / 12) for note in condition.fields[:, 0]])

    monkeypatch.setattr(conditional_samples, "draw_clips", draw_clips)
    real = Real(tones([220.0, 500.0]), np.array([[0], [2]]), (57, 69))
    made = ask_and_listen(voice, voice.vocabulary(), None, real, 6, 0)
    assert made is not None and made.pitch is not None and made.pitch.generated.right == right
    assert made.pitch.real is not None and (made.pitch.real.right, made.pitch.real.clips) == (1, 2)
    assert plain(made)["pitch"]["generated"]["right"] == right
    assert f"in {right} of 6" in made.to_text()[-1] and "1 of 2" in made.to_text()[-1]


def test_values_that_are_no_midi_numbers_are_no_pitches() -> None:
    for values in (("low", "high"), ("440", "880")):
        voice = voice_of({"pitch": values}, [[0, 300], [1, 300]])
        made = ask_and_listen(voice, voice.vocabulary(), None, Real([], np.zeros((0, 1), np.int64)), 2, 0)
        assert made is not None and made.pitch is None


def test_clips_are_drawn_as_they_are_asked_for_and_alike_for_a_seed() -> None:
    voice = voice_of({"pitch": NOTES}, [[note, 300 + note] for note in range(3)])
    nobody = Real([], np.zeros((0, 1), np.int64))
    first, again, other = (ask_and_listen(voice, voice.vocabulary(), None, nobody, 3, seed) for seed in (0, 0, 1))
    assert first == again != other and first is not None and first.seconds == pytest.approx((903 + 3 * 80) / 8_000)
    silent = voice_of({}, [], tracks={"clock": {"knots": 2}}, hop_samples=40)
    assert ask_and_listen(silent, silent.vocabulary(), None, nobody, 3, 0) is None


def test_a_recogniser_is_trained_on_other_splits_than_real_clips_are_of(
    found: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = read.from_tree(toys.tree() | {"condition": told_toys.CONDITION}, "told")
    values = {"speaker": ("ann", "bob"), "label": ("high", "low", "middle")}
    voice, vocabulary = Voice(recipe, toys.arrays(recipe)), Vocabulary(recipe, values, np.zeros((0, 3), np.int64))
    given: list[Any] = []
    monkeypatch.setattr(conditional_samples.recogniser_file, "of_splits", lambda *all, cache: given.append(all))
    monkeypatch.setattr(conditional_samples, "FEWEST_CLIPS", 4)
    for split, named in (("valid", ["speaker"]), ("test", ["speaker", "label"])):
        listener = listener_of(voice, vocabulary, found, split)
        assert listener is not None and split not in given[-1][1] and "train" in given[-1][1]
        assert list(given[-1][2].vocabulary) == named and listener.columns == list(range(len(named)))
        assert given[-1][2].ids.shape == (len(found.clips), len(named))
    monkeypatch.setattr(conditional_samples, "FEWEST_CLIPS", 40)
    assert (
        listener_of(voice, vocabulary, found, "test") is None and listener_of(voice, vocabulary, None, "test") is None
    )
