"""NumPy makes of fields and tracks what the training graph makes of them; the bits do not depend on who else asks."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from condition_toys import (
    ACOUSTIC,
    ENCODERS,
    FORMS,
    HOP,
    MEL,
    forms,
    network_of,
    packed_of,
    recipe_of,
    told_of,
    tracked,
)

from wavenet.generate import condition as conditions
from wavenet.generate.packed import Packed
from wavenet.model.condition import as_told
from wavenet.outputs import Condition, Floats

LAYERS = 6


def added(packed: Packed, condition: Condition, sounds: list[int], first: int, steps: int) -> Floats:
    """Return what is added to the gates of each layer, [B, L, T, 2G]."""
    found = conditions.gates(packed, condition.window(sounds, [first] * len(sounds), steps))
    assert found is not None
    blank = np.zeros((steps, 10), np.float32)
    return np.array(
        [
            [blank + found.of(row, layer, LAYERS, slice(0, steps)) for layer in range(LAYERS)]
            for row in range(len(sounds))
        ]
    )


@forms
@pytest.mark.parametrize("first", [-20, 3, 47])
def test_what_is_added_is_what_the_training_graph_adds(form: str, first: int) -> None:
    recipe = recipe_of(form)
    network, condition = network_of(recipe), told_of(recipe)
    graph = network.gates(as_told(condition.window([0, 2], [first] * 2, 30), condition.shape.hop), 30)
    assert graph is not None
    expected = np.stack([graph.of(layer, 30).expand(2, 30, -1).detach().numpy() for layer in range(LAYERS)], 1)
    got = added(packed_of(recipe), condition, [0, 2], first, 30)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert got.dtype == np.float32 and np.abs(got).max() > 0.1


def test_nothing_is_added_where_nothing_is_told() -> None:
    assert conditions.gates(packed_of(recipe_of("fields")), None) is None


@tracked
@pytest.mark.parametrize("channels", [5, 64])
def test_the_bits_depend_neither_on_the_chunk_nor_on_the_batch(form: str, channels: int) -> None:
    recipe = recipe_of({**FORMS[form], "channels": channels, "tracks": {"array": 80}})
    packed, condition = packed_of(recipe), told_of(recipe, [12, 9, 12])
    whole = added(packed, condition, [0, 1, 2], -3, 80)
    for chunk in (1, HOP, 11, 40):
        for at in range(0, 80 - chunk, max(chunk, 6)):
            got = added(packed, condition, [2, 1], at - 3, chunk)
            assert got.tobytes() == np.ascontiguousarray(whole[[2, 1], :, at : at + chunk]).tobytes()


@forms
@pytest.mark.parametrize("numbers", [1, 1_500, 1 << 22])
def test_stretch_by_stretch_the_bits_are_those_of_the_whole_window(
    form: str, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(form)
    packed, condition = packed_of(recipe), told_of(recipe)
    hop, linear, tracks = condition.shape.hop, condition.shape.linear, condition.shape.told.tracks
    window, blank = condition.window([0, 2], [-5, 9], 60), np.zeros((60, 10), np.float32)
    whole = conditions.gates(packed, window)
    assert whole is not None
    monkeypatch.setattr(conditions, "NUMBERS", numbers)
    found = list(conditions.stretches(packed, window, 60))
    assert [one.stop for one, _ in found] == [*(one.start for one, _ in found[1:]), 60] and found[0][0].start == 0
    assert all(one.start % hop == 0 for one, _ in found)
    if tracks:  # two frames more on either side, and at least one of its own
        most = max(1, numbers // (2 * (3 if linear else 1) * LAYERS * 10)) + 2
        assert max(part.rows.shape[1] for _, part in found if part is not None) <= most
        assert (len(found) > 1) == (numbers == 1 or (numbers == 1_500 and most * hop < 60))
    for row in range(2):
        for layer in range(LAYERS):
            every = blank + whole.of(row, layer, LAYERS, slice(0, 60))
            for steps, part in found:
                assert part is not None
                own = part.of(row, layer, LAYERS, slice(0, steps.stop - steps.start))
                assert (blank[steps] + own).tobytes() == every[steps].tobytes()


def test_what_is_held_of_a_long_window_does_not_grow_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of("every sample")
    packed, condition = packed_of(recipe), told_of(recipe, [4_000])
    monkeypatch.setattr(conditions, "NUMBERS", 6_000)

    def most(steps: int) -> int:
        window = condition.window([0], [0], steps)
        tracemalloc.start()
        for _, part in conditions.stretches(packed, window, steps):
            assert part is not None
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most(4_000) < 1.1 * most(400)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("own", ["none", "pyramid"])
def test_predicted_tracks_are_those_of_the_training_graph_for_whole_sounds_and_their_crops(
    encoder: str, own: str
) -> None:
    predicts = {"channels": 6, "encoder": ENCODERS[encoder]}
    recipe = recipe_of(ACOUSTIC | {"encoder": ENCODERS[own], "acoustic": predicts})
    network, packed, condition = network_of(recipe), packed_of(recipe), told_of(recipe, [9, 9])
    reach, tracks, clock = packed.shape.condition.acoustic.encoder.reach, condition.tracks, slice(0, 9)
    given = np.zeros((2, 9 + 2 * reach, 10), np.float32)
    given[..., 9] = 1
    for sound in range(2):
        given[sound, reach : reach + 9] = np.pad(tracks.read(sound, 0, 9)[:, clock], ((0, 0), (0, 1)))
    made = conditions.predicted(packed, given, condition.fields)
    assert made.shape == (2, 9, MEL["bands"]) and made.dtype == np.float32
    means = torch.from_numpy(
        np.pad(np.stack([tracks.read(sound, 0, 9)[:, clock].mean(axis=0) for sound in range(2)]), ((0, 0), (0, 1)))
    )
    graph = network.acoustic.predict(torch.from_numpy(given), torch.from_numpy(condition.fields), means)
    np.testing.assert_allclose(made, graph.detach().numpy(), atol=1e-5)
    for first in (-15, 4, 26):
        window = condition.window([0, 1], [first] * 2, 30)
        heard, *_ = network.hear(as_told(window, HOP), torch.tensor([True, True]))
        begin = first // HOP - 1 - window.reach
        for sound, frames in enumerate(heard.tracks.detach().numpy()):
            inner = {at: frame for at, frame in enumerate(frames, begin) if 0 <= at < 9}
            edge = range(begin + reach, begin + len(frames) - reach)
            for at in sorted(inner.keys() & set(edge)):
                np.testing.assert_allclose(inner[at][9:13], made[sound, at], atol=1e-5)
            assert len(inner.keys() & set(edge)) > 3
