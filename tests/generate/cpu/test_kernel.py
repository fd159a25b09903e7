"""The two compiled entries do what they say with the arrays they are given, and touch no others."""

from __future__ import annotations

import numpy as np
import pytest
import toys

from wavenet import outputs
from wavenet.generate.cpu import kernel
from wavenet.generate.cpu.engine import Cpu
from wavenet.generate.packed import pack
from wavenet.generate.sampler import Sampler
from wavenet.generate.state import Job
from wavenet.outputs import Draw, Feed

BLOCK = kernel.INSTANTS


def made(**model: object) -> Cpu:
    recipe = toys.recipe(model=model)
    return Cpu(pack(recipe.shape, toys.arrays(recipe)), outputs.of(recipe), "float32", 1)


def test_only_the_members_move() -> None:
    engine = made()
    queues = engine.start(4)
    before = queues.memory.copy()
    newest, codes = np.full(4, 16), np.full((2, 30), -1)
    engine.draw(queues, Job(np.array([3, 1]), newest, np.full((2, 30, 1), 0.4), Draw(), codes))
    assert queues.clocks.tolist() == [0, 30, 0, 30]
    assert np.array_equal(queues.memory[[0, 2]], before[[0, 2]])
    assert newest[[0, 2]].tolist() == [16, 16] and newest[[3, 1]].tolist() == codes[:, -1].tolist()


def test_drawing_nothing_changes_nothing() -> None:
    engine = made()
    queues, newest = engine.start(2), np.full(2, 16)
    before = queues.memory.copy()
    assert engine.draw(queues, Job(np.arange(2), newest, np.zeros((2, 0, 1)), Draw(), np.zeros((2, 0), int))) == 0
    engine.absorb(queues, 0, Feed(np.zeros(0, np.int64)))
    assert np.array_equal(queues.memory, before) and not queues.clocks.any()


@pytest.mark.parametrize("count", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
@pytest.mark.parametrize("dilations", [[[1]], [[1, 2, 4, 8, 16, 32]], [[64, 1]]])
def test_known_codes_in_blocks_of_any_size(count: int, dilations: list[list[int]]) -> None:
    engine = made(dilations=dilations, kernel_size=3)
    codes = np.random.default_rng(0).integers(0, 16, count)
    together, one_by_one = engine.start(1), engine.start(1)
    answers, single = np.zeros((2, count, 16), np.float32)
    scored, costs = engine.start(1), np.zeros(count, np.float32)
    engine.absorb(together, 0, Feed(codes), answers)
    for t in range(count):
        engine.absorb(one_by_one, 0, Feed(codes[t : t + 1]), single[t : t + 1])
        costs[t : t + 1] = engine.nll(scored, 0, Feed(codes[t : t + 1]), codes[t : t + 1])
    assert np.array_equal(answers, single) and np.array_equal(together.memory, one_by_one.memory)
    whole = engine.start(1)
    assert np.array_equal(engine.nll(whole, 0, Feed(codes), codes), costs)
    assert np.array_equal(whole.memory, together.memory) and np.array_equal(scored.memory, together.memory)


def test_answers_and_what_targets_cost_come_together_too() -> None:
    engine, codes = made(), np.arange(150) % 16
    asked, both = engine.start(1), engine.start(1)
    answers, nats = np.zeros((150, 16), np.float32), np.zeros(150, np.float32)
    expected, alone = np.zeros_like(answers), (engine.panels.told(None), engine.panels.buffers(BLOCK))
    engine.absorb(asked, 0, Feed(codes), expected)
    engine._absorb(engine._arrays, both.memory[0], 0, codes, answers, codes, nats, *alone)
    assert np.array_equal(answers, expected)
    logs = engine.alphabet.log_probabilities(answers, codes[:, None])[:, 0]
    np.testing.assert_allclose(nats, -logs, atol=2e-6)


def test_arrays_of_any_kind_are_taken_without_compiling_again() -> None:
    engine, codes = made(), np.arange(20) % 16
    expected = engine.nll(engine.start(1), 0, Feed(codes), codes)
    kept = codes.copy()
    kept.flags.writeable = False
    versions = len(engine._absorb.call.overloads)
    for odd in (kept, np.repeat(codes, 2)[::2], codes.astype(np.int16)):
        assert np.array_equal(engine.nll(engine.start(1), 0, Feed(odd), odd), expected)
    assert len(engine._absorb.call.overloads) == versions


def test_networks_of_one_tap_remember_nothing() -> None:
    engine = made(kernel_size=1)
    assert engine.start(1).memory.size == 0
    (part,) = Sampler(engine, 2).generate(20)
    assert part.codes.shape == (2, 20)


@pytest.mark.parametrize("skip, head", [(128, 192), (320, 64), (272, 144)])
def test_two_rows_share_wide_products_and_change_no_bit(skip: int, head: int) -> None:
    wide = {"residual_channels": 24, "gate_channels": 80, "skip_channels": skip, "head_channels": head}
    engine = made(dilations=[[1, 2, 4, 8]], **wide)  # the skip product has 320 inputs: more than one chain of sums
    together, alone = Sampler(engine, 2, 3), Sampler(engine, 1, 3)
    (both,) = together.generate(12, keep_parameters=True)
    (one,) = alone.generate(12, keep_parameters=True)
    assert both.parameters is not None and one.parameters is not None
    assert np.array_equal(both.parameters[0], one.parameters[0]) and np.array_equal(both.codes[0], one.codes[0])
