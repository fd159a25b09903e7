"""The parser offers every verb, says what is wrong in one line, and runs nothing."""

from __future__ import annotations

import argparse

import pytest

from wavenet import cli
from wavenet.cli.arguments import Parser, arguments_of


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_is_offered_and_calls_what_it_was_given(verb: str) -> None:
    words = verb.split() + (
        ["x"] if verb in ("train", "generate", "evaluate", "data scan", "data align", "data fetch") else []
    )
    words += {"vocode": ["x", "y.wav", "-o", "z.wav"], "say": ["x", "hello"], "export": ["x", "-o", "y"]}.get(verb, [])
    assert arguments_of(cli.VERBS).parse_args(words).run is cli.VERBS[verb]


def test_what_is_wrong_is_one_line_with_the_nearest_word(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="tool")
    parser.add_argument("--colour", choices=("red", "green"))
    for words, hint in ((["--colour", "gren"], "did you mean 'green'"), (["--color=red"], "did you mean '--colour'")):
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(words)
        told = capsys.readouterr().err
        assert ended.value.code == 2 and told.count("\n") == 1 and hint in told


@pytest.mark.parametrize("wrong", ["0", "-1", "1e9", "nan"])
def test_seconds_are_a_sensible_number(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = arguments_of(cli.VERBS)
    with pytest.raises(SystemExit):
        parser.parse_args(["bench", f"--seconds={wrong}"])
    assert "expected more than 0" in capsys.readouterr().err
    assert isinstance(parser.parse_args(["bench", "--seconds", "2.5"]), argparse.Namespace)


@pytest.mark.parametrize("wrong", ["+-5", "--5", "²", "9" * 5000, "x" * 5000, "a\nb", ""])
def test_a_count_that_is_none_is_one_short_line(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = arguments_of(cli.VERBS)
    for option in ("--samples", "--seed", "--backend"):
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(["generate", "x", f"{option}={wrong}"])
        told = capsys.readouterr().err
        assert ended.value.code == 2 and told.count("\n") == 1 and len(told) < 700
        assert option != "--samples" or "expected a whole number of at least 1" in told
    assert parser.parse_args(["generate", "x", "--samples", " +3 "]).samples == 3
