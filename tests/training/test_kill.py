"""Law 6 by force: killed with -9 at arbitrary instants and resumed, a run ends byte for byte as if never killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toys
import yaml

from wavenet.training import checkpoint
from wavenet.training.metrics import TIME_COLUMNS, read

STEPS = 60


def command(recipe: Path, sounds: Path, out: Path, cache: Path) -> list[str]:
    options = ["--data", str(sounds), "--out", str(out), "--cache", str(cache), "--resume", "--device", "cpu"]
    return [sys.executable, "-m", "wavenet", "train", str(recipe), *options]


def killed(arguments: list[str], wait_for: str, delay: float) -> bool:
    """Run a command, kill it `delay` seconds after it has said something, and return whether it was still alive."""
    child = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    for line in child.stderr:
        if wait_for in line:
            break
    time.sleep(delay)
    alive = child.poll() is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stderr.close()
    return alive


def rows(run: Path) -> list[dict[str, str]]:
    return [{name: text for name, text in row.items() if name not in TIME_COLUMNS} for row in read(run / "metrics.csv")]


def compare(tmp_path: Path, sound_folder: Path, kills: int, seed: int) -> None:
    made = toys.tree(train={"steps": STEPS, "save_steps": 7, "validate_steps": 10, "sample_steps": 25, "log_steps": 5})
    recipe = tmp_path / "toy.yaml"
    recipe.write_text(yaml.safe_dump(made))
    whole, parted, cache = tmp_path / "whole", tmp_path / "parted", tmp_path / "cache"
    subprocess.run(command(recipe, sound_folder, whole, cache), check=True, capture_output=True)
    rng = random.Random(seed)
    hits = 0
    for _ in range(kills):
        hits += killed(command(recipe, sound_folder, parted, cache), "receptive field", rng.uniform(0, 1.5))
    assert hits > 0
    subprocess.run(command(recipe, sound_folder, parted, cache), check=True, capture_output=True)
    for name in ("model/model.safetensors", "samples/step-000050-0.wav"):
        assert (whole / name).read_bytes() == (parted / name).read_bytes(), name
    assert rows(whole) == rows(parted) and rows(whole)[-1]["step"] == str(STEPS)
    states = [checkpoint.load(run / "checkpoints" / "last.ckpt") for run in (whole, parted)]
    assert all((states[0]["network"][name] == value).all() for name, value in states[1]["network"].items())


def test_killed_twice_and_resumed(tmp_path: Path, sound_folder: Path) -> None:
    compare(tmp_path, sound_folder, kills=2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_many_times_and_resumed(tmp_path: Path, sound_folder: Path, seed: int) -> None:
    compare(tmp_path, sound_folder, kills=5, seed=seed)


def test_killed_while_caching_and_resumed(tmp_path: Path) -> None:
    sounds = toys.write_sounds(tmp_path / "sounds", 60)
    recipe = tmp_path / "toy.yaml"
    recipe.write_text(yaml.safe_dump(toys.tree(train={"steps": 2})))
    out, cache = tmp_path / "run", tmp_path / "cache"
    slowly = (
        "import sys, time; from wavenet.audio import cache; decode = cache.decode\n"
        "def slow(*arguments):\n    time.sleep(0.05); print('decoding', file=sys.stderr, flush=True)\n"
        "    return decode(*arguments)\n"
        "cache.decode = slow\nfrom wavenet.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    arguments = command(recipe, sounds, out, cache)
    assert killed([sys.executable, "-c", slowly, *arguments[3:]], "decoding", 0.3)
    left = [path.name for path in cache.iterdir()]
    assert len(left) == 1 and ".tmp-" in left[0]
    done = subprocess.run(arguments, capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert [".tmp-" in path.name for path in cache.iterdir()] == [False]
