"""Integers only: dilations, receptive fields, the lags a network reaches, queue sizes, multiply-adds.

For any sequence of convolutions, of any network; standard library only, exact, and at once for a million lags.
``layers`` are described, ``receptive`` and ``receptive_2d`` say what they see, ``coverage`` what they miss and how to
fix it, ``paths`` how often they see it, ``channels`` and ``shapes`` what they cost, ``spans`` how to see so far.

What does a stack see, and what does it miss? Lag 0 is the newest input that an output sees; a set of lags is a Python
integer whose bit ``i`` stands for lag ``i``, so that a layer costs one shift per tap:

>>> from wavenet.geometry import Layer, Parallel, Whole, see, lag_list, holes
>>> seen = see([Layer(kernel=2, dilation=1), Layer(kernel=2, dilation=2), Layer(kernel=2, dilation=5)])
>>> seen.receptive_field, lag_list(seen.lags), holes(seen.lags)
(9, [0, 1, 2, 3, 5, 6, 7, 8], [(4, 4, 1)])

Why it misses that, and what fixes it, the smallest change first:

>>> from wavenet.geometry import first_gap, fixes
>>> first_gap(((1, 2, 5),), kernels=(2, 2, 2))
Gap(dilation=5, reach=4, divisor=1)
>>> [fix.change for fix in fixes(((1, 2, 5),), kernels=(2, 2, 2))][:2]
['dilation 5 of layer 3 to 4', 'kernel 2 to 3 in every layer']

Strides, pooling (a layer like any other), branches, global pooling, and three kinds of padding:

>>> stem = [Layer(kernel=7, stride=2), Layer(kernel=3, stride=2)]
>>> pyramid = Parallel(((Layer(1),), (Layer(3, dilation=6),), (Whole(), Layer(1))))
>>> seen = see([*stem, pyramid], padding="same")
>>> seen.receptive_field, seen.jump, seen.offset, seen.whole
(59, 4, -29, True)
>>> from wavenet.geometry import length_through
>>> length_through([*stem, pyramid], 224, padding="same")
56
>>> Layer(kernel=4, dilation=3).pads("same")
(4, 5)

Square kernels see a picture; of two layers at dilation 2 every other row and column is all that is reached. And what
convolutions cost, once the channels of the first are known:

>>> from wavenet.geometry import Channels, grid_of, with_channels
>>> grid = grid_of([Layer(3, dilation=2), Layer(3, dilation=2)])
>>> grid.reached, grid.positions
(25, 81)
>>> layers, outputs = with_channels([Layer(5, channels=Channels(64, 128)), Layer(3, channels=Channels(None, 128))])
>>> [layer.channels.parameters(layer.kernel, dims=2) for layer in layers], outputs
([204928, 147584], 128)

How many paths lead from each lag to the output, and what it takes to see a span:

>>> from wavenet.geometry import count_paths, ways
>>> count_paths([Layer(3), Layer(3)]).counts
[1, 2, 3, 2, 1]
>>> [(way.name, way.layers, way.parameters) for way in ways(span=63, kernel=3, channels=64, dims=2)]
[('larger kernel', 1, 16257088), ('plain stack', 31, 1144768), ('dilated stack', 5, 184640)]

A *stack* is one cycle of a pattern or one inner list of an explicit schedule; a flat list is one stack.
"""

from wavenet.geometry.channels import with_channels
from wavenet.geometry.coverage import Fix, Gap, Hole, first_gap, fixes, holes, lag_list
from wavenet.geometry.frames import ConditionShape, Encoder, FrameShape, frame_count, frames_between, mixing
from wavenet.geometry.layers import (
    MAX_LAYERS,
    PADDINGS,
    Channels,
    Layer,
    LayerError,
    Padding,
    Parallel,
    Part,
    Stacks,
    Whole,
    constant,
    exponential,
    hdc,
    length_through,
    numbered,
)
from wavenet.geometry.paths import Paths, count_paths, total_paths
from wavenet.geometry.products import ProductShape
from wavenet.geometry.receptive import MAX_RECEPTIVE_FIELD, Seen, see
from wavenet.geometry.receptive_2d import Grid, grid_of
from wavenet.geometry.shapes import Shape
from wavenet.geometry.spans import Pattern, Proposal, Way, propose, ways

# fmt: off
__all__ = [
    "MAX_LAYERS", "MAX_RECEPTIVE_FIELD", "PADDINGS", "Channels", "ConditionShape", "Encoder", "Fix", "FrameShape",
    "Gap", "Grid", "Hole", "Layer", "LayerError", "Padding", "Parallel", "Part", "Paths", "Pattern", "ProductShape",
    "Proposal", "Seen", "Shape", "Stacks", "Way", "Whole", "constant", "count_paths", "exponential", "first_gap",
    "fixes", "frame_count", "frames_between", "grid_of", "hdc", "holes", "lag_list", "length_through", "mixing",
    "numbered", "propose", "see", "total_paths", "ways", "with_channels",
]
