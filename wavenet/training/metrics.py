"""metrics.csv: one row per logged step, score and stop, appended on resume.

A checkpoint holds the newest row on the schedule. On resume, what follows it is dropped, such as the row of a stop.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

from wavenet import disk
from wavenet.training.checkpoint import Window, explained

SCORES = ("valid_bits", "uniform_bits", "order0_bits", "valid_distance")
EVALUATION = {  # what training ends with: more files, an interval; by its name in a bundle's `held_out`
    "evaluated_bits": "bits",
    "evaluated_low": "low",
    "evaluated_high": "high",
}
TIME_COLUMNS = ("seconds", "targets_per_second")  # the only ones that differ between two equal runs
STEPS = ("learning_rate", "gradient_norm", "track_distance", "length_nats", "skipped")
COLUMNS = ("step", "train_bits", *SCORES, *EVALUATION, *STEPS, *TIME_COLUMNS)
STEP = re.compile("[0-9]{1,15}")
NUMBER = re.compile("[-+.0-9a-z]{0,30}")  # inf and nan too


def columns(window: Window) -> dict[str, Any]:
    """Return what a row says of the steps since the one before; nothing of what did not learn."""

    def mean(total: float | None) -> float | str:
        return total / window.steps if total is not None and window.steps else ""

    return {
        "train_bits": mean(window.bits if window.targets else None),
        "track_distance": mean(window.distance),
        "length_nats": mean(window.length_nats),
        "gradient_norm": window.norm / max(1, window.steps),
        "targets_per_second": round(window.targets / max(window.seconds, 1e-9)),
    }


def in_words(bits: object, distance: object, nats: object) -> str:
    """Return the losses of a step or a row in words: bits, or those of the small networks where they learn alone."""
    if isinstance(bits, float):
        return f"{bits:.3f} bits/sample"
    parts = (("tracks off by", distance, ""), ("lengths at", nats, " nats"))
    return ", ".join(f"{what} {value:.3f}{unit}" for what, value, unit in parts if isinstance(value, float))


def as_text(values: dict[str, Any]) -> dict[str, str]:
    """Return a row with all its columns; floats have six significant digits."""
    row = {name: values.get(name, "") for name in COLUMNS}
    return {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in row.items()}


def reopen(path: Path, newest: dict[str, str]) -> None:
    """Keep the rows before the newest, then that one; where it is empty, nothing but the header."""
    step = int(newest["step"]) if newest else 0
    whole = [row for row in read(path) if row[COLUMNS[-1]]]  # the last one may be torn
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for row in whole if int(row["step"]) < step)
    if newest:
        writer.writerow(newest)
    with explained(path):
        disk.write_text(path, text.getvalue())


def append(path: Path, row: dict[str, str]) -> None:
    """Add one row."""
    with explained(path), path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a metrics.csv, none where there is no such file; lines that are damaged are no rows."""
    if not path.is_file():
        return []
    head, *lines = path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    names = head.split(",")
    if not set(names) <= set(COLUMNS):  # a damaged line; older versions have fewer columns
        names = list(COLUMNS)
    rows = []
    for line in (head, *lines):
        values = line.split(",")  # all are numbers or nothing
        if STEP.fullmatch(values[0]) and all(NUMBER.fullmatch(value) for value in values):
            rows.append(dict.fromkeys(COLUMNS, "") | dict(zip(names, values, strict=False)))
    return rows
