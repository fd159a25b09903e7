"""Every key is explained, with its unit; what is printed of ranges, words and defaults is what the loader does."""

from __future__ import annotations

import re
from typing import Any

import feature_toys
import pytest
import toys
import yaml

from wavenet import cli
from wavenet.errors import RecipeError
from wavenet.recipe import find, keys, read

ITEM = re.compile(r"- `(?P<name>[^`]+)`: (?P<takes>.*?); (?:default (?P<default>.*?)|no default)\. (?P<meaning>.+)")
NUMBERS = re.compile(r"([0-9][0-9.,e-]*[0-9]|[0-9]) to ([0-9][0-9.,e-]*[0-9]|[0-9])")
NO_QUANTITY = {"train.seed"}  # a number that measures nothing


def printed() -> dict[str, dict[str, str | None]]:
    """Return what the page says of each key, read from its text."""
    items = [" ".join(item.split()) for item in re.split(r"\n(?=- `|##)", keys.explain()) if item.startswith("- ")]
    found = [ITEM.fullmatch(item) for item in items]
    return {match["name"]: match.groupdict() for match in found if match is not None}


PRINTED = printed()
RANGED = [name for name, told in PRINTED.items() if NUMBERS.search(str(told["takes"]))]
CHOICES = [name for name, told in PRINTED.items() if str(told["takes"]).startswith("one of ")]


def tree(key: str, *value: Any) -> dict[str, Any]:
    """Return a small recipe with a condition in which a key has a value, or is left out."""
    made = toys.tree() | {"condition": feature_toys.condition()}
    if key == "condition.hop_samples" and value in ((), (None,)):
        made["condition"] |= {"tracks": {}, "encoder": [], "acoustic": None, "durations": None}
    if key == "condition.fields" and not value:
        del made["condition"]["columns"]
    if key.startswith("condition.tracks.sine"):
        made["condition"] = feature_toys.notes()
    if key.startswith("data.trim."):
        made["data"]["trim"] = {"below_db": 40.0}
        del made["condition"]["tracks"]["array"]
    *above, last = key.split(".")
    inner = made
    for part in above:
        inner = inner.setdefault(part, {})
    inner.pop(last, None)
    if value:
        inner[last] = value[0]
    return made


def refusal(key: str, *value: Any) -> str:
    """Return why the loader refuses a value of a key, or an empty text."""
    try:
        read.from_tree(tree(key, *value), "here")
    except RecipeError as error:
        return str(error)
    return ""


def flat(value: Any, at: str = "") -> dict[str, Any]:
    if not isinstance(value, dict) or at in ("condition.fields", "condition.columns"):
        return {at: value}
    return {
        key: one for name, inner in value.items() for key, one in flat(inner, f"{at}.{name}" if at else name).items()
    }


def test_every_key_of_a_recipe_is_on_the_page_with_its_meaning() -> None:
    whole = set[str]()
    for key in ("data.trim.below_db", "condition.tracks.array", "condition.tracks.sine.harmonics"):
        whole |= flat(read.to_tree(read.from_tree(tree(key, 2), "here"))).keys()
    # null where arrays are told, where notes are, and where they are not
    whole -= {"data.trim", "condition.acoustic", "condition.durations"}
    whole -= {f"condition.tracks.{name}" for name in ("sine", "phones", "mel", "f0", "array")} - PRINTED.keys()
    assert set(PRINTED) == whole and len(whole) > 40
    for name, told in PRINTED.items():
        assert re.fullmatch(r"[A-Z`].{15,}\.", str(told["meaning"])), name


def test_every_quantity_has_a_unit() -> None:
    unit = re.compile(r"([0-9.,e-]+ to [0-9.,e-]+ [a-z%]|\([a-z]+\)$)", re.IGNORECASE)
    assert {name for name in RANGED if not unit.search(str(PRINTED[name]["takes"]))} == NO_QUANTITY


def check_range(name: str) -> None:
    takes = str(PRINTED[name]["takes"])
    match = NUMBERS.search(takes)
    assert match is not None
    whole = "whole number" in takes
    low, high = ((int if whole else float)(text.replace(",", "")) for text in match.groups())
    below, above = (low - 1, high + 1) if whole else (low - abs(low) / 1000 - 1e-12, high * 1.001)
    out_of_range = re.compile(rf"{re.escape(name)}\S* is .*, expected .* to ")

    def refused(value: float) -> bool:
        return out_of_range.search(refusal(name, [value] if name == "model.dilations" else value)) is not None

    # at its edges a value may be too much together with another key, which is another sentence
    assert [refused(value) for value in (below, low, high, above)] == [True, False, False, True], name
    assert refused(-(10**30)) and refused(10**30), name


def test_the_range_that_is_printed_is_the_one_that_is_enforced() -> None:
    assert len(RANGED) > 40
    for name in RANGED:
        check_range(name)


@pytest.mark.parametrize("name", CHOICES)
def test_the_words_that_are_printed_are_those_that_are_taken(name: str) -> None:
    words = str(PRINTED[name]["takes"]).removeprefix("one of ").removesuffix(", or null").split(", ")
    assert len(words) > 1 and [refusal(name, word) for word in words] == [""] * len(words)
    assert refusal(name, "another").endswith(f"expected one of {', '.join(words)}")


def test_what_is_printed_of_leaving_a_key_out_is_what_happens() -> None:
    for name, told in PRINTED.items():
        default = told["default"]
        if default is None:
            assert f"the key {name} is missing" in refusal(name)
            continue
        left_out = flat(read.to_tree(read.from_tree(tree(name), "here")))[name]
        assert left_out == yaml.safe_load(default.replace(",", "")), name
        assert (refusal(name, None) == "") == ("null" in str(told["takes"])), name


def test_the_page_in_the_repository_is_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes", "--keys"]) == 0
    text = capsys.readouterr().out
    assert text == (find.recipe_folder() / "README.md").read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("train.steps", ["train.steps"]),
        ("steps", ["train.steps"]),
        ("name", ["name"]),
        ("data.level", ["data.level.rms", "data.level.peak"]),
        ("by", ["data.split.by"]),
        ("output", ["output.kind", "output.classes", "output.preemphasis"]),
    ],
)
def test_a_key_or_a_section_can_be_asked_for(asked: str, names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes", "--keys", asked]) == 0
    assert re.findall(r"^- `(.*?)`", capsys.readouterr().out, flags=re.MULTILINE) == names


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--keys", "train.step"], "a recipe has no key 'train.step' (did you mean 'train.steps'?)"),
        (["digits", "--keys"], "give one of them"),
    ],
)
def test_what_is_no_key_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipes", *words]) == 2
    said = capsys.readouterr()
    assert told in said.err and said.out == "" and said.err.count("\n") == 1
