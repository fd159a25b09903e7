"""Held: `inspect` says in records and JSON what geometry computes, for recipes and lists of layers."""

from __future__ import annotations

import functools
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.errors import InputError
from wavenet.geometry import Gap, Paths
from wavenet.inspection import layer_report, layers, report

KEYS = {
    "name",
    "sample_rate",
    "dims",
    "padding",
    "mends",
    "receptive_field",
    "receptive_field_ms",
    "whole_input",
    "coverage",
    "holes",
    "grid",
    "size",
    "output_size",
    "parameters",
    "macs",
    "macs_per_sample",
    "queue_bytes",
    "stacks",
    "layers",
}
STACK_KEYS = {"dilations", "receptive_field", "receptive_field_through", "coverage", "holes"}
LAYER_KEYS = {"kernel", "stride", "dilation", "effective_kernel", "receptive_field", "jump", "offset"} | {
    *("padding", "output_size", "in_channels", "out_channels", "parameters", "macs")
}
JOIN_KEYS = {"parallel", "receptive_field", "jump", "offset", "output_size"}
SAMPLES = Path(__file__).parents[2] / "samples" / "layers"

SCHEDULES: dict[str, Any] = {
    "one layer": [1],
    "two stacks": [[1, 2, 4], [1, 2, 4]],
    "holes": [[2, 4, 8], [3, 9]],
    "2016": {"pattern": "exponential", "layers": 10, "cycles": 3},
    "many holes": {"pattern": "hdc", "layers": 9},
    "many stacks": {"pattern": "exponential", "layers": 2, "cycles": 120},
    "millions": [[1_000_000, 2_000_000, 5_000_000, 9_000_001], [20_000_000]],
}
LISTS: dict[str, str] = {
    "plain": "[{kernel: 3}, {kernel: 3, dilation: 4}]",
    "strides": "[{kernel: 3, stride: 2}, {kernel: 2, dilation: 3}]",
    "branches": "[{kernel: 2}, {parallel: [[{kernel: 3, dilation: 6}], [{kernel: 1}]]}]",
    "pooled branch": "[{parallel: [[{kernel: 3}], [{pool: global}, {kernel: 1}]]}, {kernel: 2}]",
    "all pooled": "[{kernel: 3}, {pool: global}, {kernel: 1}]",
    "pooled branches": "[{parallel: [[{pool: global}], [{pool: global}, {kernel: 3}]]}]",
}


def looked(**model: Any) -> report.Report:
    return report.of_recipe(toys.recipe(model={"kernel_size": 2, "residual_channels": 6, **model}))


def listed(folder: Path, text: str) -> report.Report:
    path = folder / "layers.yaml"
    path.write_text(text, encoding="utf-8")
    return report.read(path)


def as_json(said: report.Report, lags: bool = False) -> Any:
    """Return what is read back from strict JSON, in which there is no NaN."""
    return json.loads(json.dumps(said.to_json(lags), allow_nan=False))


# --- keys ------------------------------------------------------------------------------------------------------------


def check_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if "parallel" in row:
            assert set(row) == JOIN_KEYS
            for branch in row["parallel"]:
                check_rows(branch)
        elif "pool" in row:
            assert row == {"pool": "global", "output_size": None}
        else:
            assert set(row) == LAYER_KEYS


@pytest.mark.parametrize("name", SCHEDULES)
def test_json_has_exactly_the_promised_keys(name: str) -> None:
    tree = as_json(looked(dilations=SCHEDULES[name]))
    assert set(tree) == KEYS
    assert all(set(stack) == STACK_KEYS for stack in tree["stacks"])
    check_rows(tree["layers"])
    assert all(len(hole) == 3 for hole in tree["holes"])


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("name", LISTS)
def test_lists_of_layers_have_the_same_keys_and_no_nan(tmp_path: Path, name: str, dims: int) -> None:
    said = listed(tmp_path, f"dims: {dims}\nlayers: {LISTS[name]}")
    tree = as_json(said, lags=True)
    assert set(tree) == KEYS | {"paths"}
    assert {key: value for key, value in tree.items() if key != "paths"} == as_json(said)
    assert all(set(stack) == STACK_KEYS for stack in tree["stacks"])
    check_rows(tree["layers"])
    unknown = ("receptive_field_ms", "size", "output_size", "parameters", "macs", "macs_per_sample", "queue_bytes")
    assert [tree[key] for key in unknown] == [None] * 7
    assert (tree["grid"] is None) == (dims == 1)
    assert tree["whole_input"] is ("pool" in name)
    assert len(tree["paths"]["per_lag"]) == tree["receptive_field"]


