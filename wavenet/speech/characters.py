"""Any text in the characters that English is written with; which characters have no way to be said."""

from __future__ import annotations

import re
import string
import unicodedata

SIGNS = "€£¥₹¢°µ\u2013"  # what is kept beside ASCII: money, units and the dash of "3 to 5"
KEPT = frozenset(string.ascii_letters + string.digits + string.punctuation + " " + SIGNS)

SPECIAL = {
    **dict.fromkeys("\u2018\u2019\u201a\u2039\u203a\u2032\u02bb\u02bc\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u2033", '"'),
    **{"\u2014": " -- ", "\u2015": " -- ", "\u2026": "...", "\u203d": "?!", "\u3002": ". ", "\u3001": ", "},
    **dict.fromkeys("\u2022\u00b7\u25aa\u25cf\u25e6\u2023", ", "),  # bullets
    **{"\u2212": "-", "\u00d7": " times ", "\u00f7": " divided by ", "\u00b1": " plus or minus ", "\u2044": "/"},
    **{"\u2248": " about ", "\u2260": " is not ", "\u2264": " at most ", "\u2265": " at least ", "\u221a": " root of "},
    **{
        "\u00b2": " squared ",
        "\u00b3": " cubed ",
        "\u2122": " trademark ",
        "\u00a9": " copyright ",
        "\u00ae": " registered ",
    },
    **{"\u00a7": " section ", "\u00b6": " ", "\u00bf": "", "\u00a1": "", "\u2116": " number ", "\u03bc": "µ"},
    **{"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th", "ð": "d", "Ð": "D"},
}
LETTER = "\x1f"  # stands behind a letter that is said by its name; no text from `plain` that can be said has it
UNHEARD = ("Cf", "Mn", "Me", "Sk")  # joiners, accents, skin tones: they change what is beside them
ACCENTS = range(0x0300, 0x0370)
LAYOUT = range(0x2500, 0x25A0)  # lines and boxes that are drawn with characters
OTHER_MARKS = {"Pd": "-", "Ps": "(", "Pe": ")", "Pi": '"', "Pf": '"', "Pc": "_"}
GREEK = re.compile("(?<![\u0370-\u03ff])[\u0370-\u03ff](?![\u0370-\u03ff])")


RAISED = "\u2070\u00b9\u00b2\u00b3\u2074-\u2079"
POWER = re.compile(f"(?<=\\d)(?![\u00b2\u00b3](?![{RAISED}]))[\u207a\u207b]?[{RAISED}]+")  # 10⁸; 10² is squared


class _Plain(dict[int, str]):
    """What stands for each character: found when it is met first."""

    def __missing__(self, point: int) -> str:
        self[point] = _plain(chr(point))
        return self[point]


_PLAIN = _Plain()


def plain(text: str) -> str:
    """Return text in ASCII and SIGNS, without accents and with symbols named; the rest stays as it is.

    ``"Café 😀 ½"`` becomes ``"Cafe , grinning face,  1/2"``.
    """
    return POWER.sub(_power, GREEK.sub(_greek, text)).translate(_PLAIN)


def unsaid(text: str) -> tuple[str, ...]:
    """Return the characters of text from `plain` that have no way to be said, each once."""
    return tuple(character for character in dict.fromkeys(text) if character not in KEPT)


def spelt(text: str) -> str:
    """Return the letters of a text marked as ones that are said by their names."""
    return " ".join(letter.lower() + LETTER for letter in text if letter.isalpha())


def named(character: str) -> str:
    """Return a character with its name: ``"'я' (cyrillic small letter ya)"``."""
    name = unicodedata.name(character, "").lower() or f"U+{ord(character):04X}"
    return f"'{character}' ({name})" if character.isprintable() else name


def _plain(character: str) -> str:
    """Return what stands for one character."""
    if character in KEPT or character in SPECIAL:
        return SPECIAL.get(character, character)
    category = unicodedata.category(character)
    if character.isspace():
        return " "
    if category in UNHEARD:
        return "" if category in ("Cf", "Sk") or ord(character) in ACCENTS or _selects(character) else character
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return _decomposed(character) or _latin(character) or _symbol(character, category) or character


def _selects(character: str) -> bool:
    """Return whether a mark says only how the character before it is drawn: in colour, or as a key."""
    return unicodedata.name(character, "").startswith(("VARIATION SELECTOR", "COMBINING ENCLOSING"))


def _decomposed(character: str) -> str:
    """Return what a character consists of, less its accents; nothing if that is not ASCII."""
    parts = unicodedata.normalize("NFKD", character).replace("\u2044", "/")
    bare = "".join(part for part in parts if ord(part) not in ACCENTS)
    if bare == character or not set(bare) <= KEPT:
        return ""
    return f" {bare}" if "/" in bare else bare  # 3½ is 3 1/2


def _latin(character: str) -> str:
    """Return the letter that a letter such as ``ø`` is made from, by its name."""
    name = re.fullmatch(
        r"LATIN (SMALL|CAPITAL) LETTER (?:DOTLESS )?([A-Z])(?: WITH .*)?", unicodedata.name(character, "")
    )
    return "" if name is None else name[2].lower() if name[1] == "SMALL" else name[2]


def _symbol(character: str, category: str) -> str:
    """Return how a symbol is said, such as an emoji by its name; nothing for letters of other alphabets."""
    if category in OTHER_MARKS:
        return OTHER_MARKS[category]
    name = unicodedata.name(character, "").lower().replace("-", " ")
    if ord(character) in LAYOUT:
        return " "
    if name.startswith("regional indicator symbol letter "):  # two of them are a flag
        return f" {name[-1].upper()} "
    if category == "So":
        return f", {name}, "
    return f" {name} " if category in ("Sm", "Sc", "Po", "No") else ""


def _power(found: re.Match[str]) -> str:
    """Return raised digits behind a number as a power."""
    return " to the power of " + unicodedata.normalize("NFKD", found[0]).replace("\u2212", "-")


def _greek(found: re.Match[str]) -> str:
    """Return the name of a Greek letter that stands alone, as in formulas."""
    name = re.fullmatch(r"GREEK (?:SMALL|CAPITAL) LETTER (?:FINAL )?([A-Z]+)", unicodedata.name(found[0], ""))
    return found[0] if name is None or found[0] == "\u03bc" else f" {name[1].lower()} "
