"""Voices that ship are listed with rate, size and licence; one is printed as its card and what its config knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wavenet.errors import BundleError
from wavenet.recipe import find
from wavenet.sharing import voices


def test_each_voice_is_a_line(shipped: Path) -> None:
    made = voices.shipped()
    _, *lines = made.to_text().splitlines()
    size = sum(path.stat().st_size for path in (shipped / "bell").iterdir())
    assert [line.split()[0] for line in lines] == ["bell", "digits"]
    assert "4,000 Hz" in lines[0] and f"{size / 1e6:.2f} MB" in lines[0] and "told nothing" in lines[0]
    plain = json.loads(json.dumps(made.to_json()))
    assert [one["name"] for one in plain] == ["bell", "digits"] and plain[0]["bytes"] == size


def test_a_package_without_voices_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "voice_folder", lambda: tmp_path / "none")
    made = voices.shipped()
    assert made.to_text() == "no voices come with this package; `wavenet train` makes one" and made.to_json() == []


def test_a_voice_is_its_card_and_what_its_config_knows(shipped: Path, trained_run: Path) -> None:
    (shipped / "digits" / "CARD.md").write_text("# digits\n\n## Data\n\nTen words.\n")
    made = voices.described("digits")
    assert made.to_text().startswith("# digits\n\n## Data\n\nTen words.\n\ndigits, as its config.json says:\n")
    assert "bits per sample" in made.to_text() and made.to_json()["card"].endswith("Ten words.")
    assert made.to_json()["bytes"] == made.about.size
    for bare in ("bell", trained_run, trained_run / "model"):
        assert "has no CARD.md." in voices.described(bare).to_text() and voices.described(bare).card is None
    with pytest.raises(BundleError, match="did you mean 'digits'"):
        voices.described("digit")
