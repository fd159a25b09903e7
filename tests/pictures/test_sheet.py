"""Held: a sheet is whole or absent in each format, for any design, and its caption tells the numbers."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import pictures
from wavenet.inspection import report
from wavenet.inspection.measure import Context, Measured
from wavenet.inspection.report import Report
from wavenet.inspection.text import inspect

SAMPLES = sorted((Path(__file__).parents[2] / "samples" / "layers").glob("*.yaml"))
MEASURED = Measured(
    "noise",
    4_000,
    7,
    tuple(1 / (1 + lag) for lag in range(15)),
    {50: 1, 90: 3, 99: 9},
    20,
    tuple(Context(n, bits, 0.1, 0.5, 0.1, 20) for n, bits in ((0, 4.0), (1, 3.0), (15, 2.5))),
)


def looked(**model: object) -> Report:
    return report.of_recipe(toys.recipe(model={"kernel_size": 2, **model}))


def drawn(path: Path, said: Report, measured: Measured | None = None) -> str:
    """Return the words of a sheet, written as SVG with its text as text."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none"}):
        pictures.sheet_picture(path, said, measured)
    return re.sub(r"\s+", " ", " ".join(re.findall(r">([^<>]+)</t(?:ext|span)>", path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_each_format_is_written_whole(tmp_path: Path, suffix: str, begins: bytes) -> None:
    pictures.sheet_picture(tmp_path / f"a{suffix}", looked(dilations=[[1, 2, 4], [1, 2, 4]]), MEASURED)
    assert (tmp_path / f"a{suffix}").read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_a_sheet_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        pictures.sheet_picture(tmp_path / "a.png", looked(dilations=[1, 2]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_are_drawn(tmp_path: Path, path: Path) -> None:
    said = inspect(path)
    words = drawn(tmp_path / "a.svg", said)
    assert f"{path.stem} sees" in words
    assert f"Coverage {said.coverage:.1%}" in words
    assert ("Hatched" in words) == said.whole_input
    assert ("To fix it: " in words) == bool(said.mends())


def test_a_sheet_says_what_was_looked_at(tmp_path: Path) -> None:
    said = looked(dilations=[[1, 2, 5], [1, 2, 5], [3, 9]])
    words = drawn(tmp_path / "a.svg", said)
    for text in ("stacks 1, 2: the inputs", "stack 3: the inputs", "all layers", "88.9%", "ms", "(exact)"):
        assert text in words
    assert f"{said.parameters:,} parameters" in words
    assert "effective field" not in words and "thinned" not in words
    words = drawn(tmp_path / "a.svg", said, MEASURED)
    for text in ("effective field", "what context is worth", "2.500", "99%", "Measured on noise"):
        assert text in words


def test_places_are_told_from_what_they_are_counted_from(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("padding: same\nlayers: [{kernel: 3, dilation: 2}]")
    words = drawn(tmp_path / "a.svg", inspect(tmp_path / "list.yaml"))
    assert "samples from the output" in words and "lags back from the rightmost input missed: 1, 3" in words
    assert "samples from the newest input" in drawn(tmp_path / "a.svg", looked(dilations=[1, 2]))


def test_stacks_that_are_alike_are_drawn_once_and_many_are_counted(tmp_path: Path) -> None:
    assert "stacks 1-5: the" in drawn(tmp_path / "a.svg", looked(dilations=[[1, 2]] * 5))
    words = drawn(tmp_path / "a.svg", looked(dilations=[[1], [2], [3], [4], [5]]))
    assert "stack 3: the" in words and "stack 4: the" not in words
    assert "2 more stacks of other dilations not drawn" in words


def test_large_trees_are_thinned_and_say_so(tmp_path: Path) -> None:
    words = drawn(tmp_path / "a.svg", looked(dilations={"pattern": "exponential", "layers": 12}))
    assert re.search(r"thinned, to one node in (1[6-9]|2[0-9]) where", words)


def test_counts_that_are_too_long_are_said_to_be_floating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = looked(dilations=[[1, 2, 4]])
    floating = report.geometry.count_paths(said.design.parts, "causal", exact_bits=0)
    monkeypatch.setattr(Report, "paths", lambda self: floating)
    assert "(in floating point)" in drawn(tmp_path / "a.svg", said)


@settings(max_examples=6)
@given(st.lists(st.lists(st.integers(1, 2_000), min_size=1, max_size=4), min_size=1, max_size=3), st.integers(1, 4))
def test_any_schedule_can_be_drawn(stacks: list[list[int]], kernel: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        pictures.sheet_picture(path, looked(dilations=stacks, kernel_size=kernel))
        assert path.stat().st_size > 10_000


def test_the_square_is_drawn_of_two_axes_and_told_in_the_caption(tmp_path: Path) -> None:
    words = drawn(tmp_path / "a.svg", inspect(SAMPLES[0].with_name("gridded-25-of-81.yaml")))
    assert "Both axes together: 25 of 81 positions, 30.9%." in words
    assert "layer 1: 9 of 25 (36.0%)" in words and "all layers: 25 of 81 (30.9%)" in words
    assert "pixels from the output, the ring" in words
    (tmp_path / "one.yaml").write_text("layers: [{kernel: 3, dilation: 2}]")
    words = drawn(tmp_path / "b.svg", inspect(tmp_path / "one.yaml"))
    assert "Both axes" not in words and "the ring" not in words


def test_a_square_of_too_many_ways_is_told_and_not_drawn(tmp_path: Path) -> None:
    parts = ", ".join(
        f"{{parallel: [{', '.join(f'[{{kernel: 3, dilation: {7**i + j}}}]' for j in range(1, 5))}]}}" for i in range(5)
    )
    (tmp_path / "many.yaml").write_text(f"dims: 2\nlayers: [{parts}]")
    words = drawn(tmp_path / "a.svg", inspect(tmp_path / "many.yaml"))
    assert "Both axes together: more ways through the branches than can be counted." in words
    assert "the ring" not in words


def test_places_are_told_from_the_output_where_a_layer_pads_otherwise(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("layers: [{kernel: 3}, {kernel: 3, padding: 1}]")
    assert "samples from the output" in drawn(tmp_path / "a.svg", inspect(tmp_path / "list.yaml"))


def test_a_design_of_global_pooling_alone_can_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "pooled.yaml").write_text("layers: [{pool: global}]")
    words = drawn(tmp_path / "a.svg", inspect(tmp_path / "pooled.yaml"))
    assert "Hatched" in words
