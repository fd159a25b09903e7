"""What a network is told reaches every sample as the training graph has it, in every engine, at any time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from told_toys import HOP, engine_of, network_of, recipe_of, told_things

from wavenet import outputs
from wavenet.evaluation import likelihood
from wavenet.generate.sampler import Sampler
from wavenet.generate.verify import BOUND, Verifier
from wavenet.model.network import as_tensors
from wavenet.outputs import Arrays, Condition, Feed

ENCODERS: dict[str, Any] = {
    "none": [],
    "plain": [{"kernel": 3, "dilation": 1}, {"kernel": 3, "dilation": 2}],
    "pyramid": {"pyramid": [1, 3], "pooled": False},
    "pooled": {"pyramid": [2, 1], "pooled": True},
}
FORMS = [
    pytest.param({"fields": {"speaker": 3}}, id="fields"),
    pytest.param({"tracks": {"array": 3, "clock": {"knots": 2}}, "hop_samples": HOP}, id="tracks"),
    *(
        pytest.param(
            {
                "fields": {"speaker": 3, "label": 2},
                "tracks": {"clock": {"knots": 3}, "array": 2},
                "hop_samples": HOP,
                "upsample": upsample,
                "encoder": encoder,
            },
            id=f"{name}-{upsample}",
        )
        for name, encoder in ENCODERS.items()
        for upsample in ("repeat", "linear")
    ),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["reference", "cpu"])
def test_an_engine_draws_under_what_the_training_graph_is_told(form: dict[str, Any], name: str) -> None:
    recipe = recipe_of(form)
    network, condition = network_of(recipe), told_things(recipe)
    engine = engine_of(recipe, network, name)
    sampler = Sampler(engine, 3, 5, condition=condition)
    prime = np.arange(11) % 16
    sampler.prime([prime[:3], prime, prime[:5]])
    verifiers = [Verifier(network, engine.alphabet, 3, one, condition) for one in (prime[:3], prime, prime[:5])]
    for chunk in sampler.generate([40, 75, 61], 13, keep_parameters=True):
        for sequence, judge in enumerate(verifiers):
            if sequence in chunk.sequences:
                row = np.flatnonzero(chunk.sequences == sequence)
                part = type(chunk)(*(None if x is None else x[row] for x in vars(chunk).values()))
                judge.judge(part)
    assert max(judge.difference for judge in verifiers) < BOUND
    assert Verifier(network, engine.alphabet, 3, prime, Condition.nothing(condition.shape, 3)).difference == 0


@pytest.mark.parametrize("form", FORMS)
def test_likelihoods_under_engines_and_graph_are_the_same_for_any_piece(form: dict[str, Any]) -> None:
    recipe = recipe_of(form)
    network, condition = network_of(recipe), told_things(recipe)
    codes = np.random.default_rng(2).integers(0, 16, 63)
    judges = [
        likelihood.of_network(network, outputs.of(recipe), condition),
        *(likelihood.of_engine(engine_of(recipe, network, name), condition) for name in ("reference", "cpu")),
    ]
    whole = [judge(0, codes[:0], codes, 0) for judge in judges]
    halves = [
        np.concatenate([judge(0, codes[:0], codes[:24], 0), judge(0, codes[:24], codes[24:], 24)]) for judge in judges
    ]
    for one in (*whole[1:], *halves):
        np.testing.assert_allclose(one, whole[0], atol=1e-4)


def test_sequences_told_differently_in_one_batch_are_as_alone() -> None:
    recipe = recipe_of({"fields": {"speaker": 3}, "tracks": {"array": 2}, "hop_samples": HOP})
    network, condition = network_of(recipe), told_things(recipe)
    for name in ("reference", "cpu"):
        engine = engine_of(recipe, network, name)
        together = np.concatenate(
            [chunk.codes for chunk in Sampler(engine, 3, [1, 2, 3], condition=condition).generate(50)], 1
        )
        for one in range(3):
            assert condition.tracks is not None
            own = Condition(
                condition.shape, condition.fields[one : one + 1], Arrays([condition.tracks.read(one, 0, 99)])
            )
            alone = np.concatenate(
                [chunk.codes for chunk in Sampler(engine, 1, one + 1, condition=own).generate(50, 9)], 1
            )
            np.testing.assert_array_equal(alone[0], together[one])


@pytest.mark.parametrize("upsample", ["repeat", "linear"])
def test_an_impulse_in_a_frame_changes_the_samples_that_it_should(upsample: str) -> None:
    recipe = recipe_of({"tracks": {"array": 1}, "hop_samples": HOP, "upsample": upsample})
    network, shape = network_of(recipe), recipe.shape.condition
    assert shape is not None
    quiet, impulse = np.zeros((8, 1), np.float32), np.zeros((8, 1), np.float32)
    impulse[3] = 1
    added = []
    for track in (quiet, impulse):
        told = Condition(shape, np.zeros((1, 0), np.int64), Arrays([track])).window([0], [0], 8 * HOP)
        _, tensors = as_tensors(Feed(np.zeros((1, 8 * HOP), np.int64), told), outputs.of(recipe), recipe.shape)
        gates = network.gates(tensors, 8 * HOP)
        assert gates is not None
        added.append(gates.of(2, 8 * HOP)[0].detach().numpy())
    change = np.abs(added[1] - added[0]).sum(axis=1)
    changed = np.flatnonzero(change > 1e-6)
    middle = 3 * HOP + HOP // 2
    if upsample == "repeat":
        assert changed.tolist() == [*range(3 * HOP, 4 * HOP)]
    else:
        assert changed.tolist() == [*range(middle - HOP + 1, middle + HOP)]
        np.testing.assert_allclose(
            change / change[middle],
            np.interp(np.arange(8 * HOP), [middle - HOP, middle, middle + HOP], [0, 1, 0]),
            atol=1e-5,
        )
