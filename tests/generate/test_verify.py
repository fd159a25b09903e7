"""The verifier finds exactly the difference there is, whatever the chunks and the prime."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toys

from wavenet import outputs
from wavenet.generate.engines import Request, build_engine
from wavenet.generate.sampler import Chunk, Sampler
from wavenet.generate.verify import BOUND, Verifier
from wavenet.model import network


@pytest.mark.parametrize("kind", ["embedding", "scalar"])
@pytest.mark.parametrize(("kernel", "primed", "chunk"), [(1, 0, 7), (2, 1, 1), (3, 5, 200), (2, 100, 7), (3, 0, 1)])
def test_a_true_sampler_passes(kind: str, kernel: int, primed: int, chunk: int) -> None:
    recipe = toys.recipe(model={"input": kind, "kernel_size": kernel})
    net, alphabet = network.build(recipe).eval(), outputs.of(recipe)
    known = np.random.default_rng(0).integers(0, 16, primed) if primed else None
    source = Sampler(build_engine("auto", Request(recipe.shape, net.arrays(), alphabet, "float32")), 2, 3)
    if known is not None:
        source.prime(known)
    judge = Verifier(net, alphabet, 2, known)
    for part in source.generate(40, chunk, keep_parameters=True):
        judge.judge(part)
    assert 0 < judge.difference < BOUND


def test_one_wrong_answer_is_the_difference() -> None:
    recipe = toys.recipe()
    net, alphabet = network.build(recipe).eval(), outputs.of(recipe)
    source = Sampler(build_engine("auto", Request(recipe.shape, net.arrays(), alphabet, "float32")), 1, 3)
    (part,) = source.generate(30, keep_parameters=True)
    assert part.parameters is not None
    part.parameters[0, 17, 4] += 0.5
    judge = Verifier(net, alphabet, 1, None)
    judge.judge(Chunk(part.sequences, part.codes, part.wave, part.fed, part.parameters))
    assert 0.3 < judge.difference <= 0.5


def test_codes_that_hardly_ever_come_are_judged_in_proportion_to_their_log_probability() -> None:
    recipe = toys.recipe()
    net, alphabet = network.build(recipe).eval(), outputs.of(recipe)
    with torch.no_grad():
        list(net.parameters())[-1][4] -= 200.0  # the last bias: code 4 has a probability of about e^-203
    source = Sampler(build_engine("auto", Request(recipe.shape, net.arrays(), alphabet, "float32")), 1, 3)
    (part,) = source.generate(30, keep_parameters=True)
    assert part.parameters is not None
    for added, seen in ((5e-4, False), (2e-3, True)):  # 1e-4 nats of it in 7.3
        parameters = part.parameters.copy()
        parameters[0, 17, 4] += added
        judge = Verifier(net, alphabet, 1, None)
        judge.judge(Chunk(part.sequences, part.codes, part.wave, part.fed, parameters))
        assert (judge.difference > BOUND) is seen, judge.difference


def test_not_a_number_is_never_taken_for_agreement() -> None:
    recipe = toys.recipe()
    net, alphabet = network.build(recipe).eval(), outputs.of(recipe)
    source = Sampler(build_engine("auto", Request(recipe.shape, net.arrays(), alphabet, "float32")), 1, 3)
    judge = Verifier(net, alphabet, 1, None)
    for index, part in enumerate(source.generate(30, 10, keep_parameters=True)):
        assert part.parameters is not None
        part.parameters[0, 3, 4] = np.nan if index == 0 else 0.0
        judge.judge(part)
    assert not judge.difference <= BOUND


def test_sequences_of_different_lengths_are_judged_each_with_its_own_past() -> None:
    recipe = toys.recipe()
    net, alphabet = network.build(recipe).eval(), outputs.of(recipe)
    source = Sampler(build_engine("cpu", Request(recipe.shape, net.arrays(), alphabet, "float32")), 3, 3)
    judge = Verifier(net, alphabet, 3, None)
    for part in source.generate([40, 9, 70], 8, keep_parameters=True):
        judge.judge(part)
    assert 0 < judge.difference < BOUND
