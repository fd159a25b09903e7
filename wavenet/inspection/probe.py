"""What any torch module of convolutions and pools sees along one axis, measured by gradient.

A gradient says which inputs an output depends on, unless it vanishes for another reason: a ReLU that is off, a maximum
that some other input has, weights that cancel. So the module is run with every weight positive, activations as the
identity and maxima as means: then all paths add up, and what is exactly zero is not connected.

>>> import torch
>>> from wavenet.inspection.probe import support
>>> net = torch.nn.Sequential(
...     torch.nn.Conv1d(1, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool1d(2), torch.nn.Conv1d(4, 1, 3, dilation=2)
... )
>>> seen = support(net, torch.zeros(1, 1, 40))
>>> seen.receptive_field, seen.holes
(12, [])
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from wavenet.geometry import Hole, holes

SMALLEST = 1e-290  # a gradient below it may stand beside others that have vanished


@dataclass(frozen=True)
class Support:
    """The inputs that one output depends on, along one axis."""

    output: int  # its index
    inputs: tuple[int, ...]  # their indices, ascending
    length: int  # how many inputs there were

    @property
    def receptive_field(self) -> int:
        """From the first input that is seen to the last, both included."""
        return self.inputs[-1] - self.inputs[0] + 1

    @property
    def lags(self) -> int:
        """A bit set, bit ``i`` for the input ``i`` before the last one that is seen: `geometry.Seen.lags`."""
        return sum(1 << (self.inputs[-1] - i) for i in self.inputs)

    @property
    def holes(self) -> list[Hole]:
        """What is not seen in between, as (first, last, step) in lags."""
        return holes(self.lags)

    @property
    def at_border(self) -> bool:
        """Whether the first or the last input is seen: a longer example may then show more."""
        return self.inputs[0] == 0 or self.inputs[-1] == self.length - 1


def support(module: nn.Module, example: Tensor, axis: int = -1, output: int | None = None) -> Support:
    """Return which inputs an output of a module depends on; the module is left as it is.

    It works for whatever is made of convolutions, linear layers, pools, activations, gates, maxima, sums and
    concatenations, with or without normalisation: one that works along the axis lets every output see every input. A
    module that subtracts signals from each other may hide what cancels. All is computed in float64 where the module
    lies, whatever the example's own place and type.

    Args:
        module: maps one tensor to one tensor.
        example: an input of the right shape, of at least twice the expected field along the axis, so that the middle
            output sees no border. Values don't matter, unless they are whole numbers for an embedding.
        axis: of the example; the same axis of the output is meant, counted from the left.
        output: the index of the output along the axis; None takes the middle one.

    Raises:
        ValueError: the output is no tensor with that axis or index, no input reaches it, or the module is so deep that
            gradients vanish in float64.
    """
    axis = axis % example.dim()
    codes = not example.is_floating_point()
    place = _home(next(itertools.chain(module.parameters(), module.buffers()), example))
    leaf = example.to(place) if codes else torch.ones(example.shape, dtype=torch.float64, device=place)
    # cuDNN may convolve by Fourier transform, whose rounding would connect what is not
    with _evaluating(module), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        with _Linear(codes) as linear:
            begun = None if codes else leaf.requires_grad_()
            out = torch.func.functional_call(module, _positive(module), (leaf,))
        begun = linear.looked_up if codes else begun
        if not isinstance(out, Tensor) or out.dim() <= axis:
            given = f"tensor of shape {list(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
            raise ValueError(f"the module gives a {given}, expected a tensor with an axis {axis}")
        index = out.shape[axis] // 2 if output is None else output
        if not 0 <= index < out.shape[axis]:
            raise ValueError(f"the output's index is {index}, expected 0 to {out.shape[axis] - 1}")
        one = out.select(axis, index).sum()
        gradient = None
        if begun is not None and one.requires_grad:
            gradient = torch.autograd.grad(one, begun, allow_unused=True)[0]
    reached = [] if gradient is None else _reached(gradient.movedim(axis, 0).flatten(1))
    if not reached:
        raise ValueError(f"no input reaches output {index}; give a module whose output depends on its input")
    return Support(index, tuple(reached), example.shape[axis])


def _reached(gradients: Tensor) -> list[int]:
    """Return which rows of gradients [n, *] are not all zero."""
    sizes = gradients.amax(1)
    if bool(((sizes > 0) & (sizes < SMALLEST)).any()):
        raise ValueError("the module is too deep: gradients through it vanish in float64; give a part of it")
    return [int(i) for i in sizes.nonzero().flatten()]


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode for a while."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def _home(value: Tensor) -> torch.device:
    """Return where to compute with a tensor: Apple's devices have no float64, and what is on `meta` has no values."""
    return torch.device("cpu") if value.device.type in ("mps", "meta") else value.device


def _positive(module: nn.Module) -> dict[str, Tensor]:
    """Return a module's parameters and buffers, all weights positive, with sums over inputs that stay near 1."""
    made: dict[str, Tensor] = {}
    value: Tensor
    for name, value in module.named_parameters():
        share = value[0].numel() if value.dim() > 1 and len(value) else 1
        level = 0.0 if value.dim() <= 1 and name.rpartition(".")[2] == "bias" else 1.0 / share
        made[name] = torch.full(value.shape, level, dtype=torch.float64, device=_home(value))
    for name, value in module.named_buffers():
        made[name] = value.to(_home(value), torch.float64 if value.is_floating_point() else value.dtype)
    return made


