"""What was asked for beside what was named: shares, intervals, chance and mistakes, against plain counts."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from wavenet.errors import InputError
from wavenet.evaluation.intervals import wilson
from wavenet.evaluation.recogniser import Recogniser
from wavenet.evaluation.recognition import Mistake, compared, recognised, semitones_off, share_within
from wavenet.outputs import Floats
from wavenet.text import to_json

UNKNOWN = 9  # beyond all values
VALUES = {"label": ("one", "two", "six"), "speaker": ("ann", "ben")}


class Echo(Recogniser):
    """Hears the ids that the samples of a wave are."""

    def names(self, waves):  # type: ignore[no-untyped-def]
        return np.array([np.rint(10 * wave[: len(self.values)]) for wave in waves], np.int64)


def said(ids: np.ndarray) -> list[Floats]:
    return [np.asarray(row / 10, np.float32) for row in ids]


def some(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(3, size=count), rng.integers(2, size=count)], axis=1)


def test_shares_are_those_of_plain_counts_and_chance_is_that_of_any_order() -> None:
    asked, named = some(40, 0), some(40, 1)
    named[:25] = asked[:25]
    made = recognised(Echo(VALUES, 8_000, {}), (said(named), asked), (said(asked[:12]), asked[:12]))
    assert [one.field for one in made.rows] == ["label", "speaker", "all of it"]
    for column, one in enumerate(made.fields):
        right = sum(a == n for a, n in zip(asked[:, column], named[:, column], strict=True))
        assert (one.generated.right, one.generated.clips) == (right, 40)
        assert (one.generated.low, one.generated.high) == wilson(right, 40)
        assert one.real is not None and (one.real.right, one.real.clips) == (12, 12)
        pairs = [a == n for a in asked[:, column] for n in named[:, column]]
        assert one.chance == pytest.approx(np.mean(pairs))
    both = made.together
    assert both is not None and both.real is not None
    assert both.generated.right == sum(tuple(a) == tuple(n) for a, n in zip(asked, named, strict=True))
    assert both.chance == pytest.approx(np.mean([tuple(a) == tuple(n) for a in asked for n in named]))


def test_mistakes_are_counted_and_the_commonest_come_first() -> None:
    asked = np.array([[0, 0]] * 5 + [[1, 0]] * 4 + [[2, 1]] * 3)
    named = asked.copy()
    named[:2, 0], named[5:8, 0], named[8, 0] = 2, 0, 2
    label = compared(VALUES, (asked, named)).fields[0]
    assert label.mistakes == (Mistake("two", "one", 3, 4), Mistake("one", "six", 2, 5), Mistake("two", "six", 1, 4))
    assert compared(VALUES, (asked, named)).fields[1].mistakes == ()


def test_what_was_not_asked_for_is_not_counted() -> None:
    asked = np.array([[0, UNKNOWN], [1, UNKNOWN], [UNKNOWN, 1], [UNKNOWN, UNKNOWN]])
    named = np.array([[0, 0], [0, 1], [2, 1], [2, 0]])
    made = compared(VALUES, (asked, named))
    assert [(one.generated.right, one.generated.clips) for one in made.rows] == [(1, 2), (1, 1), (2, 3)]
    assert compared(VALUES, (np.full((2, 2), UNKNOWN), named[:2])).rows[0].generated.clips == 0
    assert compared({"label": VALUES["label"]}, (asked[:, :1], named[:, :1])).together is None


def test_the_closing_sentence_says_chance_less_than_real_and_as_real() -> None:
    asked, real = some(200, 0), some(200, 4)
    half = asked.copy()
    half[:100] = some(100, 5)
    unrelated = compared(VALUES, (asked, some(200, 1)), (real, real))
    assert unrelated.conclusion == "Heard no more often than by chance: label, speaker."
    fewer = compared(VALUES, (asked, half), (real, real)).conclusion
    assert fewer.startswith("Heard less often than in real sound: label")
    assert "as often as in real sound" in compared(VALUES, (asked, asked), (real, real)).conclusion
    assert compared(VALUES, (asked, asked)).conclusion.endswith("more often than by chance.")


def test_text_and_json_have_the_numbers() -> None:
    asked = some(30, 0)
    named = asked.copy()
    named[asked[:, 0] == 2, 0] = 1
    made = compared(VALUES, (asked, named), (asked[:10], asked[:10]))
    lines = made.to_text()
    share, sixes = made.fields[0].generated, int((asked[:, 0] == 2).sum())
    label = lines[1].split()
    assert label[:4] == ["label", "30", f"{100 * share.share:.1f}", "%"] and "100.0" in label
    assert share.interval in lines[1] and lines[3].startswith("all of it")
    assert f"label: six is heard as two in {sixes} of {sixes}" in lines and max(map(len, lines)) <= 100
    told = json.loads(to_json(made.to_json()))
    assert told["fields"][0]["share"] == share.share and told["fields"][0]["real"]["clips"] == 10
    assert told["fields"][0]["mistakes"] == [{"asked": "six", "heard": "two", "clips": sixes, "of": sixes}]
    empty = compared(VALUES, (np.full((1, 2), UNKNOWN), named[:1]))
    assert json.loads(to_json(empty.to_json()))["fields"][0]["share"] is None
    assert empty.to_text()[-1] == "Nothing was asked for."


@pytest.mark.parametrize(("clips", "rows"), [(3, 2), (0, 0)])
def test_as_many_ids_as_clips_are_needed(clips: int, rows: int) -> None:
    with pytest.raises(InputError, match="expected"):
        recognised(Echo(VALUES, 8_000, {}), (said(some(clips, 0)), some(rows, 0)))


def test_a_pitch_is_right_within_half_a_semitone_of_the_median_of_what_is_voiced() -> None:
    a4, semitone = 440.0, 2 ** (1 / 12)
    assert semitones_off(np.array([a4]), 69) == pytest.approx(0)
    assert semitones_off(np.array([0, np.nan, a4, a4 * semitone, a4 / 2]), 69) == pytest.approx(0)
    assert semitones_off(np.array([a4 * 2 * semitone]), 69) == pytest.approx(13)
    assert math.isnan(semitones_off(np.zeros(4), 69)) and math.isnan(semitones_off(np.zeros(0), 69))
    found = [np.array([a4 * semitone**off]) for off in (0.45, -0.45, 0.55, -0.55, 12)]
    assert share_within([*found, np.zeros(3)], [69] * 6).right == 2
    assert share_within(np.array([261.63, 523.25]), np.array([60, 72])).right == 2  # one number a clip
    with pytest.raises(InputError, match="each clip"):
        share_within(found, [69])
