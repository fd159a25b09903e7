"""Tables: what is written is what is read."""

from __future__ import annotations

import re

from wavenet.speech.tables import either, table


def test_rows_stand_on_lines_or_between_semicolons() -> None:
    assert table("a = one; b c = two words\n\n° = degree\n") == {
        "a": "one",
        "b c": "two words",
        "°": "degree",
    }


def test_the_longest_name_is_found_first() -> None:
    pattern = either({"m": "", "m squared": "", "e.g": ""})
    assert re.findall(pattern, "m squared m  squared m eXg e.g") == ["m squared", "m  squared", "m", "e.g"]
