"""`wavenet say`: text from an argument, a file or stdin, into a file or to stdout, and what is refused."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavenet import cli
from wavenet.generate.say import BATCH

TEXT = "Bobby, be Bob. Bee!"


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_text_is_said_into_a_file_that_says_what_it_is(
    phones_run: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("say", phones_run, TEXT, "--seed", 4, "--speaker", "bob") == 0
    told = capsys.readouterr()
    assert told.out.startswith("toy-s4.wav: ") and told.out.endswith(", seed 4, speaker bob\n")
    assert "toy: saying 2 pieces with seed 4, speaker bob" in told.err
    assert soundfile.info("toy-s4.wav").frames > 1_000 and [path.name for path in here.iterdir()] == ["toy-s4.wav"]
    assert run("say", phones_run, TEXT, "--seed", 4) == 2
    assert "toy-s4.wav" in capsys.readouterr().err


def test_an_argument_a_file_stdin_and_a_stream_say_the_same(
    phones_run: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "text.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    common = ("--seed", 4, "--speed", 1.5, "--sentence-silence", 0.1)
    assert run("say", phones_run, TEXT, *common, "-o", "a.wav") == 0
    assert run("say", phones_run, "-f", "text.txt", *common, "-o", "b.wav") == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert run("say", phones_run, "-", *common, "-o", "c.flac") == 0
    with (here / "stream.wav").open("w") as stdout, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stdout)
        assert run("say", phones_run, TEXT, *common, "-o", "-") == 0
    assert (here / "a.wav").read_bytes() == (here / "b.wav").read_bytes() == (here / "stream.wav").read_bytes()
    assert np.array_equal(soundfile.read("a.wav")[0], soundfile.read("c.flac")[0])


def test_a_long_text_is_streamed_before_its_length_is_known_and_sounds_as_the_file(
    phones_run: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ("say", phones_run, "Bob. Bee! " * (BATCH // 2 + 1), "--seed", 4, "--speed", 4, "--sentence-silence", 0)
    assert run(*common, "-o", "a.wav") == 0
    with (here / "stream.wav").open("w") as stdout, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stdout)
        assert run(*common, "-o", "-") == 0
    whole, stream = ((here / name).read_bytes() for name in ("a.wav", "stream.wav"))
    begin = whole.index(b"data") + 8
    assert stream[begin:] == whole[begin:] and stream[begin - 4 : begin] == b"\xff" * 4  # as long as what follows
    assert np.array_equal(soundfile.read("a.wav")[0], soundfile.read("stream.wav")[0])


def test_phones_and_varied_lengths(phones_run: Path, here: Path) -> None:
    assert run("say", phones_run, "--phones", "B IY _ B AA1 B", "--seed", 1, "-o", "a.wav") == 0
    assert run("say", phones_run, "--phones", "B IY _ B AA1 B", "--seed", 1, "--varied", "-o", "b.wav") == 0
    assert soundfile.info("a.wav").frames != soundfile.info("b.wav").frames


@pytest.mark.parametrize(
    "words, told",
    [
        (("",), "no words"),
        (("Hello.",), "knows no phone"),
        (("Bob [[BEE]].",), "in '[[BEE]]': got the phone 'BEE'"),
        (("Bob.", "--speed", 9), "speed is 9"),
        (("Bob.", "--pitch", 3), "another pitch"),
        (("Bob.", "--speaker", "nobody"), "nobody"),
        (("-f", "none.txt"), "none.txt cannot be read"),
        (("-f", "latin.txt"), "not UTF-8"),
        (("Bob.", "-o", "a.mp3"), "a.mp3"),
    ],
)
def test_what_cannot_be_said_is_one_sentence(
    words: tuple[object, ...], told: str, phones_run: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    assert run("say", phones_run, *words) == 2
    shown = capsys.readouterr().err.strip().splitlines()
    assert told in shown[-1] and not list(here.glob("*.wav"))


def test_a_voice_that_cannot_speak_says_so(told_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("say", told_run, "Bob.") == 2
    assert "take a voice that is told phones" in capsys.readouterr().err


@pytest.mark.parametrize("words, told", [((), "TEXT"), (("Bob.", "--phones", "B"), "not allowed with argument TEXT")])
def test_one_thing_is_to_be_said(words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("say", "run", *words)
    assert ended.value.code == 2 and told in capsys.readouterr().err
