"""Held: what shapes a network has no default, so that a changed default never changes an old recipe."""

from __future__ import annotations

import dataclasses

from wavenet.recipe.records import ModelConfig, OutputConfig

FREE = {"dropout", "preemphasis"}  # these shape no weight, and 0 is as without them


def test_what_shapes_a_network_has_no_default() -> None:
    defaulted = {
        field.name
        for record in (ModelConfig, OutputConfig)
        for field in dataclasses.fields(record)
        if field.default is not dataclasses.MISSING
    }
    assert defaulted == FREE
