"""`wavenet data fetch`: a folder that is whole or absent, a part to go on with, one line for what is wrong."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile
import toys
from servers import Publisher, Serve, Served

import wavenet
from wavenet import cli, disk
from wavenet.audio import folders
from wavenet.datasets import catalogue, fetch, transfer
from wavenet.datasets.catalogue import DATASETS, DataSet
from wavenet.errors import InputError, SoundError
from wavenet.recipe import find, read


def wav(samples: int = 40) -> bytes:
    encoded = io.BytesIO()
    soundfile.write(encoded, toys.wave(samples / 8000, 1, 8000), 8000, format="WAV")
    return encoded.getvalue()


def zipped(content: dict[str, bytes], top: str = "free-spoken-digit-dataset-1.0.10/") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in content.items():
            archive.writestr(top + name, data)
    return packed.getvalue()


def recordings(takes: int) -> dict[str, bytes]:
    names = [f"{digit}_{who}_{take}.wav" for digit in range(10) for who in fetch.SPEAKERS for take in range(takes)]
    return {"README.md": b"CC BY-SA 4.0", **dict.fromkeys([f"recordings/{name}" for name in names], wav())}


DIGITS = zipped(recordings(takes=2))


def tarred(content: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


YESNO = tarred({f"waves_yesno/0_1_{i}.wav": wav(9_000) for i in range(4)} | {"waves_yesno/README": os.urandom(90_000)})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(transfer, "WAITS", (0.0, 0.0))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expect two takes of each digit instead of 50, to be quick."""
    monkeypatch.setattr(fetch, "TAKES", 2)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Return what serves a publisher's file as the data set it is: digits for a zip, else yesno."""
    with ExitStack() as stack:

        def begin(publisher: Publisher) -> Publisher:
            stack.enter_context(Served(publisher))
            name, one = entry(publisher)
            monkeypatch.setitem(DATASETS, name, one)
            return publisher

        yield begin


def entry(publisher: Publisher) -> tuple[str, DataSet]:
    size, name = len(publisher.data), "digits" if publisher.data[:2] == b"PK" else "yesno"
    checked = None if name == "digits" else hashlib.sha256(publisher.data).hexdigest()
    url = publisher.url
    return name, dataclasses.replace(DATASETS[name], url=url, size=size, sha256=checked)


def fetching(*words: object) -> int:
    return cli.main(["data", "fetch", *(str(word) for word in words)])


def data(tmp_path: Path) -> list[str]:
    """Return what lies in the user's data folder."""
    place = tmp_path / "data"
    return sorted(path.name for path in place.iterdir()) if place.exists() else []


def left(tmp_path: Path) -> list[str]:
    """Return what lies in the folder of what is unfinished."""
    return sorted(path.name for path in (tmp_path / "data" / "yesno.part").iterdir())


# --- what is expected ------------------------------------------------------------------------------------------------


