"""Held: `inspect` says in records and JSON what geometry computes; sizes are those of real modules."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import layer_toys
import pytest
import torch
import toys
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from wavenet import geometry
from wavenet.errors import InputError
from wavenet.geometry import Channels, Gap, Layer, Padding, Parallel, Part, Paths, Whole
from wavenet.inspection import layers, report
from wavenet.inspection.layers import Design
from wavenet.inspection.report import JoinReport, LayerReport, Report, Row, WholeReport, each_layer, of_design

KEYS = {
    *("name", "sample_rate", "dims", "padding", "mends", "receptive_field", "receptive_field_ms", "whole_input"),
    *("coverage", "holes", "grid", "size", "output_size", "parameters", "macs", "macs_per_sample", "queue_bytes"),
    *("stacks", "layers", "condition", "preemphasis"),
}
STACK_KEYS = {"dilations", "receptive_field", "receptive_field_through", "coverage", "holes"}
LAYER_KEYS = {
    *("kernel", "stride", "dilation", "effective_kernel", "receptive_field", "jump", "offset"),
    *("padding", "output_size", "in_channels", "out_channels", "parameters", "macs"),
}
JOIN_KEYS = {"parallel", "receptive_field", "jump", "offset", "output_size"}
SAMPLES = Path(__file__).parents[2] / "samples" / "layers"

SCHEDULES: dict[str, Any] = {
    "one layer": [1],
    "holes": [[2, 4, 8], [3, 9]],
    "2016": {"pattern": "exponential", "layers": 10, "cycles": 3},
    "many holes": {"pattern": "hdc", "layers": 9},
    "many stacks": {"pattern": "exponential", "layers": 2, "cycles": 120},
}
LISTS: dict[str, str] = {
    "plain": "[{kernel: 3}, {kernel: 3, dilation: 4}]",
    "strides": "[{kernel: 3, stride: 2}, {kernel: 2, dilation: 3}]",
    "branches": "[{kernel: 2}, {parallel: [[{kernel: 3, dilation: 6}], [{kernel: 1}]]}]",
    "pooled branch": "[{parallel: [[{kernel: 3}], [{pool: global}, {kernel: 1}]]}, {kernel: 2}]",
    "all pooled": "[{kernel: 3}, {pool: global}, {kernel: 1}]",
    "pooled branches": "[{parallel: [[{pool: global}], [{pool: global}, {kernel: 3}]]}]",
}


def of_schedule(**model: Any) -> Report:
    return report.of_recipe(toys.recipe(model={"kernel_size": 2, "residual_channels": 6, **model}))


def listed(folder: Path, text: str, size: Any = None) -> Report:
    path = folder / "layers.yaml"
    path.write_text(text, encoding="utf-8")
    return of_design(layers.read(path), size)


def design(*parts: Part, dims: int = 1, padding: Padding = "same") -> Design:
    return Design("toy", None, (parts,), padding, dims)


def as_json(said: Report, lags: bool = False) -> Any:
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
    tree = as_json(of_schedule(dilations=SCHEDULES[name]))
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
    tree = as_json(of_schedule(dilations=[[1, 2, 5], [3]], kernel_size=[2, 2, 2, 3]))
    assert tree["receptive_field"] == 1 + 1 + 2 + 5 + 6 == 15
    assert tree["receptive_field_ms"] == 1000 * 15 / toys.RATE
    assert (tree["whole_input"], tree["coverage"], tree["holes"]) == (False, 1.0, [])
    assert tree["queue_bytes"] == 14 * 6 * 4
    assert [list(stack.values()) for stack in tree["stacks"]] == [
        [[1, 2, 5], 9, 9, 8 / 9, [[4, 4, 1]]],
        [[3], 7, 15, 3 / 7, [[1, 2, 1], [4, 5, 1]]],
    ]
    assert [layer["receptive_field"] for layer in tree["layers"]] == [2, 4, 9, 15]
    assert [layer["offset"] for layer in tree["layers"]] == [-1, -3, -8, -14]
    assert [layer["effective_kernel"] for layer in tree["layers"]] == [2, 3, 6, 7]
    assert {layer["jump"] for layer in tree["layers"]} == {1}


STACKS = st.lists(st.lists(st.integers(1, 300), min_size=1, max_size=5), min_size=1, max_size=4)


@settings(max_examples=40)
@given(STACKS, st.integers(1, 5), st.sampled_from(["scalar", "embedding"]))
def test_a_report_agrees_with_itself_and_with_the_shape(stacks: list[list[int]], kernel: int, entry: str) -> None:
    recipe = toys.recipe(model={"dilations": stacks, "kernel_size": kernel, "input": entry, "residual_channels": 6})
    said, shape = report.of_recipe(recipe), recipe.shape
    assert said.receptive_field == shape.receptive_field == [*each_layer(said.layers)][-1].receptive_field
    assert said.stacks[-1].receptive_field_through == said.receptive_field
    assert (said.parameters, said.macs_per_sample) == (shape.parameters(), shape.macs_per_sample())
    assert said.queue_bytes == shape.queue_bytes() == (said.receptive_field - 1) * 6 * 4
    through = 1
    for dilations, stack in zip(stacks, said.stacks, strict=True):
        own = geometry.see(Layer(kernel, 1, dilation) for dilation in dilations)
        through += (kernel - 1) * sum(dilations)
        assert stack == report.StackReport(
            tuple(dilations), own.receptive_field, through, own.coverage, tuple(geometry.holes(own.lags))
        )
    lost = sum(len(range(first, last + 1, step)) for first, last, step in said.holes)
    assert said.coverage == pytest.approx(1 - lost / said.receptive_field)


# --- lists of layers -------------------------------------------------------------------------------------------------


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


def test_a_pyramid_sees_the_whole_input_beside_every_sixth_pixel() -> None:
    said = of_design(layers.read(SAMPLES / "pyramid.yaml"))
    assert (said.whole_input, said.receptive_field, said.coverage) == (True, 37, 7 / 37)
    assert said.holes == tuple((6 * i + 1, 6 * i + 5, 1) for i in range(6))
    assert said.stacks[0].dilations == (1, 6, 12, 18, 1, 1)
    join = said.layers[0]
    assert isinstance(join, JoinReport) and join.offset == -18
    assert join.parallel[4][0] == WholeReport()


def test_what_only_global_pooling_sees_has_no_receptive_field(tmp_path: Path) -> None:
    tree = as_json(listed(tmp_path, f"layers: {LISTS['all pooled']}"), lags=True)
    assert (tree["receptive_field"], tree["whole_input"], tree["coverage"], tree["holes"]) == (0, True, 1.0, [])
    assert tree["paths"] == {"exact": True, "total": "0", "per_lag": []}


# --- sizes and channels ----------------------------------------------------------------------------------------------


def sizes(rows: Sequence[Row]) -> list[object]:
    """Return the sizes of all layers along the first axis, those of branches in lists of their own."""
    found: list[object] = []
    for row in rows:
        if isinstance(row, JoinReport):
            found.append([sizes(branch) for branch in row.parallel])
        assert row.output_size is not None
        found.append(row.output_size[0])
    return found


def real_sizes(parts: Sequence[Part], x: Tensor, padding: Padding) -> tuple[list[object], Tensor]:
    """Return the same of torch's convolutions, which raise RuntimeError where there is no output."""
    found: list[object] = []
    for part in parts:
        if isinstance(part, Whole):
            x = F.adaptive_avg_pool1d(x, 1)
        elif isinstance(part, Layer):
            own, span = padding if part.padding is None else part.padding, part.dilation * (part.kernel - 1)
            if isinstance(own, str):
                x, own = F.pad(x, {"causal": (span, 0), "same": (span // 2, span - span // 2), "valid": (0, 0)}[own]), 0
            x = F.conv1d(x, torch.ones(1, 1, part.kernel), None, part.stride, own, part.dilation)
        else:
            inner = [real_sizes(branch, x, padding) for branch in part.branches]
            found.append([one for one, _ in inner])
            x = torch.stack(torch.broadcast_tensors(*(end for _, end in inner))).sum(0)
        found.append(x.shape[-1])
    return found, x


@settings(max_examples=75)
@given(layer_toys.sequences(), st.integers(1, 60), layer_toys.paddings)
@example((Layer(7, 2, 1, 3), Layer(3, 2), Parallel(((Layer(1),), (Layer(3, 1, 6),), (Whole(), Layer(1))))), 224, "same")
@example((Layer(3), Whole(), Layer(1)), 30, "valid")
@example((Layer(5, 1, 4),), 16, "valid")
def test_sizes_are_those_of_real_modules(parts: tuple[Part, ...], size: int, padding: Padding) -> None:
    try:
        expected = real_sizes(parts, torch.zeros(1, 1, size), padding)[0]
    except RuntimeError:  # no output, or branches that cannot be joined
        with pytest.raises(InputError, match=r": layer [\d.]+: (it gets|its branches end with different sizes)"):
            of_design(design(*parts, padding=padding), size)
    else:
        try:
            said = of_design(design(*parts, padding=padding), size)
        except InputError as error:  # torch spreads a branch of size 1, though it isn't pooled
            assert "different sizes" in str(error) and "(1, " in str(error)
        else:
            assert sizes(said.layers) == expected
            assert said.output_size == (expected[-1],)


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), [(7, 2, 3, 1), (3, 2, 1, 2), (2, 3, 0, 5)])
def test_both_axes_of_a_picture_have_their_sizes(kernel: int, stride: int, padding: int, dilation: int) -> None:
    real = torch.nn.Conv2d(3, 4, kernel, stride, padding, dilation)(torch.zeros(1, 3, 48, 64))
    layer = Layer(kernel, stride, dilation, padding, Channels(3, 4))
    said = of_design(design(layer, dims=2), (48, 64))
    (row,) = said.layers
    assert isinstance(row, LayerReport)
    assert row.output_size == said.output_size == tuple(real.shape[2:])
    assert (row.padding, row.in_channels, row.out_channels) == (padding, 3, 4)
    assert row.parameters == 3 * 4 * kernel**2 + 4
    assert row.macs == 3 * 4 * kernel**2 * math.prod(real.shape[2:])


def test_without_a_size_or_channels_nothing_is_said_of_them() -> None:
    said = of_design(design(Layer(3), Parallel(((Layer(3, 1, 2),), (Whole(),)))))
    assert said.output_size is None and [row.output_size for row in said.layers] == [None, None]
    for row in each_layer(said.layers):
        assert (row.padding, row.in_channels, row.out_channels, row.parameters, row.macs) == ("same", *[None] * 4)
    (row,) = each_layer(of_design(design(Layer(3, channels=Channels(2, 4)))).layers)
    assert (row.parameters, row.macs) == (28, None)


def test_a_pooled_branch_has_one_place_and_is_spread_where_it_joins() -> None:
    pooled = (Whole(), Layer(1, channels=Channels(8, 2)))
    said = of_design(design(Parallel(((Layer(3),), pooled)), dims=2), (5, 7))
    (join,) = said.layers
    assert isinstance(join, JoinReport)
    assert join.parallel[1][0] == WholeReport(output_size=(1, 1))
    assert [row.macs for row in each_layer(said.layers)] == [None, 16]
    assert join.output_size == said.output_size == (5, 7)
    assert of_design(design(Parallel((pooled, (Whole(),)))), 9).output_size == (1,)


def test_a_size_gives_that_of_every_layer_and_channels_their_costs(tmp_path: Path) -> None:
    stem = "{kernel: 7, stride: 2, padding: 3, in: 3, out: 64, bias: false}, {kernel: 3, stride: 2, padding: 1}"
    text = f"dims: 2\nlayers: [{stem}, {{kernel: 3, dilation: 2, out: 64, groups: 32}}]"
    said = listed(tmp_path, text, 224)
    tree = as_json(said)
    assert (tree["size"], tree["output_size"]) == ([224, 224], [56, 56])
    assert [row["output_size"] for row in tree["layers"]] == [[112, 112], [56, 56], [56, 56]]
    assert [row["padding"] for row in tree["layers"]] == [3, 1, "same"]
    assert [(row["in_channels"], row["out_channels"]) for row in tree["layers"]] == [(3, 64), (None, None), (64, 64)]
    assert [row["parameters"] for row in tree["layers"]] == [9408, None, 64 * 2 * 9 + 64]
    assert tree["parameters"] == 9408 + 1216
    assert tree["macs"] == 9408 * 112**2 + 1152 * 56**2
    wide = listed(tmp_path, text, (480, 640))
    assert (wide.size, wide.output_size) == ((480, 640), (120, 160))
    assert listed(tmp_path, text, (224,)) == said
    assert listed(tmp_path, text).macs is None


def test_a_recipe_keeps_its_parameters_and_gives_as_many_samples_as_it_gets() -> None:
    quickstart = layers.read("quickstart")
    said = of_design(quickstart, 1_000)
    assert said.design == quickstart
    assert (said.size, said.output_size, said.macs) == ((1_000,), (1_000,), None)
    assert quickstart.shape is not None and said.parameters == quickstart.shape.parameters()


@pytest.mark.parametrize(
    ("items", "size", "words"),
    [
        ("{kernel: 3}, {kernel: 3, dilation: 4}", 4, "layers at a size of 4: layer 2: it gets 2 inputs and 0 of padd"),
        ("{kernel: 9, dilation: 2, padding: 3}", 9, "layers at a size of 9: layer 1: it gets 9 inputs and 6 of padd"),
        ("{parallel: [[{kernel: 1}], [{kernel: 2, padding: 1}, {kernel: 2}, {kernel: 9}]]}", 3, "layers.yaml: layer 1"),
        ("{kernel: 1}, {parallel: [[{kernel: 2}], [{kernel: 1}, {kernel: 2}]]}", 1, "layers at a size of 1: layer 2.1"),
        ("{kernel: 3}", 0, "the size is 0, expected whole numbers from 1"),
        ("{kernel: 3}", 10**9 + 1, "the size is 1,000,000,001, expected"),
        ("{kernel: 3}", (8, 9), "the size is 8 x 9, but layers has one axis (dims: 1); give one number for each"),
        ("{kernel: 3}", (), "the size is , but layers has one axis"),
    ],
)
def test_a_size_that_cannot_be_is_one_sentence(tmp_path: Path, items: str, size: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        listed(tmp_path, f"padding: valid\nlayers: [{items}]", size)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(words)


def test_branches_that_meet_at_some_sizes_only_are_refused_at_the_others(tmp_path: Path) -> None:
    odd = "layers: [{parallel: [[{kernel: 2, stride: 2, padding: 1}], [{kernel: 1, stride: 2, padding: 0}]]}]"
    assert listed(tmp_path, odd).size is None
    assert listed(tmp_path, odd, 225).output_size == (113,)
    with pytest.raises(InputError, match=r"at a size of 224: layer 1: its branches end with .* \(112, 113\)"):
        listed(tmp_path, odd, 224)
    halves = "{parallel: [[{kernel: 2, stride: 2}], [{kernel: 3, stride: 2}]]}"  # which meet behind odd numbers
    text = f"padding: valid\nlayers: [{{kernel: 128, stride: 128}}, {halves}]"
    assert listed(tmp_path, text, 640).output_size == (2,)


# --- squares ---------------------------------------------------------------------------------------------------------


def test_a_square_is_listed_row_by_row_as_far_as_it_is_small(tmp_path: Path) -> None:
    branches = "[[{kernel: 3}], [{kernel: 3, dilation: 2}]]"
    small = as_json(listed(tmp_path, f"dims: 2\nlayers: [{{parallel: {branches}}}]"))["grid"]
    rows = ["#.#.#", ".###.", "#####", ".###.", "#.#.#"]
    assert small == {"side": 5, "positions": 25, "reached": 17, "coverage": 17 / 25, "rows": rows}
    large = as_json(listed(tmp_path, "dims: 2\nlayers: [{kernel: 3, dilation: 32}]"))["grid"]
    assert large == {"side": 65, "positions": 65**2, "reached": 9, "coverage": 9 / 65**2, "rows": None}


def test_a_square_of_too_many_ways_is_not_counted() -> None:
    many = [Parallel(tuple((Layer(3, 1, 7**i + j),) for j in range(1, 5))) for i in range(5)]
    grid = as_json(of_design(design(*many, dims=2)))["grid"]
    assert grid["positions"] == grid["side"] ** 2 > 0
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
def test_no_gap_is_named_with_branches_or_strides_or_without_a_hole(
    tmp_path: Path, items: str, has_holes: bool
) -> None:
    said = listed(tmp_path, f"layers: {items}")
    assert bool(said.holes) is has_holes
    assert said.gap() is None
    assert said.fixes() == []


def test_the_gap_and_the_mends_are_those_of_geometry(tmp_path: Path) -> None:
    # the stride of the last layer hides no gap
    said = listed(tmp_path, "layers: [{kernel: 3, dilation: 2}, {kernel: 3, dilation: 4, stride: 2}]")
    assert said.gap() == Gap(dilation=2, reach=1, divisor=2)
    assert [fix.change for fix in said.fixes()] == said.to_json()["mends"] != []
    stacks, kernels = ((1, 2, 20), (2,)), (2, 2, 3, 4)
    both = of_schedule(dilations=[list(stack) for stack in stacks], kernel_size=list(kernels))
    assert both.gap() == geometry.first_gap(stacks, kernels) == Gap(dilation=20, reach=1 + 1 + 2 + 6, divisor=1)
    assert both.fixes() == geometry.fixes(stacks, kernels) != []


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LISTS, "2016", "many holes"])
def test_paths_are_the_counts_of_geometry_in_decimal(tmp_path: Path, name: str) -> None:
    if name in LISTS:
        said = listed(tmp_path, f"padding: same\nlayers: {LISTS[name]}")
    else:
        said = of_schedule(dilations=SCHEDULES[name])
    counted = geometry.count_paths(said.design.parts, said.design.padding)
    paths = as_json(said, lags=True)["paths"]
    assert counted.counts is not None
    assert paths == {"exact": True, "total": str(counted.total), "per_lag": [str(count) for count in counted.counts]}
    assert sum(map(int, paths["per_lag"])) == int(paths["total"])
    missed = {lag for first, last, step in said.holes for lag in range(first, last + 1, step)}
    assert {lag for lag, count in enumerate(paths["per_lag"]) if count == "0"} == missed


