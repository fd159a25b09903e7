"""All that conditions gain, in one report: of a trained toy, from Python, and what is refused in one sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import told_toys
import toys

import wavenet
from wavenet import pictures
from wavenet.audio import files
from wavenet.cli import main
from wavenet.errors import STOPS, InputError
from wavenet.evaluation import conditions
from wavenet.evaluation.conditional_samples import Listener
from wavenet.evaluation.recogniser import Recogniser
from wavenet.evaluation.report import Evaluation
from wavenet.model import bundle
from wavenet.recipe import read
from wavenet.text import plain, to_json


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("conditions")
    (place / "sounds").mkdir()
    return told_toys.trained(told_toys.write_sounds(place / "sounds"), place / "run", place / "cache", steps=60)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let no recogniser be trained, which takes minutes; return what one would have been trained on."""
    given: list[Any] = []
    monkeypatch.setattr(conditions, "listener_of", lambda *all: given.append(all))
    return given


def evaluated(run: Path, **how: Any) -> Evaluation:
    made = wavenet.evaluate(run, sound=3, conditions=True, **how)
    assert made.conditions is not None
    return made


def test_the_report_has_all_parts_and_is_the_same_for_a_seed(run: Path, deaf: list[Any]) -> None:
    made, again = evaluated(run), evaluated(run, threads=1)
    report = made.conditions
    assert report is not None and again.conditions is not None
    assert plain(report) == plain(again.conditions)
    assert report.asked is not None and report.asked.clips == 3 and report.asked.asked == ("speaker", "label")
    assert report.copies is not None and len(report.copies.distances.own) == 6 and len(made.rows) == 3
    assert report.gains.clips == 6 and report.gains.targets == made.total.targets
    told = json.loads(to_json(made.to_json()))["conditions"]
    assert told["gains"]["clips"] == 6 and told["asked"]["clips"] == 3 and told["copies"]["copies"] == 6
    text = made.to_text()
    assert text.index("To be told is to be given something beside the past of a sound") < text.index("told right,")
    for line in ("told right, against", "seed 0 and guidance 1, asked for speaker and label", "distance of copies"):
        assert line in text
    assert deaf[0][2] is not None and deaf[0][3] == "test"  # the training sound, and what is kept from it
    assert evaluated(run, seed=1).conditions != report


def test_a_label_that_decides_the_sound_gains_bits(run: Path, deaf: list[Any]) -> None:
    rows = {(one.told, one.tracks, one.against): one for one in evaluated(run).conditions.gains.rows}  # type: ignore
    assert rows["all", "measured", "told nothing"].bits > 0 and rows["tracks", "measured", "another sound's"].bits > 0
    assert rows["label", "predicted", "other values"].bits > 0.02


def test_notes_are_judged_by_their_pitch_in_combinations_that_training_did_not_have(
    notes_run: Path, deaf: list[Any]
) -> None:
    made = evaluated(notes_run)
    report = made.conditions
    assert report is not None and report.asked is not None and report.copies is None
    rows = {(one.told, one.tracks, one.against): one for one in report.gains.rows}
    for against in ("1 frame late", "2 frames late", "5 frames late", "another sound's"):
        assert rows["tracks", "measured", against].clips == report.gains.clips == 5
    assert rows["pitch", "unknown", "other values"].clips == 5
    pitch = report.asked.pitch
    assert pitch is not None and (pitch.generated.clips, pitch.new) == (3, 3)
    assert pitch.real is not None and (pitch.real.right, pitch.real.clips) == (5, 5)
    told = json.loads(to_json(made.to_json()))["conditions"]["asked"]["pitch"]
    assert told["generated"]["clips"] == 3 and told["real"]["right"] == 5 and told["new"] == 3
    assert "held-out ones in 5 of 5. For 3 that was a combination that no training sound had." in made.to_text()


@pytest.mark.usefixtures("spoken")
def test_what_is_predicted_of_phones_is_compared_with_that_of_late_ones_and_of_others(
    phones_run: Path, deaf: list[Any]
) -> None:
    report = evaluated(phones_run).conditions
    assert report is not None and report.copies is not None
    rows = {(one.told, one.tracks, one.against): one for one in report.gains.rows}
    for way in ("measured", "predicted"):
        for against in ("1 frame late", "2 frames late", "5 frames late", "another sound's"):
            assert rows["tracks", way, against].clips == report.gains.clips == 6
        assert rows["speaker", way, "other values"].clips == 6
    assert rows["tracks", "measured", "those predicted"].clips == 6
    assert rows["tracks", "predicted", "another sound's"].bits != rows["tracks", "measured", "another sound's"].bits


