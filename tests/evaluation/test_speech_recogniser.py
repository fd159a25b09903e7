"""Real speech is named and written down, noise and silence are not; what cannot be judged is refused."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wavenet.errors import InputError
from wavenet.evaluation import speech_recogniser
from wavenet.evaluation.speech_recogniser import PHONES, named, unknown_words, written_down
from wavenet.evaluation.words import word_errors

SENTENCES = (("open", "the", "door"), ("close", "the", "window"), ("who", "is", "there"))


def test_a_grammar_has_one_path_for_each_sentence_all_as_likely() -> None:
    arcs = speech_recogniser._arcs([*SENTENCES, ("stop",)])
    paths: list[tuple[int, float, tuple[str, ...]]] = [(0, 1.0, ())]
    found = []
    while paths:
        state, chance, words = paths.pop()
        if state == 1:
            found.append((words, chance))
        paths += [(to, chance * own, (*words, word)) for begin, to, own, word in arcs if begin == state]
    assert sorted(found) == sorted((words, 0.25) for words in [*SENTENCES, ("stop",)])


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050])
def test_clips_are_brought_to_one_rate_and_level_between_silences(rate: int) -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(rate) / rate).astype(np.float32)
    loud, quiet = (
        np.frombuffer(speech_recogniser._prepared(scale * tone, rate, 0), "<i2") / 32767 for scale in (1.0, 1e-3)
    )
    assert len(loud) == 24_000 and np.abs(loud - quiet).max() < 3e-4
    assert np.sqrt(np.mean(loud[4_000:-4_000] ** 2)) == pytest.approx(0.06, rel=0.02)
    for edge in (loud[:3_900], loud[-3_900:]):
        assert 0 < np.sqrt(np.mean(edge**2)) < 5e-4
    spectrum = np.abs(np.fft.rfft(loud[4_000:20_000]))
    assert spectrum.argmax() == 500


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sentences": []}, "no sentence to choose from"),
        ({"sentences": [("who",), ()]}, "sentence 1 has no words"),
        ({"sentences": [("Who", "is"), ("a",), ("who", "is")]}, "sentences 0 and 2 both say 'who is'"),
        ({"clips": [np.zeros(800), np.zeros(0)]}, "clip 1 has no samples"),
        ({"clips": [np.full(800, np.nan)]}, "clip 0 has samples that are not finite"),
        ({"sentences": [("zzyzx", "road")]}, "lacks 1 word of these sentences, such as 'zzyzx'; give their phones"),
        ({"extra": {"zzyzx": ("Z", "QQ")}}, "the phone 'QQ' of 'zzyzx' is none of AA, AE"),
        ({"extra": {"zzyzx": ()}}, "'zzyzx' has the phones '', expected a word and at least one"),
    ],
)
def test_what_cannot_be_judged_is_refused(given: dict[str, object], words: str) -> None:
    pytest.importorskip("pocketsphinx")
    usual: dict[str, object] = {"clips": [np.zeros(800, np.float32)], "rate": 16_000, "sentences": SENTENCES}
    with pytest.raises(InputError, match=words):
        named(**{**usual, **given})  # type: ignore[arg-type]


def test_without_pocketsphinx_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(InputError, match=r"pip install 'wavenet-audio\[speech\]'"):
        written_down([np.zeros(800, np.float32)], 16_000)


def test_silence_a_click_and_noise_are_no_sentence() -> None:
    pytest.importorskip("pocketsphinx")
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    clips = [np.zeros(16_000, np.float32), np.ones(1, np.float32), noise]
    assert named(clips, 16_000, SENTENCES) == [None, None, None]
    assert named([], 16_000, SENTENCES) == []


def test_words_that_the_dictionary_lacks_are_told_and_can_be_added() -> None:
    pytest.importorskip("pocketsphinx")
    assert unknown_words([("who", "Zzyzx"), ("is", "zzyzx", "qwrtk")]) == ["qwrtk", "zzyzx"]
    extra = {"Zzyzx": ("Z", "AY", "Z", "IH", "K", "S")}
    assert named([np.zeros(8_000, np.float32)], 16_000, [("zzyzx", "road")], extra) == [None]
    decoder = speech_recogniser._open(lm=None)
    for phone in PHONES:
        decoder.add_word(f"only-{phone.lower()}", phone, update=False)


# --- real recordings -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(real_audio: Path) -> tuple[list[np.ndarray], list[tuple[str, ...]]]:
    """Return six recordings, quantised, and what they say."""
    pytest.importorskip("pocketsphinx")
    folder = real_audio / "kathleen"
    lines = (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.DictReader(lines) if row["split"] == "valid"]
    texts = {row["text"]: row["path"] for row in rows if row["text"].replace(" ", "").replace("'", "")[:-1].isalpha()}
    said, clips = [tuple(text.lower().rstrip(".?!").split()) for text in texts][:6], []
    for path in [*texts.values()][:6]:
        wave, rate = soundfile.read(folder / path, dtype="float32")
        assert rate == 16_000
        clips.append(np.asarray(np.round(wave * 2_000) / 2_000, np.float32))
    return clips, said


def test_real_sentences_are_named_in_one_process_and_in_two(
    recorded: tuple[list[np.ndarray], list[tuple[str, ...]]],
) -> None:
    clips, said = recorded
    assert named(clips, 16_000, said) == [*range(6)]
    assert named(clips[:3], 16_000, said, workers=2) == [0, 1, 2]
    other = said[3:]  # of which the first three say none
    assert not any(name == number for number, name in enumerate(named(clips[:3], 16_000, said[1:3] + said[:1] + other)))


@pytest.mark.slow
def test_most_words_of_real_sentences_are_written_down(
    recorded: tuple[list[np.ndarray], list[tuple[str, ...]]],
) -> None:
    clips, said = recorded
    made = word_errors(zip(said, written_down(clips, 16_000), strict=True))
    assert made.rate < 0.4
