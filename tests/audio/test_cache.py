"""Sound is decoded once; a cache is whole or absent, whoever dies or writes beside it; bad files are dropped, said."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sound_toys
import soundfile
from sound_toys import RATE, clip, codes, make_bad

from wavenet.audio import cache, decode, files, folders
from wavenet.audio.cache import Cache
from wavenet.audio.folders import Clip
from wavenet.errors import SoundError, WavenetError
from wavenet.recipe.records import TrimConfig


def fill(folder: Path, count: int = 3) -> list[np.ndarray]:
    """Write some sounds, a0.wav, a1.wav..., and return their samples."""
    folder.mkdir(parents=True, exist_ok=True)
    sounds = [codes(500 + 70 * i, seed=i) for i in range(count)]
    for i, sound in enumerate(sounds):
        soundfile.write(folder / f"a{i}.wav", sound, RATE)
    return sounds


def clips(folder: Path) -> tuple[Clip, ...]:
    return folders.open_folder(folder).clips


def held(made: Cache) -> list[list[int]]:
    """Return the samples of each clip of a cache."""
    return [made.pcm()[entry.first : entry.first + entry.length].tolist() for entry in made.entries]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "caches"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    fill(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the clips that are decoded from here on."""
    seen: list[str] = []
    genuine = cache.decode
    monkeypatch.setattr(cache, "decode", lambda clip, *rest: (seen.append(clip.name), genuine(clip, *rest))[1])
    return seen


# --- what it holds ---------------------------------------------------------------------------------------------------


def test_the_cache_holds_every_sample_in_the_order_of_the_clips(tmp_path: Path, place: Path) -> None:
    sounds = fill(tmp_path / "data", 5)
    made = cache.prepare(clips(tmp_path / "data"), RATE, None, place)
    assert held(made) == [sound.tolist() for sound in sounds]
    assert [entry.name for entry in made.entries] == [f"a{i}.wav" for i in range(5)]
    assert len(made.pcm()) == sum(map(len, sounds)) and made.sample_rate == RATE


def test_another_rate_is_resampled_once_into_the_cache(data: Path, place: Path) -> None:
    made = cache.prepare(clips(data), 2 * RATE, None, place)
    assert [entry.length for entry in made.entries] == [1_000, 1_140, 1_280]
    assert {entry.source_rate for entry in made.entries} == {RATE}
    np.testing.assert_allclose([entry.seconds for entry in made.entries], [500 / RATE, 570 / RATE, 640 / RATE])


def test_the_second_call_decodes_nothing(data: Path, place: Path, decoded: list[str]) -> None:
    first = cache.prepare(clips(data), RATE, None, place)
    assert decoded == ["a0.wav", "a1.wav", "a2.wav"]
    second = cache.prepare(clips(data), RATE, None, place)
    assert len(decoded) == 3 and second == first and held(second) == held(first)


def longer(data: Path) -> None:
    soundfile.write(data / "a1.wav", codes(900, seed=9), RATE)


def touched(data: Path) -> None:
    soundfile.write(data / "a1.wav", codes(570, seed=9), RATE)
    os.utime(data / "a1.wav", ns=(1, 1))


def put_back(change: Callable[[Path], None]) -> Callable[[Path], None]:
    """Return a change after which the file has the time that it had before."""

    def changed(data: Path) -> None:
        then = (data / "a1.wav").stat().st_mtime_ns
        change(data)
        os.utime(data / "a1.wav", ns=(then, then))

    return changed


def between_what_a_fingerprint_reads(data: Path) -> None:
    with (data / "a1.wav").open("r+b") as file:
        file.seek(44 + 2 * 150)
        file.write(codes(10, seed=9).tobytes())


