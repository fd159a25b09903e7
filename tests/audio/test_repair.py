"""Sound behind a header that libsndfile cannot follow is read whole; the file stays as it is, and no noise is read."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sound_toys
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from sound_toys import Kind

from wavenet.audio import files, headers, repair
from wavenet.errors import SoundError

FRAMES = 2_000
LIST = b"LIST" + struct.pack("<I", 14) + b"INFOISFT" + struct.pack("<I", 2) + b"ab"
ODD = b"note" + struct.pack("<I", 3) + b"abc"
STREAM = 2**32 - 1


def content_of(format: str, subtype: str = "PCM_16", channels: int = 2) -> bytes:
    content = sound_toys.written(Kind(format, subtype, channels, 8_000))
    assert content is not None
    return content


def read(folder: Path, content: bytes) -> tuple[np.ndarray, str]:
    """Return what is read from a file and what is noted of it; the file must not change."""
    path = folder / "a.sound"
    path.write_bytes(content)
    with files.Reader(path) as reader:
        blocks = list(reader.blocks())
        note = reader.note()
    assert path.read_bytes() == content
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32), note


def put(content: bytes, name: bytes, behind: int, form: str, value: int) -> bytes:
    """Return a file with a number put behind the name of its first chunk of that name."""
    at = content.index(name) + len(name) + behind
    return content[:at] + struct.pack(form, value) + content[at + struct.calcsize(form) :]


def before(content: bytes, name: bytes, chunk: bytes) -> bytes:
    at = content.index(name)
    return content[:at] + chunk + content[at:]


UNFINISHED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "WAV": ("WAV", lambda whole: put(whole, b"data", 0, "<I", 0)),
    "WAV, no size at all": ("WAV", lambda whole: put(put(whole, b"data", 0, "<I", 0), b"RIFF", 0, "<I", 0)),
    "WAV, of the extensible kind": ("WAVEX", lambda whole: put(whole, b"data", 0, "<I", 0)),
    "RF64": ("RF64", lambda whole: put(whole, b"ds64", 12, "<Q", 0)),
    "RF64, no size at all": ("RF64", lambda whole: put(put(whole, b"ds64", 12, "<Q", 0), b"data", 0, "<I", 0)),
    "RF64, -1": ("RF64", lambda whole: put(whole, b"ds64", 12, "<Q", 2**64 - 1)),
}
ODDITIES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {  # nothing is missing
    "streamed": ("WAV", lambda whole: put(whole, b"data", 0, "<I", STREAM)),
    "BW64": ("RF64", lambda whole: b"BW64" + whole[4:]),
    "padded": ("WAV", lambda whole: before(whole, b"data", ODD + b"\0")),
    "not padded": ("WAV", lambda whole: before(whole, b"data", ODD)),
    "not padded, before the description": ("WAV", lambda whole: before(whole, b"fmt ", ODD)),
    "twice not padded": ("WAV", lambda whole: before(before(whole, b"data", ODD), b"fmt ", ODD)),
    "not padded, streamed": ("WAV", lambda whole: put(before(whole, b"data", ODD), b"data", 0, "<I", STREAM)),
    "not padded in RF64": ("RF64", lambda whole: before(whole, b"data", ODD)),
    "more chunks behind": ("WAV", lambda whole: before(whole, b"data", ODD) + LIST),
}


@pytest.mark.parametrize("name", [*UNFINISHED, *ODDITIES])
def test_a_header_that_is_unfinished_or_odd_costs_no_sound(tmp_path: Path, name: str) -> None:
    format, change = {**UNFINISHED, **ODDITIES}[name]
    expected, note = read(tmp_path, content_of(format))
    assert len(expected) == FRAMES and note == ""
    sound, note = read(tmp_path, change(content_of(format)))
    np.testing.assert_array_equal(sound, expected)
    unfinished = "unfinished: its header was never filled in, 0.25 s could be read"
    assert note == (unfinished if name in UNFINISHED else "")


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_every_coding_is_read_behind_a_new_header(tmp_path: Path, subtype: str) -> None:
    whole = content_of("WAV", subtype, channels=1)
    expected, _ = read(tmp_path, whole)
    sound, _ = read(tmp_path, put(whole, b"data", 0, "<I", 0))
    np.testing.assert_array_equal(sound[: len(expected)], expected)
    assert len(sound) - len(expected) <= 1  # the byte that pads them


@pytest.mark.parametrize("behind", [b"", b"\0", LIST, LIST + ODD + b"\0", LIST + ODD])
@pytest.mark.parametrize("format", ["WAV", "RF64", "BW64"])
def test_chunks_behind_no_sound_are_not_taken_for_sound(tmp_path: Path, format: str, behind: bytes) -> None:
    whole = content_of("WAV" if format == "WAV" else "RF64")
    whole = put(whole, b"data", 0, "<I", 0) if format == "WAV" else put(whole, b"ds64", 12, "<Q", 0)
    whole = whole.replace(b"RF64", format.encode())
    sound, note = read(tmp_path, whole[: whole.index(b"data") + 8] + behind)
    assert len(sound) == 0 and note == ""


def test_a_file_that_was_cut_is_noted_behind_a_new_header_too(tmp_path: Path) -> None:
    sound, note = read(tmp_path, ODDITIES["not padded"][1](content_of("WAV"))[:-400])
    assert len(sound) == FRAMES - 100
    assert note.startswith("cut short: its header promises 8,000 bytes, 7,600 are there")


@pytest.mark.parametrize("format", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "NIST", "VOC", "FLAC", "OGG"])
def test_what_libsndfile_reads_rightly_is_left_to_it(tmp_path: Path, format: str) -> None:
    (tmp_path / "a").write_bytes(content_of(format, soundfile.default_subtype(format), channels=1))
    with files.Reader(tmp_path / "a") as reader:
        assert reader._patched is None


@pytest.mark.parametrize("kind", ["BW64", "streamed"])
def test_more_than_four_gigabytes_are_reached(tmp_path: Path, kind: str) -> None:
    """libsndfile takes -1 in 32 bits for four gigabytes at most."""
    path, bytes_of_sound = tmp_path / "a.sound", 5 << 30
    whole = put(b"BW64" + content_of("RF64", channels=1)[4:], b"ds64", 12, "<Q", bytes_of_sound)
    if kind == "streamed":
        whole = put(content_of("WAV", channels=1), b"data", 0, "<I", STREAM)
    begin = whole.index(b"data") + 8
    with path.open("wb") as file:  # with a hole, which takes no room
        file.write(whole[:begin])
        file.seek(begin + bytes_of_sound)
        file.write(LIST if kind == "BW64" else b"")
        file.truncate()
    with files.Reader(path) as reader:
        assert reader._file.frames == bytes_of_sound // 2


@pytest.mark.parametrize("name", ["a.wav", "a.mp3"])
def test_an_error_of_the_disk_is_an_error_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    soundfile.write(tmp_path / name, np.random.default_rng(0).uniform(-0.5, 0.5, 400_000), 44_100)
    if name == "a.wav":
        (tmp_path / name).write_bytes(put((tmp_path / name).read_bytes(), b"data", 0, "<I", 0))
    monkeypatch.setattr(headers, "promise", lambda *_: None)  # MP3 that counts nothing
    with files.Reader(tmp_path / name) as reader:
        assert reader._patched is not None
        folder = os.open(tmp_path, os.O_RDONLY)
        os.dup2(folder, reader._patched._file.fileno())  # a folder can be opened, not read
        os.close(folder)
        with pytest.raises(SoundError, match="directory"):
            list(reader.blocks())


@given(st.integers(0, 30), st.lists(st.integers(0, 40), max_size=4), st.integers(0, 90))
def test_a_patched_file_is_read_as_its_parts_put_together(head: int, sizes: list[int], at: int) -> None:
    body = bytes(range(100))
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        wav = headers.Wav(bytes(head), 70, 30, 20, 20, False, False)
        for patched, whole in (
            (repair.Patched(Path(file.name), wav), headers.wav_head(bytes(head), 20) + body[70:90]),
            (repair.Patched(Path(file.name)), body),
        ):
            assert patched.seek(at) == at
            for size in sizes:
                expected = whole[patched.tell() : patched.tell() + size]
                assert patched.read(size) == expected
            patched.close()


def test_behind_an_mp3_without_a_count_are_zeros_up_to_many_times_its_length(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"abcd")
    patched = repair.Patched(tmp_path / "a.mp3")
    assert patched.seek(-2, os.SEEK_END) == 4 * repair.LONGER - 2 and patched.read(9) == bytes(2)
    assert patched.seek(3) == 3 and patched.read(9) == b"d" and patched.read(9) == b""
    patched.close()
