"""Laws 3 and 4 for the compiled sampler, over random networks, storages, batches, threads and draws."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import toys
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wavenet import outputs
from wavenet.generate.cpu import engine as engines
from wavenet.generate.cpu import kernel
from wavenet.generate.cpu.engine import Cpu, unstorable
from wavenet.generate.engines import STORAGES
from wavenet.generate.packed import pack, stored
from wavenet.generate.reference import Reference
from wavenet.generate.sampler import Sampler, uniforms
from wavenet.generate.state import Job
from wavenet.outputs import Draw, Feed
from wavenet.recipe.records import Recipe

T = 60
STORAGE = st.sampled_from(STORAGES)
DRAWS = st.builds(
    Draw,
    st.sampled_from([0.0, 0.05, 0.7, 1.0, 1.3, 100.0]),
    st.sampled_from([0, 1, 2, 5, 300]),
    st.sampled_from([1.0, 0.95, 0.5, 1e-6]),
)


def made(recipe: Recipe, storage: str, scale: float = 1.0, threads: int = 1) -> Cpu:
    weights = stored(toys.arrays(recipe, scale), storage)
    return Cpu(pack(recipe.shape, weights), outputs.of(recipe), storage, threads)


def drawn(
    engine: Cpu | Reference, batch: int, samples: int = T, how: Draw | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes [B, T], answers [B, T, Q] and the rings [B, rows, R] after drawing."""
    source = Sampler(engine, batch, 7, how)
    (part,) = source.generate(samples, samples, keep_parameters=True)
    assert part.parameters is not None
    return part.codes, part.parameters, source.state()["memory"]


# --- answers ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(toys.recipes(), STORAGE, st.integers(1, 9), st.sampled_from([0.3, 1.0, 2.0]))
def test_what_it_answers_is_forwards_log_probability(recipe: Recipe, storage: str, batch: int, scale: float) -> None:
    engine = made(recipe, storage, scale)
    codes, answers, _ = drawn(engine, batch)
    fed = np.concatenate([np.full((batch, 1), recipe.output.classes), codes[:, :-1]], axis=1)
    alphabet = outputs.of(recipe)
    graph = toys.forward(recipe, stored(toys.arrays(recipe, scale), storage), codes[:, :-1])
    np.testing.assert_allclose(alphabet.log_probabilities(answers)[:, 1:], graph, atol=1e-4)
    reference, queues = Reference(engine.packed, alphabet), engine.start(1)
    first = alphabet.log_probabilities(reference.step(queues, 0, int(fed[0, 0])))
    np.testing.assert_allclose(alphabet.log_probabilities(answers)[:, 0], np.tile(first, (batch, 1)), atol=1e-4)


@settings(deadline=None, max_examples=10)
@given(STORAGE, st.integers(0, 1000))
def test_trained_weights_too(trained_run: object, storage: str, seed: int) -> None:
    import wavenet

    voice = wavenet.load(trained_run)  # type: ignore[arg-type]
    sound = voice.generate(samples=200, seed=seed, count=3, backend="cpu", storage=storage, verify=True)
    assert sound.difference is not None and 0 < sound.difference < 1e-4


def test_wide_layers_of_every_width_around_a_panel() -> None:
    for width in (15, 17, 63, 64, 65, 100, 129, 160):
        recipe = toys.recipe(model={"residual_channels": width, "gate_channels": width + 3, "skip_channels": width})
        codes, answers, _ = drawn(made(recipe, "float32"), 2, 12)
        graph = toys.forward(recipe, toys.arrays(recipe), codes[:, :-1])
        np.testing.assert_allclose(outputs.of(recipe).log_probabilities(answers)[:, 1:], graph, atol=1e-4)


