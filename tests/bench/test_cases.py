"""The benchmark measures the cases it names, in turns, and scores what a run held out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
import yaml

from wavenet import cli
from wavenet.bench import cases, saying
from wavenet.errors import BundleError, RecipeError
from wavenet.generate.engines import Request, build_engine
from wavenet.generate.packed import pack
from wavenet.recipe import find, read


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def said_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is said take little time; tests/bench/test_saying.py starts a process."""
    monkeypatch.setattr(saying, "SENTENCE", "Hi.")
    monkeypatch.setattr(saying, "first_sound", lambda *_: 0.5)


@pytest.fixture
def toy_file(tmp_path: Path) -> Path:
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(toys.tree()))
    return tmp_path / "toy.yaml"


def test_a_run_is_measured_and_scored(trained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "speed.png"
    assert run("bench", trained_run, "--seconds", 0.05, "--plot", picture) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("toy: R 6, G 5, S 24, H 20, Q 16, 6 layers")
    assert "reference float32" in told and "cpu float16" in told and "GB/s read" in told
    assert "held-out bits/sample over" in told
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert run("bench", trained_run, "--seconds", 0.05, "--plot", picture) == 2
    assert "--force" in capsys.readouterr().err
    assert run("bench", trained_run, "--seconds", 0.05, "--plot", tmp_path / "speed.jpg") == 2


def test_json_has_every_case_with_its_shares(trained_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", trained_run, "--json", "--seconds", 0.2) == 0
    cases = json.loads(capsys.readouterr().out)
    for group in ("main", "score"):
        alone = {(case["backend"], case["dtype"]) for case in cases if case["group"] == group and case["batch"] == 1}
        assert alone == {("reference", "float32"), ("cpu", "float32"), ("cpu", "float16")}
    for case in cases:
        assert case["slowest"] <= case["samples_per_second"] <= case["fastest"]
        assert case["real_time"] == pytest.approx(case["samples_per_second"] / toys.RATE)
        assert (case["roofline_share"] is None) == (case["backend"] == "reference")
        assert case["roofline_share"] is None or 0 < case["roofline_share"] < 1.5
    assert all(case["batch"] == case["threads"] for case in cases if case["group"] == "score")
    scored = {case["dtype"]: case["bits_per_sample"] for case in cases if case["bits_per_sample"] is not None}
    assert scored["float16"] == pytest.approx(scored["float32"], abs=0.01)
    assert scored["float32"] == pytest.approx(valid_bits(trained_run), abs=1e-3)


def valid_bits(folder: Path) -> float:
    told: dict[str, Any] = json.loads((folder / "model" / "config.json").read_text())
    return float(told["training"]["valid_bits"])


def test_a_bundle_has_no_sound_of_its_own_and_takes_a_folder(
    trained_run: Path, sound_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained_run / "model", tmp_path / "bundle")
    assert run("bench", tmp_path / "bundle", "--seconds", 0.02) == 0
    assert "not measured" in capsys.readouterr().out
    assert run("bench", tmp_path / "bundle", "--data", sound_folder, "--seconds", 0.02) == 0
    assert "held-out bits/sample over" in capsys.readouterr().out
    assert run("bench", tmp_path / "bundle", "--data", tmp_path / "nowhere", "--seconds", 0.02) == 2


def test_a_recipe_is_measured_untrained(toy_file: Path) -> None:
    made = cases.bench_model(str(toy_file), seconds=0.02)
    assert made.name == "toy" and made.group("size") == () and made.targets == 0
    assert [speed.batch for speed in made.group("batch")] == list(cases.BATCHES)


def test_without_a_source_the_net_of_the_field_and_other_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "SIZES", ((8, 16, 1), (16, 16, 1)))
    made = cases.bench_model(seconds=0.02)
    shape = made.shape
    assert (shape.residual, shape.skip, shape.outputs, len(shape.layers)) == (64, 256, 256, 20)
    assert shape.macs_per_sample() == 864_256 and set(shape.kernels) == {2}
    assert [(one.residual, one.skip, one.batch) for one in made.group("size")] == [
        *((8, 16, batch) for batch in cases.SIZE_BATCHES),
        *((16, 16, batch) for batch in cases.SIZE_BATCHES),
    ]
    told = [(one.told, one.guidance) for one in made.group("told")]
    assert told == [("nothing", 1.0), ("fields", 1.0), ("repeat", 1.0), ("linear", 1.0), ("linear", 1.5)]
    assert "guidance (linear) takes" in made.to_text()
    (said,) = made.group("say")
    assert (said.residual, said.skip, said.layers, said.first_sound) == (64, 128, 11, 0.5)  # as kathleen-say
    assert "text is said in real time on one core: " in made.to_text()


def test_a_recipe_that_is_told_things_is_fed_some_and_measured_with_guidance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"channels": 5, "fields": {"speaker": 3}, "tracks": {"array": 2}, "hop_samples": 7}
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(toys.tree(condition=told)))
    assert run("bench", tmp_path / "toy.yaml", "--json", "--seconds", 0.02) == 0
    made = json.loads(capsys.readouterr().out)
    assert {case["told"] for case in made} == {"its own"} and all(case["samples_per_second"] > 0 for case in made)
    guided = [(case["group"], case["guidance"]) for case in made if case["group"] == "told"]
    assert guided == [("told", 1.0), ("told", 1.5)]
    assert all(case["guidance"] == 1.0 for case in made if case["group"] != "told")


