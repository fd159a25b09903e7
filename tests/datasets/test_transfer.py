"""A download arrives whole however often it breaks off, goes on where it stopped, and says plainly what is wrong."""

from __future__ import annotations

import errno
import gc
import http.client
import logging
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from servers import Publisher, Serve, Served

from wavenet.datasets import transfer
from wavenet.datasets.transfer import Transfer
from wavenet.errors import FetchError

DATA = os.urandom(50_000)
ELSEWHERE = "http://sounds.invalid/set.zip"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(transfer, "WAITS", (0.0, 0.0, 0.0))


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def begin(publisher: Publisher) -> Publisher:
            stack.enter_context(Served(publisher))
            return publisher

        yield begin


def of(publisher: Publisher, folder: Path, size: int = len(DATA), checked: bool = True) -> Transfer:
    return Transfer(publisher.url, folder / "archive", size, checked)


def refused(one: Transfer) -> str:
    with pytest.raises(FetchError) as caught:
        one.run("set")
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_file_arrives_whole_and_is_not_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA))
    one = of(site, tmp_path)
    one.run("set")
    one.run("set")
    assert one.part.read_bytes() == DATA and not one.missing
    assert len(site.asked) == 1 and site.asked[0]["User-Agent"].startswith("wavenet/")


@pytest.mark.parametrize("length", [True, False])
def test_what_breaks_off_goes_on_where_it_was(
    serve: Serve, tmp_path: Path, length: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("wavenet"), "propagate", True)
    caplog.set_level(logging.INFO, logger="wavenet")
    site = serve(Publisher(DATA, cuts=[20_000, 5_000], length=length))
    one = of(site, tmp_path)
    one.run("set")
    assert one.part.read_bytes() == DATA and site.parts == [None, "bytes=20000-", "bytes=25000-"]
    assert caplog.messages and all(line.endswith("trying again in 0 s") for line in caplog.messages)


def test_a_later_call_goes_on_with_what_an_earlier_one_left(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA, cuts=[10_000, 0, 0, 0]))
    text = refused(of(site, tmp_path))
    assert "10.0 kB of 50.0 kB are kept" in text and "same command again to go on" in text
    of(site, tmp_path).run("set")
    assert (tmp_path / "archive").read_bytes() == DATA and site.parts[-1] == "bytes=10000-"


def test_what_has_no_checksum_begins_anew(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(os.urandom(60_000), cuts=[10_000, 0, 0, 0]))
    one = of(site, tmp_path, checked=False)
    assert "nothing is kept" in refused(one)
    site.data, site.cuts = DATA, [20_000]
    one.run("set")
    assert one.part.read_bytes() == DATA and not any(site.parts)


def test_a_server_without_ranges_sends_the_whole_again(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA, cuts=[20_000, 5_000], ranges=False))
    one = of(site, tmp_path)
    one.run("set")
    assert one.part.read_bytes() == DATA and site.parts == [None, "bytes=20000-", "bytes=5000-"]


@pytest.mark.parametrize("refusal", [{"shifted": 5}, {"codes": [200, 416]}])
def test_a_server_that_sends_another_part_or_none_is_asked_for_the_whole(
    serve: Serve, tmp_path: Path, refusal: dict[str, object]
) -> None:
    site = serve(Publisher(DATA, cuts=[10_000], **refusal))  # type: ignore[arg-type]
    one = of(site, tmp_path)
    one.run("set")
    assert one.part.read_bytes() == DATA and site.parts == [None, "bytes=10000-", None]


def test_a_part_that_is_too_long_begins_anew(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA))
    one = of(site, tmp_path)
    one.part.write_bytes(DATA + b"more")
    one.run("set")
    assert one.part.read_bytes() == DATA and site.parts == [None]


# --- giving up -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "tries"), [(503, 4), (429, 4), (500, 4), (404, 1), (403, 1)])
def test_answers_that_say_no(serve: Serve, tmp_path: Path, code: int, tries: int) -> None:
    site = serve(Publisher(DATA, codes=[code] * tries))
    text = refused(of(site, tmp_path))
    assert f"{site.url.split('/')[2]} answered {code}" in text and len(site.asked) == tries
    assert ("publisher may have moved it" in text) == (tries == 1)
    of(site, tmp_path).run("set")
    assert (tmp_path / "archive").read_bytes() == DATA


