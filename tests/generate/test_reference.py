"""Laws 3 and 4 for the reference sampler: stepwise == forward, in parallel == step by step, alone == in a batch."""

from __future__ import annotations

import numpy as np
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import outputs
from wavenet.config import Recipe
from wavenet.generate.packed import pack
from wavenet.generate.reference import Reference
from wavenet.model import network

T = 60


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    stacks = draw(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=3))
    layers = sum(len(stack) for stack in stacks)
    kernels = st.one_of(st.integers(1, 4), st.lists(st.integers(1, 4), min_size=layers, max_size=layers))
    width = st.integers(1, 13)
    return toys.recipe(
        output={"classes": draw(st.integers(2, 40))},
        model={
            "input": draw(st.sampled_from(["embedding", "scalar"])),
            "kernel_size": draw(kernels),
            "dilations": stacks,
            "residual_channels": draw(width),
            "gate_channels": draw(width),
            "skip_channels": draw(width),
            "head_channels": draw(width),
            "bias": draw(st.booleans()),
        },
    )


def both(recipe: Recipe, scale: float = 1.0) -> tuple[network.WaveNet, Reference]:
    torch.manual_seed(1)
    net = network.build(recipe).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(scale)
    return net, Reference(pack(recipe.shape, net.arrays()))


def fed(recipe: Recipe, batch: int, samples: int) -> np.ndarray:
    codes = np.random.default_rng(2).integers(0, recipe.output.classes, (batch, samples))
    return outputs.of(recipe).inputs(codes)


def forward(recipe: Recipe, net: network.WaveNet, inputs: np.ndarray) -> np.ndarray:
    """Return the training graph's log-probabilities from the very first sample on."""
    start = outputs.of(recipe).starts(len(inputs), net.receptive_field - 1)
    with torch.no_grad():
        answer = net(torch.from_numpy(np.concatenate([start, inputs], axis=1)))
    return outputs.of(recipe).log_probabilities(answer.numpy())


def stepwise(recipe: Recipe, engine: Reference, inputs: np.ndarray) -> np.ndarray:
    queues = engine.start(outputs.of(recipe).starts(len(inputs)))
    answers = [engine.step(queues, inputs[:, t]) for t in range(inputs.shape[1])]
    return outputs.of(recipe).log_probabilities(np.stack(answers, axis=1))


@settings(deadline=None, max_examples=60)
@given(recipes(), st.sampled_from([0.3, 1.0, 2.0]))
def test_step_by_step_gives_forwards_log_probabilities(recipe: Recipe, scale: float) -> None:
    net, engine = both(recipe, scale)
    inputs = fed(recipe, 3, T)
    np.testing.assert_allclose(stepwise(recipe, engine, inputs), forward(recipe, net, inputs), atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(recipes(), st.integers(1, T), st.integers(1, 25))
def test_a_parallel_pass_is_the_same_as_steps(recipe: Recipe, split: int, size: int) -> None:
    from wavenet.generate import reference

    net, engine = both(recipe)
    inputs = fed(recipe, 2, T)
    alphabet, queues = outputs.of(recipe), engine.start(outputs.of(recipe).starts(2))
    before = reference.PASS_SAMPLES
    reference.PASS_SAMPLES = size  # so that a pass has seams too
    try:
        answers = [engine.advance(queues, inputs[:, :split])]
    finally:
        reference.PASS_SAMPLES = before
    answers += [engine.step(queues, inputs[:, t])[:, None] for t in range(split, T)]
    got = alphabet.log_probabilities(np.concatenate(answers, axis=1))
    np.testing.assert_allclose(got, forward(recipe, net, inputs), atol=1e-4)


@settings(deadline=None, max_examples=20)
@given(recipes())
def test_a_sequence_is_bit_for_bit_what_it_is_alone(recipe: Recipe) -> None:
    _, engine = both(recipe)
    inputs = fed(recipe, 4, 20)
    together = stepwise(recipe, engine, inputs)
    for i in range(4):
        assert np.array_equal(stepwise(recipe, engine, inputs[i : i + 1])[0], together[i])


def test_endless_start_is_a_fixed_point() -> None:
    recipe = toys.recipe()
    _, engine = both(recipe)
    queues = engine.start(outputs.of(recipe).starts(1))
    before = [ring.copy() for ring in queues.rings]
    first = engine.step(queues, np.full(1, 16))
    second = engine.step(queues, np.full(1, 16))
    np.testing.assert_allclose(first, second, atol=1e-6)
    for ring, old in zip(queues.rings, before, strict=True):
        np.testing.assert_allclose(ring, old, atol=1e-6)


def test_the_gate_survives_extreme_activations() -> None:
    recipe = toys.recipe()
    _, engine = both(recipe, scale=1e4)
    assert np.isfinite(stepwise(recipe, engine, fed(recipe, 1, 10))).all()
