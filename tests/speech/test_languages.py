"""Text of other languages: sentences, pauses and words of espeak-ng's phones; what it has no sound for is refused."""

# ruff: noqa: RUF001 - letters of IPA
from __future__ import annotations

import sys

import pytest

from wavenet.errors import InputError
from wavenet.speech import espeak, languages, normal
from wavenet.speech.phones import SILENCE

pytestmark = pytest.mark.usefixtures("german")


def shown(text: str, language: str = "de") -> list[str]:
    """Return each sentence of a text: phones, ``/`` between words, the marks of pauses, seconds in brackets."""
    found = []
    for sentence in languages.read(text, language):
        line, word = "", 0
        said = languages.spoken(sentence, language)
        pauses = iter(said.pauses)
        for phone in said.phones:
            if phone.silent:
                pause = next(pauses)
                line += pause.mark + (f"[{pause.seconds:g}]" if pause.seconds else "")
            else:
                line += "/" * (phone.word > word) + "ˈ" * (phone.stress == 1) + "ˌ" * (phone.stress == 2) + phone.name
            word = word if phone.silent else phone.word
        assert next(pauses, None) is None
        found.append(line)
    return found


@pytest.mark.parametrize(
    "text, language, said",
    [
        ("Guten Tag, Katze?", "de", ["ɡˈuːtən/tˈɑːk,/kˈatsə?"]),
        ("Ja! Nein.", "de", ["jˈɑː!", "nˈaɪn."]),
        ("„Ja“ – nein (so)...", "de", ["jˈɑː;/nˈaɪn,/zˈoː."]),
        ("Ja; [pause 0.5s] nein", "de", ["jˈɑː;[0.5]/nˈaɪn."]),
        ("Dr. Katze. Ja.", "de", ["dˌeːˈɛɾ/kˈatsə.", "jˈɑː."]),
        ("2, 3", "de", ["tsvˈaɪ,/dɾˈaɪ."]),
        ("¿Qué? ¡Sí!", "es", ["kˈe?", "sˈi!"]),
        ("你好，世界。", "cmn", ["ni2χˈɑu2,/s.ˈi.5/tɕˈiɛ5."]),
        ("Привет", "ru", ["prʲivʲˈet."]),
        ("*** \u2026 -- ! Ja * #.", "de", ["jˈɑː."]),
    ],
)
def test_text_is_said_by_the_rules_of_its_language(text: str, language: str, said: list[str]) -> None:
    assert shown(text, language) == said


def test_a_full_stop_behind_a_number_ends_no_sentence_where_it_makes_an_ordinal() -> None:
    assert [one.text for one in languages.read("Am 5. Mai. Um 17. Ja.", "de")] == ["Am 5. Mai.", "Um 17. Ja."]
    assert len(languages.read("Son 5. Bien.", "es")) == 2 and len(languages.read("Im Jahr 1999. Ja.", "de")) == 2


def test_long_words_and_long_sentences_are_said_in_parts() -> None:
    (sentence,) = languages.read("ja " * 90 + "x" * 95, "de")
    assert [len(word) for word in sentence.words[-3:]] == [40, 40, 15]
    parts = normal.parts(sentence)
    assert len(parts) == 3
    phones = [phone for part in parts for phone in languages.spoken(part, "de").phones]
    assert sum(phone.name == "j" for phone in phones) == 90 and phones[-1].name == SILENCE


def test_what_has_no_sound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "transcribed", lambda text, language: "")
    with pytest.raises(InputError, match="got 'Guten Tag', for which espeak-ng has no sound in 'de': leave it out"):
        shown("Guten Tag.")
    (signs,) = languages.read("+ *.", "de")  # what is no letter may be silent
    assert [phone.name for phone in languages.spoken(signs, "de").phones] == [SILENCE]


def test_a_language_that_espeak_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(InputError, match=r"no language 'germn'.*; it has af, am, .* de, "):
        shown("Ja.", "germn")


def test_phones_inside_of_text_are_refused() -> None:
    with pytest.raises(InputError, match=r"got '\[\[j ˈɑː\]\]', but English text alone .*; give all as phones"):
        languages.read("Nein, [[j ˈɑː]].", "de")


def test_words_of_other_languages_are_said_without_a_remark() -> None:
    assert shown("E-Mail") == ["ˈeːmˈeɪl."]


def test_phones_that_no_recording_has_are_found() -> None:
    assert languages.unheard(["Guten Tag.", "Katze"], "de", ["ɡ", "uː", "t", "ə", "n"]) == ["a", "k", "ts", "ɑː"]
    assert languages.unheard([], "de", []) == []
    with pytest.raises(InputError, match="no language"):
        languages.unheard([], "germn", [])


def test_a_dictionary_has_each_word_once_and_by_itself() -> None:
    lines = languages.dictionary(["Guten Tag, guten Tag!", "Die „Katze“."], "de")
    assert lines == ["die\td iː", "guten\tɡ ˈuː t ə n", "katze\tk ˈa ts ə", "tag\tt ˈɑː k"]


@pytest.mark.parametrize("missing", ["phonemizer.backend.espeak.wrapper", "espeakng_loader"])
def test_without_espeak_what_to_install_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak._loaded.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=r"language 'de' espeak-ng is needed: pip install 'wavenet-audio\[speech\]'"):
        shown("Ja.")
