"""What tells the phones of a recording: labels first, else its text, else nothing, each with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavenet.audio.layouts import Clip
from wavenet.speech import english, script

pytestmark = pytest.mark.usefixtures("english")


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    return Clip(tmp_path / "a.wav", "a.wav", text="Hello, Bob. One!")


def test_a_text_is_read_with_all_the_ways_to_say_it(clip: Clip) -> None:
    one = script.of_clip(clip, trimmed=True)
    assert [word for word, _ in one.words] == ["hello", "bob", "one"] and one.sentences == 2
    assert one.words[0][1] == english.ways("hello") and len(one.words[0][1]) == 2
    assert one.labels is None is one.lacking


def test_labels_come_first_and_are_of_whole_recordings(clip: Clip) -> None:
    beside = clip.path.with_suffix(".TextGrid")
    beside.write_text("")
    whole, cut = (script.of_clip(clip, trimmed) for trimmed in (False, True))
    assert (whole.labels, whole.words, whole.lacking) == (beside, (), None)
    assert cut.lacking is not None and "data.trim cuts the ends" in cut.lacking


@pytest.mark.parametrize(("text", "reason"), [("", "it has no text"), ("\u6f22", "no sound for"), ("[[B]", None)])
def test_what_says_nothing_has_a_reason(tmp_path: Path, text: str, reason: str | None) -> None:
    one = script.of_clip(Clip(tmp_path / "a.wav", "a.wav", text=text), trimmed=False)
    assert one.lacking is None if reason is None else reason in str(one.lacking)


def test_a_package_that_is_missing_is_named(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    by_text = script.of_clip(clip, trimmed=False)
    for suffix, package in ((".lab", None), (".TextGrid", "praatio")):
        clip.path.with_suffix(suffix).write_text("0 1000000 a\n")
        by_labels = script.of_clip(clip, trimmed=False)
        with monkeypatch.context() as patch:
            patch.setattr(script.importlib.util, "find_spec", lambda name: None)
            told = script.absent(by_labels)
            assert told is None if package is None else package in str(told)
            assert "by pocketsphinx: pip install" in str(script.absent(by_text))
        assert script.absent(by_labels) is None
