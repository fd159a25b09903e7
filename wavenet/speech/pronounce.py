"""How words are said in a sentence: by the dictionary, or by rule where it does not have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wavenet.speech import dictionary, espeak, symbols
from wavenet.speech.dictionary import VOWELS, Said
from wavenet.speech.normal import Pause, Sentence
from wavenet.speech.phones import SILENCE, Phone

FUNCTION_WORDS = """
a an the and but or nor as than that if of to in on at by for from with into
am is are was were be been has have had do does did will would shall should can could may might must
i me my you your he him his she her it its we us our they them their there
"""
UNSTRESSED = frozenset(FUNCTION_WORDS.split())  # in a sentence, where they carry grammar more than meaning
HISSING = ("CH", "JH", "S", "SH", "Z", "ZH")
VOICELESS = ("F", "K", "P", "T", "TH")


@dataclass(frozen=True)
class Spoken:
    """A sentence, or a part of one, in phones."""

    phones: tuple[Phone, ...]
    pauses: tuple[Pause, ...]  # what each silent phone comes from, in order
    by_rule: tuple[str, ...] = ()  # the words that no dictionary has, in order, each once


def spoken(sentence: Sentence) -> Spoken:
    """Return how a sentence, or a part of one, is said, each word in its usual way.

    ``the`` is said as before a vowel where a vowel follows at once. Words that are written alike are not told apart:
    ``read`` and ``live`` are always said as the dictionary says them first, unless the text has their phones
    (`normal.read`).

    Raises:
        InputError: A package of the extra `speech` is missing.
    """
    words = [alternatives(word, at)[0] for at, word in enumerate(sentence.words)]
    rests = {pause.after for pause in sentence.pauses}
    phones: list[Phone] = [Phone(SILENCE)] if 0 in rests else []
    for at, word in enumerate(words):
        following = words[at + 1][0].name if at + 1 < len(words) and at + 1 not in rests else ""
        phones += _the(at) if sentence.words[at] == "the" and following in VOWELS else word
        phones += [Phone(SILENCE)] if at + 1 in rests else []
    by_rule = dict.fromkeys(word for word in sentence.words if not (symbols.parted(word) or _from_dictionary(word)))
    return Spoken(tuple(phones), sentence.pauses, tuple(by_rule))


def _the(at: int) -> tuple[Phone, ...]:
    return Phone("DH", 0, at), Phone("IY", 0, at)


def alternatives(word: str, at: int = 0) -> list[tuple[Phone, ...]]:
    """Return how a word can be said, the usual way first; a word that no dictionary has is said by rule.

    Args:
        word: As `normal.read` gives it: lower case, without accents; ``b.`` is the letter, ``[[R-EH1-D]]`` phones.
        at: Which word of the sentence it is.

    Raises:
        InputError: The dictionary or espeak-ng is not installed, or there is no way to say the word.
    """
    if given := symbols.parted(word, at):
        return [given]
    ways = _from_dictionary(word) or [espeak.by_rule(word)]
    unique = dict.fromkeys(_phones(word, way, at) for way in ways)  # some differ in their stress alone
    return list(unique)


def stressed(word: str, names: Sequence[str], at: int = 0) -> tuple[Phone, ...]:
    """Return phones of a word that were heard without their stress, such as those of a recogniser, with stress.

    It is that of the alternative with the same phones, else of the first with as many vowels, else that of a word
    stressed on its first vowel.
    """
    ways = alternatives(word, at)
    for way in ways:
        if [phone.name for phone in way] == list(names):
            return way
    vowels = sum(name in VOWELS for name in names)
    patterns = ([phone.stress for phone in way if phone.name in VOWELS] for way in ways)
    first = [1, *[0] * vowels][:vowels]
    pattern = iter(next((stresses for stresses in patterns if len(stresses) == vowels), first))
    return _phones(word, tuple((name, next(pattern) if name in VOWELS else 0) for name in names), at)


def _from_dictionary(word: str) -> list[Said]:
    """Return how the dictionary says a word, or a word that it has without its ``'s``."""
    stem = word.removesuffix("'s")
    return dictionary.entries(word) or [(*way, *_possessive(way[-1][0])) for way in dictionary.entries(stem)]


def _possessive(last: str) -> Said:
    """Return how ``'s`` is said behind a phone."""
    if last in HISSING:
        return ("IH", 0), ("Z", 0)
    return (("S" if last in VOICELESS else "Z", 0),)


def _phones(word: str, said: Said, at: int) -> tuple[Phone, ...]:
    """Return phones of a word as they are said in a sentence."""
    unstressed = word in UNSTRESSED
    return tuple(Phone(name, 0 if unstressed else stress, at) for name, stress in said)
