"""Held: a file is whole or as it was, nothing temporary stays, and no search for sound finds what is half written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import disk
from wavenet.errors import BundleError, InputError, WavenetError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_name_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "sound.wav"
    with disk.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        assert not path.exists()
        temporary.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert names(path.parent) == ["sound.wav"]


@pytest.mark.parametrize("name", ["sound.wav", "model.safetensors", "config.json", "a.b.flac", ".hidden.json"])
def test_the_temporary_name_is_hidden_beside_it_and_keeps_the_suffix(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with disk.replacing(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary != path
        assert temporary.name.startswith(".")
        assert temporary.suffix == path.suffix
        temporary.touch()


@pytest.mark.parametrize("failure", [ValueError, OSError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("before", [None, b"old"])
def test_any_exception_leaves_what_was_there(
    tmp_path: Path, failure: type[BaseException], before: bytes | None
) -> None:
    path = tmp_path / "file.bin"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(failure), disk.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise failure("stop")
    assert names(tmp_path) == ([] if before is None else ["file.bin"])
    assert before is None or path.read_bytes() == before


def test_a_block_that_writes_nothing_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), disk.replacing(path):
        pass
    assert path.read_bytes() == b"old"


def test_a_folder_of_that_name_is_an_error_and_nothing_stays(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="taken"):
        disk.write_bytes(path, b"new")
    assert names(tmp_path) == ["taken"]
    assert names(path) == ["inside"]


def test_a_failing_rename_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        disk.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file.bin"]


def test_the_old_file_stays_whole_for_who_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    disk.write_bytes(path, b"first")
    with path.open("rb") as reader:
        disk.write_bytes(path, b"second, longer")
        assert reader.read() == b"first"
    assert path.read_bytes() == b"second, longer"


@settings(deadline=None, max_examples=30)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_text_is_utf8(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "atomic-text.yaml"
    disk.write_text(path, text)
    assert path.read_bytes().replace(b"\r\n", b"\n") == text.encode()


def test_what_cannot_be_written_is_one_sentence_but_a_reader_that_hung_up_is_not() -> None:
    sentence = r"^a\.bin cannot be written \(No space left on device\); free space$"
    with pytest.raises(WavenetError, match=sentence), disk.explained("a.bin", "free space"):
        raise OSError(28, "No space left on device")
    with pytest.raises(BrokenPipeError), disk.explained("stdout", "free space"):
        raise BrokenPipeError


def test_a_name_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "there.wav").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, words in (
        ("x" * 300 + ".wav", "too long"),
        ("there.wav", "exists"),
        ("there.wav/a.wav", "cannot be written"),
        (".", "is a folder"),
    ):
        with pytest.raises(InputError, match=words):
            disk.check_free(tmp_path / name, "-o", force=False)
    with pytest.raises(InputError, match=r"there.wav exists; name another file or overwrite it with force=True$"):
        disk.check_free(tmp_path / "there.wav", "", False, "force=True")
    disk.check_free(tmp_path / "there.wav", "-o", force=True)
    disk.check_free(tmp_path / "new" / "deep" / "a.wav", "-o", force=False)
    assert names(tmp_path) == ["loop", "there.wav"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "JSON"), ('{"b": {"c": 1, "c": 2}}', "'c'"), ("[" * 90_000, "JSON"), ("9" * 5_000, "JSON")],
    ids=["cut", "twice", "deep", "long"],
)
def test_what_is_not_plain_json_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(BundleError) as caught:
        disk.read_json(path)
    assert words in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)
    path.write_text('{"a": [1, null]}')
    assert disk.read_json(path) == {"a": [1, None]}


def test_no_more_is_read_than_a_bundle_can_have() -> None:
    with pytest.raises(BundleError, match="cannot be read as JSON"):
        disk.read_json(Path("/dev/zero"))
