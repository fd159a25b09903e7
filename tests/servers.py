"""A publisher on 127.0.0.1 that answers as told: whole, in part, broken off, slow, refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Publisher:
    """What is served and how.

    Args:
        data: the file.
        ranges: whether a part of it can be asked for.
        shifted: how many bytes too late such a part begins.
        length: whether its length is told.
        cuts: for each request in turn, how many bytes are sent before the connection breaks off.
        codes: for each request in turn, a status instead of the file.
        stall: seconds without a byte in the middle of each answer.
        pause: seconds between blocks of 1,000 bytes.
        location: where a request for /set.zip is sent on to; none where empty.
        chunked: whether the file is sent in chunks, without its length.
        extra: further headers of an answer.
        asked: the headers of each request.
        paths: what each request asked for.
    """

    data: bytes
    ranges: bool = True
    shifted: int = 0
    length: bool = True
    cuts: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    stall: float = 0.0
    pause: float = 0.0
    location: str = ""
    chunked: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def parts(self) -> list[str | None]:
        """The part that each request asked for."""
        return [asked.get("Range") for asked in self.asked]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(dict(handler.headers))
        self.paths.append(handler.path)
        code = self.codes.pop(0) if self.codes else 200
        wanted = handler.headers.get("Range") if self.ranges else None
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if self.location and handler.path == "/set.zip":
            handler.send_response(302)
            handler.send_header("Location", self.location)
            handler.end_headers()
        elif code != 200:
            handler.send_error(code)
        else:
            handler.send_response(206 if first else 200)
            if first:
                begin = first + self.shifted
                handler.send_header("Content-Range", f"bytes {begin}-{len(self.data) - 1}/{len(self.data)}")
            for name, value in self.extra.items():
                handler.send_header(name, value)
            if self.chunked:
                handler.send_header("Transfer-Encoding", "chunked")
            elif self.length:
                handler.send_header("Content-Length", str(len(self.data) - first))
            handler.end_headers()
            self._send(handler, self.data[first:])

    def _send(self, handler: BaseHTTPRequestHandler, rest: bytes) -> None:
        cut = self.cuts.pop(0) if self.cuts else len(rest)
        for at in range(0, min(cut, len(rest)), 1000):
            block = rest[at : min(at + 1000, cut)]
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if self.chunked else block)
            time.sleep(self.pause)
        if self.chunked and cut >= len(rest):
            handler.wfile.write(b"0\r\n\r\n")
        time.sleep(self.stall)


class Served:
    """A running server; use it as a context manager."""

    def __init__(self, publisher: Publisher) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    publisher.answer(self)
                except ConnectionError:
                    self.close_connection = True

            def do_CONNECT(self) -> None:
                self.send_error(407)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        publisher.url = f"http://127.0.0.1:{self.server.server_address[1]}/set.zip"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Served:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


Serve = Callable[[Publisher], Publisher]
