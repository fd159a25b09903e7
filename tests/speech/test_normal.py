"""Text as it is said: words, pauses, parts, and what cannot be said."""

# ruff: noqa: RUF001 - letters of other alphabets
from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.errors import InputError
from wavenet.speech import characters, normal
from wavenet.speech.normal import Pause, Sentence

pytestmark = pytest.mark.usefixtures("english")

LETTERS = ("Lu", "Ll", "Lt", "Lo", "Nd")
WORD = re.compile(r"'?[a-z]+(?:'[a-z]+)*|[a-z]\.(?:'s)?")


def said(sentence: Sentence) -> str:
    """Return the words of a sentence with the marks and seconds of its pauses."""
    shown = []
    for at, word in enumerate(["", *sentence.words]):
        rests = [f"{pause.mark}{pause.seconds or ''}" for pause in sentence.pauses if pause.after == at]
        shown += [part for part in (word, *rests) if part]
    return " ".join(shown)


@pytest.mark.parametrize(
    "text, words",
    [
        ("Hello, world", "hello , world ."),
        ("One; two: three - four -- five \u2014 six\u2026 seven", "one ; two ; three ; four ; five ; six ; seven ."),
        ("Is it (really) so?", "is it , really , so ?"),
        ("(So) it was!", "so , it was !"),
        ("What?!", "what ?"),
        ("\u201cStop!\u201d he said.", "stop ! he said ."),
        ("\u201cStop.\u201d he said", "stop , he said ."),
        ("Well-known 'quotes' don't, o'clock dogs'", "well known quotes don't , o'clock dogs ."),
        ("'Tis the rock 'n' roll", "'tis the rock 'n roll ."),
        ("As follows:", "as follows ."),
        ("one,,,; two", "one ; two ."),
        ("Look 😀 here", "look , grinning face , here ."),
        ("[pause 1s] Yes [pause .5s] you, [pause 0.2s] [Pause 2s] two [pause 3s]?", "1.0 yes 0.5 you ,2.2 two ?3.0"),
        ("[pause 1s]", "1.0"),
        ("[pause here] [so]", "pause here , so ."),
        ("I [[R EH1 D]] it.", "i [[R-EH1-D]] it ."),
        ("[[hh ah l ow , w er l d | k]], [[B _ K]]!", "[[HH-AH1-L-OW0]] , [[W-ER1-L-D]] ; [[K]] , [[B]] [[K]] !"),
        ("one[[ AH0\nN ]][pause 1s][[K]]", "one [[AH0-N]] 1.0 [[K]] ."),
        ("[[ K", "k. ."),
    ],
)  # fmt: skip
def test_words_and_pauses(text: str, words: str) -> None:
    assert [said(sentence) for sentence in normal.read(text)] == [words]


@pytest.mark.parametrize(
    "text, words",
    [
        ("the US and IT, not us or it", "the u. s. and i. t. not us or it"),
        ("GIVE IT TO US FOR $5", "give it to us for five dollars"),
        ("Vitamin A is, or A, or A", "vitamin a. is or a. or a."),
        ("A dog, a cat, What A Day", "a dog a cat what a day"),
        ("WHAT A DAY", "what a day"),
        ("vitamins B and A.", "vitamins b. and a."),
    ],
)
def test_large_letters(text: str, words: str) -> None:
    assert " ".join(normal.read(text)[0].words) == words


def test_sentences_keep_their_text_and_those_without_words_are_left_out() -> None:
    read = normal.read("Dr. Who?\n\n***\n\n-- \u201cYes.\u201d")
    assert [(sentence.text, sentence.words) for sentence in read] == [
        ("Dr. Who?", ("doctor", "who")),
        ("-- \u201cYes.\u201d", ("yes",)),
    ]
    assert normal.read("") == normal.read(" \n\n ...") == ()


def test_what_cannot_be_said_is_told() -> None:
    read = normal.read("Hello. Привет, Tom. Пока! 日本")
    assert [sentence.unsaid for sentence in read] == [(), tuple("Привет"), tuple("Пока"), tuple("日本")]
    assert read[1].words == ("tom",)
    with pytest.raises(InputError) as caught:
        normal.refuse_unsaid(read)
    assert str(caught.value) == (
        "sentence 2, 'Привет, Tom.' (and 2 sentences like it), has characters that English has no sound for:"
        " 'П' (cyrillic capital letter pe), 'р' (cyrillic small letter er), 'и' (cyrillic small letter i) and 3 more;"
        " write it in Latin letters or leave it out"
    )
    normal.refuse_unsaid(normal.read("Café 😀"))


@pytest.mark.parametrize("pause", ["0s", "61s", "500ms", "1", "1,5s", "-1s", "0.0001s"])
def test_pauses_in_another_form_are_refused(pause: str) -> None:
    with pytest.raises(
        InputError, match=re.escape(f"got the pause '[pause {pause}]', expected above 0 and at most 60")
    ):
        normal.read(f"Hello [pause {pause}] world")


@pytest.mark.parametrize(
    "text, words",
    [
        ("5/11/2026", "may eleventh , twenty twenty six"),
        ("05/11/26", "may eleventh , twenty six"),
        ("25/12/2026", "december twenty fifth , twenty twenty six"),  # no month has the number 25
        ("2026-11-05", "november fifth , twenty twenty six"),
        ("5/11", "five elevenths"),
    ],
)
def test_dates_are_read_as_americans_write_them(text: str, words: str) -> None:
    (sentence,) = normal.read(text)
    assert said(sentence) == f"{words} ."


