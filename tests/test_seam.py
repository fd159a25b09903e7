"""The seam: a second alphabet, a second engine and a condition are added in a few lines each, and the laws hold.

The alphabet has 65,536 codes, three parameters and two uniforms a draw; the engine keeps a window of codes and computes
everything anew in float64; the condition adds constants to the gates of every layer.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toys

from wavenet.audio.crops import Crops, pieces
from wavenet.errors import InputError
from wavenet.evaluation import likelihood
from wavenet.evaluation.bits import score
from wavenet.generate.engines import ENGINES, Engine, Kind, Request, build_engine
from wavenet.generate.packed import pack
from wavenet.generate.sampler import Sampler, uniforms
from wavenet.generate.state import Job, check_arrays
from wavenet.generate.verify import BOUND, Verifier
from wavenet.geometry import Shape
from wavenet.model.network import WaveNet, as_tensors
from wavenet.outputs import IGNORED, Alphabet, Categorical, Condition, Draw, Feed
from wavenet.training.data import SoundData, Steps

# --- a second alphabet -----------------------------------------------------------------------------------------------


class Logistic(Alphabet):
    """16-bit PCM: a logistic distribution cut into codes over a uniform floor; P: mean, log of scale, log-odds."""

    size, parameters, uniforms, pcm_bits = 65_536, 3, 2, 16

    def encode(self, wave: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(np.nan_to_num(wave) * 32_768.0), -32_768, 32_767).astype(np.int64) + 32_768

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return ((codes - 32_768) / 32_768).astype(np.float32)

    def inputs(self, codes: np.ndarray) -> np.ndarray:
        return np.where(codes == self.size, np.float32(0), self.decode(codes))

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
        inside = self.encode(mean + how.temperature * np.exp(np.clip(scale, -6, 1)) * np.log((v + 1e-12) / (1 - v)))
        return np.where(u < 0.5 + 0.5 * np.tanh(odds / 2), (v * self.size).astype(np.int64), inside)

    def baseline(self, counts: np.ndarray) -> np.ndarray:
        values, total = self.decode(np.arange(self.size)).astype(np.float64), max(1, counts.sum())
        mean = (counts * values).sum() / total
        spread = math.sqrt((counts * (values - mean) ** 2).sum() / total + 1e-6)
        return np.array([mean, math.log(spread * math.sqrt(3) / math.pi), -5.0])


# --- a second engine -------------------------------------------------------------------------------------------------


class Window:
    """The newest codes of each sequence, as many as the network sees: the state of `Matrix`."""

    def __init__(self, codes: np.ndarray, gates: np.ndarray) -> None:
        self.codes, self.gates, self.clocks = codes, gates, np.zeros(len(codes), np.int64)

    def export(self) -> dict[str, np.ndarray]:
        return {"codes": self.codes.copy(), "gates": self.gates.copy(), "clocks": self.clocks.copy()}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        check_arrays(self.export(), arrays)
        self.codes[:], self.gates[:], self.clocks[:] = arrays["codes"], arrays["gates"], arrays["clocks"]


class Matrix:
    """Computes every answer anew from the whole receptive field, in float64."""

    name, storage, threads = "matrix", "float32", 1

    def __init__(self, request: Request) -> None:
        self.packed, self.alphabet = pack(request.shape, request.arrays), request.alphabet

    def start(self, batch: int, condition: Condition | None = None) -> Window:
        shape = self.packed.shape
        gates = np.zeros((batch, len(shape.layers), 2 * shape.gate), np.float32)
        return Window(
            self.alphabet.starts(batch, shape.receptive_field), gates if condition is None else condition.gates.copy()
        )

    def readings(self, batch: int) -> int:
        return batch

    def step(self, state: Window, sequence: int, code: int) -> np.ndarray:
        state.codes[sequence] = [*state.codes[sequence, 1:], code]
        state.clocks[sequence] += 1
        x, gates = self.packed.enter(self.alphabet.inputs(state.codes[sequence])).astype(np.float64), []
        for layer, added in zip(self.packed.layers, state.gates[sequence], strict=True):
            T = len(x) - (layer.kernel - 1) * layer.dilation
            y = layer.dilated(np.hstack([x[k * layer.dilation :][:T] for k in range(layer.kernel)])) + added
            z = np.tanh(y[:, : y.shape[1] // 2]) / (1 + np.exp(-y[:, y.shape[1] // 2 :]))
            gates.append(z[-1])
            x = x[-T:] + (0 if layer.residual is None else layer.residual(z))
        hidden = self.packed.hidden(np.maximum(self.packed.skip(np.concatenate(gates)), 0))
        return self.packed.output(np.maximum(hidden, 0)).astype(np.float32)

    def absorb(self, state: Window, sequence: int, feed: Feed, answers: np.ndarray | None = None) -> None:
        if feed.condition is not None:
            state.gates[sequence] = feed.condition.gates
        for t, code in enumerate(feed.codes):
            answer = self.step(state, sequence, code)
            if answers is not None:
                answers[t] = answer

    def nll(self, state: Window, sequence: int, feed: Feed, targets: np.ndarray) -> np.ndarray:
        answers = np.empty((len(targets), self.alphabet.parameters), np.float32)
        self.absorb(state, sequence, feed, answers)
        return -self.alphabet.log_probabilities(answers, targets[:, None])[:, 0]

    def draw(self, state: Window, job: Job) -> int:
        for n, sequence in enumerate(job.members):
            for t in range(job.codes.shape[1]):
                answer = self.step(state, sequence, job.newest[sequence])
                if job.answers is not None:
                    job.answers[n, t] = answer
                job.newest[sequence] = job.codes[n, t] = self.alphabet.draw(answer, job.uniforms[n, t], job.how)
        return int(job.codes.shape[1])


# --- everything with everything --------------------------------------------------------------------------------------

RECIPE = toys.recipe()
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


def network(alphabet: str) -> WaveNet:
    shape = RECIPE.shape
    if alphabet != "categorical":
        shape = dataclasses.replace(shape, inputs=1, outputs=ALPHABETS[alphabet].parameters, embedding=False)
    torch.manual_seed(2)
    return WaveNet(shape).eval()


def condition(shape: Shape, sequences: int) -> Condition:
    drawn = np.random.default_rng(3).normal(0, 1.5, (sequences, len(shape.layers), 2 * shape.gate))
    return Condition(drawn.astype(np.float32))


class Toy:
    """A network, its engine, and the condition of some sequences."""

    def __init__(self, alphabet: str, engine: str, conditioned: bool, sequences: int = 3) -> None:
        self.alphabet, self.network = ALPHABETS[alphabet], network(alphabet)
        shape = self.network.shape
        self.engine: Engine = build_engine(engine, Request(shape, self.network.arrays(), self.alphabet, "float32", 1))
        self.condition = condition(shape, sequences) if conditioned else None
        self.known = np.random.default_rng(4).integers(0, self.alphabet.size, (sequences, 40))

    def sampler(self, batch: int = 3) -> Sampler:
        some = None if self.condition is None else self.condition.of(np.arange(batch))
        return Sampler(self.engine, batch, 5, condition=some)

    def forward(self) -> np.ndarray:
        """Return what the training graph answers to *start* and to all known codes [B, 41, P]."""
        fed = np.concatenate([self.alphabet.starts(3, self.network.receptive_field), self.known], axis=1)
        with torch.no_grad():
            return self.network(*as_tensors(Feed(fed, self.condition), self.alphabet)).numpy()


def drawn(source: Sampler, samples: int, chunk: int = 1_000) -> np.ndarray:
    return np.concatenate([part.codes for part in source.generate(samples, chunk)], axis=1)


@cases
def test_step_by_step_and_in_one_pass_from_start_is_forward(alphabet: str, engine: str, conditioned: bool) -> None:
    toy = Toy(alphabet, engine, conditioned)
    codes = np.concatenate([toy.alphabet.starts(3, 1), toy.known], axis=1)
    graph, answers = toy.forward(), np.empty((2, 41, toy.alphabet.parameters), np.float32)
    states = [toy.engine.start(3, toy.condition) for _ in range(2)]
    for sequence in range(3):
        toy.engine.absorb(states[0], sequence, Feed(codes[sequence]), answers[0])
        for t in range(41):
            toy.engine.absorb(states[1], sequence, Feed(codes[sequence, t : t + 1]), answers[1, t : t + 1])
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
    scored, silent = (toy.engine.start(3, toy.condition) for _ in range(2))
    for sequence in range(3):
        for some in (slice(0, 1), slice(1, 40)):
            nats = toy.engine.nll(scored, sequence, Feed(fed[sequence, some]), toy.known[sequence, some])
            toy.engine.absorb(silent, sequence, Feed(fed[sequence, some]))
            assert nats.dtype == np.float32
            np.testing.assert_allclose(nats, graph[sequence, some], atol=1e-4)
    another = Feed(toy.known[0], None if toy.condition is None else toy.condition.of(np.array([1])))
    asked = np.empty((40, toy.alphabet.parameters), np.float32)
    toy.engine.absorb(silent, 0, another, asked)
    logs = toy.alphabet.log_probabilities(asked, toy.known[2, :, None])[:, 0]
    np.testing.assert_allclose(toy.engine.nll(scored, 0, another, toy.known[2]), -logs, atol=1e-5)
    exported = silent.export()
    assert all(np.array_equal(exported[name], value) for name, value in scored.export().items())


@cases
def test_chunks_batches_primes_and_saved_states_change_nothing(
    alphabet: str, engine: str, conditioned: bool, tmp_path: Path
) -> None:
    toy = Toy(alphabet, engine, conditioned)
    whole = drawn(toy.sampler(), 30)
    assert np.array_equal(drawn(toy.sampler(), 30, 7), whole)
    assert np.array_equal(drawn(toy.sampler(1), 30), whole[:1]) and len(np.unique(whole, axis=0)) == 3
    primed = toy.sampler()
    primed.prime(whole[:, :20])
    primed.positions[:] = 20
    assert np.array_equal(drawn(primed, 10), whole[:, 20:])
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
    clips = condition(toy.network.shape, len(data.sound.entries)) if conditioned else None
    judges = likelihood.of_engine(toy.engine, clips), likelihood.of_network(toy.network, toy.alphabet, clips)
    found, context = [], toy.network.receptive_field
    for longest in (1 << 20, 50):
        crops = Crops(data.sound, pieces(spans, longest), toy.alphabet, context, condition=clips)
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
    net, data = network("categorical"), SoundData(toys.recipe(data={"path": str(sound_folder)}))
    data.prepare()
    clips = condition(net.shape, len(data.sound.entries))
    crops = Crops(data.sound, pieces(data.spans["train"], 200), ALPHABETS["categorical"], 15, condition=clips)
    (batch,) = Steps(crops, seed=0, size=3, first=0, last=1)
    known = {gates.tobytes() for gates in clips.gates}
    assert len(batch["condition"]) == 3 and {gates.numpy().tobytes() for gates in batch["condition"]} <= known
    loss = ALPHABETS["categorical"].nll(net(batch["inputs"], batch["condition"]), batch["targets"]).sum()
    loss.backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_no_output_depends_on_later_input_under_a_condition(alphabet: str) -> None:
    net = network(alphabet).double()
    gates = torch.from_numpy(condition(net.shape, 1).gates).double()
    x = torch.randn(1, net.receptive_field + 4, net.shape.residual, dtype=torch.float64, requires_grad=True)
    answer = net.answer(x, gates)
    for t in range(5):
        (slope,) = torch.autograd.grad(answer[0, t].square().sum(), x, retain_graph=True)
        assert slope[0, t + net.receptive_field :].abs().sum() == 0 < slope[0, t + net.receptive_field - 1].abs().sum()
    assert not torch.allclose(answer, net.answer(x))  # it makes a difference


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_sequences_of_different_conditions_in_one_batch_are_what_they_are_alone(engine: str) -> None:
    toy = Toy("categorical", engine, conditioned=True, sequences=5)
    assert toy.condition is not None
    several = toy.condition.of(np.array([0, 3, 0, 1, 3]))
    together = Sampler(toy.engine, 5, [9] * 5, condition=several)
    codes = drawn(together, 40)
    assert np.array_equal(codes[0], codes[2]) and np.array_equal(codes[1], codes[4])
    alone = Sampler(toy.engine, 1, [9], condition=several.of(np.array([3])))
    assert np.array_equal(drawn(alone, 40)[0], codes[3])
    toy.engine.absorb(together.memory, 0, Feed(np.array([], np.int64), several.of(np.array([1]))))  # another one
    assert not np.array_equal(*drawn(together, 40)[[0, 2]])


def test_draws_have_the_frequencies_of_their_distribution() -> None:
    alphabet, parameters = Logistic(), np.array([0.2, -2.0, -1.0], np.float32)
    codes = alphabet.draw(np.tile(parameters, (40_000, 1)), uniforms(1, 0, 0, 40_000, 2), Draw())
    p = np.exp(alphabet.log_probabilities(parameters)).reshape(64, -1).sum(axis=1)
    np.testing.assert_allclose(np.bincount(codes // 1_024, minlength=64) / 40_000, p, atol=0.008)
    assert p.sum() == pytest.approx(1.0, abs=1e-4)


def test_auto_says_that_it_passes_over_what_cannot_draw_from_an_alphabet(said: list[str]) -> None:
    net = network("logistic")
    assert build_engine("auto", Request(net.shape, net.arrays(), Logistic())).name == "reference"
    assert "cpu cannot be used (it draws only" in said[0]
    with pytest.raises(InputError, match="cpu cannot be used"):
        build_engine("cpu", Request(net.shape, net.arrays(), Logistic()))
