"""How words are said by the rules of espeak-ng: those that no dictionary has in its phones, other languages' in IPA."""

# ruff: noqa: RUF001 - the alphabet of phonetics has letters that look like others
from __future__ import annotations

import functools
import re
import threading
import unicodedata
from typing import Any

from wavenet.errors import InputError, did_you_mean
from wavenet.speech.dictionary import VOWELS, Said
from wavenet.speech.spelling import STRESS

# What espeak-ng's American English consists of, as 20,000 words elicit it, and what else it borrows for foreign names.
IPA = {
    # vowels
    **{"æ": "AE", "a": "AE", "aː": "AA", "ɑ": "AA", "ɑː": "AA", "ɒ": "AA", "ɐ": "AH", "ə": "AH", "ʌ": "AH"},
    **{"ɔ": "AO", "ɔː": "AO", "oː": "AO", "o": "OW", "oʊ": "OW", "əʊ": "OW", "aʊ": "AW", "aɪ": "AY", "ɔɪ": "OY"},
    **{"ɛ": "EH", "e": "EH", "ɛː": "EH", "eː": "EY", "eɪ": "EY", "ɪ": "IH", "ᵻ": "IH", "ɨ": "IH", "i": "IY"},
    **{"iː": "IY", "y": "UW", "yː": "UW", "ø": "ER", "øː": "ER", "œ": "ER", "ʊ": "UH", "u": "UW", "uː": "UW"},
    **{"ɚ": "ER", "ɜː": "ER", "ɜ": "ER", "ɝ": "ER", "ɯ": "UW", "ɵ": "UH"},
    # vowels that run into a sound of their own
    **{"ɑːɹ": "AA R", "ɔːɹ": "AO R", "oːɹ": "AO R", "ɛɹ": "EH R", "ɪɹ": "IH R", "ʊɹ": "UH R", "aɪɚ": "AY ER"},
    **{"aɪə": "AY AH", "iə": "IY AH", "əl": "AH L", "ɑ̃": "AA N", "ɔ̃": "AO N", "ɛ̃": "AE N", "æ̃": "AE N"},
    **{"n̩": "AH N", "l̩": "AH L", "m̩": "AH M", "ɹ̩": "ER"},
    # consonants
    **{"p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "c": "K", "ɡ": "G", "g": "G", "ɟ": "G", "q": "K", "ʔ": "T"},
    **{"f": "F", "v": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH", "h": "HH", "x": "K"},
    **{"ç": "HH", "ɣ": "G", "β": "V", "ɸ": "F", "ɕ": "SH", "ʑ": "ZH", "ʂ": "SH", "ʐ": "ZH", "ɦ": "HH", "χ": "K"},
    **{"tʃ": "CH", "dʒ": "JH", "ts": "T S", "dz": "D Z", "tɕ": "CH", "dʑ": "JH", "pf": "P F"},
    **{"m": "M", "n": "N", "ŋ": "NG", "ɲ": "N Y", "ɱ": "M", "l": "L", "ɫ": "L", "ɬ": "L", "ɭ": "L", "ʎ": "L Y"},
    **{"ɹ": "R", "r": "R", "ʁ": "R", "ʀ": "R", "ɽ": "R", "j": "Y", "w": "W", "ʍ": "W", "ʋ": "V", "ɥ": "W"},
}
AMERICAN = "en-us"
ONE_AT_A_TIME = threading.Lock()  # espeak-ng knows of no threads
LONGEST = 40  # letters that are said at once: no word has more, and espeak-ng cuts long ones off


@functools.lru_cache(maxsize=10_000)
def by_rule(word: str) -> Said:
    """Return how espeak-ng says a word, in the dictionary's phones with stress.

    Raises:
        InputError: espeak-ng is not installed, or it has no sound for the word.
    """
    pieces = [word[first : first + LONGEST] for first in range(0, len(word), LONGEST)]
    with ONE_AT_A_TIME:
        said = tuple(phone for piece in pieces for phone in _in_phones(piece, _espeak(word).text_to_phonemes(piece)))
    if not said:
        raise InputError(f"got the word {word!r}, for which espeak-ng has no sound: write it as it is said")
    return said


def _in_phones(word: str, ipa: str) -> Said:
    """Return a transcription by espeak-ng, sounds with ``_`` or spaces between, in the dictionary's phones."""
    said: list[tuple[str, int]] = []
    for sound in re.split(r"[_\s]+", re.sub(r"\([a-z-]+\)", "", ipa)):  # "(fr)" marks another language's rules
        names, stress = _english(word, sound.strip("ˈˌ-")), STRESS.get(sound[:1], 0)
        for name in names:
            before = said[-1] if said else ("", 0)
            if before[0] == "IH" and name in VOWELS:  # "radio": before a vowel the dictionary writes a long one
                said[-1] = ("IY", before[1])
            if name != "R" or before[0] not in ("R", "ER"):  # "fury": espeak-ng writes the r twice
                said.append((name, stress if name in VOWELS else 0))
            stress = 0 if name in VOWELS else stress
    return tuple(said)


def _english(word: str, symbol: str) -> list[str]:
    """Return the dictionary's phones for a sound of a word."""
    if symbol == "ɾ":  # the tap of "city" and of "lady"
        return ["T" if "t" in word else "D"]
    names: list[str] = []
    while symbol:
        size = next((size for size in (3, 2, 1) if symbol[:size] in IPA), 0)
        if not size and unicodedata.category(symbol[0]) not in ("Lm", "Mn", "Sk"):  # finer than English phones are
            raise InputError(f"espeak-ng says {word!r} with the sound {symbol!r}, for which there is no English phone")
        names += IPA[symbol[:size]].split() if size else []
        symbol = symbol[size or 1 :]
    return names


def transcribed(text: str, language: str) -> str:
    """Return a text as espeak-ng says it: letters of IPA, ``_`` between sounds, spaces between words.

    Args:
        text: without marks of sentences.
        language: as espeak-ng calls it, such as ``de`` or ``fr-fr``.

    Raises:
        InputError: espeak-ng is not installed, or has no such language.
    """
    with ONE_AT_A_TIME:
        try:
            return str(_loaded(language).text_to_phonemes(text))
        except (ImportError, RuntimeError, OSError) as error:
            raise InputError(_no_language(language, error)) from None


def _no_language(language: str, error: Exception) -> str:
    """Return why a language cannot be said."""
    try:
        known = sorted({voice.language for voice in _loaded(AMERICAN).available_voices()})
    except (ImportError, RuntimeError, OSError):
        return (
            f"to say text of language {language!r} espeak-ng is needed: pip install 'wavenet-audio[speech]' ({error})"
        )
    return f"espeak-ng has no language {language!r}{did_you_mean(language, known)}; it has {', '.join(known)}"


@functools.cache
def _loaded(language: str) -> Any:
    import espeakng_loader
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    espeak = EspeakWrapper()
    espeak.set_voice(language)
    return espeak


def _espeak(word: str) -> Any:
    """Return espeak-ng, which is wanted for a word."""
    try:
        return _loaded(AMERICAN)
    except (ImportError, RuntimeError, OSError) as error:
        raise InputError(
            f"the word {word!r} is not in the dictionary, and to say it by rule espeak-ng is needed:"
            f" pip install 'wavenet-audio[speech]' ({error})"
        ) from None