class _Linear(TorchFunctionMode):
    """Replaces, while it is on, what could hide a connection; `looked_up` is what an embedding of codes gave."""

    def __init__(self, codes: bool) -> None:
        super().__init__()
        self.codes = codes
        self.looked_up: Tensor | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Return what a function of torch, or what stands for it, gives."""
        kwargs = kwargs or {}
        if func in REPLACED:
            return REPLACED[func](func, *args, **kwargs)
        if func is F.embedding and self.codes and self.looked_up is None:
            self.looked_up = torch.ones_like(func(*args, **kwargs), requires_grad=True)
            return self.looked_up
        return func(*args, **kwargs)


# --- what replaces functions: each takes the function itself, then its arguments --------------------------------------


def _scaled(x: Tensor) -> Tensor:
    """Return the identity times a positive constant that keeps values at most 1: gates multiply, and would blow up."""
    largest = x.detach().abs().max() if x.numel() else 1.0
    return x / largest if largest > 0 else x


def _mixed(x: Tensor, dims: Any) -> Tensor:
    """Return each value with the mean of those that it is put in proportion to."""
    return _scaled(x + x.mean(dims, keepdim=True))


def _glu(func: Any, input: Tensor, dim: int = -1) -> Tensor:
    values, gates = input.chunk(2, dim)
    return _scaled(values) * _scaled(gates)


def _mean(func: Any, input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the mean of what a maximum or minimum would choose from, in the form in which it gives it."""
    second = dim if isinstance(dim, Tensor) else other
    if second is not None:
        return (input + second) / 2
    if dim is None or dim == ():
        return input.mean()
    found, mean = func(input, dim, keepdim), input.mean(dim, keepdim=keepdim)
    return mean if isinstance(found, Tensor) else type(found)((mean, found.indices))


def _mean_pool(
    dims: int,
    func: Any,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """Return the mean over each window of a max-pool."""

    def each(value: Any) -> list[int]:
        return [int(value)] * dims if isinstance(value, int) else [int(v) for v in value] * (dims // len(value))

    kernels, dilations, pads = each(kernel_size), each(dilation), each(padding)
    strides = each(stride) if stride not in (None, (), []) else kernels
    largest = func(input.detach(), kernels, strides, pads, dilations, ceil_mode)
    shape = (largest if isinstance(largest, Tensor) else largest[0]).shape[-dims:]
    # a last window of ceil_mode hangs over the end; what else the longer padding makes is cut off
    sides = [side for K, p, d in zip(kernels, pads, dilations, strict=True) for side in (p + d * K, p)]
    C = input.shape[-dims - 1]
    weight = torch.ones(C, 1, *kernels, dtype=input.dtype, device=input.device) / math.prod(kernels)
    means: Tensor = getattr(F, f"conv{dims}d")(
        F.pad(input, sides[::-1]), weight, stride=strides, dilation=dilations, groups=C
    )
    for axis, places in enumerate(shape, -dims):
        means = means.narrow(axis, 0, places)
    return means


def _adaptive_mean_pool(dims: int, func: Any, input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    return getattr(F, f"adaptive_avg_pool{dims}d")(input, output_size)


def _all_forms(replacements: dict[str, Callable[..., Any]]) -> dict[Any, Callable[..., Any]]:
    """Return what replaces each function of torch of these names: free ones, methods, in place or not."""
    found: dict[Any, Callable[..., Any]] = {}
    for names, replacement in replacements.items():
        for name in names.split():
            for place in (torch, F, Tensor, torch.special, torch._C._nn):
                found |= {getattr(place, form): replacement for form in (name, f"{name}_") if hasattr(place, form)}
    return found


REPLACED = _all_forms(
    {
        "relu relu6 leaky_relu rrelu prelu elu selu celu gelu silu mish softplus softsign softshrink hardshrink "
        "tanhshrink hardtanh hardswish hardsigmoid threshold logsigmoid sigmoid tanh expit clamp clip clamp_min "
        "clamp_max sin cos dropout dropout1d dropout2d alpha_dropout feature_alpha_dropout": (
            lambda func, input, *args, **kwargs: _scaled(input)
        ),
        "batch_norm local_response_norm": lambda func, input, *args, **kwargs: input,
        "group_norm": lambda func, input, *args, **kwargs: _mixed(input, tuple(range(1, input.dim()))),
        "instance_norm": lambda func, input, *args, **kwargs: _mixed(input, tuple(range(2, input.dim()))),
        "layer_norm rms_norm": (
            lambda func, input, normalized_shape, *args, **kwargs: _mixed(
                input, tuple(range(-len(normalized_shape), 0))
            )
        ),
        "softmax log_softmax softmin": lambda func, input, dim=-1, *args, **kwargs: _mixed(input, dim),
        "glu": _glu,
        "max min amax amin maximum minimum fmax fmin": _mean,
        **{
            f"{name} {name}_with_indices _{name}": partial(mean, n)
            for n in (1, 2, 3)
            for name, mean in ((f"max_pool{n}d", _mean_pool), (f"adaptive_max_pool{n}d", _adaptive_mean_pool))
        },
    }
)
