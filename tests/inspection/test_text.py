"""Held: what `inspect` says in words fits 100 columns, agrees with the records, and tells of holes what mends them."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry, text
from wavenet.errors import InputError, RecipeError
from wavenet.geometry import Layer, Parallel, Part, Paths
from wavenet.inspection import layer_report, layers, report
from wavenet.inspection.report import Context, Measured, Report
from wavenet.inspection.text import describe, describe_measured, fact, hole_warning, missed, octaves, percent
from wavenet.recipe import find, read

SAMPLES = Path(__file__).parents[2] / "samples" / "layers"
SCHEDULES: dict[str, Any] = {
    "one layer": [1],
    "two stacks": [[1, 2, 4], [1, 2, 4]],
    "holes": [[2, 4, 8], [3, 9]],
    "2016": {"pattern": "exponential", "layers": 10, "cycles": 3},
    "many holes": {"pattern": "hdc", "layers": 9},
    "long": {"pattern": "constant", "layers": 60, "cycles": 3, "dilation": 1234},
    "many stacks": {"pattern": "exponential", "layers": 2, "cycles": 120},
    "wide": {"pattern": "exponential", "layers": 20, "cycles": 2},
    "millions": [[1_000_000, 2_000_000, 5_000_000, 9_000_001], [20_000_000]],
}


def looked(**model: Any) -> Report:
    return report.of_recipe(toys.recipe(model={"kernel_size": 2, "residual_channels": 6, **model}))


def listed(items: Sequence[dict[str, Any]], name: str = "layers", size: Any = None, **head: Any) -> Report:
    return report.of_design(layers.of_layers({"layers": list(items), **head}, Path(f"{name}.yaml")), size)


def dilated(*dilations: int, kernel: int = 2) -> list[dict[str, Any]]:
    return [{"kernel": kernel, "dilation": dilation} for dilation in dilations]


def branches(*dilations: int) -> dict[str, Any]:
    return {"parallel": [[{"kernel": 3, "dilation": dilation}] for dilation in dilations]}


def facts(text: str) -> dict[str, str]:
    """Return what is said behind each label in the head, wrapped lines put together."""
    told: dict[str, str] = {}
    label = ""
    for line in text.split("\n\n", maxsplit=1)[0].splitlines()[1:]:
        label = line[:18].strip() or label
        told[label] = f"{told[label]} {line[18:]}" if label in told else line[18:]
    return told


# --- a hundred columns -----------------------------------------------------------------------------------------------


def check_text(said: Report, lags: bool = False) -> None:
    lines = describe(said, layers=True, lags=lags).splitlines()
    assert max(map(len, lines)) <= 100
    unit = "pixel" if said.design.dims == 2 else "sample"
    assert text.many(said.receptive_field, unit) in facts("\n".join(lines))["receptive field"]
    start = next(i for i, line in enumerate(lines) if line.startswith("layer "))
    table = lines[start + 1 : start + 1 + _rows(said.layers)]
    costs = 0 if said.size is None and not any(map(costly, layer_report.each_layer(said.layers))) else len(table) + 2
    plain = [line for line in table if re.fullmatch(r"[\d,]+ [-\d, ]+", line)]
    layers = [(i, row) for i, row in enumerate(said.layers, 1) if isinstance(row, layer_report.LayerReport)]
    top = [(i, row) for i, row in layers if row.receptive_field]  # behind global pooling alone it says "all"
    cells = [[int(cell.replace(",", "")) for cell in line.split()] for line in plain]
    assert cells == [[i, *dataclasses.astuple(row)[:7]] for i, row in top]
    assert lines[start + 1 + len(table) + costs :][:1] == ([""] if lags else [])
    if costs:
        assert lines[start + 1 + len(table)] == "" and lines[start + 2 + len(table)].endswith("multiply-adds")


def costly(row: layer_report.LayerReport) -> bool:
    return row.out_channels is not None or row.padding in (0, 1, 2, 1_000_000)


def _rows(rows: Sequence[layer_report.Row]) -> int:
    joins = [row for row in rows if isinstance(row, layer_report.JoinReport)]
    return len(rows) + sum(_rows(branch) for row in joins for branch in row.parallel)


@pytest.mark.parametrize("name", find.recipe_names())
def test_every_recipe_fits_a_hundred_columns(name: str) -> None:
    check_text(report.read(name), lags=True)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_list_of_layers_among_the_samples_fits_a_hundred_columns(path: Path) -> None:
    check_text(report.read(path), lags=True)


@pytest.mark.parametrize("name", SCHEDULES)
def test_long_schedules_fit_a_hundred_columns(name: str) -> None:
    check_text(looked(dilations=SCHEDULES[name]))


DILATIONS = st.one_of([st.integers(1, 10**digits) for digits in range(1, 6)])


@settings(max_examples=40)
@given(st.lists(st.lists(DILATIONS, min_size=1, max_size=6), min_size=1, max_size=3))
def test_any_schedule_fits_a_hundred_columns(stacks: list[list[int]]) -> None:
    check_text(looked(dilations=stacks))


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=6), min_size=1, max_size=3), st.integers(1, 5))
def test_the_lags_of_any_schedule_fit_a_hundred_columns(stacks: list[list[int]], kernel: int) -> None:
    check_text(looked(dilations=stacks, kernel_size=kernel), lags=True)


LAYERS = st.fixed_dictionaries({"kernel": st.integers(1, 5), "dilation": st.integers(1, 40)})
POOL = st.just({"pool": "global"})
BRANCHES = st.recursive(
    st.lists(LAYERS | POOL, min_size=1, max_size=3),
    lambda inner: st.lists(
        LAYERS | st.fixed_dictionaries({"parallel": st.lists(inner, min_size=1, max_size=3)}), min_size=1, max_size=2
    ),
    max_leaves=6,
)
STRIDED = st.fixed_dictionaries({"kernel": st.integers(1, 5), "stride": st.integers(1, 3)})
JOINED = st.fixed_dictionaries({"parallel": st.lists(BRANCHES, min_size=1, max_size=3)})
ITEMS = st.lists(STRIDED | LAYERS | JOINED | POOL, min_size=1, max_size=4)
NAMES = st.text("abc-. ", min_size=1, max_size=120).map(lambda name: f"x{name}x")


@settings(max_examples=80)
@given(
    ITEMS, st.sampled_from([1, 2]), st.sampled_from(["causal", "same", "valid"]), st.none() | st.just(192_000), NAMES
)
def test_any_list_of_layers_fits_a_hundred_columns(
    items: list[dict[str, Any]], dims: int, padding: str, rate: int | None, name: str
) -> None:
    try:
        said = listed(items, name, dims=dims, padding=padding, sample_rate=rate)
    except RecipeError as error:  # unpadded branches of different lengths
        assert padding == "valid" and "different numbers of outputs" in str(error)
        return
    check_text(said, lags=True)


WIDE = st.integers(1, 1_000_000)
CONVOLUTION = st.fixed_dictionaries(
    {"kernel": st.integers(1, 5), "out": WIDE}, optional={"bias": st.booleans(), "padding": st.integers(0, 2)}
)


@settings(max_examples=60)
@given(
    st.lists(CONVOLUTION | STRIDED | POOL, min_size=1, max_size=4),
    WIDE,
    st.integers(1_000, 10**9) | st.tuples(st.integers(1_000, 10**9), st.integers(1_000, 9_000)),
    NAMES,
)
def test_any_sizes_and_channels_fit_a_hundred_columns(
    items: list[dict[str, Any]], entering: int, size: Any, name: str
) -> None:
    items = [{"kernel": 1, "in": entering, "out": 1}, *items]
    try:
        said = listed(items, name, size, dims=1 if isinstance(size, int) else 2)
    except InputError as error:  # behind global pooling there is one place
        assert "it gets 1 input and" in str(error)
        return
    check_text(said, lags=True)


def test_a_long_name_fits_a_hundred_columns() -> None:
    recipe = dataclasses.replace(toys.recipe(), name="x" * 120)
    read.from_tree(read.to_tree(recipe), "here")  # such a name is allowed
    check_text(report.of_recipe(recipe))
    check_text(listed(dilated(1) * 1_000, "x" * 120, dims=2))


def test_the_largest_layers_fit_a_hundred_columns() -> None:
    items = [{"kernel": 50, "stride": 7_000, "dilation": 1_000_000}, {"kernel": 1, "stride": 7_000}]
    check_text(listed(items, sample_rate=1))
    assert "49,000,001" in describe(listed(items), layers=True)


WORDS = st.text("xyz-/", min_size=1, max_size=12) | st.integers(13, 130).map(lambda length: "x" * length)


@settings(max_examples=60)
@given(st.text("ab", max_size=18), st.lists(WORDS, min_size=1, max_size=12))
def test_a_fact_is_wrapped_and_loses_nothing(label: str, words: list[str]) -> None:
    lines = fact(label, " ".join(words))
    assert max(map(len, lines)) <= 100
    assert all(line.startswith(" " * 18) for line in lines[1:])
    assert "".join("".join(lines).split()) == label + "".join(words)


# --- head ------------------------------------------------------------------------------------------------------------


def test_the_head_says_the_numbers_with_their_units() -> None:
    text = describe(report.read("digits"))
    shape = read.load(find.find_recipe("digits")).shape
    assert text.startswith("digits: 20 layers in 2 stacks\n")
    assert facts(text)["receptive field"] == "2,047 samples, 255.9 ms at 8,000 Hz"
    assert facts(text)["coverage"] == "100.0%, every lag is reached"
    assert facts(text)["parameters"] == f"{shape.parameters():,}"
    assert facts(text)["multiply-adds"].startswith(f"{shape.macs_per_sample():,} per sample, ")
    assert facts(text)["queues"] == f"{shape.queue_bytes():,} bytes per sequence (float32)"
    assert "layer " not in text.splitlines()[-1]


def test_tables_stand_only_where_they_are_asked_for() -> None:
    said = looked(dilations=[1, 2])
    for rows, lags in ((False, False), (True, False), (False, True), (True, True)):
        text = describe(said, rows, lags)
        assert ("\nlayer " in text, "\nlags " in text) == (rows, lags)


def test_a_list_of_layers_says_its_weights_and_nothing_of_a_recipe() -> None:
    text = describe(listed(dilated(1, 2, kernel=3)))
    assert facts(text).keys() == {"receptive field", "coverage", "weights"}
    assert facts(text)["receptive field"] == "7 samples"
    assert facts(text)["weights"] == "6 for each pair of channels, over 7 inputs"
    assert facts(describe(listed(dilated(7, kernel=1))))["weights"].endswith("over 1 input")


def test_pictures_are_told_in_pixels_along_either_axis() -> None:
    text = describe(listed(dilated(1, 2, 4, 8, kernel=3), dims=2))
    assert text.startswith("layers: 4 layers in 1 stack, along either of 2 axes\n")
    assert facts(text)["receptive field"] == "31 pixels"
    assert facts(text)["weights"] == "36 for each pair of channels, over 961 inputs"
    assert "sample" not in text


def test_the_step_between_outputs_is_told_where_there_is_one() -> None:
    strided = [{"kernel": 3, "stride": 2}, {"kernel": 2, "stride": 3}, {"pool": "global"}]
    assert facts(describe(listed(strided)))["output stride"] == "6 inputs from one output to the next"
    assert "output stride" not in describe(listed([{"kernel": 3}, branches(1, 2)]))
    assert "8 inputs from" in describe(report.read(SAMPLES / "resnet50-dilated.yaml"))


def test_global_pooling_is_told_beside_what_is_seen_without_it() -> None:
    text = describe(report.read(SAMPLES / "pyramid.yaml"))
    assert text.startswith("pyramid: 7 layers in 1 stack, along either of 2 axes\n")
    assert facts(text)["receptive field"] == "the whole input, through global pooling; without it 37 pixels"
    assert facts(text)["coverage"].startswith("18.9%, missed: 1-5, 7-11")
    assert "(1 | 6 | 12 | 18 | global 1) 1 " in text
    assert "weights" not in facts(text)


def test_global_pooling_alone_has_no_lags() -> None:
    text = describe(listed([{"kernel": 3}, {"pool": "global"}, {"kernel": 1}]), layers=True, lags=True)
    assert facts(text)["coverage"] == "100.0%, through global pooling alone"
    assert re.search(r"^2 +global +all *$", text, re.MULTILINE)
    assert re.search(r"^paths +0 in all, exact$", text, re.MULTILINE)
    assert text.splitlines()[-1].startswith("lags ")


def test_the_square_is_told_and_drawn_where_it_is_small_and_has_holes() -> None:
    gridded = listed(dilated(2, 2, kernel=3), dims=2)
    told = facts(describe(gridded))["grid"]
    assert told.startswith("25 of 81 positions (30.9%): gridded (# is reached, . is not) # . # . # . # . # . . .")
    assert told.count("#") == 1 + 25 and told.count(" .") == 1 + 81 - 25
    lines = describe(gridded).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("grid "))
    assert [line.replace(" ", "") for line in lines[start + 1 : start + 10]] == [
        *("#.#.#.#.#", "." * 9) * 4,
        "#.#.#.#.#",
    ]
    assert lines[start + 10].startswith("first hole")


def test_a_square_without_holes_is_told_in_a_line_and_a_large_one_too() -> None:
    def grid(*dilations: int, **head: Any) -> str | None:
        return facts(describe(listed(dilated(*dilations, kernel=3), **{"dims": 2, **head}))).get("grid")

    assert grid(1, 2, 5) == "289 of 289 positions (100.0%): no gridding, as HDC demands"
    assert grid(1, 1) == "25 of 25 positions (100.0%)"
    assert grid(9) == "9 of 361 positions (2.5%): gridded"
    assert grid(2, dims=1) is None
    both = facts(describe(listed([branches(1, 2)], dims=2)))["grid"]
    assert both.startswith("17 of 25 positions (68.0%): each row and each column is reached, but not all where they")
    assert "grid" not in facts(describe(listed([{"pool": "global"}], dims=2)))
    many = [{"parallel": [[{"kernel": 3, "dilation": 7**i + j}] for j in range(1, 5)]} for i in range(5)]
    assert facts(describe(listed(many, dims=2)))["grid"].startswith("not counted: the branches make too many")


def test_sizes_are_told_behind_each_layer_equal_ones_together() -> None:
    stem = [{"kernel": 7, "stride": 2}, {"kernel": 3, "stride": 2}, {"kernel": 3}, {"kernel": 3}]
    assert facts(describe(listed(stem, size=224, dims=2)))["output sizes"] == (
        "224 x 224 in; 112 x 112 from layer 1; 56 x 56 from layers 2-4"
    )
    assert facts(describe(listed(stem, size=101)))["output sizes"] == "101 in; 51 from layer 1; 26 from layers 2-4"
    shrinking = facts(describe(listed(dilated(*[1] * 40), size=100, padding="valid")))["output sizes"]
    assert shrinking.startswith("100 in; 99 from layer 1; 98 from layer 2;")
    assert shrinking.endswith("90 from layer 10; ...; 60 from layer 40")
    assert "output sizes" not in facts(describe(listed(stem)))


def test_parameters_and_multiply_adds_are_told_with_what_they_are_counted_in() -> None:
    items = [{"kernel": 5, "in": 64, "out": 128}, {"kernel": 2, "stride": 2}, {"kernel": 1, "out": 10, "bias": False}]
    told = facts(describe(listed(items, size=10, dims=2)))
    assert told["parameters"] == "206,208 in 2 convolutions; 1 layer without out is pooling"
    assert told["multiply-adds"] == f"{204_800 * 100 + 1_280 * 25:,} for an input of 10 x 10"
    assert facts(describe(listed(items[:1], dims=2)))["parameters"] == "204,928 in 1 convolution"
    assert "multiply-adds" not in facts(describe(listed(items, dims=2)))
    assert "weights" not in told  # which would count those of pooling


def test_a_second_table_tells_the_costs_of_each_layer() -> None:
    inner = [[{"kernel": 3, "out": 4}], [{"pool": "global"}]]
    items = [{"kernel": 3, "stride": 2, "padding": 1, "in": 3, "out": 4}, {"parallel": inner, "join": "add"}]
    table = describe(listed(items, size=9, dims=2), layers=True).split("\n\n")[-1].splitlines()
    assert [line.split() for line in table] == [
        ["layer", "padding", "output", "size", "in", "out", "parameters", "multiply-adds"],
        ["1", "1", "5", "x", "5", "3", "4", "112", "2,700"],
        ["2.1.1", "same", "5", "x", "5", "4", "4", "148", "3,600"],
        ["2.2.1", "global", "1", "x", "1"],
        ["2", "join", "5", "x", "5"],
    ]
    # a padding of its own is told without a size too
    own = describe(listed([{"kernel": 3, "padding": 1}]), layers=True).splitlines()
    assert own[-1].split() == ["1", "1"]


# --- holes -----------------------------------------------------------------------------------------------------------


def test_holes_are_said_in_words() -> None:
    def coverage(*dilations: int) -> str:
        return facts(describe(looked(dilations=list(dilations))))["coverage"]

    assert coverage(2, 4, 8) == "53.3%, missed: 1-13 by 2"
    assert coverage(1, 2, 5) == "88.9%, missed: 4"
    assert coverage(1, 10) == "33.3%, missed: 2-9"
    left = len(looked(dilations=[1, 2, 5, 10, 20, 50, 100, 200, 500]).holes) - 5
    said = coverage(1, 2, 5, 10, 20, 50, 100, 200, 500)
    assert said == f"57.6%, missed: 4-34 by 5, 39-49, 54-84 by 5, 89-99, 104-134 by 5 and {left} more holes"


HOLES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 9)), min_size=1, max_size=9)


@given(HOLES, st.integers(10, 110))
def test_as_many_holes_are_said_as_fit_and_the_others_are_counted(holes: list[geometry.Hole], width: int) -> None:
    text = missed(holes, width)
    shown = text.removeprefix("missed: ").split(" and ")[0].split(", ")
    more = re.search(r" and ([\d,]+) more hole(s?)$", text)
    assert len(shown) + (int(more[1]) if more else 0) == len(holes)
    assert more is None or (more[2] == "s") == (more[1] != "1")
    assert len(text) <= width or len(shown) == 1
    assert [int(one.split("-")[0].split(" ")[0]) for one in shown] == [first for first, _, _ in holes[: len(shown)]]


def test_a_nearly_whole_coverage_is_not_said_to_be_whole() -> None:
    said = looked(dilations=[[*(2**i for i in range(14)), 2**14 + 1]])
    assert len(said.holes) == 1
    assert "every lag" not in describe(said)
    assert "missed: 16384" in describe(said)


def test_why_lags_are_missed_and_what_mends_it_is_said() -> None:
    said = report.read(SAMPLES / "gridded.yaml")
    told = facts(describe(said))
    assert told["first hole"] == "lag 1: dilation 2 leaps over it"
    assert told["common factor"] == "all dilations are multiples of 2, so no other lag is reached"
    assert told["rule of thumb"].startswith("take rates without a common factor")
    assert told["to mend it"] == said.mends()[0].change
    hybrid = facts(describe(looked(dilations=[1, 2, 5])))
    assert hybrid["first hole"] == "lag 4: smaller dilations reach 0 to 3, dilation 5 leaps over it"
    assert (hybrid["to mend it"], hybrid["or"]) == ("dilation 5 of layer 3 to 4", "kernel 2 to 3 in every layer")


WHY = {"first hole", "common factor", "rule of thumb", "to mend it", "or"}
SMALL = st.fixed_dictionaries({"kernel": st.integers(1, 4), "dilation": st.integers(1, 12)})


@settings(max_examples=120)
@given(st.lists(SMALL, min_size=1, max_size=4), st.integers(1, 3))
def test_a_sequence_is_explained_exactly_where_it_has_holes(items: list[dict[str, int]], times: int) -> None:
    items = [{**item, "dilation": item["dilation"] * times} for item in items]
    said = listed(items)
    told = facts(describe(said))
    divisor = math.gcd(*(item["dilation"] for item in items if item["kernel"] > 1))
    assert ("first hole" in told) == ("to mend it" in told) == bool(said.holes)
    assert ("common factor" in told) == ("rule of thumb" in told) == (bool(said.holes) and divisor > 1)
    assert ("or" in told) == (len(said.mends()) > 1)
    if said.holes:
        assert told["first hole"].startswith(f"lag {said.holes[0][0]:,}: ")
        assert told["to mend it"] == said.mends()[0].change


@pytest.mark.parametrize(
    "items",
    [[branches(2, 4)], [{"kernel": 3, "dilation": 2, "stride": 2}, {"kernel": 2, "dilation": 2}]],
    ids=["branches", "strides"],
)
def test_holes_of_branches_and_strides_are_said_without_a_reason(items: list[dict[str, Any]]) -> None:
    said = listed(items)
    told = facts(describe(said))
    assert said.holes
    assert "missed: 1" in told["coverage"]
    assert WHY & told.keys() == {"to mend it"}
    assert told["to mend it"] == "not looked for: there are branches or strides"


def test_the_holes_of_a_single_stack_stand_only_in_the_head() -> None:
    text = describe(looked(dilations=[1, 2, 5]))
    assert text.count("missed:") == facts(text)["coverage"].count("missed:") == 1


def test_holes_of_a_stack_are_listed_with_what_closes_them() -> None:
    def below(stacks: list[list[int]], **model: Any) -> list[str]:
        text = describe(looked(dilations=stacks, **model))
        return [line.strip() for line in text.split("\n\n")[1].splitlines() if line.startswith(" ")]

    kernels = {"kernel_size": [2, 2, 2, 3]}
    assert below([[1, 2, 5], [3]], **kernels) == [
        "missed: 4; the other stacks close it",
        "missed: 1-2, 4-5; the other stacks close them",
    ]
    assert below([[2, 4], [2]]) == ["missed: 1-5 by 2", "missed: 1"]
    assert below([[1, 2], [1]]) == []


@settings(max_examples=80)
@given(st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=8), min_size=1, max_size=3), st.integers(2, 3))
def test_each_stack_with_holes_has_them_below_it(stacks: list[list[int]], kernel: int) -> None:
    said = looked(dilations=stacks, kernel_size=kernel)
    lines = iter(describe(said).split("\n\n")[1].splitlines()[1:])
    for number, stack in enumerate(said.stacks, 1):
        assert next(lines).startswith(f"{number} ")
        if stack.holes and len(stacks) > 1:
            below = next(lines)
            assert below.startswith(f"      missed: {stack.holes[0][0]}")
            closed = ("it" if len(stack.holes) == 1 else "them") if not said.holes else None
            assert re.findall(r"; the other stacks close (it|them)$", below) == ([closed] if closed else [])
    assert list(lines) == []


def test_a_warning_of_holes_is_one_line_with_the_first_mend() -> None:
    said = looked(dilations=[1, 2, 5])
    assert hole_warning(said) == (
        "the dilations miss lags inside the receptive field: 88.9% of 9 are reached, missed: 4; "
        "to mend it: dilation 5 of layer 3 to 4"
    )
    assert hole_warning(listed([branches(2, 4)])) == (
        "the dilations miss lags inside the receptive field: 44.4% of 9 are reached, missed: 1, 3, 5-7"
    )
    assert hole_warning(looked(dilations=[1, 2, 4])) is None
    assert hole_warning(listed([{"pool": "global"}])) is None


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(1, 500), min_size=1, max_size=5), min_size=1, max_size=3))
def test_a_warning_is_given_exactly_where_there_are_holes(stacks: list[list[int]]) -> None:
    said = looked(dilations=stacks)
    warning = hole_warning(said)
    assert (warning is not None) == bool(said.holes)
    if warning is not None:
        assert "\n" not in warning
        assert f"{said.coverage:.1%} of {said.receptive_field:,} are reached, missed: {said.holes[0][0]}" in warning
        assert warning.endswith(f"; to mend it: {said.mends()[0].change}")


# --- the stacks and the layers ---------------------------------------------------------------------------------------


def first_stack(said: Report) -> str:
    """Return the dilations of the first stack as they are told."""
    return describe(said).split("\n\n")[1].splitlines()[1][6:52].rstrip()


def test_a_shortened_list_of_dilations_keeps_its_last() -> None:
    told = first_stack(looked(dilations=SCHEDULES["wide"]))
    assert told.endswith(" ... 524288")
    assert told.split()[:4] == ["1", "2", "4", "8"]


@given(st.lists(DILATIONS, min_size=1, max_size=20))
def test_dilations_are_told_from_the_first_on_and_the_last(dilations: list[int]) -> None:
    told = first_stack(listed(dilated(*dilations, kernel=1)))
    words = list(map(str, dilations))
    assert len(told) <= 44
    if " ... " in told:
        beginning = told.split(" ... ")[0].split()
        assert beginning == words[: len(beginning)]
        assert told.endswith(f" ... {words[-1]}")
        assert len(" ".join(words)) > 44
    else:
        assert told.split() == words


def test_blocks_that_repeat_are_counted() -> None:
    block = branches(1, 2)
    assert first_stack(listed([block] * 16)) == "(1 | 2) x16"
    assert first_stack(listed([{"kernel": 3}, {"kernel": 3}, block, block, branches(4), block])) == (
        "1 1 (1 | 2) x2 (4) (1 | 2)"
    )
    assert first_stack(report.read(SAMPLES / "resnet50.yaml")) == ("1s2 1s2 (1 1 1 | 1) x3 ... (1 1 1 | 1) x2")


def test_a_long_block_is_cut_short() -> None:
    told = first_stack(listed([branches(*range(1, 30))]))
    assert told == f"({' | '.join(map(str, range(1, 30)))})"[:40] + " ..."
    two = first_stack(listed([branches(*range(1, 30)), branches(*range(2, 30))]))
    assert two.startswith("... (2 | 3 | ")
    assert two.endswith(" ...")


def test_layers_in_branches_are_numbered_like_those_that_errors_name() -> None:
    inner = {"parallel": [[{"kernel": 2, "dilation": 40}], [{"kernel": 9}]]}
    outer = {"parallel": [[{"kernel": 3}, inner], [{"kernel": 1}]]}
    said = listed([{"kernel": 7, "stride": 5}, outer, {"kernel": 2, "dilation": 100}], "spatial-pyramid")
    text = describe(said, layers=True)
    assert text.startswith("spatial-pyramid: 6 layers in 1 stack\n")
    rows = [line.split() for line in text.split("\n\n")[2].splitlines()[1:]]
    assert [row[0] for row in rows] == ["1", "2.1.1", "2.1.2.1.1", "2.1.2.2.1", "2.1.2", "2.2.1", "2", "3"]
    assert rows[0] == ["1", "7", "5", "1", "7", "7", "5", "-6"]
    assert rows[6] == ["2", "join", "217", "5", "-216"]
    assert not [line for line in text.splitlines() if "Hz" in line or "parameters" in line]


# --- lags ------------------------------------------------------------------------------------------------------------

ROW = re.compile(r"([\d,]+)(?:-([\d,]+))? +(?:([\d,.]+) +)?([\d,]+) of ([\d,]+)  +(\S.*\S|\S) +([\d.]+)%")


@dataclasses.dataclass
class LagRow:
    first: int
    last: int
    ms: str | None
    reached: int
    lags: int
    paths: str
    share: float


def lag_rows(text: str) -> list[LagRow]:
    """Return the rows of the lag table."""
    lines = text.rsplit("\n\n", maxsplit=1)[-1].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("lags "))
    rows = []
    for line in lines[start + 1 :]:
        found = ROW.fullmatch(line)
        assert found, line
        first, last, ms, reached, lags, paths, share = found.groups()
        numbers = [int(number.replace(",", "")) for number in (first, last or first, reached, lags)]
        rows.append(LagRow(numbers[0], numbers[1], ms, numbers[2], numbers[3], paths, float(share)))
    return rows


def paths_one_at_a_time(parts: Sequence[Part], seen: Counter[int], jump: int) -> tuple[Counter[int], int]:
    """Return the paths per lag of causal layers, tap by tap, and the step between outputs."""
    for part in parts:
        found: Counter[int] = Counter()
        if isinstance(part, Layer):
            for lag, count in seen.items():
                for tap in range(part.kernel):
                    found[lag + tap * part.dilation * jump] += count
            jump *= part.stride
        elif isinstance(part, Parallel):
            ends = [paths_one_at_a_time(branch, seen, jump) for branch in part.branches]
            for end, _ in ends:
                found.update(end)
            jump = ends[0][1]
        seen = found
    return seen, jump


def test_octaves_by_hand() -> None:
    assert octaves(0) == []
    assert octaves(1) == [(0, 0)]
    assert octaves(8) == [(0, 0), (1, 1), (2, 3), (4, 7)]
    assert octaves(10) == [(0, 0), (1, 1), (2, 3), (4, 7), (8, 9)]


@given(st.integers(0, 5_000) | st.integers(0, 13).map(lambda n: 2**n))
def test_octaves_part_all_lags(lags: int) -> None:
    found = octaves(lags)
    assert [lag for first, last in found for lag in range(first, last + 1)] == list(range(lags))
    assert all(first & (first - 1) == 0 and last <= max(0, 2 * first - 1) for first, last in found)


@settings(max_examples=80)
@given(ITEMS)
def test_the_lag_table_agrees_with_paths_counted_one_at_a_time(items: list[dict[str, Any]]) -> None:
    said = listed(items)
    counts, _ = paths_one_at_a_time(said.design.parts, Counter([0]), 1)
    total = sum(counts.values())
    text = describe(said, lags=True)
    rows = lag_rows(text)
    assert [(row.first, row.last) for row in rows] == octaves(max(counts, default=-1) + 1)
    for row in rows:
        inside = [counts[lag] for lag in range(row.first, row.last + 1) if counts[lag]]
        assert (row.reached, row.lags, row.ms) == (len(inside), row.last - row.first + 1, None)
        assert row.share == pytest.approx(100 * sum(inside) / total, abs=0.0051)
        if not inside:
            assert row.paths == "none"
        elif max(inside) < 10**6:
            ends = sorted({min(inside), max(inside)})
            assert row.paths == " to ".join(f"{end:,}" for end in ends)
    assert not rows or sum(row.share for row in rows) == pytest.approx(100, abs=0.0051 * len(rows))
    if total < 10**6:
        assert re.search(rf"^paths +{total:,} in all, exact$", text, re.MULTILINE)


def test_the_lag_table_of_a_small_network_by_hand() -> None:
    rows = lag_rows(describe(listed(dilated(2, 2, 4, kernel=2), sample_rate=1_000), lags=True))
    # (1 + x^2)(1 + x^2)(1 + x^4) = 1 + 2x^2 + 2x^4 + 2x^6 + x^8
    assert rows == [
        LagRow(0, 0, "0.0", 1, 1, "1", 12.5),
        LagRow(1, 1, "1.0", 0, 1, "none", 0.0),
        LagRow(2, 3, "3.0", 1, 2, "2", 25.0),
        LagRow(4, 7, "7.0", 2, 4, "2", 50.0),
        LagRow(8, 8, "8.0", 1, 1, "1", 12.5),
    ]


def test_milliseconds_are_filled_only_where_the_rate_is_known() -> None:
    known = lag_rows(describe(looked(dilations=[1, 2, 4]), lags=True))
    assert [row.ms for row in known] == [f"{1000 * row.last / toys.RATE:,.1f}" for row in known]
    assert {row.ms for row in lag_rows(describe(listed(dilated(1, 2, 4)), lags=True))} == {None}


@pytest.mark.parametrize("items", [dilated(2, 2, 4, kernel=3), [branches(1, 2, 5), *dilated(1, 9)]])
def test_counts_too_long_to_be_kept_are_told_as_floating(
    monkeypatch: pytest.MonkeyPatch, items: list[dict[str, Any]]
) -> None:
    said = listed(items)
    exact = describe(said, lags=True)
    monkeypatch.setattr("wavenet.geometry.count_paths", functools.partial(geometry.count_paths, exact_bits=0))
    floating = describe(said, lags=True)
    assert ", exact\n" in exact
    assert " in all, in floating logarithms: exact counts would take too much memory\n" in floating
    assert lag_rows(floating) == lag_rows(exact)


def power(monkeypatch: pytest.MonkeyPatch, number: int) -> str:
    """Return how a count is told."""
    monkeypatch.setattr("wavenet.geometry.count_paths", lambda *_: Paths(number, [number], None))
    (row,) = lag_rows(describe(listed(dilated(1, kernel=1)), lags=True))
    assert row.share == 100
    return row.paths


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, "1"),
        (1_000, "1,000"),
        (2**24 - 1, "16,777,215"),
        (2**24, "1.68e+07"),
        (2**39, "5.5e+11"),
        (2**40, "1.10e12"),
        (123 * 10**80, "1.23e82"),
        (9_999 * 10**12, "1.00e16"),
        (2**100_000, "9.99e30102"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_counts_are_told_in_digits_or_as_powers_of_ten(monkeypatch: pytest.MonkeyPatch, number: int, told: str) -> None:
    assert power(monkeypatch, number) == told


@settings(max_examples=60)
@given(st.integers(40, 9_000), st.floats(1, 2, exclude_max=True))
def test_powers_of_ten_are_near_to_what_they_stand_for(bits: int, part: float) -> None:
    number = int(part * 2**40) << (bits - 40)
    with pytest.MonkeyPatch.context() as patch:
        told = power(patch, number)
    assert re.fullmatch(r"[1-9]\.\d\de\d+", told)
    assert abs(Decimal(told) / Decimal(number) - 1) < Decimal("0.00501")


# --- what was measured -----------------------------------------------------------------------------------------------


def test_what_was_measured_fits_a_hundred_columns_and_says_what_each_octave_won() -> None:
    context = (
        Context(0, 7.5, 0.25, 0.0, 0.0, 100_000),
        Context(1, 5.25, 0.125, 2.25, 0.0625, 100_000),
        Context(50_000_000, 2.0, 0.5, 3.25, 1.5, 9),
    )
    holding = {50: 1, 90: 1_234_567, 99: 49_999_999}
    measured = Measured("held-out sound of " + "x" * 200, 4_000, 512, (1.0,), holding, 100_000, context)
    lines = describe_measured(measured).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("measured on held-out sound of x")
    assert [line.replace(" +- ", "+-").split() for line in lines[-3:]] == [
        ["none", "0.0", "7.500+-0.250", "100,000"],
        ["1", "0.2", "5.250+-0.125", "2.2500+-0.0625", "100,000"],
        ["50,000,000", "12,500,000.0", "2.000+-0.500", "3.2500+-1.5000", "9"],
    ]
    assert "of its square in the newest 1 sample" in " ".join(lines)


def test_a_layer_behind_global_pooling_alone_sees_all() -> None:
    table = describe(listed([{"pool": "global"}, {"kernel": 3, "stride": 2}]), layers=True).splitlines()
    assert table[-1].split() == ["2", "3", "2", "1", "3", "all", "2"]


def test_a_nearly_whole_share_has_words_of_its_own() -> None:
    assert [percent(share) for share in (1.0, 0.99951, 0.9994, 0.5)] == [
        "100.0%",
        "over 99.9%",
        "99.9%",
        "50.0%",
    ]
