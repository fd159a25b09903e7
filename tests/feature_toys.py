"""Toy corpora that are told something."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import toys

from wavenet.audio import corpus
from wavenet.audio.corpus import Corpus
from wavenet.recipe import read
from wavenet.recipe.records import Recipe

CLOCK = {"knots": 5}
MEL = {"bands": 6, "fft_samples": 128, "window_samples": 100, "low_hz": 50.0, "high_hz": 2_000.0, "power": 1} | {
    **{"scale": "slaney", "norm": "slaney", "floor": 1e-5}
}
PHONES = {"kinds": 4, "neighbours": 1}
F0 = {"low_hz": 80.0, "high_hz": 500.0}


def condition() -> dict[str, Any]:
    """Return the plain values of a condition in which every key has a value, but for `sine`, as in `notes`."""
    return {
        "channels": 4,
        "fields": {"speaker": 3, "label": 2},
        "columns": {"label": "word"},
        "tracks": {
            "clock": {**CLOCK},
            "phones": {**PHONES, "language": "de", "known": ["a", "b"]},
            "mel": {**MEL},
            "f0": {**F0},
            "array": 2,
            "sine": None,
        },
        "hop_samples": 30,
        "encoder": [{"kernel": 3, "dilation": 2}],
        "upsample": "linear",
        "unknown": 0.2,
        "guidance": 1.2,
        "acoustic": {
            "channels": 5,
            "encoder": [{"kernel": 3, "dilation": 1}],
            "share": 0.25,
            "dropout": 0.05,
            "sounds": 2,
        },
        "durations": {"channels": 4, "encoder": [{"kernel": 3, "dilation": 2}], "dropout": 0.15},
    }


def notes() -> dict[str, Any]:
    """Return the plain values of a condition that tells the sines of notes."""
    told = {name: value for name, value in condition().items() if name not in ("acoustic", "durations")}
    tracks = {"clock": {**CLOCK}, "array": 2, "sine": {"harmonics": 3, "field": "label"}}
    return told | {"tracks": tracks, "hop_samples": 1}


def recipe(folder: Path | None = None, hop: int | None = 30, **told: Any) -> Recipe:
    """Return the tiny recipe with some tracks, or with `fields`."""
    condition = {"channels": 4, "fields": told.pop("fields", {}), "tracks": told}
    made = toys.tree(data={"path": None if folder is None else str(folder)})
    made["condition"] = condition | ({"hop_samples": hop} if told else {})
    return read.from_tree(made, "toy")


def gathered(made: Recipe, cache: Path) -> Corpus:
    """Return the corpus of a recipe."""
    return corpus.gather(made, cache)


def logarithms(track: np.ndarray, floor: float) -> np.ndarray:
    """Return the natural logarithms of mels that a track stands for, float32: the inverse of `mel.scaled`."""
    return np.asarray((1.0 - track) * math.log(floor) / 2.0, np.float32)
