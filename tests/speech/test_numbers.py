"""Numbers as words."""

from __future__ import annotations

import sys

import pytest

from wavenet.errors import InputError
from wavenet.speech import normal, numbers

pytestmark = pytest.mark.usefixtures("english")


@pytest.mark.parametrize(
    "text, words",
    [
        ("0", "zero"),
        ("1,234.50", "one thousand two hundred and thirty four point five zero"),
        (".5", "point five"),
        ("007", "zero zero seven"),
        ("1" + 14 * "0", "one hundred trillion"),
        ("1234567890123456", "one two three four five six seven eight nine zero one two three four five six"),
    ],
)  # fmt: skip
def test_cardinals(text: str, words: str) -> None:
    assert numbers.cardinal(text) == words


def test_ordinals_years_and_decades() -> None:
    assert [numbers.ordinal(n) for n in (1, 2, 21, 100)] == ["first", "second", "twenty first", "one hundredth"]
    assert numbers.ordinal(10**20) == "number one" + 20 * " zero"
    assert numbers.year("1984") == "nineteen eighty four" and numbers.year("2026") == "twenty twenty six"
    assert numbers.decade("1980") == "nineteen eighties" and numbers.decade("90") == "nineties"


@pytest.mark.parametrize(
    "above, below, words",
    [(1, 2, "one half"), (3, 2, "three halves"), (2, 3, "two thirds"), (1, 4, "one quarter"), (3, 4, "three quarters"),
     (5, 16, "five sixteenths"), (1, 100, "one over one hundred"), (0, 2, "zero over two"), (3, 0, "three over zero")],
)  # fmt: skip
def test_fractions(above: int, below: int, words: str) -> None:
    assert numbers.fraction(above, below) == words


def test_roman_numerals() -> None:
    written = "I II III IV V VI VII VIII IX X XI XIV XIX XX XXIX XXX XXXIX"
    assert [numbers.roman(text) for text in written.split()] == [*range(1, 12), 14, 19, 20, 29, 30, 39]
    assert [numbers.roman(text) for text in ("", "IIII", "VX", "IC", "MIX", "ix")] == 6 * [None]


@pytest.mark.parametrize(
    "text, words",
    [
        ("the 1st, 22nd, 3RD and 1,000th", None),
        ("555-1234", "five five five, one two three four"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
        ("020 7946 0958", "zero two zero, seven nine four six, zero nine five eight"),
        ("978-3-16-148410-0", "nine seven eight, three, one six, one four eight four one zero, zero"),
        ("10 000 000", "ten million"),
        ("2.5e-3", "two point five times ten to the power of minus three"),
        ("1.2.3", "one point two point three"),
        ("192.168.0.1", "one hundred and ninety two point one hundred and sixty eight point zero point one"),
        ("+5", "plus five"),
    ],
)
def test_numbers_in_a_text(text: str, words: str | None) -> None:
    (sentence,) = normal.read(text)
    expected = words or "the first, twenty second, three r. d. and one thousandth"
    assert " ".join(sentence.words) == expected.replace(",", "")
    assert len(sentence.pauses) == expected.count(",") + 1


def test_without_its_package_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(
        InputError, match=r"to say the number 5 a package is missing: pip install 'wavenet-audio\[speech\]'"
    ):
        numbers.cardinal("5")
