"""The model card of a bundle, CARD.md: what its config knows is written, what only people know is marked."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from wavenet import disk
from wavenet.errors import InputError
from wavenet.sharing.about import BASELINES, About
from wavenet.text import clock, joined, lasting, many, one_line, printable

SECTIONS = (
    "Data",
    "Licence and attribution",
    "Training",
    "Bits per sample",
    "What judges heard",
    "Speed",
    "Known faults",
    "Intended use",
)
OPEN = "TO BE FILLED IN:"  # marks what only people know
MOST_BYTES = 1 << 20


def read(path: Path) -> str | None:
    """Return a card as lines that any terminal can show; None where there is none.

    Raises:
        InputError: it cannot be read.
    """
    if not path.is_file():
        return None
    try:
        text = disk.read_at_most(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({one_line(error, 200)}); mend it, or remove it") from None
    return "\n".join(printable(line) for line in text.splitlines())


def sections(text: str) -> dict[str, str]:
    """Return the text of each section of a card, by its heading."""
    parts = ("\n" + text).split("\n## ")[1:]
    return {name.strip(): body.strip() for name, _, body in (part.partition("\n") for part in parts)}


def skeleton(about: About, environment: Mapping[str, Any] | None = None) -> str:
    """Return a card with what is known of a bundle, and marks where something is to be filled in.

    Args:
        about: the bundle.
        environment: of its run, as that keeps it in environment.json.
    """
    bodies = {
        "Data": f"{_data(about)}\n\n{OPEN} what was recorded, by whom, and where it can be had.",
        "Licence and attribution": f"The recordings: {about.licence}.\n\n"
        f"{OPEN} the licence of these weights, whom to name, and how.",
        "Training": _training(about, environment or {}),
        "Bits per sample": f"{score_table(about)}\n\n{OPEN} the bits of the test split (`wavenet evaluate`).",
        "What judges heard": f"{OPEN} words, speakers, pitch and copies (`wavenet evaluate --conditions`, `--sound`, "
        "`--speech`), with intervals.",
        "Speed": f"{OPEN} times real time on one core, and of which machine (`wavenet bench`).",
        "Known faults": f"{OPEN} what is wrong with how it sounds.",
        "Intended use": f"{OPEN} what it is good for, and what not; where it is the voice of a real person, that what "
        "it says is to be called synthetic.",
    }
    parts = [f"# {about.name}", _introduction(about), *(f"## {name}\n\n{bodies[name]}" for name in SECTIONS)]
    return "\n\n".join(parts) + "\n"


def score_table(about: About) -> str:
    """Return the table of what held-out sound cost at the end of training; a mark where that is not known."""
    if about.score is None:
        return f"{OPEN} bits of held-out sound: this bundle does not know its own."
    head = ["split", "bits/sample", "95 % interval", *BASELINES.values()]
    table = "\n".join((_line(head), _line(["---"] * len(head)), _line(about.score.cells())))
    return f"{table}\n\nAs measured at the end of training, with weights in float32."


def other_score(text: str, about: About) -> str | None:
    """Return the line of bits that a card should have and has not; None where it has it, or there is none."""
    line = None if about.score is None else _line(about.score.cells())
    return line if line is not None and line not in text.splitlines() else None


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _introduction(about: About) -> str:
    shape, rate = about.recipe.shape, about.recipe.audio.sample_rate
    told = f"It is told {joined(about.told)}." if about.told else "It is told nothing."
    size = f"{many(shape.parameters(), 'parameter')} in {about.storage}"
    return f"A voice for `wavenet`: {rate:,} Hz, {size}, a field of {lasting(shape.receptive_field, rate)}. {told}"


def _data(about: About) -> str:
    minutes = f"{OPEN} minutes" if about.minutes is None else f"{about.minutes:,.1f} minutes"
    files = joined([f"{many(count, 'file')} for {_SPLITS.get(name, name)}" for name, count in about.files.items()])
    return f"{minutes} of sound were kept{f': {files}' if files else ''}."


_SPLITS = {"train": "training", "valid": "validation", "test": "testing"}


def _training(about: About, environment: Mapping[str, Any]) -> str:
    steps = f"{OPEN} steps" if about.steps is None else many(about.steps, "step")
    took = f"{OPEN} hours" if about.seconds is None else clock(about.seconds)
    threads = environment.get("threads")
    many_threads = f", {many(threads, 'thread')}" if type(threads) is int else ""
    where = "" if about.device is None else f" on {about.device}{many_threads}"
    version = "" if about.version is None else f" with wavenet {about.version}"
    command = _command(environment.get("argv"))
    return (
        f"{steps}, {took}{where}{version}.\n\n"
        f"{f'    {command}' if command else f'{OPEN} the command.'}\n\n{OPEN} the commit and the machine."
    )


def _command(argv: Any) -> str | None:
    """Return the command of a run without the folders of its machine; None where it is not known."""
    if not isinstance(argv, list) or len(argv) < 2:
        return None
    words = [printable(str(word)) for word in argv[1:]]
    return shlex.join(["wavenet", *(PurePath(word).name if word.startswith(("/", "~")) else word for word in words)])


def environment_of(run: Path) -> Mapping[str, Any]:
    """Return what a run keeps of where it was trained; nothing where there is none, or it is damaged."""
    try:
        found = json.loads(disk.read_at_most(run / "environment.json", MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
