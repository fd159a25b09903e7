"""Phones and where they lie: what is refused, and what phrases are."""

from __future__ import annotations

import pytest

from wavenet.speech import SILENCE, Aligned, Phone
from wavenet.speech.phones import phrases

PAUSE, A, B = Phone(SILENCE), Phone("AH", 1, 0), Phone("B", 0, 0)


def test_each_phone_lasts_from_the_end_of_the_one_before() -> None:
    assert Aligned((PAUSE, B, A), (0.25, 0.5, 1.0)).seconds() == (0.25, 0.25, 0.5)


@pytest.mark.parametrize(
    "phones, ends",
    [
        ((), ()),
        ((A,), (1.0, 2.0)),
        ((A,), (0.0,)),
        ((A, B), (1.0, 1.0)),
        ((A,), (float("inf"),)),
        ((A,), (float("nan"),)),
    ],
)
def test_ends_that_do_not_rise_or_fit_are_refused(phones: tuple[Phone, ...], ends: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="phones"):
        Aligned(phones, ends)


def test_phrases_lie_between_pauses() -> None:
    assert phrases([PAUSE, A, B, PAUSE, PAUSE, B]) == [range(1, 3), range(5, 6)]
    assert phrases([A]) == [range(1)]
    assert phrases([PAUSE]) == phrases([]) == []
