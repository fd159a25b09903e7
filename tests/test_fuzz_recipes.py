"""Held: thousands of mutated recipes, overrides, runs, bundles and lists of layers load or are refused in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def complaints(first: int, last: int, share: int) -> list[str]:
    """Return what is wrong with a range of cases, judged by a process with little memory."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(HERE / "fuzzing.py"), str(first), str(last), str(share)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert lines and lines[-1] == f"judged {last - first}", (done.returncode, lines[-1:], done.stderr[-500:])
    return lines[:-1]


def test_a_hundred_mutants_are_valid_or_one_line() -> None:
    assert complaints(0, 100, 5) == []


@pytest.mark.campaign
@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_mutants_are_valid_or_one_line(part: int) -> None:
    assert complaints(1000 * part, 1000 * (part + 1), 5) == []


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    import fuzzing

    names = ("some.yaml",)
    assert "ValueError" in (fuzzing.judge_error(ValueError("some.yaml"), names) or "")
    from wavenet.errors import RecipeError, WavenetError

    assert "WavenetError" in (fuzzing.judge_error(WavenetError("some.yaml"), names) or "")
    assert "2 lines" in (fuzzing.judge_error(RecipeError("some.yaml\nx"), names) or "")
    assert "neither" in (fuzzing.judge_error(RecipeError("x"), names) or "")
    assert fuzzing.judge_error(RecipeError("some.yaml is wrong"), names) is None
    assert fuzzing.judge_command(["inspect", str(tmp_path / "nothing.yaml")]) is None
    with pytest.raises(fuzzing.Hang), fuzzing.watched(0.05):
        while True:
            pass
