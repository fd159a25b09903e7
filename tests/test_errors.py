"""Held: every error has its exit code, signals that stop are known, and near misses are guessed."""

from __future__ import annotations

import inspect
import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavenet import errors
from wavenet.errors import did_you_mean

EXIT_CODES = {
    "WavenetError": 1,
    "DivergenceError": 1,
    "VerificationError": 1,
    "FetchError": 1,
    "InputError": 2,
    "RecipeError": 2,
    "SoundError": 2,
    "BundleError": 2,
    "Terminated": 143,
    "HungUp": 129,
}
WORDS = ["residual_channels", "gate_channels", "skip_channels", "learning_rate", "batch_size", "dilations", "kernel"]


def test_every_class_has_its_exit_code() -> None:
    kinds = dict(inspect.getmembers(errors, lambda one: inspect.isclass(one) and issubclass(one, BaseException)))
    assert {name: kind.exit_code for name, kind in kinds.items()} == EXIT_CODES


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN])
def test_signals_that_stop_are_known_by_name_and_one_ignored_under_nohup_is_none(handler: signal.Handlers) -> None:
    assert [kind.signal for kind in (errors.Terminated, errors.HungUp)] == ["SIGTERM", "SIGHUP"]
    assert all(errors.STOPS[kind.signal] is kind for kind in (errors.Terminated, errors.HungUp))
    before = signal.signal(signal.SIGHUP, handler)
    try:
        heeded = [number.name for number in errors.stop_signals()]
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heeded == ["SIGINT", "SIGTERM", *(["SIGHUP"] if handler == signal.SIG_DFL else [])]


def test_being_terminated_is_no_ordinary_exception() -> None:
    assert not issubclass(errors.Terminated, Exception)
    assert issubclass(errors.WavenetError, Exception)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(WORDS), st.data())
def test_one_slip_of_the_finger_is_guessed(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    kind = data.draw(st.sampled_from(["dropped", "doubled", "replaced"]))
    slipped = {
        "dropped": word[:at] + word[at + 1 :],
        "doubled": word[: at + 1] + word[at:],
        "replaced": word[:at] + "q" + word[at + 1 :],
    }[kind]
    assert did_you_mean(slipped, WORDS) == f" (did you mean {word!r}?)"


def test_a_word_in_another_case_is_guessed() -> None:
    assert did_you_mean("DILATIONS", WORDS) == " (did you mean 'dilations'?)"
    assert did_you_mean("piano", ["Piano"]) == " (did you mean 'Piano'?)"


@pytest.mark.parametrize("word", ["", "zzz", "audio", "x" * 200])
def test_a_far_word_is_not_guessed(word: str) -> None:
    assert did_you_mean(word, WORDS) == ""
    assert did_you_mean(word, []) == ""


def test_known_words_need_not_be_text() -> None:
    assert did_you_mean("1024", (1023, 7)) == " (did you mean '1023'?)"
