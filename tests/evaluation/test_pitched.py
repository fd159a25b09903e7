"""Notes are right within half a semitone of what was asked for, whatever training had of them."""

from __future__ import annotations

from pathlib import Path

import note_toys
import numpy as np
import pytest
import toys

from wavenet.audio.layouts import Clip
from wavenet.evaluation.pitched import Pitched, known_notes, measurable, pitched
from wavenet.generate.asked import Vocabulary

VALUES = {"pitch": ("57", "60"), "touch": ("hard", "soft")}
HAD = np.array([[0, 0, 600], [1, 1, 600], [1, 2, 600]])


def vocabulary_of(values: tuple[str, ...] = VALUES["pitch"]) -> Vocabulary:
    return Vocabulary(note_toys.recipe(), VALUES | {"pitch": values}, HAD)


def made_of(*pitches: float) -> list[np.ndarray]:
    return [note_toys.note(pitch, toys.RATE // 2, 0.4) for pitch in pitches]


def test_a_note_that_training_never_had_is_judged_as_any_other() -> None:
    wanted = [{"pitch": "57", "touch": "hard"}, {"pitch": "57", "touch": "soft"}, {"pitch": 64}, {"pitch": "58.5"}]
    found = pitched(vocabulary_of(), made_of(57.3, 57.7, 64, 58.1), wanted)
    assert found is not None and found.real is None
    assert (found.generated.right, found.generated.clips, found.new) == (3, 4, 3)
    beside = pitched(vocabulary_of(), made_of(60), [{"pitch": 60}], made_of(62, 65, 60), (62, 64, None))
    assert beside is not None and beside.real is not None and (beside.real.right, beside.real.clips) == (1, 2)
    assert (beside.generated.right, beside.new) == (1, 0)
    assert "in 1 of 1 (20.7 to 100.0 %), of held-out ones in 1 of 2. For 0 that was a comb" in str(beside)


def test_no_more_than_the_beginning_of_a_note_is_heard() -> None:
    (first,), (second,) = made_of(57), made_of(69)
    long = np.concatenate([*[first] * 3, *[second] * 9])  # 1.5 seconds, then 4.5
    found = pitched(vocabulary_of(), [long, long], [{"pitch": 57}, {"pitch": 69}])
    assert found is not None and found.generated.right == 1


@pytest.mark.parametrize("values", [("low", "high"), ("57", "440"), ()])
def test_values_that_are_no_notes_are_not_judged(values: tuple[str, ...]) -> None:
    assert pitched(vocabulary_of(values), made_of(57), [{"pitch": "57"}]) is None
    assert pitched(vocabulary_of(), made_of(57), [{"touch": "hard"}]) is None


def test_a_voice_without_sines_seeks_nothing_new() -> None:
    recipe = note_toys.recipe(tracks=note_toys.CLOCK)
    found = pitched(Vocabulary(recipe, VALUES, HAD), made_of(57), [{"pitch": "57", "touch": "soft"}])
    assert found == Pitched(found.generated, None, None) and "combination" not in str(found)  # type: ignore


def test_notes_of_real_clips_are_those_of_their_column_and_some_cannot_be_measured() -> None:
    clips = [Clip(Path("a"), "a", label="62"), Clip(Path("b"), "b"), Clip(Path("c"), "c", label="x")]
    assert known_notes(note_toys.recipe(), clips) == (62, None, None)
    assert known_notes(toys.recipe(), clips) == ()
    assert [measurable(note, 8_000) for note in (0, 21, 98, 99)] == [False, True, True, False]
    far = pitched(vocabulary_of(), made_of(57), [{"pitch": 57}], made_of(62, 62), (62, 120))
    assert far is not None and far.real is not None and far.real.clips == 1
