"""Messages and progress on stderr: a bar with rate and time left on a terminal, else a plain line now and then.

Messages go through the logger ``wavenet`` to stderr, unless logging was set up by ``logging.basicConfig`` or a handler;
`train` keeps them in a file too. ``logging.getLogger("wavenet").setLevel(logging.WARNING)`` silences all but warnings.
"""

from __future__ import annotations

import logging
import sys
import time

from wavenet.text import clock

log = logging.getLogger("wavenet")

PLAIN_SECONDS = 30.0  # between two plain lines where stderr is no terminal
RECORD = "train.log"  # the handler with this name keeps the record of a run, and replaces no other


class StderrHandler(logging.Handler):
    """Shows messages on stderr, unless this logger, or one above it, has another handler; warnings are marked."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        if sys.stderr is None or self._replaced():
            return
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001  (as Python's own handlers do)
            self.handleError(record)

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        text = record.getMessage()
        return f"warning: {text}" if record.levelno == logging.WARNING else text

    def _replaced(self) -> bool:
        others = [handler for handler in log.handlers if handler is not self and handler.get_name() != RECORD]
        return bool(others) or (log.propagate and log.parent is not None and log.parent.hasHandlers())


log.addHandler(StderrHandler())
if log.level == logging.NOTSET:  # else it was chosen before this was imported
    log.setLevel(logging.INFO)


class Progress:
    """A count towards a total that reports itself; use it as a context manager.

    Args:
        label: what is being done.
        total: how many units there are.
        unit: what is counted, in the plural.
        first: units that were done before (a resumed run).
        until: the time of `time.monotonic()` at which the work ends before its total; None: never.
    """

    def __init__(self, label: str, total: int, unit: str, first: int = 0, until: float | None = None) -> None:
        self.label, self.total, self.unit, self.done, self.first = label, total, unit, first, first
        self.until, self.note = until, ""
        self._began = self._said = time.monotonic()
        self._bar = None
        if log.isEnabledFor(logging.INFO) and sys.stderr is not None and sys.stderr.isatty():
            from tqdm import tqdm

            scaled = total > 10_000
            self._bar = tqdm(desc=label, total=total, initial=first, unit=f" {unit}", unit_scale=scaled, leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, count: int, note: str = "") -> None:
        """Count `count` more units; `note` is shown behind the numbers."""
        self.done += count
        self.note = note or self.note
        if self._bar is not None:
            self._bar.set_postfix_str(self.note, refresh=False)
            self._bar.total = self._end()[0]
            self._bar.update(count)
        elif time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            log.info(self._line())

    def reach(self, count: int) -> None:
        """Count up to `count`, which may lie beyond a total that is only about right."""
        self.total = max(self.total, count)
        self.advance(max(0, count - self.done))

    def say(self, line: str) -> None:
        """Log `line` without tearing the bar."""
        if self._bar is not None:
            self._bar.clear()
        log.info(line)
        if self._bar is not None:
            self._bar.refresh()

    def _rate(self) -> float:
        elapsed = time.monotonic() - self._began
        return (self.done - self.first) / elapsed if elapsed > 0 else 0.0

    def _end(self) -> tuple[int, float]:
        """Return the count at which the work will end, as far as can be said now, and the seconds until then."""
        rate = self._rate()
        left = (self.total - self.done) / rate if rate > 0 else 0.0
        if self.until is None:
            return self.total, left
        time_left = max(0.0, self.until - time.monotonic())
        if rate <= 0 or left <= time_left:
            return self.total, left if rate > 0 else time_left
        return self.done + round(rate * time_left), time_left

    def _line(self) -> str:
        end, left = self._end()
        about, note = "" if end == self.total else "about ", f", {self.note}" if self.note else ""
        rate = self._rate()
        speed = f"{rate:,.0f}" if rate >= 1_000 else f"{rate:.4g}"
        done = f"{self.done:,} of {about}{end:,} {self.unit}, {speed} {self.unit}/s"
        return f"{self.label}: {done}, {clock(left)} left{note}"
