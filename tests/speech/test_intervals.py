"""Intervals become phones from the first sample to the last; what does not fit is named in a sentence."""

# ruff: noqa: RUF001 - letters of IPA
from __future__ import annotations

import pytest

from wavenet.errors import SoundError
from wavenet.speech import SILENCE, Phone
from wavenet.speech.intervals import Interval, aligned

PHONES = [(0.0, 0.1, "sil"), (0.1, 0.2, "AH0"), (0.2, 0.5, "n"), (0.5, 0.6, ""), (0.6, 0.9, "ɟː")]


def of(rows: list[tuple[float, float, str]]) -> list[Interval]:
    return [Interval(*row) for row in rows]


def test_gaps_and_what_is_called_nothing_are_pauses_and_names_stay_but_for_their_stress() -> None:
    words = of([(0.1, 0.5, "an"), (0.5, 0.6, ""), (0.6, 0.9, "gy")])
    for rows in (PHONES, [row for row in PHONES if row[2] not in ("", "sil")]):
        found = aligned(of(rows), words, 1.0, "a.TextGrid")
        sil = Phone(SILENCE)
        assert found.phones == (sil, Phone("AH", 0, 0), Phone("n", 0, 0), sil, Phone("ɟː", 0, 1), sil)
        assert found.ends == (0.1, 0.2, 0.5, 0.6, 0.9, 1.0)
    stressed = aligned(of([(0.0, 0.5, "AH1"), (0.5, 1.0, "T2")]), [], 1.0, "a")
    assert stressed.phones == (Phone("AH", 1, 0), Phone("T2", 0, 0))  # of no vowel's name
    letters = aligned(of([(0.0, 0.5, "ˈaː"), (0.5, 1.0, "c\u0327")]), [], 1.0, "a")
    assert letters.phones == (Phone("aː", 1, 0), Phone("\u00e7", 0, 0))


def test_without_words_each_run_between_pauses_counts_as_one() -> None:
    assert [phone.word for phone in aligned(of(PHONES), [], 1.0, "a").phones] == [-1, 0, 0, -1, 1, -1]


def test_pauses_in_a_row_are_one_and_roundings_are_none() -> None:
    rows = [
        (0.0, 0.1, "_"),
        (0.1, 0.2, "<SIL>"),
        (0.2, 0.3, "SP"),
        (0.3, 0.5, "a"),
        (0.5004, 0.7, "b"),
        (0.69995, 0.9996, "c"),
    ]
    found = aligned(of(rows), [], 1.0, "a")
    assert [phone.name for phone in found.phones] == [SILENCE, "a", "b", "c"]
    assert found.ends == (0.3, 0.5004, 0.69995, 1.0)


def test_labels_may_end_within_the_last_frame_of_their_aligner() -> None:
    assert aligned(of([(0.0, 0.5, "a"), (0.5, 1.015, "b")]), [], 1.0, "a").ends == (0.5, 1.0)


@pytest.mark.parametrize(
    "rows, said",
    [
        ([(0.0, 0.5, "a"), (0.4, 0.9, "b")], "'b' lies from 0.400 to 0.900 s, expected it to begin behind"),
        ([(0.5, 0.9, "a"), (0.0, 0.5, "b")], "'b' lies from 0.000"),
        ([(0.0, 0.5, "a"), (0.5, 0.5, "b")], "and to last"),
        ([(-0.2, 0.5, "a")], "'a' lies from -0.200"),
        ([(0.0, 0.5, "a"), (0.5, 1.3, "b")], "lasts 1.30 s, longer than its sound of 1.00 s"),
        ([(0.0, 0.5, "a"), (0.5, 1.3, "")], "lasts 1.30 s, longer than its sound of 1.00 s"),
        ([(0.0, 0.999, "a"), (1.0, 1.01, "b")], "lasts 1.01 s, longer"),
        ([(0.0, 0.5, "a"), (0.5, 0.7, "spn")], "has an unknown word (spn) at 0.50 s"),
        ([(0.0, 0.5, "sil"), (0.5, 0.7, "")], "has no phones, only pauses"),
        ([], "has no phones, only pauses"),
    ],
)
def test_what_does_not_fit_is_said(rows: list[tuple[float, float, str]], said: str) -> None:
    with pytest.raises(SoundError) as caught:
        aligned(of(rows), [], 1.0, "a.TextGrid")
    assert said in str(caught.value) and str(caught.value).startswith("a.TextGrid")


def test_a_phone_in_no_word_is_said() -> None:
    with pytest.raises(SoundError, match=r"'b' at 0\.50 s lies in no word"):
        aligned(of([(0.0, 0.5, "a"), (0.5, 1.0, "b")]), of([(0.0, 0.5, "word")]), 1.0, "a")
