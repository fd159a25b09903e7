"""Held: a condition whose keys contradict each other is refused in one sentence that names the key and the remedy."""

from __future__ import annotations

from typing import Any

import feature_toys
import pytest
import toys
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wavenet.audio import torchaudio_loader
from wavenet.errors import RecipeError
from wavenet.recipe import read
from wavenet.recipe.contradictions import empty_filter
from wavenet.recipe.records import MelConfig


def made(changes: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """Return a recipe with a whole condition, some of its dotted keys replaced, or removed (None)."""
    tree = toys.tree(**sections)
    tree["condition"] = feature_toys.condition()
    for key, value in ({"columns": None, **changes} if "fields" in changes else changes).items():
        inner = tree["condition"]
        *above, last = key.split(".")
        for part in above:
            inner = inner[part]
        inner.pop(last, None)
        if value is not None:
            inner[last] = value
    return tree


def refused(tree: dict[str, Any]) -> str:
    with pytest.raises(RecipeError) as caught:
        read.from_tree(tree, "here")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 320
    return str(caught.value).removeprefix("here: ")


def test_the_whole_condition_contradicts_nothing() -> None:
    told = read.from_tree(made({}), "here").condition
    assert told is not None and told.acoustic is not None and len(told.tracks_told()) == 5


NO_TRACKS = {"tracks": None, "acoustic": None, "durations": None, "encoder": None, "hop_samples": None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({**NO_TRACKS, "fields": None}, "condition names neither fields nor tracks; name what the network is told, or"),
        ({**NO_TRACKS, "fields": {}, "tracks": {}}, "condition names neither fields nor tracks; name what"),
        ({"fields": [["speaker", 2], ["speaker", 3]]}, "condition.fields names speaker 2 times; keep one"),
        (
            {"hop_samples": None},
            "condition.hop_samples is missing, the distance of two frames of condition.tracks; add",
        ),
        ({**NO_TRACKS, "hop_samples": 80}, "condition.hop_samples is 80, but condition.tracks names none; add tracks"),
        (
            {**NO_TRACKS, "encoder": [{"kernel": 3}]},
            "condition.encoder works on frames, but condition.tracks names none",
        ),
        ({"tracks.mel.high_hz": 50.0}, "condition.tracks.mel.high_hz is 50, expected more than low_hz, which is 50"),
        ({"tracks.mel.high_hz": 2_001.0}, "mel.high_hz is 2,001, expected at most half of audio.sample_rate, 2,000"),
        ({"tracks.f0.high_hz": 70.0}, "condition.tracks.f0.high_hz is 70, expected more than low_hz, which is 80"),
        ({"tracks.f0.high_hz": 2_100.5}, "f0.high_hz is 2100.5, expected at most half of audio.sample_rate, 2,000"),
        ({"tracks.mel.window_samples": 129}, "mel.window_samples is 129, expected at most fft_samples, 128"),
        (
            {"tracks.mel.bands": 120},
            "filter 2 of the 120 of condition.tracks.mel.bands (63.4 to 90.2 Hz) holds no frequency of fft_samples "
            "128, which lie 31.2 Hz apart",
        ),
        ({"tracks.mel": None, "tracks.f0": None}, "condition.acoustic predicts mel and f0; add one of them to"),
        ({"tracks.phones": None}, "condition.durations are those of phones; add condition.tracks.phones, or remove"),
        (
            {"tracks.clock": None, "tracks.phones": None, "durations": None},
            "condition.acoustic goes by the clock or phones; add condition.tracks.clock, or",
        ),
        (
            {"encoder": {"pyramid": [1], "pooled": True}},
            "condition.encoder averages over the whole sound (pooled), which",
        ),
    ],
)
def test_each_contradiction_is_one_sentence(changes: dict[str, Any], words: str) -> None:
    assert words in refused(made(changes))


