"""What is kept comes back as it was, whatever a killed process left between."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavenet.errors import WavenetError
from wavenet.speech import Aligned, Phone, kept
from wavenet.speech.doubts import Heard

PHONES = (Phone("sil"), Phone("AH", 1, 0), Phone("ʒ", 0, 1))
HEARD = Heard(Aligned(PHONES, (0.25, 0.5, 1.0 / 3 + 1)), -11.5, 0.25, 0.0, 0.0625)


def test_outcomes_are_read_back_and_the_last_of_a_key_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert kept.read(path) == {}
    with kept.adding(path) as add:
        add("one", HEARD)
        add("two", "it has no text")
    with kept.adding(path) as add:
        add("two", HEARD)
        add("three", "it is silent")
    assert kept.read(path) == {"one": HEARD, "two": HEARD, "three": "it is silent"}


def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with kept.adding(path) as add:
        add("one", HEARD)
        add("two", HEARD)
    whole = path.read_bytes()
    second = whole.index(b'"two"')
    for end in range(second - 10, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert kept.read(path) == {"one": HEARD}
        with kept.adding(path) as add:
            add("three", "it is silent")
        assert kept.read(path) == {"one": HEARD, "three": "it is silent"}


@pytest.mark.parametrize(
    "line", ["null", "[1]", '{"key": "a"}', '{"key": "a", "phones": [["AH", 0, 0]], "ends": []}', "\xff"]
)
def test_what_is_no_outcome_is_passed_over(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{line}\n{{"key": "b", "reason": "it is silent"}}\n', encoding="latin-1")
    assert kept.read(path) == {"b": "it is silent"}


def test_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(WavenetError, match="name another place with --cache"), kept.adding(tmp_path / "no" / "a.jsonl"):
        pass