# --- draws -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(toys.recipes(), STORAGE, DRAWS, st.sampled_from([1.0, 5.0]))
def test_given_its_answers_it_draws_as_defined(recipe: Recipe, storage: str, how: Draw, scale: float) -> None:
    codes, answers, _ = drawn(made(recipe, storage, scale), 2, T, how)
    differing = 0
    for b in range(2):
        u = uniforms(7, b, 0, T)[:, 0]
        expected = how(answers[b], u)
        for t in np.flatnonzero(codes[b] != expected):
            assert toys.could_draw(how, answers[b, t], float(u[t]), int(codes[b, t])), (b, t)
            differing += 1
    assert differing <= 0.01 * codes.size + 1


# --- whoever the neighbours are --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(toys.recipes(), STORAGE, st.integers(2, 40), st.integers(1, 4))
def test_a_sequence_is_bit_for_bit_what_it_is_alone(recipe: Recipe, storage: str, batch: int, threads: int) -> None:
    together = drawn(made(recipe, storage, threads=threads), batch, 20)
    alone = drawn(made(recipe, storage), 1, 20)
    for many, one in zip(together, alone, strict=True):
        assert np.array_equal(many[0], one[0])


@settings(deadline=None, max_examples=25)
@given(toys.recipes(), STORAGE, st.integers(1, T))
def test_known_codes_are_taken_in_as_if_they_had_been_drawn(recipe: Recipe, storage: str, split: int) -> None:
    engine = made(recipe, storage)
    codes, answers, memory = drawn(engine, 1)
    fed = np.concatenate([[recipe.output.classes], codes[0, :-1]])
    queues, got = engine.start(1), np.empty_like(answers[0])
    engine.absorb(queues, 0, Feed(fed[:split]), got[:split])
    engine.absorb(queues, 0, Feed(fed[split:]), got[split:])
    assert np.array_equal(got, answers[0]) and queues.clocks.tolist() == [T]
    assert np.array_equal(queues.memory[:, :, : memory.shape[2]], memory)


@settings(deadline=None, max_examples=60)
@given(toys.recipes(), STORAGE, st.integers(1, 150), st.sampled_from([0.3, 1.0, 2.0]))
def test_what_known_codes_cost(recipe: Recipe, storage: str, samples: int, scale: float) -> None:
    engine, alphabet = made(recipe, storage, scale), outputs.of(recipe)
    codes = np.random.default_rng(samples).integers(0, recipe.output.classes, samples)
    fed = Feed(np.concatenate([alphabet.starts(1), codes[:-1]]))
    queues, silent = engine.start(1), engine.start(1)
    nats = engine.nll(queues, 0, fed, codes)
    engine.absorb(silent, 0, fed)
    assert np.array_equal(queues.memory, silent.memory) and queues.clocks.tolist() == [samples]
    graph = toys.forward(recipe, stored(toys.arrays(recipe, scale), storage), fed.codes[None])[0]
    np.testing.assert_allclose(nats, -graph[np.arange(samples), codes], atol=1e-4)
    reference = Reference(engine.packed, alphabet)
    np.testing.assert_allclose(nats, reference.nll(reference.start(1), 0, fed, codes), atol=1e-4)


def test_threads_score_side_by_side_what_each_scores_alone() -> None:
    recipe = toys.recipe()
    engine, codes = made(recipe, "float32"), np.random.default_rng(0).integers(0, 16, (8, 3_000))

    def scored(row: int) -> np.ndarray:
        return engine.nll(engine.start(1), 0, Feed(codes[row]), codes[row])

    alone = [scored(row) for row in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(scored, range(8)), strict=True):
            assert np.array_equal(one, other)


def test_sequences_are_dealt_out_evenly_and_in_order() -> None:
    engine = made(toys.recipe(), "float32", threads=2)
    for count in (1, 2, 3, 8, 16, 17, 32, 33, 100):
        parts = engine._deal(np.arange(count))
        sizes = [len(part) for part in parts]
        assert np.concatenate(parts).tolist() == list(range(count))
        assert max(sizes) <= kernel.ROWS and max(sizes) - min(sizes) <= 1
        assert len(parts) == engine.readings(count) and (len(parts) % 2 == 0 or count == 1)
    assert [len(part) for part in engine._deal(np.arange(0))] == [0]


