"""Laws 1 and 2, measured by gradient on random float64 networks; and where an untrained network begins."""

from __future__ import annotations

import condition_toys
import numpy as np
import pytest
import torch
import toys
from hypothesis import given, settings

from wavenet import geometry, outputs
from wavenet.model import network
from wavenet.model.condition import Told, as_told
from wavenet.recipe.records import Recipe

SCHEDULES = {
    "one": [1],
    "exponential": [1, 2, 4, 8],
    "two stacks": [[1, 2, 4], [1, 2, 4]],
    "hdc": [1, 2, 5],
    "hdc twice": [[1, 2, 5], [1, 2, 5]],
    "even only": [2, 4, 8],
    "uneven": [[3, 1], [7], [2, 2]],
}


def made(
    dilations: object, kernel: object, *, scalar: bool, bias: bool = True, dropout: float = 0.0
) -> network.WaveNet:
    recipe = toys.recipe(
        model={
            "dilations": dilations,
            "kernel_size": kernel,
            "input": "scalar" if scalar else "embedding",
            "bias": bias,
            "dropout": dropout,
            "skip_channels": 32,  # wide enough that no position dies in the ReLUs
            "head_channels": 32,
        }
    )
    torch.manual_seed(0)
    return network.build(recipe).double()


def reached(net: network.WaveNet, extra: int) -> torch.Tensor:
    """Return which lags the last output depends on, [receptive_field + extra] bool, lag 0 first."""
    T = net.receptive_field + extra
    x = torch.randn(4, T, net.shape.residual, dtype=torch.float64, requires_grad=True)
    net.enter = lambda inputs: x  # type: ignore[method-assign]  (the gradient is taken behind the look-up)
    answer = net(torch.zeros(4, T, dtype=torch.int64))
    answer[:, -1].square().sum().backward()
    return (x.grad.abs().sum(dim=(0, 2)) > 0).flip(0)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("name", SCHEDULES)
def test_measured_lags_are_the_computed_ones(name: str, kernel: int) -> None:
    net = made(SCHEDULES[name], kernel, scalar=False)
    seen = geometry.see(net.shape.layers)
    lags = torch.nonzero(reached(net, extra=3)).flatten().tolist()
    assert lags == geometry.lag_list(seen.lags)
    assert net.receptive_field == seen.receptive_field == max(lags) + 1


def test_a_kernel_for_each_layer_is_measured_as_computed() -> None:
    net = made([[1, 2], [3]], [3, 2, 4], scalar=False)
    lags = torch.nonzero(reached(net, extra=2)).flatten().tolist()
    assert lags == geometry.lag_list(geometry.see(net.shape.layers).lags)


