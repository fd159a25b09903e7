"""A row of the table of weights knows the shape of its weight, and how often it is used."""

from __future__ import annotations

import dataclasses

import condition_toys

from wavenet.geometry import ProductShape


def test_a_product_is_stored_out_by_in_and_a_table_row_by_row() -> None:
    assert ProductShape("skip", 24, 10, True).weight == (10, 24)
    assert ProductShape("entry", 17, 6, False, looked_up=True).weight == (17, 6)


def test_a_look_up_costs_nothing_and_a_product_of_frames_is_shared_out_among_their_samples() -> None:
    shape = condition_toys.recipe_of("plain-linear").shape
    told = [row for row in shape.products if row.name.startswith("condition.")]
    assert {row.every for row in told} == {1, condition_toys.HOP} and all(
        row.looked_up for row in told if row.every == 1
    )
    more = sum(row.inputs * row.outputs // condition_toys.HOP for row in told if not row.looked_up)
    assert more == sum(row.macs_per_sample for row in told) > 0
    assert shape.macs_per_sample() == dataclasses.replace(shape, condition=None).macs_per_sample() + more
    stored = sum(row.inputs * row.outputs + row.outputs * row.bias for row in told)
    assert shape.parameters() == dataclasses.replace(shape, condition=None).parameters() + stored


def test_what_is_the_same_for_a_whole_sound_costs_its_samples_nothing() -> None:
    fields, pooled = (condition_toys.recipe_of(form).shape for form in ("fields", "pooled-linear"))
    plain = dataclasses.replace(fields, condition=None)
    (output,) = (row for row in fields.products if row.name == "condition.output")
    assert (output.every, output.macs) == (None, output.inputs * output.outputs)
    assert fields.macs_per_sample() == plain.macs_per_sample()
    assert {row.name for row in pooled.products if row.every is None} == {"condition.pooled"}
    assert ProductShape("skip", 24, 10, True).macs_per_sample == 240
    assert ProductShape("entry", 24, 10, True, every=7).macs_per_sample == 34
