"""A dilation design: the layers of a recipe's network, or those that a LAYERS.yaml lists. What `inspect` looks at.

A LAYERS.yaml describes any sequence of convolutions and pooling layers, whoever's network it is. Once a layer says
`out`, those that don't are pooling: they have no weights, and pass all channels on::

    dims: 2                       # 1 (default): along time; 2: square kernels, all numbers hold along either axis
    padding: same                 # causal (default for dims 1), same (default for dims 2), valid, or a number of inputs
    sample_rate: 16000            # optional: adds milliseconds
    layers:
      - {kernel: 7, stride: 2}    # a convolution; dilation and stride are 1 where they are left out
      - {kernel: 3, stride: 2, padding: 1}    # a pooling layer is written alike; a padding of its own comes first
      - {kernel: 3, in: 3, out: 64, bias: false, groups: 1}    # channels, to count parameters; in may come from before
      - parallel:                 # branches over the same input, joined; each a list of layers
          - [{kernel: 1}]
          - [{kernel: 3, dilation: 6}]
          - [{pool: global}, {kernel: 1}]
        join: add                 # concatenate (default) or add: what becomes of the channels of the branches
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from wavenet.errors import RecipeError, did_you_mean
from wavenet.geometry import (
    Channels,
    Layer,
    LayerError,
    Padding,
    Parallel,
    Part,
    Shape,
    Whole,
    length_through,
    see,
    with_channels,
)
from wavenet.geometry.layers import PADDINGS
from wavenet.recipe import find
from wavenet.recipe.read import load
from wavenet.recipe.records import Recipe
from wavenet.recipe.safe_yaml import read_yaml
from wavenet.text import shown

MAX_DEPTH = 16  # of branches within branches
MAX_PARTS = 10_000  # YAML can name a list again and again
MOST = 1_000_000  # of every number of a layer
JOINS = ("concatenate", "add")
NUMBERS = ("kernel", "stride", "dilation", "in", "out", "groups")  # keys of a layer that are whole numbers
PADDED = f"one of {', '.join(PADDINGS)}, or a whole number from 0 to {MOST:,}"


@dataclass(frozen=True)
class Design:
    """What somebody designs.

    Args:
        name: of the recipe or the file.
        sample_rate: in Hz; None where a list of layers doesn't say.
        stacks: the layers of each stack.
        padding: of all layers without their own, as `geometry.see` takes it.
        dims: axes along which every kernel lies.
        shape: the integers of a whole WaveNet; None for a list of layers.
    """

    name: str
    sample_rate: int | None
    stacks: tuple[tuple[Part, ...], ...]
    padding: Padding = "causal"
    dims: int = 1
    shape: Shape | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """All layers, the first one first."""
        return tuple(chain.from_iterable(self.stacks))


def read(source: str | Path) -> Design:
    """Return the design in a recipe, run, bundle or LAYERS.yaml.

    Raises:
        RecipeError: there is no such thing, or it is wrong; the error names the layer.
        BundleError: it is a damaged bundle.
    """
    path = find.find_recipe(str(source))
    if path.name != "config.json":
        tree = read_yaml(path)
        if isinstance(tree, dict) and "layers" in tree and "model" not in tree:
            return of_layers(tree, path)
    return of_recipe(load(path))


def of_recipe(recipe: Recipe) -> Design:
    """Return the design of a recipe's network."""
    shape = recipe.shape
    return Design(recipe.name, recipe.audio.sample_rate, tuple(shape.stack_layers()), shape=shape)


# --- LAYERS.yaml -----------------------------------------------------------------------------------------------------


def of_layers(tree: dict[str, Any], path: Path) -> Design:
    """Return the design that the plain values of a LAYERS.yaml describe (see the top of this file).

    Raises:
        RecipeError: something in it is wrong; the error names the layer.
    """
    known = ("layers", "dims", "padding", "sample_rate")
    for key in tree:
        if key not in known:
            raise RecipeError(f"{path}: {_unknown('', key, known)}")
    dims = tree.get("dims", 1)
    if not _whole_number(dims, 2):
        raise RecipeError(f"{path}: dims is {shown(dims)}, expected 1 or 2")
    padding = tree.get("padding", "causal" if dims == 1 else "same")
    if not _is_padding(padding):
        raise RecipeError(f"{path}: padding is {shown(padding)}, expected {PADDED}")
    rate = tree.get("sample_rate")
    if rate is not None and not _whole_number(rate, 768_000):
        raise RecipeError(f"{path}: sample_rate is {shown(rate)}, expected a whole number from 1 to 768,000")
    parts = _Reader(path).parts(tree["layers"], "layers")
    try:
        _check_joins(parts, padding, see(parts, padding=padding).jump)
        parts, _ = with_channels(parts)
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from None
    return Design(path.stem, rate, (parts,), padding, dims)


