"""Held: every proposal covers its span without a hole, costs what a report of it says, and is a recipe as printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.errors import InputError, RecipeError
from wavenet.inspection.report import of_recipe
from wavenet.inspection.span import SHOWN, ask, parse_span, snippet
from wavenet.recipe import find, read


@pytest.mark.parametrize(
    ("text", "rate", "samples"),
    [
        ("250ms", 16_000, 4_000),
        ("1.5s", 8_000, 12_000),
        ("0.5 ms", 44_100, 22),
        ("4000", None, 4_000),
        ("4000", 8_000, 4_000),
        (" 2s ", 22_050, 44_100),
        ("1m1s500ms", 16, 984),
    ],
)
def test_a_span_is_a_time_or_samples(text: str, rate: int | None, samples: int) -> None:
    assert parse_span(text, rate) == samples


@pytest.mark.parametrize("text", ["", "ms", "1.5", "-3ms", "250 m", "1e3", "3min", "1" * 30, "nan", "٣ms x"])
def test_what_is_no_span_is_one_line(text: str) -> None:
    with pytest.raises(InputError, match="expected a span such as 250ms"):
        parse_span(text, 16_000)


def test_a_time_needs_a_rate() -> None:
    with pytest.raises(InputError, match="--rate 16000"):
        ask("250ms")
    assert ask("250ms", "digits").span == 2_000
    assert ask("250ms", "digits", rate=16_000).span == 4_000


@settings(max_examples=6)
@example(300_000, 2)
@given(st.integers(2, 300_000), st.integers(2, 6))
def test_each_snippet_is_a_recipe_that_sees_the_span_whole(samples: int, kernel: int) -> None:
    answer = ask(str(samples), "digits", kernel=kernel)
    base = read.load(find.find_recipe("digits"))
    listed = answer.to_json()["proposals"]
    assert answer.proposals
    for one, said in zip(answer.proposals, listed, strict=True):
        parsed = yaml.safe_load("\n".join(snippet(kernel, one.pattern)))
        assert parsed["model"] == said["model"]
        tree = read.to_tree(base)
        tree["data"]["path"] = None
        tree["model"] |= parsed["model"]
        seen = of_recipe(read.from_tree(tree, "snippet"))
        assert seen.receptive_field == said["receptive_field"] >= samples
        assert seen.coverage == 1.0
        assert (seen.parameters, seen.macs_per_sample) == (said["parameters"], said["macs_per_sample"])
        assert len(seen.layers) == said["layers"]
    macs = [said["macs_per_sample"] for said in listed]
    assert macs == sorted(macs)


@settings(max_examples=30)
@example(50_000_000, 2, None, 1)
@example(50_000_000, 3, None, 1)
@given(st.integers(2, 50_000_000), st.integers(2, 9), st.sampled_from([None, 8_000, 192_000]), st.sampled_from([1, 2]))
def test_any_answer_fits_a_hundred_columns(samples: int, kernel: int, rate: int | None, dims: int) -> None:
    answer = ask(str(samples), None, rate, kernel, dims)
    lines = answer.to_text().splitlines()
    assert max(map(len, lines)) <= 100
    assert bool(answer.proposals) == (dims == 1 and "no WaveNet of kernel" not in lines[-1])
    assert answer.proposals or dims == 2 or samples > 49_000_000
    tree = json.loads(json.dumps(answer.to_json(), allow_nan=False))
    assert [way["name"] for way in tree["ways"]] == ["larger kernel", "plain stack", "dilated stack"]
    assert tree["span"] == samples and (tree["span_ms"] is None) == (rate is None)


def test_channels_rate_and_kernel_are_those_of_the_recipe() -> None:
    answer = ask("100ms", "quickstart")
    recipe = read.load(find.find_recipe("quickstart"))
    assert answer.sample_rate == recipe.audio.sample_rate
    assert answer.kernel == recipe.model.kernel_size
    assert answer.proposals[0].shape.residual == recipe.shape.residual
    assert answer.ways == tuple(geometry.ways(answer.span, answer.kernel, recipe.shape.residual))
    assert ask("100ms", "quickstart", kernel=3).kernel == 3


@pytest.mark.parametrize("budget", ["max_parameters", "max_macs"])
def test_a_budget_leaves_out_what_costs_more(budget: str) -> None:
    everything = ask("4000").proposals
    cost = [one.shape.parameters() if budget == "max_parameters" else one.shape.macs_per_sample() for one in everything]
    for most in (cost[0], sorted(cost)[3]):
        kept = ask("4000", **{budget: most}).proposals
        assert kept == tuple(one for one, price in zip(everything, cost, strict=True) if price <= most)
    with pytest.raises(InputError, match=f"the cheapest has {everything[0].shape.parameters():,} parameters"):
        ask("4000", **{budget: min(cost) - 1})


def test_the_text_shows_the_first_proposals_and_counts_the_rest() -> None:
    answer = ask("250ms", rate=16_000)
    text = answer.to_text()
    assert "to cover n = 4,000 samples, 250.0 ms at 16,000 Hz" in text
    assert "model: {kernel_size: 2, dilations: {pattern: exponential, layers: 12, cycles: 1}}" in text
    assert text.count("model: {") == SHOWN
    assert f"and {len(answer.proposals) - SHOWN} more" in text
    square = ask("63", kernel=3, dims=2).to_text()
    assert "weights grow as n^2" in square and "63 pixels along each of 2 axes" in square


def test_what_is_out_of_range_is_one_line() -> None:
    for samples, kernel, words in (
        ("1", None, "the span is 1, expected 2 to"),
        ("60000000", None, "expected 2 to 50,000,000"),
        ("100", 1, "the kernel is 1"),
    ):
        with pytest.raises(InputError, match=words):
            ask(samples, kernel=kernel)
    with pytest.raises(RecipeError, match="did you mean 'digits'"):
        ask("100", "digit")
    with pytest.raises(RecipeError, match=r"pyramid\.yaml is a list of layers, which only `wavenet inspect` reads"):
        ask("100", str(Path(__file__).parents[2] / "samples" / "layers" / "pyramid.yaml"))
