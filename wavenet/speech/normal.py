"""Text as it is said: sentences of words, and the pauses between them."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from wavenet.errors import InputError
from wavenet.speech import characters, dates, numbers, quantities, sentences, symbols, words, written
from wavenet.speech.characters import LETTER
from wavenet.speech.phones import Phone
from wavenet.text import many, one_line

LONGEST_PART = 40  # words that are said without a break: some fifteen seconds
LONGEST_PAUSE = 60.0  # seconds
PAUSE = r"\[(?i:pause)\s+(?P<seconds>[\d.+-][^\]]{0,30})\]"
PHONES = r"\[\[(?P<phones>[^\[\]]*)\]\]"
ASIDE = re.compile(f"{PHONES}|{PAUSE}")  # what stands in a text and is none
STRENGTHS = ",;.!?"
ENDS = (".", "!", "?")
BRACKETS = "()[]{}"
TOKEN = re.compile(
    rf"(?P<letter>[a-z]{LETTER}(?:'s)?)|(?P<word>'(?:tis|twas|em|til|cause|bout|n)\b|[A-Za-z]+(?:'[A-Za-z]+)*)|"
    r"(?P<mark>[.!?]+|[,;:()\[\]{}]|--+|\u2013|(?<=\s)-(?=\s))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pause:
    """A pause, and what it comes from."""

    after: int  # how many words of the sentence come before it
    mark: str = ""  # "," or ";" (also of : - and ...) inside of a sentence, "." "?" or "!" at its end; "" without one
    seconds: float | None = None  # as long as asked for with [pause 0.5s]; None: as long as its mark usually is


@dataclass(frozen=True)
class Sentence:
    """A sentence as it is said."""

    words: tuple[str, ...]  # lower case, such as "don't"; "b." is a letter's name, "[[R-EH1-D]]" phones that are given
    pauses: tuple[Pause, ...]  # in order; the last is at the end, where there are words
    text: str  # as it was written
    unsaid: tuple[str, ...] = ()  # characters that have no way to be said, such as those of other alphabets


def read(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of any English text as they are said; those that say nothing, such as ``***``, are left out.

    A pause can be asked for as ``[pause 0.5s]``, and how a word is said as phones, as in ``I [[R EH1 D]] it``. Emoji
    are said by their names.

    Numbers and dates are read as Americans do, which is also what num2words does for English: the month is first in
    dates with slashes, so that 5/11/2026 is May eleventh; only where it cannot be a month, as in 25/12/2026, is the
    first number the day. 2026-11-05 has year, month and day.

    Raises:
        InputError: A pause or phones are written in another form, or a package of the extra `speech` is missing.
    """
    return tuple(_each(text))


def sayable(text: str) -> Iterator[Sentence]:
    """Return the sentences of a text, each read when it is asked for; what is wrong with any is raised at once.

    Raises:
        InputError: As `read` and `refuse_unsaid`.
    """
    if characters.unsaid(characters.plain(text)):
        refuse_unsaid(read(text))
    return _each(text)


def _each(text: str) -> Iterator[Sentence]:
    for aside in ASIDE.finditer(text):
        _meant(aside)
    said = (_sentence(sentence) for sentence in sentences.split(text))
    return (sentence for sentence in said if sentence.words or sentence.pauses or sentence.unsaid)


def refuse_unsaid(said: tuple[Sentence, ...]) -> None:
    """Refuse sentences with characters that have no way to be said.

    Raises:
        InputError: It names the first sentence and its characters.
    """
    wrong = [(number, sentence) for number, sentence in enumerate(said, 1) if sentence.unsaid]
    if not wrong:
        return
    number, sentence = wrong[0]
    shown = ", ".join(map(characters.named, sentence.unsaid[:3]))
    more = f" and {len(sentence.unsaid) - 3} more" if len(sentence.unsaid) > 3 else ""
    others = f" (and {many(len(wrong) - 1, 'sentence')} like it)" if len(wrong) > 1 else ""
    raise InputError(
        f"sentence {number}, {one_line(sentence.text, 80)!r}{others}, has characters that English has no sound for:"
        f" {shown}{more}; write it in Latin letters or leave it out"
    )


