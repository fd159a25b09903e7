"""What networks are told while their speed is measured: any fields, and tracks without end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wavenet.bench.speeds import NOTHING
from wavenet.geometry import ConditionShape
from wavenet.outputs import Condition, Floats
from wavenet.recipe import read
from wavenet.recipe.records import Recipe

FRAMES = 1_000  # that differ; then they come again
FIELDS = {"speaker": 6, "label": 10}
ENCODER = [{"kernel": 3, "dilation": 1}, {"kernel": 3, "dilation": 2}]
TRACKS: dict[str, Any] = {"tracks": {"array": 80}, "encoder": ENCODER}
FORMS: dict[str, dict[str, Any] | None] = {
    NOTHING: None,
    "fields": {},
    "repeat": {**TRACKS, "upsample": "repeat"},
    "linear": {**TRACKS, "upsample": "linear"},
}


@dataclass(frozen=True)
class Endless:
    """Tracks of sounds without end, the same frames over and over."""

    values: Floats  # [FRAMES, values]

    def frames(self, sound: int) -> int:
        """Return more frames than are ever asked for."""
        return 2**40

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1."""
        return self.values[np.arange(first, last) % len(self.values)]


def plausible(shape: ConditionShape | None, sounds: int) -> Condition | None:
    """Return what some sounds may be told: the fields' values in turn, and random tracks; None where nothing is."""
    if shape is None:
        return None
    fields = np.array([[i % size for _, size in shape.told.fields] for i in range(sounds)], np.int64)
    width = sum(width for _, width in shape.told.tracks)
    values = np.random.default_rng(0).standard_normal((FRAMES, width)).astype(np.float32)
    return Condition(shape, fields, Endless(values) if width else None)


def told_recipes(recipe: Recipe) -> dict[str, Recipe]:
    """Return the same network told nothing, fields alone, and fields with tracks in frames of 10 ms, by their names."""
    made, hop = {}, max(1, recipe.audio.sample_rate // 100)
    for name, form in FORMS.items():
        tree = read.to_tree(recipe)
        tree["data"]["path"] = None
        tree["condition"] = None
        if form is not None:
            tracks = {"hop_samples": hop} if "tracks" in form else {}
            tree["condition"] = {"channels": 64, "fields": FIELDS, **tracks, **form}
        made[name] = read.from_tree(tree, "bench")
    return made