@pytest.mark.usefixtures("spoken")
def test_what_can_say_text_is_measured_as_it_does(
    phones_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saying, "SENTENCE", "Bob.")
    assert run("bench", phones_run, "--json", "--seconds", 0.02) == 0
    (said,) = [case for case in json.loads(capsys.readouterr().out) if case["group"] == "say"]
    assert said["told"] == "phones" and said["real_time"] == pytest.approx(said["samples_per_second"] / toys.RATE)
    assert (said["batch"], said["threads"], said["first_sound"]) == (1, 1, 0.5)
    monkeypatch.setattr(saying, "SENTENCE", "Hello.")  # whose phones the toy does not know
    made = cases.bench_model(str(phones_run), seconds=0.02)
    assert made.group("say") == () and "real time on one core" not in made.to_text()


def test_engines_are_shared_by_the_cases(toy_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, ...]] = []

    def counted(*arguments: object) -> object:
        made.append(arguments)
        return build_engine(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cases, "build_engine", counted)
    cases.bench_model(str(toy_file), seconds=0.02)
    assert len(made) <= 7  # two storages on as many cores as there are, on one and on two; and the reference


def test_weights_beyond_half_precision_are_measured_whole(
    trained_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    network = cases._network

    def large(source: str | None) -> Any:
        recipe, arrays = network(source)
        return recipe, {**arrays, "hidden.weight": arrays["hidden.weight"] + np.float32(1e5)}

    monkeypatch.setattr(cases, "_network", large)
    assert run("bench", trained_run, "--seconds", 0.02) == 0
    told = capsys.readouterr()
    assert "hidden.weight is beyond float16" in told.err and "float16" not in told.out


def test_sound_without_a_model_is_refused(sound_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "digits", "--data", sound_folder) == run("bench", "--data", sound_folder) == 2
    assert "name a run or bundle folder" in capsys.readouterr().err


def test_wrong_sources_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'digits'"):
        cases.bench_model("digts")
    with pytest.raises(BundleError, match="is an empty folder, not a run or bundle"):
        cases.bench_model(str(tmp_path))


def test_a_folder_of_sound_is_not_the_recipe_it_is_named_like(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    recipe, arrays = cases._network("digits")
    assert recipe.name == "digits" and arrays.keys() == cases.untrained(recipe.shape).keys()
    assert cases._held_out_bits("digits", None, {}) == ({}, 0)


def test_a_voice_is_measured_and_the_name_of_a_recipe_means_the_recipe(shipped: Path, sound_folder: Path) -> None:
    made = cases.bench_model("bell", sound_folder, seconds=0.02)
    assert made.name == "toy" and made.targets > 0
    recipe, _ = cases._network("digits")
    assert recipe.name == "digits" and cases._held_out_bits("digits", None, {}) == ({}, 0)


def test_untrained_weights_fit_any_recipe() -> None:
    for name in find.recipe_names():
        if name != "wavenet-2016":  # 300 MB of random numbers
            shape = read.load(find.find_recipe(name)).shape
            assert pack(shape, cases.untrained(shape)).shape == shape
    scalar = toys.recipe(model={"input": "scalar", "bias": False})
    pack(scalar.shape, cases.untrained(scalar.shape))


def test_a_busy_machine_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cases.os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    monkeypatch.setattr(cases.os, "cpu_count", lambda: 2)
    assert "load 3.0 on 2 cores" in str(cases._load())
    monkeypatch.setattr(cases.os, "cpu_count", lambda: 8)
    assert cases._load() is None
    recipe = toys.recipe()
    engine = build_engine("reference", Request(recipe.shape, toys.arrays(recipe), cases.outputs.of(recipe)))
    steady, shaky = (cases.Case("main", engine, 1, toys.RATE, 1) for _ in range(2))
    steady.rounds, shaky.rounds = [100.0, 101.0], [100.0, 160.0, 120.0]
    assert cases._unsteady([steady]) is None
    assert "rounds differ by up to 50%" in str(cases._unsteady([steady, shaky]))
