"""Bad moments for real processes: each command is a fork of a warm process and meets one at a numbered event.

`Server` forks the process that runs the tests, which has imported everything, and asks the fork for one command at a
time.
An event is whatever a command does to files below `root` (make a folder, open, write, sync, rename), and the
work between: decoding, a step, a score, a sound. Writes are seen where Python hands bytes to the
system, so that "half a write" is half of what reaches the disk.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import json
import logging
import os
import re
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

WRITING = ("mkdir", "open", "write", "sync")  # what a full disk refuses, besides the event it begins with
PHASES = (  # by the event that was going on
    (r"decode|cache", "caching"),
    (r"best\.safetensors", "best.safetensors"),
    (r"last\.safetensors", "last.safetensors"),
    (r"good\.safetensors|run/checkpoints$", "good.safetensors"),
    (r"model\.safetensors", "bundle weights"),
    (r"statistics\.safetensors", "statistics"),
    (r"run/model", "bundle config"),
    (r"samples|^sound", "sound, picture"),
    (r"^score", "held-out score"),
    (r"^evaluation", "evaluation"),
    (r"^step", "training step"),
    (r"metrics\.csv", "metrics.csv"),
    (r"train\.log", "train.log"),
    (r"run", "beginning a run"),
)


def phase(event: str) -> str:
    """Return what a command was doing at an event."""
    return next((name for pattern, name in PHASES if re.search(pattern, event)), event)


@dataclass(frozen=True)
class Moment:
    """What happens to a command, and when.

    Args:
        act: what: kill, term, int, stop (until it is killed), or full (a disk that takes nothing more).
        event: at this event, counted from 0, or at the first of this name; None: at no event.
        share: how much of a write is done before; for other events: whether it comes after (from 0.5) or before.
        after: so many seconds after the start, from outside.
        lasting: whether the disk stays full.
    """

    act: str = "kill"
    event: int | str | None = None
    share: float = 0.0
    after: float | None = None
    lasting: bool = True


@dataclass(frozen=True)
class Ending:
    """How a command ended: exit code (negative: by that signal), all it said, its events, what was going on last."""

    code: int
    words: str
    events: list[str]
    during: str
    seconds: float


SIGNALS = {
    "kill": signal.SIGKILL,
    "term": signal.SIGTERM,
    "int": signal.SIGINT,
    "hup": signal.SIGHUP,
    "stop": signal.SIGSTOP,
}


# --- inside a command ------------------------------------------------------------------------------------------------


class Watch:
    """Counts and tells the events below a folder, and does what a moment asks for at one of them."""

    def __init__(self, root: str, moment: Moment, told: int) -> None:
        self.root, self.moment, self.told = root, moment, told
        self.count, self.full, self.met = 0, False, False
        self.target = ""  # what is being written under a temporary name

    def covers(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.root)

    def name(self, path: Any) -> str:
        """Return a path below the root as it is called in every run; a temporary name after what it will be."""
        if re.search(r"\.[0-9a-f]{12}\.tmp", os.fspath(path)):
            return f"{self.target}.tmp"
        short = os.fspath(path).removeprefix(self.root).strip("/")
        return re.sub(r"unfinished-[0-9a-f]{8}-[0-9a-f]{16}|[0-9a-f]{24}", "KEY", short)

    def tell(self, line: str) -> None:
        os.write(self.told, f"{line}\n".encode())

    def around(self, kind: str, name: str, work: Callable[[], Any], part: Callable[[], Any] | None = None) -> Any:
        """Do one event; `part` does the share of it that is done at a bad moment."""
        event = f"{kind} {name}".strip()
        now = not self.met and self.moment.event in (self.count, event)
        self.met, self.count = self.met or now, self.count + 1
        self.tell(event)
        if self.moment.act == "full" and (now or (self.full and kind in WRITING)):
            self.full = self.moment.lasting
            if part is not None:
                part()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if now and part is not None and self.moment.act == "kill":
            part()
            os.kill(os.getpid(), signal.SIGKILL)
        if now and self.moment.share < 0.5:
            os.kill(os.getpid(), SIGNALS[self.moment.act])
        try:
            result = work()
            if now and self.moment.share >= 0.5:
                os.kill(os.getpid(), SIGNALS[self.moment.act])
        finally:
            self.tell(".")
        return result


class Raw(io.FileIO):
    """A file whose every write to the system is an event."""

    watch: Watch
    called: str

    def write(self, data: Any) -> int:
        size = int(memoryview(data).nbytes * self.watch.moment.share)
        some = (lambda: super(Raw, self).write(memoryview(data).cast("B")[:size])) if size else lambda: None
        return self.watch.around("write", self.called, lambda: super(Raw, self).write(data), some)


def watch_files(watch: Watch) -> None:
    """Put the watch around all that writes: files, folders, names."""
    plain = io.open

    def opened(path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if not watch.covers(path) or not set(mode) & set("wax+"):
            return plain(path, mode, *rest, **named)
        raw = watch.around(
            "open", watch.name(path), lambda: Raw(os.fspath(path), mode.replace("b", "").replace("t", ""))
        )
        raw.watch, raw.called = watch, watch.name(path)
        file = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)
        if "b" in mode:
            return file
        return io.TextIOWrapper(file, **{key: named.get(key) for key in ("encoding", "errors", "newline")})

    io.open = builtins.open = opened  # type: ignore[assignment]

    def wrap(place: Any, name: str, kind: str) -> None:
        original = getattr(place, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            path = arguments[1] if kind == "rename" else arguments[0]
            if not watch.covers(path) or (kind == "mkdir" and os.path.exists(path)):  # noqa: PTH110
                return original(*arguments, **named)
            return watch.around(kind, watch.name(path), lambda: original(*arguments, **named))

        setattr(place, name, watched)

    from wavenet import disk

    wrap(os, "replace", "rename")
    wrap(os, "rename", "rename")
    wrap(os, "mkdir", "mkdir")
    wrap(disk, "sync", "sync")
    replacing = disk.replacing

    def replaced(path: Path) -> Any:
        watch.target = watch.name(path)
        return replacing(path)

    disk.replacing = replaced


def watch_work(watch: Watch) -> None:
    """Put the watch around the work between two writes."""
    from wavenet.audio import cache
    from wavenet.evaluation import bits
    from wavenet.evaluation.baselines import Statistics
    from wavenet.training import final_score
    from wavenet.training.module import WaveNetModule
    from wavenet.training.record import Recorder

    for place, name, kind in (
        (cache, "decode", "decode"),
        (bits, "score", "score"),
        (Statistics, "gather", "evaluation: counting"),
        (final_score, "score", "evaluation: scoring"),
        (Recorder, "_told", "sound"),
        (WaveNetModule, "training_step", "step"),
    ):
        original = getattr(place, name)

        def watched(*arguments: Any, original: Any = original, kind: str = kind, **named: Any) -> Any:
            return watch.around(kind, "", lambda: original(*arguments, **named))

        setattr(place, name, watched)


def command(job: dict[str, Any], told: int) -> int:
    """Run one command inside its fork and return its exit code."""
    from wavenet import cli, progress

    # who waits for progress of a sound learns of it soon; a run has none in its log, whatever the machine's pace
    progress.PLAIN_SECONDS = 0.1 if job["argv"][0] == "generate" else float("inf")
    words = os.open(job["words"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(words, number)
    if job["stdout"] is not None:
        os.dup2(os.open(job["stdout"], os.O_WRONLY), 1)
    os.environ["WAVENET_CACHE"] = f"{job['root']}/cache"
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    watch = Watch(job["root"], Moment(**job["moment"]), told)
    watch_files(watch)
    watch_work(watch)
    code = cli.main(job["argv"])
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    return code


# --- the process that forks ------------------------------------------------------------------------------------------


def plain_picture(path: Path, wave: Any, sample_rate: int, title: str) -> None:
    """Write what depends on the sound alone: drawing would take most of the time of a toy run."""
    from wavenet import disk

    disk.write_bytes(path, b"\x89PNG" + wave.tobytes())


def forget_pytest() -> None:
    """Let warnings and logging be as in a process that runs no tests."""
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)
    logging.getLogger().handlers.clear()


def serve(commands: TextIO, answers: TextIO) -> None:
    """Import and compile all there is, then run one command for each line of JSON."""
    import torch
    import toys

    from wavenet import pictures
    from wavenet.generate.voice import Voice
    from wavenet.inspection import measure  # noqa: F401
    from wavenet.training import train

    torch.set_num_threads(1)
    train._tensorboard = lambda run: False  # it writes from a thread of its own, now or later
    os.fsync = lambda number: None  # a fork that is killed loses nothing: the system goes on
    made = toys.recipe()
    list(Voice(made, toys.arrays(made)).stream(samples=200, seed=1, chunk=200))
    pictures.spectrogram = plain_picture
    for line in commands:
        job = json.loads(line)
        reading, told = os.pipe()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.close(reading)
                code = command(job, told)
            except BaseException:  # noqa: BLE001  (nothing may come back into the server's loop)
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(told)
        print(child, file=answers, flush=True)
        print(json.dumps(_watched(child, reading, Moment(**job["moment"]))), file=answers, flush=True)


def _watched(child: int, reading: int, moment: Moment) -> dict[str, Any]:
    """Wait for a command, send it its signal in time, and return how it ended."""
    began, lines, status, sent = time.monotonic(), b"", 0, moment.after is None
    os.set_blocking(reading, False)
    while True:  # the pipe may outlive the command, in processes that it had started
        ended, status = os.waitpid(child, os.WNOHANG)
        with contextlib.suppress(BlockingIOError):
            while got := os.read(reading, 1 << 16):
                lines += got
        if ended:
            break
        elapsed = time.monotonic() - began
        if not sent and elapsed >= moment.after:  # type: ignore[operator]
            os.kill(child, SIGNALS[moment.act])
            sent = True
        time.sleep(0.003)
    os.close(reading)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "lines": lines.decode().splitlines(), "seconds": time.monotonic() - began}


class Server:
    """A warm process that runs commands; use it as a context manager."""

    def __init__(self) -> None:
        theirs, ours = os.pipe(), os.pipe()
        with warnings.catch_warnings():  # of threads: no fork has any, and those of the tests only wait for work
            warnings.simplefilter("ignore")
            self.process = os.fork()
        if self.process == 0:
            try:
                os.close(theirs[1])
                os.close(ours[0])
                forget_pytest()
                serve(os.fdopen(theirs[0]), os.fdopen(ours[1], "w"))
            except BaseException:  # noqa: BLE001  (nothing may come back into the tests)
                traceback.print_exc()
            finally:
                os._exit(0)  # quickly: there is nothing to put away
        os.close(theirs[0])
        os.close(ours[1])
        self.commands, self.answers = os.fdopen(theirs[1], "w"), os.fdopen(ours[0])

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.commands.close()
        os.waitpid(self.process, 0)
        self.answers.close()

    def begin(self, root: Path, argv: Sequence[object], moment: Moment, stdout: str | None = None) -> int:
        """Start a command whose files lie below `root` and return its process; `end` waits for it."""
        self.words = root.with_name(f"{root.name}.words")
        self.words.write_text("")  # who waits for a word finds the file
        job = {"argv": [str(part) for part in argv], "root": str(root), "moment": asdict(moment)}
        print(json.dumps({**job, "words": str(self.words), "stdout": stdout}), file=self.commands, flush=True)
        return int(self.answers.readline())

    def end(self) -> Ending:
        """Return how the command that was started has ended."""
        told = json.loads(self.answers.readline())
        events: list[str] = []
        going_on: list[str] = []
        for line in told["lines"]:
            if line == ".":
                going_on.pop()
            else:
                events.append(line)
                going_on.append(line)
        between = "between" if any(event.startswith("step") for event in events) else "starting"
        during = going_on[-1] if going_on else between
        return Ending(told["code"], self.words.read_text(errors="replace"), events, during, told["seconds"])

    def run(
        self, root: Path, argv: Sequence[object], moment: Moment | None = None, stdout: str | None = None
    ) -> Ending:
        """Run a command to its end, bad or good."""
        self.begin(root, argv, moment or Moment(), stdout)
        return self.end()


# --- what there has to be in the end ---------------------------------------------------------------------------------


def held(root: Path) -> dict[str, Any]:
    """Return all files below a folder by name with what is in them, less what tells of time and place."""
    from wavenet.training import checkpoint
    from wavenet.training.metrics import TIME_COLUMNS, read

    found: dict[str, Any] = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file() and path.name != ".lock"):
        if path.name in ("train.log", "environment.json"):
            found[str(path.relative_to(root))] = "tells of time and place"
        elif path.name == "metrics.csv":
            rows = [{name: row[name] for name in row if name not in TIME_COLUMNS} for row in read(path)]
            found[str(path.relative_to(root))] = rows
        elif path.name == "config.json":
            described = json.loads(path.read_text())
            del described["training"]["seconds"]
            found[str(path.relative_to(root))] = described
        elif path.parent.name == "checkpoints":
            found[str(path.relative_to(root))] = _plain(asdict(checkpoint.load(path)))
        else:
            found[str(path.relative_to(root))] = path.read_bytes()
    return found


def _plain(value: Any) -> Any:
    """Return a checkpoint's state with tensors as their bytes and without what is measured in seconds."""
    from wavenet.training.metrics import TIME_COLUMNS

    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key not in TIME_COLUMNS}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return (str(value.dtype), value.numpy().tobytes()) if hasattr(value, "numpy") else value


@dataclass(frozen=True)
class Unhurt:
    """A run that met no bad moment.

    Args:
        command: what was run, but for where.
        ending: how it ended.
        held: what it left.
    """

    command: list[object]
    ending: Ending
    held: dict[str, Any]

    @classmethod
    def run(cls, server: Server, root: Path, command: list[object]) -> Unhurt:
        """Run a command below a folder that is made for it."""
        root.mkdir()
        ending = server.run(root, [*command, "--out", root / "run"])
        assert ending.code == 0, ending.words
        return cls(command, ending, held(root))

    def again(self, server: Server, root: Path, moment: Moment | None = None) -> Ending:
        """Run the command once more, in another place and maybe into a bad moment."""
        root.mkdir(exist_ok=True)
        return server.run(root, [*self.command, "--out", root / "run"], moment)

    def differs(self, root: Path) -> list[str]:
        """Return the names of the files that are not what they ought to be, or ought not to be."""
        now = held(root)
        return [name for name in sorted({*now, *self.held}) if now.get(name) != self.held.get(name)]
