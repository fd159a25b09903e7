"""The recogniser names sound it never heard; alone, in a batch and at any level alike; and is trained once."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavenet.errors import InputError
from wavenet.evaluation import recogniser
from wavenet.evaluation.recogniser import Labelled, Recogniser, Settings, train
from wavenet.outputs import Categorical

RATE = 8_000
UNKNOWN = 4  # beyond all values
VALUES = {"word": ("up", "down", "flat"), "speaker": ("dark", "bright")}
QUICK = Settings(steps=70, batch=16, channels=16, learning_rate=1e-2, dropout=0.0)


def clip(word: int, speaker: int, rng: np.random.Generator) -> np.ndarray:
    """Return a tone that steps up, down or not, of few or many overtones, [T] float32, of any length and level."""
    samples = int(rng.integers(800, 1_600))
    steps = ((300, 600), (600, 300), (420, 420))[word]
    phase = np.cumsum(2 * np.pi * rng.uniform(0.95, 1.05) * np.repeat(steps, samples // 2) / RATE)
    wave = sum(np.sin(n * phase) for n in range(1, (2, 6)[speaker] + 1))
    return np.asarray(10 ** rng.uniform(-2, -1) * wave, np.float32)


def clips(count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.integers(3, size=count), rng.integers(2, size=count)], axis=1)
    return [clip(int(word), int(speaker), rng) for word, speaker in ids], ids


@pytest.fixture(scope="module")
def trained() -> Recogniser:
    return train(Labelled(*clips(64, 0), VALUES, RATE), QUICK)


# --- what it hears ---------------------------------------------------------------------------------------------------


def test_it_names_both_fields_of_clips_that_it_never_heard(trained: Recogniser) -> None:
    waves, ids = clips(60, 1)
    assert ((trained.names(waves) == ids).mean(axis=0) > 0.9).all()
    fine = Categorical(256)
    coarse = [fine.decode(fine.encode(wave / np.abs(wave).max() * 0.2)) for wave in waves]
    assert ((trained.names(coarse) == ids).mean(axis=0) > 0.9).all()
    assert (trained.names(waves[7:8]) == trained.names(waves)[7]).all()


def test_a_clip_is_heard_alike_alone_in_any_batch_and_at_any_level(trained: Recogniser) -> None:
    waves, _ = clips(recogniser.AT_ONCE + 3, 2)
    waves[5] = np.full(1, 0.01, np.float32)
    waves[6] = np.tile(waves[6], 5)
    together = trained.probabilities(waves)
    for index in (0, 5, 6, len(waves) - 1):
        for scale in (1.0, 0.1):
            alone = trained.probabilities([waves[index] * np.float32(scale)])
            for field in VALUES:
                np.testing.assert_allclose(alone[field][0], together[field][index], atol=2e-5)
    for field, names in VALUES.items():
        assert together[field].shape == (len(waves), len(names)) and together[field].dtype == np.float32
        np.testing.assert_allclose(together[field].sum(axis=1), 1.0, atol=1e-5)


def test_silence_and_no_clips_at_all_have_answers_too(trained: Recogniser) -> None:
    assert np.isfinite(trained.probabilities([np.zeros(800, np.float32)])["word"]).all()
    assert trained.probabilities([])["speaker"].shape == (0, 2)


# --- training --------------------------------------------------------------------------------------------------------


def test_training_is_the_same_for_a_seed_whatever_the_threads_and_leaves_torch_as_it_was(trained: Recogniser) -> None:
    import torch

    few = dataclasses.replace(QUICK, steps=4, dropout=0.2)
    threads, before = torch.get_num_threads(), torch.random.get_rng_state()
    try:
        torch.set_num_threads(2)
        one, again = (train(Labelled(*clips(20, 0), VALUES, RATE), few).weights for _ in range(2))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    other = train(Labelled(*clips(20, 0), VALUES, RATE), dataclasses.replace(few, seed=1)).weights
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all((one[name] == again[name]).all() for name in one) and set(one) == set(trained.weights)
    assert any((one[name] != other[name]).any() for name in one)


def test_every_clip_is_heard_about_as_often() -> None:
    import torch

    lengths = np.random.default_rng(0).integers(100, 9_000, 50)
    heard = np.zeros(50)
    drawn = recogniser.batches(lengths, dataclasses.replace(QUICK, batch=8), torch.Generator().manual_seed(0))
    for batch in (next(drawn) for _ in range(600)):
        assert len(set(batch.tolist())) == 8
        heard[batch] += 1
    assert heard.min() > 85 and heard.max() <= 100  # 96 on average: 6 batches hold 48 of 50 clips


def test_what_is_unknown_of_a_clip_teaches_nothing() -> None:
    import torch

    told = {"a": torch.randn(5, 3), "b": torch.randn(5, 4)}
    ids = torch.tensor([[0, 1], [UNKNOWN, 2], [2, UNKNOWN], [1, 0], [UNKNOWN, UNKNOWN]])
    expected = 0.0
    for column, logits in enumerate(told.values()):
        known = ids[:, column] != UNKNOWN
        log_p = logits[known].log_softmax(dim=1)
        right = log_p[torch.arange(len(log_p)), ids[known, column]]
        expected -= float((0.95 * right + 0.05 * log_p.mean(dim=1)).mean())
    assert float(recogniser._loss(told, ids)) == pytest.approx(expected, rel=1e-5)
    assert float(recogniser._loss(told, torch.full((5, 2), UNKNOWN))) == 0.0
    nothing = np.full((8, 2), UNKNOWN)
    assert np.isfinite(
        train(Labelled(clips(8, 0)[0], nothing, VALUES, RATE), dataclasses.replace(QUICK, steps=2)).names(
            clips(1, 0)[0]
        )
    ).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda waves, ids: (waves, ids[1:]), "expected"),
        (lambda waves, ids: (waves, ids[:, :1]), "expected"),
        (lambda waves, ids: ([], ids[:0]), "at least one"),
        (lambda waves, ids: (waves, ids - 1), "an id is -1"),
        (lambda waves, ids: ([*waves[1:], waves[0][:0]], ids), "no samples"),
        (lambda waves, ids: ([*waves[1:], waves[0] * np.nan], ids), "not finite"),
    ],
)
def test_clips_and_ids_that_do_not_fit_are_refused(change, words: str) -> None:  # type: ignore[no-untyped-def]
    waves, _ = clips(6, 0)
    ids = np.array([[2, 0], [1, 1], [0, 0], [2, 1], [1, 0], [0, 0]])
    with pytest.raises(InputError, match=words):
        train(Labelled(*change(waves, ids), VALUES, RATE), QUICK)


# --- real recordings -------------------------------------------------------------------------------------------------


@pytest.mark.campaign
def test_words_and_speakers_of_real_takes_are_named_as_recorded_and_after_mu_law(real_audio: Path) -> None:
    folder = real_audio / "digits"
    rows = csv.DictReader((folder / "metadata.csv").read_text(encoding="utf-8").splitlines())
    takes = {"train": ([], []), "test": ([], [])}  # type: dict[str, tuple[list[np.ndarray], list[tuple[int, int]]]]
    values = {"label": tuple("0123456789"), "speaker": ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")}
    for row in rows:
        takes[row["split"]][0].append(soundfile.read(folder / row["path"], dtype="float32")[0])
        takes[row["split"]][1].append(tuple(names.index(row[field]) for field, names in values.items()))
    heard = train(Labelled(takes["train"][0], np.array(takes["train"][1]), values, RATE))
    codes, (waves, ids) = Categorical(256), takes["test"]
    coarse = [codes.decode(codes.encode(0.08 / np.sqrt(np.mean(wave**2)) * wave)) for wave in waves]
    for own in (waves, coarse):
        assert ((heard.names(own) == np.array(ids)).mean(axis=0) > 0.98).all()
