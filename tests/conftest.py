"""What all tests share: no test writes outside its own folder, and real recordings are found in one way."""

from __future__ import annotations

import gc
import importlib.util
import itertools
import logging
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # toys gain nothing from threads, and spinning ones cost a lot

import german_toys
import moments
import note_toys
import numpy as np
import phone_toys
import told_toys
import toys  # after the line above: it imports what reads that variable
import yaml
from hypothesis import HealthCheck, settings

from wavenet import disk, progress
from wavenet.recipe import find

gc.disable()  # until all tests are collected: what they import stays, and looking through it again and again costs much

# a shell that starts the tests in the background has them, and the programs that they start, ignore Ctrl-C; nohup has
# them ignore a closed terminal
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# machines are noisy: no example fails for being slow; and CI draws the same examples every time
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("house"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "house")


UNMADE = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that need the server first: those behind stay with one worker, so that only this one starts it."""
    items.sort(key=lambda item: "server" not in getattr(item, "fixturenames", ()))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Leave what was imported out of all that is looked through for garbage from here on."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)  # 14 times as many as usual: what tests make, they soon drop


@pytest.fixture(autouse=True)
def own_cache(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep each test's cache and data in its own folder; where it has none, in one that is made when it is used."""
    if "tmp_path" in request.fixturenames:
        place = request.getfixturevalue("tmp_path")
    else:
        place = tmp_path_factory.getbasetemp() / f"of-a-test-without-folder-{next(UNMADE)}"
    monkeypatch.setenv("WAVENET_CACHE", str(place / "cache"))
    monkeypatch.setenv("WAVENET_DATA", str(place / "data"))


@pytest.fixture(autouse=True)
def own_level() -> None:
    """Begin each test with all that is logged: commands set a level, and leave it."""
    progress.log.setLevel(logging.INFO)


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda number: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def blank_pictures() -> Iterator[None]:
    """Let trainings write blank pictures: drawing takes longer than all else of a toy run.

    `trained_run` has real ones, and so have the tests of pictures and of programs in processes of their own.
    """

    def blank(path: Path, wave: np.ndarray, sample_rate: int, title: str) -> None:
        assert wave.ndim == 1 and sample_rate > 0 and title
        disk.write_bytes(path, b"\x89PNG")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wavenet.pictures.spectrogram", blank)
        yield


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the warnings that are given from here on."""
    lines: list[str] = []
    monkeypatch.setattr(progress.log, "warning", lambda text, *rest: lines.append(text % rest))
    return lines


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys.write_sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, sound_folder: Path) -> Path:
    from wavenet.pictures import sounds

    place = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wavenet.pictures.spectrogram", sounds.spectrogram)
        return toys.train(sound_folder, place / "run", place / "cache")


@pytest.fixture(scope="session")
def told_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run whose network is told speaker, label, clock and mel."""
    place = tmp_path_factory.mktemp("told")
    (place / "sounds").mkdir()
    return told_toys.trained(told_toys.write_sounds(place / "sounds"), place / "run", place / "cache")


@pytest.fixture(scope="session")
def notes_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run whose network is told pitch, touch, clock and sines."""
    place = tmp_path_factory.mktemp("notes")
    (place / "sounds").mkdir()
    return note_toys.trained(note_toys.write_sounds(place / "sounds"), place / "run", place / "cache")


@pytest.fixture(scope="session")
def phones_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run whose network is told speaker, clock, phones and mel, with networks of mel and of durations."""
    place = tmp_path_factory.mktemp("phones")
    (place / "sounds").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wavenet.speech.aligned", phone_toys.of_sound)
        patch.setattr("wavenet.features.phones.Phones.lasting", lambda *_: phone_toys.LASTING)
        return phone_toys.trained(told_toys.write_sounds(place / "sounds"), place / "run", place / "cache")


@pytest.fixture
def shipped(trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of voices in place of those that ship: digits, as a recipe is called, and bell."""
    for name in ("digits", "bell"):
        shutil.copytree(trained_run / "model", tmp_path / "voices" / name)
    monkeypatch.setattr(find, "voice_folder", lambda: tmp_path / "voices")
    return tmp_path / "voices"


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is said in toy sounds be known."""
    monkeypatch.setattr("wavenet.speech.aligned", phone_toys.of_sound)


@pytest.fixture(scope="session")
def german() -> None:
    """Skip where a package is missing that German is spoken or read with."""
    missing = [name for name in german_toys.PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} of the extra `speech` is not installed")


@pytest.fixture(scope="session")
def real_audio() -> Path:
    folder = os.environ.get("WAVENET_REAL_AUDIO")
    if not folder:
        pytest.skip("WAVENET_REAL_AUDIO is unset: no real recordings here")
    return Path(folder)


@pytest.fixture(scope="session")
def server() -> Iterator[moments.Server]:
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system: nothing can be killed quickly enough here")
    with moments.Server() as one:
        yield one


@pytest.fixture(scope="session")
def unhurt(tmp_path_factory: pytest.TempPathFactory, sound_folder: Path, server: moments.Server) -> moments.Unhurt:
    """The run that all others have to equal: it met no bad moment."""
    place = tmp_path_factory.mktemp("unhurt")
    every = {"steps": 14, "log_steps": 2, "save_steps": 3, "validate_steps": 5, "sample_steps": 7}
    (place / "toy.yaml").write_text(yaml.safe_dump(toys.tree(train=every)))
    command = ["train", place / "toy.yaml", "--data", sound_folder, "--resume", "--device", "cpu"]
    return moments.Unhurt.run(server, place / "root", command)
