"""An evaluation as text and JSON: the numbers of the record, in both, and a warning where they are bad."""

from __future__ import annotations

import dataclasses
import json

import pytest

from wavenet.evaluation.phone_lengths import LengthErrors
from wavenet.evaluation.predicted_tracks import Off, TrackErrors
from wavenet.evaluation.predictions import Predictions
from wavenet.evaluation.report import Evaluation, FileScore, GroupScore
from wavenet.text import to_json

BASELINES = {"uniform": 8.0, "order0": 7.5, "order1": 5.25, "linear": 4.875, "flac": 5.125}
FILES = (
    FileScore("a.wav", "ann", "one", 0.5, 4_000, 4.0),
    FileScore("b.wav", "ann", "two", 0.5, 4_000, 5.0),
    FileScore("c.wav", "ben", "one", 1.0, 8_000, 4.5),
)
MADE = Evaluation(
    "runs/x",
    "digits",
    "test",
    GroupScore("test", 3, 16_000, 4.5, 4.25, 4.75),
    2.0,
    BASELINES,
    FILES,
    (GroupScore("ann", 2, 8_000, 4.5, 4.0, 5.0), GroupScore("ben", 1, 8_000, 4.5, None, None)),
    (),
)


def test_json_has_the_agreed_keys_and_the_numbers() -> None:
    told = json.loads(to_json(MADE.to_json()))
    assert told["bits_per_sample"] == 4.5 and (told["low"], told["high"]) == (4.25, 4.75)
    assert {name: told[name] for name in BASELINES} == BASELINES
    assert [one["bits_per_sample"] for one in told["files"]] == [4.0, 5.0, 4.5]
    assert [(one["name"], one["low"]) for one in told["speakers"]] == [("ann", 4.0), ("ben", None)]
    unknown = dataclasses.replace(MADE, baselines={"uniform": 8.0}).to_json()
    assert unknown["uniform"] == 8.0 and unknown["linear"] is None


def test_text_has_the_model_its_interval_the_baselines_and_the_groups() -> None:
    text = dataclasses.replace(MADE, raw=4.625).to_text()
    assert text.startswith("runs/x on digits, test split: 3 files, 2.0 seconds, 16,000 samples\n")
    cells = [line.split() for line in text.splitlines()]
    assert ["this", "model", "4.500", "4.250", "to", "4.750"] in cells
    assert ["its", "weights", "before", "averaging", "4.625"] in cells
    assert ["linear", "prediction", "4.875"] in cells and ["FLAC", "5.125"] in cells
    assert ["ann", "2", "4.500", "4.000", "to", "5.000"] in cells and ["ben", "1", "4.500"] in cells
    assert ["a.wav", "0.50", "4.000"] in cells and ["b.wav", "0.50", "5.000"] in cells
    assert max(map(len, text.splitlines())) <= 100
    assert "4.500 (4.250 to 4.750) bits/sample" in MADE.summary() and "FLAC 5.125" in MADE.summary()


def test_bits_of_sound_with_pre_emphasis_say_so() -> None:
    said = dataclasses.replace(MADE, preemphasis=0.85)
    line = "All bits are of sound with pre-emphasis 0.85: they do not compare with those of another."
    assert line in said.to_text().splitlines() and said.to_json()["preemphasis"] == 0.85
    assert "pre-emphasis" not in MADE.to_text() and MADE.to_json()["preemphasis"] == 0.0


def test_how_far_predictions_are_off_is_told_where_any_are_made() -> None:
    made = Predictions(LengthErrors(512, 21.31, 30.09), TrackErrors(90, Off(4.0, 5.0)))
    said = dataclasses.replace(MADE, predictions=made)
    assert said.to_text().splitlines()[-3:] == ["", *made.to_text()]
    assert json.loads(to_json(said.to_json()))["predictions"] == made.to_json()
    assert MADE.to_json()["predictions"] == {} and "are off by" not in MADE.to_text()


def test_many_groups_are_cut_and_files_named_by_any_name_stay_on_their_line() -> None:
    many = tuple(GroupScore(f"s{i}\n", 1, 10, 4.0, None, None) for i in range(30))
    lines = dataclasses.replace(MADE, speakers=many).to_text().splitlines()
    assert "and 10 more; --json has all" in lines
    assert sum(line.startswith("s") and "\\n" in line for line in lines) == 20


@pytest.mark.parametrize(
    ("bits", "said"),
    [
        (4.8, None),
        (
            5.0,
            "5.000 bits/sample, and what needs no network does better: linear prediction 4.875; it needs more training",
        ),
        (8.5, "8.500 bits/sample, and all of what needs no network does better: uniform 8.000, order-0 7.500, "),
        (float("nan"), "nan bits/sample, and all of what needs no network does better"),
    ],
)
def test_what_beats_the_model_is_told(bits: float, said: str | None) -> None:
    warning = dataclasses.replace(MADE, total=dataclasses.replace(MADE.total, bits=bits)).warning()
    assert warning is None if said is None else said in str(warning)
