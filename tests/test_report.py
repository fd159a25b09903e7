"""Held: `inspect` says in JSON and in text what geometry computes, for recipes, bundles and lists of layers."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import config, geometry, report
from wavenet.errors import BundleError, InputError, RecipeError

KEYS = {
    "receptive_field",
    "receptive_field_ms",
    "coverage",
    "holes",
    "parameters",
    "macs_per_sample",
    "queue_bytes",
    "stacks",
    "layers",
}
STACK_KEYS = {"dilations", "receptive_field", "receptive_field_through", "coverage", "holes"}
LAYER_KEYS = {"kernel", "stride", "dilation", "effective_kernel", "receptive_field", "jump", "offset"}


def written(folder: Path, text: str, name: str = "layers.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def looked(**model: Any) -> report.Report:
    return report.of_recipe(toys.recipe(model={"kernel_size": 2, "residual_channels": 6, **model}))


SCHEDULES = {
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


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_json_has_exactly_the_promised_keys() -> None:
    assert set(looked(dilations=[1, 2]).to_json()) == KEYS


@pytest.mark.parametrize("name", SCHEDULES)
def test_stacks_and_layers_have_exactly_the_promised_keys(name: str) -> None:
    tree = json.loads(json.dumps(looked(dilations=SCHEDULES[name]).to_json()))
    assert set(tree) >= KEYS
    assert all(set(stack) == STACK_KEYS for stack in tree["stacks"])
    assert all(set(layer) == LAYER_KEYS for layer in tree["layers"])
    assert all(len(hole) == 3 for hole in tree["holes"])


def test_a_small_network_by_hand() -> None:
    tree = looked(dilations=[[1, 2, 5], [3]], kernel_size=[2, 2, 2, 3]).to_json()
    assert tree["receptive_field"] == 1 + 1 + 2 + 5 + 6 == 15
    assert tree["receptive_field_ms"] == 1000 * 15 / toys.RATE
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


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.integers(1, 300), min_size=1, max_size=5), min_size=1, max_size=4),
    st.integers(1, 5),
    st.booleans(),
)
def test_a_report_agrees_with_itself_and_with_the_shape(stacks: list[list[int]], kernel: int, scalar: bool) -> None:
    recipe = toys.recipe(
        model={
            "dilations": stacks,
            "kernel_size": kernel,
            "input": "scalar" if scalar else "embedding",
            "residual_channels": 6,
        }
    )
    said, shape = report.of_recipe(recipe), recipe.shape
    assert said.receptive_field == shape.receptive_field == said.layers[-1].receptive_field
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


# --- text ------------------------------------------------------------------------------------------------------------


def check_text(said: report.Report) -> None:
    text = said.to_text(layers=True)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert f"{said.receptive_field:,} samples" in text
    lines = text.splitlines()
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("layer ")) :]
    assert len(table) == 1 + len(said.layers)
    for number, (line, layer) in enumerate(zip(table[1:], said.layers, strict=True), 1):
        cells = [int(cell.replace(",", "")) for cell in line.split()]
        assert cells == [number, *dataclasses.astuple(layer)]


@pytest.mark.parametrize("name", config.recipe_names())
def test_every_recipe_fits_a_hundred_columns(name: str) -> None:
    check_text(report.inspect(name))


@pytest.mark.parametrize("name", SCHEDULES)
def test_long_schedules_fit_a_hundred_columns(name: str) -> None:
    check_text(looked(dilations=SCHEDULES[name]))


DILATIONS = st.one_of([st.integers(1, 10**digits) for digits in range(1, 6)])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(DILATIONS, min_size=1, max_size=6), min_size=1, max_size=3))
def test_any_schedule_fits_a_hundred_columns(stacks: list[list[int]]) -> None:
    check_text(looked(dilations=stacks))


def test_a_long_name_fits_a_hundred_columns() -> None:
    recipe = dataclasses.replace(toys.recipe(), name="x" * 120)
    config.from_tree(config.to_tree(recipe), "here")  # such a name is allowed
    check_text(report.of_recipe(recipe))


def test_the_head_says_the_numbers_with_their_units() -> None:
    text = report.inspect("digits").to_text()
    assert "digits: 20 layers in 2 stacks" in text
    assert "2,047 samples, 255.9 ms at 8,000 Hz" in text
    assert "every lag is reached" in text
    assert f"{config.load(config.find_recipe('digits')).shape.parameters():,}" in text
    assert "layer " not in text.splitlines()[-1]


def test_holes_are_said_in_words() -> None:
    assert "53.3%, missed: 1-13 by 2" in looked(dilations=[2, 4, 8]).to_text()
    assert "88.9%, missed: 4" in looked(dilations=[1, 2, 5]).to_text()
    assert "33.3%, missed: 2-9" in looked(dilations=[1, 10]).to_text()
    many = looked(dilations=[1, 2, 5, 10, 20, 50, 100, 200, 500])
    assert f"57.6%, missed: 4-34 by 5, 39-49, 54-84 by 5, 89-99, 104-134 by 5 and {len(many.holes) - 5}" in (
        many.to_text()
    )


def test_a_nearly_whole_coverage_is_not_said_to_be_whole() -> None:
    said = looked(dilations=[[*(2**i for i in range(14)), 2**14 + 1]])
    assert len(said.holes) == 1
    assert "every lag" not in said.to_text()
    assert "missed: 16384" in said.to_text()


def test_a_shortened_list_of_dilations_keeps_its_last() -> None:
    row = next(line for line in looked(dilations=SCHEDULES["wide"]).to_text().splitlines() if line.startswith("1 "))
    assert " ... 524288 " in row
    assert row.split()[1:5] == ["1", "2", "4", "8"]


# --- what can be looked at -------------------------------------------------------------------------------------------


def test_a_name_a_path_a_run_and_a_bundle_say_the_same(tmp_path: Path) -> None:
    recipe = toys.recipe()
    said = report.of_recipe(recipe)
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    run.mkdir()
    bundle.mkdir()
    path = written(run, config.dump(recipe), "config.yaml")
    tree = {"format": "wavenet-bundle", "version": 1, "recipe": config.to_tree(recipe)}
    written(bundle, json.dumps(tree), "config.json")
    for source in (path, str(path), run, bundle, bundle / "config.json"):
        assert report.inspect(source) == said
    assert report.inspect("quickstart") == report.inspect(config.recipe_folder() / "quickstart.yaml")


def test_what_is_none_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'quickstart'"):
        report.inspect("quickstrat")
    with pytest.raises(RecipeError, match="the key name is missing"):
        report.inspect(written(tmp_path, "{}"))
    with pytest.raises(BundleError):
        report.inspect(written(tmp_path, "{}", "config.json"))


# --- LAYERS.yaml -----------------------------------------------------------------------------------------------------


def test_layers_are_causal_in_one_dimension(tmp_path: Path) -> None:
    path = written(tmp_path, "layers: [{kernel: 3}, {kernel: 3, stride: 2}, {kernel: 3, dilation: 2}]")
    tree = json.loads(json.dumps(report.inspect(path).to_json()))
    assert tree["receptive_field"] == 13
    assert [tree[key] for key in ("receptive_field_ms", "parameters", "macs_per_sample", "queue_bytes")] == [None] * 4
    assert [[layer[key] for key in ("receptive_field", "jump", "offset")] for layer in tree["layers"]] == [
        [3, 1, -2],
        [5, 2, -4],
        [13, 2, -12],
    ]
    assert [layer["effective_kernel"] for layer in tree["layers"]] == [3, 3, 5]
    assert set(tree["layers"][0]) == LAYER_KEYS
    assert set(tree["stacks"][0]) == STACK_KEYS
    assert tree["stacks"][0]["receptive_field_through"] == 13
    assert tree["coverage"] == 1.0


def test_layers_keep_their_length_in_two_dimensions(tmp_path: Path) -> None:
    text = "dims: 2\nlayers: [{kernel: 3}, {kernel: 3, stride: 2}, {kernel: 3, dilation: 2}, {kernel: 2}]"
    said = report.inspect(written(tmp_path, text))
    assert [(layer.receptive_field, layer.jump, layer.offset) for layer in said.layers] == [
        (3, 1, -1),
        (5, 2, -2),
        (13, 2, -6),
        (15, 2, -6),  # the odd one of the padding lies right
    ]


def test_branches_are_joined(tmp_path: Path) -> None:
    text = "layers: [{kernel: 2}, {parallel: [[{kernel: 3, dilation: 6}], [{kernel: 1}], [{kernel: 2}, {kernel: 2}]]}]"
    tree = json.loads(json.dumps(report.inspect(written(tmp_path, text)).to_json()))
    first, join = tree["layers"]
    assert first["receptive_field"] == 2
    assert (join["receptive_field"], join["jump"], join["offset"]) == (14, 1, -13)
    assert [[row["receptive_field"] for row in branch] for branch in join["parallel"]] == [[14], [2], [3, 4]]
    assert tree["holes"] == [[4, 5, 1], [8, 11, 1]]  # reached: 0-3 by the short branches, 6-7 and 12-13 by the long
    assert tree["coverage"] == 8 / 14


def test_branches_in_two_dimensions_are_centred(tmp_path: Path) -> None:
    text = "dims: 2\nlayers: [{parallel: [[{kernel: 3, dilation: 6}], [{kernel: 3, dilation: 2}], [{kernel: 1}]]}]"
    said = report.inspect(written(tmp_path, text))
    assert (said.receptive_field, said.layers[0].offset) == (13, -6)
    assert said.holes == ((1, 3, 1), (5, 5, 1), (7, 7, 1), (9, 11, 1))


def test_layers_have_a_text_of_a_hundred_columns_too(tmp_path: Path) -> None:
    text = (
        "layers: [{kernel: 7, stride: 5}, "
        "{parallel: [[{kernel: 3}, {parallel: [[{kernel: 2, dilation: 40}], [{kernel: 9}]]}], [{kernel: 1}]]}, "
        "{kernel: 2, dilation: 100}]"
    )
    lines = report.inspect(written(tmp_path, text, "spatial-pyramid.yaml")).to_text(layers=True).splitlines()
    assert lines[0].startswith("spatial-pyramid:")
    assert max(map(len, lines)) <= 100
    labels = [line.split()[0] for line in lines[lines.index("") :] if line[:1].isdigit()]
    assert labels == ["1", "1", "2.1.1", "2.1.2.1.1", "2.1.2.2.1", "2.1.2", "2.2.1", "2", "3"]
    assert not [line for line in lines if "Hz" in line or "parameters" in line]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layers: []", "layers is []"),
        ("layers:", "layers is None"),
        ("layers: 3", "layers is 3"),
        ("layers: {kernel: 3}", "layers is {"),
        ("layers: [3]", "layers[0] is 3"),
        ("layers: [{kernel: 3}, [{kernel: 3}]]", "layers[1] is ["),
        ("layers: [{}]", "layers[0] has no kernel"),
        ("layers: [{kernel: 0}]", "layers[0].kernel is 0"),
        ("layers: [{kernel: 2.0}]", "layers[0].kernel is 2.0"),
        ("layers: [{kernel: true}]", "layers[0].kernel is True"),
        ("layers: [{kernel: 3, stride: 0}]", "layers[0].stride is 0"),
        ("layers: [{kernel: 3, dilation: -1}]", "layers[0].dilation is -1"),
        ("layers: [{kernel: 3, dilation: 1000001}]", "layers[0].dilation is 1000001"),
        ("layers: [{kernel: 3, dilatoin: 2}]", "unknown key layers[0].dilatoin (did you mean 'dilation'?)"),
        ("layers: [{kernel: 3}]\ndim: 2", "unknown key dim (did you mean 'dims'?)"),
        ("layers: [{kernel: 3}]\ndims: 3", "dims is 3"),
        ("layers: [{kernel: 3}]\ndims: true", "dims is True"),
        ("layers: [{kernel: 3}]\ndims: [1]", "dims is [1]"),
        ("layers: [{parallel: []}]", "layers[0].parallel"),
        ("layers: [{parallel: 3}]", "layers[0].parallel"),
        ("layers: [{parallel: [[]]}]", "layers[0].parallel[0] is []"),
        ("layers: [{parallel: [{kernel: 3}]}]", "layers[0].parallel[0] is {"),
        ("layers: [{parallel: [[{kernel: 1}], [{kernel: 0}]]}]", "layers[0].parallel[1][0].kernel is 0"),
        ("layers: [{parallel: [[{kernel: 3}]], kernel: 3}]", "layers[0].parallel stands alone"),
        ("layers: [{parallel: [[{kernel: 3, stride: 2}], [{kernel: 3}]]}]", "make their strides equal"),
        ("layers: [{kernel: 3}]\nlayers: [{kernel: 2}]", "stands twice"),
        ("layers: [{kernel: 60, dilation: 900000}]", "what is seen passes 50,000,000 samples"),
        ("layers: &again [{parallel: [*again]}]", "layers"),
    ],
)
def test_each_wrong_layer_is_one_line_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        report.inspect(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "layers: [{kernel: 1000000, dilation: 1000000}]",
        "layers: [" + "{kernel: 2, stride: 1000000}, " * 4 + "]",
        "layers: [{parallel: [[" + "{kernel: 2, stride: 1000000}, " * 4 + "]]}]",
    ],
    ids=["taps", "strides", "branches"],
)
def test_huge_layers_are_refused_before_they_cost_anything(tmp_path: Path, text: str) -> None:
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700 << 20,) * 2)\n"
        "from wavenet import errors, report\n"
        "try:\n"
        "    report.inspect(sys.argv[1])\n"
        "except errors.RecipeError as error:\n"
        "    print('refused:', error)\n"
    )
    command = [sys.executable, "-c", script, str(written(tmp_path, text))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=5)
    assert done.stdout.startswith("refused:"), done.stderr[-300:]


def test_a_wrong_recipe_is_an_input_error_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown key layer\b"):
        report.inspect(written(tmp_path, "layer: [{kernel: 3}]"))
