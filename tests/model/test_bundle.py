"""Bundles come back as they went; a changed, truncated, foreign or newer file gives one line; nothing is executed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy
import toys

from wavenet import disk
from wavenet.errors import BundleError
from wavenet.generate import voice as voices
from wavenet.model import bundle, network
from wavenet.model.bundle import Bundle


def sample(value: float = 0.0) -> Bundle:
    recipe = toys.recipe()
    arrays = network.build(recipe).arrays()
    arrays["hidden.bias"][:] = value
    return Bundle(recipe, arrays, {"source": "folder", "licence": "MIT"}, {"steps": 3})


@pytest.fixture(autouse=True)
def no_waiting_for_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once where weights and config do not belong together: nothing here is replacing them."""
    monkeypatch.setattr(bundle, "time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle.save(tmp_path / "model", sample())
    return tmp_path / "model"


def test_a_bundle_comes_back_as_it_went(folder: Path) -> None:
    bundle.save(folder, sample(0.25))
    back = bundle.load(folder)
    assert (back.recipe, back.data, back.training) == (sample().recipe, sample().data, sample().training)
    assert set(back.arrays) == set(sample().arrays)
    assert (back.arrays["hidden.bias"] == 0.25).all()
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert json.loads((folder / "config.json").read_text())["version"] == 1


def test_float16_is_read_as_float32_and_takes_half_the_room(folder: Path) -> None:
    whole, given = (folder / "model.safetensors").stat().st_size, sample(1 / 3)
    bundle.save(folder, given, "float16")
    back = bundle.load(folder)
    assert whole - (folder / "model.safetensors").stat().st_size >= 2 * given.recipe.shape.parameters()
    for name, value in given.arrays.items():
        assert back.arrays[name].dtype == np.float32
        assert np.array_equal(back.arrays[name], value.astype(np.float16).astype(np.float32))
    bundle.save(folder, back, "float16")  # what has been rounded stays as it is
    assert all(np.array_equal(value, back.arrays[name]) for name, value in bundle.load(folder).arrays.items())


def test_a_weight_beyond_float16_is_refused_and_the_bundle_is_as_it_was(folder: Path) -> None:
    with pytest.raises(BundleError, match=r"hidden.bias reaches 70,000, more than the 65,504 of float16; .*float32"):
        bundle.save(folder, sample(-7e4), "float16")
    assert (bundle.load(folder).arrays["hidden.bias"] == 0.0).all()
    bundle.save(folder, sample(-65_504.0), "float16")
    assert (bundle.load(folder).arrays["hidden.bias"] == -65_504.0).all()


def test_a_score_that_is_not_finite_is_null_and_one_of_old_is_read_and_told(folder: Path) -> None:
    held = dataclasses.replace(sample(), training={"valid_bits": math.nan, "order0_bits": 4.0})
    bundle.save(folder, held)
    path = folder / "config.json"
    told = path.read_text()
    assert "NaN" not in told and bundle.load(folder).training == {"valid_bits": None, "order0_bits": 4.0}
    for word in ("null", "NaN", "Infinity", "-Infinity"):  # as versions before this one wrote it
        path.write_text(told.replace('"valid_bits": null', f'"valid_bits": {word}'))
        assert ["not a finite number" in line for line in voices.load(folder).warnings()] == [True]


def refused(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        bundle.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_truncated_file_is_refused(folder: Path, name: str, share: float) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(share * len(whole))])
    assert name in refused(folder) or "config.json" in refused(folder)


