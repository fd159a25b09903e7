"""Held: a sheet is whole or absent in each format, for any design, and its caption has the numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from wavenet import geometry, pictures
from wavenet.inspection import report
from wavenet.inspection.measure import Context, Measured
from wavenet.inspection.report import Report
from wavenet.inspection.text import inspect

SAMPLES = Path(__file__).parents[2] / "samples" / "layers"
MEASURED = Measured(
    "noise",
    4_000,
    7,
    tuple(1 / (1 + lag) for lag in range(15)),
    {50: 1, 90: 3, 99: 9},
    20,
    tuple(Context(n, bits, 0.1, 0.5, 0.1, 20) for n, bits in ((0, 4.0), (1, 3.0), (15, 2.5))),
)


def of_schedule(dilations: object, kernel: int = 2) -> Report:
    return report.of_recipe(toys.recipe(model={"dilations": dilations, "kernel_size": kernel}))


def drawn(folder: Path, said: Report | str, measured: Measured | None = None) -> str:
    """Return the words of a sheet of a report or of a LAYERS.yaml, which is composed but not painted."""
    if isinstance(said, str):
        (folder / "list.yaml").write_text(said)
        said = inspect(folder / "list.yaml")
    words: list[str] = []

    def collect(figure: Figure, *_: object, **__: object) -> None:
        words.extend(text.get_text() for text in figure.findobj(Text))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", collect)
        pictures.sheet_picture(folder / "a.svg", said, measured)
    return re.sub(r"\s+", " ", " ".join(words))


@pytest.mark.parametrize(
    ("suffix", "begins", "sample"),
    [(".png", b"\x89PNG", None), (".pdf", b"%PDF", "gridded-25-of-81"), (".svg", b"<?xml", "pyramid")],
)
def test_each_format_is_written_whole(tmp_path: Path, suffix: str, begins: bytes, sample: str | None) -> None:
    said = inspect(SAMPLES / f"{sample}.yaml") if sample else of_schedule([[1, 2], [1, 2]])  # squares, hatches, curves
    pictures.sheet_picture(tmp_path / f"a{suffix}", said, None if sample else MEASURED)
    assert (tmp_path / f"a{suffix}").read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("name", ["pyramid", "resnet50", "gridded", "growth-3-7-15-31", "wavenet-1024"])
def test_samples_are_drawn(tmp_path: Path, name: str) -> None:
    said = inspect(SAMPLES / f"{name}.yaml")
    words = drawn(tmp_path, said)
    assert f"{name} sees" in words
    assert f"Coverage {said.coverage:.1%}" in words
    assert ("Hatched" in words) == said.whole_input
    assert ("To fix it: " in words) == bool(said.fixes())


def test_a_sheet_says_what_it_shows(tmp_path: Path) -> None:
    said = of_schedule([[1, 2, 5], [1, 2, 5], [3, 9]])
    words = drawn(tmp_path, said)
    for text in ("stacks 1, 2: the inputs", "stack 3: the inputs", "all layers", "88.9%", "ms", "(exact)"):
        assert text in words
    assert f"{said.parameters:,} parameters" in words
    assert "effective field" not in words and "thinned" not in words
    words = drawn(tmp_path, said, MEASURED)
    for text in ("effective field", "the gain from context", "2.500", "99%", "Measured on noise"):
        assert text in words


MEL = {"bands": 5, "fft_samples": 64, "window_samples": 50, "low_hz": 0.0, "high_hz": 2_000.0, "power": 1} | {
    **{"scale": "htk", "norm": "none", "floor": 1e-5}
}


def test_what_a_network_is_told_is_drawn_frame_by_frame(tmp_path: Path) -> None:
    plain = [{"kernel": 3, "dilation": 1}, {"kernel": 5, "dilation": 2}]
    told = {"channels": 5, "tracks": {"clock": {"knots": 2}, "mel": MEL}, "hop_samples": 20, "encoder": plain}
    words = drawn(tmp_path, report.of_recipe(toys.recipe(condition=told)), MEASURED)
    assert "what it is told: the frames behind one output" in words and "frames from its own" in words
    assert (
        "What it is told: 6 frames back and 6 ahead, 29.9 ms either way of a sample, which is sound up to 144" in words
    )
    assert "acoustic network" not in words and "K 5, d 2" in words and "effective field" in words
    acoustic = {"channels": 4, "encoder": [{"kernel": 3, "dilation": 7}]}
    words = drawn(tmp_path, report.of_recipe(toys.recipe(condition={**told, "acoustic": acoustic})))
    assert "acoustic network: the frames behind one output" in words and "K 3, d 7" in words


def test_a_pooled_encoder_is_hatched_and_an_encoder_without_layers_is_not_drawn(tmp_path: Path) -> None:
    pooled = {"channels": 5, "tracks": {"array": 2}, "hop_samples": 20, "encoder": {"pyramid": [2], "pooled": True}}
    words = drawn(tmp_path, report.of_recipe(toys.recipe(condition=pooled)))
    assert "Hatched" in words and "cannot be streamed: the pooled branch sees the whole sound." in words
    for told in ({"tracks": {"array": 2}, "hop_samples": 20}, {"fields": {"speaker": 2}}):
        words = drawn(tmp_path, report.of_recipe(toys.recipe(condition={"channels": 5, **told})))
        assert "what it is told: the" not in words and ("What it is told" in words) == ("tracks" in told)


def test_places_are_counted_from_the_newest_input_or_the_output(tmp_path: Path) -> None:
    words = drawn(tmp_path, "padding: same\nlayers: [{kernel: 3, dilation: 2}]")
    assert "samples from the output" in words and "lags back from the rightmost input missed: 1, 3" in words
    assert "samples from the output" in drawn(tmp_path, "layers: [{kernel: 3}, {kernel: 3, padding: 1}]")
    assert "samples from the newest input" in drawn(tmp_path, of_schedule([1, 2]))


def test_stacks_that_are_alike_are_drawn_once_and_many_are_counted(tmp_path: Path) -> None:
    assert "stacks 1-5: the" in drawn(tmp_path, of_schedule([[1, 2]] * 5))
    words = drawn(tmp_path, of_schedule([[1], [2], [3], [4], [5]]))
    assert "stack 3: the" in words and "stack 4: the" not in words
    assert "2 more stacks of other dilations not drawn" in words


def test_large_trees_are_thinned_and_say_so(tmp_path: Path) -> None:
    words = drawn(tmp_path, of_schedule({"pattern": "exponential", "layers": 12}))
    assert re.search(r"their densest layers show one node in (1[6-9]|2[0-9])", words)


def test_counts_that_are_too_long_are_said_to_be_floating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = of_schedule([[1, 2, 4]])
    floating = geometry.count_paths(said.design.parts, "causal", exact_bits=0)
    monkeypatch.setattr(Report, "paths", lambda self: floating)
    assert "(in floating point)" in drawn(tmp_path, said)


@settings(max_examples=2)
@given(st.lists(st.lists(st.integers(1, 2_000), min_size=1, max_size=4), min_size=1, max_size=3), st.integers(1, 4))
def test_any_schedule_can_be_drawn(
    tmp_path_factory: pytest.TempPathFactory, stacks: list[list[int]], kernel: int
) -> None:
    path = tmp_path_factory.mktemp("sheet") / "a.png"
    pictures.sheet_picture(path, of_schedule(stacks, kernel))
    assert path.stat().st_size > 10_000


def test_the_square_is_drawn_of_two_axes_and_counted_in_the_caption(tmp_path: Path) -> None:
    words = drawn(tmp_path, inspect(SAMPLES / "gridded-25-of-81.yaml"))
    assert "Both axes together: 25 of 81 positions, 30.9%." in words
    assert "layer 1: 9 of 25 (36.0%)" in words and "all layers: 25 of 81 (30.9%)" in words
    assert "pixels from the output, the ring" in words
    words = drawn(tmp_path, "layers: [{kernel: 3, dilation: 2}]")
    assert "Both axes" not in words and "the ring" not in words


def test_a_square_of_too_many_ways_is_not_drawn(tmp_path: Path) -> None:
    parts = ", ".join(
        f"{{parallel: [{', '.join(f'[{{kernel: 3, dilation: {7**i + j}}}]' for j in range(1, 5))}]}}" for i in range(5)
    )
    words = drawn(tmp_path, f"dims: 2\nlayers: [{parts}]")
    assert "Both axes together: more ways through the branches than can be counted." in words
    assert "the ring" not in words


def test_a_design_of_global_pooling_alone_can_be_drawn(tmp_path: Path) -> None:
    assert "Hatched" in drawn(tmp_path, "layers: [{pool: global}]")
