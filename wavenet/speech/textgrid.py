"""TextGrids, as the Montreal Forced Aligner writes them: a tier `phones` and a tier `words`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wavenet.errors import InputError, SoundError
from wavenet.speech.intervals import Interval
from wavenet.text import joined, one_line

PHONES, WORDS = "phones", "words"
MISSING = "TextGrids are read by praatio: pip install 'wavenet-audio[speech]'"


def tiers(path: Path) -> tuple[list[Interval], list[Interval]]:
    """Return the intervals of the phones and of the words of a TextGrid, in the order of time; words may be missing.

    Raises:
        SoundError: it cannot be read, or has no tier of phones.
        InputError: praatio is not installed.
    """
    try:
        from praatio import textgrid
    except ImportError:
        raise InputError(MISSING) from None
    try:
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="silence")
    except Exception as error:  # noqa: BLE001  (praatio raises whatever its parser runs into)
        raise SoundError(f"{path.name} cannot be read as a TextGrid ({one_line(error, 120)})") from None
    phones = _tier(grid, PHONES)
    if phones is None:
        have = joined([repr(name) for name in grid.tierNames]) or "none"
        raise SoundError(f"{path.name} has no tier {PHONES!r} of intervals, only {have}")
    return phones, _tier(grid, WORDS) or []


def _tier(grid: Any, name: str) -> list[Interval] | None:
    """Return a tier of intervals; its name may have a speaker's before it (``ann - phones``) if it is the only one."""
    from praatio.data_classes.interval_tier import IntervalTier

    found = [
        grid.getTier(own) for own in grid.tierNames if own.casefold() == name or own.casefold().endswith(f" - {name}")
    ]
    if len(found) != 1 or not isinstance(found[0], IntervalTier):
        return None
    return [Interval(float(one.start), float(one.end), one.label) for one in found[0].entries]
