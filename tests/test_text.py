"""Held: numbers, lists and errors are told as people say them, on one line; JSON has no word that is not JSON's."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet import text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185.2, "3 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_a_clock_says_what_people_say(seconds: float, words: str) -> None:
    assert text.clock(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 ms"),
        (0.085, "85 ms"),
        (0.4, "0.4 seconds"),
        (59.94, "59.9 seconds"),
        (59.96, "1.0 minutes"),
        (1_314.0, "21.9 minutes"),
        (3_597.5, "1.0 hours"),
        (9_000_000.0, "2,500.0 hours"),
    ],
)
def test_the_length_of_sound_is_in_the_unit_that_suits(seconds: float, words: str) -> None:
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "unit", "words"),
    [
        (0, "file", "0 files"),
        (1, "file", "1 file"),
        (1_234, "step", "1,234 steps"),
        (1, "process", "1 process"),
        (2, "process", "2 processes"),
        (3, "branch", "3 branches"),
    ],
)
def test_one_is_told_as_one(count: int, unit: str, words: str) -> None:
    assert text.many(count, unit) == words


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("J\u00fcrgen \u732b 'x' \"y\".wav", "J\u00fcrgen \u732b 'x' \"y\".wav"),
        ("two\nlines\t.wav", "two\\nlines\\t.wav"),
        ("\udcff\u202e\x1b[31m.wav", "\\udcff\\u202e\\x1b[31m.wav"),
    ],
)
def test_any_name_is_shown_as_one_line_of_text(name: str, shown: str) -> None:
    assert text.printable(name) == shown and shown.isprintable()


@pytest.mark.parametrize(
    ("names", "most", "words"),
    [(["a\n"], 1, "a\\n"), (["a", "b"], 2, "a, b"), (["a"] * 1_002, 2, "a, a, and 1,000 more")],
)
def test_of_many_names_some_are_told(names: list[str], most: int, words: str) -> None:
    assert text.some(names, most) == words


def test_bytes_are_told_in_gib() -> None:
    assert text.gib(3 << 29) == "1.5 GiB" and text.gib(1234 << 30) == "1,234.0 GiB"


def test_one_line_keeps_both_ends_of_a_long_text() -> None:
    assert text.one_line("a\n b\tc") == "a b c"
    told = text.one_line("first " + "x" * 10_000 + " last")
    assert told.startswith("first x") and told.endswith("x last") and " ... " in told and len(told) <= 300
    assert text.one_line(16**5_000) == "int" and text.one_line("") == "str"


@pytest.mark.parametrize(
    ("value", "words"), [(None, "empty"), (True, "true"), ("a", "'a'"), (1.5, "1.5"), ([1, None], "[1, None]")]
)
def test_a_value_is_shown_with_its_type(value: object, words: str) -> None:
    assert text.shown(value) == words


def test_anything_is_shown_on_one_short_line() -> None:
    bomb: object = ["x"] * 9
    for _ in range(60):
        bomb = [bomb] * 9
    for value in (bomb, 16**5_000, {16**5_000: 1}, "w" * 10_000):
        assert len(text.shown(value)) <= 60


def test_names_are_listed_as_people_do() -> None:
    assert [text.joined(("a", "b", "c")[:count]) for count in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_what_is_not_finite_becomes_null_and_all_else_stays() -> None:
    nan, inf = math.nan, math.inf
    value = {"a": [1, -0.5, None, True, "NaN"], "b": {"c": (1e308, 0.1 + 0.2)}}
    assert text.to_json(value) == json.dumps(value) and text.to_json(value, 1) == json.dumps(value, indent=1)
    mixed = {"a": [nan, 1, (inf, -inf)], "b": {"c": np.float64("nan"), "d": 0.1 + 0.2}, nan: 1}
    cleaned = {"a": [None, 1, [None, None]], "b": {"c": None, "d": 0.1 + 0.2}, "null": 1}
    assert json.loads(text.to_json(mixed)) == cleaned
    assert text.to_json(nan, 1) == "null"


@dataclasses.dataclass
class Record:
    """A record with others in it."""

    name: str
    others: tuple[object, ...] = ()


class Own:
    def to_json(self) -> dict[str, int]:
        return {"own": 1}


def test_records_become_plain_values_as_they_say_or_by_their_fields() -> None:
    made = text.plain(Record("a", (Record("b"), Own(), None, 2.5)))
    assert made == {"name": "a", "others": [{"name": "b", "others": []}, {"own": 1}, None, 2.5]}
    assert text.plain(None) is None


def test_nothing_else_writes_json() -> None:
    package = Path(text.__file__).parent
    found = [
        path.relative_to(package).as_posix()
        for path in sorted(package.rglob("*.py"))
        if re.search(r"json\.dumps?\(|from json import", path.read_text(encoding="utf-8"))
    ]
    assert found == ["speech/decoder.py", "text.py"]  # the former is a process of its own that imports none of ours


# --- words of numbers ------------------------------------------------------------------------------------------------


def test_numbers_have_commas_units_and_few_digits() -> None:
    assert [text.number(n) for n in (1_000, -99_999_999, 10**8)] == ["1,000", "-99,999,999", "1e+08"]
    assert [text.times(size) for size in ((224,), (1080, 1920))] == ["224", "1,080 x 1,920"]
    assert text.lasting(2_047, 8_000) == "2,047 samples, 255.9 ms at 8,000 Hz"
    assert text.lasting(1, None, "pixel") == "1 pixel"
    shares = [text.percent(share) for share in (1.0, 0.99951, 0.9994, 0.5)]
    assert shares == ["100.0%", "over 99.9%", "99.9%", "50.0%"]


@given(st.lists(st.lists(st.text("ab", max_size=9), min_size=4, max_size=4), min_size=1, max_size=5))
def test_a_table_has_straight_columns_that_fit(rows: list[list[str]]) -> None:
    lines = text.table(rows, left=2, most=20)
    assert text.table([["a", "b"], ["aaa", "bb"]], most=100) == ["a       b", "aaa    bb"]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    gap = min(4, max(1, (20 - sum(widths)) // 3))
    assert max(map(len, lines)) <= max(20, sum(widths) + 3)
    for row, line in zip(rows, lines, strict=True):
        at = 0
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            assert line[at : at + width].ljust(width) == (cell.ljust(width) if i < 2 else cell.rjust(width))
            at += width + gap


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (0.5, 0.5),
        (math.nan, None),
        (-math.inf, None),
        ("3", None),
        (None, None),
        ([3], None),
        (10**400, None),
    ],
)
def test_a_number_of_a_record_is_finite_or_none(value: object, number: float | None) -> None:
    assert text.finite(value) == number
