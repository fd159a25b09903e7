"""A model's network takes the place of that of a recipe that tells nothing; a recipe that tells something keeps its."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import phone_toys
import pytest
import told_toys
import torch
import toys
import yaml
from safetensors.torch import load_file

import wavenet
from wavenet import cli
from wavenet.audio import files
from wavenet.errors import InputError
from wavenet.recipe import read
from wavenet.training.fine_tuning import recipe_of
from wavenet.training.metrics import read as rows_of
from wavenet.training.train import train

TRAIN = {"steps": 6, "save_steps": 3, "validate_steps": 6, "sample_steps": 9, "sample_seconds": 0.01}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Return a recipe that tells nothing, with a network, a rate and a level of its own."""
    tree = toys.tree(train=TRAIN, model={"residual_channels": 9}, audio={"sample_rate": 5_000}) | {"cpu_recipe": "x"}
    tree["data"] |= {"level": {"peak": 0.5}, "segment_samples": 123}
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(tree))
    return tmp_path / "plain.yaml"


def own_voice(folder: Path, header: str = "path", rest: str = "", count: int = 4) -> Path:
    """Write sounds of somebody, with a table."""
    rows = [header]
    for one in range(count):
        files.write(folder / f"{one}.wav", toys.wave(0.25 + 0.01 * one, seed=one), toys.RATE, 16)
        rows.append(f"{one}.wav{rest}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


def assert_same_run(first: Path, second: Path) -> None:
    for name in ("checkpoints/last.safetensors", "model/model.safetensors"):
        one, two = ((load_file(run / name)) for run in (first, second))
        assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
    bits = [[row["train_bits"] for row in rows_of(run / "metrics.csv")] for run in (first, second)]
    assert [one for one in bits[0] if one] == [one for one in bits[1] if one]


def told(caplog: pytest.LogCaptureFixture, run: Path) -> list[str]:
    return [line.removeprefix(f"--init {run}: ") for line in caplog.messages if line.startswith("--init")]


def test_the_network_takes_the_place_and_fields_follow_the_sound(
    plain: Path, told_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = own_voice(tmp_path / "my", "path,speaker", ",zoe")
    with caplog.at_level(logging.INFO, "wavenet"):
        made = recipe_of(plain, folder, ["condition.unknown=0.3", "train.batch_size=1"], told_run)
    theirs, own = wavenet.load(told_run).recipe, read.load(plain)
    assert (made.audio, made.output, made.model) == (theirs.audio, theirs.output, theirs.model)
    assert made.condition is not None and theirs.condition is not None
    assert made.condition == replace(theirs.condition, fields=(("speaker", 1), ("label", 0)), unknown=0.3)
    assert made.train == replace(own.train, batch_size=1) and made.name == own.name
    assert made.data == replace(own.data, path=str(folder), level=theirs.data.level)
    assert made.cpu_recipe == "fine-tune"
    assert told(caplog, told_run) == [
        "its network (6 layers of 6 channels, 4,000 Hz, told speaker, label, clock and mel) takes the place of that of "
        "toy; data and train are those of toy",
        "the sound has no label, which is unknown throughout",
        "the sizes of fields are those of the sound: speaker 1",
    ]
    assert recipe_of(made, init=told_run) == made  # a complete recipe is taken as it is


def test_training_goes_on_from_the_model_and_resumes_exactly(
    plain: Path, told_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_voice(tmp_path / "my", "path,speaker,text", ",zoe,Good morning.")
    words = ["train", str(plain), "--init", str(told_run), "--data", str(folder), "--device", "cpu"]
    assert cli.main([*words, "--out", str(tmp_path / "whole")]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("--init")]
    assert [line.removeprefix(f"--init {told_run}: ") for line in said[1:]] == [
        "the sound has no label, which is unknown throughout",
        "the sizes of fields are those of the sound: speaker 1",
        "of speaker it knows no value; zoe new, which begins as unknown",
    ]
    assert cli.main([*words, "--out", str(tmp_path / "parts"), "--max-steps", "3"]) == 0
    assert cli.main([*words, "--out", str(tmp_path / "parts"), "--resume"]) == 0  # with the literal command
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert cli.main([*words, "--out", str(tmp_path / "own"), "--max-steps", "3"]) == 0
    assert cli.main(["train", str(tmp_path / "own"), "--resume", "--device", "cpu"]) == 0  # and from the run alone
    assert_same_run(tmp_path / "whole", tmp_path / "own")

    voice, before = wavenet.load(tmp_path / "whole"), wavenet.load(told_run)
    assert voice.vocabulary().values == {"speaker": ("zoe",), "label": ()}
    assert voice.arrays["condition.fields.label.weight"].shape == (1, 6)
    assert np.abs(voice.arrays["skip.weight"] - before.arrays["skip.weight"]).max() < 0.2
    assert len(voice.generate(samples=50, condition={"speaker": "zoe"}, seed=1).samples[0]) == 50
    with pytest.raises(InputError, match=r"knows no label '7'; it knows none"):
        voice.generate(samples=50, condition={"label": 7})
    assert cli.main(["evaluate", str(tmp_path / "whole"), "--split", "valid", "--conditions", "--sound", "2"]) == 0
    monkeypatch.chdir(tmp_path)
    assert cli.main(["vocode", "whole", "my/0.wav", "-o", "copy.wav"]) == 0


def test_the_complete_recipe_is_printed_and_a_dry_run_writes_nothing(
    plain: Path, told_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, run = own_voice(tmp_path / "my"), tmp_path / "run"
    words = ["train", str(plain), "--init", str(told_run), "--data", str(folder), "--out", str(run), "--device", "cpu"]
    assert cli.main([*words, "--print-config"]) == 0
    (tmp_path / "printed.yaml").write_text(capsys.readouterr().out)
    printed = read.load(tmp_path / "printed.yaml")
    assert printed == recipe_of(plain, folder, [], told_run) and printed.condition is not None
    assert printed.condition.fields == (("speaker", 0), ("label", 0))  # it copies by mel alone
    assert cli.main([*words, "--dry-run"]) == 0
    assert "dry run: would train steps 1 to 6" in capsys.readouterr().err and not run.exists()
    assert cli.main([*words, "--max-steps", "1"]) == 0
    assert read.load(run / "config.yaml") == printed


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("model.kernel_size=3", "its model.kernel_size is 2, but --set makes it 3; leave that out"),
        ("audio.sample_rate=8000", "its audio.sample_rate is 4000, but --set makes it 8000"),
        ("data.level.rms=0.2", "its data.level.rms is 0.1, but --set makes it 0.2"),
        ("condition.channels=7", "its condition.channels is 6, but --set makes it 7"),
        ("condition.fields.mood=3", "its condition.fields.mood is nothing, but --set makes it 3"),
        ("condition=null", "its condition.channels is 6, but --set makes it nothing"),
        ("condition.tracks.f0.low_hz=50", r"condition\.tracks\.f0\.high_hz"),
        ("model.kernels=3", r"model\.kernels.*did you mean"),
        ("train.stepz=1", "stepz"),
    ],
)
def test_what_contradicts_the_network_is_one_sentence(
    plain: Path, told_run: Path, tmp_path: Path, setting: str, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        recipe_of(plain, tmp_path, [setting], told_run)
    assert "\n" not in str(caught.value)


def test_sizes_and_small_networks_may_be_set(plain: Path, told_run: Path, phones_run: Path, tmp_path: Path) -> None:
    folder = own_voice(tmp_path / "my", "path,speaker,who,text", ",zoe,ann,Good.")
    asked = ["condition.fields.speaker=4", "model.kernel_size=2", "condition.columns.speaker=who"]
    made = recipe_of(plain, folder, asked, told_run)
    assert made.condition is not None
    assert (made.condition.fields, made.condition.columns) == ((("speaker", 4), ("label", 0)), (("speaker", "who"),))
    made = recipe_of(plain, folder, ["condition.tracks.phones.kinds=9"], phones_run)
    assert made.condition is not None and made.condition.tracks.phones is not None
    assert (made.condition.tracks.phones.kinds, made.condition.tracks.phones.known) == (9, phone_toys.NAMES)
    small = ["condition.acoustic.channels=5", "train.only=acoustic"]
    made = recipe_of(plain, folder, small, phones_run)
    assert made.condition is not None and made.condition.acoustic is not None
    assert made.condition.acoustic.channels == 5
    with pytest.raises(InputError, match=r"its condition\.acoustic\.channels is 8, but --set makes it 5"):
        recipe_of(plain, folder, small[:1], phones_run)


def test_a_voice_that_speaks_needs_text(plain: Path, phones_run: Path, tmp_path: Path) -> None:
    folder = own_voice(tmp_path / "my")
    with pytest.raises(
        InputError, match=r"nothing tells that of .*my; write a metadata\.csv .* path and text"
    ) as caught:
        recipe_of(plain, folder, [], phones_run)
    assert "\n" not in str(caught.value)
    (folder / "0.txt").write_text("Good morning.")
    assert recipe_of(plain, folder, [], phones_run).condition is not None


def test_phones_that_the_sound_lacks_stay_what_they_were(
    plain: Path, phones_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(clips: Any, decoded: Any) -> list[Any]:
        return [phone_toys.aligned(at, entry.length, kinds=1) for at, entry in enumerate(decoded.entries)]

    monkeypatch.setattr("wavenet.speech.aligned", few)
    folder = own_voice(tmp_path / "my", "path,text", ",Ah.")
    run = train(plain, folder, out=tmp_path / "run", cache=tmp_path / "cache", init=phones_run, device="cpu")
    now, before = wavenet.load(run), wavenet.load(phones_run)
    assert now.vocabulary().phones == ("sil", "AA", "B", "IY") == before.vocabulary().phones
    for network, first in (("condition", 9), ("durations", 0)):
        columns = [one.arrays[f"{network}.entry.weight"][:, first + 4 : first + 8] for one in (now, before)]
        same = (columns[0] == columns[1]).all(axis=0)
        assert same.tolist() == [False, False, True, True]  # pauses and AA are heard, B and IY never


def test_recipes_keep_their_own_network_where_it_fits_or_tells_something(
    trained_run: Path, told_run: Path, plain: Path, caplog: pytest.LogCaptureFixture
) -> None:
    same = toys.recipe(audio={"sample_rate": 5_000}, train=TRAIN)
    assert recipe_of(same, init=trained_run) == same
    says = phone_toys.recipe()
    assert recipe_of(says, init=told_run) == says
    assert recipe_of(plain, overrides=["train.steps=7"]).train.steps == 7
    assert caplog.messages == []
    other = recipe_of(toys.recipe(output={"preemphasis": 0.5}), init=trained_run)  # other codes are another network
    assert other.output.preemphasis == 0 and len(caplog.messages) == 1


def test_another_room_of_speech_begins_with_what_both_have(told_run: Path, tmp_path: Path, spoken: None) -> None:
    folder = told_toys.write_sounds(tmp_path / "sounds", 3)
    made: dict[str, Any] = toys.tree(train=TRAIN | {"learning_rate": 1e-8}) | {"condition": phone_toys.CONDITION}
    run = train(
        read.from_tree(made, "toy"), folder, out=tmp_path / "run", cache=tmp_path / "cache", init=told_run,
        device="cpu", max_steps=1,
    )  # fmt: skip
    now, before = (wavenet.load(one).arrays for one in (run, told_run))
    assert np.allclose(now["blocks.2.dilated.product.weight"], before["blocks.2.dilated.product.weight"], atol=1e-6)
    assert np.allclose(now["condition.entry.weight"][:, :9], before["condition.entry.weight"][:, :9], atol=1e-6)
