"""The contract of the command line: every verb, its help, its results and its exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import toys
import yaml
from moments import Moment, Server

from wavenet import cli
from wavenet.audio import files
from wavenet.outputs import Categorical
from wavenet.recipe import find, read

VERBS = (
    *(
        "demo",
        "voices",
        "train",
        "generate",
        "say",
        "vocode",
        "evaluate",
        "inspect",
        "data",
        "export",
        "bench",
        "recipes",
    ),
    "doctor",
)


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def shell(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wavenet", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(toys.tree()))
    return path


# --- help and usage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_a_line_in_the_readme(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(verb, "--help")
    assert ended.value.code == 0
    assert "usage: wavenet" in capsys.readouterr().out
    assert f"wavenet {verb}" in (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.parametrize("words", [[], ["data"]])
def test_a_program_without_a_verb_prints_its_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 0
    alone = capsys.readouterr()
    with pytest.raises(SystemExit):
        run(*words, "--help")
    assert alone.out == capsys.readouterr().out and "usage: wavenet" in alone.out and alone.err == ""


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("--version")
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("wavenet 0.")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["generat", "x"], "did you mean 'generate'"),
        (["generate"], "MODEL"),
        (["train", "quickstart", "--max-step", "x"], "--max-step"),
        (["train", "quickstart", "--resme"], "did you mean '--resume'"),
        (["generate", "x", "--seconds", "1", "--samples", "3"], "not allowed with"),
        (["generate", "x", "-n", "0"], "at least 1"),
        (["generate", "x", "--threads", "0"], "at least 1"),
        (["generate", "x", "--best-of", "0"], "at least 1"),
        (["generate", "x", "--storage", "flaot16"], "did you mean 'float16'"),
        (["bench", "--seconds", "0"], "more than 0"),
        (["inspect", "--span", "1s", "--dims", "3"], "choose from"),
        (["inspect", "--span", "1s", "--rate", "abc"], "got 'abc', expected a whole number"),
        (["inspect", "digits", "--size", "0"], "got '0', expected a whole number such as 224, or 480x640"),
        (["inspect", "digits", "--size", "8x8x8"], "got '8x8x8', expected a whole number such as 224"),
        (["inspect", "digits", "--size", "1s"], "got '1s', expected a whole number such as 224"),
        (["inspect", "--span", "1s", "--max-params", "9", "--max-macs", "9"], "not allowed with"),
        (["train", "quickstart", "--device", "gpu"], "cuda"),
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["data", "--bogus"], "unrecognized arguments: --bogus"),
        (["data", "scam", "x"], "did you mean 'scan'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.count("\n") == 1 and word in told


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["train", "quickstrat"], "did you mean 'quickstart'"),
        (["train", "quickstart", "--set", "train.step=3"], "did you mean 'steps'"),
        (["train", "quickstart", "--max-time", "soon"], "30m"),
        (["train", "quickstart", "--data", "nowhere-at-all"], "does not exist"),
        (["train", "digits"], "--data DIR"),
        (["inspect", "nothing.yaml"], "no recipe"),
        (["inspect"], "needs a recipe"),
        (["inspect", "--measure", "runs/x"], "write wavenet inspect MODEL --measure"),
        (["inspect", "sc09", "--measure"], "needs a trained network, got sc09"),
        (["inspect", "digits", "--plot", "sheet.jpg"], "expected .png or .svg or .pdf"),
        (["inspect", "digits", "--plot", "nowhere.png/a.png/b.png", "--rate", "8000"], "--rate goes with --span"),
        (["inspect", "digits", "--max-params", "9"], "--max-params goes with --span"),
        (["inspect", "--span", "250ms"], "--rate 16000"),
        (["inspect", "digits", "--span", "1s", "--max-macs", "9"], "within the budget"),
        (["inspect", "digits", "--span", "1s", "--plot", "a.png"], "give one of them"),
        (["inspect", "digits", "--span", "1s", "--measure"], "give one of them"),
        (["inspect", "digits", "--span", "1s", "--size", "9"], "give one of them"),
        (["inspect", "digits", "--size", "480x640"], "the size is 480 x 640, but digits has one axis"),
        (["inspect", "digits", "--size", "9" * 20], "expected whole numbers from 1 to 1,000,000,000"),
        (["generate", "nothing"], "no run, bundle or voice"),
        (["data", "scan", "nowhere-at-all"], "does not exist"),
        (["data", "scan", ""], "'' is not a path"),
        (["data", "scan", "x" * 9999], "is not a path"),
        (["train", "quickstart", "--data", ""], "'' is not a path"),
        (["train", "quickstart", "--out", ""], "--out: '' is not a path"),
        (["train", "quickstart", "--cache", "x" * 999], "--cache: x"),
        (["inspect", "digits", "--plot", ""], "--plot: '' is not a path"),
        (["inspect", "digits", "--plot", "x" * 300 + ".png"], "--plot: x"),
        (["inspect", ""], "'' is not a path"),
        (["recipes", "nothing"], "no recipe"),
        (
            ["recipes", str(next((Path(__file__).parents[2] / "samples" / "digits").glob("*.flac")))],
            "is a sound file, not a recipe",
        ),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and word in told.err
    assert run(*arguments, "-v") == 2
    assert "Traceback" in capsys.readouterr().err


# --- inspect, recipes, scan, doctor ----------------------------------------------------------------------------------


def test_inspect_prints_text_and_json(recipe_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", recipe_file, "--layers") == 0
    text = capsys.readouterr().out
    assert "15 samples" in text and "effective" in text
    assert run("inspect", recipe_file, "--json") == 0
    assert json.loads(capsys.readouterr().out)["receptive_field"] == 15


def test_inspect_tells_sizes_parameters_and_the_square(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("dims: 2\nlayers: [{kernel: 5, stride: 2, padding: 2, in: 64, out: 128}, {kernel: 3, dilation: 2}]")
    assert run("inspect", path, "--size", "224", "--layers") == 0
    text = capsys.readouterr().out
    for told in ("112 x 112 from layers 1-2", "204,928 in 1 convolution", "of 169 positions", "out channels"):
        assert told in text
    assert max(map(len, text.splitlines())) <= 100
    assert run("inspect", path, "--size", "480X640", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [layer["output_size"] for layer in told["layers"]] == [[240, 320]] * 2
    assert (told["parameters"], told["size"], told["grid"]["side"]) == (204_928, [480, 640], 13)
    path.write_text("padding: valid\nlayers: [{kernel: 3}, {kernel: 3, dilation: 4}]")
    assert run("inspect", path, "--size", "9") == 2
    assert "layer 2: it gets 7 inputs and 0 of padding, but its kernel spans 9" in capsys.readouterr().err


def test_inspect_adds_the_paths_of_each_lag(recipe_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", recipe_file, "--lags") == 0
    assert "64 in all, exact" in capsys.readouterr().out
    assert run("inspect", recipe_file, "--lags", "--json") == 0
    paths = json.loads(capsys.readouterr().out)["paths"]
    assert len(paths["per_lag"]) == 15 and sum(map(int, paths["per_lag"])) == int(paths["total"]) == 64


@pytest.fixture
def unpainted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write what was to be drawn instead of painting it: test_readme.py has such commands paint."""

    def write(path: Path, *drawn: object) -> None:
        path.write_text(f"PNG of {len(drawn)}")

    for name in ("sheet_picture", "surprisal_picture"):
        monkeypatch.setattr(f"wavenet.pictures.{name}", write)


