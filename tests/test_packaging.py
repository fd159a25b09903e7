"""The wheel carries recipes, sounds and voices with their licences: elsewhere it trains, speaks, knows its version."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import demo_toys
import pytest

import wavenet
from wavenet.sharing.export import export

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


def test_the_licence_covers_the_voices() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = (ROOT / "LICENSE-VOICES.md").read_text(encoding="utf-8")
    assert project["license-files"] == ["LICENSE", "LICENSE-VOICES.md"]
    parts = dict(part.partition("\n\n")[::2] for part in listed.split("\n## ")[1:])
    offered = {name: body.partition(",")[0].replace(" ", "-") for name, body in parts.items()}
    assert offered == {"digits": "CC-BY-SA-4.0", "kathleen": "CC0-1.0", "piano": "CC-BY-4.0"}  # as SPDX names them
    assert project["license"] == " AND ".join(["MIT", *offered.values()])


@pytest.fixture
def clone(trained_run: Path, tmp_path: Path) -> Path:
    """Return a copy of all that is in this repository, with a voice called bell among those that ship.

    Of the voices that `wavenet demo` speaks with, those that do not ship are toys.
    """
    place, left_out = tmp_path / "clone", (".*", "__pycache__", "runs", "dist", "build", "tests")
    shutil.copytree(ROOT, place, ignore=shutil.ignore_patterns(*left_out))
    shutil.copy(ROOT / ".gitignore", place)
    voices = place / "wavenet" / "voices"
    export(trained_run, voices / "bell")
    for make in (demo_toys.kathleen, demo_toys.digits, demo_toys.piano):
        if not (voices / make.__name__).exists():
            make(voices / make.__name__)
    return place


@pytest.mark.slow
def test_the_wheel_works_elsewhere(clone: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(clone)]
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
    small = ["--set", "train.sample_seconds=0.01", "--set", "train.validate_targets=1000", "--set", "train.steps=1"]
    for words in (
        ["train", "quickstart", "--out", "run", "--device", "cpu", *small],
        ["generate", "bell", "--samples", "3", "--seed", "1", "-o", "bell.wav"],
        ["demo", "-o", "heard"],
        ["voices"],
    ):
        command = [sys.executable, "-m", "wavenet", *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file() and (tmp_path / "bell.wav").is_file()
    assert "  bell " in done.stdout
    heard = {f"{name}{suffix}" for name in ("kathleen", "digits", "piano") for suffix in (".wav", ".png")}
    assert {path.name for path in (tmp_path / "heard").iterdir()} == heard
    check_voices(place, clone)


def check_voices(site: Path, clone: Path) -> None:
    """Check that all of every voice is installed, and that the wheel tells the licences."""
    theirs, ours = (folder / "wavenet" / "voices" for folder in (site, clone))
    for path in (path for path in ours.rglob("*") if path.is_file()):
        assert (theirs / path.relative_to(ours)).read_bytes() == path.read_bytes()
    (about,) = site.glob("wavenet_audio-*.dist-info")
    lines = (about / "METADATA").read_text(encoding="utf-8").splitlines()
    licence = tomllib.loads((clone / "pyproject.toml").read_text())["project"]["license"]
    assert f"License-Expression: {licence}" in lines
    for name in ("LICENSE", "LICENSE-VOICES.md"):
        assert f"License-File: {name}" in lines
        assert (about / "licenses" / name).read_bytes() == (clone / name).read_bytes()
