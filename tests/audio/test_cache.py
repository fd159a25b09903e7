"""Sound is decoded once; a cache is whole or absent, whoever dies or writes beside it; bad files are dropped, said."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavenet.audio import cache, files, sources
from wavenet.audio.cache import FULL, Cache, Entry
from wavenet.audio.sources import Clip
from wavenet.config import TrimConfig
from wavenet.errors import SoundError, WavenetError

RATE = 8_000


def codes(samples: int, seed: int = 0, level: int = 20_000) -> np.ndarray:
    return np.random.default_rng(seed).integers(-level, level + 1, samples).astype(np.int16)


def fill(folder: Path, count: int = 3) -> list[np.ndarray]:
    """Write some sounds, a0.wav, a1.wav..., and return their samples."""
    folder.mkdir(parents=True, exist_ok=True)
    sounds = [codes(500 + 70 * i, seed=i) for i in range(count)]
    for i, sound in enumerate(sounds):
        soundfile.write(folder / f"a{i}.wav", sound, RATE)
    return sounds


def clips(folder: Path) -> tuple[Clip, ...]:
    return sources.open_folder(folder).clips


def clip(path: Path) -> Clip:
    return Clip(path, path.name)


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


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the warnings that are given from here on."""
    lines: list[str] = []
    monkeypatch.setattr(cache.log, "warning", lambda text, *rest: lines.append(text % rest))
    return lines


# --- what it holds ---------------------------------------------------------------------------------------------------


def test_the_cache_holds_every_sample_in_the_order_of_the_clips(tmp_path: Path, place: Path) -> None:
    sounds = fill(tmp_path / "data", 5)
    made = cache.prepare(clips(tmp_path / "data"), RATE, None, place)
    assert held(made) == [sound.tolist() for sound in sounds]
    assert [entry.name for entry in made.entries] == [f"a{i}.wav" for i in range(5)]
    assert len(made.pcm()) == sum(map(len, sounds)) and made.sample_rate == RATE
    with pytest.raises(ValueError, match="read-only"):
        made.pcm()[0] = 1


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


def longer_at_the_same_time(data: Path) -> None:
    then = (data / "a1.wav").stat().st_mtime_ns
    longer(data)
    os.utime(data / "a1.wav", ns=(then, then))


@pytest.mark.parametrize(
    "change",
    [
        longer,
        longer_at_the_same_time,
        touched,
        lambda data: (data / "a1.wav").unlink(),
        lambda data: (data / "a1.wav").rename(data / "b.wav"),
        lambda data: soundfile.write(data / "new.wav", codes(10), RATE),
    ],
    ids=["longer", "longer, same time", "same size, other time", "removed", "renamed", "added"],
)
def test_changed_files_are_decoded_into_a_new_cache(
    data: Path, place: Path, decoded: list[str], change: Callable[[Path], None]
) -> None:
    old = cache.prepare(clips(data), RATE, None, place)
    kept = held(old)
    decoded.clear()
    change(data)
    new = cache.prepare(clips(data), RATE, None, place)
    assert decoded == [entry.name for entry in new.entries] == sorted(path.name for path in data.iterdir())
    assert new.folder != old.folder and held(old) == kept
    assert held(new) == [soundfile.read(data / name, dtype="int16")[0].tolist() for name in decoded]


def test_a_file_that_goes_missing_is_noticed_by_its_clip(data: Path, place: Path, said: list[str]) -> None:
    known = clips(data)
    cache.prepare(known, RATE, None, place)
    (data / "a1.wav").unlink()
    made = cache.prepare(known, RATE, None, place)
    assert [entry.reason for entry in made.entries] == [None, "missing", None]
    assert said == ["dropped a1.wav: missing"]


