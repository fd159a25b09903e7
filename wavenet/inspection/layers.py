"""What `inspect` looks at: the layers of a recipe's network, or those that a LAYERS.yaml lists.

A LAYERS.yaml describes the convolutions and pooling layers of any network; the help of `wavenet inspect` shows one with
every key. Once a layer says `out`, those that don't are pooling: they pass all channels on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from wavenet import geometry
from wavenet.errors import RecipeError
from wavenet.geometry import Channels, Layer, LayerError, Padding, Parallel, Part, Shape, Whole
from wavenet.geometry.layers import PADDINGS
from wavenet.recipe import find
from wavenet.recipe.read import load, read_bundle_config
from wavenet.recipe.records import ConditionConfig, Recipe
from wavenet.recipe.safe_yaml import read_yaml
from wavenet.recipe.schema import Between, check_choice, check_keys, number
from wavenet.text import shown

MAX_DEPTH = 16  # of branches within branches
MAX_PARTS = 10_000  # YAML can name a list again and again
NUMBER = Between(1, 1_000_000)  # of a layer
NUMBERS = ("kernel", "stride", "dilation", "in", "out", "groups")  # the keys of a layer that have one


@dataclass(frozen=True)
class Design:
    """The layers of a network."""

    name: str  # of the recipe or the file
    sample_rate: int | None  # in Hz; None where a list of layers doesn't say
    stacks: tuple[tuple[Part, ...], ...]
    padding: Padding = "causal"  # of all layers without their own, as `geometry.see` takes it
    dims: int = 1  # axes along which every kernel lies
    shape: Shape | None = None  # the integers of a whole WaveNet; None for a list of layers
    condition: ConditionConfig | None = None  # what that is told besides the past of its sound
    values: dict[str, list[str]] = field(default_factory=dict)  # of fields and phones, as a trained network has them
    preemphasis: float | None = None  # of the sound that it models; None for a list of layers

    @property
    def parts(self) -> tuple[Part, ...]:
        """All layers, the first one first."""
        return tuple(chain.from_iterable(self.stacks))


def read(source: str | Path) -> Design:
    """Return the design in a recipe, run, bundle or LAYERS.yaml."""
    path = find.find_recipe(str(source))
    if path.name != "config.json":
        tree = read_yaml(path)
        if isinstance(tree, dict) and "layers" in tree and "model" not in tree:
            return of_layers(tree, path)
    return replace(of_recipe(load(path)), values=_values(path))


def _values(path: Path) -> dict[str, list[str]]:
    """Return the values of fields, and the phones, that the model in or beside a recipe's file knows, by their names.

    Where none is trained there are none.
    """
    bundle = path.parent / "model" / "config.json" if path.name == "config.yaml" else path
    found: Any = read_bundle_config(bundle) if bundle.name == "config.json" and bundle.is_file() else {}
    for key in ("data", "told"):
        found = found.get(key) if isinstance(found, dict) else None
    fields, phones = (found.get(key) if isinstance(found, dict) else None for key in ("fields", "phones"))
    known = {**(fields if isinstance(fields, dict) else {}), **({"phones": phones} if phones else {})}
    return {name: list(map(str, values)) for name, values in known.items()}


def of_recipe(recipe: Recipe) -> Design:
    """Return the design of a recipe's network."""
    shape = recipe.shape
    layers = iter(shape.layers)
    stacks = tuple(tuple(islice(layers, len(stack))) for stack in shape.stacks)
    rate, share = recipe.audio.sample_rate, recipe.output.preemphasis
    return Design(recipe.name, rate, stacks, shape=shape, condition=recipe.condition, preemphasis=share)


# --- LAYERS.yaml -----------------------------------------------------------------------------------------------------


