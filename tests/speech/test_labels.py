"""Labels are found beside a sound, those of HTK are read, and a transcript under that name is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavenet.errors import SoundError
from wavenet.speech import Phone, labels

HTK = "0 1000000 sil\n1000000 3000000 AA1 -4.2 word\n\n3000000 5000000 t\n"


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_textgrid_comes_before_other_labels_and_a_transcript_is_none(tmp_path: Path) -> None:
    sound = tmp_path / "a.b.wav"
    assert labels.beside(sound) is None
    lab = written(tmp_path, "a.b.lab", "two words are no labels")
    assert labels.beside(sound) is None
    lab.write_text(HTK)
    assert labels.beside(sound) == lab
    grid = written(tmp_path, "a.b.TextGrid", "")
    assert labels.beside(sound) == grid


def test_labels_of_htk_are_in_units_of_100_ns(tmp_path: Path) -> None:
    found = labels.read(written(tmp_path, "a.lab", HTK), 0.5)
    assert found.phones == (Phone("sil"), Phone("AA", 1, 0), Phone("t", 0, 0))
    assert found.ends == pytest.approx((0.1, 0.3, 0.5))


def test_a_textgrid_is_read_with_its_words(tmp_path: Path) -> None:
    pytest.importorskip("praatio")
    tier = '"IntervalTier"\n"{}"\n0\n0.5\n1\n0.1\n0.5\n"{}"\n'
    text = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n0.5\n<exists>\n2\n{tier}{tier}'
    found = labels.read(written(tmp_path, "a.TextGrid", text.format("phones", "ɔ̃", "words", "on")), 0.5)
    assert found.phones == (Phone("sil"), Phone("ɔ̃", 0, 0)) and found.ends == (0.1, 0.5)


@pytest.mark.parametrize(
    "text, said",
    [
        ("0 1000000 a\n1000000 b\n", "line 2 is '1000000 b', expected start and end in units of 100 ns and a name"),
        ("0 1000000 a\n1000000 2000000\n", "line 2 is '1000000 2000000'"),
        ("0 1000000 a\n900000 2000000 b\n", "'b' lies from 0.090"),
        ("0 1000000 a\n1000000 9000000 b\n", "lasts 0.90 s, longer than its sound of 0.50 s"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SoundError) as caught:
        labels.read(written(tmp_path, "a.lab", text), 0.5)
    assert said in str(caught.value) and str(caught.value).startswith("a.lab")


def test_labels_that_are_no_text_or_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.lab"
    path.write_bytes(b"0 1000000 a\n\xff\xfe\n")
    assert labels.beside(tmp_path / "a.wav") == path
    with pytest.raises(SoundError, match=r"a\.lab cannot be read \(it is not text in UTF-8"):
        labels.read(path, 0.5)
    path.unlink()
    with pytest.raises(SoundError, match=r"a\.lab cannot be read"):
        labels.read(path, 0.5)