# --- recipes ---------------------------------------------------------------------------------------------------------


def test_a_small_network_by_hand() -> None:
    tree = as_json(looked(dilations=[[1, 2, 5], [3]], kernel_size=[2, 2, 2, 3]))
    assert tree["receptive_field"] == 1 + 1 + 2 + 5 + 6 == 15
    assert tree["receptive_field_ms"] == 1000 * 15 / toys.RATE
    assert tree["whole_input"] is False
    assert tree["coverage"] == 1.0
    assert tree["holes"] == []
    assert tree["queue_bytes"] == 14 * 6 * 4
    assert tree["stacks"] == [
        {
            "dilations": [1, 2, 5],
            "receptive_field": 9,
            "receptive_field_through": 9,
            "coverage": 8 / 9,
            "holes": [[4, 4, 1]],
        },
        {
            "dilations": [3],
            "receptive_field": 7,
            "receptive_field_through": 15,
            "coverage": 3 / 7,
            "holes": [[1, 2, 1], [4, 5, 1]],
        },
    ]
    assert [layer["receptive_field"] for layer in tree["layers"]] == [2, 4, 9, 15]
    assert [layer["offset"] for layer in tree["layers"]] == [-1, -3, -8, -14]
    assert [layer["effective_kernel"] for layer in tree["layers"]] == [2, 3, 6, 7]
    assert {layer["jump"] for layer in tree["layers"]} == {1}


STACKS = st.lists(st.lists(st.integers(1, 300), min_size=1, max_size=5), min_size=1, max_size=4)


@settings(max_examples=40)
@given(STACKS, st.integers(1, 5), st.booleans())
def test_a_report_agrees_with_itself_and_with_the_shape(stacks: list[list[int]], kernel: int, scalar: bool) -> None:
    recipe = toys.recipe(
        model={
            "dilations": stacks,
            "kernel_size": kernel,
            "input": "scalar" if scalar else "embedding",
            "residual_channels": 6,
        }
    )
    said, shape, last = report.of_recipe(recipe), recipe.shape, report.of_recipe(recipe).layers[-1]
    assert isinstance(last, layer_report.LayerReport)
    assert said.receptive_field == shape.receptive_field == last.receptive_field
    assert said.stacks[-1].receptive_field_through == said.receptive_field
    assert (said.parameters, said.macs_per_sample) == (shape.parameters(), shape.macs_per_sample())
    assert said.queue_bytes == shape.queue_bytes() == (said.receptive_field - 1) * 6 * 4
    through = 1
    for dilations, stack in zip(stacks, said.stacks, strict=True):
        own = geometry.see(geometry.Layer(kernel, 1, dilation) for dilation in dilations)
        through += (kernel - 1) * sum(dilations)
        assert stack == report.StackReport(
            tuple(dilations), own.receptive_field, through, own.coverage, tuple(geometry.holes(own.lags))
        )
    lost = sum(len(range(first, last + 1, step)) for first, last, step in said.holes)
    assert said.coverage == pytest.approx(1 - lost / said.receptive_field)


def test_a_report_keeps_its_design_and_tells_its_name_and_its_milliseconds() -> None:
    said = report.read("quickstart")
    assert said.design == layers.read("quickstart")
    assert said == report.of_design(said.design)
    assert said.name == "quickstart"
    assert said.milliseconds(said.receptive_field) == said.receptive_field_ms
    assert looked(dilations=[1]).milliseconds(10) == 1000 * 10 / toys.RATE


