"""What decoders print is caught and kept for a note; what anybody else writes meanwhile comes out whole."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavenet.audio import decoder_messages, files
from wavenet.audio.decoder_messages import Heard
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


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("line", [XING, ILLEGAL, SKIPPED, ERROR, TAG])
def test_a_decoder_is_heard_and_nobody_else(line: bytes, memory: bool, stderr, monkeypatch: pytest.MonkeyPatch) -> None:
    if not memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    heard = Heard()
    with decoder_messages.caught(heard):
        os.write(2, b"before\n" + line + b"behind\n")
    assert stderr() == "before\nbehind\n" and "\n".join(heard.lines) == line.decode().strip()


@pytest.mark.parametrize(
    "text",
    [
        "warning: a.wav is cut short\n",
        "Warning: the disk is nearly full\n",
        "Note: this is ours\n",
        "\r 42%|████      | 10/24 [00:01<00:02]",
        "no line end",
        "",
        "a.py:3: UserWarning: Xing is a word too\n",
    ],
)
def test_what_others_write_meanwhile_comes_out_as_it_was(text: str, stderr) -> None:
    heard = Heard()
    with decoder_messages.caught(heard):
        os.write(2, text.encode())
    assert stderr() == text and heard.lines == []


def test_a_line_of_a_decoder_is_taken_out_of_a_bar_that_is_being_drawn(stderr) -> None:
    heard = Heard()
    with decoder_messages.caught(heard):
        os.write(2, b"\r 42%|##   | " + SKIPPED + b"\r 43%|##   | ")
    assert stderr() == "\r 42%|##   | \r 43%|##   | " and len(heard.lines) == 1


def test_standard_error_is_put_back_whatever_happens(stderr) -> None:
    before = os.fstat(2)
    with pytest.raises(KeyboardInterrupt), decoder_messages.caught(Heard()):
        assert not os.path.samestat(os.fstat(2), before)
        os.write(2, b"words\n")
        raise KeyboardInterrupt
    assert os.path.samestat(os.fstat(2), before) and stderr() == "words\n"


def test_each_of_several_threads_hears_its_own_decoder(stderr) -> None:
    heard = [Heard() for _ in range(3)]

    def decode(into: Heard) -> None:
        for _ in range(30):
            with decoder_messages.caught(into):
                os.write(2, SKIPPED)
                time.sleep(0.0005)
                os.write(2, b"words\n")

    decoders = [threading.Thread(target=decode, args=(one,)) for one in heard]
    for thread in decoders:
        thread.start()
    for thread in decoders:
        thread.join()
    assert [len(one.lines) for one in heard] == [30, 30, 30] and stderr() == 90 * "words\n"


CLOSED = """
import os
from wavenet.audio import decoder_messages
os.close(2)
heard = decoder_messages.Heard()
with decoder_messages.caught(heard):
    print("done")
assert heard.lines == []
"""


def test_a_closed_standard_error_is_no_trouble() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED], stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout == "done\n"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([XING], ""),
        ([TAG], ""),
        ([ILLEGAL, SKIPPED, SKIPPED], "its decoder passed over 288 bytes"),
        ([SKIPPED, ERROR], "its decoder passed over 144 bytes and gave up"),
        ([ERROR], "its decoder says 'Giving up resync after 1024 bytes - not nice...'"),
    ],
)
def test_only_what_tells_of_lost_sound_is_damage(said: list[bytes], told: str) -> None:
    assert Heard([line for one in said for line in one.decode().splitlines()]).damage() == told


@pytest.fixture(scope="module")
def mp3() -> bytes:
    held = io.BytesIO()
    noise = 0.2 * np.random.default_rng(0).standard_normal(64_000)
    soundfile.write(held, noise, 16_000, format="MP3", subtype="MPEG_LAYER_III")
    return held.getvalue()


def read(path: Path, content: bytes) -> tuple[int, str]:
    """Return how many samples are read from an MP3, and what is said of it, or why it cannot be read."""
    path.write_bytes(content)
    count = 0
    with contextlib.suppress(SoundError), files.Reader(path) as reader:
        try:
            count = sum(len(block) for block in reader.blocks())
        except SoundError as error:
            return count, str(error)
        return count, reader.note()
    return count, "not opened"


def test_real_decoders_print_nothing_and_what_they_say_of_damage_is_told(tmp_path: Path, mp3: bytes, stderr) -> None:
    middle = len(mp3) // 2
    assert read(tmp_path / "a.mp3", mp3) == (64_000, "")
    assert read(tmp_path / "a.mp3", mp3 + bytes(2_000) + b"x" * 3_000)[0] == 64_000  # Xing's size is off
    assert read(tmp_path / "a.mp3", mp3[:middle])[1].startswith("cut short")
    count, note = read(tmp_path / "a.mp3", mp3[:middle] + b"\x55" * 300 + mp3[middle + 300 :])
    assert count < 64_000 and re.fullmatch(
        r"damaged: its decoder passed over [\d,]+ bytes, \d.\d\d s could be read", note
    )
    _, why = read(tmp_path / "a.mp3", mp3[:middle] + bytes(4_000) + mp3[middle + 4_000 :])
    assert why == "damaged: its decoder passed over 1,024 bytes and gave up"
    assert stderr() == ""


def test_standard_error_is_left_alone_for_what_decodes_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_messages, "caught", lambda into: pytest.fail("put aside"))
    soundfile.write(tmp_path / "a.flac", np.zeros(500), 8_000)
    assert len(files.read(tmp_path / "a.flac", 8_000)) == 500
