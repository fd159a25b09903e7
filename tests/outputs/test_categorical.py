"""Held: mu-law codes survive every trip, and the likelihood is the log-softmax."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import outputs
from wavenet.audio.files import to_pcm
from wavenet.outputs import IGNORED, Categorical

EVERY = range(2, 4097)


def test_every_code_of_every_alphabet_comes_back() -> None:
    for classes in EVERY:
        alphabet, codes = Categorical(classes), np.arange(classes)
        values = alphabet.decode(codes)
        assert values.dtype == np.float32
        assert np.array_equal(alphabet.encode(values), codes), classes
        assert (np.diff(values) > 0).all(), classes
        assert (values[0], values[-1]) == (-1.0, 1.0)
        assert np.allclose(values, -values[::-1], atol=1e-7)


def test_every_code_comes_back_through_a_file_of_enough_bits() -> None:
    for classes in EVERY:
        alphabet, codes = Categorical(classes), np.arange(classes)
        values = alphabet.decode(codes)
        for bits in {alphabet.pcm_bits, 24}:
            played = to_pcm(values, bits) / 2.0 ** (bits - 1)
            assert np.array_equal(alphabet.encode(played), codes), (classes, bits)
            assert np.array_equal(alphabet.encode(played.astype(np.float32)), codes), (classes, bits)


def test_sixteen_bits_are_too_few_for_a_thousand_classes() -> None:
    alphabet, codes = Categorical(1024), np.arange(1024)
    played = to_pcm(alphabet.decode(codes), 16) / 2.0**15
    assert not np.array_equal(alphabet.encode(played), codes)


@settings(deadline=None, max_examples=75)
@given(st.integers(2, 4096), st.floats(-1, 1))
def test_encoding_is_the_formula_of_the_paper(classes: int, x: float) -> None:
    mu = classes - 1
    companded = math.copysign(math.log(1 + mu * abs(x)) / math.log(1 + mu), x)
    exact = (companded + 1) / 2 * mu
    code = int(Categorical(classes).encode(np.array([x]))[0])
    assert abs(code - exact) <= 0.5 + 1e-9
    decoded = math.copysign(((1 + mu) ** abs(2 * code / mu - 1) - 1) / mu, 2 * code / mu - 1)
    assert Categorical(classes).decode(np.array([code]))[0] == pytest.approx(decoded, abs=1e-7)


def test_known_codes_of_256() -> None:
    wave = np.array([-1.0, -0.5, -0.01, 0.0, 0.01, 0.5, 1.0])
    assert Categorical(256).encode(wave).tolist() == [0, 16, 98, 128, 157, 239, 255]


@pytest.mark.parametrize("classes", [2, 3, 255, 256, 1024, 4096])
def test_more_is_never_less(classes: int) -> None:
    values = Categorical(classes).decode(np.arange(classes))
    wave = np.sort(np.concatenate([np.linspace(-1.2, 1.2, 20_001), np.linspace(-1e-4, 1e-4, 2_001), values]))
    codes = Categorical(classes).encode(wave)
    assert (np.diff(codes) >= 0).all()
    assert set(codes.tolist()) == set(range(classes))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 7, 256, 4096])
def test_what_is_beyond_full_scale_is_clamped_and_nan_is_silence(classes: int, dtype: type) -> None:
    wave = np.array([[1.5, np.inf, 60000.0], [-1.5, -np.inf, -60000.0], [np.nan, 0.0, -0.0]], dtype)
    codes = Categorical(classes).encode(wave)
    zero = classes // 2  # (y + 1) / 2 * mu + 0.5 at y = 0, rounded down
    assert codes.dtype == np.int64
    assert codes.tolist() == [[classes - 1] * 3, [0] * 3, [zero] * 3]
    assert np.isnan(wave[2, 0])  # the wave itself stays as it was


def test_shapes_are_kept() -> None:
    alphabet = Categorical(16)
    for shape in ((0,), (3,), (2, 0), (2, 3, 4)):
        codes = alphabet.encode(np.zeros(shape, np.float32))
        assert codes.shape == shape
        assert alphabet.decode(codes).shape == shape


def test_decoded_values_are_nobodys_to_change() -> None:
    first = Categorical(8).decode(np.arange(8))
    first[:] = 0.0
    assert Categorical(8).decode(np.array([7]))[0] == 1.0


def test_what_the_network_is_fed() -> None:
    codes = np.array([[0, 15], [7, 8]])
    assert np.array_equal(Categorical(16).inputs(codes), codes)
    values = Categorical(16, embedding=False).inputs(codes)
    assert values.dtype == np.float32
    assert values[0].tolist() == [-1.0, 1.0]
    assert Categorical(16, embedding=False).inputs(np.array([16])).tolist() == [0.0]  # *start*


@pytest.mark.parametrize("classes", [2, 16, 256])
def test_nll_is_minus_the_log_softmax_of_the_target(classes: int) -> None:
    generator = torch.Generator().manual_seed(classes)
    logits = 5 * torch.randn(3, 40, classes, generator=generator)
    targets = torch.randint(0, classes, (3, 40), generator=generator)
    nll = Categorical(classes).nll(logits, targets)
    p = logits.double().exp() / logits.double().exp().sum(-1, keepdim=True)
    expected = -p.gather(-1, targets[..., None])[..., 0].log()
    assert nll.dtype == torch.float32
    assert torch.allclose(nll.double(), expected, atol=1e-5)
    assert Categorical(classes).nll(logits.bfloat16(), targets).dtype == torch.float32


def test_ignored_targets_add_nothing_and_teach_nothing() -> None:
    logits = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(1)).requires_grad_()
    targets = torch.tensor([[1, IGNORED, 3, IGNORED, IGNORED, 0], [IGNORED] * 6])
    nll = Categorical(8).nll(logits, targets)
    ignored = targets == IGNORED
    assert (nll[ignored] == 0).all()
    assert (nll[~ignored] > 0).all()
    nll.sum().backward()
    assert logits.grad is not None
    assert (logits.grad[ignored] == 0).all()
    assert (logits.grad[~ignored] != 0).any(dim=-1).all()


def test_log_probabilities_are_the_nll_of_every_class() -> None:
    logits = np.random.default_rng(2).normal(0, 4, (2, 5, 9)).astype(np.float32)
    logs = Categorical(9).log_probabilities(logits)
    assert (logs.shape, logs.dtype) == ((2, 5, 9), np.float32)
    for code in range(9):
        nll = Categorical(9).nll(torch.from_numpy(logits), torch.full((2, 5), code))
        assert np.allclose(logs[..., code], -nll.numpy(), atol=1e-5)
        some = Categorical(9).log_probabilities(logits, np.full((2, 5, 1), code))
        assert np.array_equal(some[..., 0], logs[..., code])


def test_log_probabilities_of_extreme_logits_are_finite() -> None:
    logits = np.array([[3e38, -3e38, 0.0], [-3e38, -3e38, -3e38]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        logs = Categorical(3).log_probabilities(logits / 2)
    assert np.isfinite(logs).all()
    assert logs[0, 0] == 0.0
    assert np.allclose(logs[1], -math.log(3))


def test_the_baseline_is_the_histogram_smoothed_by_one() -> None:
    alphabet, counts = Categorical(4), np.array([0, 3, 5, 0], np.int64)
    for seen, expected in ((counts, np.array([1, 4, 6, 1]) / 12), (np.zeros(4, np.int64), np.full(4, 0.25))):
        logs = alphabet.log_probabilities(alphabet.baseline(seen))
        assert logs.dtype == np.float64 and np.exp(logs) == pytest.approx(expected, abs=1e-15)


def test_a_recipe_names_its_alphabet() -> None:
    embedded = toys.recipe(model={"input": "embedding"}, output={"classes": 16})
    assert outputs.of(embedded) == Categorical(16, embedding=True)
    scalar = toys.recipe(model={"input": "scalar"}, output={"classes": 300})
    assert outputs.of(scalar) == Categorical(300, embedding=False)
    assert outputs.of(scalar).parameters == 300