def test_threads_are_as_many_as_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "cores", lambda: 5)
    recipe = toys.recipe()
    packed = pack(recipe.shape, toys.arrays(recipe))
    assert Cpu(packed, outputs.of(recipe), "float32").threads == 5
    assert Cpu(packed, outputs.of(recipe), "float32", 2).threads == 2


# --- extremes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 30.0, 1e4])
@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1e-3, 1.0, 100.0])
def test_extreme_weights_and_temperatures(scale: float, temperature: float) -> None:
    recipe, how = toys.recipe(), Draw(temperature)
    codes, answers, _ = drawn(made(recipe, "float32", scale), 2, 30, how)
    assert np.isfinite(answers).all() and ((codes >= 0) & (codes < 16)).all()
    for b in range(2):
        u = uniforms(7, b, 0, 30)[:, 0]
        assert all(toys.could_draw(how, answers[b, t], float(u[t]), int(codes[b, t])) for t in range(30))
    if scale < 1:  # all denormal or nothing: what is left are the head's biases
        assert np.abs(answers - answers[0, 0]).max() < 1e-6


def test_denormal_weights_count() -> None:
    recipe = toys.recipe(model={"bias": False})
    arrays = toys.arrays(recipe)
    tiny = np.finfo(np.float32).tiny
    arrays["output.weight"] = np.full_like(arrays["output.weight"], tiny / 4)
    arrays["output.bias"][:] = 0.0
    arrays["hidden.bias"][:] = 100.0
    _, answers, _ = drawn(Cpu(pack(recipe.shape, arrays), outputs.of(recipe), "float32", 1), 1, 5)
    assert (answers > 0).all() and (answers < 1e-30).all()
    smallest = {**toys.arrays(recipe), "output.weight": np.full((16, 20), 6e-8, np.float32)}
    half = stored(smallest, "float16")
    assert (half["output.weight"] > 0).all()  # the least that float16 holds
    codes, answers, _ = drawn(Cpu(pack(recipe.shape, half), outputs.of(recipe), "float16", 1), 1, 5)
    graph = toys.forward(recipe, half, codes[:, :-1])
    np.testing.assert_allclose(outputs.of(recipe).log_probabilities(answers)[:, 1:], graph, atol=1e-4)


def test_what_half_precision_asks_of_a_machine_and_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = toys.arrays(toys.recipe())
    assert unstorable(arrays, "float16") is None or not engines._features().get("f16c")
    monkeypatch.setattr(engines.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(engines, "_features", lambda: {"f16c": False})
    assert "convert float16" in str(unstorable(arrays, "float16")) and unstorable(arrays, "float32") is None
    monkeypatch.setattr(engines, "_features", lambda: {"f16c": True})
    assert unstorable(arrays, "float16") is None
    arrays["hidden.weight"][0, 0] = -7e4
    assert "hidden.weight is beyond float16" in str(unstorable(arrays, "float16"))


@settings(deadline=None, max_examples=20)
@given(toys.recipes(), st.integers(1, 6))
def test_an_answer_that_is_not_finite_is_counted_to(recipe: Recipe, batch: int) -> None:
    arrays = toys.arrays(recipe)
    assume(recipe.model.head_channels > 1)
    arrays["output.weight"][:] = 3e38
    arrays["hidden.bias"][:] = 50.0
    engine = Cpu(pack(recipe.shape, arrays), outputs.of(recipe), "float32", 2)
    newest = np.full(batch, recipe.output.classes)
    codes = np.zeros((batch, 5), np.int64)
    job = Job(np.arange(batch), newest, np.zeros((batch, 5, 1)), Draw(), codes)
    assert engine.draw(engine.start(batch), job) == 0
    assert not np.isfinite(engine.nll(engine.start(batch), 0, Feed(codes[0]), codes[0])).any()
