"""A recogniser of phones is read as it was written or refused, and made once for the same recordings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from speech_toys import sound_of

from wavenet.audio.splits import Span
from wavenet.errors import BundleError
from wavenet.evaluation import phone_recogniser_file
from wavenet.evaluation.phone_recogniser import PhoneRecogniser, Spoken, begin, train
from wavenet.evaluation.recogniser import Settings
from wavenet.speech import SILENCE, Aligned, Phone

RATE = 8_000
ONCE = Settings(steps=1, batch=8, channels=8)


def some() -> Spoken:
    rng = np.random.default_rng(0)
    waves = [np.asarray(0.1 * rng.standard_normal(800), np.float32) for _ in range(4)]
    return Spoken(waves, [Aligned((Phone("AA"), Phone("K")), (0.05, 0.1))] * 4, RATE)


def untrained() -> PhoneRecogniser:
    import torch

    weights = begin(2, 8, torch.Generator().manual_seed(0))
    return PhoneRecogniser(("AA", SILENCE), RATE, {name: value.detach().numpy() for name, value in weights.items()})


def test_the_same_is_not_trained_twice_and_another_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainings: list[Settings] = []
    monkeypatch.setattr(phone_recogniser_file, "train", lambda *given: trainings.append(given[1]) or train(*given))
    spoken = some()
    first, second = (phone_recogniser_file.trained(spoken, ONCE, tmp_path) for _ in range(2))
    assert len(trainings) == 1 and second.phones == first.phones == ("AA", "K", SILENCE)
    assert all((second.weights[name] == value).all() for name, value in first.weights.items())
    later = Aligned(spoken.aligned[0].phones, (0.06, 0.1))
    for other in (
        dataclasses.replace(spoken, waves=[*spoken.waves[1:], spoken.waves[0] * np.float32(0.5)]),
        dataclasses.replace(spoken, aligned=[*spoken.aligned[1:], later]),
    ):
        phone_recogniser_file.trained(other, ONCE, tmp_path)
    phone_recogniser_file.trained(spoken, dataclasses.replace(ONCE, seed=1), tmp_path)
    assert len(trainings) == 4 == len([*tmp_path.iterdir()])
    monkeypatch.setattr(phone_recogniser_file, "train", lambda *given: trainings.append(given[1]) or untrained())
    phone_recogniser_file.trained(spoken, None, tmp_path)
    assert trainings[-1].steps == 40


def test_whole_recordings_of_which_the_phones_are_known_are_learned_from(tmp_path: Path) -> None:
    waves = [np.asarray(0.1 * np.random.default_rng(n).standard_normal(800 + n), np.float32) for n in range(7)]
    sound = sound_of(tmp_path / "sounds", waves, RATE)
    aligned = [Aligned((Phone("AA"), Phone(str(n))), (0.05, (800 + n) / RATE)) for n in range(7)]
    spans = [Span(n, 0, 800 + n) for n in range(7)]
    splits = {"train": [spans[0], Span(1, 0, 700), spans[2], spans[3]], "valid": [spans[4], Span(5, 9, 805)]}
    found = phone_recogniser_file.of_splits(
        sound, splits | {"test": [spans[6]]}, [*aligned[:2], "it has no text", *aligned[3:]], RATE
    )
    assert [*found.aligned] == [aligned[n] for n in (0, 3, 4)] and found.sample_rate == RATE
    for wave, clip in zip(found.waves, (0, 3, 4), strict=True):
        assert np.array_equal(wave, sound.read(clip, 0, 800 + clip))
    found.check()


def test_a_file_of_another_recogniser_is_refused(tmp_path: Path) -> None:
    path, made = tmp_path / "a.safetensors", untrained()
    phone_recogniser_file.save(path, made)
    assert phone_recogniser_file.load(path).phones == ("AA", SILENCE)
    for change in ({"phones": ("AA", "K")}, {"phones": ("AA", "K", SILENCE)}):
        phone_recogniser_file.save(path, dataclasses.replace(made, **change))
        with pytest.raises(BundleError, match="cannot be used as a recogniser of phones"):
            phone_recogniser_file.load(path)