# --- lists of layers -------------------------------------------------------------------------------------------------


def test_layers_are_causal_in_one_dimension(tmp_path: Path) -> None:
    said = listed(tmp_path, "layers: [{kernel: 3}, {kernel: 3, stride: 2}, {kernel: 3, dilation: 2}]")
    tree = as_json(said)
    assert tree["receptive_field"] == 13
    assert said.milliseconds(13) is None
    assert [[layer[key] for key in ("receptive_field", "jump", "offset")] for layer in tree["layers"]] == [
        [3, 1, -2],
        [5, 2, -4],
        [13, 2, -12],
    ]
    assert [layer["effective_kernel"] for layer in tree["layers"]] == [3, 3, 5]
    assert tree["stacks"][0]["receptive_field_through"] == 13
    assert tree["coverage"] == 1.0


@pytest.mark.parametrize(
    ("padding", "offsets"), [("causal", [-2, -4, -12, -14]), ("same", [-1, -2, -6, -6]), ("valid", [0, 0, 0, 0])]
)
@pytest.mark.parametrize("dims", [1, 2])
def test_padding_moves_what_is_seen_and_changes_nothing_else(
    tmp_path: Path, dims: int, padding: str, offsets: list[int]
) -> None:
    items = "[{kernel: 3}, {kernel: 3, stride: 2}, {kernel: 3, dilation: 2}, {kernel: 2}]"
    said = listed(tmp_path, f"dims: {dims}\npadding: {padding}\nlayers: {items}")
    seen = [(row.receptive_field, row.jump) for row in said.layers if isinstance(row, layer_report.LayerReport)]
    assert seen == [(3, 1), (5, 2), (13, 2), (15, 2)]
    # under `same` the odd one of the padding lies right
    assert [row.offset for row in said.layers if isinstance(row, layer_report.LayerReport)] == offsets


def test_a_sample_rate_gives_milliseconds(tmp_path: Path) -> None:
    said = listed(tmp_path, "sample_rate: 16000\nlayers: [{kernel: 3}, {kernel: 2, dilation: 5}]")
    assert (said.receptive_field, said.receptive_field_ms) == (8, 0.5)


def test_branches_are_joined(tmp_path: Path) -> None:
    text = "layers: [{kernel: 2}, {parallel: [[{kernel: 3, dilation: 6}], [{kernel: 1}], [{kernel: 2}, {kernel: 2}]]}]"
    tree = as_json(listed(tmp_path, text))
    first, join = tree["layers"]
    assert first["receptive_field"] == 2
    assert (join["receptive_field"], join["jump"], join["offset"]) == (14, 1, -13)
    assert [[row["receptive_field"] for row in branch] for branch in join["parallel"]] == [[14], [2], [3, 4]]
    assert tree["holes"] == [[4, 5, 1], [8, 11, 1]]  # reached: 0-3 by the short branches, 6-7 and 12-13 by the long
    assert tree["coverage"] == 8 / 14
    assert tree["stacks"][0]["dilations"] == [1, 6, 1, 1, 1]


def test_branches_in_two_dimensions_are_centred(tmp_path: Path) -> None:
    text = "dims: 2\nlayers: [{parallel: [[{kernel: 3, dilation: 6}], [{kernel: 3, dilation: 2}], [{kernel: 1}]]}]"
    said = listed(tmp_path, text)
    (join,) = said.layers
    assert isinstance(join, layer_report.JoinReport)
    assert (said.receptive_field, join.offset) == (13, -6)
    assert said.holes == ((1, 3, 1), (5, 5, 1), (7, 7, 1), (9, 11, 1))


def test_a_pyramid_sees_the_whole_input_beside_every_sixth_pixel() -> None:
    said = report.read(SAMPLES / "pyramid.yaml")
    assert said.whole_input is True
    assert said.receptive_field == 37
    assert said.holes == tuple((6 * i + 1, 6 * i + 5, 1) for i in range(6))
    assert said.coverage == 7 / 37
    assert said.stacks[0].dilations == (1, 6, 12, 18, 1, 1)
    join = said.layers[0]
    assert isinstance(join, layer_report.JoinReport)
    assert join.parallel[4][0] == layer_report.WholeReport()


