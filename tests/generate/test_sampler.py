"""Law 3's draws and law 4: uniforms by counter, chunks, batches, priming and saved state change nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import outputs
from wavenet.errors import InputError, WavenetError
from wavenet.generate.engines import Engine, Request, build_engine
from wavenet.generate.sampler import Sampler, uniforms
from wavenet.generate.state import Queues
from wavenet.outputs import Alphabet, Categorical, Draw

RECIPE = toys.recipe()
ARRAYS = toys.arrays(RECIPE)
ALPHABET = outputs.of(RECIPE)
BACKENDS = ("reference", "cpu")


def engine(backend: str = "auto", storage: str | None = None, alphabet: Alphabet = ALPHABET) -> Engine:
    return build_engine(backend, Request(RECIPE.shape, ARRAYS, alphabet, storage))


def made(
    batch: int = 1,
    seed: int | list[int] = 5,
    draw: Draw | None = None,
    backend: str = "auto",
    storage: str | None = None,
    alphabet: Alphabet = ALPHABET,
) -> Sampler:
    return Sampler(engine(backend, storage, alphabet), batch, seed, draw)


def codes(source: Sampler, samples: int, chunk: int = 1000) -> np.ndarray:
    return np.concatenate([part.codes for part in source.generate(samples, chunk)], axis=1)


def past(source: Sampler, layer: int) -> np.ndarray:
    assert isinstance(source.memory, Queues)
    return source.memory.past(0, layer)


# --- uniforms --------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(0, 10**12), st.integers(1, 50))
def test_uniforms_depend_on_seed_sequence_and_counter_alone(seed: int, sequence: int, first: int, count: int) -> None:
    whole = uniforms(seed, sequence, first, count)
    parts = np.concatenate([uniforms(seed, sequence, first + i, 1) for i in range(count)])
    assert np.array_equal(whole, parts) and whole.shape == (count, 1)
    three = uniforms(seed, sequence, first, count, 3)
    assert np.array_equal(three[1:], uniforms(seed, sequence, first + 1, count - 1, 3))
    assert ((whole >= 0) & (whole < 1)).all()
    assert whole.tolist() != uniforms(seed, sequence + 1, first, count).tolist()


def test_uniforms_are_uniform() -> None:
    u = np.sort(uniforms(3, 0, 0, 20_000)[:, 0])
    assert np.abs(u - np.arange(20_000) / 20_000).max() < 0.0136  # Kolmogorov-Smirnov at 0.1 %


def test_seeds_differ_and_repeat() -> None:
    assert np.array_equal(codes(made(seed=9), 80), codes(made(seed=9), 80))
    assert not np.array_equal(codes(made(seed=9), 80), codes(made(seed=8), 80))


# --- chunks and batches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_lengths_seeds_and_primes_of_its_own_leave_each_sequence_what_it_is_alone(backend: str) -> None:
    rng = np.random.default_rng(3)
    primes = [rng.integers(0, 16, length) for length in (0, 1, 7, 40, 300)]
    seeds, lengths = [4, 9, 9, 0, 2**62], [130, 20, 0, 130, 77]
    source = made(5, seeds, backend=backend)
    source.prime(primes)
    got: list[list[int]] = [[] for _ in seeds]
    for part in source.generate(lengths, 33):
        for row, sequence in enumerate(part.sequences.tolist()):
            got[sequence] += part.codes[row].tolist()
    assert source.positions.tolist() == lengths
    for sequence, (seed, length, prime) in enumerate(zip(seeds, lengths, primes, strict=True)):
        alone = made(1, seed, backend=backend)
        alone.prime(prime)
        assert got[sequence] == (codes(alone, length)[0].tolist() if length else [])
    further = codes(source, 10)  # those that paused go on where they stood
    alone = made(1, 9, backend=backend)
    alone.prime(primes[1])
    assert np.array_equal(codes(alone, 30)[0, 20:], further[1])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("wrong", [[16], [10**10], [-1], [0.5, 0.2]])
def test_what_is_no_code_is_never_looked_up(backend: str, wrong: list[int], tmp_path: Path) -> None:
    source = made(2, backend=backend)
    with pytest.raises(InputError, match="expected whole codes from 0 to 15"):
        source.prime(np.array(wrong))
    with pytest.raises(InputError, match="expected whole codes from 0 to 15"):
        source.prime([np.array([1]), np.array(wrong)])
    assert not source.memory.clocks.any()  # nothing was taken in
    state = source.state()
    with pytest.raises(InputError, match=r"expected whole codes from 0 to 16|newest is float64"):
        source.restore({**state, "newest": np.array([16, 17 if wrong == [16] else wrong[0]])})
    with pytest.raises(InputError, match="counts of samples"):
        source.restore({**state, "clocks": np.array([3, -1])})


def test_a_prime_may_be_a_list_or_nothing() -> None:
    listed, array = made(2), made(2)
    listed.prime([1, 2, 3])  # type: ignore[list-item]
    array.prime(np.array([1, 2, 3]))
    array.prime(np.zeros(0, np.int64))
    assert np.array_equal(codes(listed, 20), codes(array, 20))


def test_numbers_out_of_range_are_refused_at_once() -> None:
    for wrong in (-1, 2**63):
        with pytest.raises(InputError, match="seed is"):
            made(seed=wrong)
    with pytest.raises(InputError, match="sequences is 0"):
        made(0)
    for lengths in (-3, [1, 2], [1, -1, 2]):
        with pytest.raises(InputError, match="expected one number or 3, each 0 or more"):
            made(3).generate(lengths)
    with pytest.raises(InputError, match="2 seeds for 3 sequences"):
        made(3, [1, 2])
    with pytest.raises(InputError, match="primes for 2 sequences, expected 1 or 3"):
        made(3).prime([np.array([1]), np.array([2])])
    with pytest.raises(InputError, match="chunk is 0"):
        made().generate(3, chunk=0)
    assert np.array_equal(codes(made(seed=np.int64(5)), 20), codes(made(seed=5), 20))  # type: ignore[arg-type]
    assert np.array_equal(codes(made(draw=Draw(1.0, 10**20)), 20), codes(made(), 20))


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interruption_loses_samples_but_no_coherence(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = made(2, backend=backend)
    draw = source.engine.draw

    def interrupted(*arguments: object) -> int:
        draw(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    whole = codes(made(2, backend=backend), 80)
    monkeypatch.setattr(source.engine, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        codes(source, 30)
    monkeypatch.setattr(source.engine, "draw", draw)
    assert source.positions.tolist() == [30, 30]
    assert np.array_equal(codes(source, 50), whole[:, 30:])


# --- sound -----------------------------------------------------------------------------------------------------------


def heard(source: Sampler, samples: int | list[int], chunk: int = 1000) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the codes and the sound of each sequence."""
    parts: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(source.batch)]
    for part in source.generate(samples, chunk):
        assert part.wave.dtype == np.float32
        for row, sequence in enumerate(part.sequences.tolist()):
            parts[sequence].append((part.codes[row], part.wave[row]))
    return [(np.concatenate(a), np.concatenate(b)) for a, b in (zip(*own, strict=True) for own in parts)]


