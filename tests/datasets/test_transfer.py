"""A download arrives whole however often it breaks off, goes on where it stopped, and says plainly what is wrong."""

from __future__ import annotations

import http.client
import json
import logging
import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from servers import Publisher, Serve, Served

from wavenet.datasets import transfer
from wavenet.datasets.transfer import Transfer
from wavenet.errors import FetchError

DATA = os.urandom(50_000)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(transfer, "WAITS", (0.0, 0.0, 0.0))


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def begin(publisher: Publisher) -> Publisher:
            stack.enter_context(Served(publisher))
            return publisher

        yield begin


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(transfer.Progress.__init__.__globals__["log"], "propagate", True)
    caplog.set_level(logging.INFO, logger="wavenet")
    return caplog


def of(publisher: Publisher, folder: Path, size: int = len(DATA), exact: bool = True, checked: bool = True) -> Transfer:
    return Transfer(publisher.url, folder / "set.part", size, exact, checked)


def refused(one: Transfer) -> str:
    with pytest.raises(FetchError) as caught:
        one.run()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_file_arrives_whole_and_is_known_to_be(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA))
    one = of(site, tmp_path)
    assert not one.whole
    one.run()
    assert one.part.read_bytes() == DATA and one.whole
    one.run()
    assert len(site.asked) == 1 and site.asked[0]["User-Agent"].startswith("wavenet/")
    one.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [True, False])
def test_what_breaks_off_goes_on_where_it_was(serve: Serve, tmp_path: Path, length: bool, said) -> None:  # type: ignore[no-untyped-def]
    site = serve(Publisher(DATA, cuts=[20_000, 5_000], length=length))
    one = of(site, tmp_path, checked=False)
    one.run()
    assert one.part.read_bytes() == DATA
    assert [asked.get("Range") for asked in site.asked] == [None, "bytes=20000-", "bytes=25000-"]
    assert [asked.get("If-Range") for asked in site.asked] == [None, '"v1"', '"v1"']
    assert said.text.count("trying again in 0 s") == 2 and "20.0 kB of 50.0 kB are kept" in said.text


def test_a_later_call_goes_on_with_what_an_earlier_one_left(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA, cuts=[10_000, 0, 0, 0]))
    text = refused(of(site, tmp_path))
    assert "10.0 kB of 50.0 kB are kept" in text and "same command again to go on" in text
    of(site, tmp_path).run()
    assert (tmp_path / "set.part").read_bytes() == DATA and site.asked[-1]["Range"] == "bytes=10000-"


@pytest.mark.parametrize("change", ["no ranges", "another version", "another address", "record lost"])
def test_what_cannot_be_continued_begins_anew(serve: Serve, tmp_path: Path, change: str) -> None:
    site = serve(Publisher(os.urandom(50_000), cuts=[10_000, 0, 0, 0]))
    one = of(site, tmp_path, checked=change != "another version")
    refused(one)
    site.data = DATA
    if change == "no ranges":
        site.ranges = False
    elif change == "another version":
        site.tag = '"v2"'
    elif change == "record lost":
        one.record.write_text("junk")
    else:
        one.record.write_text(json.dumps({**json.loads(one.record.read_text()), "url": "http://else"}))
    one.run()
    assert one.part.read_bytes() == DATA


@pytest.mark.parametrize(
    ("tag", "modified", "checked", "ranges"),
    [
        ('W/"weak"', None, False, False),  # a weak tag vouches for no bytes
        (None, None, False, False),
        (None, None, True, True),  # the checksum will tell
        (None, "Tue, 01 Nov 2016 10:00:00 GMT", False, True),
    ],
)
def test_a_part_is_continued_only_where_something_vouches_for_it(
    serve: Serve, tmp_path: Path, tag: str | None, modified: str | None, checked: bool, ranges: bool
) -> None:
    site = serve(Publisher(DATA, cuts=[10_000], tag=tag, modified=modified))
    one = of(site, tmp_path, checked=checked)
    one.run()
    assert one.part.read_bytes() == DATA
    assert (site.asked[1].get("Range") == "bytes=10000-") == ranges and site.asked[1].get("If-Range") == modified