@pytest.mark.parametrize(("name", "jump"), [("resnet50", 32), ("resnet50-dilated", 8)])
def test_a_resnet_sees_as_far_with_dilation_as_with_strides_and_steps_finer(name: str, jump: int) -> None:
    said = report.read(SAMPLES / f"{name}.yaml")
    last = said.layers[-1]
    assert isinstance(last, layer_report.JoinReport)
    assert (said.receptive_field, last.receptive_field, last.jump) == (427, 427, jump)
    assert said.whole_input is False


def test_what_only_global_pooling_sees_has_no_receptive_field(tmp_path: Path) -> None:
    tree = as_json(listed(tmp_path, f"layers: {LISTS['all pooled']}"), lags=True)
    assert (tree["receptive_field"], tree["whole_input"], tree["coverage"], tree["holes"]) == (0, True, 1.0, [])
    assert tree["paths"] == {"exact": True, "total": "0", "per_lag": []}


# --- sizes, channels and squares ------------------------------------------------------------------------------------


def test_a_size_gives_that_of_every_layer_and_channels_their_costs(tmp_path: Path) -> None:
    stem = "{kernel: 7, stride: 2, padding: 3, in: 3, out: 64, bias: false}, {kernel: 3, stride: 2, padding: 1}"
    text = f"dims: 2\nlayers: [{stem}, {{kernel: 3, dilation: 2, out: 64, groups: 32}}]"
    (tmp_path / "stem.yaml").write_text(text, encoding="utf-8")
    said = report.read(tmp_path / "stem.yaml", 224)
    tree = as_json(said)
    assert (tree["size"], tree["output_size"]) == ([224, 224], [56, 56])
    assert [row["output_size"] for row in tree["layers"]] == [[112, 112], [56, 56], [56, 56]]
    assert [row["padding"] for row in tree["layers"]] == [3, 1, "same"]
    assert [(row["in_channels"], row["out_channels"]) for row in tree["layers"]] == [(3, 64), (None, None), (64, 64)]
    assert [row["parameters"] for row in tree["layers"]] == [9408, None, 64 * 2 * 9 + 64]
    assert tree["parameters"] == 9408 + 1216
    assert tree["macs"] == 9408 * 112**2 + 1152 * 56**2
    wide = report.read(tmp_path / "stem.yaml", (480, 640))
    assert (wide.size, wide.output_size) == ((480, 640), (120, 160))
    assert report.read(tmp_path / "stem.yaml", (224,)) == said
    assert report.read(tmp_path / "stem.yaml").macs is None


def test_a_recipe_keeps_its_parameters_and_gives_as_many_samples_as_it_gets() -> None:
    said = report.read("quickstart", 1_000)
    assert (said.size, said.output_size, said.macs) == ((1_000,), (1_000,), None)
    assert said.parameters == report.read("quickstart").parameters == said.design.shape.parameters()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (4, "layers at a size of 4: layer 2: it gets 2 inputs and 0 of padding, but its kernel spans 9"),
        (0, "the size is 0, expected whole numbers from 1"),
        (10**9 + 1, "the size is 1,000,000,001, expected"),
        ((8, 9), "the size is 8 x 9, but layers has one axis (dims: 1); give one number for each"),
        ((), "the size is , but layers has one axis"),
    ],
)
def test_a_size_that_cannot_be_is_one_sentence(tmp_path: Path, size: Any, words: str) -> None:
    (tmp_path / "layers.yaml").write_text("padding: valid\nlayers: [{kernel: 3}, {kernel: 3, dilation: 4}]")
    with pytest.raises(InputError) as caught:
        report.read(tmp_path / "layers.yaml", size)
    assert str(caught.value).startswith(words)


