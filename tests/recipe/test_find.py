"""Held: recipes, runs and sound are found by path or by name, and wherever a path is given ``~`` is the home folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import toys
import yaml

import wavenet
from wavenet import cli
from wavenet.audio import cache, folders
from wavenet.bench import cases
from wavenet.datasets import catalogue, fetch
from wavenet.disk import given_path
from wavenet.errors import BundleError, InputError, RecipeError
from wavenet.inspection import measure
from wavenet.model import bundle
from wavenet.recipe import find, read
from wavenet.recipe.find import find_recipe, recipe_folder, recipe_names, run_folder, with_data
from wavenet.training import init, train


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
    assert init.weights(recipe, recipe.shape, {}, str(options.init))


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
    assert wavenet.scan("~/sounds").source.folder == wavenet.scan(Path("~/sounds")).source.folder == home / "sounds"
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


# --- names and paths -------------------------------------------------------------------------------------------------


def toy(**sections: dict[str, Any]) -> str:
    """Return a small recipe with keys of its sections replaced."""
    return str(yaml.safe_dump(toys.tree(**sections)))


TOY = toy()
BUNDLE = {"format": "wavenet-bundle", "version": 1, "recipe": toys.tree()}


def written(folder: Path, text: str, name: str = "some.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("overrides", "source", "licence"),
    [
        ([], "auto", "not stated"),
        (["train.steps=5"], "auto", "not stated"),
        (["data.source=folder"], "folder", "not stated"),
        (["data={source: folder, segment_samples: 200}"], "folder", "not stated"),
        (["data.licence=CC0"], "auto", "CC0"),
        (["data.path=null"], "auto", "MIT"),  # the recipe's sound may be this very folder
    ],
)
def test_what_is_said_beside_another_folder_is_kept(
    tmp_path: Path, overrides: list[str], source: str, licence: str
) -> None:
    path = written(tmp_path, toy(data={"path": "own", "source": "fsdd", "licence": "MIT"}))
    data = with_data(read.load(path, overrides), tmp_path / "other", overrides).data
    assert (data.path, data.source, data.licence) == (str(tmp_path / "other"), source, licence)


@pytest.mark.parametrize("override", ["data.path=mine", "data.fetch=digits", "data={path: mine, segment_samples: 200}"])
def test_two_places_of_the_sound_are_refused(tmp_path: Path, override: str) -> None:
    path = written(tmp_path, TOY)
    with pytest.raises(
        RecipeError, match=r"--data .*other and --set data\.(path=mine|fetch=digits) both name the sound"
    ):
        with_data(read.load(path, [override]), tmp_path / "other", [override])


def test_a_name_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = find_recipe("quickstart")
    assert found.name == "quickstart.yaml"
    assert found.parent == recipe_folder()
    assert "quickstart" in recipe_names()


def test_an_existing_path_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "name: mine\n", "quickstart")
    assert find_recipe("quickstart").resolve() == tmp_path / "quickstart"


def test_a_folder_of_sound_does_not_hide_the_recipe_it_is_named_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = recipe_folder() / "digits.yaml"
    (tmp_path / "digits").mkdir()
    assert find_recipe("digits") == shipped and run_folder("digits") is None
    for name, text in (  # what other programs call so
        ("config.yaml", "learning_rate: 3\n"),
        ("config.yaml", "- a: [1, 2\n"),
        ("config.json", '{"architectures": ["Other"]}'),
        ("train.log", "theirs"),
    ):
        written(tmp_path / "digits", text, name)
        assert find_recipe("digits") == shipped and run_folder("digits") is None
    with pytest.raises(RecipeError, match=r"config\.yaml"):
        read.load(find_recipe("digits/"))  # nobody means a name by this


@pytest.mark.parametrize(
    ("name", "text"), [("config.yaml", TOY), ("config.json", json.dumps(BUNDLE))], ids=["run", "bundle"]
)
def test_a_run_or_a_bundle_hides_the_recipe_it_is_named_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    written(tmp_path / "digits", text, name)
    assert find_recipe("digits") == Path("digits") / name
    (tmp_path / "digits" / "train.log").touch()
    assert run_folder("digits") == (Path("digits") if name == "config.yaml" else None)


def test_a_voice_is_found_by_its_name_from_anywhere(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (shipped / "unfinished").mkdir()
    assert find.voice_names() == ["bell", "digits"]
    for name in find.voice_names():
        assert find.named_voice(name) == bundle.find(name) == shipped / name
        assert find.find_model_recipe(name) == shipped / name / "config.json"
    assert find_recipe("digits") == recipe_folder() / "digits.yaml"  # a recipe's name comes first
    assert find_recipe("bell") == shipped / "bell" / "config.json"
    for other in ("bell/", "./bell", "Bell", "", "unfinished"):
        assert find.named_voice(other) is None
    with pytest.raises(BundleError, match=r"no run, bundle or voice bel \(did you mean 'bell'\?\)"):
        bundle.find("bel")
    with pytest.raises(BundleError, match=r"no run, bundle or voice x/bell; give one"):
        bundle.find("x/bell")


def test_sound_does_not_hide_the_voice_it_is_named_like_and_a_model_does(
    shipped: Path, trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("bell").mkdir()
    for name, text in (("strike.wav", ""), ("config.json", '{"architectures": ["Other"]}'), ("config.yaml", "a: 3\n")):
        written(Path("bell"), text, name)
        assert bundle.find("bell") == shipped / "bell"
    for part in ("model", "."):  # a run, or one that keeps its model alone; a bundle
        shutil.rmtree("bell")
        shutil.copytree(trained_run / "model", Path("bell") / part)
        assert bundle.find("bell") == Path("bell") / part
        assert find.find_model_recipe("bell") == Path("bell") / part / "config.json"
    shutil.rmtree("bell")
    written(Path(), "notes", "bell")
    with pytest.raises(BundleError, match="bell is a file"):
        bundle.find("bell")


def test_a_run_without_a_model_yet_hides_the_voice_it_is_named_like(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "bell").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    written(Path("bell"), TOY, "config.yaml")
    with pytest.raises(BundleError, match="bell is a run without a saved model yet"):
        bundle.find("bell")


def test_a_folder_means_the_recipe_in_it(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is an empty folder, not a recipe"):
        find_recipe(str(tmp_path))
    (tmp_path / "notes").touch()
    with pytest.raises(RecipeError, match=r"without config\.yaml"):
        find_recipe(str(tmp_path))
    (tmp_path / "model").mkdir()
    written(tmp_path / "model", "{}", "config.json")
    assert find_recipe(str(tmp_path)) == tmp_path / "model" / "config.json"
    (tmp_path / "metrics.csv").touch()
    with pytest.raises(RecipeError, match=r"a run folder without its config\.yaml"):
        find_recipe(str(tmp_path))
    (tmp_path / "metrics.csv").unlink()
    written(tmp_path, "{}", "config.json")
    assert find_recipe(str(tmp_path)) == tmp_path / "config.json"
    written(tmp_path, "{}", "config.yaml")
    assert find_recipe(str(tmp_path)) == tmp_path / "config.yaml"


@pytest.mark.parametrize(
    "text", ["", "nothing", "no/such/file.yaml", "nul\0byte", "../recipes/quickstart", "x" * 300, "~no-such-user/x"]
)
def test_what_is_not_there_is_an_input_error(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(RecipeError):
        find_recipe(text)


def test_no_path_at_all_is_not_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, TOY, "config.yaml")
    for use in (find_recipe, run_folder, lambda text: with_data(toys.recipe(), text)):
        with pytest.raises(RecipeError, match="'' is not a path"):
            use("")


@pytest.mark.parametrize("left", ["environment.json", "checkpoints", "metrics.csv", "train.log"])
def test_a_run_folder_is_one_by_anything_that_training_wrote(tmp_path: Path, left: str) -> None:
    written(tmp_path, TOY, "config.yaml")
    assert run_folder(str(tmp_path)) is None  # a recipe of this name, in a folder of its own
    (tmp_path / left).touch()
    assert run_folder(str(tmp_path)) == tmp_path


def test_what_may_not_be_looked_at_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(RecipeError, match="symbolic links"):
        find_recipe(str(tmp_path / "loop"))
    with pytest.raises(RecipeError, match=r"data\.path"):
        read.load(written(tmp_path, toy(data={"path": "loop/in"})))
    assert given_path(str(tmp_path / "nothing")) == tmp_path / "nothing"
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the tests may run as one whom nothing bars
    with pytest.raises(RecipeError, match="Permission denied"):
        find_recipe(str(tmp_path))