def test_every_flipped_byte_of_the_weights_is_noticed(folder: Path) -> None:
    whole = bytearray((folder / "model.safetensors").read_bytes())
    for at in np.random.default_rng(0).integers(0, len(whole), 40):
        changed = bytearray(whole)
        changed[at] ^= 1
        (folder / "model.safetensors").write_bytes(changed)
        assert "SHA-256" in refused(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refused(folder)


def test_a_newer_or_foreign_format_is_refused(folder: Path) -> None:
    tree = json.loads((folder / "config.json").read_text())
    for change, word in (
        ({"version": 99}, "upgrade"),
        ({"format": "x"}, "not the config"),
        ({"version": "1"}, "version"),
    ):
        (folder / "config.json").write_text(json.dumps({**tree, **change}))
        assert word in refused(folder)


def test_find_takes_runs_and_bundles_and_says_what_else_there_is(folder: Path, tmp_path: Path) -> None:
    assert bundle.find(str(tmp_path)) == bundle.find(str(folder)) == folder
    with pytest.raises(BundleError, match=r"did you mean '.*/model'"):
        bundle.find(str(tmp_path / "modell"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BundleError, match="is an empty folder, not a run or bundle folder"):
        bundle.find(str(tmp_path / "empty"))
    (tmp_path / "empty" / "notes").touch()
    with pytest.raises(BundleError, match="holds no bundle"):
        bundle.find(str(tmp_path / "empty"))


WRITER = """
import dataclasses, os, sys
from pathlib import Path
import numpy as np
from wavenet.model import bundle
import safetensors.numpy  # before the fork, so that the time until the kill is spent writing
held = bundle.load(Path(sys.argv[1]))
first, second = (
    dataclasses.replace(held, arrays={**held.arrays, "hidden.bias": np.full_like(held.arrays["hidden.bias"], value)})
    for value in (1.0, 2.0)
)
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    while not child:
        bundle.save(Path(sys.argv[1]), first); bundle.save(Path(sys.argv[1]), second)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_kill_while_writing_leaves_a_whole_bundle(folder: Path) -> None:
    seen, pipe = set(), subprocess.PIPE
    command = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdin is not None and writer.stdout is not None and writer.stdout.readline() == "ready\n"
        for attempt in range(8):
            print("go", file=writer.stdin, flush=True)
            child = int(writer.stdout.readline())
            time.sleep(0.02 + 0.0055 * attempt)
            os.kill(child, signal.SIGKILL)
            assert writer.stdout.readline() == "ended\n"
            seen.add(float(bundle.load(folder).arrays["hidden.bias"][0]))
        writer.stdin.close()
    assert seen <= {0.0, 1.0, 2.0} and seen & {1.0, 2.0}


def test_two_kills_in_a_row_leave_a_whole_bundle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):  # the first just before its config takes its place
        replace = Path.replace
        patch.setattr(Path, "replace", lambda one, to: (kill if one.name == bundle.NEXT else replace)(one, to))
        bundle.save(folder, sample(0.25))
    assert (folder / "config.next.json").is_file() and bundle.load(folder).arrays["hidden.bias"][0] == 0.25
    with monkeypatch.context() as patch, pytest.raises(Killed):  # the second once the next config is written
        patch.setattr(bundle.disk, "write_bytes", kill)
        bundle.save(folder, sample(0.5))
    assert bundle.load(folder).arrays["hidden.bias"][0] == 0.25
    bundle.save(folder, sample(0.5))
    assert bundle.load(folder).arrays["hidden.bias"][0] == 0.5


# --- weights that someone made up ------------------------------------------------------------------------------------


def signed(folder: Path, weights: bytes) -> None:
    """Replace a bundle's weights, and their digest, as an attacker would."""
    (folder / "model.safetensors").write_bytes(weights)
    told = json.loads((folder / "config.json").read_text())
    told["sha256"] = hashlib.sha256(weights).hexdigest()
    (folder / "config.json").write_text(json.dumps(told))


def header(tensors: str, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(tensors)) + tensors.encode() + data


class Bomb:
    """A pickle of it ends the process that opens it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (1,)


ONE = '"dtype":"F32","shape":[2],"data_offsets"'
MADE_UP = {
    "empty": b"",
    "pickle": pickle.dumps(Bomb()),
    "huge header": struct.pack("<Q", 2**63 - 1) + b"{}",
    "header past the end": struct.pack("<Q", 1000) + b"{}",
    "no JSON": header("{{{{"),
    "overlapping": header(f'{{"a":{{{ONE}:[0,8]}},"b":{{{ONE}:[4,12]}}}}', bytes(12)),
    "out of range": header(f'{{"a":{{{ONE}:[0,8000000000]}}}}', bytes(8)),
    "backwards": header(f'{{"a":{{{ONE}:[8,0]}}}}', bytes(8)),
    "huge shape": header('{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}'),
    "negative shape": header('{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}', bytes(8)),
    "a key twice": header(f'{{"a":{{{ONE}:[0,8]}},"a":{{{ONE}:[0,8]}}}}', bytes(8)),
    "unknown kind": header('{"a":{"dtype":"X9","shape":[2],"data_offsets":[0,8]}}', bytes(8)),
    "half and infinite": safetensors.numpy.save({n: v.astype(np.float16) for n, v in sample(math.inf).arrays.items()}),
    "double": safetensors.numpy.save({n: v.astype(np.float64) for n, v in sample().arrays.items()}),
    "whole numbers": safetensors.numpy.save({n: v.astype(np.int16) for n, v in sample().arrays.items()}),
    "missing": safetensors.numpy.save({"entry.weight": sample().arrays["entry.weight"]}),
    "one more": safetensors.numpy.save({**sample().arrays, "a\nb" * 20: np.zeros(1, np.float32)}),
    "other shape": safetensors.numpy.save({**sample().arrays, "hidden.bias": np.zeros(3, np.float32)}),
    "not a number": safetensors.numpy.save(sample(float("nan")).arrays),
    "too large": bytes(1 << 20),
}


@pytest.mark.parametrize("kind", MADE_UP)
def test_weights_that_are_made_up_are_one_line(folder: Path, kind: str) -> None:
    signed(folder, MADE_UP[kind])
    told = refused(folder)
    assert str(folder) in told and len(told) < 700
    assert {
        "missing": "is missing",
        "whole numbers": "is int16",
        "one more": "does not belong",
        "other shape": "[3]",
    }.get(kind, "") in told


def test_weights_larger_than_the_recipe_says_are_not_read(folder: Path) -> None:
    with (folder / "model.safetensors").open("ab") as file:
        file.truncate(1 << 42)  # a file of nothing: 4 TiB that would be read into memory
    assert "bytes, expected at most" in refused(folder)


def test_a_recipe_that_cannot_be_is_a_bundle_error(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    told["recipe"]["model"]["residual_channels"] = -5
    (folder / "config.json").write_text(json.dumps(told))
    assert "model.residual_channels is -5" in refused(folder)


def test_weights_that_are_no_file_are_not_waited_for(folder: Path) -> None:
    weights = folder / "model.safetensors"
    for make in (weights.mkdir, lambda: os.mkfifo(weights), lambda: weights.symlink_to("/dev/zero")):
        weights.rmdir() if weights.is_dir() else weights.unlink()
        make()
        assert "not a regular file" in refused(folder)


@pytest.mark.parametrize(("storage", "copies"), [("float32", 2), ("float16", 4)])
def test_weights_beyond_the_memory_are_not_read(
    folder: Path, storage: str, copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.save(folder, sample(), storage)
    monkeypatch.setattr(disk, "available_bytes", lambda: copies * (folder / "model.safetensors").stat().st_size - 1)
    assert "of memory" in refused(folder)


def test_a_file_of_a_bundle_is_not_taken_for_it(folder: Path) -> None:
    with pytest.raises(BundleError, match="is a file; give the run or bundle folder"):
        bundle.find(str(folder / "config.json"))
