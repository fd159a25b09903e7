"""Intervals of time with the names of phones -> the phones of a recording, gaps being pauses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wavenet.errors import SoundError
from wavenet.speech import spelling
from wavenet.speech.phones import SILENCE, Aligned, Phone

PAUSES = {"", "sil", "sp", "pau", "<p:>", "<sil>", "_"}  # of the Montreal aligner, HTK, Festival, MAUS, Kaldi, MBROLA
UNKNOWN = {"spn", "<unk>"}  # something was said that the aligner does not know
OVER = 0.020  # seconds by which labels may end behind the sound, in whose last frame they end
BRIEF = 1e-3  # seconds; a shorter gap is a rounding, not a pause, and a phone lasts longer
ROUNDING = 1e-4  # seconds by which an interval may begin before the end of the one before


class Interval(NamedTuple):
    """A stretch of a recording and what it is called."""

    start: float  # seconds
    end: float
    name: str


def aligned(phones: Sequence[Interval], words: Sequence[Interval], seconds: float, name: str) -> Aligned:
    """Return the phones of a recording, gaps and what is called nothing, `sil` or `sp` being pauses.

    Args:
        phones: what is said, in the order of time.
        words: to which they belong; without any, all phones between two pauses count as one word.
        seconds: how long the recording is.
        name: of the labels, for errors.

    Raises:
        SoundError: they do not fit the recording, or each other.
    """
    _check(phones, seconds, name)
    said = [one for one in phones if one.name.casefold() not in PAUSES]
    if not said:
        raise SoundError(f"{name} has no phones, only pauses")
    made, ends, at, run = list[Phone](), list[float](), 0.0, 0
    spoken = [one for one in words if one.name.casefold() not in PAUSES]
    for one in said:
        if one.start - at >= BRIEF:
            run += bool(made)
            made.append(Phone(SILENCE))
            ends.append(one.start)
        elif ends:
            ends[-1] = one.start
        word = _word(spoken, one, name) if words else run
        made.append(Phone(*spelling.phone(one.name), word))
        at = min(one.end, seconds)
        ends.append(at)
    if seconds - at >= BRIEF:
        made.append(Phone(SILENCE))
        ends.append(seconds)
    ends[-1] = seconds
    return Aligned(tuple(made), tuple(ends))


def _check(phones: Sequence[Interval], seconds: float, name: str) -> None:
    """Raise SoundError where intervals do not follow each other, end behind the sound or are of unknown words."""
    before = 0.0
    for one in phones:
        if one.name.casefold() in UNKNOWN:
            raise SoundError(f"{name} has an unknown word ({one.name}) at {one.start:.2f} s")
        lasting = one.end - one.start
        if one.start < before - ROUNDING or lasting < 0 or (lasting < BRIEF and one.name.casefold() not in PAUSES):
            raise SoundError(
                f"{name}: {one.name!r} lies from {one.start:.3f} to {one.end:.3f} s, expected it to begin behind the "
                f"phone before, at {before:.3f} s, and to last"
            )
        before = one.end
    if before > seconds + OVER or (phones and phones[-1].start > seconds - BRIEF):
        raise SoundError(f"{name} lasts {before:.2f} s, longer than its sound of {seconds:.2f} s")


def _word(words: Sequence[Interval], phone: Interval, name: str) -> int:
    """Return which word the middle of a phone lies in."""
    middle = (phone.start + phone.end) / 2
    at = next((index for index, word in enumerate(words) if word.start <= middle < word.end), None)
    if at is None:
        raise SoundError(f"{name}: {phone.name!r} at {phone.start:.2f} s lies in no word")
    return at
