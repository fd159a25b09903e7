"""Held: recipes, runs, bundles and LAYERS.yaml become designs; what is wrong is one line that names file and layer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import toys
from hypothesis import given
from hypothesis import strategies as st

from wavenet.errors import InputError, RecipeError
from wavenet.geometry import Channels, Layer, Parallel, Part, Whole
from wavenet.inspection import layers, report
from wavenet.inspection.text import describe
from wavenet.recipe import find, read

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "layers").glob("*.yaml"))
HERE = Path("here.yaml")


def written(folder: Path, text: str, name: str = "layers.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def plain(parts: tuple[Part, ...]) -> list[dict[str, Any]]:
    """Return the plain values that describe some parts, nothing left out."""
    items: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, Layer):
            own = {} if part.padding is None else {"padding": part.padding}
            items.append({"kernel": part.kernel, "stride": part.stride, "dilation": part.dilation, **own})
            if part.channels is not None:
                names = {"in": part.channels.inputs, "out": part.channels.outputs, "groups": part.channels.groups}
                items[-1] |= {**names, "bias": part.channels.bias}
        elif isinstance(part, Whole):
            items.append({"pool": "global"})
        else:
            join = {"join": "add"} if part.added else {}
            items.append({"parallel": [plain(branch) for branch in part.branches], **join})
    return items


# --- what can be looked at -------------------------------------------------------------------------------------------


def test_a_name_a_path_a_run_and_a_bundle_give_the_same_design(tmp_path: Path) -> None:
    recipe = toys.recipe()
    made = layers.of_recipe(recipe)
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    run.mkdir()
    bundle.mkdir()
    path = written(run, read.dump(recipe), "config.yaml")
    tree = {"format": "wavenet-bundle", "version": 1, "recipe": read.to_tree(recipe)}
    written(bundle, json.dumps(tree), "config.json")
    for source in (path, str(path), run, bundle, bundle / "config.json"):
        assert layers.read(source) == made
    assert layers.read("quickstart") == layers.read(find.recipe_folder() / "quickstart.yaml")


def test_a_trained_network_says_which_values_its_fields_have(tmp_path: Path) -> None:
    recipe = toys.recipe(condition={"channels": 8, "fields": {"speaker": 9, "word": 3}})
    run = tmp_path / "run"
    (run / "model").mkdir(parents=True)
    written(run, read.dump(recipe), "config.yaml")
    assert layers.read(run).values == {}
    known = {"speaker": ["ann", "bo\nb"], "word": ["1", "2", "3"]}
    data = {"told": {"fields": known}}
    tree = {"format": "wavenet-bundle", "version": 1, "recipe": read.to_tree(recipe), "data": data}
    written(run / "model", json.dumps(tree), "config.json")
    for source in (run, run / "model"):
        assert layers.read(source).values == known
        said = describe(report.of_design(layers.read(source)))
        assert "\nspeaker           ann, bo\\nb\nword              1, 2, 3\n" in said
    written(
        run / "model", json.dumps(tree | {"data": {"told": {"fields": known, "phones": ["sil", "AA"]}}}), "config.json"
    )
    assert layers.read(run).values == {**known, "phones": ["sil", "AA"]}
    for damaged in ([], {"told": 3}, {"told": {"fields": "ann"}}):
        written(run / "model", json.dumps(tree | {"data": damaged}), "config.json")
        assert layers.read(run).values == {}


def test_the_design_of_a_recipe_is_causal_and_has_its_stacks_its_rate_and_its_shape() -> None:
    recipe = toys.recipe(model={"dilations": [[1, 2, 5], [3]], "kernel_size": [2, 3, 4, 5]})
    made = layers.of_recipe(recipe)
    assert (made.name, made.sample_rate, made.padding, made.dims) == ("toy", toys.RATE, "causal", 1)
    assert made.stacks == ((Layer(2, 1, 1), Layer(3, 1, 2), Layer(4, 1, 5)), (Layer(5, 1, 3),))
    assert made.parts == (*made.stacks[0], *made.stacks[1])
    assert made.shape == recipe.shape


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("layers.yaml", "{}", "the key name is missing"),
        ("layers.yaml", "layer: [{kernel: 3}]", "unknown key layer;"),
        ("layers.yaml", "layers: [{kernel: 3}]\nmodel: {}", "unknown key layers;"),  # a recipe with a stray key
        ("config.json", "{}", "not the config.json of a wavenet bundle"),
    ],
)
def test_what_is_neither_a_recipe_nor_layers_is_an_input_error(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    with pytest.raises(RecipeError, match="did you mean 'quickstart'"):
        layers.read("quickstrat")
    with pytest.raises(InputError, match=re.escape(words)):
        layers.read(written(tmp_path, content, name))


# --- LAYERS.yaml -----------------------------------------------------------------------------------------------------


def test_layers_make_one_stack_named_after_their_file(tmp_path: Path) -> None:
    items = "[{kernel: 3}, {kernel: 2, stride: 4, dilation: 5}]"
    stack = (Layer(3, 1, 1), Layer(2, 4, 5))
    path = written(tmp_path, f"layers: {items}", "thing.yaml")
    assert layers.read(path) == layers.Design("thing", None, (stack,), "causal", 1, None)
    path = written(tmp_path, f"sample_rate: 16000\nlayers: {items}", "thing.yaml")
    assert layers.read(path) == layers.Design("thing", 16_000, (stack,), "causal", 1, None)


@pytest.mark.parametrize(
    ("head", "padding"),
    [("", "causal"), ("dims: 1", "causal"), ("dims: 2", "same")]
    + [(f"dims: {dims}\npadding: {padding}", padding) for dims in (1, 2) for padding in ("causal", "same", "valid")],
)
def test_layers_are_causal_along_time_and_same_in_pictures_unless_they_say(
    tmp_path: Path, head: str, padding: str
) -> None:
    made = layers.read(written(tmp_path, f"{head}\nlayers: [{{kernel: 3}}]"))
    assert (made.padding, made.dims) == (padding, 2 if "2" in head else 1)


def nested(depth: int) -> list[dict[str, Any]]:
    return [{"parallel": [nested(depth - 1)]}] if depth else [{"kernel": 2}]


NUMBERS = st.integers(1, 4)
OWN = st.sampled_from(["causal", "same"])
ANY_LAYER = st.fixed_dictionaries(
    {"kernel": NUMBERS, "stride": st.just(1), "dilation": NUMBERS}, optional={"padding": OWN}
)
POOL = st.just({"pool": "global"})
ANY_LAYERS = st.recursive(
    st.lists(ANY_LAYER | POOL, min_size=1, max_size=4),
    lambda inner: st.lists(
        ANY_LAYER
        | st.fixed_dictionaries(
            {"parallel": st.lists(inner, min_size=1, max_size=3)}, optional={"join": st.just("add")}
        ),
        min_size=1,
        max_size=3,
    ),
    max_leaves=8,
)


@given(ANY_LAYERS)
def test_any_layers_are_read_as_they_are_written(items: list[dict[str, Any]]) -> None:
    assert plain(layers.of_layers({"layers": items}, HERE).parts) == items


def test_paddings_channels_and_joins_are_read_and_what_goes_in_is_found(tmp_path: Path) -> None:
    branches = "[[{kernel: 1, out: 9, bias: false}], [{kernel: 3, padding: 1, out: 9}]]"
    first = "{kernel: 7, stride: 2, padding: 0, in: 3, out: 6, groups: 3}"
    text = f"padding: 2\nlayers: [{first}, {{kernel: 2}}, {{parallel: {branches}, join: add}}, {{kernel: 3, out: 1}}]"
    text = text.replace("kernel: 1,", "kernel: 1, padding: 0,")
    made = layers.read(written(tmp_path, text))
    assert made.padding == 2
    assert made.parts == (
        Layer(7, 2, 1, 0, Channels(3, 6, 3)),
        Layer(2),
        Parallel(
            ((Layer(1, 1, 1, 0, Channels(6, 9, 1, False)),), (Layer(3, 1, 1, 1, Channels(6, 9)),)),
            added=True,
        ),
        Layer(3, 1, 1, None, Channels(9, 1)),
    )
    beside = layers.read(written(tmp_path, text.replace("join: add", "join: concatenate")))
    assert beside.parts[3] == Layer(3, 1, 1, None, Channels(18, 1))


def test_anchors_stand_for_what_they_name(tmp_path: Path) -> None:
    short = "layers: [&one {kernel: 3}, *one, {parallel: [&two [*one, {kernel: 2}], *two]}]"
    long = "layers: [{kernel: 3}, {kernel: 3}, {parallel: [[{kernel: 3}, {kernel: 2}], [{kernel: 3}, {kernel: 2}]]}]"
    assert layers.read(written(tmp_path, short)) == layers.read(written(tmp_path, long))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_list_of_layers_among_the_samples_is_read(path: Path) -> None:
    made = layers.read(path)
    assert made.name == path.stem
    assert made.parts == layers.of_layers({"layers": plain(made.parts)}, path).parts


# --- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layers: []", "layers is []"),
        ("layers:", "layers is empty"),
        ("layers: 3", "layers is 3"),
        ("layers: [3]", "layers[0] is 3"),
        ("layers: [{}]", "layers[0] has no kernel"),
        ("layers: [{kernel: 0}]", "layers[0].kernel is 0"),
        ("layers: [{kernel: 2.0}]", "layers[0].kernel is 2.0"),
        ("layers: [{kernel: true}]", "layers[0].kernel is true"),
        ("layers: [{kernel: 3, stride: 0}]", "layers[0].stride is 0"),
        ("layers: [{kernel: 3, dilation: 1000001}]", "layers[0].dilation is 1000001"),
        (f"layers: [{{kernel: 0x{'f' * 5000}}}]", "layers[0].kernel is a whole number of 20000 bits"),
        ("layers: [{kernel: 3, dilatoin: 2}]", "unknown key layers[0].dilatoin (did you mean 'dilation'?)"),
        ('layers: [{kernel: 3, "dilat\\nion": 2}]', "unknown key layers[0].'dilat\\nion' (did you mean 'dilation'?)"),
        ("layers: [{kernel: 3, 7: 2}]", "unknown key layers[0].7; known: kernel"),
        (f"layers: [{{kernel: 3}}]\n? 0x{'f' * 5000}\n: 2", "unknown key a whole number of 20000 bits; known: layers"),
        ("layers: [{kernel: 3}]\ndim: 2", "unknown key dim (did you mean 'dims'?)"),
        ("layers: [{kernel: 3}]\ndims: 3", "dims is 3, expected 1 to 2"),
        ("layers: [{kernel: 3}]\ndims: [1]", "dims is [1]"),
        ("layers: [{kernel: 3}]\npadding: zero", "padding is 'zero', expected causal, same, valid, or a"),
        ("layers: [{kernel: 3}]\npadding: -1", "padding is -1, expected causal"),
        ("layers: [{kernel: 3}]\npadding: false", "padding is false"),
        ("layers: [{kernel: 3}]\npadding: [same]", "padding is ['same']"),
        ("layers: [{kernel: 3, padding: full}]", "layers[0].padding is 'full', expected causal, same, valid"),
        ("layers: [{kernel: 3, in: 3, out: 0}]", "layers[0].out is 0, expected 1 to 1,000,000"),
        ("layers: [{kernel: 3, in: 3, out: 4, bias: 1}]", "layers[0].bias is 1, expected true or false"),
        ("layers: [{kernel: 3, in: 3}]", "layers[0] has in but no out; add out, or remove in for pooling"),
        ("layers: [{kernel: 3, bias: false}]", "layers[0] has bias but no out"),
        ("layers: [{kernel: 3, out: 4}]", "layer 1: it has out but no in, and nothing before it says"),
        ("layers: [{kernel: 3, in: 3, out: 4}, {kernel: 3, in: 5, out: 4}]", "layer 2: it takes 5 channels in, but 4"),
        (
            "layers: [{kernel: 3, in: 4, out: 6, groups: 4}]",
            "layer 1: 4 channels in and 6 out don't both divide into 4",
        ),
        ("layers: [{kernel: 3, join: add}]", "layers[0] has join but no parallel"),
        (
            "layers: [{parallel: [[{kernel: 3}]], join: sum}]",
            "layers[0].join is 'sum', expected one of concatenate, add",
        ),
        ("layers: [{parallel: [[{kernel: 3}]], padding: 1}]", "unknown key layers[0].padding; known: parallel, join"),
        ("padding: 1\nlayers: [{parallel: [[{kernel: 3}], [{kernel: 1}]]}]", "layer 1: its branches give different"),
        ("layers: [{kernel: 3}]\nsample_rate: 0", "sample_rate is 0"),
        ("layers: [{kernel: 3}]\nsample_rate: 768001", "sample_rate is 768001"),
        ("layers: [{kernel: 3}]\nsample_rate: 16e3", "sample_rate is "),
        ("layers: [{pool: max}]", "layers[0] is {'pool': 'max'}, expected {pool: global}"),
        ("layers: [{pool: global, kernel: 3}]", "layers[0] is {"),
        ("layers: [{parallel: 3}]", "layers[0].parallel is 3, expected a list of branches"),
        ("layers: [{parallel: [[]]}]", "layers[0].parallel[0] is []"),
        ("layers: [{parallel: [{kernel: 3}]}]", "layers[0].parallel[0] is {"),
        ("layers: [{parallel: [[{kernel: 1}], [{kernel: 0}]]}]", "layers[0].parallel[1][0].kernel is 0"),
        ("layers: &again [{parallel: [*again]}]", "branches are nested more than 16 deep"),
    ],
    ids=lambda text: text[:60],
)
def test_each_wrong_layer_is_one_line_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        layers.read(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


HUGE, STEPS, HALVES = "{kernel: 60, dilation: 900000}", "[{kernel: 1, stride: 2}]", "[{kernel: 1}]"


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (f"[{{parallel: [{HALVES}, [{{kernel: 1}}, {HUGE}]]}}]", "layer 1.2.2: the receptive field passes"),
        (f"[{{kernel: 1}}, {{parallel: [{STEPS}, {HALVES}]}}]", "layer 2: its branches step by different numbers"),
    ],
)
def test_what_geometry_refuses_names_the_layer_by_its_number(tmp_path: Path, items: str, words: str) -> None:
    path = written(tmp_path, f"layers: {items}")
    with pytest.raises(RecipeError) as caught:
        layers.read(path)
    assert str(caught.value).startswith(f"{path}: {words}")


def test_branches_stand_in_branches_sixteen_deep_and_no_deeper() -> None:
    assert plain(layers.of_layers({"layers": nested(layers.MAX_DEPTH)}, HERE).parts)
    with pytest.raises(RecipeError, match=r"here\.yaml: branches are nested more than 16 deep"):
        layers.of_layers({"layers": nested(layers.MAX_DEPTH + 1)}, HERE)


def test_there_are_ten_thousand_layers_and_no_more() -> None:
    many = [{"kernel": 1}] * (layers.MAX_PARTS - 3)
    made = layers.of_layers({"layers": [{"parallel": [[{"kernel": 1}], [{"kernel": 1}]]}, *many]}, HERE)
    assert len(made.parts) == layers.MAX_PARTS - 2
    with pytest.raises(RecipeError, match=r"here\.yaml: there are more than 10,000 layers"):
        layers.of_layers({"layers": [{"parallel": [[{"kernel": 1}], [{"kernel": 1}]]}, *many, {"kernel": 1}]}, HERE)


def laughs(first: str, opened: str, named: str, closed: str) -> str:
    """Return eleven anchors, each for ten times the one before."""
    rows = [f"&a0 {first}"]
    rows += [f"&a{i} {opened}{', '.join([named % f'*a{i - 1}'] * 10)}{closed}" for i in range(1, 11)]
    return ", ".join(rows)


LAUGHING_BRANCHES = laughs("{kernel: 1}", "{parallel: [", "[%s]", "]}")
LAUGHING_LISTS = laughs("[x]", "[", "%s", "]")


HUGE = {
    "taps": "layers: [{kernel: 1000000, dilation: 1000000}]",
    "strides": "layers: [" + "{kernel: 2, stride: 1000000}, " * 4 + "]",
    "branches": "layers: [{parallel: [[" + "{kernel: 2, stride: 1000000}, " * 4 + "]]}]",
    "laughing branches": f"layers: [{LAUGHING_BRANCHES}]",
    "laughing layer": f"layers: [[{LAUGHING_LISTS}]]",
    "laughing dims": f"layers: [{{kernel: 3}}]\ndims: [{LAUGHING_LISTS}]",
}


def test_huge_layers_are_refused_before_they_cost_anything(tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700 << 20,) * 2)\n"
        "from wavenet import errors\n"
        "from wavenet.inspection.text import inspect\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        inspect(path)\n"
        "    except errors.RecipeError as error:\n"
        "        print('refused:', error)\n"
    )
    for name, text in HUGE.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    paths = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, timeout=60)
    told = done.stdout.splitlines()
    assert len(told) == len(paths) == len(HUGE), done.stderr[-300:]
    assert all(line.startswith(f"refused: {path}") for line, path in zip(told, paths, strict=True)), told
