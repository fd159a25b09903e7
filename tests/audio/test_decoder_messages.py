"""What the decoder prints is caught and kept for a note; what others write meanwhile comes out whole."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import sound_toys
import soundfile
from sound_toys import Kind

from wavenet.audio import decoder_messages, files
from wavenet.audio.decoder_messages import caught, damage
from wavenet.errors import SoundError

XING = b"Warning: Xing stream size off by more than 1%, fuzzy seeking may be even more fuzzy than by design!\n"
ILLEGAL = b"Note: Illegal Audio-MPEG-Header 0xfff31dc4 at offset 13716.\nNote: Trying to resync...\n"
SKIPPED = b"Note: Skipped 144 bytes in input.\n"
ERROR = b"[src/libmpg123/parse.c:wetwork():1349] error: Giving up resync after 1024 bytes - not nice...\n"
TAG = b"[src/libmpg123/id3.c:INT123_parse_new_id3():1012] error: Too much extended v2.3 header.\n"


@pytest.fixture
def stderr(capfd: pytest.CaptureFixture[str]):
    """Return a function that gives what has come out on standard error."""
    return lambda: capfd.readouterr().err


@pytest.mark.parametrize("line", [XING, ILLEGAL, SKIPPED, ERROR, TAG])
@pytest.mark.parametrize(
    ("before", "behind"), [("before\n", "behind\n"), ("\r 42%|##   | ", "\r 43%|##   | "), ("", "no line end")]
)
def test_lines_of_the_decoder_are_kept_and_others_come_out(line: bytes, before: str, behind: str, stderr) -> None:
    messages: list[str] = []
    with caught(messages):
        os.write(2, before.encode() + line + behind.encode())
    assert stderr() == before + behind and "\n".join(messages) == line.decode().strip()


@pytest.mark.parametrize(
    "text",
    [
        "warning: a.wav is cut short\n",
        "Warning: the disk is nearly full\n",
        "Note: this is ours\n",
        "a.py:3: UserWarning: Xing is a word too\n",
    ],
)
def test_what_looks_nearly_like_the_decoder_comes_out(text: str, stderr) -> None:
    messages: list[str] = []
    with caught(messages):
        os.write(2, text.encode())
    assert stderr() == text and messages == []


def test_standard_error_is_put_back_whatever_happens(stderr) -> None:
    before = os.fstat(2)
    with pytest.raises(KeyboardInterrupt), caught([]):
        assert not os.path.samestat(os.fstat(2), before)
        os.write(2, b"words\n")
        raise KeyboardInterrupt
    assert os.path.samestat(os.fstat(2), before) and stderr() == "words\n"


def test_each_of_several_threads_catches_its_own_decoder(stderr) -> None:
    messages: list[list[str]] = [[], [], []]

    def decode(into: list[str]) -> None:
        for _ in range(30):
            with caught(into):
                os.write(2, SKIPPED)
                time.sleep(0.0005)
                os.write(2, b"words\n")

    decoders = [threading.Thread(target=decode, args=(one,)) for one in messages]
    for thread in decoders:
        thread.start()
    for thread in decoders:
        thread.join()
    assert [len(one) for one in messages] == [30, 30, 30] and stderr() == 90 * "words\n"


CLOSED = """
import os
from wavenet.audio import decoder_messages
os.close(2)
with decoder_messages.caught([]):
    print("done")
"""


def test_a_closed_standard_error_is_no_trouble() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout == "done\n"


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([XING], ""),
        ([TAG], ""),
        ([ILLEGAL, SKIPPED, SKIPPED], "its decoder skipped 288 bytes"),
        ([SKIPPED, ERROR], "its decoder skipped 144 bytes and gave up"),
        ([ERROR], "its decoder says 'Giving up resync after 1024 bytes - not nice...'"),
    ],
)
def test_only_lost_sound_is_damage(messages: list[bytes], expected: str) -> None:
    assert damage([line for one in messages for line in one.decode().splitlines()]) == expected


def read(path: Path, content: bytes) -> tuple[int, str]:
    """Return how many samples are read from an MP3, and what is noted of it, or why it cannot be read."""
    path.write_bytes(content)
    count = 0
    with contextlib.suppress(SoundError), files.Reader(path) as reader:
        try:
            count = sum(len(block) for block in reader.blocks())
        except SoundError as error:
            return count, str(error)
        return count, reader.note()
    return count, "not opened"


def test_the_real_decoder_prints_nothing_and_damage_is_noted(tmp_path: Path, stderr) -> None:
    mp3 = sound_toys.written(Kind("MP3", "MPEG_LAYER_III", 1, 16_000), 4.0)
    assert mp3 is not None
    middle = len(mp3) // 2
    assert read(tmp_path / "a.mp3", mp3) == (64_000, "")
    assert read(tmp_path / "a.mp3", mp3 + bytes(2_000) + b"x" * 3_000)[0] == 64_000  # Xing's size is off
    assert read(tmp_path / "a.mp3", mp3[:middle])[1].startswith("cut short")
    count, note = read(tmp_path / "a.mp3", mp3[:middle] + b"\x55" * 300 + mp3[middle + 300 :])
    assert count < 64_000
    assert re.fullmatch(r"damaged: its decoder skipped [\d,]+ bytes, \d.\d\d s could be read", note)
    _, why = read(tmp_path / "a.mp3", mp3[:middle] + bytes(4_000) + mp3[middle + 4_000 :])
    assert why == "damaged: its decoder skipped 1,024 bytes and gave up"
    assert stderr() == ""


def test_standard_error_is_left_alone_for_other_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_messages, "caught", lambda into: pytest.fail("caught"))
    soundfile.write(tmp_path / "a.flac", np.zeros(500), 8_000)
    assert len(files.read(tmp_path / "a.flac", 8_000)) == 500
