"""What is told reaches each sample as equations 2.5 say it, for any cut of a sound (law 10); and no later sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from condition_toys import ACOUSTIC, FORMS, HOP, forms, network_of, recipe_of, told_of, tracked

from wavenet.geometry import Encoder
from wavenet.model import network as networks
from wavenet.model.condition import Gates, Told, as_told
from wavenet.model.network import WaveNet
from wavenet.outputs import Arrays, Condition

STEPS = 40


def double(network: WaveNet, condition: Condition, sound: int, first: int, steps: int) -> Told:
    """Return what a stretch of a sound is told, and make the network one of float64."""
    network.double()
    told = as_told(condition.window([sound], [first], steps), condition.shape.hop)
    return told._replace(tracks=told.tracks.double(), mean=told.mean.double())


def added(network: WaveNet, told: Told, steps: int = STEPS) -> np.ndarray:
    """Return what is added to the gates of each layer, [L, T, 2G]."""
    gates = network.gates(told, steps)
    assert gates is not None
    return np.stack([gates.of(layer, steps)[0].expand(steps, -1).detach().numpy() for layer in range(6)])


# --- the definition --------------------------------------------------------------------------------------------------


class Plain:
    """The network over frames from its definition, frame by frame, in float64."""

    def __init__(self, network: WaveNet, condition: Condition, sound: int) -> None:
        self.shape, self.encoder = condition.shape, condition.shape.told.encoder
        self.arrays = {name: value.astype(np.float64) for name, value in network.arrays().items()}
        values = condition.tracks.read(sound, 0, 99).astype(np.float64)
        signs = len(self.shape.told.tracks)
        self.known = np.hstack([values, np.zeros((len(values), signs))])
        self.unknown = np.array([0.0] * values.shape[1] + [1.0] * signs)
        fields = zip(self.shape.told.fields, condition.fields[sound], strict=True)
        self.e = sum((self.arrays[f"condition.fields.{name}.weight"][row] for (name, _), row in fields), np.zeros(5))

    def product(self, name: str, x: np.ndarray) -> np.ndarray:
        return self.arrays[f"condition.{name}.weight"] @ x + self.arrays[f"condition.{name}.bias"]

    def h(self, k: int, depth: int) -> np.ndarray:
        """Return channels of a frame behind so many convolutions; there are unknown frames around the sound."""
        if depth == 0:
            return self.product("entry", self.known[k] if 0 <= k < len(self.known) else self.unknown) + self.e
        return self.h(k, depth - 1) + self.taps(k, depth - 1, depth - 1)

    def taps(self, k: int, layer: int, depth: int) -> np.ndarray:
        kernel, dilation = self.encoder.layers[layer]
        seen = [np.maximum(self.h(k + (j - kernel // 2) * dilation, depth), 0) for j in range(kernel)]
        return self.product(f"encoder.{layer}", np.concatenate(seen))

    def c(self, k: int) -> np.ndarray:
        """Return what the encoder makes of a frame of the sound."""
        if not self.encoder.pyramid:
            return self.h(k, len(self.encoder.layers))
        branches = [self.product("alone", np.maximum(self.h(k, 0), 0))]
        branches += [self.taps(k, layer, 0) for layer in range(len(self.encoder.layers))]
        if self.encoder.pooled:
            branches.append(self.product("pooled", self.known.mean(axis=0)))
        return self.h(k, 0) + self.product("project", np.maximum(np.concatenate(branches), 0))

    def at_samples(self, first: int, steps: int) -> np.ndarray:
        """Return c at the sample rate, [T, C]."""
        frames = np.array([self.c(k) for k in range(len(self.known))])
        hop, found = self.shape.hop, []
        middles = np.arange(len(frames)) * hop + hop / 2
        for t in range(first, first + steps):
            if not 0 <= t < len(frames) * hop:
                found.append(self.arrays["condition.before.weight"][0] + self.e)
            elif self.shape.linear:
                found.append([np.interp(t + 0.5, middles, channel) for channel in frames.T])
            else:
                found.append(frames[t // hop])
        return np.array(found)


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("fields", "acoustic")])
@pytest.mark.parametrize("first", [-30, 8, 33])
def test_v_c_at_the_frame_rate_is_v_times_c_at_the_sample_rate_for_any_cut(form: str, first: int) -> None:
    recipe = recipe_of(form)
    network, condition = network_of(recipe), told_of(recipe, [9, 5] if "every" not in form else [60, 21])
    for sound in range(2):
        plain = Plain(network, condition, sound)
        expected = plain.at_samples(first, STEPS) @ plain.arrays["condition.output.weight"].T
        got = added(network, double(network, condition, sound, first, STEPS))
        np.testing.assert_allclose(np.concatenate(list(got), axis=-1), expected, atol=1e-6)
        network.float()


def test_fields_alone_add_one_row_to_all_samples() -> None:
    recipe = recipe_of(FORMS["tracks"] | {"fields": {"speaker": 3}, "tracks": {}, "hop_samples": None})
    network, condition = network_of(recipe), told_of(recipe)
    rows = network.condition.output(network.condition.fields["speaker"].weight).detach().numpy()
    for sound, value in enumerate(condition.fields[:, 0]):
        got = added(network, as_told(condition.window([sound], [3], STEPS), 1))
        np.testing.assert_allclose(got, rows[value].reshape(6, 1, -1).repeat(STEPS, axis=1), atol=1e-6)


# --- law 10: an impulse ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upsample", ["repeat", "linear"])
@pytest.mark.parametrize("hop", [1, 2, 7, 8, 33])
@pytest.mark.parametrize("first", [0, -5, 3])
def test_an_impulse_in_a_frame_changes_the_samples_that_it_should(upsample: str, hop: int, first: int) -> None:
    recipe = recipe_of({"tracks": {"array": 1}, "hop_samples": hop, "upsample": upsample})
    network, shape = network_of(recipe), recipe.shape.condition
    assert shape is not None
    for frame, frames in ((3, 8), (0, 8), (7, 8), (0, 1)):
        quiet, impulse = np.zeros((2, frames, 1), np.float32)
        impulse[frame] = 1
        condition = Condition(shape, np.zeros((2, 0), np.int64), Arrays([quiet, impulse]))
        steps = frames * hop + 9
        one, other = (added(network, double(network, condition, sound, first, steps), steps) for sound in range(2))
        change, at = np.abs(other - one).sum(axis=(0, 2)), first + np.arange(steps)
        peaks = np.eye(frames)[frame]
        share = np.interp(at + 0.5, np.arange(frames) * hop + hop / 2, peaks)
        if upsample == "repeat":
            share = peaks[np.clip(at // hop, 0, frames - 1)]
        share[(at < 0) | (at >= frames * hop)] = 0
        np.testing.assert_allclose(change * share.max(), change.max() * share, atol=1e-9)
        assert change.any() == share.any()
        network.float()


# --- law 1 -----------------------------------------------------------------------------------------------------------


@forms
def test_no_output_depends_on_later_input(form: str) -> None:
    recipe = recipe_of(form)
    network, condition = network_of(recipe), told_of(recipe)
    told = double(network, condition, 0, 5, 19)
    x = torch.randn(1, 19, 6, dtype=torch.float64, requires_grad=True)
    answer = network.answer(x, network.gates(told, 19))
    for t in range(5):
        (slope,) = torch.autograd.grad(answer[0, t].square().sum(), x, retain_graph=True)
        assert slope[0, t + 15 :].abs().sum() == 0 < slope[0, t + 14].abs().sum()


def seen(encoder: Encoder) -> set[int]:
    """Return the frames, counted from its own, that the encoder makes a frame of."""
    offsets = {0}
    for kernel, dilation in encoder.layers:
        taps = {(j - kernel // 2) * dilation for j in range(kernel)}
        offsets |= taps if encoder.pyramid else {a + b for a in offsets for b in taps}
    return offsets


@tracked
def test_an_output_depends_on_the_frames_of_what_it_sees_and_on_those_that_the_encoder_reaches(form: str) -> None:
    recipe = recipe_of(form)
    network, condition = network_of(recipe), told_of(recipe, [15])
    first, shape = 6 * HOP - 17, condition.shape
    told = double(network, condition, 0, first, 25)
    tracks, mean = (value.clone().requires_grad_() for value in (told.tracks, told.mean))
    x = torch.randn(1, 25, 6, dtype=torch.float64)
    answer = network.answer(x, network.gates(told._replace(tracks=tracks, mean=mean), 25))[0]
    begin = first // HOP - shape.reach - int(shape.linear)  # the first frame of the window
    for t in (0, 3, 10):
        places = (first + t + np.arange(15) + 0.5) / HOP - 0.5
        frames = {int(k) for at in places for k in ((np.floor(at), np.ceil(at)) if shape.linear else (np.rint(at),))}
        expected = {k + offset for k in frames for offset in seen(shape.told.encoder)}
        slope, pooled = torch.autograd.grad(
            answer[t].square().sum(), (tracks, mean), retain_graph=True, allow_unused=True
        )
        got = {begin + k for k in np.flatnonzero(slope[0].abs().sum(dim=1)).tolist()}
        assert got <= expected and (min(got), max(got)) == (min(expected), max(expected))
        assert (pooled is not None and bool(pooled.any())) == shape.told.encoder.pooled


# --- as tensors ------------------------------------------------------------------------------------------------------


def test_steps_at_different_places_of_a_frame_are_refused() -> None:
    condition = told_of(recipe_of("none-repeat"))
    assert as_told(condition.window([0, 1], [3, 3 - HOP], 5), HOP).offset == 3
    with pytest.raises(ValueError, match=rf"got steps \[3, 4\], expected steps equal modulo {HOP}"):
        as_told(condition.window([0, 1], [3, 4], 5), HOP)


def test_a_field_may_be_called_as_what_a_module_has() -> None:
    network = networks.build(recipe_of({"fields": {"type": 2, "keys": 3}}))
    assert {"condition.fields.type.weight", "condition.fields.keys.weight"} <= network.arrays().keys()


def test_the_encoder_drops_at_random_where_it_is_told_to() -> None:
    recipe = recipe_of(ACOUSTIC | {"acoustic": {**ACOUSTIC["acoustic"], "dropout": 0.5}})
    network, condition = networks.build(recipe), told_of(recipe)
    assert network.drops and not networks.build(recipe_of("acoustic")).drops
    told = as_told(condition.window([0], [0], 40), HOP)
    rows = torch.ones(1, dtype=torch.bool)
    for mode, same in ((True, False), (False, True)):
        network.train(mode)
        one, other = (network.hear(told, rows)[0].tracks for _ in range(2))
        assert torch.equal(one, other) is same


def test_what_is_held_of_a_window_is_as_long_as_its_frames_and_not_as_its_samples() -> None:
    recipe = recipe_of("plain-linear")
    network, condition = network_of(recipe), told_of(recipe)
    gates = network.gates(as_told(condition.window([0], [0], 40), HOP), 40)
    assert isinstance(gates, Gates) and gates.rows.shape == (1, 7, 3, 6, 10)  # 6 or 7 frames hold 40 samples
