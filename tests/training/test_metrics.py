"""metrics.csv: rows past the checkpoint go, the rest stays byte for byte."""

from __future__ import annotations

from pathlib import Path

from wavenet.training.metrics import COLUMNS, Metrics, read


def test_rows_come_back_and_those_past_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics = Metrics(path, 0)
    for step in (2, 4, 6):
        metrics.append({"step": step, "train_bits": 1 / 3 * step, "targets_per_second": 9})
    whole = path.read_text()
    assert whole.splitlines()[0].split(",") == list(COLUMNS)
    assert [row["step"] for row in read(path)] == ["2", "4", "6"]
    assert read(path)[0]["train_bits"] == "0.666667"
    Metrics(path, 4)
    assert path.read_text() == "\n".join(whole.splitlines()[:3]) + "\n"


def test_a_torn_last_row_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    Metrics(path, 0).append({"step": 2, "train_bits": 1.0, "targets_per_second": 9})
    with path.open("a") as file:
        file.write("1,1.2")  # a torn 12
    Metrics(path, 2)
    assert [row["step"] for row in read(path)] == ["2"]


def test_no_file_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "none.csv") == []


def test_damaged_lines_are_no_rows_and_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    for step in (2, 4):
        Metrics(path, 9).append({"step": step, "train_bits": float("nan"), "targets_per_second": 9})
    whole = path.read_bytes()
    bad = [b"\xff\xfe\x00,1", b"9" * 5_000 + b",1,,,,,,,,1", "\u00b2,1,,,,,,,,1".encode(), b'3,"', b"3,1,,,,,,,,x y"]
    path.write_bytes(b"torn header\n" + b"\n".join(bad) + b"\n" + whole.partition(b"\n")[2])
    Metrics(path, 9)
    assert path.read_bytes() == whole
