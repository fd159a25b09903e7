"""`evaluate --speech` from end to end: of a toy voice, with toy judges."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import phone_toys
import pytest
import soundfile
import toys

import wavenet
from wavenet import cli, pictures
from wavenet.errors import STOPS, InputError
from wavenet.evaluation import held_out, phone_recogniser, spoken, understood
from wavenet.evaluation.phone_recogniser import Spoken
from wavenet.evaluation.speech_kinds import ANOTHER, KINDS
from wavenet.evaluation.understood import Sentences
from wavenet.model import bundle
from wavenet.outputs import Floats
from wavenet.speech import Phone

WORDS = (("bob",), ("be", "bob", "bee"), ("bobby",), ("bobby", "be"), ("bob", "be", "bob"))


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> list[list[Floats]]:
    """Let toy judges listen: they take each clip for the sentence at its place, and write that down."""
    heard: list[list[Floats]] = []
    words_of: dict[int, Sequence[str]] = {}

    def named(waves: list[Floats], rate: int, words: Any, extra: Any, workers: int) -> list[int]:
        heard.append(waves)
        assert rate == 4_000 and {*words} <= {*WORDS} and extra == {}
        words_of.update((id(wave), words[at % len(words)]) for at, wave in enumerate(waves))
        return [at % len(words) for at in range(len(waves))]

    def written_down(waves: list[Floats], rate: int, workers: int) -> list[Sequence[str]]:
        heard.append(waves)
        return [words_of[id(wave)] for wave in waves]

    monkeypatch.setattr(understood, "named", named)
    monkeypatch.setattr(understood, "written_down", written_down)
    monkeypatch.setattr(phone_recogniser, "USUAL", replace(phone_recogniser.USUAL, steps=2, channels=8))
    return heard


@pytest.fixture
def data(phones_run: Path, tmp_path: Path, spoken: None) -> Path:
    pytest.importorskip("pocketsphinx")
    return phone_toys.with_texts(phones_run.parent / "sounds", tmp_path / "said")


def test_the_report_has_all_kinds_and_is_the_same_for_a_seed(
    phones_run: Path, data: Path, judges: list[list[Floats]]
) -> None:
    made = wavenet.evaluate(phones_run, data, speech=50, seed=3)
    report = made.speech
    assert report is not None and [one.kind for one in report.understood.kinds] == [*KINDS]
    shares = len(KINDS) - 1  # that have clips of their own
    assert [*map(len, judges)] == [5 * shares, *[5] * shares]
    for one in report.understood.kinds:
        wrong = one.kind == ANOTHER
        assert (one.named.right, one.named.clips) == (0 if wrong else 5, 5)
        assert one.words is not None and (one.words.rate > 0) == wrong
        assert one.by_phones is not None and one.by_phones.clips == 5
    told = json.loads(json.dumps(made.to_json()))["speech"]
    assert told["texts"] == [*phone_toys.TEXTS[:5]] and told["sentences"] == 5 and told["seed"] == 3
    assert told["guidance"] == 1.0 and told["real_time"] == pytest.approx(told["seconds"] / told["wall_seconds"])
    lines = made.to_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("5 held-out sentences, drawn with seed 3"))
    assert "guidance 1: " in lines[at] and lines[at].endswith(" x real time") and max(map(len, lines[at:])) <= 120
    again = wavenet.evaluate(phones_run, data, speech=50, seed=3, threads=1).speech
    other = wavenet.evaluate(phones_run, data, speech=50, seed=4).speech
    first, same, new = judges[:: 1 + shares]
    assert again is not None and other is not None and len(judges) == 3 * (1 + shares)
    assert all(np.array_equal(one, two) for one, two in zip(first, same, strict=True))
    assert [again.seconds, len(again.rows)] == [report.seconds, 3]
    differ = [not np.array_equal(one, two) for one, two in zip(first, new, strict=True)]
    assert differ == [False] * 10 + [True] * 20  # the recordings are the same


def test_the_command_line_prints_saves_and_draws(
    phones_run: Path,
    data: Path,
    judges: list[list[Floats]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(pictures, "surprisal_picture", lambda *all: drawn.append(all))
    out = tmp_path / "clips"
    words = ["evaluate", str(phones_run), "--data", str(data), "--speech", "--sentences", "2", "--save", str(out)]
    assert cli.main([*words, "--seed", "5", "--guidance", "1.5", "--json", "--plot", str(tmp_path / "a.png")]) == 0
    told = json.loads(capsys.readouterr().out)["speech"]
    assert (told["sentences"], told["seed"], told["guidance"]) == (2, 5, 1.5)
    names = {kind: kind.replace(" ", "-") for kind in KINDS if kind != ANOTHER}
    assert {path.name for path in out.iterdir()} == {f"0{at}-{name}.wav" for at in (0, 1) for name in names.values()}
    waves = {path.name: soundfile.read(path, dtype="float32") for path in out.iterdir()}
    for at, kind in ((0, "real"), (1, "text alone")):
        wave, rate = waves[f"0{at}-{names[kind]}.wav"]
        expected = judges[0][[*names].index(kind) * 2 + at]
        assert rate == 4_000 and np.abs(wave - np.clip(expected, -1, 1)).max() < 1e-4
    rows = drawn[0][-1]
    assert len(rows) == 2 and [title for title, _ in rows[0]] == ["high-ann-0.wav, real", "real lengths", "text alone"]
    assert [np.array_equal(wave, judges[0][at]) for (_, wave), at in zip(rows[0], (0, 6, 8), strict=True)] == [True] * 3
    assert cli.main(words) == 2
    assert "00-real.wav exists; name another file with --save or overwrite it with --force" in capsys.readouterr().err
    assert cli.main([*words, "--force"]) == 0
    shown = capsys.readouterr().out
    assert "speech" in shown and "Which of 2 sentences each clip says: 50.0 % by chance" in shown


@pytest.mark.parametrize(("at", "kept"), [("kinds_of", None), ("listener_of", (False, False)), ("write", (True, True))])
def test_a_signal_leaves_out_what_was_still_to_come(
    at: str,
    kept: tuple[bool, bool] | None,
    phones_run: Path,
    data: Path,
    judges: list[list[Floats]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = understood.written_down

    def stop(*all: Any) -> Any:
        if at == "write" and len(judges) < 3:
            return write(*all)
        raise STOPS["SIGINT"]

    monkeypatch.setattr(*((understood, "written_down") if at == "write" else (spoken, at)), stop)
    made = wavenet.evaluate(phones_run, data, speech=2)
    assert made.stopped_by == "SIGINT" and (made.speech is None) == (kept is None)
    if made.speech is not None:
        first, *_, last = made.speech.understood.kinds
        assert (first.by_phones is not None, first.words is not None) == kept and first.named.right == 2
        assert last.words is None and made.to_text().endswith("what was still to come is left out.")


def test_the_recogniser_of_phones_learns_from_what_is_not_judged(
    phones_run: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Spoken] = []
    monkeypatch.setattr(spoken.phone_recogniser_file, "trained", lambda one, cache: given.append(one))
    held = held_out.find_sound(phones_run, data)
    choice = Sentences([("bob",)], [[Phone("B"), Phone("AA"), Phone("B")]])
    clips = {name: [span.clip for span in held.corpus.spans[name]] for name in ("train", "valid", "test")}
    everything = held_out.find_sound(phones_run, data, "all")
    whole = replace(everything, spans=[span for span in everything.spans if span.clip in clips["test"]])
    for judged, trained, learned in (
        (held, None, [*clips["train"], *clips["valid"]]),
        (replace(held, split="valid"), None, clips["train"]),
        (whole, held.corpus, [*clips["train"], *clips["valid"]]),
    ):
        spoken.listener_of(judged, trained, choice)
        one = given.pop()
        assert one.sample_rate == 4_000 and [*map(len, one.waves)] == [held.corpus.sound.lengths[at] for at in learned]
        assert list(one.aligned) == [phone_toys.aligned(at, held.corpus.sound.lengths[at]) for at in learned]
    assert (
        spoken.listener_of(whole, None, choice) is None and spoken.listener_of(everything, held.corpus, choice) is None
    )
    assert spoken.listener_of(held, None, Sentences([("ah",)], [[Phone("ZH")]])) is None and given == []


# --- what is refused -------------------------------------------------------------------------------------------------


def refused(words: Sequence[object], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line of a command that ends with 2 before anything is scored."""
    assert cli.main(["evaluate", *map(str, words), "-q"]) == 2
    told = capsys.readouterr()
    lines = [line for line in told.err.splitlines() if line.startswith("error")]
    assert told.out == "" and len(lines) == 1
    return lines[0]


