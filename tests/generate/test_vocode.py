"""Copies of sound: exact lengths and levels, the same alone and in any company, in files and in streams."""

from __future__ import annotations

import dataclasses
import tracemalloc
from pathlib import Path
from typing import Any

import note_toys
import numpy as np
import pytest
import soundfile
import told_toys
import toys
from feature_toys import logarithms

import wavenet
from wavenet.audio import files
from wavenet.errors import InputError
from wavenet.features import npy
from wavenet.generate import originals, vocode
from wavenet.generate.originals import Original
from wavenet.generate.verify import BOUND
from wavenet.generate.vocode import Vocoder, check_vocoder
from wavenet.generate.voice import Voice
from wavenet.outputs import feed

PLAIN: dict[str, Any] = {"seed": 3, "storage": "float32"}


@pytest.fixture
def voice(told_run: Path) -> Voice:
    """Return a voice in which what is told is loud and clear."""
    made = wavenet.load(told_run)
    made.arrays["condition.output.weight"] = 30 * made.arrays["condition.output.weight"]
    return made


def sound(seconds: float, seed: int = 1, silent: int = 100) -> np.ndarray:
    wave = toys.wave(seconds, seed)
    wave[-silent:] = 0.0
    return wave


def known(voice: Voice, *seconds: float) -> list[Original]:
    return [originals.of_one(voice.recipe, sound(one, seed)) for seed, one in enumerate(seconds)]


def joined(vocoder: Vocoder, made: list[Original], chunk: int | None = None) -> list[np.ndarray]:
    parts: list[list[np.ndarray]] = [[] for _ in made]
    for piece in vocoder.copies(made, chunk):
        parts[piece.original].append(piece.wave)
    return [np.concatenate(part) for part in parts]


