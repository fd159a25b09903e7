"""Toy networks that are told something, and what toy sounds are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
import toys

from wavenet import outputs
from wavenet.generate.engines import Engine, Request, build_engine
from wavenet.generate.packed import Packed, pack
from wavenet.model import network as networks
from wavenet.model.network import WaveNet
from wavenet.outputs import Arrays, Condition
from wavenet.recipe.records import Recipe

HOP = 7
ENCODERS: dict[str, Any] = {
    "none": [],
    "plain": [{"kernel": 3, "dilation": 1}, {"kernel": 3, "dilation": 2}],
    "pyramid": {"pyramid": [1, 3], "pooled": False},
    "pooled": {"pyramid": [2, 1], "pooled": True},
}
BOTH: dict[str, Any] = {"fields": {"speaker": 3, "label": 2}, "tracks": {"clock": {"knots": 3}, "array": 2}}
MEL = {"bands": 4, "fft_samples": 64, "window_samples": 64, "low_hz": 0.0, "high_hz": 2_000.0, "power": 1} | {
    **{"scale": "htk", "norm": "none", "floor": 1e-3}
}
ACOUSTIC: dict[str, Any] = {
    "fields": {"speaker": 3},
    "tracks": {"clock": {"knots": 3}, "mel": MEL, "array": 2},
    "hop_samples": HOP,
    "encoder": ENCODERS["plain"],
    "acoustic": {"channels": 6, "encoder": ENCODERS["plain"], "dropout": 0.0},
}
PHONES: dict[str, Any] = {
    "fields": {"speaker": 3},
    "tracks": {"clock": {"knots": 3}, "phones": {"kinds": 3, "neighbours": 1}, "mel": MEL},
    "hop_samples": HOP,
    "encoder": ENCODERS["plain"],
    "acoustic": {"channels": 6, "encoder": ENCODERS["pyramid"], "dropout": 0.0},
    "durations": {"channels": 5, "encoder": ENCODERS["plain"], "dropout": 0.0},
}
TRACKED = {
    f"{name}-{upsample}": {**BOTH, "hop_samples": HOP, "upsample": upsample, "encoder": encoder}
    for name, encoder in ENCODERS.items()
    for upsample in ("repeat", "linear")
}
FORMS: dict[str, dict[str, Any]] = {
    "fields": {"fields": {"speaker": 3}},
    "tracks": {"tracks": {"array": 3, "clock": {"knots": 2}}, "hop_samples": HOP},
    "every sample": {"tracks": {"array": 2}, "hop_samples": 1, "encoder": ENCODERS["plain"]},
    "notes": {
        **{"fields": {"pitch": 3}, "hop_samples": 1},
        "tracks": {"clock": {"knots": 2}, "sine": {"harmonics": 2, "field": "pitch"}},
    },
    **TRACKED,
    "acoustic": ACOUSTIC,
    "phones": PHONES,
}
forms = pytest.mark.parametrize("form", FORMS)
tracked = pytest.mark.parametrize("form", TRACKED)
backends = pytest.mark.parametrize("backend", ["reference", "cpu"])


def recipe_of(form: str | dict[str, Any], **sections: dict[str, Any]) -> Recipe:
    told = FORMS[form] if isinstance(form, str) else form
    return toys.recipe(condition={"channels": 5, **told}, **sections)


def network_of(recipe: Recipe) -> WaveNet:
    """Return an untrained network on which it leaves a clear mark what it is told."""
    torch.manual_seed(3)
    network = networks.build(recipe).eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.startswith(("condition.", "acoustic.")):
                value.mul_(2)
    return network


def packed_of(recipe: Recipe) -> Packed:
    return pack(recipe.shape, network_of(recipe).arrays())


def engine_of(recipe: Recipe, name: str) -> Engine:
    return build_engine(name, Request(recipe.shape, network_of(recipe).arrays(), outputs.of(recipe), "float32", 1))


def told_of(recipe: Recipe, frames: Sequence[int] = (9, 6, 8)) -> Condition:
    """Return what sounds of so many frames are told: any values, unknown fields among them."""
    shape, rng = recipe.shape.condition, np.random.default_rng(1)
    assert shape is not None
    fields = np.array([[rng.integers(0, size + 1) for _, size in shape.told.fields] for _ in frames], np.int64)
    width = sum(width for _, width in shape.told.tracks)
    tracks = Arrays([rng.normal(size=(count, width)).astype(np.float32) for count in frames]) if width else None
    return Condition(shape, fields.reshape(len(frames), -1), tracks)
