"""Toy folders in the layouts of data sets."""

from __future__ import annotations

from pathlib import Path


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "metadata.csv").write_text(text, encoding=encoding)
    return folder