@pytest.mark.parametrize("share", [0.0, 0.85])
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_copy_is_the_same_alone_in_any_company_and_in_any_pieces(
    voice: Voice, backend: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocoder = toys.emphasised(voice, share).vocoder(backend=backend, **PLAIN)
    made = known(voice, *((0.2, 0.31, 0.25) if backend == "cpu" else (0.04, 0.031)))
    together = joined(vocoder, made)
    assert [len(wave) for wave in together] == ([800, 1_240, 1_000] if backend == "cpu" else [160, 124])
    for wave, one in zip(together, made, strict=True):
        (alone,) = joined(vocoder, [one], 77)
        assert np.array_equal(wave, alone)
    monkeypatch.setattr(vocode, "BATCH", 2)
    assert all(np.array_equal(a, b) for a, b in zip(joined(vocoder, made), together, strict=True))


def test_the_copy_of_a_mel_is_that_of_its_sound_bit_for_bit(voice: Voice, tmp_path: Path) -> None:
    files.write(tmp_path / "a.wav", sound(0.3, silent=400), toys.RATE)
    own = originals.of_one(voice.recipe, tmp_path / "a.wav")
    mel = logarithms(own.tracks.read(own.sound, 0, 30)[:, 9:], told_toys.CONDITION["tracks"]["mel"]["floor"])
    np.save(tmp_path / "a.npy", mel)
    copy = voice.vocode(tmp_path / "a.wav", level="voice", **PLAIN)
    assert copy.samples.shape == (1, 1_200)
    for given in (tmp_path / "a.npy", mel):
        assert np.array_equal(voice.vocode(given, **PLAIN).samples, copy.samples)


def test_a_copy_is_made_of_what_is_told_and_of_nothing_else(voice: Voice) -> None:
    wave = sound(0.2)
    copy = voice.vocode(wave, **PLAIN).samples
    assert np.array_equal(voice.vocode(wave, **PLAIN).samples, copy)
    louder = voice.vocode(2 * wave, **PLAIN)  # the same to the network, which hears it at its own level
    assert np.allclose(louder.samples, 2 * copy, atol=1e-5) and louder.seed == 3
    for other in (
        voice.vocode(sound(0.2, 2), **PLAIN),
        voice.vocode(wave, **PLAIN, condition={"speaker": "ann"}),
        voice.vocode(wave, seed=4, storage="float32"),
        voice.vocode(wave, **PLAIN, temperature=0.3),
    ):
        assert not np.array_equal(other.samples, copy)


def test_a_copy_is_as_loud_as_its_original_or_as_the_voice(voice: Voice) -> None:
    wave = sound(0.2)
    (one,) = known(voice, 0.2)
    assert one.factor != pytest.approx(1.0, rel=0.1)
    quiet, own = (voice.vocode(0.3 * wave, **PLAIN, level=level).samples for level in ("original", "voice"))
    factor = originals.of_one(voice.recipe, 0.3 * wave).factor
    assert np.array_equal(quiet, own * np.float32(factor))
    with pytest.raises(InputError, match="the level is 'loud', expected original or voice"):
        voice.vocoder(level="loud")


def test_with_pre_emphasis_a_copy_is_the_same_codes_filtered_back(voice: Voice) -> None:
    wave, other = sound(0.2), toys.emphasised(voice)
    codes = voice.alphabet.encode(voice.vocode(wave, **PLAIN, level="voice").samples[0])
    for level, factor in (("voice", 1.0), ("original", originals.of_wave(voice.recipe, wave).factor)):
        copy = other.vocode(wave, **PLAIN, level=level).samples[0]
        assert np.array_equal(copy, other.alphabet.decode(codes) * np.float32(factor))


def test_copies_agree_with_the_training_graph(voice: Voice) -> None:
    vocoder = voice.vocoder(seed=3, verify=True, storage="float32")
    joined(vocoder, known(voice, 0.2, 0.1))
    assert vocoder.difference is not None and 0 < vocoder.difference < BOUND
    assert voice.vocode(sound(0.1), seed=3, verify=True).difference is not None
    assert voice.vocoder(seed=3).difference is None


def test_files_are_written_as_they_are_whole_and_nothing_is_left_of_others(
    voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocoder, made = voice.vocoder(**PLAIN), known(voice, 0.3, 0.2, 0.1)
    whole = joined(vocoder, made)
    paths = [tmp_path / "a.wav", tmp_path / "deep" / "b.wav", tmp_path / "c.flac"]
    saved = list(vocoder.save(made, paths))
    assert sorted(one.path for one in saved) == sorted(paths) and {one.samples for one in saved} == {1_200, 800, 400}
    for path, wave in zip(paths, whole, strict=True):
        assert np.array_equal(soundfile.read(path, dtype="int16")[0], files.to_pcm(wave, 16))
    monkeypatch.setattr(vocode, "BATCH", 1)
    others = [tmp_path / "stopped" / path.name for path in paths]
    copies = vocoder.save(made, others)
    assert next(copies).path == others[0]
    copies.close()  # type: ignore[attr-defined]
    assert [path.name for path in (tmp_path / "stopped").iterdir()] == ["a.wav"]


def test_a_long_sound_costs_no_more_memory_than_a_short_one(
    voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocoder = voice.vocoder(seed=3)
    for module in (npy, feed):
        monkeypatch.setattr(module, "PIECE", 32)

    def most(seconds: float) -> int:
        wave = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * toys.RATE))
        wave[-400:] = 0.0  # so that its mel looks like one
        files.write(tmp_path / f"{seconds}.wav", wave, toys.RATE)
        one = originals.of_one(voice.recipe, tmp_path / f"{seconds}.wav")
        np.save(tmp_path / "mel.npy", logarithms(one.tracks.read(0, 0, one.samples // 40)[:, 9:], 1e-3))
        del wave
        tracemalloc.start()
        again = originals.of_one(voice.recipe, tmp_path / "mel.npy")
        paths = [tmp_path / f"{seconds}.copy.{kind}" for kind in ("wav", "flac")]
        assert len(list(vocoder.save([one, again], paths))) == 2
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    short, long = most(2.0), most(15.0)  # 60,000 samples of each copy, which would take 240,000 bytes
    assert soundfile.info(tmp_path / "15.0.copy.flac").frames == 15 * toys.RATE
    assert long < short + 60_000


def test_mels_are_compared_with_those_that_the_voice_learned(voice: Voice, tmp_path: Path, said: list[str]) -> None:
    known = voice.usual()
    assert known is not None and len(known.mean) == 6 and -1 <= min(known.low) < max(known.high) < 3
    mel = np.random.default_rng(0).normal(-3.2, 0.05, (30, 6)).astype(np.float32)
    mel[0, 0] = -1.5
    np.save(tmp_path / "a.npy", mel)
    for given in (mel, tmp_path / "a.npy"):
        said.clear()
        voice.vocode(given, **PLAIN)
        assert len(said) == 1 and "unlike the mels that were learned" in said[0]
    older = Voice(voice.recipe, voice.arrays, {**voice.data, "told": {**voice.data["told"], "usual": None}}, {})
    assert older.usual() is None


def test_voices_that_cannot_copy_and_streams_that_need_the_whole_sound_say_why(told_run: Path) -> None:
    with pytest.raises(InputError, match="toy is told nothing but the past of its sound: a copy is made of mel"):
        check_vocoder(toys.recipe())
    clock = {"channels": 3, "hop_samples": 30, "fields": {"speaker": 2}, "tracks": {"clock": {"knots": 3}}}
    with pytest.raises(InputError, match="toy is told speaker, clock: a copy is made of mel, f0 or array"):
        check_vocoder(toys.recipe(condition=clock))
    with pytest.raises(InputError, match="toy is told pitch, touch, clock, sine: a copy is made of mel, f0 or array"):
        check_vocoder(note_toys.recipe())
    pooled = told_toys.CONDITION | {"encoder": {"pyramid": [1], "pooled": True}, "acoustic": None}
    check_vocoder(toys.recipe(condition=pooled))
    with pytest.raises(InputError, match=r"averages over the whole sound \(encoder.pooled\), so it cannot be streamed"):
        check_vocoder(toys.recipe(condition=pooled), streamed=True)
    voice = wavenet.load(told_run)
    assert voice.fields == {"speaker": ("ann", "bob"), "label": ("high", "low", "middle")}
    plain = dataclasses.replace(voice, recipe=toys.recipe())
    with pytest.raises(InputError, match="is told nothing"):
        plain.vocode(sound(0.2))
    assert plain.fields == {}
