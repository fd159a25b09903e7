"""Distances of spectra: nothing from itself, known amounts from known changes, more from another sound."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wavenet.errors import InputError
from wavenet.evaluation import distances
from wavenet.evaluation.distances import copied, distance
from wavenet.evaluation.log_mels import mel_bands
from wavenet.text import to_json

RATE = 8_000


def noise(seed: int, samples: int = 4_000) -> np.ndarray:
    return np.asarray(0.1 * np.random.default_rng(seed).standard_normal(samples), np.float32)


def sentence(seed: int) -> np.ndarray:
    """Return a tone with overtones whose pitch and level change every 50 ms, [T] float32."""
    rng = np.random.default_rng(seed)
    phase = np.cumsum(2 * np.pi * np.repeat(rng.uniform(100, 400, 12), 400) / RATE)
    level = np.repeat(rng.uniform(0.01, 0.2, 12), 400)
    return np.asarray(level * sum(np.sin(n * phase) for n in range(1, 6)), np.float32)


def test_a_sound_lies_nowhere_from_itself_and_a_fainter_one_as_far_as_it_is_fainter() -> None:
    for wave in (noise(0), sentence(0)):
        itself = distance(wave, wave, RATE)
        assert itself.mel == itself.log_spectral == 0.0
    for decibels in (6.0, -6.0):
        fainter = distance(noise(0), noise(0) * np.float32(10 ** (decibels / 20)), RATE)
        assert fainter.mel == pytest.approx(6.0, abs=0.01) and fainter.log_spectral == pytest.approx(6.0, abs=0.01)


def test_it_is_that_of_a_slow_loop_over_frames() -> None:
    one, other = sentence(0), sentence(1)
    size, rows, powers = 256, [], []
    for wave in (one, other):
        padded = np.concatenate([np.zeros(128), wave, np.zeros(128)])
        frames = [padded[first : first + size] for first in range(0, len(padded) - size + 1, 64)]
        window = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
        powers.append([np.abs(np.fft.rfft(frame * window, 2 * size)) ** 2 / sum(window**2) for frame in frames])
    bank = mel_bands(RATE, 2 * size)
    mean = sum(powers[0]) / len(powers[0])
    floors = [1e-6 * max(bank @ mean), 1e-6 * max(mean)]
    for ours, theirs in zip(*powers, strict=True):
        pair = []
        for floor, a, b in ((floors[0], bank @ ours, bank @ theirs), (floors[1], ours, theirs)):
            apart = 10 * np.log10(np.maximum(a, floor)) - 10 * np.log10(np.maximum(b, floor))
            pair.append(np.sqrt(np.mean(apart**2)))
        rows.append(pair)
    found = distance(one, other, RATE)
    assert (found.mel, found.log_spectral) == pytest.approx(tuple(np.mean(rows, axis=0)), rel=1e-6)


def test_long_sound_and_digital_silence_and_unequal_lengths_have_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = distance(sentence(0), noise(1), RATE)
    monkeypatch.setattr(distances, "AT_ONCE", 7)
    pieces = distance(sentence(0), noise(1), RATE)
    assert (pieces.mel, pieces.log_spectral) == pytest.approx((whole.mel, whole.log_spectral), rel=1e-9)
    assert distance(sentence(0), sentence(0)[:1_000], RATE).mel < 1.0  # only the last frame sees the end
    silent = distance(noise(0), np.zeros(4_000, np.float32), RATE)
    assert 40 < silent.mel <= 60.5 and np.isfinite(silent.log_spectral)
    assert distance(np.zeros(99, np.float32), np.zeros(99, np.float32), RATE).mel == 0.0
    with pytest.raises(InputError, match="no distance"):
        distance(noise(0)[:0], noise(0), RATE)


def test_copies_lie_nearer_to_their_own_originals_than_to_others() -> None:
    originals = [sentence(seed) for seed in range(5)]
    copies = [one + 0.03 * noise(9, len(one)) for one in originals]
    made = copied(originals, copies, RATE)
    for index in range(5):
        assert made.own[index] == distance(originals[index], copies[index], RATE)
        assert made.other[index] == distance(originals[(index + 1) % 5], copies[index], RATE)
    assert made.nearer("mel").right == made.nearer("log_spectral").right == made.nearer("mel").clips == 5
    swapped = copied(originals, [*copies[1:], copies[0]], RATE)
    assert swapped.nearer("mel").right == 0
    told, text = json.loads(to_json(made.to_json())), "\n".join(made.to_text())
    assert told["mel"]["own"] == np.mean([one.mel for one in made.own]) < told["mel"]["other"]
    assert f"{told['log_spectral']['own']:.2f} dB" in text and "5 of 5" in text


def test_one_copy_has_no_other_and_numbers_must_agree() -> None:
    made = copied([sentence(0)], [noise(0)], RATE)
    assert made.other == () and made.to_json()["mel"]["other"] is None and len(made.to_text()) == 3
    for originals, copies in (([sentence(0)], []), ([], []), ([sentence(0)], [noise(0), noise(1)])):
        with pytest.raises(InputError, match="one for each"):
            copied(originals, copies, RATE)
