"""What the frames of a track are usually like is measured in pieces, kept in few numbers, and tells another scale."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wavenet.features import statistics
from wavenet.features.statistics import Summary, measured, of_bundle, of_tracks, strange
from wavenet.outputs import Arrays

RNG = np.random.default_rng(0)
SOUNDS = [RNG.normal([0, 5, -2], [1, 3, 0.5], (frames, 3)).astype(np.float32) for frames in (30, 80, 200)]


def test_pieces_are_summed_up_as_the_whole() -> None:
    whole = np.concatenate(SOUNDS)
    found = Summary(SOUNDS)
    assert found.frames == 310
    for name, expected in (("low", whole.min(0)), ("high", whole.max(0)), ("mean", whole.mean(0))):
        assert np.allclose(getattr(found, name), expected, atol=1e-5)
    assert np.allclose(found.spread, whole.std(0), atol=1e-5)
    assert found.whole_spread == pytest.approx(whole.std(), rel=1e-5)
    widths = [np.ptp(whole), whole.std(), whole.mean(axis=1).std()]
    assert np.allclose(found.traits(), [*np.log(widths), whole.max()], atol=1e-5)


def test_a_bundle_keeps_what_all_frames_and_each_sound_are_like() -> None:
    whole = np.concatenate(SOUNDS)
    own = measured(Summary([one]) for one in SOUNDS)
    kept = of_bundle({"told": {"usual": {"mel": json.loads(json.dumps(own.to_plain()))}}}, "mel", 3)
    assert kept == own
    assert np.allclose([own.low, own.high, own.mean, own.spread], [f(whole, 0) for f in EDGES], rtol=1e-4, atol=1e-4)
    traits = np.array([Summary([one]).traits() for one in SOUNDS])
    assert np.allclose(own.traits, np.transpose([traits.mean(0), traits.std(0)]), rtol=1e-3)


EDGES = (np.min, np.max, np.mean, np.std)


@pytest.mark.parametrize("damage", [{}, {"mean": [1.0]}, {"traits": [[1, 2]]}, {"low": ["a", "b", "c"]}, {"more": []}])
def test_a_bundle_that_does_not_say_it_or_is_damaged_says_nothing(damage: dict[str, object]) -> None:
    plain = measured(Summary([one]) for one in SOUNDS).to_plain()
    assert of_bundle({"told": {"usual": {"mel": plain}}}, "mel", 3) is not None
    spoilt = {"told": {"usual": {"mel": plain | damage}}} if damage else {"told": {"fields": {}}}
    assert of_bundle(spoilt, "mel", 3) is None and of_bundle({}, "mel", 3) is None
    assert of_bundle({"told": {"usual": {"mel": plain | {"low": [1, float("nan"), 2]}}}}, "mel", 3) is None


def test_tracks_are_looked_at_by_name_without_their_tails(monkeypatch: pytest.MonkeyPatch) -> None:
    clocked = [np.concatenate([np.full((len(one), 2), 9.0, np.float32), one], axis=1) for one in SOUNDS[:2]]
    tracks = Arrays([np.concatenate([one, np.full((4, 5), 99.0, np.float32)]) for one in clocked])
    told, frames = (("clock", 2), ("mel", 3)), [30, 80]
    found = of_tracks(tracks, told, "mel", frames, [0, 1])
    assert measured(found.values()) == measured(Summary([one]) for one in SOUNDS[:2]) and [*found] == [0, 1]
    assert of_tracks(tracks, told, "clock", frames, [1])[1].high.tolist() == [9, 9]
    padded = Arrays([*tracks.values, np.full((7, 5), -1.0, np.float32)])
    padded.values[0][:6] = -1.0
    hushed = of_tracks(padded, told, "mel", [30, 80, 7], [0, 1, 2], -1.0)
    assert [*hushed] == [0, 1] and hushed[0].frames == 24 and np.allclose(hushed[0].mean, SOUNDS[0][6:].mean(0))
    monkeypatch.setattr(statistics, "MOST_SOUNDS", 1)
    assert [*of_tracks(tracks, told, "mel", frames, [0, 1])] == [0]


def test_arrays_of_another_scale_are_strange_and_those_of_other_sounds_are_not() -> None:
    own = measured(Summary([one]) for one in SOUNDS)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        other = rng.normal([0.5, 4, -2], [1.5, 2, 0.5], (int(rng.integers(5, 90)), 3)).astype(np.float32)
        assert strange(Summary([other]), own) == ""
        for wrong in (100 * other, other / 100, other + 50):
            assert "; usual is a range of " in strange(Summary([wrong]), own)
    assert strange(Summary([100 * SOUNDS[0]]), own).startswith(f"{100 * SOUNDS[0].min():.4g} to ")
    still = measured(Summary([np.ones((9, 2), np.float32)]) for _ in range(3))
    assert strange(Summary([np.ones((5, 2), np.float32)]), still) == ""
