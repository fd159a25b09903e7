"""metrics.csv: rows past the checkpoint go, the rest stays byte for byte."""

from __future__ import annotations

import math
from pathlib import Path

from wavenet.training import metrics
from wavenet.training.checkpoint import Window
from wavenet.training.metrics import COLUMNS, as_text, read


def written(path: Path, *steps: int) -> list[dict[str, str]]:
    """Begin a file, add rows and return them as text."""
    metrics.reopen(path, {})
    rows = [as_text({"step": step, "train_bits": 1 / 3 * step, "targets_per_second": 9}) for step in steps]
    for row in rows:
        metrics.append(path, row)
    return rows


def test_rows_come_back_and_those_past_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    rows = written(path, 2, 4, 6)
    whole = path.read_text()
    assert whole.splitlines()[0].split(",") == list(COLUMNS)
    assert read(path) == rows and rows[0]["train_bits"] == "0.666667"
    metrics.reopen(path, rows[1])
    assert path.read_text() == "\n".join(whole.splitlines()[:3]) + "\n"
    metrics.reopen(path, {})
    assert path.read_text() == whole.splitlines()[0] + "\n"


def test_a_torn_last_row_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    rows = written(path, 2, 11)
    for torn in ("1,1.2", "12,"):
        with path.open("a") as file:
            file.write(torn)
        metrics.reopen(path, rows[1])
        assert read(path) == rows


def test_a_window_says_what_was_learnt_in_it() -> None:
    assert metrics.columns(Window(6.0, 3.0, 900, 3, 1.5)) == {
        "train_bits": 2.0,
        "track_distance": "",
        "length_nats": "",
        "gradient_norm": 1.0,
        "targets_per_second": 600,
    }
    assert metrics.columns(Window(6.0, 3.0, 900, 3, 1.5, 0.75))["length_nats"] == 0.25
    alone = metrics.columns(Window(norm=3.0, steps=4, seconds=1.5, length_nats=1.0, distance=2.0))  # no samples learned
    assert (alone["train_bits"], alone["track_distance"], alone["length_nats"]) == ("", 0.5, 0.25)
    nothing = {"train_bits": "", "track_distance": "", "length_nats": "", "gradient_norm": 0.0, "targets_per_second": 0}
    assert metrics.columns(Window()) == metrics.columns(Window(length_nats=0.0)) == nothing


def test_losses_in_words_are_bits_or_those_of_what_learns_alone() -> None:
    assert metrics.in_words(2.5, 0.25, -0.5) == metrics.in_words(2.5, "", None) == "2.500 bits/sample"
    assert metrics.in_words("", 0.25, -0.5) == "tracks off by 0.250, lengths at -0.500 nats"
    assert metrics.in_words(None, 0.25, "") == "tracks off by 0.250"


def test_no_file_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "none.csv") == []


def test_damaged_lines_are_no_rows_and_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    rows = written(path, 2, 4)
    whole = path.read_bytes()
    bad = [b"\xff\xfe\x00,1", b"9" * 5_000 + b",1,,,,,,,,1", "\u00b2,1,,,,,,,,1".encode(), b'3,"', b"3,1,,,,,,,,x y"]
    path.write_bytes(b"torn header\n" + b"\n".join(bad) + b"\n" + whole.partition(b"\n")[2])
    assert read(path) == rows
    metrics.reopen(path, rows[1])
    assert path.read_bytes() == whole


def test_the_rows_of_an_older_version_have_its_columns_and_get_the_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    rows = written(path, 2, 4)
    names = [name for name in COLUMNS if name not in metrics.EVALUATION]
    lines = [names, *([row[name] for name in names] for row in rows)]
    path.write_text("".join(",".join(line) + "\n" for line in lines))
    assert read(path) == rows
    metrics.reopen(path, rows[1])
    assert path.read_text().splitlines()[0].split(",") == list(COLUMNS) and read(path) == rows


def test_numbers_that_are_not_finite_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics.append(path, as_text({"step": 2, "train_bits": math.nan, "gradient_norm": math.inf}))
    assert (read(path)[0]["train_bits"], read(path)[0]["gradient_norm"]) == ("nan", "inf")
