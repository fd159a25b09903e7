"""Checkpoints hold data only, are whole or absent, and bad ones give one clear line."""

from __future__ import annotations

import io
import logging
import math
import os
import pickle
import shutil
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import toys

from wavenet import cli
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


class Bomb:
    """What a pickle could call."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, (f"touch {self.flag}",))


def hostile(kind: str, path: Path, flag: Path) -> None:
    """Write a file that would touch `flag` if it were unpickled."""
    if kind == "plain pickle":
        path.write_bytes(pickle.dumps(Bomb(flag)))
    elif kind == "legacy format":
        torch.save({"step": Bomb(flag)}, path, _use_new_zipfile_serialization=False)
    elif kind == "tar":
        (path.parent / "pickle").write_bytes(pickle.dumps(Bomb(flag)))
        with tarfile.open(path, "w") as file:
            for name in ("sys_info", "pickle", "storages", "tensors"):
                file.add(path.parent / "pickle", name)
        (path.parent / "pickle").unlink()
    elif kind == "whole model":
        torch.save(Bomb(flag), path)
    else:  # a member of a real checkpoint replaced
        written(path)
        members = {name: zipfile.ZipFile(path).read(name) for name in zipfile.ZipFile(path).namelist()}
        with zipfile.ZipFile(path, "w") as file:
            for name, data in members.items():
                file.writestr(name, pickle.dumps(Bomb(flag)) if name.endswith("data.pkl") else data)


KINDS = ("plain pickle", "legacy format", "tar", "whole model", "member replaced")


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_hostile_file_executes_anything(tmp_path: Path, kind: str) -> None:
    path, flag = tmp_path / "last.ckpt", tmp_path / "executed"
    hostile(kind, path, flag)
    with pytest.raises(BundleError, match="cannot be read") as caught:
        checkpoint.load(path)
    assert "\n" not in str(caught.value) and not flag.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_no_verb_executes_a_hostile_file(
    tmp_path: Path, sound_folder: Path, trained_run: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run, flag = tmp_path / "run", tmp_path / "executed"
    shutil.copytree(trained_run, run)
    last = run / "checkpoints" / "last.ckpt"
    for name in ("last.ckpt", "good.ckpt", "best.ckpt"):
        hostile(kind, run / "checkpoints" / name, flag)
    bundled = tmp_path / "bundled"
    shutil.copytree(trained_run / "model", bundled)
    shutil.copy(last, bundled / "model.safetensors")
    told = tmp_path / "told"
    shutil.copytree(trained_run / "model", told)
    shutil.copy(last, told / "config.json")
    new = ("--data", sound_folder, "--out", tmp_path / "new", "--device", "cpu")
    commands: list[tuple[object, ...]] = [("train", run, "--resume", "--set", "train.steps=20")]
    for model in (last, bundled, told):
        commands += [("generate", model, "--samples", 5), ("bench", model), ("train", run, "--init", model, *new)]
    commands += [("inspect", last), ("inspect", told), ("inspect", bundled, "--measure", sound_folder)]
    for command in commands:
        assert cli.main([str(word) for word in command]) == 2, command
        said = capsys.readouterr().err
        assert said.count("error: ") == 1 and "Traceback" not in said and "unexpected" not in said, said
        assert not flag.exists()


def replaced(path: Path, **changes: object) -> None:
    """Change a checkpoint's state, its digest being made again as whoever means harm would."""
    state = torch.load(path, weights_only=True) | changes
    state.pop("digest")
    torch.save({**state, "digest": checkpoint.digest(state)}, path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threads": 10**9}, "threads = 1000000000"),
        ({"threads": 0}, "threads = 0"),
        ({"step": -1}, "step = -1"),
        ({"network": []}, "lacks network"),
        ({"version": "2"}, "no version"),
    ],
)
def test_plain_values_that_cannot_be_are_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    written(tmp_path / "last.ckpt")
    replaced(tmp_path / "last.ckpt", **changes)
    with pytest.raises(BundleError, match=words):
        checkpoint.load(tmp_path / "last.ckpt")


def test_weights_of_another_network_are_one_line(tmp_path: Path) -> None:
    written(tmp_path / "last.ckpt")
    other = modules.build(toys.recipe(model={"head_channels": 9}))
    with pytest.raises(BundleError, match="not those of this network") as caught:
        checkpoint.restore(other, checkpoint.load(tmp_path / "last.ckpt"))
    assert "\n" not in str(caught.value)


