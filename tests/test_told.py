"""The laws hold under all that a network may be told, in every engine and whenever a sequence began."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import condition_toys
import numpy as np
import pytest
import toys
from condition_toys import backends, engine_of, forms, network_of, recipe_of, told_of

from wavenet import outputs
from wavenet.audio.crops import Crops, pieces
from wavenet.audio.splits import Span
from wavenet.errors import InputError, WavenetError
from wavenet.evaluation import likelihood
from wavenet.evaluation.bits import score
from wavenet.generate import condition as conditions
from wavenet.generate.sampler import Chunk, Sampler
from wavenet.generate.verify import BOUND, Verifier
from wavenet.outputs import Condition
from wavenet.training.data import SoundData

PRIME = np.arange(11) % 16


def drawn(source: Sampler, samples: int, chunk: int = 1_000) -> np.ndarray:
    return np.concatenate([part.codes for part in source.generate(samples, chunk)], axis=1)


# --- law 3 -----------------------------------------------------------------------------------------------------------


@forms
@backends
def test_a_sampler_draws_under_what_the_training_graph_is_told(form: str, backend: str) -> None:
    recipe = recipe_of(form)
    network, condition = network_of(recipe), told_of(recipe)
    source, primes = Sampler(engine_of(recipe, backend), 3, 5, condition=condition), (PRIME[:3], PRIME, PRIME[:0])
    source.prime(primes)
    judges = [Verifier(network, source.alphabet, 3, one, condition) for one in primes]
    blind = Verifier(network, source.alphabet, 3, primes[1], Condition.nothing(condition.shape, 3))
    for chunk in source.generate([20, 48, 31], 13, keep_parameters=True):
        for sequence, judge in enumerate(judges):
            row = np.flatnonzero(chunk.sequences == sequence)
            part = Chunk(*(None if x is None else x[row] for x in vars(chunk).values()))
            for one in (judge, blind) if sequence == 1 else (judge,):
                if len(row):
                    one.judge(part)
    assert 0 < max(judge.difference for judge in judges) < BOUND < 1e-2 < blind.difference


@backends
def test_sequences_told_differently_in_one_batch_are_as_alone(backend: str) -> None:
    for form in ("pooled-linear", "plain-repeat"):
        recipe = recipe_of(form)
        condition, engine = told_of(recipe), engine_of(recipe, backend)
        together = drawn(Sampler(engine, 3, [1, 2, 3], condition=condition), 30)
        for one in range(3):
            alone = Sampler(engine, 1, one + 1, condition=condition.of([one]))
            assert np.array_equal(drawn(alone, 30, 9)[0], together[one])


# --- law 4 -----------------------------------------------------------------------------------------------------------


@forms
@backends
def test_chunks_going_back_and_a_saved_state_change_nothing(form: str, backend: str, tmp_path: Path) -> None:
    recipe = recipe_of(form)
    condition, engine = told_of(recipe), engine_of(recipe, backend)
    whole = drawn(Sampler(engine, 3, 5, condition=condition), 30)
    source = Sampler(engine, 3, 5, condition=condition)
    assert np.array_equal(drawn(source, 16, 4), whole[:, :16])
    source.save(tmp_path / "state")
    again = Sampler(engine, 3, 0, condition=told_of(recipe))
    again.load(tmp_path / "state")
    assert np.array_equal(drawn(again, 14), whole[:, 16:])
    for sequence in range(3):
        source.rewind(sequence, whole[sequence, :20], 20)
    source.positions[:] = 20
    assert np.array_equal(drawn(source, 10), whole[:, 20:])


@forms
@backends
def test_a_bounded_memory_for_what_is_told_changes_nothing(
    form: str, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(form)
    condition, engine = told_of(recipe), engine_of(recipe, backend)
    codes = np.random.default_rng(2).integers(0, 16, 63)
    kinds = (1.0,) if backend == "reference" else (1.0, 1.5)

    def made() -> list[np.ndarray]:
        found = []
        for guidance in kinds:
            source = Sampler(engine, 3, 5, condition=condition, guidance=guidance)
            source.prime(PRIME)
            parts = [*source.generate(30, 30, keep_parameters=True)]
            assert len(parts) == 1 and parts[0].parameters is not None
            found += [parts[0].codes, parts[0].parameters, source.memory.clocks]
        return [*found, likelihood.of_engine(engine, condition)(0, codes[:0], codes, 0)]

    whole = made()
    monkeypatch.setattr(conditions, "NUMBERS", 1_000)  # one frame or a few at a time
    for one, other in zip(made(), whole, strict=True):
        if backend == "cpu" or one.ndim != 1:
            assert one.tobytes() == other.tobytes()
        else:  # NumPy may round a product of fewer rows otherwise
            np.testing.assert_allclose(one, other, atol=1e-5)


@backends
def test_an_answer_that_is_not_finite_is_counted_to_behind_what_was_made(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of("every sample")
    condition, engine = told_of(recipe, [50]), engine_of(recipe, backend)
    assert condition.tracks is not None
    condition.tracks.read(0, 0, 50)[20:] = np.inf  # seen from 3 frames before, and the frame before those
    for numbers in (1 << 22, 60 * 4):
        monkeypatch.setattr(conditions, "NUMBERS", numbers)
        with pytest.raises(WavenetError, match="within the next 17 samples is not finite"):
            drawn(Sampler(engine, 1, 5, condition=condition), 40)


def test_a_state_brings_its_fields_and_leaves_those_of_others_alone(tmp_path: Path) -> None:
    recipe = recipe_of("fields")
    engine, condition = engine_of(recipe, "reference"), told_of(recipe)
    source = Sampler(engine, 3, 5, condition=condition)
    source.save(tmp_path / "state")
    nothing = Condition.nothing(condition.shape, 3)
    other = Sampler(engine, 3, 0, condition=nothing)
    other.load(tmp_path / "state")
    assert np.array_equal(drawn(other, 20), drawn(source, 20))
    assert np.array_equal(nothing.fields, Condition.nothing(condition.shape, 3).fields)
    for name, value, words in (("fields", 4, "0 to 3"), ("fields", -1, "0 to 3"), ("times", -1, "counts of samples")):
        wrong = source.state()
        wrong[name] = np.full_like(wrong[name], value)
        with pytest.raises(InputError, match=words):
            other.restore(wrong)


def test_a_network_that_is_told_nothing_has_the_state_that_it_always_had() -> None:
    source = Sampler(condition_toys.build_engine("reference", condition_toys.Request(*plain())), 2)
    assert source.state().keys() == {"memory", "clocks", "positions", "newest", "keys"}


def test_a_network_that_is_told_nothing_takes_no_condition() -> None:
    engine = condition_toys.build_engine("reference", condition_toys.Request(*plain()))
    with pytest.raises(InputError, match="told nothing; leave it out"):
        Sampler(engine, 3, condition=told_of(recipe_of("fields")))


def plain() -> tuple[Any, ...]:
    recipe = toys.recipe()
    return recipe.shape, toys.arrays(recipe), outputs.of(recipe)


# --- law 5 -----------------------------------------------------------------------------------------------------------


@forms
def test_likelihoods_under_engines_and_graph_are_the_same_for_any_piece(form: str) -> None:
    recipe = recipe_of(form)
    network, condition = network_of(recipe), told_of(recipe)
    codes = np.random.default_rng(2).integers(0, 16, 63)
    judges = [
        likelihood.of_network(network, outputs.of(recipe), condition),
        *(likelihood.of_engine(engine_of(recipe, name), condition) for name in ("reference", "cpu")),
    ]
    whole = [judge(0, codes[:0], codes, 0) for judge in judges]
    halves = [
        np.concatenate([judge(0, codes[:0], codes[:24], 0), judge(0, codes[:24], codes[24:], 24)]) for judge in judges
    ]
    for one in (*whole[1:], *halves):
        np.testing.assert_allclose(one, whole[0], atol=1e-4)


@pytest.fixture(scope="module")
def data(sound_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> SoundData:
    made = SoundData(toys.recipe(data={"path": str(sound_folder)}), tmp_path_factory.mktemp("cache"))
    made.prepare()
    return made


@forms
def test_crops_of_any_length_score_what_whole_files_do(form: str, data: SoundData) -> None:
    recipe = recipe_of(form)
    network, alphabet, hop = network_of(recipe), outputs.of(recipe), recipe.shape.condition.hop
    condition = told_of(recipe, [-(-length // hop) for length in data.sound.lengths])
    spans = [Span(3, 0, 90), Span(5, 100, 171)]  # the second begins within a frame
    counts, found = np.ones(16, np.int64), []
    for longest, width in ((1 << 20, None), (40, None), (25, 25 + hop - 1), (3, None)):
        crops = Crops(data.sound, pieces(spans, longest, hop), alphabet, 15, width, condition)
        one = score(network, crops.in_order(3), alphabet, counts)
        assert one is not None and one.targets == 161
        found.append(one.bits)
    judge = likelihood.of_engine(engine_of(recipe, "cpu"), condition)
    cut = likelihood.teacher_forced(judge, data.sound, spans, alphabet, 15)
    found.append(sum(float(piece.nats.sum()) for piece in cut) / 161 / np.log(2))
    np.testing.assert_allclose(found, found[0], atol=1e-4)
