"""Held: tones of every pitch are found, noise and silence have none, and the track is even in octaves."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.features.f0 import F0, best_path, filled, in_hertz, pitches, scaled
from wavenet.features.framing import of_array
from wavenet.geometry import frame_count
from wavenet.recipe.records import F0Config

RATE = 8_000
CONFIG = F0Config(60.0, 600.0)


def tone(hertz: np.ndarray, harmonics: tuple[int, ...] = (1, 2, 3, 4, 5), rate: int = RATE) -> np.ndarray:
    """Return harmonics of a pitch in Hz that may change from sample to sample."""
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    return np.asarray(0.2 * sum(np.cos(n * phase + n) / n for n in harmonics), np.float32)


def found(wave: np.ndarray, config: F0Config = CONFIG, rate: int = RATE, hop: int = 80) -> np.ndarray:
    return pitches(of_array(wave.astype(np.float32)), rate, hop, config)


def cents(hertz: np.ndarray, truth: np.ndarray | float) -> np.ndarray:
    return np.abs(1_200 * np.log2(hertz / truth))


@settings(deadline=None, max_examples=40)
@given(
    octave=st.floats(0.02, 0.98),
    harmonics=st.sampled_from([(1,), (1, 2), (1, 2, 3, 4), (2, 3, 4), (3, 4, 5), (1, 3, 5)]),
    loud=st.sampled_from([0.01, 1.0, 4.0]),
    hop=st.sampled_from([37, 80, 200]),
)
def test_a_steady_tone_has_its_pitch_in_every_frame(
    octave: float, harmonics: tuple[int, ...], loud: float, hop: int
) -> None:
    hertz = 60.0 * 10.0**octave
    seen = found(loud * tone(np.full(3_000, hertz), harmonics), hop=hop)
    assert len(seen) == frame_count(3_000, hop)
    edge = -(-400 // hop)
    inside = seen[edge:-edge]  # whose windows of 50 ms lie within the tone
    assert (inside > 0).all() and cents(inside, hertz).max() < 15


@pytest.mark.parametrize(
    ("low", "high", "hertz"), [(25.0, 2_000.0, 27.5), (25.0, 2_000.0, 1_900.0), (100.0, 4_000.0, 3_500.0)]
)
def test_the_whole_range_of_a_piano_is_found(low: float, high: float, hertz: float) -> None:
    seen = found(tone(np.full(8_000, hertz), (1, 2), 16_000), F0Config(low, high), 16_000, 160)
    assert cents(seen[8:-8], hertz).max() < 20


def test_a_glide_is_followed_where_it_is() -> None:
    truth = 110 * 2 ** (np.arange(8_000) / 8_000)
    seen, middles = found(tone(truth)), np.arange(100) * 80 + 40
    assert cents(seen[4:-4], truth[middles[4:-4]]).max() < 12


def test_what_has_no_pitch_is_unvoiced_and_what_begins_is_heard_in_time() -> None:
    rng = np.random.default_rng(0)
    assert (found(np.zeros(4_000)) == 0).all()
    assert (found(0.1 * rng.standard_normal(8_000)) > 0).mean() < 0.1
    both = np.concatenate([np.zeros(4_000), tone(np.full(4_000, 200.0))])
    voiced = found(both) > 0
    assert not voiced[:47].any() and voiced[53:-3].all()
    noisy = np.concatenate([0.05 * rng.standard_normal(4_000), tone(np.full(4_000, 200.0))])
    voiced = found(noisy) > 0
    assert voiced[:47].mean() < 0.15 and voiced[53:-3].all()


def test_one_path_keeps_its_octave_through_frames_that_are_in_doubt() -> None:
    octaves = np.tile([0.0, 8.0, 7.0], (9, 1))
    strengths = np.tile([0.3, 0.9, 0.8], (9, 1))
    strengths[4] = [0.3, 0.8, 0.9]
    assert best_path(octaves, strengths, 1.0).tolist() == [1] * 9
    assert best_path(octaves, strengths, 0.0).tolist() == [1] * 4 + [2] + [1] * 4
    strengths[4:] = [0.99, 0.1, 0.1]
    assert best_path(octaves, strengths, 1.0).tolist() == [1] * 4 + [0] * 5


def test_the_best_path_is_the_best_of_all() -> None:
    rng = np.random.default_rng(1)
    octaves, strengths = rng.uniform(5, 8, (5, 3)), rng.uniform(0, 1, (5, 3))

    def value(path: tuple[int, ...]) -> float:
        total = sum(strengths[frame, at] for frame, at in enumerate(path))
        for frame, (before, after) in enumerate(itertools.pairwise(path)):
            jump = abs(octaves[frame + 1, after] - octaves[frame, before])
            total -= 0.0 if before == after == 0 else 0.14 if 0 in (before, after) else 0.35 * jump
        return float(total)

    best = max(np.ndindex(3, 3, 3, 3, 3), key=value)
    assert tuple(best_path(octaves, strengths, 1.0)) == best


def test_the_track_is_even_in_octaves_and_filled_between_voiced_frames() -> None:
    assert np.allclose(scaled(np.array([60.0, 60 * 10**0.5, 600.0]), CONFIG), [-1, 0, 1], atol=1e-6)
    assert np.allclose(in_hertz(scaled(np.array([71.0, 333.0]), CONFIG), CONFIG), [71, 333], rtol=1e-5)
    assert np.allclose(filled(np.array([0, 0, 100, 0, 0, 0, 400, 0.0]), CONFIG)[[0, 1, 4, 7]], [100, 100, 200, 400])
    assert np.allclose(scaled(filled(np.zeros(3), CONFIG), CONFIG), 0, atol=1e-6)


def test_frames_are_pitch_and_voicing_and_do_not_hang_on_the_level() -> None:
    wave = np.concatenate([np.zeros(2_000, np.float32), tone(np.full(3_000, 120.0)), np.zeros(1_999, np.float32)])
    feature = F0(CONFIG, RATE, 80)
    (frames,) = feature.frames(0, of_array(wave))
    assert frames.shape == (88, 2) and frames.dtype == np.float32
    assert set(frames[:, 1].tolist()) == {0.0, 1.0}
    assert np.allclose(in_hertz(frames[:, 0], CONFIG), 120, rtol=0.03)
    (quiet,) = feature.frames(0, of_array(0.125 * wave))
    assert np.allclose(quiet, frames, atol=1e-4)
    assert feature.identity() not in [F0(CONFIG, RATE, 81).identity(), F0(F0Config(61.0, 600.0), RATE, 80).identity()]
    assert feature.identity() != F0(CONFIG, RATE + 1, 80).identity()


@pytest.mark.real_audio
def test_notes_of_real_pianos_have_the_pitch_that_their_table_says(real_audio: Path) -> None:
    folder = real_audio / "piano"
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing")
    with (folder / "metadata.csv").open(encoding="utf-8") as table:
        notes = [row for row in csv.DictReader(table) if 40 <= float(row["f0_hz"]) <= 1_500][::30]
    assert len(notes) > 5
    for row in notes:
        wave, rate = soundfile.read(folder / row["path"], dtype="float32", frames=16_000)
        seen = found(wave, F0Config(27.0, 2_000.0), rate, 200)[8:]
        assert cents(np.median(seen[seen > 0]), float(row["f0_hz"])) < 100, row["path"]