def test_inspect_draws_a_sheet_and_overwrites_none(
    recipe_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], unpainted: None
) -> None:
    sheet = tmp_path / "sheet.svg"
    assert run("inspect", recipe_file, "--plot", sheet) == 0
    first = sheet.read_bytes()
    assert run("inspect", recipe_file, "--plot", sheet) == 2
    assert "--force" in capsys.readouterr().err and sheet.read_bytes() == first
    assert run("inspect", recipe_file, "--plot", sheet, "--force") == 0
    assert run("inspect", recipe_file, "--plot", tmp_path / "sheet.jpg") == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("sheet")) == ["sheet.svg"]


def test_inspect_measures_a_run(
    trained_run: Path,
    sound_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def blank(path: Path, report: object, measured: Any) -> None:
        path.write_text(measured.sound)

    monkeypatch.setattr("wavenet.inspection.measure.POSITIONS", 8)
    monkeypatch.setattr("wavenet.inspection.measure.GRADIENTS", 2)
    monkeypatch.setattr("wavenet.pictures.sheet_picture", blank)
    assert run("inspect", trained_run, "--measure", "--plot", tmp_path / "sheet.png") == 0
    text = capsys.readouterr().out
    assert f"measured on held-out sound of {sound_folder.name}" in text and max(map(len, text.splitlines())) <= 100
    assert (tmp_path / "sheet.png").read_text() == f"held-out sound of {sound_folder.name}"
    assert run("inspect", trained_run / "model", "--measure", sound_folder / "sound1.wav", "--json") == 0
    measured = json.loads(capsys.readouterr().out)["measured"]
    assert measured["sound"] == "sound1.wav" and len(measured["profile"]) == 15
    assert [one["samples"] for one in measured["context"]] == [0, 1, 2, 4, 8, 15]
    assert run("inspect", trained_run / "model", "--measure") == 2
    assert "--measure AUDIO" in capsys.readouterr().err


def test_inspect_measures_a_voice_that_is_called_like_a_recipe(
    shipped: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wavenet.inspection.measure.POSITIONS", 8)
    monkeypatch.setattr("wavenet.inspection.measure.GRADIENTS", 2)
    assert run("inspect", "digits", "--measure", sound_folder / "sound1.wav", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["receptive_field"] == len(told["measured"]["profile"]) == 15
    assert run("inspect", "digits", "--json") == run("inspect", "bell", "--json") == 0
    decoder, text = json.JSONDecoder(), capsys.readouterr().out
    recipe, end = decoder.raw_decode(text)
    assert recipe["receptive_field"] > 1_000 and json.loads(text[end:])["receptive_field"] == 15


def test_inspect_answers_how_to_see_a_span(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", "--span", "250ms", "--rate", 16000, "--kernel", 2, "--max-params", 1_000_000) == 0
    assert (
        "model: {kernel_size: 2, dilations: {pattern: exponential, layers: 12, cycles: 1}}" in capsys.readouterr().out
    )
    assert run("inspect", "digits", "--span", "1s", "--json", "--max-macs", 900_000) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["span"] == 8000 and all(one["macs_per_sample"] <= 900_000 for one in told["proposals"])
    assert run("inspect", "--span", 63, "--dims", 2, "--kernel", 3) == 0
    assert "n^2" in capsys.readouterr().out


def test_inspect_takes_runs_and_bundles(trained_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for source in (trained_run, trained_run / "model", trained_run / "config.yaml"):
        assert run("inspect", source, "--json") == 0
        told.append(capsys.readouterr().out)
    assert len(set(told)) == 1


def test_recipes_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recipes") == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.partition("\n\n")[0].splitlines()]
    assert listed == find.recipe_names() and {"quickstart", "digits", "folder", "wavenet-2016"} <= set(listed)
    assert run("recipes", "digits") == 0
    assert "name: digits" in capsys.readouterr().out


def test_voices_are_listed_beside_recipes_and_printed(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shipped / "bell" / "CARD.md").write_text("# bell\n\n## Data\n\nA bell.\n")
    assert run("voices") == run("recipes") == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line for line in listed if line.startswith("  bell ")] == [listed[1]] * 2
    assert run("voices", "--json") == run("voices", "bell") == 0
    told, end = json.JSONDecoder().raw_decode(text := capsys.readouterr().out)
    assert [one["name"] for one in told] == ["bell", "digits"]
    assert "A bell." in text[end:] and "bell, as its config.json says:" in text[end:]
    assert run("voices", "bel") == 2 and "did you mean 'bell'" in capsys.readouterr().err


def test_export_says_what_it_wrote(trained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("export", trained_run, "-o", tmp_path / "amy", "--name", "amy", "--storage", "float32")
    assert run(*words) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"wrote {tmp_path / 'amy'}, weights in float32:") and "CARD.md is a skeleton" in told
    assert run("generate", tmp_path / "amy", "--samples", 3, "--seed", 1, "-o", tmp_path / "a.wav") == 0
    assert run(*words) == 2 and "--force" in capsys.readouterr().err
    assert run(*words, "--force") == 0 and "CARD.md is kept as it was" in capsys.readouterr().out


def test_scan_keeps_and_drops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    toys.write_sounds(tmp_path / "sounds", 3)
    (tmp_path / "sounds" / "bad.wav").write_text("this is no sound")
    assert run("data", "scan", tmp_path / "sounds") == 0
    text = capsys.readouterr().out
    assert "kept      3 files" in text and "dropped bad.wav:" in text
    assert run("data", "scan", tmp_path / "sounds", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [file["kept"] for file in told["files"]] == [False, True, True, True]
    assert told["files"][0]["readable"] is False and told["files"][0]["reason"]
    for sound in (tmp_path / "sounds").glob("sound*"):
        sound.unlink()
    assert run("data", "scan", tmp_path / "sounds") == 2


def test_scan_by_a_recipe_measures_as_training_and_says_what_it_would_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toys.write_sounds(tmp_path / "sounds", 8)
    quick = ["--recipe", "quickstart", "--set", "audio.sample_rate=2000"]
    assert run("data", "scan", tmp_path / "sounds", "--json", *quick, "--set", "model.dilations=[[1]]") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recipe"] == "quickstart" and {file["measured_at"] for file in told["files"]} == {2_000}
    few = "data.split.by=speaker"
    assert run("data", "scan", tmp_path / "sounds", *quick, "--set", few) == 2
    assert "refused   data.split.by is speaker, but" in capsys.readouterr().out
    assert run("data", "scan", tmp_path / "sounds", "--set", few) == 2
    assert "name one with --recipe NAME" in capsys.readouterr().err


def test_doctor_tells_versions_and_how_torchaudio_is_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 0
    told = capsys.readouterr().out
    assert "torch " in told and ("(native)" in told or "(python-only)" in told) and "sound cache" in told


# --- train -----------------------------------------------------------------------------------------------------------


def test_print_config_is_complete_and_loads_back(
    recipe_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", recipe_file, "--seed", 7, "--set", "train.steps=3", "--print-config") == 0
    (tmp_path / "full.yaml").write_text(capsys.readouterr().out)
    made = read.load(tmp_path / "full.yaml")
    assert (made.train.seed, made.train.steps) == (7, 3)


def test_print_config_names_the_folder_that_would_be_read(
    recipe_file: Path, sound_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", recipe_file, "--data", sound_folder, "--print-config") == 0
    assert yaml.safe_load(capsys.readouterr().out)["data"]["path"] == str(sound_folder)


def test_what_alone_is_to_learn_is_a_key_of_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "digits", "--only", "acoustic", "--seed", 5, "--print-config") == 0
    told = yaml.safe_load(capsys.readouterr().out)["train"]
    assert (told["only"], told["seed"]) == ("acoustic", 5)
    assert run("train", "quickstart", "--only", "acoustic", "--dry-run") == 2
    assert "neither condition.acoustic nor condition.durations" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("train", "digits", "--only", "mel")


def test_what_the_user_says_beside_a_folder_wins(
    recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()  # of sound, named like a recipe
    assert run("train", "digits", "--data", "digits", "--set", "data.source=folder", "--print-config") == 0
    told = yaml.safe_load(capsys.readouterr().out)
    assert told["name"] == "digits" and told["data"]["path"] == str(tmp_path / "digits")
    assert told["data"]["source"] == "folder"
    assert run("train", "quickstart", "--set", "data.path=digits", "--print-config") == 0
    assert yaml.safe_load(capsys.readouterr().out)["data"]["path"] == str(tmp_path / "digits")
    assert run("train", "quickstart", "--set", "data.path=digits", "--data", "digits") == 2
    assert "both name the sound; give one of them" in capsys.readouterr().err
    assert run("inspect", "digits") == run("recipes", "digits") == 0


def test_scan_survives_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    with open(name, "wb") as file:  # noqa: PTH123  (a path of bytes)
        file.write(b"no sound")
    done = shell("data", "scan", tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "dropped caf" in done.stdout


def test_train_and_generate(
    recipe_file: Path,
    sound_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    common = ("train", recipe_file, "--data", sound_folder, "--device", "cpu")
    assert run(*common, "--dry-run") == 0
    first = capsys.readouterr()
    assert first.out == "" and first.err.startswith("toy: cpu") and not Path("runs").exists()
    assert run(*common, "--max-steps", 3, "--cache", tmp_path / "here") == 0
    assert "go on with --resume" in capsys.readouterr().err
    assert (tmp_path / "here").is_dir()
    assert run(*common, "--max-steps", 3) == 2
    assert run(*common, "--resume", "-q") == 0
    assert capsys.readouterr().err.startswith("error: ")  # the refusal; nothing after it
    assert run("generate", "runs/toy", "--samples", 50, "--verify") == 0
    told = capsys.readouterr()
    (made,) = tmp_path.glob("toy-s*.wav")
    assert told.out.startswith(f"{made.name}: 0.01 s at 4000 Hz") and "x real time" in told.out
    assert "verified" in told.err and soundfile.info(made).frames == 50


def test_generate_refuses_to_overwrite(trained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.wav"
    common = ("generate", trained_run, "--samples", 20, "--seed", 1, "-o", out)
    assert run(*common) == 0
    before = out.read_bytes()
    assert run(*common) == 2
    assert "--force" in capsys.readouterr().err and out.read_bytes() == before
    assert run(*common, "--force") == 0 and out.read_bytes() == before
    for wrong in ("out.mp3", "out", "out.wav/inner.wav"):
        assert run("generate", trained_run, "--samples", 20, "-o", tmp_path / wrong) == 2


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--temperature", "nan"), "temperature"),
        (("--temperature", -1), "temperature"),
        (("--top-k", -1), "top-k"),
        (("--top-p", 0), "top-p"),
        (("--top-p", "inf"), "top-p"),
        (("--seed", -1), "seed"),
        (("--seed", 2**63), "seed"),
        (("--seconds", 0), "--seconds"),
        (("--seconds", "nan"), "--seconds"),
    ],
)
def test_generate_refuses_bad_numbers_before_it_looks_for_the_model(
    options: tuple[object, ...], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", "no-such-model", *options) == 2
    said = capsys.readouterr().err
    assert word in said and "no-such-model" not in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("-n", 10**12), "1,000,000,000,000 sequences"),
        (("--seconds", "1e300"), "2^40"),
        (("--samples", 2**39), "samples each need"),
    ],
)
def test_generate_asks_for_no_absurd_memory(
    trained_run: Path, tmp_path: Path, options: tuple[object, ...], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", trained_run, *options, "-o", tmp_path / "a.wav") == 2
    said = capsys.readouterr().err
    assert word in said and "drawing" not in said and not list(tmp_path.glob("*.wav"))


def test_generate_makes_many_in_flac(trained_run: Path, tmp_path: Path) -> None:
    many, one = tmp_path / "many.flac", tmp_path / "one.flac"
    assert run("generate", trained_run, "--samples", 40, "--seed", 1, "-n", 3, "-o", many) == 0
    assert run("generate", trained_run, "--samples", 40, "--seed", 1, "-o", one) == 0
    first = soundfile.read(tmp_path / "many-0.flac")[0]
    assert np.array_equal(first, soundfile.read(one)[0])
    assert (tmp_path / "many-2.flac").exists()


def test_draw_options_reach_the_sampler(trained_run: Path, tmp_path: Path) -> None:
    def codes(name: str, *options: object) -> list[int]:
        path = tmp_path / f"{name}.wav"
        assert run("generate", trained_run, "--samples", 60, "--seed", 1, "-o", path, *options) == 0
        return Categorical(16).encode(soundfile.read(path)[0]).tolist()

    plain = codes("plain")
    assert len(set(codes("k", "--top-k", 1))) <= len(set(codes("p", "--top-p", 0.5))) < len(set(plain))
    assert codes("t", "--temperature", 0) == codes("greedy", "--top-k", 1)
    whole = codes("w", "--backend", "reference")
    assert codes("c", "--backend", "cpu", "--storage", "float32", "--threads", 1) == whole
    assert codes("h", "--backend", "reference", "--storage", "float16") == plain
    primed = tmp_path / "prime.wav"
    soundfile.write(primed, toys.wave(0.2, 1, 8000), 8000)
    cold = ("--temperature", 0.05)  # so that the little this toy has learnt of the past shows
    assert codes("primed", "--prime", primed, *cold) != codes("unprimed", *cold)


def test_a_prime_may_come_through_a_pipe(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prime, common = (
        tmp_path / "prime.wav",
        ("generate", trained_run, "--samples", 60, "--seed", 1, "--temperature", 0.05),
    )
    soundfile.write(prime, toys.wave(0.2, 1, 8000), 8000)
    for name, data in (("-", prime.read_bytes()), (str(prime), b""), ("-", b"")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        out = tmp_path / f"{name == '-'}{len(data)}.wav"
        assert run(*common, "--prime", name, "-o", out) == (2 if name == "-" and not data else 0)
    made = sorted(path.read_bytes() for path in tmp_path.glob("*.wav") if path != prime)
    assert len(made) == 2 and made[0] == made[1]
    assert "got nothing on stdin" in capsys.readouterr().err


def test_a_stream_is_the_file(trained_run: Path, tmp_path: Path) -> None:
    common = ["generate", trained_run, "--backend", "reference", "--samples", 500, "--seed", 4]
    assert run(*common, "-o", tmp_path / "a.wav") == 0
    command = [sys.executable, "-m", "wavenet", *(str(part) for part in common), "-o", "-"]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0 and b"x real time" in done.stderr
    (tmp_path / "b.wav").write_bytes(done.stdout)
    assert np.array_equal(soundfile.read(tmp_path / "a.wav")[0], soundfile.read(tmp_path / "b.wav")[0])
    assert run(*common, "-o", "-", "-n", 2) == run(*common, "-o", "-", "--verify") == 2


@pytest.fixture
def judged_run(trained_run: Path, tmp_path: Path) -> Path:
    """Return a bundle that knows what held-out sound is like."""
    from wavenet.generate.watch import Gathering

    bundle = Path(shutil.copytree(trained_run / "model", tmp_path / "judged"))
    config = json.loads((bundle / "config.json").read_text())
    windows = Gathering(Categorical(16), toys.RATE).ranges().to_json()
    config["training"]["held_out"] = {"clips": {"middle": 3.0}, "windows": windows}
    (bundle / "config.json").write_text(json.dumps(config))
    return bundle


def test_the_best_of_several_is_kept_and_told(
    judged_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("generate", judged_run, "--samples", 300, "--seed", 1)
    assert run(*common, "-n", 6, "-o", tmp_path / "all.wav") == 0
    assert run(*common, "-n", 2, "--best-of", 3, "-o", tmp_path / "kept.wav") == 0
    told = capsys.readouterr()
    assert "drawing 2 x 300 samples, each the best of 3, with seed 1" in told.err
    for index in range(2):
        kept = tmp_path / f"kept-{index}.wav"
        (line,) = (line for line in told.err.splitlines() if line.startswith(f"{kept}: kept sequence "))
        sequence = int(line.split("kept sequence ")[1].partition(":")[0])
        assert (
            sequence // 3 == index and line.endswith("real sound of this voice: about 3.000") and line.count(",") == 3
        )
        assert kept.read_bytes() == (tmp_path / f"all-{sequence}.wav").read_bytes()


def test_the_best_of_several_needs_a_file_and_a_bundle_that_knows_real_sound(
    trained_run: Path, judged_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", judged_run, "--samples", 20, "--best-of", 2, "-o", "-") == 2
    assert "--best-of keeps one of several made; give a file name" in capsys.readouterr().err
    config = json.loads((judged_run / "config.json").read_text())
    del config["training"]["held_out"]
    (judged_run / "config.json").write_text(json.dumps(config))
    assert run("generate", judged_run, "--samples", 20, "--best-of", 2, "-o", tmp_path / "a.wav") == 2
    told = capsys.readouterr().err
    assert "`wavenet train RUN --resume` adds it" in told and not (tmp_path / "a.wav").exists()


def test_a_sound_ends_with_silence_in_a_file_and_in_a_stream(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from wavenet.audio import files
    from wavenet.generate import silence

    monkeypatch.setattr(silence, "SECONDS", 0.01)
    common = ("generate", trained_run, "--seconds", 1, "--seed", 4)
    assert run(*common, "-o", tmp_path / "whole.wav") == 0
    frames = np.sort(np.mean(soundfile.read(tmp_path / "whole.wav")[0].reshape(-1, 40) ** 2, axis=1))
    monkeypatch.setattr(silence, "DBFS", 10 * np.log10(frames[5]))  # the six quietest of a hundred frames are silent
    assert run(*common, "--until-silence", "-o", tmp_path / "a.wav") == 0
    assert run(*common, "-n", 3, "--until-silence", "-o", tmp_path / "many.wav") == 0
    whole, short = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("whole", "a"))
    assert 0 < len(short) < len(whole) and np.array_equal(short, whole[: len(short)])
    assert np.array_equal(soundfile.read(tmp_path / "many-0.wav")[0], short)
    assert len({soundfile.info(tmp_path / f"many-{index}.wav").frames for index in range(3)}) > 1
    stream = tmp_path / "stream.wav"
    with stream.open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert run(*common, "--until-silence", "-o", "-") == 0
    assert stream.read_bytes()[4:8] == b"\xff" * 4
    assert f"stdout: {len(short) / toys.RATE:.2f} s" in capsys.readouterr().err
    assert np.array_equal(soundfile.read(stream)[0], short)
    assert np.array_equal(files.read(stream, toys.RATE), short.astype(np.float32))


def test_a_sampler_that_disagrees_is_exit_1(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from wavenet.generate import verify

    monkeypatch.setattr(verify, "BOUND", 0.0)
    assert run("generate", trained_run, "--samples", 20, "-o", tmp_path / "a.wav", "--verify") == 1
    assert "differ" in capsys.readouterr().err and (tmp_path / "a.wav").exists()


def test_a_damaged_bundle_is_exit_2(trained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_bytes((trained_run / "model" / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    assert run("generate", tmp_path, "--samples", 20) == 2
    assert "SHA-256" in capsys.readouterr().err


def test_generate_and_evaluate_need_no_torch_and_lightning(trained_run: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from wavenet.cli import main; run = sys.argv[1];"
        "assert main(['generate', run, '-q', '--samples', '20', '-o', 'a.wav']) == 0;"
        "assert main(['evaluate', run, '-q', '--limit', '0.05s']) == 0;"
        "print([name for name in ('torch', 'lightning', 'torchaudio', 'matplotlib', 'yaml') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(trained_run)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1:] == ["['yaml']"], done.stderr  # yaml is what recipes are read with


def test_what_nobody_expected_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(source: object, size: object) -> None:
        raise RuntimeError("out of\ntape")

    monkeypatch.setattr("wavenet.inspection.text.inspect", broken)
    assert run("inspect", "quickstart") == 1
    assert capsys.readouterr().err == "error: RuntimeError: out of tape (unexpected; -v shows where)\n"


def test_no_more_memory_is_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(source: object, size: object) -> None:
        raise MemoryError

    monkeypatch.setattr("wavenet.inspection.text.inspect", broken)
    assert run("inspect", "quickstart") == 1
    assert capsys.readouterr().err.startswith("error: out of memory (MemoryError); ask for less")


def test_what_a_file_says_cannot_steer_a_terminal(recipe_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe_file.write_text('"\\e[2Jgone": 1')
    assert run("inspect", recipe_file) == 2
    told = capsys.readouterr().err
    assert r"\x1b[2Jgone" in told and "\x1b" not in told


# --- signals and pipes -----------------------------------------------------------------------------------------------


# processes of their own draw with the reference engine, which is ready sooner than the compiled one


STOPS = [
    (signal.SIGINT, 130),
    (signal.SIGTERM, 143),
    (signal.SIGHUP, 129),
]


def test_training_whose_terminal_is_closed_saves(
    recipe_file: Path,
    sound_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # the other signals, and processes of their own: training/test_kill.py
    from wavenet.training.module import WaveNetModule

    def closes(module: WaveNetModule, *rest: object) -> object:
        os.kill(os.getpid(), signal.SIGHUP)
        return train_step(module, *rest)

    train_step, before = WaveNetModule.training_step, signal.signal(signal.SIGHUP, signal.SIG_DFL)
    monkeypatch.setattr(WaveNetModule, "training_step", closes)
    try:
        assert run("train", recipe_file, "--data", sound_folder, "--device", "cpu", "--out", tmp_path / "run") == 129
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "stopped at step 1 of 12" in (told := capsys.readouterr().err) and "go on with --resume" in told
    for name in ("checkpoints/last.safetensors", "model/config.json"):
        assert (tmp_path / "run" / name).is_file()


@pytest.mark.parametrize(("number", "code"), STOPS)
def test_generation_keeps_what_was_made(
    server: Server, trained_run: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    command = ["generate", trained_run, "--samples", 10**9, "--seed", 1, "-o", root / "out.wav"]
    child, waited = server.begin(root, command, Moment()), time.monotonic() + 60
    while "generating: " not in server.words.read_text() and time.monotonic() < waited:
        time.sleep(0.01)
    os.kill(child, number)
    ending = server.end()
    assert ending.code == code, ending.words
    assert "Traceback" not in ending.words and str(root / "out.wav") in ending.words
    assert 0 < soundfile.info(root / "out.wav").frames < 10**9 and len(list(root.iterdir())) == 1


@pytest.mark.parametrize(("handler", "code"), [(signal.SIG_DFL, 129), (signal.SIG_IGN, 0)])
def test_a_terminal_that_is_closed_ends_any_verb_unless_nohup_started_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], handler: signal.Handlers, code: int
) -> None:
    def closes(arguments: object) -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    monkeypatch.setitem(cli.VERBS, "recipes", closes)
    before = signal.signal(signal.SIGHUP, handler)
    try:
        assert cli.main(["recipes"]) == code and signal.getsignal(signal.SIGHUP) == handler
    finally:
        signal.signal(signal.SIGHUP, before)
    assert capsys.readouterr().err == ("hung up\n" if code else "")


def test_what_is_saved_after_a_hang_up_is_not_cut_short_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []

    def saves(arguments: object) -> int:
        try:
            os.kill(os.getpid(), signal.SIGHUP)
        finally:
            os.kill(os.getpid(), signal.SIGHUP)  # the system's, then the shell's
            saved.append(True)
        return 0

    monkeypatch.setitem(cli.VERBS, "recipes", saves)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert [cli.main(["recipes"]) for _ in range(2)] == [129, 129] and saved == [True, True]
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_reader_that_hangs_up_is_exit_141(trained_run: Path) -> None:
    generate = f"{sys.executable} -m wavenet generate {trained_run} --backend reference --samples 1000000 -q -o -"
    command = f"{generate} | head -c 100 >/dev/null; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout.strip() == "141" and "Traceback" not in done.stderr


def test_streams_that_are_closed_hold_nothing_up(trained_run: Path, tmp_path: Path) -> None:
    def closed(streams: str, *arguments: object) -> tuple[int, str]:
        command = " ".join([sys.executable, "-m", "wavenet", *(str(argument) for argument in arguments), streams])
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    generate = ("generate", trained_run, "--backend", "reference", "--samples", 20, "--seed", 1, "-o")
    assert closed(">&- 2>&-", *generate, tmp_path / "a.wav") == (0, "")
    assert soundfile.info(tmp_path / "a.wav").frames == 20
    assert closed(">&-", "recipes") == (0, "")
    code, told = closed(">&-", *generate, "-")
    assert code == 2 and told.startswith("error: -o - needs an open stdout") and told.count("\n") == 1


@pytest.mark.slow  # training/test_full_disk.py holds it at every write
def test_a_full_disk_is_exit_1_and_leaves_nothing(trained_run: Path, tmp_path: Path) -> None:
    generate = f"{sys.executable} -m wavenet generate {trained_run} --backend reference --samples 1000"
    script = f"ulimit -f 1; trap '' XFSZ; {generate} -o {tmp_path}/out.wav"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert done.returncode == 1, done.stderr
    assert "error: " in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.glob("*.wav")) == [] and list(tmp_path.glob(".*wav")) == []


def test_python_dash_m_is_the_program() -> None:
    done = shell("--version")
    assert done.returncode == 0 and done.stdout.startswith("wavenet ")


# --- evaluate --------------------------------------------------------------------------------------------------------


def test_evaluate_prints_tables_or_json_and_writes_what_it_is_asked_for(
    trained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], unpainted: None
) -> None:
    assert run("evaluate", trained_run, "--split", "valid", "--threads", 1) == 0
    assert " on sounds0, valid split: 1 file" in capsys.readouterr().out
    plot, bits = tmp_path / "surprise.png", tmp_path / "bits.npy"
    words = ["evaluate", trained_run, "--data", tmp_path / "mine.wav", "--plot", plot, "--surprisal", bits, "--json"]
    files.write(tmp_path / "mine.wav", toys.wave(0.5, 1), toys.RATE)
    words += ["--cache", tmp_path / "own", "--limit", "0.3s", "--raw", "--sound", 1, "--seed", 4, "--backend", "torch"]
    assert run(*words) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert f"wrote {plot}\nwrote {bits}\n" in err
    assert told["seconds"] == 0.3 and told["raw_bits_per_sample"] > 0 and told["generated"]["seed"] == 4
    assert plot.read_text().startswith("PNG") and len(np.load(bits)) == round(0.3 * toys.RATE)
    assert (tmp_path / "own").is_dir()
    assert run(*words) == 2 and "surprise.png exists" in capsys.readouterr().err
    assert run(*words, "--force") == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--split", "tset"], "did you mean 'test'"),
        (["--limit", "soon"], "the duration is 'soon', expected a time"),
        (["--plot", "x.txt"], "--plot x.txt: got the suffix '.txt', expected .png"),
        (["--conditions"], "is told nothing but the past of its sound"),
        (["--sound", "0"], "got '0', expected a whole number of at least 1"),
        (["--sound", "1", "--guidance", "11"], "the guidance is 11.0, expected a number from 0 to 10"),
        (["--sound", "1", "--guidance", "2"], "the guidance is 2, but this network is told nothing"),
        (["--guidance", "1"], "the guidance is 1, but it is of clips that are drawn, and none are; ask"),
        (["--data", "nowhere"], "there is no sound file or folder nowhere"),
        (["--surprisal", "bits.csv"], "--surprisal bits.csv: got the suffix '.csv', expected .npy"),
    ],
)
def test_evaluate_refuses_in_one_line(
    trained_run: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.suppress(SystemExit):
        assert run("evaluate", trained_run, *words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert told in lines[-1] and not any("Traceback" in line for line in lines)
