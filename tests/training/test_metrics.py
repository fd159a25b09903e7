"""metrics.csv: rows past the checkpoint go, the rest stays byte for byte."""

from __future__ import annotations

from pathlib import Path

from wavenet.training import metrics
from wavenet.training.checkpoint import Window
from wavenet.training.metrics import COLUMNS, read


def test_rows_come_back_and_those_past_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics.reopen(path, 0)
    for step in (2, 4, 6):
        metrics.append(path, {"step": step, "train_bits": 1 / 3 * step, "targets_per_second": 9})
    whole = path.read_text()
    assert whole.splitlines()[0].split(",") == list(COLUMNS)
    assert [row["step"] for row in read(path)] == ["2", "4", "6"]
    assert read(path)[0]["train_bits"] == "0.666667"
    metrics.reopen(path, 4)
    assert path.read_text() == "\n".join(whole.splitlines()[:3]) + "\n"


def test_a_torn_last_row_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics.reopen(path, 0)
    metrics.append(path, {"step": 2, "train_bits": 1.0, "targets_per_second": 9})
    with path.open("a") as file:
        file.write("1,1.2")  # a torn 12
    metrics.reopen(path, 2)
    assert [row["step"] for row in read(path)] == ["2"]


def row(step: int, **columns: float) -> dict[str, float]:
    return {"step": step, "targets_per_second": 9, **columns}


SCORED = {"valid_bits": 2.5, "uniform_bits": 4.0, "order0_bits": 3.5}


def test_a_stop_adds_a_row_that_is_gone_when_the_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics.reopen(path, 0)
    metrics.append(path, row(2, train_bits=3.0))
    before = path.read_bytes()
    added = metrics.add_at_stop(path, row(3, train_bits=2.75, **SCORED))
    assert added == ["step"]
    assert [(one["step"], one["train_bits"], one["valid_bits"]) for one in read(path)] == [
        ("2", "3", ""),
        ("3", "2.75", "2.5"),
    ]
    metrics.reopen(path, 3, added)
    assert path.read_bytes() == before


def test_a_stop_adds_its_score_to_a_row_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics.reopen(path, 0)
    for step in (2, 4):
        metrics.append(path, row(step, train_bits=1 / 3))
    before = path.read_bytes()
    added = metrics.add_at_stop(path, row(4, **SCORED))
    assert added == ["valid_bits", "uniform_bits", "order0_bits"]
    assert [(one["train_bits"], one["order0_bits"]) for one in read(path)] == [("0.333333", ""), ("0.333333", "3.5")]
    metrics.reopen(path, 4, added)
    assert path.read_bytes() == before


def test_a_stop_at_a_row_that_says_it_all_adds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    metrics.reopen(path, 0)
    metrics.append(path, row(4, **SCORED))
    before = path.read_bytes()
    assert metrics.add_at_stop(path, row(4)) == metrics.add_at_stop(path, row(4, valid_bits=9.0)) == []
    metrics.reopen(path, 4, [])
    assert path.read_bytes() == before


def test_a_window_says_what_was_learnt_in_it() -> None:
    assert metrics.columns(Window(6.0, 3.0, 900, 3, 1.5)) == {
        "train_bits": 2.0,
        "gradient_norm": 1.0,
        "targets_per_second": 600,
    }
    assert metrics.columns(Window()) == {"train_bits": "", "gradient_norm": 0.0, "targets_per_second": 0}


def test_no_file_has_no_rows(tmp_path: Path) -> None:
    assert read(tmp_path / "none.csv") == []


def test_damaged_lines_are_no_rows_and_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    for step in (2, 4):
        metrics.reopen(path, 9)
        metrics.append(path, {"step": step, "train_bits": float("nan"), "targets_per_second": 9})
    whole = path.read_bytes()
    bad = [b"\xff\xfe\x00,1", b"9" * 5_000 + b",1,,,,,,,,1", "\u00b2,1,,,,,,,,1".encode(), b'3,"', b"3,1,,,,,,,,x y"]
    path.write_bytes(b"torn header\n" + b"\n".join(bad) + b"\n" + whole.partition(b"\n")[2])
    metrics.reopen(path, 9)
    assert path.read_bytes() == whole
