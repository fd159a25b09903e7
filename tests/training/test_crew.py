"""Held: processes that train together end together, with one line and the right exit code, and none hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from wavenet.errors import HungUp, InputError, Terminated, WavenetError
from wavenet.training import crew
from wavenet.training.crew import Beside

LOST = RuntimeError("[gloo/tcp/pair.cc:547] Connection closed by peer")
SAYS = "import sys; print('words', file=sys.stderr); print('error: no room', file=sys.stderr); sys.exit({})"
SLEEPS = "import time; time.sleep(600)"


def command(program: str) -> list[str]:
    return [sys.executable, "-c", program]


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[str]]]:
    """Return the processes that are started from here on; none is left in the end."""
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def watched(*arguments: object, **named: object) -> subprocess.Popen[str]:
        started.append(popen(*arguments, **named))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(crew.subprocess, "Popen", watched)
    yield started
    assert started and all(one.poll() is not None for one in started)


@pytest.mark.parametrize(("code", "kind"), [(1, WavenetError), (2, InputError)])
def test_what_another_says_becomes_our_words_and_code(
    members: list[object], capfd: pytest.CaptureFixture[str], code: int, kind: type[WavenetError]
) -> None:
    with (
        pytest.raises(kind, match=r"^process [23] of 3: no room$"),
        crew.beside(command(SAYS.format(code)), Beside(0, 3)),
    ):
        raise LOST
    assert "no room" not in capfd.readouterr().err


@pytest.mark.parametrize(("code", "kind"), [(130, KeyboardInterrupt), (143, Terminated), (129, HungUp)])
def test_a_stop_that_reached_another_first_stays_a_stop(
    members: list[object], code: int, kind: type[BaseException]
) -> None:
    with pytest.raises(kind) as caught, crew.beside(command(SAYS.format(code)), Beside(0, 2)):
        raise LOST
    assert type(caught.value) is kind


def test_one_that_was_killed_is_told_and_one_that_said_nothing_too(members: list[subprocess.Popen[str]]) -> None:
    for program, words in (
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
        ("import os; os._exit(3)", "code 3"),
    ):
        with pytest.raises(WavenetError, match=words), crew.beside(command(program), Beside(0, 2)):
            raise LOST


def test_what_is_said_when_the_terminal_is_gone_holds_nobody_up(
    members: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    talks = "import sys; sys.stderr.write('words\\n' * 100_000)"  # more than a pipe holds
    monkeypatch.setattr(crew.sys, "stderr", Gone())
    with crew.beside(command(talks), Beside(0, 2)):
        assert members[0].wait(60) == 0


@pytest.mark.parametrize("error", [WavenetError("our own"), KeyboardInterrupt(), Terminated(), HungUp()])
def test_our_own_end_is_theirs(members: list[object], error: BaseException) -> None:
    with pytest.raises(type(error)), crew.beside(command(SLEEPS), Beside(0, 3)):
        raise error


def test_an_error_of_ours_that_no_other_explains_stays(members: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "GRACE_SECONDS", 0.1)
    with pytest.raises(RuntimeError, match="gloo"), crew.beside(command(SLEEPS), Beside(0, 2)):
        raise LOST


def test_all_come_to_their_end(members: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    with crew.beside(command("pass"), Beside(0, 2)):
        pass
    assert members[0].returncode == 0
    monkeypatch.setattr(crew, "GRACE_SECONDS", 0.1)
    with crew.beside(command(SLEEPS), Beside(0, 2)):
        pass
    assert members[1].returncode == -signal.SIGKILL


def test_only_the_first_starts_others() -> None:
    for place in (Beside(0), Beside(1, 2), object()):
        with crew.beside(["/does/not/exist"], place):
            pass


ALONE = """
import logging, os, sys, time
from wavenet.training import crew
from wavenet.training.crew import Beside
logging.getLogger("wavenet").addHandler(logging.StreamHandler())
crew.GRACE_SECONDS = 0.1
with crew.beside([sys.executable, "-c", {program!r}], Beside(0, 2)):
    print("inside", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_one_that_waits_in_a_collective_is_ended() -> None:
    done = subprocess.run(command(ALONE.format(program=SAYS.format(2))), capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (2, "words\nerror: process 2 of 2: no room\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="whether a process is there is read from /proc")
def test_none_outlives_the_first() -> None:
    follows = f"from wavenet.training import crew; import os; crew.follow(); print(os.getpid(), flush=True); {SLEEPS}"
    first = subprocess.Popen(command(ALONE.format(program=follows)), stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    with first.stdout as lines:
        assert lines.readline() == "inside\n"
        other = int(lines.readline())
    os.kill(other, signal.SIGINT)
    os.kill(other, signal.SIGTERM)
    os.kill(other, signal.SIGHUP)
    time.sleep(0.5)
    assert os.path.exists(f"/proc/{other}")  # noqa: PTH110
    first.kill()
    first.wait()
    while os.path.exists(f"/proc/{other}"):  # noqa: PTH110
        time.sleep(0.05)
