"""Held: YAML 1.2 becomes plain values and back; text that is too large, doubled or a bomb is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.errors import RecipeError
from wavenet.recipe.safe_yaml import MAX_YAML_BYTES, parse, read_text, read_yaml, to_yaml

ODD = ["1e3", "010", "0o7", "yes", "null", "1_0", "08", ".inf", "<<", "=", "1:2", "\x85", "a\u2028b"]
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8) | st.sampled_from(ODD)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(TEXTS, PLAIN, max_size=4))
def test_values_go_to_yaml_and_come_back_in_their_order(tree: dict[str, Any]) -> None:
    back = parse(to_yaml(tree), "here")
    assert back == tree and list(back) == list(tree)
    assert yaml.safe_load(to_yaml(tree)) == tree  # as other programs read it


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1e-3", 0.001), ("1E5", 1e5), (".5", 0.5), ("5.", 5.0), ("-.inf", float("-inf")), ("1_000.5", 1000.5)),
        *(("010", 10), ("007", 7), ("0x10", 16), ("0o10", 8), ("1_000", 1000), ("-3", -3), ("+3", 3)),
        *((word, word) for word in ("yes", "no", "on", "off", "y", "2001-01-01", "1:30:00", "1e", "0b1", "<<", "=")),
        *(("true", True), ("False", False), ("~", None), ("", None), ("null", None), ("'1'", "1")),
    ],
)
def test_plain_words_are_what_yaml_1_2_says(text: str, value: object) -> None:
    read = parse(f"a: {text}", "here")["a"]
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "the key 'a' is given twice (line 2)"),
        ("train:\n  steps: 1\n  steps: 2\n", "the key 'steps' is given twice (line 3)"),
        ("model: {dilations: {layers: 1, layers: 2}}\n", "the key 'layers' is given twice (line 1)"),
        ("7: a\n7: b", "the key '7' is given twice (line 2)"),
        ("!!merge <<: {a: 1}", "could not determine a constructor"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: !!float " + ":".join(["1"] * 400_000), "does not fit its type"),
        ("a: !!bool maybe", "does not fit its type"),
        ("a: " + "9" * 5_000, "does not fit its type"),
        ("a: \x07", "special characters"),
        ("[" * 1_200, "nested too deeply"),
        ("- " * 1_200, "nested too deeply"),
        ("a: b: c", "mapping values are not allowed here (line 1)"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_not_plain_yaml_is_one_line_at_once(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    for read, where in ((lambda: read_yaml(path), path), (lambda: parse(text, "--set a"), "--set a")):
        with pytest.raises(RecipeError) as caught:
            read()
        message = str(caught.value)
        assert message.startswith(f"{where} cannot be read as YAML: ") and words in message
        assert "\n" not in message and len(message) < 500


def test_merge_keys_which_could_fill_a_machine_are_keys_like_any_other() -> None:
    assert parse("a: &a {k: 1}\nb: {<<: *a}", "here")["b"] == {"<<": {"k": 1}}


@pytest.mark.parametrize("name", ["/dev/zero", ".", "absent.yaml"])
def test_no_more_is_read_than_a_recipe_can_have(name: str) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read_yaml(Path(name))
    with pytest.raises(RecipeError, match="here has 1,048,577 characters"):
        parse("x" * (MAX_YAML_BYTES + 1), "here")


def test_a_bomb_of_aliases_is_small_until_it_is_printed() -> None:
    lines = [
        "- &a [x, x]",
        *(f"- &{b} [*{a}, *{a}, *{a}, *{a}]" for a, b in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)),
    ]
    made = parse("\n".join(lines), "here")
    assert len(made) == 16 and made[-1][0] is made[-1][1] is made[-2]


def test_text_is_read_as_editors_write_it(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: {b: '007', c: 0}\r\nf: 1_000\r\n")
    assert read_yaml(path) == {"a": {"b": "007", "c": 0}, "f": 1000}
    assert read_text(path).startswith("a: ")
    path.write_bytes("a: 1".encode("utf-16"))
    with pytest.raises(RecipeError, match=r"cannot be read: .*UTF-8"):
        read_yaml(path)
