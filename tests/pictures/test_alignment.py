"""The picture names every phone, each where it lies, and takes any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from wavenet import pictures
from wavenet.speech import Aligned, Phone

RATE = 1_000
FOUND = Aligned((Phone("sil"), Phone("AH", 1, 0), Phone("ʒ", 0, 0), Phone("sil")), (0.2, 0.5, 0.9, 1.0))


def test_phones_are_named_where_they_lie_and_pauses_are_empty(tmp_path: Path, drawn: list[Figure]) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, RATE).astype(np.float32)
    pictures.alignment_picture(tmp_path / "a.png", wave, RATE, FOUND, "a.wav: a text")
    upper, lower = drawn[0].axes
    assert [(text.get_text(), round(text.get_position()[0], 3)) for text in lower.texts] == [("AH1", 0.35), ("ʒ", 0.7)]
    assert [line.get_xdata()[0] for line in upper.lines] == [*FOUND.ends]  # type: ignore[index, union-attr]
    assert upper.get_title(loc="left") == "a.wav: a text" and lower.get_xlim() == (0.0, 1.0)


@pytest.mark.parametrize("samples", [1, 300])
def test_a_sound_of_any_length_is_drawn_whole(tmp_path: Path, samples: int) -> None:
    wave = np.ones(samples, np.float32)
    found = Aligned((Phone("AH", 0, 0),), (samples / RATE,))
    pictures.alignment_picture(tmp_path / "a.png", wave, RATE, found, "noise")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
