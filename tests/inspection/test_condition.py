"""Held: the frames that a sample depends on, measured by gradient, are those that are computed; costs are real ones."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry
from wavenet.features import framing
from wavenet.features.mel import hann
from wavenet.geometry import Encoder
from wavenet.inspection import condition, report
from wavenet.inspection.condition import ConditionReport
from wavenet.inspection.report import Report
from wavenet.inspection.text import describe
from wavenet.model import network as networks
from wavenet.model.condition import Told
from wavenet.model.network import WaveNet
from wavenet.outputs import Arrays, Condition
from wavenet.recipe import read
from wavenet.recipe.records import MelConfig, Recipe

ENCODERS: dict[str, Any] = {
    "none": [],
    "plain": [{"kernel": 3, "dilation": 1}, {"kernel": 5, "dilation": 2}],
    "holes": [{"kernel": 3, "dilation": 3}],
    "pyramid": {"pyramid": [1, 4], "pooled": False},
    "pooled": {"pyramid": [2], "pooled": True},
}
MEL = {"bands": 5, "fft_samples": 64, "window_samples": 50, "low_hz": 0.0, "high_hz": 2_000.0, "power": 1} | {
    **{"scale": "htk", "norm": "none", "floor": 1e-5}
}
TALKS = {"fields": {"speaker": 3}, "tracks": {"clock": {"knots": 2}, "mel": MEL}, "hop_samples": 20} | {
    "acoustic": {"channels": 6, "encoder": [{"kernel": 3, "dilation": 2}]}
}
SPEAKS = {**TALKS, "tracks": {**TALKS["tracks"], "phones": {"kinds": 4, "neighbours": 1}}} | {
    "durations": {"channels": 3, "encoder": {"pyramid": [1, 2], "pooled": True}}
}


def recipe_of(model: dict[str, Any] | None = None, **condition: Any) -> Recipe:
    return toys.recipe(model=model or {}, condition={"channels": 24, **condition})


def said_of(recipe: Recipe) -> tuple[Report, ConditionReport]:
    said = report.of_recipe(recipe)
    assert said.condition is not None
    return said, said.condition


def facts(said: Report) -> dict[str, str]:
    """Return what stands behind each label in the head, wrapped lines put together."""
    found: dict[str, str] = {}
    label = ""
    for line in describe(said).split("\n\n", maxsplit=1)[0].splitlines()[1:]:
        label = line[:18].strip() or label
        found[label] = f"{found[label]} {line[18:]}" if label in found else line[18:]
    return found


# --- the frame context -----------------------------------------------------------------------------------------------


def double(recipe: Recipe) -> WaveNet:
    torch.manual_seed(2)
    return networks.build(recipe).double().eval()


def reached(network: WaveNet, step: int, steps: int) -> tuple[set[int], bool]:
    """Return which frames, from that of a step on, its answer depends on; and whether on the mean of all."""
    shape = network.shape.condition
    assert shape is not None
    frames, rng = 2 * (step // shape.hop) + 1, np.random.default_rng(step)
    tracks = Arrays([rng.normal(size=(frames, 3)).astype(np.float32) for _ in range(3)])
    window = Condition(shape, np.zeros((3, 0), np.int64), tracks).window([0, 1, 2], [step - steps + 1] * 3, steps)
    values, mean = (torch.from_numpy(one).double().requires_grad_() for one in (window.tracks, window.mean))
    first, fields, known = (torch.from_numpy(one) for one in (window.first, window.fields, window.frames))
    what = Told(first, fields, values, known, mean, int(window.first[0] % shape.hop))
    network(torch.from_numpy(rng.integers(0, 16, (3, steps))), what)[:, -1].square().sum().backward()
    assert values.grad is not None
    begin = int(window.first[0]) // shape.hop + geometry.frames_between(0, 1, shape.hop, shape.linear)[0] - shape.reach
    seen = np.flatnonzero(values.grad.abs().sum(dim=(0, 2)).numpy()) + begin - step // shape.hop
    return set(seen.tolist()), mean.grad is not None and bool(mean.grad.abs().sum() > 0)


STACKS = {"one sample": ([1], 1), "a hole": ([9], 2), "several": ([[1, 2, 4], [3]], 2), "wide first": ([[5, 1]], 3)}


@pytest.mark.parametrize("upsample", ["repeat", "linear"])
@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("hop", [1, pytest.param(4, marks=pytest.mark.slow), 7])
def test_the_frame_context_is_that_measured_by_gradient(hop: int, encoder: str, upsample: str) -> None:
    for dilations, kernel in STACKS.values():
        model = {"dilations": dilations, "kernel_size": kernel, "skip_channels": 32, "head_channels": 32}
        tells = {"tracks": {"array": 3}, "hop_samples": hop, "encoder": ENCODERS[encoder], "upsample": upsample}
        recipe = recipe_of(model, **tells)
        context, network = said_of(recipe)[1].context, double(recipe)
        assert context is not None
        middle = hop * (40 // hop + 12)  # far from both ends of the sound
        seen = [reached(network, middle + place, network.receptive_field) for place in range(hop)]
        assert max(max(frames) for frames, _ in seen) == context.ahead
        assert -min(min(frames) for frames, _ in seen) == context.back_through
        assert {pooled for _, pooled in seen} == {not context.streams}
        if dilations == [1]:
            assert context.back == context.back_through and context.back_ms == context.back_through_ms


@pytest.mark.parametrize("upsample", ["repeat", "linear"])
@pytest.mark.parametrize("hop", [1, 2, 5, 8])
def test_distances_are_those_between_the_middles_of_samples_and_frames(hop: int, upsample: str) -> None:
    encoder = Encoder(((3, 2),))
    recipe = recipe_of(tracks={"array": 3}, hop_samples=hop, encoder=encoder.tree(), upsample=upsample)
    context, past = said_of(recipe)[1].context, recipe.shape.receptive_field - 2
    assert context is not None

    def seen(step: int) -> Iterator[int]:
        """Yield the frames that decide on one step, by the shares of `mixing` and the taps of the encoder."""
        shares = geometry.mixing(hop, upsample == "linear")[step % hop]
        for beside, tap in itertools.product((-1, 0, 1), (-2, 0, 2)):
            if shares[beside + 1]:
                yield step // hop + beside + tap

    def samples(frame: int, step: int) -> float:
        return frame * hop + hop / 2 - step - 0.5

    ms = 1000 / toys.RATE
    assert context.back_ms == pytest.approx(max(-samples(min(seen(step)), step) for step in range(hop)) * ms)
    assert context.ahead_ms == pytest.approx(max(samples(max(seen(step)), step) for step in range(hop)) * ms)
    through = max(-samples(min(seen(step - past)), step) for step in range(hop))
    assert context.back_through_ms == pytest.approx(through * ms)
    assert context.ahead == max(max(seen(step)) for step in range(hop))


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(16, 70), st.integers(0, 60), st.sampled_from(["repeat", "linear"]))
def test_the_future_ends_with_the_last_sample_that_any_needed_frame_hears(
    hop: int, window: int, more: int, upsample: str
) -> None:
    mel = {**MEL, "bands": 4, "fft_samples": window + more, "window_samples": window}
    encoder = [{"kernel": 3, "dilation": 1}]
    context = said_of(recipe_of(tracks={"mel": mel}, hop_samples=hop, encoder=encoder, upsample=upsample))[1].context
    assert context is not None
    behind = []
    for step in range(20 * hop, 21 * hop):
        last = step // hop + 1 + (geometry.mixing(hop, upsample == "linear")[step % hop][2] > 0)
        ramp = framing.of_array(np.arange(60 * hop + 200, dtype=np.float32))  # each sample says where it lies
        heard = framing.windows(ramp, hop, window + more, last, last + 1)[0][hann(window, window + more) > 0]
        behind.append(int(heard.max()) - step)
    assert context.future_samples == max(0, *behind)
    assert context.future_ms == pytest.approx(max(0, *behind) * 1000 / toys.RATE)
    assert condition.mel_end(MelConfig(**mel), hop) == int(heard.max()) - last * hop


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_is_reported_as_it_is_measured(name: str) -> None:
    recipe = recipe_of(tracks={"array": 3}, hop_samples=4, encoder=ENCODERS[name])
    encoder, network = said_of(recipe)[1].encoder, double(recipe).condition
    assert encoder is not None and encoder.reach == network.shape.encoder.reach
    tracks = torch.randn(4, 2 * encoder.reach + 1, 4, dtype=torch.float64, requires_grad=True)
    mean = torch.randn(4, 4, dtype=torch.float64)
    network.encode(tracks, torch.zeros(4, 0, dtype=torch.int64), mean).square().sum().backward()
    assert tracks.grad is not None
    reached = np.flatnonzero(tracks.grad.abs().sum(dim=(0, 2)).numpy()) - encoder.reach
    missed = [at for first, last, step in encoder.holes for at in range(first, last + 1, step)]
    assert sorted([*missed, *reached.tolist()]) == list(range(-encoder.reach, encoder.reach + 1))
    assert encoder.coverage == pytest.approx(len(reached) / (2 * encoder.reach + 1))
    assert encoder.whole_input == (name == "pooled")
    assert encoder.convolutions == ENCODERS[name]


def test_an_acoustic_network_sees_the_frames_that_it_is_said_to() -> None:
    recipe = recipe_of(**TALKS)
    acoustic, network = said_of(recipe)[1].acoustic, double(recipe).acoustic
    assert acoustic is not None and acoustic.predicts == {"mel": 5}
    tracks = torch.randn(4, 9, 9, dtype=torch.float64, requires_grad=True)
    fields, mean = torch.zeros(4, 1, dtype=torch.int64), torch.zeros(4, 9, dtype=torch.float64)
    network.predict(tracks, fields, mean)[:, 4 - acoustic.encoder.reach].square().sum().backward()
    assert tracks.grad is not None
    assert np.flatnonzero(tracks.grad.abs().sum(dim=(0, 2)).numpy()).tolist() == [2, 4, 6]
    assert acoustic.encoder.reach == 2 and acoustic.reach_ms == 2 * 20 * 1000 / toys.RATE


# --- costs -----------------------------------------------------------------------------------------------------------


COSTLY: list[dict[str, Any]] = [
    {"fields": {"speaker": 3}},
    *({"tracks": {"array": 3}, "hop_samples": 7, "encoder": encoder} for encoder in ENCODERS.values()),
    *({**TALKS, "encoder": ENCODERS[name]} for name in ("none", "pyramid")),
    SPEAKS,
]


@pytest.mark.parametrize("tells", COSTLY)
def test_costs_are_those_of_the_real_modules_and_add_up(tells: dict[str, Any]) -> None:
    recipe = recipe_of(**tells)
    (said, own), network = said_of(recipe), networks.build(recipe)
    for name in ("condition", "acoustic", "durations"):
        room = getattr(network, name, torch.nn.Module())
        assert getattr(own.parameters, name) == sum(value.numel() for value in room.parameters())
    told = own.parameters
    assert said.parameters == told.samples + told.condition + told.acoustic + told.durations
    costs = own.macs_per_sample
    assert costs.durations == 0
    assert said.macs_per_sample == costs.samples + costs.condition + costs.acoustic
    plain = report.of_recipe(toys.recipe())
    assert costs.samples == plain.macs_per_sample and own.parameters.samples == plain.parameters
    products = [
        (name, module.weight.numel())
        for room in (network.condition, getattr(network, "acoustic", torch.nn.Module()))
        for name, module in room.named_modules()
        if isinstance(module, torch.nn.Linear)
    ]
    if not own.tracks:
        assert own.macs_per_frame is None and own.macs_per_sound == sum(macs for _, macs in products)
    else:
        assert own.macs_per_frame == sum(macs for name, macs in products if name != "pooled")
        assert own.macs_per_sound == sum(macs for name, macs in products if name == "pooled")
    assert plain.condition is None
    linear = [part for part in getattr(network, "durations", torch.nn.Module()).modules() if hasattr(part, "bias")]
    costs_of_phones = sum(part.weight.numel() for part in linear)
    assert (0 if own.durations is None else own.durations.macs_per_phone) == costs_of_phones


# --- words -----------------------------------------------------------------------------------------------------------


def test_the_text_says_what_a_vocoder_is_told() -> None:
    words = facts(said_of(recipe_of(**TALKS, encoder=ENCODERS["plain"]))[0])
    assert words["told"] == "speaker (3 values), clock (8 a frame), mel (5 a frame)"
    assert words["frames"].startswith("every 20 samples, 5.0 ms at 4,000 Hz, interpolated")
    assert words["encoder"].startswith("kernels 3 5, dilations 1 2; sees 11 frames, 5 back and as many ahead")
    assert words["frame context"].startswith("6 frames back and 6 ahead, 29.9 ms either way of a sample")
    assert words["future"].startswith("sound up to 144 samples, 36.0 ms at 4,000 Hz, ahead of a sample")
    assert words["clock"] == "has to know beforehand how long the sound lasts"
    assert words["acoustic"].startswith(
        "predicts mel (5 a frame) from speaker, clock; 6 channels; kernel 3, dilation 2"
    )
    assert "of the acoustic network" in words["parameters"] and "shared by its 20 samples" in words["multiply-adds"]


def test_the_text_says_what_a_voice_is_told_that_speaks_text() -> None:
    words = facts(said_of(recipe_of(**SPEAKS))[0])
    assert words["told"] == "speaker (3 values), clock (8 a frame), phones (30 a frame), mel (5 a frame)"
    assert words["acoustic"].startswith("predicts mel (5 a frame) from speaker, clock, phones; 6 channels")
    assert words["durations"].startswith(
        "predicts how long phones are from speaker and phones; 3 channels; a pyramid of dilations 1 2; sees 5 phones, "
        "2 back and as many ahead; and the whole sentence in a pooled branch; "
    )
    assert words["durations"].endswith("219 multiply-adds a phone")
    assert words["lengths"] == "of all phones have to be known beforehand"
    assert ", 251 of that of durations" in words["parameters"]


def test_the_text_says_what_an_instrument_is_told() -> None:
    sine = {"sine": {"harmonics": 2, "field": "pitch"}}
    said, own = said_of(recipe_of(fields={"pitch": 3}, tracks=sine, hop_samples=1))
    words = facts(said)
    assert words["told"] == "pitch (3 values), sine (4 a frame)"
    assert words["sine"] == "2 multiples of the pitch of a note, unknown where none is asked for"
    assert own.context is not None and own.context.streams and "future" not in words and "clock" not in words


def test_what_needs_the_whole_sound_cannot_be_streamed() -> None:
    for track, width in (("mel", MEL), ("array", 2)):
        said, own = said_of(recipe_of(tracks={track: width}, hop_samples=20, encoder=ENCODERS["pooled"]))
        assert own.context is not None and not own.context.streams and own.context.future_samples is None
        words = facts(said)
        assert words["future"] == "cannot be streamed: the pooled branch sees the whole sound"
        assert "missed either way 1; and the whole sound in a pooled branch" in words["encoder"]
    pitch = {"low_hz": 80.0, "high_hz": 500.0}
    said, own = said_of(recipe_of(tracks={"mel": MEL, "f0": pitch}, hop_samples=20))
    assert own.context is not None and not own.context.streams
    assert facts(said)["future"] == "cannot be streamed: f0 is found by looking at the whole sound"


def test_a_pooled_branch_that_sees_nothing_but_what_is_known_beforehand_can_be_streamed() -> None:
    phones = {"phones": {"kinds": 4, "neighbours": 1}}
    for tracks in ({"clock": {"knots": 2}}, phones, {"clock": {"knots": 2}, **phones}):
        said, own = said_of(recipe_of(tracks=tracks, hop_samples=20, encoder=ENCODERS["pooled"]))
        assert own.context is not None and own.context.streams
        assert "future" not in facts(said)


def test_fields_alone_have_no_frames() -> None:
    said, own = said_of(recipe_of(fields={"speaker": 3, "label": 2}))
    assert own.context is None and own.encoder is None and own.hop_samples is None and own.upsample is None
    words = facts(said)
    assert words["told"] == "speaker (3 values), label (2 values)"
    assert not {"frames", "encoder", "frame context", "future", "clock"} & words.keys()
    assert words["multiply-adds"].endswith(f"; {own.macs_per_sound:,} more for what is told, once a sound")
    assert said.macs_per_sample == report.of_recipe(toys.recipe()).macs_per_sample and own.macs_per_sound > 0


def test_a_look_at_what_a_network_is_told_loads_neither_torch_nor_numpy(tmp_path: Path) -> None:
    (tmp_path / "told.yaml").write_text(read.dump(recipe_of(**TALKS)), encoding="utf-8")
    code = (
        "import sys; from wavenet.inspection.text import inspect; print(inspect(sys.argv[1]).condition.tracks); "
        "print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "told.yaml")], capture_output=True, check=True)
    tracks, modules = ran.stdout.decode().splitlines()
    assert tracks == "{'clock': 8, 'mel': 5}"
    assert not {"torch", "numpy"} & set(modules.split())


LAYER = st.fixed_dictionaries({"kernel": st.sampled_from([1, 3, 255]), "dilation": st.integers(1, 10_000)})
PYRAMID = st.fixed_dictionaries(
    {"pyramid": st.lists(st.integers(1, 10_000), min_size=1, max_size=12), "pooled": st.booleans()}
)


@settings(max_examples=25)
@given(st.lists(LAYER, max_size=3) | PYRAMID, st.integers(1, 65_536), st.sampled_from(["repeat", "linear"]))
def test_any_encoder_fits_a_hundred_columns(encoder: Any, hop: int, upsample: str) -> None:
    tells = {"fields": {"speaker": 3}, "tracks": {"mel": MEL, "clock": {"knots": 2}}, "hop_samples": hop}
    recipe = recipe_of(**tells, encoder=encoder, upsample=upsample)
    assert max(map(len, describe(report.of_recipe(recipe)).splitlines())) <= 100