@pytest.mark.parametrize("share", [0.0, 0.85])
@pytest.mark.parametrize("backend", BACKENDS)
def test_chunks_have_the_sound_of_their_codes_behind_that_of_the_prime(backend: str, share: float) -> None:
    alphabet = Categorical(16, preemphasis=share)
    primes = [np.random.default_rng(3).integers(0, 16, length) for length in (0, 1, 7, 300)]
    source = made(4, backend=backend, alphabet=alphabet)
    source.prime([one[:5] for one in primes])
    source.prime([one[5:] for one in primes])
    for prime, (drawn, wave) in zip(primes, heard(source, [130, 20, 77, 130], 33), strict=True):
        assert np.array_equal(wave, alphabet.decode(np.append(prime, drawn))[len(prime) :])


EMPHASISED = Categorical(16, preemphasis=0.85)


def test_sound_with_pre_emphasis_goes_back_to_where_it_stood() -> None:
    source = made(2, alphabet=EMPHASISED)
    (known, _), _ = heard(source, 60)
    stood = float(source.sound.last[0])
    heard(source, 7)
    for last in (stood, None):
        source.rewind(0, known, 60, last)
        assert source.sound.last[0] == stood
    (drawn, wave), _ = heard(source, 20)
    assert np.array_equal(wave, EMPHASISED.decode(np.append(known, drawn))[60:])


