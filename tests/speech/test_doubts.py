"""Alignments that cannot be true are doubted, each for what is odd in it; usual ones are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wavenet.speech import Aligned, Phone, doubts
from wavenet.speech.doubts import Heard, fit, reasons

RATE = 16_000


def sentence(phones: str, lasting: float = 0.1) -> Aligned:
    """Return phones of equal length, `-` being a pause."""
    made = [Phone("sil") if name == "-" else Phone(name, 0, 0) for name in phones.split()]
    return Aligned(tuple(made), tuple(lasting * (at + 1) for at in range(len(made))))


def sound(levels: str, lasting: float = 0.1) -> np.ndarray:
    """Return noise of a digit's level, 9 being the loudest and each less 6 dB quieter, [T]."""
    rng = np.random.default_rng(1)
    parts = [rng.standard_normal(round(lasting * RATE)) * 0.5 ** (9 - int(level)) for level in levels.split()]
    return (0.1 * np.concatenate(parts)).astype(np.float32)


USUAL = Heard(sentence("- T AH N - AH T -"), -10.0, 0.1, 0.0, 0.0)


def test_pauses_where_there_is_speech_and_vowels_where_there_is_none_are_measured() -> None:
    found = sentence("- T AH N - AH T -")
    assert fit(sound("1 7 9 8 1 9 6 1"), found) == (0.0, 0.0)
    loud, faint = fit(sound("1 7 9 8 9 1 6 1", 0.1), found)
    assert loud == 0.0 and faint == 0.5  # the pause is too short to be sure
    stretched = Aligned(found.phones, tuple(3 * end for end in found.ends))
    loud, faint = fit(sound("1 7 9 8 9 9 6 1", 0.3), stretched)
    assert loud == pytest.approx(20 / 150) and faint == 0.0
    loud, _ = fit(sound("9 7 9 8 1 9 6 9", 0.3), stretched)
    assert loud == pytest.approx(50 / 150)  # beside phones at one end only
    assert fit(np.zeros(800, np.float32), sentence("-", 0.05)) == (0.0, 0.0)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"score": -40.0}, "its text hardly fits: -40.0 a frame, where -10.0 is usual"),
        ({"aligned": sentence("T AH N", 0.5)}, "its text is short for its sound: 3 phones in 1.5 s of speech"),
        ({"short": 0.7}, "its text is long for its sound: 70% of its phones are as short as can be"),
        ({"loud": 0.5}, "its pauses are as loud as its speech for 0.50 s in each second of speech"),
        ({"faint": 0.6}, "its vowels lie where there is hardly any sound for 60% of their time"),
    ],
)
def test_each_oddity_is_named_and_the_usual_is_not(change: dict[str, float], said: str) -> None:
    corpus = [replace(USUAL, score=-10.0 + 0.1 * (at % 7 - 3)) for at in range(30)]
    found = reasons([*corpus, replace(USUAL, **change)])  # type: ignore[arg-type]
    assert found[:-1] == 30 * [None] and (found[-1] or "").startswith(said)


def test_scores_are_judged_by_those_of_the_corpus_where_there_are_enough() -> None:
    spread = [replace(USUAL, score=-10.0 - at) for at in range(doubts.ENOUGH)]
    assert reasons([*spread, replace(USUAL, score=-40.0)]) == (len(spread) + 1) * [None]
    assert reasons([USUAL, replace(USUAL, score=-40.0)]) == [None, None]
    assert reasons([]) == []