def test_every_flipped_byte_of_what_is_used_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    written(path, note="x")
    whole, before = path.read_bytes(), torch.load(path, weights_only=True)
    noticed = 0
    for at in np.random.default_rng(0).integers(0, len(whole), 60):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        try:
            after = checkpoint.load(path)
        except BundleError:
            noticed += 1
        else:  # a byte between the parts, which nothing reads
            assert checkpoint.digest(after) == before["digest"]
    assert noticed > 10
    with zipfile.ZipFile(io.BytesIO(whole)) as file:
        member = max(file.infolist(), key=lambda one: one.file_size if "/data/" in one.filename else 0)
    at = whole.index(zipfile.ZipFile(io.BytesIO(whole)).read(member))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(BundleError, match=r"is damaged.*SHA-256"):
        checkpoint.load(path)


def test_the_digest_is_the_same_for_the_same_state_and_no_other(tmp_path: Path) -> None:
    states = []
    for name in ("a.ckpt", "b.ckpt"):
        written(tmp_path / name)
        states.append(torch.load(tmp_path / name, weights_only=True))
    plain = {key: value for key, value in states[0].items() if key != "digest"}
    assert checkpoint.digest(plain) == states[0]["digest"]
    found = {checkpoint.digest({"a": value}) for value in (1, 1.0, "1", True, [1], {1: 1}, None, torch.ones(1))}
    found |= {checkpoint.digest({"a": torch.ones(size, dtype=kind)}) for size in ((1, 2), 2) for kind in (torch.int32,)}
    found |= {checkpoint.digest({"a": [1, [2]]}), checkpoint.digest({"a": [[1], 2]})}
    assert len(found) == 12
    endless: list[object] = ["x"]
    for _ in range(40):
        endless = [endless] * 9
    for wrong in (endless, torch.zeros(1).expand(10**12), torch.zeros(3, device="meta"), torch.zeros(2).to_sparse()):
        with pytest.raises(ValueError, match="it h"):
            checkpoint.digest({"a": wrong})
    with pytest.raises(TypeError, match="bytearray"):
        checkpoint.digest({"a": bytearray(3)})


def test_a_checkpoint_of_the_first_version_loads_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("wavenet"), "propagate", True)
    path = tmp_path / "last.ckpt"
    written(path)
    state = torch.load(path, weights_only=True)
    del state["digest"]
    torch.save({**state, "version": 1}, path)
    assert checkpoint.load(path)["step"] == 7 and "without a digest" in caplog.text
    torch.save(state, path)
    with pytest.raises(BundleError, match="damaged"):
        checkpoint.load(path)


