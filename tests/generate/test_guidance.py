"""With guidance, sound is drawn from what the training graph answers twice; everything else holds as without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from condition_toys import HOP, engine_of, network_of, recipe_of, told_of

from wavenet import outputs
from wavenet.errors import InputError
from wavenet.generate.engines import Engine
from wavenet.generate.guidance import check_guidance, guided, with_untold
from wavenet.generate.sampler import Sampler
from wavenet.generate.verify import BOUND, Verifier
from wavenet.outputs import Arrays, Condition, Draw
from wavenet.recipe.records import Recipe

FORMS = {
    "fields": {"fields": {"speaker": 3}},
    "repeat": {"fields": {"speaker": 3}, "tracks": {"array": 2}, "hop_samples": HOP, "upsample": "repeat"},
    "linear": {
        "fields": {"label": 2},
        "tracks": {"clock": {"knots": 2}, "array": 1},
        "hop_samples": HOP,
        "encoder": [{"kernel": 3, "dilation": 1}],
    },
}
RECIPES = {name: recipe_of(form) for name, form in FORMS.items()}
NETWORKS = {name: network_of(recipe) for name, recipe in RECIPES.items()}
ENGINES: dict[tuple[str, str], Engine] = {}
everywhere = pytest.mark.parametrize("name", ["reference", "cpu"])
any_form = pytest.mark.parametrize("form", FORMS)


def engine(form: str, name: str) -> Engine:
    if (form, name) not in ENGINES:
        ENGINES[form, name] = engine_of(RECIPES[form], name)
    return ENGINES[form, name]


def told(form: str, sounds: int = 3) -> Condition:
    return told_of(RECIPES[form], (9, 6, 8, 7, 5, 9, 10, 4, 9, 6, 8)[:sounds])


def first(condition: Condition, count: int) -> Condition:
    tracks = condition.tracks
    own = None if tracks is None else Arrays([tracks.read(one, 0, 99) for one in range(count)])
    return Condition(condition.shape, condition.fields[:count], own)


def drawn(source: Sampler, samples: int, chunk: int = 1_000) -> np.ndarray:
    return np.concatenate([part.codes for part in source.generate(samples, chunk)], axis=1)


@everywhere
@any_form
@pytest.mark.parametrize("guidance", [0.0, 1.5, pytest.param(4.0, marks=pytest.mark.slow)])
def test_answers_are_the_graphs_two_mixed_at_any_time(form: str, name: str, guidance: float) -> None:
    condition, net, prime = told(form), NETWORKS[form], np.arange(11) % 16
    source = Sampler(engine(form, name), 3, 5, Draw(0.9, 12, 0.98), condition, guidance)
    source.prime(prime)
    judge = Verifier(net, outputs.of(RECIPES[form]), 3, prime, condition, guidance)
    other = Verifier(net, outputs.of(RECIPES[form]), 3, prime, condition, guidance + 0.1)
    for part in source.generate([40, 75, 61], 13, keep_parameters=True):
        judge.judge(part)
        other.judge(part)
        assert part.parameters is not None
        for row, sequence in enumerate(part.sequences.tolist()):  # and are what is drawn from
            at = int(source.positions[sequence]) - part.codes.shape[1]
            for t, code in enumerate(part.codes[row].tolist()):
                u = float(uniform(sequence, at + t))
                assert toys.could_draw(source.draw, part.parameters[row, t], u, code)
    assert judge.difference < BOUND < other.difference


def uniform(sequence: int, at: int) -> np.float64:
    from wavenet.generate.sampler import uniforms

    return np.float64(uniforms(5, sequence, at, 1)[0, 0])


@everywhere
def test_none_is_what_it_is_without_and_zero_is_nothing_told(name: str) -> None:
    condition = told("linear")
    plain = drawn(Sampler(engine("linear", name), 3, 2, condition=condition), 60)
    assert np.array_equal(drawn(Sampler(engine("linear", name), 3, 2, None, condition, 1.0), 60), plain)
    nothing = drawn(Sampler(engine("linear", name), 3, 2), 60)
    assert np.array_equal(drawn(Sampler(engine("linear", name), 3, 2, None, condition, 0.0), 60), nothing)
    assert not np.array_equal(plain, nothing)
    assert not np.array_equal(drawn(Sampler(engine("linear", name), 3, 2, None, condition, 3.0), 60), plain)


@everywhere
@any_form
def test_batches_and_chunks_change_nothing(form: str, name: str) -> None:
    condition = told(form, 11)  # more than half of what is worked on together
    together = drawn(Sampler(engine(form, name), 11, 3, None, condition, 2.5), 40)
    for count, chunk in ((1, 7), (2, 40), (3, 1)):
        alone = drawn(Sampler(engine(form, name), count, 3, None, first(condition, count), 2.5), 40, chunk)
        assert np.array_equal(alone, together[:count])


@everywhere
def test_a_prime_goes_into_both_and_going_back_takes_both_along(name: str) -> None:
    condition, prime = told("linear", 2), np.arange(30) % 16
    source = Sampler(engine("linear", name), 2, 3, None, condition, 2.0)
    source.prime(prime)
    memory = source.memory.export()
    assert memory["clocks"].shape == (4,) and len(set(memory["clocks"].tolist())) == 1
    assert not np.array_equal(memory["memory"][:2], memory["memory"][2:])
    codes = drawn(source, 50)
    judge = Verifier(NETWORKS["linear"], outputs.of(RECIPES["linear"]), 2, prime, condition, 2.0)
    known = np.concatenate([prime, codes[1, :20]])
    source.rewind(1, known, 20)
    judge.rewind(1, known)
    for part in source.generate([0, 40], 9, keep_parameters=True):
        judge.judge(part)
    assert 0 < judge.difference < BOUND


@everywhere
def test_saved_state_goes_on_bit_for_bit(name: str, tmp_path: Path) -> None:
    def begin(guidance: float, batch: int = 2) -> Sampler:
        return Sampler(engine("linear", name), batch, 3, None, told("linear", batch), guidance)

    source = begin(2.0)
    drawn(source, 33)
    source.save(tmp_path / "state")
    going_on = drawn(source, 40)
    again = begin(3.0)
    again.load(tmp_path / "state")
    assert again.guidance == 2.0 and np.array_equal(drawn(again, 40, 7), going_on)
    for other in (begin(1.0), begin(1.0, 4)):
        with pytest.raises(InputError, match="guidance"):
            other.load(tmp_path / "state")
    begin(1.0).save(tmp_path / "without")
    with pytest.raises(InputError, match="and of guidance where it is used"):
        again.load(tmp_path / "without")


def test_what_cannot_be_guided_is_refused() -> None:
    shape, alphabet = RECIPES["fields"].shape, outputs.of(RECIPES["fields"])
    for value in (-0.1, 10.5, float("nan"), float("inf"), True, "2"):
        wrong: Any = value
        with pytest.raises(InputError, match="expected a number from 0 to 10"):
            check_guidance(wrong, shape, alphabet)
    plain: Recipe = toys.recipe()
    assert check_guidance(1, plain.shape, alphabet) == 1.0
    with pytest.raises(InputError, match="told nothing; leave it at 1"):
        check_guidance(1.5, plain.shape, alphabet)

    class Other:
        """An alphabet of another kind."""

    other: Any = Other()
    assert check_guidance(1.0, shape, other) == 1.0
    with pytest.raises(InputError, match="no probability for each code"):
        check_guidance(1.5, shape, other)


def test_the_mix_is_of_log_probabilities() -> None:
    alphabet, rng = outputs.of(RECIPES["fields"]), np.random.default_rng(0)
    one, two = rng.normal(size=(2, 5, 16)).astype(np.float32)
    logs, others = alphabet.log_probabilities(one), alphabet.log_probabilities(two)
    expected = alphabet.log_probabilities(logs + 0.5 * (logs - others))
    np.testing.assert_allclose(alphabet.log_probabilities(guided(one, two, 1.5)), expected, atol=1e-5)
    assert np.array_equal(guided(one, two, 1.0), one) and np.array_equal(guided(one, two, 0.0), two)


def test_the_second_half_is_told_nothing() -> None:
    condition = told("linear", 2)
    hidden = np.array([[False, True], [True, False]])
    some = Condition(condition.shape, condition.fields, condition.tracks, hidden)
    both = with_untold(some).window([0, 1, 2, 3], [4, 4, 4, 4], 20)
    alone, nothing = some.window([0, 1], [4, 4], 20), Condition.nothing(some.shape, 2).window([0, 1], [4, 4], 20)
    for half, expected in ((slice(0, 2), alone), (slice(2, 4), nothing)):
        for name in ("fields", "tracks", "frames", "mean"):
            assert np.array_equal(getattr(both.of(half), name), getattr(expected, name))
