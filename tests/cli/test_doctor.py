"""The doctor names every dependency's version and the places that matter."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from wavenet.cli.doctor import diagnose
from wavenet.recipe import find


def test_versions_and_places_are_true() -> None:
    told = diagnose()
    for name in ("torch", "lightning", "numpy", "soundfile", "safetensors"):
        assert told[name] == metadata.version(name)
    assert told["recipes"] == str(find.recipe_folder())
    assert told["cpu bfloat16"] in ("multiplied by the processor itself", "emulated, or not known")
    assert told["torchaudio"].endswith(("(native)", "(python-only)"))


def test_the_sound_cache_is_told_with_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAVENET_CACHE", str(tmp_path / "none"))
    assert diagnose()["sound cache"].startswith(f"{tmp_path / 'none'}, 0.00 GB")
    monkeypatch.setenv("WAVENET_CACHE", str(tmp_path))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "pcm.int16").open("wb") as file:
            file.truncate(620_000_000)  # a hole
    assert diagnose()["sound cache"].startswith(f"{tmp_path}, 1.24 GB")
