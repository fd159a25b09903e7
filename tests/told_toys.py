"""A toy network that is told fields and tracks, and the sound that it is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import toys

from wavenet.audio import files
from wavenet.recipe import read
from wavenet.recipe.records import Recipe

SPEAKERS, LABELS = ("ann", "bob"), ("low", "middle", "high")
CONDITION: dict[str, Any] = {
    "channels": 6,
    "fields": {"speaker": 2, "label": 3},
    "tracks": {
        "clock": {"knots": 3},
        "mel": {
            "bands": 6,
            "fft_samples": 128,
            "window_samples": 100,
            "low_hz": 0,
            "high_hz": 2000,
            "power": 1,
            "scale": "htk",
            "norm": "none",
            "floor": 1.0e-3,
        },
    },
    "hop_samples": 40,
    "encoder": [{"kernel": 3, "dilation": 1}],
    "acoustic": {"channels": 8, "encoder": [{"kernel": 3, "dilation": 1}]},
}


def write_sounds(folder: Path, takes: int = 3) -> Path:
    """Write takes of every word by every speaker, of different lengths, with a table that says what they are."""
    rng, rows = np.random.default_rng(3), ["path,speaker,label,split"]
    for s, speaker in enumerate(SPEAKERS):
        for w, label in enumerate(LABELS):
            for take in range(takes):
                t = np.arange(360 + 40 * w + 17 * take) / toys.RATE
                wave = 0.2 * np.sin(2 * np.pi * (200 + 300 * w) * t) * (1 + 0.5 * s) + rng.normal(0, 0.01, len(t))
                name = f"{label}-{speaker}-{take}.wav"
                files.write(folder / name, wave.astype(np.float32), toys.RATE, 16)
                rows.append(f"{name},{speaker},{label},{'test' if take == 0 else 'train'}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


def recipe(folder: str, train: dict[str, int] | None = None, **condition: Any) -> Recipe:
    """Return the recipe of the toy, trained on a folder; keys of its condition replaced."""
    made = toys.tree(data={"path": folder}, train=train or {})
    return read.from_tree(made | {"condition": CONDITION | condition}, "told")


def trained(folder: Path, run: Path, cache: Path, steps: int = 6, **condition: Any) -> Path:
    """Train a toy that is told fields, a clock and a mel spectrogram, and return its run folder."""
    from wavenet.training.train import train

    made = recipe(str(folder), {"steps": steps, "validate_steps": steps, "save_steps": steps}, **condition)
    return train(made, out=run, device="cpu", cache=cache)
