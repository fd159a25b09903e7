"""Text, or phones that are written out, in the pieces that are said in one go: a sentence or a part of one each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wavenet.errors import InputError
from wavenet.progress import log
from wavenet.speech import SILENCE, Phone
from wavenet.text import some

if TYPE_CHECKING:
    from wavenet.speech.pronounce import Spoken

SHOWN = 5  # words that one line names
SENTENCE_SECONDS = 0.35  # of silence between two sentences
PART_SECONDS = 0.1  # between two parts of a long one


@dataclass(frozen=True)
class Piece:
    """What is said in one go."""

    number: int  # in the text, from 0
    phones: tuple[Phone, ...]  # with a pause at either end; none where there is only silence
    rest: float  # seconds of silence behind it


def of_text(text: str, silence: float = SENTENCE_SECONDS) -> Iterator[Piece]:
    """Return the pieces of a text, each made when it is asked for, so that a long text can be begun at once.

    What is wrong with the text is raised at once. Words that no dictionary has are warned of at its end.

    Args:
        text: English, of any length.
        silence: seconds behind each sentence.

    Raises:
        InputError: there is nothing to say, or something that has no sound in English; or a package is missing.
    """
    made, first = _of_text(text, silence), list[Piece]()
    for one in made:
        first.append(one)
        if one.phones:
            return itertools.chain(first, made)
    raise InputError("the text has no words; give some")


def _of_text(text: str, silence: float) -> Iterator[Piece]:
    from wavenet.speech import normal, pronounce

    by_rule, number = dict[str, None](), 0
    for sentence in normal.sayable(text):
        parts = [pronounce.spoken(part) for part in normal.parts(sentence)]
        for part in parts:
            by_rule |= dict.fromkeys(part.by_rule)
            found = pieces(part, number, silence if part is parts[-1] else PART_SECONDS)
            yield from found
            number += len(found)
    if by_rule:
        log.warning("said by rule, since no dictionary has them: %s", some([*by_rule], SHOWN))


def of_phones(text: str, known: Sequence[str], silence: float = SENTENCE_SECONDS) -> Iterator[Piece]:
    """Return the pieces of phones that are written out, such as ``HH AH L OW1 _ W ER1 L D`` (`speech/typed.py`).

    Raises:
        InputError: one of them is not known.
    """
    from wavenet.speech import typed

    return iter(pieces(typed.parse(text, [name for name in known if name != SILENCE]), 0, silence))


def pieces(spoken: Spoken, number: int, rest: float) -> list[Piece]:
    """Return a sentence, or a part of one, cut at the pauses whose seconds are asked for."""
    found: list[Piece] = []
    phones: list[Phone] = []
    pauses = iter(spoken.pauses)
    for phone in spoken.phones:
        asked = next(pauses).seconds if phone.silent else None
        if asked is None:
            phones.append(phone)
        else:
            found.append(_piece(number + len(found), phones, asked))
            phones = []
    if phones:
        found.append(_piece(number + len(found), phones, rest))
    elif found and spoken.pauses[-1].seconds is None:
        found[-1] = replace(found[-1], rest=found[-1].rest + rest)
    return found


def _piece(number: int, phones: Sequence[Phone], rest: float) -> Piece:
    """Return a piece with one pause at either end; it may hold no word, and is then silence alone."""
    spoken = [at for at, phone in enumerate(phones) if not phone.silent]
    own = phones[spoken[0] : spoken[-1] + 1] if spoken else ()
    pause = Phone(SILENCE)
    return Piece(number, (pause, *own, pause) if own else (), rest)
