"""What judges hear is counted for each kind of clips, against plain counts; text and JSON have the numbers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import numpy as np
import pytest

from wavenet.errors import InputError
from wavenet.evaluation import understood as module
from wavenet.evaluation.intervals import wilson
from wavenet.evaluation.phone_recogniser import PhoneRecogniser
from wavenet.evaluation.understood import Clips, Sentences, Understood, ever_more, understood
from wavenet.evaluation.words import edits
from wavenet.speech import Phone
from wavenet.text import to_json

RATE = 8_000
WORDS = [("Open", "the", "door"), ("close", "it"), ("who", "is", "there"), ("stop",)]
SENTENCES = Sentences(WORDS, [[Phone("AA", word=number)] for number in range(4)], {"door": ("D", "AO", "R")})
NOBODY = 9  # a wave of this value is taken for none


def waves(numbers: Sequence[int]) -> list[np.ndarray]:
    """Return waves that are taken for these sentences."""
    return [np.full(5, number, np.float32) for number in numbers]


def heard(wave: np.ndarray) -> int | None:
    return None if wave[0] == NOBODY else int(wave[0])


class Phones(PhoneRecogniser):
    """Takes each wave for the sentence after the one it says."""

    def said(self, waves, sentences):  # type: ignore[no-untyped-def]
        assert sentences == SENTENCES.phones
        return [None if heard(wave) is None else (heard(wave) + 1) % 4 for wave in waves]  # type: ignore[operator]


@pytest.fixture(autouse=True)
def toy_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(clips, rate, sentences, extra, workers):  # type: ignore[no-untyped-def]
        assert (rate, sentences, extra, workers) == (RATE, WORDS, {"door": ("D", "AO", "R")}, 2)
        return [heard(clip) for clip in clips]

    def written_down(clips, rate, workers):  # type: ignore[no-untyped-def]
        assert (rate, workers) == (RATE, 2)
        return [[] if heard(clip) is None else ["the", *map(str.lower, WORDS[heard(clip)])] for clip in clips]  # type: ignore[index]

    monkeypatch.setattr(module, "named", named)
    monkeypatch.setattr(module, "written_down", written_down)


def kinds() -> dict[str, Clips]:
    rng = np.random.default_rng(0)
    asked = rng.integers(4, size=60).tolist()
    half = [one if number % 2 else (one + 1) % 4 for number, one in enumerate(asked)]
    noise = [NOBODY] * 20
    return {
        "real": Clips(waves(asked), asked),
        "copies": Clips(waves([*asked[:58], 9, 9]), asked),
        "spoken": Clips(waves(half), asked),
        "noise": Clips(waves(noise), asked[:20]),
    }


def judged(**settings: object) -> Understood:
    return understood(kinds(), RATE, SENTENCES, workers=2, **settings)  # type: ignore[arg-type]


def test_each_kind_is_counted_on_its_own() -> None:
    made = judged(phones=Phones(("AA",), RATE, {}))
    assert [(one.kind, one.named.right, one.named.clips) for one in made.kinds] == [
        *(("real", 60, 60), ("copies", 58, 60), ("spoken", 30, 60), ("noise", 0, 20))
    ]
    for one, clips in zip(made.kinds, kinds().values(), strict=True):
        said = [[word.lower() for word in WORDS[number]] for number in clips.asked]
        wrote = [[] if heard(w) is None else ["the", *map(str.lower, WORDS[heard(w)])] for w in clips.waves]  # type: ignore[index]
        assert one.words is not None and one.words.total.errors == sum(
            edits(a, b).errors for a, b in zip(said, wrote, strict=True)
        )
        after = [
            heard(w) is not None and (heard(w) + 1) % 4 == a for w, a in zip(clips.waves, clips.asked, strict=True)
        ]  # type: ignore[operator]
        assert one.by_phones is not None and one.by_phones.right == sum(after)
    assert made.chance == 0.25 and made.kinds[3].words.rate == 1.0  # type: ignore[union-attr]


def test_words_are_written_down_kind_by_kind_and_a_shared_wave_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heard_so_far: list[int] = []
    named, written_down = module.named, module.written_down
    monkeypatch.setattr(module, "named", lambda clips, *rest: heard_so_far.append(len(clips)) or named(clips, *rest))
    monkeypatch.setattr(
        module, "written_down", lambda clips, *rest: heard_so_far.append(len(clips)) or written_down(clips, *rest)
    )
    own = waves([0, 1, 2])
    clips = {
        "real": Clips(own, [0, 1, 2]),
        "next": Clips([*own[1:], own[0]], [0, 1, 2]),
        "noise": Clips(waves([9]), [0]),
    }
    parts = [*ever_more(clips, RATE, SENTENCES, lambda: Phones(("AA",), RATE, {}), workers=2)]
    assert heard_so_far == [4, 3, 1]
    assert [one.kinds[0].by_phones is not None for one in parts] == [False, True, True, True, True]
    written = [[kind.words is not None for kind in one.kinds] for one in parts]
    assert written == [[False] * 3, [False] * 3, [True, True, False], [True, True, False], [True] * 3]
    assert [kind.named.right for kind in parts[0].kinds] == [3, 0, 0]
    rates = [kind.words.total.errors for kind in parts[-1].kinds if kind.words is not None]
    assert rates == [sum(edits(lower(one), ["the", *lower(one)]).errors for one in WORDS[:3]), rates[1], 3]
    assert rates[1] > rates[0] and "next" in parts[2].to_text()[4]


def lower(words: Sequence[str]) -> list[str]:
    return [word.lower() for word in words]


def test_the_conclusion_tells_chance_less_and_as_often() -> None:
    made = judged()
    assert made.conclusions == [
        "Named no more often than by chance: noise.",
        "Named less often than real: spoken.",
        "Named as often as real, as far as so many clips can tell: copies.",
    ]
    assert made.to_text()[-3:] == made.conclusions and made.to_json()["conclusion"] == " ".join(made.conclusions)
    alone = understood({"real": kinds()["real"]}, RATE, SENTENCES, workers=2)
    assert alone.conclusions == [] and alone.to_text()[-1].startswith("real")


def test_text_and_json_have_the_numbers() -> None:
    made = judged(phones=Phones(("AA",), RATE, {}))
    lines = made.to_text()
    assert lines[0] == "Which of 4 sentences each clip says: 25.0 % by chance" and max(map(len, lines)) <= 100
    copies, own = lines[4], made.kinds[1]
    low, high = wilson(58, 60)
    assert copies.startswith("copies") and "96.7 %" in copies and f"{100 * low:.1f} to {100 * high:.1f} %" in copies
    assert own.words is not None and f"{100 * own.words.rate:.1f} %" in copies and str(own.words.interval) in copies
    told = json.loads(to_json(made.to_json()))
    assert told["kinds"][1]["named"]["share"] == pytest.approx(58 / 60) and told["kinds"][1]["kind"] == "copies"
    assert told["kinds"][3]["words"]["rate"] == 1.0 and told["kinds"][0]["by_phones"]["right"] == 0
    fewer = judged(write=False)
    assert "words wrong" in lines[2] and "by phones" in lines[2]
    assert fewer.to_text()[2].split() == "speech clips named 95 % interval".split()  # noqa: SIM905
    assert json.loads(to_json(fewer.to_json()))["kinds"][0]["words"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kinds": {}}, "no clips were given"),
        ({"kinds": {"real": Clips(waves([0, 1]), [0])}}, "real: got 1 number of sentences for 2 clips"),
        ({"kinds": {"real": Clips([], [])}}, "at least one"),
        ({"kinds": {"real": Clips(waves([0]), [4])}}, "should say sentence 4, expected 0 to 3"),
        ({"sentences": dataclasses.replace(SENTENCES, phones=[])}, "words of 4 sentences and phones of 0"),
        ({"phones": Phones(("AA",), 16_000, {})}, "hears 16,000 Hz, the clips have 8,000 Hz"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], words: str) -> None:
    usual: dict[str, object] = {"kinds": kinds(), "rate": RATE, "sentences": SENTENCES, "workers": 2}
    with pytest.raises(InputError, match=words):
        understood(**{**usual, **change})  # type: ignore[arg-type]
