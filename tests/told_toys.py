"""Toy networks that are told fields and tracks, and what they are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import toys

from wavenet import outputs
from wavenet.generate.engines import Engine, Request, build_engine
from wavenet.model import network as networks
from wavenet.model.network import WaveNet
from wavenet.outputs import Arrays, Condition
from wavenet.recipe.records import Recipe

HOP = 7


def recipe_of(form: dict[str, Any]) -> Recipe:
    return toys.recipe(condition={"channels": 5, **form})


def told_things(recipe: Recipe, frames: tuple[int, ...] = (9, 6, 8)) -> Condition:
    shape, rng = recipe.shape.condition, np.random.default_rng(1)
    assert shape is not None
    fields = np.stack(
        [rng.integers(0, size + 1, len(frames)) for _, size in shape.told.fields] or [[0] * len(frames)], 1
    )
    width = sum(width for _, width in shape.told.tracks)
    tracks = Arrays([rng.normal(size=(count, width)).astype(np.float32) for count in frames]) if width else None
    return Condition(shape, fields if shape.told.fields else np.zeros((len(frames), 0), np.int64), tracks)


def network_of(recipe: Recipe) -> WaveNet:
    torch.manual_seed(3)
    network = networks.build(recipe).eval()
    with torch.no_grad():
        for value in network.condition.parameters():
            value.mul_(2)
    return network


def engine_of(recipe: Recipe, network: WaveNet, name: str) -> Engine:
    return build_engine(name, Request(recipe.shape, network.arrays(), outputs.of(recipe), "float32"))