def test_what_takes_more_memory_than_it_is_large_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"format": "wavenet-run", "version": 2, "extra": bytearray(10)}, path)
    with pytest.raises(BundleError, match="bytearray, which is neither a tensor nor a plain value"):
        checkpoint.load(path)
    written(path)
    members = {name: zipfile.ZipFile(path).read(name) for name in zipfile.ZipFile(path).namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    with pytest.raises(BundleError, match="compressed"):
        checkpoint.load(path)


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


def test_a_damaged_or_missing_last_falls_back_to_the_newest_whole_one(tmp_path: Path, said: list[str]) -> None:
    assert checkpoint.newest(tmp_path) is None
    for name, step in (("last.ckpt", 9), ("good.ckpt", 6), ("best.ckpt", 4)):
        written(tmp_path / name)
        replaced(tmp_path / name, step=step)
    found = []
    for name in checkpoint.NAMES:
        found.append((checkpoint.newest(tmp_path) or {})["step"])
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    assert found == [9, 6, 4] and len(said) == 2
    assert "cannot be read" in said[0] and said[0].endswith("going on from good.ckpt, at step 6")
    with pytest.raises(BundleError, match=r"last\.ckpt cannot be read .*--force"):
        checkpoint.newest(tmp_path)
    (tmp_path / "last.ckpt").unlink()
    assert checkpoint.newest(tmp_path) is None  # there is nothing left
    written(tmp_path / "best.ckpt")
    assert (checkpoint.newest(tmp_path) or {})["step"] == 7 and "last.ckpt is missing" in said[-1]
    torch.save({"format": "wavenet-run", "version": 99}, tmp_path / "last.ckpt")
    with pytest.raises(BundleError, match="upgrade"):
        checkpoint.newest(tmp_path)


def beside(folder: Path, **steps: tuple[int, int]) -> modules.WaveNetModule:
    """Write checkpoints of these steps, with so many skipped at their end; return a module at step 9."""
    for name, (step, skipped) in steps.items():
        written(folder / f"{name}.ckpt")
        replaced(folder / f"{name}.ckpt", step=step, skipped_in_a_row=skipped)
    module = modules.build(toys.recipe())
    module.step = 9
    return module


def weights_of(path: Path, change: Callable[[torch.Tensor], torch.Tensor], part: str = "network") -> None:
    """Change one of a checkpoint's weights."""
    held = torch.load(path, weights_only=True)[part]
    replaced(path, **{part: {**held, "hidden.bias": change(held["hidden.bias"])}})


def damaged(path: Path, how: str) -> None:
    """Make a checkpoint one that cannot be gone back to."""
    if how == "missing":
        path.unlink()
    elif how == "torn":
        path.write_bytes(path.read_bytes()[:-99])
    elif how == "newer":
        replaced(path, version=99)
    elif how == "not finite":
        weights_of(path, lambda weight: weight * math.nan)
    elif how == "average not finite":
        weights_of(path, lambda weight: weight + math.inf, "averaged")
    elif how == "another network":
        weights_of(path, lambda weight: weight[1:].clone())


HOWS = ("missing", "torn", "newer", "not finite", "average not finite", "another network")


@pytest.mark.parametrize("how", HOWS)
def test_where_the_good_state_is_damaged_a_run_goes_back_to_the_newest_usable_one(
    tmp_path: Path, said: list[str], how: str
) -> None:
    module = beside(tmp_path, good=(6, 0), last=(8, 0), best=(4, 0))
    assert (checkpoint.to_go_back_to(tmp_path, module) or {})["step"] == 6 and said == []
    damaged(tmp_path / "good.ckpt", how)
    assert (checkpoint.to_go_back_to(tmp_path, module) or {})["step"] == 8
    damaged(tmp_path / "last.ckpt", how)
    assert (checkpoint.to_go_back_to(tmp_path, module) or {})["step"] == 4
    damaged(tmp_path / "best.ckpt", how)
    assert checkpoint.to_go_back_to(tmp_path, module) is None
    assert [line.rpartition(f"{tmp_path / 'good.ckpt'} ")[2].partition(" ")[0] for line in said] == 3 * [
        {"missing": "is", "torn": "cannot", "newer": "has"}.get(how, "does")
    ]
    ends = ["going back to last.ckpt, at step 8", "going back to best.ckpt, at step 4", "none beside it can be gone"]
    assert all(end in line and "--force" not in line for line, end in zip(said, ends, strict=True))


@pytest.mark.parametrize(
    ("last", "best", "step"),
    [
        ((8, 3), (4, 0), 4),  # the newest steps of the later one failed already
        ((8, 3), (4, 1), 8),
        ((8, 0), (10, 0), 8),  # ahead of the run, which is at step 9
        ((10, 0), (12, 0), None),
        ((9, 0), (9, 0), 9),
    ],
)
def test_a_run_goes_back_neither_to_what_failed_nor_ahead(
    tmp_path: Path, said: list[str], last: tuple[int, int], best: tuple[int, int], step: int | None
) -> None:
    state = checkpoint.to_go_back_to(tmp_path, beside(tmp_path, last=last, best=best))
    assert (state and state["step"]) == step and len(said) == 1


def test_a_checkpoint_is_written_without_being_in_memory_as_a_whole(tmp_path: Path) -> None:
    big = {"big": [torch.zeros(1 << 20) for _ in range(16)]}
    tracemalloc.start()
    try:
        written(tmp_path / "last.ckpt", **big)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    size = (tmp_path / "last.ckpt").stat().st_size
    assert size > 64 << 20 and peak < size / 4, (peak, size)


FULL_DISK = """
import resource, sys
from pathlib import Path
import test_checkpoint
from wavenet import cli
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