def test_waits_grow_and_begin_again_after_much_came(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(transfer, "WAITS", (1.0, 2.0, 4.0))
    monkeypatch.setattr(transfer.time, "sleep", lambda seconds: waited.append(seconds) if seconds >= 1 else None)
    monkeypatch.setattr(transfer, "MANY_BYTES", 8_000)
    site = serve(Publisher(DATA, cuts=[0, 100, 9_000, 100, 100]))
    of(site, tmp_path).run("set")
    assert waited == [1.0, 2.0, 1.0, 2.0, 4.0]


def test_a_server_that_makes_us_begin_anew_for_ever_is_given_up(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MANY_BYTES", 1_000)
    site = serve(Publisher(DATA, cuts=[9_000] * 40, shifted=5))
    assert "nothing is kept" in refused(of(site, tmp_path)) and len(site.asked) == 4


def test_a_silent_server_is_given_up(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    site = serve(Publisher(DATA, cuts=[1_000] * 9, stall=1.0))
    text = refused(of(site, tmp_path))
    assert "has not answered for 0.2 s" in text and "4.0 kB of 50.0 kB are kept" in text and len(site.asked) == 4


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        ssl.SSLCertVerificationError(1, "self-signed certificate"),
    ],
    ids=["no such host", "nobody listens", "not trusted"],
)
def test_a_host_that_cannot_be_reached_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(transfer, "WAITS", (99.0,))
    monkeypatch.setattr(http.client.HTTPSConnection, "connect", fail)
    text = refused(Transfer("https://example.org/set.zip", tmp_path / "archive", 10, True))
    assert text.startswith(f"example.org cannot be reached ({error.strerror}): this machine may be offline")
    assert "https_proxy" in text and "SSL_CERT_FILE" in text and "nothing is kept" in text


def test_what_a_server_says_cannot_write_on_the_terminal() -> None:
    assert transfer._words("no\x1b[2J\nfile") == "no\\x1b[2J file"


# --- what is not the file --------------------------------------------------------------------------------------------


def test_a_file_of_another_size_is_refused(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA))
    text = refused(of(site, tmp_path, size=49_000))
    assert "offers 50,000 bytes, expected 49,000" in text and len(site.asked) == 1
    of(site, tmp_path, size=13_000, checked=False).run("set")
    text = refused(of(site, tmp_path, size=12_000, checked=False))
    assert "offers 50,000 bytes, expected about 12,000" in text


@pytest.mark.parametrize(("checked", "size"), [(True, 49_000), (False, 12_000)])
def test_an_endless_answer_is_cut_off(serve: Serve, tmp_path: Path, checked: bool, size: int) -> None:
    most = size if checked else 4 * size
    one = of(serve(Publisher(DATA, length=False)), tmp_path, size=size, checked=checked)
    assert f"sends more than {most:,} bytes" in refused(one) and one.part.stat().st_size <= most


def test_an_answer_without_length_that_is_too_short_is_not_the_whole_file(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA[:30_000], length=False, ranges=False))
    assert "broke off" in refused(of(site, tmp_path))
    one = of(site, tmp_path, checked=False)
    one.run("set")
    assert one.part.read_bytes() == DATA[:30_000]


def test_an_empty_answer_is_not_a_file(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(b""))
    assert "sent nothing" in refused(of(site, tmp_path, checked=False)) and len(site.asked) == 4


@pytest.mark.parametrize("length", [True, False])
def test_a_page_to_log_in_replaces_nothing(serve: Serve, tmp_path: Path, length: bool) -> None:
    """It comes with status 200 and may be of any length, even of the right one."""
    archive = b"\x1f\x8b" + DATA[2:]
    site = serve(Publisher(archive, cuts=[10_000, 0, 0, 0]))
    one = of(site, tmp_path)
    one.begins = b"\x1f\x8b"
    refused(one)
    site.data, site.ranges, site.length = b"<!DOCTYPE html>".ljust(len(archive)), False, length
    text = refused(one)
    assert "begins with b'<!DOCTYPE html>" in text and "log in" in text and "10.0 kB of 50.0 kB are kept" in text
    assert one.part.read_bytes() == archive[:10_000] and len(site.asked) == 5
    site.data, site.ranges = archive, True
    one.run("set")
    assert one.part.read_bytes() == archive and site.parts[-1] == "bytes=10000-"


