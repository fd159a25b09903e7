"""Text in pieces: cut at pauses and where sentences are long, made one by one, and what is refused at once."""

from __future__ import annotations

import phone_toys
import pytest

from wavenet.errors import InputError
from wavenet.generate.pieces import PART_SECONDS, SENTENCE_SECONDS, Piece, of_phones, of_text
from wavenet.speech import pronounce
from wavenet.speech.normal import Sentence
from wavenet.speech.pronounce import Spoken

TEXT = "Bobby, be Bob. Bee! Bob be [pause 0.2s] Bobby."


def names(piece: Piece) -> str:
    return " ".join(phone.name for phone in piece.phones)


def of(text: str, silence: float = SENTENCE_SECONDS) -> list[Piece]:
    return [*of_text(text, silence)]


def test_sentences_and_pauses_that_are_asked_for_cut_a_text() -> None:
    found = of(TEXT, 0.5)
    assert [names(one) for one in found] == [
        "sil B AA B IY sil B IY B AA B sil",
        "sil B IY sil",
        "sil B AA B B IY sil",
        "sil B AA B IY sil",
    ]
    assert [one.number for one in found] == [0, 1, 2, 3] and [one.rest for one in found] == [0.5, 0.5, 0.2, 0.5]


def test_a_pause_may_stand_alone_or_at_the_beginning() -> None:
    found = of("[pause 0.3s] Bob [pause 1s]", 0.5)
    assert [(names(one), one.rest) for one in found] == [("", 0.3), ("sil B AA B sil", 1.0)]


def test_long_sentences_are_said_in_parts() -> None:
    found = of("Bob " * 90 + ".", 0.5)
    assert len(found) == 3 and [one.rest for one in found] == [PART_SECONDS, PART_SECONDS, 0.5]
    assert sum(not phone.silent for one in found for phone in one.phones) == 270


@pytest.mark.parametrize("text", ["", " \n ", "...", "[pause 1s]"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no words"):
        of_text(text)


def test_what_has_no_sound_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"sentence 2.*cyrillic capital letter be"):
        of_text("Bob. \u0411\u043e\u0431.")


def test_words_of_no_dictionary_are_told(caplog: pytest.LogCaptureFixture) -> None:
    of("Bob zorblaxian.")
    assert caplog.messages == ["said by rule, since no dictionary has them: zorblaxian"]


def test_phones_that_are_written_out_are_one_piece() -> None:
    (one,) = of_phones("B IY , B AA1", phone_toys.NAMES, 0.5)
    assert names(one) == "sil B IY sil B AA sil" and one.rest == 0.5 and one.phones[5].stress == 1
    with pytest.raises(InputError, match="'HH'"):
        of_phones("HH IY", phone_toys.NAMES)


def test_a_piece_is_made_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    said, spoken = list[str](), pronounce.spoken

    def watched(one: Sentence) -> Spoken:
        said.append(one.text)
        return spoken(one)

    monkeypatch.setattr(pronounce, "spoken", watched)
    found = of_text("[pause 1s]\n\nBob. Bee! Be.")
    assert said == ["[pause 1s]", "Bob."] and [names(next(found)) for _ in range(2)] == ["", "sil B AA B sil"]
    assert names(next(found)) == "sil B IY sil" and said[2:] == ["Bee!"]


def test_how_a_word_is_said_may_stand_in_a_text() -> None:
    assert [names(one) for one in of("Bee [[b aa b , b]]. [[B]]")] == ["sil B IY B AA B sil B sil", "sil B sil"]
    with pytest.raises(InputError, match=r"in '\[\[BB IY\]\]': got the phone 'BB' \(did you mean 'B'"):
        of_text("Bob. " * 20 + "Bob [[BB IY]].")