def of_layers(tree: dict[str, Any], path: Path) -> Design:
    """Return the design that the plain values of a LAYERS.yaml describe; RecipeError, which names the wrong layer."""
    try:
        check_keys(tree, "", ("layers", "dims", "padding", "sample_rate"))
        dims, rate = number(tree.get("dims", 1), "dims", Between(1, 2)), tree.get("sample_rate")
        padding = _padding(tree.get("padding", "causal" if dims == 1 else "same"), "padding")
        if rate is not None:
            number(rate, "sample_rate", Between(1, 768_000))
        parts = _parts(tree["layers"], "layers", count(1))
        _check_joins(parts, padding)
        parts, _ = geometry.with_channels(parts)
    except (RecipeError, LayerError) as error:
        raise RecipeError(f"{path}: {error}") from None
    return Design(path.stem, rate, (parts,), padding, dims)


def _check_joins(parts: Sequence[Part], padding: Padding) -> None:
    """Raise LayerError where branches can be joined at no size: behind strides some sizes do where others don't."""
    step = geometry.see(parts, padding=padding).jump
    for more in range(min(step, 1_024)):
        with suppress(LayerError):
            geometry.length_through(parts, 10**12 + more, padding)
            return
    geometry.length_through(parts, 10**12, padding)


def _parts(items: Any, at: str, numbers: Iterator[int]) -> tuple[Part, ...]:
    """Return a sequence of layers and branches; `at` is its key, and `numbers` counts the layers of the file."""
    if at.count("parallel") > MAX_DEPTH:
        raise RecipeError(f"branches are nested more than {MAX_DEPTH} deep; write them side by side")
    if not isinstance(items, list) or not items:
        raise RecipeError(f"{at} is {shown(items)}, expected a list of layers such as {{kernel: 3, dilation: 2}}")
    return tuple(_part(item, f"{at}[{i}]", numbers) for i, item in enumerate(items))


def _part(item: Any, at: str, numbers: Iterator[int]) -> Part:
    if next(numbers) > MAX_PARTS:
        raise RecipeError(f"there are more than {MAX_PARTS:,} layers; take fewer")
    if not isinstance(item, dict):
        raise RecipeError(f"{at} is {shown(item)}, expected a mapping such as {{kernel: 3, dilation: 2}}")
    if "parallel" in item:
        return _branches(item, at, numbers)
    if "pool" in item:
        if item != {"pool": "global"}:
            raise RecipeError(f"{at} is {shown(item)}, expected {{pool: global}}; write other pooling as {{kernel: 3}}")
        return Whole()
    check_keys(item, f"{at}.", (*NUMBERS, "padding", "bias", "parallel", "join", "pool"))
    if "join" in item:
        raise RecipeError(f"{at} has join but no parallel; only branches are joined")
    if "kernel" not in item:
        raise RecipeError(f"{at} has no kernel; add the number of its taps")
    values = {key: number(item[key], f"{at}.{key}", NUMBER) for key in NUMBERS if key in item}
    padding = _padding(item["padding"], f"{at}.padding") if "padding" in item else None
    bias, channels = item.get("bias", True), None
    if not isinstance(bias, bool):
        raise RecipeError(f"{at}.bias is {shown(bias)}, expected true or false")
    if "out" in item:
        channels = Channels(values.get("in"), values["out"], values.get("groups", 1), bias)
    elif extra := [key for key in ("in", "groups", "bias") if key in item]:
        raise RecipeError(f"{at} has {extra[0]} but no out; add out, or remove {extra[0]} for pooling")
    return Layer(values["kernel"], values.get("stride", 1), values.get("dilation", 1), padding, channels)


def _branches(item: dict[str, Any], at: str, numbers: Iterator[int]) -> Parallel:
    check_keys(item, f"{at}.", ("parallel", "join"))
    branches, join = item["parallel"], item.get("join", "concatenate")
    if not isinstance(branches, list) or not branches:
        raise RecipeError(f"{at}.parallel is {shown(branches)}, expected a list of branches, each a list of layers")
    check_choice(join, f"{at}.join", ("concatenate", "add"))
    made = tuple(_parts(branch, f"{at}.parallel[{i}]", numbers) for i, branch in enumerate(branches))
    return Parallel(made, join == "add")


def _padding(value: Any, at: str) -> Padding:
    if isinstance(value, str) and value in PADDINGS:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= NUMBER.high:
        return value
    known = ", ".join(PADDINGS)
    raise RecipeError(f"{at} is {shown(value)}, expected {known}, or a whole number from 0 to {NUMBER.high:,}")
