"""Held: progress is a bar on a terminal, a plain line now and then elsewhere, and silent when words are off."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from wavenet import cli, progress
from wavenet.progress import PLAIN_SECONDS, RECORD, Progress, StderrHandler


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, level, others = Lines(), progress.log.level, list(progress.log.handlers)
    progress.log.handlers[:] = [handler]
    progress.log.setLevel(logging.INFO)
    yield handler
    progress.log.handlers[:] = others
    progress.log.setLevel(level)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: time[0])
    monkeypatch.setattr(progress.sys, "stderr", io.StringIO())
    return time


def test_plain_lines_come_now_and_then_with_rate_and_time_left(lines: Lines, now: list[float]) -> None:
    with Progress("training", 1_000, "steps") as shown:
        for _ in range(20):
            now[0] += PLAIN_SECONDS / 5
            shown.advance(10, "loss 1.5")
    assert lines.said == [
        f"training: {done} of 1,000 steps, 1.667 steps/s, {left} left, loss 1.5"
        for done, left in [(50, "9 min 30 s"), (100, "9 min 00 s"), (150, "8 min 30 s"), (200, "8 min 00 s")]
    ]


def test_a_resumed_count_is_not_taken_for_speed(lines: Lines, now: list[float]) -> None:
    with Progress("training", 1_000, "steps", first=900) as shown:
        now[0] += 50.0
        shown.advance(50)
    assert lines.said == ["training: 950 of 1,000 steps, 1 steps/s, 50 s left"]


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (3_600.0, "100 of 1,000 steps, 2 steps/s, 7 min 30 s left"),  # the steps are up first
        (150.0, "100 of about 300 steps, 2 steps/s, 1 min 40 s left"),
        (50.0, "100 of about 100 steps, 2 steps/s, 0 s left"),
        (20.0, "100 of about 100 steps, 2 steps/s, 0 s left"),  # a long step, a score or a sound went on past it
    ],
)
def test_what_is_left_ends_with_the_time(lines: Lines, now: list[float], until: float, words: str) -> None:
    with Progress("training", 1_000, "steps", until=now[0] + until) as shown:
        now[0] += 50.0
        shown.advance(100)
    assert lines.said == [f"training: {words}"]


def test_where_nothing_is_done_yet_the_time_is_left(lines: Lines, now: list[float]) -> None:
    with Progress("training", 1_000, "steps", first=7, until=now[0] + 90.0) as shown:
        now[0] += PLAIN_SECONDS
        shown.advance(0)
    assert lines.said == ["training: 7 of 1,000 steps, 0 steps/s, 1 min 00 s left"]


def test_a_bar_ends_where_the_time_does(lines: Lines, now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    with Progress("training", 1_000, "steps", until=now[0] + 150.0) as shown:
        now[0] += 50.0
        shown.advance(100)
        shown.say("a word")
    assert "100/300" in terminal.getvalue() and "100/1000" not in terminal.getvalue()


def test_a_note_stays_until_the_next(lines: Lines, now: list[float]) -> None:
    with Progress("reading", 10, "files") as shown:
        shown.advance(1, "first")
        now[0] += PLAIN_SECONDS
        shown.advance(1)
        now[0] += PLAIN_SECONDS
        shown.advance(1, "second")
    assert [line.rsplit(", ", 1)[1] for line in lines.said] == ["first", "second"]


@pytest.mark.parametrize(("done", "told"), [(4, "0.1333"), (30_000, "1,000"), (2_217_000, "73,900")])
def test_rates_are_plain_numbers(lines: Lines, now: list[float], done: int, told: str) -> None:
    with Progress("scoring", done, "samples") as shown:
        now[0] += PLAIN_SECONDS
        shown.advance(done)
    assert f" samples, {told} samples/s, " in lines.said[0]


def test_a_count_is_reached_though_the_total_was_only_about_right(lines: Lines, now: list[float]) -> None:
    with Progress("downloading", 10, "MB") as shown:
        shown.reach(4)
        shown.reach(3)
        assert (shown.done, shown.total) == (4, 10)
        now[0] += PLAIN_SECONDS
        shown.reach(12)
    assert lines.said == ["downloading: 12 of 12 MB, 0.4 MB/s, 0 s left"]


def test_short_work_says_nothing(lines: Lines, now: list[float]) -> None:
    with Progress("reading", 10, "files") as shown:
        for _ in range(10):
            now[0] += PLAIN_SECONDS / 11
            shown.advance(1)
    assert lines.said == []


def test_no_time_and_no_count_divide_by_nothing(lines: Lines, now: list[float]) -> None:
    with Progress("reading", 0, "files") as shown:
        assert shown._line() == "reading: 0 of 0 files, 0 files/s, 0 s left"
        now[0] += PLAIN_SECONDS
        shown.advance(0)
    assert lines.said == ["reading: 0 of 0 files, 0 files/s, 0 s left"]


def test_quiet_means_quiet_on_a_terminal_too(lines: Lines, now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    progress.log.setLevel(logging.WARNING)
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    with Progress("training", 10, "steps") as shown:
        now[0] += 10 * PLAIN_SECONDS
        shown.advance(5)
        shown.say("a word")
    assert terminal.getvalue() == ""
    assert lines.said == []


def test_a_terminal_gets_a_bar_and_whole_words(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    with Progress("training", 10, "steps", first=2) as shown:
        shown.advance(3, "loss 1.5")
        shown.say("saved")
        shown.advance(5)
    drawn = terminal.getvalue()
    assert "training" in drawn
    assert "5/10" in drawn
    assert "steps/s" in drawn
    assert "loss 1.5" in drawn
    assert lines.said == ["saved"]
    assert shown.done == 10


@pytest.mark.parametrize("terminal", [False, True])
def test_an_exception_passes_through(lines: Lines, monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.setattr(progress.sys, "stderr", Terminal() if terminal else io.StringIO())
    with pytest.raises(KeyboardInterrupt), Progress("training", 10, "steps"):
        raise KeyboardInterrupt


# --- where words go --------------------------------------------------------------------------------------------------


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Return standard error in a script that never heard of logging."""
    monkeypatch.setattr(progress.log, "parent", logging.RootLogger(logging.WARNING))  # pytest's has handlers
    monkeypatch.setattr(progress.log, "handlers", [StderrHandler()])
    monkeypatch.setattr(progress.log, "propagate", True)
    before = progress.log.level
    progress.log.setLevel(logging.INFO)
    yield capsys
    progress.log.setLevel(before)


