"""Pictures are drawn here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from wavenet import pictures
from wavenet.pictures import sounds


@pytest.fixture(autouse=True)
def real_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "spectrogram", sounds.spectrogram)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return the figures that would be saved from here on."""
    figures: list[Figure] = []

    def savefig(figure: Figure, path: Path, **how: Any) -> None:
        figures.append(figure)
        path.write_bytes(b"\x89PNG")  # drawing takes a second

    monkeypatch.setattr(Figure, "savefig", savefig)
    return figures
