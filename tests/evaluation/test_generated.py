"""A model's own clips are as long as held-out ones, drawn as `generate` draws, and set beside what was held out."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import told_toys
import toys
from speech_toys import RATE, sound_of, speech

import wavenet
from wavenet.audio import corpus
from wavenet.audio.corpus import Corpus
from wavenet.audio.splits import Span
from wavenet.errors import InputError
from wavenet.evaluation.generated import draw_clips, examine, held_out_clips
from wavenet.features import told
from wavenet.generate.voice import Voice
from wavenet.outputs.categorical import Categorical
from wavenet.recipe import read


@pytest.fixture(scope="module")
def voice(trained_run: Path) -> Voice:
    return wavenet.load(trained_run)


@pytest.fixture
def found(sound_folder: Path) -> Corpus:
    return corpus.gather(toys.recipe(data={"path": str(sound_folder)}))


def test_a_clip_is_what_generate_makes_of_its_seed_and_length(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wavenet.evaluation.generated.AT_ONCE", 2)
    lengths = [700, 1_300, 900]
    clips = draw_clips(voice, lengths, 5)
    for number, (clip, length) in enumerate(zip(clips, lengths, strict=True)):
        alone = voice.generate(samples=length, seed=5 + number)
        assert clip.dtype == np.float32 and (clip == alone.samples[0]).all()


def test_held_out_clips_are_whole_spread_evenly_and_cut_only_where_long_or_few() -> None:
    files = [Span(clip, 0, 3 * RATE) for clip in range(40)]
    assert held_out_clips(files, 10, RATE) == files[::4]
    assert held_out_clips(files[:9], 10, RATE) == files[:9]
    hour = held_out_clips([Span(0, 100, 3_600 * RATE)], 40, RATE)
    assert len(hour) == 40 and all(9 * RATE < part.last - part.first <= 10 * RATE for part in hour)
    assert hour[0].first == 100 and hour[-1].last > 3_400 * RATE
    few = held_out_clips([Span(3, 0, 60 * RATE)], 40, RATE)
    assert len(few) == 40 and few[-1].last == 60 * RATE and few[0].last == 1.5 * RATE
    assert held_out_clips([Span(3, 0, RATE // 2)], 40, RATE) == [Span(3, 0, RATE // 2)]
    assert held_out_clips([], 40, RATE) == []


def test_a_model_is_set_beside_held_out_sound_and_looked_for_in_training(
    voice: Voice, found: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavenet.evaluation.generated.FEWEST_CODES", 16)
    made = examine(voice, found.sound, found.spans["valid"], found, 3, 1)
    length = found.spans["valid"][0].last
    assert made.seconds == pytest.approx(3 * length / toys.RATE)
    assert made.health.generated == 3 and made.health.real == len(found.spans["valid"])
    assert len(made.copies.generated) == 3 and 1 <= len(made.copies.real) <= 3
    assert not any(match.copy for match in made.copies.generated)
    plain = json.loads(json.dumps(made.to_json()))
    assert plain["clips"] == 3 and plain["seed"] == 1 and set(plain) >= {"health", "copies", "seconds"}
    lines = made.to_text()
    assert lines[0].startswith("3 clips, ") and "seed 1" in lines[0]
    assert made.copies.conclusion == lines[-1] and made.health.conclusion in lines
    assert examine(voice, found.sound, found.spans["valid"], found, 3, 1) == made


def test_a_clip_from_the_middle_of_a_file_is_told_the_tracks_of_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_toys.write_sounds(tmp_path / "sounds")
    tree = toys.tree(data={"path": str(tmp_path / "sounds")}) | {"condition": told_toys.CONDITION}
    recipe = read.from_tree(tree, "told")
    found = corpus.gather(recipe, tmp_path / "cache")
    known, given = told.of_corpus(recipe, found, tmp_path / "cache"), []
    assert known is not None and known.condition.tracks is not None
    monkeypatch.setattr(
        "wavenet.evaluation.generated.draw_clips",
        lambda voice, lengths, seed, condition: given.append((lengths, condition)) or heard(lengths),
    )

    def heard(lengths: list[int]) -> list[np.ndarray]:
        return [toys.wave(length / toys.RATE, 1) for length in lengths]

    hop, tracks = recipe.condition.hop_samples, known.condition.tracks
    spans = [Span(2, 2 * hop + 1, 8 * hop), Span(3, 0, 5 * hop)]
    monkeypatch.setattr("wavenet.evaluation.generated.held_out_clips", lambda spans, most, rate: spans)
    voice = Voice(recipe, toys.arrays(recipe))
    examine(voice, found.sound, spans, None, 2, condition=known.condition)
    ((lengths, condition),) = given
    assert lengths == [5 * hop, 5 * hop] and condition.fields.tolist() == known.condition.fields[[2, 3]].tolist()
    assert condition.tracks.frames(0) == tracks.frames(2) - 3 and condition.tracks.frames(1) == tracks.frames(3)
    assert (condition.tracks.read(0, 0, 5) == tracks.read(2, 3, 8)).all()
    assert (condition.tracks.read(1, 0, 5) == tracks.read(3, 0, 5)).all()
    assert not (tracks.read(2, 0, 5) == tracks.read(2, 3, 8)).all()


def test_a_model_that_recites_is_found_out(tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = sound_of(tmp_path / "sound", [speech(seed, 1.0)[::2] for seed in range(12)], toys.RATE)
    spans = [Span(clip, 0, length) for clip, length in enumerate(sound.lengths)]

    def recite(voice: Voice, lengths: list[int], seed: int, told: None) -> list[np.ndarray]:
        return [voice.alphabet.decode(voice.alphabet.encode(sound.read(clip, 0, n))) for clip, n in enumerate(lengths)]

    monkeypatch.setattr("wavenet.evaluation.generated.draw_clips", recite)
    monkeypatch.setattr(voice, "alphabet", Categorical(256))  # its own 16 classes are too coarse to recite with
    made = examine(voice, sound, spans[8:], SimpleNamespace(sound=sound, spans={"train": spans[:8]}), 2, 0)
    assert [match.copy for match in made.copies.generated] == [True, True]
    assert not any(match.copy for match in made.copies.real) and len(made.copies.real) == 2
    assert made.health.unlike == ()


@pytest.mark.parametrize("classes", [16, 31])
def test_classes_too_coarse_to_tell_copies_are_told(
    voice: Voice, found: Corpus, classes: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(voice, "alphabet", Categorical(classes))
    monkeypatch.setattr("wavenet.evaluation.generated.draw_clips", lambda *_: [np.zeros(9, np.float32)])
    with caplog.at_level("INFO", "wavenet"):
        made = examine(voice, found.sound, found.spans["valid"], found, 1)
    assert made.copies is None and made.to_json()["copies"] is None
    assert f"copies are not looked for: {classes} classes are too coarse" in caplog.text


def test_real_clips_are_quantised_as_the_model_is(voice: Voice, found: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[np.ndarray] = []
    monkeypatch.setattr("wavenet.evaluation.generated.health", lambda ours, theirs, rate, seed: heard.extend(theirs))
    examine(voice, found.sound, found.spans["valid"], found, 1, 0)
    levels = voice.alphabet.decode(np.arange(voice.alphabet.size))
    assert heard and all(np.isin(wave, levels).all() for wave in heard)


def test_bad_numbers_and_no_sound_are_refused(voice: Voice, found: Corpus) -> None:
    with pytest.raises(InputError, match="number of clips to draw is 0, expected at least 1"):
        examine(voice, found.sound, found.spans["valid"], found, 0)
    with pytest.raises(InputError, match="no held-out sound"):
        examine(voice, found.sound, [], None)
    with pytest.raises(InputError, match="seed is -1"):
        draw_clips(voice, [10], -1)