@pytest.mark.parametrize(
    "change",
    [
        longer,
        put_back(longer),
        touched,
        put_back(touched),
        between_what_a_fingerprint_reads,
        lambda data: (data / "a1.wav").unlink(),
        lambda data: (data / "a1.wav").rename(data / "b.wav"),
        lambda data: soundfile.write(data / "new.wav", codes(10), RATE),
    ],
    ids=[
        *("longer", "longer, same time", "same size, other time", "same size and time"),
        *("in between", "removed", "renamed", "added"),
    ],
)
def test_changed_files_are_decoded_into_a_new_cache(
    data: Path, place: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(cache, "PART_BYTES", 50)
    old = cache.prepare(clips(data), RATE, None, place)
    kept = held(old)
    decoded.clear()
    time.sleep(0.02)  # a clock of files may tick a hundred times a second
    change(data)
    new = cache.prepare(clips(data), RATE, None, place)
    assert decoded == [entry.name for entry in new.entries] == sorted(path.name for path in data.iterdir())
    assert new.folder != old.folder and held(old) == kept
    assert held(new) == [soundfile.read(data / name, dtype="int16")[0].tolist() for name in decoded]


def copied(data: Path) -> Path:
    return Path(shutil.copytree(data, data.with_name("copy")))


def linked(data: Path) -> Path:
    home = data.with_name("links")
    home.mkdir()
    for path in data.iterdir():
        (home / path.name).symlink_to(path)
    return home


def moved(data: Path) -> Path:
    return data.rename(data.with_name("moved"))


@pytest.mark.parametrize("change", [copied, linked, moved])
def test_the_same_files_elsewhere_are_not_decoded_again(
    data: Path, place: Path, decoded: list[str], change: Callable[[Path], Path]
) -> None:
    made = cache.prepare(clips(data), RATE, None, place)
    decoded.clear()
    assert cache.prepare(clips(change(data)), RATE, None, place) == made and decoded == []


def replaced_while_decoded(monkeypatch: pytest.MonkeyPatch, path: Path, times: int) -> list[np.ndarray]:
    """Have a file replaced behind each of its first decodings; return the sounds, the first and what came later."""
    sounds = [soundfile.read(path, dtype="int16")[0]]
    genuine = cache.decode

    def changing(clip: Clip, *rest: object) -> object:
        entry = genuine(clip, *rest)
        if clip.path == path and len(sounds) <= times:
            sounds.append(codes(len(sounds[0]), seed=100 + len(sounds)))
            soundfile.write(path, sounds[-1], RATE)
            os.utime(path, ns=(1, 1))
        return entry

    monkeypatch.setattr(cache, "decode", changing)
    return sounds


def test_a_file_that_changes_while_it_is_decoded_is_decoded_again(
    data: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        sounds = replaced_while_decoded(patch, data / "a1.wav", times=1)
        made = cache.prepare(clips(data), RATE, None, place)
    assert held(made)[1] == sounds[1].tolist() and held(made)[2] == codes(640, seed=2).tolist()
    assert cache.prepare(clips(data), RATE, None, place) == made
    soundfile.write(data / "a1.wav", sounds[0], RATE)  # what it was when it was first read: it has no cache
    assert held(cache.prepare(clips(data), RATE, None, place))[1] == sounds[0].tolist()


def test_a_file_that_does_not_stand_still_is_dropped_until_it_does(
    data: Path, place: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    with monkeypatch.context() as patch:
        sounds = replaced_while_decoded(patch, data / "a1.wav", times=2)
        made = cache.prepare(clips(data), RATE, None, place)
    assert said == ["dropped a1.wav: it changed while it was read; start again when nothing writes to it"]
    assert [len(sound) for sound in held(made)] == [500, 0, 640] and len(made.pcm()) == 1_140
    assert held(cache.prepare(clips(data), RATE, None, place))[1] == sounds[2].tolist()


def test_a_file_that_goes_missing_is_noticed_by_its_clip(data: Path, place: Path, said: list[str]) -> None:
    known = clips(data)
    cache.prepare(known, RATE, None, place)
    (data / "a1.wav").unlink()
    made = cache.prepare(known, RATE, None, place)
    assert [entry.reason for entry in made.entries] == [None, "missing", None]
    assert said == ["dropped a1.wav: missing"]


def test_a_file_that_may_be_read_again_is_decoded_again(
    data: Path, place: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, shut = Path.open, clips(data)[0].path

    def refusing(path: Path, *rest: object, **more: object) -> object:
        if path == shut:
            raise PermissionError(13, "Permission denied")
        return genuine(path, *rest, **more)

    with monkeypatch.context() as patch:  # root may read anything
        patch.setattr(Path, "open", refusing)
        patch.setattr(decode, "Reader", lambda path: files.Reader(path if path != shut else path / "no"))
        assert cache.prepare(clips(data), RATE, None, place).entries[0].reason == "Not a directory" and len(said) == 1
    assert cache.prepare(clips(data), RATE, None, place).entries[0].reason is None


def test_every_rate_and_trim_rule_has_a_cache_of_its_own(data: Path, place: Path) -> None:
    rules = [(RATE, None), (RATE, TrimConfig(40.0)), (RATE, TrimConfig(40.0, 0.1)), (RATE, TrimConfig(30.0))]
    homes = {cache.prepare(clips(data), rate, trim, place).folder for rate, trim in [*rules, (RATE // 2, None)]}
    assert len(homes) == 5 == len(list(place.iterdir()))


def test_nothing_is_written_into_the_data(data: Path, place: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in [data, *data.rglob("*")]}
    cache.prepare(clips(data), RATE, None, place)
    assert {path: path.stat().st_mtime_ns for path in [data, *data.rglob("*")]} == before


# --- damage ----------------------------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"ab")


def alter(path: Path, **changes: object) -> None:
    manifest = json.loads(path.read_text())
    manifest["entries"][0].update(changes)
    path.write_text(json.dumps(manifest))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "samples cut": lambda home: cut(home / "pcm.int16"),
    "samples empty": lambda home: (home / "pcm.int16").write_bytes(b""),
    "samples gone": lambda home: (home / "pcm.int16").unlink(),
    "too many samples": lambda home: grow(home / "pcm.int16"),
    "manifest cut": lambda home: cut(home / "manifest.json"),
    "manifest empty": lambda home: (home / "manifest.json").write_bytes(b""),
    "manifest gone": lambda home: (home / "manifest.json").unlink(),
    "manifest no text": lambda home: (home / "manifest.json").write_bytes(b"\xff\xfe"),
    "manifest a list": lambda home: (home / "manifest.json").write_text("[]"),
    "manifest nothing": lambda home: (home / "manifest.json").write_text("{}"),
    "an unknown field": lambda home: alter(home / "manifest.json", mood="glad"),
    "a length that is none": lambda home: alter(home / "manifest.json", length=None),
    "all gone": lambda home: [path.unlink() for path in home.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_made_again(data: Path, place: Path, decoded: list[str], damage: str) -> None:
    made = cache.prepare(clips(data), RATE, None, place)
    whole = held(made)
    decoded.clear()
    DAMAGE[damage](made.folder)
    again = cache.prepare(clips(data), RATE, None, place)
    assert len(decoded) == 3 and again.folder == made.folder and held(again) == whole
    assert [path.name for path in place.iterdir()] == [made.folder.name]


def test_a_place_that_cannot_be_written_is_one_sentence(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WavenetError, match="--cache DIR") as caught:
        cache.prepare(clips(data), RATE, None, tmp_path / "file" / "caches")
    assert "\n" not in str(caught.value) and str(tmp_path / "file") in str(caught.value)
    assert not isinstance(caught.value, SoundError)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), OSError(28, "No space left on device")])
def test_a_stop_half_way_leaves_nothing(
    data: Path, place: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    genuine = cache.decode

    def stopping(clip: Clip, *rest: object) -> object:
        if clip.name == "a2.wav":
            raise error
        return genuine(clip, *rest)

    monkeypatch.setattr(cache, "decode", stopping)
    with pytest.raises(WavenetError if isinstance(error, OSError) else type(error)):
        cache.prepare(clips(data), RATE, None, place)
    assert not list(place.iterdir())


# --- two processes ---------------------------------------------------------------------------------------------------

CHILD = """
import hashlib, sys, time
from pathlib import Path
from wavenet.audio import cache, decode, files, folders

data, place, pause, go = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
genuine = cache.decode

def slow(*given):
    time.sleep(pause)
    return genuine(*given)

cache.decode = slow
print("ready", flush=True)
while not go.exists():
    time.sleep(0.01)
made = cache.prepare(folders.open_folder(data).clips, 8_000, None, place)
print(made.folder, hashlib.sha256(made.pcm()[:].tobytes()).hexdigest())
"""


def child(data: Path, place: Path, pause: float, go: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(data), str(place), str(pause), str(go)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_at_once_make_one_whole_cache(tmp_path: Path, place: Path) -> None:
    sounds = fill(tmp_path / "data", 6)
    go = tmp_path / "go"
    processes = [child(tmp_path / "data", place, pause, go) for pause in (0.03, 0.03, 0.05)]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    go.touch()
    answers = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0] and len(answers) == 1
    folder, digest = answers.pop().split()
    assert digest == hashlib.sha256(np.concatenate(sounds).tobytes()).hexdigest()
    assert [str(path) for path in place.iterdir()] == [folder]


# --- bad files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a" * 300 + ".wav", "a\0b.wav", "a.wav/b.wav"], ids=["long", "null", "below a file"])
def test_a_name_that_no_file_can_have_is_dropped(tmp_path: Path, place: Path, said: list[str], name: str) -> None:
    fill(tmp_path, 1)
    found = [clip(tmp_path / "a0.wav"), Clip(tmp_path / name, name)]
    assert sound_toys.decoded(found[1])[0].reason
    assert [entry.reason is None for entry in cache.prepare(found, RATE, None, place).entries] == [True, False]


def test_dropped_files_are_said_and_the_rest_is_used(tmp_path: Path, place: Path, said: list[str]) -> None:
    reasons = make_bad(tmp_path / "data")
    sounds = fill(tmp_path / "data", 2)
    made = cache.prepare(clips(tmp_path / "data"), RATE, None, place)
    assert [sound for sound in held(made) if sound] == [sound.tolist() for sound in sounds]
    assert sorted(line.split(":")[0] for line in said) == sorted(f"dropped {name}" for name in reasons)
    said.clear()
    assert cache.prepare(clips(tmp_path / "data"), RATE, None, place) == made
    assert said == [f"of {len(reasons) + 2} files, {len(reasons)} dropped; `{cache.SCAN}` lists which and why"]


def test_a_file_that_was_cut_is_kept_and_said(tmp_path: Path, place: Path, said: list[str]) -> None:
    sounds = fill(tmp_path / "data", 2)
    whole = (tmp_path / "data" / "a1.wav").read_bytes()
    (tmp_path / "data" / "a1.wav").write_bytes(whole[: 44 + 200])
    made = cache.prepare(clips(tmp_path / "data"), RATE, None, place)
    assert held(made) == [sounds[0].tolist(), sounds[1][:100].tolist()]
    assert len(said) == 1 and said[0].startswith("kept a1.wav with a note: cut short") and "1,140 bytes" in said[0]
    cache.prepare(clips(tmp_path / "data"), RATE, None, place)
    assert said[1:] == [f"of 2 files, 1 kept with a note; `{cache.SCAN}` lists which and why"]


def test_of_many_notes_the_first_are_told_and_the_rest_counted(tmp_path: Path, place: Path, said: list[str]) -> None:
    (tmp_path / "data").mkdir()
    for i in range(12):
        soundfile.write(tmp_path / "data" / f"{i:02}.wav", codes(RATE // 2, seed=i, level=9_000) + 5_000, RATE)
    (tmp_path / "data" / "bad.wav").write_text("words")
    cache.prepare(clips(tmp_path / "data"), RATE, None, place)
    assert said[0].startswith("dropped bad.wav: ") and said[1].startswith("kept 00.wav with a note: a DC offset of 15")
    assert len(said) == 12 and said[-1] == f"2 more files kept with a note; `{cache.SCAN}` lists them"


def test_sound_beyond_full_scale_is_held_at_its_scale(tmp_path: Path, place: Path) -> None:
    (tmp_path / "data").mkdir()
    loud = np.append(codes(900), 1) * 3.0 / 20_000  # up to 3 times full scale
    soundfile.write(tmp_path / "data" / "loud.wav", loud, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "data" / "plain.wav", codes(500), RATE)
    for _ in range(2):  # decoded, then read from the cache
        made = cache.prepare(clips(tmp_path / "data"), RATE, None, place)
        scaled, plain = made.entries
        assert (scaled.scale, plain.scale, plain.overshoot) == (4.0, 1.0, 0)
        stored = [np.array(samples) for samples in held(made)]
        np.testing.assert_allclose(stored[0] * scaled.scale / decode.FULL, loud, atol=scaled.scale / decode.FULL)
        np.testing.assert_array_equal(stored[1], codes(500))


def test_names_that_no_terminal_can_show_are_said_in_one_line(tmp_path: Path, place: Path, said: list[str]) -> None:
    (tmp_path / "data").mkdir()
    names = [b"two\nlines.wav", b"not \xff utf8.wav", "\u202eright to left.wav".encode(), b"'quotes' and \"more\".wav"]
    for i, name in enumerate(names):
        path = Path(os.fsdecode(os.fsencode(tmp_path / "data") + b"/" + name))
        with contextlib.suppress(OSError):  # some systems refuse such names
            path.write_bytes(b"words")
            soundfile.write(os.fsencode(path.with_name(f"good {path.name}")), codes(300, seed=i), RATE, format="WAV")
    made = cache.prepare(clips(tmp_path / "data"), RATE, None, place)
    assert len(made.entries) == 2 * len(said) >= 4 and {entry.reason for entry in made.entries[::1]} - {None}
    for line in said:
        assert line.isprintable() and line.encode("utf-8")
    again = cache.prepare(clips(tmp_path / "data"), RATE, None, place)
    assert again == made and held(again) == held(made)


def test_equal_sound_has_equal_digests(data: Path, place: Path) -> None:
    shutil.copy(data / "a1.wav", data / "copy.wav")
    soundfile.write(data / "same.flac", codes(570, seed=1), RATE)
    made = cache.prepare(clips(data), RATE, None, place)
    digests = {entry.name: entry.digest for entry in made.entries}
    assert digests["copy.wav"] == digests["same.flac"] == digests["a1.wav"] and len(set(digests.values())) == 3


# --- reading it ------------------------------------------------------------------------------------------------------


def test_any_part_is_read_as_of_an_array(data: Path, place: Path) -> None:
    pcm = cache.prepare(clips(data), RATE, None, place).pcm()
    every = np.fromfile(pcm.path, np.int16)
    for part in (slice(None), slice(3, 9), slice(9, 3), slice(0, 0), slice(len(every) - 2, len(every) + 5)):
        np.testing.assert_array_equal(pcm[part], every[part])
        assert pcm[part].dtype == np.int16


def test_a_copy_for_a_worker_reads_the_same(data: Path, place: Path) -> None:
    pcm = cache.prepare(clips(data), RATE, None, place).pcm()
    sent = pickle.dumps(pcm)
    assert len(sent) < 1_000
    np.testing.assert_array_equal(pickle.loads(sent)[5:700], pcm[5:700])


def test_without_pread_it_reads_the_same(data: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pcm = cache.prepare(clips(data), RATE, None, place).pcm()
    every = pcm[:]
    monkeypatch.delattr(os, "pread", raising=False)
    np.testing.assert_array_equal(pcm[5:700], every[5:700])


def test_a_cache_that_is_cut_while_in_use_is_one_sentence_and_one_removed_is_read_on(data: Path, place: Path) -> None:
    made = cache.prepare(clips(data), RATE, None, place)
    pcm, kept = made.pcm(), made.pcm()[:]
    cut(made.folder / "pcm.int16")
    with pytest.raises(WavenetError, match="truncated while in use"):
        pcm[:]
    shutil.rmtree(made.folder)
    np.testing.assert_array_equal(pcm[: len(kept) - 1], kept[:-1])


def test_nothing_but_bad_files_is_one_sentence(tmp_path: Path, place: Path, said: list[str]) -> None:
    count = len(make_bad(tmp_path / "data"))
    for _ in range(2):
        with pytest.raises(SoundError, match=f"none of {count} files can be used; `wavenet data scan") as caught:
            cache.prepare(clips(tmp_path / "data"), RATE, None, place)
        assert "\n" not in str(caught.value)
    one = [clip for clip in clips(tmp_path / "data") if clip.name == "silence.wav"]
    with pytest.raises(SoundError, match=r"silence\.wav cannot be used: digital silence.*; give another file"):
        cache.prepare(one, RATE, None, place)


# --- fingerprints ----------------------------------------------------------------------------------------------------


PART = cache.PART_BYTES
LENGTHS = [0, 1, PART - 1, PART, 2 * PART, 3 * PART + 1, 10 * PART]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_fingerprint_sees_head_middle_and_end_under_an_old_time(tmp_path: Path, length: int) -> None:
    path, content = tmp_path / "a.wav", bytes(length)
    places = {0, length // 2, length - 1} if length else set()
    changed = [content[:at] + b"x" + content[at + 1 :] for at in places]
    seen = set()
    for held in (content, *changed, content + b"x"):
        path.write_bytes(held)
        os.utime(path, ns=(1, 1))
        assert cache.fingerprint(path) == cache.fingerprint(path)
        seen.add(cache.fingerprint(path))
    assert len(seen) == len(places) + 2


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "gone", "itself", "shut"])
def test_what_cannot_be_read_has_a_fingerprint_too(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "shut").write_bytes(b"words")
    if name == "shut":  # root may read anything
        monkeypatch.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert cache.fingerprint(tmp_path / name) == ("unreadable: 13" if name == "shut" else "no file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = threading.Thread(target=cache.fingerprint, args=(tmp_path / "pipe",))
    reading.start()
    reading.join(2)
    stuck = reading.is_alive()
    while reading.is_alive():
        with contextlib.suppress(OSError):
            os.close(os.open(tmp_path / "pipe", os.O_WRONLY | os.O_NONBLOCK))
        reading.join(0.05)
    assert not stuck
