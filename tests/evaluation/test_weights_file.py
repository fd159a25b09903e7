"""Weights are read as they were written or refused in one sentence; what cannot be read or kept is made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavenet.errors import BundleError
from wavenet.evaluation import weights_file

WEIGHTS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2, np.float32)}
SHAPES = {"a": (2, 3), "b": (2,)}


def read(path: Path, kind: str = "toy", version: int = 1) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return weights_file.read(path, kind, version, lambda about, weights: (about, weights))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    weights_file.write(tmp_path / "in/a.safetensors", "toy", {"version": 1, "names": ("x", "y")}, WEIGHTS)
    about, weights = read(tmp_path / "in/a.safetensors")
    assert about == {"version": 1, "names": ["x", "y"]} and set(weights) == {"a", "b"}
    assert all((weights[name] == value).all() for name, value in WEIGHTS.items())


def test_another_kind_or_version_and_damage_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(BundleError, match="cannot be used as a toy"):
        read(path)
    weights_file.write(path, "toy", {"version": 1}, WEIGHTS)
    for kind, version in (("other", 1), ("toy", 2)):
        with pytest.raises(BundleError, match=f"is not a {kind} of version {version}"):
            read(path, kind, version)
    for error in (KeyError("x"), ValueError("x"), TypeError("x"), AttributeError("x")):

        def refuse(*_: object, error: Exception = error) -> None:
            raise error

        with pytest.raises(BundleError, match="cannot be used as a toy"):
            weights_file.read(path, "toy", 1, refuse)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(BundleError, match="cannot be used as a toy"):
        read(path)
    monkeypatch.setattr(weights_file, "MAX_BYTES", 10)
    with pytest.raises(BundleError, match="more than 10 bytes"):
        read(path)


@pytest.mark.parametrize(
    "weights",
    [
        {"a": WEIGHTS["a"]},
        {**WEIGHTS, "b": np.ones(3, np.float32)},
        {**WEIGHTS, "b": np.ones(2)},
        {**WEIGHTS, "b": np.array([1, np.nan], np.float32)},
    ],
)
def test_weights_of_other_shapes_or_that_are_no_numbers_are_refused(weights: dict[str, np.ndarray]) -> None:
    weights_file.check(WEIGHTS, SHAPES)
    with pytest.raises(ValueError, match="its weights"):
        weights_file.check(weights, SHAPES)


def test_it_is_made_once_and_again_where_it_cannot_be_read_or_kept(tmp_path: Path, said: list[str]) -> None:
    path, makings = tmp_path / "a", list[int]()

    def make() -> str:
        makings.append(1)
        return "made"

    def load(path: Path) -> str:
        if path.read_text() != "made":
            raise BundleError("it is damaged")
        return path.read_text()

    def save(path: Path, text: str) -> None:
        path.write_text(text)

    for _ in range(2):
        assert weights_file.kept(path, "waiting", load, make, save) == "made" and len(makings) == 1
    path.write_text("broken")
    assert weights_file.kept(path, "waiting", load, make, save) == "made" and len(makings) == 2
    assert path.read_text() == "made" and len(said) == 1 and "trained again" in said[0]
    nowhere = tmp_path / "none/a"
    assert weights_file.kept(nowhere, "waiting", load, make, save) == "made" and "cannot be kept" in said[1]
