"""The recogniser of phones learns where toy phones lie, names sentences that are new to it, and is the same again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import wavenet
from wavenet.audio.crops import Sound
from wavenet.errors import InputError
from wavenet.evaluation import phone_recogniser
from wavenet.evaluation.intervals import Share
from wavenet.evaluation.phone_recogniser import USUAL, PhoneRecogniser, Spoken, labels, train
from wavenet.evaluation.recogniser import Settings
from wavenet.recipe import find, read
from wavenet.recipe.records import LevelConfig
from wavenet.speech import SILENCE, Aligned, Phone

RATE = 8_000
HERTZ = {"AA": 300, "EE": 900, "OO": 1_800, "SS": 3_200}
QUICK = Settings(steps=60, batch=8, channels=24, learning_rate=1e-2, dropout=0.0)


def sentence(rng: np.random.Generator, words: int = 4) -> list[Phone]:
    """Return the phones of some words of two phones each."""
    names = [*HERTZ]
    return [Phone(str(rng.choice(names)), word=word) for word in range(words) for _ in range(2)]


def spoken(phones: list[Phone], rng: np.random.Generator) -> tuple[np.ndarray, Aligned]:
    """Return a sentence of tones with a pause at both ends, and where its phones lie."""
    phones = [Phone(SILENCE), *phones, Phone(SILENCE)]
    counts = rng.integers(500, 1_200, len(phones))
    phase = 2 * np.pi * np.repeat([0 if one.silent else HERTZ[one.name] for one in phones], counts) / RATE
    wave = np.sin(np.cumsum(phase)) + 0.02 * rng.standard_normal(counts.sum())
    return np.asarray(0.1 * wave, np.float32), Aligned(tuple(phones), tuple(np.cumsum(counts) / RATE))


def some(count: int, seed: int) -> Spoken:
    rng = np.random.default_rng(seed)
    waves, aligned = zip(*(spoken(sentence(rng), rng) for _ in range(count)), strict=True)
    return Spoken(waves, aligned, RATE)


@pytest.fixture(scope="module")
def trained() -> PhoneRecogniser:
    return train(some(24, 0), QUICK)


def test_it_names_the_phone_of_each_frame_of_sentences_that_it_never_heard(trained: PhoneRecogniser) -> None:
    held, right = some(12, 1), []
    assert trained.phones == ("AA", "EE", "OO", "SS", SILENCE) and trained.frame_samples == 160
    for wave, own in zip(held.waves, held.aligned, strict=True):
        named = trained.names(wave)
        assert len(named) == -(-(1 + len(wave) // 80) // 2)
        right.append(named == labels(own, trained.phones, np.arange(len(named)) * 160 / RATE))
    assert np.concatenate(right).mean() > 0.85


def test_it_names_which_sentence_is_said_and_too_short_sound_is_none(trained: PhoneRecogniser) -> None:
    held = some(12, 2)
    asked = [[phone for phone in own.phones if not phone.silent] for own in held.aligned]
    assert trained.said([*held.waves, held.waves[0][:400]], asked) == [*range(12), None]
    alone = trained.scores(held.waves[3])
    np.testing.assert_allclose(trained.scores(0.01 * held.waves[3]), alone, atol=1e-3)
    assert alone.dtype == np.float32


def test_training_is_the_same_for_a_seed(trained: PhoneRecogniser) -> None:
    few = dataclasses.replace(QUICK, steps=3, dropout=0.2)
    one, again, other = (train(some(9, 0), dataclasses.replace(few, seed=seed)).weights for seed in (0, 0, 1))
    assert all((one[name] == again[name]).all() for name in one) and set(one) == set(trained.weights)
    assert any((one[name] != other[name]).any() for name in one)
    assert np.exp(trained.weights["prior"]).sum() == pytest.approx(1.0, rel=1e-4)


def test_labels_are_those_of_the_time_and_pauses_lie_around() -> None:
    own = Aligned((Phone("AA"), Phone("EE")), (0.5, 1.0))
    made = labels(own, ("AA", "EE", SILENCE), np.array([-0.1, 0.0, 0.49, 0.5, 0.99, 1.0, 7.0]))
    assert made.tolist() == [2, 0, 0, 1, 1, 2, 2]


def test_labels_follow_a_part_to_where_it_was_moved() -> None:
    own = Aligned((Phone("AA"), Phone("EE")), (1.0, 2.0))
    part = phone_recogniser.Spoilt(np.zeros(2_000, np.float32), first=7_200, before=320, samples=1_280)
    made = phone_recogniser._labels_of(own, part, ("AA", "EE", SILENCE), RATE, 13)
    assert made.tolist() == [2, 2, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2]  # 7,200 lies 5 frames before the second phone


def test_few_clips_are_learnt_from_in_fewer_steps() -> None:
    assert [phone_recogniser.usual(count).steps for count in (1, 12, 60, 1_000)] == [40, 40, 200, 300]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda given: dataclasses.replace(given, aligned=given.aligned[1:]),
            "phones of 2 recordings for 3 recordings",
        ),
        (lambda given: Spoken([], [], RATE), "at least one"),
        (lambda given: dataclasses.replace(given, sample_rate=16_000), "align it anew"),
        (lambda given: dataclasses.replace(given, waves=[given.waves[0][:0], *given.waves[1:]]), "no samples"),
    ],
)
def test_recordings_and_phones_that_do_not_fit_are_refused(change, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        train(change(some(3, 0)), QUICK)


# --- real recordings -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.real_audio
def test_real_held_out_sentences_are_named_by_what_a_hundred_recordings_taught(
    real_audio: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pocketsphinx")
    rate = read.load(find.find_recipe("kathleen-say")).audio.sample_rate
    made = wavenet.align(real_audio / "kathleen", "kathleen-say", cache_folder=tmp_path, limit=160)
    sound = Sound(made.decoded, LevelConfig(rms=0.08), 0)
    known = [(clip, at, own) for at, (clip, own) in enumerate(zip(made.clips, made.found, strict=True))]
    known = [one for one in known if isinstance(one[2], Aligned)]
    learned = [one for one in known if one[0].split == "train"]
    texts = {clip.text: (at, own) for clip, at, own in known if clip.split != "train"}
    assert len(learned) > 120 and len(texts) > 9
    waves = [sound.read(at, 0, sound.lengths[at]) for _, at, _ in learned]
    recogniser = train(Spoken(waves, [own for *_, own in learned], rate), dataclasses.replace(USUAL, steps=120))
    held = [(sound.read(at, 0, sound.lengths[at]), own) for at, own in texts.values()]
    named = recogniser.said([wave for wave, _ in held], [own.phones for _, own in held])
    share = Share(sum(number == at for at, number in enumerate(named)), len(named))
    assert share.low > 0.6 > 5 / len(named)  # chance is one in so many
    backwards = recogniser.said([wave[::-1].copy() for wave, _ in held], [own.phones for _, own in held])
    assert sum(number == at for at, number in enumerate(backwards)) < len(held) / 3
