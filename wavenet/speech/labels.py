"""Labels that lie beside a recording: which phone lasts from when to when, of any language.

`NAME.TextGrid` is what the Montreal Forced Aligner writes (`textgrid.py`), `NAME.lab` what HTK writes. Names of phones
are kept as they are, but for their stress, which CMUdict's vowels end in (AH0) and sounds of IPA begin with (ˈa); a
voice learns whatever set it is given.
"""

# ruff: noqa: RUF002 - letters of phonetics look like others
from __future__ import annotations

import re
from pathlib import Path

from wavenet import disk
from wavenet.audio.files import is_file
from wavenet.errors import SoundError
from wavenet.speech import intervals, textgrid
from wavenet.speech.intervals import Interval
from wavenet.speech.phones import Aligned
from wavenet.text import one_line, shown

SUFFIXES = (".TextGrid", ".lab")  # the first that is there is taken
MOST_BYTES = 1 << 24
UNIT = 1e-7  # seconds, of HTK


def beside(path: Path) -> Path | None:
    """Return the labels that lie beside a sound file; None where there are none."""
    found = (path.with_suffix(suffix) for suffix in SUFFIXES)
    return next((one for one in found if is_file(one) and (one.suffix != ".lab" or _is_htk(one))), None)


def _is_htk(path: Path) -> bool:
    """Return whether a file begins as labels of HTK; other aligners keep a transcript under that name."""
    try:
        with path.open("rb") as file:
            head = file.read(200).decode("utf-8", "replace")
    except OSError:
        return True  # so that it is named, rather than passed over
    return re.match(r"\ufeff?\s*[0-9]+[ \t]+[0-9]+[ \t]+\S", head) is not None


def read(path: Path, seconds: float) -> Aligned:
    """Return what the labels of a recording of some seconds say.

    Raises:
        SoundError: they cannot be read or do not fit it.
    """
    if path.suffix == SUFFIXES[0]:
        return intervals.aligned(*textgrid.tiers(path), seconds, path.name)
    return intervals.aligned(_htk(path), (), seconds, path.name)


def _htk(path: Path) -> list[Interval]:
    """Return the intervals of a file of HTK: lines of start, end (in 100 ns) and name; what follows is left."""
    try:
        lines = disk.read_at_most(path, MOST_BYTES).splitlines()
    except (OSError, ValueError) as error:
        raise SoundError(f"{path.name} cannot be read ({one_line(error, 80)})") from None
    found = []
    for number, line in enumerate(lines, 1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) < 3 or not (cells[0].isdecimal() and cells[1].isdecimal()):
            raise SoundError(
                f"{path.name}: line {number} is {shown(line)}, expected start and end in units of 100 ns and a name"
            )
        found.append(Interval(int(cells[0]) * UNIT, int(cells[1]) * UNIT, cells[2]))
    return found
