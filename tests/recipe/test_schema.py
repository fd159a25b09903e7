"""Held: the strict loader builds what it is given or says, in one line with the dotted key, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.errors import RecipeError
from wavenet.recipe import schema
from wavenet.recipe.schema import Between, OneOf, Parsed, build


@dataclass(frozen=True)
class Inner:
    size: Annotated[int, Between(1, 10)]
    rate: Annotated[float, Between(-0.5, 2.0)] = 1.0


@dataclass(frozen=True)
class Outer:
    word: Annotated[str, OneOf(("red", "green"))]
    switch: bool
    inner: Inner
    text: str | None = None
    level: Annotated[float | None, Between(0.0, 1.0)] = None
    maybe: Inner | None = None
    taps: Annotated[int | tuple[int, ...], Parsed(schema.kernels)] = 2


def plain(**changes: Any) -> dict[str, Any]:
    return {"word": "red", "switch": True, "inner": {"size": 3}, **changes}


def refused(tree: Any, at: str = "") -> str:
    with pytest.raises(RecipeError) as caught:
        build(Outer, tree, at)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_whole_tree_becomes_a_frozen_record() -> None:
    tree = plain(text="x", level=1, maybe={"size": 10, "rate": 1e-3}, taps=[1, 2])
    assert build(Outer, tree, "") == Outer("red", True, Inner(3), "x", 1.0, Inner(10, 0.001), (1, 2))


def test_absent_keys_take_their_defaults_and_null_means_none() -> None:
    assert build(Outer, plain(text=None, level=None, maybe=None), "") == Outer("red", True, Inner(3, 1.0))


def test_a_whole_number_for_a_float_becomes_a_float() -> None:
    assert isinstance(build(Outer, plain(level=1), "").level, float)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"swich": True}, "unknown key swich (did you mean 'switch'?)"),
        ({"inner": {"size": 3, "siz": 1}}, "unknown key inner.siz (did you mean 'size'?)"),
        ({"inner": {"size": 3, 7: 1}}, "unknown key inner.7;"),
        ({"inner": {"size": 3, None: 1}}, "unknown key inner.empty;"),
        ({"inner": {"rate": 1.0}}, "the key inner.size is missing"),
        ({"inner": None}, "inner is empty, expected a mapping"),
        ({"inner": [1]}, "inner is [1], expected a mapping"),
        ({"inner": "size"}, "inner is 'size', expected a mapping"),
        ({"maybe": {"size": 3, "rate": "much"}}, "maybe.rate is 'much', expected a number"),
        ({"maybe": 3}, "maybe is 3, expected a mapping"),
        ({"word": "gren"}, "word is 'gren', expected one of red, green (did you mean 'green'?)"),
        ({"word": 3}, "word is 3, expected text"),
        ({"word": None}, "word is empty, expected text"),
        ({"text": 3}, "text is 3, expected text"),
        ({"switch": 1}, "switch is 1, expected true or false"),
        ({"switch": "true"}, "switch is 'true', expected true or false"),
        ({"level": 1.5}, "level is 1.5, expected 0 to 1"),
        ({"level": True}, "level is true, expected a number"),
        ({"level": {}}, "level is {}, expected a number"),
        ({"inner": {"size": True}}, "inner.size is true, expected a whole number"),
        ({"inner": {"size": 3.0}}, "inner.size is 3.0, expected a whole number; write 3"),
        ({"inner": {"size": "3"}}, "inner.size is '3', expected a whole number"),
        ({"taps": [2, 0]}, "taps[1] is 0, expected 1 to 65,536"),
        ({"taps": 2.0}, "taps is 2.0, expected a whole number"),
    ],
)
def test_each_mistake_is_a_sentence_that_names_the_key(changes: dict[str, Any], words: str) -> None:
    assert words in refused(plain(**changes))


def test_what_is_endless_in_print_is_named_shortly() -> None:
    bomb: Any = ["x"] * 9
    for _ in range(60):
        bomb = [bomb] * 9
    for wrong in ({"pattern": bomb}, {"pattern": 16**5_000}, {"pattern": "hdc", 16**5_000: 1}):
        with pytest.raises(RecipeError) as caught:
            schema.dilations({**wrong, "layers": 2}, "d")
        assert len(str(caught.value)) < 200 and str(caught.value).startswith(("d.", "unknown key d."))
    assert len(refused(plain(word="w" * 9_999))) < 200


def test_keys_are_dotted_from_where_the_tree_stands() -> None:
    assert "the key here.word is missing" in refused({}, "here")
    assert refused(3, "here") == "here is 3, expected a mapping"
    assert refused(3) == "the recipe is 3, expected a mapping"
    assert "unknown key here.inner.x" in refused(plain(inner={"size": 1, "x": 1}), "here")


@settings(deadline=None, max_examples=80)
@given(st.floats() | st.integers())
def test_numbers_are_taken_exactly_inside_their_bounds(value: float) -> None:
    inside = -0.5 <= value <= 2.0  # false for nan
    tree = plain(inner={"size": 1, "rate": value})
    if inside:
        assert build(Outer, tree, "").inner.rate == value
    else:
        assert "inner.rate is" in refused(tree)


@settings(deadline=None, max_examples=40)
@given(st.integers(-5, 15))
def test_whole_numbers_are_taken_exactly_inside_their_bounds(value: int) -> None:
    tree = plain(inner={"size": value})
    if 1 <= value <= 10:
        assert build(Outer, tree, "").inner.size == value
    else:
        assert refused(tree) == f"inner.size is {value}, expected 1 to 10"


# --- schedules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "stacks"),
    [
        ([1, 2, 4], ((1, 2, 4),)),
        ([[1, 2], [4]], ((1, 2), (4,))),
        ({"pattern": "exponential", "layers": 4}, ((1, 2, 4, 8),)),
        ({"pattern": "exponential", "layers": 2, "cycles": 3}, ((1, 2),) * 3),
        ({"pattern": "hdc", "layers": 4, "cycles": 1}, ((1, 2, 5, 10),)),
        ({"pattern": "constant", "layers": 2, "cycles": 2, "dilation": 3}, ((3, 3), (3, 3))),
        ({"pattern": "constant", "layers": 2}, ((1, 1),)),
    ],
)
def test_schedules_are_patterns_lists_or_lists_of_lists(value: Any, stacks: geometry.Stacks) -> None:
    assert schema.dilations(value, "d") == stacks


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "d is empty"),
        (4, "d is 4"),
        ("1 2 4", "d is '1 2 4'"),
        ([], "d is []"),
        ([[]], "d[0] is an empty stack"),
        ([[1], []], "d[1] is an empty stack"),
        ([1, 0], "d[0][1] is 0"),
        ([1, -2], "d[0][1] is -2"),
        ([1, 2.0], "d[0][1] is 2.0"),
        ([1, True], "d[0][1] is true"),
        ([1, [2]], "d[0][1] is [2]"),
        ([[1], [2, "4"]], "d[1][1] is '4'"),
        ([[1], [2, [3]]], "d[1][1] is [3]"),
        ([50_000_001], "d[0][0] is 50000001, expected 1 to 50,000,000"),
        ({}, "d.pattern is empty"),
        ({"pattern": "exponentail", "layers": 3}, "d.pattern is 'exponentail'"),
        ({"pattern": "exponentail", "layers": 3}, "(did you mean 'exponential'?)"),
        ({"pattern": ["hdc"], "layers": 3}, "d.pattern is ['hdc']"),
        ({"pattern": "hdc"}, "d.layers is missing"),
        ({"pattern": "hdc", "layer": 3}, "unknown key d.layer (did you mean 'layers'?)"),
        ({"pattern": "hdc", "layers": 3, "dilation": 2}, "unknown key d.dilation"),
        ({"pattern": "hdc", "layers": 0}, "d.layers is 0"),
        ({"pattern": "hdc", "layers": "3"}, "d.layers is '3'"),
        ({"pattern": "exponential", "layers": 27}, "d.layers is 27, expected 1 to 26"),
        ({"pattern": "exponential", "layers": 10**9}, "d.layers is 1000000000"),
        ({"pattern": "hdc", "layers": 25}, "d.layers is 25, expected 1 to 24"),
        ({"pattern": "constant", "layers": 10**9}, "d.layers is 1000000000"),
        ({"pattern": "exponential", "layers": 3, "cycles": 0}, "d.cycles is 0"),
        ({"pattern": "exponential", "layers": 3, "cycles": 10**9}, "d.cycles is 1000000000"),
        ({"pattern": "constant", "layers": 3, "dilation": 0}, "d.dilation is 0"),
    ],
)
def test_each_wrong_schedule_is_a_sentence(value: Any, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        schema.dilations(value, "d")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_longest_patterns_stay_below_the_limit() -> None:
    assert schema.dilations({"pattern": "exponential", "layers": 26}, "d")[0][-1] <= geometry.MAX_RECEPTIVE_FIELD
    assert schema.dilations({"pattern": "hdc", "layers": 24}, "d")[0][-1] <= geometry.MAX_RECEPTIVE_FIELD


def test_kernels_are_one_number_or_a_list() -> None:
    assert schema.kernels(3, "k") == 3
    assert schema.kernels([1, 2, 3], "k") == (1, 2, 3)
    for wrong in (0, 65_537, "2", None, {}, [2, None]):
        with pytest.raises(RecipeError, match=r"^k(\[1\])? is "):
            schema.kernels(wrong, "k")


@pytest.mark.parametrize("value", ["de", "fr-fr", "chr-US-Qaaa-x-west"])
def test_a_language_is_a_name(value: str) -> None:
    assert schema.language_name(value, "k") == value


@pytest.mark.parametrize("value", [False, "", "d", "de ", "de_DE", "../de", 1])
def test_what_is_no_language_is_refused(value: object) -> None:
    with pytest.raises(RecipeError, match=r"k is .*, expected the name of a language, such as de or fr-fr"):
        schema.language_name(value, "k")


def test_words_are_a_list_of_text_and_whole_numbers() -> None:
    assert schema.words(["zero", 1, "yes"], "k") == ("zero", "1", "yes")
    for wrong, word in (
        ([], r"k is \[\]"),
        ("one", "list of words"),
        ([True], "in quotes"),
        ([1.5], r"k\[0\]"),
        ([[]], "k"),
    ):
        with pytest.raises(RecipeError, match=word):
            schema.words(wrong, "k")


@pytest.mark.parametrize(("written", "as_number"), [(1e3, 1000), (44100.0, 44100)])
def test_a_whole_number_that_is_written_as_none_is_written_out(written: object, as_number: int) -> None:
    assert refused(plain(inner={"size": written})).endswith(f"expected a whole number; write {as_number}")


@pytest.mark.parametrize("written", [1.5, "nan", float("inf"), "1e400", "x", True, None])
def test_what_is_no_whole_number_is_not_written_out(written: object) -> None:
    assert refused(plain(inner={"size": written})).endswith("expected a whole number")


@pytest.mark.parametrize("key", ["", " ", "word ", "wo\nrd"])
def test_a_key_that_looks_like_another_is_shown_as_it_is(key: str) -> None:
    assert refused(plain(**{key: 1})).startswith(f"unknown key {key!r}")
