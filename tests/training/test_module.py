"""The training step: schedule, averages, clipping, and steps that are skipped because they are not finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import condition_toys
import phone_toys
import pytest
import torch
import toys

from wavenet.features.phones import Phones
from wavenet.model.condition import Sentences, Told, as_sentences, as_told
from wavenet.outputs import IGNORED
from wavenet.recipe.records import PhonesConfig
from wavenet.training import module as modules
from wavenet.training.module import WaveNetModule, ema_decay, learning_rate


class Loop:
    """Just enough of a trainer: one optimiser, a plain backward pass."""

    def __init__(self, module: WaveNetModule, monkeypatch: pytest.MonkeyPatch) -> None:
        from lightning.pytorch.core.optimizer import LightningOptimizer

        self.module = module
        self.optimizer = module.configure_optimizers()
        wrapped = LightningOptimizer(self.optimizer)
        wrapped.step = self.optimizer.step  # type: ignore[method-assign]
        monkeypatch.setattr(module, "optimizers", lambda: wrapped)
        monkeypatch.setattr(module, "manual_backward", lambda loss: loss.backward())

    def step(self, seed: int = 0, **told: Any) -> dict[str, float]:
        generator = torch.Generator().manual_seed(seed)
        width = 30 + self.module.network.receptive_field - 1
        batch = {
            "inputs": torch.randint(0, 16, (2, width), generator=generator),
            "targets": torch.randint(0, 16, (2, 30), generator=generator),
            **told,
        }
        return self.module.training_step(batch, 0)


def test_the_rate_warms_up_and_decays_to_its_share() -> None:
    train = toys.recipe(train={"steps": 1000, "warmup_steps": 100, "learning_rate": 0.5, "final_rate": 0.1}).train
    rates = [learning_rate(train, n) for n in range(1001)]
    assert rates[0] == pytest.approx(0.005, rel=0.01)
    assert max(rates) == pytest.approx(0.5, rel=0.03)
    assert rates[1000] == pytest.approx(0.05)
    assert all(a > b for a, b in pairwise(rates[100:]))


def test_the_average_forgets_the_beginning() -> None:
    train = toys.recipe(train={"ema_decay": 0.99}).train
    decays = [ema_decay(train, n) for n in range(2000)]
    assert decays[0] == 0.1 and decays[-1] == 0.99 and decays == sorted(decays)


def test_the_average_is_the_average_of_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    module = modules.build(toys.recipe())
    loop = Loop(module, monkeypatch)
    expected = module.network.hidden.bias.detach().clone()
    for n in range(5):
        loop.step(n)
        decay = ema_decay(module.recipe.train, n)
        expected = decay * expected + (1 - decay) * module.network.hidden.bias.detach()
    torch.testing.assert_close(module.averaged.hidden.bias, expected)


def test_gradients_are_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    module = modules.build(toys.recipe(train={"gradient_clip": 1e-3}))
    told = Loop(module, monkeypatch).step()
    left = math.sqrt(sum(float(p.grad.square().sum()) for p in module.network.parameters()))
    assert told["norm"] > 0.01 and left == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_step_that_is_not_finite_leaves_no_trace(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    module = modules.build(toys.recipe())
    loop = Loop(module, monkeypatch)
    loop.step(0)
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    moments = {key: value["exp_avg"].clone() for key, value in loop.optimizer.state.items()}
    nll = module.alphabet.nll
    monkeypatch.setattr(type(module.alphabet), "nll", lambda self, p, t: nll(p, t) * value)
    told = loop.step(1)
    assert told["finite"] is False
    assert (module.step, module.skipped, module.skipped_in_a_row) == (2, 1, 1)
    for name, weight in module.state_dict().items():
        assert torch.equal(weight, before[name]), name
    for key, moment in moments.items():
        assert torch.equal(loop.optimizer.state[key]["exp_avg"], moment)
    monkeypatch.undo()
    Loop(module, monkeypatch).step(2)
    assert (module.step, module.skipped, module.skipped_in_a_row) == (3, 1, 0)


def test_dropout_of_a_step_depends_on_seed_and_step_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def bits(step: int, noise: int) -> float:
        module = modules.build(toys.recipe(model={"dropout": 0.5}))
        torch.manual_seed(0)
        torch.nn.init.normal_(module.network.output.weight)
        loop = Loop(module, monkeypatch)
        module.step = step
        torch.manual_seed(noise)
        return loop.step(0)["bits"]

    assert bits(3, noise=1) == bits(3, noise=2) != bits(4, noise=1)


def test_no_two_processes_draw_their_dropout_from_one_seed() -> None:
    steps = [*range(300), *(7_919 * n + d for n in range(1, 64) for d in (-1, 0, 1)), 2**24, 2**26 - 1]
    for seed in (0, 1, 2**31, 2**63 - 1):
        made = [modules.dropout_seed(seed, step, rank) for step in set(steps) for rank in range(64)]
        assert len({one % 2**32 for one in made}) == len(made) and 0 <= min(made) <= max(made) < 2**63
    begun = sorted(modules.dropout_seed(0, 0, rank) for rank in range(64))
    assert {b - a for a, b in pairwise(begun)} == {2**26}  # so many steps before one meets the next


def test_the_first_process_draws_its_dropout_as_one_alone_always_did() -> None:
    for seed, step in ((0, 0), (3, 1_000), (2**40, 2**20), (2**62, 5)):
        assert modules.dropout_seed(seed, step, rank=0) == (seed * 1_000_003 + step) % 2**63


def test_masks_of_two_processes_differ_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def mask(step: int, rank: int) -> bytes:
        torch.manual_seed(modules.dropout_seed(0, step, rank))
        return torch.nn.functional.dropout(torch.ones(64), 0.5).numpy().tobytes()

    seeds: list[int] = []
    module = modules.build(toys.recipe(model={"dropout": 0.5}))
    module.step, module.rank = 7, 2
    monkeypatch.setattr(modules.torch, "manual_seed", seeds.append)
    Loop(module, monkeypatch).step()
    assert seeds == [modules.dropout_seed(0, 7, 2)]  # that is what a step takes
    monkeypatch.undo()
    masks = [mask(step, rank) for rank in range(4) for step in (0, 1, 7_919, 15_838, 23_757)]
    assert len(set(masks)) == len(masks)


def test_first_weights_depend_on_the_seed_alone() -> None:
    first, again = modules.build(toys.recipe()), modules.build(toys.recipe())
    other = modules.build(toys.recipe(train={"seed": 1}))
    assert torch.equal(first.network.hidden.weight, again.network.hidden.weight)
    assert not torch.equal(first.network.hidden.weight, other.network.hidden.weight)


# --- what predicts tracks --------------------------------------------------------------------------------------------


def told() -> Told:
    """Return what the rows of a toy batch are told."""
    condition = condition_toys.told_of(condition_toys.recipe_of("acoustic"), [9, 9])
    return as_told(condition.window([0, 1], [0, 0], 44), condition_toys.HOP)


def test_tracks_are_learned_beside_the_sound_and_neither_scales_the_other_s_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, moved = torch.tensor([True, False]), []
    for scale in (1.0, 1e4):
        module = modules.build(condition_toys.recipe_of("acoustic", train={"gradient_clip": 1e-3, "warmup_steps": 0}))
        loop, given = Loop(module, monkeypatch), told()
        _, errors, count = module.network.hear(given, rows)
        tracks = given.tracks.clone()
        tracks[..., 9:13] *= scale  # all that is to be predicted, and a part of what is heard
        found = loop.step(told=given.with_tracks(tracks), predicted=rows)
        assert found["finite"] and found["distance"] > 0.9 * (errors / count).item()
        gradients = {name: weight.grad for name, weight in module.network.named_parameters()}
        for kind in (True, False):
            own = [one for name, one in gradients.items() if name.startswith("acoustic.") is kind]
            moved.append(torch.cat([one.flatten() for one in own if one is not None]).norm().item())
    assert moved == pytest.approx([1e-3] * 4, rel=1e-3)


def test_other_sounds_teach_what_predicts_tracks_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, found = torch.tensor([True, False]), []
    for heard in ({}, {"heard": told()}, {"heard": told().with_tracks(1.5 * told().tracks)}):
        module = modules.build(condition_toys.recipe_of("acoustic", train={"gradient_clip": 1e6}))
        distance = Loop(module, monkeypatch).step(told=told(), predicted=rows, **heard)["distance"]
        found.append((distance, {name: weight.grad for name, weight in module.network.named_parameters()}))
    (alone, without), (twice, same), (mixed, other) = found
    assert alone == pytest.approx(twice, rel=1e-5) and mixed > 1.05 * alone  # the same sounds again change no mean
    for name, gradient in without.items():
        torch.testing.assert_close(same[name], gradient, atol=1e-6, rtol=1e-4)
        assert torch.equal(other[name], gradient) is not name.startswith("acoustic."), name


def test_a_distance_that_is_not_finite_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    module = modules.build(condition_toys.recipe_of("acoustic"))
    loop, before = Loop(module, monkeypatch), module.network.arrays()
    tracks = told().tracks.clone()
    tracks[0, 6, 9] = torch.nan  # of what the first row, which hears what is predicted, is to learn
    found = loop.step(told=told().with_tracks(tracks), predicted=torch.tensor([True, False]))
    assert not found["finite"] and module.skipped == 1
    assert all((value == before[name]).all() for name, value in module.network.arrays().items())


def halves_add_up(
    gradients: Callable[..., dict[str, torch.Tensor]],
    seen: list[tuple[torch.Tensor, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, torch.Tensor]:
    """Return the gradients of a whole batch, which are the mean of those that two processes have of half of it each.

    `gradients` takes rows, and the totals over processes; what it would have added up over them is `seen`.
    """
    whole = gradients(slice(None))
    monkeypatch.setattr(modules.processes, "together", lambda: True)
    monkeypatch.setattr(WaveNetModule, "trainer", SimpleNamespace(world_size=2))
    parts = [slice(0, 1), slice(1, 2)]
    for rows in parts:
        gradients(rows)
    totals = [sum(both).double() for both in zip(*seen, strict=True)]
    one, other = (gradients(rows, totals) for rows in parts)
    assert whole.keys() == one.keys() == other.keys()
    for name, value in whole.items():
        torch.testing.assert_close((one[name] + other[name]) / 2, value, atol=1e-6, rtol=1e-4)
    return whole


def test_two_processes_learn_what_one_with_all_their_rows_does(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = condition_toys.recipe_of("acoustic", train={"gradient_clip": 1e6})
    tracks = told().tracks.clone()
    tracks[0, 4:, -2] = 1.0  # the first row is told less of the mel spectrogram than the other
    batch = {"inputs": torch.randint(0, 17, (2, 44)), "targets": torch.randint(0, 16, (2, 30))}
    batch["targets"][1, 20:] = IGNORED
    seen: list[tuple[torch.Tensor, ...]] = []

    def gradients(rows: slice, totals: list[torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
        def summed(*values: torch.Tensor) -> list[torch.Tensor]:
            seen.append(values)
            return totals or list(values)

        module, given = modules.build(recipe), told().with_tracks(tracks)
        monkeypatch.setattr(modules.processes, "summed", summed)
        part = given._replace(**{name: value[rows] for name, value in given._asdict().items() if name != "offset"})
        own = {name: value[rows] for name, value in batch.items()}
        Loop(module, monkeypatch).step(**own, told=part, predicted=torch.tensor([True, False])[rows])
        return {name: weight.grad for name, weight in module.network.named_parameters() if weight.grad is not None}

    assert any(name.startswith("acoustic.") for name in halves_add_up(gradients, seen, monkeypatch))


# --- what predicts lengths -------------------------------------------------------------------------------------------


def spoken(form: str | dict[str, Any] = "phones") -> tuple[Told, Sentences]:
    """Return what the rows of a toy batch are told, and what is said in them."""
    recipe, config = condition_toys.recipe_of(form), PhonesConfig(3, 1)
    said = tuple(phone_toys.aligned(sound, 400, kinds=2) for sound in range(2))
    held = Phones(said, phone_toys.NAMES[:3], config, toys.RATE, condition_toys.HOP)
    condition = replace(condition_toys.told_of(recipe, [9, 9]), sentences=held)
    window = as_told(condition.window([0, 1], [0, 0], 44), condition_toys.HOP)
    return window, as_sentences(condition.said([0, 1]))


def test_the_loss_of_lengths_is_the_likelihood_of_their_logarithms() -> None:
    module = modules.build(condition_toys.recipe_of("phones"))
    told, said = spoken()
    nats, count = module.network.surprise(said, told.fields)
    expected, phones = 0.0, 0
    for row in range(2):
        found = module.network.durations.predict(said.phones[[row]], told.fields[[row]], said.mean[[row]])[0]
        aligned = phone_toys.aligned(row, 400, kinds=2)
        for at, (phone, seconds) in enumerate(zip(aligned.phones, aligned.seconds(), strict=True)):
            if not phone.silent or 0 < at < len(aligned.phones) - 1:
                normal = torch.distributions.Normal(found[at, 0], torch.exp(found[at, 1]))
                expected -= normal.log_prob(torch.tensor(math.log(seconds / 0.1))).item()
                phones += 1
    assert count == phones and len(said.lengths[0]) > said.learned.sum(dim=1).min() + 2  # one sentence is padded
    assert nats.item() == pytest.approx(expected, rel=1e-4)


def test_a_sentence_costs_the_same_beside_a_longer_one() -> None:
    for encoder in ("plain", "pooled"):
        durations = {"channels": 5, "encoder": condition_toys.ENCODERS[encoder], "dropout": 0.0}
        form = condition_toys.PHONES | {"durations": durations}
        module, (told, said) = modules.build(condition_toys.recipe_of(form)), spoken(form)
        lengths = [len(phone_toys.aligned(sound, 400, kinds=2).phones) for sound in (0, 1)]
        row, short = int(lengths[1] < lengths[0]), min(lengths)
        wide = short + 2 * module.network.shape.condition.durations.encoder.reach
        alone = Sentences(*(part[[row]] for part in said))
        cut = alone._replace(
            phones=alone.phones[:, :wide], lengths=alone.lengths[:, :short], learned=alone.learned[:, :short]
        )
        costs = [module.network.surprise(one, told.fields[[row]])[0].item() for one in (alone, cut)]
        assert lengths[0] != lengths[1] and costs[0] == pytest.approx(costs[1], rel=1e-5)


def test_lengths_are_learned_beside_all_else_and_none_scales_another_s_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved = []
    for scale in (1.0, 1e4):
        recipe = condition_toys.recipe_of("phones", train={"gradient_clip": 1e-3, "warmup_steps": 0})
        module = modules.build(recipe)
        loop, (told, said) = Loop(module, monkeypatch), spoken()
        nats, count = module.network.surprise(said, told.fields)
        far = said._replace(lengths=said.lengths * scale)
        found = loop.step(told=told, predicted=torch.tensor([True, False]), said=far)
        assert found["finite"] and (scale > 1 or found["length_nats"] == pytest.approx((nats / count).item(), rel=1e-5))
        for room in ("acoustic", "durations", ""):
            named = [(name.partition(".")[0], weight.grad) for name, weight in module.network.named_parameters()]
            own = [one for name, one in named if (name if name in modules.SMALL else "") == room and one is not None]
            moved.append(torch.cat([one.flatten() for one in own]).norm().item())
    assert moved == pytest.approx([1e-3] * 6, rel=1e-3)


def test_two_processes_learn_lengths_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, (told, said) = condition_toys.recipe_of("phones", train={"gradient_clip": 1e6}), spoken()
    batch = {"inputs": torch.randint(0, 17, (2, 44)), "targets": torch.randint(0, 16, (2, 30))}
    seen: list[tuple[torch.Tensor, ...]] = []

    def gradients(rows: slice, totals: list[torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
        def summed(*values: torch.Tensor) -> list[torch.Tensor]:
            seen.append(values)
            return totals or list(values)

        module = modules.build(recipe)
        monkeypatch.setattr(modules.processes, "summed", summed)
        part = told._replace(**{name: value[rows] for name, value in told._asdict().items() if name != "offset"})
        own = {name: value[rows] for name, value in batch.items()}
        spoken = Sentences(*(value[rows] for value in said))
        Loop(module, monkeypatch).step(**own, told=part, predicted=torch.tensor([True, False])[rows], said=spoken)
        return {name: one.grad for name, one in module.network.named_parameters() if name.startswith("durations.")}

    assert halves_add_up(gradients, seen, monkeypatch)


# --- small networks alone ---------------------------------------------------------------------------------------------


def test_small_networks_that_learn_alone_leave_all_else_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    both = modules.build(condition_toys.recipe_of("phones"))
    first, (told, said) = Loop(both, monkeypatch), spoken()
    told_all = {"told": told, "predicted": torch.tensor([True, False]), "said": said}
    first.step(**told_all)
    module = modules.build(condition_toys.recipe_of("phones", train={"only": "acoustic", "weight_decay": 0.5}))
    module.network.load_state_dict(both.network.state_dict())
    module.averaged.load_state_dict(both.averaged.state_dict())
    module.saved_moments = both.moments(first.optimizer)
    assert module.alone and not both.alone
    before = [
        {name: value.clone() for name, value in one.state_dict().items()} for one in (module.network, module.averaged)
    ]
    found = Loop(module, monkeypatch).step(**told_all)
    assert found["finite"] and {*found} == {"finite", "norm", "distance", "length_nats"}
    for held, old in zip((module.network, module.averaged), before, strict=True):
        moved = {
            name.partition(".")[0] for name, value in held.state_dict().items() if not torch.equal(value, old[name])
        }
        assert moved == {*modules.SMALL}
    same = modules.build(condition_toys.recipe_of("phones"))
    same.network.load_state_dict(both.network.state_dict())
    other = Loop(same, monkeypatch).step(**told_all)
    assert (found["distance"], found["length_nats"]) == (other["distance"], other["length_nats"])


def test_what_never_learned_has_no_moments_and_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, (told, said) = condition_toys.recipe_of("phones", train={"only": "acoustic"}), spoken()
    module = modules.build(recipe)
    loop = Loop(module, monkeypatch)
    loop.step(told=told, predicted=torch.tensor([True, False]), said=said)
    kept = module.moments(loop.optimizer)
    assert {name.partition(".")[0] for name in kept} == {*modules.SMALL}
    again = modules.build(recipe)
    again.saved_moments = kept
    held = again.moments(again.configure_optimizers())
    assert held.keys() == kept.keys() and all(torch.equal(value, held[name]) for name, value in kept.items())
    with pytest.raises(KeyError):
        again.put_moments(loop.optimizer, {name: one for name, one in kept.items() if not name.endswith(".exp_avg")})
