"""Held: training takes no more memory than its first line says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import toys
import yaml

SCRIPT = """
import pathlib, sys
from wavenet.recipe import find, read
from wavenet.training import summary, train
recipe = read.load(find.find_recipe(sys.argv[1]))
train.train(recipe, sys.argv[2], out=sys.argv[3], cache=sys.argv[4], device="cpu")
held = pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(int(held) * 1024, summary.memory_estimate(recipe))
"""
LONG = {"pattern": "exponential", "layers": 10, "cycles": 2}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc/self/status")
@pytest.mark.parametrize(("batch", "channels"), [(2, 32), (6, 48)])
def test_training_keeps_within_the_memory_it_names(tmp_path: Path, batch: int, channels: int) -> None:
    sounds = tmp_path / "sounds"
    for i in range(6):
        toys.files.write(sounds / f"{i}.wav", toys.wave(3.0, i), toys.RATE)
    sizes = {
        "residual_channels": channels,
        "gate_channels": channels,
        "skip_channels": 4 * channels,
        "head_channels": 128,
    }
    recipe = tmp_path / "toy.yaml"
    tree = toys.tree(
        data={"segment_samples": 6_000},
        output={"kind": "categorical", "classes": 256},
        model={"dilations": LONG, "head_channels": 128, **sizes},
        train={"batch_size": batch, "steps": 4, "validate_targets": 12_000},
    )
    recipe.write_text(yaml.safe_dump(tree))
    places = [str(path) for path in (recipe, sounds, tmp_path / "run", tmp_path / "cache")]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *places], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    peak, estimate = map(int, done.stdout.split())
    assert 0.5 * estimate < peak <= estimate, (peak / 2**20, estimate / 2**20)
