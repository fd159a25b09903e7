"""Held: every example that documents the arithmetic and the lists of layers runs and says what it shows."""

from __future__ import annotations

import doctest
import textwrap
from pathlib import Path

from wavenet import geometry
from wavenet.cli.examples import EPILOGS
from wavenet.inspection.text import inspect


def test_the_examples_of_geometry_run() -> None:
    done = doctest.testmod(geometry)
    assert done.failed == 0 and done.attempted >= 12


def test_the_documented_list_of_layers_can_be_inspected(tmp_path: Path) -> None:
    lines = EPILOGS["inspect"].splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip().startswith("dims: 2"))
    path = tmp_path / "layers.yaml"
    path.write_text(textwrap.dedent("\n".join(lines[first:])), encoding="utf-8")
    said = inspect(path)
    assert said.whole_input and said.design.dims == 2
    assert said.design.sample_rate == 16_000 and said.design.padding == "same"
    assert said.receptive_field > 7
