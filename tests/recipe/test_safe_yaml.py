"""Held: text becomes plain values safely; what is no text, too large, written twice or a bomb is one line."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from wavenet import disk, text
from wavenet.errors import BundleError, RecipeError
from wavenet.recipe import safe_yaml


def test_values_go_to_yaml_and_come_back_in_their_order(tmp_path: Path) -> None:
    tree = {"b": [1, 2.5, None], "a": {"text": "é\0", "truth": True}}
    path = tmp_path / "a.yaml"
    path.write_text(safe_yaml.to_yaml(tree), encoding="utf-8")
    back = safe_yaml.read_yaml(path)
    assert back == tree and list(back) == ["b", "a"]
    assert safe_yaml.read_value("[1, {a: 2}]", "here") == [1, {"a": 2}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "the key 'a' stands twice (line 2)"),
        ("a: &a {k: 1}\nb: {<<: *a}", "merge keys (<<, line 2) are not read"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: " + ":".join(["1"] * 400_000), "a number has 799,999 characters"),
        ("a: " + "9" * 5_000, "does not fit its tag"),
        ("[" * 9_000, "brackets stand in brackets more than 100 deep (line 1)"),
        ("- " * 9_000, "RecursionError"),
        ("a: 007", "007 (line 1) would be read to the base 8"),
        ("a: '" + "x" * (1 << 20) + "'", "1,048,576"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_plain_yaml_is_one_line_at_once(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        safe_yaml.read_yaml(path)
    told = str(caught.value)
    assert told.startswith(f"{path} cannot be read as YAML: ") and "\n" not in told and len(told) < 500
    assert words in told or (words == "RecursionError" and "recursion" in told)
    with pytest.raises(RecipeError, match=r"^--set a: the value is no YAML"):
        safe_yaml.read_value(text, "--set a")


@pytest.mark.parametrize("name", ["/dev/zero", "."])
def test_no_more_is_read_than_a_recipe_can_have(name: str) -> None:
    with pytest.raises(RecipeError, match="cannot be read as YAML"):
        safe_yaml.read_yaml(Path(name))
    with pytest.raises(BundleError, match="cannot be read as JSON"):
        disk.read_json(Path(name))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is given twice"),
        ("[" * 90_000, "JSON"),
        ("9" * 5_000, "JSON"),
    ],
    ids=["cut", "twice", "deep", "long"],
)
def test_what_is_no_plain_json_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(BundleError) as caught:
        disk.read_json(path)
    assert words in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)
    path.write_text('{"a": [1, null]}')
    assert disk.read_json(path) == {"a": [1, None]}


def test_what_is_not_finite_becomes_null_and_all_else_stays(tmp_path: Path) -> None:
    nan, inf = math.nan, math.inf
    value = {"a": [1, -0.5, None, True, "NaN"], "b": {"c": (1e308, 0.1 + 0.2)}}
    assert text.to_json(value) == json.dumps(value) and text.to_json(value, 1) == json.dumps(value, indent=1)
    mixed = {"a": [nan, 1, (inf, -inf)], "b": {"c": np.float64("nan"), "d": 0.1 + 0.2}, nan: 1}
    assert (
        text.to_json(mixed) == '{"a": [null, 1, [null, null]], "b": {"c": null, "d": 0.30000000000000004}, "null": 1}'
    )
    assert text.to_json(nan, 1) == "null"
    (tmp_path / "a.json").write_text(text.to_json(mixed, 1))
    assert disk.read_json(tmp_path / "a.json")["a"] == [None, 1, [None, None]]


def test_nothing_else_writes_json() -> None:
    package = Path(text.__file__).parent
    found = [
        path.relative_to(package).as_posix()
        for path in sorted(package.rglob("*.py"))
        if re.search(r"json\.dumps?\(|from json import", path.read_text(encoding="utf-8"))
    ]
    assert found == ["text.py"]


def test_anything_is_shown_on_one_short_line() -> None:
    bomb: object = ["x"] * 9
    for _ in range(60):
        bomb = [bomb] * 9
    for value in (bomb, 16**5_000, {16**5_000: 1}, "w" * 10_000):
        assert len(text.shown(value)) <= 60
    assert text.one_line("a\n b\tc") == "a b c"
    assert text.one_line("w" * 999) == "w" * 300
    assert text.one_line(16**5_000) == "int" and text.one_line("") == "str"


def test_a_bomb_of_aliases_is_small_until_it_is_printed() -> None:
    lines = [
        "- &a [x, x]",
        *(f"- &{b} [*{a}, *{a}, *{a}, *{a}]" for a, b in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)),
    ]
    made = safe_yaml.read_value("\n".join(lines), "here")
    assert len(made) == 16 and made[-1][0] is made[-1][1] is made[-2]


def test_text_is_read_as_editors_write_it(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: {b: '007', c: 0, d: 0.5, e: 0x10}\r\nf: 1_000\r\n")
    assert safe_yaml.read_yaml(path) == {"a": {"b": "007", "c": 0, "d": 0.5, "e": 16}, "f": 1000}
    assert safe_yaml.read_text(path).startswith("a: ")
    path.write_bytes("a: 1".encode("utf-16"))
    for read in (safe_yaml.read_yaml, safe_yaml.read_text):
        with pytest.raises(RecipeError, match=r"not text in UTF-8 \(byte 1\); save it as that"):
            read(path)
