"""The command line: errors become exit codes. `arguments.py` says what it takes, `verbs.py` does it.

``wavenet --help`` and ``wavenet inspect`` import neither torch nor NumPy. Results go to stdout, words and progress to
stderr. Exit codes: 0 done, 1 failed while running, 2 wrong usage, recipe, path or input, 130 Ctrl-C, 143 SIGTERM,
129 SIGHUP (the terminal was closed; with `nohup` it is ignored), 141 the reader of stdout hung up.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from wavenet.cli.arguments import arguments_of
from wavenet.cli.verbs import VERBS
from wavenet.errors import STOPS, Terminated, WavenetError, stop_signals
from wavenet.progress import StderrHandler, log
from wavenet.text import one_line, printable


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # before NumPy and torch are imported: NumPy's products here are too small for threads; and torch's waiting threads
    # sleep instead of spinning, which on a shared machine is several times faster (LOG.md)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _prepare_streams()
    arguments, rest = arguments_of(VERBS).parse_known_args(argv)
    if rest:
        arguments.parser.error(f"unrecognized arguments: {' '.join(rest)}")
    _set_up_logging(arguments.quiet)
    before = {number: signal.getsignal(number) for number in stop_signals() if number != signal.SIGINT}
    try:
        for number in before:
            signal.signal(number, _terminate)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own flush stays silent
        return 141
    except KeyboardInterrupt:
        log.error("interrupted")
        return 130
    except Terminated as error:
        log.error(error.word)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  (the last place that can turn a traceback into a line)
        if arguments.verbose:
            traceback.print_exc()
        log.error("error: %s", _sentence(error))
        return error.exit_code if isinstance(error, WavenetError) else 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _prepare_streams() -> None:
    """Let a stream that the shell closed (``>&-``) lead nowhere, and escape what an encoding cannot print."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  (open to the end)
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _terminate(number: int, frame: FrameType | None) -> None:
    if number != signal.SIGTERM:  # the shell and the system both report a closed terminal: once is enough
        signal.signal(number, signal.SIG_IGN)
    raise STOPS[signal.Signals(number).name]


def _sentence(error: Exception) -> str:
    text = printable(one_line(error, 640))
    if isinstance(error, MemoryError):
        return f"out of memory ({text}); ask for less, or take a smaller model"
    known = isinstance(error, WavenetError | OSError)
    return text if known else f"{type(error).__name__}: {text} (unexpected; -v shows where)"


def _set_up_logging(quiet: bool) -> None:
    """Send the program's words to stderr: all of them, or only warnings and errors."""
    logging.raiseExceptions = False  # a full disk under train.log is reported once, by what it breaks
    log.handlers[:] = [StderrHandler()]
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    log.propagate = False
