"""Pictures are drawn here."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def blank_pictures() -> None:
    """Leave `wavenet.pictures` as it is."""
