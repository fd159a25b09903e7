"""The linear predictor finds what made a sound, its distribution is one, and pieces are foreseen as the whole is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.evaluation.linear import (
    CONTEXT,
    FAMILIES,
    ORDER,
    RECENT,
    Density,
    Foreseen,
    Levels,
    NormalEquations,
    Predictor,
    fitted,
)
from wavenet.outputs import Categorical


def resonance(noise: np.ndarray) -> np.ndarray:
    """Return noise through a resonance, behind enough silence to be predicted from: [CONTEXT + n]."""
    made = np.zeros(CONTEXT + len(noise))
    for at, one in enumerate(noise, CONTEXT):
        made[at] = 1.6 * made[at - 1] - 0.8 * made[at - 2] + one
    return made


def solved(*sounds: np.ndarray) -> Predictor:
    equations = NormalEquations()
    for values in sounds:
        equations.add(values)
    return Predictor(*equations.solved())


# --- prediction ------------------------------------------------------------------------------------------------------


def test_it_finds_the_resonance_that_made_a_sound() -> None:
    rng = np.random.default_rng(0)
    found = solved(*(resonance(0.01 * rng.standard_normal(40_000)) for _ in range(2)))
    wanted = np.zeros(ORDER)
    wanted[-2:] = -0.8, 1.6
    assert found.taps == pytest.approx(wanted, abs=0.03) and found.intercept == pytest.approx(0.0, abs=1e-3)


def test_it_is_the_least_squares_solution() -> None:
    values = np.random.default_rng(1).standard_normal(CONTEXT + 300) + 0.3
    rows = [[*values[at - ORDER : at], 1.0] for at in range(CONTEXT, len(values))]
    wanted = np.linalg.lstsq(np.array(rows), values[CONTEXT:], rcond=None)[0]
    found = solved(values)
    assert [*found.taps, found.intercept] == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize("value", [0.0, 0.25])
def test_a_constant_sound_is_foreseen(value: float) -> None:
    found = solved(np.full(CONTEXT + 500, value))
    assert np.isfinite(found.taps).all()
    assert found.foresee(np.full(CONTEXT + 9, value)).values == pytest.approx(np.full(9, value), abs=1e-9)


def test_what_is_foreseen_is_that_of_a_slow_loop() -> None:
    rng = np.random.default_rng(2)
    values, taps = rng.standard_normal(CONTEXT + 50), rng.standard_normal(ORDER)
    predicted = {at: float(taps @ values[at - ORDER : at]) + 0.1 for at in range(ORDER, len(values))}
    errors = {at: abs(values[at] - predicted[at]) for at in predicted}
    found, targets = Predictor(taps, 0.1).foresee(values), range(CONTEXT, len(values))
    assert found.values == pytest.approx([predicted[at] for at in targets])
    recent = [sum(errors[at - back] for back in range(1, RECENT + 1)) / RECENT for at in targets]
    assert found.recent == pytest.approx(recent)


def test_a_later_value_changes_nothing_before() -> None:
    values = np.random.default_rng(3).standard_normal(CONTEXT + 40)
    changed = values.copy()
    changed[-10:] += 1.0
    taps = np.random.default_rng(4).standard_normal(ORDER)
    one, other = (Predictor(taps, 0.0).foresee(sound) for sound in (values, changed))
    assert np.array_equal(one.values[:31], other.values[:31]) and np.array_equal(one.recent[:31], other.recent[:31])
    assert one.values[31] != other.values[31] and one.recent[31] != other.recent[31]


def test_before_a_file_there_is_silence() -> None:
    levels, codes = Levels.of(Categorical(16)), np.array([3, 9])
    assert levels.decoded(codes[:0], codes).tolist() == [0.0] * CONTEXT + levels.values[codes].tolist()
    assert levels.decoded(codes, codes[:1]).tolist() == [0.0] * (CONTEXT - 2) + levels.values[[3, 9, 3]].tolist()
    long = np.arange(100) % 16
    assert levels.decoded(long, codes).tolist() == levels.values[[*long[-CONTEXT:], 3, 9]].tolist()


# --- the density -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [2, 3, 16, 255, 256, 4_096])
def test_all_codes_together_have_all_of_it(family: str, size: int) -> None:
    rng, levels = np.random.default_rng(size), Levels.of(Categorical(size))
    for floor, share in ((1e-7, 0.0), (1e-3, 1.3), (0.3, 0.0), (8.0, 8.0)):
        foreseen = Foreseen(np.repeat(rng.uniform(-3, 3), size), np.repeat(rng.random(), size))
        p = Density(family, floor, share, 1.0).probabilities(foreseen, np.arange(size), levels)
        assert (p >= 0.0).all() and p.sum() == pytest.approx(1.0, abs=1e-9)


@given(st.sampled_from(FAMILIES), st.floats(-1.2, 1.2), st.floats(1e-4, 1.0), st.floats(0.0, 2.0), st.integers(0, 255))
def test_a_code_has_the_density_between_its_neighbours(
    family: str, value: float, floor: float, share: float, code: int
) -> None:
    levels, recent = Levels.of(Categorical(256)), 0.02
    scale = floor + share * recent
    values = Categorical(256).decode(np.arange(256)).astype(float).tolist()
    low = -math.inf if code == 0 else (values[code - 1] + values[code]) / 2
    high = math.inf if code == 255 else (values[code] + values[code + 1]) / 2
    if low + high > 2 * value:  # by symmetry, so that the reference is exact in both tails
        low, high = 2 * value - high, 2 * value - low

    def below(edge: float) -> float:
        z = (edge - value) / scale
        if family == "normal":
            return math.erfc(-z / math.sqrt(2)) / 2
        return math.exp(z) / 2 if z < 0 else 1 - math.exp(-z) / 2

    foreseen = Foreseen(np.array([value]), np.array([recent]))
    found = Density(family, floor, share, 1.0).probabilities(foreseen, np.array([code]), levels)
    assert found[0] == pytest.approx(below(high) - below(low), rel=1e-3, abs=1e-12)


@pytest.mark.parametrize(("family", "least"), [("laplace", 1e-80), ("normal", 1e-23)])
def test_far_codes_are_as_unlikely_above_as_below(family: str, least: float) -> None:
    levels, scale = Levels.of(Categorical(255)), 0.002 if family == "laplace" else 0.05
    middle, codes = np.zeros(255), np.arange(255)
    p = Density(family, scale, 0.0, 1.0).probabilities(Foreseen(middle, middle), codes, levels)
    assert p == pytest.approx(p[::-1], rel=1e-3, abs=0.0)
    assert 0.0 < p[p > 0].min() < least


@pytest.mark.parametrize("family", FAMILIES)
def test_the_density_that_made_a_sound_is_found(family: str) -> None:
    """Loudness changes a hundredfold; with a family, a floor and a share of its own, and rare jumps beside."""
    rng, alphabet, count = np.random.default_rng(5), Categorical(4_096), 30_000
    recent, values = 10.0 ** rng.uniform(-3, -1, count), rng.uniform(-0.5, 0.5, count)
    noise = rng.laplace(size=count) if family == "laplace" else rng.standard_normal(count)
    codes = alphabet.encode(values + (0.004 + 0.7 * recent) * noise)
    jumps = rng.random(count) < 0.1
    codes[jumps] = rng.integers(0, 4_096, int(jumps.sum()))
    levels, foreseen, order0 = Levels.of(alphabet), Foreseen(values, recent), np.full(4_096, 1 / 4_096)
    found = fitted(foreseen, codes, levels, order0)
    assert found.family == family
    assert found.floor == pytest.approx(0.004, rel=0.2) and found.share == pytest.approx(0.7, rel=0.1)
    assert found.weight == pytest.approx(0.9, abs=0.02)

    def nats(density: Density) -> float:
        own = density.probabilities(foreseen, codes, levels)
        return float(-np.log(density.weight * own + (1 - density.weight) * order0[codes]).mean())

    best = nats(found)
    for floor in (0.5, 1.0, 2.0):
        for share in (0.5, 1.0, 2.0):
            for weight in (0.8, found.weight, 0.99):
                other = Density(family, floor * found.floor, share * found.share, weight)
                assert best <= nats(other) + 2e-4


def test_of_noise_it_says_no_more_than_order0() -> None:
    codes = np.random.default_rng(6).integers(0, 16, 20_000)
    levels = Levels.of(Categorical(16))
    values = levels.decoded(codes[:0], codes)
    foreseen, order0 = solved(values).foresee(values), np.full(16, 1 / 16)
    density = fitted(foreseen, codes, levels, order0)
    own = density.probabilities(foreseen, codes, levels)
    nats = -np.log(density.weight * own + (1 - density.weight) / 16).mean()
    assert nats == pytest.approx(math.log(16), abs=0.01)
