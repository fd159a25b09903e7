"""What real sound does is no trouble; what it never does for so long is, and it is called by its name."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import toys

from wavenet.errors import BundleError
from wavenet.generate.watch import (
    ENOUGH,
    FEWEST,
    LINES,
    MEASURES,
    STRETCHES,
    Gathering,
    Meter,
    Ranges,
    Watch,
    periodicity,
)
from wavenet.outputs import Categorical

RATE, STEP = toys.RATE, 200
ALPHABET = Categorical(256)
Piece = tuple[np.ndarray, np.ndarray]  # sound [T] and nats [T]


def piece(kind: str, seconds: float, seed: int = 0) -> Piece:
    """Return sound of one kind, with what a voice that knows speech might pay for it."""
    rng, count = np.random.default_rng(seed), round(seconds * RATE)
    t, noise = np.arange(count) / RATE, rng.standard_normal(count)
    wave, bits = {
        "hum": (0.2 * np.sin(2 * np.pi * 110 * t), 0.5),
        "noise": (0.1 * noise, 7.5),
        "full scale": (np.sign(noise), 3.0),
        "silence": (1e-4 * noise, 3.0),
    }[kind]
    return np.clip(wave, -1, 1).astype(np.float32), (bits * math.log(2) + 0.1 * rng.random(count)).astype(np.float32)


def speech(seconds: float, seed: int) -> Piece:
    """Return syllables of 0.1 to 0.4 s, of changing pitch and loudness, with noise and short pauses between them."""
    rng, waves, nats = np.random.default_rng(seed), [], []
    while sum(map(len, waves)) < seconds * RATE:
        count = round(rng.uniform(0.1, 0.4) * RATE)
        t = np.arange(count) / RATE
        pitch = rng.uniform(90, 200) * (1 + rng.uniform(-0.5, 0.5) * t)
        voiced = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * np.hanning(count)
        loud = rng.uniform(0.05, 0.4)
        waves += [loud * (voiced + 0.3 * rng.standard_normal(count)), 1e-3 * rng.standard_normal(count // 4)]
        nats += [np.full(count, rng.uniform(2, 4)), np.full(count // 4, 3.0)]
    wave = np.clip(np.concatenate(waves), -1, 1).astype(np.float32)
    return wave, np.concatenate(nats).astype(np.float32)


def gathered(pieces: list[Piece], size: int = 10**9, alphabet: Categorical = ALPHABET) -> Gathering:
    gathering = Gathering(alphabet, RATE)
    for wave, nats in pieces:
        gathering.begin()
        codes = alphabet.encode(wave)
        for at in range(0, len(codes), size):
            gathering.add(codes[at : at + size], nats[at : at + size])
    return gathering


REAL = [speech(6.0, seed) for seed in range(8)]
RANGES = gathered(REAL).ranges()


def troubles(pieces: list[Piece], ranges: Ranges = RANGES) -> list[tuple[str, float]]:
    """Return what is noticed in pieces that follow each other, and when."""
    watch, found = Watch(ranges, RATE), []
    wave, nats = (np.concatenate(some) for some in zip(*pieces, strict=True))
    for at in range(0, len(wave) - STEP + 1, STEP):
        trouble = watch.hear(wave[at : at + STEP], nats[at : at + STEP])
        if trouble is not None:
            assert trouble.seconds == trouble.first * STEP / RATE and trouble.first * STEP < at + STEP
            found.append((trouble.name, (at + STEP) / RATE))
    return found


# --- what is measured ------------------------------------------------------------------------------------------------


def plain_periodicity(wave: np.ndarray) -> float:
    x = wave.astype(np.float64) - wave.mean(dtype=np.float64)
    if np.mean(x * x) < 1e-8:
        return 0.0
    found = [0.0]
    for lag in range(round(RATE / 400), min(round(RATE / 50), len(x) // 2) + 1):
        early, late = x[:-lag], x[lag:]
        found.append((early @ late) / math.sqrt((early @ early) * (late @ late)))
    return min(1.0, max(found))


@pytest.mark.parametrize("kind", ["hum", "noise", "full scale", "silence"])
@pytest.mark.parametrize("length", [30, 200, 799, 800])
def test_periodicity_is_the_normalised_autocorrelation(kind: str, length: int) -> None:
    wave = piece(kind, 1.0)[0][:length]
    assert periodicity(wave, RATE) == pytest.approx(plain_periodicity(wave), abs=1e-9)
    fading = wave * np.exp(-np.arange(length) / 150)
    assert periodicity(fading.astype(np.float32), RATE) == pytest.approx(plain_periodicity(fading), abs=1e-6)


def test_nothing_is_periodic_where_nothing_sounds() -> None:
    assert periodicity(np.full(800, 0.3, np.float32), RATE) == periodicity(np.zeros(9, np.float32), 100) == 0.0
    assert periodicity(piece("hum", 0.2)[0], RATE) > 0.99 and periodicity(piece("noise", 0.2)[0], RATE) < 0.5


def test_means_are_those_of_the_newest_stretches() -> None:
    meter, (wave, nats) = Meter(RATE), REAL[0]
    for count in range(1, 41):
        meter.hear(wave[(count - 1) * STEP : count * STEP], nats[(count - 1) * STEP : count * STEP])
        for steps, (level, bits, clipped, _) in zip(STRETCHES, meter.means(), strict=True):
            if steps > count:
                assert math.isnan(level)
                continue
            some = slice((count - steps) * STEP, count * STEP)
            assert level == pytest.approx(10 * math.log10(np.mean(wave[some].astype(np.float64) ** 2)))
            assert bits == pytest.approx(nats[some].mean(dtype=np.float64) / math.log(2))
            assert clipped == pytest.approx(np.mean(np.abs(wave[some]) > 0.98))
    for magnitude, share in ((0.975, 0.0), (-0.985, 1.0)):
        for _ in range(4):
            meter.hear(np.full(STEP, magnitude, np.float32), nats[:STEP])
        assert meter.means()[0, 2] == share


def test_going_back_is_as_if_it_had_not_gone_on() -> None:
    gone, stayed, (wave, nats) = Meter(RATE), Meter(RATE), REAL[0]
    steps = [slice(at, at + STEP) for at in range(0, 60 * STEP, STEP)]
    for some in steps[:50]:
        gone.hear(wave[some], nats[some])
    gone.go_back(20, wave[: 20 * STEP])
    for some in steps[:20]:
        stayed.hear(wave[some], nats[some])
    for some in steps[50:]:
        for meter in (gone, stayed):
            meter.hear(wave[some], nats[some])
        assert np.array_equal(gone.means(), stayed.means(), equal_nan=True)


# --- what real sound does --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alphabet", [ALPHABET, Categorical(256, preemphasis=0.85)], ids=str)
def test_ranges_are_quantiles_and_pieces_change_nothing(alphabet: Categorical) -> None:
    ranges = gathered(REAL, alphabet=alphabet).ranges()
    assert all(gathered(REAL, size, alphabet).ranges().to_json() == ranges.to_json() for size in (33, 5_000))
    heard: list[list[np.ndarray]] = [[] for _ in STRETCHES]
    for exact, nats in REAL:
        meter, wave = Meter(RATE), alphabet.decode(alphabet.encode(exact))
        for at in range(0, len(wave) - STEP + 1, STEP):
            meter.hear(wave[at : at + STEP], nats[at : at + STEP])
            for row, means in enumerate(meter.means()):
                if np.isfinite(means).all():
                    heard[row].append(means)
    assert ranges.counts == tuple(map(len, heard))
    width = np.array([(one.high - one.low) / 2_000 for one in MEASURES.values()])
    for bounds, means in zip(ranges.bounds, heard, strict=True):
        for column, q in enumerate((0.001, 0.5, 0.999)):
            plain = np.quantile(means, q, axis=0, method="inverted_cdf")
            assert (np.abs(bounds[:, column] - plain) <= width + 1e-9).all()


def test_a_part_of_a_file_is_heard_as_in_the_whole_of_it() -> None:
    alphabet = Categorical(256, preemphasis=0.97)
    codes = alphabet.encode(0.3 + 0.1 * REAL[0][0])
    free = np.zeros(len(codes), np.float32)
    levels = []
    for past in (codes[:900], None):
        part = Gathering(alphabet, RATE)
        part.begin(past)
        part.add(codes[900 : 900 + 4 * STEP], free)
        levels.append(part.ranges().bounds[0, 0, 1])
    meter = Meter(RATE)
    for at in range(900, 900 + 4 * STEP, STEP):
        meter.hear(alphabet.decode(codes)[at : at + STEP], free[:STEP])
    assert abs(levels[0] - meter.means()[0, 0]) < 0.1 < abs(levels[1] - levels[0])


def test_pauses_are_the_longest_of_any_file_below_each_line() -> None:
    def plain(line: float) -> int:
        longest = 0
        for wave, _ in REAL:
            heard = ALPHABET.decode(ALPHABET.encode(wave))
            levels = 10 * np.log10(np.mean(heard[: len(wave) // STEP * STEP].reshape(-1, STEP) ** 2, axis=1))
            runs = "".join("q" if level < line else " " for level in levels).split()
            longest = max([longest, *map(len, runs)])
        return longest

    assert RANGES.pauses == tuple(map(plain, LINES)) and len(set(RANGES.pauses)) > 2
    line, longest = RANGES.pause()
    assert line in LINES and RANGES.bounds[0, 0, 1] - 25 < line <= RANGES.bounds[0, 0, 1] - 20
    assert longest == FEWEST  # these pauses are short
    assert gathered([*REAL, piece("silence", 3.0)]).ranges().pause() == (line, round(1.5 * 3.0 / 0.05))


def test_memory_does_not_grow_with_the_length_of_a_file() -> None:
    gathering = gathered([speech(30.0, 1)])
    assert gathering._meter.steps <= max(STRETCHES) and len(gathering._codes) < STEP


def test_limits_lie_half_as_far_out_again_and_a_least_margin_at_least() -> None:
    bounds = np.zeros((len(STRETCHES), len(MEASURES), 3))
    bounds[:, 1] = [[2.0, 4.0, 5.0], [3.9, 4.0, 4.1], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]

    def bits(*counts: int) -> list[list[float]]:
        return [pytest.approx(one) for one in Ranges(counts, bounds, (0,) * len(LINES)).limits()[:, 1].tolist()]

    each = [[1.0, 5.5], [3.65, 4.35], [-0.5, 1.25], [-0.25, 1.5]]
    assert bits(100, 100, 100, 100) == each
    assert bits(100, 99, 100, 0) == [each[0], each[0], each[2], each[2]]  # with fewer, those of shorter ones
    assert bits(99, 99, 0, 0) == 4 * [[-math.inf, math.inf]]


def test_ranges_go_through_json_and_damaged_ones_are_one_sentence() -> None:
    plain = json.loads(json.dumps(RANGES.to_json()))
    again = Ranges.from_json(plain)
    assert (again.counts, again.pauses) == (RANGES.counts, RANGES.pauses) and np.abs(
        again.bounds - RANGES.bounds
    ).max() < 1e-4

    def damaged(change: Any) -> Any:
        copy = json.loads(json.dumps(plain))
        change(copy)
        return copy

    wrong: list[Any] = [
        *(None, 3, [], {}, "x" * 5_000, {"step_seconds": 0.05, "stretches": None}),
        damaged(lambda one: one["stretches"].pop()),
        damaged(lambda one: one["stretches"][1].pop("level")),
        damaged(lambda one: one["stretches"][1].update(level=[1, 2])),
        damaged(lambda one: one["stretches"][1].update(level=[1, 2, None])),
        damaged(lambda one: one["stretches"][1].update(level=[1, 2, math.nan])),
        damaged(lambda one: one["stretches"][1].update(level=[3, 2, 4])),
        damaged(lambda one: one["stretches"][1].update(bits=[1, 2, 10**400])),
        damaged(lambda one: one["stretches"][1].update(count=-1)),
        damaged(lambda one: one["stretches"][1].update(count=1.5)),
        damaged(lambda one: one["stretches"][1].update(seconds=7)),
        damaged(lambda one: one.update(step_seconds=0.1)),
        damaged(lambda one: one.update(pauses=[1, 2])),
        damaged(lambda one: one["pauses"].__setitem__(3, -1)),
        damaged(lambda one: one["pauses"].__setitem__(3, 10**400)),
        damaged(lambda one: one.pop("pauses")),
    ]
    for value in wrong:
        with pytest.raises(BundleError, match="held-out sound is damaged") as caught:
            Ranges.from_json(value)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


# --- what is noticed -------------------------------------------------------------------------------------------------


def test_real_sound_is_hardly_ever_trouble() -> None:
    assert [len(troubles([one])) for one in REAL] == [0] * len(REAL)
    assert sum(bool(troubles([speech(6.0, seed)])) for seed in range(100, 120)) <= 2


@pytest.mark.parametrize("kind", ["hum", "noise", "full scale", "silence"])
def test_what_no_real_sound_does_is_called_by_its_name(kind: str) -> None:
    before = speech(2.0, 50)
    found = troubles([before, piece(kind, 2.0)])
    began = len(before[0]) / RATE
    assert {name for name, _ in found} == {kind} and began < found[0][1] <= began + 1.3


def test_sound_far_louder_than_real_sound_is_called_too_loud() -> None:
    ranges = gathered([(0.1 * wave, nats) for wave, nats in REAL]).ranges()
    assert {name for name, _ in troubles(REAL[:2], ranges)} == {"too loud"}


def test_what_real_sound_does_for_as_long_is_no_trouble() -> None:
    def held(bits: float) -> list[Piece]:
        return [(piece("hum", 3.0)[0], np.full(3 * RATE, bits, np.float32)) for _ in range(10)]

    notes = gathered([*REAL, *held(2.0)]).ranges()
    assert {name for name, _ in troubles(held(2.0))} == {"hum"}
    assert troubles(held(2.0), notes) == []
    saw = np.tile(np.linspace(-0.5, 0.5, 32), 3 * RATE // 32), np.full(3 * RATE, 2.0)  # repeats itself exactly
    assert troubles([saw], gathered([saw] * 10).ranges()) == [] and {name for name, _ in troubles([saw])} == {"hum"}
    pauses = gathered([*REAL, *[piece("silence", 3.0)] * 10]).ranges()
    assert troubles([REAL[0], piece("silence", 3.0)], pauses) == []


def test_what_was_not_heard_often_enough_is_judged_by_what_was() -> None:
    words = [speech(0.35, seed) for seed in range(30)]  # none lasts 0.8 s
    ranges = gathered(words).ranges()
    assert ranges.counts[0] >= ENOUGH > ranges.counts[2]
    limits = ranges.limits()
    longest = max(row for row, count in enumerate(ranges.counts) if count >= ENOUGH)
    assert np.isfinite(limits).all() and (limits[longest:] == limits[longest]).all()
    assert {name for name, _ in troubles([words[0], piece("silence", 2.0)], ranges)} == {"silence"}
    assert {name for name, _ in troubles([words[0], piece("noise", 2.0)], ranges)} == {"noise"}
    nothing = Gathering(ALPHABET, RATE).ranges()
    assert Ranges.from_json(nothing.to_json()).counts == (0,) * len(STRETCHES)
    assert troubles([piece("noise", 2.0), piece("full scale", 2.0)], nothing) == []


def test_a_pause_between_words_is_neither_silence_nor_hum() -> None:
    words = [(wave[:1_600], nats[:1_600]) for wave, nats in REAL * 20]
    ranges = gathered(words).ranges()
    for seconds, expected in ((0.5, set()), (1.2, {"silence"})):
        count = round(seconds * RATE)
        pause = np.zeros(count, np.float32), np.zeros(count, np.float32)  # and the network is sure of it
        assert {name for name, _ in troubles([words[0], pause, words[1]], ranges)} == expected


@pytest.mark.parametrize(("kind", "least"), [("noise", min(STRETCHES)), ("silence", FEWEST + 1)])
def test_what_is_passed_over_is_not_judged_again(kind: str, least: int) -> None:
    wave, nats = piece(kind, 3.0)
    watch, found = Watch(RANGES, RATE), []
    for at in range(0, len(wave), STEP):
        if watch.hear(wave[at : at + STEP], nats[at : at + STEP]) is not None:
            found.append(at // STEP)
            watch.pass_over()
    assert len(found) > 2 and min(np.diff(found)) >= least
