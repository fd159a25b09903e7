"""What can go wrong, and the exit code of each: every message is one sentence: what, got, expected, what to do."""

from __future__ import annotations

import difflib
import signal
from collections.abc import Iterable


class WavenetError(Exception):
    """Something failed while running (exit 1)."""

    exit_code = 1


class DivergenceError(WavenetError):
    """Training met too many non-finite losses or gradients in a row, or a network gives no finite likelihood."""


class VerificationError(WavenetError):
    """The sampler and the training graph give different log-probabilities."""


class FetchError(WavenetError):
    """A data set could not be downloaded, or what was downloaded is not what was published."""


class InputError(WavenetError):
    """What the user gave cannot be used (exit 2)."""

    exit_code = 2


class RecipeError(InputError):
    """A recipe, an override or a LAYERS.yaml is wrong."""


class SoundError(InputError):
    """A sound file, or a folder of sound, cannot be used."""


class BundleError(InputError):
    """A bundle or a checkpoint cannot be read."""


class Terminated(BaseException):
    """SIGTERM arrived; raised in the main thread so that clean-up runs, like ``KeyboardInterrupt``."""

    exit_code, signal, word = 143, "SIGTERM", "terminated"


class HungUp(Terminated):
    """SIGHUP arrived: the terminal was closed, or the connection to it broke."""

    exit_code, signal, word = 129, "SIGHUP", "hung up"


STOPS: dict[str, type[BaseException]] = {"SIGINT": KeyboardInterrupt, "SIGTERM": Terminated, "SIGHUP": HungUp}


def stop_signals() -> list[signal.Signals]:
    """Return the signals that end the program, all of STOPS that this system has; `nohup` has SIGHUP ignored."""
    found = [getattr(signal, name) for name in STOPS if hasattr(signal, name)]
    return [number for number in found if number.name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'x'?)"`` for the closest known word, or an empty string."""
    close = close_words(word, known, 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def close_words(word: str, known: Iterable[str], most: int) -> list[str]:
    """Return the known words that are close to one, whatever their case, the closest first."""
    folded = {str(name).casefold(): str(name) for name in known}
    return [folded[name] for name in difflib.get_close_matches(word.casefold(), folded, n=most, cutoff=0.6)]