def test_every_rate_and_trim_rule_has_a_cache_of_its_own(data: Path, place: Path) -> None:
    rules = [(RATE, None), (RATE, TrimConfig(40.0)), (RATE, TrimConfig(40.0, 0.1)), (RATE, TrimConfig(30.0))]
    homes = {cache.prepare(clips(data), rate, trim, place).folder for rate, trim in [*rules, (RATE // 2, None)]}
    assert len(homes) == 5 == len(list(place.iterdir()))


def test_nothing_is_written_into_the_data(data: Path, place: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in [data, *data.rglob("*")]}
    cache.prepare(clips(data), RATE, None, place)
    assert {path: path.stat().st_mtime_ns for path in [data, *data.rglob("*")]} == before


def test_the_default_place_is_named_by_the_environment(
    data: Path, monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    monkeypatch.setenv("WAVENET_CACHE", str(place))
    assert cache.default_folder() == place
    assert cache.prepare(clips(data), RATE, None).folder.parent == place
    monkeypatch.delenv("WAVENET_CACHE")
    assert "wavenet" in cache.default_folder().parts and data not in cache.default_folder().parents


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


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_place_is_one_sentence(data: Path, place: Path) -> None:
    place.mkdir()
    place.chmod(0o500)
    with pytest.raises(WavenetError, match="--cache DIR"):
        cache.prepare(clips(data), RATE, None, place)


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


FULL_DISK = """
import resource, sys
from pathlib import Path
from wavenet.audio import cache, sources

resource.setrlimit(resource.RLIMIT_FSIZE, (1_500, 1_500))
try:
    cache.prepare(sources.open_folder(Path(sys.argv[1])).clips, 8_000, None, Path(sys.argv[2]))
except BaseException as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes on Windows")
def test_a_full_disk_is_one_sentence_and_leaves_nothing(data: Path, place: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(data), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("WavenetError") and "--cache DIR" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("\n") == 1 and not list(place.iterdir())


# --- two processes, dead processes -----------------------------------------------------------------------------------

CHILD = """
import hashlib, sys, time
from pathlib import Path
from wavenet.audio import cache, sources

data, place, pause, go = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
genuine = cache.decode

def slow(*given):
    time.sleep(pause)
    return genuine(*given)

cache.decode = slow
print("ready", flush=True)
while not go.exists():
    time.sleep(0.01)
made = cache.prepare(sources.open_folder(data).clips, 8_000, None, place)
print(made.folder, hashlib.sha256(made.pcm().tobytes()).hexdigest())
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


@pytest.fixture
def killed(tmp_path: Path, place: Path) -> Path:
    """Return a folder of sound whose cache was being made when its process was killed."""
    fill(tmp_path / "data", 40)
    (tmp_path / "go").touch()
    with child(tmp_path / "data", place, 0.05, tmp_path / "go") as process:
        end = time.monotonic() + 60
        while not list(place.glob("*/pcm.int16")) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    return tmp_path / "data"


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is not known on Windows")
def test_a_killed_process_leaves_nothing_that_is_trusted_and_its_remains_are_swept(
    killed: Path, place: Path, decoded: list[str]
) -> None:
    assert len(list(place.iterdir())) == 1
    made = cache.prepare(clips(killed), RATE, None, place)
    assert len(decoded) == 40
    assert held(made) == [soundfile.read(clip.path, dtype="int16")[0].tolist() for clip in clips(killed)]
    assert list(place.iterdir()) == [made.folder]


def test_what_a_living_process_is_making_is_left_alone(data: Path, place: Path) -> None:
    home = cache.prepare(clips(data), RATE, None, place).folder
    shutil.rmtree(home)
    others = [home.with_name(f"{home.name}.tmp-{os.getppid()}"), place / "something-else", place / "x.tmp-notes"]
    for other in others:
        other.mkdir()
    cache.prepare(clips(data), RATE, None, place)
    assert sorted(place.iterdir()) == sorted([home, *others])


# --- trimming --------------------------------------------------------------------------------------------------------


def framed(levels: list[float], frame: int = 80) -> np.ndarray:
    """Return a sound whose 10 ms frames have these magnitudes (full scale 1), its signs alternating."""
    sign = np.where(np.arange(frame * len(levels)) % 2, -1, 1)
    return np.asarray(np.repeat(np.array(levels), frame) * sign * (FULL - 1), np.int16)


def trimmed(folder: Path, sound: np.ndarray, trim: TrimConfig | None) -> tuple[Entry, np.ndarray]:
    soundfile.write(folder / "a.wav", sound, RATE)
    return cache.decode(clip(folder / "a.wav"), None, trim)


@pytest.mark.parametrize(("margin", "cut"), [(0.0, 3), (0.01, 2), (0.02, 1), (0.03, 0), (9.0, 0)])
def test_quiet_ends_are_cut_but_for_the_margin(tmp_path: Path, margin: float, cut: int) -> None:
    sound = framed([0.001] * 3 + [0.5, 0.001, 0.4] + [0.001] * 3)
    entry, pcm = trimmed(tmp_path, sound, TrimConfig(40.0, margin))
    np.testing.assert_array_equal(pcm, sound[80 * cut : len(sound) - 80 * cut])
    assert (entry.length, entry.trimmed, entry.first) == (len(pcm), 160 * cut, 0)
    assert entry.seconds == len(sound) / RATE


@pytest.mark.parametrize(("below", "first"), [(3, 2), (18, 2), (30, 1), (60, 0)])
def test_the_rule_counts_from_the_loudest_frame(tmp_path: Path, below: float, first: int) -> None:
    sound = framed([0.001, 0.01, 0.1])  # -40 and -20 dB below the loudest
    _, pcm = trimmed(tmp_path, sound, TrimConfig(below, 0.0))
    np.testing.assert_array_equal(pcm, sound[80 * first :])


def test_without_a_rule_nothing_is_cut(tmp_path: Path) -> None:
    sound = framed([0.0, 0.5, 0.0])
    entry, pcm = trimmed(tmp_path, sound, None)
    np.testing.assert_array_equal(pcm, sound)
    assert entry.trimmed == 0


@given(
    st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.9]), min_size=1, max_size=12),
    st.integers(0, 79),
    st.floats(1.0, 120.0),
    st.floats(0.0, 0.05),
)
@example(levels=[0.9], extra=79, below=1.0, margin=0.0)
@settings(deadline=None, max_examples=100)
def test_all_that_is_loud_enough_is_kept(levels: list[float], extra: int, below: float, margin: float) -> None:
    sound = framed([*levels, levels[-1]])[: 80 * len(levels) + extra]
    entry = cache._measured("a", sound, RATE, TrimConfig(below, margin))
    if not sound.any():
        assert entry.reason == "digital silence"
        return
    if max(levels) <= 0.001:
        assert entry.reason == "silent throughout (below -60 dBFS)"
        return
    frames = [sound[at : at + 80].astype(float) for at in range(0, len(sound), 80)]
    loudness = np.array([np.sqrt((frame**2).sum() / 80) for frame in frames])
    loud = np.flatnonzero(loudness >= 1.0001 * loudness.max() * 10 ** (-below / 20))
    loud = loud if len(loud) else np.array([loudness.argmax()])
    assert 0 <= entry.first <= 80 * loud[0] and entry.first + entry.length >= min(len(sound), 80 * (loud[-1] + 1))
    assert entry.length + entry.trimmed == len(sound)


# --- measures --------------------------------------------------------------------------------------------------------


def test_levels_are_measured_on_what_is_kept(tmp_path: Path) -> None:
    entry, _ = trimmed(tmp_path, framed([0.0] * 5 + [0.25] * 5), TrimConfig(40.0, 0.0))
    assert entry.peak == entry.rms == pytest.approx(0.25, abs=1e-4)
    entry, _ = trimmed(tmp_path, framed([0.0] * 5 + [0.25] * 5), None)
    assert entry.rms == pytest.approx(0.25 / np.sqrt(2), abs=1e-4) and entry.peak == pytest.approx(0.25, abs=1e-4)


def test_silence_is_the_share_of_frames_below_minus_sixty(tmp_path: Path) -> None:
    entry, _ = trimmed(tmp_path, framed([0.0, 0.5, 0.0008, 0.0012]), None)
    assert entry.silence == 0.5


def test_clipping_is_the_share_of_samples_at_full_scale(tmp_path: Path) -> None:
    sound = np.array([0, 32_767, -32_768, -32_767, 32_766, 100, 0, 0])
    entry, _ = trimmed(tmp_path, sound.astype(np.int16), None)
    assert entry.clipped == 3 / 8 and entry.peak == 1.0 and entry.overshoot == 0


def test_samples_beyond_full_scale_are_clipped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK_FRAMES", 2)
    soundfile.write(tmp_path / "a.wav", np.array([0.5, 1.5, -1.5, 1.0, -1.0, 1e30]), RATE, subtype="FLOAT")
    entry, pcm = cache.decode(clip(tmp_path / "a.wav"), None)
    assert pcm.tolist() == [16_384, 32_767, -32_768, 32_767, -32_768, 32_767] and entry.overshoot == 3


def test_rate_channels_and_length_are_those_of_the_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", np.stack([codes(441)] * 3, axis=1), 44_100)
    entry, pcm = cache.decode(clip(tmp_path / "a.flac"), None)
    assert (entry.source_rate, entry.channels, entry.seconds, entry.length) == (44_100, 3, 0.01, 441)
    np.testing.assert_array_equal(pcm, codes(441))


# --- bad files -------------------------------------------------------------------------------------------------------


def make_bad(folder: Path) -> dict[str, str]:
    """Write bad files of all kinds; return a word of the reason why each is dropped."""
    fill(folder, 1)
    whole = (folder / "a0.wav").read_bytes()
    soundfile.write(folder / "whole.flac", codes(4_000), RATE)
    flac = (folder / "whole.flac").read_bytes()
    contents = {
        "empty.wav": (b"", "empty"),
        "text.wav": (b"these are words\n" * 9, ""),
        "text.flac": (b"these are words\n" * 9, ""),
        "text.mp3": (b"these are words\n" * 9, ""),
        "text.ogg": (b"these are words\n" * 9, ""),
        "zeros.wav": (bytes(999), ""),
        "pointer.flac": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS"),
        "half_header.wav": (whole[:30], ""),
        "header.wav": (whole[:44], "no samples"),
        "head.flac": (flac[:50], ""),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    soundfile.write(folder / "no_frames.wav", np.zeros(0), RATE)
    soundfile.write(folder / "silence.wav", np.zeros(800), RATE)
    soundfile.write(folder / "nan.wav", np.full(800, np.nan), RATE, subtype="FLOAT")
    (folder / "nowhere.wav").symlink_to(folder / "gone.wav")
    (folder / "itself.wav").symlink_to(folder / "itself.wav")
    (folder / "whole.flac").unlink()
    (folder / "a0.wav").unlink()
    reasons = {name: word for name, (_, word) in contents.items()}
    silent = {"no_frames.wav": "no samples", "silence.wav": "digital silence", "nan.wav": "digital silence"}
    return reasons | silent | {"nowhere.wav": "missing", "itself.wav": "missing"}


@pytest.mark.parametrize("rate", [None, 16_000])
def test_bad_files_are_dropped_with_a_reason(tmp_path: Path, rate: int | None) -> None:
    reasons = make_bad(tmp_path / "bad")
    found = clips(tmp_path / "bad")
    assert {one.name for one in found} == set(reasons)
    for one in found:
        entry, pcm = cache.decode(one, rate, TrimConfig(40.0))
        assert entry.reason and reasons[one.name] in entry.reason and "\n" not in entry.reason, one.name
        assert len(pcm) == entry.length == entry.first == 0


def test_a_folder_named_like_a_sound_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "x.wav").mkdir()
    assert cache.decode(clip(tmp_path / "x.wav"), None)[0].reason


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read_is_dropped(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "a0.wav").chmod(0)
    assert "ermission" in (cache.decode(clip(tmp_path / "a0.wav"), None)[0].reason or "")


@pytest.mark.parametrize("name", ["a" * 300 + ".wav", "a\0b.wav", "a.wav/b.wav"], ids=["long", "null", "below a file"])
def test_a_name_that_no_file_can_have_is_dropped(tmp_path: Path, place: Path, said: list[str], name: str) -> None:
    fill(tmp_path, 1)
    found = [clip(tmp_path / "a0.wav"), Clip(tmp_path / name, name)]
    assert cache.decode(found[1], None)[0].reason
    assert [entry.reason is None for entry in cache.prepare(found, RATE, None, place).entries] == [True, False]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_dropped_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    entries: list[Entry] = []
    reading = threading.Thread(target=lambda: entries.append(cache.decode(clip(tmp_path / "pipe.wav"), None)[0]))
    reading.start()
    reading.join(2)
    stuck = reading.is_alive()
    while reading.is_alive():  # let the reader go
        with contextlib.suppress(OSError):
            os.close(os.open(tmp_path / "pipe.wav", os.O_WRONLY | os.O_NONBLOCK))
        reading.join(0.05)
    assert not stuck, "reading waits for somebody to write into the pipe"
    assert entries[0].reason


@pytest.mark.parametrize("rate", [1, 11, 1_000_000, 100_000_000, 2**31 - 1])
def test_an_absurd_rate_in_a_header_is_dropped_or_read(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", codes(40), RATE)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    entry, pcm = cache.decode(clip(tmp_path / "a.wav"), 16_000)
    assert len(pcm) == entry.length and (entry.length > 0) == (entry.reason is None)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_largest_floats_are_clipped_in_silence(tmp_path: Path, channels: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.full((10, channels), 3e38), RATE, subtype="FLOAT")
    entry, pcm = cache.decode(clip(tmp_path / "a.wav"), None)
    assert entry.overshoot == 10 and set(pcm.tolist()) == {FULL - 1}


@pytest.mark.parametrize("samples", [1, 2, 79, 81])
@pytest.mark.parametrize("rate", [None, 4_000, 16_000])
def test_a_file_of_few_samples_is_kept(tmp_path: Path, samples: int, rate: int | None) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(samples, 0.5), RATE)
    entry, pcm = cache.decode(clip(tmp_path / "a.wav"), rate, TrimConfig(20.0, 0.0))
    assert entry.reason is None and len(pcm) == entry.length > 0 and entry.rms > 0
    assert entry.length + entry.trimmed == -(-samples * (rate or RATE) // RATE)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_bytes_gone_wrong_never_raise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("noise")
    suffix = data.draw(st.sampled_from([".wav", ".flac", ".aiff", ".au"]))
    path = folder / f"a{suffix}"
    soundfile.write(path, codes(300), RATE)
    content = bytearray(path.read_bytes()[: data.draw(st.integers(1, path.stat().st_size))])
    places = st.integers(0, len(content) - 1).filter(lambda at: suffix != ".wav" or not 24 <= at < 32)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        content[at] = value
    path.write_bytes(content)
    entry, pcm = cache.decode(clip(path), None)
    assert (entry.reason is None) == (entry.length > 0) and len(pcm) == entry.length


def test_dropped_files_are_said_and_the_rest_is_used(tmp_path: Path, place: Path, said: list[str]) -> None:
    reasons = make_bad(tmp_path / "data")
    sounds = fill(tmp_path / "data", 2)
    for _ in range(2):  # decoded, then read from the cache
        said.clear()
        made = cache.prepare(clips(tmp_path / "data"), RATE, None, place)
        assert [sound for sound in held(made) if sound] == [sound.tolist() for sound in sounds]
        assert sorted(line.split(":")[0] for line in said) == sorted(f"dropped {name}" for name in reasons)


def test_nothing_but_bad_files_is_one_sentence(tmp_path: Path, place: Path, said: list[str]) -> None:
    count = len(make_bad(tmp_path / "data"))
    for _ in range(2):
        with pytest.raises(SoundError, match=f"none of {count} files could be read; `wavenet data scan`") as caught:
            cache.prepare(clips(tmp_path / "data"), RATE, None, place)
        assert "\n" not in str(caught.value)
