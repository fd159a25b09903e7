"""Phones as they are written: words and pauses in order, and one word of them among written ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.errors import InputError
from wavenet.speech import symbols
from wavenet.speech.dictionary import CONSONANTS, VOWELS
from wavenet.speech.phones import Phone


def test_words_are_numbered_and_pauses_stand_between() -> None:
    assert [*symbols.read(", hh ah1 _ _ K | , W")] == [
        ",",
        (Phone("HH", 0, 0), Phone("AH", 1, 0)),
        (Phone("K", 0, 1),),
        ";",
        ",",
        (Phone("W", 0, 2),),
    ]


def test_no_word_is_too_long_to_be_said_at_once() -> None:
    words = [*symbols.read("K " * 2 * symbols.LONGEST + "W")]
    assert [len(word) for word in words] == [symbols.LONGEST, symbols.LONGEST, 1]
    assert [word[0].word for word in words if not isinstance(word, str)] == [0, 1, 2]


@pytest.mark.parametrize(("text", "told"), [(" _ ,", "got no phones in ' _ ,'"), ("K BB", "the phone 'BB' .did you")])
def test_what_is_no_phone_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        [*symbols.read(text)]


SOUNDS = st.one_of(
    st.builds(Phone, st.sampled_from(CONSONANTS), st.just(0), st.just(3)),
    st.builds(Phone, st.sampled_from(VOWELS), st.integers(0, 2), st.just(3)),
)


@given(st.lists(SOUNDS, min_size=1, max_size=9))
def test_a_word_among_others_keeps_phones_and_stress(word: list[Phone]) -> None:
    shown = symbols.joined(word)
    assert symbols.parted(shown, 3) == tuple(word) and not set(shown) & set(" ,|_")


def test_other_words_are_no_phones() -> None:
    assert symbols.parted("hello") == symbols.parted("b.") == ()
