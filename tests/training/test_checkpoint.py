"""Checkpoints hold data only, are whole or absent, and bad ones give one clear line."""

from __future__ import annotations

import json
import math
import os
import pickle
import re
import shutil
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toys
from safetensors import safe_open

import wavenet
from wavenet import cli
from wavenet.errors import BundleError
from wavenet.training import checkpoint
from wavenet.training import module as modules
from wavenet.training.checkpoint import BEST, GOOD, LAST, Standing, State, Window


def written(path: Path, step: int = 7, skipped_in_a_row: int = 0) -> modules.WaveNetModule:
    """Write a checkpoint of a module that has taken one step of Adam."""
    module = modules.build(toys.recipe())
    optimizer = module.configure_optimizers()
    for weight in module.network.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    module.step, module.skipped, module.skipped_in_a_row = step, 2, skipped_in_a_row
    checkpoint.save(path, module, optimizer, Standing(valid={"valid_bits": math.nan}), "sound", devices=2)
    return module


def header_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return what a safetensors file's header says, and its data."""
    whole = path.read_bytes()
    (size,) = struct.unpack("<Q", whole[:8])
    return json.loads(whole[8 : 8 + size]), whole[8 + size :]


def write_with(path: Path, header: object, data: bytes) -> None:
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data)


def replaced(path: Path, **changes: object) -> None:
    """Change values of a checkpoint and make its digest again, as anyone who means harm would."""
    table, data = header_of(path)
    told = table.pop("__metadata__")
    told |= {"state": json.dumps(json.loads(told["state"]) | changes)} if "version" not in changes else changes
    told["sha256"] = checkpoint._digest(told["state"], table, [data])
    write_with(path, {"__metadata__": told, **table}, data)


# --- saving and going on ---------------------------------------------------------------------------------------------


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    module = written(tmp_path / LAST)
    state = checkpoint.load(tmp_path / LAST)
    other = modules.build(toys.recipe(train={"seed": 5}))
    checkpoint.restore(other, state)
    assert (other.step, other.skipped, state.devices, state.fingerprint) == (7, 2, 2, "sound")
    assert state.standing == Standing(valid={"valid_bits": None})  # JSON has no word for a number that is none
    assert torch.equal(other.network.skip.weight, module.network.skip.weight)
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


def test_a_standing_comes_back_exactly(tmp_path: Path) -> None:
    module = modules.build(toys.recipe())
    standing = Standing(1 / 3, 2.1, {"valid_bits": 2.1}, Window(0.1, 1e-9, 3, 4, 5.0), True, {"step": "2"})
    checkpoint.save(tmp_path / LAST, module, module.configure_optimizers(), standing, "sound")
    state = checkpoint.load(tmp_path / LAST)
    assert state.standing == standing and state.moments == {} and not state.finished(0)


def test_an_evaluation_that_a_checkpoint_had_for_a_while_is_passed_over(tmp_path: Path) -> None:
    written(tmp_path / LAST)
    standing = checkpoint.load(tmp_path / LAST).standing
    replaced(tmp_path / LAST, standing={**asdict(standing), "held_out": {"bits": 4.5}})
    assert checkpoint.load(tmp_path / LAST).standing == standing


def test_what_was_restored_is_saved_as_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / LAST)
    other = modules.build(toys.recipe())
    state = checkpoint.load(tmp_path / LAST)
    checkpoint.restore(other, state)
    optimizer = other.configure_optimizers()
    checkpoint.save(tmp_path / BEST, other, optimizer, state.standing, state.fingerprint, state.devices)
    assert (tmp_path / BEST).read_bytes() == (tmp_path / LAST).read_bytes()


def test_a_checkpoint_is_a_safetensors_file_like_any_other(tmp_path: Path) -> None:
    module = written(tmp_path / LAST)
    with safe_open(tmp_path / LAST, "pt") as file:
        assert file.metadata()["format"] == "wavenet-run" and json.loads(file.metadata()["state"])["step"] == 7
        assert torch.equal(file.get_tensor("averaged.hidden.bias"), module.averaged.hidden.bias)
        assert file.get_tensor("moments.hidden.bias.step") == 1.0


def test_what_the_recipe_says_of_the_optimiser_holds_from_a_resume_on(tmp_path: Path) -> None:
    written(tmp_path / LAST)
    other = modules.build(toys.recipe(train={"weight_decay": 0.25}))
    checkpoint.restore(other, checkpoint.load(tmp_path / LAST))
    (group,) = other.configure_optimizers().param_groups
    assert group["weight_decay"] == 0.25


