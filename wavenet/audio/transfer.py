"""One file over HTTP, into a ``.part`` that a later call goes on with, whatever stopped the first one.

Beside the part lies a small hidden record of where it came from and which version of the file it is, so that a part is
only continued with bytes of the same file (``If-Range``). Proxies are those of the environment, as urllib reads them.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from wavenet import __version__, atomic
from wavenet.catalogue import amount
from wavenet.errors import FetchError
from wavenet.progress import Progress

TIMEOUT = 30.0  # seconds without a byte
WAITS = (1.0, 3.0, 10.0, 30.0)  # seconds before a failed try is repeated
BLOCK_BYTES = 1 << 18
MANY_BYTES = 1 << 20  # a try that brought more than this was none that failed
FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EROFS}  # what a disk says, and no connection
UNREACHABLE = (socket.gaierror, ConnectionRefusedError)
KEEPS_FAILING = "; run the same command again to go on"


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
        size: how many bytes it has.
        exact: whether `size` is known to the byte; else up to four times as much is taken.
        checked: whether a checksum will tell a wrong file: then a part may be continued although the server gives
            nothing that tells one version of the file from another.
    """

    url: str
    part: Path
    size: int
    exact: bool
    checked: bool

    @property
    def record(self) -> Path:
        """The hidden file beside the part."""
        return self.part.with_name(f".{self.part.name}.json")

    @property
    def have(self) -> int:
        """Bytes in the part."""
        return self.part.stat().st_size if self.part.exists() else 0

    @property
    def whole(self) -> bool:
        """Whether all is there."""
        known = self._known()
        return self.have > 0 and self.have == known.get("total") and known.get("url") == self.url

    def remove(self) -> None:
        """Delete the part and its record."""
        self.part.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)

    def run(self) -> None:
        """Download what is missing.

        Raises:
            FetchError: offline, an answer of the server that says no, too many tries, or a full disk. The part stays.
        """
        failures, heard = 0, False
        label = f"downloading {self.part.stem}"
        with Progress(label, max(1, self.size // 10**6), "MB", self.have // 10**6) as progress:
            while not self.whole:
                before = self.have
                try:
                    self._try(progress)
                except _BrokenOffError as error:
                    heard = heard or not error.offline
                    failures = 1 if self.have > before + MANY_BYTES else failures + 1
                    if not heard or failures > len(WAITS):
                        raise FetchError(f"{error}; {self.kept()}{KEEPS_FAILING}") from None
                    wait = WAITS[failures - 1]
                    progress.say(f"{error}; {self.kept()}; trying again in {wait:g} s")
                    time.sleep(wait)

    def kept(self) -> str:
        """Return in words what is kept of the file."""
        return (
            f"{amount(self.have)} of {amount(self.size)} are kept in {self.part}" if self.have else "nothing came yet"
        )

    # --- one try -----------------------------------------------------------------------------------------------------

    def _try(self, progress: Progress) -> None:
        """Ask once and take what comes, or raise _BrokenOffError."""
        asked = {"User-Agent": f"wavenet/{__version__}", **self._asking()}
        # an opener of our own, since urllib keeps the proxies it found when its first one was made
        opener = urllib.request.build_opener()
        try:
            with opener.open(urllib.request.Request(self.url, headers=asked), timeout=TIMEOUT) as answer:
                total = self._begin(answer)
                self._take(answer, total, progress)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error)
        except urllib.error.URLError as error:
            raise self._broken(error.reason) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None

    def _asking(self) -> dict[str, str]:
        """Return the headers that ask for the rest, or none where the part cannot be continued."""
        known, have = self._known(), self.have
        version = known.get("version")
        if not have or known.get("url") != self.url or not (version or self.checked):
            return {}
        return {"Range": f"bytes={have}-", **({"If-Range": version} if version else {})}

    def _begin(self, answer: Any) -> int | None:
        """Return the length of the whole file, where the server tells; a part that is not continued is emptied."""
        if answer.status == 206:
            place = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
            total = int(place[2]) if place and place[2] != "*" else None
            if not place or int(place[1]) != self.have or (self.exact and total not in (None, self.size)):
                self._empty()
                raise _BrokenOffError(f"{self._host()} answered with another part of the file than was asked for")
        else:
            length = answer.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else None
            self._check_total(total)
            self._empty()
        tag = answer.headers.get("ETag", "")
        version = tag if tag.startswith('"') else answer.headers.get("Last-Modified")  # a weak tag allows no parts
        self._note(version or (self._known().get("version") if answer.status == 206 else None), total)
        return total

    def _check_total(self, total: int | None) -> None:
        if total is None or (total == self.size if self.exact else total <= 4 * self.size):
            return
        raise FetchError(
            f"{self._host()} offers {total:,} bytes, expected {'' if self.exact else 'about '}{self.size:,}: either "
            "something between answered in its place, or the publisher has changed the file; try again later"
        )

    def _take(self, answer: Any, total: int | None, progress: Progress) -> None:
        limit = self.size if self.exact else 4 * self.size
        with self._writing() as out:
            while True:
                self._count(progress)
                block = answer.read1(BLOCK_BYTES)
                if not block:
                    break
                if self.have + len(block) > limit:
                    self._empty()
                    raise FetchError(f"{self._host()} sends more than {limit:,} bytes, which were expected at most")
                self._append(out, block)
            if total is not None and self.have < total:
                raise _BrokenOffError(f"the connection to {self._host()} broke off")
            if self.exact and self.have < self.size:
                raise _BrokenOffError(f"{self._host()} sent less than the whole file")
        self._note(self._known().get("version"), self.have)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[IO[bytes]]:
        """Yield the part, open at its end; what it holds is on the disk afterwards."""
        with self._room(), self.part.open("ab", buffering=0) as out:
            try:
                yield out
            finally:
                os.fsync(out.fileno())

    def _append(self, out: IO[bytes], block: bytes) -> None:
        """Write a block, as often as it takes; a disk that is full ends it."""
        rest = memoryview(block)
        with self._room():
            while rest:
                rest = rest[out.write(rest) :]

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        """Turn what the disk refuses into a FetchError; errors of the network pass."""
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise FetchError(
                f"{self.part} cannot grow ({error.strerror}); {self.kept()}; make room{KEEPS_FAILING}"
            ) from None

    def _count(self, progress: Progress) -> None:
        done = self.have // 10**6
        progress.total = max(progress.total, done)  # where the size is only about known
        progress.advance(done - progress.done)

    # --- what went wrong ---------------------------------------------------------------------------------------------

    def _refused(self, error: urllib.error.HTTPError) -> None:
        """Raise what an answer that is no file means, unless it means that all is there."""
        if error.code == 416:  # nothing after what we have
            told = error.headers.get("Content-Range")
            if told == f"bytes */{self.have}" and (not self.exact or self.have == self.size):
                self._note(self._known().get("version"), self.have)
                return
            self._empty()
            raise _BrokenOffError(f"{self._host()} has another file now; beginning anew")
        if error.code in (408, 429) or error.code >= 500:
            raise _BrokenOffError(f"{self._host()} answered {error.code} {error.reason}")
        raise FetchError(
            f"{self._host()} answered {error.code} {error.reason} for {self.url}; the publisher may have moved it: "
            "look for it there, and train with --data DIR"
        )

    def _broken(self, reason: object) -> _BrokenOffError:
        """Return in words why no more came."""
        host = self._host()
        if isinstance(reason, TimeoutError):
            return _BrokenOffError(f"{host} has not answered for {TIMEOUT:g} s")
        unreachable = isinstance(reason, OSError) and (reason.strerror or "").endswith("unreachable")
        if isinstance(reason, UNREACHABLE) or unreachable:
            words = getattr(reason, "strerror", None) or str(reason)
            return _BrokenOffError(
                f"{host} cannot be reached ({words}): this machine is offline, or needs a proxy (https_proxy)", True
            )
        words = " ".join(str(reason).split()) or type(reason).__name__
        return _BrokenOffError(f"the connection to {host} broke off ({words:.100})")

    def _host(self) -> str:
        return self.url.split("/")[2]

    # --- the record --------------------------------------------------------------------------------------------------

    def _empty(self) -> None:
        with self.part.open("r+b" if self.part.exists() else "wb") as file:
            file.truncate(0)

    def _known(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            told = json.loads(self.record.read_text(encoding="utf-8"))
            if isinstance(told, dict):
                return told
        return {}

    def _note(self, version: str | None, total: int | None) -> None:
        try:
            atomic.write_text(self.record, json.dumps({"url": self.url, "version": version, "total": total}))
        except OSError as error:
            raise FetchError(
                f"{self.record} cannot be written ({error.strerror or error}); make room{KEEPS_FAILING}"
            ) from None
