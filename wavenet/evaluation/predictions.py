"""What a voice's small networks predict of held-out sounds, beside averages: lengths of phones, mels and pitches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wavenet.evaluation.phone_lengths import LengthErrors, length_errors
from wavenet.evaluation.predicted_tracks import TrackErrors, track_errors
from wavenet.features.phones import Phones
from wavenet.generate.packed import Packed
from wavenet.outputs import Condition
from wavenet.recipe.records import Recipe
from wavenet.text import plain


@dataclass(frozen=True)
class Predictions:
    """How far predictions are off; None where the network makes no such ones, or there is nothing to compare."""

    lengths: LengthErrors | None = None
    tracks: TrackErrors | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values of those that there are."""
        return {name: plain(one) for name, one in vars(self).items() if one is not None}

    def to_text(self) -> list[str]:
        """Return a line for each that there is."""
        return [str(one) for one in vars(self).values() if one is not None]


def predictions(
    packed: Packed, recipe: Recipe, condition: Condition | None, trained: Sequence[int], held: Sequence[int]
) -> Predictions:
    """Return how far what a network predicts is off.

    Args:
        packed: the network.
        recipe: its own.
        condition: what all sounds are told; None where it is told nothing.
        trained: sounds that averages are taken of; none where they are not here.
        held: sounds that are scored.
    """
    if condition is None or recipe.condition is None:
        return Predictions()
    lengths, said = None, condition.sentences
    if condition.shape.durations is not None and isinstance(said, Phones):
        lengths = length_errors(packed, said, condition.fields, trained, held)
    return Predictions(lengths, track_errors(packed, recipe.condition, condition, trained, held))