def test_another_part_than_was_asked_for_is_not_taken(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA, cuts=[10_000], shifted=5))
    one = of(site, tmp_path)
    one.run()
    assert one.part.read_bytes() == DATA and "Range" not in site.asked[2]


@pytest.mark.parametrize("left", [50_000, 60_000])
def test_a_part_that_has_all_or_too_much(serve: Serve, tmp_path: Path, left: int) -> None:
    site = serve(Publisher(DATA))
    one = of(site, tmp_path)
    one.part.write_bytes((DATA + bytes(10_000))[:left])
    one.record.write_text(json.dumps({"url": site.url, "version": '"v1"', "total": None}))
    one.run()
    assert one.part.read_bytes() == DATA and len(site.asked) == (0 if left == 50_000 else 2)


@pytest.mark.parametrize(("code", "tries"), [(503, 4), (429, 4), (500, 4), (404, 1), (403, 1)])
def test_answers_that_say_no(serve: Serve, tmp_path: Path, code: int, tries: int) -> None:
    site = serve(Publisher(DATA, codes=[code] * 9))
    text = refused(of(site, tmp_path))
    assert f"127.0.0.1:{site.url.split(':')[2].split('/')[0]} answered {code}" in text and len(site.asked) == tries
    assert ("publisher may have moved it" in text) == (tries == 1)


def test_a_server_that_recovers_is_forgiven(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA, codes=[503, 503, 503]))
    of(site, tmp_path).run()
    assert (tmp_path / "set.part").read_bytes() == DATA


def test_waits_grow_and_begin_again_after_much_came(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(transfer, "WAITS", (1.0, 2.0, 4.0))
    monkeypatch.setattr(transfer.time, "sleep", lambda seconds: waited.append(seconds) if seconds >= 1 else None)
    monkeypatch.setattr(transfer, "MANY_BYTES", 8_000)
    site = serve(Publisher(DATA, cuts=[0, 100, 9_000, 100, 100]))
    of(site, tmp_path).run()
    assert waited == [1.0, 2.0, 1.0, 2.0, 4.0]


def test_a_silent_server_is_given_up(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    site = serve(Publisher(DATA, cuts=[1_000] * 9, stall=1.0))
    text = refused(of(site, tmp_path))
    assert "has not answered for 0.2 s" in text and "4.0 kB of 50.0 kB are kept" in text and len(site.asked) == 4


def test_offline_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(transfer, "WAITS", (99.0,))
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    text = refused(Transfer("https://example.org/set.zip", tmp_path / "set.part", 10, True, True))
    assert text.startswith("example.org cannot be reached (Name or service not known)")
    assert "offline" in text and "https_proxy" in text and "nothing came yet" in text


def test_nobody_listening_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "WAITS", (99.0,))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    text = refused(Transfer(f"http://127.0.0.1:{port}/set.zip", tmp_path / "set.part", 10, True, True))
    assert f"127.0.0.1:{port} cannot be reached (Connection refused)" in text


def test_a_file_of_another_size_is_refused(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA))
    text = refused(of(site, tmp_path, size=49_000))
    assert "offers 50,000 bytes, expected 49,000" in text and len(site.asked) == 1
    of(site, tmp_path, size=13_000, exact=False).run()
    (tmp_path / "set.part").unlink()
    text = refused(of(site, tmp_path, size=12_000, exact=False))
    assert "offers 50,000 bytes, expected about 12,000" in text


@pytest.mark.parametrize(("exact", "size"), [(True, 49_000), (False, 12_000)])
def test_an_endless_answer_is_cut_off(serve: Serve, tmp_path: Path, exact: bool, size: int) -> None:
    site = serve(Publisher(DATA, length=False))
    one = of(site, tmp_path, size=size, exact=exact)
    assert f"sends more than {size if exact else 4 * size:,} bytes" in refused(one) and one.have == 0


