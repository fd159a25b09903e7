"""Words: which are spelt, which are said in parts, which as they are."""

from __future__ import annotations

import pytest

from wavenet.speech import words

pytestmark = pytest.mark.usefixtures("english")


@pytest.mark.parametrize(
    "word, said",
    [
        ("Hello", "hello"),
        ("don't", "don't"),
        ("NASA", "nasa"),  # the dictionary knows it, and how BBC is spelt
        ("BBC's", "bbc's"),
        ("XKCD", "x. k. c. d."),
        ("QXVs", "q. x. v.'s"),
        ("QXV's", "q. x. v.'s"),
        ("US", "u. s."),
        ("IDs", "i. d.'s"),
        ("us", "us"),
        ("CEO's", "ceo's"),
        ("CEOs", "ceo's"),
        ("zebroid's", "zebroid's"),
        ("COVID", "covid"),
        ("BLORT", "b. l. o. r. t."),
        ("NONSENSICALITY", "nonsensicality"),
        ("I", "i"),
        ("B", "b."),
        ("brr", "b. r. r."),
        ("html", "html"),
        ("zzyzx", "zzyzx"),
        ("WaveNet", "wave net"),
        ("JavaScript", "javascript"),
        ("x" * 90, " ".join(["x" * 40, "x" * 40, "x" * 10])),
    ],
)
def test_how_a_word_is_said(word: str, said: str) -> None:
    assert " ".join(words.said(word, shouted=False)) == said


def test_where_all_is_shouted_large_letters_mean_nothing() -> None:
    assert list(words.said("US", shouted=True)) == ["us"]
