"""One file over HTTP, into a part that a later call goes on with, whatever stopped the first one.

Only a file with a checksum is continued, since the checksum tells a part that was put together from two versions of
the file; a file without one starts over. Proxies are those of the environment, as urllib reads them.
"""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
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
AGAIN = "; run the same command again to go on"
PROXY = "the proxy asks for a name and a password (https_proxy=http://NAME:PASSWORD@HOST:PORT)"


class _BrokenOffError(Exception):
    """A try ended early for a reason that may pass; `offline`: no server was reached."""

    def __init__(self, reason: str, offline: bool = False) -> None:
        super().__init__(reason)
        self.offline = offline


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
    _ranges: bool = field(default=True, init=False, repr=False)  # whether the server sends parts as asked

    @property
    def have(self) -> int:
        """Bytes of the part that need not be sent again: none where no checksum tells whether they fit to the rest."""
        return self.part.stat().st_size if self.checked and self.part.exists() else 0

    @property
    def missing(self) -> int:
        """Bytes that are still to come."""
        return max(0, self.size - self.have)

    def kept(self) -> str:
        """Return in words what is kept of the file."""
        return f"{amount(self.have)} of {amount(self.size)} are kept in {self.part}" if self.have else "nothing is kept"

    def run(self, name: str) -> None:
        """Download what is missing.

        Args:
            name: what the progress calls it.

        Raises:
            FetchError: offline, an answer of the server that says no, too many tries, or a full disk. The part stays.
        """
        if self.have > self.size:
            self.part.unlink()
        failures, reached, most = 0, False, self.have
        with Progress(f"downloading {name}", max(1, self.size // 10**6), "MB", self.have // 10**6) as progress:
            while self.missing:
                try:
                    self._try(progress)
                    return
                except _BrokenOffError as error:
                    reached = reached or not error.offline
                    failures = 1 if self.have > most + MANY_BYTES else failures + 1
                    most = max(most, self.have)
                    if not reached or failures > len(WAITS):
                        raise FetchError(f"{error}; {self.kept()}{AGAIN}") from None
                    wait = WAITS[failures - 1]
                    progress.say(f"{error}; {self.kept()}; trying again in {wait:g} s")
                    time.sleep(wait)

    # --- one try -----------------------------------------------------------------------------------------------------

    def _try(self, progress: Progress) -> None:
        """Ask once and take all that is missing, or raise _BrokenOffError."""
        have = self.have
        headers = {"User-Agent": f"wavenet/{__version__}"}
        if have and self._ranges:
            headers["Range"] = f"bytes={have}-"
        opener = urllib.request.build_opener()  # not urlopen's, which keeps the proxies that it found at first
        try:
            with opener.open(urllib.request.Request(self.url, headers=headers), timeout=TIMEOUT) as answer:
                self._take(answer, have, progress)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error.code, _words(error.reason)) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._broken(getattr(error, "reason", error)) from None

    def _take(self, answer: Any, have: int, progress: Progress) -> None:
        """Add to the part what it lacks; what it has already and is sent again is passed over."""
        if self.url.startswith("https:") and not answer.url.startswith("https:") and not self.checked:
            raise FetchError(
                f"{self._host()} leads to {_words(answer.url)}, which is not encrypted and has no checksum"
            )
        at, most = 0, self.size if self.checked else 4 * self.size
        if answer.status == 206:
            begins = re.match(r"bytes (\d{1,19})-", answer.headers.get("Content-Range", ""))
            if not begins or int(begins[1]) != have:
                self._ranges = False
                raise _BrokenOffError(f"{self._host()} answered with a different part of the file than requested")
            at = have
        length = answer.headers.get("Content-Length", "")
        total = at + int(length) if re.fullmatch("[0-9]{1,19}", length) else None
        if total is not None and (total > most or (self.checked and total < self.size)):
            raise FetchError(
                f"{self._host()} offers {total:,} bytes, expected {'' if self.checked else 'about '}{self.size:,}: "
                f"a proxy may have answered, or the publisher has changed the file; {self.kept()}; try again later"
            )
        block = self._beginning(answer) if at == 0 else b""
        with disk.explained(self.part, "make room there"):
            out = self.part.open("ab" if self.checked else "wb", buffering=0)
        with out:
            while block := block or answer.read1(BLOCK_BYTES):
                at += len(block)
                if at > most:
                    raise FetchError(f"{self._host()} sends more than {most:,} bytes, which is not the file")
                self._append(out, block[max(0, len(block) - max(0, at - have)) :])
                block = b""
                done = max(at, have) // 10**6
                progress.total = max(progress.total, done)  # where the size is only about known
                progress.advance(done - progress.done)
        if at < (self.size if self.checked else total or 0):
            raise _BrokenOffError(f"the connection to {self._host()} broke off")

    def _beginning(self, answer: Any) -> bytes:
        """Return the first block of the file, or raise FetchError where it is that of something else."""
        block: bytes = answer.read1(BLOCK_BYTES)
        if not block:
            raise _BrokenOffError(f"{self._host()} sent nothing")
        if not block.startswith(self.begins[: len(block)]):
            raise FetchError(
                f"{urllib.parse.urlsplit(answer.url).netloc} sent something other than the archive (it begins with "
                f"{block[:16]!r}): a proxy, or a network that wants you to log in first, may have answered; "
                f"{self.kept()}{AGAIN}"
            )
        return block

    def _append(self, out: IO[bytes], block: bytes) -> None:
        """Write a block, in as many pieces as the system takes it."""
        rest = memoryview(block)
        try:
            while rest:
                rest = rest[out.write(rest) :]
        except OSError as error:
            raise FetchError(f"{self.part} cannot grow ({error.strerror}); {self.kept()}; make room{AGAIN}") from None

    # --- what went wrong ---------------------------------------------------------------------------------------------

    def _refused(self, code: int, reason: str) -> Exception:
        """Return what an answer of the server that brings no file means."""
        if code == 416:  # some servers refuse a part rather than send the whole
            self._ranges = False
        if code in (408, 416, 429) or code >= 500:
            return _BrokenOffError(f"{self._host()} answered {code} {reason}")
        if code == 407:
            return FetchError(f"{PROXY}; {self.kept()}{AGAIN}")
        return FetchError(
            f"{self._host()} answered {code} {reason} for {self.url}; the publisher may have moved it: look for it "
            "there, and train with --data DIR"
        )

    def _broken(self, reason: object) -> Exception:
        """Return what a connection means that failed or ended early."""
        words, host = _words(getattr(reason, "strerror", None) or reason), self._host()
        if isinstance(reason, ssl.SSLCertVerificationError):  # trying again changes nothing
            return FetchError(
                f"the certificate of {host} is not trusted ({words}): this machine's clock or certificates are wrong "
                f"(SSL_CERT_FILE names others), or a proxy answered; {self.kept()}{AGAIN}"
            )
        if isinstance(reason, ValueError):
            return FetchError(f"{host} or the proxy (https_proxy) leads to a wrong address ({words}); {self.kept()}")
        if "Tunnel connection failed: 407" in words:
            return FetchError(f"{PROXY}; {self.kept()}{AGAIN}")
        if isinstance(reason, TimeoutError):
            return _BrokenOffError(f"{host} has not answered for {TIMEOUT:g} s")
        if isinstance(reason, socket.gaierror) or getattr(reason, "errno", None) in UNREACHABLE:
            offline = "this machine is offline, or needs a proxy (https_proxy)"
            return _BrokenOffError(f"{host} cannot be reached ({words}): {offline}", offline=True)
        why = f" ({words})" if isinstance(reason, OSError) else ""  # else of no use: IncompleteRead(0 bytes read)
        return _BrokenOffError(f"the connection to {host} broke off{why}")

    def _host(self) -> str:
        return urllib.parse.urlsplit(self.url).netloc


def _words(told: object) -> str:
    """Return what a server or a library said as one short line that any terminal can show."""
    return printable(one_line(told, 160))
