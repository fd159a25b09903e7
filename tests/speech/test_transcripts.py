"""Texts come from the table, else from a file for each recording, as data sets have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError
from wavenet.speech.transcripts import text_of


def clip(path: Path, **known: str) -> Clip:
    return Clip(path, path.name, **known)  # type: ignore[arg-type]


def test_the_table_comes_first_and_the_normalised_text_before_others(tmp_path: Path) -> None:
    sound = tmp_path / "a_1.wav"
    assert text_of(clip(sound)) is None
    (tmp_path / "a_1.lab").write_text("said\nin two lines\n")
    assert text_of(clip(sound)) == "said in two lines"
    (tmp_path / "a_1.txt").write_text("\ufeffsaid plainly ")
    assert text_of(clip(sound)) == "said plainly"
    (tmp_path / "a_1.normalized.txt").write_text("said as spoken")
    assert text_of(clip(sound)) == "said as spoken"
    assert text_of(clip(sound, text="of the table")) == "of the table"
    (tmp_path / "b.txt").write_text(" \n")
    assert text_of(clip(tmp_path / "b.wav")) is None


def test_vctk_keeps_texts_in_a_folder_beside_its_sounds(tmp_path: Path) -> None:
    sound = tmp_path / "wav48_silence_trimmed" / "p225" / "p225_001_mic1.flac"
    (tmp_path / "txt" / "p225").mkdir(parents=True)
    (tmp_path / "txt" / "p225" / "p225_001.txt").write_text("Please call Stella.\n")
    assert text_of(clip(sound, speaker="p225", prompt="p225_001")) == "Please call Stella."
    assert text_of(clip(sound)) is None


def test_a_text_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(SoundError, match=r"its text a\.txt cannot be read \(it is not text in UTF-8"):
        text_of(clip(tmp_path / "a.wav"))
