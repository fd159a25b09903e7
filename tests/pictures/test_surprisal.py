"""The picture shows the bits over time, names and marks the worst and the best stretch, and takes any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from wavenet import pictures
from wavenet.pictures.surprisal import COLUMNS, STAIRS, smoothed

RATE = 1_000


def sound(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    count = round(seconds * RATE)
    return rng.uniform(-1, 1, count).astype(np.float32), rng.exponential(4.0, count).astype(np.float32)


def words(figure: Figure) -> list[str]:
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    return said + [label for axes in figure.axes for label in axes.get_legend_handles_labels()[1]]


@pytest.mark.parametrize("samples", [1, 300, 12_345])
def test_a_sound_of_any_length_is_drawn_whole(tmp_path: Path, samples: int) -> None:
    wave, bits = sound(samples / RATE)
    pictures.surprisal_picture(tmp_path / "a.png", wave, bits, RATE, "noise")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_the_worst_and_the_best_second_are_named_and_marked_in_both_panels(tmp_path: Path, drawn: list[Figure]) -> None:
    wave, _ = sound(8.0)
    bits = np.full(8_000, 4.0, np.float32)
    bits[2_000:3_000], bits[6_000:7_000] = 7.0, 1.5
    pictures.surprisal_picture(tmp_path / "a.png", wave, bits, RATE, "noise", usual=3.25)
    said = words(drawn[0])
    assert said[:2] == ["worst second, 7.00 bits/sample", "best second, 1.50 bits/sample"]
    assert {"mean over 20 ms", "mean of this sound, 4.06", "held-out sound, 3.25"} <= set(said)
    assert drawn[0].get_supxlabel() == (
        "Worst second: from 2.00 s, 7.00 bits/sample; best: from 6.00 s, 1.50; all of it: 4.06 bits/sample"
    )
    for panel in drawn[0].axes[:2]:
        at = {line.get_xdata()[0]: line.get_linestyle() for line in panel.lines if len(set(line.get_xdata())) == 1}
        assert {2.0, 3.0, 6.0, 7.0} <= set(at)
        assert at[2.0] == at[3.0] == "-" and at[6.0] == at[7.0] == "--"  # told apart without colours


def test_the_line_is_the_mean_over_time(tmp_path: Path, drawn: list[Figure]) -> None:
    wave, bits = sound(3.01)
    pictures.surprisal_picture(tmp_path / "a.png", wave, bits, RATE, "noise")
    stairs = drawn[0].axes[1].patches[0].get_data()
    assert stairs.edges[-1] == pytest.approx(3.01) and len(stairs.values) == -(-3_010 // 10)
    assert stairs.values == pytest.approx([bits[at : at + 10].mean() for at in range(0, 3_010, 10)], rel=1e-5)


def test_a_long_sound_is_drawn_narrow_with_what_its_columns_hide(tmp_path: Path, drawn: list[Figure]) -> None:
    wave, bits = sound(1_800.0)
    bits[700_000:700_020] = 99.0
    pictures.surprisal_picture(tmp_path / "a.png", wave, bits, RATE, "half an hour of noise")
    upper, lower = drawn[0].axes[:2]
    assert upper.images[0].get_array().shape[1] <= COLUMNS
    band, line = (patch.get_data() for patch in lower.patches[:2])
    assert len(line.values) <= STAIRS and max(band.values) == pytest.approx(99.0) and max(line.values) < 10.0
    assert (band.baseline <= line.values).all() and (line.values <= band.values).all()
    assert lower.get_xlabel() == "minutes:seconds"
    assert [label.get_text() for label in lower.get_xticklabels()][2:5] == ["5:00", "10:00", "15:00"]


@pytest.mark.parametrize(("samples", "rate", "window"), [(1, 8_000, 40), (4_000, 8_000, 40), (90_000, 8_000, 160)])
def test_smoothing_takes_means_of_5_to_20_ms(samples: int, rate: int, window: int) -> None:
    bits = np.random.default_rng(2).exponential(4.0, samples).astype(np.float32)
    means, seconds = smoothed(bits, rate)
    assert seconds == window / rate
    assert means == pytest.approx([bits[at : at + window].mean() for at in range(0, samples, window)], rel=1e-5)


def test_no_sound_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no sound"):
        pictures.surprisal_picture(tmp_path / "a.png", *sound(0.0), RATE, "nothing")
    assert not list(tmp_path.iterdir())
