"""Players for notebooks: each holds its sound as a whole WAV, and none makes a notebook large."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import soundfile
import toys

from wavenet.generate import player


def heard(html: str) -> list[tuple[np.ndarray, int]]:
    """Return the sound and rate of each player."""
    found = re.findall(r'<audio controls src="data:audio/wav;base64,([A-Za-z0-9+/=]+)"></audio>', html)
    return [soundfile.read(io.BytesIO(base64.b64decode(text, validate=True)), dtype="float32") for text in found]


def test_every_sound_has_a_player_that_holds_it() -> None:
    samples = np.stack([toys.wave(0.5, seed) for seed in range(3)])
    html = player.players(samples, 8_000, "<three>")
    assert html.startswith("<div>&lt;three&gt;</div>") and html.count("<audio") == 3 and "can be heard" not in html
    for wave, (back, rate) in zip(samples, heard(html), strict=True):
        assert rate == 8_000 and np.abs(back - wave).max() <= 0.5 / 32_768 + 1e-7


def test_long_and_many_sounds_are_cut_and_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "MOST_BYTES", 8_000)
    monkeypatch.setattr(player, "MOST_PLAYERS", 2)
    html = player.players(np.zeros((3, 4_000), np.float32), 1_000, "many")
    assert [len(wave) for wave, _ in heard(html)] == [2_000, 2_000]
    assert "<div>2 of 3 sounds, the first 2.0 of 4.0 s can be heard here; save() writes all of it</div>" in html
    long = player.players(np.zeros((1, 5_000), np.float32), 1_000, "long")
    assert [len(wave) for wave, _ in heard(long)] == [4_000] and "<div>the first 4.0 of 5.0 s can be" in long


@pytest.mark.parametrize("shape", [(1, 0), (0, 10)])
def test_no_sound_makes_no_trouble(shape: tuple[int, int]) -> None:
    assert player.players(np.zeros(shape, np.float32), 8_000, "none").count("<audio") == shape[0]