def _check_joins(parts: Sequence[Part], padding: Padding, jump: int) -> None:
    """Raise LayerError where branches can be joined at no size: behind strides some sizes do where others don't."""
    refused: LayerError | None = None
    for more in range(min(jump, 1_024)):  # all that differ, but for steps that nobody takes
        try:
            length_through(parts, 10**12 + more, padding)
            return
        except LayerError as error:
            refused = refused or error
    if refused is not None:
        raise refused


class _Reader:
    """Turns plain values into layers, and counts them."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0

    def parts(self, items: Any, at: str) -> tuple[Part, ...]:
        """Return a sequence of layers and branches."""
        if at.count("parallel") > MAX_DEPTH:
            self.refuse(f"branches stand in branches more than {MAX_DEPTH} deep; write them side by side")
        if not isinstance(items, list) or not items:
            self.refuse(f"{at} is {shown(items)}, expected a list of layers such as {{kernel: 3, dilation: 2}}")
        return tuple(self.part(item, f"{at}[{i}]") for i, item in enumerate(items))

    def part(self, item: Any, at: str) -> Part:
        """Return one layer, or branches."""
        self.count += 1
        if self.count > MAX_PARTS:
            self.refuse(f"there are more than {MAX_PARTS:,} layers; take fewer")
        known = (*NUMBERS, "padding", "bias", "parallel", "join", "pool")
        if not isinstance(item, dict):
            self.refuse(f"{at} is {shown(item)}, expected a mapping such as {{kernel: 3, dilation: 2}}")
        for key in item:
            if key not in known:
                self.refuse(_unknown(f"{at}.", key, known))
        if "parallel" in item:
            return self.branches(item, at)
        if "pool" in item:
            if item != {"pool": "global"}:
                self.refuse(f"{at} is {shown(item)}, expected {{pool: global}}; other pooling is {{kernel: 3}} alone")
            return Whole()
        if "join" in item:
            self.refuse(f"{at} has join but no parallel; only branches are joined")
        if "kernel" not in item:
            self.refuse(f"{at} has no kernel; add the number of its taps")
        return self.layer(item, at)

    def branches(self, item: dict[str, Any], at: str) -> Parallel:
        """Return branches that are joined."""
        branches, join = item["parallel"], item.get("join", JOINS[0])
        if item.keys() - {"parallel", "join"} or not isinstance(branches, list) or not branches:
            self.refuse(f"{at}.parallel stands alone or beside join, and is a list of branches, each a list of layers")
        if join not in JOINS:
            self.refuse(f"{at}.join is {shown(join)}, expected one of {', '.join(JOINS)}")
        made = tuple(self.parts(branch, f"{at}.parallel[{i}]") for i, branch in enumerate(branches))
        return Parallel(made, join == "add")

    def layer(self, item: dict[str, Any], at: str) -> Layer:
        """Return one convolution or pooling layer."""
        for key in NUMBERS:
            if key in item and not _whole_number(item[key], MOST):
                self.refuse(f"{at}.{key} is {shown(item[key])}, expected a whole number from 1 to {MOST:,}")
        padding, bias = item.get("padding"), item.get("bias", True)
        if "padding" in item and not _is_padding(padding):
            self.refuse(f"{at}.padding is {shown(padding)}, expected {PADDED}")
        if not isinstance(bias, bool):
            self.refuse(f"{at}.bias is {shown(bias)}, expected true or false")
        channels = None
        if "out" in item:
            channels = Channels(item.get("in"), item["out"], item.get("groups", 1), bias)
        elif extra := [key for key in ("in", "groups", "bias") if key in item]:
            self.refuse(
                f"{at} has {extra[0]} but no out; add out, or leave both away for pooling, which has no weights"
            )
        return Layer(item["kernel"], item.get("stride", 1), item.get("dilation", 1), padding, channels)

    def refuse(self, what: str) -> NoReturn:
        """Raise RecipeError that names the file."""
        raise RecipeError(f"{self.path}: {what}")


def _unknown(at: str, key: Any, known: Sequence[str]) -> str:
    name = " ".join(key.split())[:60] if isinstance(key, str) else shown(key)
    return f"unknown key {at}{name}{did_you_mean(name, known)}; known: {', '.join(known)}"


def _whole_number(value: Any, most: int, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_padding(value: Any) -> bool:
    return value in PADDINGS if isinstance(value, str) else _whole_number(value, MOST, least=0)
