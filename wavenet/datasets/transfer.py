"""One file over HTTP, into a part that a later call goes on with, whatever stopped the first one.

Only a file with a checksum is continued, since the checksum tells a part that was put together from two versions of
the file; a file without one starts over. Proxies are those of the environment, as urllib reads them.
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from wavenet import __version__, disk
from wavenet.datasets.catalogue import amount
from wavenet.errors import FetchError
from wavenet.progress import Progress
from wavenet.text import one_line, printable

TIMEOUT = 30.0  # seconds without a byte
WAITS = (1.0, 3.0, 10.0, 30.0)  # seconds before a failed try is repeated
BLOCK_BYTES = 1 << 18
MANY_BYTES = 1 << 20  # a try that brought more than this did not fail
UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED)
OFFLINE = (
    "this machine may be offline, need a proxy (https_proxy=http://NAME:PASSWORD@HOST:PORT), or have a wrong clock or "
    "wrong certificates (SSL_CERT_FILE)"
)


class _TryError(Exception):
    """A try failed; `lasting`: for a reason that does not pass by itself."""

    def __init__(self, reason: str, lasting: bool = False) -> None:
        super().__init__(reason)
        self.lasting = lasting


@dataclass
class Transfer:
    """A file to be downloaded.

    Args:
        url: where it is.
        part: the file that grows.
        size: how many bytes it has; about, where there is no checksum: then up to four times as much is taken.
        checked: whether there is a checksum.
        begins: its first bytes; an answer that begins otherwise is something else and replaces nothing.
    """

    url: str
    part: Path
    size: int
    checked: bool
    begins: bytes = b""
    _reached: bool = field(default=False, init=False, repr=False)  # whether a server has answered yet

    @property
    def have(self) -> int:
        """Bytes of the part that need not be sent again: none where no checksum tells whether they fit to the rest."""
        return self.part.stat().st_size if self.checked and self.part.exists() else 0

    @property
    def missing(self) -> int:
        """Bytes that are still to come."""
        return max(0, self.size - self.have)

    def kept(self) -> str:
        """Return in words what is kept of the file, and how to go on."""
        kept = f"{amount(self.have)} of {amount(self.size)} are kept in {self.part}" if self.have else "nothing is kept"
        return f"{kept}; run the same command again to go on"

    def run(self, name: str) -> None:
        """Download what is missing.

        Args:
            name: what the progress calls it.

        Raises:
            FetchError: offline, an answer of the server that says no, too many tries, or a full disk. The part stays.
        """
        if self.have > self.size:
            self.part.unlink()
        failures, most = 0, self.have
        with Progress(f"downloading {name}", max(1, self.size // 10**6), "MB", self.have // 10**6) as progress:
            while self.missing:
                try:
                    self._try(progress)
                    return
                except _TryError as error:
                    failures = 1 if self.have > most + MANY_BYTES else failures + 1
                    most = max(most, self.have)
                    if error.lasting or failures > len(WAITS):
                        raise FetchError(f"{error}; {self.kept()}") from None
                    wait = WAITS[failures - 1]
                    progress.say(f"{error}; trying again in {wait:g} s")
                    time.sleep(wait)

    # --- one try -----------------------------------------------------------------------------------------------------

    def _try(self, progress: Progress) -> None:
        """Ask once and take all that is missing, or raise _TryError."""
        have = self.have
        headers = {"User-Agent": f"wavenet/{__version__}"}
        if have:
            headers["Range"] = f"bytes={have}-"
        opener = urllib.request.build_opener()  # not urlopen's, which keeps the proxies that it found at first
        try:
            with opener.open(urllib.request.Request(self.url, headers=headers), timeout=TIMEOUT) as answer:
                self._reached = True
                self._take(answer, progress)
        except urllib.error.HTTPError as error:
            with error:
                self._reached = True
                raise self._refused(error.code, _words(error.reason)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._broken(getattr(error, "reason", error)) from None

    def _take(self, answer: Any, progress: Progress) -> None:
        """Add to the part what it lacks, or write it anew where the server sends the whole file."""
        if self.url.startswith("https:") and not answer.url.startswith("https:") and not self.checked:
            raise FetchError(
                f"{self._host()} leads to {_words(answer.url)}, which is not encrypted and has no checksum"
            )
        at, most = 0, self.size if self.checked else 4 * self.size
        if answer.status == 206:
            begins = re.match(r"bytes (\d{1,19})-", answer.headers.get("Content-Range", ""))
            at = self.have
            if not begins or int(begins[1]) != at:
                self.part.unlink()  # such a server is asked for the whole
                raise _TryError(f"{self._host()} answered with another part of the file than was asked for")
        length = answer.headers.get("Content-Length", "")
        total = at + int(length) if re.fullmatch("[0-9]{1,19}", length) else None
        if total is not None and (total > most or (self.checked and total < self.size)):
            raise _TryError(
                f"{self._host()} offers {total:,} bytes, expected {'' if self.checked else 'about '}{self.size:,}: "
                "a proxy may have answered, or the publisher has changed the file",
                lasting=True,
            )
        block = self._beginning(answer) if at == 0 else b""
        with disk.explained(self.part, "make room there"):
            out = self.part.open("ab" if at else "wb", buffering=0)
        with out:
            while block := block or answer.read1(BLOCK_BYTES):
                at += len(block)
                if at > most:
                    raise FetchError(f"{self._host()} sends more than {most:,} bytes, which is not the file")
                self._append(out, block)
                block = b""
                progress.reach(at // 10**6)
        if at < (self.size if self.checked else total or 0):
            raise _TryError(f"the connection to {self._host()} broke off")

    def _beginning(self, answer: Any) -> bytes:
        """Return the first block of the file, or raise _TryError where it is that of something else."""
        block: bytes = answer.read1(BLOCK_BYTES)
        if not block:
            raise _TryError(f"{self._host()} sent nothing")
        if not block.startswith(self.begins[: len(block)]):
            raise _TryError(
                f"{urllib.parse.urlsplit(answer.url).netloc} sent something else than the archive (it begins with "
                f"{block[:16]!r}): a proxy, or a network that wants you to log in first, may have answered",
                lasting=True,
            )
        return block

    def _append(self, out: IO[bytes], block: bytes) -> None:
        """Write a block, in as many pieces as the system takes it."""
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[out.write(rest) :]
        except OSError as error:
            raise _TryError(f"{self.part} cannot grow ({error.strerror}): make room there", lasting=True) from None

    # --- what went wrong ---------------------------------------------------------------------------------------------

    def _refused(self, code: int, reason: str) -> Exception:
        """Return what an answer of the server that brings no file means."""
        if code == 416:  # some servers refuse a part rather than send the whole
            self.part.unlink(missing_ok=True)
        answered = f"{self._host()} answered {code} {reason}"
        if code in (408, 416, 429) or code >= 500:
            return _TryError(answered)
        if code == 407:
            return _TryError(f"{answered}: {OFFLINE}", lasting=True)
        return FetchError(
            f"{answered} for {self.url}; the publisher may have moved it: look for it there, and train with --data DIR"
        )

    def _broken(self, reason: object) -> Exception:
        """Return what a connection means that failed or ended early."""
        words, host = _words(getattr(reason, "strerror", None) or reason), self._host()
        unreached = isinstance(reason, socket.gaierror | ValueError)  # a wrong address or certificate is a ValueError
        unreached = unreached or getattr(reason, "errno", None) in UNREACHABLE or "Tunnel connection failed" in words
        if unreached:
            return _TryError(f"{host} cannot be reached ({words}): {OFFLINE}", lasting=not self._reached)
        if isinstance(reason, TimeoutError):
            return _TryError(f"{host} has not answered for {TIMEOUT:g} s")
        why = f" ({words})" if isinstance(reason, OSError) else ""  # else of no use: IncompleteRead(0 bytes read)
        return _TryError(f"the connection to {host} broke off{why}")

    def _host(self) -> str:
        return urllib.parse.urlsplit(self.url).netloc


def _words(told: object) -> str:
    """Return what a server or a library said as one short line that any terminal can show."""
    return printable(one_line(told, 160))
