"""Each kind of evaluation is one entry, done in order where it is asked for, and refused before any work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import wavenet
from wavenet.errors import InputError
from wavenet.evaluation import beside as module
from wavenet.evaluation.beside import KINDS, Subject, Wanted, beside
from wavenet.evaluation.report import Evaluation

RECIPE: Any = type("Recipe", (), {"shape": "shape"})
VOICE: Any = type("Voice", (), {"recipe": RECIPE, "arrays": "arrays"})


def subject(voice: Any = VOICE, condition: Any = "told") -> Subject:
    span: Any = type("Span", (), {"clip": 7})
    held: Any = type("HeldOut", (), {"corpus": type("Corpus", (), {"sound": "sound", "spans": {}}), "spans": (span,)})
    return Subject(voice, held, None, condition, lambda told: told)  # type: ignore[arg-type, return-value]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Let each kind say what it was given, and yield two parts."""
    given: list[tuple[str, Any]] = []

    def some(name: str) -> Any:
        return lambda *all: given.append((name, all)) or iter([f"{name} 1", f"{name} 2"])

    monkeypatch.setattr(module, "pack", lambda shape, arrays: (shape, arrays))
    monkeypatch.setattr(module, "predictions", lambda *all: given.append(("predictions", all)) or "errors")
    monkeypatch.setattr(module, "examine", lambda *all: given.append(("generated", all)) or "clips")
    monkeypatch.setattr(module, "compare", some("conditions"))
    monkeypatch.setattr(module, "judged", some("speech"))
    return given


def test_kinds_are_done_in_order_and_only_where_they_are_asked_for(asked: list[tuple[str, Any]]) -> None:
    assert [*beside(subject(), Wanted())] == [{"predictions": "errors"}]  # takes no time worth asking for
    assert asked == [("predictions", (("shape", "arrays"), RECIPE, "told", [], [7]))]
    how = Wanted(2, True, 9, Path("clips"), True, 5, 3, 4, Path("cache"))
    parts = [*beside(subject(), how)]
    assert parts == [
        {"predictions": "errors"},
        {"generated": "clips"},
        *({name: f"{name} {n}"} for name in ("conditions", "speech") for n in (1, 2)),
    ]
    assert set(KINDS) == {name for part in parts for name in part} <= set(vars(Evaluation)["__dataclass_fields__"])
    given = dict(asked)
    assert given["generated"][-3:] == (2, 5, "told")
    assert vars(given["conditions"][-1]) == {"clips": 2, "seed": 5, "workers": 3, "threads": 4, "cache": Path("cache")}
    speaking = {"sentences": 9, "folder": Path("clips"), "force": True, "seed": 5, "workers": 3, "threads": 4}
    assert vars(given["speech"][-1]) == speaking | {"cache": Path("cache")}
    assert [*beside(subject(condition=None), Wanted(conditions=True, speech=4))] == []


def test_what_cannot_be_said_is_refused_before_clips_are_drawn(
    asked: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*all: Any) -> None:
        raise InputError("no text")

    monkeypatch.setattr(module, "judged", refuse)
    with pytest.raises(InputError, match="no text"):
        beside(subject(), Wanted(sound=3, speech=4))
    assert asked == []


@pytest.mark.parametrize(
    ("how", "draws"),
    [(Wanted(), False), (Wanted(sound=1), True), (Wanted(conditions=True), True), (Wanted(speech=2), True)],
)
def test_what_draws_sound_is_known(how: Wanted, draws: bool) -> None:
    assert how.draws == draws


def test_a_voice_is_asked_whether_it_can(trained_run: Path) -> None:
    voice = wavenet.load(trained_run)
    Wanted(sound=2).check(voice)
    for how, words in ((Wanted(conditions=True), "leave conditions out"), (Wanted(speech=2), "cannot say text")):
        with pytest.raises(InputError, match=words):
            how.check(voice)
    with pytest.raises(InputError, match="ask for speech too"):
        Wanted(folder=Path("clips")).check(voice)
