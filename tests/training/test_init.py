"""Rows of fields go by name from one training to the next; tracks that mean something else are refused."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import note_toys
import numpy as np
import phone_toys
import pytest
import told_toys
import toys

import wavenet
from wavenet.errors import BundleError, InputError
from wavenet.recipe import read
from wavenet.recipe.records import Recipe
from wavenet.training import init
from wavenet.training.train import train

TABLES = [f"{part}.fields.{name}.weight" for part in ("condition", "acoustic") for name in ("speaker", "label")]


def recipe_of(rate: int = toys.RATE, **condition: Any) -> Recipe:
    made = toys.tree(audio={"sample_rate": rate})
    made["condition"] = told_toys.CONDITION | condition
    return read.from_tree(made, "told")


def taken(run: Path, made: Recipe, **values: list[str]) -> dict[str, np.ndarray]:
    return init.weights(made, made.shape, values, str(run))


def test_rows_go_by_name_and_new_values_begin_as_unknown(told_run: Path, caplog: pytest.LogCaptureFixture) -> None:
    theirs = wavenet.load(told_run).arrays
    made = recipe_of(fields={"speaker": 4, "label": 2})
    with caplog.at_level(logging.INFO, "wavenet"):
        ours = taken(told_run, made, speaker=["amy", "bob", "zoe"], label=["high", "low"])
    assert {name: one.shape for name, one in ours.items()} == made.shape.weights()
    for part in ("condition", "acoustic"):
        speaker, label = (
            theirs[f"{part}.fields.{name}.weight"] for name in ("speaker", "label")
        )  # ann, bob; high, ...
        assert np.array_equal(ours[f"{part}.fields.speaker.weight"], speaker[[2, 1, 2, 2, 2]])
        assert np.array_equal(ours[f"{part}.fields.label.weight"], label[[0, 1, 3]])
        assert len(np.unique(speaker, axis=0)) == 3 and len(np.unique(label, axis=0)) == 4
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs if name not in TABLES)
    assert caplog.messages == [
        f"--init {told_run}: of speaker it knows bob; amy, zoe new, which begin as unknown",
        f"--init {told_run}: of label it knows high, low",
    ]


def test_the_same_values_are_the_same_weights(told_run: Path) -> None:
    theirs = wavenet.load(told_run).arrays
    ours = taken(told_run, recipe_of(), speaker=["ann", "bob"], label=["high", "low", "middle"])
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_training_begins_from_a_voice_by_its_name(shipped: Path) -> None:
    theirs, made = wavenet.load(shipped / "digits").arrays, toys.recipe()
    ours = init.weights(made, made.shape, {}, "digits")
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)


def test_codes_of_another_sound_are_refused(trained_run: Path) -> None:
    made = toys.recipe(output={"preemphasis": 0.85})
    with pytest.raises(InputError, match=r"its output.preemphasis is 0, but here it is 0.85.*; --set output") as caught:
        taken(trained_run, made)
    assert "\n" not in str(caught.value)
    assert taken(trained_run, toys.recipe()).keys() == made.shape.weights().keys()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"hop_samples": 41},
            "its condition.hop_samples is 40, but here it is 41, so that frames would mean something",
        ),
        ({"low_hz": 10.0}, "its condition.tracks.mel.low_hz is 0.0, but here it is 10.0"),
        ({"floor": 1e-4}, r"mel.floor is 0.001, but here it is 0.0001, .*; --set condition.tracks.mel.floor=0.001, or"),
        ({"rate": 4_400}, "its audio.sample_rate is 4000, but here it is 4400"),
    ],
)
def test_tracks_that_mean_something_else_are_refused(told_run: Path, changes: dict[str, Any], words: str) -> None:
    tracks = told_toys.CONDITION["tracks"]
    mel = {name: changes.pop(name) for name in ("low_hz", "floor") if name in changes}
    made = recipe_of(**changes, tracks=tracks | {"mel": tracks["mel"] | mel})
    with pytest.raises(InputError, match=words) as caught:
        taken(told_run, made, speaker=["ann"], label=["low"])
    assert "\n" not in str(caught.value)


def test_sines_of_another_field_are_refused(notes_run: Path) -> None:
    theirs = note_toys.recipe()
    values = {"pitch": ["57"], "touch": ["soft"]}
    assert init.weights(theirs, theirs.shape, values, str(notes_run)).keys() == theirs.shape.weights().keys()
    other = note_toys.recipe(tracks=note_toys.CLOCK | {"sine": {"harmonics": 2, "field": "touch"}})
    with pytest.raises(InputError, match=r"its condition\.tracks\.sine\.field is pitch, but here it is touch, so that"):
        init.weights(other, other.shape, values, str(notes_run))
    wide = note_toys.recipe(tracks=note_toys.CLOCK | {"sine": {"harmonics": 3, "field": "pitch"}})
    with pytest.raises(BundleError, match=r"the weight condition\.entry\.weight is \[6, 15\], expected \[6, 17\]"):
        init.weights(wide, wide.shape, values, str(notes_run))


def test_another_dimension_is_refused_and_a_network_that_is_told_nothing_is_taken(
    told_run: Path, trained_run: Path
) -> None:
    with pytest.raises(
        BundleError, match=r"the weight condition\.fields\.speaker\.weight is \[3, 6\], expected \[3, 8\]"
    ):
        taken(told_run, recipe_of(channels=8), speaker=["ann"], label=["low"])
    with pytest.raises(
        BundleError, match=r"the weight condition\.fields\.speaker\.weight is missing, expected \[3, 6\]"
    ):
        taken(trained_run, recipe_of())
    plain = wavenet.load(trained_run)
    assert init.weights(plain.recipe, plain.recipe.shape, {}, str(trained_run)).keys() == plain.arrays.keys()


def test_training_begins_with_rows_by_name(told_run: Path, tmp_path: Path) -> None:
    folder = told_toys.write_sounds(tmp_path / "sounds", 3)
    table = folder / "metadata.csv"
    table.write_text(table.read_text().replace(",ann,", ",zoe,"))  # bob is the first now
    made = toys.tree(data={"path": str(folder)}, train={"steps": 9, "learning_rate": 1e-8})
    made["condition"] = told_toys.CONDITION
    run = train(
        read.from_tree(made, "told"), out=tmp_path / "run", cache=tmp_path / "cache", init=told_run, max_steps=1,
        device="cpu",
    )  # fmt: skip
    now, before = (wavenet.load(one).arrays["condition.fields.speaker.weight"] for one in (run, told_run))
    assert np.allclose(now, before[[1, 2, 2]], atol=1e-6) and not np.allclose(before[0], before[1], atol=1e-3)


def test_phones_go_by_name_and_new_ones_begin_as_unknown(phones_run: Path, caplog: pytest.LogCaptureFixture) -> None:
    theirs, made = wavenet.load(phones_run).arrays, phone_toys.recipe()
    with caplog.at_level(logging.INFO, "wavenet"):
        ours = init.weights(made, made.shape, {"speaker": ["ann", "bob"]}, str(phones_run), ("sil", "IY", "ZH", "AA"))
    assert caplog.messages[1:] == [
        f"--init {phones_run}: of phones it knows sil, IY, AA; ZH new, which begins as unknown"
    ]
    for name, first in (("condition.entry", 9), ("acoustic.entry", 9), ("durations.entry", 0)):
        before, after = theirs[f"{name}.weight"], ours[f"{name}.weight"].copy()
        for side in range(3):
            begin = first + 4 * side
            moved = before[:, begin : begin + 4][:, [0, 3, 2, 1]]
            moved[:, 2] = 0
            assert np.array_equal(after[:, begin : begin + 4], moved)
            after[:, begin : begin + 4] = before[:, begin : begin + 4]
        assert np.array_equal(after, before)
    entries = {f"{room}.entry.weight" for room in ("condition", "acoustic", "durations")}
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs.keys() - entries)
    same = init.weights(made, made.shape, {"speaker": ["ann", "bob"]}, str(phones_run), phone_toys.NAMES)
    assert all(np.array_equal(same[name], theirs[name]) for name in theirs)


def test_as_many_columns_of_other_phones_mean_something_else(phones_run: Path) -> None:
    tracks = phone_toys.CONDITION["tracks"] | {"phones": {"kinds": 12, "neighbours": 0}}
    made = phone_toys.recipe(tracks=tracks)
    with pytest.raises(
        InputError, match=r"its condition\.tracks\.phones\.kinds is 4, but here it is 12, so that frames"
    ):
        init.weights(made, made.shape, {"speaker": ["ann"]}, str(phones_run), phone_toys.NAMES)


def test_small_networks_that_learn_alone_may_have_other_dimensions(
    phones_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs, wide = wavenet.load(phones_run).arrays, {"channels": 9, "encoder": []}
    known = {"speaker": ["ann", "bob"]}, str(phones_run), phone_toys.NAMES
    made = phone_toys.recipe(acoustic=wide)
    with pytest.raises(BundleError, match=r"the weight acoustic\.[a-z.]* is "):
        init.weights(made, made.shape, *known)
    alone = replace(made, train=replace(made.train, only="acoustic"))
    with caplog.at_level(logging.INFO, "wavenet"):
        ours = init.weights(alone, alone.shape, *known)
    assert {*theirs} - {*ours} == {name for name in theirs if name.startswith("acoustic.")}
    assert all(np.array_equal(value, theirs[name]) for name, value in ours.items())
    assert (
        f"--init {phones_run}: its network `acoustic` has other dimensions, so this one begins anew" in caplog.messages
    )
    other = phone_toys.recipe(channels=8)
    with pytest.raises(BundleError, match=r"the weight condition\."):
        init.weights(replace(other, train=alone.train), other.shape, *known)
