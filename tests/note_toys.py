"""A toy instrument that is told the sines of its notes, and the sound that it is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import toys

from wavenet.audio import files
from wavenet.features.notes import hertz_of
from wavenet.recipe import read
from wavenet.recipe.records import Recipe

NOTES = (57, 60, 61.5, 64, 69)  # 220 to 440 Hz
SINE: dict[str, Any] = {"sine": {"harmonics": 2, "field": "pitch"}}
CLOCK: dict[str, Any] = {"clock": {"knots": 3}}
CONDITION: dict[str, Any] = {
    "channels": 6,
    "fields": {"pitch": 5, "touch": 2},
    "columns": {"pitch": "label"},
    "tracks": CLOCK | SINE,
    "hop_samples": 1,
    "upsample": "repeat",
}


def note(pitch: float, samples: int, start: float, fade: float = 4.0) -> np.ndarray:
    """Return a tone with an overtone that fades, float32 at the toys' rate; it starts at some phase."""
    t = np.arange(samples) / toys.RATE
    phase = 2 * np.pi * hertz_of(pitch) * t + start
    return np.asarray(0.3 * (np.sin(phase) + 0.4 * np.sin(2 * phase + 1)) * np.exp(-fade * t), np.float32)


def write_sounds(folder: Path, takes: int = 3) -> Path:
    """Write takes of every note, of different lengths and phases, with a table that says what they are."""
    rng, rows = np.random.default_rng(3), ["path,label,touch,split"]
    for index, pitch in enumerate(NOTES):
        for take in range(takes):
            touch = "soft" if (index + take) % 2 else "hard"
            name = f"{pitch}-{take}.wav"
            files.write(folder / name, note(pitch, 500 + 40 * take + index, rng.uniform(0, 6)), toys.RATE, 16)
            rows.append(f"{name},{pitch},{touch},{'test' if take == 0 else 'train'}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


def recipe(folder: str | None = None, train: dict[str, Any] | None = None, **condition: Any) -> Recipe:
    """Return the recipe of the toy, trained on a folder; keys of its condition replaced."""
    made = toys.tree(data={"path": folder}, train=train or {})
    return read.from_tree(made | {"condition": CONDITION | condition}, "notes")


def trained(folder: Path, run: Path, cache: Path, steps: int = 6, **condition: Any) -> Path:
    """Train a toy that is told notes and their sines, and return its run folder."""
    from wavenet.training.train import train

    made = recipe(str(folder), {"steps": steps, "validate_steps": steps, "save_steps": steps}, **condition)
    return train(made, out=run, device="cpu", cache=cache)
