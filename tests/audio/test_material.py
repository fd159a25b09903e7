"""What training and scoring begin from is the same: gathered once, by the recipe alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import toys

from wavenet.audio import material
from wavenet.errors import SoundError
from wavenet.training.data import SoundData


def test_training_and_scoring_see_the_same_sound(sound_folder: Path, tmp_path: Path) -> None:
    recipe = toys.recipe(data={"path": str(sound_folder), "segment_samples": 150})
    found = material.gather(recipe, tmp_path)
    trained = SoundData(recipe, tmp_path)
    trained.prepare()
    assert found.spans == trained.spans and found.spans["valid"]
    assert found.source.folder == sound_folder and len(found.sound.lengths) == len(found.source.clips) == 8
    assert found.sound.gains == trained.sound.gains and found.sound.tail == 40


def test_a_recipe_without_sound_is_refused() -> None:
    with pytest.raises(SoundError):
        material.gather(toys.recipe())
