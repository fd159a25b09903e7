"""Importing the package costs nothing; its names load what they need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import wavenet
from wavenet import cli


def test_importing_imports_neither_torch_nor_numpy() -> None:
    code = "import sys, wavenet; print([name for name in ('torch', 'numpy', 'yaml') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    assert all(callable(getattr(wavenet, name)) for name in wavenet.__all__ if not name.startswith("_"))
    assert set(wavenet.__all__) <= set(dir(wavenet))
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = wavenet.nothing_of_the_kind


def test_what_is_returned_prints_as_on_the_command_line(sound_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", "digits"]) == 0
    assert capsys.readouterr().out == f"{wavenet.inspect('digits')}\n"
    assert cli.main(["data", "scan", str(sound_folder)]) == 0
    assert capsys.readouterr().out.startswith(f"{wavenet.scan(sound_folder)}\n")


def test_a_report_prints_in_a_fresh_interpreter_without_torch_and_numpy() -> None:
    code = "import sys, wavenet; print(wavenet.inspect('digits')); print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("digits: 10 layers in 1 stack\n") and done.stdout.endswith("\nset()\n"), done
