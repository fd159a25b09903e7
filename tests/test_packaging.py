"""The wheel carries recipes and sounds: installed elsewhere, it trains a step and knows its version."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import wavenet
from wavenet.recipe import find

ROOT = Path(__file__).parent.parent


def test_every_dependency_has_a_floor_and_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    assert project["name"] == "wavenet-audio" and project["requires-python"] == ">=3.11"
    lines = text.splitlines()
    for dependency in project["dependencies"]:
        assert ">=" in dependency
        at = next(i for i, line in enumerate(lines) if f'"{dependency}"' in line)
        assert "#" in lines[at] or lines[at - 1].strip().startswith("#"), dependency


def test_the_changelog_names_this_version() -> None:
    assert f"## {wavenet.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_package_says_that_it_is_typed_and_the_wheel_takes_all_of_it() -> None:
    assert (Path(wavenet.__file__).parent / "py.typed").read_bytes() == b""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["wavenet"] and not {"exclude", "include", "only-include"} & set(wheel)
    assert '"Typing :: Typed"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.slow
def test_the_wheel_works_elsewhere(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("wavenet_audio-*.whl")
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    env = {**os.environ, "PYTHONPATH": str(place), "PYTHONSAFEPATH": "1", "WAVENET_CACHE": str(tmp_path / "cache")}
    where = [sys.executable, "-c", "import wavenet; print(wavenet.__file__)"]
    found = subprocess.run(where, env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(place))
    assert (place / "wavenet" / "py.typed").is_file()
    shipped = find.voice_names()
    assert sorted(path.parent.name for path in place.glob("wavenet/voices/*/config.json")) == shipped
    words = [sys.executable, "-m", "wavenet", "demo", "-o", "heard"]
    heard = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert heard.returncode == (0 if shipped else 2), heard.stderr
    assert {path.stem for path in tmp_path.glob("heard/*.wav")} == {*shipped}
    small = ["--set", "train.sample_seconds=0.01", "--set", "train.validate_targets=1000", "--set", "train.steps=1"]
    command = [sys.executable, "-m", "wavenet", "train", "quickstart", "--out", "run", "--device", "cpu", *small]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
