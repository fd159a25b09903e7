"""Text in pieces, and what a voice makes of them: alone or beside others, whole or streamed."""

# ruff: noqa: RUF001 - letters of IPA
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import phone_toys
import pytest
import toys

import wavenet
from wavenet.errors import InputError
from wavenet.features.f0 import semitones
from wavenet.generate import say
from wavenet.generate.asked import Vocabulary
from wavenet.generate.engines import Request, build_engine
from wavenet.generate.lengths import EDGE_SECONDS
from wavenet.generate.say import Manner, Speaker
from wavenet.generate.voice import Voice
from wavenet.outputs import Arrays, Draw
from wavenet.outputs import of as alphabet_of
from wavenet.speech import SILENCE

TEXT = "Bobby, be Bob. Bee! Bob be [pause 0.2s] Bobby."


@pytest.fixture
def voice(phones_run: Path) -> Voice:
    return wavenet.load(phones_run)


def names(piece: say.Piece) -> str:
    return " ".join(phone.name for phone in piece.phones)


def speaker(voice: Voice, **manner: Any) -> Speaker:
    return voice.speaker(seed=3, backend="cpu", **manner)


# --- pieces ----------------------------------------------------------------------------------------------------------


def test_sentences_and_pauses_that_are_asked_for_cut_a_text() -> None:
    found = say.of_text(TEXT, 0.5)
    assert [names(one) for one in found] == [
        "sil B AA B IY sil B IY B AA B sil",
        "sil B IY sil",
        "sil B AA B B IY sil",
        "sil B AA B IY sil",
    ]
    assert [one.number for one in found] == [0, 1, 2, 3] and [one.rest for one in found] == [0.5, 0.5, 0.2, 0.5]


def test_a_pause_may_stand_alone_or_at_the_beginning() -> None:
    found = say.of_text("[pause 0.3s] Bob [pause 1s]", 0.5)
    assert [(names(one), one.rest) for one in found] == [("", 0.3), ("sil B AA B sil", 1.0)]


def test_long_sentences_are_said_in_parts() -> None:
    found = say.of_text("Bob " * 90 + ".", 0.5)
    assert len(found) == 3 and [one.rest for one in found] == [say.PART_SECONDS, say.PART_SECONDS, 0.5]
    assert sum(not phone.silent for one in found for phone in one.phones) == 270


