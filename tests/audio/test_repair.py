"""Sound behind a header that libsndfile cannot follow is read whole; the file stays as it is, and no noise is read."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sound_toys
from hypothesis import given
from hypothesis import strategies as st
from sound_toys import Kind

from wavenet.audio import files, headers, repair
from wavenet.errors import SoundError

FRAMES = 2_000
LIST = b"LIST" + struct.pack("<I", 14) + b"INFOISFT" + struct.pack("<I", 2) + b"ab"
ODD = b"note" + struct.pack("<I", 3) + b"abc"


def content_of(format: str, subtype: str = "PCM_16", channels: int = 2) -> bytes:
    content = sound_toys.written(Kind(format, subtype, channels, 8_000))
    assert content is not None
    return content


def heard(folder: Path, content: bytes) -> tuple[np.ndarray, str]:
    """Return what is read from a file and what is said of it; the file must not change."""
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


W64 = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
UNFILLED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "WAV": ("WAV", lambda whole: put(whole, b"data", 0, "<I", 0)),
    "WAV, no size at all": ("WAV", lambda whole: put(put(whole, b"data", 0, "<I", 0), b"RIFF", 0, "<I", 0)),
    "WAV, of the extensible kind": ("WAVEX", lambda whole: put(whole, b"data", 0, "<I", 0)),
    "RF64": ("RF64", lambda whole: put(whole, b"ds64", 12, "<Q", 0)),
    "RF64, no size at all": ("RF64", lambda whole: put(put(whole, b"ds64", 12, "<Q", 0), b"data", 0, "<I", 0)),
    "RF64, -1": ("RF64", lambda whole: put(whole, b"ds64", 12, "<Q", 2**64 - 1)),
    "AIFF": ("AIFF", lambda whole: put(whole, b"SSND", 0, ">I", 0)),
    "AIFF, 8": ("AIFF", lambda whole: put(put(whole, b"SSND", 0, ">I", 8), b"COMM", 6, ">I", 0)),
    "AU": ("AU", lambda whole: put(whole, b".snd", 4, ">I", 0)),
    "CAF": ("CAF", lambda whole: put(whole, b"data", 0, ">q", 0)),
    "CAF, 4": ("CAF", lambda whole: put(whole, b"data", 0, ">q", 4)),
    "W64": ("W64", lambda whole: put(whole, W64, 0, "<Q", 0)),
    "W64, 24": ("W64", lambda whole: put(whole, W64, 0, "<Q", 24)),
}
USUAL: dict[str, tuple[str, Callable[[bytes], bytes]]] = {  # nothing is missing
    "WAV, streamed": ("WAV", lambda whole: put(whole, b"data", 0, "<I", 2**32 - 1)),
    "AU, streamed": ("AU", lambda whole: put(whole, b".snd", 4, ">I", 2**32 - 1)),
    "AIFF, streamed": ("AIFF", lambda whole: put(whole, b"SSND", 0, ">I", 2**32 - 1)),
    "CAF, streamed": ("CAF", lambda whole: put(whole, b"data", 0, ">q", -1)),
    "W64, streamed": ("W64", lambda whole: put(whole, W64, 0, "<Q", 2**63 - 1)),
    "BW64": ("RF64", lambda whole: b"BW64" + whole[4:]),
    "padded": ("WAV", lambda whole: before(whole, b"data", ODD + b"\0")),
    "not padded": ("WAV", lambda whole: before(whole, b"data", ODD)),
    "not padded, before the description": ("WAV", lambda whole: before(whole, b"fmt ", ODD)),
    "twice not padded": ("WAV", lambda whole: before(before(whole, b"data", ODD), b"fmt ", ODD)),
    "not padded, streamed": (
        "WAV",
        lambda whole: put(before(whole, b"data", ODD), b"data", 0, "<I", 2**32 - 1),
    ),
    "not padded in RF64": ("RF64", lambda whole: before(whole, b"data", ODD)),
    "not padded in AIFF": ("AIFF", lambda whole: before(whole, b"SSND", b"NAME" + struct.pack(">I", 3) + b"abc")),
    "more chunks behind": ("WAV", lambda whole: before(whole, b"data", ODD) + LIST),
}


@pytest.mark.parametrize("name", UNFILLED)
def test_a_size_that_was_never_filled_in_costs_no_sound(tmp_path: Path, name: str) -> None:
    format, change = UNFILLED[name]
    whole = content_of(format)
    changed = change(whole)
    assert changed != whole and len(changed) == len(whole)
    expected, note = heard(tmp_path, whole)
    assert len(expected) == FRAMES and note == ""
    sound, note = heard(tmp_path, changed)
    np.testing.assert_array_equal(sound, expected)
    assert note == "streamed: the size of its sound was never filled in, 0.25 s could be read"


@pytest.mark.parametrize("name", USUAL)
def test_a_header_that_is_odd_costs_no_sound_and_no_word(tmp_path: Path, name: str) -> None:
    format, change = USUAL[name]
    expected, _ = heard(tmp_path, content_of(format))
    sound, note = heard(tmp_path, change(content_of(format)))
    np.testing.assert_array_equal(sound, expected)
    assert note == ""


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_every_coding_is_read_behind_a_mended_header(tmp_path: Path, subtype: str) -> None:
    whole = content_of("WAV", subtype, channels=1)
    expected, _ = heard(tmp_path, whole)
    sound, _ = heard(tmp_path, put(whole, b"data", 0, "<I", 0))
    np.testing.assert_array_equal(sound[: len(expected)], expected)
    assert len(sound) - len(expected) <= 1  # the byte that pads them


def test_a_big_endian_wav_is_mended_too(tmp_path: Path) -> None:
    pcm = np.arange(-500, 500, dtype=">i2")
    head = struct.pack(">4sI4s4sIHHIIHH", b"RIFX", 0, b"WAVE", b"fmt ", 16, 1, 1, 8_000, 16_000, 2, 16)
    for middle in (b"data" + bytes(4), b"note" + struct.pack(">I", 1) + b"a" + b"data" + struct.pack(">I", 2_000)):
        sound, _ = heard(tmp_path, head + middle + pcm.tobytes())
        np.testing.assert_array_equal(sound * 32_768, pcm)


@pytest.mark.parametrize("behind", [b"", b"\0", LIST, LIST + ODD + b"\0", LIST + ODD])
@pytest.mark.parametrize("format", ["WAV", "RF64"])
def test_chunks_behind_no_sound_are_not_taken_for_sound(tmp_path: Path, format: str, behind: bytes) -> None:
    whole = content_of(format)
    whole = put(whole, b"data", 0, "<I", 0) if format == "WAV" else put(whole, b"ds64", 12, "<Q", 0)
    sound, note = heard(tmp_path, whole[: whole.index(b"data") + 8] + behind)
    assert len(sound) == 0 and note == ""


def test_a_file_that_was_cut_is_told_behind_a_mended_header_too(tmp_path: Path) -> None:
    sound, note = heard(tmp_path, USUAL["not padded"][1](content_of("WAV"))[:-400])
    cut = "cut short: its header promises 8,000 bytes of sound, 7,600 are there"
    assert len(sound) == FRAMES - 100 and note.startswith(cut)


def test_sound_behind_a_size_filled_in_too_early_is_told_but_not_read(tmp_path: Path) -> None:
    whole = content_of("WAV")
    sound, note = heard(tmp_path, put(whole, b"data", 0, "<I", 400))
    there = "its header promises 400 bytes of sound, 8,000 are there"
    assert len(sound) == 100 and note == f"read in part: {there}, 0.01 s could be read"
    for behind in (LIST, b"TAG" + bytes(125), bytes(10_000), LIST + b"junk" + struct.pack("<I", 5_000) + b"x" * 5_000):
        assert heard(tmp_path, whole + behind)[1] == ""
    assert not repair.left_over(tmp_path / "gone.wav", headers.Promise(0, 10_000))


def test_what_libsndfile_reads_rightly_is_left_to_it(tmp_path: Path) -> None:
    for format in ("WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "NIST", "VOC", "FLAC"):
        (tmp_path / "a").write_bytes(content_of(format, channels=1))
        assert repair.mended(tmp_path / "a") is None, format
    for content in (b"", b"RIFF", b"words" * 9, content_of("WAV")[:40]):
        (tmp_path / "a").write_bytes(content)
        assert repair.mended(tmp_path / "a") is None
    assert repair.mended(tmp_path) is None and repair.mended(tmp_path / "gone") is None


@pytest.mark.parametrize("kind", ["BW64", "streamed"])
def test_more_than_four_gigabytes_are_reached(tmp_path: Path, kind: str) -> None:
    """libsndfile takes -1 in 32 bits for four gigabytes at most."""
    path, bytes_of_sound = tmp_path / "a.sound", 5 << 30
    whole = put(b"BW64" + content_of("RF64", channels=1)[4:], b"ds64", 12, "<Q", bytes_of_sound)
    if kind == "streamed":
        whole = put(content_of("WAV", channels=1), b"data", 0, "<I", 2**32 - 1)
    begin = whole.index(b"data") + 8
    with path.open("wb") as file:  # with a hole, which takes no room
        file.write(whole[:begin])
        file.seek(begin + bytes_of_sound)
        file.write(LIST if kind == "BW64" else b"")
        file.truncate()
    with files.Reader(path) as reader:
        assert reader._file.frames == bytes_of_sound // 2


def test_an_error_of_the_disk_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(put(content_of("WAV"), b"data", 0, "<I", 0))
    with files.Reader(path) as reader:
        assert isinstance(reader._source, repair.Spliced)
        folder = os.open(tmp_path, os.O_RDONLY)
        os.dup2(folder, reader._source._file.fileno())  # a folder can be opened, not read
        os.close(folder)
        with pytest.raises(SoundError, match="directory"):
            list(reader.blocks())
    with pytest.raises(OSError):
        repair.Spliced(tmp_path / "gone", repair.Mended(b"", 0, 1, None))


@given(st.integers(0, 30), st.lists(st.integers(0, 40), max_size=4), st.integers(0, 30))
def test_a_spliced_file_is_read_as_its_parts_put_together(
    tmp_path_factory: pytest.TempPathFactory, head: int, sizes: list[int], at: int
) -> None:
    path = tmp_path_factory.mktemp("spliced") / "a"
    path.write_bytes(bytes(range(100)))
    whole = bytes(200 + number for number in range(head)) + bytes(range(70, 90))
    with repair.Spliced(path, repair.Mended(whole[:head], 70, 90, headers.Promise(20, 30))) as file:
        assert file.seek(0, os.SEEK_END) == len(whole) and file.seek(at) == at
        for size in sizes:
            buffer = bytearray(size)
            count = file.readinto(buffer)
            assert bytes(buffer[:count]) == whole[at : at + size]
            at += count
            assert file.tell() == at


@given(
    st.sampled_from(["WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU"]), st.integers(0, 120), st.binary(max_size=8)
)
def test_a_header_gone_wrong_never_raises(
    tmp_path_factory: pytest.TempPathFactory, format: str, at: int, wrong: bytes
) -> None:
    content = bytearray(content_of(format, channels=1))
    content[at : at + len(wrong)] = wrong
    path = tmp_path_factory.mktemp("wrong") / "a"
    path.write_bytes(content)
    found = repair.mended(path)
    assert found is None or 0 < found.begin < found.end <= len(content)
    repair.left_over(path, headers.Promise(0, 10_000))
