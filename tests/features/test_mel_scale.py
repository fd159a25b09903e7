"""Mels of another scale are refused where they show it, else warned of; right ones never are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from wavenet.errors import InputError
from wavenet.features import mel_scale
from wavenet.features.framing import of_array
from wavenet.features.mel import SILENCE, Mel, floored
from wavenet.features.statistics import Summary, Usual, heard, measured
from wavenet.recipe.records import MelConfig

RATE, HOP = 8_000, 80
ENERGIES = MelConfig(20, 256, 256, 0.0, 4_000.0, 2, "htk", "none", 1e-6)
CONFIG = MelConfig(20, 256, 256, 0.0, 4_000.0, 1, "htk", "none", 1e-3)
UNHEARD = MelConfig(20, 256, 256, 0.0, 4_000.0, 1, "htk", "none", 1e-12)


def word(seed: int) -> np.ndarray:
    """Return half a second of tones that swell and fade, and change, above the noise of a room; now and then none."""
    rng, t = np.random.default_rng(seed), np.arange(RATE // 2) / RATE
    wave = rng.normal(0, 10 ** rng.uniform(-3.5, -2), len(t))
    for part in range(3):
        hertz, begin = rng.uniform(90, 240), rng.uniform(0.05, 0.35)
        swell = np.exp(-(((t - begin) / rng.uniform(0.03, 0.1)) ** 2))
        wave += swell * sum(np.sin(2 * np.pi * k * hertz * t) / k for k in range(1, 12)) * 0.1 / (1 + part)
    return (0.08 * wave / wave.std()).clip(-1, 1).astype(np.float32)


def natural(wave: np.ndarray, config: MelConfig = UNHEARD) -> np.ndarray:
    """Return the natural logarithms of a mel, [F, bands], with a floor that nothing reaches."""
    track = np.concatenate(list(Mel(config, RATE, HOP).frames(0, of_array(wave))))
    return (1 - track) * np.log(config.floor) / 2


def usual_of(mels: list[np.ndarray], config: MelConfig = CONFIG) -> Usual:
    return measured(Summary(heard([floored(mel, config.floor)], SILENCE)) for mel in mels)


def judged(mel: Any, usual: Usual | None, said: list[str], config: MelConfig = CONFIG, rate: int = RATE) -> str:
    """Return refused or warned with what was said, or an empty text."""
    said.clear()
    try:
        mel_scale.check(np.asarray(mel, np.float32), config, rate, usual, "a.npy")
    except InputError as error:
        return f"refused: {error}"
    return f"warned: {said[0]}" if said else ""


USUAL = usual_of([natural(word(seed)) for seed in range(40)])
FLOORED = np.maximum(natural(word(90)), np.log(1e-3))
LN10 = np.log(10)


@pytest.mark.parametrize("usual", [USUAL, None])
def test_right_mels_are_taken_whatever_their_floor_and_level(said: list[str], usual: Usual | None) -> None:
    for seed in range(100, 130):
        mel = natural(word(seed))
        for right in (mel, np.maximum(mel, np.log(1e-3)), np.maximum(mel, np.log(1e-5)), natural(word(seed) / 4)):
            assert not judged(right, usual, said).startswith("refused")
        assert judged(mel, usual, said) == ""
    for least in (-4.0, -3.0, -2.9):  # the least of a sound in a noisy room may be anything
        assert not judged(mel - mel.min() + least, usual, said).startswith("refused")
    padded = np.concatenate([mel, np.full((9, 20), np.log(1e-12))])  # silence in it, or nothing else, is not strange
    assert judged(padded, usual, said) == judged(np.full((30, 20), np.log(1e-3)), usual, said) == ""


def test_a_steady_hiss_or_hum_is_no_word_but_not_refused(said: list[str]) -> None:
    rng, t = np.random.default_rng(1), np.arange(RATE // 2) / RATE
    hum = 0.05 * sum(np.sin(2 * np.pi * 110 * k * t) / k for k in range(1, 15))
    for level in (0.003, 0.03, 0.3):
        hiss = rng.normal(0, level, len(t)).clip(-1, 1).astype(np.float32)
        assert judged(natural(hiss), USUAL, said).startswith("warned")
        assert not judged(natural((hum + 0.1 * hiss).astype(np.float32)), USUAL, said).startswith("refused")


SHOWN: dict[str, tuple[Any, str]] = {
    "magnitudes": (np.exp, "no logarithms; expected natural logarithms of magnitudes, -6.9 where it is silent; take"),
    "0 to 1": (lambda mel: (mel - mel.min()) / np.ptp(mel), "normalised to 0 to 1; "),
    "-1 to 1": (lambda mel: 2 * (mel - mel.min()) / np.ptp(mel) - 1, "normalised to -1 to 1; "),
    "-4 to 4": (lambda mel: 8 * (mel - mel.min()) / np.ptp(mel) - 4, "normalised to -4 to 4; "),
    "mean and spread": (lambda mel: (mel - mel.mean()) / mel.std(), "normalised to mean 0 and spread 1; "),
    "each band": (lambda mel: (mel - mel.mean(0)) / mel.std(0), "normalised to mean 0 and spread 1; "),
    "decibels": (lambda mel: 20 / LN10 * mel, "decibels; expected natural logarithms of magnitudes, -6.9 wher"),
    "base 10": (lambda mel: mel / LN10, "logarithms to base 10; "),
    "base 10 from 1e-5": (lambda mel: np.concatenate([mel / LN10, np.full((5, 20), -5.0)]), "logarithms to base 10; "),
    "16 bit": (lambda mel: mel + np.log(32_768), "normalised, energies, decibels, or of sound beyond full scale; "),
}


@pytest.mark.parametrize("usual", [USUAL, None])
@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("scale", SHOWN)
def test_scales_that_show_for_sure_are_refused(scale: str, kind: Any, usual: Usual | None, said: list[str]) -> None:
    change, words = SHOWN[scale]
    mel = np.concatenate([FLOORED, np.full((3, 20), np.log(1e-3))])
    found = judged(change(mel).astype(kind), usual, said)
    assert found.startswith("refused: a.npy lies between ") and f": these seem to be {words}" in found
    assert "\n" not in found


def test_logarithms_to_base_10_without_a_floor_are_told_by_what_was_learned(said: list[str]) -> None:
    found = [judged(natural(word(seed)) / LN10, USUAL, said) for seed in range(100, 130)]
    assert all(found) and sum(one.startswith("refused") for one in found) > 15
    refused = next(one for one in found if one.startswith("refused"))
    assert (
        "these seem to be logarithms to base 10; expected natural" in refused and "multiply them by 2.3026" in refused
    )
    blind = [judged(natural(word(seed)) / LN10, None, said) for seed in range(100, 130)]
    assert not any(one.startswith("refused") for one in blind) and not all(blind)  # nothing is known of right ones


def test_energies_and_magnitudes_in_place_of_each_other_are_told_too(said: list[str]) -> None:
    learned = usual_of([natural(word(seed), ENERGIES) for seed in range(40)], ENERGIES)
    halves = judged(natural(word(90)) - 1.5, learned, said, ENERGIES)
    assert (
        "these seem to be natural logarithms of magnitudes; expected natural logarithms of energies, -13.8 wh" in halves
    )
    assert halves.endswith("; multiply them by 2")
    twice = judged(2 * natural(word(91)) - 2, usual_of([natural(word(91))] * 2), said)
    assert "unlike the mels that were learned; expected natural logarithms of magnitudes, -6.9 where it is" in twice


def test_few_frames_are_never_sure(said: list[str]) -> None:
    assert judged(natural(word(90))[:5] / LN10, USUAL, said)[:6] in ("", "warned")


def test_what_may_be_no_logarithms_is_warned_of_where_nothing_is_known(said: list[str]) -> None:
    mel = np.random.default_rng(0).uniform(-0.9, 2, (30, 20))
    assert "a.npy lies between -0.89" in judged(mel, None, said) and "may be no logarithms" in said[0]


@pytest.mark.parametrize("source", ["digits", "kathleen"])
def test_real_recordings_are_taken_and_their_logarithms_to_base_10_are_caught(
    real_audio: Path, source: str, said: list[str]
) -> None:
    paths = sorted((real_audio / source).rglob("*.flac"))
    mels = [natural(soundfile.read(path, dtype="float32")[0]) for path in paths[:: len(paths) // 60]]
    usual = usual_of(mels[::2])
    for mel in mels[1::2]:
        assert not judged(mel, usual, said).startswith("refused")
        assert judged(mel / LN10, usual, said)
