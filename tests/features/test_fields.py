"""Held: what is known of a sound becomes a number, the same for the same value; what is not known is unknown."""

from __future__ import annotations

from pathlib import Path

import feature_toys
import note_toys
import numpy as np
import pytest
import toys

from wavenet.audio.layouts import Clip
from wavenet.errors import InputError, SoundError
from wavenet.features.fields import Fields, counts, ids_of, ordered

VOCABULARY = {"speaker": ["george", "jackson", "theo"], "label": ["7", "10"]}


def clip(name: str, speaker: str | None = None, label: str | None = None, **columns: str) -> Clip:
    return Clip(Path(name), name, speaker, label, columns=tuple(columns.items()))


CLIPS = [
    clip("a", "theo", "10", pitch="60"),
    clip("b", "george", "7", pitch="9"),
    clip("c", "jackson", None, pitch="60"),
    clip("d", None, "7"),
]


def test_numbers_are_places_among_the_sorted_values_and_what_is_missing_is_unknown() -> None:
    recipe = feature_toys.recipe(fields={"speaker": 3, "label": 2, "pitch": 5})
    found = Fields.of_clips(recipe, CLIPS)
    assert found.vocabulary == {**VOCABULARY, "pitch": ["9", "60"]}
    assert found.ids.tolist() == [[2, 1, 1], [0, 0, 0], [1, 2, 1], [3, 0, 5]]
    assert found.ids.dtype == np.int64


def test_a_field_of_no_values_is_unknown_throughout(said: list[str]) -> None:
    recipe = feature_toys.recipe(fields={"speaker": 3, "mood": 0, "label": 0})
    found = Fields.of_clips(recipe, CLIPS)
    assert found.vocabulary == {"speaker": VOCABULARY["speaker"], "mood": [], "label": []}
    assert found.ids.tolist() == [[2, 0, 0], [0, 0, 0], [1, 0, 0], [3, 0, 0]]
    assert said == ["1 of 4 sounds has no speaker: it is unknown there"]
    with pytest.raises(InputError, match="knows no label '7'; it knows none"):
        ids_of(recipe, {"label": 7}, found.vocabulary)


def test_values_are_counted() -> None:
    assert counts(("speaker", "label", "pitch", "mood"), CLIPS) == [3, 2, 2, 0]


def test_the_order_of_clips_changes_no_number() -> None:
    recipe = feature_toys.recipe(fields={"speaker": 3, "label": 2})
    turned = Fields.of_clips(recipe, CLIPS[::-1])
    assert turned.vocabulary == VOCABULARY
    assert np.array_equal(turned.ids[::-1], Fields.of_clips(recipe, CLIPS).ids)


@pytest.mark.parametrize(
    ("values", "order"),
    [
        ({"10", "9", "-1.5"}, ["-1.5", "9", "10"]),
        ({"10", "9", "b"}, ["10", "9", "b"]),
        ({"B0", "A0", None}, ["A0", "B0"]),
        ({"1e2", "7", "07"}, ["07", "7", "1e2"]),
        ({"nan", "1", "0"}, ["0", "1", "nan"]),
        ({None}, []),
    ],
)
def test_values_that_are_all_numbers_are_sorted_as_such(values: set[str | None], order: list[str]) -> None:
    assert ordered(values) == order


def test_the_vocabulary_of_a_model_holds_and_what_it_lacks_is_unknown_and_told(said: list[str]) -> None:
    recipe = feature_toys.recipe(fields={"speaker": 3, "label": 4})
    found = Fields.of_clips(recipe, [*CLIPS, clip("e", "lucas", "7")], VOCABULARY)
    assert found.vocabulary == VOCABULARY
    assert found.ids.tolist() == [[2, 1], [0, 0], [1, 4], [3, 0], [3, 0]]
    assert said[0] == "1 of 5 sounds has no speaker: it is unknown there" and "no label" in said[2]
    assert said[1:4:2] == [
        "1 value of speaker (lucas) is unknown to the network: no sound that it learns from has it",
    ]


def test_of_sound_that_says_nothing_of_itself_a_model_is_told_nothing() -> None:
    found = Fields.of_clips(feature_toys.recipe(fields={"speaker": 3, "label": 4}), [clip("a")], VOCABULARY)
    assert found.ids.tolist() == [[3, 4]] and found.vocabulary == VOCABULARY


def test_a_value_of_held_out_sound_alone_is_unknown(said: list[str]) -> None:
    recipe = feature_toys.recipe(fields={"pitch": 1})
    found = Fields.of_clips(recipe, CLIPS, trained=[0, 2])
    assert found.vocabulary == {"pitch": ["60"]} and found.ids[:, 0].tolist() == [0, 1, 0, 1]
    assert said[1:] == ["1 value of pitch (9) is unknown to the network: no sound that it learns from has it"]


def test_more_values_than_sized_are_refused_with_the_number_to_write() -> None:
    recipe = feature_toys.recipe(fields={"speaker": 2})
    with pytest.raises(SoundError) as caught:
        Fields.of_clips(recipe, CLIPS)
    assert str(caught.value) == (
        "condition.fields has room for 2 values of speaker, but the sound has 3; --set condition.fields.speaker=3 "
        "makes room"
    )


