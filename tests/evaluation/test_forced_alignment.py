"""The best path is that of trying all; pauses come at borders of words alone; and what was said fits best."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from wavenet.errors import InputError
from wavenet.evaluation.forced_alignment import Paths, fits, paths
from wavenet.speech import SILENCE, Phone

NAMES = ("AA", "K", SILENCE, "T")


def sentence(*words: str) -> list[Phone]:
    return [Phone(name, word=number) for number, word in enumerate(words) for name in word.split()]


def by_trying_all(scores: np.ndarray, through: Paths, row: int) -> float:
    """Return the best sum over all sequences of states that are allowed."""
    states, best = int(through.states[row]), -np.inf
    ids, skipped = through.ids[row, :states], through.skipped[row, :states]
    for path in itertools.product(range(states), repeat=len(scores)):
        first, last = path[0] == 0 or (path[0] == 1 and skipped[0]), states - 1 - path[-1]
        steps = [(b - a, a) for a, b in itertools.pairwise(path)]
        allowed = all(step in (0, 1) or (step == 2 and skipped[a + 1]) for step, a in steps)
        if first and allowed and (last == 0 or (last == 1 and skipped[-1])):
            best = max(best, float(sum(scores[frame, ids[state]] for frame, state in enumerate(path))))
    return best


def test_the_best_path_is_that_of_trying_all() -> None:
    through = paths([sentence("K AA", "T"), sentence("T"), sentence("AA", "K")], NAMES)
    rng = np.random.default_rng(0)
    for frames in (1, 2, 3, 6):
        for _ in range(3):
            scores = rng.standard_normal((frames, len(NAMES)))
            expected = [by_trying_all(scores, through, row) for row in range(3)]
            np.testing.assert_allclose(fits(scores, through), expected)
    assert fits(scores[:2], through)[0] == -np.inf  # three phones in two frames


def test_pauses_stand_at_borders_of_words_whether_they_were_asked_for_or_not() -> None:
    said = [Phone(SILENCE), *sentence("K AA", "T")]
    through = paths([said, sentence("AA")], NAMES)
    assert [NAMES[one] for one in through.ids[0]] == [SILENCE, "K", "AA", SILENCE, "T", SILENCE]
    assert through.skipped[0].tolist() == [True, False, False, True, False, True]
    assert through.states.tolist() == [6, 3] and through.skipped[1].tolist() == [True, False, True] + [False] * 3


def test_what_was_said_fits_best_however_fast_and_with_pauses() -> None:
    rng = np.random.default_rng(1)
    names = (*"ABCDEFGH", SILENCE)
    sentences = [sentence(*(" ".join(rng.choice([*"ABCDEFGH"], 3)) for _ in range(4))) for _ in range(12)]
    through = paths(sentences, names)
    for number, own in enumerate(sentences):
        said = [names.index(phone.name) for phone in own]
        frames = [one for phone in said for one in [phone] * int(rng.integers(1, 5))]
        frames = [8] * 5 + frames[:20] + frames[20:] + [8] * 3
        scores = rng.standard_normal((len(frames), len(names)))
        scores[np.arange(len(frames)), frames] += 2.5
        assert fits(scores, through).argmax() == number


@pytest.mark.parametrize(
    ("sentences", "words"),
    [
        ([], "no sentence was given"),
        ([sentence("K"), [Phone(SILENCE)]], "sentence 1 has no phones"),
        ([sentence("K ZZ")], "sentence 0 has the phone 'ZZ', expected one of AA, K, sil, T"),
    ],
)
def test_sentences_without_phones_or_with_strange_ones_are_refused(sentences: list[list[Phone]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        paths(sentences, NAMES)
