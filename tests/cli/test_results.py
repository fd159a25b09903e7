"""Results go to stdout, and files that cannot be written are refused before the work for them is done."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from wavenet.cli import results
from wavenet.errors import InputError


class Made:
    def to_json(self) -> dict[str, float]:
        return {"bits": float("nan")}

    def to_text(self) -> str:
        return "some bits"


def test_results_are_text_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    results.show("one", end="|")
    results.show_made(argparse.Namespace(json=False), Made())
    results.show_made(argparse.Namespace(json=True), Made())
    assert capsys.readouterr().out == 'one|some bits\n{\n "bits": null\n}\n'


def test_a_file_is_refused_by_name_suffix_and_what_is_there(tmp_path: Path) -> None:
    there = tmp_path / "a.png"
    there.write_text("a picture")
    asked = argparse.Namespace(plot=str(there), force=False)
    with pytest.raises(InputError, match=r"a.png exists; name another file with --plot or overwrite it with --force"):
        results.picture_of(asked)
    assert results.picture_of(argparse.Namespace(plot=str(there), force=True)) == there
    assert results.picture_of(argparse.Namespace(plot=None, force=False)) is None
    with pytest.raises(InputError, match=r"--plot .*: got the suffix '.png', expected .svg or .pdf"):
        results.picture_of(asked, (".svg", ".pdf"))
    with pytest.raises(InputError, match="-o: '' is not a path"):
        results.path_of("", "-o")
    assert results.path_of(None, "-o") is None
