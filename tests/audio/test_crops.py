"""Law 5: in an epoch every sample of every span is a target exactly once, with its whole past, and nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import condition_toys
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.audio import cache, folders
from wavenet.audio import crops as crops_module  # its name is what the tests call their crops
from wavenet.audio.crops import WINDOW_BATCHES, Batch, Clipped, Crops, Sound, pieces
from wavenet.audio.decode import FULL, Entry
from wavenet.audio.splits import Span
from wavenet.outputs import IGNORED, Categorical, Feed
from wavenet.recipe.records import LevelConfig

EIGHT_BITS = Categorical(256)
FINE = Categorical(4_096)
EMPHASISED = Categorical(256, preemphasis=0.85)
sweep = settings(deadline=None, max_examples=60)


def distinct() -> np.ndarray:
    """Return 16-bit samples, none 0, that all have codes of their own among 4,096."""
    values = np.array([value for value in range(-FULL, FULL) if value], np.int16)
    return values[np.unique(FINE.encode(values / np.float32(FULL)), return_index=True)[1]]


DISTINCT = distinct()


def sound_of(pcm: Sequence[np.ndarray], level: LevelConfig | None = None, tail: int = 0) -> Sound:
    """Return the sound of some clips as a cache would give them, dropped ones among them."""
    entries, first = [Entry("dropped", "empty file")], 0
    for i, samples in enumerate(pcm):
        wide = samples.astype(float) / FULL
        rms, peak = float(np.sqrt(np.mean(wide**2))), float(np.abs(wide).max())
        entries.append(Entry(f"{i}", None, first, len(samples), rms=rms, peak=peak))
        first += len(samples)
    held = SimpleNamespace(entries=tuple(entries), pcm=lambda: np.concatenate(pcm))
    return Sound(held, level or LevelConfig(), tail)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-FULL, FULL, samples).astype(np.int16)


def wholes(sound: Sound) -> list[Span]:
    return [Span(i, 0, length) for i, length in enumerate(sound.lengths)]


def crops_of(sound: Sound, longest: int, alphabet: Categorical = EIGHT_BITS, context: int = 7, **options: int) -> Crops:
    return Crops(sound, pieces(sound.with_tails(wholes(sound)), longest), alphabet, context, **options)


def targets(batches: Iterable[Batch]) -> np.ndarray:
    """Return the targets of some batches, without padding, in order."""
    batches = list(batches)
    flat = np.concatenate([batch.targets.ravel() for batch in batches]) if batches else np.zeros(0, np.int64)
    return flat[flat != IGNORED]


def same(one: Batch, other: Batch) -> bool:
    return np.array_equal(one.feed.codes, other.feed.codes) and np.array_equal(one.targets, other.targets)


spans = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 300)), max_size=8).map(
    lambda drawn: [Span(i, first, first + length) for i, (first, length) in enumerate(drawn)]
)


# --- pieces ----------------------------------------------------------------------------------------------------------


@given(spans, st.integers(1, 350))
@sweep
def test_pieces_tile_every_span_and_are_equally_long(drawn: list[Span], longest: int) -> None:
    cut = list(pieces(drawn, longest))
    for span in drawn:
        own = [(first, count) for clip, first, count in cut if clip == span.clip]
        covered = [at for first, count in own for at in range(first, first + count)]
        assert covered == list(range(span.first, span.last))
        counts = [count for _, count in own]
        assert len(own) == -(-len(covered) // longest)
        assert not own or (max(counts) <= longest and min(counts) >= max(1, max(counts) - 1))


@given(spans, st.integers(1, 350), st.integers(1, 90))
@sweep
def test_pieces_begin_with_a_frame_wherever_a_span_does(drawn: list[Span], longest: int, hop: int) -> None:
    cut = list(pieces(drawn, longest, hop))
    for span in drawn:
        own = [(first, count) for clip, first, count in cut if clip == span.clip]
        assert [at for first, count in own for at in range(first, first + count)] == [*range(span.first, span.last)]
        assert all(first % hop == 0 for first, _ in own[1:])
        assert all(first % hop + count < longest + hop for first, count in own)  # what a fixed width has room for


# --- law 5 -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 150), min_size=1, max_size=5), st.integers(1, 200), st.integers(0, 9), st.integers(1, 6))
@sweep
def test_every_sample_is_a_target_exactly_once(lengths: list[int], longest: int, tail: int, size: int) -> None:
    values = np.random.default_rng(0).permutation(DISTINCT)[: sum(lengths)]
    sound = sound_of(np.split(values, np.cumsum(lengths)[:-1]), tail=tail)
    crops = crops_of(sound, longest, FINE)
    expected = Counter(FINE.encode(values / np.float32(FULL)).tolist())
    assert set(expected.values()) == {1}
    if tail:
        expected[int(FINE.encode(np.zeros(1))[0])] = tail * len(lengths)
    codes, counts = np.unique(targets(crops.in_order(size)), return_counts=True)
    assert dict(zip(codes.tolist(), counts.tolist(), strict=True)) == expected
    assert crops.targets == sum(lengths) + tail * len(lengths)


@given(
    st.lists(st.integers(1, 80), min_size=1, max_size=4),
    st.integers(1, 90),
    st.integers(1, 40),
    st.sampled_from([None, 95]),
    st.sampled_from([EIGHT_BITS, EMPHASISED]),
)
@sweep
def test_every_target_sees_the_file_s_past_or_start_and_nothing_else(
    lengths: list[int], longest: int, context: int, width: int | None, alphabet: Categorical
) -> None:
    sound = sound_of([noise(length, seed=i) for i, length in enumerate(lengths)], tail=5)
    crops = crops_of(sound, longest, alphabet, context, **({"width": width} if width else {}))
    batch = crops.batch(np.arange(len(crops.table)))
    assert batch.feed.codes.shape == (len(crops.table), batch.targets.shape[1] + context - 1)
    assert batch.targets.shape[1] == (width or crops.table[:, 2].max())
    assert batch.feed.codes.dtype == batch.targets.dtype == np.int64
    for row, (clip, first, count) in enumerate(crops.table.tolist()):
        codes = alphabet.encode(sound.read(clip, 0, lengths[clip] + sound.tail))
        known = np.concatenate([alphabet.starts(context), codes])
        for at in range(count):
            assert batch.targets[row, at] == codes[first + at]
            np.testing.assert_array_equal(
                batch.feed.codes[row, at : at + context], known[first + at : first + at + context]
            )
        assert (batch.targets[row, count:] == IGNORED).all()
        assert (batch.feed.codes[row, context - 1 + count :] == alphabet.starts(1)).all()


def told_crops(longest: int = 20, **options: Any) -> Crops:
    """Return crops of three clips, a span of which begins within a frame, and what they are told."""
    sound = sound_of([noise(300), noise(120, 1), noise(77, 2)])
    condition = condition_toys.told_of(condition_toys.recipe_of("plain-linear"), [43, 18, 11])
    condition.fields[:] = [[0, 1], [2, 0], [1, 1]]
    cut = pieces([Span(0, 0, 300), Span(1, 39, 120), Span(2, 3, 77)], longest, condition_toys.HOP)
    return Crops(sound, cut, EIGHT_BITS, 15, condition=condition, **options)


class Numbered:
    """Sentences of one phone, which says which clip it is of."""

    def columns(self, sound: int) -> np.ndarray:
        return np.full((1, 18), sound, np.float32)

    def log_lengths(self, sound: int) -> tuple[np.ndarray, np.ndarray]:
        return np.full(1, sound, np.float32), np.ones(1, bool)


def test_a_training_batch_comes_with_the_sentences_of_its_clips_also_where_it_is_shared_and_noisy() -> None:
    crops = told_crops(20, noise=2.0)
    assert crops.condition is not None and crops.training(3, 4, 6).said is None
    told = condition_toys.told_of(condition_toys.recipe_of("phones"), [43, 18, 11])
    crops.condition = replace(told, sentences=Numbered())
    whole = crops.training(3, 4, 6)
    assert whole.said is not None
    clips = whole.said.lengths[:, 0].tolist()
    assert {0.0} < set(clips) <= {0.0, 1.0, 2.0} and (whole.said.phones[:, 3, 0] == whole.said.lengths[:, 0]).all()
    rows = crops._window(3, 0, 6)[4]
    assert clips == crops.table[rows, 0].tolist()
    part = crops.training(3, 4, 6, (1, 2))
    assert part.said is not None and part.said.lengths[:, 0].tolist() == clips[1::2]
    assert crops.batch(np.arange(2)).said is None


@pytest.mark.parametrize(("longest", "width"), [(20, None), (20, 20 + condition_toys.HOP - 1), (3, None), (999, None)])
def test_every_target_comes_with_what_is_told_of_its_own_sample(longest: int, width: int | None) -> None:
    crops, hop = told_crops(longest, width=width), condition_toys.HOP
    batch, condition = crops.batch(np.arange(len(crops.table))), crops.condition
    told = batch.feed.told
    assert condition is not None and told is not None and told.steps == batch.feed.codes.shape[1]
    assert width is None or batch.targets.shape[1] == width
    seen = Counter[tuple[int, int]]()
    for row, (clip, _, _) in enumerate(crops.table.tolist()):
        (places,) = np.nonzero(batch.targets[row] != IGNORED)
        samples = told.first[row] + crops.context - 1 + places  # the steps that draw the targets
        seen.update((clip, at) for at in samples.tolist())
        codes = EIGHT_BITS.encode(crops.sound.read(clip, 0, 300))
        assert np.array_equal(batch.targets[row, places], codes[samples])
        assert np.array_equal(batch.feed.codes[row, places + crops.context - 1][1:], codes[samples - 1][1:])
        alone = condition.window([clip], [int(told.first[row])], told.steps)
        assert np.array_equal(told.tracks[row], alone.tracks[0]) and np.array_equal(told.fields[row], alone.fields[0])
    assert len(set((told.first % hop).tolist())) == 1
    assert seen == Counter([*((0, at) for at in range(300)), *((1, at) for at in range(39, 120))]) + Counter(
        (2, at) for at in range(3, 77)
    )


def test_spans_inside_a_file_see_what_lies_before_them() -> None:
    sound = sound_of([noise(100, 1), noise(200, 2)])
    crops = Crops(sound, pieces([Span(1, 120, 140)], 8), EIGHT_BITS, 30)
    codes = EIGHT_BITS.encode(sound.read(1, 0, 200))
    np.testing.assert_array_equal(crops.batch(np.array([0])).feed.codes[0], codes[90:125])
    np.testing.assert_array_equal(np.sort(targets(crops.in_order(2))), np.sort(codes[120:140]))


# --- training --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_share_a_batch_without_a_rest(processes: int) -> None:
    crops = crops_of(sound_of([noise(300), noise(120, 1), noise(77, 2)]), 20)
    for step in range(20):
        whole = crops.training(5, step, 2 * processes)
        parts = [crops.training(5, step, 2 * processes, (i, processes)) for i in range(processes)]
        assert [len(part.targets) for part in parts] == [2] * processes
        together = sorted(targets([part]).tobytes() for one in parts for part in rows(one))
        assert together == sorted(targets([part]).tobytes() for part in rows(whole))


def test_processes_share_what_is_told_and_heard_and_the_noise() -> None:
    crops = told_crops(width=40, unknown=0.3, predicted=0.5, noise=3.0)
    for step in range(20):
        whole = crops.training(5, step, 4)
        for i in range(2):
            part, own = crops.training(5, step, 4, (i, 2)), slice(i, None, 2)
            assert np.array_equal(part.feed.codes, whole.feed.codes[own])
            assert np.array_equal(part.predicted, whole.predicted[own])
            for name, value in vars(whole.feed.told.of(own)).items():
                assert np.array_equal(getattr(part.feed.told, name), value), name


def test_whole_sounds_are_heard_besides_and_nothing_of_another_split(monkeypatch: pytest.MonkeyPatch) -> None:
    made, hop = told_crops(sounds=3), condition_toys.HOP
    condition = made.condition
    assert condition is not None
    heard = made.training(5, 1, 4).heard
    assert heard is not None
    for name, value in vars(condition.window([0] * 3, [0] * 3, 43 * hop)).items():  # the others are split
        assert np.array_equal(getattr(heard, name), value), name
    monkeypatch.setattr(crops_module, "MOST_FRAMES", 10)
    parts = [made.training(5, step, 8, (i, 2)).heard for step in range(40) for i in range(2)]
    firsts = np.concatenate([part.first for part in parts if part is not None])
    assert len(firsts) == 240 and all(part is not None and part.steps == 10 * hop for part in parts)
    assert set((firsts // hop).tolist()) == set(range(34)) and not (firsts % hop).any()
    cut = Crops(made.sound, pieces([Span(1, 39, 120)], 20, hop), EIGHT_BITS, 15, condition=condition, sounds=3)
    assert cut.training(5, 1, 4).heard is None and told_crops().training(5, 1, 4).heard is None


def test_shares_of_pieces_are_told_nothing_or_not_one_thing_or_hear_predicted_tracks() -> None:
    crops, count = told_crops(unknown=0.2, predicted=0.35), 2_000
    told = [crops.training(3, step, 8) for step in range(count // 8)]
    fields = np.concatenate([batch.feed.told.fields for batch in told])
    tracks = np.concatenate([batch.feed.told.tracks[..., -2:].min(axis=1) for batch in told])  # 1: in no frame known
    heard = np.concatenate([batch.predicted for batch in told])
    missing = np.concatenate([fields == [3, 2], tracks == 1], axis=1)  # speaker, label; clock, array

    def is_about(share: float, flags: np.ndarray) -> bool:
        return bool((abs(flags.mean(axis=0) - share) < 4 * np.sqrt(share * (1 - share) / count)).all())

    assert is_about(0.2 + 0.8 * 0.2, missing)
    assert is_about(0.2 + 0.8 * 0.2**4, missing.all(axis=1)) and is_about(0.8 * 0.8**4, ~missing.any(axis=1))
    assert is_about(0.35, heard) and is_about(0.35, heard[missing.all(axis=1)])
    plain = told_crops().training(3, 0, 8)
    assert not plain.predicted.any() and not plain.feed.told.tracks[..., -2:].all(axis=1).any()


def test_noise_moves_the_past_and_neither_targets_nor_start() -> None:
    clean, noisy = told_crops(), told_crops(noise=4.0)
    moved, start = [], EIGHT_BITS.starts(1)[0]
    for step in range(40):
        one, other = clean.training(5, step, 4), noisy.training(5, step, 4)
        assert np.array_equal(one.targets, other.targets)
        assert np.array_equal(one.feed.codes == start, other.feed.codes == start)
        away = np.where(one.feed.codes == start, np.nan, other.feed.codes - one.feed.codes)
        assert other.feed.codes.min() >= 0
        moved += np.nanstd(away, axis=1).tolist()
    assert min(moved) < 0.5 and 3.0 < max(moved) < 5.0 and 1.6 < np.mean(moved) < 2.4  # levels from none to 4


def rows(batch: Batch) -> list[Batch]:
    return [Batch(Feed(batch.feed.codes[i : i + 1]), batch.targets[i : i + 1]) for i in range(len(batch.targets))]


def test_a_batch_is_a_function_of_seed_and_step_alone() -> None:
    sound = sound_of([noise(300 + 7 * i, seed=i) for i in range(9)])
    in_order = crops_of(sound, 40)
    batches = {step: in_order.training(3, step, 4) for step in range(70)}
    for step in (69, 0, 17, 16, 64, 15):
        assert same(crops_of(sound, 40).training(3, step, 4), batches[step])
    backwards = crops_of(sound, 40)
    assert all(same(backwards.training(3, step, 4), batches[step]) for step in reversed(range(70)))


def test_seeds_steps_and_epochs_give_other_batches() -> None:
    crops = crops_of(sound_of([noise(64 * 20)]), 20)  # 64 pieces: an epoch is one window of 16 batches of 4
    seen = [crops.training(seed, step, 4).targets.tobytes() for seed in (0, 1, 2**63 - 1) for step in range(48)]
    assert len(set(seen)) == 3 * 48


@given(st.integers(1, 90), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**32))
@sweep
def test_after_any_window_no_piece_is_ahead_by_more_than_one(pieces: int, size: int, windows: int, seed: int) -> None:
    crops = crops_of(sound_of([DISTINCT[:pieces]]), 1, FINE)
    steps = windows * WINDOW_BATCHES
    seen = Counter(targets(crops.training(seed, step, size) for step in range(steps)).tolist())
    assert sum(seen.values()) == steps * size
    counts = [seen[code] for code in FINE.encode(DISTINCT[:pieces] / np.float32(FULL)).tolist()]
    assert max(counts) - min(counts) <= 1


def test_batches_hold_pieces_of_like_length_and_little_padding() -> None:
    sound = sound_of([noise(10 + 3 * i, seed=i) for i in range(64)])
    crops = crops_of(sound, 1_000)
    batches = [crops.training(0, step, 4) for step in range(16)]
    padded = sum(int((batch.targets == IGNORED).sum()) for batch in batches)
    assert padded == 16 * (9 + 6 + 3)  # four neighbours in length, 3 samples apart
    assert [batch.targets.shape[1] for batch in batches] != sorted(batch.targets.shape[1] for batch in batches)


def test_every_sample_is_equally_likely_whatever_the_length_of_its_file() -> None:
    sound = sound_of([DISTINCT[:3], DISTINCT[3:20], DISTINCT[20:90]])
    crops = crops_of(sound, 10, FINE)  # pieces of 3, 8, 9 and 10 samples
    steps = 16 * len(crops.table)
    seen = Counter(targets(crops.training(5, step, 2) for step in range(steps)).tolist())
    assert len(seen) == 90 and set(seen.values()) == {32}


# --- in order --------------------------------------------------------------------------------------------------------


def test_in_order_gives_all_longest_first() -> None:
    sound = sound_of([noise(10 + 3 * i, seed=i) for i in range(23)])
    crops = crops_of(sound, 40)
    batches = list(crops.in_order(4))
    assert [len(batch.targets) for batch in batches] == [4] * (len(crops.table) // 4) + [len(crops.table) % 4]
    widths = [batch.targets.shape[1] for batch in batches]
    assert widths == sorted(widths, reverse=True)
    whole = np.concatenate([EIGHT_BITS.encode(sound.read(i, 0, length)) for i, length in enumerate(sound.lengths)])
    np.testing.assert_array_equal(np.sort(targets(batches)), np.sort(whole))


@given(st.integers(1, 60), st.integers(1, 900), st.integers(1, 9))
@sweep
def test_in_order_takes_about_as_many_targets_as_asked_for(pieces: int, most: int, size: int) -> None:
    values = DISTINCT[: 10 * pieces]
    crops = crops_of(sound_of([values]), 10, FINE)
    taken = targets(crops.in_order(size, most))
    assert len(set(taken.tolist())) == len(taken)
    assert abs(len(taken) - min(most, len(values))) <= 10
    np.testing.assert_array_equal(taken, targets(crops_of(sound_of([values]), 10, FINE).in_order(size, most)))


def test_a_share_in_order_is_spread_over_the_table() -> None:
    values = DISTINCT[:1_000]
    taken = targets(crops_of(sound_of([values]), 10, FINE).in_order(4, 100))
    places = np.flatnonzero(np.isin(FINE.encode(values / np.float32(FULL)), taken))
    assert len(places) == 100 and np.diff(places).max() == 91


def test_an_empty_split_gives_no_batch() -> None:
    assert list(Crops(sound_of([noise(9)]), [], EIGHT_BITS, 7).in_order(4)) == []


# --- level and tail --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [LevelConfig(rms=0.1), LevelConfig(peak=0.5), LevelConfig()])
def test_each_clip_has_the_level_of_the_recipe(level: LevelConfig) -> None:
    clips = [noise(1_000, 1) // 2, noise(700, 2) // 20, noise(900, 3) // 200]
    sound = sound_of(clips, level)
    for i, samples in enumerate(clips):
        wave = sound.read(i, 0, len(samples))
        if level.rms:
            assert np.sqrt(np.mean(wave.astype(float) ** 2)) == pytest.approx(0.1, rel=1e-4)
        elif level.peak:
            assert np.abs(wave).max() == pytest.approx(0.5, rel=1e-5)
        else:
            np.testing.assert_array_equal(wave * FULL, samples)


def test_what_a_gain_lifts_beyond_full_scale_is_clipped_and_counted() -> None:
    samples = np.array([100, -100, 16_000, -16_000, 8_000, 100], np.int16)
    sound = sound_of([samples], LevelConfig(rms=1.0))
    scaled = samples * (1.0 / np.sqrt(np.mean((samples / FULL) ** 2))) / FULL
    np.testing.assert_allclose(sound.read(0, 0, 6), scaled.clip(-1, 1), rtol=1e-5)
    counts, over = sound.code_counts(wholes(sound), EIGHT_BITS)
    assert over == int((np.abs(scaled) > 1).sum()) == 2
    assert counts[0] == counts[255] == 1


@pytest.mark.parametrize("level", [LevelConfig(rms=0.08), LevelConfig(peak=0.5), LevelConfig()])
def test_the_level_is_applied_to_what_a_file_holds_and_what_it_leaves_beyond_is_clipped(
    tmp_path: Path, level: LevelConfig
) -> None:
    wave = np.random.default_rng(0).normal(0, 0.2, 900)
    for name, factor in (("a", 1.0), ("b", 20_000.0)):  # the same sound, once on the scale of 16 bits
        soundfile.write(tmp_path / f"{name}.wav", factor * wave, 8_000, subtype="DOUBLE")
    made = cache.prepare(folders.open_folder(tmp_path).clips, 8_000, None, tmp_path / "cache")
    sound = Sound(made, level, tail=0)
    plain, loud = (sound.read(clip, 0, 900) for clip in (0, 1))
    _, over = sound.code_counts(wholes(sound), EIGHT_BITS)
    if level == LevelConfig():
        np.testing.assert_allclose(loud, np.clip(20_000 * wave, -1, 1), atol=0.01)
        assert over == sound.clipped()[0].samples == int((np.abs(20_000 * wave) > 1).sum())
    else:
        np.testing.assert_allclose(loud, plain, atol=1e-4)
        assert over == 0 and sound.clipped() == [] and 0.07 < np.sqrt(np.mean(loud**2)) < 0.6


def test_what_is_clipped_is_named_with_the_worst_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crops_module, "COUNTED_SAMPLES", 64)
    spiky = [np.full(500, 100, np.int16) for _ in range(4)]
    spiky[1][:5], spiky[3][[3, 490]] = 30_000, -30_000
    sound = sound_of(spiky, LevelConfig(rms=0.5))
    assert sound.clipped() == [Clipped("1", 5, 0.01), Clipped("3", 2, 0.004)]
    assert sound.code_counts(wholes(sound), EIGHT_BITS)[1] == 7
    assert sound_of(spiky, LevelConfig(rms=0.01)).clipped() == []


@pytest.mark.parametrize("peak", [29_491, 31_111, 32_767, 20_001])
def test_a_peak_brought_to_full_scale_is_not_clipped(peak: int) -> None:
    sound = sound_of([np.array([0, peak, -peak, 7], np.int16)], LevelConfig(peak=1.0))
    assert sound.clipped() == [] and sound.code_counts(wholes(sound), EIGHT_BITS)[1] == 0


def test_a_clip_ends_in_its_tail_and_not_in_the_next_clip() -> None:
    sound = sound_of([noise(20, 1), noise(30, 2)], tail=10)
    assert sound.lengths == [20, 30]
    assert (sound.read(0, 20, 30) == 0).all() and (sound.read(0, 25, 30) == 0).all()
    np.testing.assert_array_equal(sound.read(0, 15, 25) * FULL, [*noise(20, 1)[15:], *[0] * 5])
    np.testing.assert_array_equal(sound.read(1, 0, 30) * FULL, noise(30, 2))


def test_training_targets_the_tail_behind_a_whole_clip_alone() -> None:
    sound = sound_of([noise(20, 1), noise(30, 2)], tail=10)
    assert sound.with_tails([Span(0, 0, 20), Span(1, 0, 12), Span(1, 20, 30)]) == [
        *(Span(0, 0, 30), Span(1, 0, 12), Span(1, 20, 40))
    ]
    assert sound_of([noise(20, 1)]).with_tails([Span(0, 0, 20)]) == [Span(0, 0, 20)]


@given(st.integers(0, 39), st.integers(0, 40))
@sweep
def test_any_part_of_a_clip_is_that_part_of_the_whole(first: int, count: int) -> None:
    sound = sound_of([noise(20, 1), noise(30, 2)], LevelConfig(peak=0.3), tail=10)
    last = min(first + count, 40)
    np.testing.assert_array_equal(
        sound.read(1, first, max(first, last)), sound.read(1, 0, 40)[first : max(first, last)]
    )


@given(
    st.integers(0, 39),
    st.integers(0, 40),
    st.floats(0.0, 0.97),
    st.sampled_from([LevelConfig(peak=0.3), LevelConfig(rms=0.9)]),  # the latter clips
)
@sweep
def test_codes_of_any_part_of_a_clip_are_those_of_the_whole(
    first: int, count: int, share: float, level: LevelConfig
) -> None:
    sound, alphabet = sound_of([noise(20, 1), noise(30, 2)], level, tail=10), Categorical(256, preemphasis=share)
    last, whole = max(first, min(first + count, 40)), alphabet.encode(sound.read(1, 0, 40))
    assert np.array_equal(sound.codes(1, first, last, alphabet), whole[first:last])


# --- counts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alphabet", [EIGHT_BITS, Categorical(2), FINE, EMPHASISED], ids=str)
@pytest.mark.parametrize("level", [LevelConfig(rms=0.9), LevelConfig(peak=0.2), LevelConfig()])
def test_code_counts_are_those_of_a_plain_count(
    alphabet: Categorical, level: LevelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crops_module, "COUNTED_SAMPLES", 30_000)
    loud_and_quiet = [noise(70_000, 1) // 3, noise(300, 2) // 40, noise(65_537, 3), noise(65_536, 4) // 2]
    sound = sound_of(loud_and_quiet, level, tail=90)
    chosen = [Span(0, 0, 70_090), Span(1, 0, 390), Span(1, 20, 60), Span(1, 350, 380), Span(2, 0, 65_537)]
    chosen += [Span(2, 65_500, 65_600), Span(3, 0, 65_626), Span(0, 3, 69_000), Span(3, 5, 5)]
    counts, over = sound.code_counts(chosen, alphabet)
    wholes = [alphabet.encode(sound.read(span.clip, 0, span.last)) for span in chosen]
    codes = np.concatenate([whole[span.first :] for span, whole in zip(chosen, wholes, strict=True)])
    plain = np.bincount(codes, minlength=alphabet.size)
    np.testing.assert_array_equal(counts, plain)
    scaled = [loud_and_quiet[span.clip][span.first : span.last] * sound.gains[span.clip] / FULL for span in chosen]
    assert over == sum(int((np.abs(wave) > 1.000_000_1).sum()) for wave in scaled)


def test_nothing_counts_nothing() -> None:
    counts, over = sound_of([noise(9)]).code_counts([], EIGHT_BITS)
    assert counts.sum() == over == 0 and counts.shape == (256,)


# --- much sound ------------------------------------------------------------------------------------------------------

LONG = """
import json, os, resource, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from wavenet import outputs
from wavenet.audio import crops
from wavenet.audio.cache import Cache
from wavenet.audio.decode import Entry
from wavenet.audio.splits import Span
from wavenet.recipe.records import LevelConfig

