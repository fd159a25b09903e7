"""A corpus is aligned once, resumed where it was stopped, and anew where sound, text or labels change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import spoken_toys

from wavenet.audio import cache, files, folders
from wavenet.errors import InputError
from wavenet.recipe.records import TrimConfig
from wavenet.speech import Aligned, aligned, aligned_corpus, dictionary, listeners, numbers, pronounce
from wavenet.speech.aligned_corpus import FILE

SENTENCES = {"a": "seven three", "b": "one zero five", "c": "three seven"}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return which recordings are looked at from here on; pocketsphinx must be there."""
    spoken_toys.needs_an_aligner()
    asked, of = list[int](), listeners.heard

    def counted(ask: Callable[..., object], indices: list[int]) -> object:
        asked.extend(indices)
        return of(ask, indices)

    monkeypatch.setattr(aligned_corpus, "heard", counted)
    return asked


def found(folder: Path, rate: int = 16_000, trim: TrimConfig | None = None) -> list[Aligned | str]:
    clips = folders.open_folder(folder).clips
    decoded = cache.prepare(clips, rate, trim)
    return aligned([clip for clip, one in zip(clips, decoded.entries, strict=True) if one.reason is None], decoded)


def kept(tmp_path: Path) -> Path:
    return next((tmp_path / "cache").glob(f"*/{FILE}"))


def phones(one: Aligned | str) -> list[str]:
    assert isinstance(one, Aligned), one
    return [phone.name for phone in one.phones if not phone.silent]


def test_what_was_found_is_kept_and_a_cut_off_run_goes_on(tmp_path: Path, heard: list[int]) -> None:
    folder = spoken_toys.folder(tmp_path / "sounds", SENTENCES)
    first = found(folder)
    for one, text in zip(first, SENTENCES.values(), strict=True):
        assert len(phones(one)) == sum(len(pronounce.alternatives(word)[0]) for word in text.split())
    assert heard == [0, 1, 2] and found(folder) == first and heard == [0, 1, 2]
    lines = kept(tmp_path).read_bytes()
    kept(tmp_path).write_bytes(lines[: lines.index(b"}", len(lines) // 2)])  # a process was killed at the second
    assert found(folder) == first and heard == [0, 1, 2, 1, 2]


def test_another_text_and_other_sound_are_aligned_anew_and_only_these(tmp_path: Path, heard: list[int]) -> None:
    folder = spoken_toys.folder(tmp_path / "sounds", SENTENCES)
    first = found(folder)
    table = folder / "metadata.csv"
    table.write_text(table.read_text().replace("one zero five", "one zero nine"))
    second = found(folder)
    assert heard == [0, 1, 2, 1] and second[0] == first[0] and second[1] != first[1]


def test_phones_last_as_long_as_the_sound_at_any_rate_and_are_heard_in_its_file(
    tmp_path: Path, heard: list[int]
) -> None:
    folder = spoken_toys.folder(tmp_path / "sounds", SENTENCES)
    high, low = found(folder), found(folder, 8_000)
    for one, other in zip(high, low, strict=True):
        assert isinstance(one, Aligned) and isinstance(other, Aligned)
        assert one.phones == other.phones and one.ends[:-1] == other.ends[:-1]
        assert abs(one.ends[-1] - other.ends[-1]) <= 1 / 8_000
    trimmed = found(folder, 8_000, TrimConfig(below_db=40.0))
    whole = [one.ends[-1] for one in low if isinstance(one, Aligned)]
    assert all(isinstance(one, Aligned) and one.ends[-1] < last for one, last in zip(trimmed, whole, strict=True))


def test_labels_come_first_need_no_aligner_and_count_by_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners.Listener, "find", None)
    for name in "abc":
        files.write(tmp_path / "sounds" / f"{name}.wav", spoken_toys.tone(8_000), 16_000)
        (tmp_path / "sounds" / f"{name}.lab").write_text("0 2000000 sil\n2000000 5000000 ʃ\n", encoding="utf-8")
    lab = tmp_path / "sounds" / "b.lab"
    assert [phones(one) for one in found(tmp_path / "sounds")] == [["ʃ"], ["ʃ"], ["ʃ"]]
    lab.write_text("0 2000000 sil\n2000000 5000000 x\n")
    assert [phones(one) for one in found(tmp_path / "sounds")] == [["ʃ"], ["x"], ["ʃ"]]
    lab.write_text("0 2000000 sil\n2000000 9000000 x\n")
    assert found(tmp_path / "sounds")[1] == "b.lab lasts 0.90 s, longer than its sound of 0.50 s"
    lab.unlink()
    assert found(tmp_path / "sounds")[1] == ("it has no text: neither a table nor a file beside it says what is spoken")


def test_labels_of_sound_whose_ends_are_cut_are_refused(tmp_path: Path) -> None:
    wave = np.concatenate([np.zeros(4_000, np.float32), spoken_toys.tone(8_000)])
    files.write(tmp_path / "sounds" / "a.wav", wave, 16_000)
    (tmp_path / "sounds" / "a.lab").write_text("0 5000000 a\n")
    (one,) = found(tmp_path / "sounds", trim=TrimConfig(below_db=40.0))
    assert isinstance(one, str) and one.startswith("a.lab is of the whole file, of which data.trim cuts the ends")


def test_a_wrong_text_is_left_out_with_its_reason_and_a_bad_file_of_one_too(tmp_path: Path, heard: list[int]) -> None:
    folder = spoken_toys.folder(tmp_path / "sounds", {"a": "seven three one", "b": "five"}, texts=False)
    (folder / "a.txt").write_text("seven")
    (folder / "b.txt").write_bytes(b"\xff\xff")
    wrong, bad = found(folder)
    assert isinstance(wrong, str) and "pauses are as loud as its speech" in wrong
    assert isinstance(bad, str) and bad.startswith("its text b.txt cannot be read")


def test_what_a_missing_package_costs_is_not_kept(
    tmp_path: Path, heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = spoken_toys.folder(tmp_path / "sounds", {"a": "seven"})

    def missing(word: str) -> object:
        raise InputError(f"{word} needs a package")

    with monkeypatch.context() as patch:
        patch.setattr(pronounce, "alternatives", missing)
        assert found(folder) == ["seven needs a package"] and heard == []
    assert isinstance(found(folder)[0], Aligned) and heard == [0]


def test_a_text_that_is_read_otherwise_is_aligned_anew_and_only_this(
    tmp_path: Path, heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = spoken_toys.folder(tmp_path / "sounds", {"a": "three seven", "b": "seven one"})
    table = folder / "metadata.csv"
    table.write_text(table.read_text().replace("three", "3"))
    entries, first = dictionary.entries, found(folder)
    assert heard == [0, 1] and found(folder) == first
    with monkeypatch.context() as patch:  # another rule
        patch.setattr(numbers, "cardinal", lambda text: "three and")
        assert found(folder) != first and heard == [0, 1, 0]
    with monkeypatch.context() as patch:  # another dictionary, in a stress alone
        other = [(("W", 0), ("AH", 2), ("N", 0))]
        patch.setattr(dictionary, "entries", lambda word: other if word == "one" else entries(word))
        assert found(folder) != first and heard == [0, 1, 0, 1]
    assert found(folder) == first and len(heard) == 4