def test_weights_and_moments_of_another_network_are_one_line(tmp_path: Path) -> None:
    written(tmp_path / LAST)
    state = checkpoint.load(tmp_path / LAST)
    for name in ("head_channels", "skip_channels"):
        with pytest.raises(BundleError, match="not those of this network") as caught:
            checkpoint.restore(modules.build(toys.recipe(model={name: 9})), state)
        assert "\n" not in str(caught.value)
    for change in ("missing", "shape"):
        moments = dict(state.moments)
        taken = moments.pop("hidden.bias.exp_avg")
        if change == "shape":
            moments["hidden.bias.exp_avg"] = taken[1:]
        with pytest.raises(BundleError, match="not those of this network"):
            checkpoint.restore(modules.build(toys.recipe()), State(**{**vars(state), "moments": moments}))


def test_a_checkpoint_is_written_without_being_in_memory_as_a_whole(tmp_path: Path) -> None:
    module = modules.build(toys.recipe(model={"skip_channels": 1_000, "head_channels": 2_000}))
    optimizer = module.configure_optimizers()
    tracemalloc.start()
    try:
        checkpoint.save(tmp_path / LAST, module, optimizer, Standing(), "sound")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    size = (tmp_path / LAST).stat().st_size
    assert size > 15 << 20 and peak < size / 4, (peak, size)


# --- files that mean harm --------------------------------------------------------------------------------------------


class Bomb:
    """What a pickle could call."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, (f"touch {self.flag}",))


def hostile(kind: str, path: Path, flag: Path) -> None:
    """Write a file that would touch `flag` if it were unpickled, or that says more than it holds."""
    written(path)
    header, data = header_of(path)
    first = next(name for name in header if name != "__metadata__")
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Bomb(flag)))
    elif kind == "of torch":
        torch.save({"step": Bomb(flag)}, path)
    elif kind == "endless header":
        path.write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    elif kind == "deep header":
        path.write_bytes(struct.pack("<Q", 200_000) + b"[" * 200_000)
    elif kind == "beyond its end":
        header[first]["data_offsets"][1] += 10**12
    elif kind == "larger than it is":
        header[first]["shape"] = [10**12]
    elif kind == "overlapping":
        header["network.more"] = header[first]
    if kind in ("beyond its end", "larger than it is", "overlapping"):
        write_with(path, header, data)
        replaced(path)


KINDS = ("pickle", "of torch", "endless header", "deep header", "beyond its end", "larger than it is", "overlapping")


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_hostile_file_executes_anything_or_takes_memory(tmp_path: Path, kind: str) -> None:
    path, flag = tmp_path / LAST, tmp_path / "executed"
    hostile(kind, path, flag)
    tracemalloc.start()
    try:
        with pytest.raises(BundleError, match=r"cannot be read|not a checkpoint of a wavenet run") as caught:
            checkpoint.load(path)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value) and not flag.exists()


def test_no_verb_executes_a_hostile_file(
    tmp_path: Path, sound_folder: Path, trained_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, flag = tmp_path / "run", tmp_path / "executed"
    shutil.copytree(trained_run, run)
    last = run / "checkpoints" / LAST
    for name in (LAST, GOOD, BEST):
        hostile("of torch", run / "checkpoints" / name, flag)
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


def test_nothing_in_the_package_reads_or_writes_a_pickle() -> None:
    named = re.compile(r"import pickle|from pickle|torch\.(load|save)\b|allow_pickle=True|import (dill|joblib|shelve)")
    package = Path(wavenet.__file__).parent
    assert [path.name for path in package.rglob("*.py") if named.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threads": 10**9}, "threads = 1000000000"),
        ({"threads": 0}, "threads = 0"),
        ({"step": -1}, "step = -1"),
        ({"skipped": "2"}, "skipped = 2"),
        ({"standing": []}, "cannot be read"),
        ({"more": 1}, "cannot be read"),
        ({"version": "two"}, "cannot be read"),
    ],
)
def test_plain_values_that_cannot_be_are_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    written(tmp_path / LAST)
    replaced(tmp_path / LAST, **changes)
    with pytest.raises(BundleError, match=words):
        checkpoint.load(tmp_path / LAST)


# --- damage ----------------------------------------------------------------------------------------------------------


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / LAST
    written(path)
    whole = path.read_bytes()
    length = len(whole) - len(header_of(path)[1])
    rng = np.random.default_rng(0)
    for at in (*rng.integers(0, length, 60), *rng.integers(length, len(whole), 20)):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(BundleError) as caught:
            checkpoint.load(path)
        assert at < length or re.search(r"is damaged.*SHA-256", str(caught.value))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9])
def test_a_truncated_checkpoint_gives_one_line(tmp_path: Path, share: float) -> None:
    path = tmp_path / LAST
    written(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(BundleError, match="start over with --force") as caught:
        checkpoint.load(path)
    assert "\n" not in str(caught.value)


def test_a_foreign_or_newer_checkpoint_is_refused(tmp_path: Path) -> None:
    write_with(tmp_path / "a", {"__metadata__": {"format": "pt"}}, b"")
    with pytest.raises(BundleError, match="not a checkpoint of a wavenet run"):
        checkpoint.load(tmp_path / "a")
    written(tmp_path / "b")
    replaced(tmp_path / "b", version="99")
    with pytest.raises(BundleError, match="has version 99, this program reads 3; upgrade"):
        checkpoint.load(tmp_path / "b")


# --- which one to go on from -----------------------------------------------------------------------------------------


def test_a_damaged_or_missing_last_falls_back_to_the_newest_whole_one(tmp_path: Path, said: list[str]) -> None:
    assert checkpoint.newest(tmp_path) is None
    for name, step in ((LAST, 9), (GOOD, 6), (BEST, 4)):
        written(tmp_path / name, step)
    found = []
    for name in (LAST, GOOD, BEST):
        state = checkpoint.newest(tmp_path)
        found.append(state and state.step)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    assert found == [9, 6, 4] and len(said) == 2
    assert "is damaged" in said[0] and said[0].endswith(f"going on from {GOOD}, at step 6")
    with pytest.raises(BundleError, match=r"last\.safetensors is damaged.*--force"):
        checkpoint.newest(tmp_path)
    (tmp_path / LAST).unlink()
    assert checkpoint.newest(tmp_path) is None  # there is nothing left
    written(tmp_path / BEST)
    state = checkpoint.newest(tmp_path)
    assert state is not None and state.step == 7 and f"{LAST} is missing" in said[-1]
    written(tmp_path / LAST)
    replaced(tmp_path / LAST, version="99")
    with pytest.raises(BundleError, match="upgrade"):
        checkpoint.newest(tmp_path)


def test_a_run_of_an_older_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_bytes(b"PK")
    with pytest.raises(BundleError, match=r"last\.ckpt was written by an older version.* start over with --force"):
        checkpoint.newest(tmp_path)
    written(tmp_path / LAST)
    assert checkpoint.newest(tmp_path) is not None


def beside(folder: Path, **steps: tuple[int, int]) -> modules.WaveNetModule:
    """Write checkpoints of these steps, with so many skipped at their end; return a module at step 9."""
    for name, (step, skipped) in steps.items():
        written(folder / f"{name}.safetensors", step, skipped)
    module = modules.build(toys.recipe())
    module.step = 9
    return module


def weights_of(path: Path, change: Callable[[torch.Tensor], torch.Tensor], part: str = "network") -> None:
    """Change one of a checkpoint's weights."""
    state = checkpoint.load(path)
    held = {name: getattr(state, name) for name in checkpoint.PARTS}
    held[part] = {**held[part], "hidden.bias": change(held[part]["hidden.bias"])}
    tensors = {f"{name}.{weight}": value for name in held for weight, value in held[name].items()}
    values = header_of(path)[0]["__metadata__"]["state"]
    path.write_bytes(b"".join(checkpoint._encoded(values, tensors)))


