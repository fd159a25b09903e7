"""Whether files named DIGIT_SPEAKER_TAKE are spoken digits, as the Free Spoken Digit Dataset names its own.

`1_kick_1` is named so too. What is taken for spoken digits is divided by its takes, so names alone are not enough.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

PATTERN = re.compile(r"(?:^|/)(?P<label>\d)_(?P<speaker>[^_/]+)_(?P<take>\d+)$")
SPEAKERS = frozenset({"george", "jackson", "lucas", "nicolas", "theo", "yweweler"})  # of the data set
MOST = 0.9  # of all speakers' digits must be there where the speakers are others


def by_chance(matches: Sequence[re.Match[str]]) -> str | None:
    """Return in words why files named so may be something else, or None where they are spoken digits.

    They are where one of the data set's own speakers is among those who say them; or where there are all ten, as good
    as every speaker says every one, and says it more than once.

    Args:
        matches: of PATTERN, one a file.
    """
    speakers, digits = {match["speaker"].lower() for match in matches}, {match["label"] for match in matches}
    said = {(match["speaker"].lower(), match["label"]) for match in matches}
    if speakers & SPEAKERS:
        return None
    if len(digits) < 10:
        return f"{len(digits)} of the ten digits"
    if len(said) < MOST * len(digits) * len(speakers):
        return "not every speaker says every digit"
    return None if len(matches) >= 2 * len(said) else "most digits are said once"


def takes(names: Sequence[str]) -> list[int] | None:
    """Return the takes of files that all are spoken digits, by their names, else None."""
    matches = [match for match in (PATTERN.match(Path(name).stem) for name in names) if match]
    spoken = 0 < len(matches) == len(names) and by_chance(matches) is None
    return [int(match["take"]) for match in matches] if spoken else None
