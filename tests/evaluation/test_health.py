"""Real sound is as real sound; each fault is caught by the measure that should catch it, and by no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from speech_toys import RATE, speech

from wavenet.audio import corpus
from wavenet.evaluation.health import AS_REAL, Health, health
from wavenet.recipe import find, read
from wavenet.recipe.find import with_data

Fault = Callable[[np.ndarray, np.random.Generator, int], np.ndarray]


def quieter(wave: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    return wave / 4


def louder(wave: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    return wave * 2


def dull(wave: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    spectrum = np.fft.rfft(wave)
    spectrum[np.fft.rfftfreq(len(wave), 1 / rate) > rate / 8] = 0
    return np.fft.irfft(spectrum, len(wave)).astype(np.float32)


def noisy(wave: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    return (wave + 0.3 * wave.std() * rng.standard_normal(len(wave))).astype(np.float32)


def halting(wave: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    return np.concatenate([wave, np.zeros(len(wave), np.float32)])


def clipped(wave: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    return np.clip(4 * wave, -1, 1)


def hum(wave: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    tone = sum(np.sin(2 * np.pi * k * 100 * np.arange(len(wave)) / rate) / k for k in (1, 2, 3))
    return (wave.std() * tone / tone.std()).astype(np.float32)


# of each fault: what must be said, and which measures beside it may say something true
FAULTS: dict[Fault, tuple[dict[str, str], set[str]]] = {
    quieter: ({"level": "quieter than real sound"}, set()),
    louder: ({"level": "louder than real sound"}, {"clipping"}),
    dull: ({"spectrum": "duller than real sound"}, {"flux", "periodicity", "level", "silence"}),
    noisy: ({"periodicity": "noisier than real sound"}, {"spectrum", "flux", "silence", "level"}),
    halting: ({"silence": "more silence than real sound"}, set()),
    clipped: (
        {"level": "louder than real sound", "clipping": "more clipping than real sound"},
        {"spectrum", "flux", "silence", "periodicity"},
    ),
    hum: (
        {
            "flux": "steadier than real sound",
            "periodicity": "more tonal than real sound",
            "spectrum": "duller than real sound",
        },
        {"silence", "level"},
    ),
}


def said(found: Health) -> dict[str, str]:
    return {row.name: row.verdict for row in found.unlike}


def test_real_sound_is_as_real_sound_by_level_and_all() -> None:
    for seed in range(3):
        ours, theirs = ([speech(1_000 * seed + 100 * k + i) for i in range(n)] for k, n in ((1, 8), (2, 16)))
        found = health(ours, theirs, RATE, seed)
        assert said(found) == {} and {row.verdict for row in found.rows} == {AS_REAL}
        assert "no more than real sound from itself" in found.conclusion


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_is_caught_by_the_measure_that_should_catch_it(fault: Fault) -> None:
    rng = np.random.default_rng(0)
    found = health([fault(speech(i), rng, RATE) for i in range(8)], [speech(100 + i) for i in range(16)], RATE)
    wanted, also = FAULTS[fault]
    assert wanted.items() <= said(found).items() and said(found).keys() <= wanted.keys() | also, said(found)
    assert found.conclusion.startswith(f"Unlike real sound in {len(said(found))} of 6 measures: ")


def test_numbers_are_those_of_plain_definitions() -> None:
    t = np.arange(2 * RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 200 * t)).astype(np.float32)
    white = (0.1 * np.random.default_rng(1).standard_normal(2 * RATE)).astype(np.float32)
    square = np.sign(tone + 1e-9).astype(np.float32)
    rows = {row.name: row for row in health([tone], [white], RATE).rows}
    assert rows["level"].generated == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    assert rows["level"].real == pytest.approx(-20, abs=0.1)
    halting_tone, faltering = (np.concatenate([tone, share * tone]) for share in (0.1, 0.4))  # a pause, and none
    assert health([halting_tone], [white], RATE).rows[0].generated == pytest.approx(rows["level"].generated, abs=0.01)
    fewer = 10 * np.log10((1 + 0.4**2) / 2)
    heard = health([faltering], [white], RATE).rows[0].generated
    assert heard == pytest.approx(rows["level"].generated + fewer, abs=0.01)
    assert rows["periodicity"].generated > 0.99 and rows["periodicity"].real < 0.5  # type: ignore[operator]
    assert rows["flux"].generated < 0.01 and 0.5 < rows["flux"].real < 1.0  # type: ignore[operator]
    assert health([square], [white], RATE).rows[2].generated == pytest.approx(100.0)
    assert health([0.99 * square], [white], RATE).rows[2].generated == 0.0
    low = np.sin(2 * np.pi * 60 * t).astype(np.float32)  # the lowest voices
    assert health([low], [white], RATE).rows[5].generated > 0.95  # type: ignore[operator]
    quiet = np.concatenate([tone, 0.001 * tone, np.zeros_like(tone), 0.02 * tone])
    assert health([quiet], [white], RATE).rows[1].generated == pytest.approx(50.0, abs=0.3)


def test_frames_are_the_same_however_many_are_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = [speech(1, 3.0)], [speech(2, 2.0)]
    whole = health(ours, theirs, RATE).rows
    monkeypatch.setattr("wavenet.evaluation.health.AT_ONCE", 7)
    for one, other in zip(whole, health(ours, theirs, RATE).rows, strict=True):
        assert other.difference == pytest.approx(one.difference, rel=1e-9)


def test_the_spectrum_leaves_the_level_out_and_tells_a_slope_in_db() -> None:
    def steep(wave: np.ndarray, octave: float) -> np.ndarray:
        spectrum, hertz = np.fft.rfft(wave), np.fft.rfftfreq(len(wave), 1 / RATE)
        return np.fft.irfft(spectrum * 10 ** (octave * np.log2(np.maximum(hertz, 50) / 800) / 20), len(wave))

    white = 0.01 * np.random.default_rng(2).standard_normal(20 * RATE)
    row = health([steep(white, 3.0).astype(np.float32)], [white.astype(np.float32)], RATE).rows[3]
    bands = np.arange(17)  # thirds of an octave from 100 Hz to 4 kHz
    assert row.difference == pytest.approx(np.std(bands), rel=0.1)  # 3 dB an octave are 1 dB a band
    assert health([3 * white.astype(np.float32)], [white.astype(np.float32)], RATE).rows[3].difference < 1e-3


def test_a_spectrum_that_neither_rises_nor_falls_is_of_another_colour() -> None:
    def filtered(seed: int, louder: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(RATE))
        octaves = np.log2(np.maximum(np.fft.rfftfreq(RATE, 1 / RATE), 50) / 632)  # around the middle of all bands
        return np.asarray(0.02 * np.fft.irfft(spectrum * louder(octaves)), np.float32)

    real = [filtered(seed, np.ones_like) for seed in range(8)]
    for louder, words in (
        (lambda octaves: 1 + 9.0 * (abs(octaves) < 0.5), "of another colour"),
        (lambda octaves: 1 + 9.0 * (octaves > 1), "brighter"),
        (lambda octaves: 1 + 9.0 * (octaves < -1), "duller"),
    ):
        found = health([filtered(50 + seed, louder) for seed in range(4)], real, RATE)
        assert found.rows[3].verdict == f"{words} than real sound"


def test_few_real_clips_give_no_yardstick_and_it_says_so() -> None:
    found = health([speech(1)], [speech(2), speech(3), speech(4)], RATE)
    assert {row.verdict for row in found.rows} == {"no yardstick"} and {row.yardstick for row in found.rows} == {None}
    assert found.unlike == () and found.conclusion.startswith(
        "With 3 real clips there is no yardstick (at least 4 are needed)"
    )
    assert health([speech(1)], [speech(i) for i in range(4)], RATE).rows[0].yardstick is not None


def test_it_is_the_same_for_one_seed_and_another_for_another() -> None:
    ours, theirs = [speech(i) for i in range(3)], [speech(10 + i) for i in range(9)]
    one, same, other = (health(ours, theirs, RATE, seed) for seed in (1, 1, 2))
    assert one == same and one.lot == 3  # as many as were generated
    assert [row.yardstick for row in one.rows] != [row.yardstick for row in other.rows]
    assert [row.difference for row in one.rows] == [row.difference for row in other.rows]


def test_the_yardstick_is_the_quantile_over_all_ways_to_deal() -> None:
    theirs = [np.float32(level) * speech(3) for level in (0.5, 1.0, 2.0, 4.0)]
    row = health([speech(3), speech(3)], theirs, RATE).rows[0]
    powers = np.array([0.25, 1.0, 4.0, 16.0])
    # louder lots have other pauses: only that the widest way to deal, 1 of 3, is the quantile
    assert row.yardstick == pytest.approx(10 * np.log10(powers[2:].sum() / powers[:2].sum()), abs=1.5)


@pytest.mark.parametrize(
    ("lengths", "rate"),
    [([], 8_000), ([0, 0], 8_000), ([1, 5, 100, 479], 8_000), ([480, 900], 44_100), ([60, 90], 100)],
)
def test_short_silent_and_no_clips_are_measured_without_a_word(lengths: list[int], rate: int) -> None:
    silent = [np.zeros(length, np.float32) for length in lengths]
    real = [speech(i, 0.2) for i in range(4)]
    found = health(silent, real, rate)
    assert all(np.isfinite([row.difference, row.yardstick]).all() for row in found.rows)
    if any(lengths):
        assert found.rows[1].generated == 100.0 and found.rows[0].verdict == "quieter than real sound"
    assert all(np.isfinite(row.difference) for row in health(real, silent, rate).rows)


def test_json_and_text_have_every_measure() -> None:
    found = health(
        [quieter(speech(i), np.random.default_rng(0), RATE) for i in range(4)], [speech(9 + i) for i in range(8)], RATE
    )
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["generated"] == 4 and plain["real"] == 8 and plain["lot"] == 4
    assert [row["name"] for row in plain["rows"]] == ["level", "silence", "clipping", "spectrum", "flux", "periodicity"]
    lines = found.to_text()
    assert len(lines) == 8 and lines[-1] == plain["conclusion"] == "Unlike real sound in 1 of 6 measures: level."
    assert "quieter than real sound" in lines[1] and "real differs by up to" in lines[0]
    assert max(map(len, lines)) <= 120


# --- real recordings -------------------------------------------------------------------------------------------------


@pytest.mark.real_audio
@pytest.mark.slow
def test_faults_of_real_recordings_are_caught_and_nothing_else(real_audio: Path) -> None:
    recipe = with_data(read.load(find.find_recipe("digits")), real_audio / "digits")
    found = corpus.gather(recipe)
    clips = [found.sound.read(span.clip, span.first, span.last) for span in found.spans["test"]]
    rng, rate = np.random.default_rng(0), recipe.audio.sample_rate
    order = rng.permutation(len(clips))
    ours, theirs = [clips[i] for i in order[:100]], [clips[i] for i in order[100:]]
    assert said(health(ours, theirs, rate)) == {}
    for fault, (wanted, also) in FAULTS.items():
        heard = said(health([fault(wave, rng, rate) for wave in ours], theirs, rate))
        assert wanted.items() <= heard.items() and heard.keys() <= wanted.keys() | also, (fault, heard)
