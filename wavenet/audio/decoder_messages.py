"""What mpg123, inside libsndfile, prints to standard error: caught while it decodes, for a note of what is lost.

Standard error is one for the whole process: what other threads write meanwhile is caught too, and written out after.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator

STDERR = 2
MESSAGES = re.compile(  # they may begin in the middle of a progress bar that another thread draws
    rb"(?<![A-Za-z])(?:\[src/libmpg123/[^\n]*|mpg123 programmer error[^\n]*|(?:Note|Warning): (?=[^\n]*"
    rb"(?:Xing|Info:|Frankenstein|MPEG|ID3|RIFF|RVA|[Ff]rame|resync|Skipped|Junk|bit reservoir|fuzzy|free format"
    rb"|BMP|available|Input data|Encoder delay|Storing|tag|preamp))[^\n]*)(?:\n|$)"
)
SKIPPED = re.compile(r"Skipped (\d+) bytes in input")
ERROR = re.compile(r"libmpg123/(?:parse|layer\d)\.c.* error: (.*)")  # others are of tags, which hold no sound

_turn = threading.RLock()  # one at a time: standard error is put back before the next takes it


@contextlib.contextmanager
def caught(messages: list[str]) -> Iterator[None]:
    """Add to `messages` the lines that the decoder prints in this block; what others print comes out behind it."""
    with _turn, contextlib.ExitStack() as stack:
        try:
            genuine = os.dup(STDERR)
            stack.callback(os.close, genuine)
            held = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            os.dup2(held.fileno(), STDERR)
        except OSError:  # it is closed, or there is nowhere to write: then it is left as it is
            yield
            return
        try:
            yield
        finally:
            os.dup2(genuine, STDERR)
            held.seek(0)
            text = held.read()
            messages += [line.decode("utf-8", "replace").strip() for line in MESSAGES.findall(text)]
            with contextlib.suppress(OSError), open(genuine, "wb", closefd=False) as stderr:
                stderr.write(MESSAGES.sub(b"", text))


def damage(messages: list[str]) -> str:
    """Return what the decoder's messages tell of sound that is lost; empty where nothing does."""
    skipped = sum(int(found[1]) for line in messages if (found := SKIPPED.search(line)))
    errors = [found[1] for line in messages if (found := ERROR.search(line))]
    if skipped:
        gave_up = " and gave up" if any("Giving up" in error for error in errors) else ""
        return f"its decoder skipped {skipped:,} bytes{gave_up}"
    return f"its decoder says {errors[0]!r}" if errors else ""
