"""A telling changes one thing and leaves all else as it is; tracks move by whole frames and last at their ends."""

from __future__ import annotations

import numpy as np
import pytest
import told_toys
from telling_toys import LENGTHS, TAIL, tellers_of

from wavenet.audio.splits import Span
from wavenet.evaluation.mismatched import (
    ANOTHER,
    NOTHING,
    RIGHT,
    Tellers,
    Telling,
    condition_of,
    following,
    of_parts,
    within,
)
from wavenet.generate.asked import Vocabulary, all_tracks, ask
from wavenet.outputs import Condition, Window


def window(tellers: Tellers, telling: Telling, first: int = 0, steps: int = 400) -> Window:
    return condition_of(tellers.shape, [telling]).window([0], [first], steps)


def same(one: Window, other: Window) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def test_the_right_telling_is_what_the_clip_is_told() -> None:
    tellers = tellers_of()
    for clip in range(4):
        for first in (0, 60):
            told = window(tellers, tellers.of(clip, [])["measured", "", ""], first)
            assert same(told, tellers.condition.window([clip], [first], 400))


def test_each_wrong_telling_has_another_value_of_one_known_field() -> None:
    tellers = tellers_of()
    for clip, (speakers, labels) in enumerate(((2, 3), (0, 3), (2, 3), (2, 3))):  # the wrong ones and "not told"
        told, right = tellers.of(clip, []), tellers.condition.fields[clip]
        for way in ("measured", "predicted", "unknown"):
            for column, (field, count) in enumerate((("speaker", speakers), ("label", labels))):
                wrong = {key[2]: one.fields for key, one in told.items() if key[:2] == (way, field)}
                assert len(wrong) == count
                for value, fields in wrong.items():
                    assert [i for i in range(2) if fields[i] != right[i]] == [column]
                    known = tellers.vocabulary.values[field]
                    assert fields[column] == (known.index(value) if value else len(known))


def test_of_many_values_nine_others_are_taken_anew_for_each_clip_and_alike_for_a_seed() -> None:
    tellers = tellers_of(fields={"speaker": 40, "label": 3})
    many = Vocabulary(tellers.vocabulary.recipe, {"speaker": tuple(map(str, range(40))), "label": ("a",)}, np.zeros(0))
    one, other = (Tellers(tellers.condition, tellers.sound, tellers.packed, many, seed) for seed in (1, 2))
    taken = [
        [key[2] for key in each.of(clip, []) if key[:2] == ("unknown", "speaker") and key[2]]
        for each, clip in ((one, 0), (one, 0), (other, 0), (one, 2))
    ]
    assert [len(values) for values in taken] == [9] * 4 and taken[0] == taken[1]
    assert "0" not in taken[0] and "1" not in taken[3] and len({tuple(values) for values in taken}) == 3
    assert not [key for key in one.of(0, []) if key[1] == "label"]  # of one value there is no other


def test_late_tracks_come_frames_behind_their_time_and_the_ends_last() -> None:
    tellers = tellers_of()
    told, tracks = tellers.of(0, []), tellers.condition.tracks
    assert tracks is not None
    own, count = tracks.read(0, 0, tracks.frames(0)), tracks.frames(0)
    for late in (1, 2, 5):
        name = f"{late} frame{'s' if late > 1 else ''} late"
        moved = condition_of(tellers.shape, [told["measured", "tracks", name]]).tracks
        assert moved is not None and moved.frames(0) == count
        expected = own[np.maximum(0, np.arange(count) - late)]
        assert (moved.read(0, 0, count) == expected).all() and (moved.read(0, 3, 6) == expected[3:6]).all()
        assert (told["measured", "tracks", name].fields == tellers.condition.fields[0]).all()


def test_another_sounds_tracks_are_of_the_nearest_length_among_those_unlike_it_and_fill_its_frames() -> None:
    tellers = tellers_of()
    tracks = tellers.condition.tracks
    assert tracks is not None
    nearest = {clip: tellers.of(clip, [other for other in range(4) if other != clip]) for clip in range(4)}
    assert [nearest[clip]["measured", "tracks", ANOTHER].sound for clip in range(4)] == [3, 3, 1, 1]
    moved = condition_of(tellers.shape, [nearest[2]["measured", "tracks", ANOTHER]]).tracks
    assert moved is not None and moved.frames(0) == tracks.frames(2) == 16 and tracks.frames(1) == 11
    assert (moved.read(0, 0, 11) == tracks.read(1, 0, 11)).all()
    assert (moved.read(0, 9, 16)[2:] == tracks.read(1, 10, 11)).all()
    assert not [key for key in tellers.of(0, []) if key[2] == ANOTHER]


def test_predicted_tracks_are_those_of_sound_that_is_asked_for() -> None:
    tellers = tellers_of()
    for key, telling in tellers.of(2, []).items():
        if key[0] == "predicted":
            values = zip(tellers.vocabulary.values.items(), telling.fields, strict=True)
            wanted = {field: known[value] for (field, known), value in values if value < len(known)}
            asked = ask(tellers.packed, tellers.vocabulary, [wanted], LENGTHS[2] + TAIL).condition
            assert asked is not None and same(window(tellers, telling), asked.window([0], [0], 400))


