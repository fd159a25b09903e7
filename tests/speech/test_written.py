"""Abbreviations, addresses, Roman numerals and signs as words."""

from __future__ import annotations

import pytest

from wavenet.speech import normal

pytestmark = pytest.mark.usefixtures("english")


@pytest.mark.parametrize(
    "text, words",
    [
        ("Dr. Smith, Mr Jones, Mrs. Brown, Prof. X", "doctor smith mister jones missus brown professor x."),
        ("St. John's on Main St. yesterday", "saint john's on main street yesterday"),
        ("e.g. this, i.e. that, etc. vs. those", "for example this that is that et cetera versus those"),
        ("E.g. Smith et al. wrote", "for example smith and others wrote"),
        ("Acme Inc. and Co., Ltd. of Gen. Lee Jr.", "acme incorporated and company limited of general lee junior"),
        ("No. 5, p. 7, pp. 7-9, vol. 2, Fig. 3", "number five page seven pages seven to nine volume two figure three"),
        ("we wed.", "we wed"),
        ("The U.S. Army, Ph.D., J. R. R. Tolkien", "the u. s. army p. h. d. j. r. r. tolkien"),
        ("Mr. & Mrs. Smith, Esq., incl. Tom", "mister and missus smith esquire including tom"),
        ("w/o it, 24/7, 9/11", "without it twenty four seven nine eleven"),
    ],
)
def test_abbreviations(text: str, words: str) -> None:
    assert [" ".join(sentence.words) for sentence in normal.read(text)] == [words]


@pytest.mark.parametrize(
    "text, words",
    [
        ("me.too@example.com", "me dot too at example dot com"),
        ("https://www.a-site.org/b_c?d", "w. w. w. dot a. dash site dot org slash b. underscore c. question mark d."),
        ("(see bbc.co.uk)", "see bbc dot co dot uk"),
        ("song.mp3", "song dot m. p. three"),
        ("Mr.Smith is 3.5", "mister smith is three point five"),
    ],
)  # fmt: skip
def test_addresses(text: str, words: str) -> None:
    assert [" ".join(sentence.words) for sentence in normal.read(text)] == [words]


@pytest.mark.parametrize(
    "text, words",
    [
        ("Henry VIII", "henry the eighth"),
        ("Louis XIV of", "louis the fourteenth of"),
        ("Charles V", "charles the fifth"),
        ("ACT II", "act two"),
        ("World War II", "world war two"),
        ("Rocky IV", "rocky four"),
        ("Chapter XI", "chapter eleven"),
        ("Then I", "then i"),
        ("Anna XIIII", "anna x. i. i. i. i."),
    ],
)
def test_roman_numerals(text: str, words: str) -> None:
    assert [" ".join(sentence.words) for sentence in normal.read(text)] == [words]


@pytest.mark.parametrize(
    "text, words",
    [
        ("R&D", "r. and d."),
        ("C++ = 5", "c. plus plus equals five"),
        ("and/or", "and slash or"),
        ("#5 #tag @me", "number five hashtag tag at me"),
        ("*bold* _it_ `code` | x", "bold it code bar x."),
        ("5 < 6 > 2^3", "five less than six greater than two to the power of three"),
        ("a ~5 * b", "a about five asterisk b."),
        ("a\n=====\nb ----- c ***** d", "a b. c. d."),
        ("4x4 1920 x 1080", "four by four one thousand nine hundred and twenty by one thousand and eighty"),
        ("10-15, 5\u20136, 9 - 5", "ten to fifteen five to six nine minus five"),
        ("-7 (-8) x-9", "minus seven minus eight x. nine"),
        ("mp3 H2O 5G v2.0 top10 B2B", "m. p. three h. two o. five g. v. two point zero top ten b. two b."),
        ("3:1", "three to one"),
        ("5 x22", "five x. twenty two"),
    ],
)
def test_signs(text: str, words: str) -> None:
    assert [" ".join(sentence.words) for sentence in normal.read(text)] == [words]
