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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from wavenet.geometry import Hole, holes

SMALLEST = 1e-290  # a gradient below it may stand beside others that have vanished


@dataclass(frozen=True)
class Support:
    """The inputs that one output depends on, along one axis.

    Args:
        output: the index of the output.
        inputs: the indices of the inputs, ascending.
        length: how many inputs there were.
    """

    output: int
    inputs: tuple[int, ...]
    length: int

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
    codes, place = not example.is_floating_point(), _home(next(_values(module), example))
    leaf = example.to(place) if codes else torch.ones(example.shape, dtype=torch.float64, device=place)
    if not codes:
        leaf.requires_grad_()
    # cuDNN may convolve by Fourier transform, whose rounding would connect what is not
    exact = torch.backends.cudnn.flags(enabled=False)
    with _evaluating(module), torch.enable_grad(), exact, _Linear(codes) as linear:
        out = torch.func.functional_call(module, _positive(module), (leaf,))
    if not isinstance(out, Tensor) or out.dim() <= axis:
        raise ValueError(f"the module gives {_told(out)}, expected a tensor with an axis {axis}")
    index = out.shape[axis] // 2 if output is None else output
    if not 0 <= index < out.shape[axis]:
        raise ValueError(f"the output's index is {index}, expected 0 to {out.shape[axis] - 1}")
    begun = linear.looked_up if codes else leaf
    one = out.select(axis, index).sum()
    known = begun is not None and one.requires_grad
    with torch.backends.cudnn.flags(enabled=False):
        gradient = torch.autograd.grad(one, begun, allow_unused=True)[0] if known else None
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


def _told(value: Any) -> str:
    return f"a tensor of shape {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


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


def _values(module: nn.Module) -> Iterator[Tensor]:
    """Return a module's parameters, then its buffers."""
    return itertools.chain(module.parameters(), module.buffers())


def _home(value: Tensor) -> torch.device:
    """Return where to compute with what stands for a tensor: where it lies, if float64 and values are to be had there.

    Apple's devices have no float64, and what is on `meta` has no values.
    """
    return torch.device("cpu") if value.device.type in ("mps", "meta") else value.device


def _positive(module: nn.Module) -> dict[str, Tensor]:
    """Return a module's parameters and buffers, all weights positive, with sums over inputs that stay near 1."""
    made: dict[str, Tensor] = {}
    value: Tensor
    for name, value in module.named_parameters():
        share = value[0].numel() if value.dim() > 1 and len(value) else 1
        made[name] = torch.full(value.shape, 1.0 / share, dtype=torch.float64, device=_home(value))
        if value.dim() <= 1 and name.rpartition(".")[2] == "bias":
            made[name].zero_()
    for name, value in module.named_buffers():
        made[name] = value.to(_home(value), torch.float64 if value.is_floating_point() else value.dtype)
    return made


# --- what replaces functions -----------------------------------------------------------------------------------------


def _functions(names: str) -> set[Any]:
    """Return all functions of torch that go by these names, apart by spaces: free ones, methods, in place or not."""
    found = set()
    for name in names.split():
        for place in (torch, F, Tensor, torch.special, torch._C._nn):
            found |= {getattr(place, form) for form in (name, f"{name}_") if hasattr(place, form)}
    return found


ACTIVATIONS = _functions(
    "relu relu6 leaky_relu rrelu prelu elu selu celu gelu silu mish softplus softsign softshrink hardshrink tanhshrink "
    "hardtanh hardswish hardsigmoid threshold logsigmoid sigmoid tanh expit clamp clip clamp_min clamp_max sin cos "
    "dropout dropout1d dropout2d alpha_dropout feature_alpha_dropout"
)
NORMALISATIONS = _functions("batch_norm local_response_norm")
EXTREMES = _functions("max min amax amin maximum minimum fmax fmin")
# what puts each value in proportion to others, and over which dimensions
MIXERS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys(_functions("group_norm"), lambda x, args, kwargs: tuple(range(1, x.dim()))),
    **dict.fromkeys(_functions("instance_norm"), lambda x, args, kwargs: tuple(range(2, x.dim()))),
    **dict.fromkeys(
        _functions("layer_norm rms_norm"),
        lambda x, args, kwargs: tuple(range(-len(_argument(args, kwargs, 1, "normalized_shape")), 0)),
    ),
    **dict.fromkeys(
        _functions("softmax log_softmax softmin"), lambda x, args, kwargs: _argument(args, kwargs, 1, "dim", -1)
    ),
}
MAX_POOLS = {
    function: (dims, convolution)
    for dims, convolution in ((1, F.conv1d), (2, F.conv2d), (3, F.conv3d))
    for function in _functions(f"max_pool{dims}d max_pool{dims}d_with_indices _max_pool{dims}d")
}
ADAPTIVE_POOLS = {
    function: average
    for dims, average in ((1, F.adaptive_avg_pool1d), (2, F.adaptive_avg_pool2d), (3, F.adaptive_avg_pool3d))
    for function in _functions(
        f"adaptive_max_pool{dims}d adaptive_max_pool{dims}d_with_indices _adaptive_max_pool{dims}d"
    )
}


