"""What libsndfile passes over in silence is noted: sound that is cut, follows another, or lies behind a wrong size."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import sound_toys
from hypothesis import given, settings
from hypothesis import strategies as st
from sound_toys import Kind

from wavenet.audio import files, headers
from wavenet.errors import SoundError

COUNTED = ["WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "NIST"]
LOSSY = [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]
LIST = b"LIST" + struct.pack("<I", 14) + b"INFOISFT" + struct.pack("<I", 2) + b"ab"


def written(format: str, subtype: str = "PCM_16", channels: int = 1, rate: int = 8_000, seconds: float = 0.25) -> bytes:
    content = sound_toys.written(Kind(format, subtype, channels, rate), seconds)
    if content is None:
        pytest.skip("libsndfile does not write this combination")
    return content


def read(path: Path, content: bytes) -> tuple[int, str]:
    """Return how many samples are read from a file, and what is noted of it."""
    path.write_bytes(content)
    with files.Reader(path) as reader:
        return sum(len(block) for block in reader.blocks()), reader.note()


# --- cut files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", COUNTED)
def test_a_file_that_was_cut_is_noted_and_a_whole_one_is_not(tmp_path: Path, format: str) -> None:
    content = written(format)
    assert read(tmp_path / "a", content) == (2_000, "")
    for missing in (1, 2, 1_001, 3_500)[2 * (format == "CAF") :]:  # of CAF, ten bytes are let pass
        count, note = read(tmp_path / "a", content[:-missing])
        lost = -(-missing // 2)
        assert lost <= 2_000 - count <= lost + 4 * (format == "CAF")
        assert note.startswith("cut short: its header promises ") and f" {count / 8_000:.2f} s could be read" in note


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF])
def test_a_cut_aiff_is_noted_by_the_size_of_its_sound_where_that_of_the_file_is_none(tmp_path: Path, size: int) -> None:
    content = written("AIFF")
    assert read(tmp_path / "a", content[:4] + struct.pack(">I", size) + content[8:-100])[1].startswith("cut short")


@pytest.mark.parametrize("format", COUNTED)
def test_a_file_cut_in_its_header_is_refused_empty_or_noted(tmp_path: Path, format: str) -> None:
    content = written(format)
    for length in (*range(0, 120, 3), *range(120, 1_200, 90)):
        try:
            count, note = read(tmp_path / "a", content[:length])
        except SoundError:
            continue
        assert count == 0 or "cut short" in note, length


@pytest.mark.parametrize(
    ("format", "place", "form", "size"),
    [
        *(("WAV", 40, "<I", size) for size in (0x7FFF_F000, 0x7FFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF - 36)),
        *(("AU", 8, ">I", 0xFFFF_FFFF), ("AIFF", 42, ">I", 0xFFFF_FFFF), ("AIFF", 42, ">I", 0)),
    ],
)
def test_a_stream_of_unknown_length_is_whole(tmp_path: Path, format: str, place: int, form: str, size: int) -> None:
    content = written(format)
    changed = content[:place] + struct.pack(form, size) + content[place + 4 :]
    assert struct.unpack(form, content[place : place + 4])[0] // 4_000 == 1
    assert read(tmp_path / "a", changed) == (2_000, "")


def test_a_header_that_counts_no_sound_in_a_large_file_is_noted(tmp_path: Path) -> None:
    au = written("AU", seconds=1.0)
    count, note = read(tmp_path / "a", au[:8] + bytes(4) + au[12:])
    assert (count, note) == (0, "unfinished: its header counts no sound in 16,024 bytes, 0.00 s could be read")
    assert read(tmp_path / "a", written("AU", seconds=0.0)) == (0, "")


@pytest.mark.parametrize(("format", "subtype"), LOSSY)
def test_a_lossy_file_that_was_cut_is_noted(tmp_path: Path, format: str, subtype: str) -> None:
    content = written(format, subtype, rate=48_000, seconds=8.0)
    assert read(tmp_path / "a", content) == (384_000, "")
    if subtype != "OPUS":  # libsndfile takes no such file
        assert read(tmp_path / "a", content + b"TAG" + bytes(125)) == (384_000, "")
    for missing in (300, len(content) // 2):
        count, note = read(tmp_path / "a", content[:-missing])
        assert 48_000 < count < 384_000 and note.startswith("cut short: ")
        assert f"{count / 48_000:.2f} s could be read" in note


def test_ogg_cut_in_the_middle_or_the_head_of_a_page_has_a_bad_end(tmp_path: Path) -> None:
    content, path = written("OGG", "VORBIS", rate=48_000, seconds=8.0), tmp_path / "a.ogg"
    pages = [at for at in range(len(content)) if content.startswith(b"OggS\0", at)]
    for length in (*pages[2:], *(at + more for at in pages[2:] for more in (5, 26, 27, 30)), len(content) - 1):
        path.write_bytes(content[:length])
        assert headers.bad_end(path) == "cut short: its last page is missing", length
    path.write_bytes(content)
    assert headers.bad_end(path) == ""


@pytest.mark.parametrize(("channels", "rate"), [(1, 48_000), (2, 44_100), (1, 16_000), (2, 16_000), (1, 8_000)])
@pytest.mark.parametrize("tag", [b"", b"ID3\4\0\0" + bytes([0, 0, 1, 2]) + bytes(130)])
def test_mp3_is_counted_in_its_first_frame(tmp_path: Path, channels: int, rate: int, tag: bytes) -> None:
    content, path = written("MP3", "MPEG_LAYER_III", channels, rate, 0.5), tmp_path / "a.mp3"
    counts = max(content[:60].find(b"Xing"), content[:60].find(b"Info"))
    uncounted = content[: counts + 7] + b"\x0d" + content[counts + 8 :]  # without a count of bytes
    unnamed = content[:counts] + bytes(4) + content[counts + 4 :]
    whole = headers.Promise(len(content), len(content))
    cut = headers.Promise(len(content), len(content) - 5)
    for made, expected in ((content, whole), (content[:-5], cut), (uncounted, None), (unnamed, None)):
        path.write_bytes(tag + made)
        assert headers.promise(path) == expected


# --- what follows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("format", "subtype"), LOSSY)
def test_files_put_end_to_end_are_noted(tmp_path: Path, format: str, subtype: str) -> None:
    first, second = (written(format, subtype, rate=48_000, seconds=1.0) for _ in range(2))
    path, tag = tmp_path / "a.sound", b"ID3\4\0\0\0\0\0\0" * (format == "MP3")
    for content, more in ((first, False), (first + tag + second, True), (first + b"APETAGEX" + bytes(40), False)):
        path.write_bytes(content)
        assert headers.bad_end(path) == more * headers.FOLLOWED
    if subtype != "OPUS":  # libsndfile takes no such file
        assert read(path, first + second) == (48_000, f"{headers.FOLLOWED}, 1.00 s could be read")


def test_sound_behind_a_size_filled_in_too_early_is_noted_but_not_read(tmp_path: Path) -> None:
    whole = written("WAV", seconds=0.5)
    early = whole[:40] + struct.pack("<I", 400) + whole[44:]
    there = "its header promises 400 bytes, 8,000 are there"
    assert read(tmp_path / "a", early) == (200, f"read in part: {there}, 0.03 s could be read")
    for behind in (LIST, b"TAG" + bytes(125), bytes(10_000), LIST + b"junk" + struct.pack("<I", 5_000) + b"x" * 5_000):
        assert read(tmp_path / "a", whole + behind) == (4_000, "")


# --- headers gone wrong ----------------------------------------------------------------------------------------------


def test_what_libsndfile_does_not_write_is_read_as_its_standard_describes(tmp_path: Path) -> None:
    path, pcm = tmp_path / "a", np.ones((50, 1))
    path.write_bytes(sound_toys.sphere(pcm, 8_000))
    assert headers.promise(path) == headers.Promise(100, 100)
    path.write_bytes(sound_toys.sphere(pcm, 8_000, promised=70))
    assert headers.promise(path) == headers.Promise(140, 100)


@pytest.mark.parametrize("format", [*COUNTED, "MP3", "OGG"])
@given(st.integers(0, 120), st.binary(min_size=1, max_size=8))
@settings(deadline=None, max_examples=15)
def test_a_header_gone_wrong_never_raises(format: str, at: int, wrong: bytes) -> None:
    subtype = {"MP3": "MPEG_LAYER_III", "OGG": "VORBIS"}.get(format, "PCM_16")
    content = bytearray(written(format, subtype, rate=16_000))
    content[at : at + len(wrong)] = wrong
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        found, wav = headers.promise(Path(file.name)), headers.find_wav(Path(file.name))
        assert found is None or (0 <= found.present <= len(content) and found.promised >= 0)
        assert wav is None or 0 <= wav.begin <= wav.begin + wav.size <= len(content)
        assert isinstance(headers.bad_end(Path(file.name)), str)


@pytest.mark.parametrize(
    "content", [None, b"", b"words", b"RIFF", b"OggS", b"ID3", b"\xff\xfb", b"NIST_1A", b"RIFF" * 9]
)
def test_what_is_no_sound_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a"
    path.mkdir() if content is None else path.write_bytes(content)
    for place in (path, tmp_path / "gone"):
        assert headers.promise(place) is headers.find_wav(place) is None and not headers.is_mpeg(tmp_path / "gone")
        assert headers.bad_end(place) in ("", "cut short: its last page is missing")