@pytest.mark.parametrize("checked", [True, False])
def test_chunks_are_put_together_as_they_are(serve: Serve, tmp_path: Path, checked: bool) -> None:
    site = serve(Publisher(DATA, cuts=[20_000], chunked=True, extra={"Content-Encoding": "x-gzip"}))
    one = of(site, tmp_path, size=len(DATA) if checked else 40_000, checked=checked)
    one.run("set")
    assert one.part.read_bytes() == DATA and site.parts == [None, "bytes=20000-" if checked else None]


@pytest.mark.parametrize("length", ["\xb2", "9" * 5000, "-1", ""])
def test_a_length_that_is_none_is_no_length(serve: Serve, tmp_path: Path, length: str) -> None:
    one = of(serve(Publisher(DATA, length=False, extra={"Content-Length": length})), tmp_path)
    one.run("set")
    assert one.part.read_bytes() == DATA


@pytest.mark.skipif(os.name == "nt", reason="no limit on the size of files there")
def test_a_disk_that_is_full_is_one_line_and_the_part_stays(serve: Serve, tmp_path: Path) -> None:
    import resource

    data = os.urandom(3_000_000)
    site = serve(Publisher(data))
    one = of(site, tmp_path, size=len(data))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        text = refused(one)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "cannot grow (File too large): make room there; 2.0 MB of 3.0 MB are kept" in text
    assert len(site.asked) == 1 and one.part.read_bytes() == data[:2_000_000]
    one.run("set")
    assert one.part.read_bytes() == data and site.parts[1] == "bytes=2000000-"


# --- redirects and proxies -------------------------------------------------------------------------------------------


def test_a_redirect_to_another_host_is_followed_and_gone_on_with(serve: Serve, tmp_path: Path) -> None:
    mirror = serve(Publisher(DATA, cuts=[10_000]))
    site = serve(Publisher(b"", location=mirror.url.replace("set.zip", "elsewhere")))
    one = of(site, tmp_path)
    one.run("set")
    assert one.part.read_bytes() == DATA and mirror.parts == [None, "bytes=10000-"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "to", ["file:///etc/hostname", "ftp://127.0.0.1:9/set.zip", "data:,x", "/set.zip", "http://[x/"]
)
def test_a_redirect_to_elsewhere_is_one_line_at_once(serve: Serve, tmp_path: Path, to: str) -> None:
    site = serve(Publisher(DATA, location=to))
    assert refused(of(site, tmp_path)) and not of(site, tmp_path).have
    gc.collect()  # urllib does not close an answer that leads to no address: told here and not in the next test


@pytest.mark.parametrize("checked", [True, False])
def test_only_what_has_a_checksum_may_come_without_encryption(tmp_path: Path, checked: bool) -> None:
    one = Transfer("https://example.org/a", tmp_path / "archive", 3, checked)
    blocks = [b"abc", b""]
    answer = SimpleNamespace(url="http://example.org/b", status=200, headers={}, read1=lambda size: blocks.pop(0))
    progress = SimpleNamespace(reach=lambda count: None)
    if checked:
        one._take(answer, progress)  # type: ignore[arg-type]
        assert one.part.read_bytes() == b"abc"
    else:
        with pytest.raises(FetchError, match="not encrypted"):
            one._take(answer, progress)  # type: ignore[arg-type]


def test_a_proxy_of_the_environment_is_asked(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = serve(Publisher(DATA))
    monkeypatch.setenv("http_proxy", site.url.removesuffix("/set.zip"))
    one = Transfer(ELSEWHERE, tmp_path / "archive", len(DATA), True)
    one.run("set")
    assert one.part.read_bytes() == DATA and site.paths == [ELSEWHERE]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_said_at_once(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    site = serve(Publisher(DATA, codes=[407]))
    monkeypatch.setenv(f"{scheme}_proxy", site.url.removesuffix("/set.zip"))
    text = refused(Transfer(ELSEWHERE.replace("http", scheme), tmp_path / "archive", len(DATA), True))
    assert " 407 " in text and "https_proxy=http://NAME:PASSWORD@HOST" in text and len(site.asked) <= 1
