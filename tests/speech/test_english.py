"""A sentence is aligned where it is said, with stress and words; what cannot be said in it is named."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import spoken_toys

from wavenet.errors import InputError, SoundError
from wavenet.speech import SILENCE, Phone, english, pronounce
from wavenet.speech.listeners import Listener

WORDS = ["seven", "three", "one"]


@pytest.fixture(autouse=True)
def installed() -> None:
    spoken_toys.needs_an_aligner()


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.close()


def test_words_lie_where_they_are_said_with_stress_and_pauses_around(listener: Listener) -> None:
    wave, begins = spoken_toys.spoken(WORDS)
    found, score, short = english.hear(listener, wave, WORDS)
    assert tuple(phone for phone in found.phones if phone.word == 0) == pronounce.alternatives("seven")[0]
    assert [phone.name for phone in found.phones if phone.word == 1] == ["TH", "R", "IY"]
    assert found.phones[0] == found.phones[-1] == Phone(SILENCE)
    starts = (0.0, *found.ends[:-1])
    for word, begin in enumerate(begins):
        at = next(start for start, phone in zip(starts, found.phones, strict=True) if phone.word == word)
        assert abs(at - begin) < 0.12
    assert found.ends[-1] == len(wave) / english.RATE and score < 0 and 0 <= short < 0.5


def test_a_word_whose_phones_the_text_gives_is_heard_as_such(listener: Listener) -> None:
    wave, _ = spoken_toys.spoken(["seven", "one"])
    found, _, _ = english.hear(listener, wave, english.words("[[S EH1 V AH2 N]] 1"))
    assert [(one.name, one.stress) for one in found.phones if one.word == 0 and one.stress] == [("EH", 1), ("AH", 2)]
    assert [one.name for one in found.phones if not one.silent] == ["S", "EH", "V", "AH", "N", "W", "AH", "N"]


def test_a_text_is_heard_as_it_is_said_and_one_that_cannot_be_said_is_named() -> None:
    assert english.words("Mr. Pike paid 3; \u201cetc.\u201d") == ["mister", "pike", "paid", "three", "et", "cetera"]
    with pytest.raises(InputError, match="has characters that English has no sound for"):
        english.words("\u6f22\u5b57")


def test_code_that_aligns_otherwise_has_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in english.CODE:
        (tmp_path / name).write_bytes(Path(english.__file__).with_name(name).read_bytes())
    monkeypatch.setattr(english, "__file__", str(tmp_path / "english.py"))
    first = english.version.__wrapped__()
    assert first == english.version()
    for name in english.CODE:
        with (tmp_path / name).open("a") as file:
            file.write("BEAM = 1e-48\n")
        other = english.version.__wrapped__()
        assert other != first
        first = other


def test_a_word_is_known_with_its_stress() -> None:
    assert english.ways("seven") == ((("S", 0), ("EH", 1), ("V", 0), ("AH", 0), ("N", 0)),)


def test_frames_are_heard_around_their_middle() -> None:
    # word 0 in frames 30 to 39 and 40 to 49, of which the first 20 are the silence put before the recording
    rows = [("SIL", -1, 0, 30, -1), ("W", 0, 30, 10, -5), ("AH", 0, 40, 10, -5), ("SIL", -1, 50, 90, -9)]
    found = english.aligned(rows, ["uh"], 1.0)  # not how it is said: stress is that of its vowel
    assert [(phone.name, phone.word) for phone in found.phones] == [("sil", -1), ("W", 0), ("AH", 0), ("sil", -1)]
    assert found.ends == pytest.approx((0.1078125, 0.2078125, 0.3078125, 1.0))


def test_pauses_in_a_row_are_one_and_those_outside_the_recording_are_none() -> None:
    rows = [
        *[("SIL", -1, 0, 18, -1), ("W", 0, 18, 10, -5), ("AH", 0, 28, 10, -5), ("SIL", -1, 38, 5, -9)],
        *[("+NSN+", -1, 43, 5, -9), ("AH", 1, 48, 50, -9), ("SIL", -1, 98, 22, -9)],
    ]
    found = english.aligned(rows, ["uh", "uh"], 0.785)
    assert [phone.name for phone in found.phones] == ["W", "AH", "sil", "AH"]
    assert found.ends == pytest.approx((0.0878125, 0.1878125, 0.2878125, 0.785))


@pytest.mark.parametrize("first, frames", [(0, 19), (150, 10)])
def test_a_word_outside_the_recording_is_named(first: int, frames: int) -> None:
    rows = [("SIL", -1, 0, first, -1), ("AH", 0, first, frames, -5)] if first else [("AH", 0, first, frames, -5)]
    with pytest.raises(SoundError, match="its word 'uh' was found outside it"):
        english.aligned([*rows, ("AH", 0, first + frames, 200, -5)], ["uh"], 1.0)


def test_quiet_recordings_are_heard_as_loud_and_the_ends_are_silent() -> None:
    wave = np.sin(np.arange(1_000)).astype(np.float32)
    loud, quiet = (np.frombuffer(english.pcm(level * wave), "<i2") for level in (1.0, 1e-4))
    assert abs(loud - quiet).max() <= 1 and 16_380 <= abs(loud).max() <= 16_384
    assert len(loud) == 1_000 + 6_400 and not loud[:3_200].any() and not loud[-3_200:].any()


def test_words_are_looked_up_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [0], [0]
    of = pronounce.alternatives

    def watched(word: str, at: int = 0) -> list[tuple[Phone, ...]]:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.002)
        inside[0] -= 1
        return of(word, at)

    def one(number: int) -> None:
        with pytest.raises(SoundError, match="too many"):
            english.hear(Listener(), np.ones(1_600, np.float32), WORDS)

    monkeypatch.setattr(pronounce, "alternatives", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(8)))
    assert most == [1]


def test_what_nobody_could_say_is_not_looked_for() -> None:
    for words, wave, said in (
        ([], np.ones(16_000, np.float32), "its text has no words"),
        (20 * ["seven"], np.ones(16_000, np.float32), "its text has 100 phones, too many for its 1.0 s"),
        (["seven"], np.zeros(16_000, np.float32), "it is silent"),
        (["seven"], np.ones(121 * 16_000, np.float32), "it lasts 121 s; cut it into sentences, of at most 120 s"),
    ):
        with pytest.raises(SoundError, match=said):
            english.hear(Listener(), wave, words)
