"""Held: mu-law codes survive every trip, draws are those of a plain definition, and the shift by one is exactly one."""

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
from wavenet.outputs import IGNORED, Categorical, Draw

EVERY = range(2, 4097)
EDGE = 1e-6  # nearer to an edge a draw may fall either way


# --- mu-law ----------------------------------------------------------------------------------------------------------


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
        for bits in (16, 24) if classes <= 512 else (24,):
            played = to_pcm(values, bits) / 2.0 ** (bits - 1)
            assert np.array_equal(alphabet.encode(played), codes), (classes, bits)
            assert np.array_equal(alphabet.encode(played.astype(np.float32)), codes), (classes, bits)


def test_sixteen_bits_are_too_few_for_a_thousand_classes() -> None:
    alphabet, codes = Categorical(1024), np.arange(1024)
    played = to_pcm(alphabet.decode(codes), 16) / 2.0**15
    assert not np.array_equal(alphabet.encode(played), codes)


@settings(deadline=None, max_examples=150)
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


# --- draws -----------------------------------------------------------------------------------------------------------


def plain_draw(
    logits: list[float], u: float, temperature: float, top_k: int, top_p: float
) -> tuple[int, list[float], bool]:
    """Return the class, the distribution, and whether an edge lies too near: law 3 as it reads, without NumPy."""
    order = sorted(range(len(logits)), key=lambda c: (-logits[c], c))
    if temperature == 0:
        return order[0], [float(c == order[0]) for c in range(len(logits))], False
    top = logits[order[0]]
    weights = [math.exp((logit - top) / temperature) for logit in logits]
    kept = order[:top_k] if top_k else order
    total, share, nucleus, near = math.fsum(weights[c] for c in kept), 0.0, [], False
    for c in kept:
        if nucleus and share >= top_p:
            break
        nucleus.append(c)
        share += weights[c] / total
        near = near or abs(share - top_p) < EDGE
    if top_p >= 1:
        nucleus, near = kept, False
    total = math.fsum(weights[c] for c in nucleus)
    p = [weights[c] / total if c in nucleus else 0.0 for c in range(len(logits))]
    cumulative, drawn = 0.0, None
    for c, share in enumerate(p):
        cumulative += share
        near = near or abs(cumulative - u) < EDGE
        if drawn is None and cumulative > u:
            drawn = c
    return -1 if drawn is None else drawn, p, near


def awkward_logits(rng: np.random.Generator, rows: int, classes: int) -> np.ndarray:
    """Return rows that are smooth, peaked, full of ties, all equal, or near the ends of float32."""
    smooth = rng.standard_normal((rows, classes))
    scale = rng.choice([0.1, 1.0, 10.0, 1000.0], (rows, 1))
    logits = (smooth * scale).astype(np.float32)
    ties = rng.random(rows) < 0.3
    logits[ties] = np.round(smooth[ties] * 1.5)
    logits[0] = 0.25
    logits[1] = np.where(rng.random(classes) < 0.5, np.float32(3e38), np.float32(-3e38))
    logits[2] = np.float32(-3e38)
    logits[3, :] = -200.0
    logits[3, classes // 2] = 300.0
    return logits


SETTINGS = [
    (temperature, top_k, top_p)
    for temperature in (0.0, 0.3, 1.0, 2.5, 100.0)
    for top_k in (0, 1, 3, 1000)
    for top_p in (1.0, 0.83, 0.37, 1e-9)
]


def test_draws_are_those_of_the_plain_definition() -> None:
    rng = np.random.default_rng(5)
    left_out = cases = 0
    for index, (temperature, top_k, top_p) in enumerate(SETTINGS):
        classes = (2, 5, 16, 33)[index % 4]
        logits, u = awkward_logits(rng, 60, classes), rng.random(60)
        draw = Draw(temperature, top_k, top_p)
        p, codes = draw.probabilities(logits), draw(logits, u)
        assert (p.dtype, codes.dtype) == (np.float64, np.int64)
        assert np.allclose(p.sum(axis=1), 1.0, atol=1e-12)
        for row in range(len(u)):
            code, expected, near = plain_draw(logits[row].tolist(), float(u[row]), temperature, top_k, top_p)
            cases, left_out = cases + 1, left_out + near
            if not near:
                assert codes[row] == code, (row, temperature, top_k, top_p)
                assert np.allclose(p[row], expected, atol=1e-9)
    assert left_out < 0.01 * cases


@pytest.mark.parametrize("u", [0.0, 1e-300, 0.5, 1.0 - 2.0**-53])
def test_a_class_that_was_cut_is_never_drawn(u: float) -> None:
    rng = np.random.default_rng(6)
    for temperature, top_k, top_p in SETTINGS:
        logits = awkward_logits(rng, 40, 17)
        draw = Draw(temperature, top_k, top_p)
        p, codes = draw.probabilities(logits), draw(logits, np.full(40, u))
        assert (p[np.arange(40), codes] > 0).all()
        assert ((p > 0).sum(axis=1) <= (top_k or 17)).all()


def test_cuts_keep_the_lower_class_of_a_tie() -> None:
    logits = np.array([[1.0, 2.0, 2.0, 2.0, 0.0]], np.float32)
    assert Draw(top_k=2).probabilities(logits)[0].tolist() == [0.0, 0.5, 0.5, 0.0, 0.0]
    assert Draw(top_p=0.4).probabilities(logits)[0].tolist() == [0.0, 0.5, 0.5, 0.0, 0.0]
    assert Draw(temperature=0.0).probabilities(logits)[0].tolist() == [0.0, 1.0, 0.0, 0.0, 0.0]


def test_top_p_counts_what_top_k_has_left() -> None:
    logits = np.log(np.array([[0.4, 0.3, 0.2, 0.1]], np.float32))
    # of all four, 0.4 + 0.3 are needed for 0.55; of the best two the first alone has 0.571
    assert np.count_nonzero(Draw(top_p=0.55).probabilities(logits)) == 2
    assert np.count_nonzero(Draw(top_k=2, top_p=0.55).probabilities(logits)) == 1


def test_temperature_acts_before_the_cuts() -> None:
    logits = np.log(np.array([[0.6, 0.2, 0.1, 0.1]], np.float32))
    assert np.count_nonzero(Draw(top_p=0.55).probabilities(logits)) == 1
    assert np.count_nonzero(Draw(temperature=10.0, top_p=0.55).probabilities(logits)) == 3


def test_draws_have_the_frequencies_of_their_distribution() -> None:
    p = np.array([0.1, 0.0, 0.5, 0.15, 0.25])
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(p), -1e30).astype(np.float32)
    u = (np.arange(20_000) + 0.5) / 20_000
    codes = Draw()(np.broadcast_to(logits, (20_000, 5)), u)
    assert (np.diff(codes) >= 0).all()  # the inverse of a cumulative sum in class order
    assert np.bincount(codes, minlength=5) / 20_000 == pytest.approx(p, abs=1e-4)


