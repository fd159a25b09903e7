"""Spoken digits are told from drums in slots by who says which, not by the shape of a name."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.audio import spoken_digits


def matches(names: Iterable[str]) -> list[re.Match[str]]:
    found = [spoken_digits.PATTERN.search(name) for name in names]
    assert all(found)
    return [match for match in found if match]


def takes(digits: Iterable[object], speakers: Iterable[str], count: int) -> list[str]:
    speakers = list(speakers)
    return [f"{digit}_{who}_{take}" for digit in digits for who in speakers for take in range(count)]


@pytest.mark.parametrize(
    "names",
    [
        takes([7], ["theo"], 1),  # a single file of the data set
        takes("01", ["George", "Yu"], 12),  # with a speaker of one's own
        takes(range(10), ["american", "british", "female"], 8),
        takes(range(10), ["me"], 2),
        takes(range(10), ["ann", "bob"], 5)[3:],
    ],
)
def test_these_are(names: list[str]) -> None:
    assert spoken_digits.by_chance(matches(names)) is None


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["1_kick_1", "1_kick_2", "2_snare_1"], "2 of the ten digits"),
        (takes(range(1, 10), ["kick", "snare"], 9), "9 of the ten digits"),
        ([f"{slot}_drum{slot}_{hit}" for slot in range(10) for hit in range(9)], "not every speaker"),
        (takes(range(10), ["loop"], 1), "said once"),
    ],
)
def test_these_are_not(names: list[str], why: str) -> None:
    assert why in (spoken_digits.by_chance(matches(names)) or "")


@given(st.sets(st.sampled_from("abcdefgh"), min_size=1), st.sets(st.integers(0, 9), min_size=1), st.integers(1, 4))
def test_a_name_that_belongs_to_one_slot_is_never_a_speaker(drums: set[str], slots: set[int], hits: int) -> None:
    pairs = zip(sorted(slots), sorted(drums) * 10, strict=False)
    names = [f"{slot}_{drum}_{hit}" for slot, drum in pairs for hit in range(hits)]
    whose = {name.split("_")[1] for name in names}
    if len(whose) > 1 or len(slots) < 10:
        assert spoken_digits.by_chance(matches(names)) is not None


def test_takes_are_those_of_spoken_digits_alone() -> None:
    assert spoken_digits.takes(["flac/7_theo_12.flac", "0_a.b_3.wav"]) == [12, 3]
    assert spoken_digits.takes(["7_theo_12.flac", "other.wav"]) is None
    assert spoken_digits.takes(["1_kick_1.wav", "1_kick_7.wav"]) is None
    assert spoken_digits.takes([]) is None
