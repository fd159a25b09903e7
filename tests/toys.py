"""Toy recipes, sounds and runs that tests begin from."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from wavenet.audio import files
from wavenet.outputs import Draw
from wavenet.recipe import read
from wavenet.recipe.records import Recipe

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
        plain[name] = {**plain.get(name, {}), **changes}
    return plain


def recipe(**sections: dict[str, Any]) -> Recipe:
    """Return the tiny recipe as a checked record."""
    return read.from_tree(tree(**sections), "toy")


def emphasised(voice: Any, share: float = 0.85) -> Any:
    """Return a voice with the same network, whose codes are of sound with pre-emphasis."""
    output = dataclasses.replace(voice.recipe.output, preemphasis=share)
    return dataclasses.replace(voice, recipe=dataclasses.replace(voice.recipe, output=output))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Return any small network: dilations, taps, widths, input, classes, biases or none."""
    stacks = draw(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=3))
    layers = sum(len(stack) for stack in stacks)
    kernels = st.one_of(st.integers(1, 4), st.lists(st.integers(1, 4), min_size=layers, max_size=layers))
    width = st.one_of(st.integers(1, 13), st.sampled_from([16, 31, 32, 33, 48, 64, 80]))
    return recipe(
        output={"classes": draw(st.one_of(st.integers(2, 40), st.just(256)))},
        model={
            "input": draw(st.sampled_from(["embedding", "scalar"])),
            "kernel_size": draw(kernels),
            "dilations": stacks,
            "residual_channels": draw(width),
            "gate_channels": draw(width),
            "skip_channels": draw(width),
            "head_channels": draw(width),
            "bias": draw(st.booleans()),
        },
    )


def arrays(made: Recipe, scale: float = 1.0, seed: int = 1) -> dict[str, np.ndarray]:
    """Return the weights of an untrained network, multiplied."""
    import torch

    from wavenet.model import network

    torch.manual_seed(seed)
    return {name: value * np.float32(scale) for name, value in network.build(made).arrays().items()}


def forward(made: Recipe, weights: dict[str, np.ndarray], codes: np.ndarray) -> np.ndarray:
    """Return the training graph's log-probabilities [B, T, Q] after *start* and codes [B, T], from the first one on."""
    import torch

    from wavenet import outputs
    from wavenet.model import network

    net, alphabet = network.from_arrays(made, weights), outputs.of(made)
    start = alphabet.starts(len(codes), net.receptive_field - 1)
    known = alphabet.inputs(np.concatenate([start, codes], axis=1))
    with torch.no_grad():
        answer = net(torch.from_numpy(known))
    return alphabet.log_probabilities(answer.numpy())


def could_draw(how: Draw, logits: np.ndarray, u: float, code: int, edge: float = 1e-6) -> bool:
    """Return whether a code is what is defined for logits [Q] and a uniform, either moved by at most `edge`."""
    for top_p in {how.top_p, min(1.0, how.top_p * (1 + edge)), how.top_p * (1 - edge)}:
        top = np.cumsum(Draw(how.temperature, how.top_k, top_p).probabilities(logits[None])[0])
        if (top[code - 1] if code else 0.0) - edge <= u <= top[code] + edge:
            return True
    return False


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


def train(folder: Path | None, run: Path, cache: Path, made: Recipe | None = None, **options: Any) -> Path:
    """Train the tiny recipe on the CPU and return its run folder."""
    from wavenet.training.train import train as fit

    logging.getLogger("wavenet").setLevel(logging.INFO)
    return fit(made or recipe(), folder, out=run, cache=cache, device="cpu", **options)