@pytest.mark.parametrize("scalar", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_no_output_depends_on_later_input(scalar: bool, bias: bool, kernel: int, dropout: float) -> None:
    net = made([[1, 2, 4], [2, 1]], kernel, scalar=scalar, bias=bias, dropout=dropout)
    net.train()
    T = net.receptive_field + 4
    inputs = torch.rand(1, T, dtype=torch.float64) if scalar else torch.randint(0, 16, (1, T))
    grown = net.enter(inputs).detach().requires_grad_()
    net.enter = lambda _: grown  # type: ignore[method-assign]
    outs = net(inputs)
    first = net.receptive_field - 1
    for t in range(outs.shape[1]):
        (slope,) = torch.autograd.grad(outs[0, t].square().sum(), grown, retain_graph=True)
        later = slope[0, first + t + 1 :]
        assert later.abs().sum() == 0
        assert slope[0, first + t].abs().sum() > 0 or dropout > 0


def test_too_few_inputs_are_refused() -> None:
    net = made([1, 2], 2, scalar=False)
    with pytest.raises(ValueError, match="got 3 inputs, expected at least 4"):
        net(torch.zeros(1, 3, dtype=torch.int64))


def test_the_last_block_has_no_residual_product_and_every_weight_gets_a_gradient() -> None:
    net = made([[1, 2], [1, 2]], 2, scalar=False)
    net(torch.randint(0, 17, (2, 30))).square().sum().backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name
    assert net.blocks[-1].residual is None


def test_weights_go_into_arrays_and_back() -> None:
    recipe = toys.recipe()
    net = network.build(recipe)
    again = network.from_arrays(recipe, net.arrays())
    inputs = torch.randint(0, 17, (1, 40))
    assert torch.equal(net.eval()(inputs), again(inputs))


@settings(max_examples=25)
@given(toys.recipes())
def test_geometry_knows_the_name_and_shape_of_every_weight(recipe: Recipe) -> None:
    arrays = network.build(recipe).arrays()
    assert {name: value.shape for name, value in arrays.items()} == recipe.shape.weights()
    assert sum(value.size for value in arrays.values()) == recipe.shape.parameters()


# --- what predicts tracks --------------------------------------------------------------------------------------------


def crops(first: int = 23, dropped: np.ndarray | None = None) -> tuple[network.WaveNet, Told]:
    """Return a network that predicts tracks, and what two crops of 40 samples are told; frames 6 to 8 end a sound."""
    recipe = condition_toys.recipe_of("acoustic")
    window = condition_toys.told_of(recipe, [9, 9]).window([0, 1], [first] * 2, 40, dropped)
    return condition_toys.network_of(recipe), as_told(window, condition_toys.HOP)


def test_rows_that_hear_predicted_tracks_hear_them_where_there_is_sound_and_all_else_as_it_is() -> None:
    net, told = crops()
    heard, *_ = net.hear(told, torch.tensor([True, False]))
    changed = heard.tracks != told.tracks
    reach, inside = net.acoustic.shape.encoder.reach, told.tracks[0, :, -1] == 0
    inside[:reach] = inside[len(inside) - reach :] = False  # a prediction sees so many frames beside it
    assert changed[0].nonzero().tolist() == [[k, c] for k in inside.nonzero()[:, 0].tolist() for c in range(9, 13)]
    assert not changed[1].any() and inside.sum() > 4
    assert all(one is other for one, other in zip(heard, told, strict=True) if one is not heard.tracks)


def test_errors_are_summed_and_counted_over_tracks_that_are_told() -> None:
    net, told = crops()
    every, errors, count = net.hear(told, torch.tensor([True, True]))
    away = (every.tracks - told.tracks).abs()[..., 9:13]
    assert errors.item() == pytest.approx(away.sum().item(), rel=1e-5) and count == (away > 0).sum()
    for dropped, row in (([[0, 0, 1, 0], [0, 0, 0, 0]], 1), ([[0, 0, 0, 0], [0, 0, 1, 0]], 0)):  # speaker, clock, mel
        net, told = crops(dropped=np.array(dropped, bool))
        heard, errors, count = net.hear(told, torch.tensor([True, True]))
        assert errors.item() == pytest.approx(away[row].sum().item(), rel=1e-5) and count == (away[row] > 0).sum()
        assert torch.equal(heard.tracks[1 - row], told.tracks[1 - row])
    net, told = crops(dropped=np.ones((2, 4), bool))
    heard, errors, count = net.hear(told, torch.tensor([True, True]))
    assert errors.item() == count.item() == 0 and torch.equal(heard.tracks, told.tracks)


def test_only_the_errors_train_what_predicts_and_only_the_likelihood_the_rest() -> None:
    net, told = crops(first=-9)
    heard, errors, _ = net.hear(told, torch.tensor([True, True]))
    inputs = torch.randint(0, 17, (2, 40), generator=torch.Generator().manual_seed(0))
    loss = outputs.Categorical(16).nll(net(inputs, heard), torch.zeros(2, 26, dtype=torch.int64)).sum()
    for value, own in ((errors, True), (loss, False)):
        net.zero_grad()
        value.backward(retain_graph=True)
        for name, weight in net.named_parameters():
            assert (weight.grad is not None and bool(weight.grad.any())) == (own == name.startswith("acoustic.")), name


def test_a_network_and_what_it_is_told_have_to_go_together() -> None:
    net, told = crops()
    x = torch.zeros(2, 40, dtype=torch.int64)
    assert net.predicts and not condition_toys.network_of(condition_toys.recipe_of("fields")).predicts
    with pytest.raises(ValueError, match="told nothing and something that it is told"):
        net(x)
    with pytest.raises(ValueError, match="told nothing and something that it is told"):
        network.build(toys.recipe())(x, told)
