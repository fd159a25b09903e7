"""Dates, years and times of the day as words."""

from __future__ import annotations

import re

from wavenet.speech.characters import spelt
from wavenet.speech.numbers import END, START, cardinal, decade, ordinal, year

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SHORT = {name[:3]: name for name in MONTHS} | {"Sept": "September"}


def day_month(found: re.Match[str]) -> str:
    """Return a date such as ``"3 May 2026"`` as words."""
    day, month, in_year = found.groups()
    return f"the {ordinal(int(day))} of {_month(month)} {year(in_year) if in_year else ''} "


def month_day(found: re.Match[str]) -> str:
    """Return a date such as ``"May 3, 2026"`` as words."""
    month, day, in_year = found.groups()
    return f"{_month(month)} {ordinal(int(day))}{', ' + year(in_year) if in_year else ''} "


def month_year(found: re.Match[str]) -> str:
    """Return a month such as ``"Dec. 2026"`` as words."""
    return f"{_month(found[1])} {year(found[2])} "


def short_month(found: re.Match[str]) -> str:
    """Return a month that is written short."""
    return _month(found[1])


def slashed(found: re.Match[str]) -> str:
    """Return a date such as ``"5/11/2026"`` as words: the month is first, as Americans write, where it can be."""
    first, second, in_year = found.groups()
    month, day = (int(first), int(second)) if int(first) <= 12 else (int(second), int(first))
    return _date(month, day, in_year) or " slash ".join(map(cardinal, found.groups()))


def dashed(found: re.Match[str]) -> str:
    """Return a date such as ``"2026-11-05"`` as words."""
    return _date(int(found[2]), int(found[3]), found[1]) or " to ".join(map(cardinal, found.groups()))


def time(found: re.Match[str]) -> str:
    """Return a time such as ``"10:05 am"`` as words."""
    hour, minute, second, half = found.groups()
    if minute == "00":
        words = cardinal(str(int(hour))) + ("" if half else " o'clock" if 0 < int(hour) <= 12 else " hundred hours")
    else:
        minutes = f"oh {cardinal(minute[1])}" if minute[0] == "0" else cardinal(minute)
        words = f"{cardinal(str(int(hour)))} {minutes}"
    seconds = f" and {cardinal(str(int(second)))} second{'' if int(second) == 1 else 's'}" if second else ""
    return f"{words}{seconds} {_half(half)}"


def hour(found: re.Match[str]) -> str:
    """Return an hour such as ``"10am"`` as words."""
    return f"{cardinal(found[1])} {_half(found[2])}"


def years(found: re.Match[str]) -> str:
    """Return years such as ``"1980s"`` or ``"'90s"`` as words."""
    return f"{decade(found[1])} "


def era(found: re.Match[str]) -> str:
    """Return a year with its era, such as ``"44 BC"``, as words."""
    return f"{year(found[1]) if len(found[1]) == 4 else cardinal(found[1])} {spelt(found[2])} "


def alone(found: re.Match[str]) -> str:
    """Return four digits that may be a year as one."""
    return f"{year(found[0])} "


def _date(month: int, day: int, in_year: str) -> str:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return ""
    words = year(in_year) if len(in_year) == 4 else cardinal(in_year)
    return f"{MONTHS[month - 1].lower()} {ordinal(day)}, {words} "


def _month(name: str) -> str:
    return SHORT.get(name.rstrip("."), name).lower()


def _half(half: str | None) -> str:
    return spelt(half) + " " if half else ""


_MONTH = f"((?:{'|'.join(MONTHS)})|(?:{'|'.join(SHORT)})\\b\\.?)"
_DAY = r"(0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_HALF = r"([AaPp]\.?[Mm]\b\.?)"
_YEAR = r"([12]\d{3})(?![\d,.]\d|\d)"
RULES = (
    (rf"{START}(?:[Tt]he )?{_DAY} (?:of )?{_MONTH}(?:,? {_YEAR})?(?![a-z\d])", day_month),
    (rf"\b{_MONTH} {_DAY}(?![\d:])(?:,? {_YEAR})?{END}", month_day),
    (rf"\b{_MONTH} {_YEAR}{END}", month_year),
    (r"\b(Jan|Feb|Apr|Jun|Jul|Aug|Sept|Oct|Nov|Dec)\b\.(?= )", short_month),
    (rf"{START}(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}|\d{{2}}){END}", slashed),
    (rf"{START}(\d{{4}})-(\d{{2}})-(\d{{2}}){END}", dashed),
    (rf"{START}([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?: ?{_HALF})?{END}", time),
    (rf"{START}(1[0-2]|[1-9]) ?{_HALF}{END}", hour),
    (rf"{START}(\d{{1,4}}) (AD|BCE?|CE)\b", era),
    (r"\bAD(?= \d)", lambda found: spelt(found[0])),
    (r"(?<![\w.])'?([2-9]0|1[1-9]\d0|20\d0)'?s\b", years),
)
LAST = ((r"(?<![\w.,$])(?:1[1-9]\d\d|20\d\d)(?!\w|[.,]\d| x \d)", alone),)  # behind units and money
