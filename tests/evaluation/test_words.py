"""Edits are those of plain enumeration, rates are sums over sentences, and intervals stand around them."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from wavenet.errors import InputError
from wavenet.evaluation.words import Edits, edits, word_errors
from wavenet.text import to_json

WORDS = some.lists(some.sampled_from("abc"), max_size=6)


@functools.cache
def fewest(said: tuple[str, ...], heard: tuple[str, ...]) -> int:
    """Return the least number of edits by trying all first steps."""
    if not said or not heard:
        return len(said) + len(heard)
    right = fewest(said[1:], heard[1:]) + (said[0] != heard[0])
    return min(right, 1 + fewest(said[1:], heard), 1 + fewest(said, heard[1:]))


@given(WORDS, WORDS)
def test_edits_are_the_fewest_and_add_up(said: list[str], heard: list[str]) -> None:
    made = edits(said, heard)
    assert made.errors == fewest(tuple(said), tuple(heard)) and made.words == len(said)
    assert len(said) + made.insertions - made.deletions == len(heard)
    assert min(made.substitutions, made.insertions, made.deletions) >= 0
    back = edits(heard, said)
    assert back.errors == made.errors


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("the cat sat", "the cat sat", Edits(3)),
        ("the cat sat", "the hat sat", Edits(3, substitutions=1)),
        ("the cat sat", "the cat sat down", Edits(3, insertions=1)),
        ("the cat sat", "cat", Edits(3, deletions=2)),
        ("the cat sat", "", Edits(3, deletions=3)),
        ("cat", "a cat that sat", Edits(1, insertions=3)),
        ("a b", "b c", Edits(2, insertions=1, deletions=1)),  # with b right, not two substitutions
    ],
)
def test_each_kind_of_error_is_told_apart(said: str, heard: str, expected: Edits) -> None:
    assert edits(said.split(), heard.split()) == expected


def test_the_rate_is_that_of_all_words_together_and_may_exceed_one() -> None:
    made = word_errors([(["a", "b", "c", "d"], ["a", "b", "x", "d"]), (["a"], ["x"])])
    assert made.total == Edits(5, substitutions=2) and made.rate == 0.4 and made.sentences == 2
    assert (made.low, made.high) == (0.25, 1.0) and made.interval == "25.0 to 100.0 %"
    assert word_errors([(["a"], ["x", "y", "z"])]).rate == 3.0


def test_the_interval_is_a_bootstrap_over_sentences() -> None:
    rng = np.random.default_rng(0)
    pairs = [(["a"] * 8, ["a" if rng.random() < 0.7 else "b" for _ in range(8)]) for _ in range(50)]
    few, many = word_errors(pairs[:10]), word_errors(pairs)
    for one in (few, many):
        assert one.low is not None and one.high is not None and one.low < one.rate < one.high
    assert many.high - many.low < few.high - few.low  # type: ignore[operator]
    alone = word_errors(pairs[:1])
    assert alone.low is None and alone.interval is None


def test_json_has_all_numbers() -> None:
    told = json.loads(to_json(word_errors([(["a", "b", "c"], ["a", "x"]), (["a"], ["a"])]).to_json()))
    assert told == {
        "sentences": 2,
        "words": 4,
        "substitutions": 1,
        "insertions": 0,
        "deletions": 1,
        "rate": 0.5,
        "low": 0.0,
        "high": pytest.approx(2 / 3),
    }


@pytest.mark.parametrize(
    ("pairs", "words"), [([], "no sentence was given"), ([(["a"], []), ([], ["a"])], "in sentence 2 no word is said")]
)
def test_sentences_without_words_are_refused(pairs: list[tuple[list[str], list[str]]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        word_errors(pairs)
