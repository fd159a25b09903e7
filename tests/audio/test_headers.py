"""A header that promises more sound than there is gives the file away; one that cannot be understood says nothing."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import sound_toys
from hypothesis import given
from hypothesis import strategies as st
from sound_toys import Kind

from wavenet.audio import files, headers

LOSSY = [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")]
COUNTED = ["WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU", "NIST"]


def content_of(format: str, channels: int = 2) -> bytes:
    content = sound_toys.written(Kind(format, "PCM_16", channels, 8_000))
    assert content is not None
    return content


def promise(folder: Path, content: bytes) -> headers.Promise | None:
    (folder / "a.sound").write_bytes(content)
    return headers.promise(folder / "a.sound")


@pytest.mark.parametrize("format", COUNTED)
def test_whole_files_keep_their_promise_and_cut_ones_do_not(tmp_path: Path, format: str) -> None:
    content = content_of(format)
    bytes_of_sound = 2 * 2 * 2_000
    found = promise(tmp_path, content)
    assert found is not None and found.promised == bytes_of_sound and not found.broken
    for missing in (1, 2, 1_001, bytes_of_sound):
        cut = promise(tmp_path, content[: len(content) - (found.present - found.promised) - missing])
        assert cut is not None and cut.broken and cut.promised == bytes_of_sound
        assert cut.present == bytes_of_sound - missing


@pytest.mark.parametrize("format", COUNTED)
def test_a_file_cut_anywhere_in_its_header_says_nothing_or_that_it_is_cut(tmp_path: Path, format: str) -> None:
    content = content_of(format)
    for length in [*range(0, 60), *range(60, 700, 9)]:
        found = promise(tmp_path, content[:length])
        assert found is None or found.broken


@pytest.mark.parametrize("size", [0x7FFF_F000, 0x7FFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF - 36])
def test_a_stream_of_unknown_length_promises_nothing(tmp_path: Path, size: int) -> None:
    wav = content_of("WAV")
    assert wav[36:40] == b"data"
    assert promise(tmp_path, wav[:40] + struct.pack("<I", size) + wav[44:]) is None
    au = content_of("AU")
    assert promise(tmp_path, au[:8] + struct.pack(">I", size) + au[12:]) is None


def test_what_libsndfile_does_not_write_is_read_as_its_standard_describes(tmp_path: Path) -> None:
    pcm = np.ones((50, 1))
    assert promise(tmp_path, sound_toys.sphere(pcm, 8_000)) == headers.Promise(100, 100)
    assert promise(tmp_path, sound_toys.sphere(pcm, 8_000, promised=70)) == headers.Promise(140, 100)
    wav = content_of("WAV")
    odd = wav[:36] + b"note" + struct.pack("<I", 3) + b"abc\0" + wav[36:]
    assert promise(tmp_path, odd) == promise(tmp_path, wav)
    little = b"dns." + struct.pack("<II", 28, 6) + bytes(16) + b"abcd"
    assert promise(tmp_path, little) == headers.Promise(6, 4)


@given(st.sampled_from(COUNTED), st.integers(0, 120), st.binary(min_size=1, max_size=8))
def test_a_header_gone_wrong_never_raises(
    tmp_path_factory: pytest.TempPathFactory, format: str, at: int, wrong: bytes
) -> None:
    content = bytearray(content_of(format, 1))
    content[at : at + len(wrong)] = wrong
    found = promise(tmp_path_factory.mktemp("wrong"), bytes(content))
    assert found is None or (found.present <= len(content) and found.promised >= 0)


def test_what_is_no_file_promises_nothing(tmp_path: Path) -> None:
    assert headers.promise(tmp_path / "gone.wav") is None and headers.promise(tmp_path) is None
    assert promise(tmp_path, b"") is None and promise(tmp_path, b"words") is None


# --- formats that count nothing, or frames ---------------------------------------------------------------------------


def lossy(format: str, subtype: str, channels: int = 1, rate: int = 48_000, seconds: float = 8.0) -> bytes:
    content = sound_toys.written(Kind(format, subtype, channels, rate), seconds)
    if content is None:
        pytest.skip("libsndfile does not write this combination")
    return content


@pytest.mark.parametrize(("format", "subtype"), LOSSY)
def test_a_lossy_file_that_was_cut_is_noticed_by_its_reader(tmp_path: Path, format: str, subtype: str) -> None:
    content = lossy(format, subtype)
    path = tmp_path / f"a.{format.lower()}"
    for missing, behind in ((0, b""), (0, b"TAG" + bytes(125)), (300, b""), (len(content) // 2, b"")):
        if behind and subtype == "OPUS":
            continue  # libsndfile takes no such file
        path.write_bytes(content[: len(content) - missing] + behind)
        with files.Reader(path) as reader:
            seconds = sum(len(block) for block in reader.blocks()) / reader.sample_rate
            note = reader.note()
        if missing:
            assert note.startswith("cut short: ") and f"{seconds:.2f} s could be read" in note and 1.0 < seconds < 8.0
        else:
            assert note == "" and seconds == 8.0


def test_ogg_that_ends_in_the_middle_or_the_head_of_a_page_is_unfinished(tmp_path: Path) -> None:
    content, path = lossy("OGG", "VORBIS"), tmp_path / "a.ogg"
    pages = [at for at in range(len(content)) if content.startswith(b"OggS\0", at)]
    for length in (*pages[1:], *(at + more for at in pages for more in (5, 26, 27, 30)), len(content) - 1):
        path.write_bytes(content[:length])
        assert headers.unfinished(path), length
    path.write_bytes(content)
    assert not headers.unfinished(path)
    for other in (b"", b"OggS", b"OggS" + bytes(200_000), content_of("WAV")):
        path.write_bytes(other)
        assert headers.unfinished(path) == (other == b"OggS")
    assert not headers.unfinished(tmp_path / "gone.ogg") and not headers.unfinished(tmp_path)


@pytest.mark.parametrize(("channels", "rate"), [(1, 48_000), (2, 44_100), (1, 16_000), (2, 16_000), (1, 8_000)])
@pytest.mark.parametrize("tag", [b"", b"ID3\4\0\0" + bytes([0, 0, 1, 2]) + bytes(130)])
def test_mp3_is_counted_in_its_first_frame(tmp_path: Path, channels: int, rate: int, tag: bytes) -> None:
    content = lossy("MP3", "MPEG_LAYER_III", channels, rate, 0.5)
    assert promise(tmp_path, tag + content) == headers.Promise(len(content), len(content))
    assert promise(tmp_path, (tag + content)[:-5]) == headers.Promise(len(content), len(content) - 5)
    counts = content.index(b"Xing") if b"Xing" in content[:60] else content.index(b"Info")
    uncounted = content[: counts + 7] + b"\x0d" + content[counts + 8 :]  # without a count of bytes
    assert promise(tmp_path, tag + uncounted) is None
    assert promise(tmp_path, tag + content[:counts] + bytes(4) + content[counts + 4 :]) is None


@pytest.mark.parametrize(("format", "subtype"), LOSSY)
def test_files_put_end_to_end_are_noticed(tmp_path: Path, format: str, subtype: str) -> None:
    first, second = (lossy(format, subtype, seconds=1.0) for _ in range(2))
    path = tmp_path / "a.sound"
    for content, more in ((first, False), (first + second, True), (first + b"APETAGEX" + bytes(40), False)):
        path.write_bytes(content)
        assert headers.followed(path) == more
    if format == "MP3":
        path.write_bytes(first + b"ID3\4\0\0\0\0\0\0" + second)
        assert headers.followed(path)
    path.write_bytes(first + second)
    if subtype != "OPUS":  # libsndfile takes no such file
        with files.Reader(path) as reader:
            assert sum(len(block) for block in reader.blocks()) == 48_000
            assert reader.note() == "read in part: another sound follows in the same file, 1.00 s could be read"
    for other in (b"", b"ID3", b"ID3" + bytes(7) + b"\xff", first[:3], first[:20], content_of("WAV")):
        path.write_bytes(other)
        assert headers.promise(path) is None or other[:4] == b"RIFF"
        assert not headers.followed(path) or other[:2] == b"Og"  # cut, in any case
    assert not headers.followed(tmp_path)
