"""Baselines say what their plain definitions say, know the training split alone, and are stored whole or refused."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from safetensors.numpy import load, save

from wavenet import outputs
from wavenet.audio import corpus, files
from wavenet.audio.corpus import Corpus
from wavenet.errors import BundleError
from wavenet.evaluation import baselines
from wavenet.evaluation.baselines import Baselines, Statistics
from wavenet.evaluation.linear import CONTEXT, Density, Foreseen, Predictor
from wavenet.outputs import Categorical

Q = 16
ALPHABET = Categorical(Q)


def gathered(folder: Path, classes: int = Q, share: float = 0.0) -> tuple[Corpus, Statistics]:
    made = toys.recipe(data={"path": str(folder)}, output={"classes": classes, "preemphasis": share})
    found = corpus.gather(made)
    return found, Statistics.gather(found.sound, found.spans, outputs.of(made))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys.write_sounds(tmp_path_factory.mktemp("more"), 24)


@pytest.fixture
def known(folder: Path) -> tuple[Corpus, Statistics]:
    return gathered(folder)


def codes_of(found: Corpus, split: str, alphabet: Categorical = ALPHABET) -> list[np.ndarray]:
    return [alphabet.encode(found.sound.read(span.clip, span.first, span.last)) for span in found.spans[split]]


def made_up(counts: np.ndarray, pairs: np.ndarray | None, weight: float = 0.9) -> Statistics:
    predictor, density = Predictor(np.linspace(-0.1, 0.2, 32), 0.01), Density("normal", 0.01, 1.0, 0.95)
    return Statistics(counts, pairs, weight, predictor, density)


# --- what is counted -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.85])
@pytest.mark.parametrize("longest", [baselines.LONGEST, 100])
def test_codes_and_pairs_are_those_of_the_training_files(
    folder: Path, longest: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "LONGEST", longest)
    found, statistics = gathered(folder, share=share)
    alphabet = Categorical(Q, preemphasis=share)
    counts, pairs = np.zeros(Q, int), np.zeros((Q, Q), int)
    for codes in codes_of(found, "train", alphabet):
        for at, code in enumerate(codes):
            counts[code] += 1
            if at:
                pairs[codes[at - 1], code] += 1
    assert np.array_equal(statistics.counts, counts) and np.array_equal(statistics.pairs, pairs)
    assert np.array_equal(statistics.counts, found.sound.code_counts(found.spans["train"], alphabet)[0])


def test_nothing_that_is_held_out_is_counted(folder: Path, tmp_path: Path, known: tuple[Corpus, Statistics]) -> None:
    found, statistics = known
    held = {found.sound.entries[span.clip].name for name in ("valid", "test") for span in found.spans[name]}
    rng = np.random.default_rng(1)
    for path in folder.iterdir():
        other = rng.uniform(-0.5, 0.5, 900) if path.name in held else None
        if other is None:
            (tmp_path / path.name).write_bytes(path.read_bytes())
        else:
            files.write(tmp_path / path.name, other, toys.RATE)
    _, again = gathered(tmp_path)
    assert len(held) >= 2
    assert np.array_equal(again.counts, statistics.counts) and np.array_equal(again.pairs, statistics.pairs)
    assert np.array_equal(again.predictor.taps, statistics.predictor.taps)
    assert again.order1_weight < statistics.order1_weight  # chosen on noise now
    assert again.density.weight < statistics.density.weight


def test_the_weight_of_order1_is_the_best_on_valid(known: tuple[Corpus, Statistics]) -> None:
    found, statistics = known

    def nats(weight: float) -> float:
        tried = made_up(statistics.counts, statistics.pairs, weight)
        judge = Baselines(tried, ALPHABET)
        return sum(judge.nats(codes[:0], codes)["order1"].sum() for codes in codes_of(found, "valid"))

    grid = np.linspace(0.0, 0.9999, 300).tolist()
    assert nats(statistics.order1_weight) <= min(map(nats, grid)) + 1e-6
    assert 0.3 < statistics.order1_weight < 1.0


def test_long_sound_is_sampled_evenly_for_the_predictor(
    folder: Path, known: tuple[Corpus, Statistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, statistics = known
    total = baselines._samples(found.spans["train"])
    monkeypatch.setattr(baselines, "LONGEST", 64)
    monkeypatch.setattr(baselines, "PREDICTED", total // 4)
    monkeypatch.setattr(baselines, "HELD", 300)
    monkeypatch.setattr(baselines, "CHOSEN", 100)
    pieces = list(baselines._read(found.sound, found.spans["train"], ALPHABET, total // 4))
    chosen = [number for number, (_, _, chosen) in enumerate(pieces) if chosen]
    assert set(np.diff(chosen)) <= {4, 5} and total / 6 < sum(len(pieces[number][1]) for number in chosen) < total / 3
    _, fewer = gathered(folder)
    assert np.array_equal(fewer.counts, statistics.counts)  # all of the codes are still counted
    assert fewer.order1_weight == statistics.order1_weight
    assert 0.0 < np.abs(fewer.predictor.taps - statistics.predictor.taps).max() < 2.0


def test_the_density_is_chosen_on_evenly_taken_samples(
    known: tuple[Corpus, Statistics], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, statistics = known
    monkeypatch.setattr(baselines, "CHOSEN", 300)
    foreseen, held, _ = baselines._foreseen(found.sound, found.spans["valid"], ALPHABET, statistics.predictor)
    every = -(-baselines._samples(found.spans["valid"]) // 300)
    at, levels = 0, baselines.Levels.of(ALPHABET)
    for codes in codes_of(found, "valid"):
        whole, taken = (
            statistics.predictor.foresee(levels.decoded(codes[:0], codes)),
            slice(at, at + -(-len(codes) // every)),
        )
        assert np.array_equal(held[taken], codes[::every])
        assert np.array_equal(foreseen.values[taken], whole.values[::every])
        assert np.array_equal(foreseen.recent[taken], whole.recent[::every])
        at = taken.stop
    assert every > 1 and at == len(held) == len(foreseen.values) == len(foreseen.recent)


def test_few_files_that_are_divided_in_time_have_statistics_too(tmp_path: Path) -> None:
    for number in range(2):
        files.write(tmp_path / f"{number}.wav", toys.wave(1.0, seed=number), toys.RATE)
    found, statistics = gathered(tmp_path)
    assert found.spans["valid"][0].first > 0
    assert statistics.counts.sum() == sum(span.last - span.first for span in found.spans["train"])


# --- what is said ----------------------------------------------------------------------------------------------------


def test_order1_is_that_of_a_slow_loop() -> None:
    rng = np.random.default_rng(0)
    counts, pairs = rng.integers(0, 9, 5), rng.integers(0, 4, (5, 5))
    counts[2] = pairs[3] = 0  # a code that never came, and one that nothing came after
    said = Baselines(made_up(counts, pairs, 0.8), Categorical(5))
    codes = rng.integers(0, 5, 200)
    order0 = [(n + 1) / (sum(counts) + 5) for n in counts.tolist()]
    wanted = [-math.log(order0[codes[0]])]
    for before, code in itertools.pairwise(codes):
        row = pairs[before].sum()
        own = pairs[before, code] / row if row else order0[code]
        wanted.append(-math.log(0.8 * own + 0.2 * order0[code]))
    found = said.nats(codes[:0], codes)
    assert found["order1"] == pytest.approx(wanted)
    assert found["order0"] == pytest.approx([-math.log(order0[code]) for code in codes])


def test_linear_is_its_density_beside_order0() -> None:
    rng = np.random.default_rng(1)
    statistics, codes = made_up(rng.integers(1, 9, Q), None), rng.integers(0, Q, 40)
    values = np.concatenate([np.zeros(CONTEXT), ALPHABET.decode(codes)])
    foreseen = statistics.predictor.foresee(values)
    said = Baselines(statistics, ALPHABET)
    order0 = np.exp(-said.nats(codes[:0], np.arange(Q))["order0"])
    levels = baselines.Levels.of(ALPHABET)
    for at, code in enumerate(codes):
        one = Foreseen(foreseen.values[at : at + 1].repeat(Q), foreseen.recent[at : at + 1].repeat(Q))
        p = 0.95 * statistics.density.probabilities(one, np.arange(Q), levels) + 0.05 * order0
        assert p.sum() == pytest.approx(1.0)
        assert said.nats(codes[:at], codes[at:])["linear"][0] == pytest.approx(-math.log(p[code]))


def test_pieces_cost_what_the_whole_costs(known: tuple[Corpus, Statistics]) -> None:
    found, statistics = known
    said = Baselines(statistics, ALPHABET)
    for codes in codes_of(found, "test"):
        whole, parts = said.nats(codes[:0], codes), list[dict[str, Any]]()
        for at in range(0, len(codes), 97):
            parts.append(said.nats(codes[:at], codes[at : at + 97]))
        assert set(whole) == {"order0", "order1", "linear"}
        for name, nats in whole.items():
            assert nats.dtype == np.float64 and nats.shape == codes.shape
            assert np.concatenate([part[name] for part in parts]) == pytest.approx(nats, abs=1e-9)


def test_of_sound_each_knows_more_than_the_one_before(tmp_path: Path) -> None:
    found, statistics = gathered(toys.write_sounds(tmp_path, 40), 256)
    alphabet = Categorical(256)
    said, sums, count = Baselines(statistics, alphabet), dict.fromkeys(("order0", "order1", "linear"), 0.0), 0
    for codes in codes_of(found, "test", alphabet):
        for name, nats in said.nats(codes[:0], codes).items():
            sums[name] += float(nats.sum())
        count += len(codes)
    order0, order1, linear = (sums[name] / count / math.log(2) for name in ("order0", "order1", "linear"))
    assert linear + 0.5 < order1 < order0 - 0.3 < 8.0 - 0.3


# --- alphabets of any size -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3, 512, 513, 4_096])
def test_every_size_of_alphabet_has_baselines(sound_folder: Path, classes: int) -> None:
    found, statistics = gathered(sound_folder, classes)
    alphabet = Categorical(classes)
    again = Statistics.from_arrays(load(save(statistics.to_arrays())), classes, "x")
    codes = codes_of(found, "test", alphabet)[0]
    said = Baselines(again, alphabet).nats(codes[:0], codes)
    assert set(said) == {"order0", "linear"} | ({"order1"} if classes <= 512 else set())
    for nats in said.values():
        assert np.isfinite(nats).all() and (nats >= 0.0).all()


def test_another_alphabet_is_refused(known: tuple[Corpus, Statistics]) -> None:
    with pytest.raises(ValueError, match="statistics of 16 codes for an alphabet of 17"):
        Baselines(known[1], Categorical(17))


# --- storing ---------------------------------------------------------------------------------------------------------


def test_what_is_stored_says_the_same(known: tuple[Corpus, Statistics]) -> None:
    found, statistics = known
    again = Statistics.from_arrays(load(save(statistics.to_arrays())), Q, "x")
    for codes in codes_of(found, "test"):
        one, other = (Baselines(each, ALPHABET).nats(codes[:0], codes) for each in (statistics, again))
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert statistics.to_arrays()["pairs"].dtype == np.uint32


def test_a_pair_that_comes_too_often_is_kept_as_often_as_can_be() -> None:
    pairs = np.ones((Q, Q), np.int64)
    pairs[0, 0] = 1 << 40
    kept = made_up(np.ones(Q, np.int64), pairs).to_arrays()["pairs"]
    assert kept[0, 0] == 2**32 - 1 and kept[0, 1] == 1


DAMAGE: dict[str, tuple[str, Any]] = {
    "no counts": ("counts", None),
    "no pairs": ("pairs", None),
    "another alphabet": ("counts", np.zeros(17, np.int64)),
    "counts of another type": ("counts", np.zeros(Q)),
    "fewer than none": ("counts", np.full(Q, -1)),
    "too many to be summed": ("counts", np.full(Q, 2**62)),
    "no square": ("pairs", np.zeros((Q, 3), np.uint32)),
    "no weight": ("order1_weight", np.array([1.5])),
    "all of the weight": ("linear_weight", np.array([1.0])),
    "not finite": ("linear_taps", np.full(33, np.nan)),
    "no scale": ("linear_scale", np.array([0.0, 1.0])),
    "no such family": ("linear_family", np.array([2])),
    "more than we know": ("cubic", np.zeros(3)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_cannot_be_is_refused_in_a_sentence(damage: str) -> None:
    name, value = DAMAGE[damage]
    arrays = made_up(np.ones(Q, np.int64), np.ones((Q, Q), np.int64)).to_arrays()
    assert Statistics.from_arrays(arrays, Q, "x").order1_weight == 0.9
    arrays[name] = value
    if value is None:
        del arrays[name]
    with pytest.raises(BundleError, match=rf"^statistics\.safetensors: the array {name} .*; get the bundle again"):
        Statistics.from_arrays(arrays, Q, "statistics.safetensors")


# --- real recordings -------------------------------------------------------------------------------------------------


@pytest.mark.real_audio
@pytest.mark.slow
def test_of_spoken_digits_each_says_what_was_measured(real_audio: Path) -> None:
    from wavenet.recipe import find, read

    made = find.with_data(read.load(find.find_recipe("digits")), real_audio / "digits")
    found, alphabet = corpus.gather(made), Categorical(256)
    said = Baselines(Statistics.gather(found.sound, found.spans, alphabet), alphabet)
    test = codes_of(found, "test", alphabet)
    nats = [said.nats(codes[:0], codes) for codes in test]
    bits = {name: sum(one[name].sum() for one in nats) / sum(map(len, test)) / math.log(2) for name in nats[0]}
    assert bits == pytest.approx({"order0": 7.546, "order1": 6.056, "linear": 5.922}, abs=0.01)