def test_a_voice_that_cannot_speak_is_refused(
    trained_run: Path, told_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "is told nothing but the past of its sound, so it cannot say text" in refused(
        [trained_run, "--speech"], capsys
    )
    assert "take a voice that is told phones" in refused([told_run, "--speech"], capsys)


def test_options_of_speech_alone_are_refused(phones_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--sentences goes with --speech; give both" in refused([phones_run, "--sentences", 4], capsys)
    assert "--save goes with --speech; give both" in refused([phones_run, "--save", "clips"], capsys)
    with pytest.raises(InputError, match=r"clips of speech were to go to .*clips, but none are drawn; ask for speech"):
        wavenet.evaluate(phones_run, save="clips")


def test_sound_that_says_nothing_is_refused_before_it_is_scored(
    phones_run: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wavenet.evaluation.evaluate.score", lambda *all: pytest.fail("it was scored"))
    bare = phones_run.parent / "sounds"
    assert "does not say in words what is said" in refused([phones_run, "--data", bare, "--speech"], capsys)
    one = [phones_run, "--data", data, "--speech", "--sentences", 1]
    assert "to choose from is 1, expected at least 2" in refused(one, capsys)
    table = data / "metadata.csv"
    table.write_text(table.read_text().replace(",test,", ",train,", 5))
    assert "1 held-out sentence to choose from" in refused([phones_run, "--data", data, "--speech"], capsys)


def test_a_missing_extra_and_a_voice_without_lengths_are_refused_before_it_is_scored(
    phones_run: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wavenet.evaluation.evaluate.score", lambda *all: pytest.fail("it was scored"))
    recipe = phone_toys.recipe(durations=None)
    voice = wavenet.load(phones_run)
    bundle.save(tmp_path / "voice", replace(voice, recipe=recipe, arrays=toys.arrays(recipe)))
    words = ["--data", data, "--speech"]
    assert "toy does not predict how long phones are" in refused([tmp_path / "voice", *words], capsys)
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert "pip install 'wavenet-audio[speech]'" in refused([phones_run, *words], capsys)
