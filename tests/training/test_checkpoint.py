"""Checkpoints hold data only, are whole or absent, and bad ones give one clear line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import toys

from wavenet.errors import BundleError
from wavenet.training import checkpoint
from wavenet.training import module as modules


def written(path: Path, **extra: object) -> modules.WaveNetModule:
    module = modules.build(toys.recipe())
    module.step, module.skipped = 7, 2
    checkpoint.save(path, module, module.configure_optimizers(), dict(extra))
    return module


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    module = written(tmp_path / "last.ckpt", note="x")
    state = checkpoint.load(tmp_path / "last.ckpt")
    other = modules.build(toys.recipe(train={"seed": 5}))
    checkpoint.restore(other, state)
    assert (other.step, other.skipped, state["extra"]) == (7, 2, {"note": "x"})
    assert torch.equal(other.network.skip.weight, module.network.skip.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_hostile_checkpoint_executes_nothing(tmp_path: Path) -> None:
    flag = tmp_path / "executed"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (os.system, (f"touch {flag}",))

    torch.save({"format": "wavenet-run", "version": 1, "step": Bomb()}, tmp_path / "last.ckpt")
    with pytest.raises(BundleError, match="cannot be read"):
        checkpoint.load(tmp_path / "last.ckpt")
    assert not flag.exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_checkpoint_gives_one_line(tmp_path: Path, share: float) -> None:
    path = tmp_path / "last.ckpt"
    written(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(BundleError, match="begin anew with --force") as caught:
        checkpoint.load(path)
    assert "\n" not in str(caught.value)


def test_a_foreign_or_newer_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"format": "other"}, tmp_path / "a.ckpt")
    torch.save({"format": "wavenet-run", "version": 99}, tmp_path / "b.ckpt")
    with pytest.raises(BundleError, match="no checkpoint of a wavenet run"):
        checkpoint.load(tmp_path / "a.ckpt")
    torch.save({"format": "wavenet-run", "version": 1, "step": 3}, tmp_path / "c.ckpt")
    with pytest.raises(BundleError, match="lacks recipe"):
        checkpoint.load(tmp_path / "c.ckpt")
    with pytest.raises(BundleError, match="upgrade"):
        checkpoint.load(tmp_path / "b.ckpt")


FULL_DISK = """
import resource, sys
from pathlib import Path
import test_checkpoint
from wavenet.errors import WavenetError
path = Path(sys.argv[1])
test_checkpoint.written(path)
before = path.read_bytes()
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    test_checkpoint.written(path)
except WavenetError as error:
    assert "what was saved before is whole" in str(error) and "\\n" not in str(error), error
    assert path.read_bytes() == before
    print("fine", [entry.name for entry in path.parent.iterdir()])
"""


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    here = Path(__file__).parent
    env = {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{here.parent}"}
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "run" / "last.ckpt")]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.stdout == "fine ['last.ckpt']\n", done.stderr
