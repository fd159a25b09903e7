"""What a voice makes of pieces of text: alone or beside others, whole or streamed, the next while one sounds."""

from __future__ import annotations

from collections.abc import Iterator
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
from wavenet.generate.pieces import Piece, of_text
from wavenet.generate.say import Manner, Speaker
from wavenet.generate.voice import Voice
from wavenet.outputs import Arrays, Draw
from wavenet.outputs import of as alphabet_of

TEXT = "Bobby, be Bob. Bee! Bob be [pause 0.2s] Bobby."


@pytest.fixture
def voice(phones_run: Path) -> Voice:
    return wavenet.load(phones_run)


def speaker(voice: Voice, **manner: Any) -> Speaker:
    return voice.speaker(seed=3, backend="cpu", **manner)


def samples(one: Speaker, text: str, silence: float = 0.1) -> int:
    return one.samples(one.timed(of_text(text, silence)))


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
    found = [*one.pieces(TEXT)]
    assert one.samples(found) == len(whole)
    alone = [wave for piece in found for wave in one.whole([piece])]
    assert np.array_equal(np.concatenate(alone), whole)


def test_speed_and_silence_change_what_they_say(voice: Voice) -> None:
    usual, slow = speaker(voice), speaker(voice, speed=0.5)
    text, count = "Bob. Bee.", samples(usual, "Bob. Bee.")
    edges = round(2 * sum(EDGE_SECONDS) * voice.sample_rate) + 2 * round(
        voice.recipe.data.tail_seconds * voice.sample_rate
    )
    assert samples(slow, text) - edges == pytest.approx(2 * (count - edges), abs=4)
    assert samples(usual, text, 0.6) - count == round(2 * 0.5 * voice.sample_rate)
    wave = np.concatenate([*usual.whole(usual.timed(of_text(text, 0.6)))])
    assert not wave[-round(0.5 * voice.sample_rate) :].any()


def test_lengths_vary_with_the_seed_where_that_is_asked_for(voice: Voice) -> None:
    assert len({samples(voice.speaker(seed=seed, backend="cpu"), TEXT) for seed in range(3)}) == 1
    varied = [samples(voice.speaker(seed=seed, backend="cpu", varied=True), TEXT) for seed in (0, 1, 0)]
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
        asked = one._asked([*one.timed(of_text("Bob."))])
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


def test_each_piece_is_read_and_timed_once_and_no_sooner_than_while_the_one_before_it_sounds(
    voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, computed, of = list[int](), list[int](), say.lengths

    def counted(found: Iterator[Piece]) -> Iterator[Piece]:
        for piece in found:
            read.append(piece.number)
            yield piece

    def lengths(*arguments: Any) -> tuple[float, ...]:
        computed.append(arguments[-1])
        return of(*arguments)

    monkeypatch.setattr(say, "of_text", lambda text, silence: counted(of_text(text, silence)))
    monkeypatch.setattr(say, "lengths", lengths)
    monkeypatch.setattr(say, "PHONES", phone_toys.NAMES[1:])  # as of a voice that knows all phones of English
    one = speaker(voice)
    sound = one.stream(one.pieces("Bob. " * 30), 10_000)
    assert read == []
    for number in range(3):
        next(sound)  # a piece
        sounding = [*computed]
        assert sounding in ([*range(number + 1)], [*range(number + 2)])
        next(sound)  # the silence behind it
    assert len([*sound]) == 2 * 27 and computed == read == [*range(30)]


def test_a_long_text_is_begun_before_its_length_is_known(voice: Voice) -> None:
    one = speaker(voice)
    for count in (1, say.BATCH, say.BATCH + 1):
        total, pieces = one.begun(one.pieces("Bob. " * count))
        found = [*pieces]
        assert [piece.number for piece in found] == [*range(count)]
        assert total == (one.samples(found) if count <= say.BATCH else None)


def test_a_phone_that_a_voice_does_not_know_is_found_before_any_sound(voice: Voice) -> None:
    with pytest.raises(InputError, match="knows no phone 'HH'"):
        voice.stream_say("Bob. " * 20 + "Hello.", backend="cpu")


def test_the_silence_alone_is_no_drawing(voice: Voice) -> None:
    one = speaker(voice)
    silent = next(one.pieces("[pause 0.3s] Bob."))
    (wave,) = one.whole([silent])
    assert not silent.phones and wave.tolist() == [0.0] * round(0.3 * voice.sample_rate)