def test_sound_with_pre_emphasis_goes_on_from_a_file(tmp_path: Path) -> None:
    source, other = (made(2, alphabet=EMPHASISED) for _ in range(2))
    heard(source, 60)
    source.save(tmp_path / "state.safetensors")
    other.load(tmp_path / "state.safetensors")
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(heard(source, 50), heard(other, 50), strict=True))
    state = other.state()
    with pytest.raises(InputError, match="newest samples are not all finite"):
        other.restore({**state, "last": np.array([0.0, np.nan])})
    without = {name: value for name, value in state.items() if name != "last"}
    with pytest.raises(InputError):
        other.restore(without)
    made(2).restore(without)
    with pytest.raises(InputError):
        made(2).restore(state)


def test_sound_with_pre_emphasis_stands_behind_what_an_interruption_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    source, expected = (made(2, alphabet=EMPHASISED) for _ in range(2))
    draw = source.engine.draw

    def interrupted(*arguments: object) -> int:
        draw(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(source.engine, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        heard(source, 25)
    heard(expected, 25)
    assert source.sound.last.all() and np.array_equal(source.sound.last, expected.sound.last)


# --- priming ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 60), st.sampled_from(BACKENDS))
def test_priming_in_one_pass_is_priming_step_by_step(length: int, backend: str) -> None:
    sound = np.random.default_rng(1).integers(0, 16, length)
    once, stepped = made(backend=backend), made(backend=backend)
    once.prime(sound)
    for code in sound:
        stepped.prime(np.array([code]))
    assert np.array_equal(codes(once, 60), codes(stepped, 60))
    for layer in range(len(RECIPE.shape.layers)):
        np.testing.assert_allclose(past(once, layer), past(stepped, layer), atol=1e-5)


@pytest.mark.parametrize("length", [16, 17, 40, 200])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_prime_longer_than_the_receptive_field_costs_and_changes_nothing_more(length: int, backend: str) -> None:
    sound = np.random.default_rng(1).integers(0, 16, length)
    short, long = made(2, backend=backend), made(2, backend=backend)
    long.prime(sound)
    assert long.memory.clocks.max() <= RECIPE.shape.receptive_field
    for code in sound:
        short.prime(np.array([code]))
    assert np.array_equal(codes(short, 60), codes(long, 60))


@pytest.mark.parametrize("length", [0, 1, 14, 15, 40])
@pytest.mark.parametrize("backend", BACKENDS)
def test_going_back_is_to_have_drawn_no_more_with_new_uniforms(length: int, backend: str) -> None:
    source, fresh = made(3, backend=backend), made(3, backend=backend)
    whole, beside = codes(source, 50), codes(made(3, backend=backend), 90)
    source.rewind(1, whole[1, :length], length)
    assert source.positions.tolist() == [50] * 3
    fresh.prime([whole[0], whole[1, :length], whole[2]])
    fresh.positions[:] = 50
    assert source.times.tolist() == [50, length, 50]
    got = codes(source, 40)
    assert np.array_equal(got, codes(fresh, 40)) and np.array_equal(got[[0, 2]], beside[[0, 2], 50:])
    with pytest.raises(InputError, match="expected whole codes from 0 to 15"):
        source.rewind(1, np.array([16]), 1)


# --- state -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_state_in_a_file_goes_on_bit_for_bit(backend: str, tmp_path: Path) -> None:
    source = made(3, draw=Draw(0.8, 5, 0.9), backend=backend)
    source.prime([np.arange(9), np.arange(3), np.arange(0)])
    list(source.generate([50, 3, 20]))
    source.save(tmp_path / "state.safetensors")
    (expected,) = source.generate(70, keep_parameters=True)
    other = made(3, seed=0, backend=backend)
    other.load(tmp_path / "state.safetensors")
    assert other.draw == source.draw
    (got,) = other.generate(70, keep_parameters=True)
    assert np.array_equal(got.codes, expected.codes)
    assert got.parameters is not None and expected.parameters is not None
    assert got.parameters.tobytes() == expected.parameters.tobytes()


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    source, path = made(2), tmp_path / "state.safetensors"
    source.save(path)
    with pytest.raises(InputError, match=r"memory is float32 \[2, .*expected float32 \[1, "):
        made(1).load(path)
    with pytest.raises(InputError, match="another network"):
        Sampler(engine("cpu", "float32"), 2).load(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="cannot be read as a saved state"):
        made(2).load(path)
    with pytest.raises(InputError, match="cannot be read as a saved state"):
        made(2).load(tmp_path / "nowhere")
    from safetensors.numpy import save_file

    told = {"format": "wavenet-state", "network": source.engine.packed.digest(), "draw": '{"temperature": -1}'}
    save_file(source.state(), path, told)
    with pytest.raises(InputError, match=r"temperature|settings for drawing"):
        source.load(path)
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(InputError, match="not a saved state"):
        made(2).load(path)
    with pytest.raises(InputError, match="memory is missing"):
        made(2).restore({})


def test_a_state_that_cannot_be_is_refused_before_it_is_read(tmp_path: Path) -> None:
    import struct

    from safetensors.numpy import save as to_bytes

    source, path = made(1), tmp_path / "state.safetensors"
    told = {"format": "wavenet-state", "network": source.engine.packed.digest()}
    good = '{"temperature": 1.0, "top_k": 0, "top_p": 1.0}'
    state = source.state()
    wrong: list[tuple[dict[str, np.ndarray], str, str]] = [
        ({"memory": state["memory"] * np.nan}, good, "not finite"),
        ({"clocks": np.full(1, 2**62)}, good, "counts of samples"),
        ({"positions": np.full(1, -1)}, good, "counts of samples"),
        ({"newest": np.full(1, 10**6)}, good, "whole codes"),
        ({}, "[" * 90_000, "settings for drawing"),
        ({}, '{"temperature": 1.0, "top_k": 1.5, "top_p": 1.0}', "temperature, top-k and top-p"),
        ({}, '{"temperature": true, "top_k": 1, "top_p": 1.0}', "temperature, top-k and top-p"),
    ]
    for changes, draw, words in wrong:
        path.write_bytes(to_bytes({**state, **changes}, {**told, "draw": draw}))
        with pytest.raises(InputError, match=words) as caught:
            source.load(path)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    size = 1 << 40  # a file of nothing: what it describes is a terabyte
    text = json.dumps(
        {"__metadata__": {**told, "draw": good}, "memory": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    )
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode())
    with path.open("ab") as file:
        file.truncate(8 + len(text) + size)
    with pytest.raises(InputError, match=r"memory is float32 \[1099511627776\]|cannot be read as a saved state"):
        source.load(path)


# --- the draw --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_temperature_zero_takes_the_likeliest(backend: str) -> None:
    source = made(draw=Draw(temperature=0.0), backend=backend)
    for part in source.generate(40, keep_parameters=True):
        assert part.parameters is not None
        assert np.array_equal(part.codes, part.parameters.argmax(axis=-1))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_draw_may_change_between_chunks(backend: str) -> None:
    source = made(backend=backend)
    warm = codes(source, 30)
    source.draw = Draw(temperature=0.0)
    cold = codes(source, 30)
    plain = codes(made(backend=backend), 60)
    assert np.array_equal(warm, plain[:, :30]) and not np.array_equal(cold, plain[:, 30:])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [1, 3])
def test_an_answer_that_is_not_finite_ends_the_sound(backend: str, batch: int) -> None:
    arrays = {name: value.copy() for name, value in ARRAYS.items()}
    arrays["output.weight"][:] = 3e38
    arrays["hidden.bias"][:] = 10.0
    source = Sampler(build_engine(backend, Request(RECIPE.shape, arrays, ALPHABET, "float32")), batch)
    with pytest.raises(WavenetError, match=r"within the next 1 sample is not finite.*lower learning rate"):
        list(source.generate(10))


# --- chunks say ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_chunks_say_what_was_fed_and_answered(backend: str) -> None:
    (part,) = made(2, backend=backend).generate(30, keep_parameters=True)
    assert part.sequences.tolist() == [0, 1]
    assert part.fed[0, 0] == ALPHABET.size
    assert np.array_equal(part.fed[:, 1:], part.codes[:, :-1])
    assert part.parameters is not None and part.parameters.shape == (2, 30, 16)
