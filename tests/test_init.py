"""Importing the package costs nothing; its names load what they need."""

from __future__ import annotations

import subprocess
import sys

import pytest

import wavenet


def test_importing_imports_neither_torch_nor_numpy() -> None:
    code = "import sys, wavenet; print([name for name in ('torch', 'numpy', 'yaml') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    assert all(callable(getattr(wavenet, name)) for name in wavenet.__all__ if not name.startswith("_"))
    assert set(wavenet.__all__) <= set(dir(wavenet))
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = wavenet.nothing_of_the_kind
