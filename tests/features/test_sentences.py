"""Held: sounds of which it is not known what is said are in no split, and named with the reason."""

# ruff: noqa: RUF001 - letters of IPA
from __future__ import annotations

from pathlib import Path
from typing import Any

import feature_toys
import phone_toys
import pytest
import toys

from wavenet import speech
from wavenet.audio.corpus import Corpus
from wavenet.errors import InputError, SoundError
from wavenet.features import sentences
from wavenet.recipe.records import Recipe

PHONES = {"phones": {"kinds": 4, "neighbours": 1}}


@pytest.fixture
def made(tmp_path: Path) -> tuple[Recipe, Corpus]:
    recipe = feature_toys.recipe(toys.write_sounds(tmp_path / "sounds"), **PHONES)
    return recipe, feature_toys.gathered(recipe, tmp_path / "cache")


def without(monkeypatch: pytest.MonkeyPatch, reasons: dict[int, str]) -> list[tuple[Any, ...]]:
    """Let alignment fail for some sounds, and return what it is asked."""
    asked: list[tuple[Any, ...]] = []

    def aligned(*given: Any) -> list[Any]:
        asked.append(given)
        return [reasons.get(clip, one) for clip, one in enumerate(phone_toys.of_sound(*given))]

    monkeypatch.setattr(speech, "aligned", aligned)
    return asked


def clips(corpus: Corpus) -> dict[str, set[int]]:
    return {name: {span.clip for span in own} for name, own in corpus.spans.items()}


def test_what_is_not_aligned_is_in_no_split_and_named(
    made: tuple[Recipe, Corpus], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recipe, corpus = made
    first, *others = sorted(clips(corpus)["train"])
    asked = without(monkeypatch, {first: "no text", others[0]: "it does not fit its text", others[1]: "no text"})
    found = sentences.aligned_alone(recipe, corpus)
    assert clips(found) == clips(corpus) | {"train": {*others[2:]}}
    names = [clip.name for clip in corpus.clips]
    assert caplog.messages == [
        f"2 sounds are left out: no text ({names[first]}, {names[others[1]]})",
        f"1 sound is left out: it does not fit its text ({names[others[0]]})",
    ]
    assert asked == [(corpus.clips, corpus.cache)]
    assert found.sound is corpus.sound and found.clips == corpus.clips


def test_where_nothing_is_left_that_is_one_sentence(
    made: tuple[Recipe, Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, corpus = made
    without(monkeypatch, dict.fromkeys(range(8), "no text"))
    with pytest.raises(
        SoundError, match=r"^of no train sound .* \(no text\); give recordings with their text, or leave"
    ):
        sentences.aligned_alone(recipe, corpus)
    without(monkeypatch, dict.fromkeys(clips(corpus)["valid"], "no text"))
    with pytest.raises(SoundError, match=r"^of no valid sound it is known which phones are said"):
        sentences.aligned_alone(recipe, corpus)


def test_a_recipe_without_phones_asks_nothing(made: tuple[Recipe, Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = without(monkeypatch, {0: "no text"})
    for recipe in (toys.recipe(), feature_toys.recipe(clock=feature_toys.CLOCK)):
        assert sentences.of_corpus(recipe, made[1]) is None
        assert sentences.aligned_alone(recipe, made[1]) is made[1]
    assert not asked


@pytest.mark.usefixtures("german")
def test_of_a_language_texts_are_not_heard_and_phones_that_it_lacks_are_told(
    made: tuple[Recipe, Corpus], monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    assert made[0].data.path is not None
    folder = Path(made[0].data.path)
    recipe = feature_toys.recipe(folder, phones={"kinds": 4, "neighbours": 1, "language": "de"})
    asked = dict[str, Any]()
    monkeypatch.setattr(speech, "aligned", lambda clips, decoded, **given: asked.update(given) or [])
    assert sentences.of_corpus(recipe, made[1]) == [] and asked == {"in_english": False}
    (folder / "sound0.txt").write_text("Ja.", encoding="utf-8")
    (folder / "sound1.txt").write_bytes(b"\xff")
    (folder / "sound2.lab").write_text("0 2000000 j\n")  # labels, and no text
    sentences.tell_language(recipe, made[1], ["j", "ɑː"])
    sentences.tell_language(made[0], made[1], [])
    assert not said
    sentences.tell_language(recipe, made[1], ["j", "AA"])
    assert said == [
        "text of language de will be said in the phones of espeak-ng, of which 1 (ɑː) is in no recording; give labels "
        "with its phones, or leave condition.tracks.phones.language out"
    ]
    strange = feature_toys.recipe(folder, phones={"kinds": 4, "neighbours": 1, "language": "germn"})
    with pytest.raises(InputError, match="espeak-ng has no language 'germn'"):
        sentences.tell_language(strange, made[1], [])
