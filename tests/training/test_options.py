"""Every option of training is a named, typed keyword, reaches what trains, and is checked before anything is done."""

from __future__ import annotations

import inspect

import pytest

import wavenet
from wavenet.errors import InputError
from wavenet.training import train
from wavenet.training.options import Options


def test_every_keyword_is_named_typed_and_reaches_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {name: object() for name in Options.__dataclass_fields__ if name != "precision"}
    monkeypatch.setattr(train, "_begin", lambda recipe, data, overrides, chosen: chosen)
    chosen = vars(wavenet.train("toy", **given, precision=32))  # type: ignore[arg-type]
    assert chosen == {**given, "precision": "32"}
    keywords = [one for one in inspect.signature(wavenet.train).parameters.values() if one.kind is one.KEYWORD_ONLY]
    assert {one.name for one in keywords} == set(chosen) and all(one.annotation is not one.empty for one in keywords)
    assert {one.name: one.default for one in keywords} == vars(Options())
    with pytest.raises(TypeError, match="max_step"):
        wavenet.train("toy", max_step=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"device": "cdua"}, r"device is 'cdua', expected one of auto, cpu, cuda \(did you mean 'cuda'\?\)"),
        ({"precision": "16"}, "precision is '16', expected one of 32, bf16"),
        ({"devices": 0}, "devices is 0, expected at least 1"),
        ({"resume": True, "force": True}, "--resume goes on with a run and --force removes it"),
    ],
)
def test_a_choice_that_there_is_none_of_is_one_sentence(choice: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Options(**choice).check()  # type: ignore[arg-type]
    Options().check()
