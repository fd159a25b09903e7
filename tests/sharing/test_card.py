"""A card has all sections, what a bundle knows, and marks where only people know; it cannot steer a terminal."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from wavenet.errors import InputError
from wavenet.sharing import card
from wavenet.sharing.about import About, of_folder


@pytest.fixture
def about(told_run: Path) -> About:
    return of_folder(told_run / "model")


def test_a_skeleton_has_every_section_in_order_and_what_is_known(told_run: Path, about: About) -> None:
    text = card.skeleton(about, card.environment_of(told_run))
    parts = card.sections(text)
    assert tuple(parts) == card.SECTIONS and text.startswith("# toy\n")
    assert all(card.OPEN in body for body in parts.values())
    assert "It is told speaker, label, clock and mel." in text
    assert f"{about.files['train']} files for training" in parts["Data"] and " for testing" in parts["Data"]
    assert about.score is not None and f"| {' | '.join(about.score.cells())} |" in parts["Bits per sample"]
    assert card.other_score(text, about) is None
    other = dataclasses.replace(about, score=dataclasses.replace(about.score, bits=0.1234))
    assert (card.other_score(text, other) or "").startswith("| valid | 0.123 | - | 4.000 |")
    assert card.other_score(text, dataclasses.replace(about, score=None)) is None
    assert parts["Training"].startswith(f"{about.steps:,} steps, ")


def test_what_is_not_known_is_marked(about: About) -> None:
    bare = dataclasses.replace(about, score=None, steps=None, seconds=None, minutes=None, device=None, version=None)
    parts = card.sections(card.skeleton(bare))
    assert parts["Bits per sample"].startswith(f"{card.OPEN} bits of held-out sound")
    assert parts["Training"].startswith(f"{card.OPEN} steps, {card.OPEN} hours.\n\n{card.OPEN} the command.")
    assert parts["Data"].startswith(f"{card.OPEN} minutes")


def test_the_command_leaves_out_the_folders_of_the_machine(about: About, tmp_path: Path) -> None:
    argv = [
        "/home/amy/bin/wavenet",
        "train",
        "/home/amy/my voice.yaml",
        "--data",
        "/data/amy",
        "--set",
        "train.steps=5",
    ]
    (tmp_path / "environment.json").write_text(json.dumps({"argv": argv, "threads": 2}))
    text = card.skeleton(about, card.environment_of(tmp_path))
    assert "    wavenet train 'my voice.yaml' --data amy --set train.steps=5\n" in text and "/home" not in text
    assert " on cpu, 2 threads with wavenet " in text
    for damaged in ("{", "[]", '{"argv": 3}', '{"argv": ["x"], "threads": "all"}'):
        (tmp_path / "environment.json").write_text(damaged)
        assert f"{card.OPEN} the command." in card.skeleton(about, card.environment_of(tmp_path))


def test_a_card_is_read_as_lines_that_any_terminal_shows(tmp_path: Path) -> None:
    path = tmp_path / "CARD.md"
    assert card.read(path) is None
    path.write_text("# amy\n\n\x1b[2J is said\n", encoding="utf-8")
    assert card.read(path) == "# amy\n\n\\x1b[2J is said"
    for wrong in (b"\xff\xfe", b"x" * (card.MOST_BYTES + 1)):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match=r"CARD\.md cannot be read"):
            card.read(path)


def test_sections_are_found_by_their_headings() -> None:
    assert card.sections("# a\n\n## Data\n\nx\n### y\n\n## Speed\n") == {"Data": "x\n### y", "Speed": ""}
    assert card.sections("## Data\nx") == {"Data": "x"} and card.sections("") == {}
