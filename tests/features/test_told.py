"""All that a corpus is told: fields and tracks of the same clips, and what a bundle says of them."""

from __future__ import annotations

from pathlib import Path

import feature_toys
import pytest
import told_toys
import toys

from wavenet.features import told
from wavenet.features.fields import Fields
from wavenet.geometry import frame_count


def test_fields_and_tracks_are_of_the_same_clips(tmp_path: Path) -> None:
    folder, cache = told_toys.write_sounds(tmp_path / "sounds", 2), tmp_path / "cache"
    made = feature_toys.recipe(folder, fields={"speaker": 3, "label": 4}, clock=feature_toys.CLOCK)
    corpus = feature_toys.gathered(made, cache)
    found = told.of_corpus(made, corpus, cache)
    assert found is not None and found.condition.tracks is not None
    assert found.vocabulary == {"speaker": [*told_toys.SPEAKERS], "label": sorted(told_toys.LABELS)}
    assert found.condition.shape == made.shape.condition
    for clip, (own, length) in enumerate(zip(corpus.clips, corpus.sound.lengths, strict=True)):
        speaker, label = found.condition.fields[clip]
        words = found.vocabulary["label"][label], found.vocabulary["speaker"][speaker]
        assert own.name.rpartition("-")[0] == "-".join(words)
        assert found.condition.tracks.frames(clip) == frame_count(length + corpus.sound.tail, 30)
    known = told.of_corpus(made, corpus, cache, {"speaker": ["zoe", "bob"], "label": ["low"]})
    assert known is not None and {*known.condition.fields[:, 0].tolist()} == {1, 3}  # 3 is unknown
    some = told.of_corpus(made, corpus, cache, trained=[0, 1])
    assert some is not None and some.vocabulary == Fields.of_clips(made, corpus.clips, trained=[0, 1]).vocabulary
    assert told.of_corpus(toys.recipe(data={"path": str(folder)}), corpus, cache) is None


def test_a_bundle_says_the_fields_and_the_length_of_sounds_that_were_trained_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = told_toys.write_sounds(tmp_path / "sounds", 2)
    made = feature_toys.recipe(folder, fields={"label": 3})
    corpus = feature_toys.gathered(made, tmp_path / "cache")
    found = told.of_corpus(made, corpus, tmp_path / "cache")
    assert found is not None and found.condition.tracks is None
    lengths = corpus.sound.lengths
    said = found.provenance(lengths, {4, 0})
    fields = found.condition.fields[:, 0].tolist()
    assert said == {"fields": found.vocabulary, "durations": [[fields[i], lengths[i]] for i in (0, 4)]}
    monkeypatch.setattr(told, "MOST_DURATIONS", 3)
    assert found.provenance(lengths, range(6))["durations"] == [[fields[i], lengths[i]] for i in (0, 2, 4)]


def test_shares_are_those_of_the_recipe() -> None:
    tree = feature_toys.condition() | {"columns": {}}
    both, alone = (toys.recipe(condition={**tree, "acoustic": acoustic}) for acoustic in (tree["acoustic"], None))
    assert told.shares(both) == (0.2, 0.25) and told.shares(alone) == (0.2, 0.0)
    assert told.shares(toys.recipe()) == (0.0, 0.0)
