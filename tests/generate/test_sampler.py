"""Law 3's draws and law 4: uniforms by counter, chunks, batches, priming and saved state change nothing."""

from __future__ import annotations

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import outputs
from wavenet.errors import InputError
from wavenet.generate import sampler
from wavenet.generate.packed import Packed, pack
from wavenet.generate.sampler import Sampler, uniforms
from wavenet.model import network
from wavenet.outputs import Draw


def packed(**sections: dict[str, object]) -> Packed:
    recipe = toys.recipe(**sections)
    return pack(recipe.shape, network.build(recipe).arrays())


PACKED = packed()
ALPHABET = outputs.of(toys.recipe())


def made(batch: int = 1, seed: int = 5, draw: Draw | None = None) -> Sampler:
    return Sampler(sampler.backend("auto", PACKED), ALPHABET, batch, seed, draw)


def codes(source: Sampler, samples: int, chunk: int = 1000) -> np.ndarray:
    return np.concatenate([part.codes for part in source.generate(samples, chunk)], axis=1)


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(0, 10**12), st.integers(1, 50))
def test_uniforms_depend_on_seed_sequence_and_counter_alone(seed: int, sequence: int, first: int, count: int) -> None:
    whole = uniforms(seed, sequence, first, count)
    parts = [uniforms(seed, sequence, first + i, 1)[0] for i in range(count)]
    assert whole.tolist() == parts
    assert ((whole >= 0) & (whole < 1)).all()
    assert whole.tolist() != uniforms(seed, sequence + 1, first, count).tolist()


def test_uniforms_are_uniform() -> None:
    u = np.sort(uniforms(3, 0, 0, 20_000))
    assert np.abs(u - np.arange(20_000) / 20_000).max() < 0.0136  # Kolmogorov-Smirnov at 0.1 %


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 37))
def test_chunks_change_nothing(chunk: int) -> None:
    assert np.array_equal(codes(made(2), 90), codes(made(2), 90, chunk))


def test_a_batch_begins_with_the_sounds_of_a_smaller_one() -> None:
    many = codes(made(5), 120)
    assert np.array_equal(many[:1], codes(made(1), 120))
    assert np.array_equal(many[:3], codes(made(3), 120))
    assert len({row.tobytes() for row in many}) == 5


def test_seeds_differ_and_repeat() -> None:
    assert np.array_equal(codes(made(seed=9), 80), codes(made(seed=9), 80))
    assert not np.array_equal(codes(made(seed=9), 80), codes(made(seed=8), 80))


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 60))
def test_priming_in_one_pass_is_priming_step_by_step(length: int) -> None:
    sound = np.random.default_rng(1).integers(0, 16, length)
    once, stepped = made(), made()
    once.prime(sound)
    for code in sound:
        stepped.prime(np.array([code]))
    assert np.array_equal(codes(once, 60), codes(stepped, 60))
    for index in range(len(PACKED.layers)):
        np.testing.assert_allclose(once.queues.past(index), stepped.queues.past(index), atol=1e-5)


@pytest.mark.parametrize("length", [16, 17, 40, 200])
def test_a_prime_longer_than_the_receptive_field_costs_and_changes_nothing_more(length: int) -> None:
    sound = np.random.default_rng(1).integers(0, 16, length)
    short, long = made(2), made(2)
    long.prime(sound)
    for code in sound:
        short.prime(np.array([code]))
    assert np.array_equal(codes(short, 60), codes(long, 60))


def test_priming_with_what_was_drawn_goes_on_as_if_it_had_been_drawn() -> None:
    whole = codes(made(), 100)
    source = made()
    source.prime(whole[0, :60])
    source.position = 60
    assert np.array_equal(codes(source, 40), whole[:, 60:])


def test_a_saved_state_goes_on_bit_for_bit() -> None:
    source = made(2)
    codes(source, 50)
    state = source.state()
    expected = codes(source, 70)
    other = made(2, seed=0)
    other.restore(state)
    assert np.array_equal(codes(other, 70), expected)


def test_temperature_zero_takes_the_likeliest() -> None:
    source = made(draw=Draw(temperature=0.0))
    for part in source.generate(40, keep_parameters=True):
        assert part.parameters is not None
        assert np.array_equal(part.codes, part.parameters.argmax(axis=-1))


def test_the_draw_may_change_between_chunks() -> None:
    source = made()
    warm = codes(source, 30)
    source.draw = Draw(temperature=0.0)
    cold = codes(source, 30)
    plain = codes(made(), 60)
    assert np.array_equal(warm, plain[:, :30]) and not np.array_equal(cold, plain[:, 30:])


def test_draws_follow_the_distribution() -> None:
    logits = np.random.default_rng(0).standard_normal((1, 6)).astype(np.float32)
    draw = Draw(temperature=0.7, top_k=4)
    drawn = draw(np.repeat(logits, 40_000, axis=0), uniforms(1, 0, 0, 40_000))
    shares = np.bincount(drawn, minlength=6) / 40_000
    np.testing.assert_allclose(shares, draw.probabilities(logits)[0], atol=0.012)


def test_chunks_say_what_was_fed_and_answered() -> None:
    (part,) = made().generate(30, keep_parameters=True)
    assert part.inputs[0, 0] == ALPHABET.starts(1)[0]
    assert np.array_equal(part.inputs[0, 1:], part.codes[0, :-1])
    assert part.parameters is not None and part.parameters.shape == (1, 30, 16)


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(InputError, match="did you mean 'reference'"):
        sampler.backend("referense", PACKED)


def test_scalar_input_feeds_values() -> None:
    recipe = toys.recipe(model={"input": "scalar"})
    alphabet = outputs.of(recipe)
    source = Sampler(sampler.backend("reference", packed(model={"input": "scalar"})), alphabet, 1, 4)
    (part,) = source.generate(20)
    assert part.inputs[0, 0] == 0.0
    assert np.array_equal(part.inputs[0, 1:], alphabet.decode(part.codes[0, :-1]))
