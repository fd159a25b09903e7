"""Copies stand beside their originals, on one scale of loudness; the picture of bits has them below."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from wavenet import pictures
from wavenet.evaluation.copy_synthesis import Pair
from wavenet.pictures.side_by_side import COLUMNS, sound_rows

RATE = 1_000


def pair(name: str, samples: int = 700, level: float = 0.5) -> Pair:
    t = np.arange(samples) / RATE
    tone = np.sin(2 * np.pi * 100 * t).astype(np.float32)
    return Pair(name, tone, tone * np.float32(level), 6.0)


def test_each_pair_has_a_row_with_one_scale() -> None:
    figure = Figure()
    sound_rows(figure, [pair("a.wav").row, pair("b\n.wav", 60).row], RATE)
    panels = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title(loc="left") for axes in panels] == [
        *("a.wav, the original", "its copy, 6.0 dB of mel away"),
        *(r"b\n.wav, the original", "its copy, 6.0 dB of mel away"),
    ]
    for original, copy in (panels[:2], panels[2:]):
        one, other = original.images[0], copy.images[0]
        assert one.get_clim() == other.get_clim() and one.get_extent() == other.get_extent()
        assert one.get_array().max() - other.get_array().max() == pytest.approx(6.02, abs=0.01)
        assert one.get_clim()[1] == pytest.approx(one.get_array().max())


def test_rows_of_two_and_of_three_keep_their_columns() -> None:
    figure, tone = Figure(), pair("a.wav").original
    sound_rows(
        figure, [pair("a.wav").row, [("real " + 60 * "x y ", tone), ("lengths", tone[:300]), ("text", tone)]], RATE
    )
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left")[:7] for axes in panels] == ["a.wav, ", "its cop", "real x ", "lengths", "text"]
    assert len(panels[2].get_title(loc="left")) <= 40 and panels[3].images[0].get_extent()[1] < 0.4
    assert [axes.get_visible() for axes in figure.axes[:6]] == [True, True, False, True, True, True]


def test_sounds_side_by_side_are_a_small_picture(tmp_path: Path) -> None:
    pictures.beside_picture(tmp_path / "new" / "a.png", [pair("a.wav").row, pair("b.wav").row], RATE)
    data = (tmp_path / "new" / "a.png").read_bytes()
    assert data.startswith(b"\x89PNG") and (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (720, 345)


def test_a_long_sound_is_drawn_narrow() -> None:
    figure = Figure()
    sound_rows(figure, [pair("a.wav", 60_000).row], RATE)
    assert all(axes.images[0].get_array().shape[1] <= COLUMNS for axes in figure.axes if axes.images)


def test_the_picture_of_bits_has_the_copies_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []

    def savefig(figure: Figure, path: Path, **how: object) -> None:
        figures.append(figure)
        path.write_bytes(b"\x89PNG")

    monkeypatch.setattr(Figure, "savefig", savefig)
    wave, bits = np.zeros(3_000, np.float32), np.ones(3_000, np.float32)
    wave[5] = 0.5
    pictures.surprisal_picture(tmp_path / "a.png", wave, bits, RATE, "noise")
    pictures.surprisal_picture(
        tmp_path / "b.png", wave, bits, RATE, "noise", rows=[pair("a.wav").row, pair("b.wav").row]
    )
    alone, both = figures
    assert len(both.axes) == len(alone.axes) + 6 and both.get_figheight() > alone.get_figheight()
    above, below = both.subfigs
    assert above.get_suptitle() == alone.get_suptitle() == "noise" and len(below.axes) == 6
    assert above.get_supxlabel() == alone.get_supxlabel()
