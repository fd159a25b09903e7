"""A sound ends after 0.3 s of silence, once it has begun, wherever its pieces end."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import toys
from hypothesis import given
from hypothesis import strategies as st

from wavenet.generate import silence
from wavenet.generate.silence import Silence
from wavenet.generate.voice import Voice


def plain_end(wave: np.ndarray, rate: int) -> int | None:
    """Return where a sound ends, by the definition: look at every frame before every end."""
    frame = round(0.01 * rate)
    levels = [
        10 * np.log10(max(1e-12, np.mean(wave[at : at + frame].astype(np.float64) ** 2)))
        for at in range(0, len(wave) - frame + 1, frame)
    ]
    needed = -(-round(silence.SECONDS * 1000) // 10)
    for end in range(needed, len(levels) + 1):
        quiet = all(level < silence.DBFS for level in levels[end - needed : end])
        if quiet and any(level >= silence.DBFS for level in levels[: end - needed]):
            return end * frame
    return None


def parts(wave: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    return np.split(wave, sorted(min(cut, len(wave)) for cut in cuts))


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.002, 0.0033, 0.3]), st.integers(1, 1600)), min_size=1, max_size=6),
    st.lists(st.integers(0, 6000), max_size=6),
)
def test_it_ends_where_the_definition_says_however_it_comes_in_pieces(
    levels: list[tuple[float, int]], cuts: list[int]
) -> None:
    wave = np.concatenate([np.full(length, level, np.float32) for level, length in levels])
    heard = Silence(toys.RATE)
    for part in parts(wave, cuts):
        heard.hear(part)
    assert heard.end == plain_end(wave, toys.RATE)


def test_silence_before_the_beginning_does_not_count_and_the_last_of_it_is_kept() -> None:
    quiet, tone = np.zeros(4 * toys.RATE, np.float32), np.full(toys.RATE, 0.1, np.float32)
    heard = Silence(toys.RATE)
    heard.hear(quiet)
    assert heard.end is None and heard.quiet == 0
    heard.hear(tone)
    heard.hear(quiet[: round(0.29 * toys.RATE)])
    assert heard.end is None and heard.quiet == round(0.29 * toys.RATE)
    heard.hear(quiet)
    assert heard.end == 5 * toys.RATE + round(0.3 * toys.RATE)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 96_000])
def test_the_silence_lasts_long_enough_at_any_rate(rate: int) -> None:
    heard = Silence(rate)
    heard.hear(np.concatenate([np.full(rate, 0.1, np.float32), np.zeros(rate, np.float32)]))
    assert heard.end is not None and 0.3 <= heard.end / rate - 1 < 0.3 + 2 * silence.FRAME_SECONDS


@pytest.mark.parametrize("share", [0.0, 0.85])
@pytest.mark.parametrize("chunk", [37, 1000])
def test_each_sound_of_a_batch_ends_by_itself_and_a_stream_ends_with_the_last(
    chunk: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = toys.emphasised(Voice(toys.recipe(), toys.arrays(toys.recipe())), share)
    whole = voice.generate(samples=2_000, count=4, seed=3).samples
    monkeypatch.setattr(silence, "SECONDS", 0.02)
    levels = 10 * np.log10(np.mean(whole.reshape(4, -1, 40).astype(np.float64) ** 2, axis=-1))
    monkeypatch.setattr(silence, "DBFS", float(np.quantile(levels, 0.3)))  # so that a toy's noise falls silent
    ends = [plain_end(wave, toys.RATE) or 2_000 for wave in whole]
    assert len(set(ends)) > 2 and min(ends) < 1_000
    sound = voice.generate(samples=2_000, count=4, seed=3, until_silence=True)
    assert sound.lengths == tuple(ends) and sound.samples.shape == (4, max(ends))
    streamed = np.concatenate(
        list(voice.stream(samples=2_000, count=4, seed=3, until_silence=True, chunk=chunk)), axis=1
    )
    assert np.array_equal(streamed, sound.samples)
    endless = np.concatenate(list(voice.stream(count=4, seed=3, until_silence=True, chunk=chunk)), axis=1)
    for row, end in enumerate(ends):  # without a length it goes on until the last has ended
        assert np.array_equal(endless[row, :end], whole[row, :end]) and (end == 2_000 or not endless[row, end:].any())
    for wave, heard, end in zip(whole, sound.samples, ends, strict=True):
        assert np.array_equal(heard[:end], wave[:end]) and not heard[end:].any()


def test_sequences_that_have_ended_are_not_drawn_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = Voice(toys.recipe(), toys.arrays(toys.recipe()))
    monkeypatch.setattr(silence, "DBFS", 100.0)
    monkeypatch.setattr(Silence, "hear", lambda sound, wave: setattr(sound, "end", len(wave) if wave[0] < 0 else None))
    source = voice.sampler(6, seed=1)
    seen = [
        part.sequences.tolist() for part in silence.ending(source, [Silence(4_000) for _ in range(6)], [900] * 6, 100)
    ]
    assert len(seen[0]) == 6 and all(set(after) <= set(before) for before, after in pairwise(seen))
    assert len(seen[-1]) < 6 and source.positions.sum() == 100 * sum(map(len, seen))
