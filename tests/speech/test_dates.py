"""Dates, years and times of the day as words."""

from __future__ import annotations

import pytest

from wavenet.speech import normal

pytestmark = pytest.mark.usefixtures("english")


@pytest.mark.parametrize(
    "text, words",
    [
        ("3 May", "the third of may"),
        ("on the 3rd of May, 2026", "on the third of may twenty twenty six"),
        ("3 May 2026", "the third of may twenty twenty six"),
        ("May 3", "may third"),
        ("May 3rd, 2026", "may third twenty twenty six"),
        ("Sept. 12", "september twelfth"),
        ("Dec. 1999", "december nineteen ninety nine"),
        ("last Feb. we", "last february we"),
        ("5/11/2026", "may eleventh twenty twenty six"),
        ("25/12/2026", "december twenty fifth twenty twenty six"),
        ("5/11/26", "may eleventh twenty six"),
        ("99/99/99", "ninety nine slash ninety nine slash ninety nine"),
        ("2026-05-11", "may eleventh twenty twenty six"),
        ("2026-99-11", "two thousand and twenty six to ninety nine to eleven"),
        ("in 1984", "in nineteen eighty four"),
        ("in 2026.", "in twenty twenty six"),
        ("1984's", "nineteen eighty four's"),
        ("1984-1990", "nineteen eighty four to nineteen ninety"),
        ("44 BC, AD 79, 1066 AD", "forty four b. c. a. d. seventy nine ten sixty six a. d."),
        ("1066", "one thousand and sixty six"),
        ("1980s, 1980's, '90s and 2000s", "nineteen eighties nineteen eighties nineties and two thousands"),
        ("May 30 people come", "may thirtieth people come"),  # known: a date is assumed
        ("I may 3", "i may three"),
    ],
)
def test_dates(text: str, words: str) -> None:
    assert [" ".join(sentence.words) for sentence in normal.read(text)] == [words]


@pytest.mark.parametrize(
    "text, words",
    [
        ("10:30", "ten thirty"),
        ("10:30 am", "ten thirty a. m."),
        ("10:05pm", "ten oh five p. m."),
        ("10:00", "ten o'clock"),
        ("10:00 A.M.", "ten a. m."),
        ("10am", "ten a. m."),
        ("at 5 p.m. today", "at five p. m. today"),
        ("22:00", "twenty two hundred hours"),
        ("22:30:01", "twenty two thirty and one second"),
        ("0:30", "zero thirty"),
        ("7 a.m.-5 p.m., 2:30pm\u20134pm", "seven a. m. to five p. m. two thirty p. m. to four p. m."),
        ("16:9", "sixteen to nine"),
        ("25:30", "twenty five to thirty"),
    ],
)
def test_times(text: str, words: str) -> None:
    assert [" ".join(sentence.words) for sentence in normal.read(text)] == [words]
