"""The doctor names every dependency's version and the places that matter."""

from __future__ import annotations

from importlib import metadata

from wavenet import config
from wavenet.training.doctor import diagnose


def test_versions_and_places_are_true() -> None:
    told = diagnose()
    for name in ("torch", "lightning", "numpy", "soundfile", "safetensors"):
        assert told[name] == metadata.version(name)
    assert told["recipes"] == str(config.recipe_folder())
    assert told["torchaudio"].endswith(("(native)", "(python-only)"))
