"""Numbers as words."""

from __future__ import annotations

import re
from typing import Any

from wavenet.errors import InputError

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"  # 1,234.5
START, END = r"(?<![\w.])", r"(?![A-Za-z\d])"  # where numbers, and units behind them, begin and end
LONGEST = 15  # digits of the largest number that is said as one, below a quadrillion; longer ones digit by digit
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
PARTS = {2: ("half", "halves"), 4: ("quarter", "quarters")}
ROMAN = re.compile(r"(?=[IVX])(X{0,3})(IX|IV|V?I{0,3})")


def digits(text: str) -> str:
    """Return the digits of a text one by one: ``"007"`` is ``"zero zero seven"``."""
    return " ".join(DIGITS[int(digit)] for digit in text if digit.isdigit())


def cardinal(text: str) -> str:
    """Return a number as words, such as ``"1,234.50"``, ``"007"`` or ``".5"``."""
    whole, point, rest = text.replace(",", "").partition(".")
    if len(whole) > LONGEST or (len(whole) > 1 and whole[0] == "0"):
        words = digits(whole)
    else:
        words = _words(int(whole)) if whole else ""
    return f"{words} point {digits(rest)}".strip() if point else words


def ordinal(number: int) -> str:
    """Return a number as it is counted with: ``"twenty first"``."""
    return _words(number, "ordinal") if number < 10**LONGEST else f"number {digits(str(number))}"


def year(text: str) -> str:
    """Return four digits as a year is said: ``"nineteen eighty four"``."""
    return _words(int(text), "year")


def decade(text: str) -> str:
    """Return the years that begin with one that ends in 0: ``"1980"`` is ``"nineteen eighties"``."""
    words = year(text) if len(text) == 4 else cardinal(text)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def fraction(above: int, below: int) -> str:
    """Return a fraction as words: ``"two thirds"``, ``"one half"``, ``"22 over 100"`` where there is no word."""
    if not 2 <= below <= 20 or not 0 < above < 100:
        return f"{cardinal(str(above))} over {cardinal(str(below))}"
    one, more = PARTS.get(below, (ordinal(below), ordinal(below) + "s"))
    return f"{cardinal(str(above))} {one if above == 1 else more}"


def roman(text: str) -> int | None:
    """Return the value of a Roman numeral up to XXXIX, None for other text."""
    found = ROMAN.fullmatch(text)
    if found is None:
        return None
    ones = {"IX": 9, "IV": 4}.get(found[2], 5 * found[2].count("V") + found[2].count("I"))
    return 10 * len(found[1]) + ones


def counted(found: re.Match[str]) -> str:
    """Return a number such as ``"21st"`` as words."""
    return f"{ordinal(int(found[1].replace(',', '')))} "


def grouped(found: re.Match[str]) -> str:
    """Return digits that are written in groups, as of telephones, one by one with a pause behind each group."""
    plus = "plus " if found[0].startswith("+") else ""
    return plus + ", ".join(digits(group) for group in re.findall(r"\d+", found[0])) + " "


def spaced(found: re.Match[str]) -> str:
    """Return thousands that are written with spaces, such as ``"10 000"``, as words."""
    return cardinal(found[0].replace(" ", "")) + " "


def scientific(found: re.Match[str]) -> str:
    """Return a number such as ``"5e-3"`` as words."""
    sign = "minus " if found[2][0] == "-" else ""
    return f"{cardinal(found[1])} times ten to the power of {sign}{cardinal(found[2].lstrip('+-'))} "


def dotted(found: re.Match[str]) -> str:
    """Return numbers with points between, as of versions, as words: ``"one point two point three"``."""
    return " point ".join(cardinal(part) for part in found[0].split(".")) + " "


def plain(found: re.Match[str]) -> str:
    """Return a number as words."""
    return f" {cardinal(found[0])} "


GROUPED = (  # digits that are no number: those of telephones, cards and books
    r"\+(?=(?:[ .()-]*\d){8})\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,5}|\(\d{2,5}\) ?\d{3,4}(?:[ .-]?\d{3,4}){0,2}|"
    r"\d{3}[ .-]\d{3}[ .-]\d{4}|\d{3}-\d{4}|0\d{2,4} \d{3,4} \d{3,4}|\d{4}(?:[ -]\d{4}){3}|\d{1,5}(?:-\d{1,7}){3,4}"
)
RULES = (
    (rf"{START}(?:{GROUPED}){END}", grouped),
    (rf"{START}(\d{{1,3}}(?:,\d{{3}})+|\d+)(?:st|nd|rd|th)\b", counted),
    (rf"{START}({NUMBER})[eE]([+-]?\d{{1,3}}){END}", scientific),
    (rf"{START}\d{{1,3}}(?: 000){{1,4}}{END}", spaced),
    (rf"{START}\d{{1,9}}(?:\.\d{{1,9}}){{2,8}}{END}", dotted),
)
LAST = ((rf"{NUMBER}|(?<!\d)\.\d+", plain),)  # what no other rule takes


def _words(number: int, form: str = "cardinal") -> str:
    try:
        import num2words
    except ImportError:
        raise InputError(
            f"to say the number {number} a package is missing: pip install 'wavenet-audio[speech]'"
        ) from None
    words: Any = num2words.num2words(number, to=form)
    return str(words).replace(",", "").replace("-", " ")
