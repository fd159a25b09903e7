"""How far predicted lengths of phones are off in held-out sentences, beside the average of each phone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wavenet.features.phones import UNIT_SECONDS, Phones
from wavenet.generate.condition import answers
from wavenet.generate.lengths import mean
from wavenet.generate.packed import Packed
from wavenet.outputs import Codes, none_around
from wavenet.text import many

SENTENCES = 500  # held-out ones at most


@dataclass(frozen=True)
class LengthErrors:
    """What is scored of lengths of phones; pauses at the ends of a sentence are not."""

    phones: int
    rmse_ms: float  # root of the mean square of what predicted lengths are off
    average_rmse_ms: float  # where each phone is said to be as long as it is on average in training

    def __str__(self) -> str:
        ours = f"lengths of {many(self.phones, 'held-out phone')} are off by {self.rmse_ms:.1f} ms (RMSE)"
        beaten = "" if self.rmse_ms < self.average_rmse_ms else ", which is no worse"
        return f"{ours}, the average of each phone by {self.average_rmse_ms:.1f} ms{beaten}"


def length_errors(
    packed: Packed, spoken: Phones, fields: Codes, trained: Sequence[int], held: Sequence[int]
) -> LengthErrors | None:
    """Return how far predicted lengths are off; None where there is nothing to compare.

    Args:
        packed: the network, which predicts lengths.
        spoken: what is said in all sounds.
        fields: [sounds, n] int64.
        trained: sounds that averages are taken of.
        held: sounds that are scored, at most `SENTENCES` of them, evenly spread.
    """
    shape = packed.shape.condition
    assert shape is not None
    assert shape.durations is not None
    known: dict[str, list[float]] = defaultdict(list)
    for sound in trained:
        for name, seconds in _said(spoken, sound):
            if seconds is not None:
                known[name].append(seconds)
    chosen = [held[i * len(held) // min(len(held), SENTENCES)] for i in range(min(len(held), SENTENCES))]
    reach, squares = shape.durations.encoder.reach, []
    overall = [seconds for one in known.values() for seconds in one]
    for sound in chosen:
        rows = none_around(spoken.columns(sound), reach, reach)
        made = mean(answers(packed, shape.durations, rows[None], fields[[sound]])[0]).tolist()
        for (name, seconds), ours in zip(_said(spoken, sound), made, strict=True):
            if seconds is not None and overall:
                average = float(np.mean(known.get(name, overall)))
                squares.append(((ours - seconds) ** 2, (average - seconds) ** 2))
    if not squares:
        return None
    ours, average = (1000 * np.sqrt(np.mean(squares, axis=0))).tolist()
    return LengthErrors(len(squares), ours, average)


def _said(spoken: Phones, sound: int) -> list[tuple[str, float | None]]:
    """Return the phones of a sound by name, with their lengths in seconds; None where they are left to chance."""
    said = spoken.sentences[sound]
    assert said is not None
    logs, learned = spoken.log_lengths(sound)
    seconds = UNIT_SECONDS * np.exp(logs.astype(np.float64))
    return [
        (phone.name, float(one) if counts else None)
        for phone, one, counts in zip(said.phones, seconds, learned.tolist(), strict=True)
    ]
