"""Toy recipes, sounds and runs that tests begin from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from wavenet import config
from wavenet.audio import files
from wavenet.config import Recipe

RATE = 4_000


def tree(**sections: dict[str, Any]) -> dict[str, Any]:
    """Return the plain values of a tiny recipe, with keys of its sections replaced."""
    plain: dict[str, Any] = {
        "name": "toy",
        "audio": {"sample_rate": RATE},
        "data": {"segment_samples": 200, "level": {"rms": 0.1}, "tail_seconds": 0.01},
        "output": {"kind": "categorical", "classes": 16},
        "model": {
            "input": "embedding",
            "kernel_size": 2,
            "dilations": [[1, 2, 4], [1, 2, 4]],
            "residual_channels": 6,
            "gate_channels": 5,
            "skip_channels": 24,
            "head_channels": 20,
            "bias": True,
        },
        "train": {
            "batch_size": 2,
            "steps": 12,
            "learning_rate": 0.02,
            "warmup_steps": 2,
            "ema_decay": 0.5,
            "log_steps": 2,
            "validate_steps": 4,
            "sample_steps": 6,
            "sample_seconds": 0.05,
            "save_steps": 4,
        },
    }
    for name, changes in sections.items():
        plain[name] = {**plain[name], **changes}
    return plain


def recipe(**sections: dict[str, Any]) -> Recipe:
    """Return the tiny recipe as a checked record."""
    return config.from_tree(tree(**sections), "toy")


def wave(seconds: float, seed: int, rate: int = RATE) -> np.ndarray:
    """Return a sound with some structure: two decaying tones and a little noise, [T] float32."""
    t = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * rng.uniform(100, 400) * t) + 0.5 * np.sin(2 * np.pi * rng.uniform(400, 900) * t)
    return (0.4 * tone * np.exp(-3 * t) + 0.01 * rng.standard_normal(len(t))).astype(np.float32)


def write_sounds(folder: Path, count: int = 8) -> Path:
    """Write some short sounds and return their folder."""
    for i in range(count):
        files.write(folder / f"sound{i}.wav", wave(0.2 + 0.03 * i, seed=i), RATE)
    return folder


def train(folder: Path, run: Path, cache: Path, made: Recipe | None = None, **options: Any) -> Path:
    """Train the tiny recipe on the CPU and return its run folder."""
    from wavenet.training.fit import train as fit

    logging.getLogger("wavenet").setLevel(logging.INFO)
    return fit(made or recipe(), folder, out=run, cache=cache, device="cpu", **options)
