"""How words are said: alternatives, stress, and words that no dictionary has."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.speech import dictionary, espeak, normal, pronounce
from wavenet.speech.dictionary import PHONES, VOWELS
from wavenet.speech.phones import SILENCE, Phone

pytestmark = pytest.mark.usefixtures("english")


def written(phones: tuple[Phone, ...]) -> str:
    return " ".join(f"{phone.name}{phone.stress}" if phone.name in VOWELS else phone.name for phone in phones)


def test_a_word_has_alternatives() -> None:
    assert [len(way) for way in pronounce.alternatives("hello", 3)] == [4, 4]
    assert {phone.word for way in pronounce.alternatives("hello", 3) for phone in way} == {3}


@pytest.mark.parametrize(
    "word, phones",
    [
        ("kathleen's", "K AE0 TH L IY1 N Z"),
        ("pascal's", "P AE0 S K AE1 L Z"),
        ("springtime's", "S P R IH1 NG T AY2 M Z"),
        ("eggwhite's", None),  # not the dictionary's without 's either
        ("catalyst's", "K AE1 T AH0 L IH2 S T S"),
        ("ambush's", "AE1 M B UH2 SH IH0 Z"),
        ("a.", "EY1"),
        ("f.'s", "EH1 F S"),
    ],
)
def test_words_with_s_are_said_as_those_without(word: str, phones: str | None) -> None:
    assert phones is None or written(pronounce.alternatives(word)[0]) == phones
    assert bool(pronounce._from_dictionary(word)) == (phones is not None)


def test_words_of_grammar_are_unstressed() -> None:
    assert list(map(written, pronounce.alternatives("and"))) == ["AH0 N D", "AE0 N D"]
    assert list(map(written, pronounce.alternatives("the"))) == ["DH AH0", "DH IY0"]


def test_a_word_that_no_dictionary_has_is_said_by_rule() -> None:
    assert list(map(written, pronounce.alternatives("wavenet"))) == ["W EY1 V N IH0 T"]


@pytest.mark.parametrize(
    "word, heard, stressed",
    [
        ("wavenet", "W EY V N IH T", "W EY1 V N IH0 T"),
        ("wavenet", "W EH V N AH T", "W EH1 V N AH0 T"),  # as many vowels
        ("wavenet", "V AH N IY T AA", "V AH1 N IY0 T AA0"),  # other vowels
        ("to", "T AH", "T AH0"),
        ("shh", "SH", "SH"),
    ],
)
def test_phones_that_were_heard_are_given_stress(word: str, heard: str, stressed: str) -> None:
    assert written(pronounce.stressed(word, heard.split())) == stressed


def said(text: str) -> str:
    """Return the phones of one sentence, with ``|`` between words and the marks of its pauses."""
    (sentence,) = normal.read(text)
    spoken, shown = pronounce.spoken(sentence), []
    pauses, word = iter(spoken.pauses), 0
    for phone in spoken.phones:
        if phone.word not in (-1, word):
            shown.append("|")
            word = phone.word
        pause = next(pauses) if phone.silent else None
        shown.append(f"{pause.mark}{pause.seconds or ''}" if pause else written((phone,)))
    assert next(pauses, None) is None
    return " ".join(shown)


@pytest.mark.parametrize(
    "text, phones",
    [
        ("Hello, world.", "HH AH0 L OW1 , | W ER1 L D ."),
        ("The end!", "DH IY0 | EH1 N D !"),
        ("The, end?", "DH AH0 , | EH1 N D ?"),
        ("The cat", "DH AH0 | K AE1 T ."),
        ("[pause 2s] A cat [pause .5s] sat: down", "2.0 AH0 | K AE1 T 0.5 | S AE1 T ; | D AW1 N ."),
    ],
)
def test_sentences_in_phones(text: str, phones: str) -> None:
    assert said(text) == phones


def test_the_words_that_no_dictionary_has_are_told() -> None:
    (sentence,) = normal.read("Wavenets say zzyzx, zzyzx and Kathleen's cats.")
    assert pronounce.spoken(sentence).by_rule == ("wavenets", "zzyzx")


def test_a_sentence_of_pauses_alone_is_silence() -> None:
    (sentence,) = normal.read("[pause 1s]")
    assert pronounce.spoken(sentence).phones == (Phone(SILENCE),)


@given(st.text(max_size=60))
def test_any_text_has_phones_for_every_word(text: str) -> None:
    for sentence in normal.read(text):
        for part in normal.parts(sentence, 5):
            spoken = pronounce.spoken(part)
            words = [phone.word for phone in spoken.phones if not phone.silent]
            assert words == sorted(words) and set(words) == set(range(len(part.words)))
            assert {phone.name for phone in spoken.phones} <= {*PHONES, SILENCE}
            assert all(phone.stress == 0 or phone.name in VOWELS for phone in spoken.phones)
            assert sum(phone.silent for phone in spoken.phones) == len(spoken.pauses)


@pytest.mark.real_audio
def test_all_words_of_a_real_corpus_have_phones_most_by_the_dictionary(real_audio: Path) -> None:
    table = real_audio / "kathleen" / "metadata.csv"
    if not table.exists():
        pytest.skip("no recordings with text here")
    with table.open(encoding="utf-8", newline="") as rows:
        texts = [row["text"] for row in csv.DictReader(rows)]
    count, by_rule = 0, set()
    for text in texts:
        for sentence in normal.read(text):
            spoken = pronounce.spoken(sentence)
            assert sentence.unsaid == ()
            assert {phone.word for phone in spoken.phones if not phone.silent} == set(range(len(sentence.words)))
            count += len(sentence.words)
            by_rule.update(spoken.by_rule)
    assert count > 8 * len(texts) and len(by_rule) < 20


def test_stress_is_nearly_always_where_rules_have_it_too() -> None:
    """Two sources that know nothing of each other agree: the dictionary's stress is read rightly."""
    words = [word for word in dictionary._entries() if word.isalpha()]
    agreed = compared = 0
    for word in random.Random(2).sample(words, 1_000):
        ours, rule = (
            [s for name, s in way if name in VOWELS] for way in (dictionary.entries(word)[0], espeak.by_rule(word))
        )
        if len(ours) == len(rule) and 1 in ours and 1 in rule:
            compared += 1
            agreed += ours.index(1) == rule.index(1)
    assert compared > 900 and agreed > 0.85 * compared
