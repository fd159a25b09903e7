"""What is copied becomes what a network is told: sound by way of the cache, mels and arrays of other programs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import feature_toys
import note_toys
import numpy as np
import phone_toys
import pytest
import told_toys
import torch
import toys

from wavenet.audio import files
from wavenet.audio.crops import gain
from wavenet.errors import InputError, SoundError
from wavenet.features import tracks
from wavenet.features.clock import clock
from wavenet.features.statistics import Summary, measured
from wavenet.generate import originals
from wavenet.generate.originals import Original
from wavenet.recipe.records import Recipe

HOP, BANDS, CLOCK = 40, 6, 9
FLOOR = told_toys.CONDITION["tracks"]["mel"]["floor"]


def recipe_of(**sections: Any) -> Recipe:
    return toys.recipe(condition=told_toys.CONDITION, **sections)


def sound(samples: int = 1_200, seed: int = 1) -> np.ndarray:
    """Return a sound that ends with more than a window of silence, so that frames behind its end hear nothing."""
    wave = toys.wave(samples / toys.RATE, seed)
    wave[-400:] = 0.0
    return np.round(wave * 32_768) / np.float32(32_768)


def frames_of(one: Original) -> np.ndarray:
    return one.tracks.read(one.sound, 0, one.tracks.frames(one.sound))


def mel_of(recipe: Recipe, one: Original) -> np.ndarray:
    """Return the natural logarithms of the mel of a sound itself, without those of its tail."""
    return feature_toys.logarithms(frames_of(one)[: -(-one.samples // HOP), CLOCK:], FLOOR)


def test_files_folders_and_what_lies_in_them_are_listed(tmp_path: Path) -> None:
    toys.write_sounds(tmp_path / "sounds" / "deep", 2)
    np.save(tmp_path / "mel.npy", np.zeros((2, 2)))
    found = originals.listed([str(tmp_path / "sounds"), str(tmp_path / "mel.npy")])
    assert [(one.stem, one.within) for one in found] == [("deep/sound0", True), ("deep/sound1", True), ("mel", False)]
    with pytest.raises(SoundError, match=r"there is no .*mol.npy.*did you mean.*mel.npy"):
        originals.listed([str(tmp_path / "mol.npy")])


def test_which_note_a_sound_is_stays_unknown() -> None:
    mel = {"mel": told_toys.CONDITION["tracks"]["mel"]}
    one = originals.of_wave(note_toys.recipe(tracks=mel | note_toys.SINE), sound())
    assert one.unknown == (False, True)
    assert frames_of(one)[:, :BANDS].any() and not frames_of(one)[:, BANDS:].any()


def test_a_sound_is_told_whole_at_the_level_of_the_recipe(tmp_path: Path) -> None:
    trims = recipe_of(data={"trim": {"below_db": 20.0, "margin_seconds": 0.0}})
    wave = sound()
    files.write(tmp_path / "a.wav", wave, toys.RATE)
    (one,) = originals.prepared(trims, originals.listed([str(tmp_path / "a.wav")]), tmp_path / "cache")
    assert one is not None and one.samples == len(wave) and one.unknown == (False, False)
    level = gain(trims.data.level, float(np.sqrt(np.mean(wave.astype(float) ** 2))), float(np.abs(wave).max()))
    assert one.factor == pytest.approx(1 / level, rel=1e-6)
    heard = np.concatenate([wave * np.float32(level), np.zeros(40, np.float32)])
    expected = tracks.of_wave(trims, heard, len(wave)).read(0, 0, 99)
    assert np.allclose(frames_of(one), expected, atol=2e-3)
    held = originals.of_one(trims, wave)
    assert held.samples == one.samples and np.array_equal(frames_of(held), expected)


def test_what_cannot_be_read_is_an_error_where_it_was_named_and_else_left_out(tmp_path: Path, said: list[str]) -> None:
    toys.write_sounds(tmp_path, 1)
    (tmp_path / "bad.wav").write_text("no sound")
    made = originals.prepared(recipe_of(), originals.listed([str(tmp_path)]), tmp_path / "cache")
    assert [one is None for one in made] == [True, False] and "dropped" in said[0]
    both = [str(tmp_path / "bad.wav"), str(tmp_path / "sound0.wav")]
    with pytest.raises(SoundError, match=r"bad.wav cannot be copied: .*; give another file"):
        originals.prepared(recipe_of(), originals.listed(both), tmp_path / "cache")


def test_a_mel_is_told_as_the_sound_that_it_is_of(tmp_path: Path) -> None:
    recipe = recipe_of()
    own = originals.of_one(recipe, sound())
    np.save(tmp_path / "a.npy", mel_of(recipe, own))
    told = originals.of_one(recipe, tmp_path / "a.npy")
    assert (told.samples, told.factor, told.unknown) == (1_200, 1.0, (False, False))
    assert np.array_equal(frames_of(told), frames_of(own))
    parts = [told.tracks.read(0, at, min(at + 4, 31)) for at in range(0, 31, 4)]
    assert np.array_equal(np.concatenate(parts), frames_of(own))
    wide = originals.of_one(recipe, np.asarray(mel_of(recipe, own), np.float64))
    assert np.array_equal(frames_of(wide), frames_of(own))


def test_a_mel_may_have_bands_for_rows(tmp_path: Path) -> None:
    recipe = recipe_of()
    mel = mel_of(recipe, originals.of_one(recipe, sound()))
    known = frames_of(originals.of_frames(recipe, mel))
    np.save(tmp_path / "a.npy", np.ascontiguousarray(mel.T))
    np.save(tmp_path / "b.npy", mel.T)
    for given in (tmp_path / "a.npy", tmp_path / "b.npy", mel.T, mel):
        assert np.array_equal(frames_of(originals.of_one(recipe, given)), known)
    square = mel[:BANDS].copy()
    assert np.array_equal(frames_of(originals.of_one(recipe, square))[:BANDS, CLOCK:], known[:BANDS, CLOCK:])


def test_a_mel_goes_with_an_unknown_f0_and_an_array_stands_for_itself() -> None:
    spoken = originals.of_one(recipe_of(), sound())
    mel = mel_of(recipe_of(), spoken)
    more = told_toys.CONDITION["tracks"] | {"f0": feature_toys.F0}
    made = originals.of_one(toys.recipe(condition={**told_toys.CONDITION, "acoustic": None, "tracks": more}), mel)
    assert made.unknown == (False, False, True) and not frames_of(made)[:, -2:].any()
    own = np.random.default_rng(0).normal(size=(7, 3))
    made = originals.of_one(feature_toys.recipe(array=3, clock=feature_toys.CLOCK), own.astype(np.float32))
    assert np.array_equal(frames_of(made)[:, 11:], own.astype(np.float32)) and made.samples == 7 * 30
    assert np.array_equal(frames_of(made)[:, :11], clock(210, toys.RATE, 30, 0, 7, 5))
    with pytest.raises(InputError, match=r"is told clock, but no mel or array; give it sound in place of a.npy"):
        originals.of_frames(feature_toys.recipe(clock=feature_toys.CLOCK), mel, "a.npy")


def test_an_array_of_another_scale_is_warned_of_with_its_numbers(said: list[str]) -> None:
    recipe, values = feature_toys.recipe(array=3), np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    usual = measured([Summary([values])] * 2)
    originals.of_frames(recipe, values[:20], "a.npy", usual)
    assert not said
    originals.of_frames(recipe, 100 * values, "a.npy", usual)
    originals.of_frames(recipe, 100 * values, "a.npy")
    assert len(said) == 1 and re.search(
        r"a\.npy may have another scale .*: it holds -2\d\d\.?\d? to 2.*usual is a range of", said[0]
    )


MEL = np.log(np.random.default_rng(2).uniform(1e-3, 1, (9, BANDS))).astype(np.float32)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.where(np.arange(9)[:, None] == 4, np.nan, MEL), "holds NaN or infinity in frame 4; compute it anew"),
        (MEL[:, :5].T, "holds 5 x 9 numbers, expected [frames, 6] mels; compute it with as many bands"),
        (MEL[:, :5], "holds 9 x 5 numbers, expected [frames, 6] mels; compute it with as many bands"),
        (20 * MEL, "these seem to be decibels"),
        (np.exp(4 * MEL), "these seem to be no logarithms"),
        (MEL.astype(np.int32), "holds int32 of 9 x 6, expected float32 of two sizes"),
        (MEL[0], "holds float32 of 6, expected float32 of two sizes"),
        (MEL[:0], "expected float32 of two sizes"),
        (np.array([{}] * 9), "Python objects in dtype.); write it with numpy.save"),
    ],
)
def test_what_is_no_mel_of_this_voice_is_one_sentence(tmp_path: Path, values: np.ndarray, words: str) -> None:
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        originals.prepared(recipe_of(), originals.listed([str(tmp_path / "a.npy")]))
    assert "a.npy" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(500, 40), (44, 63), (10, 9)])
def test_a_table_of_other_sizes_is_no_sound_of_many_channels(shape: tuple[int, int]) -> None:
    tracks = told_toys.CONDITION["tracks"] | {
        "mel": told_toys.CONDITION["tracks"]["mel"] | {"bands": 64, "fft_samples": 1_024}
    }
    made = toys.recipe(condition=told_toys.CONDITION | {"tracks": tracks})
    table = np.random.default_rng(0).uniform(-1, 0, shape).astype(np.float32)
    words = rf"the array holds {shape[0]} x {shape[1]} numbers, expected \[frames, 64\] mels; compute it with as many"
    for given in (table, torch.from_numpy(table)):
        with pytest.raises(InputError, match=words):
            originals.of_one(made, given)
    for wave in (sound(), sound()[None], np.stack([sound()] * 8, axis=1)):  # sound of one and of several channels
        assert originals.of_one(made, wave).samples == 1_200
    with pytest.raises(InputError, match="channels before samples"):
        originals.of_one(made, np.stack([sound()] * 2))


def test_a_file_that_holds_no_array_is_one_sentence(tmp_path: Path) -> None:
    np.savez(tmp_path / "several.npz", MEL, MEL)
    for content in (b"", b"junk", (tmp_path / "several.npz").read_bytes()):
        (tmp_path / "a.npy").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.npy (cannot be read \(|holds several arrays)"):
            originals.of_one(recipe_of(), tmp_path / "a.npy")


def test_a_folder_or_silence_in_place_of_one_sound_is_refused(tmp_path: Path) -> None:
    toys.write_sounds(tmp_path, 1)
    with pytest.raises(InputError, match="is a folder; give one file"):
        originals.of_one(recipe_of(), tmp_path)
    with pytest.raises(SoundError, match="100 samples holds nothing but silence"):
        originals.of_one(recipe_of(), np.zeros(100, np.float32))


def test_what_is_said_in_sound_that_is_to_be_copied_is_not_known(tmp_path: Path) -> None:
    recipe, wave = phone_toys.recipe(), toys.wave(0.2, 1)
    files.write(tmp_path / "one.wav", wave, toys.RATE)
    (found,) = originals.prepared(recipe, originals.listed([str(tmp_path / "one.wav")]), tmp_path / "cache")
    assert found is not None
    for one in (found, originals.of_wave(recipe, wave)):
        assert one.unknown == (False, True, False)
        told = one.tracks.read(one.sound, 0, 9)
        assert not told[:, 9:39].any() and told[:, :9].any() and told[:, 39:].any()
