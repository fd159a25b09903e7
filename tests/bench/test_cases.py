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
from wavenet.bench import cases
from wavenet.errors import BundleError, RecipeError
from wavenet.generate.engines import STORAGES, Request, build_engine
from wavenet.generate.packed import pack
from wavenet.recipe import find, read


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


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


def test_untrained_weights_fit_any_recipe() -> None:
    for name in find.recipe_names():
        if name != "wavenet-2016":  # 300 MB of random numbers
            shape = read.load(find.find_recipe(name)).shape
            assert pack(shape, cases.untrained(shape)).shape == shape
    scalar = toys.recipe(model={"input": "scalar", "bias": False})
    pack(scalar.shape, cases.untrained(scalar.shape))


def case(backend: str, storage: str, batch: int, threads: int) -> cases.Case:
    recipe = toys.recipe()
    engine = build_engine(
        backend, Request(recipe.shape, toys.arrays(recipe), cases.outputs.of(recipe), storage, threads)
    )
    return cases.Case("main", engine, batch, toys.RATE, threads)


@pytest.mark.parametrize("storage", STORAGES)
def test_work_and_shares_are_counted(storage: str) -> None:
    made = case("cpu", storage, 40, 2)
    made.rounds = [900.0, 1000.0, 1300.0]
    speed = made.speed(1e6, 1e6, 4.5)
    macs, width = made.shape.macs_per_sample(), 2 if storage == "float16" else 4
    assert (speed.samples_per_second, speed.slowest, speed.fastest) == (1000.0, 900.0, 1300.0)
    assert speed.gflops * 1e9 == pytest.approx(1000 * 2 * macs) and speed.us_per_step == pytest.approx(40_000)
    assert speed.gbytes * 1e9 == pytest.approx(1000 / 40 * 4 * macs * width)  # 40 on two threads are four tens
    assert speed.roofline_share == pytest.approx(speed.gflops * 1e3)
    assert speed.bandwidth_share == pytest.approx(speed.gbytes * 1e3)
    assert speed.bits_per_sample == 4.5
    reference = case("reference", storage, 3, 1)
    reference.rounds = [10.0]
    assert reference.speed(1e6, 1e6, 4.5).roofline_share is None


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_known_sound_is_scored_in_every_thread(backend: str) -> None:
    drawn = case(backend, "float32", 2, 2)
    made = cases.Scoring("score", drawn.engine, 2, toys.RATE, 2)
    begun = [int(state.clocks[0]) for state in made.states]
    made._work(100)
    made.round(0.01)
    assert [int(state.clocks[0]) - before > 100 for state, before in zip(made.states, begun, strict=True)] == [True] * 2
    made.rounds = [900.0, 1000.0, 1300.0]
    speed, other = made.speed(1e6, 1e6, 4.5), drawn.engine.packed.shape.macs_per_sample() * 2 * 1000 / 1e6
    assert speed.roofline_share == (None if backend == "reference" else pytest.approx(other))
    assert (speed.gbytes, speed.bandwidth_share, speed.bits_per_sample) == (None, None, None)
    weights, queues = 4 * made.shape.macs_per_sample(), sum(v.nbytes for v in made.states[0].export().values())
    assert speed.memory_bytes == weights + 2 * queues


def test_a_busy_machine_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cases.os, "getloadavg", lambda: (3.0, 0.0, 0.0))
    monkeypatch.setattr(cases.os, "cpu_count", lambda: 2)
    assert "load 3.0 on 2 cores" in str(cases._load())
    monkeypatch.setattr(cases.os, "cpu_count", lambda: 8)
    assert cases._load() is None
    steady, shaky = case("reference", "float32", 1, 1), case("reference", "float32", 1, 1)
    steady.rounds, shaky.rounds = [100.0, 101.0], [100.0, 160.0, 120.0]
    assert cases._unsteady([steady]) is None
    assert "rounds differ by up to 50%" in str(cases._unsteady([steady, shaky]))
