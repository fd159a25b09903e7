"""Numbers with a sign of money or a unit, as words."""

from __future__ import annotations

import re

from wavenet.speech.characters import spelt
from wavenet.speech.numbers import END, NUMBER, START, cardinal, fraction
from wavenet.speech.tables import either, table

CURRENCIES = {  # one, several, one hundredth, several hundredths
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}
LANDS = {"US": spelt("us")} | table("A = australian; AU = australian; C = canadian; CA = canadian; NZ = new zealand")
LARGE = table(
    """
k = thousand; K = thousand; m = million; M = million; mn = million; bn = billion; b = billion; B = billion
tn = trillion; T = trillion; thousand = thousand; million = million; billion = billion; trillion = trillion
"""
)
UNITS = table(
    """
km = kilometer; m = meter; cm = centimeter; mm = millimeter; µm = micrometer; nm = nanometer; mi = mile
yd = yard; kg = kilogram; g = gram; mg = milligram; µg = microgram; lb = pound; lbs = pound; oz = ounce
l = liter; L = liter; ml = milliliter; mL = milliliter; cl = centiliter; h = hour; hr = hour; hrs = hour
min = minute; mins = minute; s = second; sec = second; secs = second; ms = millisecond; µs = microsecond
ns = nanosecond; ha = hectare; W = watt; kW = kilowatt; MW = megawatt; GW = gigawatt; kWh = kilowatt hour
V = volt; kV = kilovolt; mV = millivolt; mA = milliampere; kJ = kilojoule; Pa = pascal; hPa = hectopascal
kPa = kilopascal; cal = calorie; kcal = kilocalorie; kB = kilobyte; KB = kilobyte; MB = megabyte; GB = gigabyte
TB = terabyte; GiB = gibibyte; MiB = mebibyte; px = pixel; pt = point; ° = degree; dB = decibel
"""
)
UNCHANGED = table(  # the same for one and for several
    """
ft = feet; % = percent; Hz = hertz; kHz = kilohertz; MHz = megahertz; GHz = gigahertz; mph = miles per hour
kph = kilometers per hour; km/h = kilometers per hour; m/s = meters per second; Mbps = megabits per second
Gbps = gigabits per second; kbps = kilobits per second; bpm = beats per minute; rpm = revolutions per minute
fps = frames per second; mpg = miles per gallon; dpi = dots per inch; °C = degrees celsius
°F = degrees fahrenheit; km squared = square kilometers; ¢ = cents; m squared = square meters
cm squared = square centimeters; mm squared = square millimeters; m cubed = cubic meters
cm cubed = cubic centimeters; mi squared = square miles
"""
)


_SIGN = f"[{re.escape(''.join(CURRENCIES))}]"
_LARGE = f"(?:[ -]?({'|'.join(('thousand', 'million', 'billion', 'trillion'))})\\b|({either(LARGE)})(?![A-Za-z]))?"
_UNIT = either(UNITS | UNCHANGED)


def money(found: re.Match[str]) -> str:
    """Return an amount of money as words: ``"$5.20"`` is ``"five dollars and twenty cents"``."""
    land, sign, number, word, letters = found.groups()
    return f"{_amount(sign, number, LARGE.get(word or letters, ''), LANDS.get(land or '', ''))} "


def money_behind(found: re.Match[str]) -> str:
    """Return an amount whose sign is behind it: ``"5 €"``."""
    return f"{_amount(found[2], found[1], '', '')} "


def _amount(sign: str, number: str, large: str, land: str) -> str:
    one, several, cent, cents = CURRENCIES[sign]
    whole, _, rest = number.partition(".")
    if large or len(rest) not in (0, 2):
        return _joined(cardinal(number), large, land, several)
    parts = []
    if int(whole.replace(",", "")) or not int(rest or 0):
        parts.append(_joined(cardinal(whole), land, one if whole == "1" else several))
    if int(rest or 0):
        parts.append(f"{cardinal(str(int(rest)))} {cent if rest == '01' else cents}")
    return " and ".join(parts)


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))


def measure(found: re.Match[str]) -> str:
    """Return a number with a unit as words: ``"5 km"`` is ``"five kilometers"``."""
    return f"{cardinal(found[1])} {_unit(found[2], found[1] == '1')} "


def mixed(found: re.Match[str]) -> str:
    """Return a number with a fraction, and a unit if there is one, as words: ``"3 1/2"`` is ``"three and a half"``."""
    whole, above, below, unit = found.groups()
    part = {"1/2": "a half", "1/4": "a quarter"}.get(f"{above}/{below}") or fraction(int(above), int(below))
    return f"{cardinal(whole)} and {part} {_unit(unit, False)} "


def part(found: re.Match[str]) -> str:
    """Return a fraction, and a unit if there is one, as words: ``"3/4"`` is ``"three quarters"``."""
    return f"{fraction(int(found[1]), int(found[2]))} {_unit(found[3], True)} "


def _unit(unit: str | None, single: bool) -> str:
    if unit is None:
        return ""
    return UNCHANGED.get(unit) or UNITS[unit] + ("" if single else "s")


def feet(found: re.Match[str]) -> str:
    """Return a height such as ``5'10"`` as words."""
    return f"{cardinal(found[1])} feet {cardinal(found[2])} "


RULES = (
    (rf"(?:\b({'|'.join(LANDS)}))?({_SIGN}) ?({NUMBER}){_LARGE}", money),
    (rf"{START}({NUMBER}) ?({_SIGN})(?!\d)", money_behind),
    (rf"{START}(\d)'(\d{{1,2}})\"", feet),
    (rf"{START}(\d{{1,6}})[ -](\d{{1,3}})/(\d{{1,3}})(?:[ -]?({_UNIT}))?{END}", mixed),
    (rf"{START}(\d{{1,6}})/(\d{{1,6}})(?:[ -]?({_UNIT}))?{END}(?!/)", part),
    (rf"{START}({NUMBER})[ -]?({_UNIT}){END}(?:\.(?= [a-z]))?", measure),
)