def test_branches_that_meet_at_some_sizes_only_are_refused_at_the_others(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(
        "layers: [{parallel: [[{kernel: 2, stride: 2, padding: 1}], [{kernel: 1, stride: 2, padding: 0}]]}]"
    )
    assert report.read(path).size is None
    assert report.read(path, 225).output_size == (113,)
    with pytest.raises(
        InputError, match=r"odd at a size of 224: layer 1: its branches end with different sizes \(112, 113\)"
    ):
        report.read(path, 224)
    halves = "{parallel: [[{kernel: 2, stride: 2}], [{kernel: 3, stride: 2}]]}"  # which meet behind odd numbers
    path.write_text(f"padding: valid\nlayers: [{{kernel: 128, stride: 128}}, {halves}]")
    assert report.read(path, 640).output_size == (2,)


def test_a_square_is_listed_row_by_row_as_far_as_it_is_small(tmp_path: Path) -> None:
    branches = "[[{kernel: 3}], [{kernel: 3, dilation: 2}]]"
    small = as_json(listed(tmp_path, f"dims: 2\nlayers: [{{parallel: {branches}}}]"))["grid"]
    assert small == {
        "side": 5,
        "positions": 25,
        "reached": 17,
        "coverage": 17 / 25,
        "rows": ["#.#.#", ".###.", "#####", ".###.", "#.#.#"],
    }
    large = as_json(listed(tmp_path, "dims: 2\nlayers: [{kernel: 3, dilation: 32}]"))["grid"]
    assert large == {"side": 65, "positions": 65**2, "reached": 9, "coverage": 9 / 65**2, "rows": None}


def test_a_square_of_too_many_ways_is_said_not_to_be_counted(tmp_path: Path) -> None:
    layers = ", ".join(
        f"{{parallel: [{', '.join(f'[{{kernel: 3, dilation: {7**i + j}}}]' for j in range(1, 5))}]}}" for i in range(5)
    )
    grid = as_json(listed(tmp_path, f"dims: 2\nlayers: [{layers}]"))["grid"]
    assert (grid["reached"], grid["coverage"], grid["rows"]) == (None, None, None)


# --- gaps and mends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "has_holes"),
    [
        ("[{kernel: 3, dilation: 2, stride: 2}, {kernel: 3, dilation: 4}]", True),
        ("[{parallel: [[{kernel: 3, dilation: 2}], [{kernel: 1}]]}]", True),
        ("[{kernel: 3, dilation: 2}, {parallel: [[{kernel: 1}], [{pool: global}]]}]", True),
        ("[{kernel: 3}, {pool: global}]", False),
        ("[{kernel: 3}, {kernel: 3, dilation: 3}]", False),
        ("[{kernel: 1, dilation: 7}]", False),
    ],
)
def test_where_branches_or_strides_stand_and_where_no_hole_is_there_is_no_gap(
    tmp_path: Path, items: str, has_holes: bool
) -> None:
    said = listed(tmp_path, f"layers: {items}")
    assert bool(said.holes) is has_holes
    assert said.gap() is None
    assert said.mends() == []


def test_the_stride_of_the_last_layer_hides_no_gap(tmp_path: Path) -> None:
    said = listed(tmp_path, "layers: [{kernel: 3, dilation: 2}, {kernel: 3, dilation: 4, stride: 2}]")
    assert said.gap() == Gap(dilation=2, reach=1, divisor=2)
    assert [mend.change for mend in said.mends()] == said.to_json()["mends"] != []


def test_the_gap_and_the_mends_are_those_of_geometry() -> None:
    said = report.read(SAMPLES / "gridded.yaml")
    assert said.gap() == Gap(dilation=2, reach=1, divisor=2)
    assert said.mends() == geometry.fixes(((2, 4, 8),), (3, 3, 3)) != []
    stacks, kernels = ((1, 2, 20), (2,)), (2, 2, 3, 4)
    both = looked(dilations=[list(stack) for stack in stacks], kernel_size=list(kernels))
    assert both.gap() == geometry.first_gap(stacks, kernels) == Gap(dilation=20, reach=1 + 1 + 2 + 6, divisor=1)
    assert both.mends() == geometry.fixes(stacks, kernels) != []


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=3), min_size=1, max_size=2), st.data())
def test_the_gap_is_the_first_hole_and_there_are_mends_where_there_are_holes(
    stacks: list[list[int]], data: st.DataObject
) -> None:
    layers = sum(map(len, stacks))
    kernels = data.draw(st.lists(st.integers(1, 4), min_size=layers, max_size=layers))
    said = looked(dilations=stacks, kernel_size=kernels)
    gap = said.gap()
    assert (None if gap is None else gap.reach) == (said.holes[0][0] if said.holes else None)
    assert bool(said.mends()) == bool(said.holes)


