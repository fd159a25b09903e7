"""A measured case counts the work that it does, and its share of what the hardware could do."""

from __future__ import annotations

import pytest
import toys

from wavenet import outputs
from wavenet.bench.case import Case, Scoring
from wavenet.generate.engines import STORAGES, Request, build_engine


def case(backend: str, storage: str, batch: int, threads: int) -> Case:
    recipe = toys.recipe()
    engine = build_engine(backend, Request(recipe.shape, toys.arrays(recipe), outputs.of(recipe), storage, threads))
    return Case("main", engine, batch, toys.RATE, threads)


@pytest.mark.parametrize("storage", STORAGES)
def test_work_and_shares_are_counted(storage: str) -> None:
    made = case("cpu", storage, 40, 2)
    made.rounds = [900.0, 1000.0, 1300.0]
    speed = made.speed(1e6, 1e6, 4.5)
    macs, width = made.shape.macs_per_sample(), 2 if storage == "float16" else 4
    assert (speed.samples_per_second, speed.slowest, speed.fastest) == (1000.0, 900.0, 1300.0)
    assert speed.gflops * 1e9 == pytest.approx(1000 * 2 * macs) and speed.us_per_step == pytest.approx(40_000)
    assert speed.gbytes * 1e9 == pytest.approx(1000 / 40 * 4 * macs * width)  # 40 on two threads are four tens
    assert speed.roofline_share == pytest.approx(speed.gflops * 1e3)
    assert speed.bandwidth_share == pytest.approx(speed.gbytes * 1e3)
    assert speed.bits_per_sample == 4.5
    reference = case("reference", storage, 3, 1)
    reference.rounds = [10.0]
    assert reference.speed(1e6, 1e6, 4.5).roofline_share is None


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_known_sound_is_scored_in_every_thread(backend: str) -> None:
    drawn = case(backend, "float32", 2, 2)
    made = Scoring("score", drawn.engine, 2, toys.RATE, 2)
    begun = [int(state.clocks[0]) for state in made.states]
    made._work(100)
    made.round(0.01)
    assert [int(state.clocks[0]) - before > 100 for state, before in zip(made.states, begun, strict=True)] == [True] * 2
    made.rounds = [900.0, 1000.0, 1300.0]
    speed, other = made.speed(1e6, 1e6, 4.5), drawn.engine.packed.shape.macs_per_sample() * 2 * 1000 / 1e6
    assert speed.roofline_share == (None if backend == "reference" else pytest.approx(other))
    assert (speed.gbytes, speed.bandwidth_share, speed.bits_per_sample) == (None, None, None)
    weights, queues = 4 * made.shape.macs_per_sample(), sum(v.nbytes for v in made.states[0].export().values())
    assert speed.memory_bytes == weights + 2 * queues
