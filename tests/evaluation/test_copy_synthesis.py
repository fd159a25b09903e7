"""Copies are told their originals' own tracks, frame for frame, and compared with their originals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import told_toys
import toys

from wavenet.audio import corpus
from wavenet.audio.corpus import Corpus
from wavenet.audio.splits import Span
from wavenet.evaluation import copy_synthesis
from wavenet.evaluation.conditional_samples import Listener
from wavenet.evaluation.copy_synthesis import make_copies
from wavenet.evaluation.recogniser import Recogniser
from wavenet.features import corpus_condition
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition, Floats
from wavenet.recipe import read
from wavenet.text import to_json


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> tuple[Voice, Corpus, Condition]:
    """Return an untrained voice that is told a mel spectrogram, sound, and what it is told of it."""
    place = tmp_path_factory.mktemp("copies")
    (place / "sounds").mkdir()
    told_toys.write_sounds(place / "sounds")
    tree = toys.tree(data={"path": str(place / "sounds")}) | {"condition": told_toys.CONDITION}
    recipe = read.from_tree(tree, "told")
    found = corpus.gather(recipe, place / "cache")
    known = corpus_condition.of_corpus(recipe, found, place / "cache")
    assert known is not None
    return Voice(recipe, toys.arrays(recipe)), found, known.condition


def test_perfect_copies_lie_nowhere_from_their_originals(
    things: tuple[Voice, Corpus, Condition], monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, found, known = things
    spans = [Span(clip, 0, found.sound.lengths[clip]) for clip in range(6)]
    lists: list[list[Floats]] = []

    def draw_clips(own: Voice, lengths: list[int], seed: int, condition: Condition, threads: int) -> list[Floats]:
        assert own is voice and (seed, threads) == (3, 2) and lengths == [span.last for span in spans]
        for row, span in enumerate(spans):
            for name, value in vars(known.window([span.clip], [0], span.last)).items():
                assert np.array_equal(getattr(condition.window([row], [0], span.last), name), value)
        waves = [found.sound.read(span.clip, 0, span.last) for span in spans]
        lists.append([voice.alphabet.decode(voice.alphabet.encode(wave)) for wave in waves])
        return lists[-1]

    monkeypatch.setattr(copy_synthesis, "draw_clips", draw_clips)
    monkeypatch.setattr(Recogniser, "names", lambda self, waves: known.fields[:6])
    listener = Listener(Recogniser({"speaker": ("ann", "bob"), "label": ("high", "low", "middle")}, 4_000, {}), [0, 1])
    deaf = make_copies(voice, found, spans, known, 3, 2)
    made = deaf.heard_by(listener)
    assert all(one.mel == one.log_spectral == 0 for one in made.distances.own)
    assert made.distances.nearer("mel").right == 6 == made.distances.nearer("mel").clips
    assert made.heard is not None and made.heard.together is not None and made.heard.together.generated.right == 6
    assert len(made.pairs) == 3 and all((pair.original == pair.copy).all() for pair in made.pairs)
    plain, lines = json.loads(to_json(made.to_json())), made.to_text()
    assert plain["copies"] == 6 and plain["mel"]["own"] == 0 < plain["mel"]["other"] and plain["seed"] == 3
    assert lines[0].startswith("6 held-out clips, ") and any("log-spectral" in line for line in lines)
    assert deaf.heard is None and len(deaf.each) == 6


def test_a_part_within_a_sound_begins_with_its_own_frame(
    things: tuple[Voice, Corpus, Condition], monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, found, known = things
    tracks, given = known.tracks, {}
    assert tracks is not None

    def draw_clips(own: Voice, lengths: list[int], seed: int, condition: Condition, threads: Any) -> list[Floats]:
        given.update(lengths=lengths, condition=condition)
        return [np.ones(length, np.float32) for length in lengths]

    monkeypatch.setattr(copy_synthesis, "draw_clips", draw_clips)
    monkeypatch.setattr(copy_synthesis, "LONGEST", 0.05)
    make_copies(voice, found, [Span(2, 41, 380), Span(3, 0, 300)], known)
    assert given["lengths"] == [200, 200]  # from sample 80 on
    part = given["condition"].tracks
    assert part.frames(0) == tracks.frames(2) - 2 and part.frames(1) == tracks.frames(3)
    assert (part.read(0, 0, 5) == tracks.read(2, 2, 7)).all() and (part.read(1, 0, 5) == tracks.read(3, 0, 5)).all()


def test_copies_are_alike_for_a_seed_and_the_nearest_and_farthest_are_shown(
    things: tuple[Voice, Corpus, Condition], monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, found, known = things
    monkeypatch.setattr(copy_synthesis, "LONGEST", 0.03)
    made, again, other = (make_copies(voice, found, found.spans["test"], known, seed) for seed in (0, 0, 1))
    assert made.distances == again.distances != other.distances
    each = sorted(one.mel for one in made.distances.own)
    assert [pair.mel for pair in made.pairs] == [each[0], each[(len(each) - 1) // 2], each[-1]]
