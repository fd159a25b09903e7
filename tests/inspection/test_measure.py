"""Held: what is measured on a voice agrees with one gradient and one forward pass at a time, and lies in its field."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import told_toys
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import geometry, outputs
from wavenet.audio import files
from wavenet.audio.splits import Span
from wavenet.errors import InputError, WavenetError
from wavenet.generate.voice import Voice, load
from wavenet.inspection import measure
from wavenet.inspection.measure import Context, Excerpts, Measured, Position
from wavenet.model import bundle
from wavenet.model.bundle import Bundle
from wavenet.model.network import as_tensors
from wavenet.outputs import Arrays, Condition, Feed
from wavenet.recipe import read


def voice_of(**model: object) -> Voice:
    made = toys.recipe(model=model)
    return Voice(made, toys.arrays(made, 2.0))


def heard_of(voice: Voice, length: int = 120, seed: int = 3) -> Excerpts:
    codes = np.random.default_rng(seed).integers(0, voice.recipe.output.classes, length)
    return Excerpts("noise", [Span(0, 0, length)], lambda clip, first, last: codes[first:last])


VOICES = [
    {"dilations": [[1, 2, 4], [1, 2, 4]]},
    {"dilations": [[1, 2, 5]], "input": "scalar"},
    {"dilations": [[2, 4], [6]], "kernel_size": 3},
    {"dilations": [1], "kernel_size": 1},
]


def log_p(voice: Voice, codes: np.ndarray, target: int, keep: int) -> float:
    """Return log p(target) after *start* and the newest `keep` codes, by the training graph over a whole window."""
    alphabet, field = outputs.of(voice.recipe), voice.recipe.shape.receptive_field
    fed = alphabet.starts(1, field)
    newest = codes[max(0, len(codes) - keep) :] if keep else codes[:0]
    if len(newest):
        fed[0, field - len(newest) :] = newest
    with torch.no_grad():
        answer = voice.network()(torch.from_numpy(alphabet.inputs(fed))).numpy()
    return float(alphabet.log_probabilities(answer)[0, 0, target])


@pytest.mark.parametrize("model", VOICES)
def test_the_context_curve_is_that_of_the_training_graph(model: dict[str, object]) -> None:
    voice = voice_of(**model)
    heard, field = heard_of(voice), voice.recipe.shape.receptive_field
    measured = measure.measure_voice(voice, heard, positions=15, gradients=3)
    lengths = [one.samples for one in measured.context]
    assert lengths == [0, *(2**i for i in range(20) if 2**i < field), field]
    places = measure.spread(heard.spans, 15)
    assert measured.positions == len(places) == 15
    assert [one.positions for one in measured.context] == [
        sum(t > fewer for _, t in places) for fewer in (-1, *lengths[:-1])
    ]
    before = None
    for one in measured.context:
        n = one.samples
        nats = [-log_p(voice, heard.read(0, max(0, t - field), t), heard.read(0, t, t + 1)[0], n) for _, t in places]
        bits = np.array(nats) / math.log(2)
        won = np.zeros(15) if before is None else before - bits
        for values, mean, error in ((bits, one.bits, one.error), (won, one.won, one.won_error)):
            assert mean == pytest.approx(values.mean(), abs=2e-5)
            assert error == pytest.approx(values.std(ddof=1) / np.sqrt(15), abs=2e-5)
        before = bits


@pytest.mark.parametrize("model", VOICES)
def test_the_profile_is_the_rms_of_gradients_one_at_a_time(model: dict[str, object]) -> None:
    voice = voice_of(**model)
    alphabet, field = outputs.of(voice.recipe), voice.recipe.shape.receptive_field
    heard, net = heard_of(voice), voice.network().double()
    places = measure.spread(heard.spans, 9)
    past = [Position(clip, t, heard.read(clip, max(0, t - field), t + 1)) for clip, t in places]
    squares = np.zeros(field)
    for codes in (one.codes for one in past):
        fed = alphabet.starts(1, field)
        fed[0, field - len(codes) + 1 :] = codes[:-1]
        given_inputs = torch.from_numpy(alphabet.inputs(fed))
        entered = net.enter(given_inputs if alphabet.embedding else given_inputs.double()).detach().requires_grad_()
        log_probability = torch.log_softmax(net.answer(entered), -1)[0, 0, codes[-1]]
        log_probability.backward()
        assert entered.grad is not None
        squares += entered.grad.square().sum((0, 2)).numpy()[::-1]
    expected = np.sqrt(squares / (len(past) * voice.recipe.shape.residual))
    assert measure.gradient_profile(voice, past) == pytest.approx(expected, rel=1e-4, abs=1e-9)


@settings(max_examples=20)
@given(toys.recipes(), st.integers(0, 100))
def test_the_effective_field_lies_within_the_arithmetic_one(recipe: toys.Recipe, seed: int) -> None:
    voice = Voice(recipe, toys.arrays(recipe, 2.0))
    measured = measure.measure_voice(voice, heard_of(voice, seed=seed), positions=4, gradients=4)
    reached = geometry.see(recipe.shape.layers).lags
    assert len(measured.profile) == recipe.shape.receptive_field
    assert not [lag for lag, value in enumerate(measured.profile) if value and not reached >> lag & 1]


def test_holes_of_a_voice_have_no_gradient_and_the_rest_has() -> None:
    voice = voice_of(dilations=[[1, 2, 5]])
    profile = measure.measure_voice(voice, heard_of(voice), positions=30, gradients=30).profile
    assert [lag for lag, value in enumerate(profile) if not value] == [4]


def test_passes_of_any_size_give_one_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = voice_of()
    heard = heard_of(voice)
    past = [Position(clip, t, heard.read(clip, max(0, t - 15), t + 1)) for clip, t in measure.spread(heard.spans, 10)]
    whole = measure.gradient_profile(voice, past)
    monkeypatch.setattr(measure, "PASS_SAMPLES", 45)
    assert measure.gradient_profile(voice, past) == pytest.approx(whole, rel=1e-5)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 40)), min_size=1, max_size=5), st.integers(1, 60))
def test_positions_are_spread_evenly_and_always_the_same(lengths: list[tuple[int, int]], most: int) -> None:
    spans = [Span(clip, first, first + count) for clip, (first, count) in enumerate(lengths)]
    every = [(span.clip, t) for span in spans for t in range(span.first, span.last)]
    if not every:
        spans, every = [Span(0, 3, 4)], [(0, 3)]
    chosen = measure.spread(spans, most)
    assert chosen == measure.spread(spans, most)
    assert len(chosen) == len(set(chosen)) == min(most, len(every))
    places = [every.index(one) for one in chosen]
    gaps = np.diff([-1, *places, len(every)])
    assert places == sorted(places)
    assert len(places) < 2 or max(gaps[1:-1]) - min(gaps[1:-1]) <= 1
    assert len(chosen) < len(every) or chosen == every


def test_shares_of_the_gradient_are_held_by_the_newest_samples() -> None:
    profile = np.array([3.0, 0.0, 1.0, 0.0, 0.1])
    assert [measure.holding(profile, share) for share in (0.5, 0.9, 0.95, 0.9995, 1.0)] == [1, 3, 3, 5, 5]


def test_how_much_context_is_enough_is_told_in_bits() -> None:
    bits = {0: 8.0, 1: 6.0, 2: 4.5, 4: 4.01, 7: 4.0}
    context = tuple(Context(n, value, 0.1, 0.1, 0.1, 5) for n, value in bits.items())
    measured = Measured("x", 1000, 1, (1.0,), {50: 1}, 1, context)
    assert [measured.enough(bits) for bits in (5.0, 4.0, 1.0, 0.1, 0.005)] == [0, 1, 2, 4, 7]


def test_a_short_sound_makes_no_rows_that_nothing_was_measured_for() -> None:
    voice = voice_of()
    measured = measure.measure_voice(voice, heard_of(voice, length=6), positions=100, gradients=2)
    assert [(one.samples, one.positions) for one in measured.context] == [(0, 6), (1, 5), (2, 4), (4, 3), (8, 1)]


# --- of a network that is told something ------------------------------------------------------------------------------

HOP = 7
TOLD = {
    "fields": {"fields": {"speaker": 3}},
    "linear": {"fields": {"speaker": 2}, "tracks": {"array": 2}, "hop_samples": HOP},
    "pooled": {"tracks": {"array": 2}, "hop_samples": HOP, "upsample": "repeat"}
    | {"encoder": {"pyramid": [1, 2], "pooled": True}},
}


def told_voice(name: str) -> tuple[Voice, Excerpts]:
    """Return a voice that is told something, and two clips of noise with what they are told."""
    made = toys.recipe(condition={"channels": 5, **TOLD[name]})
    shape, rng = made.shape.condition, np.random.default_rng(4)
    assert shape is not None
    codes = rng.integers(0, 16, (2, 60))
    fields = np.array([[row] * len(shape.told.fields) for row in range(2)], np.int64)
    tracks = Arrays([rng.normal(size=(9, 2)).astype(np.float32) for _ in range(2)]) if shape.told.tracks else None
    spans = [Span(0, 0, 60), Span(1, 5, 60)]
    heard = Excerpts(
        "noise", spans, lambda clip, first, last: codes[clip, first:last], Condition(shape, fields, tracks)
    )
    return Voice(made, toys.arrays(made, 2.0)), heard


class Joined:
    """What is added to the gates: in the newest steps of a sound as it is told there, before as before any sound."""

    def __init__(self, net: object, heard: Excerpts, voice: Voice, clip: int, t: int, newest: int) -> None:
        field, self.newest = voice.recipe.shape.receptive_field, newest
        assert heard.condition is not None
        self.parts = []
        for first in (t - field + 1, -100 * HOP):
            told = heard.condition.window([clip], [first], field)
            feed = Feed(np.zeros((1, field), np.int64), told)
            self.parts.append(net.gates(as_tensors(feed, voice.alphabet, voice.recipe.shape)[1], field))  # type: ignore[attr-defined]

    def of(self, layer: int, count: int) -> torch.Tensor:
        own, before = (part.of(layer, count).expand(-1, count, -1) for part in self.parts)
        kept = min(self.newest, count)
        return torch.cat([before[:, : count - kept], own[:, count - kept :]], dim=1)


@pytest.mark.parametrize("name", TOLD)
def test_a_told_network_is_measured_with_what_belongs_to_the_sound(name: str) -> None:
    voice, heard = told_voice(name)
    field, alphabet, net = voice.recipe.shape.receptive_field, voice.alphabet, voice.network()
    measured = measure.measure_voice(voice, heard, positions=12, gradients=12)
    places = measure.spread(heard.spans, 12)
    squares = np.zeros(field)
    for one in measured.context:
        bits = []
        for clip, t in places:
            fed = alphabet.starts(1, field)
            newest = heard.read(clip, max(0, t - min(field, one.samples)), t)
            fed[0, field - len(newest) :] = newest
            entered = net.enter(torch.from_numpy(alphabet.inputs(fed))).detach().requires_grad_()
            joined = Joined(net, heard, voice, clip, t, max(1, len(newest)))
            target = int(heard.read(clip, t, t + 1)[0])
            log_probability = torch.log_softmax(net.answer(entered, joined), -1)[0, 0, target]  # type: ignore[arg-type]
            bits.append(-float(log_probability.detach()) / math.log(2))
            if one.samples == field and t >= field:
                log_probability.backward()
                assert entered.grad is not None
                squares += entered.grad.square().sum((0, 2)).numpy()[::-1]
        assert one.bits == pytest.approx(np.mean(bits), abs=2e-5)
    late = [Position(c, t, heard.read(c, t - field, t + 1), heard.condition) for c, t in places if t >= field]
    expected = np.sqrt(squares / (len(late) * voice.recipe.shape.residual))
    assert measure.gradient_profile(voice, late) == pytest.approx(expected, rel=1e-3)
    assert heard.condition is not None
    silent = Excerpts(heard.name, heard.spans, heard.read, Condition.nothing(heard.condition.shape, 2))
    assert measure.measure_voice(voice, silent, 12, 2).context != measured.context


# --- where the sound comes from --------------------------------------------------------------------------------------


def test_a_run_is_measured_on_its_own_held_out_sound(
    trained_run: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "POSITIONS", 60)
    monkeypatch.setattr(measure, "GRADIENTS", 10)
    voice = load(trained_run)
    heard = measure.excerpts(voice, trained_run, None)
    lengths = [round((0.2 + 0.03 * i) * toys.RATE) for i in range(8)]
    assert sum(span.last - span.first for span in heard.spans) in lengths
    assert heard.name == f"held-out sound of {sound_folder.name}"
    assert heard.read(heard.spans[0].clip, 10, 30).shape == (20,)
    emphasised = measure.excerpts(toys.emphasised(voice), trained_run, None)
    for one in (heard, emphasised):
        whole = one.read(one.spans[0].clip, 0, 30)
        assert np.array_equal(one.read(one.spans[0].clip, 10, 30), whole[10:])
    assert not np.array_equal(whole, heard.read(heard.spans[0].clip, 0, 30))
    measured = measure.measure(trained_run)
    assert measured.context[-1].bits == pytest.approx(measure.measure_voice(voice, heard, 60, 10).context[-1].bits)
    json.dumps(measured.to_json(), allow_nan=False)


def test_a_file_and_a_folder_can_be_given(trained_run: Path, sound_folder: Path, tmp_path: Path) -> None:
    voice, wave = load(trained_run), toys.wave(0.3, 5)
    files.write(tmp_path / "piece.wav", wave, toys.RATE)
    heard = measure.excerpts(voice, trained_run, tmp_path / "piece.wav")
    assert heard.spans == [Span(0, 0, len(wave))] and heard.name == "piece.wav"
    assert np.array_equal(
        heard.read(0, 0, len(wave)), voice.encode(files.read(tmp_path / "piece.wav", voice.sample_rate))
    )
    assert measure.excerpts(voice, trained_run, sound_folder).spans == measure.excerpts(voice, trained_run, None).spans


def test_a_told_network_is_told_what_belongs_to_its_own_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = told_toys.write_sounds(tmp_path / "sounds")
    plain = toys.tree(data={"path": str(sounds)})
    made = read.from_tree({**plain, "condition": told_toys.CONDITION}, "told")
    known = {"speaker": ["bob"], "label": ["high", "low"]}
    about = {"told": {"fields": known, "durations": [[0, 0, 400]]}}
    bundle.save(tmp_path / "voice", Bundle(made, toys.arrays(made), about))
    voice = load(tmp_path / "voice")
    heard = measure.excerpts(voice, tmp_path / "voice", sounds, tmp_path / "cache")
    assert heard.condition is not None and heard.condition.tracks is not None
    fields = heard.condition.fields.tolist()
    assert sorted(set(map(tuple, fields))) == [(0, 0), (0, 1), (0, 3), (2, 0), (2, 1), (2, 3)]  # ann, middle: unknown
    assert heard.condition.tracks.read(0, 0, 5).shape == (5, 9 + 6)  # clock and mel
    monkeypatch.setattr(measure, "POSITIONS", 60)
    monkeypatch.setattr(measure, "GRADIENTS", 10)
    measured = measure.measure(tmp_path / "voice", sounds, tmp_path / "cache")
    json.dumps(measured.to_json(), allow_nan=False)
    assert (measured.positions, measured.gradients) == (60, 10)


def test_without_sound_one_line_says_what_to_give(trained_run: Path, tmp_path: Path) -> None:
    voice = load(trained_run)
    with pytest.raises(InputError, match="no sound file or folder"):
        measure.excerpts(voice, trained_run, tmp_path / "nothing.wav")
    with pytest.raises(InputError, match="needs a trained network, got wavenet-2016; give a run"):
        measure.measure("wavenet-2016")
    with pytest.raises(InputError, match="does not say where its sound lies; give a sound file or folder"):
        measure.excerpts(voice, trained_run / "model", None)


def test_weights_that_have_run_away_are_told() -> None:
    voice = voice_of()
    voice.arrays = {name: value * np.float32(1e20) for name, value in voice.arrays.items()}
    with pytest.raises(WavenetError, match="diverged"):
        measure.measure_voice(voice, heard_of(voice), 8, 2)
