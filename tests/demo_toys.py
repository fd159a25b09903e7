"""Voices in place of those that ship: untrained, tiny, and told what those are told."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import phone_toys
import told_toys
import toys

from wavenet.generate import voice
from wavenet.generate.voice import Voice
from wavenet.model import bundle
from wavenet.model.bundle import Bundle
from wavenet.recipe import read
from wavenet.speech import SILENCE
from wavenet.speech.dictionary import PHONES

WORDS, SPEAKERS = tuple("0123456789"), ("ann", "bob", "cas", "dee", "eve", "fay")
PITCHES = ("60", "62", "64", "65", "67", "71")
LASTING = 600  # samples of a sound that was learned


def written(folder: Path, condition: Mapping[str, Any], told: Mapping[str, Any], licence: str = "CC0-1.0") -> Voice:
    """Write a bundle with weights that were never trained, and return it as a voice."""
    made = read.from_tree(toys.tree() | {"condition": dict(condition)}, "toy")
    bundle.save(
        folder,
        Bundle(made, toys.arrays(made), {"told": told, "licence": licence}, {"valid_bits": 1.0, "order0_bits": 2.0}),
    )
    return voice.load(folder)


def learned(values: Mapping[str, Sequence[str]], without: Sequence[tuple[str, ...]] = ()) -> dict[str, Any]:
    """Return what a bundle tells of fields: that a sound was learned with each of their combinations but some."""
    every = zip(
        itertools.product(*values.values()),
        itertools.product(*(range(len(known)) for known in values.values())),
        strict=True,
    )
    durations = [[*ids, LASTING] for named, ids in every if named not in without]
    return {"fields": {name: list(known) for name, known in values.items()}, "durations": durations}


def kathleen(folder: Path) -> Voice:
    """Return a voice that is told the phones of English."""
    tracks = phone_toys.CONDITION["tracks"] | {"phones": {"kinds": 40, "neighbours": 1}}
    condition = {name: value for name, value in phone_toys.CONDITION.items() if name != "fields"} | {"tracks": tracks}
    return written(folder, condition, {"fields": {}, "durations": [[LASTING]], "phones": [SILENCE, *PHONES]})


def digits(folder: Path) -> Voice:
    """Return a voice that is told one of ten words and one of six speakers."""
    condition = told_toys.CONDITION | {"fields": {"speaker": 6, "label": 10}}
    return written(folder, condition, learned({"speaker": SPEAKERS, "label": WORDS}), "CC BY-SA 4.0")


def piano(
    folder: Path, pitches: Sequence[str] = PITCHES, without: Sequence[tuple[str, ...]] = (("soft", "64"),)
) -> Voice:
    """Return a voice that is told a velocity and a pitch, and which was trained on all pairs but some."""
    condition = told_toys.CONDITION | {"fields": {"velocity": 2, "pitch": 8}}
    return written(folder, condition, learned({"velocity": ("soft", "loud"), "pitch": pitches}, without), "CC BY 4.0")


def shipped(folder: Path) -> Path:
    """Write all three and return their folder."""
    for make in (kathleen, digits, piano):
        make(folder / make.__name__)
    return folder
