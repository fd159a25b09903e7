"""Laws 3 and 4 for the reference sampler: stepwise == forward, in parallel == step by step, alone == in a batch."""

from __future__ import annotations

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import outputs
from wavenet.generate import reference
from wavenet.generate.packed import pack
from wavenet.generate.reference import Reference
from wavenet.outputs import Feed
from wavenet.recipe.records import Recipe

T = 60


def made(recipe: Recipe, scale: float = 1.0) -> Reference:
    return Reference(pack(recipe.shape, toys.arrays(recipe, scale)), outputs.of(recipe))


def fed(recipe: Recipe, batch: int, samples: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, recipe.output.classes, (batch, samples))


def stepwise(recipe: Recipe, engine: Reference, codes: np.ndarray) -> np.ndarray:
    queues = engine.start(len(codes))
    answers = [[engine.step(queues, b, int(code)) for code in row] for b, row in enumerate(codes)]
    return outputs.of(recipe).log_probabilities(np.array(answers))


@settings(deadline=None, max_examples=40)
@given(toys.recipes(), st.sampled_from([0.3, 1.0, 2.0]))
def test_step_by_step_gives_forwards_log_probabilities(recipe: Recipe, scale: float) -> None:
    codes = fed(recipe, 3, T)
    graph = toys.forward(recipe, toys.arrays(recipe, scale), codes)
    np.testing.assert_allclose(stepwise(recipe, made(recipe, scale), codes), graph, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(toys.recipes(), st.integers(1, T), st.integers(1, 25))
def test_a_parallel_pass_is_the_same_as_steps(recipe: Recipe, split: int, size: int) -> None:
    engine, codes = made(recipe), fed(recipe, 1, T)
    queues, answers = engine.start(1), np.empty((T, recipe.output.classes), np.float32)
    before = reference.PASS_SAMPLES
    reference.PASS_SAMPLES = size  # so that a pass has seams too
    try:
        engine.absorb(queues, 0, Feed(codes[0, :split]), answers[:split])
    finally:
        reference.PASS_SAMPLES = before
    for t in range(split, T):
        answers[t] = engine.step(queues, 0, int(codes[0, t]))
    got = outputs.of(recipe).log_probabilities(answers)
    np.testing.assert_allclose(got, toys.forward(recipe, toys.arrays(recipe), codes)[0], atol=1e-4)


def test_a_pass_that_nobody_asks_leaves_the_same_memory() -> None:
    recipe = toys.recipe()
    engine, codes = made(recipe), fed(recipe, 1, T)[0]
    asked, silent = engine.start(2), engine.start(2)
    engine.absorb(asked, 1, Feed(codes), np.empty((T, 16), np.float32))
    engine.absorb(silent, 1, Feed(codes))
    assert np.array_equal(asked.memory, silent.memory) and silent.clocks.tolist() == [0, T]


@pytest.mark.parametrize("size", [7, 60, 4096])
def test_what_known_codes_cost(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "PASS_SAMPLES", size)
    recipe = toys.recipe()
    engine, codes = made(recipe), fed(recipe, 1, T)[0]
    queues, silent, answers = engine.start(2), engine.start(2), np.empty((T, 16), np.float32)
    nats = engine.nll(queues, 1, Feed(codes), codes[::-1])
    engine.absorb(silent, 1, Feed(codes), answers)
    assert nats.dtype == np.float32 and queues.clocks.tolist() == [0, T]
    assert np.array_equal(queues.memory, silent.memory)
    shares = np.exp(answers.astype(np.float64))
    expected = np.log(shares.sum(axis=1) / shares[np.arange(T), codes[::-1]])
    np.testing.assert_allclose(nats, expected, atol=1e-6)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_where_an_answer_is_not_finite_nothing_is_said_to_cost_a_number(wrong: float) -> None:
    recipe = toys.recipe()
    engine, codes = made(recipe), fed(recipe, 1, T)[0]
    engine.packed.output.bias[3] = wrong
    assert np.isnan(engine.nll(engine.start(1), 0, Feed(codes), codes)).all()


@settings(deadline=None, max_examples=20)
@given(toys.recipes())
def test_a_sequence_is_bit_for_bit_what_it_is_alone(recipe: Recipe) -> None:
    engine, codes = made(recipe), fed(recipe, 4, 20)
    together = stepwise(recipe, engine, codes)
    for i in range(4):
        assert np.array_equal(stepwise(recipe, engine, codes[i : i + 1])[0], together[i])


def test_endless_start_is_a_fixed_point() -> None:
    engine = made(toys.recipe())
    queues = engine.start(1)
    before = queues.memory.copy()
    first, second = engine.step(queues, 0, 16), engine.step(queues, 0, 16)
    np.testing.assert_allclose(first, second, atol=1e-6)
    np.testing.assert_allclose(queues.memory, before, atol=1e-6)


def test_the_gate_survives_extreme_activations() -> None:
    recipe = toys.recipe()
    assert np.isfinite(stepwise(recipe, made(recipe, scale=1e4), fed(recipe, 1, 10))).all()