def parts(sentence: Sentence, most: int = LONGEST_PART) -> tuple[Sentence, ...]:
    """Return a sentence in parts of at most so many words, cut at its pauses where there are some."""
    found, first, count = [], 0, len(sentence.words)
    places = [pause.after for pause in sentence.pauses]
    while count - first > most:
        inside = places[bisect.bisect_right(places, first) : bisect.bisect_right(places, first + most)]
        even = -(-(count - first) // -(-(count - first) // most))  # 41 words without a pause are 21 and 20
        last = inside[-1] if inside else first + even
        found.append(_part(sentence, places, first, last))
        first = last
    return (*found, _part(sentence, places, first, count))


def _part(sentence: Sentence, places: list[int], first: int, last: int) -> Sentence:
    """Return some words of a sentence, with the pauses behind them and any before its first word."""
    begin = bisect.bisect_right(places, first) if first else 0
    inside = sentence.pauses[begin : bisect.bisect_right(places, last)]
    pauses = [replace(pause, after=pause.after - first) for pause in inside]
    if last > first and (not inside or inside[-1].after < last):
        pauses.append(Pause(last - first, ","))
    return replace(sentence, words=sentence.words[first:last], pauses=tuple(pauses))


def _sentence(text: str) -> Sentence:
    """Return how one sentence is said."""
    line = _Line()
    strange: dict[str, None] = {}
    at = 0
    for aside in [*ASIDE.finditer(text), None]:
        plain = characters.plain(text[at : aside.start() if aside else len(text)])
        unsaid = characters.unsaid(plain)
        strange.update(dict.fromkeys(unsaid))
        known = plain.translate(dict.fromkeys(map(ord, unsaid), " "))
        line.say(_rewritten(" ".join(known.split())), shouted=known.upper() == known)
        if aside is not None:
            line.add(_meant(aside))
            at = aside.end()
    return Sentence(tuple(line.words), tuple(line.finished()), text, tuple(strange))


def _meant(aside: re.Match[str]) -> float | list[tuple[Phone, ...] | str]:
    """Return how long a pause is to be, in seconds, or the words and pauses of phones that are written out."""
    if aside["phones"] is not None:
        try:
            return [*symbols.read(aside["phones"])]
        except InputError as error:
            raise InputError(f"in {aside[0]!r:.60}: {error}") from None
    number = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?|\.\d{1,3})s", aside["seconds"])
    if number is None or not 0 < float(number[1]) <= LONGEST_PAUSE:
        raise InputError(
            f"got the pause {aside[0]!r}, expected above 0 and at most {LONGEST_PAUSE:g} seconds, as in [pause 0.5s]"
        )
    return float(number[1])


Rule = tuple[str, Callable[[re.Match[str]], str]]
RULES: tuple[Rule, ...] = (
    *(*written.FIRST, *dates.RULES, *quantities.RULES, *numbers.RULES, *dates.LAST, *written.RULES, *numbers.LAST),
)


@functools.cache
def _rules() -> tuple[re.Pattern[str], list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]]:
    """Return one pattern that finds what any rule takes, the first one first, and each rule's own."""
    any_of = "|".join(f"(?P<rule{number}>{pattern})" for number, (pattern, _) in enumerate(RULES))
    return re.compile(any_of), [(re.compile(pattern), say) for pattern, say in RULES]


def _rewritten(text: str) -> str:
    """Return text with numbers, abbreviations and signs as words."""
    pattern, rules = _rules()

    def said(found: re.Match[str]) -> str:
        own, say = rules[int(str(found.lastgroup).removeprefix("rule"))]
        match = own.match(text, found.start())
        return found[0] if match is None else say(match)

    return re.sub(r"(?<! ) +(?='s\b)", "", pattern.sub(said, text))  # 1984's


class _Line:
    """The words and pauses of a sentence, as they are found."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.pauses: list[Pause] = []

    def say(self, text: str, shouted: bool) -> None:
        """Add rewritten text."""
        tokens = list(TOKEN.finditer(text))
        for number, token in enumerate(tokens):
            if token["mark"]:
                self.mark(token["mark"])
            elif token["letter"]:
                self.words.append(token[0].replace(LETTER, "."))
            elif token[0] in ("A", "a"):
                self.words.append("a." if not shouted and _is_letter(tokens, number, text) else "a")
            else:
                self.words += words.said(token[0], shouted)

    def add(self, meant: float | list[tuple[Phone, ...] | str]) -> None:
        """Add a pause of some seconds, or words and pauses of phones."""
        if isinstance(meant, float):
            self.rest("", meant)
            return
        for one in meant:
            if isinstance(one, str):
                self.mark(one)
            else:
                self.words.append(symbols.joined(one))

    def mark(self, mark: str) -> None:
        """Add the pause of a mark."""
        kind = next((kind for kind in "?!" if kind in mark), mark if mark in ",." else "," if mark in BRACKETS else ";")
        initial = kind == "." and re.fullmatch(r"[a-z]\.", self.words[-1] if self.words else "")  # its own full stop
        if self.words and not initial:
            self.rest(kind)

    def rest(self, mark: str, seconds: float | None = None) -> None:
        """Add a pause, or join it to another at the same place: the stronger mark counts, and seconds add up."""
        after = len(self.words)
        if self.pauses and self.pauses[-1].after == after:
            last = self.pauses.pop()
            mark = max(last.mark, mark, key=STRENGTHS.find)
            seconds = last.seconds if seconds is None else seconds + (last.seconds or 0)
        self.pauses.append(Pause(after, mark, seconds))

    def finished(self) -> Iterator[Pause]:
        """Yield the pauses of the sentence: a full stop inside is a comma's, and at the end there is one."""
        end = len(self.words)
        if end and (not self.pauses or self.pauses[-1].after < end):
            self.rest(".")
        for pause in self.pauses:
            if pause.after == end > 0:
                yield replace(pause, mark=pause.mark if pause.mark in ENDS else ".")
            else:
                yield replace(pause, mark="," if pause.mark == "." else pause.mark)


def _is_letter(tokens: list[re.Match[str]], number: int, text: str) -> bool:
    """Return whether an ``A`` is the letter, as in "vitamin A is", and not the article, as in "What A Day"."""
    if number == 0 or tokens[number][0] == "a" or tokens[number - 1]["mark"]:
        return False
    follows = text[tokens[number - 1].end() : tokens[number].start()].isspace()
    return follows and not (number + 1 < len(tokens) and tokens[number + 1][0][0].isupper())