def test_fewer_values_are_told_and_leave_the_last_number_to_unknown(caplog: pytest.LogCaptureFixture) -> None:
    found = Fields.of_clips(feature_toys.recipe(fields={"speaker": 9}), CLIPS)
    assert found.ids[:, 0].tolist() == [2, 0, 1, 9]
    assert caplog.messages == [
        "condition.fields.speaker is 9, but the sound has 3: the rest stay untrained",
        "1 of 4 sounds has no speaker: it is unknown there",
    ]


def test_sounds_that_lack_a_value_are_counted(said: list[str]) -> None:
    Fields.of_clips(feature_toys.recipe(fields={"speaker": 3}), [*CLIPS, clip("e"), clip("f")])
    assert said == ["3 of 6 sounds have no speaker: it is unknown there"]
    Fields.of_clips(feature_toys.recipe(fields={"speaker": 3}), CLIPS[:3])
    assert len(said) == 1


def test_a_field_that_nothing_is_known_of_names_those_there_are() -> None:
    with pytest.raises(SoundError) as caught:
        Fields.of_clips(feature_toys.recipe(fields={"pitsh": 2}), CLIPS, columns=("velocity", "take"))
    assert str(caught.value) == (
        "condition.fields names 'pitsh', of which nothing is known for this sound (did you mean 'pitch'?); it has "
        "speaker, label, pitch, take, velocity; choose among these, or add a column to its metadata.csv"
    )
    tree = feature_toys.condition() | {"fields": {"label": 2}, "columns": {"label": "pitsh"}, "acoustic": None}
    with pytest.raises(SoundError, match=r"condition\.columns\.label is 'pitsh', of which nothing .*mean 'pitch'"):
        Fields.of_clips(toys.recipe(condition=tree), CLIPS)
    with pytest.raises(SoundError, match="; it has none; choose"):
        Fields.of_clips(feature_toys.recipe(fields={"speaker": 2}), [clip("a")])


def test_what_is_asked_for_is_found_by_its_text_or_number() -> None:
    recipe = feature_toys.recipe(fields={"speaker": 5, "label": 2})
    assert ids_of(recipe, {"speaker": "jackson", "label": 7}, VOCABULARY).tolist() == [1, 0]
    assert ids_of(recipe, {"label": "07"}, VOCABULARY).tolist() == [5, 0]
    assert ids_of(recipe, {"label": 10.0}, VOCABULARY).tolist() == [5, 1]
    assert ids_of(recipe, {}, VOCABULARY).tolist() == [5, 2]
    assert ids_of(toys.recipe(), {}, {}).tolist() == []


def test_a_note_that_no_training_sound_had_is_unknown_but_no_mistake() -> None:
    made, known = note_toys.recipe(), {"pitch": ["57", "60"], "touch": ["hard"]}
    assert ids_of(made, {"pitch": "060"}, known).tolist() == [1, 2]
    assert ids_of(made, {"pitch": 58.5, "touch": "hard"}, known).tolist() == [5, 0]
    for wrong in ("C4", 128, "nan"):
        with pytest.raises(
            InputError, match=r"^pitch is '.*', expected a MIDI note, 0 to 127 \(69 is 440 Hz\); give a"
        ):
            ids_of(made, {"pitch": wrong}, known)
    with pytest.raises(InputError, match="the model knows no touch '60'; it knows hard"):
        ids_of(made, {"touch": 60}, known)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"speeker": "theo"}, "no field 'speeker' (did you mean 'speaker'?); it is told speaker, label"),
        ({"speaker": "jacson"}, "no speaker 'jacson' (did you mean 'jackson'?); it knows george, jackson, theo"),
        ({"label": 8}, "the model knows no label '8'; it knows 7, 10"),
        ({"label": None}, "the model knows no label 'None'; it knows 7, 10"),
    ],
)
def test_unknown_names_and_values_are_one_sentence_with_a_guess(asked: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as caught:
        ids_of(feature_toys.recipe(fields={"speaker": 3, "label": 2}), asked, VOCABULARY)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_model_without_fields_says_so() -> None:
    with pytest.raises(InputError, match="no field 'speaker'; it is told no fields"):
        ids_of(toys.recipe(), {"speaker": "theo"}, {})


def test_any_column_of_a_table_is_a_field_and_only_what_is_asked_for_is_kept(tmp_path: Path) -> None:
    toys.write_sounds(tmp_path, 6)
    rows = "".join(f"sound{i}.wav,{60 + i % 3},soft,{'ab'[i % 2]}\n" for i in range(6))
    (tmp_path / "metadata.csv").write_text(f"path,pitch,Velocity Layer,speaker\n{rows}", encoding="utf-8")
    recipe = feature_toys.recipe(tmp_path, fields={"pitch": 3, "speaker": 2, "velocity_layer": 1})
    found = feature_toys.gathered(recipe, tmp_path / "cache")
    known = Fields.of_clips(recipe, found.clips)
    assert known.vocabulary == {"pitch": ["60", "61", "62"], "speaker": ["a", "b"], "velocity_layer": ["soft"]}
    assert known.ids.tolist() == [[0, 0, 0], [1, 1, 0], [2, 0, 0], [0, 1, 0], [1, 0, 0], [2, 1, 0]]
    assert found.source.columns == ("pitch", "velocity_layer")
    assert found.clips[0].columns == (("pitch", "60"), ("velocity_layer", "soft"))
    plain = feature_toys.gathered(toys.recipe(data={"path": str(tmp_path)}), tmp_path / "cache")
    assert plain.clips[0].columns == ()
