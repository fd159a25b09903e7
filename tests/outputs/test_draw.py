"""Held: draws are those of a plain definition, and numbers out of range are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wavenet.errors import InputError
from wavenet.outputs import Draw, checked_draw

EDGE = 1e-6  # nearer to an edge a draw may fall either way


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


@pytest.mark.parametrize(
    "draw",
    [(-1, 0, 1.0), (math.nan, 0, 1.0), (1.0, -1, 1.0), (1.0, 0, 0.0), (1.0, 0, 2.0), (1.0, 1.5, 1.0), (True, 0, 1)],
)
def test_draws_out_of_range_are_refused(draw: tuple[float, int, float]) -> None:
    with pytest.raises(InputError, match="expected"):
        checked_draw(*draw)
