"""Held: tracks stand side by side as the recipe orders them; those of a corpus and of sound in memory are the same."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import feature_toys
import numpy as np
import pytest
import toys

from wavenet.features import tracks
from wavenet.features.clock import clock
from wavenet.geometry import frame_count
from wavenet.outputs import Arrays, Tracks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toys.write_sounds(tmp_path / "sounds", 6)


def made(folder: Path, cache: Path, **told: Any) -> tuple[Any, Any, Tracks]:
    recipe = feature_toys.recipe(folder, **told)
    found = feature_toys.gathered(recipe, cache)
    known = tracks.of_corpus(recipe, found.sound, found.clips, cache)
    assert known is not None
    return recipe, found, known


TOLD = {
    "clock": {"clock": feature_toys.CLOCK},
    "mel": {"mel": feature_toys.MEL},
    "both": {"clock": feature_toys.CLOCK, "mel": feature_toys.MEL},
}


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_a_corpus_and_its_sounds_in_memory_have_the_same_tracks_bit_for_bit(
    folder: Path, tmp_path: Path, told: dict[str, Any]
) -> None:
    recipe, found, known = made(folder, tmp_path / "cache", **told)
    lengths, tail = found.sound.lengths, found.sound.tail
    waves = [found.sound.read(clip, 0, length + tail) for clip, length in enumerate(lengths)]
    held = tracks.of_waves(recipe, waves, lengths)
    assert isinstance(held, Arrays)
    assert tail == 40
    for clip, length in enumerate(lengths):
        count = frame_count(length + tail, 30)
        assert known.frames(clip) == held.frames(clip) == count
        assert np.array_equal(known.read(clip, 0, count), held.read(clip, 0, count))
        assert np.array_equal(known.read(clip, 4, 9), held.read(clip, 4, 9))
        assert np.allclose(known.mean(clip), held.mean(clip), rtol=1e-6)
        widths = sum(width for _, width in recipe.condition.tracks_told())
        assert known.read(clip, 0, 3).shape == (3, widths) and known.mean(clip).shape == (widths,)
        assert known.read(clip, 0, 3).dtype == np.float32


def test_columns_are_in_the_order_of_the_recipe_and_the_clock_knows_no_tail(folder: Path, tmp_path: Path) -> None:
    _, found, known = made(folder, tmp_path, **TOLD["both"])
    length = found.sound.lengths[2]
    own = clock(length, toys.RATE, 30, 0, known.frames(2), 5)
    both = known.read(2, 0, known.frames(2))
    assert np.array_equal(both[:, :11], own)
    assert own[-1, 4] == 1.0 and own[-1, 10] == 1.0  # in the tail all has passed and nothing is left
    alone = made(folder, tmp_path, mel=feature_toys.MEL)[2]
    assert np.array_equal(both[:, 11:], alone.read(2, 0, known.frames(2)))


def test_without_tracks_there_is_nothing(folder: Path, tmp_path: Path) -> None:
    recipe = feature_toys.recipe(folder, fields={"speaker": 3})
    found = feature_toys.gathered(recipe, tmp_path)
    assert tracks.of_corpus(recipe, found.sound, found.clips, tmp_path) is None
    assert tracks.of_corpus(toys.recipe(), found.sound, found.clips, tmp_path) is None


def test_they_travel_to_other_processes(folder: Path, tmp_path: Path) -> None:
    known = made(folder, tmp_path, **TOLD["both"])[2]
    there = pickle.loads(pickle.dumps(known))
    assert np.array_equal(there.read(1, 2, 7), known.read(1, 2, 7))
    assert np.array_equal(there.mean(1), known.mean(1))
