"""A download arrives whole however often it breaks off, goes on where it stopped, and says plainly what is wrong."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from servers import Publisher, Serve, Served

from wavenet.audio import transfer
from wavenet.audio.transfer import Transfer
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
    one = of(site, tmp_path)
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
    one = of(site, tmp_path)
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
    assert one.part.read_bytes() == DATA and len(site.asked) == (1 if left == 50_000 else 2)


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
