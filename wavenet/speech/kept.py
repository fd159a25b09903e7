"""Alignments on disk: a line of JSON each, behind those before, so that a killed process loses what it was at.

A line that was not written whole is passed over, and its recording aligned again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wavenet import disk
from wavenet.speech.doubts import Heard
from wavenet.speech.phones import Aligned, Phone
from wavenet.text import to_json

REMEDY = "free space there or name another place with --cache DIR"

Outcome = Heard | str  # what was found, or why nothing was


def read(path: Path) -> dict[str, Outcome]:
    """Return what is kept in a file, by its key; nothing where there is no file."""
    found: dict[str, Outcome] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            values = json.loads(line)
            found[str(values["key"])] = _outcome(values)
        except (ValueError, KeyError, TypeError):  # it was cut off, or is damaged
            continue
    return found


@contextmanager
def adding(path: Path) -> Iterator[Callable[[str, Outcome], None]]:
    """Yield what keeps an outcome by its key.

    Raises:
        WavenetError: the file cannot be written.
    """
    with disk.explained(path, REMEDY), path.open("ab", buffering=0) as file:

        def add(key: str, outcome: Outcome) -> None:
            # the line end before it ends a line that a killed process left; one call, so that no other comes between
            file.write(b"\n" + to_json(_values(key, outcome)).encode() + b"\n")

        yield add


def _values(key: str, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, str):
        return {"key": key, "reason": outcome}
    return {
        "key": key,
        "phones": [[one.name, one.stress, one.word] for one in outcome.aligned.phones],
        "ends": outcome.aligned.ends,
        **{name: getattr(outcome, name) for name in ("score", "short", "loud", "faint")},
    }


def _outcome(values: dict[str, Any]) -> Outcome:
    if "reason" in values:
        return str(values["reason"])
    phones = tuple(Phone(str(name), int(stress), int(word)) for name, stress, word in values["phones"])
    measures = (float(values[name]) for name in ("score", "short", "loud", "faint"))
    return Heard(Aligned(phones, tuple(map(float, values["ends"]))), *measures)
