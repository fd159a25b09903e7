"""What decoders print to standard error on their own, in C: caught while they work, for one sentence at most of ours.

libsndfile keeps what it has to say to itself; mpg123 inside it does not. Standard error is one for the whole process,
so that what other threads write meanwhile is caught too: it is passed on a moment later.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

STDERR = 2
DECODERS = re.compile(  # the lines of mpg123, which may begin in the middle of a bar that another thread draws
    rb"(?<![A-Za-z])(?:\[src/libmpg123/[^\n]*|mpg123 programmer error[^\n]*|(?:Note|Warning): (?=[^\n]*"
    rb"(?:Xing|Info:|Frankenstein|MPEG|ID3|RIFF|RVA|[Ff]rame|resync|Skipped|Junk|bit reservoir|fuzzy|free format"
    rb"|BMP|available|Input data|Encoder delay|Storing|tag|preamp))[^\n]*)(?:\n|$)"
)
SKIPPED = re.compile(r"Skipped (\d+) bytes in input")
ERROR = re.compile(r"libmpg123/(?:parse|layer\d)\.c.* error: (.*)")  # others are of tags, which hold no sound


@dataclass
class Heard:
    """What the decoders said, line by line."""

    lines: list[str] = field(default_factory=list)

    def damage(self) -> str:
        """Return what it tells of sound that is lost; empty where nothing does."""
        skipped = sum(int(found[1]) for line in self.lines if (found := SKIPPED.search(line)))
        errors = [found[1] for line in self.lines if (found := ERROR.search(line))]
        if skipped:
            gave_up = " and gave up" if any("Giving up" in error for error in errors) else ""
            return f"its decoder passed over {skipped:,} bytes{gave_up}"
        return f"its decoder says {errors[0]!r}" if errors else ""


_turn = threading.RLock()  # one at a time: standard error is put back before the next puts it aside


class _Memory:
    """Where standard error goes meanwhile: one place for the life of a process.

    What another thread was just writing while standard error was put back comes out the next time, or in the end.
    """

    def __init__(self) -> None:
        self.file = _in_memory()
        self.done = 0  # bytes that were passed on
        self.in_use = False

    def pass_on(self, out: int, into: Heard) -> None:
        """Sort what was written since the last time: decoders' lines into `into`, all else on."""
        there, text = os.fstat(self.file.fileno()).st_size, b""
        if there > self.done and hasattr(os, "pread"):
            text = os.pread(self.file.fileno(), there - self.done, self.done)
        elif there > self.done:
            self.file.seek(self.done)
            text = self.file.read()
        self.done = there
        into.lines += [line.decode("utf-8", "replace").strip() for line in DECODERS.findall(text)]
        rest = DECODERS.sub(b"", text)
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[os.write(out, rest) :]


_memory: _Memory | None = None


def _begin_anew() -> None:
    """Make a new lock and place in a process that was forked: the old ones are another process's."""
    global _turn, _memory  # noqa: PLW0603
    if _memory is not None:
        _memory.file.close()
    _turn = threading.RLock()
    _memory = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def _let_out() -> None:
    """Pass on what came too late, at the end of the process."""
    with _turn, contextlib.suppress(OSError):
        if _memory is not None:
            _memory.pass_on(STDERR, Heard())
            _memory.file.close()


atexit.register(_let_out)


@contextlib.contextmanager
def caught(into: Heard) -> Iterator[None]:
    """Add to `into` what decoders print in this block; what others print to standard error comes out behind it."""
    global _memory  # noqa: PLW0603
    with _turn, contextlib.ExitStack() as stack:
        try:
            aside = os.dup(STDERR)
            stack.callback(os.close, aside)
            _memory = memory = _memory or _Memory()
            if memory.in_use:  # this thread's own block around this one hears it
                yield
                return
            os.dup2(memory.file.fileno(), STDERR)
        except OSError:  # it is closed, or there is nowhere to write: then it is as it was
            yield
            return
        memory.in_use = True
        try:
            yield
        finally:
            # first, so that what is written from here on comes behind it; without `pread` it would be torn
            if hasattr(os, "pread"):
                memory.pass_on(aside, into)
            os.dup2(aside, STDERR)
            memory.in_use = False
            memory.pass_on(aside, into)


def _in_memory() -> BinaryIO:
    """Return an empty file that takes no room on a disk, which may be full; if not on Linux, a temporary one."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)
