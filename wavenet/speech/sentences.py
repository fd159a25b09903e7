"""Where sentences of a text end."""

from __future__ import annotations

import re

# A full stop behind one of these, or behind a single letter, does not end a sentence, whatever follows.
TITLES = "dr mr mrs ms prof st rev hon gen col sgt capt cpt lt maj adm cmdr gov sen rep pres messrs mme mlle"
SHORT = "vs e.g i.e cf approx incl fig figs mt ft al viz est dept jan feb apr aug sept oct nov dec"
NEVER_LAST = frozenset(f"{TITLES} {SHORT}".split())
BEFORE_NUMBERS = frozenset({"no", "nos", "p", "pp", "vol", "vols", "ch", "sec", "art", "op", "eq", "jul", "jun", "mar"})

PARAGRAPH = re.compile(
    r"\n[^\S\n]*\n\s*|[\f\u2029]\s*|"  # a line is empty, a page ends
    r"\n(?=[^\S\n]*(?:[-*\u2022]|\d{1,3}[.)])[^\S\n])"  # the next line is a point of a list
)
PAUSES = r"(?:\s*\[(?i:pause)\s[^\]]{0,40}\])*"  # they belong to the sentence before them
END = re.compile(
    rf"(?<![.!?\u2026])[.!?\u2026]++[\"'\u201d\u2019)\]\u00bb]*{PAUSES}(?=\s)|"
    r"(?<=[a-z]{2})[.!?](?=[A-Z][a-z])|"  # a space is missing
    r"[\u3002\uff01\uff1f]+"
)
NEXT = re.compile(r"\s*[\"'\u201c\u2018(\[\u00ab]*(.)", re.DOTALL)
INITIALS = re.compile(r"[A-Za-z]|[A-Z](?:\.[A-Z])+")  # J. Smith; U.S. Army
LOOK_BACK = 40  # characters: longer than any abbreviation


def split(text: str) -> list[str]:
    """Return the sentences of a text, as they are written, less the white space between; none is empty."""
    found = []
    for paragraph in PARAGRAPH.split(text.replace("\r\n", "\n").replace("\r", "\n")):
        first = 0
        for end in END.finditer(paragraph):
            if _ends(paragraph, first, end):
                found.append(paragraph[first : end.end()].strip())
                first = end.end()
        found.append(paragraph[first:].strip())
    return [sentence for sentence in found if sentence]


def _ends(text: str, first: int, end: re.Match[str]) -> bool:
    """Return whether a sentence that began at `first` ends with this mark."""
    following = NEXT.match(text, end.end())
    if following is None or following[1].islower():  # "Stop!" he said; 3 p.m. on Monday
        return following is None
    if end[0][0] != "." or end[0][:2] in ("..", ".!", ".?"):
        return True
    before = text[max(first, end.start() - LOOK_BACK) : end.start()]
    word = re.split(r"[\s(\[\"'\u201c\u2018]", before)[-1]
    if word.lower() in NEVER_LAST or (INITIALS.fullmatch(word) and word != "I"):
        return False
    if following[1].isdigit() and word.lower() in BEFORE_NUMBERS:
        return False
    return not (before.strip().isdigit() and len(before.strip()) <= 3)  # "1. First point"