def test_the_command_line_prints_it_and_draws_the_copies(
    run: Path, tmp_path: Path, deaf: list[Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(pictures, "surprisal_picture", lambda *all: drawn.append(all))
    words = ["evaluate", str(run), "--conditions", "--sound", "2", "--plot", str(tmp_path / "a.png")]
    assert main([*words, "--seed", "5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["conditions"]
    assert told["asked"]["clips"] == 2 and told["asked"]["seed"] == told["copies"]["seed"] == 5
    assert drawn[0][-1][0][1][0] == f"its copy, {min(told['copies']['mel']['each']):.1f} dB of mel away"
    assert main([*words[:5], "--limit", "0.05s"]) == 0 and "told right, against" in capsys.readouterr().out


def test_guidance_is_that_of_the_recipe_unless_another_is_asked_for(
    run: Path, tmp_path: Path, deaf: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    voice = wavenet.load(run)
    own = replace(voice.recipe, condition=replace(voice.recipe.condition, guidance=2.0))
    bundle.save(tmp_path / "guided", replace(voice, recipe=own))
    known = {"sound": 2, "data": run.parent / "sounds", "split": "test"}
    made = wavenet.evaluate(tmp_path / "guided", conditions=True, **known)
    given = wavenet.evaluate(run, conditions=True, guidance=2, **known)
    assert made.conditions is not None and made.conditions.copies is not None
    parts = [made.generated, made.conditions.asked, made.conditions.copies]
    assert [getattr(part, "guidance", None) for part in parts] == [2.0, 2.0, 2.0]
    assert plain(made.conditions) == plain(given.conditions) and plain(made.generated) == plain(given.generated)
    usual = wavenet.evaluate(run, conditions=True, **known).conditions
    assert usual is not None and usual.copies is not None
    assert usual.copies.distances != made.conditions.copies.distances and usual.gains == made.conditions.gains
    assert main(["evaluate", str(run), "--conditions", "--sound", "1", "--guidance", "0.5"]) == 0
    assert capsys.readouterr().out.count("guidance 0.5") == 3


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_while_a_recogniser_is_trained_leaves_out_what_it_would_hear(
    signal: str, code: int, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*all: Any) -> None:
        raise STOPS[signal]

    monkeypatch.setattr(conditions, "listener_of", stop)
    assert main(["evaluate", str(run), "--conditions", "--sound", "2", "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["stopped_by"] == signal and told["generated"]["clips"] == told["conditions"]["asked"]["clips"] == 2
    assert told["conditions"]["asked"]["heard"] is None is told["conditions"]["copies"]["heard"]
    assert told["conditions"]["copies"]["copies"] == 6 and told["conditions"]["gains"]["clips"] == 6
    monkeypatch.setattr(conditions, "make_copies", stop)
    assert main(["evaluate", str(run), "--conditions", "--sound", "2"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "Interrupted: what was still to come is left out."
    assert any("asked for speaker and label" in line for line in lines)
    monkeypatch.setattr(conditions, "gains_of", stop)
    made = wavenet.evaluate(run, conditions=True)
    assert made.stopped_by == signal and made.conditions is None and made.total.bits > 0


def test_what_a_recogniser_hears_is_in_the_report(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Parrot(Recogniser):
        def names(self, waves: Any) -> Any:
            return np.zeros((len(waves), len(self.values)), np.int64)

    listener = Listener(Parrot({"speaker": told_toys.SPEAKERS, "label": told_toys.LABELS}, toys.RATE, {}), [0, 1])
    monkeypatch.setattr(conditions, "listener_of", lambda *all: listener)
    made = evaluated(run)
    assert made.stopped_by is None and made.conditions is not None and made.to_text().count("heard right") == 2
    for part, clips in ((made.conditions.asked, 3), (made.conditions.copies, 6)):
        assert part is not None and part.heard is not None
        assert [one.generated.clips for one in part.heard.rows] == [clips] * 3


def test_without_the_option_nothing_of_it_is_done(run: Path) -> None:
    made = wavenet.evaluate(run)
    assert made.conditions is None and made.rows == () and json.loads(to_json(made.to_json()))["conditions"] is None


def test_a_voice_that_is_told_nothing_is_refused(trained_run: Path) -> None:
    with pytest.raises(InputError, match=r"^toy is told nothing but the past .* leave conditions out$"):
        wavenet.evaluate(trained_run, split="valid", conditions=True)


def test_a_seed_below_zero_is_refused(run: Path, deaf: list[Any]) -> None:
    with pytest.raises(InputError, match="the seed is -1"):
        evaluated(run, seed=-1)


def test_sound_of_which_no_field_is_known_is_refused_or_said(
    run: Path, tmp_path: Path, deaf: list[Any], said: list[str]
) -> None:
    files.write(tmp_path / "mine" / "a.wav", toys.wave(0.1, 1), toys.RATE)
    found = evaluated(run, data=tmp_path / "mine").conditions
    assert found is not None and {row.told for row in found.gains.rows} == {"all", "tracks"}
    assert any("mine says nothing that the model knows of the speaker and label" in line for line in said)

    fields = {"channels": 4, "fields": {"label": 3}}
    shutil.copytree(run, tmp_path / "run")
    recipe = read.from_tree(toys.tree() | {"condition": fields}, "told")
    voice = wavenet.load(run)
    known = {"fields": {"label": ["high", "low", "middle"]}, "durations": [[0, 300]]}
    conditions_only = conditions.Voice(recipe, toys.arrays(recipe), {**voice.data, "told": known})
    bundle.save(tmp_path / "alone", conditions_only)
    with pytest.raises(InputError, match=r"^mine says nothing .* of the label of its sounds; give sound with"):
        wavenet.evaluate(tmp_path / "alone", tmp_path / "mine", conditions=True)