def test_digits_are_fetched_checked_and_found_by_their_recipe(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = read.load(find.find_recipe("digits"))
    with pytest.raises(SoundError, match="`wavenet data fetch digits`, or give one with --data DIR"):
        folders.find(find.with_data(recipe, None).data)
    site = serve(Publisher(zipped(recordings(takes=50))))
    assert fetching("digits") == 0
    told, folder = capsys.readouterr(), tmp_path / "data" / "digits"
    assert told.out == f"{folder}\n" and data(tmp_path) == ["digits"]
    before, _, after = told.err.partition("checked: ")
    for words in ("Free Spoken Digit Dataset", site.url, "about ", "CC BY-SA 4.0", str(folder), "no checksum"):
        assert words in before
    assert after.startswith("3,000 names of 6 speakers x 10 digits x 50 takes, and each is a WAV file")
    assert "wavenet train digits" in after and (folder / "README.md").is_file()
    found = folders.find(find.with_data(recipe, None).data)
    assert (found.layout, len(found.clips), found.folder) == ("fsdd", 3000, folder)
    assert cli.main(["train", "digits", "--print-config"]) == 0
    assert f"path: {folder}" in capsys.readouterr().out


def test_what_has_a_checksum_is_checked_by_it(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serve(Publisher(YESNO))
    assert fetching("yesno", "--to", tmp_path / "deep" / "sounds") == 0
    told = capsys.readouterr()
    assert "the SHA-256 that torchaudio gives" in told.err and "no checksum" not in told.err
    assert f"wavenet train folder --data {tmp_path}/deep/sounds" in told.err
    assert sorted(path.name for path in (tmp_path / "deep" / "sounds").glob("[!.]*")) == [
        *(f"0_1_{i}.wav" for i in range(4)),
        "README",
    ]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["sounds"] and data(tmp_path) == []
    assert wavenet.scan(tmp_path / "deep" / "sounds").minutes_kept > 0


def test_it_is_there_already_unless_forced(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = serve(Publisher(YESNO))
    assert wavenet.fetch("yesno") == tmp_path / "data" / "yesno"
    (tmp_path / "data" / "yesno" / "README").write_text("spoilt")
    assert fetching("yesno") == 0
    told = capsys.readouterr()
    assert "already there" in told.err and told.out == f"{tmp_path}/data/yesno\n" and len(site.asked) == 1
    assert fetching("yesno", "--force") == 0 and len(site.asked) == 2
    assert (tmp_path / "data" / "yesno" / "README").read_bytes() != b"spoilt" and data(tmp_path) == ["yesno"]


def test_the_older_data_set_stays_where_the_new_one_cannot_take_its_place(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site, place = serve(Publisher(YESNO)), tmp_path / "data" / "yesno"
    assert fetching("yesno") == 0
    rename = Path.rename

    def full(path: Path, to: Path) -> Path:
        if path.name == fetch.UNPACKED:
            raise OSError(28, "No space left on device")
        return rename(path, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        assert fetching("yesno", "--force") == 1 and "No space left" in capsys.readouterr().err
    assert catalogue.holds(place, "yesno")
    place.with_name("yesno.part").mkdir(exist_ok=True)
    place.rename(place.with_name("yesno.part") / fetch.REPLACED)  # as a kill between the two renames leaves it
    assert fetching("yesno") == 0 and catalogue.holds(place, "yesno") and len(site.asked) == 2
    assert "already there" in capsys.readouterr().err


def test_a_folder_of_others_is_never_touched(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = serve(Publisher(YESNO))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "song.txt").write_text("la")
    (tmp_path / "file").write_text("la")
    for place in ("mine", "file", "file/inner"):
        for more in ([], ["--force"]):
            assert fetching("yesno", "--to", tmp_path / place, *more) == 2
            told = capsys.readouterr().err
            assert told.startswith("error: ") and told.count("\n") == 1 and "--to DIR" in told
    (tmp_path / "new.part").write_text("my own")
    assert fetching("yesno", "--to", tmp_path / "new") == 2
    assert "cannot be written (File exists)" in capsys.readouterr().err
    assert (tmp_path / "new.part").read_text() == "my own"
    assert site.asked == [] and (tmp_path / "mine" / "song.txt").read_text() == "la"
    (tmp_path / "void").mkdir()
    (tmp_path / "void.part").mkdir()
    (tmp_path / "void.part" / "song.txt").write_text("la")
    assert fetching("yesno", "--to", tmp_path / "void") == 0
    assert [path.name for path in (tmp_path / "void.part").iterdir()] == ["song.txt"]


def test_a_folder_that_cannot_be_replaced_is_said_before_the_download(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = serve(Publisher(YESNO))
    for name in ("here", "volume"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(os.path, "ismount", lambda path: str(path).endswith("volume"))
    for place in (".", tmp_path / "here", tmp_path / "volume"):
        assert fetching("yesno", "--to", place) == 2
        assert "name a new folder in it: --to /" in capsys.readouterr().err
    for place in ("x" * 251, "x" * 300, "a\0b"):  # the first is a name, but not with .part behind it
        assert fetching("yesno", "--to", place) == 2
        told = capsys.readouterr().err
        assert told.startswith("error: ") and told.count("\n") == 1 and "unexpected" not in told
    assert site.asked == [] and sorted(path.name for path in tmp_path.iterdir()) == ["here", "volume"]
    assert fetching("yesno", "--to", tmp_path / "volume" / "yesno") == 0


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_to_a_folder_stays_one(serve: Serve, tmp_path: Path) -> None:
    serve(Publisher(YESNO))
    (tmp_path / "data").mkdir()
    (tmp_path / "large" / "disk").mkdir(parents=True)
    (tmp_path / "data" / "yesno").symlink_to(tmp_path / "large" / "disk")
    for force in (False, True):
        assert wavenet.fetch("yesno", force=force) == tmp_path / "data" / "yesno"
        assert (tmp_path / "large" / "disk" / "README").is_file() and (tmp_path / "data" / "yesno").is_symlink()
        assert data(tmp_path) == ["yesno"] and len(list((tmp_path / "large").iterdir())) == 1
    assert catalogue.fetched("yesno") is not None


@pytest.mark.usefixtures("few")
def test_another_folder_of_sound_replaces_what_would_be_fetched(serve: Serve, tmp_path: Path) -> None:
    recipe = read.load(find.find_recipe("digits"))
    assert find.with_data(recipe, None) == recipe
    other = find.with_data(recipe, tmp_path).data
    assert (other.path, other.fetch) == (str(tmp_path), None)
    serve(Publisher(DIGITS))
    assert find.with_data(recipe, wavenet.fetch("digits")).data.fetch is None
    found = find.with_data(recipe, None)
    assert found.data.path == str(tmp_path / "data" / "digits") and find.with_data(found, None) == found
    assert found.data.licence == "CC BY-SA 4.0"


def test_help_lists_every_set(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fetching("--help")
    told = capsys.readouterr().out
    assert "`wavenet train digits`" in told
    assert ended.value.code == 0 and "--to DIR" in told and "--force" in told and "wavenet data fetch digits" in told
    for name, one in DATASETS.items():
        assert f"  {name} " in told and one.words() in told and one.licence in told and one.title in told


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["digit"], "did you mean 'digits'"), (["nothing-like-it"], "give one of digits,"), (["x" * 5000], "no data set")],
)
def test_a_wrong_name_is_one_line_and_exit_2(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert fetching(*words) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and hint in told and data(tmp_path) == []


@pytest.mark.parametrize(("words", "hint"), [([], "NAME"), (["digits", "--forc3"], "did you mean '--force'")])
def test_wrong_usage_is_one_line_and_exit_2(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        fetching(*words)
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.count("\n") == 1 and hint in told and "wavenet data fetch" in told


# --- what goes wrong -------------------------------------------------------------------------------------------------


def failure(name: str, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return the one line of a fetch that must end with 1."""
    assert fetching(name, "-q", *words) == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ") and told.err.count("\n") == 1
    return told.err


def test_a_dropped_connection_that_stays_away_leaves_a_part(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = serve(Publisher(YESNO, cuts=[50_000, 0, 0]))
    assert "50.0 kB of" in failure("yesno", capsys)
    assert left(tmp_path) == [".lock", "archive"] and data(tmp_path) == ["yesno.part"]
    site.cuts = [10_000]
    assert (
        fetching("yesno") == 0 and site.parts[-2:] == ["bytes=50000-", "bytes=60000-"] and data(tmp_path) == ["yesno"]
    )
    assert capsys.readouterr().err.count("trying again") == 1


def test_parts_of_two_versions_of_a_file_are_never_taken_for_one(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = serve(Publisher(YESNO, cuts=[50_000, 0, 0]))
    failure("yesno", capsys)
    (tmp_path / "data" / "yesno.part" / "archive").write_bytes(os.urandom(50_000))
    assert "SHA-256" in failure("yesno", capsys) and data(tmp_path) == []
    assert fetching("yesno") == 0 and site.parts[-1] is None


def test_a_wrong_checksum_removes_the_file_and_leaves_the_folder_that_was_fetched_before(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = serve(Publisher(YESNO))
    assert fetching("yesno", "-q") == 0
    capsys.readouterr()
    site.data = YESNO[:99] + bytes([YESNO[99] ^ 1]) + YESNO[100:]
    text = failure("yesno", capsys, "--force")
    assert "SHA-256" in text and hashlib.sha256(YESNO).hexdigest() in text and "removed" in text
    assert catalogue.fetched("yesno") is not None and data(tmp_path) == ["yesno"]
    site.data = YESNO
    assert fetching("yesno", "--force") == 0


def test_an_archive_that_is_not_sound_is_removed(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(Publisher(DIGITS[:-1]))
    assert "cut short or damaged" in failure("digits", capsys) and data(tmp_path) == []


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("7_theo_1", None, "119 recordings, expected 120 named DIGIT_SPEAKER_TAKE; missing: 7_theo_1.wav"),
        ("7_nobody_0", wav(), "unknown: 7_nobody_0.wav"),
        ("3_lucas_1", b"no sound", "3_lucas_1.wav is not a WAV file with sound"),
        ("3_lucas_1", wav(0), "3_lucas_1.wav is not a WAV file with sound"),
    ],
    ids=["one less", "one more", "junk", "nothing"],
)
def test_digits_that_are_not_as_published_are_refused(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, words: str
) -> None:
    recorded = {**recordings(takes=2), f"recordings/{name}.wav": content}
    serve(Publisher(zipped({name: data for name, data in recorded.items() if data is not None})))
    assert words in failure("digits", capsys) and data(tmp_path) == []


def test_too_little_room_is_said_before_the_download(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = serve(Publisher(YESNO))
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: SimpleNamespace(total=10**9, free=1000))
    assert "has 1.0 kB free" in failure("yesno", capsys) and site.asked == [] and data(tmp_path) == []
    room = 2 * len(YESNO) - 1  # for the archive, but not for what comes out of it
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: SimpleNamespace(total=10**9, free=room))
    assert "unpacking takes at least" in failure("yesno", capsys) and site.asked == [] and data(tmp_path) == []
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: SimpleNamespace(total=0, free=0))
    assert fetching("yesno") == 0  # a file system that does not tell its room is tried


def test_what_has_the_right_checksum_is_never_fetched_twice(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it cannot be unpacked nevertheless: another download would end there too."""
    packed = tarred({"a": b"1", "../b": os.urandom(2_000)})
    site = serve(Publisher(packed))
    for _ in range(2):
        text = failure("yesno", capsys)
        assert "outside of its folder" in text and "its checksum is right, so it is kept in" in text
        assert (tmp_path / "data" / "yesno.part" / "archive").read_bytes() == packed and len(site.asked) == 1


def test_what_cannot_be_unpacked_says_where_and_why(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(Publisher(YESNO))

    def refuse(*_: object) -> int:
        raise OSError(errno.EACCES, "Permission denied", "/some\nwhere")

    monkeypatch.setattr(fetch, "unpack", refuse)
    text = failure("yesno", capsys)
    assert "(Permission denied at /some\\nwhere)" in text and "kept in" in text


# --- in a process of its own -----------------------------------------------------------------------------------------

PROGRAM = """
import dataclasses, json, sys
from wavenet import cli
from wavenet.datasets.catalogue import DATASETS
DATASETS[sys.argv[2]] = dataclasses.replace(DATASETS[sys.argv[2]], **json.loads(sys.argv[1]))
sys.exit(cli.main(["data", "fetch", *sys.argv[2:]]))
"""


def command(publisher: Publisher, *words: str) -> list[str]:
    name, one = entry(publisher)
    changes = {key: getattr(one, key) for key in ("url", "size", "sha256")}
    return [sys.executable, "-c", PROGRAM, json.dumps(changes), name, *words]


@pytest.mark.skipif(os.name == "nt", reason="no limit on the size of files there")
@pytest.mark.parametrize("blocks", [60, 100])
def test_a_full_disk_is_one_line_and_keeps_the_part(serve: Serve, tmp_path: Path, blocks: int) -> None:
    """In blocks of 1,024 bytes: the first stops the download (92 kB), the second the unpacking (a file of 150 kB)."""
    packed = tarred({"a/README": os.urandom(92_000), "a/zeros": bytes(150_000)})
    site = serve(Publisher(packed))
    done = subprocess.run(
        ["bash", "-c", f'ulimit -f {blocks}; exec "$@"', "-", *command(site, "-q")], capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "File too large" in done.stderr, done.stderr
    assert "kept in" in done.stderr and left(tmp_path) == [".lock", "archive"] and data(tmp_path) == ["yesno.part"]
    whole = blocks == 100
    assert (tmp_path / "data" / "yesno.part" / "archive").read_bytes() == packed[: len(packed) if whole else 61_440]
    assert fetching("yesno") == 0 and data(tmp_path) == ["yesno"] and len(site.asked) == (1 if whole else 2)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_what_is_stopped_keeps_its_part_and_goes_on(
    serve: Serve, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    site = serve(Publisher(YESNO, pause=0.01))
    child = subprocess.Popen(command(site), stderr=subprocess.PIPE, text=True)
    part, deadline = tmp_path / "data" / "yesno.part" / "archive", time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 5_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(number)
    told = child.communicate(timeout=60)[1]
    assert child.returncode == code and "Traceback" not in told
    assert ("are kept in" in told and "same command again to go on" in told) == (number != signal.SIGKILL)
    kept = part.stat().st_size
    assert left(tmp_path) == [".lock", "archive"] and data(tmp_path) == ["yesno.part"] and 5_000 < kept < len(YESNO)
    site.pause = 0.0
    assert fetching("yesno") == 0 and site.parts[-1] == f"bytes={kept}-" and data(tmp_path) == ["yesno"]


def test_what_was_killed_while_unpacking_is_swept_and_needs_no_network(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = serve(Publisher(YESNO))

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(catalogue, "mark", kill)
    monkeypatch.setattr(fetch.shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(Killed):
        wavenet.fetch("yesno")
    assert left(tmp_path) == [".lock", ".unpacked", "archive"] and data(tmp_path) == ["yesno.part"]
    assert catalogue.fetched("yesno") is None
    monkeypatch.undo()
    monkeypatch.setenv("WAVENET_DATA", str(tmp_path / "data"))
    monkeypatch.setitem(DATASETS, *entry(site))
    wavenet.fetch("yesno")
    assert data(tmp_path) == ["yesno"] and len(site.asked) == 1


def test_two_at_once_do_not_share_a_part(serve: Serve, tmp_path: Path) -> None:
    serve(Publisher(YESNO))
    with (
        disk.locked(tmp_path / "data" / "yesno.part" / ".lock"),
        pytest.raises(InputError, match="another process"),
    ):
        wavenet.fetch("yesno")
    wavenet.fetch("yesno")


@pytest.mark.skipif(os.name == "nt", reason="no such locks there")
def test_a_file_system_without_locks_is_no_other_process(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    serve(Publisher(YESNO))
    monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "none")))
    assert fetching("yesno") == 0 and data(tmp_path) == ["yesno"]
    assert "yesno.part cannot be locked" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="no such locks there")
def test_what_another_process_has_just_fetched_is_not_fetched_again(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    def late(*_: object) -> None:
        (tmp_path / "data" / "yesno").mkdir(exist_ok=True)
        (tmp_path / "data" / "yesno" / catalogue.MARKER).write_text('{"name": "yesno"}')

    site = serve(Publisher(YESNO))
    monkeypatch.setattr(fcntl, "flock", late)
    assert fetching("yesno") == 0 and site.asked == [] and data(tmp_path) == ["yesno"]
    assert "already there" in capsys.readouterr().err
