"""Which alignments are not to be believed: what a forced alignment gives for a wrong text looks odd in several ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wavenet.outputs import Floats
from wavenet.speech.dictionary import VOWELS
from wavenet.speech.phones import Aligned

FRAME = 160  # samples of a level, 10 ms at 16 kHz
MARGIN = 5  # frames of a pause beside a phone that count as neither: sounds fade and begin
LOUD, FAINT = 10 ** (-10 / 20), 10 ** (-30 / 20)  # of a sentence's usual level: no pause, and no vowel
SLOWEST = 3.0  # phones in a second of speech: a drawn-out "Ah, indeed." has 3.9
MOST_SHORT = 0.4  # share of phones that last no longer than the model makes each
MOST_LOUD = 0.06  # seconds of loud pauses for each of speech
MOST_FAINT = 0.3  # share of the time of vowels
FAR = 6.0  # times the usual deviation of a corpus
ENOUGH = 20  # alignments that say what is usual


@dataclass(frozen=True)
class Heard:
    """An alignment, and how it fits its recording."""

    aligned: Aligned
    score: float  # mean log probability of a frame of speech, in the decoder's units
    short: float  # share of phones that last no longer than the model makes each
    loud: float  # seconds of pauses that are as loud as speech, for each of speech
    faint: float  # share of the time of vowels in which there is next to nothing


def fit(wave: Floats, aligned: Aligned) -> tuple[float, float]:
    """Return `loud` and `faint` of an alignment.

    Args:
        wave: the recording, [T] at 16 kHz.
        aligned: where its phones lie.
    """
    levels = _levels(wave)
    edges = np.minimum(np.round(np.array([0.0, *aligned.ends]) * 16_000 / FRAME).astype(int), len(levels))
    spoken, pause, vowel = (np.zeros(len(levels), bool) for _ in range(3))
    for phone, first, last in zip(aligned.phones, edges[:-1], edges[1:], strict=True):
        if phone.silent:
            pause[first + MARGIN if first else 0 : max(first, last - MARGIN) if last < len(levels) else last] = True
        else:
            spoken[first:last] = True
            vowel[first:last] = phone.name in VOWELS
    usual = float(np.median(levels[spoken])) if spoken.any() else 0.0
    loud = float((levels[pause] > LOUD * usual).sum()) / max(1, int(spoken.sum()))
    faint = float((levels[vowel] < FAINT * usual).mean()) if vowel.any() else 0.0
    return loud, faint


def _levels(wave: Floats) -> NDArray[np.float64]:
    """Return the RMS of every frame."""
    whole = np.zeros(-(-len(wave) // FRAME) * FRAME)
    whole[: len(wave)] = wave
    return np.asarray(np.sqrt((whole.reshape(-1, FRAME) ** 2).mean(axis=1)))


def reasons(found: Sequence[Heard]) -> list[str | None]:
    """Return for each alignment of a corpus why it is not to be believed; None where it is."""
    scores = np.array([one.score for one in found])
    usual = float(np.median(scores)) if len(found) else 0.0
    deviation = 1.4826 * float(np.median(np.abs(scores - usual))) if len(found) else 0.0
    least = usual - FAR * deviation if len(found) >= ENOUGH else -np.inf
    return [_reason(one, usual, least) for one in found]


def _reason(one: Heard, usual: float, least: float) -> str | None:
    spoken = [lasts for phone, lasts in zip(one.aligned.phones, one.aligned.seconds(), strict=True) if not phone.silent]
    if one.score < least:
        return f"its text hardly fits: {one.score:.1f} a frame, where {usual:.1f} is usual and {least:.1f} the least"
    if len(spoken) < SLOWEST * sum(spoken):
        return f"its text is short for its sound: {len(spoken)} phones in {sum(spoken):.1f} s of speech"
    if one.short > MOST_SHORT:
        return f"its text is long for its sound: {one.short:.0%} of its phones are as short as can be"
    if one.loud > MOST_LOUD:
        return f"its pauses are as loud as its speech for {one.loud:.2f} s in each second of speech"
    if one.faint > MOST_FAINT:
        return f"its vowels lie where there is hardly any sound for {one.faint:.0%} of their time"
    return None
