"""Held: lengths of phones are those that the training graph predicts; speed divides them, and each draws its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import phone_toys
import pytest
import torch
from phone_toys import PAUSE, SENTENCE

import wavenet
from wavenet.errors import InputError
from wavenet.features.phones import columns
from wavenet.generate.lengths import FAR, drawn, lengths, mean, timed
from wavenet.generate.voice import Voice
from wavenet.outputs import none_around
from wavenet.speech import Phone


@pytest.fixture(scope="module")
def voice(phones_run: Path) -> Voice:
    return wavenet.load(phones_run)


def answers(voice: Voice, speaker: int) -> np.ndarray:
    """Return what the training graph answers of each phone, [phones, 2]."""
    own = none_around(columns(SENTENCE, phone_toys.NAMES, voice.recipe.condition.tracks.phones), 2, 2)
    rows = torch.from_numpy(own)[None]
    with torch.no_grad():
        return voice.network().durations.predict(rows, torch.tensor([[speaker]]), rows.mean(dim=1))[0].numpy()


def test_the_mean_is_that_of_the_training_graph_and_pauses_at_the_ends_are_short(voice: Voice) -> None:
    packed, known = voice.engine("reference").packed, voice.vocabulary()
    made = lengths(packed, known, {"speaker": "bob"}, SENTENCE)
    center, spread = answers(voice, 1).T
    expected = np.maximum(0.02, 0.1 * np.exp(center + np.exp(spread) ** 2 / 2))
    assert np.allclose(made[1:-1], expected[1:-1], rtol=1e-4) and (made[0], made[-1]) == (0.05, 0.1)
    assert made != lengths(packed, known, {"speaker": "ann"}, SENTENCE)
    inner = SENTENCE[1:4]  # no pauses at its ends
    assert {0.05, 0.1}.isdisjoint(lengths(packed, known, {}, inner))


def test_speed_divides_all_but_the_ends_and_nothing_is_shorter_than_two_frames(voice: Voice) -> None:
    packed, known = voice.engine("reference").packed, voice.vocabulary()
    once, fast, fastest = (lengths(packed, known, {}, SENTENCE, speed=speed) for speed in (0.5, 1.0, 4.0))
    assert np.allclose(once[1:-1], 2 * np.array(fast[1:-1])) and once[0] == fast[0]
    assert fastest[1:-1] == pytest.approx([max(0.02, one / 4) for one in fast[1:-1]])
    assert lengths(packed, known, {}, (Phone("B", 0, 0),) * 3, "drawn", 4.0, seed=2)[1] >= 0.02


def test_draws_are_of_seed_and_sequence_and_spread_as_they_should() -> None:
    told = np.tile(np.array([[-1.0, -0.5]], np.float32), (4_000, 1))
    one, again, other, later = (drawn(told, *key) for key in ((3, 0), (3, 0), (4, 0), (3, 1)))
    assert np.array_equal(one, again) and not np.array_equal(one, other) and not np.array_equal(one, later)
    assert np.array_equal(drawn(told[:9], 3, 0), one[:9])
    logs = np.log(one / 0.1)
    assert logs.mean() == pytest.approx(-1.0, abs=0.03) and logs.std() == pytest.approx(np.exp(-0.5), rel=0.03)
    assert mean(told)[0] == pytest.approx(one.mean(), rel=0.03)
    wild = np.array([[0.0, 90.0], [0.0, -90.0]], np.float32)  # of a network that learned nothing
    assert np.isfinite(mean(wild)).all() and mean(wild)[1] == pytest.approx(0.1, rel=1e-3)


def test_a_sentence_asks_for_its_draw(voice: Voice) -> None:
    packed, known = voice.engine("reference").packed, voice.vocabulary()
    found = [lengths(packed, known, {}, SENTENCE, "drawn", seed=5, sequence=number) for number in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_what_is_drawn_is_no_longer_and_no_shorter_than_training_saw(voice: Voice) -> None:
    packed, known = voice.engine("reference").packed, voice.vocabulary()
    said = (PAUSE, *(Phone(name, 0, at) for at in range(300) for name in phone_toys.NAMES[1:]), PAUSE)
    wide = dict.fromkeys(phone_toys.NAMES, (0.0, 1000000000.0))
    narrow = {name: (0.1, 0.12 + 0.01 * at) for at, name in enumerate(phone_toys.NAMES)}
    free, held = (
        lengths(packed, replace(known, phone_seconds=own), {}, said, "drawn", seed=1)[1:-1] for own in (wide, narrow)
    )
    names = [phone.name for phone in said[1:-1]]
    expected = [min(max(one, narrow[name][0]), narrow[name][1]) for one, name in zip(free, names, strict=True)]
    assert held == pytest.approx(expected) and held != free
    fast = lengths(packed, replace(known, phone_seconds=narrow), {}, said, "drawn", 2.0, seed=1)[1:-1]
    assert fast == pytest.approx(np.array(held) / 2)


def test_draws_of_a_bundle_without_bounds_are_not_absurd_either() -> None:
    made = drawn(np.tile(np.array([[0.0, 0.0]], np.float32), (20_000, 1)), 1, 0)
    assert made.max() == pytest.approx(0.1 * np.exp(FAR)) and made.min() == pytest.approx(0.1 * np.exp(-FAR))


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"how": "median"}, "lengths are 'median', expected mean or drawn"),
        ({"speed": 0.1}, r"speed is 0\.1, expected 0\.25 to 4"),
        ({"speed": float("nan")}, "speed is nan, expected"),
        ({"phones": (Phone("ZZ"),)}, "knows no phone 'ZZ'; it knows sil, AA"),
        ({"wanted": {"speaker": "zoe"}}, "knows no speaker 'zoe'"),
    ],
)
def test_what_cannot_be_is_one_sentence(voice: Voice, choices: dict[str, object], words: str) -> None:
    given = {"wanted": {}, "phones": SENTENCE} | choices
    with pytest.raises(InputError, match=words):
        lengths(voice.engine("reference").packed, voice.vocabulary(), **given)  # type: ignore[arg-type]


def test_a_voice_that_predicts_no_lengths_says_so(told_run: Path) -> None:
    plain = wavenet.load(told_run)
    with pytest.raises(InputError, match="toy does not predict how long phones are; take a voice with"):
        lengths(plain.engine("reference").packed, plain.vocabulary(), {}, SENTENCE)


def test_lengths_become_ends() -> None:
    assert timed(SENTENCE[:3], (0.1, 0.2, 0.05)).ends == pytest.approx((0.1, 0.3, 0.35))
