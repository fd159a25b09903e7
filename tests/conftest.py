"""What all tests share: no test writes outside its own folder, and real recordings are found in one way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # toys gain nothing from threads, and spinning ones cost a lot

import toys  # after the line above: it imports what reads that variable
from hypothesis import HealthCheck, settings

# machines are noisy: no example fails for being slow; and CI draws the same examples every time
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("house"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVENET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WAVENET_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys.write_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, sound_folder: Path) -> Path:
    place = tmp_path_factory.mktemp("trained")
    return toys.train(sound_folder, place / "run", place / "cache")


@pytest.fixture(scope="session")
def real_audio() -> Path:
    folder = os.environ.get("WAVENET_REAL_AUDIO")
    if not folder:
        pytest.skip("WAVENET_REAL_AUDIO is unset: no real recordings here")
    return Path(folder)
