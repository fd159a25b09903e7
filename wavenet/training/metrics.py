"""metrics.csv: one row per logged step, score and stop, appended on resume.

What a run that never stopped would not have is undone when this one goes on: rows past the checkpoint, and what a stop
added to the row of its step.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wavenet import disk
from wavenet.training.checkpoint import Window, explained

SCORES = ("valid_bits", "uniform_bits", "order0_bits")
TIME_COLUMNS = ("seconds", "targets_per_second")  # the only ones that differ between two equal runs
COLUMNS = ("step", "train_bits", *SCORES, "learning_rate", "gradient_norm", "skipped", *TIME_COLUMNS)
STEP = re.compile("[0-9]{1,15}")
NUMBER = re.compile("[-+.0-9a-z]{0,30}")  # inf and nan too


def columns(window: Window) -> dict[str, Any]:
    """Return what a row says of the steps since the one before."""
    return {
        "train_bits": window.bits / window.steps if window.steps else "",
        "gradient_norm": window.norm / max(1, window.steps),
        "targets_per_second": round(window.targets / max(window.seconds, 1e-9)),
    }


def reopen(path: Path, step: int, added: Sequence[str] = ()) -> None:
    """Begin the file, or take out of it what a run that goes on from a step would not have.

    Args:
        path: metrics.csv.
        step: of the checkpoint; rows behind it are dropped.
        added: what a stop added to the row of this step, as `add_at_stop` returned it.
    """
    kept = []
    for row in read(path):
        at = int(row["step"]) if row[COLUMNS[-1]] else step + 1  # the last row may be torn
        if at < step or (at == step and "step" not in added):
            kept.append(row | dict.fromkeys(added, "") if at == step else row)
    _write(path, kept)


def append(path: Path, row: dict[str, Any]) -> None:
    """Add one row; numbers are written with six significant digits."""
    with explained(path), path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n").writerow(_as_text(row))


def add_at_stop(path: Path, row: dict[str, Any]) -> list[str]:
    """Write what is known at a stop, and return the columns that were added to what an unstopped run writes.

    Where the step has its row, that gets the score; else the row is new, of which `step` alone tells.
    """
    rows = read(path)
    if not rows or rows[-1]["step"] != str(row["step"]):
        append(path, row)
        return ["step"]
    added = [name for name in SCORES if name in row and not rows[-1][name]]
    if added:
        text = _as_text(row)
        _write(path, [*rows[:-1], rows[-1] | {name: text[name] for name in added}])
    return added


def _write(path: Path, rows: Sequence[dict[str, str]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with explained(path):
        disk.write_text(path, text.getvalue())


def _as_text(row: dict[str, Any]) -> dict[str, Any]:
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a metrics.csv, none where there is no such file; lines that are damaged are no rows."""
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        values = line.split(",")  # all are numbers or nothing
        if STEP.fullmatch(values[0]) and all(NUMBER.fullmatch(value) for value in values):
            padded = [*values, *("" for _ in COLUMNS)]
            rows.append(dict(zip(COLUMNS, padded, strict=False)))
    return rows