folder, hours, counted, rate = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), 16_000
hour = 3_600 * rate
(folder / "pcm.int16").touch()
os.truncate(folder / "pcm.int16", 2 * hours * hour)
with (folder / "pcm.int16").open("r+b") as file:
    file.seek(2 * (hours * hour - rate))
    file.write(np.arange(-rate // 2, rate // 2, dtype=np.int16).tobytes())
entries = tuple(Entry(f"{i}", None, i * hour, hour, rms=0.1, peak=0.5) for i in range(hours))
alphabet = outputs.Categorical(256)

def used():  # of this process alone: what `resource` says includes what began it
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def run(sound, clips):
    cut = crops.pieces(sound.with_tails([Span(clip, 0, hour) for clip in clips]), 16_384)
    made = crops.Crops(sound, cut, alphabet, 5_000)
    made.batch(np.arange(len(made.table) - 8, len(made.table)))
    return made

run(crops.Sound(Cache(folder, rate, entries), LevelConfig(), 100), [hours - 1])
before = used()
sound = crops.Sound(Cache(folder, rate, entries), LevelConfig(), 100)
crops = run(sound, range(hours))
batch = crops.training(0, 1, 8)
far = crops.batch(np.arange(len(crops.table) - 8, len(crops.table)))
several = used()
counts, over = sound.code_counts([Span(clip, 0, hour) for clip in range(hours - counted, hours)], alphabet)
assert counts.sum() == counted * hour and over == 0, counts
assert len(np.unique(far.targets)) > 100 and batch.feed.codes.shape[0] == 8
print(json.dumps([several - before, used() - several]))
"""


@pytest.mark.parametrize(
    ("hours", "counted"), [(200, 1), pytest.param(200, 20, marks=pytest.mark.slow, id="20 of 200 hours counted")]
)
@pytest.mark.skipif(sys.platform == "win32", reason="no resource module on Windows")
def test_two_hundred_hours_cost_little_more_memory_than_two(tmp_path: Path, hours: int, counted: int) -> None:
    used = {}
    for some in (2, hours):
        (tmp_path / str(some)).mkdir()
        command = [sys.executable, "-c", LONG, str(tmp_path / str(some)), str(some), str(min(some, counted))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        used[some] = [kilobytes / 1_024 for kilobytes in json.loads(done.stdout)]
    print(used)
    few, many = used[2], used[hours]
    assert many[0] - few[0] < 60  # MB: the table of 700,000 pieces and one epoch's order
    assert many[1] < 60 and few[1] < 60  # counting goes by in blocks, however much there is
