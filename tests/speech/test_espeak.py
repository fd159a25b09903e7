"""Words by rule: the phones of the dictionary, for any letters, near to what the dictionary says where it has them."""

# ruff: noqa: RUF001 - phonetic letters
from __future__ import annotations

import random
import string
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from wavenet.errors import InputError
from wavenet.speech import dictionary, espeak
from wavenet.speech.dictionary import PHONES, VOWELS

pytestmark = pytest.mark.usefixtures("english")


def said(word: str) -> str:
    return " ".join(f"{name}{stress}" if name in VOWELS else name for name, stress in espeak.by_rule(word))


@pytest.mark.parametrize(
    "word, phones",
    [
        ("wavenet", "W EY1 V N IH0 T"),
        ("city", "S IH1 T IY0"),  # taps are written as what they stand for
        ("lady", "L EY1 D IY0"),
        ("fury", "F Y UH1 R IY0"),
        ("radio", "R EY1 D IY0 OW2"),
        ("brightens", "B R AY1 T AH0 N Z"),
        ("loch", "L AA1 K"),
        ("blogosphere", "B L AA1 G AH0 S F IH2 R"),
        ("bbc", "B IY2 B IY2 S IY1"),
    ],
)
def test_words_by_rule(word: str, phones: str) -> None:
    assert said(word) == phones


def test_any_letters_have_phones() -> None:
    draw = random.Random(3)
    words = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(1, 12))) for _ in range(3_000)]
    for word in words:
        assert {name for name, _ in espeak.by_rule(word)} <= set(PHONES)


def test_no_letter_of_a_long_word_is_lost() -> None:
    assert len(espeak.by_rule("z" * 1_000)) == 2 * 1_000  # each is spelt


def test_threads_get_the_words_that_they_ask_for() -> None:
    espeak.by_rule.cache_clear()
    words = ["".join(random.Random(seed).choices(string.ascii_lowercase, k=8)) for seed in range(400)]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(espeak.by_rule, words))
    espeak.by_rule.cache_clear()
    assert together == [espeak.by_rule(word) for word in words]


def test_all_symbols_are_phones() -> None:
    assert {name for names in espeak.IPA.values() for name in names.split()} == set(PHONES)


def test_rules_agree_with_the_dictionary_on_most_words() -> None:
    words = [word for word in dictionary._entries() if word.isalpha()]
    same = 0
    chosen = random.Random(1).sample(words, 3_000)
    for word in chosen:
        rule = [name for name, _ in espeak.by_rule(word)]
        same += rule in [[name for name, _ in way] for way in dictionary.entries(word)]
    assert same > 0.58 * len(chosen)  # 62 % were measured; half of the words are rare names


def test_what_has_no_sound_is_refused() -> None:
    with pytest.raises(InputError, match='"\'", for which espeak-ng has no sound'):
        espeak.by_rule("'")


def test_a_sound_that_is_not_english_is_named() -> None:
    assert espeak._english("x", "ææʲ") == ["AE", "AE"]
    with pytest.raises(InputError, match="'xhosa' with the sound 'ǃ'"):
        espeak._english("xhosa", "ǃ")


@pytest.mark.parametrize("missing", ["phonemizer.backend.espeak.wrapper", "espeakng_loader"])
def test_without_espeak_the_word_and_what_to_install_are_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak._loaded.cache_clear()
    espeak.by_rule.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=r"'wavenet' is not in the dictionary.*pip install 'wavenet-audio\[speech\]'"):
        espeak.by_rule("wavenet")
