"""The compiled draw is `outputs.Draw`, for any logits, ties included."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.generate.cpu.drawing import NOT_FINITE, choose, nll, scratch
from wavenet.generate.cpu.jit import Entry
from wavenet.outputs import Draw

THIS = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]  # what is compiled is kept until this file changes


def choose_one(logits: np.ndarray, u: float, temperature: float, top_k: int, top_p: float, memory: Any) -> int:
    return choose(logits, u, temperature, top_k, top_p, memory)


one = Entry(choose_one, THIS, announced=False)


def chosen(logits: list[float] | np.ndarray, u: float, how: Draw | None = None) -> int:
    how = how or Draw()
    return one(np.array(logits, np.float32), u, how.temperature, how.top_k, how.top_p, scratch(len(logits)))


def cost_of_one(logits: np.ndarray, target: int, memory: Any) -> float:
    return nll(logits, target, memory)


one_cost = Entry(cost_of_one, THIS, announced=False)


def cost(logits: np.ndarray, target: int) -> float:
    return one_cost(logits, target, scratch(len(logits)))


ROUND = st.sampled_from([-3.0, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0])  # ties are common


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.one_of(ROUND, st.floats(-30, 30, width=32)), min_size=2, max_size=70),
    st.floats(0.0, 1.0, exclude_max=True),
    st.builds(Draw, st.sampled_from([0.0, 0.3, 1.0, 4.0]), st.integers(0, 80), st.sampled_from([1.0, 0.9, 0.5, 0.01])),
)
def test_it_draws_what_is_defined(logits: list[float], u: float, how: Draw) -> None:
    given_logits = np.array(logits, np.float32)
    assert toys.could_draw(how, given_logits, u, chosen(given_logits, u, how))


@pytest.mark.parametrize("how", [Draw(1.0, 3), Draw(1.0, 0, 0.6), Draw(0.7, 4, 0.5), Draw(1.0, 7)])
def test_of_equal_logits_the_lower_class_stays(how: Draw) -> None:
    logits = np.array([1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 0.0], np.float32)
    u = (np.arange(1000) + 0.37) / 1000
    expected = how(np.tile(logits, (1000, 1)), u)
    assert [chosen(logits, float(one), how) for one in u] == expected.tolist()


@pytest.mark.parametrize("classes", [2, 15, 16, 17, 256, 1000])
def test_the_ends_of_the_uniforms(classes: int) -> None:
    flat = np.zeros(classes, np.float32)
    assert chosen(flat, 0.0) == 0 and chosen(flat, 1 - 2**-53) == classes - 1
    spike = np.full(classes, -1e30, np.float32)
    spike[classes // 2] = 1e30
    assert {chosen(spike, u) for u in (0.0, 0.5, 1 - 2**-53)} == {classes // 2}


def test_the_frequencies_are_the_probabilities() -> None:
    logits = np.random.default_rng(0).standard_normal(256).astype(np.float32)
    u = (np.arange(20_000) + 0.5) / 20_000
    counts = np.bincount([chosen(logits, float(one)) for one in u], minlength=256)
    np.testing.assert_allclose(counts / 20_000, Draw().probabilities(logits[None])[0], atol=1.01 / 20_000)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 7, 15])
def test_what_is_not_finite_is_never_drawn_from(wrong: float, at: int) -> None:
    logits = np.zeros(16, np.float32)
    logits[at] = wrong
    assert chosen(logits, 0.5) == chosen(logits, 0.5, Draw(0.0)) == NOT_FINITE
    assert np.isnan([cost(logits, target) for target in range(16)]).all()


def test_the_likeliest_is_the_first_of_equals() -> None:
    assert chosen([1.0, 5.0, 5.0, -2.0], 0.99, Draw(0.0)) == 1
    assert chosen([-0.0, 0.0], 0.99, Draw(0.0)) == 0


@pytest.mark.parametrize("temperature", [1e-320, 1e-40, 1e-9, 100.0])
def test_temperatures_at_the_ends_of_what_is_allowed(temperature: float) -> None:
    logits = np.array([0.0, 3.0, 2.9999, -50.0], np.float32)
    how = Draw(temperature)
    for u in (0.01, 0.3, 0.6, 0.99):
        assert chosen(logits, u, how) == how(logits[None], np.array([u]))[0]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(-300, 300, width=32), min_size=2, max_size=70), st.integers(0, 69))
def test_what_a_class_costs_is_minus_the_log_of_its_share(drawn: list[float], at: int) -> None:
    logits, target = np.array(drawn, np.float32), at % len(drawn)
    expected = np.log(np.exp(logits.astype(np.float64) - logits[target].astype(np.float64)).sum())
    np.testing.assert_allclose(cost(logits, target), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 15, 16, 17, 256, 1000])
def test_a_class_among_equals_costs_the_log_of_their_number(classes: int) -> None:
    for height in (-3e38, -1.0, 0.0, 3e38):
        level = np.full(classes, height, np.float32)
        assert cost(level, 0) == cost(level, classes - 1) == pytest.approx(np.log(classes), abs=1e-12)
