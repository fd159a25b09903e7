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
from wavenet.progress import Words, log
from wavenet.text import on_one_line, printable

HUNG_UP = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # before NumPy and torch are imported: NumPy's products here are too small for threads; and torch's waiting threads
    # sleep instead of spinning, which on a shared machine is several times faster (LOG.md)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _open_streams()
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what no encoding can print
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser, verbs = arguments_of(VERBS)
    arguments, rest = parser.parse_known_args(argv)
    if rest:
        getattr(arguments, "parser", verbs.get(arguments.verb, parser)).error(
            f"unrecognized arguments: {' '.join(rest)}"
        )
    _words(arguments.quiet)
    before = {number: signal.getsignal(number) for number in stop_signals() if number != signal.SIGINT}
    try:
        for number in before:
            signal.signal(number, _terminate)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own flush stays silent
        return HUNG_UP
    except KeyboardInterrupt:
        log.error("interrupted")
        return 130
    except Terminated as error:
        log.error(error.word)
        return error.exit_code
    except WavenetError as error:
        _show(error, arguments.verbose)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  (the last place that can turn a traceback into a line)
        _show(error, arguments.verbose)
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _open_streams() -> None:
    """Let a stream that the shell closed (``>&-``) lead nowhere: Python has None there, which nothing can write to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  (open to the end)


def _terminate(number: int, frame: FrameType | None) -> None:
    if number != signal.SIGTERM:  # the shell and the system both tell of a closed terminal: once is enough
        signal.signal(number, signal.SIG_IGN)
    raise STOPS[signal.Signals(number).name]


def _show(error: BaseException, verbose: bool) -> None:
    if verbose:
        traceback.print_exc()
    text = printable(on_one_line(error))
    if isinstance(error, MemoryError):
        text = f"out of memory ({text or 'no more was to be had'}); ask for less, or take a smaller model"
    elif not isinstance(error, WavenetError | OSError):
        text = f"{type(error).__name__}: {text} (unexpected; -v shows where)"
    log.error("error: %s", text)


def _words(quiet: bool) -> None:
    """Send the program's words to stderr: all of them, or only warnings and errors."""
    logging.raiseExceptions = False  # a full disk under train.log is told once, by what it breaks
    log.handlers[:] = [Words()]
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    log.propagate = False
