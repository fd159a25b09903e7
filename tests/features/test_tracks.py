"""Held: tracks stand side by side as the recipe orders them; those of a corpus and of sound in memory are the same."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import feature_toys
import note_toys
import numpy as np
import phone_toys
import pytest
import soundfile
import toys

from wavenet.errors import InputError, SoundError
from wavenet.features import tracks
from wavenet.features.clock import clock
from wavenet.features.phones import Phones
from wavenet.geometry import frame_count
from wavenet.outputs import Arrays, Tracks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return sounds with arrays beside them."""
    for number, path in enumerate(sorted(toys.write_sounds(tmp_path / "sounds", 6).iterdir())):
        count = frame_count(len(soundfile.read(path)[0]), 30)
        np.save(path.with_suffix(".npy"), np.random.default_rng(number).standard_normal((count, 2)))
    return tmp_path / "sounds"


def made(folder: Path, cache: Path, **told: Any) -> tuple[Any, Any, Tracks]:
    recipe = feature_toys.recipe(folder, **told)
    found = feature_toys.gathered(recipe, cache)
    known = tracks.of_corpus(recipe, found.sound, found.clips, cache)
    assert known is not None
    return recipe, found, known


TOLD = {
    "clock": {"clock": feature_toys.CLOCK},
    "mel": {"mel": feature_toys.MEL},
    "both": {"clock": feature_toys.CLOCK, "mel": feature_toys.MEL},
    "three": {"clock": feature_toys.CLOCK, "mel": feature_toys.MEL, "f0": feature_toys.F0},
}


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
def test_a_corpus_and_its_sounds_in_memory_have_the_same_tracks_bit_for_bit(
    folder: Path, tmp_path: Path, told: dict[str, Any]
) -> None:
    recipe, found, known = made(folder, tmp_path / "cache", **told)
    lengths, tail = found.sound.lengths, found.sound.tail
    waves = [found.sound.read(clip, 0, length + tail) for clip, length in enumerate(lengths)]
    assert tail == 40
    for clip, length in enumerate(lengths):
        count, held = frame_count(length + tail, 30), tracks.of_wave(recipe, waves[clip], length)
        assert isinstance(held, Arrays) and known.frames(clip) == held.frames(0) == count
        assert np.array_equal(known.read(clip, 0, count), held.read(0, 0, count))
        assert np.array_equal(known.read(clip, 4, 9), held.read(0, 4, 9))
        widths = sum(width for _, width in recipe.condition.tracks_told())
        assert known.read(clip, 0, 3).shape == (3, widths)
        assert known.read(clip, 0, 3).dtype == np.float32


def test_columns_are_in_the_order_of_the_recipe_and_the_clock_knows_no_tail(folder: Path, tmp_path: Path) -> None:
    _, found, known = made(folder, tmp_path, **TOLD["both"])
    length = found.sound.lengths[2]
    own = clock(length, toys.RATE, 30, 0, known.frames(2), 5)
    both = known.read(2, 0, known.frames(2))
    assert np.array_equal(both[:, :11], own)
    assert own[-1, 4] == 1.0 and own[-1, 10] == 1.0  # in the tail all has passed and nothing is left
    four = {**TOLD["three"], "array": 2}
    whole = made(folder, tmp_path, **four)[2].read(2, 0, known.frames(2))
    alone = [made(folder, tmp_path, **{name: told})[2] for name, told in four.items()]
    assert np.array_equal(both, whole[:, :17])
    assert np.array_equal(whole, np.concatenate([track.read(2, 0, known.frames(2)) for track in alone], axis=1))
    assert np.array_equal(whole[: frame_count(length, 30), 19:], np.load(folder / "sound2.npy").astype(np.float32))


def test_phones_come_behind_the_clock_and_are_zeros_where_nothing_is_known_of_them(
    folder: Path, tmp_path: Path
) -> None:
    tells = {**TOLD["both"], "phones": {"kinds": 4, "neighbours": 1}}
    recipe, found, known = made(folder, tmp_path, **tells)
    both = made(folder, tmp_path, **TOLD["both"])[2].read(2, 0, 9)
    config = recipe.condition.tracks.phones
    said = tuple(phone_toys.aligned(clip, length) for clip, length in enumerate(found.sound.lengths))
    phones = Phones(said, phone_toys.NAMES, config, toys.RATE, 30)
    told = tracks.of_corpus(recipe, found.sound, found.clips, tmp_path, phones.read)
    wave = found.sound.read(2, 0, found.sound.lengths[2] + found.sound.tail)
    for one in (known, told, tracks.of_wave(recipe, wave, found.sound.lengths[2])):
        sound = 0 if isinstance(one, Arrays) else 2
        values = one.read(sound, 0, 9)
        assert np.array_equal(np.delete(values, slice(11, 11 + config.frame_width), axis=1), both)
        own = values[:, 11 : 11 + config.frame_width]
        assert np.array_equal(own, phones.read(2, 0, 9)) if one is told else not own.any()