class _Linear(TorchFunctionMode):
    """Replaces, while it is on, what could hide a connection.

    Args:
        codes: whether the input is whole numbers that an embedding looks up.

    Attributes:
        looked_up: what the embedding gave.
    """

    def __init__(self, codes: bool) -> None:
        super().__init__()
        self.codes = codes
        self.looked_up: Tensor | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Return what a function of torch, or what stands for it, gives."""
        kwargs = kwargs or {}
        if func in ACTIVATIONS:
            return _scaled(args[0])
        if func in NORMALISATIONS:
            return args[0]
        if func in MIXERS:
            return _mixed(args[0], MIXERS[func](args[0], args, kwargs))
        if func in EXTREMES:
            return _mean(func, args, kwargs)
        if func is F.glu:
            values, gates = args[0].chunk(2, _argument(args, kwargs, 1, "dim", -1))
            return _scaled(values) * _scaled(gates)
        if func in MAX_POOLS:
            return _mean_pool(*MAX_POOLS[func], *args, **kwargs)
        if func in ADAPTIVE_POOLS:
            return ADAPTIVE_POOLS[func](args[0], _argument(args, kwargs, 1, "output_size"))
        if func is F.embedding and self.codes and self.looked_up is None:
            self.looked_up = torch.ones_like(func(*args, **kwargs), requires_grad=True)
            return self.looked_up
        return func(*args, **kwargs)


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str, default: Any = None) -> Any:
    """Return an argument that may stand at its place or behind its name."""
    return kwargs.get(name, args[place] if len(args) > place else default)


def _mean(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the mean of what a maximum or minimum would choose from, in the form in which it gives it."""
    second = _argument(args, kwargs, 1, "other")
    if isinstance(second, Tensor):
        return (args[0] + second) / 2
    dim, keep = _argument(args, kwargs, 1, "dim"), bool(_argument(args, kwargs, 2, "keepdim", False))
    mean = args[0].mean() if dim is None or dim == () else args[0].mean(dim, keepdim=keep)
    found = func(*args, **kwargs)
    return mean if isinstance(found, Tensor) else type(found)((mean, found.indices))


def _mixed(x: Tensor, dims: Any) -> Tensor:
    """Return each value with the mean of those that it is put in proportion to."""
    return _scaled(x + x.mean(dims, keepdim=True))


def _scaled(x: Tensor) -> Tensor:
    """Return the identity times a positive constant that keeps values at most 1: gates multiply, and would blow up."""
    largest = x.detach().abs().max() if x.numel() else 1.0
    return x / largest if largest > 0 else x


def _mean_pool(
    dims: int,
    convolution: Callable[..., Tensor],
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """Return the mean over each window of a max-pool with these arguments."""

    def each(value: Any) -> list[int]:
        return [int(value)] * dims if isinstance(value, int) else [int(v) for v in value] * (dims // len(value))

    kernels, dilations, pads = each(kernel_size), each(dilation), each(padding)
    strides = each(stride) if stride not in (None, (), []) else kernels
    C = x.shape[-dims - 1]
    extra = []  # ceil_mode lets a last window begin that hangs over the end, if it begins inside
    for length, K, s, p, d in zip(x.shape[-dims:], kernels, strides, pads, dilations, strict=True):
        left = length + 2 * p - d * (K - 1) - 1
        more = -left % s if ceil_mode else 0
        extra.append(more if (left + more) // s * s < length + p else 0)
    sides = [side for p, more in zip(reversed(pads), reversed(extra), strict=True) for side in (p, p + more)]
    weight = torch.ones(C, 1, *kernels, dtype=x.dtype, device=x.device)
    return convolution(F.pad(x, sides), weight, stride=strides, dilation=dilations, groups=C) / weight[0].numel()
