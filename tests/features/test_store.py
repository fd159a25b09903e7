"""Held: a track is computed once, kept whole or not at all, and made anew where anything that decides on it changed."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys

from wavenet import disk
from wavenet.audio import cache
from wavenet.audio.crops import Sound
from wavenet.errors import WavenetError
from wavenet.features import store
from wavenet.features.framing import Wave, windows
from wavenet.geometry import frame_count
from wavenet.outputs import Floats
from wavenet.recipe.records import LevelConfig


class Loudness:
    """Two values a frame, and what was asked of it."""

    name, width = "loudness", 2

    def __init__(self, hop: int = 10, kind: str = "float16", fails: bool = False) -> None:
        self.hop, self.kind, self.fails = hop, np.dtype(kind), fails
        self.asked: list[int] = []

    def identity(self) -> Any:
        return [self.hop, self.kind.name]

    def frames(self, sound: int, wave: Wave) -> Iterator[Floats]:
        self.asked.append(sound)
        count = frame_count(wave.samples, self.hop)
        for first in range(0, count, 7):
            if self.fails and sound == 2:
                raise KeyboardInterrupt
            seen = windows(wave, self.hop, 25, first, min(first + 7, count))
            yield np.stack([np.abs(seen).max(axis=1), seen.mean(axis=1)], axis=1)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def sound(tmp_path: Path, place: Path) -> Sound:
    folder = toys.write_sounds(tmp_path / "sounds", 4)
    clips = [cache.Clip(path, path.name) for path in sorted(folder.iterdir())]
    return Sound(cache.prepare(clips, toys.RATE, None, place), LevelConfig(rms=0.1), 33)


def whole(feature: Loudness, sound: Sound, clip: int) -> np.ndarray:
    wave = Wave(lambda first, last: sound.read(clip, first, last), sound.lengths[clip] + sound.tail)
    return np.concatenate(list(store.rounded(feature, clip, wave)))


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_what_is_kept_is_what_was_computed_rounded(sound: Sound, place: Path, kind: str) -> None:
    feature = Loudness(kind=kind)
    kept = store.prepare(feature, sound, place)
    for clip, length in enumerate(sound.lengths):
        count = frame_count(length + sound.tail, 10)
        expected = whole(feature, sound, clip)
        assert len(expected) == count and expected.std() > 0
        assert np.array_equal(kept.read(clip, 0, count), expected)
        assert np.array_equal(kept.read(clip, 3, 9), expected[3:9])
        assert kept.read(clip, 5, 5).shape == (0, 2)
        assert kept.read(clip, 0, 1).dtype == np.float32


def test_it_is_computed_once_and_travels_to_other_processes(sound: Sound, place: Path) -> None:
    first, second = Loudness(), Loudness()
    one, two = store.prepare(first, sound, place), store.prepare(second, sound, place)
    assert first.asked == [0, 1, 2, 3] and second.asked == []
    there = pickle.loads(pickle.dumps(two))
    assert np.array_equal(one.read(3, 0, 20), there.read(3, 0, 20))


def test_what_tracks_take_is_counted_with_the_sound(sound: Sound, place: Path) -> None:
    before = cache.held(place)
    kept = store.prepare(Loudness(), sound, place)
    assert before == 2 * sum(sound.lengths)
    assert cache.held(place) - before == 4 * int(kept.first[-1])


def test_another_level_tail_hop_or_sound_is_another_file(
    sound: Sound, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.prepare(Loudness(), sound, place)
    fewer = cache.prepare([cache.Clip(tmp_path / "sounds/sound1.wav", "x.wav")], toys.RATE, None, place)
    level = cache.prepare(
        [cache.Clip(p, p.name) for p in sorted((tmp_path / "sounds").iterdir())], toys.RATE, None, place
    )
    others = [
        (Loudness(hop=11), sound),
        (Loudness(kind="float32"), sound),
        (Loudness(), Sound(level, LevelConfig(rms=0.05), 33)),
        (Loudness(), Sound(level, LevelConfig(rms=0.1), 34)),
        (Loudness(), Sound(fewer, LevelConfig(rms=0.1), 33)),
    ]
    for feature, other in others:
        store.prepare(feature, other, place)
        assert feature.asked, feature.identity()
    monkeypatch.setattr(store, "FEATURES_VERSION", store.FEATURES_VERSION + 1)
    feature = Loudness()
    store.prepare(feature, sound, place)
    assert feature.asked


def kept_in(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if "pcm" not in path.name and path.name != "manifest.json")


def test_what_is_stopped_leaves_no_half_file(sound: Sound, place: Path) -> None:
    before = kept_in(place)
    with pytest.raises(KeyboardInterrupt):
        store.prepare(Loudness(fails=True), sound, place)
    assert kept_in(place) == before
    assert np.array_equal(store.prepare(Loudness(), sound, place).read(0, 0, 5), whole(Loudness(), sound, 0)[:5])


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_file_is_made_anew(sound: Sound, place: Path, damage: str) -> None:
    store.prepare(Loudness(), sound, place)
    path = next(place.rglob("loudness.float16"))
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-2])
    feature = Loudness()
    kept = store.prepare(feature, sound, place)
    assert feature.asked == [0, 1, 2, 3]
    assert np.array_equal(kept.read(1, 0, 5), whole(feature, sound, 1)[:5])


def test_a_file_damaged_at_equal_size_is_made_anew_with_a_warning(sound: Sound, place: Path, said: list[str]) -> None:
    before = store.prepare(Loudness(), sound, place)
    path = next(place.rglob("loudness.float16"))
    whole_file = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(len(whole_file) // 2)
        file.write(b"\xff" * 8)  # NaN
    feature = Loudness()
    kept = store.prepare(feature, sound, place)
    assert feature.asked == [0, 1, 2, 3] and path.read_bytes() == whole_file and kept.checksum == before.checksum
    assert len(said) == 1 and "the cache of loudness in " in said[0] and "is damaged (checksum)" in said[0]


def test_a_file_of_an_older_version_without_a_checksum_is_made_anew_in_silence(
    sound: Sound, place: Path, said: list[str]
) -> None:
    store.prepare(Loudness(), sound, place)
    path = next(place.rglob("checksum"))
    path.write_text(path.read_text() + " 0badf00d")  # as versions wrote it that kept means, too
    feature = Loudness()
    store.prepare(feature, sound, place)
    path.unlink()
    assert not feature.asked
    store.prepare(feature, sound, place)
    assert feature.asked and not said


def test_a_file_that_is_cut_in_use_is_one_sentence(sound: Sound, place: Path) -> None:
    kept = store.prepare(Loudness(), sound, place)
    path = next(place.rglob("loudness.float16"))
    with path.open("r+b") as file:
        file.truncate(8)
    with pytest.raises(WavenetError, match="was truncated while in use; run the command again"):
        kept.read(3, 0, 5)


def test_a_disk_that_cannot_be_written_is_one_sentence(
    sound: Sound, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(disk, "sync", full)
    with pytest.raises(
        WavenetError, match=r"cannot be written \(No space left on device\); free space there"
    ) as caught:
        store.prepare(Loudness(), sound, place)
    assert "\n" not in str(caught.value)


def test_of_two_that_make_the_same_the_first_to_finish_wins(sound: Sound, place: Path) -> None:
    class Slow(Loudness):
        def frames(self, sound_index: int, wave: Wave) -> Iterator[Floats]:
            if sound_index == 3:
                store.prepare(Loudness(), sound, place)
            yield from super().frames(sound_index, wave)

    kept = store.prepare(Slow(), sound, place)
    assert np.array_equal(kept.read(2, 0, 9), whole(Loudness(), sound, 2)[:9])
    assert len(list(place.rglob("loudness.float16"))) == 1