@pytest.mark.parametrize("phones", ["BOB", "", " , ", "B1", "\u0431"])
def test_what_holds_no_phones_is_refused_with_its_place(phones: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"in '[[{phones}]]': got ")):
        normal.read(f"One. [[{phones}]]")


def test_sentences_are_read_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read, of = list[str](), normal._sentence

    def watched(text: str) -> Sentence:
        read.append(text)
        return of(text)

    monkeypatch.setattr(normal, "_sentence", watched)
    found = normal.sayable("One. Two. Three.")
    assert read == [] and next(found).words == ("one",) and read == ["One."]
    assert [one.words for one in found] == [("two",), ("three",)]
    for wrong in ("[pause 99s]", "[[X]]", "\u0431"):
        with pytest.raises(InputError):
            normal.sayable("One. Two. " + wrong)


@given(st.text())
def test_a_text_can_be_said_if_all_its_sentences_can(text: str) -> None:
    wrong = any(sentence.unsaid for sentence in normal.read(text))
    try:
        assert [*normal.sayable(text)] == [*normal.read(text)]
    except InputError:
        assert wrong
    else:
        assert not wrong


def test_a_long_sentence_is_said_in_parts() -> None:
    (sentence,) = normal.read("[pause 1s] " + "word " * 100 + ", " + "more " * 30 + "!")
    parts = normal.parts(sentence)
    assert [len(part.words) for part in parts] == [33, 33, 34, 30]
    assert [part.pauses[-1] for part in parts] == [Pause(33, ","), Pause(33, ","), Pause(34, ","), Pause(30, "!")]
    assert parts[0].pauses[0] == Pause(0, "", 1.0)
    assert normal.parts(sentence, 1_000) == (sentence,)


def test_parts_end_at_pauses_where_there_are_some() -> None:
    (sentence,) = normal.read("one two, three four; five six seven eight")
    assert [" ".join(part.words) for part in normal.parts(sentence, 5)] == [
        "one two three four",
        "five six seven eight",
    ]
    assert [" ".join(part.words) for part in normal.parts(sentence, 3)] == [
        "one two",
        "three four",
        "five six",
        "seven eight",
    ]


def check(text: str, most: int) -> None:
    for sentence in normal.read(text):
        assert all(WORD.fullmatch(word) for word in sentence.words), sentence.words
        places = [pause.after for pause in sentence.pauses]
        assert places == sorted(set(places)) and set(places) <= set(range(len(sentence.words) + 1))
        assert not sentence.words or (places[-1] == len(sentence.words) and sentence.pauses[-1].mark in (".", "?", "!"))
        assert set(sentence.unsaid) <= set(sentence.text)
        parts = normal.parts(sentence, most)
        assert tuple(word for part in parts for word in part.words) == sentence.words
        assert all(len(part.words) <= most for part in parts)
        assert all(part.pauses[-1].after == len(part.words) for part in parts if part.words)


@given(st.text(), st.integers(1, 9))
def test_any_text_is_said_or_told(text: str, most: int) -> None:
    check(text, most)
    kept = "".join(sentence.text for sentence in normal.read(text))
    assert [c for c in kept if unicodedata.category(c) in LETTERS] == [
        c for c in text if unicodedata.category(c) in LETTERS
    ]


PIECES = (
    *(
        "Dr. ",
        "$5",
        ".20",
        "1,234",
        "-",
        "3",
        "May ",
        "10:30",
        " am",
        "km",
        "%",
        "[pause 1s]",
        "XIV",
        "a@b.com",
        "'",
        '"',
    ),
    *(
        "\u2013",
        "/",
        "#",
        "°",
        "USA",
        "the ",
        "A ",
        "\n\n",
        "... ",
        "?",
        "é",
        "я",
        "😀",
        "½",
        "e.g. ",
        "St. ",
        "0",
        "x",
        "¢",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.integers(1, 9))
def test_any_mixture_of_what_has_rules(text: str, most: int) -> None:
    check(text, most)


@given(
    st.lists(st.sampled_from(["apple", "banana", "cherry", "damson", "elder", "fig", "grape"]), min_size=1, max_size=99)
)
def test_words_keep_their_order(words: list[str]) -> None:
    (sentence,) = normal.read(" ".join(words))
    assert list(sentence.words) == words


def test_a_long_text_takes_little_time() -> None:
    prose = "Dr. Smith paid $5.20 for 3 km of rope on 3 May 1984, at 10:30 am; nobody (not even Tom) knew why. "
    text = prose * (100_000 // len(prose))
    before = time.process_time()
    read = normal.read(text)
    assert time.process_time() - before < 8  # 0.7 s where nothing else runs
    assert len(read) == len(text) // len(prose) and len({sentence.words for sentence in read}) == 1


@pytest.mark.parametrize(
    "piece",
    ["1,", "1 ", "1.", "a.", "a@", "(", "x-", "1/", "$", "A ", "http://", "= ", "[pause ", "'", "Dr. ", "10:", "[[K "],
)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    before = time.process_time()
    for sentence in normal.read(piece * (20_000 // len(piece))):
        assert all(len(part.words) <= normal.LONGEST_PART for part in normal.parts(sentence))
    assert time.process_time() - before < 8  # 0.3 s at most


def test_control_characters_cannot_pass_for_marks() -> None:
    (sentence,) = normal.read(f"ab{characters.LETTER} cd")
    assert sentence.words == ("ab", "cd")