def test_arrays_and_trimming_do_not_go_together() -> None:
    words = "condition.tracks.array belongs to whole files, but data.trim cuts their ends; keep one of them"
    trimmed = {"trim": {"below_db": 40.0}}
    assert refused(made({}, data=trimmed)) == words
    read.from_tree(made({"tracks.array": None}, data=trimmed), "here")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hop_samples": 30}, "condition.hop_samples is 30, but condition.tracks.sine needs each sample: set it to 1"),
        ({"fields": {"word": 2}, "columns": {}}, "sine.field is 'label', which is none of condition.fields; name the"),
        ({"tracks": {"phones": {"kinds": 4, "neighbours": 1}}}, "sine is for notes, and goes with neither phones nor"),
        (
            {"tracks": {"mel": feature_toys.MEL}, "acoustic": {"channels": 5, "encoder": []}},
            "sine is for notes, and goes with neither phones nor condition.acoustic; keep the one or the others",
        ),
        (
            {"encoder": {"pyramid": [1], "pooled": True}},
            "(pooled), but a note of condition.tracks.sine may have no end",
        ),
    ],
)
def test_the_sines_of_notes_go_by_a_field_and_with_each_sample(changes: dict[str, Any], words: str) -> None:
    told = feature_toys.notes()
    assert read.from_tree(toys.tree() | {"condition": told}, "here").shape.condition is not None
    tracks = told["tracks"] | changes.pop("tracks", {})
    assert words in refused(toys.tree() | {"condition": told | changes | {"tracks": tracks}})


@pytest.mark.parametrize(
    "changes",
    [
        {**NO_TRACKS},
        {"fields": None},
        {"tracks.f0": None},
        {"tracks.clock": None},
        {"tracks.phones": None, "durations": None},
        {"fields": None, "tracks.clock": None},
        {"tracks.mel": None},
        {"encoder": {"pyramid": [1, 2], "pooled": True}, "acoustic": None},
        {"acoustic.encoder": {"pyramid": [1, 2], "pooled": True}},
        {"tracks.mel.high_hz": 2_000.0, "tracks.f0.high_hz": 2_000.0, "tracks.mel.window_samples": 128},
    ],
)
def test_what_is_no_contradiction_is_taken(changes: dict[str, Any]) -> None:
    recipe = read.from_tree(made(changes), "here")
    assert recipe.shape.parameters() > 0


@settings(deadline=None, max_examples=60)
@given(
    bands=st.integers(4, 60),
    half=st.integers(8, 300),
    odd=st.integers(0, 1),
    low=st.floats(0, 500),
    high=st.floats(600, 4_000),
    scale=st.sampled_from(["htk", "slaney"]),
)
@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
def test_an_empty_filter_is_one_that_torchaudio_leaves_empty(
    bands: int, half: int, odd: int, low: float, high: float, scale: str
) -> None:
    mel = MelConfig(bands, 2 * half + odd, 16, low, high, 1, scale, "none", 1e-5)
    functional = torchaudio_loader.load()[0].functional
    bank = functional.melscale_fbanks(half + 1, low, high, bands, 8_000, None, scale).numpy()
    assume(not ((bank > 0) & (bank < 1e-4)).any())  # in single precision an edge may lie on either side
    peaks = bank.max(axis=0)
    found = empty_filter(mel, 8_000)
    assert (found is None) == (peaks > 0).all()
    if found is not None:
        number, begin, end = found
        assert peaks[number - 1] == 0 and (peaks[: number - 1] > 0).all()
        assert low - 1e-6 <= begin < end <= high + 1e-6


def test_what_learns_alone_must_be_there() -> None:
    words = "train.only is acoustic, but there is neither condition.acoustic nor condition.durations; add one of"
    alone = {"train": made({})["train"] | {"only": "acoustic"}}
    none = {"acoustic": None, "durations": None}
    assert words in refused(made(none, **alone))
    assert words in refused({name: one for name, one in made({}, **alone).items() if name != "condition"})
    for name in none:
        read.from_tree(made({**none, name: made({})["condition"][name]}, **alone), "here")