def test_the_smallest_temperature_is_no_warning_and_takes_the_likeliest() -> None:
    logits = np.array([[0.0, 3.0, -7.0]], np.float32)
    assert Draw(temperature=5e-324)(logits, np.array([0.999])).tolist() == [1]


# --- crops -----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(st.data(), st.booleans(), st.sampled_from([2, 5, 256]))
def test_each_target_is_predicted_from_the_samples_right_before_it(
    data: st.DataObject, embedding: bool, classes: int
) -> None:
    length = data.draw(st.integers(1, 30))
    first = data.draw(st.integers(0, length - 1))
    count = data.draw(st.integers(1, length - first))
    context = data.draw(st.integers(1, 25))
    file = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    alphabet = Categorical(classes, embedding)
    inputs, targets = alphabet.crop(file[max(0, first - context) : first + count], first, count, context)

    def fed(position: int) -> float:
        if position < 0:
            return float(classes) if embedding else 0.0
        code = alphabet.encode(file[position : position + 1])
        return float(code[0]) if embedding else float(alphabet.decode(code)[0])

    assert inputs.shape == (count + context - 1,)
    assert inputs.dtype == (np.int64 if embedding else np.float32)
    assert targets.dtype == np.int64
    assert targets.tolist() == alphabet.encode(file[first : first + count]).tolist()
    for j in range(count):  # target j's receptive field ends at the sample before it
        assert inputs[j : j + context].tolist() == [fed(first + j - context + i) for i in range(context)]


def test_start_is_no_code_and_no_target() -> None:
    codes, values = Categorical(256).starts(2, 3), Categorical(256, embedding=False).starts(4)
    assert codes.dtype == np.int64 and codes.tolist() == [[256] * 3] * 2
    assert values.dtype == np.float32 and values.tolist() == [0.0] * 4
    _, targets = Categorical(4).crop(np.ones(3, np.float32), 0, 3, 10)
    assert targets.tolist() == [3, 3, 3]


def test_what_the_network_is_fed() -> None:
    codes = np.array([[0, 15], [7, 8]])
    assert np.array_equal(Categorical(16).inputs(codes), codes)
    values = Categorical(16, embedding=False).inputs(codes)
    assert values.dtype == np.float32
    assert values[0].tolist() == [-1.0, 1.0]


# --- likelihood ------------------------------------------------------------------------------------------------------


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


def test_log_probabilities_of_extreme_logits_are_finite() -> None:
    logits = np.array([[3e38, -3e38, 0.0], [-3e38, -3e38, -3e38]], np.float32)
    with np.errstate(all="raise", under="ignore"):
        logs = Categorical(3).log_probabilities(logits / 2)
    assert np.isfinite(logs).all()
    assert logs[0, 0] == 0.0
    assert np.allclose(logs[1], -math.log(3))


# --- baselines -------------------------------------------------------------------------------------------------------


def test_a_histogram_is_smoothed_by_one_and_sums_to_one() -> None:
    counts = np.array([0, 3, 5, 0], np.int64)
    assert Categorical(4).histogram(counts) == pytest.approx(np.array([1, 4, 6, 1]) / 12)
    assert Categorical(4).histogram(np.zeros(4, np.int64)) == pytest.approx(np.full(4, 0.25))


def test_bits_are_cross_entropy_in_base_two() -> None:
    counts = np.array([4, 2, 1, 1], np.int64)
    assert outputs.bits_against(counts, counts / 8) == pytest.approx(1.75)
    for classes in (2, 256, 1000):
        uniform = np.full(classes, 1 / classes)
        assert outputs.bits_against(np.arange(classes), uniform) == pytest.approx(math.log2(classes))
        assert Categorical(classes).uniform_bits == pytest.approx(math.log2(classes))
    assert outputs.bits_against(np.zeros(4, np.int64), np.full(4, 0.25)) == 0.0


def test_a_recipe_names_its_alphabet() -> None:
    embedded = toys.recipe(model={"input": "embedding"}, output={"classes": 16})
    assert outputs.of(embedded) == Categorical(16, embedding=True)
    scalar = toys.recipe(model={"input": "scalar"}, output={"classes": 300})
    assert outputs.of(scalar) == Categorical(300, embedding=False)
    assert outputs.of(scalar).parameters == 300
