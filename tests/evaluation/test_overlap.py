"""What a model was trained on is found again, whatever its name, and the rest of a divided file is not."""

from __future__ import annotations

import pytest

from wavenet.audio.decode import Entry
from wavenet.audio.splits import Span
from wavenet.evaluation.overlap import listed, trained_on

ENTRIES = [Entry(f"{name}.wav", length=100, digest=name * 64) for name in "abcd"]


def test_files_are_known_by_their_samples() -> None:
    known = listed(ENTRIES, [Span(0, 0, 100), Span(2, 0, 60)])
    assert known == "aaaaaaaaaa cccccccccc:60"
    renamed = [Entry("other/name.flac", length=100, digest=entry.digest) for entry in reversed(ENTRIES)]
    spans = [Span(index, 0, 100) for index in range(4)]
    assert trained_on(known, renamed, spans) == [1, 3]


@pytest.mark.parametrize(("first", "seen"), [(59, [0]), (60, []), (80, [])])
def test_of_a_divided_file_only_its_beginning_is_known(first: int, seen: list[int]) -> None:
    assert trained_on(listed(ENTRIES, [Span(2, 0, 60)]), ENTRIES, [Span(2, first, 100)]) == seen


def test_of_twins_the_one_that_is_trained_on_whole_counts() -> None:
    known = listed([*ENTRIES, ENTRIES[2]], [Span(2, 0, 60), Span(4, 0, 100)])
    assert trained_on(known, ENTRIES, [Span(2, 80, 100)]) == [0]


@pytest.mark.parametrize("known", [None, 3, ["aaaaaaaaaa"]])
def test_an_older_bundle_does_not_know(known: object) -> None:
    assert trained_on(known, ENTRIES, [Span(0, 0, 100)]) is None


def test_what_is_no_digest_is_passed_over() -> None:
    assert trained_on("aaaaaaaaaa:x bbbbbbbbbb:-3 cccc", ENTRIES, [Span(0, 0, 100), Span(1, 0, 9)]) == []
