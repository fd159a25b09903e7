"""How words are said in a sentence: by the dictionary, or by rule where it does not have them."""

from __future__ import annotations

from collections.abc import Sequence

from wavenet.speech import dictionary, espeak
from wavenet.speech.dictionary import VOWELS, Said
from wavenet.speech.phones import Phone

FUNCTION_WORDS = """
a an the and but or nor as than that if of to in on at by for from with into
am is are was were be been has have had do does did will would shall should can could may might must
i me my you your he him his she her it its we us our they them their there
"""
UNSTRESSED = frozenset(FUNCTION_WORDS.split())  # in a sentence, where they carry grammar more than meaning


def alternatives(word: str, at: int = 0) -> list[tuple[Phone, ...]]:
    """Return how a word can be said, the usual way first; a word that no dictionary has is said by rule.

    Args:
        word: As `normal.sentences` gives it: lower case, without accents; ``b.`` is the letter.
        at: Which word of the sentence it is.

    Raises:
        InputError: The dictionary or espeak-ng is not installed, or there is no way to say the word.
    """
    ways = dictionary.entries(word) or [espeak.by_rule(word)]
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


def _phones(word: str, said: Said, at: int) -> tuple[Phone, ...]:
    """Return phones of a word as they are said in a sentence."""
    unstressed = word in UNSTRESSED
    return tuple(Phone(name, 0 if unstressed else stress, at) for name, stress in said)
