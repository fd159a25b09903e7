"""What decoders print to standard error on their own, in C: caught while they work, for one sentence at most of ours.

libsndfile keeps what it has to say to itself; mpg123 inside it does not. Standard error is one for the whole process:
what other threads write meanwhile is caught too, and passed on a moment later.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
import time
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


@contextlib.contextmanager
def caught(into: Heard) -> Iterator[None]:
    """Add to `into` what decoders print in this block; what others print to standard error comes out behind it."""
    with _turn, contextlib.ExitStack() as stack:
        try:
            aside = os.dup(STDERR)
            stack.callback(os.close, aside)
            held = stack.enter_context(_in_memory())
            os.dup2(held.fileno(), STDERR)
        except OSError:  # it is closed, or there is nowhere to write: then it is as it was
            yield
            return
        try:
            yield
        finally:
            os.dup2(aside, STDERR)
            text = _written(held)
            into.lines += [line.decode("utf-8", "replace").strip() for line in DECODERS.findall(text)]
            rest = DECODERS.sub(b"", text)
            with contextlib.suppress(OSError):
                while rest:
                    rest = rest[os.write(STDERR, rest) :]


def _written(held: BinaryIO) -> bytes:
    """Return what was written into a file; where it can, without moving the place where a thread may still write."""
    if not hasattr(os, "pread"):
        held.seek(0)
        return held.read()
    time.sleep(0)  # lets a thread end the line that it is in
    return os.pread(held.fileno(), os.fstat(held.fileno()).st_size, 0)


def _in_memory() -> BinaryIO:
    """Return an empty file that takes no room on a disk, which may be full; if not on Linux, a temporary one."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("stderr"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)
