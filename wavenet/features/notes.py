"""MIDI notes: 69 is the A of 440 Hz, each one more is a semitone higher; numbers between are pitches between."""

from __future__ import annotations

import math

A4_HZ, A4_NOTE = 440.0, 69
HIGHEST = 127
EXPECTED = f"a MIDI note, 0 to {HIGHEST} ({A4_NOTE} is {A4_HZ:g} Hz)"  # in errors


def note_of(value: object) -> float | None:
    """Return the note that a value of a field is; None where it is none."""
    try:
        note = float(str(value))
    except ValueError:
        return None
    return note if 0 <= note <= HIGHEST else None  # which NaN is not


def hertz_of(note: float) -> float:
    """Return the frequency of a note in Hz, in equal temperament.

    >>> round(hertz_of(60.5), 2)
    269.29
    """
    return A4_HZ * math.exp2((note - A4_NOTE) / 12)
