"""Words are found where they are said, by any of the ways to say them; what is not said is not found."""

from __future__ import annotations

import io
import json

import pytest
import spoken_toys

from wavenet.speech import english
from wavenet.speech.decoder import Decoder, serve

SEVEN, THREE = (("S", "EH", "V", "AH", "N"),), (("TH", "R", "IY"),)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    spoken_toys.needs_an_aligner()
    return Decoder()


def pcm(*words: str) -> bytes:
    return english.pcm(spoken_toys.spoken(words)[0])


def test_phones_follow_each_other_from_the_first_frame_to_the_last(decoder: Decoder) -> None:
    sound = pcm("seven", "three")
    found = decoder.find([("seven", SEVEN), ("three", THREE)], sound)
    assert found is not None
    assert [(name, word) for name, word, *_ in found if word >= 0] == [
        *((name, 0) for name in SEVEN[0]),
        *((name, 1) for name in THREE[0]),
    ]
    ends = [first + frames for _, _, first, frames, _ in found]
    assert [first for _, _, first, _, _ in found] == [0, *ends[:-1]]
    assert abs(ends[-1] - len(sound) / 2 / 160) <= 3 and found[0][1] == -1


def test_of_several_ways_to_say_a_word_the_one_that_was_said_is_found(decoder: Decoder) -> None:
    ways = (("B", "UW", "M"), SEVEN[0], THREE[0])
    found = decoder.find([("it", ways), ("it", ways), ("(a)", THREE)], pcm("seven", "three", "three"))
    assert found is not None
    said = [[name for name, of, *_ in found if of == word] for word in range(3)]
    assert said == [[*SEVEN[0]], [*THREE[0]], [*THREE[0]]]


def test_what_was_heard_before_changes_nothing(decoder: Decoder) -> None:
    words, sound = [("three", THREE), ("seven", SEVEN)], english.pcm(spoken_toys.spoken(["three", "seven"], take=11)[0])
    first = Decoder().find(words, sound)
    assert first is not None
    for _ in range(2):
        decoder.find([("seven", SEVEN)], pcm("seven"))
        assert decoder.find(words, sound) == first


def test_what_is_not_said_is_not_found_and_the_next_is(decoder: Decoder) -> None:
    words = [(str(number), SEVEN) for number in range(9)]
    assert decoder.find(words, pcm("three")) is None
    assert decoder.find([("three", THREE)], pcm("three")) is not None
    assert decoder.find([("nobody", (("S", "XX"),))], pcm("three")) is None  # it has no such phone


def test_it_answers_a_line_of_json_for_each_question_until_there_are_no_more() -> None:
    spoken_toys.needs_an_aligner()
    sound = pcm("three")
    line = json.dumps({"words": [("three", THREE)], "bytes": len(sound)}).encode() + b"\n"
    answers = io.BytesIO()
    serve(io.BytesIO(2 * (line + sound)), answers)
    first, second = map(json.loads, answers.getvalue().splitlines())
    assert first == second and [name for name, word, *_ in first if word == 0] == [*THREE[0]]
