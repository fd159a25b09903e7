"""What is told while speed is measured fits the network, never ends, and differs from frame to frame."""

from __future__ import annotations

import numpy as np
import toys

from wavenet.bench.told import FRAMES, plausible, told_recipes


def test_recipes_differ_in_what_they_are_told_alone() -> None:
    made = told_recipes(toys.recipe())
    shapes = {name: recipe.shape for name, recipe in made.items()}
    assert list(shapes) == ["nothing", "fields", "repeat", "linear"]
    assert {(shape.stacks, shape.residual, shape.skip) for shape in shapes.values()} == {
        (toys.recipe().shape.stacks, 6, 24)
    }
    told = [shape.condition for shape in shapes.values()]
    assert told[0] is None and [None if one is None else (one.hop, one.linear) for one in told[2:]] == [
        (toys.RATE // 100, False),
        (toys.RATE // 100, True),
    ]
    again = told_recipes(made["linear"])  # whatever it is told itself
    assert {name: recipe.shape for name, recipe in again.items()} == shapes


def test_sounds_have_no_end_and_fields_of_their_own() -> None:
    assert plausible(None, 3) is None
    shape = told_recipes(toys.recipe())["linear"].shape.condition
    condition = plausible(shape, 8)
    assert condition is not None and condition.tracks is not None and shape is not None
    assert condition.fields.tolist() == [[i % 6, i % 10] for i in range(8)]
    far = condition.window([7], [shape.hop * (5 * FRAMES + 3)], 400)
    near = condition.window([7], [shape.hop * (FRAMES + 3)], 400)
    assert np.array_equal(far.tracks, near.tracks) and far.tracks[..., -1].max() == 0  # and known
    assert (np.diff(far.tracks[0, :, 0]) != 0).all()
