"""A scan by a recipe that is told things refuses what training would refuse, with its words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import feature_toys
import numpy as np
import pytest
import told_toys
import toys

import wavenet
from wavenet import cli
from wavenet.audio import files
from wavenet.errors import SoundError
from wavenet.features import corpus_condition
from wavenet.recipe import read
from wavenet.recipe.records import Recipe
from wavenet.speech import script

HOP = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = told_toys.write_sounds(tmp_path / "sounds", 2)
    for path in made.glob("*.wav"):
        np.save(path.with_suffix(".npy"), np.ones((-(-len(files.read(path, toys.RATE)) // HOP), 2), np.float32))
    return made


def changed(folder: Path, recipe: Recipe, what: str) -> Recipe:
    """Spoil sound or recipe, so that training would not begin."""
    table, array = folder / "metadata.csv", folder / "low-ann-0.npy"
    if what == "no column":
        table.write_text(table.read_text().replace(",label,", ",text,"))
    elif what == "short array":
        np.save(array, np.load(array)[:-1])
    elif what == "no array":
        array.unlink()
    elif what == "more values":
        return feature_toys.recipe(folder, fields={"speaker": 1, "label": 3}, array=2)
    return recipe


@pytest.mark.parametrize("what", ["no column", "short array", "no array", "more values"])
def test_what_training_would_refuse_is_refused_with_its_words(
    folder: Path, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = feature_toys.recipe(folder, fields={"speaker": 2, "label": 3}, array=2)
    assert wavenet.scan(folder, recipe).usable
    made = changed(folder, recipe, what)
    survey = wavenet.scan(folder, made)
    with pytest.raises(SoundError) as caught:
        found = feature_toys.gathered(made, tmp_path / "cache")
        corpus_condition.of_corpus(made, found, tmp_path / "cache", trained={0, 1, 2, 3})
    assert survey.refusal == str(caught.value) and not survey.usable
    (tmp_path / "toy.yaml").write_text(read.dump(made))
    assert cli.main(["data", "scan", str(folder), "--recipe", str(tmp_path / "toy.yaml")]) == 2
    assert f"refused   {caught.value}" in capsys.readouterr().out


def test_notes_that_are_none_are_refused(folder: Path, tmp_path: Path) -> None:
    sine = {"sine": {"harmonics": 1, "field": "label"}}
    recipe = feature_toys.recipe(folder, hop=1, fields={"label": 3}, **sine)
    survey = wavenet.scan(folder, recipe)
    said = r"high-ann-0\.wav has label 'high', expected a MIDI note"
    assert survey.refusal is not None and re.match(said, survey.refusal)
    with pytest.raises(SoundError, match=said):
        found = feature_toys.gathered(recipe, tmp_path / "cache")
        corpus_condition.of_corpus(recipe, found, tmp_path / "cache", trained={0, 1})


def test_a_recipe_that_is_told_nothing_and_none_ask_for_nothing_more(folder: Path, said: list[str]) -> None:
    plain: list[Any] = [None, toys.recipe(data={"path": str(folder)})]
    assert all(wavenet.scan(folder, one).usable for one in plain)
    table = folder / "metadata.csv"
    table.write_text(table.read_text().replace("low-bob-1.wav,bob", "low-bob-1.wav,"))
    assert wavenet.scan(folder, feature_toys.recipe(folder, fields={"speaker": 2})).usable
    assert "1 of 12 sounds has no speaker: it is unknown there" in said


def test_arrays_of_a_slightly_smaller_hop_are_warned_of_in_scans_and_training(tmp_path: Path, said: list[str]) -> None:
    for number in range(24):
        length = 300 + 61 * number
        files.write(tmp_path / "sounds" / f"{number}.wav", toys.wave(length / toys.RATE, number), toys.RATE)
        np.save(tmp_path / "sounds" / f"{number}.npy", np.ones((-(-length // 29), 2), np.float32))
    recipe = feature_toys.recipe(tmp_path / "sounds", array=2)
    wavenet.scan(tmp_path / "sounds", recipe)
    corpus_condition.of_corpus(recipe, feature_toys.gathered(recipe, tmp_path / "cache"), tmp_path / "cache")
    assert sum("a hop of about 29" in line or "a hop of about 28." in line for line in said) == 2


# --- phones ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def texts(folder: Path) -> Path:
    """Return sounds of which seven have a text, one has labels, one a text that cannot be said, and three have none."""
    said = [*["Bob is one. Bee!"] * 7, "\u0411\u043e\u0431", *[""] * 4]
    rows = [f"{path.name},{text}" for path, text in zip(sorted(folder.glob("*.wav")), said, strict=True)]
    (folder / "metadata.csv").write_text("path,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    sorted(folder.glob("*.wav"))[8].with_suffix(".lab").write_text("0 200000 sil\n200000 400000 B\n")
    return folder


def test_a_scan_says_of_how_many_sounds_phones_can_be_found(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = feature_toys.recipe(texts, phones={"kinds": 40, "neighbours": 1})
    survey = wavenet.scan(texts, recipe)
    assert survey.usable and survey.scripts is not None
    assert (survey.scripts.labelled, survey.scripts.written, survey.scripts.sentences) == (1, 7, 14)
    (none, names), (strange, one) = survey.scripts.lacking
    assert none.startswith("it has no text") and len(names) == 3
    assert "has characters that English has no sound for" in strange and len(one) == 1
    (tmp_path / "toy.yaml").write_text(read.dump(recipe))
    assert cli.main(["data", "scan", str(texts), "--recipe", str(tmp_path / "toy.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "phones    1 file by labels, 7 files by text (14 sentences), to be aligned, 4 files by neither" in lines
    assert any(line.startswith("  no phones of ") and line.endswith(none) for line in lines)
    assert cli.main(["data", "scan", str(texts), "--recipe", str(tmp_path / "toy.yaml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["phones"]
    assert (told["labels"], told["texts"], told["sentences"]) == (1, 7, 14)
    assert [len(left["paths"]) for left in told["left_out"]] == [3, 1]
    assert wavenet.scan(texts, toys.recipe(data={"path": str(texts)})).to_json()["phones"] is None


def test_a_recipe_that_is_told_phones_of_which_none_can_be_found_is_refused(
    texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = feature_toys.recipe(texts, phones={"kinds": 40, "neighbours": 1})
    with monkeypatch.context() as patch:
        patch.setattr(script.importlib.util, "find_spec", lambda name: None)
        survey = wavenet.scan(texts, recipe)
        assert survey.scripts is not None and (survey.scripts.labelled, survey.scripts.written) == (1, 0)
        assert "pip install 'wavenet-audio[speech]'" in survey.scripts.lacking[0][0]
    for path in (texts / "metadata.csv", *texts.glob("*.lab")):
        path.unlink()
    survey = wavenet.scan(texts, recipe)
    assert survey.refusal is not None and not survey.usable
    assert survey.refusal.startswith("of no train sound it is known which phones are said (it has no text: neither")
