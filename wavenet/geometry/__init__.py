"""Integers only: dilations, receptive fields, the lags a network reaches, queue sizes, multiply-adds.

For any sequence of convolutions, whoever's network it is; standard library only, exact, and at once for a million lags.

What does a stack see, and what does it miss? Lag 0 is the newest input that an output sees; a set of lags is a Python
integer whose bit ``i`` stands for lag ``i``, so that a layer costs one shift per tap:

>>> from wavenet.geometry import Layer, Parallel, Whole, see, lag_list, holes
>>> field = see([Layer(kernel=2, dilation=1), Layer(kernel=2, dilation=2), Layer(kernel=2, dilation=5)])
>>> field.receptive_field, lag_list(field.lags), holes(field.lags)
(9, [0, 1, 2, 3, 5, 6, 7, 8], [(4, 4, 1)])

Why it misses that, and what mends it, the smallest change first:

>>> from wavenet.geometry import first_gap, mends
>>> first_gap(((1, 2, 5),), kernels=(2, 2, 2))
Gap(dilation=5, reach=4, divisor=1)
>>> [mend.change for mend in mends(((1, 2, 5),), kernels=(2, 2, 2))][:2]
['dilation 5 of layer 3 to 4', 'kernel 2 to 3 in every layer']

Strides, pooling (a layer like any other), branches, global pooling, and three kinds of padding:

>>> stem = [Layer(kernel=7, stride=2), Layer(kernel=3, stride=2)]
>>> pyramid = Parallel(((Layer(1),), (Layer(3, dilation=6),), (Whole(), Layer(1))))
>>> field = see([*stem, pyramid], padding="same")
>>> field.receptive_field, field.jump, field.offset, field.whole
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

from wavenet.geometry.channels import with_channels as with_channels
from wavenet.geometry.fields import MAX_RECEPTIVE_FIELD as MAX_RECEPTIVE_FIELD
from wavenet.geometry.fields import Field as Field
from wavenet.geometry.fields import receptive_field as receptive_field
from wavenet.geometry.fields import see as see
from wavenet.geometry.gridding import Gap as Gap
from wavenet.geometry.gridding import Mend as Mend
from wavenet.geometry.gridding import first_gap as first_gap
from wavenet.geometry.gridding import mends as mends
from wavenet.geometry.grids import Grid as Grid
from wavenet.geometry.grids import grid_of as grid_of
from wavenet.geometry.lags import Hole as Hole
from wavenet.geometry.lags import holes as holes
from wavenet.geometry.lags import lag_list as lag_list
from wavenet.geometry.layers import Channels as Channels
from wavenet.geometry.layers import Layer as Layer
from wavenet.geometry.layers import LayerError as LayerError
from wavenet.geometry.layers import Padding as Padding
from wavenet.geometry.layers import Parallel as Parallel
from wavenet.geometry.layers import Part as Part
from wavenet.geometry.layers import Whole as Whole
from wavenet.geometry.layers import convolution_weights as convolution_weights
from wavenet.geometry.layers import length_through as length_through
from wavenet.geometry.layers import numbered as numbered
from wavenet.geometry.paths import Paths as Paths
from wavenet.geometry.paths import count_paths as count_paths
from wavenet.geometry.paths import total_paths as total_paths
from wavenet.geometry.schedules import MAX_LAYERS as MAX_LAYERS
from wavenet.geometry.schedules import Stacks as Stacks
from wavenet.geometry.schedules import constant as constant
from wavenet.geometry.schedules import exponential as exponential
from wavenet.geometry.schedules import hdc as hdc
from wavenet.geometry.shapes import ProductShape as ProductShape
from wavenet.geometry.shapes import Shape as Shape
from wavenet.geometry.spans import Pattern as Pattern
from wavenet.geometry.spans import Proposal as Proposal
from wavenet.geometry.spans import Way as Way
from wavenet.geometry.spans import propose as propose
from wavenet.geometry.spans import ways as ways
