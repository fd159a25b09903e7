"""Held: what a probe finds by gradient is what geometry computes, whatever activations, signs and maxima would hide."""

from __future__ import annotations

import copy
import doctest
from collections.abc import Callable
from typing import Any

import pytest
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from wavenet import geometry
from wavenet.geometry import Layer
from wavenet.inspection import probe
from wavenet.inspection.probe import support
from wavenet.model import network


def seen(layers: list[Layer], support_of: probe.Support) -> None:
    """Check one support against the arithmetic of unpadded layers."""
    field = geometry.see(layers, padding="valid")
    inputs = {field.newest + support_of.output * field.jump - lag for lag in geometry.lag_list(field.lags)}
    assert set(support_of.inputs) == inputs
    assert support_of.lags == field.lags
    assert support_of.receptive_field == field.receptive_field
    assert support_of.holes == geometry.holes(field.lags)


LAYERS = st.lists(st.builds(Layer, st.integers(1, 4), st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=4)


@settings(max_examples=60)
@given(LAYERS, st.data())
def test_any_sequence_of_convolutions_and_pools_sees_what_geometry_says(
    layers: list[Layer], data: st.DataObject
) -> None:
    modules: list[nn.Module] = []
    for layer in layers:
        K, s, d = layer.kernel, layer.stride, layer.dilation
        kinds: list[nn.Module] = [nn.Conv1d(2, 2, K, s, dilation=d), nn.MaxPool1d(K, s, dilation=d)]
        if d == 1:
            kinds.append(nn.AvgPool1d(K, s))
        modules.append(data.draw(st.sampled_from(kinds)))
        modules.append(data.draw(st.sampled_from([nn.ReLU(), nn.Tanh(), nn.SiLU(inplace=True), nn.BatchNorm1d(2)])))
    field = geometry.see(layers)
    length = field.receptive_field + 4 * field.jump + 3
    seen(layers, support(nn.Sequential(*modules), torch.zeros(1, 2, length)))


@settings(max_examples=25)
@given(toys.recipes())
def test_our_own_network_sees_what_geometry_says(recipe: toys.Recipe) -> None:
    made = network.build(recipe)
    length = made.receptive_field + 4
    example = torch.zeros(1, length, dtype=torch.int64 if made.shape.embedding else torch.float32)
    seen(list(made.shape.layers), support(made, example, axis=1))


def test_the_module_is_left_as_it_is() -> None:
    module = nn.Sequential(nn.Conv1d(1, 3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.ReLU()).train()
    module[1].eval()
    before, state = [part.training for part in module.modules()], copy.deepcopy(module.state_dict())
    support(module, torch.zeros(1, 1, 20))
    assert [part.training for part in module.modules()] == before
    assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
    assert all(weight.grad is None for weight in module.parameters())


class Dead(nn.Module):
    """ReLUs that are off, a gate that is shut, in functions and methods."""

    def __init__(self) -> None:
        super().__init__()
        self.taps = nn.Conv1d(1, 2, 3, dilation=2)
        nn.init.constant_(self.taps.weight, -1.0)
        nn.init.constant_(self.taps.bias, -9.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return what would be all zeros."""
        y = self.taps(x)
        return F.relu(y).clamp(0, 1) * torch.sigmoid(y * 100) + torch.relu(y).tanh() * F.gelu(y) + y.relu()


def test_nothing_dies_in_an_activation() -> None:
    module, x = Dead(), torch.ones(1, 1, 30, requires_grad=True)
    (plain,) = torch.autograd.grad(module(x).sum(), x)
    assert not plain.any(), "by plain gradient nothing is seen"
    assert support(module, torch.zeros(1, 1, 30), output=4).inputs == (4, 6, 8)


def test_deep_gates_neither_overflow_nor_vanish() -> None:
    made = network.build(toys.recipe(model={"dilations": [[1, 2, 3]] * 40, "kernel_size": 3, "residual_channels": 3}))
    found = support(made, torch.zeros(1, made.receptive_field + 2, dtype=torch.int64), axis=1, output=1)
    assert found.receptive_field == made.receptive_field == 481
    assert found.holes == []


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"), [(3, 2, 1, 1), (2, 3, 1, 1), (3, 2, 1, 2), (4, 4, 0, 1)]
)
@pytest.mark.parametrize("length", [17, 18, 19, 20])
def test_a_max_pool_as_mean_keeps_length_and_windows(
    kernel: int, stride: int, padding: int, dilation: int, length: int, ceil_mode: bool
) -> None:
    pool = nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    places = pool(torch.arange(float(length)).reshape(1, 1, -1)).shape[-1]
    for output in range(places):
        window = range(output * stride - padding, output * stride - padding + kernel * dilation, dilation)
        found = support(pool, torch.zeros(1, 1, length), output=output)
        assert found.inputs == tuple(i for i in window if 0 <= i < length)
    with pytest.raises(ValueError, match=f"expected 0 to {places - 1}"):
        support(pool, torch.zeros(1, 1, length), output=places)


def test_each_axis_of_two_is_measured_alone() -> None:
    module = nn.Sequential(
        nn.Conv2d(1, 3, (3, 5)), nn.ReLU(inplace=True), nn.MaxPool2d((2, 3)), nn.Conv2d(3, 1, 3, dilation=(1, 4))
    )
    example = torch.zeros(1, 1, 60, 90)
    seen([Layer(3), Layer(2, 2), Layer(3)], support(module, example, axis=2))
    seen([Layer(5), Layer(3, 3), Layer(3, 1, 4)], support(module, example, axis=-1))


@pytest.mark.parametrize(
    ("pool", "lags"), [(nn.AdaptiveMaxPool1d(4), range(5, 10)), (nn.AdaptiveAvgPool1d(1), range(20))]
)
def test_adaptive_pools_see_their_share(pool: nn.Module, lags: range) -> None:
    assert support(pool, torch.zeros(1, 1, 20), output=0 if len(lags) == 20 else 1).inputs == tuple(lags)


@pytest.mark.parametrize(
    ("module", "layers"),
    [
        (nn.Sequential(nn.Conv1d(1, 4, 2, dilation=3), nn.GLU(1), nn.Conv1d(2, 1, 2)), [Layer(2, 1, 3), Layer(2)]),
        (nn.Sequential(nn.Conv1d(1, 4, 3), nn.Softmax(dim=1)), [Layer(3)]),
        (nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 2, 3, dilation=3)), [Layer(3, 1, 3)]),
    ],
    ids=["gated linear unit", "softmax over channels", "weight normalisation"],
)
def test_gates_and_what_works_over_channels_hide_nothing(module: nn.Module, layers: list[Layer]) -> None:
    seen(layers, support(module, torch.zeros(1, 1, 20)))


def test_a_transposed_convolution_works() -> None:
    assert support(nn.ConvTranspose1d(1, 1, 4, stride=2), torch.zeros(1, 1, 10), output=6).inputs == (2, 3)


class Pyramid(nn.Module):
    """Branches at rates 1, 6, 12 and 18 beside global pooling, joined."""

    def __init__(self, pooled: bool) -> None:
        super().__init__()
        self.one = nn.Conv1d(2, 3, 1)
        self.branches = nn.ModuleList(nn.Conv1d(2, 3, 3, dilation=d, padding=d) for d in (6, 12, 18))
        self.pooled = pooled

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, C, T] of the joined branches."""
        parts = [F.relu(self.one(x)), *(F.relu(branch(x)) for branch in self.branches)]
        if self.pooled:
            parts.append(F.adaptive_avg_pool1d(x, 1).expand(-1, -1, x.shape[-1]))
        return torch.cat(parts, dim=1)


def test_a_pyramid_has_the_holes_that_geometry_lists() -> None:
    branches = [(Layer(1),), *((Layer(3, 1, d),) for d in (6, 12, 18))]
    field = geometry.see([geometry.Parallel(tuple(branches))], padding="same")
    found = support(Pyramid(False), torch.zeros(1, 2, 80))
    assert found.lags == field.lags
    assert found.inputs == tuple(sorted(40 + field.newest - lag for lag in geometry.lag_list(field.lags)))
    assert not found.at_border
    whole = support(Pyramid(True), torch.zeros(1, 2, 80))
    assert whole.inputs == tuple(range(80))
    assert whole.at_border


@pytest.mark.parametrize(
    "module",
    [
        nn.GroupNorm(1, 2),
        nn.InstanceNorm1d(2, affine=True),
        nn.Softmax(dim=-1),
        nn.LogSoftmax(dim=2),
        nn.LayerNorm(28),
        nn.RMSNorm([2, 28]),
    ],
)
def test_what_works_along_the_whole_axis_sees_all_of_it(module: nn.Module) -> None:
    found = support(nn.Sequential(nn.Conv1d(1, 2, 3), module), torch.zeros(1, 1, 30))
    assert found.inputs == tuple(range(30)) and found.at_border


class Applied(nn.Module):
    """A function of its input and of one convolution of three taps."""

    def __init__(self, function: Callable[[Tensor, nn.Module], Tensor]) -> None:
        super().__init__()
        self.taps, self.function = nn.Conv1d(1, 1, 3, bias=False), function
        self.bias_gain = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return what the function makes of it."""
        return self.function(x, self)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, net: x.unfold(2, 3, 1).max(-1)[0],
        lambda x, net: x.unfold(2, 3, 1).min(dim=-1).values,
        lambda x, net: torch.max(x.unfold(2, 3, 1), -1).values,
        lambda x, net: x.unfold(2, 3, 1).amax(-1),
        lambda x, net: torch.amin(x.unfold(2, 3, 1), dim=-1, keepdim=True).squeeze(-1),
        lambda x, net: torch.maximum(net.taps(x), 3 * x[..., 2:]),
        lambda x, net: torch.max(net.taps(x), other=3 * x[..., 2:]),
        lambda x, net: torch.fmin(-net.taps(x), 3 * x[..., 2:]),
        lambda x, net: x[..., 2:] + net.bias_gain * net.taps(x),
        lambda x, net: F.layer_norm(net.taps(x).transpose(1, 2), [1]).transpose(1, 2),
        lambda x, net: x[..., 2:] * 0 + net.taps(x) + x.max(),
    ],
)
def test_no_maximum_gain_or_normalisation_hides_a_tap(function: Callable[[Tensor, nn.Module], Tensor]) -> None:
    found = support(Applied(function), torch.zeros(1, 1, 20), output=4).inputs
    assert found in ((4, 5, 6), tuple(range(20)))


def test_what_is_too_deep_for_float64_is_refused() -> None:
    deep = nn.Sequential(*[nn.Conv1d(1, 1, 2) for _ in range(1_500)])
    with pytest.raises(ValueError, match="too deep"):
        support(deep, torch.zeros(1, 1, 1_600))
    assert support(deep[:900], torch.zeros(1, 1, 1_000)).receptive_field == 901


class Constant(nn.Module):
    """Gives something that does not come from its input."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: Tensor) -> object:
        """Return the value."""
        return self.value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "gives a NoneType"),
        (torch.zeros(1, 1), r"gives a tensor of shape \[1, 1\], expected a tensor with an axis 2"),
        (torch.zeros(1, 1, 5), "no input reaches output 2"),
    ],
)
def test_what_cannot_be_probed_is_one_line(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        support(Constant(value), torch.zeros(1, 1, 9))


POOLED = [Layer(3), Layer(2, 2), Layer(3)]


class Asserting(nn.Module):
    """A convolution that takes only what lies where its weights lie, in their type."""

    def __init__(self, **made: Any) -> None:
        super().__init__()
        self.taps = nn.Conv2d(1, 1, 3, **made)

    def forward(self, x: Tensor) -> Tensor:
        """Return the convolution."""
        assert (x.device, x.dtype) == (self.taps.weight.device, self.taps.weight.dtype)
        found: Tensor = self.taps(x)
        return found


def pooled(**made: Any) -> nn.Module:
    """Return a module with max-pools whose layers are those of POOLED."""
    return nn.Sequential(
        Asserting(**made),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.MaxPool2d(3, 1),
        nn.BatchNorm2d(1, **made),
    )


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("given", [torch.float16, torch.float64])
def test_the_modules_device_and_type_count_not_the_examples_nor_the_default(
    kind: torch.dtype, given: torch.dtype
) -> None:
    module, example = pooled(dtype=kind), torch.zeros(1, 1, 40, 40, dtype=given)
    with torch.device("meta"):  # whatever is made without its device does not lie where the module does, as on a GPU
        found = support(module, example)
    seen(POOLED, found)


def test_an_example_on_another_device_is_taken_to_the_module() -> None:
    example = torch.zeros(1, 1, 40, 40, device="meta")
    seen(POOLED, support(pooled(), example))
    codes = torch.zeros(1, 40, dtype=torch.int64)
    looked_up = nn.Sequential(nn.Embedding(3, 40), nn.MaxPool1d(3, 1))
    with torch.device("meta"):
        assert support(looked_up, codes, axis=1, output=7).inputs == (7,)


def test_a_module_without_values_is_probed_all_the_same() -> None:
    module = nn.Sequential(Asserting(device="meta"), nn.MaxPool2d(2), nn.Conv2d(1, 1, 2, dilation=3, device="meta"))
    seen([Layer(3), Layer(2, 2), Layer(2, 1, 3)], support(module, torch.zeros(1, 1, 40, 40)))
    assert all(weight.is_meta for weight in module.parameters())


def test_no_library_convolves_by_fourier_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "enabled", True)
    heard = []

    def applied(x: Tensor, net: nn.Module) -> Tensor:
        heard.append(torch.backends.cudnn.enabled)
        taken: Tensor = net.taps(x)  # type: ignore[operator]
        return taken

    support(Applied(applied), torch.zeros(1, 1, 20))
    assert heard == [False] and torch.backends.cudnn.enabled


def test_the_example_in_the_docstring_runs() -> None:
    assert doctest.testmod(probe).failed == 0
    assert doctest.testmod(probe).attempted >= 4
