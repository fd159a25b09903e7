"""Sines of a note: in step with its sound where that is known, and of the frequency asked for where it is made."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError
from wavenet.features import sine
from wavenet.features.framing import of_array
from wavenet.features.sine import Measured, Sine, of_clips, steady
from wavenet.features.store import Stored
from wavenet.recipe import read

RATE = 8_000


def measured(wave: np.ndarray, hertz: float) -> np.ndarray:
    """Return the cosine and the sine that are found of a sound, as one complex number a sample."""
    (found,) = [np.concatenate([*Sine([hertz], RATE).frames(0, of_array(wave.astype(np.float32)))])]
    assert found.dtype == np.float32 and found.shape == (len(wave), 2)
    return np.asarray(found[:, 0] + 1j * found[:, 1])


def note(hertz: float, seconds: float = 1.0, partials: int = 8, first: int = 1) -> np.ndarray:
    """Return a sound of some partials that fades."""
    t = np.arange(round(seconds * RATE)) / RATE
    own = [np.cos(2 * np.pi * h * hertz * t + h) / h for h in range(first, partials + 1) if h * hertz < RATE / 2]
    return np.asarray(0.2 * np.sum(own, axis=0) * np.exp(-2 * t))


def cents(turns: np.ndarray, hertz: float) -> np.ndarray:
    """Return how far the frequency of sines lies above one, sample by sample."""
    own = np.angle(turns[1:] * turns[:-1].conj()) * RATE / (2 * np.pi)
    return np.asarray(1200 * np.log2(np.maximum(own, 1e-9) / hertz))


@pytest.mark.parametrize("off", [0.0, 20.0, -35.0])
@pytest.mark.parametrize("hertz", [82.4, 440.0, 1_244.5, 3_520.0])
def test_a_note_out_of_tune_is_followed_in_phase(hertz: float, off: float) -> None:
    real = hertz * 2 ** (off / 1200)
    found = measured(note(real), hertz)
    t = np.arange(len(found)) / RATE
    ahead = np.angle(found * np.exp(-1j * (2 * np.pi * real * t + 1)))
    assert np.abs(ahead[400:-400]).max() < 0.1  # radians
    np.testing.assert_allclose(np.abs(found), 1, atol=1e-6)


@pytest.mark.parametrize("hertz", [27.5, 32.7, 55.0])
def test_of_a_low_note_whose_fundamental_drowns_in_rumble_a_partial_is_followed(hertz: float) -> None:
    real, rng = hertz * 2 ** (-12 / 1200), np.random.default_rng(0)
    wave = note(real, 3.0, partials=20, first=2)
    rumble = np.convolve(rng.normal(size=len(wave)), np.hanning(401), "same")
    found = cents(measured(wave + 0.05 * rumble / np.abs(rumble).max(), hertz), hertz)
    inner = found[2_000:-2_000]
    assert np.median(inner) == pytest.approx(-12, abs=1) and np.abs(inner + 12).max() < 20


def test_before_a_note_and_behind_it_the_phase_goes_on_at_the_nominal_frequency_without_a_jump() -> None:
    silence = np.zeros(RATE)
    found = measured(np.concatenate([silence, note(440.0 * 2 ** (20 / 1200)), silence]), 440.0)
    own = cents(found, 440.0)
    assert np.abs(own[:6_000]).max() < 0.1 and np.abs(own[-6_000:]).max() < 0.1
    assert own.min() > -5 and own.max() < 30
    assert np.median(own[RATE : 2 * RATE]) == pytest.approx(20, abs=0.1)
    assert np.abs(cents(measured(silence, 440.0), 440.0)).max() < 0.1  # nothing is heard at all


def test_pieces_make_the_same_phase_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = note(441.0, 2.0)
    whole = measured(wave, 440.0)
    monkeypatch.setattr(sine, "PIECE", 777)
    np.testing.assert_allclose(measured(wave, 440.0), whole, atol=1e-6)


def kept(tmp_path: Path, turns: np.ndarray) -> Stored:
    """Return the phase of one sound as the cache has it."""
    from wavenet.audio.cache import Samples

    np.stack([turns.real, turns.imag], axis=1).astype(np.float16).tofile(tmp_path / "sine")
    return Stored(Samples(tmp_path / "sine"), np.array([0, len(turns)]), 2, np.dtype(np.float16), "")


def test_multiples_are_powers_and_those_above_half_the_rate_are_zeros(tmp_path: Path) -> None:
    phase = 2 * np.pi * 1_500.0 * np.arange(400) / RATE + 0.3
    found = Measured(kept(tmp_path, np.exp(1j * phase)), (1_500.0,), RATE, 4).read(0, 10, 400)
    assert found.shape == (390, 8) and found.dtype == np.float32
    for h in (1, 2):
        own = np.stack([np.cos(h * phase), np.sin(h * phase)], axis=1)[10:]
        np.testing.assert_allclose(found[:, 2 * h - 2 : 2 * h], own, atol=3e-3)
    assert not found[:, 4:].any()  # 4,500 Hz, and 6,000
    assert not Measured(kept(tmp_path, np.zeros(9)), (None,), RATE, 2).read(0, 0, 9).any()
    assert not steady(4_000.0, RATE, 2)(0, 0, 50).any()


def test_a_note_that_is_not_known_or_above_half_the_rate_is_zeros() -> None:
    wave = note(440.0)
    for hertz in (None, 4_000.0):
        (found,) = Sine([hertz], RATE).frames(0, of_array(wave.astype(np.float32)))
        assert found.shape == (RATE, 2) and not found.any()


def test_a_note_that_is_asked_for_keeps_its_frequency_for_days() -> None:
    read_steady, exact = steady(440.0, RATE, 2), Fraction(440, RATE)
    for first in (0, 123_457, 24 * 3_600 * RATE, 2**40):
        found = read_steady(0, first, first + 60)
        phase = [2 * np.pi * float(exact * at % 1) for at in range(first, first + 60)]
        for h in (1, 2):
            own = [[np.cos(h * one), np.sin(h * one)] for one in phase]
            np.testing.assert_allclose(found[:, 2 * h - 2 : 2 * h], own, atol=1e-3 if first == 2**40 else 1e-6)
    pieces = [read_steady(0, at, at + 7) for at in range(0, 70, 7)]
    np.testing.assert_array_equal(np.concatenate(pieces), read_steady(0, 0, 70))


def recipe_of(**columns: Any) -> Any:
    told = {"channels": 4, "fields": {"pitch": 3}, "hop_samples": 1, **columns}
    tracks = {"tracks": {"sine": {"harmonics": 2, "field": "pitch"}}}
    return read.from_tree(toys.tree() | {"condition": told | tracks}, "toy")


def test_the_note_of_a_clip_is_read_from_its_column_and_what_is_none_is_one_sentence() -> None:
    clips = [Clip(Path(name), name, columns=(("note", value),)) for name, value in (("a.wav", "69"), ("b.wav", "60.5"))]
    found = of_clips(recipe_of(columns={"pitch": "note"}), [*clips, Clip(Path("c.wav"), "c.wav")])
    assert found == [440.0, pytest.approx(269.2918, abs=1e-4), None]
    wrong = Clip(Path("d.wav"), "d.wav", columns=(("pitch", "A4"),))
    said = r"d\.wav has pitch 'A4', expected a MIDI note, 0 to 127 \(69 is 440 Hz\), since condition\.tracks\.sine"
    with pytest.raises(SoundError, match=said):
        of_clips(recipe_of(), [wrong])
