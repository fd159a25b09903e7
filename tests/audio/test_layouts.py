"""What a data set says in the names of its files becomes speakers, labels and splits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layout_toys import touch

from wavenet.audio import layouts, sources


def test_spoken_digits_are_known_by_their_names_and_split_by_take(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{digit}_{who}_{take}.wav" for digit in "07" for who in ("george", "Yu") for take in range(12)))
    found = sources.open_folder(tmp_path)
    assert found.layout == "fsdd" and len(found.clips) == 48
    for clip in found.clips:
        digit, who, take = clip.path.stem.split("_")
        split = "test" if int(take) < 5 else "valid" if int(take) < 10 else "train"
        assert (clip.label, clip.speaker, clip.split) == (digit, who, split)


@pytest.mark.parametrize(("others", "layout"), [(1, "fsdd"), (2, "folder")])
def test_nine_names_in_ten_make_the_layout(tmp_path: Path, said: list[str], others: int, layout: str) -> None:
    touch(tmp_path, *(f"{digit}_ann_0.wav" for digit in range(9)), *(f"other{i}.wav" for i in range(others)))
    found = sources.open_folder(tmp_path)
    assert found.layout == layout and len(found.clips) == (9 if layout == "fsdd" else 11)
    assert len(said) == (others if layout == "fsdd" else 0)


@given(st.from_regex(r"[0-9a-zA-Z_.-]{0,14}", fullmatch=True))
@settings(deadline=None, max_examples=100)
def test_only_digit_speaker_take_is_such_a_name(stem: str) -> None:
    parts = layouts.fsdd_parts(f"some/folder/{stem}.wav")
    pieces = stem.split("_")
    fits = len(pieces) == 3 and all(pieces) and len(pieces[0]) == 1 and pieces[0].isdigit() and pieces[2].isdigit()
    assert (parts is not None) == fits
    if parts:
        assert parts == (pieces[0], pieces[1], int(pieces[2]))


@pytest.mark.parametrize("name", ["7_theo_12.wav", "deep/0_a_0.flac"])
def test_a_name_gives_label_speaker_and_take(name: str) -> None:
    digit, who, take = Path(name).stem.split("_")
    assert layouts.fsdd_parts(name) == (digit, who, int(take))
