"""Pictures are drawn here."""

from __future__ import annotations

import pytest

from wavenet import pictures
from wavenet.pictures import sounds


@pytest.fixture(autouse=True)
def real_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "spectrogram", sounds.spectrogram)