@pytest.mark.parametrize("text", ["", " \n ", "...", "[pause 1s]"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no words"):
        say.of_text(text)


def test_what_has_no_sound_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"sentence 2.*cyrillic capital letter be"):
        say.of_text("Bob. \u0411\u043e\u0431.")


def test_words_of_no_dictionary_are_told(caplog: pytest.LogCaptureFixture) -> None:
    say.of_text("Bob zorblaxian.")
    assert caplog.messages == ["said by rule, since no dictionary has them: zorblaxian"]


def test_phones_that_are_written_out_are_one_piece() -> None:
    (one,) = say.of_phones("B IY , B AA1", phone_toys.NAMES, 0.5)
    assert names(one) == "sil B IY sil B AA sil" and one.rest == 0.5 and one.phones[5].stress == 1
    with pytest.raises(InputError, match="'HH'"):
        say.of_phones("HH IY", phone_toys.NAMES)


@pytest.mark.parametrize("wrong", [{"speed": 0.2}, {"speed": 5.0}, {"pitch": 25.0}, {"sentence_silence": -0.1}])
@pytest.mark.parametrize("value", [None, float("nan")])
def test_numbers_out_of_range_are_refused(wrong: dict[str, float], value: float | None) -> None:
    with pytest.raises(InputError, match="expected"):
        Manner(**{name: number if value is None else value for name, number in wrong.items()})


# --- sound -----------------------------------------------------------------------------------------------------------


def test_a_stream_is_bit_for_bit_the_whole_and_each_piece_what_it_is_alone(voice: Voice) -> None:
    whole = voice.say(TEXT, seed=3, backend="cpu").samples[0]
    for chunk in (17, 5_000):
        parts = [*voice.stream_say(TEXT, seed=3, backend="cpu", chunk=chunk)]
        assert all(part.shape[0] == 1 and part.shape[1] <= max(chunk, 4_000) for part in parts)
        assert np.array_equal(np.concatenate(parts, axis=1)[0], whole)
    one = speaker(voice)
    found = one.pieces(TEXT)
    assert one.samples(found) == len(whole)
    alone = [wave for piece in found for wave in one.whole([piece])]
    assert np.array_equal(np.concatenate(alone), whole)


def test_speed_and_silence_change_what_they_say(voice: Voice) -> None:
    usual, found = speaker(voice, sentence_silence=0.1), say.of_text("Bob. Bee.", 0.1)
    slow, quiet = speaker(voice, speed=0.5, sentence_silence=0.1), say.of_text("Bob. Bee.", 0.6)
    edges = round(2 * sum(EDGE_SECONDS) * voice.sample_rate) + 2 * round(
        voice.recipe.data.tail_seconds * voice.sample_rate
    )
    assert slow.samples(found) - edges == pytest.approx(2 * (usual.samples(found) - edges), abs=4)
    assert usual.samples(quiet) - usual.samples(found) == round(2 * 0.5 * voice.sample_rate)
    wave = np.concatenate([*usual.whole(quiet)])
    assert not wave[-round(0.5 * voice.sample_rate) :].any()


def test_lengths_vary_with_the_seed_where_that_is_asked_for(voice: Voice) -> None:
    found = say.of_text(TEXT)
    assert len({voice.speaker(seed=seed, backend="cpu").samples(found) for seed in range(3)}) == 1
    varied = [voice.speaker(seed=seed, backend="cpu", varied=True).samples(found) for seed in (0, 1, 0)]
    assert varied[0] == varied[2] != varied[1]


def test_a_speaker_may_be_asked_for(voice: Voice) -> None:
    waves = [voice.say("Bob.", seed=1, backend="cpu", condition=told).samples for told in ({}, {"speaker": "bob"})]
    assert not np.array_equal(*[wave[:, : min(one.shape[1] for one in waves)] for wave in waves])
    with pytest.raises(InputError, match="bobb"):
        voice.say("Bob.", condition={"speaker": "bobb"})


def test_phones_that_a_voice_does_not_know_are_refused(voice: Voice) -> None:
    with pytest.raises(InputError, match="knows no phone"):
        voice.say("Hello.", backend="cpu")
    with pytest.raises(InputError, match="neither text nor phones"):
        voice.say()
    with pytest.raises(InputError, match="both text and phones"):
        voice.stream_say("Bob.", phones="B AA B")


@pytest.mark.usefixtures("german")
def test_a_voice_says_text_of_the_language_of_its_recipe_or_none(voice: Voice) -> None:
    config = {"kinds": 6, "neighbours": 1, "language": "de"}
    phones = (SILENCE, "b", "eː", "n", "ɪ", "iː")
    recipe = phone_toys.recipe(tracks={"phones": config}, acoustic=None)
    known = Vocabulary(recipe, {"speaker": ()}, np.zeros((0, 2), np.int64), phones)
    assert say.language_of(known) == "de" and say.language_of(voice.vocabulary()) is None
    found = say.of_text("Bin. Nie, nie [pause 1s] bin.", 0.5, "de")
    assert [names(one) for one in found] == ["sil b ɪ n sil", "sil n iː sil n iː sil", "sil b ɪ n sil"]
    assert [one.rest for one in found] == [0.5, 1.0, 0.5]
    with pytest.raises(InputError, match="no words"):
        say.of_text("...", language="de")
    silent = replace(known, recipe=phone_toys.recipe(tracks={"phones": config | {"language": None}}, acoustic=None))
    with pytest.raises(
        InputError, match=r"toy says no text, .*language; give phones \(--phones\), of these: b eː n ɪ iː$"
    ):
        say.language_of(silent)
    engine = voice.engine("reference")
    with pytest.raises(InputError, match="says no text"):
        Speaker(engine, silent, {}, 0, Draw(), Manner()).pieces("Nie.")
    spoken = Speaker(engine, known, {}, 0, Draw(), Manner()).pieces("Nie.")
    assert [names(piece) for piece in spoken] == ["sil n iː sil"]


def test_a_voice_that_is_told_no_phones_cannot_say_text(trained_run: Path, told_run: Path) -> None:
    for run, told in ((trained_run, "nothing but the past"), (told_run, "clock")):
        with pytest.raises(InputError, match=f"{told}.*cannot say text; take a voice that is told phones"):
            wavenet.load(run).say("Bob.")


def test_pitch_moves_f0_alone_and_is_refused_where_the_mel_holds_it(voice: Voice) -> None:
    with pytest.raises(InputError, match="mel spectrogram holds the pitch"):
        voice.speaker(pitch=2.0)
    tracks = {"phones": {"kinds": 4, "neighbours": 1}, "f0": {"low_hz": 80, "high_hz": 400}}
    recipe = phone_toys.recipe(tracks=tracks)
    engine = build_engine("reference", Request(recipe.shape, toys.arrays(recipe), alphabet_of(recipe), None, None))
    known = Vocabulary(recipe, {"speaker": ("bob",)}, np.zeros((0, 2), np.int64), phone_toys.NAMES)
    told = []
    for pitch in (0.0, 12.0):
        one = Speaker(engine, known, {}, 0, Draw(), Manner(pitch=pitch))
        asked = one._asked(say.of_text("Bob."))
        assert asked is not None and asked.condition is not None and isinstance(asked.condition.tracks, Arrays)
        told.append(asked.condition.tracks.values[0])
    assert recipe.condition is not None and recipe.condition.tracks.f0 is not None
    moved = np.zeros(told[0].shape[1], np.float32)
    moved[-2] = semitones(12.0, recipe.condition.tracks.f0)
    assert moved[-2] == pytest.approx(2 / np.log2(5))
    np.testing.assert_allclose(told[1] - told[0], np.tile(moved, (len(told[0]), 1)), atol=1e-6)


def test_many_pieces_are_drawn_in_batches(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Bob. " * 5
    whole = voice.say(text, seed=2, backend="cpu").samples
    monkeypatch.setattr(say, "BATCH", 2)
    assert np.array_equal(voice.say(text, seed=2, backend="cpu").samples, whole)


def test_the_silence_alone_is_no_drawing(voice: Voice) -> None:
    one = speaker(voice)
    silent = say.of_text("[pause 0.3s] Bob.", 0.1)[0]
    (wave,) = one.whole([silent])
    assert not silent.phones and wave.tolist() == [0.0] * round(0.3 * voice.sample_rate)