def test_an_answer_without_length_that_is_too_short_is_no_whole_file(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA[:30_000], length=False, ranges=False))
    assert "sent less than the whole file" in refused(of(site, tmp_path))
    one = of(site, tmp_path / "about", exact=False)
    one.part.parent.mkdir()
    one.run()
    assert one.whole and one.have == 30_000


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
    assert "cannot grow (File too large); 2.0 MB of 3.0 MB are kept" in text and "make room" in text
    assert len(site.asked) == 1 and one.part.read_bytes() == data[:2_000_000]
    one.run()
    assert one.part.read_bytes() == data and site.asked[1]["Range"] == "bytes=2000000-"


def test_a_proxy_of_the_environment_is_asked(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = serve(Publisher(DATA))
    monkeypatch.setenv("http_proxy", site.url.removesuffix("/set.zip"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    one = Transfer("http://sounds.invalid/set.zip", tmp_path / "set.part", len(DATA), True, True)
    one.run()
    assert one.part.read_bytes() == DATA and site.paths == ["http://sounds.invalid/set.zip"]


# --- nothing is lost -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tag", "checked"), [('"v1"', True), ('"v1"', False), ('W/"v1"', False), (None, True)])
def test_a_server_without_ranges_takes_nothing_away(
    serve: Serve, tmp_path: Path, tag: str | None, checked: bool
) -> None:
    """Each try begins anew; what it brings is compared with what is there, and less of it never shortens the part."""
    site = serve(Publisher(DATA, cuts=[20_000, 5_000, 0, 300, 30_000, 10_000], ranges=False, tag=tag))
    one = of(site, tmp_path, checked=checked)
    assert "20.0 kB of 50.0 kB are kept" in refused(one) and one.part.read_bytes() == DATA[:20_000]
    one.run()
    assert one.part.read_bytes() == DATA and len(site.asked) == 7


def test_a_file_that_was_changed_meanwhile_is_taken_whole(serve: Serve, tmp_path: Path) -> None:
    """And never mixed, though its new version breaks off within what is left of the old one."""
    site = serve(Publisher(DATA, cuts=[10_000, 20_000]))
    one = of(site, tmp_path, checked=False)
    one.part.write_bytes(os.urandom(30_000))
    one.record.write_text(json.dumps({"url": site.url, "version": '"v0"', "total": 50_000}))
    one.run()
    assert one.part.read_bytes() == DATA and [a.get("Range") for a in site.asked[1:]] == [
        "bytes=10000-",
        "bytes=30000-",
    ]


def test_mirrors_that_name_a_version_differently_go_on_with_each_other(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(DATA, cuts=[10_000, 0, 0, 0]))
    refused(of(site, tmp_path))
    site.tag = '"as another mirror has it"'
    of(site, tmp_path).run()
    assert (tmp_path / "set.part").read_bytes() == DATA
    assert site.asked[-1]["Range"] == "bytes=10000-" and "If-Range" not in site.asked[-1]


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
    one.run()
    assert one.part.read_bytes() == archive and site.asked[-1]["Range"] == "bytes=10000-"


def test_a_range_that_is_refused_takes_nothing_away(serve: Serve, tmp_path: Path) -> None:
    """DSpace answers 416 where it doesn't like a condition, without saying what it has."""
    site = serve(Publisher(DATA, cuts=[30_000], codes=[200, 416]))
    one = of(site, tmp_path)
    one.run()
    assert one.part.read_bytes() == DATA and ["Range" in asked for asked in site.asked] == [False, True, False]


def test_an_empty_answer_is_no_file(serve: Serve, tmp_path: Path) -> None:
    site = serve(Publisher(b""))
    assert "sent nothing" in refused(of(site, tmp_path, exact=False, checked=False)) and len(site.asked) == 4


def test_a_server_that_makes_us_begin_anew_for_ever_is_given_up(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MANY_BYTES", 1_000)
    site = serve(Publisher(DATA, cuts=[9_000] * 40, shifted=5))
    assert "9.0 kB of 50.0 kB are kept" in refused(of(site, tmp_path)) and len(site.asked) == 4


@pytest.mark.parametrize("checked", [True, False])
def test_chunks_are_put_together(  # type: ignore[no-untyped-def]
    serve: Serve, tmp_path: Path, checked: bool, said
) -> None:
    site = serve(Publisher(DATA, cuts=[20_000], chunked=True, extra={"Content-Encoding": "x-gzip"}))
    one = of(site, tmp_path, size=len(DATA) if checked else 40_000, exact=checked, checked=checked)
    one.run()
    assert one.part.read_bytes() == DATA and one.whole and site.asked[1]["Range"] == "bytes=20000-"
    assert "broke off; 20.0 kB of" in said.text


@pytest.mark.parametrize("length", ["\xb2", "9" * 5000, "-1", ""])
def test_a_length_that_is_none_is_no_length(serve: Serve, tmp_path: Path, length: str) -> None:
    site = serve(Publisher(DATA, length=False, extra={"Content-Length": length}))
    one = of(site, tmp_path)
    one.run()
    assert one.part.read_bytes() == DATA


# --- redirects, proxies, certificates --------------------------------------------------------------------------------


def test_a_redirect_to_another_host_is_followed_and_gone_on_with(serve: Serve, tmp_path: Path) -> None:
    mirror = serve(Publisher(DATA, cuts=[10_000]))
    site = serve(Publisher(b"", location=mirror.url.replace("set.zip", "elsewhere")))
    one = of(site, tmp_path)
    one.run()
    assert one.part.read_bytes() == DATA and [asked.get("Range") for asked in mirror.asked] == [None, "bytes=10000-"]


@pytest.mark.parametrize(
    "to", ["file:///etc/hostname", "ftp://127.0.0.1/set.zip", "data:,x", "/set.zip", "http://[x/", "http://a..b/"]
)
def test_a_redirect_to_elsewhere_is_one_line_at_once(serve: Serve, tmp_path: Path, to: str) -> None:
    site = serve(Publisher(DATA, location=to))
    text = refused(of(site, tmp_path))
    assert "not followed" in text or "cannot be asked for" in text
    assert not of(site, tmp_path).have


@pytest.mark.parametrize("checked", [True, False])
def test_only_what_has_a_checksum_may_come_without_encryption(checked: bool) -> None:
    asked = urllib.request.Request("https://example.org/a")
    follow = transfer._Redirects(checked).redirect_request
    assert follow(asked, None, 302, "Found", {}, "https://example.org/b").full_url == "https://example.org/b"
    if checked:
        assert follow(asked, None, 302, "Found", {}, "http://example.org/b").full_url == "http://example.org/b"
    else:
        with pytest.raises(urllib.error.HTTPError, match="redirection to http://example"):
            follow(asked, None, 302, "Found", {}, "http://example.org/b")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_said_at_once(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    site = serve(Publisher(DATA, codes=[407] * 9))
    monkeypatch.setenv(f"{scheme}_proxy", site.url.removesuffix("/set.zip"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    text = refused(Transfer(f"{scheme}://sounds.invalid/set.zip", tmp_path / "set.part", len(DATA), True, True))
    assert "the proxy answered 407" in text and "a name and a password" in text and len(site.asked) <= 1


def test_a_certificate_that_is_not_trusted_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def untrusted(*_: object) -> None:
        raise ssl.SSLCertVerificationError(1, "self-signed certificate")

    monkeypatch.setattr(transfer, "WAITS", (99.0,))
    monkeypatch.setattr(http.client.HTTPSConnection, "connect", untrusted)
    text = refused(Transfer("https://example.org/set.zip", tmp_path / "set.part", 10, True, True))
    assert "certificate of example.org is not trusted" in text and "SSL_CERT_FILE" in text


def test_what_a_server_says_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    one = Transfer("http://example.org/set.zip", tmp_path / "set.part", 10, True, True)
    with pytest.raises(FetchError) as caught:
        one._refused(urllib.error.HTTPError(one.url, 404, "no\x1b[2J\nfile", None, None))  # type: ignore[arg-type]
    assert "404 no\\x1b[2J file for" in str(caught.value)
