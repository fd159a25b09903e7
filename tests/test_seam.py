"""The seam: a second alphabet, a second engine and a condition are added in a few lines each, and the laws hold.

The alphabet has 65,536 codes, three parameters and two uniforms a draw; the engine keeps the newest codes, and what is
added at each of them, and computes everything anew in float64; the condition is a field and a track.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import condition_toys
import numpy as np
import pytest
import torch
import toys

from wavenet.audio.crops import Crops, pieces
from wavenet.errors import InputError
from wavenet.evaluation import likelihood
from wavenet.evaluation.bits import score
from wavenet.generate.condition import gates
from wavenet.generate.engines import ENGINES, Engine, Kind, Request, build_engine
from wavenet.generate.packed import pack
from wavenet.generate.sampler import Sampler, uniforms
from wavenet.generate.state import Job, check_arrays
from wavenet.generate.verify import BOUND, Verifier
from wavenet.model.network import WaveNet, as_tensors
from wavenet.outputs import IGNORED, Alphabet, Categorical, Draw, Feed, Window
from wavenet.training.data import SoundData, Steps

# --- a second alphabet -----------------------------------------------------------------------------------------------


class Logistic(Alphabet):
    """16-bit PCM: a logistic distribution cut into codes over a uniform floor; P: mean, log of scale, log-odds."""

    size, parameters, uniforms, pcm_bits = 65_536, 3, 2, 16

    def quantise(self, values: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(np.nan_to_num(values) * 32_768.0), -32_768, 32_767).astype(np.int64) + 32_768

    def values(self, codes: np.ndarray) -> np.ndarray:
        return ((codes - 32_768) / 32_768).astype(np.float32)

    def inputs(self, codes: np.ndarray) -> np.ndarray:
        return np.where(codes == self.size, np.float32(0), self.values(codes))

    def shares(self, xp: Any, parameters: Any, codes: Any) -> Any:
        """Return p of codes [..., n]; NumPy's arrays and torch's go the same way."""
        mean, scale, odds = (parameters[..., i, None] for i in range(3))
        scale, floor = xp.exp(xp.clip(scale, -6, 1)), 0.5 + 0.5 * xp.tanh(odds / 2)
        low = xp.where(codes == 0, -1e9, (codes - 32_768.5) / 32_768)
        high = xp.where(codes == self.size - 1, 1e9, (codes - 32_767.5) / 32_768)
        inside = 0.5 * xp.tanh((high - mean) / scale / 2) - 0.5 * xp.tanh((low - mean) / scale / 2)
        return (1 - floor) * inside + floor / self.size

    def nll(self, parameters: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        shares = self.shares(torch, parameters.double(), targets.clamp(min=0)[..., None])[..., 0]
        return torch.where(targets == IGNORED, 0.0, -torch.log(shares)).float()

    def log_probabilities(self, parameters: np.ndarray, codes: np.ndarray | None = None) -> np.ndarray:
        every = np.arange(self.size) if codes is None else codes
        return np.log(self.shares(np, parameters.astype(np.float64), every)).astype(parameters.dtype)

    def draw(self, parameters: np.ndarray, uniforms: np.ndarray, how: Draw) -> np.ndarray:
        mean, scale, odds = np.moveaxis(parameters.astype(np.float64), -1, 0)
        u, v = np.moveaxis(uniforms, -1, 0)
        inside = self.quantise(mean + how.temperature * np.exp(np.clip(scale, -6, 1)) * np.log((v + 1e-12) / (1 - v)))
        return np.where(u < 0.5 + 0.5 * np.tanh(odds / 2), (v * self.size).astype(np.int64), inside)

    def baseline(self, counts: np.ndarray) -> np.ndarray:
        values, total = self.values(np.arange(self.size)).astype(np.float64), max(1, counts.sum())
        mean = (counts * values).sum() / total
        spread = math.sqrt((counts * (values - mean) ** 2).sum() / total + 1e-6)
        return np.array([mean, math.log(spread * math.sqrt(3) / math.pi), -5.0])


# --- a second engine -------------------------------------------------------------------------------------------------


class Newest:
    """The newest codes of each sequence and what is added at each, as many as the network sees: state of `Matrix`."""

    def __init__(self, codes: np.ndarray, added: np.ndarray) -> None:
        self.codes, self.added, self.clocks = codes, added, np.zeros(len(codes), np.int64)

    def export(self) -> dict[str, np.ndarray]:
        return {"codes": self.codes.copy(), "added": self.added.copy(), "clocks": self.clocks.copy()}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        check_arrays(self.export(), arrays)
        self.codes[:], self.added[:], self.clocks[:] = arrays["codes"], arrays["added"], arrays["clocks"]


class Matrix:
    """Computes every answer anew from the whole receptive field, in float64."""

    name, storage, threads = "matrix", "float32", 1

    def __init__(self, request: Request) -> None:
        self.packed, self.alphabet = pack(request.shape, request.arrays), request.alphabet

    def added(self, told: Window | None, batch: int, steps: int) -> np.ndarray:
        """Return what is added to the gates of all layers, [B, T, L, 2G]."""
        found, layers = gates(self.packed, told), len(self.packed.layers)
        added = np.zeros((batch, steps, layers, 2 * self.packed.shape.gate), np.float32)
        for row, layer in np.ndindex(batch, 0 if found is None else layers):
            added[row, :, layer] = found.of(row, layer, layers, slice(0, steps))
        return added

    def start(self, batch: int, told: Window | None = None) -> Newest:
        field = self.packed.shape.receptive_field
        return Newest(self.alphabet.starts(batch, field), self.added(told, batch, 1).repeat(field, axis=1))

    def readings(self, batch: int) -> int:
        return batch

    def step(self, state: Newest, sequence: int, code: int, more: np.ndarray) -> np.ndarray:
        state.codes[sequence] = [*state.codes[sequence, 1:], code]
        state.added[sequence] = [*state.added[sequence, 1:], more]
        state.clocks[sequence] += 1
        x, kept = self.packed.enter(self.alphabet.inputs(state.codes[sequence])).astype(np.float64), []
        for layer, added in zip(self.packed.layers, state.added[sequence].swapaxes(0, 1), strict=True):
            T = len(x) - (layer.kernel - 1) * layer.dilation
            y = layer.dilated(np.hstack([x[k * layer.dilation :][:T] for k in range(layer.kernel)])) + added[-T:]
            z = np.tanh(y[:, : y.shape[1] // 2]) / (1 + np.exp(-y[:, y.shape[1] // 2 :]))
            kept.append(z[-1])
            x = x[-T:] + (0 if layer.residual is None else layer.residual(z))
        hidden = self.packed.hidden(np.maximum(self.packed.skip(np.concatenate(kept)), 0))
        return self.packed.output(np.maximum(hidden, 0)).astype(np.float32)

    def absorb(self, state: Newest, sequence: int, feed: Feed, answers: np.ndarray | None = None) -> None:
        added = self.added(feed.told, 1, len(feed.codes))[0]
        for t, code in enumerate(feed.codes):
            answer = self.step(state, sequence, code, added[t])
            if answers is not None:
                answers[t] = answer

    def nll(self, state: Newest, sequence: int, feed: Feed, targets: np.ndarray) -> np.ndarray:
        answers = np.empty((len(targets), self.alphabet.parameters), np.float32)
        self.absorb(state, sequence, feed, answers)
        return -self.alphabet.log_probabilities(answers, targets[:, None])[:, 0]

    def draw(self, state: Newest, job: Job) -> int:
        added = self.added(job.told, *job.codes.shape)
        for (n, t), more in zip(np.ndindex(*job.codes.shape), added.reshape(-1, *added.shape[2:]), strict=True):
            sequence = job.members[n]
            answer = self.step(state, sequence, job.newest[sequence], more)
            if job.answers is not None:
                job.answers[n, t] = answer
            job.newest[sequence] = job.codes[n, t] = self.alphabet.draw(answer, job.uniforms[n, t], job.how)
        return int(job.codes.shape[1])


# --- everything with everything --------------------------------------------------------------------------------------

TOLD = {"fields": {"speaker": 3}, "tracks": {"array": 2}, "hop_samples": condition_toys.HOP}
RECIPES = {False: toys.recipe(), True: condition_toys.recipe_of(TOLD)}
ALPHABETS: dict[str, Alphabet] = {
    "categorical": Categorical(16),
    "scalar": Categorical(16, embedding=False),
    "logistic": Logistic(),
}
CASES = [
    (alphabet, engine, conditioned)
    for alphabet in ALPHABETS
    for engine in ("reference", "cpu", "matrix")
    for conditioned in (False, True)
    if (alphabet, engine) != ("logistic", "cpu")
]
cases = pytest.mark.parametrize(("alphabet", "engine", "conditioned"), CASES)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "matrix", Kind(lambda request: None, Matrix))


class Toy:
    """A network, its engine, and the condition of some sequences."""

    def __init__(self, alphabet: str, engine: str, conditioned: bool) -> None:
        self.alphabet, shape = ALPHABETS[alphabet], RECIPES[conditioned].shape
        if alphabet != "categorical":
            shape = dataclasses.replace(shape, inputs=1, outputs=self.alphabet.parameters, embedding=False)
        torch.manual_seed(2)
        self.network = WaveNet(shape).eval()
        self.engine: Engine = build_engine(engine, Request(shape, self.network.arrays(), self.alphabet, "float32", 1))
        self.condition = condition_toys.told_of(RECIPES[True], [250] * 8) if conditioned else None
        self.known = np.random.default_rng(4).integers(0, self.alphabet.size, (3, 40))

    def sampler(self, batch: int = 3) -> Sampler:
        return Sampler(self.engine, batch, 5, condition=self.condition and self.condition.of(range(batch)))

    def told(self, sequences: Sequence[int], first: int, steps: int) -> Window | None:
        return self.condition and self.condition.window(sequences, [first] * len(sequences), steps)

    def start(self) -> Any:
        return self.engine.start(3, self.told(range(3), -1, 1))

    def feed(self, sequence: int, codes: np.ndarray, first: int) -> Feed:
        return Feed(codes, self.told([sequence], first, len(codes)))

    def forward(self) -> np.ndarray:
        """Return what the training graph answers to *start* and to all known codes [B, 41, P]."""
        field = self.network.receptive_field
        fed = np.concatenate([self.alphabet.starts(3, field), self.known], axis=1)
        feed = Feed(fed, self.told(range(3), 1 - field, field + 40))
        with torch.no_grad():
            return self.network(*as_tensors(feed, self.alphabet, self.network.shape)).numpy()


def drawn(source: Sampler, samples: int, chunk: int = 1_000) -> np.ndarray:
    return np.concatenate([part.codes for part in source.generate(samples, chunk)], axis=1)


@cases
def test_step_by_step_and_in_one_pass_from_start_is_forward(alphabet: str, engine: str, conditioned: bool) -> None:
    toy = Toy(alphabet, engine, conditioned)
    codes = np.concatenate([toy.alphabet.starts(3, 1), toy.known], axis=1)
    graph, answers = toy.forward(), np.empty((2, 41, toy.alphabet.parameters), np.float32)
    states = [toy.start() for _ in range(2)]
    for sequence in range(3):
        toy.engine.absorb(states[0], sequence, toy.feed(sequence, codes[sequence], 0), answers[0])
        for t in range(41):
            one = toy.feed(sequence, codes[sequence, t : t + 1], t)
            toy.engine.absorb(states[1], sequence, one, answers[1, t : t + 1])
        some = np.array([0, 1, toy.alphabet.size // 2, toy.alphabet.size - 1])
        for got in answers:
            logs, theirs = (toy.alphabet.log_probabilities(p, np.tile(some, (41, 1))) for p in (got, graph[sequence]))
            np.testing.assert_allclose(logs, theirs, atol=1e-4)
    assert [state.clocks.tolist() for state in states] == [[41] * 3] * 2


@cases
def test_what_known_codes_cost_is_what_the_graph_says_and_they_are_taken_in_as_ever(
    alphabet: str, engine: str, conditioned: bool
) -> None:
    toy = Toy(alphabet, engine, conditioned)
    fed, answers = np.concatenate([toy.alphabet.starts(3, 1), toy.known], axis=1), torch.from_numpy(toy.forward())
    graph = toy.alphabet.nll(answers[:, :-1], torch.from_numpy(toy.known)).numpy()
    scored, silent = (toy.start() for _ in range(2))
    for sequence in range(3):
        for some in (slice(0, 1), slice(1, 40)):
            feed = toy.feed(sequence, fed[sequence, some], some.start)
            nats = toy.engine.nll(scored, sequence, feed, toy.known[sequence, some])
            toy.engine.absorb(silent, sequence, feed)
            assert nats.dtype == np.float32
            np.testing.assert_allclose(nats, graph[sequence, some], atol=1e-4)
    another = toy.feed(1, toy.known[0], 9)
    asked = np.empty((40, toy.alphabet.parameters), np.float32)
    toy.engine.absorb(silent, 0, another, asked)
    logs = toy.alphabet.log_probabilities(asked, toy.known[2, :, None])[:, 0]
    np.testing.assert_allclose(toy.engine.nll(scored, 0, another, toy.known[2]), -logs, atol=1e-5)
    exported = silent.export()
    assert all(np.array_equal(exported[name], value) for name, value in scored.export().items())


@cases
def test_chunks_batches_going_back_and_saved_states_change_nothing(
    alphabet: str, engine: str, conditioned: bool, tmp_path: Path
) -> None:
    toy = Toy(alphabet, engine, conditioned)
    whole = drawn(toy.sampler(), 30)
    assert np.array_equal(drawn(toy.sampler(), 30, 7), whole)
    assert np.array_equal(drawn(toy.sampler(1), 30), whole[:1]) and len(np.unique(whole, axis=0)) == 3
    back = toy.sampler()
    for sequence in range(3):
        back.rewind(sequence, whole[sequence, :20], 20)
    back.positions[:] = 20
    assert np.array_equal(drawn(back, 10), whole[:, 20:])
    source = toy.sampler()
    drawn(source, 12)
    source.save(tmp_path / "state")
    other = toy.sampler()
    other.load(tmp_path / "state")
    assert np.array_equal(drawn(other, 18), whole[:, 12:])
    with pytest.raises(InputError, match="the state's"):
        toy.sampler(1).restore(source.state())


@cases
def test_the_sampler_agrees_with_the_training_graph(alphabet: str, engine: str, conditioned: bool) -> None:
    toy = Toy(alphabet, engine, conditioned)
    source, judge = toy.sampler(), Verifier(toy.network, toy.alphabet, 3, toy.known[0], toy.condition)
    source.prime(toy.known[0])
    for part in source.generate(30, 8, keep_parameters=True):
        judge.judge(part)
    assert 0 < judge.difference < BOUND


@cases
def test_a_file_in_pieces_scores_what_it_scores_whole_and_in_a_sampler(
    alphabet: str, engine: str, conditioned: bool, sound_folder: Path
) -> None:
    toy = Toy(alphabet, engine, conditioned)
    data = SoundData(toys.recipe(data={"path": str(sound_folder)}))
    data.prepare()
    spans = [dataclasses.replace(span, last=min(span.last, span.first + 120)) for span in data.spans["valid"]]
    counts, _ = data.sound.code_counts(spans, toy.alphabet)
    clips, hop = toy.condition, condition_toys.HOP if conditioned else 1
    judges = likelihood.of_engine(toy.engine, clips), likelihood.of_network(toy.network, toy.alphabet, clips)
    found, context = [], toy.network.receptive_field
    for longest in (1 << 20, 50):
        crops = Crops(data.sound, pieces(spans, longest, hop), toy.alphabet, context, condition=clips)
        one = score(toy.network, crops.in_order(2), toy.alphabet, counts)
        assert one is not None and one.targets == sum(span.last - span.first for span in spans)
        found.append(one.bits)
        for judge in judges:
            cut = likelihood.teacher_forced(
                judge, data.sound, spans, toy.alphabet, toy.network.receptive_field, 1, longest
            )
            found.append(sum(float(piece.nats.sum()) for piece in cut) / one.targets / np.log(2))
    np.testing.assert_allclose(found, found[0], atol=1e-4)
    toy.network.start_at(toy.alphabet.baseline(counts))
    begun = score(toy.network, crops.in_order(2), toy.alphabet, counts)
    assert begun is not None and begun.bits == pytest.approx(begun.order0, abs=1e-4) and begun.order0 < begun.uniform


def test_training_takes_a_step_under_the_condition_of_each_clip(sound_folder: Path) -> None:
    toy, data = Toy("categorical", "matrix", True), SoundData(toys.recipe(data={"path": str(sound_folder)}))
    data.prepare()
    crops = Crops(data.sound, pieces(data.spans["train"], 200, 7), toy.alphabet, 15, condition=toy.condition)
    (batch,) = Steps(crops, toy.network.shape, seed=0, size=40, first=0, last=1)
    assert {*batch["told"].fields[:, 0].tolist()} <= {*toy.condition.fields[:, 0].tolist()}
    loss = toy.alphabet.nll(toy.network(batch["inputs"], batch["told"]), batch["targets"]).sum()
    loss.backward()
    still = [name for name, weight in toy.network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert still == []


def test_draws_have_the_frequencies_of_their_distribution() -> None:
    alphabet, parameters = Logistic(), np.array([0.2, -2.0, -1.0], np.float32)
    codes = alphabet.draw(np.tile(parameters, (40_000, 1)), uniforms(1, 0, 0, 40_000, 2), Draw())
    p = np.exp(alphabet.log_probabilities(parameters)).reshape(64, -1).sum(axis=1)
    np.testing.assert_allclose(np.bincount(codes // 1_024, minlength=64) / 40_000, p, atol=0.008)
    assert p.sum() == pytest.approx(1.0, abs=1e-4)


def test_auto_says_that_it_passes_over_what_cannot_draw_from_an_alphabet(said: list[str]) -> None:
    net = Toy("logistic", "matrix", False).network
    assert build_engine("auto", Request(net.shape, net.arrays(), Logistic())).name == "reference"
    assert "cpu cannot be used (it draws only" in said[0]
    with pytest.raises(InputError, match="cpu cannot be used"):
        build_engine("cpu", Request(net.shape, net.arrays(), Logistic()))
