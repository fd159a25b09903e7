"""Speech is measured from its text on, by a trained voice and by random weights, and begun in a fresh process."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path

import pytest

import wavenet
from wavenet.bench import saying
from wavenet.bench.case import untrained
from wavenet.generate import voice as voices
from wavenet.generate.voice import Voice
from wavenet.model import bundle
from wavenet.recipe import find, read


@pytest.fixture
def voice(phones_run: Path) -> Voice:
    return wavenet.load(phones_run)


def test_the_first_sound_of_a_fresh_process_is_waited_for(
    phones_run: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = saying.first_sound(phones_run / "model", voice, "Bob.")
    assert seconds is not None and 0.1 < seconds < 300
    monkeypatch.setattr(sys, "executable", shutil.which("true"))  # which makes no sound
    assert saying.first_sound(phones_run / "model", voice, "Bob.") is None


def test_a_sentence_is_said_from_its_text_on_round_after_round(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saying, "SENTENCE", "Bob. Bee.")
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(saying, "first_sound", lambda *words: asked.append(words) or float(len(asked)))
    made = saying.case(voice, trained=True)
    assert made is not None and [words[2:] for words in asked] == [("Bob. Bee.",)] * saying.PROCESSES
    texts: list[str | None] = []
    pieces = made.speaker.pieces
    monkeypatch.setattr(made.speaker, "pieces", lambda text: texts.append(text) or pieces(text))
    made.round(0.0)
    made.round(0.0, kept=False)
    speed = made.speed(None, None)
    assert texts == ["Bob. Bee."] * 2 and made.rounds == [speed.samples_per_second]
    assert (speed.group, speed.told, speed.first_sound) == ("say", "phones", 2.0)  # the median of three
    assert speed.real_time == pytest.approx(speed.samples_per_second / voice.sample_rate)


def test_what_cannot_say_it_says_why(
    voice: Voice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, told_run: Path
) -> None:
    monkeypatch.setattr(saying, "first_sound", lambda *_: None)
    assert saying.case(voice, trained=True) is None  # its phones are not those of English
    assert saying.case(wavenet.load(told_run), trained=True) is None
    assert [message.partition(":")[0] for message in caplog.messages] == ["saying text is not measured"] * 2
    assert saying.first_sound_of(voice, trained=True) is None


def test_random_weights_say_english_in_phones_of_usual_length(tmp_path: Path) -> None:
    recipe = read.load(find.find_recipe(saying.RECIPE))
    made = saying.untrained_voice(recipe, untrained(recipe.shape))
    speaker = made.speaker(seed=0, backend="reference", varied=True)
    (piece,) = speaker.pieces(saying.SENTENCE)
    assert len(saying.SENTENCE.split()) == 10
    assert piece.seconds[1:-1] == pytest.approx([saying.PHONE_SECONDS] * (len(piece.phones) - 2))
    bundle.save(tmp_path, made)
    known = voices.load(tmp_path).vocabulary()
    assert known.phones == made.vocabulary().phones and known.phone_seconds == made.vocabulary().phone_seconds
    few = dataclasses.replace(recipe.condition.tracks.phones, kinds=3)
    tracks = dataclasses.replace(recipe.condition.tracks, phones=few)
    small = dataclasses.replace(recipe, condition=dataclasses.replace(recipe.condition, tracks=tracks))
    assert saying.untrained_voice(small, {}).vocabulary().phones == ("sil", "AA", "AE")
