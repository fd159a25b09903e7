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

from wavenet.audio import headers

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
