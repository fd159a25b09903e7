"""Small schedules, layers and branches that the tests of `wavenet.geometry` begin from, and what they reach by hand."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from wavenet import geometry
from wavenet.geometry import Layer, Padding, Parallel, Part, Seen, Shape, Stacks, Whole
from wavenet.geometry.layers import PADDINGS

DECADES = (1, 2, 5, 10, 20, 50, 100, 200, 500)

paddings: st.SearchStrategy[Padding] = st.sampled_from(PADDINGS) | st.integers(0, 5)


def taps(stacks: Stacks, kernel: int | Sequence[int]) -> tuple[int, ...]:
    """Return the taps of every layer, all alike or as listed."""
    return (kernel,) * sum(map(len, stacks)) if isinstance(kernel, int) else tuple(kernel)


def seen(stacks: Stacks, kernel: int | Sequence[int]) -> Seen[int]:
    """Return what a causal schedule sees."""
    dilations = itertools.chain.from_iterable(stacks)
    return geometry.see(Layer(K, 1, d) for K, d in zip(taps(stacks, kernel), dilations, strict=True))


def missing(lags: int) -> set[int]:
    """Return the lags inside a receptive field that are not reached."""
    return {lag for lag in range(lags.bit_length()) if not lags >> lag & 1}


# --- one tap after the other -----------------------------------------------------------------------------------------


def newest_tap(layer: Layer, output: int, padding: Padding) -> int:
    """Return the input under the newest tap of an output; the odd one of the padding lies right."""
    span, own = layer.dilation * (layer.kernel - 1), padding if layer.padding is None else layer.padding
    left = {"causal": span, "same": span // 2, "valid": 0}[own] if isinstance(own, str) else own
    return output * layer.stride + span - left


def inputs_seen(parts: Sequence[Part], outputs: set[int], padding: Padding) -> set[int]:
    """Return the inputs at fixed lags behind some outputs, tap by tap from the last layer to the first."""
    for part in reversed(parts):
        if isinstance(part, Parallel):
            outputs = set().union(*(inputs_seen(branch, outputs, padding) for branch in part.branches))
        elif isinstance(part, Whole):
            outputs = set()
        else:
            newest = {newest_tap(part, at, padding) for at in outputs}
            outputs = {at - tap * part.dilation for at in newest for tap in range(part.kernel)}
    return outputs


def pools_all(parts: Sequence[Part]) -> bool:
    """Return whether global pooling stands anywhere in some layers."""
    return any(
        isinstance(part, Whole) or (isinstance(part, Parallel) and any(map(pools_all, part.branches))) for part in parts
    )


def pads_alike(parts: Sequence[Part]) -> bool:
    """Return whether no layer has a padding of its own."""
    return all(
        all(map(pads_alike, part.branches)) if isinstance(part, Parallel) else getattr(part, "padding", None) is None
        for part in parts
    )


def straight(parts: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    """Yield every sequence without branches that leads through some layers."""
    choices = [
        [way for branch in part.branches for way in straight(branch)] if isinstance(part, Parallel) else [(part,)]
        for part in parts
    ]
    for chosen in itertools.product(*choices):
        yield tuple(itertools.chain.from_iterable(chosen))


def paths_to(parts: Sequence[Part], output: int, padding: Padding) -> Counter[int]:
    """Return how many paths through the taps lead from each input to an output, one path after the other."""
    found: Counter[int] = Counter()
    for way in straight(parts):
        layers = [part for part in way if isinstance(part, Layer)]
        if len(layers) < len(way):
            continue
        for path in itertools.product(*(range(layer.kernel) for layer in layers)):
            at = output
            for layer, tap in zip(reversed(layers), reversed(path), strict=True):
                at = newest_tap(layer, at, padding) - tap * layer.dilation
            found[at] += 1
    return found


# --- whatever may be -------------------------------------------------------------------------------------------------


@st.composite
def sequences(
    draw: st.DrawFn, strides: tuple[int, ...] | None = None, depth: int = 2, largest: int = 4
) -> tuple[Part, ...]:
    """Some layers, global pooling and parallel branches; `strides` fixes which strides occur, in any order."""
    sizes = st.integers(1, largest)
    if strides is None:
        strides = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    parts: list[Part] = []
    for stride in draw(st.permutations(strides)):
        if depth and draw(st.integers(0, 3)) == 0:
            branches = st.lists(sequences((stride,), depth - 1, largest), min_size=1, max_size=3)
            parts.append(Parallel(tuple(draw(branches))))
        else:
            parts.append(Layer(draw(sizes), stride, draw(sizes), draw(st.none() | st.none() | paddings)))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), Layer(draw(sizes), 1, draw(sizes)))
    if draw(st.integers(0, 7)) == 0:
        parts.insert(draw(st.integers(0, len(parts))), Whole())
    return tuple(parts)


@st.composite
def schedules(
    draw: st.DrawFn, largest: int = 12, kernels: tuple[int, int] = (1, 4), layers: int = 4
) -> tuple[Stacks, tuple[int, ...]]:
    """Any dilations of one to three stacks, and any taps of each layer."""
    stack = st.lists(st.integers(1, largest), min_size=1, max_size=layers).map(tuple)
    stacks = tuple(draw(st.lists(stack, min_size=1, max_size=3)))
    return stacks, tuple(draw(st.integers(*kernels)) for stack in stacks for _ in stack)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """The integers of any small WaveNet."""
    sizes = st.integers(1, 6)
    stacks, kernels = draw(schedules(largest=9))
    classes, embedding = draw(st.integers(2, 20)), draw(st.booleans())
    return Shape(
        stacks=stacks,
        kernels=kernels,
        residual=draw(sizes),
        gate=draw(sizes),
        skip=draw(sizes),
        head=draw(sizes),
        inputs=classes + 1 if embedding else 1,
        outputs=classes,
        embedding=embedding,
        bias=draw(st.booleans()),
    )
