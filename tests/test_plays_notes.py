"""A tiny instrument that is told sines plays notes that it never heard, at their pitch."""

from __future__ import annotations

from pathlib import Path

import note_toys
import toys

import wavenet
from wavenet.evaluation.pitched import pitched
from wavenet.recipe import read
from wavenet.training.train import train

NEVER_HEARD = (58.25, 59, 62.5, 63, 66, 67.5)


def test_notes_between_those_of_training_have_the_pitch_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    folder = note_toys.write_sounds(tmp_path / "sounds")
    model = {"dilations": [[1, 2, 4, 8, 16]], "residual_channels": 12, "gate_channels": 12}
    steps = {"steps": 150, "validate_steps": 150, "save_steps": 150, "sample_steps": 150}
    made = toys.tree(
        data={"path": str(folder)},
        output={"classes": 32},
        model=model,
        train={**steps, "batch_size": 4, "ema_decay": 0.9},
    )
    recipe = read.from_tree(made | {"condition": note_toys.CONDITION}, "notes")
    voice = wavenet.load(train(recipe, out=tmp_path / "run", device="cpu", cache=tmp_path / "cache"))
    wanted = [{"pitch": note, "touch": "hard"} for note in NEVER_HEARD]
    sound = voice.generate(condition=wanted, count=6, seed=1, samples=800, backend="reference")
    found = pitched(voice.vocabulary(), sound.waves(), wanted)
    assert found is not None and (found.generated.right, found.new) == (6, 6)
    mixed = pitched(voice.vocabulary(), sound.waves(), [*wanted[3:], *wanted[:3]])
    assert mixed is not None and mixed.generated.right == 0
