"""Whole files are scored in pieces as in one pass, by compiled code as by the training graph (laws 3 and 5)."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import outputs
from wavenet.audio import corpus
from wavenet.audio.corpus import Corpus
from wavenet.audio.crops import Crops, pieces
from wavenet.audio.splits import Span
from wavenet.evaluation import bits, likelihood
from wavenet.generate.engines import Request, build_engine
from wavenet.model import network
from wavenet.recipe.records import Recipe


@pytest.fixture(scope="module")
def made() -> Recipe:
    return toys.recipe(output={"classes": 16})


@pytest.fixture
def heard(made: Recipe, sound_folder: object) -> Corpus:
    return corpus.gather(toys.recipe(data={"path": str(sound_folder)}))


def plain(recipe: Recipe, weights: dict[str, np.ndarray], codes: np.ndarray) -> np.ndarray:
    """Return -log p [T] of a file's codes [T], from the definition: the graph over the whole file behind *start*."""
    logp = toys.forward(recipe, weights, np.append(recipe.output.classes, codes[:-1])[None])[0]
    return -np.take_along_axis(logp, codes[:, None], axis=-1)[:, 0]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 15), min_size=2, max_size=60), st.integers(0, 59), st.sampled_from([3, 7, 8192]))
def test_engines_and_the_graph_give_what_the_definition_gives(codes: list[int], cut: int, size: int) -> None:
    recipe = toys.recipe()
    weights, alphabet = toys.arrays(recipe, 3.0), outputs.of(recipe)
    known, cut = np.array(codes), min(cut, len(codes) - 1)
    expected = plain(recipe, weights, known)[cut:]
    request = Request(recipe.shape, weights, alphabet, "float32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(likelihood, "PASS_SAMPLES", size)
        graph = likelihood.of_network(network.from_arrays(recipe, weights), alphabet)(0, known[:cut], known[cut:], cut)
    assert graph == pytest.approx(expected, abs=1e-4)
    for name in ("cpu", "reference"):
        judge = likelihood.of_engine(build_engine(name, request))
        assert judge(0, known[:cut], known[cut:], cut) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.85])
@pytest.mark.parametrize(
    ("judged", "size", "threads"), [("cpu", 10_000, 1), ("cpu", 37, 1), ("cpu", 100, 3), ("torch", 100, 1)]
)
def test_pieces_of_any_size_in_any_threads_are_one_pass(
    made: Recipe, heard: Corpus, judged: str, size: int, threads: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, spans = toys.arrays(made, 3.0), [*heard.spans["train"], Span(0, 100, 333)]
    alphabet = outputs.Categorical(16, preemphasis=share)
    judge = likelihood.of_engine(build_engine("cpu", Request(made.shape, weights, alphabet, "float32")))
    if judged == "torch":
        monkeypatch.setattr(likelihood, "PASS_SAMPLES", 30)
        judge = likelihood.of_network(network.from_arrays(made, weights), alphabet)
    context, found = made.shape.receptive_field, [list[np.ndarray]() for _ in spans]
    for piece in likelihood.teacher_forced(judge, heard.sound, spans, alphabet, context, threads, size):
        assert piece.first == spans[piece.span].first + sum(map(len, found[piece.span]))
        assert len(piece.codes) == len(piece.nats) <= size
        assert len(piece.past) == min(piece.first, context)
        found[piece.span].append(piece.nats)
    for span, parts in zip(spans, found, strict=True):
        codes = alphabet.encode(heard.sound.read(span.clip, 0, span.last))
        assert np.concatenate(parts) == pytest.approx(plain(made, weights, codes)[span.first :], abs=1e-4)


def test_what_is_left_is_not_begun_where_scoring_ends_early(made: Recipe, heard: Corpus) -> None:
    begun, go_on = [], threading.Event()

    def slow(clip: int, past: np.ndarray, codes: np.ndarray, first: int) -> np.ndarray:
        begun.append(len(past))
        assert not len(past) or go_on.wait(10.0)
        return np.zeros(len(codes), np.float32)

    pieces = likelihood.teacher_forced(slow, heard.sound, [Span(0, 0, 500)], outputs.of(made), 1_000, 2, 10)
    next(pieces)
    threading.Timer(0.2, go_on.set).start()
    pieces.close()  # type: ignore[attr-defined]
    assert len(begun) <= 3, "the first, and one of each thread"


def test_the_sum_is_the_score_of_training(made: Recipe, heard: Corpus) -> None:
    net, alphabet = network.build(made).eval(), outputs.of(made)
    crops = Crops(heard.sound, pieces(heard.spans["valid"], 100), alphabet, made.shape.receptive_field)
    score = bits.score(net, crops.in_order(2), alphabet, np.ones(16, np.int64))
    judge = likelihood.of_network(net, alphabet)
    spans, context = heard.spans["valid"], made.shape.receptive_field
    total = sum(
        float(one.nats.sum()) for one in likelihood.teacher_forced(judge, heard.sound, spans, alphabet, context)
    )
    assert score is not None
    assert total / np.log(2) / score.targets == pytest.approx(score.bits, abs=1e-4)
