"""A window holds the frames of its steps; beyond the sound, and where they are not told, those that say *unknown*."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from condition_toys import HOP, forms, recipe_of, told_of
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.geometry import frames_between
from wavenet.outputs import Arrays, Condition, Flags, Floats, Said, feed, none_around

UNKNOWN = [0.0] * 11 + [1.0] * 2  # clock of 3 + 6, array of 2; then whether each is unknown


@settings(max_examples=40)
@given(st.integers(-60, 90), st.integers(0, 50), st.sampled_from(["plain-repeat", "pooled-linear", "none-linear"]))
def test_a_window_holds_the_frames_of_its_steps_and_those_around_them(first: int, steps: int, form: str) -> None:
    condition = told_of(recipe_of(form), [9, 6])
    shape, tracks = condition.shape, condition.tracks
    assert tracks is not None
    window = condition.window([1, 0], [first, first + 3], steps)
    assert (window.first.tolist(), window.steps, window.reach) == ([first, first + 3], steps, shape.reach)
    assert window.fields.tolist() == condition.fields[[1, 0]].tolist() and window.frames.tolist() == [6, 9]
    for row, (sound, step) in enumerate(((1, first), (0, first + 3))):
        begin, end = frames_between(step, step + steps, HOP, shape.linear)
        held = step // HOP - int(shape.linear) - shape.reach  # the first frame of the window
        assert not steps or (held <= begin - shape.reach and end + shape.reach <= held + window.tracks.shape[1])
        for at, frame in enumerate(window.tracks[row], held):
            inside = 0 <= at < window.frames[row]
            expected = [*tracks.read(sound, at, at + 1)[0], 0, 0] if inside else UNKNOWN
            assert frame.tolist() == pytest.approx(expected)
        # only a pooled encoder looks at a mean; else a long sound would be read for every window
        mean = [*tracks.read(sound, 0, 99).mean(axis=0), 0, 0] if shape.pooled else UNKNOWN
        assert window.mean[row].tolist() == pytest.approx(mean, abs=1e-6)
    assert window.tracks.dtype == window.mean.dtype == np.float32 and window.fields.dtype == np.int64


def test_what_is_dropped_is_unknown_and_where_all_tracks_are_there_are_no_frames() -> None:
    condition = told_of(recipe_of("none-repeat"), [9, 6, 8])
    dropped = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [0, 0, 1, 1]], bool)  # speaker, label; clock, array
    pooled = told_of(recipe_of("pooled-repeat"), [9, 6, 8])
    plain, window = condition.window([0, 1, 2], [0] * 3, 20), condition.window([0, 1, 2], [0] * 3, 20, dropped)
    assert np.array_equal(window.fields, np.where(dropped[:, :2], [3, 2], condition.fields))
    assert window.frames.tolist() == [9, 6, 0]
    for kept, other, signs, row in ((slice(0, 9), slice(9, 11), [0, 1], 0), (slice(9, 11), slice(0, 9), [1, 0], 1)):
        averaged, all_told = (pooled.window([0, 1, 2], [0] * 3, 20, *some).mean[row][None] for some in ((dropped,), ()))
        for held, whole in ((window.tracks[row], plain.tracks[row]), (averaged, all_told)):
            assert np.array_equal(held[:, kept], whole[:, kept]) and not held[:, other].any()
            assert held[:, 11:].tolist() == [signs] * len(held)
    assert window.tracks[2].tolist() == [UNKNOWN] * window.tracks.shape[1] and window.mean[2].tolist() == UNKNOWN
    hidden = Condition(condition.shape, condition.fields, condition.tracks, dropped[:, 2:])
    assert np.array_equal(hidden.window([0, 1, 2], [0] * 3, 20).tracks, window.tracks)
    assert hidden.of([2, 1]).window([0, 1], [0] * 2, 20).frames.tolist() == [0, 6]


@forms
def test_nothing_is_every_field_and_track_unknown(form: str) -> None:
    condition = told_of(recipe_of(form))
    shape, told = condition.shape, condition.shape.told
    dropped = np.ones((2, len(told.fields) + len(told.tracks)), bool)
    nothing = Condition.nothing(shape, 2).window([1, 0], [-4, 9], 30)
    for name, value in vars(condition.window([2, 1], [-4, 9], 30, dropped)).items():
        assert np.array_equal(value, getattr(nothing, name)), name
    assert nothing.fields.tolist() == [[size for _, size in told.fields]] * 2


def test_sounds_and_rows_are_picked_in_any_order() -> None:
    condition = told_of(recipe_of("plain-linear"), [9, 6, 8])
    whole = condition.window([2, 0, 2], [5, 40, 5], 30)
    picked = condition.of([2, 0]).window([0, 1, 0], [5, 40, 5], 30)
    for name, value in vars(whole).items():
        assert np.array_equal(value, getattr(picked, name)), name
        assert np.array_equal(getattr(whole.of(slice(1, 3)), name), value if np.ndim(value) == 0 else value[1:]), name
    rows = whole.of(np.array([2, 1]))
    assert rows.first.tolist() == [5, 40] and np.array_equal(rows.tracks, whole.tracks[[2, 1]])


@forms
def test_a_part_of_a_window_is_the_window_of_these_steps(form: str) -> None:
    condition = told_of(recipe_of(form), [9, 6, 8])
    hop = condition.shape.hop
    whole = condition.window([2, 0, 1], [5, -6, 13], 61)  # at other places of their frames
    for first, last in ((0, 61), (0, 1), (4 * hop, 5 * hop), (4 * hop, 61), (hop, hop + 2), (2 * hop, 2 * hop)):
        part = condition.window([2, 0, 1], [5 + first, -6 + first, 13 + first], last - first)
        for name, value in vars(whole.part(first, last, condition.shape)).items():
            assert np.array_equal(value, getattr(part, name)), name


def test_arrays_are_read_as_they_are() -> None:
    values = [np.arange(8, dtype=np.float32).reshape(4, 2), np.ones((1, 2), np.float32)]
    held = Arrays(values)
    assert (held.frames(0), held.frames(1)) == (4, 1) and held.read(0, 1, 3).tolist() == [[2, 3], [4, 5]]


def test_the_mean_of_a_long_sound_is_read_a_piece_at_a_time_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counted(Arrays):
        asked: ClassVar[list[tuple[int, int]]] = []

        def read(self, sound: int, first: int, last: int) -> Floats:
            self.asked.append((first, last))
            return super().read(sound, first, last)

    monkeypatch.setattr(feed, "PIECE", 4)
    told = told_of(recipe_of("pooled-repeat"), [9])
    assert told.tracks is not None
    values = told.tracks.read(0, 0, 9)
    counted = Condition(told.shape, told.fields, Counted([values]))
    for step in (0, 4):
        assert counted.window([0], [step], 1).mean[0, :11] == pytest.approx(values.mean(axis=0), abs=1e-6)
    assert max(last - first for first, last in Counted.asked) == 4
    assert Counted.asked.count((4, 8)) == Counted.asked.count((8, 9)) == 1  # and no window reads just these


class Two:
    """Sentences of two and of three phones, of which the first and, of the longer one, the last are not learned."""

    def columns(self, sound: int) -> Floats:
        return np.arange(2 * (2 + sound), dtype=np.float32).reshape(-1, 2) + 10 * sound

    def log_lengths(self, sound: int) -> tuple[Floats, Flags]:
        return np.arange(2 + sound, dtype=np.float32) - 5, np.array([False, True, False])[: 2 + sound]


def test_sentences_stand_side_by_side_with_nothing_around_them() -> None:
    said = Said.of(Two(), [1, 0, 1], 1)
    none = [0, 0, 1]
    assert said.phones[0].tolist() == [none, [10, 11, 0], [12, 13, 0], [14, 15, 0], none]
    assert said.phones[1].tolist() == [none, [0, 1, 0], [2, 3, 0], none, none]
    assert said.mean.tolist() == [[12, 13, 0], [1, 2, 0], [12, 13, 0]]
    assert said.lengths.tolist() == [[0, -4, 0]] * 3 and said.lengths.dtype == np.float32
    assert said.learned.tolist() == [[False, True, False]] * 3
    assert np.array_equal(none_around(Two().columns(0), 0, 2), [[0, 1, 0], [2, 3, 0], none, none])


def test_sentences_are_asked_for_by_a_network_of_durations_alone() -> None:
    plain, phones = (told_of(recipe_of(form), [9, 6]) for form in ("acoustic", "phones"))
    assert plain.said([0]) is None and phones.said([0]) is None
    assert Condition(plain.shape, plain.fields, plain.tracks, sentences=Two()).said([0]) is None
    said = Condition(phones.shape, phones.fields, phones.tracks, sentences=Two()).said([1, 0])
    assert said is not None and said.phones.shape == (2, 3 + 2 * 3, 3)  # the network sees three phones either way
