"""Held: the tree that is drawn ends in exactly the inputs that geometry computes, and thinning keeps its edges."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet.geometry import Layer, Parallel, Part, Whole, lag_list, see
from wavenet.inspection.layers import read
from wavenet.pictures.trees import MAX_ROWS, tree

SAMPLES = Path(__file__).parents[2] / "samples" / "layers"

LAYERS = st.builds(Layer, st.integers(1, 4), st.just(1), st.integers(1, 5))
BRANCHES = st.builds(
    lambda branches: Parallel(tuple(map(tuple, branches))),
    st.lists(st.lists(LAYERS, min_size=1, max_size=2), min_size=1, max_size=3),
)
STRIDED = st.builds(Layer, st.integers(1, 3), st.integers(2, 3), st.integers(1, 2))
PARTS = st.lists(st.one_of(LAYERS, BRANCHES, STRIDED), min_size=1, max_size=5).map(tuple)


def inputs(parts: tuple[Part, ...], padding: str) -> set[int]:
    field = see(parts, None, padding)
    return {field.newest - lag for lag in lag_list(field.lags)}


@settings(max_examples=60)
@given(PARTS, st.sampled_from(["causal", "same", "valid"]))
def test_a_whole_tree_ends_in_what_is_seen(parts: tuple[Part, ...], padding: str) -> None:
    rows = tree(parts, padding, nodes=10**6)
    assert len(rows) == len(parts)
    assert set(rows[-1].below) == inputs(parts, padding)
    above = {0}
    for row in rows:
        assert {a for a, _ in row.edges} == above
        assert {b for _, b in row.edges} == set(row.below)
        assert list(row.below) == sorted(row.below) and row.every == 1
        above = set(row.below)


@settings(max_examples=40)
@given(PARTS, st.integers(2, 12))
def test_a_thinned_tree_is_a_part_of_the_whole_one(parts: tuple[Part, ...], nodes: int) -> None:
    whole, some = tree(parts, "causal", nodes=10**6), tree(parts, "causal", nodes=nodes)
    for full, thin in zip(whole, some, strict=True):
        assert set(thin.edges) <= set(full.edges)
        assert set(thin.below) <= set(full.below)
        assert len(thin.below) <= nodes + 1
        assert thin.every == round(len(full.below) / len(thin.below))
    assert some[-1].below[-1] == 0, "the newest input stays"
    assert some[-1].below[0] == whole[-1].below[0], "and so does the oldest"


def test_many_layers_are_drawn_several_at_a_time() -> None:
    parts = tuple(Layer(2, 1, 1 + i % 7) for i in range(95))
    rows = tree(parts, "causal", nodes=10**6)
    assert len(rows) == MAX_ROWS - 1
    assert [rows[-1].label, rows[0].label] == ["layers 1-5", "layers 91-95"]
    assert set(rows[-1].below) == inputs(parts, "causal")


@pytest.mark.parametrize(
    ("part", "label"),
    [
        (Layer(2, 1, 512), "K 2, d 512"),
        (Layer(7, 2), "K 7, d 1, stride 2"),
        (Parallel(((Layer(1),), (Layer(3, 1, 6), Layer(1)), (Whole(), Layer(1)))), "d (1 | 6 1 | global 1)"),
        (Parallel(((Layer(3, 1, 100_000),),) * 7), "7 branches"),
        (Whole(), "global"),
    ],
)
def test_a_row_is_labelled_with_what_it_is(part: Part, label: str) -> None:
    (row,) = tree((part,), "same")
    assert row.label == label
    assert row.whole == ("global" in label)


def test_global_pooling_alone_has_no_edges() -> None:
    rows = tree((Whole(), Layer(3)), "causal")
    assert rows[0].below == (-2, -1, 0)
    assert rows[1].below == () and rows[1].edges == () and rows[1].whole


@pytest.mark.parametrize("name", ["resnet50", "resnet50-dilated", "pyramid", "gridded", "sawtooth"])
def test_the_samples_are_drawn_from_the_output_down_to_the_input(name: str) -> None:
    design = read(SAMPLES / f"{name}.yaml")
    rows = tree(design.parts, design.padding, nodes=10**6)
    assert set(rows[-1].below) == inputs(design.parts, design.padding)


def test_a_minute_of_sound_costs_little() -> None:
    rows = tree(tuple(Layer(2, 1, 2**i) for i in range(20)), "causal")
    assert max(len(row.below) for row in rows) <= 257
    assert rows[-1].below[0] == -(2**20 - 1)
