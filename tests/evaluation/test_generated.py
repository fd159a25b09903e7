"""A model's own clips are as long as held-out ones, drawn as `generate` draws, and set beside what was held out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
from wavenet.evaluation.health import health
from wavenet.features import corpus_condition
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition
from wavenet.outputs.categorical import Categorical
from wavenet.recipe import read


@pytest.fixture(scope="module")
def voice(trained_run: Path) -> Voice:
    return wavenet.load(trained_run)


def told_voice(**condition: Any) -> Voice:
    """Return an untrained voice that is told speaker, label, clock and mel, with what its bundle says of them."""
    recipe = read.from_tree(toys.tree() | {"condition": told_toys.CONDITION | condition}, "told")
    fields = {"speaker": told_toys.SPEAKERS, "label": told_toys.LABELS}
    return Voice(recipe, toys.arrays(recipe), {"told": {"fields": fields, "durations": []}})


@pytest.fixture
def found(sound_folder: Path) -> Corpus:
    return corpus.gather(toys.recipe(data={"path": str(sound_folder)}))


@pytest.mark.parametrize("share", [0.0, 0.85])
def test_a_clip_is_what_generate_makes_of_its_seed_and_length(
    voice: Voice, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = toys.emphasised(voice, share)
    monkeypatch.setattr("wavenet.evaluation.generated.AT_ONCE", 2)
    lengths = [700, 1_300, 900]
    clips = draw_clips(voice, lengths, 5)
    for number, (clip, length) in enumerate(zip(clips, lengths, strict=True)):
        alone = voice.generate(samples=length, seed=5 + number)
        assert clip.dtype == np.float32 and (clip == alone.samples[0]).all()


@pytest.mark.parametrize("guidance", [1.0, 1.5])
def test_a_clip_that_is_told_something_follows_it_as_strongly_as_in_generate(guidance: float) -> None:
    voice, wanted = told_voice(guidance=guidance), [{"speaker": "ann", "label": "low"}, {"label": "high"}]
    told = [voice.asked(voice.engine(), [one], 300, 0).condition for one in wanted]
    assert told[0] is not None and told[1] is not None
    clips = [draw_clips(voice, [300], 7, one)[0] for one in told]
    for clip, one in zip(clips, wanted, strict=True):
        assert (clip == voice.generate(samples=300, seed=7, condition=one).samples[0]).all()
        assert (clip == voice.generate(samples=300, seed=7, condition=one, guidance=3.0).samples[0]).mean() < 0.9


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


def gathered(place: Path, voice: Voice) -> tuple[Corpus, Condition]:
    """Return sound, and what a voice is told of it."""
    recipe = replace(voice.recipe, data=replace(voice.recipe.data, path=str(told_toys.write_sounds(place / "sounds"))))
    found = corpus.gather(recipe, place / "cache")
    known = corpus_condition.of_corpus(recipe, found, place / "cache", voice.vocabulary().values)
    assert known is not None
    return found, known.condition


def test_a_voice_that_speaks_when_asked_is_judged_on_what_generate_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, heard, given = told_voice(guidance=1.5), [], []
    found, condition = gathered(tmp_path, voice)
    drawn = draw_clips
    monkeypatch.setattr("wavenet.evaluation.generated.draw_clips", lambda *all: given.append(all[-1]) or drawn(*all))
    monkeypatch.setattr("wavenet.evaluation.generated.health", lambda *all: heard.append(all) or health(*all))
    spans, tail = found.spans["test"][2:4], found.sound.tail
    made = examine(voice, found.sound, spans, None, 2, 5, condition)
    for index, (clip, span) in enumerate(zip(heard[0][0], spans, strict=True)):
        wanted = voice.vocabulary().wanted(condition.fields[span.clip])
        assert set(wanted) == {"speaker", "label"} and tail == 40
        assert given[0].tracks.frames(index) == -(-(span.last + tail) // 40)  # it knows that silence comes behind it
        alone = voice.generate(samples=span.last + tail, seed=5 + index, condition=wanted).samples[0]
        assert (clip == alone[: span.last]).all() and len(clip) == span.last
    sentence = (
        "Each was made as `wavenet generate` makes it: asked for the speaker and label of a held-out clip, and as long "
        "as it, with guidance 1.5."
    )
    assert made.to_text()[1] == made.told == made.to_json()["told"] == sentence and made.to_json()["guidance"] == 1.5

    words_alone = condition.fields.copy()
    words_alone[:, 0] = 9
    half = examine(voice, found.sound, spans, None, 1, 5, replace(condition, fields=words_alone))
    assert half.told is not None and "asked for the label of a held-out clip" in half.told
    heard.pop()

    nobody = replace(condition, fields=np.full_like(condition.fields, 9))
    free = examine(voice, found.sound, spans, None, 2, 5, nobody)
    assert free.told is not None and free.told.endswith("makes it where nothing is asked for.") and free.guidance == 1
    for index, (clip, span) in enumerate(zip(heard[1][0], spans, strict=True)):
        assert (clip == voice.generate(samples=span.last, seed=5 + index).samples[0]).all()


def test_a_clip_from_the_middle_of_a_file_is_told_the_tracks_of_the_middle_where_nothing_predicts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, given = told_voice(acoustic=None, guidance=2.0), []
    found, known = gathered(tmp_path, voice)
    assert known.tracks is not None
    monkeypatch.setattr(
        "wavenet.evaluation.generated.draw_clips",
        lambda voice, lengths, seed, condition: given.append((lengths, condition)) or heard(lengths),
    )

    def heard(lengths: list[int]) -> list[np.ndarray]:
        return [toys.wave(length / toys.RATE, 1) for length in lengths]

    hop, tracks = known.shape.hop, known.tracks
    spans = [Span(2, 2 * hop + 1, 8 * hop), Span(3, 0, 5 * hop)]
    monkeypatch.setattr("wavenet.evaluation.generated.held_out_clips", lambda spans, most, rate: spans)
    made = examine(voice, found.sound, spans, None, 2, condition=known)
    ((lengths, condition),) = given
    assert lengths == [5 * hop, 5 * hop] and condition.fields.tolist() == known.fields[[2, 3]].tolist()
    sentence = "Each is a copy of a held-out clip: told its speaker, label, clock and mel (as nothing predicts mel)"
    assert made.told == f"{sentence}, with guidance 2." and made.guidance == 2
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
