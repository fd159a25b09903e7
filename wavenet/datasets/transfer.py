"""One file over HTTP, into a ``.part`` that a later call goes on with, whatever stopped the first one.

Beside the part lies a small hidden record of where it came from and which version of the file it is, so that a part is
only continued with bytes of the same file: by ``If-Range``, or, where a checksum will tell, by its length alone, since
the mirrors of one publisher name its versions differently. What is sent from the beginning again is compared with what
is kept, which is replaced from the first difference on and else stays. Proxies are those of the environment, as urllib
reads them.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from wavenet import __version__, disk
from wavenet.datasets.catalogue import amount
from wavenet.errors import FetchError
from wavenet.progress import Progress
from wavenet.text import printable, to_json

TIMEOUT = 30.0  # seconds without a byte
WAITS = (1.0, 3.0, 10.0, 30.0)  # seconds before a failed try is repeated
BLOCK_BYTES = 1 << 18
MANY_BYTES = 1 << 20  # a try that brought more than this was none that failed
FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.EROFS}  # what a disk says, and no connection
UNREACHABLE = (socket.gaierror, ConnectionRefusedError)
KEEPS_FAILING = "; run the same command again to go on"
PROXY_NAME = "it wants a name and a password (https_proxy=http://NAME:PASSWORD@HOST:PORT)"


class _BrokenOffError(Exception):
    """A try ended early for a reason that may pass; `offline`: no server was reached."""

    def __init__(self, reason: str, offline: bool = False) -> None:
        super().__init__(reason)
        self.offline = offline


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but to no other kind of address, and without a checksum from https to https only."""

    def __init__(self, checked: bool) -> None:
        self.checked = checked

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        to = urllib.parse.urlsplit(newurl).scheme
        if to not in ("http", "https") or (req.type == "https" and to == "http" and not self.checked):
            raise urllib.error.HTTPError(newurl, code, f"redirection to {newurl}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError:  # an address that is none: the library forgets the answer that sent us there
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


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
        begins: what the file begins with; an answer that begins otherwise is no such file and replaces nothing.
    """

    url: str
    part: Path
    size: int
    exact: bool
    checked: bool
    begins: bytes = b""
    _from_start: bool = field(default=False, init=False, repr=False)  # the next try asks for no part

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
        known, have = self._known(), self.have
        return have > 0 and known.get("url") == self.url and have == (self.size if self.exact else known.get("total"))

    def remove(self) -> None:
        """Delete the part and its record."""
        self.part.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)

    def run(self) -> None:
        """Download what is missing.

        Raises:
            FetchError: offline, an answer of the server that says no, too many tries, or a full disk. The part stays.
        """
        failures, heard, most = 0, False, self.have
        label = f"downloading {self.part.stem}"
        with Progress(label, max(1, self.size // 10**6), "MB", self.have // 10**6) as progress:
            while not self.whole:
                try:
                    self._try(progress)
                except _BrokenOffError as error:
                    heard = heard or not error.offline
                    # beyond all that was there before: a server that makes us begin anew each time is not forgiven
                    failures = 1 if self.have > most + MANY_BYTES else failures + 1
                    most = max(most, self.have)
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
        self._from_start = False
        # an opener of our own, since urllib keeps the proxies it found when its first one was made
        opener = urllib.request.build_opener(_Redirects(self.checked))
        try:
            with self._open(opener, urllib.request.Request(self.url, headers=asked)) as answer:
                self._take(answer, progress)
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error)
        except urllib.error.URLError as error:
            raise self._broken(error.reason) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None

    def _open(self, opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> Any:
        try:
            return opener.open(request, timeout=TIMEOUT)
        except OSError:
            raise
        except ValueError as error:  # an address that is none, in a redirect or in https_proxy
            raise FetchError(
                f"{self.url} cannot be asked for ({_one_line(error)}): an address is wrong there, or that of the proxy "
                f"(https_proxy); {self.kept()}{KEEPS_FAILING}"
            ) from None

    def _asking(self) -> dict[str, str]:
        """Return the headers that ask for the rest, or none where the part cannot be continued."""
        known, have = self._known(), self.have
        version = known.get("version")
        if self._from_start or not have or known.get("url") != self.url or not (version or self.checked):
            return {}
        return {"Range": f"bytes={have}-", **({"If-Range": version} if version and not self.checked else {})}

    def _take(self, answer: Any, progress: Progress) -> None:
        """Write what comes, from the place on where it belongs."""
        tag = answer.headers.get("ETag", "")
        version = tag if tag.startswith('"') else answer.headers.get("Last-Modified")  # a weak tag allows no parts
        known = self._known()
        if answer.status == 206:
            begin, total, first = *self._placed(answer, version, known.get("version")), b""
            version = version or known.get("version")
        else:
            begin, total = 0, _number(answer.headers.get("Content-Length", ""))
            self._check_total(total)
            first = self._beginning(answer)
            # what has no version is never continued, hence always compared from its beginning
            if not (self.checked or (version == known.get("version") and known.get("url") == self.url)):
                self._empty()
        self._note(version, total)
        end = self._write(answer, first, begin, progress)
        if total is not None and end < total:
            raise _BrokenOffError(f"the connection to {self._host()} broke off")
        if self.exact and end < self.size:
            raise _BrokenOffError(f"{self._host()} sent less than the whole file")
        with self._writing() as out:
            out.truncate(end)  # an older part may have been longer
        self._note(version, end)

    def _placed(self, answer: Any, version: str | None, known: str | None) -> tuple[int, int | None]:
        """Return where the part that was sent begins, and the length of the whole file where the server tells it."""
        place = re.fullmatch(
            r"bytes ([0-9]{1,19})-[0-9]{1,19}/([0-9]{1,19}|\*)", answer.headers.get("Content-Range", "")
        )
        another = not self.checked and version is not None and version != known
        if not place or int(place[1]) != self.have or another:
            self._from_start = True
            raise _BrokenOffError(f"{self._host()} answered with another part of the file than was asked for")
        total = _number(place[2])
        self._check_total(total)
        return self.have, total

    def _beginning(self, answer: Any) -> bytes:
        """Return the first bytes of the file, or raise FetchError where they are those of something else."""
        first = b""
        while len(first) < max(1, len(self.begins)) and (block := answer.read1(BLOCK_BYTES)):
            first += block
        if not first:
            raise _BrokenOffError(f"{self._host()} sent nothing")
        if not first.startswith(self.begins[: len(first)]):
            host = urllib.parse.urlsplit(answer.url).netloc or self._host()
            raise FetchError(
                f"{host} answered with something else than the archive (it begins with {first[:16]!r}): a proxy, or a "
                f"network that wants you to log in first, may have answered in its place; {self.kept()}{KEEPS_FAILING}"
            )
        return first

    def _check_total(self, total: int | None) -> None:
        if total is None or (total == self.size if self.exact else total <= 4 * self.size):
            return
        raise FetchError(
            f"{self._host()} offers {total:,} bytes, expected {'' if self.exact else 'about '}{self.size:,}: either "
            f"something between answered in its place, or the publisher has changed the file; {self.kept()}; try again "
            "later"
        )

    def _write(self, answer: Any, block: bytes, begin: int, progress: Progress) -> int:
        """Write a first block and what follows it at a place, and return where it ended."""
        limit, at = self.size if self.exact else 4 * self.size, begin
        with self._writing() as out:
            while block := block or answer.read1(BLOCK_BYTES):
                if at + len(block) > limit:
                    out.truncate(begin)
                    raise FetchError(f"{self._host()} sends more than {limit:,} bytes, which were expected at most")
                out.seek(at)
                kept = out.read(len(block))
                if kept != block[: len(kept)]:
                    kept = b""
                    out.truncate(out.seek(at))
                self._append(out, block[len(kept) :])
                at += len(block)
                block = b""
                self._count(progress)
        return at

    @contextlib.contextmanager
    def _writing(self) -> Iterator[IO[bytes]]:
        """Yield the part, open to be read and written; what it holds is on the disk afterwards."""
        with self._room(), self.part.open("r+b" if self.part.exists() else "w+b", buffering=0) as out:
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
            self._from_start = True
            raise _BrokenOffError(f"{self._host()} does not go on from where this part ends")
        reason = f"{error.code} {_one_line(error.reason)}"
        if error.code in (408, 429) or error.code >= 500:
            raise _BrokenOffError(f"{self._host()} answered {reason}")
        if error.code == 407:
            raise FetchError(f"the proxy answered {reason}; {PROXY_NAME}; {self.kept()}{KEEPS_FAILING}")
        if error.code < 400:
            raise FetchError(f"{self._host()} answered {reason}, which is not followed; {self.kept()}; try again later")
        raise FetchError(
            f"{self._host()} answered {reason} for {self.url}; the publisher may have moved it: look for it there, and "
            "train with --data DIR"
        )

    def _broken(self, reason: object) -> _BrokenOffError | FetchError:
        """Return in words why no more came."""
        host = self._host()
        if isinstance(reason, ssl.SSLCertVerificationError):  # trying again changes nothing
            return FetchError(
                f"the certificate of {host} is not trusted ({_one_line(reason)}): this machine's clock or certificates "
                f"are wrong (SSL_CERT_FILE names others), or a proxy answered; {self.kept()}{KEEPS_FAILING}"
            )
        if "Tunnel connection failed: 407" in str(reason):
            return FetchError(f"the proxy answered 407; {PROXY_NAME}; {self.kept()}{KEEPS_FAILING}")
        if isinstance(reason, TimeoutError):
            return _BrokenOffError(f"{host} has not answered for {TIMEOUT:g} s")
        unreachable = isinstance(reason, OSError) and (reason.strerror or "").endswith("unreachable")
        if isinstance(reason, UNREACHABLE) or unreachable:
            words = getattr(reason, "strerror", None) or str(reason)
            return _BrokenOffError(
                f"{host} cannot be reached ({words}): this machine is offline, or needs a proxy (https_proxy)", True
            )
        if isinstance(reason, http.client.IncompleteRead):  # in the library's words, how many bytes of one block came
            return _BrokenOffError(f"the connection to {host} broke off")
        words = _one_line(reason) or type(reason).__name__
        return _BrokenOffError(f"the connection to {host} broke off ({words})")

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
            disk.write_text(self.record, to_json({"url": self.url, "version": version, "total": total}))
        except OSError as error:
            raise FetchError(
                f"{self.record} cannot be written ({error.strerror or error}); make room{KEEPS_FAILING}"
            ) from None


def _number(text: str) -> int | None:
    """Return a length that a server told, or None where it told none that can be one."""
    return int(text) if re.fullmatch(r"[0-9]{1,19}", text) else None


def _one_line(words: object) -> str:
    """Return what a server or a library said as one short line that any terminal can show."""
    return printable(" ".join(str(words).split()))[:160]
