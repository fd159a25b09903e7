"""The search by FFT in blocks finds what a plain loop over all stretches finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from speech_toys import sound_of

from wavenet.audio.crops import Sound
from wavenet.audio.splits import Span
from wavenet.evaluation import matching
from wavenet.evaluation.matching import at_rate, search

RATE = 4_000


def plain(window: np.ndarray, sound: Sound, spans: list[Span]) -> list[tuple[float, int, int]]:
    """Return the correlation with every stretch of every span, in the plainest words: correlation, span, place."""
    found, aim = [], window - window.mean(dtype=np.float64)
    for number, span in enumerate(spans):
        wave = sound.read(span.clip, span.first, span.last).astype(np.float64)
        for at in range(len(wave) - len(window) + 1):
            stretch = wave[at : at + len(window)] - wave[at : at + len(window)].mean()
            if stretch @ stretch > matching.FAINTEST * len(window):
                found.append((float(stretch @ aim / np.sqrt((stretch @ stretch) * (aim @ aim))), number, at))
    return sorted(found, reverse=True)


def noise(samples: int, seed: int) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(samples)


def test_each_window_finds_its_best_place_as_a_plain_loop_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "TRANSFORM", 256)
    monkeypatch.setattr(matching, "BLOCK", 700)
    sound = sound_of(tmp_path / "sound", [noise(n, n) for n in (90, 1_500, 40, 699, 702, 800)], RATE)
    spans = [Span(0, 0, 90), Span(1, 100, 1_430), Span(2, 0, 40), Span(3, 0, 699), Span(4, 5, 702), Span(5, 0, 800)]
    across = np.concatenate([sound.read(0, 60, 90), sound.read(1, 100, 130)])  # lies in no span
    within = (sound.read(clip, at, at + 60) for clip, at in ((1, 101), (3, 639), (4, 642)))
    windows = np.stack([noise(60, 77), across, *within])
    places = search(windows.astype(np.float32), sound, spans, (RATE, RATE), 3)
    for row, window in enumerate(windows):
        best = plain(window, sound, spans)[0]
        assert places.correlation[row, 0] == pytest.approx(best[0], abs=1e-4)
        assert (places.span[row, 0], places.at[row, 0]) == best[1:]
        assert (np.diff(places.correlation[row]) <= 0).all()
    assert [(*pair,) for pair in zip(places.span[2:, 0], places.at[2:, 0], strict=True)] == [(1, 1), (3, 639), (4, 637)]
    assert places.correlation[2:, 0] == pytest.approx(1.0, abs=1e-4)


def test_many_windows_are_searched_for_in_several_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sound_of(tmp_path / "sound", [noise(3_000, 6)], RATE)
    windows, spans = np.stack([sound.read(0, at, at + 50) for at in range(0, 700, 100)]), [Span(0, 0, 3_000)]
    once = search(windows, sound, spans, (RATE, RATE), 2)
    monkeypatch.setattr(matching, "WINDOWS", 3)
    again = search(windows, sound, spans, (RATE, RATE), 2)
    assert again.at[:, 0].tolist() == once.at[:, 0].tolist() == [*range(0, 700, 100)]
    assert (again.correlation == once.correlation).all() and (again.span == 0).all()


def test_gain_offset_and_digital_silence_change_nothing(tmp_path: Path) -> None:
    wave = noise(2_000, 1)
    silent = np.concatenate([np.zeros(900), wave, np.full(900, 0.5), np.zeros(300)])
    sound = sound_of(tmp_path / "sound", [silent], RATE)
    window = (0.02 * wave[300:400] + 0.3).astype(np.float32)
    places = search(
        np.stack([window, np.full(100, 0.2, np.float32)]), sound, [Span(0, 0, len(silent))], (RATE, RATE), 2
    )
    assert places.at[0, 0] == 1_200 and 0.999 < places.correlation[0, 0] < 1.001
    assert places.correlation[1, 0] == 0.0  # a constant window is like nothing


def test_a_lower_rate_finds_the_same_place(tmp_path: Path) -> None:
    smooth = np.convolve(noise(9_000, 2), np.ones(12) / 4, "same")
    sound = sound_of(tmp_path / "sound", [noise(50, 3), smooth], 4 * RATE)
    window = at_rate(smooth[5_000:6_000].astype(np.float32), 4 * RATE, RATE)
    places = search(window[None], sound, [Span(0, 0, 50), Span(1, 1_000, 9_000)], (4 * RATE, RATE), 1)
    assert places.span[0, 0] == 1 and abs(int(places.at[0, 0]) - 1_000) <= 1 and places.correlation[0, 0] > 0.98


def test_long_spans_are_read_in_parts_that_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "READ", RATE)
    wave = noise(3 * RATE, 4)
    sound = sound_of(tmp_path / "sound", [wave], RATE)
    windows = np.stack([sound.read(0, at, at + 200) for at in (RATE - 100, 2 * RATE - 1, 2 * RATE, 3 * RATE - 200)])
    places = search(windows, sound, [Span(0, 0, 3 * RATE)], (RATE, RATE), 1)
    assert places.at[:, 0].tolist() == [RATE - 100, 2 * RATE - 1, 2 * RATE, 3 * RATE - 200]
    assert places.correlation[:, 0] == pytest.approx(1.0, abs=1e-4)


def test_memory_does_not_grow_with_the_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "BLOCK", 2_000)
    ahead: list[int] = []
    done: list[int] = []
    make, best = matching._blocks, matching._best

    def counted(*arguments):  # type: ignore[no-untyped-def]
        for block in make(*arguments):
            ahead.append(1)
            assert len(ahead) - len(done) <= 2 * matching.THREADS + 1
            yield block

    def finished(*arguments):  # type: ignore[no-untyped-def]
        found = best(*arguments)
        done.append(1)
        return found

    monkeypatch.setattr(matching, "_blocks", counted)
    monkeypatch.setattr(matching, "_best", finished)
    sound = sound_of(tmp_path / "sound", [noise(60_000, 5)], RATE)
    search(sound.read(0, 0, 200)[None], sound, [Span(0, 0, 60_000)], (RATE, RATE), 1)
    assert len(done) > 30
