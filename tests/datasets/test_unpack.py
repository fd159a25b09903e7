"""Unpacking: what was packed comes out, nothing escapes, nothing swells, and what is damaged is said in one line."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from wavenet.datasets import unpack
from wavenet.datasets.unpack import DamagedError

CONTENT = {"top/a.txt": b"first", "top/deep/er/b.bin": os.urandom(300_000), "top/empty": b""}
KINDS = ("zip", "gz", "bz2")


def pack(path: Path, content: dict[str, bytes], kind: str) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, f"w:{kind}") as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def unpacked(archive: Path, folder: Path, most_bytes: int = 10**6) -> int:
    return unpack.unpack(archive, folder, most_bytes)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_packed_comes_out_without_its_one_top_folder(tmp_path: Path, kind: str) -> None:
    assert unpacked(pack(tmp_path / "x", CONTENT, kind), tmp_path / "out") == 3
    assert tree(tmp_path / "out") == {name.removeprefix("top/"): data for name, data in CONTENT.items()}
    assert {path.name for path in tmp_path.iterdir()} == {"x", "out"}


@pytest.mark.parametrize("kind", KINDS)
def test_several_folders_and_dots_stay_as_they_are(tmp_path: Path, kind: str) -> None:
    unpacked(pack(tmp_path / "x", {"./one/a": b"1", "./two/b": b"2"}, kind), tmp_path / "out")
    assert tree(tmp_path / "out") == {"one/a": b"1", "two/b": b"2"}


def test_folders_of_their_own_and_doubles_are_no_trouble(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.mkdir("d")
        archive.writestr("d/a", b"new")
    assert unpacked(tmp_path / "x", tmp_path / "out") == 1 and tree(tmp_path / "out") == {"a": b"new"}
    with tarfile.open(tmp_path / "y", "w:gz") as tar:
        for data in (b"old and longer", b"new"):
            entry = tarfile.TarInfo("d/a")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    unpacked(tmp_path / "y", tmp_path / "again")
    assert tree(tmp_path / "again") == {"a": b"new"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["/escaped", "../escaped", "a/../../escaped"])
def test_no_member_leaves_the_folder(tmp_path: Path, kind: str, name: str) -> None:
    archive = pack(tmp_path / "x", {"a/fine": b"1", name: b"2"}, kind)
    with pytest.raises(DamagedError, match="outside of its folder") as caught:
        unpacked(archive, tmp_path / "in" / "out")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*escaped*")) and not Path("/escaped").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "x", "w:gz") as archive:
        entry = tarfile.TarInfo("way")
        entry.type, entry.linkname = kind, "/etc"
        archive.addfile(entry)
        inner = tarfile.TarInfo("way/passwd")
        inner.size = 1
        archive.addfile(inner, io.BytesIO(b"x"))
    with pytest.raises(DamagedError, match="'way' is a link or a device"):
        unpacked(tmp_path / "x", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO])
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, mode: int) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        entry = zipfile.ZipInfo("way")
        entry.external_attr = (mode | 0o777) << 16
        archive.writestr(entry, "/etc")
    with pytest.raises(DamagedError, match="'way' is a link or a device"):
        unpacked(tmp_path / "x", tmp_path / "out")


@pytest.mark.parametrize("kind", KINDS)
def test_what_swells_beyond_what_was_published_is_refused(tmp_path: Path, kind: str) -> None:
    archive = pack(tmp_path / "x", {"a": bytes(200_000), "b": bytes(200_000)}, kind)
    with pytest.raises(DamagedError, match="more than 300,000 bytes"):
        unpacked(archive, tmp_path / "out", most_bytes=300_000)
    assert sum(map(len, tree(tmp_path / "out").values())) <= 300_000
    assert unpacked(archive, tmp_path / "fits", most_bytes=400_000) == 2


def test_a_zip_that_lies_about_its_sizes_is_damaged(tmp_path: Path) -> None:
    data = pack(tmp_path / "x", {"a": bytes(200_000)}, "zip").read_bytes()
    (tmp_path / "x").write_bytes(data.replace((200_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(DamagedError, match="damaged"):
        unpacked(tmp_path / "x", tmp_path / "out", most_bytes=1000)
    assert sum(map(len, tree(tmp_path / "out").values())) <= 1000


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_it_is_cut_short_it_is_damaged(tmp_path: Path, kind: str) -> None:
    data = pack(tmp_path / "x", CONTENT, kind).read_bytes()
    for i, end in enumerate([*range(0, len(data), len(data) // 23), len(data) - 200, len(data) - 9, len(data) - 1]):
        (tmp_path / "short").write_bytes(data[:end])
        with pytest.raises(DamagedError) as caught:
            unpacked(tmp_path / "short", tmp_path / f"out{i}")
        assert "\n" not in str(caught.value) and str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_damaged(tmp_path: Path, kind: str) -> None:
    data = bytearray(pack(tmp_path / "x", CONTENT, kind).read_bytes())
    data[len(data) // 2] ^= 8
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(DamagedError, match="damaged"):
        unpacked(tmp_path / "x", tmp_path / "out")


@pytest.mark.parametrize("data", [b"", b"<html>log in first</html>", b"PK\x03\x04", b"\x1f\x8b", b"BZ"])
def test_what_is_no_archive_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(DamagedError, match="archive"):
        unpacked(tmp_path / "x", tmp_path / "out")


def test_an_empty_or_encrypted_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match="holds no files"):
        unpacked(pack(tmp_path / "x", {}, "gz"), tmp_path / "out")
    data = bytearray(pack(tmp_path / "y", {"a": b"1"}, "zip").read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "y").write_bytes(data)
    with pytest.raises(DamagedError, match="encrypted"):
        unpacked(tmp_path / "y", tmp_path / "encrypted")


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="directory"):
        unpacked(pack(tmp_path / "x", {"a": b"1"}, "zip"), tmp_path / "file" / "out")


@pytest.mark.parametrize("kind", ["zip", "gz"])
@pytest.mark.parametrize("names", [["a", "a/b"], ["a/b", "a"], ["x" * 256], ["a/" * 3000 + "b"]])
def test_names_that_cannot_be_written_are_told_as_the_system_does(tmp_path: Path, kind: str, names: list[str]) -> None:
    with pytest.raises((OSError, DamagedError)):
        unpacked(pack(tmp_path / "x", dict.fromkeys(names, b"1"), kind), tmp_path / "out")


def test_the_longest_name_there_can_be_is_written(tmp_path: Path) -> None:
    assert unpacked(pack(tmp_path / "x", {"x" * 255: b"1", "y": b""}, "zip"), tmp_path / "out") == 2


@pytest.mark.parametrize("error", [IndexError("index"), OverflowError("too large"), MemoryError(), KeyError("name")])
def test_what_the_libraries_stumble_over_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise error

    archive = pack(tmp_path / "x", {"a": b"1"}, "zip")
    monkeypatch.setattr(zipfile.ZipFile, "infolist", stumble)
    with pytest.raises(DamagedError, match="damaged"):
        unpacked(archive, tmp_path / "out")


def sparse(size: int) -> bytes:
    """Return a tar with one sparse member of the old GNU kind: 512 bytes of data at its end."""
    entry = tarfile.TarInfo("a")
    entry.type, entry.size = tarfile.GNUTYPE_SPARSE, 512
    head = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    head[386:410] = b"%011o\0%011o\0" % (size - 512, 512)
    head[483:495] = b"%011o\0" % size
    head[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(head))[0]
    return bytes(head) + b"d" * 512 + bytes(1024)


def test_holes_count_as_what_they_become(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(gzip.compress(sparse(300_000)))
    assert unpacked(tmp_path / "x", tmp_path / "out") == 1
    assert tree(tmp_path / "out") == {"a": bytes(299_488) + b"d" * 512}
    (tmp_path / "y").write_bytes(gzip.compress(sparse(8 << 30)))
    with pytest.raises(DamagedError, match="far more than expected"):
        unpacked(tmp_path / "y", tmp_path / "more")


def test_what_is_spoilt_anywhere_is_whole_or_damaged(tmp_path: Path) -> None:
    """A zip and tars of each kind, with bytes changed at random and the tars' own checksums made right again."""
    draw, content = random.Random(5), {"t/a": b"first" * 40, "t/d" * 40: b"2" * 300, "t/\u00e9": b""}
    zipped = pack(tmp_path / "x", content, "zip").read_bytes()
    tars = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
            for name, data in content.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime = len(data), 1
                archive.addfile(entry, io.BytesIO(data))
        tars.append(packed.getvalue().rstrip(b"\0") + bytes(1024))
    damaged = 0
    for i in range(120):
        spoilt = bytearray(draw.choice([zipped, zipped, *tars]))
        for _ in range(draw.choice([1, 1, 2, 4])):
            at, count = draw.randrange(len(spoilt)), draw.choice([1, 2, 4, 8])
            spoilt[at : at + count] = draw.choice([bytes(count), b"\xff" * count, draw.randbytes(count)])
        if not zipped.startswith(spoilt[:2]):
            for at in range(0, len(spoilt) - 511, 512):
                head = bytes(spoilt[at : at + 512])
                if head[257:262] == b"ustar":
                    spoilt[at + 148 : at + 156] = b"%06o\0 " % tarfile.calc_chksums(head)[0]
            spoilt = bytearray(gzip.compress(spoilt, 1))
        (tmp_path / "x").write_bytes(spoilt)
        try:
            unpacked(tmp_path / "x", tmp_path / f"out{i}", most_bytes=10_000)
        except DamagedError as error:
            damaged += 1
            assert "\n" not in str(error)
    assert 30 < damaged < 120
    assert {path.name for path in tmp_path.iterdir()} <= {"x", *(f"out{i}" for i in range(120))}