def damaged(path: Path, how: str) -> None:
    """Make a checkpoint one that cannot be gone back to."""
    if how == "missing":
        path.unlink()
    elif how == "torn":
        path.write_bytes(path.read_bytes()[:-99])
    elif how == "newer":
        replaced(path, version="99")
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
    found = []
    for name in (GOOD, LAST, BEST):
        state = checkpoint.to_go_back_to(tmp_path, module)
        found.append(state and state.step)
        damaged(tmp_path / name, how)
    assert found == [6, 8, 4] and checkpoint.to_go_back_to(tmp_path, module) is None
    assert [line.rpartition(f"{tmp_path / GOOD} ")[2].partition(" ")[0] for line in said] == 3 * [
        {"missing": "is", "torn": "is", "newer": "has"}.get(how, "does")
    ]
    ends = [f"going back to {LAST}, at step 8", f"going back to {BEST}, at step 4", "none beside it can be used"]
    assert all(end in line and "--force" not in line for line, end in zip(said, ends, strict=True))


@pytest.mark.parametrize(
    ("last", "best", "step"),
    [
        ((8, 3), (4, 0), 4),  # the newest steps of the later one failed already
        ((8, 3), (4, 1), None),
        ((8, 0), (10, 0), 8),  # ahead of the run, which is at step 9
        ((10, 0), (12, 0), None),
        ((9, 0), (9, 0), 9),
    ],
)
def test_a_run_goes_back_neither_to_what_failed_nor_ahead(
    tmp_path: Path, said: list[str], last: tuple[int, int], best: tuple[int, int], step: int | None
) -> None:
    state = checkpoint.to_go_back_to(tmp_path, beside(tmp_path, last=last, best=best))
    assert (state and state.step) == step and len(said) == 1


def test_a_second_name_needs_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    written(tmp_path / LAST)
    monkeypatch.setattr(checkpoint.os, "link", none)
    checkpoint.keep_as(tmp_path / LAST, tmp_path / GOOD)
    assert (tmp_path / GOOD).read_bytes() == (tmp_path / LAST).read_bytes()
