"""metrics.csv: one row per logged step, appended on resume, with rows past the checkpoint dropped."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

from wavenet import atomic

COLUMNS = (
    "step",
    "train_bits",
    "valid_bits",
    "uniform_bits",
    "order0_bits",
    "learning_rate",
    "gradient_norm",
    "skipped",
    "seconds",
    "targets_per_second",
)
STEP = re.compile("[0-9]{1,15}")
NUMBER = re.compile("[-+.0-9a-z]{0,30}")  # inf and nan too
TIME_COLUMNS = ("seconds", "targets_per_second")  # the only ones that differ between two equal runs


class Metrics:
    """The file of one run.

    Args:
        path: metrics.csv.
        step: rows behind this step are dropped: they were written after the checkpoint that the run goes on from.
    """

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        whole = (row for row in read(path) if row[COLUMNS[-1]])  # the last row may be torn
        kept = [row for row in whole if int(row["step"]) <= step]
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: row.get(name) or "" for name in COLUMNS} for row in kept)
        atomic.write_text(path, text.getvalue())

    def append(self, row: dict[str, Any]) -> None:
        """Add one row; numbers are written with six significant digits."""
        text = {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n").writerow(text)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a metrics.csv, none where there is no such file; lines that are damaged are no rows."""
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        values = line.split(",")  # all are numbers or nothing
        if STEP.fullmatch(values[0]) and all(NUMBER.fullmatch(value) for value in values):
            rows.append(dict(zip(COLUMNS, [*values, *("" for _ in COLUMNS)], strict=False)))
    return rows
