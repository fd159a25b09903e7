"""All that a corpus is told: fields and tracks of the same clips, and what a bundle says of them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import feature_toys
import numpy as np
import phone_toys
import pytest
import told_toys
import toys

from wavenet.errors import SoundError
from wavenet.features import phones, told
from wavenet.features.fields import Fields
from wavenet.features.usual import of_bundle
from wavenet.geometry import frame_count
from wavenet.recipe.records import PhonesConfig
from wavenet.speech import Aligned


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


def test_a_bundle_says_what_mels_and_arrays_of_training_sounds_are_like(tmp_path: Path) -> None:
    folder, cache = told_toys.write_sounds(tmp_path / "sounds", 2), tmp_path / "cache"
    made = feature_toys.recipe(folder, mel=feature_toys.MEL, f0=feature_toys.F0)
    corpus = feature_toys.gathered(made, cache)
    found = told.of_corpus(made, corpus, cache, trained={1, 3})
    assert found is not None and found.condition.tracks is not None and found.usual.keys() == {"mel"}
    whole = [
        found.condition.tracks.read(clip, 0, frame_count(corpus.sound.lengths[clip], 30))[:, :6] for clip in (1, 3)
    ]
    assert np.allclose(found.usual["mel"].mean, np.concatenate(whole).mean(axis=0), atol=1e-3)
    assert corpus.sound.tail > 0
    said = found.provenance(corpus.sound.lengths, {1, 3})["usual"]
    assert of_bundle({"told": {"usual": said}}, "mel", 6) == found.usual["mel"]


def test_arrays_of_another_scale_than_the_others_are_warned_of(tmp_path: Path, said: list[str]) -> None:
    folder = told_toys.write_sounds(tmp_path / "sounds", 2)
    made, rng = feature_toys.recipe(folder, array=2), np.random.default_rng(0)
    corpus = feature_toys.gathered(made, tmp_path / "cache")
    for number, (clip, length) in enumerate(zip(corpus.clips, corpus.sound.lengths, strict=True)):
        values = rng.normal(0, 100 if number == 4 else 1, (frame_count(length, 30), 2))
        np.save(clip.path.with_suffix(".npy"), values.astype(np.float32))
    found = told.of_corpus(made, corpus, tmp_path / "cache", trained={1, 3, 4, 5})
    assert found is not None and found.usual.keys() == {"array"}
    assert len(said) == 2 and f"1 array may have another scale: {corpus.clips[4].path.with_suffix('.npy')}" in said[1]
    assert " holds -" in said[1] and re.search(r"; usual is a range of \d\d?\.?\d* around ", said[1])


def test_shares_are_those_of_the_recipe() -> None:
    tree = feature_toys.condition() | {"columns": {}}
    both, alone = (toys.recipe(condition={**tree, "acoustic": acoustic}) for acoustic in (tree["acoustic"], None))
    assert told.shares(both) == (0.2, 0.25) and told.shares(alone) == (0.2, 0.0)
    assert told.shares(toys.recipe()) == (0.0, 0.0)


@pytest.mark.usefixtures("spoken")
def test_phones_are_those_of_training_sentences_and_a_bundle_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder, cache = told_toys.write_sounds(tmp_path / "sounds", 2), tmp_path / "cache"
    made = phone_toys.recipe()
    corpus = feature_toys.gathered(replace(made, data=replace(made.data, path=str(folder))), cache)
    found = told.of_corpus(made, corpus, cache, trained={1, 3})
    assert found is not None and found.condition.tracks is not None and found.spoken is not None
    assert found.condition.sentences is found.spoken and found.spoken.names == phone_toys.NAMES
    provenance = found.provenance(corpus.sound.lengths, {1, 3})
    assert provenance["phones"] == phone_toys.NAMES
    assert provenance["phone_seconds"] == found.spoken.lasting((1, 3)) != found.spoken.lasting((0, 1, 2, 3))
    said, own = phone_toys.of_sound(corpus.clips, corpus.cache)[5], slice(9, 9 + 18 + 12)
    assert isinstance(said, Aligned)
    columns = phones.columns(said.phones, phone_toys.NAMES, PhonesConfig(4, 1))
    expected = phones.frames_of(said, columns, toys.RATE, 40, 1, 7)
    assert np.array_equal(found.condition.tracks.read(5, 1, 7)[:, own], expected)
    of_trained = told.of_corpus(made, corpus, cache, names=("sil", "AA"))
    assert of_trained is not None and of_trained.spoken is not None and of_trained.spoken.names == ("sil", "AA")
    assert any("2 phones (B, IY) are unknown to the network" in line for line in caplog.messages)
    other = [one if clip != 3 else "no text" for clip, one in enumerate(found.spoken.sentences)]
    monkeypatch.setattr("wavenet.speech.aligned", lambda clips, decoded: other)
    less = told.of_corpus(made, corpus, cache, trained={1})
    assert less is not None and less.spoken is not None and less.spoken.sentences[3] is None
    with pytest.raises(SoundError, match=r"has room for 2 kinds of phones, but the sound has 4, pauses included"):
        few = phone_toys.recipe(tracks={"phones": {"kinds": 2, "neighbours": 1}}, acoustic=None)
        told.of_corpus(few, corpus, cache)
