"""Held: what `inspect` prints fits 100 columns, agrees with the records, and says of holes what would close them."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
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
from wavenet.geometry import Paths
from wavenet.inspection import layers, report
from wavenet.inspection.measure import Context, Measured
from wavenet.inspection.report import JoinReport, LayerReport, Report
from wavenet.inspection.text import describe, describe_measured, fact, hole_warning, inspect, missed, octaves
from wavenet.recipe import find, read

SAMPLES = Path(__file__).parents[2] / "samples" / "layers"
SCHEDULES: dict[str, Any] = {
    "2016": {"pattern": "exponential", "layers": 10, "cycles": 3},
    "long": {"pattern": "constant", "layers": 60, "cycles": 3, "dilation": 1234},
    "many stacks": {"pattern": "exponential", "layers": 2, "cycles": 120},
    "wide": {"pattern": "exponential", "layers": 20, "cycles": 2},
    "millions": [[1_000_000, 2_000_000, 5_000_000, 9_000_001], [20_000_000]],
}


def of_schedule(dilations: Any, kernel_size: Any = 2) -> Report:
    return report.of_recipe(
        toys.recipe(model={"dilations": dilations, "kernel_size": kernel_size, "residual_channels": 6})
    )


def listed(items: Sequence[dict[str, Any]], name: str = "layers", size: Any = None, **head: Any) -> Report:
    return report.of_design(layers.of_layers({"layers": list(items), **head}, Path(f"{name}.yaml")), size)


def dilated(*dilations: int, kernel: int = 2) -> list[dict[str, Any]]:
    return [{"kernel": kernel, "dilation": dilation} for dilation in dilations]


def branches(*dilations: int) -> dict[str, Any]:
    return {"parallel": [[{"kernel": 3, "dilation": dilation}] for dilation in dilations]}


def facts(said: Report) -> dict[str, str]:
    """Return what stands behind each label in the head, wrapped lines put together."""
    found: dict[str, str] = {}
    label = ""
    for line in describe(said).split("\n\n", maxsplit=1)[0].splitlines()[1:]:
        label = line[:18].strip() or label
        found[label] = f"{found[label]} {line[18:]}" if label in found else line[18:]
    return found


def tables(said: Report, **more: bool) -> list[list[list[str]]]:
    """Return the cells of each table."""
    return [[line.split() for line in part.splitlines()] for part in describe(said, **more).split("\n\n")[1:]]


# --- a hundred columns -----------------------------------------------------------------------------------------------


def check_text(said: Report, lags: bool = False) -> None:
    lines = describe(said, layers=True, lags=lags).splitlines()
    assert max(map(len, lines)) <= 100
    unit = "pixel" if said.design.dims == 2 else "sample"
    assert text.many(said.receptive_field, unit) in facts(said)["receptive field"]
    parts = tables(said, layers=True, lags=lags)
    costly = any(
        row.out_channels is not None or row.padding != said.design.padding for row in report.each_layer(said.layers)
    )
    assert len(parts) == 2 + (costly or said.size is not None) + lags
    cells = [
        [int(cell.replace(",", "")) for cell in row]
        for row in parts[1][1:]
        if re.fullmatch(r"\d+", row[0]) and re.fullmatch(r"[-\d,]+", "".join(row))
    ]
    top = [(i, row) for i, row in enumerate(said.layers, 1) if isinstance(row, LayerReport) and row.receptive_field]
    assert cells == [[i, *dataclasses.astuple(row)[:7]] for i, row in top]


@pytest.mark.parametrize("name", [*find.recipe_names(), *sorted(map(str, SAMPLES.glob("*.yaml")))])
def test_every_recipe_and_sample_fits_a_hundred_columns(name: str) -> None:
    check_text(inspect(name), lags=True)
    assert str(inspect(name)) == describe(inspect(name))


@pytest.mark.parametrize("name", SCHEDULES)
def test_long_schedules_fit_a_hundred_columns(name: str) -> None:
    check_text(of_schedule(SCHEDULES[name]))


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
        assert re.search(r"it gets \d inputs? and", str(error))
        return
    check_text(said, lags=True)


def test_long_names_and_the_largest_layers_fit_a_hundred_columns() -> None:
    recipe = dataclasses.replace(toys.recipe(), name="x" * 120)
    read.from_tree(read.to_tree(recipe), "here")  # such a name is allowed
    check_text(report.of_recipe(recipe))
    check_text(listed(dilated(1) * 1_000, "x" * 120, dims=2))
    largest = listed([{"kernel": 50, "stride": 7_000, "dilation": 1_000_000}, {"kernel": 1, "stride": 7_000}])
    check_text(largest)
    assert "49,000,001" in describe(largest, layers=True)


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
    said = inspect("digits")
    shape = read.load(find.find_recipe("digits")).shape
    assert str(said).startswith("digits: 10 layers in 1 stack\n")
    assert facts(said)["receptive field"] == "1,024 samples, 128.0 ms at 8,000 Hz"
    assert facts(said)["coverage"] == "100.0%, every lag is reached"
    assert facts(said)["parameters"].startswith(f"{shape.parameters():,}: ")
    assert facts(said)["multiply-adds"].startswith(f"{shape.macs_per_sample():,} per sample, ")
    assert facts(said)["queues"] == f"{shape.queue_bytes():,} bytes per sequence (float32)"
    for with_layers, lags in ((False, False), (True, False), (False, True), (True, True)):
        both = describe(said, with_layers, lags)
        assert ("\nlayer " in both, "\nlags " in both) == (with_layers, lags)


def test_pre_emphasis_is_told_where_there_is_any() -> None:
    said = report.of_recipe(toys.recipe(output={"preemphasis": 0.85}))
    assert facts(said)["pre-emphasis"] == "0.85: it models x[t] - 0.85 x[t-1], and what it draws is filtered back to x"
    assert "pre-emphasis" not in facts(report.of_recipe(toys.recipe())) and said.to_json()["preemphasis"] == 0.85
    assert listed(dilated(1)).to_json()["preemphasis"] is None


def test_a_list_of_layers_says_its_weights_and_nothing_of_a_recipe() -> None:
    said = facts(listed(dilated(1, 2, kernel=3)))
    assert said.keys() == {"receptive field", "coverage", "weights"}
    assert said["receptive field"] == "7 samples"
    assert said["weights"] == "6 for each pair of channels, over 7 inputs"
    assert facts(listed(dilated(7, kernel=1)))["weights"].endswith("over 1 input")


def test_pictures_are_counted_in_pixels_along_either_axis() -> None:
    said = listed(dilated(1, 2, 4, 8, kernel=3), dims=2)
    assert describe(said).startswith("layers: 4 layers in 1 stack, along either of 2 axes\n")
    assert facts(said)["receptive field"] == "31 pixels"
    assert facts(said)["weights"] == "36 for each pair of channels, over 961 inputs"
    assert "sample" not in describe(said)


def test_the_step_between_outputs_is_given_where_there_is_one() -> None:
    strided = [{"kernel": 3, "stride": 2}, {"kernel": 2, "stride": 3}, {"pool": "global"}]
    assert facts(listed(strided))["output stride"] == "6 inputs from one output to the next"
    assert "output stride" not in facts(listed([{"kernel": 3}, branches(1, 2)]))


def test_global_pooling_stands_beside_what_is_seen_without_it() -> None:
    said = inspect(SAMPLES / "pyramid.yaml")
    assert str(said).startswith("pyramid: 7 layers in 1 stack, along either of 2 axes\n")
    assert facts(said)["receptive field"] == "the whole input, through global pooling; without it 37 pixels"
    assert facts(said)["coverage"].startswith("18.9%, missed: 1-5, 7-11")
    assert "(1 | 6 | 12 | 18 | global 1) 1 " in str(said)
    assert "weights" not in facts(said)


def test_global_pooling_alone_has_no_lags() -> None:
    said = listed([{"kernel": 3}, {"pool": "global"}, {"kernel": 1, "stride": 2}])
    assert facts(said)["coverage"] == "100.0%, only through global pooling"
    _, rows, lags = tables(said, layers=True, lags=True)
    assert rows[2:] == [["2", "global", "all"], ["3", "1", "2", "1", "1", "all", "2"]]
    assert lags == [["paths", "0", "in", "all,", "exact"], ["lags", "ms", "reached", "paths", "per", "lag", "share"]]


def test_a_small_square_with_holes_is_drawn() -> None:
    gridded = listed(dilated(2, 2, kernel=3), dims=2)
    said = facts(gridded)["grid"]
    assert said.startswith("25 of 81 positions (30.9%): gridded (# is reached, . is not) # . # . # . # . # . . .")
    assert said.count("#") == 1 + 25 and said.count(" .") == 1 + 81 - 25
    lines = describe(gridded).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("grid "))
    drawn = [line.replace(" ", "") for line in lines[start + 1 : start + 10]]
    assert drawn == [*("#.#.#.#.#", "." * 9) * 4, "#.#.#.#.#"]
    assert lines[start + 10].startswith("first hole")


def test_other_squares_take_a_line() -> None:
    def grid(items: list[dict[str, Any]], dims: int = 2) -> str | None:
        return facts(listed(items, dims=dims)).get("grid")

    assert grid(dilated(1, 2, 5, kernel=3)) == "289 of 289 positions (100.0%): no gridding"
    assert grid(dilated(1, 1, kernel=3)) == "25 of 25 positions (100.0%)"
    assert grid(dilated(9, kernel=3)) == "9 of 361 positions (2.5%): gridded"
    assert grid(dilated(2, kernel=3), dims=1) is None
    both = grid([branches(1, 2)])
    assert both is not None and both.startswith("17 of 25 positions (68.0%): every row and every column is reached, b")
    assert grid([{"pool": "global"}]) is None
    many = grid([{"parallel": [[{"kernel": 3, "dilation": 7**i + j}] for j in range(1, 5)]} for i in range(5)])
    assert many is not None and many.startswith("not counted: the branches make too many")


def test_sizes_stand_behind_each_layer_equal_ones_together() -> None:
    stem = [{"kernel": 7, "stride": 2}, {"kernel": 3, "stride": 2}, {"kernel": 3}, {"kernel": 3}]
    both = facts(listed(stem, size=224, dims=2))["output sizes"]
    assert both == "224 x 224 in; 112 x 112 from layer 1; 56 x 56 from layers 2-4"
    shrinking = facts(listed(dilated(*[1] * 40), size=100, padding="valid"))["output sizes"]
    assert shrinking.startswith("100 in; 99 from layer 1; 98 from layer 2;")
    assert shrinking.endswith("90 from layer 10; ...; 60 from layer 40")
    assert "output sizes" not in facts(listed(stem))


def test_parameters_and_multiply_adds_say_what_they_are_counted_in() -> None:
    items = [{"kernel": 5, "in": 64, "out": 128}, {"kernel": 2, "stride": 2}, {"kernel": 1, "out": 10, "bias": False}]
    said = facts(listed(items, size=10, dims=2))
    assert said["parameters"] == "206,208 in 2 convolutions; 1 layer without out is pooling"
    assert said["multiply-adds"] == f"{204_800 * 100 + 1_280 * 25:,} for an input of 10 x 10"
    assert facts(listed(items[:1], dims=2))["parameters"] == "204,928 in 1 convolution"
    assert "multiply-adds" not in facts(listed(items, dims=2))
    assert "weights" not in said  # which would count those of pooling


def test_a_second_table_has_the_costs_of_each_layer() -> None:
    inner = [[{"kernel": 3, "out": 4}], [{"pool": "global"}]]
    items = [{"kernel": 3, "stride": 2, "padding": 1, "in": 3, "out": 4}, {"parallel": inner, "join": "add"}]
    assert tables(listed(items, size=9, dims=2), layers=True)[-1] == [
        ["layer", "padding", "output", "size", "in", "channels", "out", "channels", "parameters", "macs"],
        ["1", "1", "5", "x", "5", "3", "4", "112", "2,700"],
        ["2.1.1", "same", "5", "x", "5", "4", "4", "148", "3,600"],
        ["2.2.1", "global", "1", "x", "1"],
        ["2", "join", "5", "x", "5"],
    ]
    # a padding of its own stands there without a size too
    assert tables(listed([{"kernel": 3, "padding": 1}]), layers=True)[-1][1] == ["1", "1"]


# --- holes -----------------------------------------------------------------------------------------------------------


def test_holes_are_put_into_words() -> None:
    def coverage(*dilations: int) -> str:
        return facts(of_schedule(list(dilations)))["coverage"]

    assert coverage(2, 4, 8) == "53.3%, missed: 1-13 by 2"
    assert coverage(1, 2, 5) == "88.9%, missed: 4"
    assert coverage(1, 10) == "33.3%, missed: 2-9"
    nearly = of_schedule([[*(2**i for i in range(14)), 2**14 + 1]])
    assert len(nearly.holes) == 1 and facts(nearly)["coverage"] == "over 99.9%, missed: 16384"
    holes = [(4, 34, 5), (39, 49, 1), (54, 54, 1), (60, 60, 1)]
    assert missed(holes, 2) == "missed: 4-34 by 5, 39-49 and 2 more holes"
    assert missed(holes, 3) == "missed: 4-34 by 5, 39-49, 54 and 1 more hole"


def test_why_lags_are_missed_and_what_fixes_it() -> None:
    gridded = inspect(SAMPLES / "gridded.yaml")
    said = facts(gridded)
    assert said["first hole"] == "lag 1: dilation 2 skips it"
    assert said["common factor"] == "all dilations are multiples of 2, so no other lag is reached"
    assert said["rule of thumb"].startswith("take dilations without a common factor")
    assert said["to fix it"] == gridded.fixes()[0].change
    hybrid = facts(of_schedule([1, 2, 5]))
    assert hybrid["first hole"] == "lag 4: smaller dilations reach 0 to 3, dilation 5 skips it"
    assert (hybrid["to fix it"], hybrid["or"]) == ("dilation 5 of layer 3 to 4", "kernel 2 to 3 in every layer")


WHY = {"first hole", "common factor", "rule of thumb", "to fix it", "or"}
SMALL = st.fixed_dictionaries({"kernel": st.integers(1, 4), "dilation": st.integers(1, 12)})


@settings(max_examples=60)
@given(st.lists(SMALL, min_size=1, max_size=4), st.integers(1, 3))
def test_a_sequence_is_explained_exactly_where_it_has_holes(items: list[dict[str, int]], times: int) -> None:
    items = [{**item, "dilation": item["dilation"] * times} for item in items]
    said = listed(items)
    found, warning = facts(said), hole_warning(said)
    divisor = math.gcd(*(item["dilation"] for item in items if item["kernel"] > 1))
    assert ("first hole" in found) == ("to fix it" in found) == (warning is not None) == bool(said.holes)
    assert ("common factor" in found) == ("rule of thumb" in found) == (bool(said.holes) and divisor > 1)
    assert ("or" in found) == (len(said.fixes()) > 1)
    if said.holes and warning is not None:
        first, change = said.holes[0][0], said.fixes()[0].change
        assert found["first hole"].startswith(f"lag {first:,}: ")
        assert found["to fix it"] == change
        assert f"{said.coverage:.1%} of {said.receptive_field:,} are reached, missed: {first}" in warning
        assert warning.endswith(f"; to fix it: {change}") and "\n" not in warning


@pytest.mark.parametrize(
    "items",
    [[branches(2, 4)], [{"kernel": 3, "dilation": 2, "stride": 2}, {"kernel": 2, "dilation": 2}]],
    ids=["branches", "strides"],
)
def test_holes_of_branches_and_strides_have_no_reason(items: list[dict[str, Any]]) -> None:
    said = facts(listed(items))
    assert "missed: 1" in said["coverage"]
    assert WHY & said.keys() == {"to fix it"}
    assert said["to fix it"] == "not searched for: there are branches or strides"


def test_a_warning_of_holes_is_one_line_with_the_first_fix() -> None:
    assert hole_warning(of_schedule([1, 2, 5])) == (
        "the dilations miss lags inside the receptive field: 88.9% of 9 are reached, missed: 4; "
        "to fix it: dilation 5 of layer 3 to 4"
    )
    assert hole_warning(listed([branches(2, 4)])) == (
        "the dilations miss lags inside the receptive field: 44.4% of 9 are reached, missed: 1, 3, 5-7"
    )
    assert hole_warning(of_schedule([1, 2, 4])) is None
    assert hole_warning(listed([{"pool": "global"}])) is None


def test_holes_of_a_stack_are_listed_with_what_closes_them() -> None:
    def below(stacks: list[list[int]], kernel_size: Any = 2) -> list[str]:
        table = describe(of_schedule(stacks, kernel_size)).split("\n\n")[1].splitlines()
        return [line.strip() for line in table if line.startswith(" ")]

    assert below([[1, 2, 5], [3]], [2, 2, 2, 3]) == [
        "missed: 4; the other stacks close it",
        "missed: 1-2, 4-5; the other stacks close them",
    ]
    assert below([[2, 4], [2]]) == ["missed: 1-5 by 2", "missed: 1"]
    assert below([[1, 2], [1]]) == below([[1, 2, 5]]) == []  # the head has those of a single stack


# --- the stacks and the layers ---------------------------------------------------------------------------------------


def first_stack(said: Report) -> str:
    """Return the dilations of the first stack as they are printed."""
    title, row = describe(said).split("\n\n")[1].splitlines()[:2]
    return re.split(r" {3,}| {2}(?=[\d,]+ )", row[title.index("dilations") :])[0]


DILATIONS = st.one_of([st.integers(1, 10**digits) for digits in range(1, 6)])


@given(st.lists(DILATIONS, min_size=1, max_size=20))
def test_dilations_are_listed_from_the_first_on_and_the_last(dilations: list[int]) -> None:
    said = first_stack(listed(dilated(*dilations, kernel=1)))
    words = list(map(str, dilations))
    assert len(said) <= 44
    if " ... " in said:
        beginning = said.split(" ... ")[0].split()
        assert beginning == words[: len(beginning)]
        assert said.endswith(f" ... {words[-1]}")
        assert len(" ".join(words)) > 44
    else:
        assert said.split() == words


def test_blocks_that_repeat_are_counted() -> None:
    block = branches(1, 2)
    assert first_stack(listed([block] * 16)) == "(1 | 2) x16"
    mixed = [{"kernel": 3}, {"kernel": 3}, block, block, branches(4), block]
    assert first_stack(listed(mixed)) == "1 1 (1 | 2) x2 (4) (1 | 2)"
    assert first_stack(inspect(SAMPLES / "resnet50.yaml")) == "1s2 1s2 (1 1 1 | 1) x3 ... (1 1 1 | 1) x2"
    long = first_stack(listed([branches(*range(1, 30))]))
    assert long == f"... ({' | '.join(map(str, range(1, 30)))})"[:43]


def test_layers_in_branches_are_numbered_like_those_that_errors_name() -> None:
    inner = {"parallel": [[{"kernel": 2, "dilation": 40}], [{"kernel": 9}]]}
    outer = {"parallel": [[{"kernel": 3}, inner], [{"kernel": 1}]]}
    said = listed([{"kernel": 7, "stride": 5}, outer, {"kernel": 2, "dilation": 100}], "spatial-pyramid")
    printed = describe(said, layers=True)
    assert printed.startswith("spatial-pyramid: 6 layers in 1 stack\n")
    rows = tables(said, layers=True)[1][1:]
    assert [row[0] for row in rows] == ["1", "2.1.1", "2.1.2.1.1", "2.1.2.2.1", "2.1.2", "2.2.1", "2", "3"]
    assert rows[0] == ["1", "7", "5", "1", "7", "7", "5", "-6"]
    assert rows[6] == ["2", "join", "217", "5", "-216"]
    assert isinstance(said.layers[1], JoinReport)
    assert "Hz" not in printed and "parameters" not in printed


# --- lags ------------------------------------------------------------------------------------------------------------

ROW = re.compile(r"([\d,]+)(?:-([\d,]+))? +(?:([\d,.]+) +)?([\d,]+) of ([\d,]+) +(\S+(?: to \S+)?) +([\d.]+)%")


@dataclasses.dataclass
class LagRow:
    first: int
    last: int
    ms: str | None
    reached: int
    lags: int
    paths: str
    share: float


def lag_rows(printed: str) -> list[LagRow]:
    """Return the rows of the lag table."""
    lines = printed.rsplit("\n\n", maxsplit=1)[-1].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("lags "))
    rows = []
    for line in lines[start + 1 :]:
        found = ROW.fullmatch(line)
        assert found, line
        first, last, ms, reached, lags, paths, share = found.groups()
        numbers = [int(number.replace(",", "")) for number in (first, last or first, reached, lags)]
        rows.append(LagRow(numbers[0], numbers[1], ms, numbers[2], numbers[3], paths, float(share)))
    return rows


@given(st.integers(0, 5_000) | st.integers(0, 13).map(lambda n: 2**n))
def test_octaves_part_all_lags(lags: int) -> None:
    assert octaves(10) == [(0, 0), (1, 1), (2, 3), (4, 7), (8, 9)]
    found = octaves(lags)
    assert [lag for first, last in found for lag in range(first, last + 1)] == list(range(lags))
    assert all(first & (first - 1) == 0 and last <= max(0, 2 * first - 1) for first, last in found)


@settings(max_examples=80)
@given(ITEMS)
def test_the_lag_table_sums_up_the_paths_of_each_lag(items: list[dict[str, Any]]) -> None:
    said = listed(items)
    paths = geometry.count_paths(said.design.parts)
    counts, total = paths.counts or [], paths.total
    printed = describe(said, lags=True)
    rows = lag_rows(printed)
    assert [(row.first, row.last) for row in rows] == octaves(len(counts))
    for row in rows:
        inside = [count for count in counts[row.first : row.last + 1] if count]
        assert (row.reached, row.lags, row.ms) == (len(inside), row.last - row.first + 1, None)
        assert row.share == pytest.approx(100 * sum(inside) / total, abs=0.0051)
        if not inside:
            assert row.paths == "none"
        elif max(inside) < 10**6:
            ends = sorted({min(inside), max(inside)})
            assert row.paths == " to ".join(f"{end:,}" for end in ends)
    assert not rows or sum(row.share for row in rows) == pytest.approx(100, abs=0.0051 * len(rows))
    if total < 10**6:
        assert re.search(rf"^paths +{total:,} in all, exact$", printed, re.MULTILINE)


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


def test_counts_too_long_to_be_kept_are_said_to_be_floating(monkeypatch: pytest.MonkeyPatch) -> None:
    said = listed([branches(1, 2, 5), *dilated(1, 9)])
    exact = describe(said, lags=True)
    monkeypatch.setattr("wavenet.geometry.count_paths", functools.partial(geometry.count_paths, exact_bits=0))
    floating = describe(said, lags=True)
    assert ", exact\n" in exact
    assert " in all, as floating-point logarithms: exact counts would take too much memory\n" in floating
    assert lag_rows(floating) == lag_rows(exact)


def power(monkeypatch: pytest.MonkeyPatch, number: int) -> str:
    """Return how a count is printed."""
    monkeypatch.setattr("wavenet.geometry.count_paths", lambda *_: Paths(number, [number], None))
    (row,) = lag_rows(describe(listed(dilated(1, kernel=1)), lags=True))
    assert row.share == 100
    return row.paths


@pytest.mark.parametrize(
    ("number", "printed"),
    [(1, "1"), (2**24 - 1, "16,777,215"), (2**24, "1.68e+7"), (9_999 * 10**12, "1.00e+16")],
)
def test_counts_are_printed_in_digits_or_as_powers_of_ten(
    monkeypatch: pytest.MonkeyPatch, number: int, printed: str
) -> None:
    assert power(monkeypatch, number) == printed


@settings(max_examples=60)
@given(st.integers(40, 9_000) | st.just(100_000), st.floats(1, 2, exclude_max=True))
def test_powers_of_ten_are_near_to_what_they_stand_for(bits: int, part: float) -> None:
    number = int(part * 2**40) << (bits - 40)
    with pytest.MonkeyPatch.context() as patch:
        printed = power(patch, number)
    assert re.fullmatch(r"[1-9]\.\d\de\+\d+", printed)
    assert abs(Decimal(printed) / Decimal(number) - 1) < Decimal("0.00501")


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