def test_counts_too_long_to_be_kept_become_logarithms(monkeypatch: pytest.MonkeyPatch) -> None:
    said = of_schedule(dilations=[[2, 4], [2]], kernel_size=3)
    exact = as_json(said, lags=True)["paths"]
    monkeypatch.setattr("wavenet.geometry.count_paths", functools.partial(geometry.count_paths, exact_bits=0))
    paths = as_json(said, lags=True)["paths"]
    assert (paths["exact"], paths["total"], set(paths)) == (False, "27", {"exact", "total", "log2_per_lag"})
    logs = [math.log2(int(count)) if count != "0" else None for count in exact["per_lag"]]
    assert paths["log2_per_lag"] == [None if log is None else pytest.approx(log) for log in logs]
    assert None in logs


@given(st.integers(0, 4_290), st.integers(4_320, 9_000), st.integers(0, 2**40), st.sampled_from([0, 1]))
def test_numbers_beyond_pythons_limit_are_written_in_full(short: int, long: int, head: int, less: int) -> None:
    written = report.paths_to_json(Paths(10**long - less, [0, 10**short - 1, head * 10**long], None))
    assert written["total"] == ("9" * long if less else f"1{'0' * long}")
    assert written["per_lag"] == ["0", "9" * short or "0", f"{head}{'0' * long}" if head else "0"]