def test_the_sines_of_notes_come_last_and_are_zeros_where_no_note_is_known(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    folder = note_toys.write_sounds(tmp_path / "sounds")
    recipe = note_toys.recipe(str(folder), tracks={**note_toys.CLOCK, **note_toys.SINE, "f0": feature_toys.F0})
    found = feature_toys.gathered(recipe, tmp_path / "cache")
    known = tracks.of_corpus(recipe, found.sound, found.clips, tmp_path / "cache")
    assert known is not None
    clip = [one.name for one in found.clips].index("61.5-2.wav")
    length = found.sound.lengths[clip]
    wave = found.sound.read(clip, 0, length + found.sound.tail)
    own = known.read(clip, 0, known.frames(clip))
    assert own.shape == (length + 40, 9 + 2 + 4) and np.array_equal(own[200:300], known.read(clip, 200, 300))
    steady = wave[:length] * np.exp(4 * np.arange(length) / toys.RATE)
    left = np.linalg.lstsq(own[:length, 11:], steady, rcond=None)[1][0]
    assert left < 0.001 * (steady**2).sum()  # of the energy is not in step with its sines
    held = tracks.of_wave(recipe, wave, length)
    assert np.array_equal(held.values[0][:, :11], own[:, :11]) and not held.values[0][:, 11:].any()
    nobody = [dataclasses.replace(one, label=None) for one in found.clips]
    silent = tracks.of_corpus(recipe, found.sound, nobody, tmp_path / "cache")
    assert silent is not None and not silent.read(clip, 0, length)[:, 11:].any()


def test_without_tracks_there_is_nothing(folder: Path, tmp_path: Path) -> None:
    recipe = feature_toys.recipe(folder, fields={"speaker": 3})
    found = feature_toys.gathered(recipe, tmp_path)
    assert tracks.of_corpus(recipe, found.sound, found.clips, tmp_path) is None
    assert tracks.of_corpus(toys.recipe(), found.sound, found.clips, tmp_path) is None


def test_they_travel_to_other_processes(folder: Path, tmp_path: Path) -> None:
    known = made(folder, tmp_path, **TOLD["both"])[2]
    there = pickle.loads(pickle.dumps(known))
    assert np.array_equal(there.read(1, 2, 7), known.read(1, 2, 7))


def test_an_array_that_is_missing_or_another_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    recipe, found, _ = made(folder, tmp_path, array=2)
    wave = found.sound.read(0, 0, found.sound.lengths[0])
    with pytest.raises(InputError, match=r"told an array of its own, NAME\.npy beside NAME\.wav; give sound that"):
        tracks.of_wave(recipe, wave, len(wave))
    np.save(folder / "sound3.npy", np.ones((3, 2)))
    with pytest.raises(SoundError, match=r"sound3.npy has 3 frames, expected \d+ for its sound"):
        made(folder, tmp_path, array=2)
    (folder / "sound3.npy").unlink()
    with pytest.raises(SoundError, match=r"sound3.npy is missing"):
        made(folder, tmp_path, array=2)


@pytest.mark.real_audio
def test_tracks_of_real_recordings_are_those_of_their_samples(real_audio: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted((real_audio / "digits").rglob("*.flac"))[::150]):
        (tmp_path / "sounds").mkdir(exist_ok=True)
        (tmp_path / "sounds" / f"{number}.flac").write_bytes(path.read_bytes())
    recipe, found, known = made(tmp_path / "sounds", tmp_path, **{name: TOLD["three"][name] for name in ("mel", "f0")})
    waves = [found.sound.read(clip, 0, length + found.sound.tail) for clip, length in enumerate(found.sound.lengths)]
    held = [tracks.of_wave(recipe, wave, length) for wave, length in zip(waves, found.sound.lengths, strict=True)]
    assert len(waves) == 20
    every = [known.read(clip, 0, known.frames(clip)) for clip in range(20)]
    assert all(np.array_equal(one, held[clip].values[0]) for clip, one in enumerate(every))
    loud, voiced = np.concatenate(every)[:, :6], np.concatenate(every)[:, 7]
    assert -1 <= loud.min() < -0.5 and 0 < loud.max() < 1.5 and 0.3 < voiced.mean() < 0.9
