"""Held: channels through layers and branches are those of torch's own modules; what does not fit names the layer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.geometry import Channels, Layer, LayerError, Parallel, Part, Whole, with_channels


def conv(inputs: int | None, outputs: int, kernel: int = 3, groups: int = 1, bias: bool = True) -> Layer:
    return Layer(kernel, channels=Channels(inputs, outputs, groups, bias))


def parameters(parts: Sequence[Part], dims: int) -> int:
    """Return the parameters of all convolutions whose channels are found."""
    total = 0
    for part in parts:
        if isinstance(part, Parallel):
            total += sum(parameters(branch, dims) for branch in part.branches)
        elif isinstance(part, Layer) and part.channels:
            total += part.channels.parameters(part.kernel, dims)
    return total


@settings(max_examples=40)
@given(
    st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.booleans(), st.sampled_from([1, 2])
)
def test_parameters_and_weights_are_those_of_torch(
    inputs: int, outputs: int, groups: int, kernel: int, bias: bool, dims: int
) -> None:
    channels = Channels(inputs * groups, outputs * groups, groups, bias)
    module = torch.nn.Conv1d if dims == 1 else torch.nn.Conv2d
    real = module(inputs * groups, outputs * groups, kernel, groups=groups, bias=bias)
    assert channels.weights(kernel, dims) == real.weight.numel()
    assert channels.parameters(kernel, dims) == sum(numbers.numel() for numbers in real.parameters())


def test_what_goes_in_is_what_came_out_before_and_pooling_passes_it_on() -> None:
    parts, leaving = with_channels([conv(3, 8), Layer(2, 2), Whole(), conv(None, 5), conv(5, 7)])
    assert parts == (conv(3, 8), Layer(2, 2), Whole(), conv(8, 5), conv(5, 7))
    assert leaving == 7
    assert with_channels([conv(None, 5)], entering=4) == ((conv(4, 5),), 5)
    assert with_channels([Layer(3), Whole(), Parallel(((Layer(3),), (Layer(1),)))])[1] is None


def test_branches_share_what_goes_in_and_stand_side_by_side_or_are_added() -> None:
    branches = ((conv(4, 6),), (Layer(3), conv(None, 6, groups=2)), (Whole(), conv(None, 6)))
    made, leaving = with_channels([Parallel(branches), conv(None, 2)])
    assert leaving == 2
    assert made[0] == Parallel(((conv(4, 6),), (Layer(3), conv(4, 6, groups=2)), (Whole(), conv(4, 6))))
    assert made[1] == conv(18, 2)
    assert with_channels([Parallel(branches, added=True), conv(None, 2)])[0][1] == conv(6, 2)
    # whichever branch says it, and however deep; a shortcut passes on what entered
    late = Parallel(((conv(None, 4),), (Parallel(((conv(4, 1),), (Layer(1),))), conv(5, 4)), ()), added=True)
    assert with_channels([late])[1] == 4


def test_a_bottleneck_of_a_resnet_has_the_parameters_of_its_modules() -> None:
    bottleneck = (conv(64, 64, 1, bias=False), conv(None, 64, 3, bias=False), conv(None, 256, 1, bias=False))
    block = Parallel((bottleneck, (conv(64, 256, 1, bias=False),)), added=True)
    made, leaving = with_channels([block])
    sizes = [(64, 64, 1), (64, 64, 3), (64, 256, 1), (64, 256, 1)]
    real = [torch.nn.Conv2d(*size, bias=False) for size in sizes]
    assert parameters(made, dims=2) == sum(module.weight.numel() for module in real)
    assert leaving == 256


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([conv(3, 8), conv(9, 5)], "layer 2: it takes 9 channels in, but 8 reach it; make them equal"),
        ([Layer(3), conv(None, 5)], "layer 2: it has out but no in, and nothing before it says"),
        ([conv(6, 9, groups=6)], "layer 1: 6 channels in and 9 out don't both divide into 6 groups"),
        ([conv(9, 6, groups=6)], "layer 1: 9 channels in and 6 out"),
        ([conv(2, 2), Parallel(((Layer(1),), (Layer(1), conv(3, 2))))], "layer 2.2.2: it takes 3 channels in, but 2"),
        ([Parallel(((conv(2, 3),), (conv(2, 4),)), True)], "layer 1: its branches end with 3, 4 channels, which"),
        ([Parallel(((conv(2, 3),), (conv(5, 4),)))], "layer 1.2.1: it takes 5 channels in, but 2 reach it"),
        ([Parallel(((conv(2, 3),), (conv(2, 4),))), conv(3, 4)], "layer 2: it takes 3 channels in, but 7 reach it"),
    ],
)
def test_what_does_not_fit_names_the_layer(parts: list[Part], words: str) -> None:
    with pytest.raises(LayerError) as caught:
        with_channels(parts)
    assert str(caught.value).startswith(words)


def test_weights_need_the_channels_that_go_in() -> None:
    with pytest.raises(ValueError, match="`with_channels` finds them"):
        Channels(None, 3).weights(3)
