"""A planted copy is always found, at its place; another take, a hum, noise and silence are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech_toys import RATE, sound_of, speech

from wavenet.audio import corpus
from wavenet.audio.crops import Sound
from wavenet.audio.splits import Span
from wavenet.evaluation.copies import COPY, Copies, Match, copies, nearest
from wavenet.outputs.categorical import Categorical
from wavenet.recipe import find, read
from wavenet.recipe.find import with_data

CODES = Categorical(256)


def as_drawn(wave: np.ndarray) -> np.ndarray:
    return CODES.decode(CODES.encode(wave))


def planted(excerpt: np.ndarray, around: np.ndarray, at: int, gain: float, rng: np.random.Generator) -> np.ndarray:
    """Return other sound with an excerpt in its middle: at a gain, with noise 20 dB below it, quantised by mu-law."""
    noise = 0.1 * excerpt.std() * rng.standard_normal(len(excerpt))
    return as_drawn(np.concatenate([around[:at], gain * (excerpt + noise), around[at:]]))


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    return sound_of(tmp_path_factory.mktemp("training") / "sound", [speech(seed, 2.0) for seed in range(6)], RATE)


def spans_of(sound: Sound) -> list[Span]:
    return [Span(clip, 0, length) for clip, length in enumerate(sound.lengths)]


@settings(max_examples=25)
@given(st.integers(0, 5), st.integers(0, 2**20), st.integers(0, 2**20), st.floats(0.25, 0.6), st.floats(0.2, 1.0))
def test_a_planted_copy_is_found_at_its_place(
    training: Sound, clip: int, start: int, at: int, seconds: float, gain: float
) -> None:
    rng = np.random.default_rng(start)
    size, around = round(seconds * RATE), speech(1_000 + at, 1.0)
    first, at = start % (training.lengths[clip] - size + 1), at % (len(around) + 1)
    made = planted(training.read(clip, first, first + size), around, at, gain, rng)
    match = nearest([made], training, spans_of(training), RATE)[0]
    assert match.copy and match.correlation >= COPY
    assert match.name == training.entries[clip].name
    assert match.seconds - match.clip_seconds == pytest.approx((first - at) / RATE, abs=1e-9)
    assert at / RATE - 0.15 <= match.clip_seconds <= (at + size) / RATE


def test_other_takes_hum_noise_and_silence_are_no_copies(training: Sound) -> None:
    rng, t = np.random.default_rng(0), np.arange(RATE) / RATE
    clips = [
        *(speech(seed) for seed in range(50, 54)),
        0.2 * np.sin(2 * np.pi * 130 * t),
        0.1 * rng.standard_normal(RATE),
        np.zeros(RATE),
        np.full(RATE, 0.5),
        np.zeros(0),
        speech(60, 0.1),
        1e-4 * training.read(0, 0, RATE),
    ]
    matches = nearest([np.asarray(clip, np.float32) for clip in clips], training, spans_of(training), RATE)
    assert not any(match.copy for match in matches)
    assert all(match.name and 0.0 < match.correlation < 0.95 for match in matches[:5])
    assert matches[6:] == 5 * [Match("", 0.0, 0.0, 0.0, False)]


def test_what_is_only_much_alike_is_no_copy(training: Sound) -> None:
    excerpt = training.read(1, 3_000, 7_000)
    noise = excerpt.std() * np.random.default_rng(0).standard_normal(len(excerpt))
    for share, copy in ((0.15, True), (0.25, False)):  # 16 and 12 dB below it
        match = nearest([(excerpt + share * noise).astype(np.float32)], training, spans_of(training), RATE)[0]
        assert match.copy == copy and match.correlation > 0.97 and match.name == "01.wav"
    for gain, copy in ((0.12, True), (8.0, True), (0.08, False), (12.0, False)):
        assert nearest([np.float32(gain) * excerpt], training, spans_of(training), RATE)[0].copy == copy


def test_a_correlation_is_that_of_a_plain_definition(training: Sound) -> None:
    made = speech(70)
    match = nearest([made], training, spans_of(training), RATE)[0]
    clip = [entry.name for entry in training.entries].index(match.name)
    size, here, there = round(0.24 * RATE), round(match.clip_seconds * RATE), round(match.seconds * RATE)
    ours, theirs = made[here : here + size], training.read(clip, there, there + size)
    assert match.correlation == pytest.approx(np.corrcoef(ours, theirs)[0, 1], abs=1e-5)


def test_only_the_given_spans_are_looked_at_and_times_are_those_of_the_file(training: Sound) -> None:
    made = training.read(2, 8_000, 11_000)
    inside = nearest([made], training, [Span(1, 0, 9_000), Span(2, 7_000, 12_000)], RATE)[0]
    assert inside.copy and inside.seconds - inside.clip_seconds == pytest.approx(1.0)
    assert not nearest([made], training, [Span(2, 0, 8_500), Span(2, 10_500, 16_000)], RATE)[0].copy
    for nothing in ([], [Span(2, 8_000, 8_010)]):
        assert nearest([made], training, nothing, RATE) == [Match("", 0.0, 0.0, 0.0, False)]


def test_sound_at_a_higher_rate_is_found_to_the_sample(tmp_path: Path) -> None:
    high = 44_100
    waves = [np.interp(np.arange(2 * high) / high, np.arange(2 * RATE) / RATE, speech(seed, 2.0)) for seed in (1, 2)]
    sound = sound_of(tmp_path / "sound", waves, high)
    rng = np.random.default_rng(3)
    made = planted(
        sound.read(1, 30_011, 30_011 + high // 3),
        np.interp(np.arange(high) / high, np.arange(RATE) / RATE, speech(9, 1.0)),
        12_345,
        0.5,
        rng,
    )
    match = nearest([made], sound, spans_of(sound), high)[0]
    assert match.copy and match.name == "01.wav"
    assert match.seconds - match.clip_seconds == pytest.approx((30_011 - 12_345) / high, abs=1e-9)


def test_of_places_alike_below_4_khz_the_one_that_is_alike_above_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavenet.evaluation.matching.BLOCK", 8_000)  # of which one place is looked at closely
    rng, high = np.random.default_rng(0), 2 * RATE
    low = np.interp(np.arange(high) / high, np.arange(RATE) / RATE, speech(1, 1.0))
    bright = np.fft.irfft(np.fft.rfft(rng.standard_normal((2, high))) * (np.fft.rfftfreq(high, 1 / high) > 4_500))
    one, other = low + 0.3 * low.std() * bright
    hissing = other + 0.02 * low.std() * rng.standard_normal(high)
    sound = sound_of(tmp_path / "sound", [one, hissing], high)
    match = nearest([other.astype(np.float32)], sound, spans_of(sound), high)[0]
    assert match.copy and match.name == "01.wav"
    monkeypatch.setattr("wavenet.evaluation.copies.PLACES", 1)  # the best at the search's rate alone is the other
    assert not nearest([other.astype(np.float32)], sound, spans_of(sound), high)[0].copy


def test_the_yardstick_goes_beside_and_every_clip_is_told(training: Sound) -> None:
    copied = training.read(0, 2_000, 6_000)
    found = copies(
        [speech(80), copied, np.zeros(9, np.float32)], [speech(81), speech(82)], training, spans_of(training), RATE
    )
    assert [match.copy for match in found.generated] == [False, True, False]
    assert [match.copy for match in found.real] == [False, False]
    lines = found.to_text()
    assert len(lines) == 4 and lines[1].startswith("1 ") and lines[1].endswith("a copy") and "00.wav" in lines[1]
    assert lines[-1].startswith("1 of 3 clips copies training sound (the nearest has a correlation of 1.000, of real")
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["generated"][1] == {
        "name": "00.wav",
        "seconds": 0.25,
        "clip_seconds": 0.0,
        "correlation": pytest.approx(1.0),
        "copy": True,
    }
    assert len(plain["real"]) == 2 and plain["copy_from"] == COPY


def test_held_out_sound_that_is_in_training_too_is_said() -> None:
    one = Match("a.wav", 0.0, 0.0, 1.0, True)
    assert Copies((one,), (one,)).conclusion.startswith(
        "1 of 1 clip copies training sound, but so does 1 of 1 real held-out clip: "
    )
    assert "of real" not in Copies((one,), ()).conclusion


# --- real recordings -------------------------------------------------------------------------------------------------


@pytest.mark.real_audio
@pytest.mark.slow
def test_no_fresh_take_of_a_word_is_a_copy_and_every_planted_one_is(real_audio: Path) -> None:
    recipe = with_data(read.load(find.find_recipe("digits")), real_audio / "digits")
    found = corpus.gather(recipe)
    rate, training, rng = recipe.audio.sample_rate, found.spans["train"], np.random.default_rng(0)
    takes = [found.sound.read(span.clip, span.first, span.last) for span in found.spans["test"][::4]]
    made, source, size = [], [], rate // 4
    while len(made) < 40:
        span = training[rng.integers(len(training))]
        if span.last - span.first > size:
            first, around = int(rng.integers(span.last - size)), takes[len(made)]
            excerpt = found.sound.read(span.clip, first, first + size)
            if excerpt.std() > 10 ** (-45 / 20):  # not a pause
                at = int(rng.integers(len(around) + 1))
                made.append(planted(excerpt, around, at, rng.uniform(0.2, 1.0), rng))
                source.append((found.sound.entries[span.clip].name, (first - at) / rate))
    matches = copies(made, takes, found.sound, training, rate)
    assert not any(match.copy for match in matches.real) and max(match.correlation for match in matches.real) > 0.8
    hums = [(0.1 * np.sin(2 * np.pi * hertz * np.arange(rate) / rate)).astype(np.float32) for hertz in (50, 60, 120)]
    assert not any(match.copy for match in nearest(hums, found.sound, training, rate))
    for match, (name, lag) in zip(matches.generated, source, strict=True):
        assert match.copy and match.name == name and match.seconds - match.clip_seconds == pytest.approx(lag, abs=1e-6)