# --- paths -----------------------------------------------------------------------------------------------------------


def test_paths_of_a_small_network_by_hand() -> None:
    paths = as_json(looked(dilations=[[1, 3], [1]], kernel_size=[3, 2, 2]), lags=True)["paths"]
    # (1 + x + x^2)(1 + x^3)(1 + x)
    assert paths == {"exact": True, "total": "12", "per_lag": ["1", "2", "2", "2", "2", "2", "1"]}


@pytest.mark.parametrize("name", [*(f"list {name}" for name in LISTS), "2016", "holes", "many holes", "many stacks"])
def test_paths_are_the_counts_of_geometry_in_decimal(tmp_path: Path, name: str) -> None:
    if name.startswith("list "):
        said = listed(tmp_path, f"padding: same\nlayers: {LISTS[name.removeprefix('list ')]}")
    else:
        said = looked(dilations=SCHEDULES[name])
    counted = geometry.count_paths(said.design.parts, said.design.padding)
    paths = as_json(said, lags=True)["paths"]
    assert counted.counts is not None
    assert paths == {
        "exact": True,
        "total": str(counted.total),
        "per_lag": [str(count) for count in counted.counts],
    }
    assert sum(map(int, paths["per_lag"])) == int(paths["total"])
    missed = {lag for first, last, step in said.holes for lag in range(first, last + 1, step)}
    assert {lag for lag, count in enumerate(paths["per_lag"]) if count == "0"} == missed


def test_counts_too_long_to_be_kept_are_told_as_logarithms(monkeypatch: pytest.MonkeyPatch) -> None:
    said = looked(dilations=[[2, 4], [2]], kernel_size=3)
    exact = as_json(said, lags=True)["paths"]
    monkeypatch.setattr("wavenet.geometry.count_paths", functools.partial(geometry.count_paths, exact_bits=0))
    paths = as_json(said, lags=True)["paths"]
    assert (paths["exact"], paths["total"], set(paths)) == (False, "27", {"exact", "total", "log2_per_lag"})
    logs = [math.log2(int(count)) if count != "0" else None for count in exact["per_lag"]]
    assert paths["log2_per_lag"] == [None if log is None else pytest.approx(log) for log in logs]
    assert None in logs


@contextmanager
def any_digits() -> Iterator[None]:
    """Lift Python's limit, so that its own `str` says what is right."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)


@given(
    st.one_of(st.integers(0, 2**70), st.builds(lambda n, more: 10**n + more, st.integers(1, 4299), st.integers(-1, 1)))
)
def test_numbers_that_python_writes_are_written_alike(number: int) -> None:
    assert report.decimal(number) == str(number)


@settings(max_examples=40)
@given(st.integers(2, 11), st.integers(4_400, 20_000), st.integers(-1, 1))
def test_numbers_beyond_pythons_limit_are_written_in_full(base: int, power: int, more: int) -> None:
    number = base**power * 10 ** (power // 2) + more  # long rows of zeros or nines stand where it is cut
    said = report.decimal(number)
    with any_digits():
        assert said == str(number)


def test_more_paths_than_python_writes_are_told_in_full() -> None:
    zeros = "0" * 5_000
    told = report.paths_to_json(Paths(12 * 10**5_000, [10**5_000, 0, 11 * 10**5_000], None))
    assert told == {"exact": True, "total": f"12{zeros}", "per_lag": [f"1{zeros}", "0", f"11{zeros}"]}
