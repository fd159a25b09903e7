"""MIDI notes are numbers, and have a frequency each."""

from __future__ import annotations

import pytest

from wavenet.features.notes import hertz_of, note_of


@pytest.mark.parametrize(
    ("value", "note"),
    [
        *(("60", 60), (60, 60), ("60.5", 60.5), ("07", 7), (" 0 ", 0), (127.0, 127), ("128", None), (-1, None)),
        *(("C4", None), ("", None), (None, None), ("nan", None), ("inf", None), (True, None)),
    ],
)
def test_a_note_is_a_number_of_midi_s_range(value: object, note: float | None) -> None:
    assert note_of(value) == note


def test_an_octave_doubles_the_frequency_and_half_a_semitone_lies_between() -> None:
    assert hertz_of(69) == 440 and hertz_of(81) == 880
    assert hertz_of(60) == pytest.approx(261.6256, abs=1e-4)
    assert hertz_of(60.5) ** 2 == pytest.approx(hertz_of(60) * hertz_of(61))
