"""Each voice that ships is small, speaks, and has a card that says what it is, by whom, and how good it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import wavenet
from wavenet.recipe import find
from wavenet.sharing import card
from wavenet.sharing.about import CARD, of_folder
from wavenet.sharing.export import export

MOST_BYTES = 3_000_000  # of a voice's folder
HOUSE = Path(wavenet.__file__).parents[1]
NAMED = {  # in the card of a voice that ships, and in the list of licences
    "digits": ("Free Spoken Digit Dataset", "Zohar Jackson", "CC BY-SA 4.0", "https://"),
    "kathleen": ("Rhasspy", "CC0", "https://"),
    "piano": ("Headroom Piano", "Bengt Nilsson", "CC BY 4.0", "AKAI", "public domain", "https://"),
}
PERSONS = ("digits", "kathleen")  # voices of real people


def faults(folder: Path) -> Iterator[str]:
    """Yield what is wrong with a voice that is to ship."""
    about, text = of_folder(folder), card.read(folder / CARD)
    if about.size >= MOST_BYTES:
        yield f"{about.size:,} bytes"
    if {path.name for path in folder.iterdir()} - {CARD, "config.json", "model.safetensors", "statistics.safetensors"}:
        yield "other files"
    if text is None:
        yield "no card"
        return
    parts = card.sections(text)
    yield from (f"no section {name}" for name in card.SECTIONS if len(parts.get(name, "")) < 20)
    if card.OPEN in text or "TODO" in text:
        yield "places to be filled in"
    named = NAMED.get(folder.name, (about.licence,))
    yield from (f"{name} is not named" for name in named if name not in parts.get("Licence and attribution", ""))
    if about.score is None or card.other_score(parts.get("Bits per sample", ""), about) is not None:
        yield "other bits than the config has"
    if folder.name in PERSONS and "synthetic" not in parts.get("Intended use", ""):
        yield "not called synthetic"
    sound = wavenet.load(folder).generate(samples=8, seed=0)
    if sound.samples.shape != (1, 8) or not np.isfinite(sound.samples).all():
        yield "no sound"


@pytest.mark.parametrize("name", find.voice_names())
def test_a_voice_that_ships_is_whole(name: str) -> None:
    assert list(faults(find.voice_folder() / name)) == []


@pytest.mark.parametrize("name", find.voice_names())
def test_the_list_of_licences_has_every_voice(name: str) -> None:
    listed = (HOUSE / "LICENSE-VOICES.md").read_text(encoding="utf-8")
    assert f"## {name}\n" in listed and of_folder(find.voice_folder() / name).licence
    assert [word for word in NAMED.get(name, ()) if word not in listed] == []


def test_nothing_but_voices_lies_among_them() -> None:
    assert [path.name for path in find.voice_folder().glob("*") if path.name not in find.voice_names()] == []


def test_a_fault_is_found(trained_run: Path, tmp_path: Path) -> None:
    folder = export(trained_run, tmp_path / "digits").folder
    whole = (folder / CARD).read_text()
    assert "places to be filled in" in list(faults(folder)) and "Zohar Jackson is not named" in list(faults(folder))
    words = f"as said, and synthetic ({', '.join(NAMED['digits'])})"
    filled = whole.replace(card.OPEN, words)
    about = of_folder(folder)
    assert about.score is not None
    for text, found in (
        (filled, []),
        (filled.replace("synthetic", "a voice"), ["not called synthetic"]),
        (filled.replace("## Speed", "## Haste"), ["no section Speed"]),
        (filled.replace(f"| {about.score.bits:.3f} |", "| 0.100 |"), ["other bits than the config has"]),
        (filled.replace("CC BY-SA 4.0", "MIT"), ["CC BY-SA 4.0 is not named"]),
    ):
        (folder / CARD).write_text(text)
        assert list(faults(folder)) == found
    (folder / CARD).unlink()
    assert list(faults(folder)) == ["no card"]
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "data": {"more": "x" * MOST_BYTES}}))
    assert next(faults(folder)).endswith(" bytes")
