"""The picture of speeds is whole or absent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wavenet import pictures
from wavenet.bench.speeds import Speed

ONE = Speed("batch", "cpu", "float16", 1, 1, 64, 256, 20, 2e4, 1.9e4, 2.2e4, 2.5, 50.0, 35.0, 35.0, 0.4, 0.6, 4_000_000)


@pytest.mark.parametrize("sized", [False, True])
def test_a_picture_of_speeds(tmp_path: Path, sized: bool) -> None:
    batches = [replace(ONE, batch=batch, samples_per_second=20_000.0 + 1_000 * batch) for batch in (1, 8)]
    sizes = [replace(ONE, batch=batch, residual=R) for R in (32, 64) for batch in (1, 8)] if sized else []
    pictures.speed_picture(tmp_path / "a.png", batches, sizes, "speeds")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
