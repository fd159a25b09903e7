"""The silence at the ends of recordings, which says nothing."""

from __future__ import annotations

from wavenet.speech.phones import Aligned

BEFORE, BEHIND = 0.05, 0.10  # seconds around the speech: a breath is drawn, and rooms ring


def stretch(found: Aligned) -> tuple[float, float]:
    """Return from when to when a recording speaks, in seconds, with a little silence at both ends where it has that."""
    starts = (0.0, *found.ends[:-1])
    spoken = [
        (start, end) for phone, start, end in zip(found.phones, starts, found.ends, strict=True) if not phone.silent
    ]
    if not spoken:
        return 0.0, found.ends[-1]
    return max(0.0, spoken[0][0] - BEFORE), min(found.ends[-1], spoken[-1][1] + BEHIND)


def beyond(found: Aligned) -> float:
    """Return how many seconds of silence lie beyond that."""
    first, last = stretch(found)
    return first + found.ends[-1] - last
