"""Clips with random tracks, and all that they may be told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import told_toys
import toys

from wavenet.evaluation.mismatched import Tellers
from wavenet.generate.asked import Vocabulary
from wavenet.generate.packed import pack
from wavenet.outputs import Arrays, Condition
from wavenet.recipe import read

LENGTHS, TAIL = [390, 410, 600, 405], 20
HOP = 40


@dataclass(frozen=True)
class Lengths:
    """All that a teller knows of sound."""

    lengths: list[int]
    tail: int = TAIL


def tellers_of(**condition: object) -> Tellers:
    """Return tellers of four clips whose tracks are random; the second says nothing of its speaker."""
    recipe = read.from_tree(toys.tree() | {"condition": told_toys.CONDITION | condition}, "told")
    shape, rng = recipe.shape.condition, np.random.default_rng(0)
    assert shape is not None
    width = sum(width for _, width in shape.told.tracks)
    tracks = [rng.normal(size=(-(-(length + TAIL) // HOP), width)).astype(np.float32) for length in LENGTHS]
    fields = np.array([[0, 0], [2, 1], [1, 2], [1, 2]])
    vocabulary = Vocabulary(recipe, {"speaker": ("ann", "bob"), "label": ("high", "low", "middle")}, np.zeros((0, 3)))
    told = Condition(shape, fields, Arrays(tracks) if width else None)
    return Tellers(told, Lengths(LENGTHS), pack(recipe.shape, toys.arrays(recipe)), vocabulary, 3)  # type: ignore
