"""Text of any language that espeak-ng knows -> phones of espeak-ng, as a voice says it that learned such phones.

English has a reader of its own (`normal.py`) and the phones of a dictionary (`pronounce.py`). Here espeak-ng reads all,
numbers and signs too, in its language; where sentences end and pauses lie is read off the marks of a text.
"""

# ruff: noqa: RUF002 - letters of phonetics look like others
from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from wavenet.errors import InputError
from wavenet.speech import espeak, normal, sentences, spelling
from wavenet.speech.normal import Line, Sentence
from wavenet.speech.phones import SILENCE, Phone
from wavenet.speech.pronounce import Spoken
from wavenet.text import one_line

OTHER_MARKS = {  # as those of Latin texts, with the space behind them
    **{"\u3002": ". ", "\u0964": ". ", "\uff01": "! ", "\uff1f": "? ", "\u061f": "? ", "\u2026": "... "},
    **{"\u3001": ", ", "\uff0c": ", ", "\u060c": ", ", "\uff1a": ": ", "\uff1b": "; ", "\u061b": "; "},
    **{"\u00bf": "", "\u00a1": ""},
}
TOKEN = re.compile(
    r"([(\[{\"\u201c-\u201f\u00ab\u00bb\u2039\u203a]*)(.*?)([,;:.!?)\]}\"'\u2018-\u201f\u00ab\u00bb\u2039\u203a]*)"
)
DASHES = re.compile(r"[-\u2013\u2014]+")
LAYOUT = re.compile(r"[*_#~=|<>]+")  # where it stands alone
WITH_ORDINALS = "cs da de et fi hr hu is lb lv nb nn pl sk sl sr tr"  # languages that write 5. for fifth
ORDINAL = re.compile(r"(?:^|\s)\d{1,2}\.$")
PAUSE = re.compile(normal.PAUSE)
ASIDE = re.compile(r"\([a-z-]+\)")  # "(en)": what follows is said by the rules of another language


def read(text: str, language: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text, their words as they are written; those that say nothing are left out.

    Args:
        text: of any length; a pause can be asked for as ``[pause 0.5s]``.
        language: as espeak-ng calls it, such as ``de``.

    Raises:
        InputError: a pause is asked for in another form, or a word is given as phones.
    """
    if given := re.search(normal.PHONES, text):
        raise InputError(f"got {given[0]!r:.60}, but English text alone may have phones inside; give all as phones")
    found: list[str] = []
    ordinals = language.partition("-")[0] in WITH_ORDINALS.split()
    for one in sentences.split("".join(OTHER_MARKS.get(character, character) for character in text)):
        if ordinals and found and ORDINAL.search(found[-1], max(0, len(found[-1]) - 4)):
            found[-1] += " " + one  # am 5. Mai
        else:
            found.append(one)
    return tuple(one for one in map(_sentence, found) if one.words or one.pauses)


def _sentence(text: str) -> Sentence:
    line, at = Line(), 0
    for pause in [*PAUSE.finditer(text), None]:
        _say(line, text[at : pause.start() if pause else len(text)].split())
        if pause is not None:
            line.rest("", normal.seconds_of(pause))
            at = pause.end()
    return Sentence(tuple(line.words), tuple(line.finished()), text)


def _say(line: Line, tokens: list[str]) -> None:
    """Add words and the pauses of their marks to a line."""
    for number, token in enumerate(tokens, 1):
        found = TOKEN.fullmatch(token)
        assert found is not None, "it takes anything"
        before, word, behind = found.groups()
        if any(bracket in before for bracket in "([{"):
            line.mark("(")
        marks = "".join(mark for mark in behind if mark in ",;:.!?)]}")
        if DASHES.fullmatch(word):
            word, marks = "", marks or "-"
        word = "" if LAYOUT.fullmatch(word) else word
        if word and marks == "." and number < len(tokens):
            word, marks = word + ".", ""  # of an abbreviation, or of the fifth
        line.words += [word[first : first + espeak.LONGEST] for first in range(0, len(word), espeak.LONGEST)]
        if marks:
            line.mark(marks)


def spoken(sentence: Sentence, language: str) -> Spoken:
    """Return how espeak-ng says a sentence of `read`, or a part of one, a phone's stress apart from its name.

    Raises:
        InputError: the extra `speech` is not installed, espeak-ng has no such language, or no sound for a word.
    """
    phones, at = list[Phone](), 0
    for pause in sentence.pauses:
        words = sentence.words[at : pause.after]
        phones += _phones(words, language, first=phones[-2].word + 1 if len(phones) > 1 else 0)
        phones.append(Phone(SILENCE))
        at = pause.after
    return Spoken(tuple(phones), sentence.pauses)


def _phones(words: Sequence[str], language: str, first: int) -> Iterator[Phone]:
    """Yield the phones of words between two pauses, the first of which is number `first` of its sentence."""
    text = " ".join(words)
    said = [sounds for one in _transcribed(text, language).split() if (sounds := symbols_of(one))]
    if not said and any(letter.isalnum() for letter in text):
        raise InputError(f"got {one_line(text, 80)!r}, for which espeak-ng has no sound in {language!r}: leave it out")
    for at, word in enumerate(said, first):
        yield from (Phone(*spelling.phone(symbol), at) for symbol in word)


def _transcribed(text: str, language: str) -> str:
    return ASIDE.sub("", espeak.transcribed(text, language))


def symbols_of(word: str) -> list[str]:
    """Return the sounds of a word as espeak-ng writes it, with ``_`` between: ``a-_l_ˈoː`` are three."""
    return [symbol for one in word.split("_") if (symbol := one.strip("-")).strip("ˈˌ")]


def unheard(texts: Iterable[str], language: str, names: Collection[str]) -> list[str]:
    """Return the phones that espeak-ng says some texts with and that are not among some names.

    Raises:
        InputError: the extra `speech` is not installed, or espeak-ng has no such language.
    """
    said = _transcribed("", language)
    for text in texts:
        said += "_".join(_transcribed(" ".join(one.words), language) for one in read(text, language)) + "_"
    return sorted({spelling.phone(one)[0] for one in symbols_of(said.replace(" ", "_"))}.difference(names))


def dictionary(texts: Iterable[str], language: str) -> list[str]:
    """Return the words of some texts as espeak-ng says them, each alone: lines of a word, a tab and its phones.

    The Montreal Forced Aligner takes them as its dictionary, so that its labels have the phones of espeak-ng. A vowel
    with stress counts as another phone than without; labels are read so that it does not (`spelling.py`).

    Raises:
        InputError: as `spoken`.
    """
    words = {word.strip("'.").lower() for text in texts for one in read(text, language) for word in one.words}
    said = {word: symbols_of(_transcribed(word, language).replace(" ", "_")) for word in sorted(words)}
    return [f"{word}\t{' '.join(phones)}" for word, phones in said.items() if phones]
