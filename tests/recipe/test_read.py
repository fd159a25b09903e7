"""Held: a recipe loads strictly or fails in one line that names the key; dumps load back equal; overrides and names."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import feature_toys
import pytest
import toys
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.errors import BundleError, RecipeError
from wavenet.recipe import records
from wavenet.recipe.read import dump, from_tree, load, parse_duration, read_bundle_config, to_tree
from wavenet.recipe.records import Recipe, TrimConfig
from wavenet.recipe.schema import Field, fields_of


def changed(key: str, value: Any) -> dict[str, Any]:
    """Return the small recipe's tree with `value` at a dotted key."""
    tree = toys.tree()
    if key.startswith("condition"):
        tree["condition"] = feature_toys.notes() if ".sine" in key else feature_toys.condition()
    inner = tree
    *sections, last = key.split(".")
    for section in sections:
        inner[section] = inner.get(section) or {}
        inner = inner[section]
    inner[last] = value
    return tree


def refused(tree: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        from_tree(tree, "here.yaml")
    message = str(caught.value)
    assert message.startswith("here.yaml: ")
    assert "\n" not in message
    assert len(message) < 600
    return message


def written(folder: Path, text: str, name: str = "some.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def bundle(**changes: Any) -> dict[str, Any]:
    whole = {"format": "wavenet-bundle", "version": 1, "recipe": to_tree(toys.recipe()), "data": {}}
    return {**whole, **changes}


def plain_text(**sections: dict[str, Any]) -> str:
    return str(yaml.safe_dump(toys.tree(**sections)))


def leaves(record: type = Recipe, prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Yield every key that is no section, dotted."""
    for field in fields_of(record):
        if dataclasses.is_dataclass(field.kind) and field.rule is None:
            yield from leaves(field.kind, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, field


LEAVES = dict(leaves())


def base_for(key: str, value: Any) -> dict[str, Any]:
    tree = changed(key, value)
    if key.startswith("data.trim."):
        tree["data"]["trim"].setdefault("below_db", 40.0)
    if key == "data.level.peak":
        tree["data"]["level"].pop("rms")
    return tree


# --- every key -------------------------------------------------------------------------------------------------------


def test_the_sweep_meets_every_key() -> None:
    assert {"name", "audio.sample_rate", "data.trim.below_db", "model.dilations", "train.ema_decay"} <= LEAVES.keys()
    assert len(LEAVES) >= 40


def wrong_types(key: str) -> list[object]:
    """Return values of types that a key does not take."""
    kind, optional = LEAVES[key].kind, LEAVES[key].optional
    wrong: list[object] = [] if key == "condition.fields" else [{"a": 1}]
    lists = ("model.dilations", "model.kernel_size", "data.labels", "condition.tracks.phones.known")
    wrong += [] if key in lists else [[1]]
    wrong += [] if optional else [None]
    wrong += [] if kind is str else ["word"]
    wrong += [7, 1.5] if kind in (str, bool) else [True]
    return wrong + ([1.5] if kind is int else [])


def test_a_wrong_type_anywhere_names_its_key() -> None:
    for key in LEAVES:
        for value in wrong_types(key):
            message = refused(base_for(key, value))
            assert re.search(rf"\b{re.escape(key)}\b", message), (key, value, message)


def test_a_misspelt_key_is_unknown_and_guessed() -> None:
    for key in LEAVES:
        section, _, last = key.rpartition(".")
        slipped = last + last[-1]
        message = refused(changed(f"{section}.{slipped}" if section else slipped, 1))
        assert f"unknown key {section + '.' if section else ''}{slipped} (did you mean '{last}'?)" in message


@pytest.mark.parametrize("section", ["audio", "data", "output", "model", "train"])
def test_a_missing_section_is_named(section: str) -> None:
    tree = toys.tree()
    del tree[section]
    assert f"the key {section} is missing" in refused(tree)


# --- two keys that contradict each other -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("name", "", "name is ''"),
        ("name", "a/b", "name is 'a/b'"),
        ("name", "..", "name is '..'"),
        ("name", ".hidden", "name is '.hidden'"),
        ("name", "two words", "name is 'two words'"),
        ("name", "line\nbreak", "name is 'line\\nbreak'"),
        ("model.kernel_size", [2, 2, 2], "model.kernel_size lists 3 kernels for 6 layers"),
        ("model.kernel_size", [], "model.kernel_size lists 0 kernels for 6 layers"),
        ("data.level", {"rms": 0.1, "peak": 0.9}, "data.level has both rms and peak"),
        ("data.split", {"valid_percent": 45.0, "test_percent": 45.0}, "data.split leaves less than 20 %"),
        ("model.dilations", [[1, 2, 3, 4, 5, 50_000_000]], "model.dilations give a receptive field of 50,000,016"),
        ("model.dilations", {"pattern": "hdc", "layers": 3, "cycle": 1}, "unknown key model.dilations.cycle"),
        ("model.dilations", [1, 0], "model.dilations[0][1] is 0"),
        ("model.kernel_size", [2, 2, 2, 2, 2, 0], "model.kernel_size[5] is 0"),
        ("model.skip_channels", 65_536, None),
    ],
)
def test_contradictions_are_refused(key: str, value: Any, words: str | None) -> None:
    if words is None:  # large, yet a network that fits
        assert from_tree(changed(key, value), "here.yaml").model.skip_channels == value
    else:
        assert words in refused(changed(key, value))


def test_the_receptive_field_may_reach_its_limit_exactly() -> None:
    tree = toys.tree(model={"dilations": [geometry.MAX_RECEPTIVE_FIELD - 1], "kernel_size": 2})
    assert from_tree(tree, "here.yaml").shape.receptive_field == geometry.MAX_RECEPTIVE_FIELD
    tree["model"]["dilations"] = [[geometry.MAX_RECEPTIVE_FIELD - 1], [1]]
    assert "model.dilations give a receptive field of 50,000,001" in refused(tree)


GREEDY = {
    "wide": {"residual_channels": 65_536, "gate_channels": 65_536},
    "many taps": {"kernel_size": 65_536, "dilations": {"pattern": "exponential", "layers": 26, "cycles": 1000}},
    "many layers": {
        "dilations": {"pattern": "constant", "layers": 10_000, "cycles": 1_000},
        "kernel_size": 1,
        **dict.fromkeys(("residual_channels", "gate_channels", "skip_channels", "head_channels"), 1),
    },
}


def test_huge_dimensions_are_refused_before_they_cost_anything(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.yaml" for name in GREEDY]
    for path, model in zip(paths, GREEDY.values(), strict=True):
        path.write_text(plain_text(model=model))
    script = (
        "import resource, sys, pathlib\n"
        "resource.setrlimit(resource.RLIMIT_AS, (700 << 20,) * 2)\n"
        "from wavenet import errors\n"
        "from wavenet.recipe import read\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        read.load(pathlib.Path(path))\n"
        "    except errors.RecipeError as error:\n"
        "        print('refused:', error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *paths], capture_output=True, text=True, timeout=30)
    told = done.stdout.splitlines()
    assert len(told) == len(paths) == 3, done.stderr[-300:]
    assert all(re.match(r"refused: .*(model\.\w+|the model has)", line) for line in told), told


# --- YAML ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "layers: [3]", "- a", "words", "3", "a: [1, 2", "? [1, 2]\n: 3", "name: &a *b", "a: 1\n---\nb: 2"],
    ids=repr,
)
def test_what_is_no_recipe_is_refused_with_its_path(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


# --- overrides -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("train.steps=80", lambda recipe: recipe.train.steps == 80),
        ("name=other", lambda recipe: recipe.name == "other"),
        ("model.dilations={pattern: exponential, layers: 10, cycles: 2}", lambda r: r.model.kernels == (2,) * 20),
        ("model.dilations=[[1, 2], [3]]", lambda recipe: recipe.model.dilations == ((1, 2), (3,))),
        ("data.trim.below_db=40", lambda recipe: recipe.data.trim == TrimConfig(40.0)),
        ("data.level={peak: 0.9}", lambda recipe: (recipe.data.level.rms, recipe.data.level.peak) == (None, 0.9)),
        ("data.level.rms=null", lambda recipe: recipe.data.level.rms is None),
        ("data.licence=a=b", lambda recipe: recipe.data.licence == "a=b"),
        ("train.learning_rate=1e-4", lambda recipe: recipe.train.learning_rate == 1e-4),
        ("model.bias=false", lambda recipe: recipe.model.bias is False),
    ],
)
def test_an_override_sets_its_key_and_no_other(tmp_path: Path, override: str, read: Any) -> None:
    path = written(tmp_path, plain_text())
    before, after = load(path), load(path, [override])
    assert not read(before)
    assert read(after)
    section = ".".join(override.partition("=")[0].split(".")[:2])
    kept, new = (flat(to_tree(recipe)) for recipe in (before, after))
    differing = {key for key in kept.keys() | new.keys() if kept.get(key) != new.get(key)}
    assert differing
    assert all(key == section or key.startswith(f"{section}.") for key in differing)


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {prefix: tree}
    found = {}
    for key, value in tree.items():
        found.update(flat(value, f"{prefix}.{key}" if prefix else key))
    return found


def test_later_overrides_win(tmp_path: Path) -> None:
    path = written(tmp_path, plain_text())
    recipe = load(path, ["train.steps=5", "train.seed=3", "train.steps=6"])
    assert (recipe.train.steps, recipe.train.seed) == (6, 3)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("", "--set got ''"),
        ("train.steps", "--set got 'train.steps', expected KEY=VALUE"),
        ("=5", "--set got '=5'"),
        ("train.stepps=5", "unknown key train.stepps (did you mean 'steps'?)"),
        ("trian.steps=5", "unknown key trian (did you mean 'train'?)"),
        ("train.steps=many", "train.steps is 'many'"),
        ("train.steps=", "train.steps is empty"),
        ("train.steps.more=5", "train.steps is {'more': 5}"),
        ("train=5", "train is 5, expected a mapping"),
        ("train..steps=5", "unknown key train.''"),
        ("train.steps=[1", "--set train.steps: the value cannot be read"),
        ("train.steps=0x" + "f" * 5_000, "train.steps"),
        ("train.steps=!!bool maybe", "train.steps"),
        ("data.level.peak=0.5", "data.level has both rms and peak"),
        ("data.path=~no-such-user-here/sound", "data.path"),
        ('data.path="nul\\0byte"', "data.path"),
        ("a." * 5_000 + "a=1", "unknown key a;"),
        ("train.steps" + ".a" * 5_000 + "=1", "train.steps is {'a': {'a'"),
        ("x" * 9_999, "--set got 'xxxx"),
        ("x" * 9_999 + "=1", "unknown key xxxx"),
        ("data.licence=" + "x" * 2_000_000, "expected at most 1,048,576"),
        ("? 0x" + "f" * 5_000 + "=1", "unknown key"),
        ("train={? 0x" + "f" * 5_000 + ": 1}", "unknown key train.a whole number of 20000 bits"),
    ],
    ids=lambda text: text[:24],
)
def test_a_wrong_override_is_one_line_that_names_the_key(tmp_path: Path, override: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(written(tmp_path, plain_text()), [override])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# --- dump ------------------------------------------------------------------------------------------------------------


def floats(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high) | st.sampled_from([low, high])


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(["1e3", "null", "yes", "0x1f"])
STACKS = st.lists(st.lists(st.integers(1, 1000), min_size=1, max_size=3), min_size=1, max_size=3)
PATTERNS = st.fixed_dictionaries(
    {"pattern": st.sampled_from(["exponential", "hdc", "constant"]), "layers": st.integers(1, 9)},
    optional={"cycles": st.integers(1, 3)},
)


LAYERS = st.lists(
    st.fixed_dictionaries({"kernel": st.sampled_from([1, 3, 255])}, optional={"dilation": st.integers(1, 9)}),
    max_size=3,
)
PYRAMIDS = st.fixed_dictionaries({"pyramid": st.lists(st.integers(1, 9), min_size=1, max_size=3)})
FIELDS = st.dictionaries(st.sampled_from(["speaker", "label", "f0_hz", "velocity-layer"]), st.integers(1, 99))


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    told = feature_toys.condition()
    told["encoder"] = draw(LAYERS | PYRAMIDS)
    told["acoustic"]["encoder"] = draw(LAYERS | PYRAMIDS | PYRAMIDS.map(lambda wide: {**wide, "pooled": True}))
    pairs = draw(FIELDS)
    told["columns"] = {name: "other" for name in pairs if draw(st.booleans())}
    told["fields"] = draw(st.sampled_from([pairs, [list(pair) for pair in pairs.items()]]))
    told["upsample"], told["unknown"] = draw(st.sampled_from(["repeat", "linear"])), draw(floats(0.0, 0.9))
    told["durations"]["encoder"] = draw(LAYERS | PYRAMIDS.map(lambda wide: {**wide, "pooled": True}))
    for name in ("acoustic", "durations", "upsample", "unknown", "fields"):
        if draw(st.booleans()):
            del told[name]
    if "fields" not in told:
        del told["columns"]
    if draw(st.booleans()):
        told["tracks"] = {name: told["tracks"][name] for name in ("clock", "mel")}
        told.pop("durations", None)
    if draw(st.booleans()):
        told = {"channels": 3, "fields": {"speaker": 1, **dict(pairs)}}
    return told


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Any]:
    schedule = draw(STACKS | PATTERNS | STACKS.map(lambda stacks: stacks[0]))
    level = draw(st.sampled_from(["rms", "peak", None]))
    tree = toys.tree(
        data={
            "segment_samples": draw(st.integers(1, 10_000_000)),
            "source": draw(st.sampled_from(["auto", *records.LAYOUTS])),
            "labels": draw(st.none() | st.lists(WORDS, min_size=1, max_size=3)),
            "microphone": draw(st.sampled_from([None, "mic1", "mic2"])),
            "licence": draw(WORDS),
            "level": {} if level is None else {level: draw(floats(0.01, 1.0))},
            "trim": draw(st.none() | st.fixed_dictionaries({"below_db": floats(1.0, 120.0)})),
            "tail_seconds": draw(floats(0.0, 60.0)),
            "split": {"by": draw(st.sampled_from(["auto", "speaker"])), "valid_percent": draw(floats(0.1, 30.0))},
        },
        model={
            "input": draw(st.sampled_from(["embedding", "scalar"])),
            "kernel_size": draw(st.integers(1, 9)),
            "dilations": schedule,
            "residual_channels": draw(st.integers(1, 64)),
            "bias": draw(st.booleans()),
            "dropout": draw(floats(0.0, 0.95)),
        },
        train={
            "batch_size": draw(st.integers(1, 100)),
            "steps": draw(st.integers(1, 10**9)),
            "learning_rate": draw(floats(1e-8, 1.0)),
            "ema_decay": draw(floats(0.0, 0.999_999)),
            "seed": draw(st.integers(0, 2**63 - 1)),
        },
    )
    if draw(st.booleans()):
        tree["condition"] = draw(conditions())
        tree["data"] |= {"trim": None} if "array" in tree["condition"].get("tracks", {}) else {}
    tree["name"] = draw(st.from_regex(r"[A-Za-z0-9_\-][A-Za-z0-9_\-.]{0,12}", fullmatch=True) | st.just("été"))
    return tree


@settings(deadline=None, max_examples=40)
@given(trees())
def test_a_dump_loads_back_equal(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]) -> None:
    recipe = from_tree(tree, "here.yaml")
    folder = tmp_path_factory.getbasetemp()
    text = dump(recipe)
    assert load(written(folder, text, "dumped.yaml")) == recipe
    assert set(flat(yaml.safe_load(text))) >= {key for key in LEAVES if not re.match(r"data\.trim|condition", key)}
    assert from_tree(json.loads(json.dumps(to_tree(recipe))), "bundle") == recipe


def test_a_dump_has_every_key_of_a_condition_as_it_was_written() -> None:
    told = yaml.safe_load(dump(from_tree(toys.tree() | {"condition": feature_toys.condition()}, "x")))["condition"]
    assert told == feature_toys.condition()
    wide = feature_toys.condition() | {"encoder": {"pyramid": [1, 4], "pooled": True}, "acoustic": None}
    assert yaml.safe_load(dump(from_tree(toys.tree() | {"condition": wide}, "x")))["condition"] == wide


def test_a_dump_of_a_path_is_read_back_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    recipe = load(written(tmp_path / "deep", plain_text(data={"path": "../sound"})))
    assert recipe.data.path == str(tmp_path / "sound")
    (tmp_path / "elsewhere").mkdir()
    assert load(written(tmp_path / "elsewhere", dump(recipe))) == recipe


def test_a_path_on_the_command_line_lies_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("recipes", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = written(tmp_path / "recipes", plain_text(data={"path": "own"}))
    assert load(path).data.path == load(path, ["train.steps=5"]).data.path == str(path.parent / "own")
    for override in ("data.path=mine", "data={path: mine, segment_samples: 200}"):
        assert load(path, ["data.licence=x", override]).data.path == str(tmp_path / "here" / "mine")
    assert load(path, ["data.path=/elsewhere/mine"]).data.path == "/elsewhere/mine"
    assert load(path, ["data.path=mine", "data={segment_samples: 200}"]).data.path is None


def test_home_in_a_path_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    recipe = load(written(tmp_path, plain_text(data={"path": "~/sound"})))
    assert recipe.data.path == str(tmp_path / "me" / "sound")


def test_the_shape_follows_the_input() -> None:
    embedded, scalar = (toys.recipe(model={"input": name}).shape for name in ("embedding", "scalar"))
    assert (embedded.inputs, embedded.outputs, embedded.embedding) == (17, 16, True)  # one row more: start
    assert (scalar.inputs, scalar.outputs, scalar.embedding) == (1, 16, False)
    assert (embedded.residual, embedded.gate, embedded.skip, embedded.head, embedded.bias) == (6, 5, 24, 20, True)
    assert toys.recipe(model={"kernel_size": [1, 2, 3, 4, 5, 6]}).shape.kernels == (1, 2, 3, 4, 5, 6)
    assert embedded.receptive_field == 1 + 2 * (1 + 2 + 4)


# --- durations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("0", 0),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h30m15s", 5415),
        ("1h15s", 3615),
        ("0.5h", 1800),
        ("1.5", 1.5),
        (" 30m ", 1800),
        ("500ms", 0.5),
        ("1m1s5500ms", 66.5),
    ],
)
def test_durations_are_what_people_write(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "m",
        "h",
        "s",
        "-5",
        "5x",
        "1m2h",
        "30 m",
        "1e3",
        ".5",
        "5.",
        "inf",
        "nan",
        "30min",
        "1:30",
        "5ss",
        "ms",
        "1ms1s",
    ],
)
def test_other_durations_are_refused_by_their_text(text: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(repr(text))):
        parse_duration(text)


# --- a bundle's config -----------------------------------------------------------------------------------------------


def test_a_bundles_config_holds_a_recipe(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(bundle()), "config.json")
    assert load(path) == toys.recipe()
    assert load(path, ["train.steps=3"]).train.steps == 3
    assert read_bundle_config(path)["data"] == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read as JSON"),
        ("3", "is not the config.json of a wavenet bundle"),
        ("{}", "is not the config.json of a wavenet bundle"),
        (json.dumps(bundle(format="other")), "is not the config.json of a wavenet bundle"),
        (json.dumps(bundle(version=None)), "has the format version empty, expected 1; upgrade wavenet-audio, or get"),
        (json.dumps(bundle(version=True)), "has the format version true"),
        (json.dumps(bundle(version="1")), "has the format version '1'"),
        (json.dumps(bundle(version=1.0)), "has the format version 1.0"),
        (json.dumps(bundle(version=2)), "has the format version 2"),
        (json.dumps(bundle(recipe=None)), "holds no recipe"),
        (json.dumps(bundle(recipe=[1])), "holds no recipe"),
    ],
    ids=lambda text: text[:20],
)
def test_a_bundles_config_that_is_none_is_a_bundle_error(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text, "config.json")
    for read in (read_bundle_config, load):
        with pytest.raises(BundleError) as caught:
            read(path)
        assert words in str(caught.value)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_recipe_in_a_bundle_is_checked_as_strictly(tmp_path: Path) -> None:
    tree = to_tree(toys.recipe())
    tree["train"]["learning_rate"] = float("nan")  # JSON as Python reads it has nan
    path = written(tmp_path, json.dumps(bundle(recipe=tree)), "config.json")
    with pytest.raises(RecipeError, match=r"train\.learning_rate is nan"):
        load(path)


def test_a_name_fits_into_the_names_of_files() -> None:
    assert from_tree(toys.tree() | {"name": "n" * 200}, "x").name == "n" * 200
    for name in ("n" * 201, "é" * 101):
        with pytest.raises(RecipeError, match="at most 200 bytes") as caught:
            from_tree(toys.tree() | {"name": name}, "x")
        assert len(str(caught.value)) < 200
