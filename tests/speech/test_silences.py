"""A recording speaks from a little before its first phone to a little behind its last."""

from __future__ import annotations

import pytest

from wavenet.speech import Aligned, Phone
from wavenet.speech.silences import beyond, stretch

SIL, AH = Phone("sil"), Phone("AH", 1, 0)


@pytest.mark.parametrize(
    "phones, ends, expected",
    [
        ((SIL, AH, SIL, AH, SIL), (0.5, 0.6, 2.0, 2.1, 3.0), (0.45, 2.2)),
        ((SIL, AH, SIL), (0.04, 0.6, 0.65), (0.0, 0.65)),
        ((AH,), (0.3,), (0.0, 0.3)),
        ((SIL,), (0.3,), (0.0, 0.3)),
    ],
)
def test_inner_pauses_stay_and_ends_have_no_more_than_they_had(
    phones: tuple[Phone, ...], ends: tuple[float, ...], expected: tuple[float, float]
) -> None:
    found = Aligned(phones, ends)
    assert stretch(found) == pytest.approx(expected)
    assert beyond(found) == pytest.approx(ends[-1] - (expected[1] - expected[0]))