def test_predicted_tracks_are_those_of_its_own_phones_of_late_ones_or_of_another_sentence() -> None:
    tracks = {**told_toys.CONDITION["tracks"], "phones": {"kinds": 3, "neighbours": 1}, "array": 2}
    tellers = tellers_of(tracks=tracks)
    assert tellers.ways == ("measured", "predicted", "unknown")
    told = tellers.of(2, [0, 1])
    assert {key[1:] for key in told if key[0] == "predicted"} == {key[1:] for key in told if key[0] == "measured"}
    for key, telling in told.items():
        if key[0] != "predicted":
            continue
        measured = told["measured", *key[1:]]
        moved = condition_of(tellers.shape, [measured]).tracks
        assert moved is not None and telling.tracks is not None and telling.frames == measured.frames
        assert (telling.fields == measured.fields).all() and telling.unknown.tolist() == [False, False, False, True]
        expected, found = moved.read(0, 0, telling.frames), telling.tracks.read(0, 0, telling.frames)
        assert np.array_equal(found[:, :36], expected[:, :36])  # clock and phones
        given = {"clock": expected[:, :9], "phones": expected[:, 9:36]}
        assert np.array_equal(found, all_tracks(tellers.packed, given, telling.fields)) and not found[:, 42:].any()
        assert not np.allclose(found[:, 36:42], expected[:, 36:42], atol=0.1)
    right = told["predicted", *RIGHT]
    assert right.tracks is not None and tellers_of().of(2, [0]).keys() < told.keys()


def test_a_measured_pitch_is_told_beside_a_predicted_mel() -> None:
    tracks = {
        "clock": {"knots": 3},
        "phones": {"kinds": 3, "neighbours": 1},
        "mel": told_toys.CONDITION["tracks"]["mel"],
    }
    tellers = tellers_of(tracks=tracks | {"f0": {"low_hz": 80, "high_hz": 400}})
    right = tellers.of(2, [])["measured", *RIGHT]
    assert right.tracks is not None
    real = right.tracks.read(2, 0, right.frames)
    values = {}
    for name, measured in (("predicted", ()), ("measured", ("f0",))):
        told = following(tellers.packed, right, measured)
        assert told.tracks is not None and not told.unknown.any() and (told.fields == right.fields).all()
        values[name] = told.tracks.read(0, 0, told.frames)
    width = dict(tellers.shape.told.tracks)["f0"]
    assert np.array_equal(values["measured"][:, -width:], real[:, -width:])
    assert not np.allclose(values["predicted"][:, -width:], real[:, -width:], atol=0.05)
    assert np.array_equal(values["measured"][:, :-width], values["predicted"][:, :-width])  # F0 predicts no mel
    assert not np.allclose(values["measured"][:, -width - 6 : -width], real[:, -width - 6 : -width], atol=0.05)


def test_what_nothing_predicts_is_unknown_unless_it_is_measured() -> None:
    tracks = {"phones": {"kinds": 3, "neighbours": 1}, "f0": {"low_hz": 80, "high_hz": 400}, "array": 2}
    tellers = tellers_of(tracks=tracks, acoustic=None)
    right = tellers.of(1, [])["measured", *RIGHT]
    assert following(tellers.packed, right).unknown.tolist() == [False, True, True]
    assert following(tellers.packed, right, measured=("f0",)).unknown.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("condition", "ways"),
    [
        ({}, ("measured", "predicted", "unknown")),
        ({"acoustic": None}, ("measured", "unknown")),
        ({"acoustic": None, "tracks": {}, "hop_samples": None, "encoder": []}, ("none",)),
    ],
)
def test_what_is_unknown_is_told_nowhere(condition: dict[str, object], ways: tuple[str, ...]) -> None:
    tellers = tellers_of(**condition)
    told = tellers.of(0, [1])
    assert tellers.ways == ways and {key[0] for key in told} == {*ways, "unknown"}
    assert all((way, *RIGHT) in told for way in ways)
    nothing = window(tellers, told[NOTHING])
    assert same(nothing, Condition.nothing(tellers.shape, 1).window([0], [0], 400))
    if "unknown" in ways:
        assert not window(tellers, told["unknown", "", ""]).frames.any()


def test_parts_begin_with_a_frame_and_are_told_what_lies_there() -> None:
    tellers = tellers_of()
    condition, hop, tracks = tellers.condition, tellers.shape.hop, tellers.condition.tracks
    assert tracks is not None
    assert within(Span(2, hop + 1, 9 * hop), hop) == Span(2, 2 * hop, 9 * hop)
    assert within(Span(2, hop, 9 * hop), hop, 5) == Span(2, hop, hop + 5)
    assert within(Span(2, 1, hop - 1), hop) == Span(2, hop - 2, hop - 1)  # shorter than a frame
    parts = [Span(2, 2 * hop, 9 * hop), Span(0, 0, 3 * hop)]
    told = of_parts(condition, parts)
    assert told.tracks is not None and told.fields.tolist() == condition.fields[[2, 0]].tolist()
    assert [told.tracks.frames(row) for row in range(2)] == [tracks.frames(2) - 2, tracks.frames(0)]
    assert (told.tracks.read(0, 0, 4) == tracks.read(2, 2, 6)).all()
    hidden = np.zeros((4, len(condition.shape.told.tracks)), bool)
    hidden[2, 0] = True
    unknown = of_parts(Condition(condition.shape, condition.fields, tracks, hidden), parts).unknown
    assert unknown is not None and unknown.tolist() == hidden[[2, 0]].tolist()
    fields = of_parts(Condition(condition.shape, condition.fields), parts)
    assert fields.tracks is None and fields.fields.tolist() == condition.fields[[2, 0]].tolist()