def speak() -> None:
    progress.log.debug("detail")
    progress.log.info("step %d", 1)
    progress.log.warning("loud")


def test_words_are_on_stderr_where_nobody_set_logging_up(plain: pytest.CaptureFixture[str]) -> None:
    speak()
    assert plain.readouterr().err == "step 1\nwarning: loud\n"


def test_the_record_of_a_run_does_not_silence_them(plain: pytest.CaptureFixture[str]) -> None:
    kept = Lines()
    kept.set_name(RECORD)
    progress.log.addHandler(kept)
    speak()
    assert plain.readouterr().err == "step 1\nwarning: loud\n" and kept.said == ["step 1", "loud"]


def test_a_level_silences_them(plain: pytest.CaptureFixture[str]) -> None:
    progress.log.setLevel(logging.WARNING)
    speak()
    assert plain.readouterr().err == "warning: loud\n"


@pytest.mark.parametrize("above", [False, True])
def test_a_handler_of_the_users_own_takes_them_once(plain: pytest.CaptureFixture[str], above: bool) -> None:
    own = Lines()
    assert progress.log.parent is not None
    (progress.log.parent if above else progress.log).addHandler(own)
    speak()
    assert plain.readouterr().err == "" and own.said == ["step 1", "loud"]


def test_a_script_without_stderr_goes_on(plain: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.sys, "stderr", None)
    speak()
    with Progress("reading", 10, "files") as shown:
        shown.advance(1)


def test_the_command_line_says_everything_once(plain: pytest.CaptureFixture[str]) -> None:
    assert progress.log.parent is not None
    progress.log.parent.addHandler(logging.StreamHandler())
    assert cli.main(["recipes"]) == 0
    plain.readouterr()
    speak()
    assert plain.readouterr().err == "step 1\nwarning: loud\n"


def test_importing_chooses_a_level_only_where_none_was_chosen() -> None:
    code = "import logging; {} from wavenet.progress import log; log.info('heard')"
    for before, said in (("", "heard\n"), ("logging.getLogger('wavenet').setLevel(30);", "")):
        done = subprocess.run([sys.executable, "-c", code.format(before)], capture_output=True, text=True)
        assert (done.returncode, done.stderr, done.stdout) == (0, said, "")
