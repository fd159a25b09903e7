"""Wherever a path is given, ``~`` is the home folder: from Python, on the command line, in the environment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import toys
import yaml

import wavenet
from wavenet import cli
from wavenet.audio import cache, folders
from wavenet.bench import cases
from wavenet.datasets import catalogue, fetch
from wavenet.errors import InputError
from wavenet.inspection import measure
from wavenet.recipe import read
from wavenet.training import train


class ReachedError(Exception):
    """Stands for the work behind a door."""


@pytest.fixture
def home(tmp_path: Path, sound_folder: Path, trained_run: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a home folder with sound, a run and a recipe; the working folder is another one, and stays empty."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    shutil.copytree(sound_folder, home / "sounds")
    shutil.copytree(trained_run, home / "run")
    (home / "toy.yaml").write_text(yaml.safe_dump(toys.tree()))
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setattr(measure, "POSITIONS", 2)
    monkeypatch.setattr(measure, "GRADIENTS", 1)
    # matplotlib would look for fonts anew in another home
    monkeypatch.setattr("wavenet.pictures.sheet_picture", lambda path, *_: path.write_text("drawn"))
    yield home
    assert not [*elsewhere.iterdir()]  # no folder that is called ~


def begun(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train as far as the run folder, and look at what was understood."""
    seen = []
    monkeypatch.setattr(train, "_train", lambda *given: seen.append(given))
    wavenet.train("~/toy.yaml", "~/sounds", out="~/new", cache="~/cache", init="~/run", device="cpu", dry_run=True)
    ((recipe, run, options, _),) = seen
    assert Path(recipe.data.path) == (home / "sounds").resolve() and run == home / "new"
    assert options.cache == home / "cache"
    module = train.modules.build(recipe)
    train._take_weights(module, "~/run")


def in_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVENET_CACHE", "~/kept")
    monkeypatch.setenv("WAVENET_DATA", "~/sets")
    assert cache.default_folder() == home / "kept" and catalogue.data_folder() == home / "sets"


def fetched(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []

    def reached(name: str, target: Path, force: bool) -> bool:
        places.append(target)
        return True

    monkeypatch.setattr(fetch, "_is_there", reached)
    wavenet.fetch("yesno", "~/yesno")
    assert cli.main(["data", "fetch", "yesno", "--to=~/yesno"]) == 0
    assert places == [home / "yesno"] * 2


def looked_at(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wavenet.inspect("~/run").receptive_field == wavenet.inspect(Path("~/toy.yaml")).receptive_field == 15
    assert wavenet.scan("~/sounds").folder == wavenet.scan(Path("~/sounds")).folder == home / "sounds"
    for audio in ("~/sounds/sound7.wav", Path("~/sounds")):
        assert measure.measure("~/run", audio).positions > 0
    (home / "inside.yaml").write_text(yaml.safe_dump(toys.tree(data={"path": "~/sounds"})))
    assert len(folders.find(read.load(home / "inside.yaml").data).clips) == 8
    with pytest.raises(ReachedError):
        monkeypatch.setattr(cases, "_network", lambda source: (_ for _ in ()).throw(ReachedError))
        cases.bench_model("~/run", "~/sounds")


@pytest.mark.parametrize(
    "words",
    [
        ["train", "~/toy.yaml", "--data=~/sounds", "--out=~/new", "--cache=~/cache", "--init=~/run", "--dry-run"],
        ["train", "~/toy.yaml", "--set=data.path=~/sounds", "--cache=~/cache", "--dry-run"],
        ["generate", "~/run", "--samples=3", "-o=~/made.wav", "--prime=~/sounds/sound0.wav"],
        ["inspect", "~/run", "--plot=~/sheet.svg", "--measure=~/sounds/sound7.wav"],
        ["data", "scan", "~/sounds"],
        ["recipes", "~/toy.yaml"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_every_option_of_the_command_line_takes_it(
    home: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 0, capsys.readouterr().err
    for word in words:
        name = word.partition("=~/")[2]
        if word.startswith(("-o", "--plot", "--cache")):
            assert (home / name).exists()


@pytest.mark.parametrize("door", [begun, in_the_environment, fetched, looked_at])
def test_every_door_from_python_takes_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, door: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    door(home, monkeypatch)


def test_a_voice_and_its_sampler_take_it(home: Path) -> None:
    voice = wavenet.load("~/run")
    assert voice.generate(samples=3, seed=1, prime=Path("~/sounds/sound0.wav")).save("~/a.wav") == [home / "a.wav"]
    sampler = voice.sampler()
    sampler.save("~/state.safetensors")
    sampler.load("~/state.safetensors")
    assert (home / "state.safetensors").is_file()
    with pytest.raises(InputError, match="is not a path"):
        wavenet.load("~nobody-of-that-name/run")
