"""A recogniser's file is read as it was written or refused, made once, and of anything but the test split."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from wavenet.audio.splits import Span
from wavenet.errors import BundleError
from wavenet.evaluation import recogniser_file
from wavenet.evaluation.recogniser import Labelled, Recogniser, Settings, begin, train
from wavenet.features.fields import Fields

RATE = 8_000
VALUES = {"word": ("up", "down", "flat"), "speaker": ("dark", "bright")}
ONCE = Settings(steps=1, batch=8, channels=8)


def clips(count: int) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    waves = [np.asarray(0.1 * rng.standard_normal(rng.integers(300, 600)), np.float32) for _ in range(count)]
    return waves, np.stack([rng.integers(3, size=count), rng.integers(2, size=count)], axis=1)


def some() -> Recogniser:
    import torch

    weights = begin(VALUES, 8, torch.Generator().manual_seed(0))
    return Recogniser(VALUES, RATE, {name: value.detach().numpy() for name, value in weights.items()})


def test_the_same_is_not_trained_twice_and_another_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waves, ids = clips(8)
    trainings: list[int] = []
    monkeypatch.setattr(recogniser_file, "train", lambda *given: trainings.append(1) or train(*given))
    first = recogniser_file.trained(Labelled(waves, ids, VALUES, RATE), ONCE, tmp_path)
    second = recogniser_file.trained(Labelled(waves, ids, VALUES, RATE), ONCE, tmp_path)
    assert len(trainings) == 1 and next(tmp_path.iterdir()).suffix == ".safetensors"
    assert second.values == first.values == VALUES and second.sample_rate == RATE
    assert all((second.weights[name] == value).all() for name, value in first.weights.items())
    other_wave = [*waves[1:], waves[0] * np.float32(0.5)]
    for given in (
        (other_wave, ids, VALUES, RATE, ONCE),
        (waves, ids[::-1].copy(), VALUES, RATE, ONCE),
        (waves, ids, {"pitch": VALUES["word"], "speaker": VALUES["speaker"]}, RATE, ONCE),
        (waves, ids, VALUES, 2 * RATE, ONCE),
        (waves, ids, VALUES, RATE, dataclasses.replace(ONCE, seed=1)),
    ):
        recogniser_file.trained(Labelled(*given[:4]), given[4], tmp_path)
    assert len(trainings) == 6 == len([*tmp_path.iterdir()])


def test_a_damaged_file_is_refused_or_made_again(tmp_path: Path, said: list[str]) -> None:
    path, trained = tmp_path / "a.safetensors", some()
    recogniser_file.save(path, trained)
    whole = path.read_bytes()
    names = [*trained.weights]
    broken = dataclasses.replace(trained, weights={**trained.weights, names[0]: trained.weights[names[0]] * np.nan})
    lacking = dataclasses.replace(trained, weights={name: trained.weights[name] for name in names[:-1]})
    for made in (broken, lacking):
        recogniser_file.save(path, made)
        with pytest.raises(BundleError, match="cannot be used as a recogniser"):
            recogniser_file.load(path)
    wrong = (b"", whole[:100], whole[:-4], whole.replace(b'version\\": 1', b'version\\": 9'))
    for content in (*wrong, whole.replace(b'bright\\"', b'brigh\\"]')):
        assert content != whole
        path.write_bytes(content)
        with pytest.raises(BundleError, match="cannot be used as a recogniser"):
            recogniser_file.load(path)
    few = (Labelled(*clips(8), VALUES, RATE), ONCE, tmp_path / "cache")
    recogniser_file.trained(*few)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(whole[:99])
    recogniser_file.trained(*few)
    assert len(said) == 1 and "trained again" in said[0]
    assert recogniser_file.load(kept).values == VALUES


class Recorded:
    """Sound whose clips are known by their values, and that remembers which were read."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths, self.heard = lengths, set[int]()

    def read(self, clip: int, first: int, last: int) -> np.ndarray:
        self.heard.add(clip)
        return np.full(last - first, clip + 1, np.float32)


def test_the_test_split_is_never_heard_and_each_span_has_the_ids_of_its_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []
    monkeypatch.setattr(recogniser_file, "train", lambda *told: given.append(told) or train(*told))
    sound = Recorded([400, 500, 600, 700])
    spans = {
        "train": [Span(2, 0, 600), Span(0, 0, 300), Span(3, 5, 5)],
        "valid": [Span(0, 350, 400)],
        "test": [Span(1, 0, 500), Span(3, 0, 700)],
        "all": [Span(1, 0, 500)],
    }
    ids = np.array([[0, 1], [1, 1], [2, 0], [1, 0]])
    fields = Fields({name: list(own) for name, own in VALUES.items()}, ids)
    recogniser_file.of_splits(sound, spans, fields, RATE, ONCE, tmp_path)  # type: ignore[arg-type]
    assert sound.heard == {0, 2}
    waves, told = given[0][0].waves, given[0][0].ids
    assert [(len(wave), wave[0] - 1) for wave in waves] == [(600, 2), (300, 0), (50, 0)]
    assert (told == ids[[2, 0, 0]]).all()
