"""Written words as they are said: as they are, in parts, or spelt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wavenet.speech import dictionary

LONGEST = 40  # letters
LONGEST_SPELT = 5  # letters of what is taken for initials; longer ones in large letters are shouted words
SPELT = frozenset({"AD", "AI", "AM", "EU", "ID", "IT", "LA", "UN", "US", "WHO"})  # not the words that they look like
WORDLIKE = re.compile(r"[^AEIOU]?(?:[AEIOU][^AEIOU])+[AEIOU]?", re.IGNORECASE)  # COVID is read, FIFA and XKCD


def said(word: str, shouted: bool) -> Iterator[str]:
    """Yield a word as it is said, in lower case: ``"x."`` is the name of a letter.

    Args:
        word: Letters, with ``'`` inside; one letter is said by its name.
        shouted: Whether all around it is written in large letters, so that its own mean nothing.
    """
    lower = word.lower()
    plural = next((ending for ending in ("'s", "s") if word.endswith(ending) and len(word) > 2), "")
    stem = word.removesuffix(plural)
    known = dictionary.known(lower)
    if not known and dictionary.known(stem.lower()) and (plural == "'s" or stem.isupper()):
        lower, known = stem.lower() + "'s", True  # CEOs sounds as CEO's
    if len(word) == 1:
        yield lower if lower == "i" else lower + "."
    elif (stem in SPELT and not shouted) or (not known and _is_spelt(stem)):
        yield from (letter + "." for letter in stem[:-1].lower())
        yield stem[-1].lower() + (".'s" if plural else ".")
    elif known or len(pieces := re.split(r"(?<=[a-z])(?=[A-Z])", word)) == 1:
        yield from (lower[first : first + LONGEST] for first in range(0, len(lower), LONGEST))
    else:
        for piece in pieces:  # WaveNet
            yield from said(piece, shouted)


def _is_spelt(stem: str) -> bool:
    """Return whether letters that no dictionary has as a word are spelt: BBC, html."""
    if not stem.isalpha() or len(stem) > LONGEST_SPELT:
        return False
    if re.search("[aeiouy]", stem, re.IGNORECASE) is None:
        return True
    return stem.isupper() and (len(stem) <= 3 or WORDLIKE.fullmatch(stem) is None)
