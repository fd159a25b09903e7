"""What pre-emphasis takes off comes back to within the steps of the codes, and pieces are what the whole is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.outputs import Categorical, preemphasis
from wavenet.outputs.preemphasis import Decoder, emphasised, restored

sweep = settings(deadline=None, max_examples=60)
shares = st.one_of(st.sampled_from([0.0, 0.5, 0.85, 0.97]), st.floats(0.0, 0.97))


def noise(length: int, seed: int = 0, most: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-most, most, length).astype(np.float32)


@given(shares.filter(bool), st.integers(1, 40))
@sweep
def test_each_sample_loses_a_share_of_the_one_before_it_and_the_first_nothing(share: float, length: int) -> None:
    wave = noise(length)
    made = emphasised(wave, share)
    assert made.dtype == np.float64 and made[0] == wave[0]
    for t in range(1, length):
        assert made[t] == float(wave[t]) - share * float(wave[t - 1])
    np.testing.assert_allclose(restored(made, share), wave, atol=1e-12)
    several = emphasised(np.stack([wave, -wave])[None], share)
    assert np.array_equal(several, np.stack([made, -made])[None])


def test_what_is_out_of_range_is_clamped_before_it_is_filtered() -> None:
    wave = np.array([3.0, 1.0, np.nan, -np.inf, 0.5], np.float32)
    assert emphasised(wave, 0.5).tolist() == [1.0, 0.5, -0.5, -1.0, 1.0]
    assert np.array_equal(
        Categorical(256, preemphasis=0.5).encode(wave[:2]), Categorical(256).encode(wave[1:2] / [1, 2])
    )


@given(shares, st.sampled_from([2, 16, 255, 256, 4_096]), st.integers(1, 300), st.integers(0, 99))
@sweep
def test_sound_comes_back_to_within_what_the_steps_of_its_codes_add_up_to(
    share: float, size: int, length: int, seed: int
) -> None:
    alphabet, wave = Categorical(size, preemphasis=share), noise(length, seed, 1 / (1 + share))
    codes = alphabet.encode(wave)
    levels = np.append(alphabet.values(np.arange(size)), np.float32(1)).astype(np.float64)
    gaps = np.diff(levels, prepend=-1.0)
    widest = np.maximum(gaps[codes], gaps[codes + 1])  # a code is nearest to a value where it is companded
    assert (np.abs(alphabet.decode(codes) - wave) <= restored(widest, share) + 1e-6).all()


@given(shares, st.lists(st.integers(0, 50), max_size=8), st.integers(1, 4), st.integers(1, 60))
@sweep
def test_pieces_of_any_length_decode_to_the_bit_as_the_whole(
    share: float, lengths: list[int], batch: int, block: int
) -> None:
    alphabet = Categorical(256, preemphasis=share)
    codes = np.random.default_rng(1).integers(0, 256, (batch, sum(lengths)))
    whole, decoder, made, first = alphabet.decode(codes), alphabet.decoder(batch), [np.zeros((batch, 0))], 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preemphasis, "BLOCK", block)
        for length in lengths:
            made.append(decoder.decode(codes[:, first : first + length]))
            first += length
    assert whole.dtype == np.float32 and np.array_equal(np.concatenate(made, axis=1), whole)
    assert np.array_equal(alphabet.decode(codes[None])[0], whole) and alphabet.decode(codes[:0]).shape == (0, first)
    if share and first:
        assert np.array_equal(decoder.last.astype(np.float32), whole[:, -1])


def test_each_sound_goes_on_from_where_it_stands() -> None:
    alphabet = Categorical(256, preemphasis=0.85)
    codes = np.random.default_rng(2).integers(0, 256, (3, 30))
    whole, decoder = alphabet.decode(codes), alphabet.decoder(3)
    decoder.take_in(codes[2, :10], 2)
    assert decoder.last.tolist() == [0.0, 0.0, decoder.last[2]] and np.float32(decoder.last[2]) == whole[2, 9]
    made = decoder.decode(codes[[2, 0]][:, 10:], [2, 0])
    assert np.array_equal(made[0], whole[2, 10:])
    assert np.array_equal(made[1], alphabet.decode(codes[0, 10:])) and decoder.last[1] == 0.0
    again = alphabet.decoder(3)
    again.last[:] = decoder.last
    assert np.array_equal(again.decode(codes), decoder.decode(codes))


def test_what_lies_beyond_full_scale_is_kept_and_comes_back() -> None:
    decoder = Decoder(lambda codes: codes.astype(np.float32) / 4, 0.5)
    assert decoder.decode(np.array([[4, 4, -6, 0]])).tolist() == [[1.0, 1.5, -0.75, -0.375]]
    assert decoder.last.tolist() == [-0.375]


def test_without_it_sound_is_what_the_codes_say_and_nothing_is_kept() -> None:
    alphabet, wave = Categorical(256), noise(500)
    codes = alphabet.encode(wave)
    assert emphasised(wave, 0.0) is wave and codes.tolist() == alphabet.quantise(wave).tolist()
    decoder = alphabet.decoder(1)
    assert decoder.decode(codes[None]).tobytes() == alphabet.values(codes).tobytes() == alphabet.decode(codes).tobytes()
    assert decoder.last.tolist() == [0.0] and np.array_equal(alphabet.encode(alphabet.decode(codes)), codes)
