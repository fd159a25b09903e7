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
import torch
import toys

import wavenet
from wavenet.errors import BundleError, InputError
from wavenet.model import network as networks
from wavenet.model.condition import Told
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


def test_a_network_without_any_block_of_these_dimensions_is_refused(trained_run: Path) -> None:
    made = toys.recipe(model={"residual_channels": 7})
    with pytest.raises(
        BundleError, match=r"the weight entry\.weight is \[17, 6\], expected \[17, 7\]; give a model of .* fine-tune"
    ):
        taken(trained_run, made)
    plain = wavenet.load(trained_run)
    assert init.weights(plain.recipe, plain.recipe.shape, {}, str(trained_run)).keys() == plain.arrays.keys()


def test_blocks_go_on_where_what_is_told_has_other_dimensions(
    told_run: Path, trained_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = wavenet.load(told_run).arrays
    with caplog.at_level(logging.INFO, "wavenet"):
        ours = taken(told_run, recipe_of(channels=8), speaker=["ann"], label=["low"])
    assert {*theirs} - {*ours} == {name for name in theirs if name.startswith("condition.")}
    assert caplog.messages == [
        f"--init {told_run}: condition begins anew, since nothing of the model fits",
        f"--init {told_run}: entry, blocks, skip, hidden, output and acoustic go on",
    ]
    caplog.clear()
    with caplog.at_level(logging.INFO, "wavenet"):
        ours = taken(trained_run, recipe_of())
    assert {*ours} == {*wavenet.load(trained_run).arrays}
    assert caplog.messages[0] == (
        f"--init {trained_run}: condition and acoustic begin anew, since nothing of the model fits"
    )


def test_more_codes_and_layers_begin_anew_beside_blocks_that_go_on(
    trained_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = toys.recipe(output={"classes": 32}, model={"dilations": [[1, 2, 4, 8], [1, 2, 4]]})
    with caplog.at_level(logging.INFO, "wavenet"):
        ours = taken(trained_run, made)
    assert caplog.messages == [
        f"--init {trained_run}: entry, skip, output and 6 of 26 weights of blocks begin anew, since nothing of the "
        "model fits",
        f"--init {trained_run}: blocks and hidden go on",
    ]
    assert {"blocks.4.residual.weight", "hidden.weight"} <= {*ours}
    assert not {"entry.weight", "output.bias", "skip.bias", "blocks.5.dilated.product.weight"} & {*ours}


def answer(made: Recipe, arrays: dict[str, np.ndarray], tracks: dict[str, np.ndarray | None], **values: int) -> Any:
    """Return what a network answers to some codes; a track that is None is unknown, and so is a field not given."""
    network, told = networks.from_arrays(made, arrays), made.condition
    assert told is not None
    names, count = [*dict(told.tracks_told())], 9
    columns = [np.zeros((count, width)) if tracks[name] is None else tracks[name] for name, width in told.tracks_told()]
    lacking = np.tile([tracks[name] is None for name in names], (count, 1))
    given = np.concatenate([*columns, lacking], axis=1).astype(np.float32)
    beyond = 0 if told.acoustic is None else told.acoustic.encoder.reach  # what only an acoustic network looks at
    given = np.pad(given, ((beyond, beyond), (0, 0)))
    ids = np.array([[values.get(name, size) for name, size in told.fields]], np.int64)
    length = 160 + made.shape.receptive_field - 1
    codes = torch.from_numpy(np.random.default_rng(5).integers(0, 16, (1, length)))
    window = Told(
        torch.zeros(1, dtype=torch.int64),
        torch.from_numpy(ids),
        torch.from_numpy(given)[None],
        torch.tensor([6]),
        torch.from_numpy(given.mean(axis=0))[None],
        0,
    )
    with torch.no_grad():
        return network(codes, window).numpy()


def test_a_voice_told_something_else_sounds_as_the_model_does_told_what_both_have(
    told_run: Path, phones_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng, theirs = np.random.default_rng(3), wavenet.load(told_run)
    made = phone_toys.recipe(fields={"speaker": 1}, acoustic={"channels": 9, "encoder": []})
    with caplog.at_level(logging.INFO, "wavenet"):
        taken_over = init.weights(made, made.shape, {"speaker": ["bob"]}, str(told_run), phone_toys.NAMES)
    assert [line.removeprefix(f"--init {told_run}: ") for line in caplog.messages] == [
        "acoustic and durations begin anew, since nothing of the model fits",
        "entry, blocks, skip, hidden, output and condition go on",
        "of speaker it knows bob",
        "new to it is phones, without effect at first",
        "it was told label, which is unknown from here on",
    ]
    ours = networks.build(made).arrays() | taken_over
    clock, mel = rng.normal(size=(9, 9)), rng.normal(size=(9, 6))
    assert made.condition is not None
    phones = rng.normal(size=(9, dict(made.condition.tracks_told())["phones"]))
    now = answer(made, ours, {"clock": clock, "phones": phones, "mel": mel}, speaker=0)
    before = answer(theirs.recipe, theirs.arrays, {"clock": clock, "mel": mel}, speaker=1)
    assert np.abs(now - before).max() < 1e-4
    other = answer(theirs.recipe, theirs.arrays, {"clock": clock, "mel": mel}, speaker=1, label=1)
    assert np.abs(now - other).max() > 1e-3
    back = recipe_of()  # from phones to none: they are not known any more
    ours = init.weights(back, back.shape, {"speaker": ["ann"], "label": ["low"]}, str(phones_run))
    ours = networks.build(back).arrays() | ours
    spoken = wavenet.load(phones_run)
    now = answer(back, ours, {"clock": clock, "mel": mel}, speaker=0, label=0)
    before = answer(spoken.recipe, spoken.arrays, {"clock": clock, "phones": None, "mel": mel}, speaker=0)
    assert np.abs(now - before).max() < 1e-4


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


@pytest.mark.parametrize("phones", [{"kinds": 12, "neighbours": 0}, {"kinds": 6, "neighbours": 2}])
def test_phones_go_by_name_to_more_kinds_and_other_neighbours(phones_run: Path, phones: dict[str, int]) -> None:
    theirs, made = wavenet.load(phones_run).arrays, phone_toys.recipe(
        tracks=phone_toys.CONDITION["tracks"] | {"phones": phones}
    )  # fmt: skip
    ours = init.weights(made, made.shape, {"speaker": ["ann", "bob"]}, str(phones_run), ("sil", "ZH", "AA"))
    assert {name: one.shape for name, one in ours.items()} == made.shape.weights()
    own = 9 + phones["kinds"] * phones["neighbours"]  # columns behind the clock's, of the phone that is said
    before, after = theirs["condition.entry.weight"], ours["condition.entry.weight"]
    assert np.array_equal(after[:, own], before[:, 13]) and not after[:, own + 1].any()
    assert np.array_equal(after[:, own + 2], before[:, 14]) and np.array_equal(after[:, -15:], before[:, -15:])


def test_small_networks_that_learn_alone_may_have_other_dimensions(
    phones_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theirs, wide = wavenet.load(phones_run).arrays, {"channels": 9, "encoder": []}
    known = {"speaker": ["ann", "bob"]}, str(phones_run), phone_toys.NAMES
    made = phone_toys.recipe(acoustic=wide)
    alone = replace(made, train=replace(made.train, only="acoustic"))
    with caplog.at_level(logging.INFO, "wavenet"):
        ours = init.weights(alone, alone.shape, *known)
    assert {*theirs} - {*ours} == {name for name in theirs if name.startswith("acoustic.")}
    assert all(np.array_equal(value, theirs[name]) for name, value in ours.items())
    assert f"--init {phones_run}: acoustic begins anew, since nothing of the model fits" in caplog.messages
    other = phone_toys.recipe(channels=8)
    with pytest.raises(BundleError, match=r"the weight condition\."):
        init.weights(replace(other, train=alone.train), other.shape, *known)
